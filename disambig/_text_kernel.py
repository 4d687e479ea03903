"""Compiled loops over words: finding and numbering them, counting them, hashing strings.

Array arguments only; :mod:`disambig.text` and :mod:`disambig.semantic` say what they mean.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from disambig.native import kernel

Bool = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]
UInt64 = npt.NDArray[np.uint64]

# FNV-1a, and the finaliser of MurmurHash3: FNV alone leaves the high bits of short words alike
_BASIS = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)


def _word_bytes() -> UInt8:
    """For each byte the letter or digit it stands for, 0 where it separates words."""
    table = np.zeros(256, dtype=np.uint8)
    for letter in b"abcdefghijklmnopqrstuvwxyz0123456789":
        table[letter] = letter
        table[ord(chr(letter).upper())] = letter
    return table


WORD_BYTE = _word_bytes()


@kernel
def _mixed(key: np.uint64) -> np.uint64:
    key = (key ^ (key >> _HALF)) * _MIX_1
    key = (key ^ (key >> _HALF)) * _MIX_2
    return key ^ (key >> _HALF)


@kernel
def hash_strings(data: UInt8, end: Int64) -> UInt64:
    """The key of each string; string i is ``data[end[i - 1]:end[i]]``."""
    keys = np.empty(len(end), dtype=np.uint64)
    at = 0
    for i in range(len(end)):
        key = _BASIS
        for p in range(at, end[i]):
            key = (key ^ np.uint64(data[p])) * _PRIME
        keys[i] = _mixed(key)
        at = end[i]
    return keys


@kernel
def fill_slots(keys: UInt64, n_words: int, slots: Int32) -> None:
    """Enter the first ``n_words`` keys into an empty table (all -1, a power of two long)."""
    mask = np.uint64(len(slots) - 1)
    for code in range(n_words):
        slot = np.int64(keys[code] & mask)
        while slots[slot] >= 0:
            slot = (slot + 1) & np.int64(mask)
        slots[slot] = code


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
    """Number the words of texts ``first``, ``first + 1``, ... in the order they are first seen.

    ``code`` and ``code_end`` receive the words' numbers and where each text's end; new words are
    entered into ``slots``, ``keys``, ``spelling`` and ``spelling_end``. Stops before a text whose
    words might not fit. Returns the text to go on with, and the number of words known.
    """
    mask = np.int64(len(slots) - 1)
    done = 0 if first == 0 else code_end[first - 1]
    at = 0 if first == 0 else end[first - 1]
    for text in range(first, len(end)):
        stop = end[text]
        free = 0 if n_words == 0 else spelling_end[n_words - 1]
        if n_words + (stop - at + 1) // 2 > len(keys) or free + stop - at > len(spelling):
            return text, n_words
        while at < stop:
            key = _BASIS
            length = 0
            while at < stop and WORD_BYTE[data[at]] != 0:
                letter = WORD_BYTE[data[at]]
                spelling[free + length] = letter
                key = (key ^ np.uint64(letter)) * _PRIME
                length += 1
                at += 1
            at += 1
            if length == 0:
                continue
            key = _mixed(key)
            slot = np.int64(key) & mask
            while slots[slot] >= 0 and keys[slots[slot]] != key:
                slot = (slot + 1) & mask
            if slots[slot] < 0:
                slots[slot] = n_words
                keys[n_words] = key
                free += length
                spelling_end[n_words] = free
                n_words += 1
            code[done] = slots[slot]
            done += 1
        at = stop
        code_end[text] = done
    return len(end), n_words


@kernel
def _count_row(code: Int32, keep: Bool, seen: Int32, columns: Int32) -> int:
    """Count the kept words of one row into ``seen``; their numbers, ascending, into ``columns``.

    Returns how many there are. ``seen`` must hold zeros where the row's words are.
    """
    n = 0
    for word in code:
        if keep[word]:
            if seen[word] == 0:
                columns[n] = word
                n += 1
            seen[word] += 1
    columns[:n].sort()
    return n


@kernel
def count_terms(code: Int32, start: Int64, end: Int64, keep: Bool) -> tuple[Float32, Int32, Int64]:
    """Data, columns and row pointer of the counts of kept words in ``code[start[r]:end[r]]``."""
    longest, most = 0, 0
    for row in range(len(start)):
        longest = max(longest, end[row] - start[row])
        most += end[row] - start[row]
    seen = np.zeros(len(keep), dtype=np.int32)
    columns = np.empty(longest, dtype=np.int32)
    data = np.empty(most, dtype=np.float32)
    indices = np.empty(most, dtype=np.int32)
    pointer = np.zeros(len(start) + 1, dtype=np.int64)
    filled = 0
    for row in range(len(start)):
        n = _count_row(code[start[row] : end[row]], keep, seen, columns)
        for column in columns[:n]:
            indices[filled] = column
            data[filled] = seen[column]
            seen[column] = 0
            filled += 1
        pointer[row + 1] = filled
    return data[:filled], indices[:filled], pointer
