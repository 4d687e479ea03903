"""Compiled loops over pairs. Each visits a pair once and reads only its two rows."""

from __future__ import annotations

import numpy as np

from disambig.arrays import Float32, Float64, Int32, Int64
from disambig.kernels.compile import kernel
from disambig.kernels.vectors import dot


@kernel
def expand_class_pairs(
    a: Int32, b: Int32, start: Int64, member: Int32, low: int, width: int, total: int
) -> tuple[Int32, Int32, Int32]:
    """List each member of class ``a[q]`` with each of ``b[q]``, each pair once.

    Returns
    -------
    left, right : int32[total]
        Positions counted from ``low``, below ``width``; left < right, sorted by left, then right.
    origin : int32[total]
        The class pair q of each.
    """
    i, j = np.empty(total, dtype=np.int32), np.empty(total, dtype=np.int32)
    origin = np.empty(total, dtype=np.int32)
    at = 0
    for q in range(len(a)):
        for x in range(start[a[q]], start[a[q] + 1]):
            left_position = np.int32(member[x] - low)
            first = x + 1 if a[q] == b[q] else start[b[q]]
            for y in range(first, start[b[q] + 1]):
                right_position = np.int32(member[y] - low)
                i[at], j[at] = (
                    min(left_position, right_position),
                    max(left_position, right_position),
                )
                origin[at] = q
                at += 1
    order = sort_by_count(i, sort_by_count(j, np.arange(total), width), width)
    return i[order], j[order], origin[order]


@kernel
def sort_by_count(key: Int32, order: Int64, width: int) -> Int64:
    """Sort ``order`` by ``key[order]`` (from 0, below ``width``) with a stable counting sort."""
    place = np.zeros(width + 1, dtype=np.int64)
    for k in key:
        place[k + 1] += 1
    for k in range(width):
        place[k + 1] += place[k]
    out = np.empty(len(order), dtype=np.int64)
    for x in order:
        out[place[key[x]]] = x
        place[key[x]] += 1
    return out


@kernel
def compute_overlaps(
    start: Int64, column: Int32, value: Float32, weight: Float32, left: Int32, right: Int32
) -> Float32:
    """Compute the overlap of two sparse rows, for each pair of rows.

    Fastest where pairs with the same left row are adjacent: that row is then expanded once.

    Parameters
    ----------
    start, column, value
        Of a :class:`disambig.corpus.sparse.SparseRows`; columns ascend within a row.
    weight : float32[n_columns]
    left, right : int32[P]

    Returns
    -------
    float32[8, P]
        Of the shared columns: their number; the sum and the largest of their weights (0 without
        any); the sum of the products of the values, of weight times the smaller value, of the
        left values, of the right values, and of the smaller values.
    """
    out = np.zeros((8, len(left)), dtype=np.float32)
    spread = np.empty(len(weight), dtype=np.float32)
    holder = np.full(len(weight), -1, dtype=np.int32)
    for p in range(len(left)):
        if p == 0 or left[p] != left[p - 1]:
            for x in range(start[left[p]], start[left[p] + 1]):
                spread[column[x]] = value[x]
                holder[column[x]] = left[p]
        count, total, largest, product = 0, 0.0, np.float32(0), 0.0
        least, own, other, smaller = 0.0, 0.0, 0.0, 0.0
        for y in range(start[right[p]], start[right[p] + 1]):
            c = column[y]
            if holder[c] == left[p]:
                w, u, v = weight[c], spread[c], value[y]
                count += 1
                total += w
                largest = max(largest, w)
                product += np.float64(u) * np.float64(v)
                least += np.float64(w) * np.float64(min(u, v))
                smaller += np.float64(min(u, v))
                own += u
                other += v
        if count:
            out[0, p], out[1, p], out[2, p], out[3, p] = count, total, largest, product
            out[4, p], out[5, p], out[6, p], out[7, p] = least, own, other, smaller
    return out


