"""Compiled loops over pairs. Each visits a pair once and reads only its two rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from disambig.native import kernel

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

LANES = 16


@kernel
def expand(
    a: Int32, b: Int32, start: Int64, member: Int32, low: int, width: int, total: int
) -> tuple[Int64, Int32]:
    """Members of class ``a[q]`` with those of ``b[q]``, each pair once.

    Returns
    -------
    key : int64[total]
        ``left * width + right`` of positions counted from ``low``.
    origin : int32[total]
        The q it comes from.
    """
    key = np.empty(total, dtype=np.int64)
    origin = np.empty(total, dtype=np.int32)
    at = 0
    for q in range(len(a)):
        for x in range(start[a[q]], start[a[q] + 1]):
            i = np.int64(member[x]) - low
            first = x + 1 if a[q] == b[q] else start[b[q]]
            for y in range(first, start[b[q] + 1]):
                j = np.int64(member[y]) - low
                key[at] = i * width + j if i < j else j * width + i
                origin[at] = q
                at += 1
    return key, origin


@kernel
def overlaps(
    start: Int64, column: Int32, value: Float32, weight: Float32, left: Int32, right: Int32
) -> Float32:
    """What two sparse rows share, for each pair of rows.

    Parameters
    ----------
    start, column, value
        Of a :class:`disambig.sparse_rows.SparseRows`; columns ascend within a row.
    weight : float32[n_columns]
    left, right : int32[P]

    Returns
    -------
    float32[7, P]
        Of the shared columns: their number; the sum and the largest of their weights (0 without
        any); the sum of the products of the values, of weight times the smaller value, of the
        left values, and of the right values.
    """
    out = np.zeros((7, len(left)), dtype=np.float32)
    for p in range(len(left)):
        x, x_end = start[left[p]], start[left[p] + 1]
        y, y_end = start[right[p]], start[right[p] + 1]
        count, total, largest, product = 0, 0.0, np.float32(0), 0.0
        least, own, other = 0.0, 0.0, 0.0
        while x < x_end and y < y_end:
            if column[x] < column[y]:
                x += 1
            elif column[x] > column[y]:
                y += 1
            else:
                w, u, v = weight[column[x]], value[x], value[y]
                count += 1
                total += w
                largest = max(largest, w)
                product += np.float64(u) * np.float64(v)
                least += np.float64(w) * np.float64(min(u, v))
                own += u
                other += v
                x += 1
                y += 1
        if count:
            out[0, p], out[1, p], out[2, p], out[3, p] = count, total, largest, product
            out[4, p], out[5, p], out[6, p] = least, own, other
    return out


@kernel
def cosines(vectors: Float32, left: Int32, right: Int32) -> Float32:
    """Dot product of two rows for each pair; NaN where either is missing (NaN).

    The sum runs in :data:`LANES` lanes, which the compiler may do at once without changing the
    result.

    Parameters
    ----------
    vectors : float32[n, d]
        ``d`` a multiple of :data:`LANES`.
    """
    d = vectors.shape[1]
    out = np.empty(len(left), dtype=np.float32)
    lane = np.zeros(16, dtype=np.float32)
    for p in range(len(left)):
        a, b = vectors[left[p]], vectors[right[p]]
        for q in range(16):
            lane[q] = 0
        for k in range(0, d, 16):
            for q in range(16):
                lane[q] += a[k + q] * b[k + q]
        total = np.float32(0)
        for q in range(16):
            total += lane[q]
        out[p] = total
    return out


@kernel
def paths(
    start: Int64,
    column: Int32,
    graph_start: Int64,
    graph_column: Int32,
    graph_value: Float32,
    left: Int32,
    right: Int32,
) -> Float32:
    """Sum of the edges between two sets of nodes, for each pair of rows that hold the sets.

    Parameters
    ----------
    start, column
        Nodes of each row, ascending.
    graph_start, graph_column, graph_value
        Neighbours of each node, ascending.
    """
    out = np.zeros(len(left), dtype=np.float32)
    for p in range(len(left)):
        y, y_end = start[right[p]], start[right[p] + 1]
        if y == y_end:
            continue
        total = 0.0
        for x in range(start[left[p]], start[left[p] + 1]):
            low, end = graph_start[column[x]], graph_start[column[x] + 1]
            for z in range(y, y_end):
                # neighbours and nodes both ascend: what lies below was passed
                wanted = column[z]
                high = end
                while low < high:
                    middle = (low + high) >> 1
                    if graph_column[middle] < wanted:
                        low = middle + 1
                    else:
                        high = middle
                if low == end:
                    break
                if graph_column[low] == wanted:
                    total += graph_value[low]
        out[p] = total
    return out
