"""Constrained average linkage of many blocks at once, over a sparse list of pairs.

Clusters with average similarity at or above a threshold are merged, most similar first (UPGMA:
Sokal & Michener, 1958). Unlisted pairs share one similarity, below the threshold. A cannot-link
(ban) is a similarity of minus infinity; a weighted average with minus infinity is minus infinity,
so a ban holds for every cluster its rows become part of, and no later step handles bans.

Rows of two ORCID iDs cannot be linked either, but n rows with ORCID iDs would be n² / 2 bans. So a
row has the code of its ORCID iD, and a cluster that of its rows, of which it has at most one. Two
codes make a listed similarity minus infinity: before the first merge, and again where a merge adds
a code to a cluster without one. An unlisted pair is below the threshold anyway, and becomes listed,
with its codes checked, before it could rise. The clusters are the same as with all the bans, which
would make the same similarities minus infinity, and others that are below the threshold.
This only lowers similarities; a merged cluster is still no more similar to a third than the more
similar of its parts was, as nearest-neighbour chains require.

Rows that must share a cluster are contracted to one row first, with average similarities. Then
only connected components are agglomerated. Draw an edge between two rows when their similarity
is at or above the threshold: every cluster lies within one component.
*Proof.* Let a merge join A and B with a weighted average at or above the threshold. An average
with positive weights does not exceed the largest of its terms, so some row of A and some row of
B have an edge. By induction every cluster is connected. A component that has all its edges is
one cluster, since every average of similarities at or above the threshold is so too.
"""

from __future__ import annotations

import numpy as np

from disambig.arrays import Float32, Float64, Int32
from disambig.errors import ConstraintError
from disambig.kernels.linkage import cluster_rows

# A component of up to this many rows gets a full matrix. A cell takes 8 bytes; a listed pair takes
# 24 in lists, plus half as much spare: a matrix takes no more when half the pairs are listed.
FULL_ROWS = 500
CELLS_PER_PAIR = 4


def average_linkage(
    block: Int32,
    left: Int32,
    right: Int32,
    similarity: Float32,
    threshold: float,
    *,
    absent: float = 0.0,
    weight: Float32 | None = None,
    cannot: Int32 | None = None,
    must: Int32 | None = None,
    orcid: Int32 | None = None,
) -> Int32:
    """Cluster the rows of each block.

    The result for a block depends on that block alone: on its similarities rounded to float32,
    and, where several merges are equally similar, on the order of its rows: the lowest rows are
    merged first. It does not depend on how clusters are stored, nor on the machine.

    A component takes time about its listed pairs times the logarithm of its rows while clusters
    keep few neighbours; a merge costs the neighbours of its two clusters, so one cluster that
    absorbs all others one by one costs up to the square of the rows. Memory is about 50 bytes a
    listed pair, whatever the size of the blocks.

    Parameters
    ----------
    block : int32[R]
        Block of each row, ascending.
    left, right : int32[P]
        Listed pairs: rows of one block, left < right, sorted by (left, right), distinct.
    similarity : float32[P]
        Similarity of each listed pair, without NaN; usually a probability.
    threshold : float
        Two clusters are merged while their average similarity is at least this. Finite.
    absent : float
        Similarity of the unlisted pairs of a block, below the threshold.
    weight : float32[R], optional
        Number of signatures of each row, above 0; averages are weighted by it. All 1 by
        default.
    cannot : int32[K, 2], optional
        Rows that never share a cluster, listed as pairs or not. Pairs across blocks have no
        effect.
    must : int32[R], optional
        Rows of a block with an equal code of 0 or above share a cluster, whatever their
        similarity; -1 for none.
    orcid : int32[R], optional
        Rows with different codes of 0 or above never share a cluster; -1 for none.

    Returns
    -------
    int32[R]
        Cluster of each row, counted from 0 in order of each cluster's first row, so the
        clusters of a block are numbered after those of the blocks before it.

    Raises
    ------
    ConstraintError
        If two rows must and cannot share a cluster.
    ValueError
        If there are unlisted pairs and ``absent`` is not below the threshold.
    """
    limit, unlisted = np.float32(threshold), np.float32(absent)
    if not unlisted < limit and len(left) < _count_possible_pairs(block):
        raise ValueError(
            f"pairs that are not listed have similarity {absent}, which is not below the "
            f"threshold {threshold}; list every pair or raise the threshold"
        )
    row = np.arange(len(block), dtype=np.int32)
    group = get_first_rows(block, must)
    bans = _select_bans(block, group, cannot)
    code = _get_group_orcids(group, orcid)
    mass: Float64 = (np.ones(len(row)) if weight is None else weight).astype(np.float64)
    if len(bans) or (must is not None and (group != row).any()):
        left, right, similarity = _contract_groups(
            left, right, similarity, unlisted, mass, group, bans
        )
        mass = np.bincount(group, weights=mass, minlength=len(row)).astype(np.float64)
    if orcid is not None:
        has_two_orcids = (code[left] >= 0) & (code[right] >= 0) & (code[left] != code[right])
        similarity = np.where(has_two_orcids, np.float32(-np.inf), similarity)
    root = cluster_rows(
        left, right, similarity, mass, code, unlisted, limit, FULL_ROWS, CELLS_PER_PAIR
    )[group]
    labels: Int32 = (np.cumsum(root == row, dtype=np.int32) - 1)[root]
    return labels


