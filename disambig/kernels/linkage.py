"""Compiled kernels of :mod:`disambig.clustering.linkage`: components, then nearest-neighbour
chains.

Similarities are stored as differences from the similarity of an unlisted pair, so such a pair is 0,
and entries that are not stored need no arithmetic. A component's clusters are stored as a full
matrix or as sorted lists of neighbours. Both store the same numbers, computed by the same
operations, so both give the same clusters, ties included; a test compares them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from disambig.arrays import Bool, Float32, Float64, Int32, Int64
from disambig.kernels.compile import kernel


class NeighbourLists(NamedTuple):
    """Neighbours of the open clusters of a component of m rows, in ascending order.

    A merged cluster gets a new list after all others, so lists are stored in order of their number.

    Attributes
    ----------
    neighbour : int32[C]
        Clusters; closed ones are dropped when a list is next read.
    value : float64[C]
        Similarity to each, minus that of an unlisted pair.
    start, length : int64[2 m]
        Position and length of each list; length 0 for a discarded one.
    number : int32[m]
        List of each cluster.
    used : int64[2]
        Number of lists so far, and the start of the next.
    """

    neighbour: Int32
    value: Float64
    start: Int64
    length: Int64
    number: Int32
    used: Int64


@kernel
def cluster_rows(
    left: Int32,
    right: Int32,
    similarity: Float32,
    mass: Float64,
    orcid: Int32,
    absent: np.float32,
    limit: np.float32,
    full_rows: int,
    cells_per_pair: int,
) -> Int32:
    """Return the first row of each row's cluster, int32[R].

    Parameters are those of :func:`disambig.clustering.linkage.average_linkage` once must-groups are
    contracted, bans are listed and so are, as minus infinity, listed pairs of two ORCID iDs. A
    component of up to ``full_rows`` rows gets a full matrix,
    and so does one where that has up to ``cells_per_pair`` cells for each listed pair.
    """
    n_rows = len(mass)
    root = _find_components(left, right, similarity, limit, n_rows)
    row, row_start = _sort_by_key(root, n_rows)
    rank = np.empty(n_rows, dtype=np.int32)
    for k in range(n_rows):
        rank[row[k]] = k - row_start[root[row[k]]]
    pair, pair_start = _sort_by_key(
        _label_unfinished_pairs(left, right, similarity, limit, root), n_rows
    )
    for c in range(n_rows):  # a component is identified by its first row
        pairs = pair[pair_start[c] : pair_start[c + 1]]
        if len(pairs) == 0:
            continue
        rows = row[row_start[c] : row_start[c + 1]]
        i, j = rank[left[pairs]], rank[right[pairs]]
        value = similarity[pairs].astype(np.float64) - absent
        full = len(rows) <= full_rows or len(rows) ** 2 <= cells_per_pair * len(pairs)
        matrix = _build_matrix(i, j, value, len(rows) if full else 0)
        lists = _build_lists(i, j, value, 0 if full else len(rows))
        first = _agglomerate(matrix, lists, mass[rows], orcid[rows], absent, limit)
        for k in range(len(rows)):  # assigning by index arrays takes 2 s more to compile
            root[rows[k]] = rows[first[k]]
    return root


@kernel
def _find_components(
    left: Int32, right: Int32, similarity: Float32, limit: np.float32, n_rows: int
) -> Int32:
    """Return the first row of each row's component; edges are the pairs at or above the limit."""
    root = np.arange(n_rows).astype(np.int32)
    for p in range(len(left)):
        if similarity[p] >= limit:
            a, b = left[p], right[p]
            while root[a] != a:
                root[a] = root[root[a]]
                a = root[a]
            while root[b] != b:
                root[b] = root[root[b]]
                b = root[b]
            root[max(a, b)] = min(a, b)
    for k in range(n_rows):
        root[k] = root[root[k]]
    return root


@kernel
def _label_unfinished_pairs(
    left: Int32, right: Int32, similarity: Float32, limit: np.float32, root: Int32
) -> Int32:
    """Return the component of each pair, -1 for none or one with all its edges.

    With all its edges a component is one cluster, as :mod:`disambig.clustering.linkage` proves.
    """
    size = np.zeros(len(root), dtype=np.int64)
    edges = np.zeros(len(root), dtype=np.int64)
    for k in range(len(root)):
        size[root[k]] += 1
    for p in range(len(left)):
        if similarity[p] >= limit:
            edges[root[left[p]]] += 1
    component = np.full(len(left), -1, dtype=np.int32)
    for p in range(len(left)):
        c = root[left[p]]
        if c == root[right[p]] and edges[c] < size[c] * (size[c] - 1) // 2:
            component[p] = c
    return component