@kernel
def compute_cosines(vectors: Float32, left: Int32, right: Int32) -> Float32:
    """Compute the dot product of two rows for each pair; NaN where either is missing (NaN).

    Parameters
    ----------
    vectors : float32[n, d]
        ``d`` a multiple of 16.
    """
    out = np.empty(len(left), dtype=np.float32)
    for p in range(len(left)):
        out[p] = dot(vectors, left[p], right[p])
    return out


@kernel
def sum_paths(
    start: Int64,
    column: Int32,
    graph_start: Int64,
    graph_column: Int32,
    graph_value: Float32,
    left: Int32,
    right: Int32,
) -> Float32:
    """Sum the edges between two sets of nodes, for each pair of rows that hold the sets.

    Parameters
    ----------
    start, column
        Nodes of each row.
    graph_start, graph_column, graph_value
        Neighbours of each node.
    left, right : int32[P]
        Pairs with the same left row must be adjacent.
    """
    out = np.zeros(len(left), dtype=np.float32)
    reach = np.empty(len(graph_start) - 1, dtype=np.float64)
    holder = np.full(len(graph_start) - 1, -1, dtype=np.int32)
    for p in range(len(left)):
        if p == 0 or left[p] != left[p - 1]:
            for x in range(start[left[p]], start[left[p] + 1]):
                for z in range(graph_start[column[x]], graph_start[column[x] + 1]):
                    c = graph_column[z]
                    if holder[c] != left[p]:
                        holder[c] = left[p]
                        reach[c] = 0.0
                    reach[c] += graph_value[z]
        total = 0.0
        for y in range(start[right[p]], start[right[p] + 1]):
            if holder[column[y]] == left[p]:
                total += reach[column[y]]
        out[p] = total
    return out


@kernel
def sum_rows(
    start: Int64, column: Int32, value: Float32, member: Int64, first: Int64, width: int
) -> tuple[Int64, Int32, Float32]:
    """Sum the sparse rows ``member[first[g]:first[g + 1]]`` of each group g.

    Returns
    -------
    start, column, value : int64[G + 1], int32[nnz], float32[nnz]
        Columns ascend within a group.
    """
    bound = 0
    for g in range(len(first) - 1):
        for m in range(first[g], first[g + 1]):
            bound += start[member[m] + 1] - start[member[m]]
    out_start = np.zeros(len(first), dtype=np.int64)
    out_column = np.empty(bound, dtype=np.int32)
    out_value = np.empty(bound, dtype=np.float32)
    total = np.empty(width, dtype=np.float64)
    holder = np.full(width, -1, dtype=np.int32)
    at = 0
    for g in range(len(first) - 1):
        begin = at
        for m in range(first[g], first[g + 1]):
            for x in range(start[member[m]], start[member[m] + 1]):
                c = column[x]
                if holder[c] != g:
                    holder[c] = g
                    total[c] = 0.0
                    out_column[at] = c
                    at += 1
                total[c] += value[x]
        if first[g + 1] - first[g] > 1:
            out_column[begin:at].sort()
        for x in range(begin, at):
            out_value[x] = total[out_column[x]]
        out_start[g + 1] = at
    return out_start, out_column[:at], out_value[:at]


@kernel
def sum_vectors(vectors: Float32, member: Int64, first: Int64) -> tuple[Float64, Int64]:
    """Sum the known rows (not NaN) of each group, float64[G, d]; return their number, int64[G],
    too.
    """
    n, d = len(first) - 1, vectors.shape[1]
    out = np.zeros((n, d), dtype=np.float64)
    count = np.zeros(n, dtype=np.int64)
    for g in range(n):
        for m in range(first[g], first[g + 1]):
            row = vectors[member[m]]
            if not np.isnan(row[0]):
                count[g] += 1
                for k in range(d):
                    out[g, k] += row[k]
    return out, count


@kernel
def compute_dots(vectors: Float32, others: Float64, which: Int32) -> Float64:
    """Compute the dot product of row r with ``others[which[r]]``, float64[n]; NaN for a NaN row."""
    out = np.empty(len(vectors), dtype=np.float64)
    for r in range(len(vectors)):
        row, other = vectors[r], others[which[r]]
        total = 0.0
        for k in range(vectors.shape[1]):
            total += row[k] * other[k]
        out[r] = total
    return out
