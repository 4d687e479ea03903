"""Compiled loops over sorted 64-bit keys, for :mod:`disambig.corpus.statistics` and its users."""

from __future__ import annotations

import numpy as np

from disambig.arrays import Float32, Int32, Int64, UInt64
from disambig.kernels.compile import kernel


def build_directory(keys: UInt64) -> tuple[Int64, np.uint64]:
    """Build a directory of sorted keys by their leading bits, to speed up binary search.

    Parameters
    ----------
    keys : uint64[n]
        Ascending; fastest if spread evenly, like hashes.

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
def _find_place(keys: UInt64, first: Int64, shift: np.uint64, key: np.uint64) -> int:
    """Return the position of the first of ``keys`` not less than ``key``, by their directory."""
    bucket = np.int64(key >> shift)
    a, b = first[bucket], first[bucket + 1]
    while a < b:
        middle = (a + b) // 2
        if keys[middle] < key:
            a = middle + 1
        else:
            b = middle
    return int(a)


@kernel
def select_edges(
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
    """Select those of ``ends[low[i]:high[i]]`` that are among ``keys``; return their number.

    ``row`` int32, ``place`` int32 and ``edge`` int64 receive ``i``, the position in ``keys`` and
    the position in ``ends`` of each, in order; they are long enough for all.
    """
    n = 0
    for i in range(len(low)):
        for e in range(low[i], high[i]):
            key = ends[e]
            at = _find_place(keys, first, shift, key)
            if at < len(keys) and keys[at] == key:
                row[n], place[n], edge[n] = i, at, e
                n += 1
    return n


@kernel
def find_places(keys: UInt64, first: Int64, shift: np.uint64, queries: UInt64) -> Int32:
    """Return the position among ``keys`` of each query, all of which are there; int32[n].

    ``first`` and ``shift`` are from :func:`build_directory`.
    """
    out = np.empty(len(queries), dtype=np.int32)
    for w in range(len(queries)):
        out[w] = _find_place(keys, first, shift, queries[w])
    return out


@kernel
def list_distinct_keys(start: Int64, keys: UInt64, most: int) -> tuple[Int64, UInt64]:
    """List row and key of the distinct keys of each row ``keys[start[r]:start[r + 1]]``, ascending.

    0 is no key; rows of more than ``most`` keys are left out.
    """
    row, distinct_keys = np.empty(len(keys), dtype=np.int64), np.empty(len(keys), dtype=np.uint64)
    n = 0
    for r in range(len(start) - 1):
        size = start[r + 1] - start[r]
        if size > most:
            continue
        row_keys = keys[start[r] : start[r + 1]].copy()
        if size > 1:
            row_keys.sort()
        last = np.uint64(0)
        for key in row_keys:
            if key != last:
                row[n], distinct_keys[n] = r, key
                n += 1
                last = key
    return row[:n].copy(), distinct_keys[:n].copy()


@kernel
def build_adjacency(n: int, a: Int32, b: Int32, value: Float32) -> tuple[Int64, Int32, Float32]:
    """List the neighbours of each of ``n`` nodes, from edges in one direction.

    Parameters
    ----------
    a, b, value
        Edges, ``a < b``, sorted by (a, b), distinct.

    Returns
    -------
    start, column, value
        As in :class:`disambig.corpus.sparse.SparseRows`.
    """
    start = np.zeros(n + 1, dtype=np.int64)
    for e in range(len(a)):
        start[a[e] + 1] += 1
        start[b[e] + 1] += 1
    for k in range(n):
        start[k + 1] += start[k]
    at = start[:-1].copy()
    column, weight = np.empty(2 * len(a), dtype=np.int32), np.empty(2 * len(a), dtype=np.float32)
    for e in range(len(a)):  # a row's lower neighbours come before its higher ones, each in order
        column[at[b[e]]], weight[at[b[e]]] = a[e], value[e]
        at[b[e]] += 1
    for e in range(len(a)):
        column[at[a[e]]], weight[at[a[e]]] = b[e], value[e]
        at[a[e]] += 1
    return start, column, weight
