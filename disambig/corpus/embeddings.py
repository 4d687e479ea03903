"""Embeddings of titles, abstracts, keywords and venues as unit vectors.

Two titles of one person often share no word ("Predicting defects using network analysis" and
"Mining software revision histories"), so lexical overlap says nothing about them. The space
shipped here gives every word a vector whose *length* is how much the word counts and whose
*direction* is what it is about; a text is the normalised sum over its words. The vectors are
learned from unlabelled text so that this sum reproduces the sentence embedding a transformer
gives the title (``labeled/semantic_training.py`` is how the file was made). Using it needs one
sparse product and no neural network.

Summing word vectors that are short for frequent words is from Arora, Liang and Ma, "A simple but
tough-to-beat baseline for sentence embeddings" (ICLR 2017); learning them from a transformer's
embeddings is distillation (Hinton, Vinyals and Dean, 2015).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from anyascii import anyascii

from disambig import archive
from disambig.arrays import Float32, Int32, Int64, UInt8
from disambig.corpus.tokenise import MAX_CHARS, Tokens, count_columns, tokenise
from disambig.errors import ModelError
from disambig.kernels import text as _text_kernel

FORMAT = 1

MIN_WORDS_FOR_INDEX = 20_000
"""Number of words from which they are looked up in a vectorised index of all known words."""

_WORD = re.compile(r"[a-z0-9]+")
_NO_LETTERS = re.compile(r"[^a-z]+")
_ORDINAL = re.compile(r"\b\d+(?:st|nd|rd|th)\b")
_SUFFIXES = (("ies", "y"), ("es", "e"), ("es", ""), ("s", ""), ("ed", ""), ("ing", ""), ("ly", ""))
# words that denote the form of a venue, not its subject
_FORM_WORDS = (
    "international conference proceedings proc workshop workshops symposium journal transactions"
    " trans ieee acm ifip usenix lncs volume vol annual european national asian pacific world"
    " congress meeting on of the and for in to a an int conf j revised selected papers part i ii"
    " iii iv lecture notes research advances new first second third fourth fifth sixth seventh"
    " eighth ninth tenth th cdrom special issue letters magazine joint companion extended"
    " abstracts forum applications"
)
_FORM = frozenset(_FORM_WORDS.split())


def split_words(text: str) -> list[str]:
    """Split ``text`` into words: lower-cased, folded to ASCII, runs of letters and digits.

    Only the first :data:`MAX_CHARS` characters are read.
    """
    text = text[:MAX_CHARS]
    return _WORD.findall((text if text.isascii() else anyascii(text)).lower())


def normalise_venue(venue: str, abbreviations: Mapping[str, str]) -> str:
    """Return the words of a venue's name that denote its subject, abbreviations expanded.

    Years, ordinals, punctuation, case and words like "Proceedings" are left out.

    >>> normalise_venue("Proc. of the 12th ICML, 1995", {})
    'icml'
    >>> normalise_venue("Theor. Comput. Sci.", {"theor": "theoretical", "sci": "science"})
    'theoretical comput science'
    """
    text = _ORDINAL.sub(" ", anyascii(venue[:MAX_CHARS]).lower())
    words = _NO_LETTERS.sub(" ", text).split()
    return " ".join(abbreviations.get(word, word) for word in words if word not in _FORM)


def normalise_rows(rows: Float32) -> Float32:
    """Scale ``rows`` (n, d) to length one; rows of length zero become NaN (unknown)."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    length[length == 0] = np.nan
    scaled: Float32 = (rows / length).astype(np.float32)
    return scaled


