"""Compiled loops over words: tokenise, number, count and hash them.

The callers are :mod:`disambig.corpus.tokenise` and :mod:`disambig.corpus.embeddings`.
"""

from __future__ import annotations

import numpy as np

from disambig.arrays import Float32, Int32, Int64, UInt8, UInt64
from disambig.kernels.compile import kernel

# FNV-1a, and the finaliser of MurmurHash3: FNV alone leaves the high bits of short words alike
_BASIS = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)

_ONE = np.uint64(1)
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)  # all runs of six of its bits differ
_TOP = np.uint64(58)


def _make_word_bytes() -> UInt8:
    """Make a table of bytes: lower-case letters and digits, 0 for separators of words."""
    table = np.zeros(256, dtype=np.uint8)
    for letter in b"abcdefghijklmnopqrstuvwxyz0123456789":
        table[letter] = letter
        table[ord(chr(letter).upper())] = letter
    return table


def _make_bit_positions() -> UInt8:
    """Make a table of bit positions by the six leading bits of bit times De Bruijn number."""
    table = np.zeros(64, dtype=np.uint8)
    for place in range(64):
        table[(int(_DE_BRUIJN) << place) % 2**64 >> 58] = place
    return table


WORD_BYTE = _make_word_bytes()
BIT_POSITION = _make_bit_positions()


@kernel
def _mix(key: np.uint64) -> np.uint64:
    key = (key ^ (key >> _HALF)) * _MIX_1
    key = (key ^ (key >> _HALF)) * _MIX_2
    return key ^ (key >> _HALF)


@kernel
def hash_strings(data: UInt8, end: Int64) -> UInt64:
    """Hash each string; string i is ``data[end[i - 1]:end[i]]``."""
    keys = np.empty(len(end), dtype=np.uint64)
    at = 0
    for i in range(len(end)):
        key = _BASIS
        for p in range(at, end[i]):
            key = (key ^ np.uint64(data[p])) * _PRIME
        keys[i] = _mix(key)
        at = end[i]
    return keys


@kernel
def _find_slot(key: np.uint64, slots: Int32, keys: UInt64) -> np.int64:
    """Return the slot of the word with this key, or the empty slot to store it in."""
    mask = np.int64(len(slots) - 1)
    slot = np.int64(key) & mask
    while slots[slot] >= 0 and keys[slots[slot]] != key:
        slot = (slot + 1) & mask
    return slot


@kernel
def fill_slots(keys: UInt64, n_words: int, slots: Int32) -> None:
    """Store the first ``n_words`` keys in an empty table (all -1, a power of two long)."""
    for code in range(n_words):
        slots[_find_slot(keys[code], slots, keys)] = code


@kernel
def number_words(
    data: UInt8,
    end: Int64,
    first: int,
    slots: Int32,
    keys: UInt64,
    spelling: UInt8,
    spelling_end: Int64,
    n_words: int,
    code: Int32,
    code_end: Int64,
) -> tuple[int, int]:
    """Number the words of texts ``first``, ``first + 1``, ... in order of first occurrence.

    ``code`` and ``code_end`` receive the words' numbers and where each text's end; new words are
    added to ``slots``, ``keys``, ``spelling`` and ``spelling_end``. Stop before a text whose
    words might not fit. Return the text to continue with, and the number of known words.
    """
    n_codes = 0 if first == 0 else code_end[first - 1]
    at = 0 if first == 0 else end[first - 1]
    for text in range(first, len(end)):
        stop = end[text]
        free = 0 if n_words == 0 else spelling_end[n_words - 1]
        if n_words + (stop - at + 1) // 2 > len(keys) or free + stop - at > len(spelling):
            return text, n_words
        while at < stop:
            key = _BASIS
            length = 0
            while at < stop:
                letter = WORD_BYTE[data[at]]
                at += 1
                if letter == 0:
                    break
                spelling[free + length] = letter
                key = (key ^ np.uint64(letter)) * _PRIME
                length += 1
            if length == 0:
                continue
            key = _mix(key)
            slot = _find_slot(key, slots, keys)
            if slots[slot] < 0:
                slots[slot] = n_words
                keys[n_words] = key
                free += length
                spelling_end[n_words] = free
                n_words += 1
            code[n_codes] = slots[slot]
            n_codes += 1
        at = stop
        code_end[text] = n_codes
    return len(end), n_words


