"""Average linkage of many blocks at once, under must-link and cannot-link.

Clusters with average similarity at or above a threshold are merged, most similar first (UPGMA:
Sokal & Michener, 1958). A pair that cannot be linked has similarity minus infinity; a weighted
average with minus infinity is minus infinity, so a ban holds for every cluster its rows get
into, and no later step needs to know about bans.

Only connected components are agglomerated. Draw an edge between two rows when their similarity
is at or above the threshold or they must be one: every cluster lies within one component.
*Proof.* Let a merge join A and B with a weighted average at or above the threshold. An average
with positive weights does not exceed the largest of its terms, so some row of A and some row of
B have an edge. Rows that start together have edges by construction. By induction every cluster
is connected. A component that has all its edges is one cluster, since every average of
similarities at or above the threshold is so too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from disambig.errors import ConstraintError
from disambig.pairs import PairBatch

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

BARRED = np.float32(-np.inf)


def average_linkage(
    batch: PairBatch,
    similarity: Float32,
    threshold: float,
    *,
    weight: Float32 | None = None,
    cannot: Int32 | None = None,
    must: Int32 | None = None,
) -> Int32:
    """Cluster the rows of each block.

    The result for a block depends on that block alone. Where several merges are equally
    similar, the lowest rows go first.

    Parameters
    ----------
    batch : PairBatch
        Blocks with R rows and P pairs in all.
    similarity : float32[P]
        Similarity of each pair, without NaN; usually a probability.
    threshold : float
        Two clusters are merged while their average similarity is at least this.
    weight : float32[R], optional
        How many signatures each row stands for, above 0; averages are weighted by it. All 1
        when left out.
    cannot : int32[K, 2], optional
        Positions of rows that may never share a cluster. Pairs across blocks say nothing.
    must : int32[R], optional
        Rows of a block with an equal code of 0 or above share a cluster, whatever their
        similarity; -1 says nothing.

    Returns
    -------
    int32[R]
        Cluster of each row, counted from 0 in order of each cluster's first row, so the
        clusters of a block are numbered after those of the blocks before it.

    Raises
    ------
    ConstraintError
        If two rows must and cannot share a cluster.
    """
    n_rows = len(batch.rows)
    limit = np.float32(threshold)
    group = _first_of_group(batch, must)
    similarity = _with_bans(batch, similarity, group, cannot)
    pair = np.flatnonzero(similarity >= limit)
    i, j = batch.left[pair], batch.right[pair]
    component, whole = _components(group, i, j)
    order = np.argsort(component, kind="stable").astype(np.int32)
    start = np.searchsorted(component[order], np.arange(len(whole) + 1))
    root = order[start[:-1]][component]
    mass = np.ones(n_rows, dtype=np.float32) if weight is None else weight.astype(np.float32)
    for c in np.flatnonzero(~whole):
        rows = order[start[c] : start[c + 1]]
        root[rows] = _cluster_component(batch, similarity, rows, mass[rows], group[rows], limit)
    labels: Int32 = np.unique(root, return_inverse=True)[1].astype(np.int32)
    return labels


def _first_of_group(batch: PairBatch, must: Int32 | None) -> Int32:
    """First row of each row's must-group within its block; the row itself without one."""
    group = np.arange(len(batch.rows), dtype=np.int32)
    if must is None:
        return group
    coded = np.flatnonzero(must >= 0)
    if not len(coded):
        return group
    key = batch.block[coded].astype(np.int64) * (int(must.max()) + 1) + must[coded]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    group[coded] = coded[first][inverse]
    return group


def _with_bans(
    batch: PairBatch, similarity: Float32, group: Int32, cannot: Int32 | None
) -> Float32:
    """Similarities with minus infinity for the pairs that cannot be linked."""
    similarity = np.asarray(similarity, dtype=np.float32)
    if cannot is None or not len(cannot):
        return similarity
    i, j = cannot.min(axis=1), cannot.max(axis=1)
    within = batch.block[i] == batch.block[j]
    i, j = i[within], j[within]
    broken = np.flatnonzero(group[i] == group[j])
    if len(broken):
        a, b = int(i[broken[0]]), int(j[broken[0]])
        raise ConstraintError(
            f"rows {batch.rows[a]} and {batch.rows[b]} must and cannot share a cluster; "
            "compile the constraints, which reports the chain, and drop one of them"
        )
    similarity = similarity.copy()
    similarity[batch.place(i, j)] = BARRED
    return similarity