@kernel
def _sort_by_key(key: Int32, n_keys: int) -> tuple[Int64, Int64]:
    """Sort positions by key, without key -1; return them, the start of each key, and the end."""
    start = np.zeros(n_keys + 1, dtype=np.int64)
    for k in key:
        if k >= 0:
            start[k + 1] += 1
    start = np.cumsum(start)
    order = np.empty(start[n_keys], dtype=np.int64)
    place = start.copy()
    for p in range(len(key)):
        k = key[p]
        if k >= 0:
            order[place[k]] = p
            place[k] += 1
    return order, start


@kernel
def _build_matrix(i: Int32, j: Int32, value: Float64, m: int) -> Float64:
    """Build the matrix of a component of m rows, diagonal minus infinity; empty for m = 0."""
    matrix = np.zeros((m, m), dtype=np.float64)
    for k in range(m):
        matrix[k, k] = -np.inf
    for p in range(len(i) if m > 0 else 0):
        matrix[i[p], j[p]] = value[p]
        matrix[j[p], i[p]] = value[p]
    return matrix


@kernel
def _build_lists(i: Int32, j: Int32, value: Float64, m: int) -> NeighbourLists:
    """Build the neighbour lists of a component of m rows from sorted pairs; empty for m = 0."""
    entries = 2 * len(i) if m > 0 else 0
    # a merged list has less than m entries, and a component has no less than m - 1 pairs
    room = entries + entries // 2
    length = np.zeros(2 * m, dtype=np.int64)
    start = np.zeros(2 * m, dtype=np.int64)
    neighbour = np.empty(room, dtype=np.int32)
    values = np.empty(room, dtype=np.float64)
    if m > 0:
        for p in range(len(i)):
            start[i[p] + 1] += 1  # 2 m > m, so there is an entry after the last row
            start[j[p] + 1] += 1
        start = np.cumsum(start)
        for p in range(len(i)):
            for a, b in ((i[p], j[p]), (j[p], i[p])):
                neighbour[start[a] + length[a]] = b
                values[start[a] + length[a]] = value[p]
                length[a] += 1
    used = np.array([m, entries])
    return NeighbourLists(neighbour, values, start, length, np.arange(m).astype(np.int32), used)


@kernel
def _agglomerate(
    matrix: Float64,
    lists: NeighbourLists,
    mass: Float64,
    orcid: Int32,
    absent: np.float32,
    limit: np.float32,
) -> Int32:
    """Return the lowest member of each row's cluster, int32[m]; arguments are overwritten.

    Follow nearest neighbours until two clusters are each other's (Murtagh, 1983), which takes
    O(m) nearest-neighbour searches. Merging such pairs in any order gives the same clusters as
    merging the most similar first, as long as a merged cluster is never more similar to a third
    than both its parts were. Averages have this property, with bans as well, and it is enforced
    against rounding; where the ORCID iD of one part excludes a third cluster from the other part,
    too, the similarity falls. It also means that a cluster without a neighbour at the limit is
    finished.
    """
    m = len(mass)
    parent = np.arange(m).astype(np.int32)
    is_open = np.ones(m, dtype=np.bool_)
    chain = np.empty(m + 1, dtype=np.int32)
    for first in range(m):
        chain[0], length = first, int(is_open[first])
        while length > 0:
            tip, last = chain[length - 1], chain[length - 2] if length > 1 else -1
            if len(matrix) > 0:
                near, best = _find_nearest_in_matrix(matrix, is_open, tip, last)
            else:
                near, best = _find_nearest_in_lists(lists, is_open, tip, last)
            if np.float32(best + absent) < limit:
                is_open[tip] = False
                length -= 1
            elif near == last:
                keep, drop = min(tip, last), max(tip, last)
                parent[drop], is_open[drop] = keep, False
                orcid[keep] = max(orcid[keep], orcid[drop])
                if len(matrix) > 0:
                    _merge_in_matrix(matrix, mass, orcid, is_open, keep, drop)
                else:
                    _merge_in_lists(lists, mass, orcid, is_open, keep, drop)
                mass[keep] += mass[drop]
                length -= 2
                if length == 0:
                    chain[0], length = keep, 1
            else:
                chain[length] = near
                length += 1
    for k in range(m):
        parent[k] = parent[parent[k]]
    return parent


@kernel
def _find_nearest_in_matrix(
    matrix: Float64, is_open: Bool, tip: int, last: int
) -> tuple[int, float]:
    """Find the cluster most similar to ``tip``: ``last`` in a tie, else the lowest; -1 if none."""
    near, best = last, matrix[tip, last] if last >= 0 else -np.inf
    for c in range(len(matrix)):
        if matrix[tip, c] > best and is_open[c]:
            near, best = c, matrix[tip, c]
    return near, best


