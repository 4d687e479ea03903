"""A semantic space for titles, abstracts, keywords and venues: text in, unit vectors out.

Two titles of one person often share no word ("Predicting defects using network analysis" and
"Mining software revision histories"), so lexical overlap says nothing about them. The space
shipped here gives every word a vector whose *length* is how much the word counts and whose
*direction* is what it is about; a text is the normalised sum over its words. The vectors are
learned from unlabelled text so that this sum reproduces the sentence embedding a transformer
gives the whole title (``labeled/semantic_training.py`` is how the file was made). Using it
needs one sparse product and no neural network.

The idea of averaging word vectors down-weighted by frequency is from Arora, Liang and Ma,
"A simple but tough-to-beat baseline for sentence embeddings" (ICLR 2017); learning the vectors
from a transformer's embeddings is distillation (Hinton, Vinyals and Dean, 2015).
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from anyascii import anyascii

from disambig.errors import ModelError

FORMAT = 1
MAX_CHARS = 20_000  # of one text; a longer one is cut, so hostile input cannot stall a run
_WORD = re.compile(r"[a-z0-9]+")
_VENUE_NOISE = re.compile(r"[^a-z]+")
_ORDINAL = re.compile(r"\b\d+(?:st|nd|rd|th)\b")
_SUFFIXES = (("ies", "y"), ("es", "e"), ("es", ""), ("s", ""), ("ed", ""), ("ing", ""), ("ly", ""))

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


def words_of(text: str) -> list[str]:
    """The words of ``text`` in order: lower-cased, folded to ASCII, runs of letters and digits.

    Only the first :data:`MAX_CHARS` characters are read.
    """
    text = text[:MAX_CHARS]
    return _WORD.findall((text if text.isascii() else anyascii(text)).lower())


def venue_key(venue: str) -> str:
    """A venue's name without years, ordinals, punctuation and case.

    >>> venue_key("Proc. of the 12th ICML, 1995")
    'proc of the icml'
    """
    text = anyascii(venue[:MAX_CHARS]).lower()
    return _VENUE_NOISE.sub(" ", _ORDINAL.sub(" ", text)).strip()


def unit_rows(rows: Floats) -> Floats:
    """``rows`` (n, d) scaled to length one; rows of length zero become NaN (nothing known)."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    length[length == 0] = np.nan
    scaled: Floats = (rows / length).astype(np.float32)
    return scaled


