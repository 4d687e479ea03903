"""Compiled loops over the references of works and of groups of works.

Columns of all matrices stand for cited works and ascend within a row. ``start`` and ``column`` are
of a :class:`disambig.corpus.sparse.SparseRows`.
"""

from __future__ import annotations

import numpy as np

from disambig.arrays import Bool, Float32, Int32, Int64
from disambig.kernels.compile import kernel


@kernel
def _find_column(column: Int32, low: int, high: int, wanted: int) -> int:
    """Return the position of a column among ``column[low:high]``, ascending; -1 if absent."""
    end = high
    while low < high:
        middle = (low + high) // 2
        if column[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < end and column[low] == wanted else -1


@kernel
def find_citations(
    start: Int64, column: Int32, cited: Int32, left: Int32, right: Int32
) -> tuple[Bool, Bool]:
    """Find the pairs of rows of which one cites the other.

    Parameters
    ----------
    cited : int32[R]
        Column that stands for each row; -1 for none.

    Returns
    -------
    bool[P], bool[P]
        Whether the left row cites the right one, and the right row the left one.
    """
    forward = np.zeros(len(left), dtype=np.bool_)
    backward = np.zeros(len(left), dtype=np.bool_)
    for p in range(len(left)):
        a, b = left[p], right[p]
        if cited[b] >= 0:
            forward[p] = _find_column(column, start[a], start[a + 1], cited[b]) >= 0
        if cited[a] >= 0:
            backward[p] = _find_column(column, start[b], start[b + 1], cited[a]) >= 0
    return forward, backward


@kernel
def sum_cited(
    start: Int64,
    column: Int32,
    value: Float32,
    own_start: Int64,
    own_column: Int32,
    own_value: Float32,
    left: Int32,
    right: Int32,
) -> Float32:
    """Sum the citations of the works of one group by another, in both directions.

    Parameters
    ----------
    start, column, value
        Works of each group that cite a column.
    own_start, own_column, own_value
        Works of each group that a column stands for.

    Returns
    -------
    float32[N]
    """
    out = np.zeros(len(left), dtype=np.float32)
    for k in range(len(left)):
        total = 0.0
        for direction in range(2):
            a, b = (left[k], right[k]) if direction == 0 else (right[k], left[k])
            if start[a + 1] > start[a]:
                for x in range(own_start[b], own_start[b + 1]):
                    at = _find_column(column, start[a], start[a + 1], own_column[x])
                    if at >= 0:
                        total += value[at] * own_value[x]
        out[k] = total
    return out


@kernel
def measure_citing_share(
    start: Int64,
    column: Int32,
    cited: Int32,
    member: Int64,
    first: Int64,
    sum_start: Int64,
    sum_column: Int32,
    own_start: Int64,
    own_column: Int32,
    left: Int32,
    right: Int32,
) -> Float32:
    """Measure the share of the smaller group's works that cite the other group or are cited by it.

    Parameters
    ----------
    start, column, cited
        References of each row, and the column that stands for it; -1 for none.
    member, first : int64[M], int64[G + 1]
        Rows of group ``g``: ``member[first[g]:first[g + 1]]``.
    sum_start, sum_column
        Columns that the works of each group cite.
    own_start, own_column
        Columns that stand for the works of each group.

    Returns
    -------
    float32[N]
        Of the works with references, or of all where the other group has references; NaN if there
        is none. The mean of both groups if they have as many rows.
    """
    out = np.full(len(left), np.nan, dtype=np.float32)
    for k in range(len(left)):
        total, n_shares = 0.0, 0
        for direction in range(2):
            a, b = (left[k], right[k]) if direction == 0 else (right[k], left[k])
            if first[a + 1] - first[a] > first[b + 1] - first[b]:
                continue
            can_be_cited = sum_start[b + 1] > sum_start[b]
            n_connected, n_works = 0, 0
            for m in range(first[a], first[a + 1]):
                row = member[m]
                if start[row + 1] == start[row] and not can_be_cited:
                    continue
                n_works += 1
                is_connected = (
                    can_be_cited
                    and cited[row] >= 0
                    and _find_column(sum_column, sum_start[b], sum_start[b + 1], cited[row]) >= 0
                )
                if not is_connected and own_start[b + 1] > own_start[b]:
                    for x in range(start[row], start[row + 1]):
                        if _find_column(own_column, own_start[b], own_start[b + 1], column[x]) >= 0:
                            is_connected = True
                            break
                n_connected += is_connected
            if n_works:
                total += n_connected / n_works
                n_shares += 1
        if n_shares:
            out[k] = total / n_shares
    return out


@kernel
def average_rarest(
    start: Int64,
    column: Int32,
    weight: Float32,
    member: Int64,
    first: Int64,
    sum_start: Int64,
    sum_column: Int32,
    left: Int32,
    right: Int32,
) -> Float32:
    """Average over the smaller group's rows the largest weight of a column shared with the other.

    Parameters
    ----------
    start, column
        Of the rows.
    weight : float32[n_columns]
    member, first : int64[M], int64[G + 1]
        Rows of group ``g``: ``member[first[g]:first[g + 1]]``.
    sum_start, sum_column
        All columns of each group.

    Returns
    -------
    float32[N]
        0 for a row that shares none; rows without columns do not count, and without others the
        average is NaN. The mean of both groups if they have as many rows.
    """
    out = np.full(len(left), np.nan, dtype=np.float32)
    for k in range(len(left)):
        total, n_averages = 0.0, 0
        for direction in range(2):
            a, b = (left[k], right[k]) if direction == 0 else (right[k], left[k])
            low, high = sum_start[b], sum_start[b + 1]
            if first[a + 1] - first[a] > first[b + 1] - first[b] or low == high:
                continue
            rarest, n_rows = np.float64(0), 0
            for m in range(first[a], first[a + 1]):
                begin, end = start[member[m]], start[member[m] + 1]
                if begin == end:
                    continue
                n_rows += 1
                largest = np.float32(0)
                for x in range(begin, end):
                    if (
                        weight[column[x]] > largest
                        and _find_column(sum_column, low, high, column[x]) >= 0
                    ):
                        largest = weight[column[x]]
                rarest += np.float64(largest)
            if n_rows:
                total += rarest / n_rows
                n_averages += 1
        if n_averages:
            out[k] = total / n_averages
    return out
