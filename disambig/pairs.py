"""Enumerate the pairs of many blocks at once, and join sparse rows over them.

A :class:`PairBatch` concatenates blocks; its pairs ``(left, right)`` are all ``i < j`` of each
block in row-major order, so the place of a pair is arithmetic, never a lookup. A sparse
measure (shared co-authors, shared words) then costs what the matches cost, not what the pairs
cost: :func:`join` lists only the pairs that share a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PairBatch:
    """All within-block pairs of some blocks.

    Attributes
    ----------
    rows : int32[R]
        Signature rows, block after block.
    block : int32[R]
        Number of the block each row belongs to.
    start : int64[B + 1]
        Rows of block ``b`` are ``start[b]:start[b + 1]``.
    pair_start : int64[B + 1]
        Pairs of block ``b`` are ``pair_start[b]:pair_start[b + 1]``.
    left, right : int32[P]
        Positions in ``rows``, left < right.
    """

    rows: Int32
    block: Int32
    start: Int64
    pair_start: Int64
    left: Int32
    right: Int32

    @classmethod
    def of(cls, blocks: Sequence[Int32]) -> PairBatch:
        """Enumerate the pairs of ``blocks`` (arrays of signature rows)."""
        sizes = np.array([len(b) for b in blocks], dtype=np.int64)
        start = np.concatenate([[0], np.cumsum(sizes)])
        pair_start = np.concatenate([[0], np.cumsum(sizes * (sizes - 1) // 2)])
        rows = np.concatenate(blocks).astype(np.int32) if len(blocks) else np.empty(0, np.int32)
        block = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        end_of_block = np.repeat(start[1:], sizes)
        partners = end_of_block - 1 - np.arange(len(rows))
        left = np.repeat(np.arange(len(rows), dtype=np.int32), partners)
        first = np.cumsum(partners) - partners
        right = (np.arange(len(left)) - np.repeat(first, partners)).astype(np.int32) + left + 1
        return cls(rows, block, start, pair_start, left, right.astype(np.int32))

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return len(self.left)

    def place(self, i: npt.NDArray[np.integer], j: npt.NDArray[np.integer]) -> Int64:
        """Index of the pairs of positions ``i < j`` (of one block each)."""
        b = self.block[i]
        low = self.start[b]
        n = self.start[b + 1] - low
        li, lj = i - low, j - low
        place: Int64 = self.pair_start[b] + li * n - li * (li + 1) // 2 + lj - li - 1
        return place


@dataclass(frozen=True, eq=False)
class Matches:
    """Pairs that share a column: one row for each (pair, column).

    ``pair`` int64[M] indexes the batch's pairs, ``column`` int32[M] the matrix's columns;
    ``left`` and ``right`` float32[M] are the two entries.
    """

    pair: Int64
    column: Int32
    left: Float32
    right: Float32

    def count(self, n_pairs: int) -> Float32:
        """Shared columns of each pair, float32[n_pairs]."""
        return np.bincount(self.pair, minlength=n_pairs).astype(np.float32)

    def total(self, values: Float32, n_pairs: int) -> Float32:
        """Sum of ``values`` (float32[M]) over each pair's matches, float32[n_pairs]."""
        return np.bincount(self.pair, weights=values, minlength=n_pairs).astype(np.float32)

    def largest(self, values: Float32, n_pairs: int) -> Float32:
        """Largest of ``values`` over each pair's matches, 0 without any, float32[n_pairs]."""
        out = np.zeros(n_pairs, dtype=np.float32)
        np.maximum.at(out, self.pair, values)
        return out


def join(batch: PairBatch, matrix: sparse.csr_array, max_rows: int = 10**9) -> Matches:
    """List the (pair, column) matches of ``matrix``'s rows within each block.

    Parameters
    ----------
    matrix : csr_array of shape (R, n_columns)
        One row for each row of ``batch``.
    max_rows : int
        Columns that more rows of a block share are left out: they say nothing there.
    """
    lengths = np.diff(matrix.indptr)
    row = np.repeat(np.arange(len(batch.rows), dtype=np.int32), lengths)
    column, value = matrix.indices, matrix.data
    key = batch.block[row].astype(np.int64) * (matrix.shape[1] + 1) + column
    order = np.argsort(key, kind="stable")
    row, column, value, key = row[order], column[order], value[order], key[order]
    new = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else key
    size = np.diff(np.concatenate([new, [len(key)]])).astype(np.int64)
    keep = np.repeat((size > 1) & (size <= max_rows), size)
    row, column, value = row[keep], column[keep], value[keep]
    size = size[(size > 1) & (size <= max_rows)]
    end = np.repeat(np.cumsum(size), size)
    partners = end - 1 - np.arange(len(row))
    a = np.repeat(np.arange(len(row)), partners)
    first = np.cumsum(partners) - partners
    b = np.arange(len(a)) - np.repeat(first, partners) + a + 1
    return Matches(
        batch.place(row[a], row[b]),
        column[a].astype(np.int32),
        value[a].astype(np.float32),
        value[b].astype(np.float32),
    )


def block_cosine(batch: PairBatch, vectors: Float32) -> Float32:
    """Dot product of the rows of each pair; NaN where either vector is missing (NaN).

    Parameters
    ----------
    vectors : float32[R, d]
        Unit rows, one for each row of ``batch``.
    """
    out = np.empty(batch.n_pairs, dtype=np.float32)
    for b in range(len(batch.start) - 1):
        low, high = int(batch.start[b]), int(batch.start[b + 1])
        if high - low < 2:
            continue
        part = vectors[low:high]
        upper = np.triu_indices(high - low, 1)
        out[batch.pair_start[b] : batch.pair_start[b + 1]] = (part @ part.T)[upper]
    return out