@dataclass(frozen=True, eq=False)
class SemanticSpace:
    """Word and venue vectors of one semantic space.

    Attributes
    ----------
    words : mapping of str to int
        Word to row of ``word_vectors``.
    word_vectors : float32[n_words, d]
        A row's length is the word's weight, its direction the word's subject.
    venues : mapping of str to int
        Venue key (see :func:`normalise_venue`) to row of ``venue_rows``.
    venue_rows : float32[n_venues, d]
        The direction of a venue's subject.
    abbreviations : mapping of str to str
        Abbreviated words of venue names, and their full forms.
    about : mapping
        How the space was made: sources, licences, counts, versions. JSON.
    """

    words: Mapping[str, int]
    word_vectors: Float32
    venues: Mapping[str, int]
    venue_rows: Float32
    abbreviations: Mapping[str, str]
    about: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path | str | None = None) -> SemanticSpace:
        """Read a space; without ``path`` the one shipped in the package.

        Raises
        ------
        ModelError
            The file is missing, damaged, changed, or of another format version.
        """
        source = files("disambig") / "data" / "semantic.npz" if path is None else Path(path)
        try:
            return _build_space(*archive.read_archive(source, FORMAT))
        except ModelError as problem:
            raise ModelError(
                f"{source}: {problem}; reinstall the package, or make a semantic space with"
                " python -m labeled.training.embeddings"
            ) from problem

    def save(self, path: Path | str) -> None:
        """Write the space, vectors rounded to int8 with one scale a row.

        Equal spaces give files equal to the byte.

        Raises
        ------
        ModelError
            ``about`` is not JSON, or the file cannot be written.
        """
        word_rows, word_scales = _quantise(self.word_vectors)
        venue_rows, venue_scales = _quantise(self.venue_rows)
        document = {
            "about": dict(self.about),
            "abbreviations": dict(self.abbreviations),
            "dimension": self.dimension,
        }
        arrays: dict[str, npt.NDArray[Any]] = {
            "words": _join_names(self.words),
            "word_rows": word_rows,
            "word_scales": word_scales,
            "venues": _join_names(self.venues),
            "venue_rows": venue_rows,
            "venue_scales": venue_scales,
        }
        archive.write_archive(Path(path), FORMAT, document, arrays)

    @property
    def dimension(self) -> int:
        """d, the number of coordinates of every vector."""
        return int(self.word_vectors.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of everything that determines a vector."""
        digest = hashlib.sha256()
        shortened = (f"{short}={full}" for short, full in sorted(self.abbreviations.items()))
        parts: list[npt.NDArray[Any]] = [
            _join_names(self.words),
            _join_names(self.venues),
            _join_names(shortened),
            self.word_vectors,
            self.venue_rows,
        ]
        for part in parts:
            digest.update(f"{part.size} ".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def find_rows(self, words: Sequence[str] | pa.Array) -> Int32:
        """Return the row of ``word_vectors`` of each lower-case word, int32[n], -1 if unknown.

        An unknown word is looked up again without its inflection ("-ies", "-s", "-ing" ...).
        """
        if len(words) < MIN_WORDS_FOR_INDEX:
            word_list = words.to_pylist() if isinstance(words, pa.Array) else words
            return np.array([self._find_row(word) for word in word_list], dtype=np.int32)
        word_array = words if isinstance(words, pa.Array) else pa.array(words)
        unknown_words = word_array.cast(pa.large_string())
        rows = self._look_up_rows(unknown_words)
        unknown = np.flatnonzero(rows < 0)
        unknown_words = unknown_words.take(pa.array(unknown))
        for ending, replacement in _SUFFIXES:
            inflected = pc.ends_with(unknown_words, ending)
            places = np.flatnonzero(inflected.to_numpy(zero_copy_only=False))
            stems = pc.replace_substring_regex(
                unknown_words.filter(inflected), f"{ending}$", replacement
            )
            stem_rows = self._look_up_rows(stems)
            stem_rows[pc.utf8_length(stems).to_numpy() <= 3] = -1  # "this" is no form of "thi"
            still_unknown = rows[unknown[places]] < 0
            rows[unknown[places[still_unknown]]] = stem_rows[still_unknown]
        return rows

    def _find_row(self, word: str) -> int:
        row = self.words.get(word, -1)
        if row >= 0:
            return row
        for ending, replacement in _SUFFIXES:
            if word.endswith(ending):
                stem = word[: len(word) - len(ending)] + replacement
                if len(stem) > 3 and stem in self.words:
                    return self.words[stem]
        return -1

    def make_bags(self, texts: Sequence[str]) -> sp.csr_array:
        """Return bags of words, float32 (n, words): a word that occurs k times counts 1 + log k."""
        tokens = tokenise(texts)
        rows = self.find_rows(tokens.words)
        counts = count_columns(
            tokens, tokens.start[:-1], tokens.start[1:], rows, len(self.word_vectors)
        )
        counts.data = (1 + np.log(counts.data)).astype(np.float32)
        return counts

    def embed_spans(
        self, tokens: Tokens, start: Int64, end: Int64, rows: Int32 | None = None
    ) -> Float32:
        """Embed spans of tokens as unit vectors, float32 (n, d); all NaN where no word is known.

        Parameters
        ----------
        tokens : Tokens
        start, end : int64[n]
            Row r is the text of ``tokens.code[start[r]:end[r]]``.
        rows : int32[V] or None
            :meth:`find_rows` of the tokens' words, if already computed.
        """
        return _text_kernel.sum_vectors(
            tokens.code,
            np.ascontiguousarray(start),
            np.ascontiguousarray(end),
            self.find_rows(tokens.words) if rows is None else rows,
            np.ascontiguousarray(self.word_vectors, dtype=np.float32),
        )

    def embed_texts(self, texts: Sequence[str]) -> Float32:
        """Embed ``texts`` as unit vectors, float32 (n, d); all NaN where no word is known.

        The cosine of two texts is the dot product of their rows. A work's text is its title,
        or its title, abstract and keywords joined by spaces.
        """
        tokens = tokenise(texts)
        return self.embed_spans(tokens, tokens.start[:-1], tokens.start[1:])

    def embed_venues(self, venues: Sequence[str | None]) -> Float32:
        """Embed venues by name as unit vectors, float32 (n, d); all NaN where unknown.

        A venue in the table has its stored vector. Any other is embedded as a text if it has a
        known word of four letters or more: an unknown acronym is no evidence.
        """
        keys = [normalise_venue(venue, self.abbreviations) if venue else "" for venue in venues]
        rows = np.array([self.venues.get(key, -1) for key in keys], dtype=np.int64)
        out = np.full((len(keys), self.dimension), np.nan, dtype=np.float32)
        out[rows >= 0] = normalise_rows(self.venue_rows[rows[rows >= 0]])
        text_like = [i for i in np.flatnonzero(rows < 0) if self._has_long_known_word(keys[i])]
        if text_like:
            out[text_like] = self.embed_texts([keys[i] for i in text_like])
        return out

    def _has_long_known_word(self, key: str) -> bool:
        return any(len(word) > 3 and word in self.words for word in key.split())

    @cached_property
    def _vocabulary(self) -> tuple[pa.LargeStringArray, Int32]:
        """The words, and the row of each; the last entry, -1, is for unknown words."""
        rows = np.fromiter((*self.words.values(), -1), np.int32, len(self.words) + 1)
        return pa.array(list(self.words), type=pa.large_string()), rows

    def _look_up_rows(self, words: pa.Array) -> Int32:
        vocabulary, rows = self._vocabulary
        place = pc.index_in(words, value_set=vocabulary).fill_null(len(vocabulary))
        rows_of_words: Int32 = rows[place.to_numpy()]
        return rows_of_words


def _quantise(rows: Float32) -> tuple[UInt8, Float32]:
    """Quantise ``rows`` to int8 (its bits as uint8, flat) times one float32 scale a row."""
    scales = np.maximum(np.abs(rows).max(axis=1, initial=0), 1e-12).astype(np.float32) / 127
    return np.round(rows / scales[:, None]).astype(np.int8).view(np.uint8).ravel(), scales


def _join_names(names: Iterable[str]) -> UInt8:
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8)


def _build_space(document: Mapping[str, Any], arrays: archive.Arrays) -> SemanticSpace:
    try:
        dimension = int(document["dimension"])
        words, venues = _parse_names(arrays["words"]), _parse_names(arrays["venues"])
        return SemanticSpace(
            words,
            _dequantise(arrays["word_rows"], arrays["word_scales"], len(words), dimension),
            venues,
            _dequantise(arrays["venue_rows"], arrays["venue_scales"], len(venues), dimension),
            dict(document["abbreviations"]),
            dict(document["about"]),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise ModelError(f"not a semantic space ({problem})") from problem


def _parse_names(data: npt.NDArray[Any]) -> dict[str, int]:
    names = data.tobytes().decode().split("\n") if data.size else []
    index = {name: row for row, name in enumerate(names)}
    if len(index) != len(names):
        raise ValueError("a name is listed twice")
    return index


def _dequantise(
    flat: npt.NDArray[Any], scales: npt.NDArray[Any], count: int, dimension: int
) -> Float32:
    if flat.dtype != np.uint8 or scales.shape != (count,):
        raise ValueError("its arrays do not fit together")
    rows = flat.view(np.int8).reshape(count, dimension).astype(np.float32)
    scaled: Float32 = rows * scales.astype(np.float32)[:, None]
    return scaled