@kernel
def _find_nearest_in_lists(
    lists: NeighbourLists, is_open: Bool, tip: int, last: int
) -> tuple[int, float]:
    """Find what :func:`_find_nearest_in_matrix` finds; drop closed clusters from the list."""
    number = lists.number[tip]
    at = lists.start[number]
    write = at
    near, best, to_last = -1, -np.inf, -np.inf
    for e in range(at, at + lists.length[number]):
        c, value = lists.neighbour[e], lists.value[e]
        if is_open[c]:
            lists.neighbour[write], lists.value[write] = c, value
            write += 1
            if value > best:
                near, best = c, value
            if c == last:
                to_last = value
    lists.length[number] = write - at
    if last >= 0 and to_last >= best:
        near = last
    return near, best


@kernel
def _has_two_codes(code: int, other_code: int) -> bool:
    """Return whether two codes are known and differ."""
    return code >= 0 and other_code >= 0 and code != other_code


@kernel
def _merge_in_matrix(
    matrix: Float64, mass: Float64, orcid: Int32, is_open: Bool, keep: int, drop: int
) -> None:
    """Store the average of two clusters at the first; the second is closed."""
    total = mass[keep] + mass[drop]
    keep_share, drop_share = mass[keep] / total, mass[drop] / total
    for c in range(len(matrix)):
        if is_open[c] and c != keep:
            a, b = matrix[keep, c], matrix[drop, c]
            value = min(a * keep_share + b * drop_share, max(a, b))
            if _has_two_codes(orcid[keep], orcid[c]):
                value = -np.inf
            matrix[keep, c] = value
            matrix[c, keep] = value


@kernel
def _merge_in_lists(
    lists: NeighbourLists, mass: Float64, orcid: Int32, is_open: Bool, keep: int, drop: int
) -> None:
    """Do what :func:`_merge_in_matrix` does, for the clusters that neighbour either."""
    total = mass[keep] + mass[drop]
    keep_share, drop_share = mass[keep] / total, mass[drop] / total
    at = _reserve_list(lists, keep, drop)
    e, f = lists.start[lists.number[keep]], lists.start[lists.number[drop]]
    e_end, f_end = e + lists.length[lists.number[keep]], f + lists.length[lists.number[drop]]
    new = at
    while e < e_end or f < f_end:
        c = lists.neighbour[e] if e < e_end else lists.neighbour[f]
        if f < f_end:
            c = min(c, lists.neighbour[f])
        a, b = 0.0, 0.0
        if e < e_end and lists.neighbour[e] == c:
            a = lists.value[e]
            e += 1
        if f < f_end and lists.neighbour[f] == c:
            b = lists.value[f]
            f += 1
        if is_open[c] and c != keep:
            value = min(a * keep_share + b * drop_share, max(a, b))
            if _has_two_codes(orcid[keep], orcid[c]):
                value = -np.inf
            lists.neighbour[new], lists.value[new] = c, value
            new += 1
            _replace_neighbour(lists, c, keep, drop, value)
    lists.length[lists.number[keep]] = 0
    lists.length[lists.number[drop]] = 0
    number = lists.used[0]
    lists.number[keep], lists.start[number], lists.length[number] = number, at, new - at
    lists.used[0], lists.used[1] = number + 1, new


@kernel
def _reserve_list(lists: NeighbourLists, keep: int, drop: int) -> int:
    """Return the start of the merged list; compact all lists if space may run out."""
    need = lists.length[lists.number[keep]] + lists.length[lists.number[drop]]
    if lists.used[1] + need > len(lists.neighbour):
        at = 0
        for number in range(lists.used[0]):
            old = lists.start[number]
            lists.start[number] = at
            for e in range(old, old + lists.length[number]):
                lists.neighbour[at], lists.value[at] = lists.neighbour[e], lists.value[e]
                at += 1
        lists.used[1] = at
    return int(lists.used[1])


@kernel
def _replace_neighbour(
    lists: NeighbourLists, cluster: int, keep: int, drop: int, value: float
) -> None:
    """Replace ``keep`` and ``drop``, one or both, by ``keep`` in the list of a cluster.

    Where it has both, ``drop`` stays, to be removed as closed. Where it has ``drop`` only, the
    entries before it move by one, because ``keep`` is lower.
    """
    at = lists.start[lists.number[cluster]]
    end = at + lists.length[lists.number[cluster]]
    high = end
    while at < high:
        middle = (at + high) // 2
        if lists.neighbour[middle] < keep:
            at = middle + 1
        else:
            high = middle
    if at == end or lists.neighbour[at] != keep:
        moved, moved_value = lists.neighbour[at], lists.value[at]
        e = at
        while moved != drop:
            e += 1
            lists.neighbour[e], moved = moved, lists.neighbour[e]
            lists.value[e], moved_value = moved_value, lists.value[e]
        lists.neighbour[at] = keep
    lists.value[at] = value