@kernel
def _find_lowest_bit(bits: np.uint64) -> np.int64:
    return np.int64(BIT_POSITION[((bits & (~bits + _ONE)) * _DE_BRUIJN) >> _TOP])


@kernel
def _count_row(
    code: Int32, column_of: Int32, count: Int32, bits: UInt64, blocks: UInt64, columns: Int32
) -> int:
    """Count the words of one row into ``count``; write their columns, ascending, to ``columns``.

    Return the number of columns. A bit for each column, and one for each 64 of those, replace
    sorting: half the time of a sort for an abstract. ``bits`` and ``blocks`` must be zero, and
    are zero afterwards; ``count`` must be zero for the columns of the row.
    """
    for word in code:
        column = column_of[word]
        if column >= 0:
            if count[column] == 0:
                bits[column >> 6] |= _ONE << np.uint64(column & 63)
                blocks[column >> 12] |= _ONE << np.uint64((column >> 6) & 63)
            count[column] += 1
    n = 0
    for b in range(len(blocks)):
        block = blocks[b]
        while block != 0:
            place = 64 * b + _find_lowest_bit(block)
            block &= block - _ONE
            within = bits[place]
            while within != 0:
                columns[n] = 64 * place + _find_lowest_bit(within)
                n += 1
                within &= within - _ONE
            bits[place] = 0
        blocks[b] = 0
    return n


@kernel
def count_terms(
    code: Int32, start: Int64, end: Int64, column_of: Int32, n_columns: int
) -> tuple[Float32, Int32, Int64]:
    """Count ``column_of[code[start[r]:end[r]]]`` of each row; return data, columns, row pointer.

    Words of column -1 are left out.
    """
    most = 0
    for row in range(len(start)):
        most += end[row] - start[row]
    count = np.zeros(n_columns, dtype=np.int32)
    bits = np.zeros(n_columns // 64 + 1, dtype=np.uint64)
    blocks = np.zeros(n_columns // 4096 + 1, dtype=np.uint64)
    data = np.empty(most, dtype=np.float32)
    indices = np.empty(most, dtype=np.int32)
    pointer = np.zeros(len(start) + 1, dtype=np.int64)
    filled = 0
    for row in range(len(start)):
        words = code[start[row] : end[row]]
        n = _count_row(words, column_of, count, bits, blocks, indices[filled:])
        for i in range(filled, filled + n):
            data[i] = count[indices[i]]
            count[indices[i]] = 0
        filled += n
        pointer[row + 1] = filled
    return data[:filled], indices[:filled], pointer


@kernel
def sum_vectors(code: Int32, start: Int64, end: Int64, row_of: Int32, vectors: Float32) -> Float32:
    """Sum the vectors of each row's words and scale the sum to length 1.

    A word that occurs k times has weight 1 + log k. The vector of word i is
    ``vectors[row_of[i]]``; -1 is unknown. NaN where the sum is zero. Vectors are added in their
    order in ``vectors``, so that a text has the same sum in every corpus.
    """
    longest = 0
    for row in range(len(start)):
        longest = max(longest, end[row] - start[row])
    count = np.zeros(len(vectors), dtype=np.int32)
    bits = np.zeros(len(vectors) // 64 + 1, dtype=np.uint64)
    blocks = np.zeros(len(vectors) // 4096 + 1, dtype=np.uint64)
    known_rows = np.empty(longest, dtype=np.int32)
    sums = np.zeros((len(start), vectors.shape[1]), dtype=np.float32)
    for row in range(len(start)):
        words = code[start[row] : end[row]]
        n = _count_row(words, row_of, count, bits, blocks, known_rows)
        total = sums[row]
        for word in known_rows[:n]:
            weight = np.float32(1.0 + np.log(count[word]))
            count[word] = 0
            for axis in range(len(total)):
                total[axis] += weight * vectors[word, axis]
        length = 0.0
        for axis in range(len(total)):
            length += np.float64(total[axis]) ** 2
        length = np.sqrt(length) if length > 0.0 else np.nan
        for axis in range(len(total)):
            total[axis] = np.float32(total[axis] / length)
    return sums