def _count_possible_pairs(block: Int32) -> int:
    """Count the pairs of rows within blocks, listed or not."""
    size = np.bincount(block).astype(np.int64)
    return int((size * (size - 1) // 2).sum())


def get_first_rows(block: Int32, must: Int32 | None) -> Int32:
    """Return the first row of each row's must-group in its block, int32[R]; itself without one."""
    group = np.arange(len(block), dtype=np.int32)
    if must is None:
        return group
    has_code = np.flatnonzero(must >= 0)
    if not len(has_code):
        return group
    key = block[has_code].astype(np.int64) * (int(must.max()) + 1) + must[has_code]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    group[has_code] = has_code[first][inverse]
    return group


def _select_bans(block: Int32, group: Int32, cannot: Int32 | None) -> Int32:
    """Select the cannot-links within blocks, int32[K, 2]."""
    if cannot is None or not len(cannot):
        return np.empty((0, 2), dtype=np.int32)
    bans: Int32 = cannot[block[cannot[:, 0]] == block[cannot[:, 1]]]
    contradictions = bans[group[bans[:, 0]] == group[bans[:, 1]]]
    if len(contradictions):
        raise _make_contradiction_error(*contradictions[0].tolist())
    return bans


def _get_group_orcids(group: Int32, orcid: Int32 | None) -> Int32:
    """Return the ORCID code of each must-group at its first row; -1 at all others and for none."""
    code = np.full(len(group), -1, dtype=np.int32)
    if orcid is None:
        return code
    with_orcid = np.flatnonzero(orcid >= 0)
    orcid_row = np.full(len(group), -1, dtype=np.int64)
    orcid_row[group[with_orcid]] = with_orcid
    code[group[with_orcid]] = orcid[orcid_row[group[with_orcid]]]
    contradictions = with_orcid[orcid[with_orcid] != code[group[with_orcid]]]
    if len(contradictions):
        raise _make_contradiction_error(
            int(contradictions[0]), int(orcid_row[group[contradictions[0]]])
        )
    return code


def _make_contradiction_error(a: int, b: int) -> ConstraintError:
    return ConstraintError(
        f"rows {min(a, b)} and {max(a, b)} must and cannot share a cluster; "
        "compile the constraints, which reports the chain, and drop one of them"
    )


def _contract_groups(
    left: Int32,
    right: Int32,
    similarity: Float32,
    absent: np.float32,
    mass: Float64,
    group: Int32,
    bans: Int32,
) -> tuple[Int32, Int32, Float32]:
    """Contract must-groups to their first rows; list their pairs in order, bans included.

    A pair's similarity is the average over the pairs of its rows. It is computed as a sum, so
    bans stay minus infinity.
    """
    share = mass / np.bincount(group, weights=mass, minlength=len(group))[group]
    i = np.concatenate([left, bans[:, 0]])
    j = np.concatenate([right, bans[:, 1]])
    above = np.full(len(i), -np.inf)  # contribution of each pair to the average of its groups
    above[: len(left)] = (similarity.astype(np.float64) - absent) * share[left] * share[right]
    a, b = group[i].astype(np.int64), group[j].astype(np.int64)
    between_groups = np.flatnonzero(a != b)
    key = (np.minimum(a, b) * len(group) + np.maximum(a, b))[between_groups]
    pair_keys, member = np.unique(key, return_inverse=True)
    total = np.bincount(member, weights=above[between_groups], minlength=len(pair_keys)) + absent
    first, second = (x.astype(np.int32) for x in np.divmod(pair_keys, len(group)))
    return first, second, total.astype(np.float32)
