"""Tokenise many texts at once, with compiled loops.

A word is a run of ASCII letters and digits after case folding and transliteration. A whole
corpus is read once (:func:`tokenise`): no Python loop over words.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from anyascii import anyascii
from scipy import sparse
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from disambig.arrays import Bool, Int32, Int64, UInt8, UInt64
from disambig.kernels import text as _text_kernel

MAX_CHARS = 20_000
"""Characters of one text that are read: hostile input cannot stall a run."""

_CHUNK = 8_000_000  # characters folded at a time, so that memory stays bounded
_TRANSLITERATE = "disambig-transliterate"


@dataclass(frozen=True, eq=False)
class Tokens:
    """The words of n texts, in order, as numbers of V distinct words.

    Attributes
    ----------
    start : int64[n + 1]
        Text i's words are ``code[start[i]:start[i + 1]]``.
    code : int32[T]
        Row of each word in ``keys`` and ``words``.
    keys : uint64[V]
        Hash of each word (:func:`hash_word`), ascending: codes do not depend on the order of texts.
    words : LargeStringArray of length V
    """

    start: Int64
    code: Int32
    keys: UInt64
    words: pa.LargeStringArray


def tokenise(texts: Sequence[str]) -> Tokens:
    """Split every text into words and number them; only :data:`MAX_CHARS` of each are read.

    Two words with the same 64-bit key count as one: for a million words, one chance in 36
    million.
    """
    lexicon = _Lexicon.make_empty()
    codes: list[Int32] = []
    counts: list[Int64] = []
    for data, end in _fold_in_chunks(texts):
        code, code_end = lexicon.number_words(data, end)
        codes.append(code)
        counts.append(np.diff(code_end, prepend=0))
    order = np.argsort(lexicon.keys[: lexicon.n_words])
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    start = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.concatenate([*counts, np.zeros(0, np.int64)]), out=start[1:])
    in_order = np.empty(start[-1], dtype=np.int32)
    at = 0
    for i, code in enumerate(codes):
        in_order[at : at + len(code)] = rank[code]
        at += len(code)
        codes[i] = rank[:0]  # each part goes as soon as it is copied
    return Tokens(start, in_order, lexicon.keys[order], lexicon.get_words().take(pa.array(order)))


def hash_word(word: str) -> int:
    """Return the 64-bit hash of one string, see :func:`hash_words`."""
    return int(hash_words([word])[0])


def hash_words(words: Sequence[str]) -> UInt64:
    """Return the 64-bit hash of each string, unchanged, uint64[len(words)].

    FNV-1a over the UTF-8 bytes, then the finaliser of MurmurHash3. Keys order the columns of
    every matrix over words and may be stored in files: the function must be the same on every
    machine and in every version. It is not collision-resistant against an adversary.
    """
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    end = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)))
    return _text_kernel.hash_strings(np.frombuffer(b"".join(encoded), np.uint8), end)


@cache
def _get_stop_words(kind: pa.DataType) -> pa.Array:
    return pa.array(sorted(ENGLISH_STOP_WORDS), type=kind)


def mask_content_words(tokens: Tokens) -> Bool:
    """Mark the content words, bool[V]: two characters or more, no stop word."""
    short = pc.less(pc.binary_length(tokens.words), 2)
    empty = pc.or_(short, pc.is_in(tokens.words, value_set=_get_stop_words(tokens.words.type)))
    content: Bool = ~empty.to_numpy(zero_copy_only=False)
    return content


def count_terms(tokens: Tokens, start: Int64, end: Int64, keep: Bool) -> sparse.csr_array:
    """Count how often each row holds each kept word.

    Parameters
    ----------
    tokens : Tokens
    start, end : int64[n]
        Row r holds ``tokens.code[start[r]:end[r]]``: one text or several adjacent ones.
    keep : bool[V]
        Words to count; the others have empty columns.

    Returns
    -------
    csr_array of shape (n, V), float32
        Columns ascending within each row.
    """
    column_of = np.where(keep, np.arange(len(keep)), -1).astype(np.int32)
    return count_columns(tokens, start, end, column_of, len(keep))


def count_columns(
    tokens: Tokens, start: Int64, end: Int64, column_of: Int32, n_columns: int
) -> sparse.csr_array:
    """Count like :func:`count_terms`, the words of one column together.

    Parameters
    ----------
    tokens : Tokens
    start, end : int64[n]
    column_of : int32[V]
        Column of each word, less than ``n_columns``; -1 leaves a word out.
    n_columns : int

    Returns
    -------
    csr_array of shape (n, n_columns), float32
    """
    data, indices, pointer = _text_kernel.count_terms(
        tokens.code, np.ascontiguousarray(start), np.ascontiguousarray(end), column_of, n_columns
    )
    if len(data) <= np.iinfo(np.int32).max:  # else scipy widens the columns
        pointer = pointer.astype(np.int32)
    counts = sparse.csr_array((data, indices, pointer), shape=(len(start), n_columns))
    counts.has_canonical_format = True
    return counts


def _transliterate(problem: UnicodeError) -> tuple[str, int]:
    """Encoding error handler: return the transliteration of a run, and where to continue."""
    assert isinstance(problem, UnicodeEncodeError)
    return anyascii(problem.object[problem.start : problem.end]), problem.end


# the encoder finds the few other characters twice as fast as a regular expression
codecs.register_error(_TRANSLITERATE, _transliterate)


def _fold_in_chunks(texts: Sequence[str]) -> Iterator[tuple[UInt8, Int64]]:
    """Yield chunks of texts: their ASCII bytes, concatenated, and where each text ends."""
    size = np.minimum(np.fromiter(map(len, texts), np.int64, len(texts)), MAX_CHARS)
    cuts = np.flatnonzero(np.diff(np.cumsum(size) // _CHUNK)) + 1
    for first, last in zip([0, *cuts], [*cuts, len(texts)], strict=True):
        folded = [t[:MAX_CHARS].encode("ascii", _TRANSLITERATE) for t in texts[first:last]]
        end = np.cumsum(np.fromiter(map(len, folded), np.int64, len(folded)))
        yield np.frombuffer(b"".join(folded), np.uint8), end


@dataclass(eq=False)
class _Lexicon:
    """Growing table of distinct words in order of first occurrence.

    ``slots`` is an open-addressing table of codes, at most half full; -1 is an empty slot.
    ``spelling[spelling_end[i - 1]:spelling_end[i]]`` are the letters of word i.
    """

    slots: Int32
    keys: UInt64
    spelling: UInt8
    spelling_end: Int64
    n_words: int

    @classmethod
    def make_empty(cls) -> _Lexicon:
        size = 1 << 12
        return cls(
            np.full(2 * size, -1, np.int32),
            np.empty(size, np.uint64),
            np.empty(8 * size, np.uint8),
            np.empty(size, np.int64),
            0,
        )

    def number_words(self, data: UInt8, end: Int64) -> tuple[Int32, Int64]:
        """Return the codes of all words of concatenated texts, and where each text's codes end."""
        code = np.empty((len(data) + len(end)) // 2 + 1, dtype=np.int32)
        code_end = np.empty(len(end), dtype=np.int64)
        done = 0
        while True:
            done, self.n_words = _text_kernel.number_words(
                data,
                end,
                done,
                self.slots,
                self.keys,
                self.spelling,
                self.spelling_end,
                self.n_words,
                code,
                code_end,
            )
            if done == len(end):
                return code[: code_end[-1] if done else 0].copy(), code_end
            self._grow()

    def get_words(self) -> pa.LargeStringArray:
        """Return the words as strings."""
        end = np.concatenate([np.zeros(1, np.int64), self.spelling_end[: self.n_words]])
        letters = self.spelling[: end[-1]]
        return pa.LargeStringArray.from_buffers(
            self.n_words, pa.py_buffer(end), pa.py_buffer(letters)
        )

    def _grow(self) -> None:
        self.keys, self.spelling, self.spelling_end = (
            np.concatenate([a, np.empty_like(a)])
            for a in (self.keys, self.spelling, self.spelling_end)
        )
        self.slots = np.full(2 * len(self.keys), -1, np.int32)
        _text_kernel.fill_slots(self.keys, self.n_words, self.slots)


def fold(texts: Sequence[str]) -> pa.StringArray:
    """Lower-case and transliterate to ASCII. Length and order are kept."""
    ascii_only = [text if text.isascii() else anyascii(text) for text in texts]
    return pc.utf8_lower(pa.array(ascii_only, type=pa.large_string()))


def count_tokens(
    texts: Sequence[str], *, drop: frozenset[str] = ENGLISH_STOP_WORDS
) -> tuple[sparse.csr_array, list[str]]:
    """Count the words of each text.

    Returns
    -------
    matrix : csr_array of shape (len(texts), n_words), float32
        Term counts; columns in alphabetical order, so that sums over them run in one order
        whatever order the texts came in.
    words : list of str
        The word of each column.
    """
    tokens = pc.split_pattern_regex(fold(texts), pattern="[^a-z0-9]+")
    owner = pc.list_parent_indices(tokens).to_numpy(zero_copy_only=False)
    flat = pc.list_flatten(tokens)
    long_enough = pc.greater(pc.utf8_length(flat), 1)
    stop = pc.is_in(flat, value_set=pa.array(sorted(drop), type=flat.type))
    keep = pc.and_(long_enough, pc.invert(stop))
    encoded = pc.dictionary_encode(flat.filter(keep))
    alphabetical = pc.array_sort_indices(encoded.dictionary).to_numpy()
    place = np.empty(len(alphabetical), dtype=np.int32)
    place[alphabetical] = np.arange(len(alphabetical), dtype=np.int32)
    column = place[encoded.indices.to_numpy()]
    row = owner[keep.to_numpy(zero_copy_only=False)]
    words: list[str] = encoded.dictionary.take(pa.array(alphabetical)).to_pylist()
    matrix = sparse.csr_array(
        (np.ones(len(row), dtype=np.float32), (row, column)), shape=(len(texts), len(words))
    )
    matrix.sum_duplicates()
    return matrix, words
