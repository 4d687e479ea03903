"""Compiled loops over sorted keys. :mod:`disambig.statistics` says what they mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from disambig.native import kernel

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]


def directory(keys: UInt64) -> tuple[Int64, np.uint64]:
    """Where keys with each leading bits start, so that few are looked at to find one.

    Parameters
    ----------
    keys : uint64[n]
        Ascending, spread evenly as hashes are; others are found, too, only not as fast.

    Returns
    -------
    first, shift : int64[2**b + 1], uint64
        Keys whose ``key >> shift`` is ``k`` are ``keys[first[k]:first[k + 1]]``; about one each.
    """
    bits = max(len(keys).bit_length() - 1, 1)
    shift = np.uint64(64 - bits)
    bounds = np.arange(1 << bits, dtype=np.uint64) << shift
    return np.append(np.searchsorted(keys, bounds), len(keys)).astype(np.int64), shift


@kernel
def among(
    keys: UInt64,
    first: Int64,
    shift: np.uint64,
    low: Int64,
    high: Int64,
    ends: UInt64,
    row: Int32,
    place: Int32,
    edge: Int64,
) -> int:
    """Which of ``ends[low[i]:high[i]]`` are among ``keys``; how many are.

    ``row`` int32, ``place`` int32 and ``edge`` int64 get ``i``, the place in ``keys`` and the
    place in ``ends`` of each, in order; they have room for all.
    """
    n = 0
    for i in range(len(low)):
        for e in range(low[i], high[i]):
            key = ends[e]
            bucket = np.int64(key >> shift)
            a, b = first[bucket], first[bucket + 1]
            while a < b:
                middle = (a + b) // 2
                if keys[middle] < key:
                    a = middle + 1
                else:
                    b = middle
            if a < len(keys) and keys[a] == key:
                row[n], place[n], edge[n] = i, a, e
                n += 1
    return n
