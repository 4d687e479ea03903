"""Identity continuity: match clusters of a new partition to identities (bipartite matching).

A pure function of two partitions of the same signatures. Identities and clusters that share
signatures are the two sides of a bipartite graph; a continuation is a matching of it. The best
matching changes the id of as few signatures as possible. It keeps

1. the most signatures that a human confirmed under their identity,
2. then the most signatures,
3. then the better-established identities: more signatures, then the older (lower) key.

Remaining ties are resolved by the order of identity keys and of clusters, never by the order of
rows. A merge therefore keeps the id of the identity with confirmed signatures, or else of the
larger one; a split keeps the id with the part that has the confirmed signatures, or else with the
largest part.

Almost every connected component of the graph is a star (one identity or one cluster): its best
edge is found by sorting. For the others the three aims become one weight,
``(confirmed * B2 + overlap) * B3 + rank``. B2 is one more than all signatures of the component,
and B3 one more than the largest sum of ranks of a matching, so that no sum at a lower level
outweighs one unit above it. Weights are integers in float64, exact below 2**53. In a component so
large that their sums might not be exact, the lowest level is left out, and the order of keys
decides instead; where even that is not enough (tens of millions of signatures in one component),
a confirmed signature counts as two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from disambig.arrays import Bool, Float64, Int64

MAX_DENSE_CELLS = 250_000
"""Cells of the largest table that is matched as a dense one; larger ones are matched as sparse."""
EXACT_LIMIT = 2**53
"""Integers below this are exact in float64."""


@dataclass(frozen=True, eq=False)
class Overlap:
    """The E edges of the graph: signatures shared by an identity and a cluster.

    Attributes
    ----------
    identity, cluster, mentions, confirmed : int64[E]
        Identity key, cluster, number of shared signatures, and how many of these are confirmed.
    """

    identity: Int64
    cluster: Int64
    mentions: Int64
    confirmed: Int64


def count_overlap(identity: Int64, cluster: Int64, confirmed: Bool) -> Overlap:
    """Count the signatures that identities and clusters share.

    Parameters
    ----------
    identity : int64[N]
        Identity key of each signature; negative if unassigned.
    cluster : int64[N]
        Its cluster in the new partition; negative if it is in none.
    confirmed : bool[N]
        Whether a human confirmed it under its identity.
    """
    matched_rows = np.flatnonzero((identity >= 0) & (cluster >= 0))
    i, c, is_confirmed = identity[matched_rows], cluster[matched_rows], confirmed[matched_rows]
    order = np.lexsort((c, i))
    i, c, is_confirmed = i[order], c[order], is_confirmed[order]
    first = np.ones(len(i), dtype=bool)
    first[1:] = (i[1:] != i[:-1]) | (c[1:] != c[:-1])
    start = np.flatnonzero(first)
    mentions = np.diff(start, append=len(i))
    total = np.concatenate([[0], np.cumsum(is_confirmed, dtype=np.int64)])
    return Overlap(i[start], c[start], mentions, total[start + mentions] - total[start])


def match_identities(
    identity: Int64,
    cluster: Int64,
    *,
    confirmed: Bool | None = None,
    mentions: tuple[Int64, Int64] | None = None,
) -> dict[int, int]:
    """Return the identity that each cluster continues; clusters that continue none are left out.

    Parameters
    ----------
    identity : int64[N]
        Identity key of each signature; negative if unassigned.
    cluster : int64[N]
        Its cluster in the new partition, from 0; negative if it is in none. Cluster numbers must
        not depend on the order of rows: they resolve ties.
    confirmed : bool[N], optional
        Whether a human confirmed the signature under its identity.
    mentions : (int64[M], int64[M]), optional
        Identity keys, ascending, and the total number of signatures of each; by default, counted
        from ``identity``.

    Returns
    -------
    dict of int to int
        Cluster to identity key, each identity at most once.

    Examples
    --------
    >>> old, new = np.array([7, 7, 7, 8, 8]), np.array([0, 0, 1, 1, 1])
    >>> match_identities(old, new)
    {0: 7, 1: 8}
    """
    is_confirmed = np.zeros(len(identity), dtype=bool) if confirmed is None else confirmed
    edges = count_overlap(identity, cluster, is_confirmed)
    if not len(edges.identity):
        return {}
    keys, row = np.unique(edges.identity, return_inverse=True)
    cluster_ids, column = np.unique(edges.cluster, return_inverse=True)
    if mentions is None:
        size = np.bincount(row, weights=edges.mentions).astype(np.int64)
    else:
        size = mentions[1][np.searchsorted(mentions[0], keys)]
    # seniority[k]: 0 for the best established identity
    seniority = np.empty(len(keys), dtype=np.int64)
    seniority[np.lexsort((keys, -size))] = np.arange(len(keys))
    component = _label_edge_components(row, column, len(keys), len(cluster_ids))
    is_star = _is_star(component, row, column)
    edge_sets = [
        _choose_star_edges(np.flatnonzero(is_star[component]), component, edges, seniority[row])
    ]
    other_edges = np.flatnonzero(~is_star[component])
    other_edges = other_edges[np.argsort(component[other_edges], kind="stable")]
    bounds = np.flatnonzero(np.diff(component[other_edges])) + 1
    for part in np.split(other_edges, bounds) if len(other_edges) else ():
        edge_sets.append(_match_component(part, edges, row, column, seniority))
    best_edges = np.sort(np.concatenate(edge_sets))
    return dict(
        zip(edges.cluster[best_edges].tolist(), edges.identity[best_edges].tolist(), strict=True)
    )


def _label_edge_components(row: Int64, column: Int64, n_rows: int, n_columns: int) -> Int64:
    """Return the connected component of each edge."""
    n = n_rows + n_columns
    graph = coo_array((np.ones(len(row), dtype=bool), (row, column + n_rows)), shape=(n, n))
    _, labels = connected_components(graph.tocsr(), directed=False)
    return labels[row].astype(np.int64)


def _is_star(component: Int64, row: Int64, column: Int64) -> Bool:
    """Return whether each component has a single identity or a single cluster."""
    n = int(component.max()) + 1
    nodes = [
        np.bincount(component[np.unique(side, return_index=True)[1]], minlength=n)
        for side in (row, column)
    ]
    has_one_node: Bool = (nodes[0] == 1) | (nodes[1] == 1)
    return has_one_node


def _choose_star_edges(
    edge_indices: Int64, component: Int64, edges: Overlap, seniority: Int64
) -> Int64:
    """Return the best edge of each star component."""
    order = edge_indices[
        np.lexsort(
            (
                edges.cluster[edge_indices],
                seniority[edge_indices],
                -edges.mentions[edge_indices],
                -edges.confirmed[edge_indices],
                component[edge_indices],
            )
        )
    ]
    first = np.ones(len(order), dtype=bool)
    first[1:] = component[order[1:]] != component[order[:-1]]
    return order[first]


def _match_component(
    edge_indices: Int64, edges: Overlap, row: Int64, column: Int64, seniority: Int64
) -> Int64:
    """Return the edges of the best matching of one component."""
    rows, i = np.unique(row[edge_indices], return_inverse=True)
    columns, c = np.unique(column[edge_indices], return_inverse=True)
    rank = np.empty(len(rows), dtype=np.int64)
    # the best-established identity has the highest rank
    rank[np.argsort(-seniority[rows])] = np.arange(1, len(rows) + 1)
    weight = _combine_weights(
        edges.confirmed[edge_indices],
        edges.mentions[edge_indices],
        rank[i],
        min(len(rows), len(columns)),
    )
    if len(rows) * len(columns) <= MAX_DENSE_CELLS:
        table = np.zeros((len(rows), len(columns)))
        table[i, c] = weight
        a, b = linear_sum_assignment(table, maximize=True)
    else:
        a, b = _match_sparse(i, c, weight, len(rows), len(columns))
    pair = np.full(len(rows), -1, dtype=np.int64)
    pair[a] = b
    best_edges: Int64 = edge_indices[pair[i] == c]
    return best_edges


def _combine_weights(confirmed: Int64, mentions: Int64, rank: Int64, pairs: int) -> Float64:
    """Combine the three aims into one weight; see the module docstring."""
    per_mention = int(mentions.sum()) + 1
    highest = int(rank.max())
    per_rank = pairs * (2 * highest - pairs + 1) // 2 + 1
    largest = int(confirmed.max()) * per_mention + int(mentions.max()) + 1
    # path lengths within the solver are sums of up to one weight for each pair
    if largest * per_rank * (pairs + 1) < EXACT_LIMIT:
        weight = (confirmed * per_mention + mentions) * per_rank + rank
    elif largest * (pairs + 1) < EXACT_LIMIT:
        weight = confirmed * per_mention + mentions
    else:
        weight = confirmed + mentions
    return weight.astype(np.float64)


def _match_sparse(
    i: Int64, c: Int64, weight: Float64, n_rows: int, n_columns: int
) -> tuple[Int64, Int64]:
    """Match by sparse shortest paths; each row may also take a dummy column of its own."""
    row_indices = np.arange(n_rows)
    # costs must not be zero: those cells would count as missing
    cost = np.concatenate([weight.max() + 1 - weight, np.full(n_rows, weight.max() + 1)])
    cells = (np.concatenate([i, row_indices]), np.concatenate([c, n_columns + row_indices]))
    table = csr_array((cost, cells), shape=(n_rows, n_columns + n_rows))
    a, b = min_weight_full_bipartite_matching(table)
    is_matched = b < n_columns
    return a[is_matched].astype(np.int64), b[is_matched].astype(np.int64)