@dataclass(frozen=True, eq=False)
class SemanticSpace:
    """Word and venue vectors of one semantic space.

    Attributes:
        words: word to row of ``word_vectors``.
        word_vectors: float32 (words, d); a row's length is the word's weight.
        venues: venue key (see :func:`venue_key`) to row of ``venue_rows``.
        venue_rows: float32 (venues, d), unit rows: the mean direction of a venue's works.
        about: how the space was made: sources, licence, counts, versions.
    """

    words: Mapping[str, int]
    word_vectors: Floats
    venues: Mapping[str, int]
    venue_rows: Floats
    about: Mapping[str, object]

    @classmethod
    def load(cls, path: Path | None = None) -> SemanticSpace:
        """Read a space; without ``path`` the one shipped in the package.

        Raises:
            ModelError: the file is missing, damaged, or of another format version.
        """
        source = path if path is not None else files("disambig") / "data" / "semantic.npz"
        try:
            with source.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                return _from_arrays({name: arrays[name] for name in arrays.files})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as problem:
            raise ModelError(
                f"{source}: not a semantic space ({problem}); reinstall the package, or make one"
                " with labeled.semantic_training"
            ) from problem

    @property
    def dimension(self) -> int:
        """d, the number of coordinates of every vector."""
        return int(self.word_vectors.shape[1])

    def token_ids(self, text: str) -> Ints:
        """Rows of ``word_vectors`` for the known words of ``text``, in order, int32.

        A word that is not known is tried without its inflection ("-ies", "-s", "-ing" ...);
        if that is not known either it is left out.
        """
        return np.array(self._ids(text), dtype=np.int32)

    def bags(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Bags of words, float32 (n, words): a word seen k times in a text counts 1 + log k."""
        columns: list[int] = []
        starts = np.zeros(len(texts) + 1, dtype=np.int64)
        for row, text in enumerate(texts):
            columns += self._ids(text)
            starts[row + 1] = len(columns)
        counts = sp.csr_matrix(
            (np.ones(len(columns), np.float32), np.array(columns, np.int32), starts),
            shape=(len(texts), len(self.word_vectors)),
        )
        counts.sum_duplicates()
        counts.data = (1 + np.log(counts.data)).astype(np.float32)
        return counts

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Unit vectors of ``texts``, float32 (n, d); all NaN where no word is known.

        The cosine of two texts is the dot product of their rows. A work's text is its title,
        or its title, abstract and keywords joined by spaces.
        """
        return unit_rows(np.asarray(self.bags(texts) @ self.word_vectors, dtype=np.float32))

    def venue_vectors(self, venues: Sequence[str | None]) -> Floats:
        """Unit vectors of venues by name, float32 (n, d); all NaN where nothing is known.

        A known venue is where the mean of its works lies. Another one is read as a text if it
        has three known words or more ("International Workshop on Petri Nets"): an unknown
        acronym is no evidence.
        """
        keys = [venue_key(venue) if venue else "" for venue in venues]
        rows = np.array([self.venues.get(key, -1) for key in keys], dtype=np.int64)
        out = np.full((len(keys), self.dimension), np.nan, dtype=np.float32)
        out[rows >= 0] = self.venue_rows[rows[rows >= 0]]
        named = [i for i in np.flatnonzero(rows < 0) if len(self._ids(keys[i])) >= 3]
        if named:
            out[named] = self.vectors([keys[i] for i in named])
        return out

    def _ids(self, text: str) -> list[int]:
        known = self.words
        ids = [known.get(word, -1) for word in words_of(text)]
        if -1 in ids:
            ids = [i if i >= 0 else self._fold(w) for i, w in zip(ids, words_of(text), strict=True)]
            ids = [i for i in ids if i >= 0]
        return ids

    def _fold(self, word: str) -> int:
        """The id of an unknown ``word`` without its inflection, or -1."""
        stems = (word[: -len(end)] + new for end, new in _SUFFIXES if word.endswith(end))
        return next((self.words[s] for s in stems if len(s) > 3 and s in self.words), -1)


def save(space: SemanticSpace, path: Path) -> None:
    """Write ``space`` as int8 rows with one scale each; nothing in the file can execute code."""
    words, word_scales = _quantise(space.word_vectors)
    venues, venue_scales = _quantise(space.venue_rows)
    np.savez_compressed(
        path,
        format=np.int32(FORMAT),
        words=_pack("\n".join(space.words)),
        word_rows=words,
        word_scales=word_scales,
        venues=_pack("\n".join(space.venues)),
        venue_rows=venues,
        venue_scales=venue_scales,
        about=_pack(json.dumps(dict(space.about), sort_keys=True)),
    )


def _quantise(rows: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    scales = np.maximum(np.abs(rows).max(axis=1, initial=0), 1e-12).astype(np.float32) / 127
    return np.round(rows / scales[:, None]).astype(np.int8), scales


def _pack(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode("utf-8"), dtype=np.uint8)


def _from_arrays(arrays: Mapping[str, npt.NDArray[np.generic]]) -> SemanticSpace:
    """Build a space from the arrays of a file; ValueError or KeyError if they do not fit."""
    if int(arrays["format"]) != FORMAT:
        raise ValueError(f"format {int(arrays['format'])}, this version reads {FORMAT}")
    words = _index(arrays["words"])
    venues = _index(arrays["venues"])
    word_vectors = _dequantise(arrays["word_rows"], arrays["word_scales"], len(words))
    venue_rows = _dequantise(arrays["venue_rows"], arrays["venue_scales"], len(venues))
    if word_vectors.shape[1] != venue_rows.shape[1]:
        raise ValueError("words and venues have different dimensions")
    about = json.loads(arrays["about"].tobytes().decode("utf-8"))
    return SemanticSpace(words, word_vectors, venues, unit_rows(venue_rows), about)


def _index(packed: npt.NDArray[np.generic]) -> dict[str, int]:
    names = packed.tobytes().decode("utf-8").split("\n") if packed.size else []
    index = {name: row for row, name in enumerate(names)}
    if len(index) != len(names):
        raise ValueError("a name is listed twice")
    return index


def _dequantise(
    rows: npt.NDArray[np.generic], scales: npt.NDArray[np.generic], count: int
) -> Floats:
    if rows.dtype != np.int8 or rows.ndim != 2 or len(rows) != count or scales.shape != (count,):
        raise ValueError("arrays do not fit together")
    return rows.astype(np.float32) * scales.astype(np.float32)[:, None]
