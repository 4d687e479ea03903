"""Sparse matrices by row (CSR) for the compiled kernels: three arrays of fixed types."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from disambig.arrays import Bool, Float32, Int32, Int64
from disambig.kernels.pairs import sum_rows


@dataclass(frozen=True, eq=False)
class SparseRows:
    """Row ``r`` has ``value`` float32 at ``column`` int32, ascending, from ``start[r]`` up to
    ``start[r + 1]`` (exclusive); ``start`` is int64[n + 1].
    """

    start: Int64
    column: Int32
    value: Float32

    @classmethod
    def from_matrix(cls, matrix: sparse.csr_array) -> SparseRows:
        """Convert a matrix whose columns are sorted and distinct within each row."""
        return cls(
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int32, copy=False),
            matrix.data.astype(np.float32, copy=False),
        )

    @classmethod
    def from_lists(cls, row: Int64, column: npt.NDArray[np.integer], n_rows: int) -> SparseRows:
        """Build rows from (row, column) entries sorted by row, then column; each value is 1."""
        start = np.searchsorted(row, np.arange(n_rows + 1))
        return cls(start, column.astype(np.int32), np.ones(len(column), dtype=np.float32))

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.start) - 1

    @property
    def lengths(self) -> Int64:
        """Entries of each row, int64[n]."""
        return np.diff(self.start)

    def get_entry_rows(self) -> Int64:
        """Return the row of each entry, int64[nnz]."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def take(self, rows: npt.NDArray[np.integer]) -> SparseRows:
        """Return some rows, in the order of ``rows``."""
        length = self.start[rows + 1] - self.start[rows]  # of these rows alone: they may be few
        start = np.concatenate([[0], np.cumsum(length)])
        place = np.arange(start[-1]) + np.repeat(self.start[rows] - start[:-1], length)
        return SparseRows(start, self.column[place], self.value[place])

    def concatenate(self, other: SparseRows) -> SparseRows:
        """Append the rows of ``other``, over the same columns."""
        return SparseRows(
            np.concatenate([self.start, other.start[1:] + self.start[-1]]),
            np.concatenate([self.column, other.column]),
            np.concatenate([self.value, other.value]),
        )

    def append_empty_row(self) -> SparseRows:
        """Append one empty row."""
        return SparseRows(np.append(self.start, self.start[-1]), self.column, self.value)

    def filter_entries(self, mask: Bool) -> SparseRows:
        """Keep the entries marked, bool[nnz]."""
        start = np.concatenate([[0], np.cumsum(mask)])[self.start]
        return SparseRows(start, self.column[mask], self.value[mask])

    def replace_values(self, value: Float32) -> SparseRows:
        """Return the same positions with other values."""
        return SparseRows(self.start, self.column, value.astype(np.float32, copy=False))

    def normalise(self) -> SparseRows:
        """Scale rows to length 1; empty rows stay empty."""
        row = self.get_entry_rows()
        norm = np.sqrt(np.bincount(row, self.value.astype(np.float64) ** 2, len(self)))
        scale = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)
        return self.replace_values((self.value * scale[row]).astype(np.float32))

    def sum_groups(self, member: Int64, first: Int64, width: int) -> SparseRows:
        """Sum the rows ``member[first[g]:first[g + 1]]`` of each group g; ``width`` columns."""
        return SparseRows(*sum_rows(self.start, self.column, self.value, member, first, width))
