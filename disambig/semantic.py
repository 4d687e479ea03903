"""A semantic space for titles, abstracts, keywords and venues: text in, unit vectors out.

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

from disambig import _archive, _text_kernel
from disambig.errors import ModelError
from disambig.text import MAX_CHARS, Tokens, column_counts, tokenise

FORMAT = 1

FEW = 20_000
"""Words from which a table of all known words is worth making to look them up by."""

_WORD = re.compile(r"[a-z0-9]+")
_NO_LETTERS = re.compile(r"[^a-z]+")
_ORDINAL = re.compile(r"\b\d+(?:st|nd|rd|th)\b")
_SUFFIXES = (("ies", "y"), ("es", "e"), ("es", ""), ("s", ""), ("ed", ""), ("ing", ""), ("ly", ""))
# what a venue's name says about its form, not its subject
_FORM_WORDS = (
    "international conference proceedings proc workshop workshops symposium journal transactions"
    " trans ieee acm ifip usenix lncs volume vol annual european national asian pacific world"
    " congress meeting on of the and for in to a an int conf j revised selected papers part i ii"
    " iii iv lecture notes research advances new first second third fourth fifth sixth seventh"
    " eighth ninth tenth th cdrom special issue letters magazine joint companion extended"
    " abstracts forum applications"
)
_FORM = frozenset(_FORM_WORDS.split())

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


def words_of(text: str) -> list[str]:
    """The words of ``text`` in order: lower-cased, folded to ASCII, runs of letters and digits.

    Only the first :data:`MAX_CHARS` characters are read.
    """
    text = text[:MAX_CHARS]
    return _WORD.findall((text if text.isascii() else anyascii(text)).lower())


def venue_key(venue: str, abbreviations: Mapping[str, str]) -> str:
    """The words of a venue's name that say its subject, abbreviations written out.

    Years, ordinals, punctuation, case and words like "Proceedings" are left out.

    >>> venue_key("Proc. of the 12th ICML, 1995", {})
    'icml'
    >>> venue_key("Theor. Comput. Sci.", {"theor": "theoretical", "sci": "science"})
    'theoretical comput science'
    """
    text = _ORDINAL.sub(" ", anyascii(venue[:MAX_CHARS]).lower())
    words = _NO_LETTERS.sub(" ", text).split()
    return " ".join(abbreviations.get(word, word) for word in words if word not in _FORM)


def unit_rows(rows: Floats) -> Floats:
    """``rows`` (n, d) scaled to length one; rows of length zero become NaN (nothing known)."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    length[length == 0] = np.nan
    scaled: Floats = (rows / length).astype(np.float32)
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
        Venue key (see :func:`venue_key`) to row of ``venue_rows``.
    venue_rows : float32[n_venues, d]
        The direction of a venue's subject.
    abbreviations : mapping of str to str
        Words of venue names as they are shortened, and in full.
    about : mapping
        How the space was made: sources, licences, counts, versions. JSON.
    """

    words: Mapping[str, int]
    word_vectors: Floats
    venues: Mapping[str, int]
    venue_rows: Floats
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
            return _from_parts(*_archive.read(source, FORMAT))
        except ModelError as problem:
            raise ModelError(
                f"{source}: {problem}; reinstall the package, or make a semantic space with"
                " python -m labeled.semantic_training"
            ) from problem

    def save(self, path: Path | str) -> None:
        """Write the space, vectors rounded to int8 with one scale a row.

        Equal spaces give files equal to the byte.

        Raises
        ------
        ModelError
            ``about`` is not JSON, or the file cannot be written.
        """
        word_rows, word_scales = _quantised(self.word_vectors)
        venue_rows, venue_scales = _quantised(self.venue_rows)
        document = {
            "about": dict(self.about),
            "abbreviations": dict(self.abbreviations),
            "dimension": self.dimension,
        }
        arrays: dict[str, npt.NDArray[Any]] = {
            "words": _joined(self.words),
            "word_rows": word_rows,
            "word_scales": word_scales,
            "venues": _joined(self.venues),
            "venue_rows": venue_rows,
            "venue_scales": venue_scales,
        }
        _archive.write(Path(path), FORMAT, document, arrays)

    @property
    def dimension(self) -> int:
        """d, the number of coordinates of every vector."""
        return int(self.word_vectors.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of everything that decides a vector."""
        digest = hashlib.sha256()
        shortened = (f"{short}={full}" for short, full in sorted(self.abbreviations.items()))
        parts: list[npt.NDArray[Any]] = [
            _joined(self.words),
            _joined(self.venues),
            _joined(shortened),
            self.word_vectors,
            self.venue_rows,
        ]
        for part in parts:
            digest.update(f"{part.size} ".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def rows_of(self, words: Sequence[str] | pa.Array) -> Ints:
        """The row of ``word_vectors`` of each lower-case word, int32[len(words)], -1 if unknown.

        A word that is not known is tried without its inflection ("-ies", "-s", "-ing" ...).
        """
        if len(words) < FEW:
            few = words.to_pylist() if isinstance(words, pa.Array) else words
            return np.array([self._row_of_one(word) for word in few], dtype=np.int32)
        typed = words if isinstance(words, pa.Array) else pa.array(words)
        tried = typed.cast(pa.large_string())
        rows = self._row_of(tried)
        unknown = np.flatnonzero(rows < 0)
        tried = tried.take(pa.array(unknown))
        for ending, instead in _SUFFIXES:
            inflected = pc.ends_with(tried, ending)
            places = np.flatnonzero(inflected.to_numpy(zero_copy_only=False))
            stems = pc.replace_substring_regex(tried.filter(inflected), f"{ending}$", instead)
            found = self._row_of(stems)
            found[pc.utf8_length(stems).to_numpy() <= 3] = -1  # "this" is no form of "thi"
            free = rows[unknown[places]] < 0
            rows[unknown[places[free]]] = found[free]
        return rows

    def _row_of_one(self, word: str) -> int:
        row = self.words.get(word, -1)
        if row >= 0:
            return row
        for ending, instead in _SUFFIXES:
            if word.endswith(ending):
                stem = word[: len(word) - len(ending)] + instead
                if len(stem) > 3 and stem in self.words:
                    return self.words[stem]
        return -1

    def bags(self, texts: Sequence[str]) -> sp.csr_array:
        """Bags of words, float32 (n, words): a word seen k times in a text counts 1 + log k."""
        tokens = tokenise(texts)
        rows = self.rows_of(tokens.words)
        counts = column_counts(
            tokens, tokens.start[:-1], tokens.start[1:], rows, len(self.word_vectors)
        )
        counts.data = (1 + np.log(counts.data)).astype(np.float32)
        return counts

    def vectors_of(
        self, tokens: Tokens, start: Int64, end: Int64, rows: Ints | None = None
    ) -> Floats:
        """Unit vectors of spans of tokens, float32 (n, d); all NaN where no word is known.

        Parameters
        ----------
        tokens : Tokens
        start, end : int64[n]
            Row r is the text of ``tokens.code[start[r]:end[r]]``.
        rows : int32[V] or None
            :meth:`rows_of` the tokens' words, where they are at hand.
        """
        return _text_kernel.sum_vectors(
            tokens.code,
            np.ascontiguousarray(start),
            np.ascontiguousarray(end),
            self.rows_of(tokens.words) if rows is None else rows,
            np.ascontiguousarray(self.word_vectors, dtype=np.float32),
        )

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Unit vectors of ``texts``, float32 (n, d); all NaN where no word is known.

        The cosine of two texts is the dot product of their rows. A work's text is its title,
        or its title, abstract and keywords joined by spaces.
        """
        tokens = tokenise(texts)
        return self.vectors_of(tokens, tokens.start[:-1], tokens.start[1:])

    def venue_vectors(self, venues: Sequence[str | None]) -> Floats:
        """Unit vectors of venues by name, float32 (n, d); all NaN where nothing is known.

        A venue in the table has its subject's vector. Another one is read as a text, if it has
        a known word of four letters or more: an unknown acronym is no evidence.
        """
        keys = [venue_key(venue, self.abbreviations) if venue else "" for venue in venues]
        rows = np.array([self.venues.get(key, -1) for key in keys], dtype=np.int64)
        out = np.full((len(keys), self.dimension), np.nan, dtype=np.float32)
        out[rows >= 0] = unit_rows(self.venue_rows[rows[rows >= 0]])
        named = [i for i in np.flatnonzero(rows < 0) if self._says_a_subject(keys[i])]
        if named:
            out[named] = self.vectors([keys[i] for i in named])
        return out

    def _says_a_subject(self, key: str) -> bool:
        return any(len(word) > 3 and word in self.words for word in key.split())

    @cached_property
    def _vocabulary(self) -> tuple[pa.LargeStringArray, Ints]:
        """The words, and the row of each; the last place is for words that are not among them."""
        rows = np.fromiter((*self.words.values(), -1), np.int32, len(self.words) + 1)
        return pa.array(list(self.words), type=pa.large_string()), rows

    def _row_of(self, words: pa.Array) -> Ints:
        vocabulary, rows = self._vocabulary
        place = pc.index_in(words, value_set=vocabulary).fill_null(len(vocabulary))
        found: Ints = rows[place.to_numpy()]
        return found


def _quantised(rows: Floats) -> tuple[npt.NDArray[np.uint8], Floats]:
    """``rows`` as int8 (its bits as uint8, flat) times one float32 scale a row."""
    scales = np.maximum(np.abs(rows).max(axis=1, initial=0), 1e-12).astype(np.float32) / 127
    return np.round(rows / scales[:, None]).astype(np.int8).view(np.uint8).ravel(), scales


def _joined(names: Iterable[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8)


def _from_parts(document: Mapping[str, Any], arrays: _archive.Arrays) -> SemanticSpace:
    try:
        dimension = int(document["dimension"])
        words, venues = _index(arrays["words"]), _index(arrays["venues"])
        return SemanticSpace(
            words,
            _rows(arrays["word_rows"], arrays["word_scales"], len(words), dimension),
            venues,
            _rows(arrays["venue_rows"], arrays["venue_scales"], len(venues), dimension),
            dict(document["abbreviations"]),
            dict(document["about"]),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise ModelError(f"not a semantic space ({problem})") from problem


def _index(joined: npt.NDArray[Any]) -> dict[str, int]:
    names = joined.tobytes().decode().split("\n") if joined.size else []
    index = {name: row for row, name in enumerate(names)}
    if len(index) != len(names):
        raise ValueError("a name is listed twice")
    return index


def _rows(flat: npt.NDArray[Any], scales: npt.NDArray[Any], count: int, dimension: int) -> Floats:
    if flat.dtype != np.uint8 or scales.shape != (count,):
        raise ValueError("its arrays do not fit together")
    rows = flat.view(np.int8).reshape(count, dimension).astype(np.float32)
    scaled: Floats = rows * scales.astype(np.float32)[:, None]
    return scaled