def _components(group: Int32, i: Int32, j: Int32) -> tuple[Int32, npt.NDArray[np.bool_]]:
    """Component of each row, and whether each component has all its edges.

    Edges are the pairs (i, j) and those of the must-groups.
    """
    n_rows = len(group)
    row = np.arange(n_rows, dtype=np.int32)
    joined = np.flatnonzero(group != row).astype(np.int32)
    a, b = np.concatenate([i, joined]), np.concatenate([j, group[joined]])
    graph = sparse.coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n_rows, n_rows))
    count, component = connected_components(graph, directed=False)
    between = i[group[i] != group[j]]
    size = np.bincount(component, minlength=count)
    edges = np.bincount(component[between], minlength=count)
    together = np.bincount(group, minlength=n_rows)
    edges += np.bincount(component, weights=together * (together - 1) / 2, minlength=count).astype(
        np.int64
    )
    return component.astype(np.int32), edges == size * (size - 1) // 2


def _cluster_component(
    batch: PairBatch,
    similarity: Float32,
    rows: Int32,
    weight: Float32,
    group: Int32,
    limit: np.float32,
) -> Int32:
    """First row of each row's cluster, for the rows (ascending) of one component."""
    square = _square(batch, similarity, rows)
    first, member = np.unique(group, return_inverse=True)
    if len(first) < len(rows):
        square, weight = _contract(square, weight, member)
    np.fill_diagonal(square, BARRED)
    found: Int32 = first[_agglomerate(square, weight, limit)][member]
    return found


def _square(batch: PairBatch, similarity: Float32, rows: Int32) -> Float32:
    """Similarities among some rows (ascending) of one block, float32[m, m], 0 on the diagonal."""
    m = len(rows)
    block = int(batch.block[rows[0]])
    low, high = int(batch.start[block]), int(batch.start[block + 1])
    local = rows.astype(np.int64) - low
    # the pair (i, j) of the block is at base[i] + j
    base = batch.pair_start[block] + local * (high - low) - local * (local + 1) // 2 - local - 1
    square = np.zeros((m, m), dtype=np.float32)
    for k in range(m - 1):
        values = similarity[base[k] + local[k + 1 :]]
        square[k, k + 1 :] = values
        square[k + 1 :, k] = values
    return square


def _contract(square: Float32, weight: Float32, member: Int64) -> tuple[Float32, Float32]:
    """Average the rows and columns of each must-group; sums, so that bans stay bans."""
    order = np.argsort(member, kind="stable")
    start = np.searchsorted(member[order], np.arange(int(member.max()) + 1))
    mass = weight[order]
    summed = square[np.ix_(order, order)] * mass[:, None] * mass[None, :]
    summed = np.add.reduceat(np.add.reduceat(summed, start, axis=0), start, axis=1)
    total = np.add.reduceat(mass, start)
    return summed / (total[:, None] * total[None, :]), total


def _agglomerate(square: Float32, weight: Float32, limit: np.float32) -> Int64:
    """Lowest member of each row's cluster, int64[m]; ``square`` is overwritten.

    Follows nearest neighbours until two clusters are each other's (Murtagh, 1983), which takes
    O(m) row scans. Merging such two in any order gives what merging the most similar first
    gives, as long as a merged cluster is never more similar to a third than both its parts
    were. That is so of averages, also of those with bans, and is enforced against rounding.
    It also means that a cluster with no neighbour at the threshold is finished.
    """
    m = len(square)
    mass = weight.astype(np.float32)
    parent = np.arange(m)
    is_open = np.ones(m, dtype=bool)
    for first in range(m):
        chain = [first] if is_open[first] else []
        while chain:
            tip = chain[-1]
            near = int(square[tip].argmax())
            best = square[tip, near]
            if len(chain) > 1 and square[tip, chain[-2]] >= best:
                keep, gone = sorted((tip, chain[-2]))
                _merge(square, mass, keep, gone)
                parent[gone], is_open[gone] = keep, False
                chain = chain[:-2] or [keep]
            elif best < limit or best == BARRED:
                is_open[tip] = False
                chain.pop()
            else:
                chain.append(near)
    for row in range(m):
        parent[row] = parent[parent[row]]
    return parent


def _merge(square: Float32, mass: Float32, keep: int, gone: int) -> None:
    """Put the average of two clusters in the place of the first; the second never comes up."""
    a, b = square[keep], square[gone]
    total = mass[keep] + mass[gone]
    merged = a * (mass[keep] / total) + b * (mass[gone] / total)
    np.minimum(merged, np.maximum(a, b), out=merged)
    merged[keep] = merged[gone] = BARRED
    square[keep] = merged
    square[:, keep] = merged
    square[:, gone] = BARRED
    mass[keep] = total
