"""Sample of the pairs between groups of a crowded block, where not all pairs are compared.

Each signature of a crowded block is compared with its nearest neighbours only. An unlisted pair is
unknown: a person of a thousand papers has more alike than a list of neighbours holds, and the
listed pairs between two groups are the likeliest of all. So the pairs between two groups that may
be one person are sampled, and each sampled pair represents a number of unlisted ones (its weight),
as in stratified sampling: the weighted mean over listed and sampled pairs estimates the mean over
all without bias.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from disambig.arrays import Bool, Float32, Float64, Int32, Int64
from disambig.blocking.neighbours import MEANING_WEIGHT, make_evidence_matrix
from disambig.blocking.pairs import PairBatch, find_positions
from disambig.corpus.index import CorpusIndex
from disambig.features.groups import GroupBatch, sum_slices
from disambig.kernels.groups import sample_cross_pairs

SAMPLE_SIZE = 40
"""Pairs drawn between two groups: the standard error of a mean probability is at most .08."""
MIN_PROBABILITY = 0.1
"""Two groups are sampled if some pair of theirs has at least this probability. Listed pairs are
those of nearest neighbours, the likeliest of all."""
MIN_MEAN = 0.3
"""Two groups without a listed pair are sampled if both have this mean probability with a third,
through which they could be joined."""
SATURATED_SHARE = 0.5
"""A group is saturated if its rows have at least this share of their listed pairs within it: their
nearest neighbours are its own members, so it may have few listed pairs with other groups of the
same person, or none."""
NEAREST_GROUPS = 10
"""Groups most like a saturated group that are sampled with it."""
MIN_COVERAGE = 0.9
"""Share of the pairs between two groups that listed and earlier sampled pairs represent, from which
no more are sampled."""


def sample_pairs(
    index: CorpusIndex, batch: PairBatch, groups: GroupBatch, probability: Float32, weight: Float32
) -> tuple[PairBatch, Float32]:
    """Draw unlisted pairs between groups that may be one person.

    Parameters
    ----------
    batch : PairBatch
    groups : GroupBatch
        Groups of its rows.
    probability, weight : float32[P]
        Of each listed pair, and the number of pairs that it represents.

    Returns
    -------
    PairBatch
        The same rows with the sampled pairs, whatever their names.
    float32[X]
        Number of unlisted pairs that each represents.
    """
    pair_weight = weight[groups.cross].astype(np.float64)
    known = sum_slices(pair_weight, groups.start)
    mean = sum_slices(pair_weight * probability[groups.cross], groups.start) / known
    is_sampled = (groups.compute_greatest(probability) >= MIN_PROBABILITY) & (
        known < MIN_COVERAGE * groups.pairs_between
    )
    n = len(groups.size)
    listed = groups.left.astype(np.int64) * n + groups.right
    unlisted = np.concatenate(
        [_find_pairs_through_third(groups, mean), _find_nearest_groups(index, batch, groups)]
    )
    unlisted = np.unique(unlisted[find_positions(listed, unlisted) < 0])
    far_left, far_right = (x.astype(np.int32) for x in np.divmod(unlisted, max(n, 1)))
    left = np.concatenate([groups.left[is_sampled], far_left])
    right = np.concatenate([groups.right[is_sampled], far_right])
    known = np.concatenate([known[is_sampled], np.zeros(len(unlisted))])
    member = np.argsort(groups.group, kind="stable")
    first = np.concatenate([[0], np.cumsum(groups.size, dtype=np.float64)]).astype(np.int64)
    low, high, _ = sample_cross_pairs(first, member, left, right, SAMPLE_SIZE)
    sample = batch.select_unlisted(low, high)
    return sample, _weigh_sample(groups, left, right, known, sample)


def _find_pairs_through_third(groups: GroupBatch, mean: Float64) -> Int64:
    """Find pairs of groups that are both likely one person with a third, ``low * G + high``."""
    likely, n = mean >= MIN_MEAN, len(groups.size)
    ends = groups.left[likely], groups.right[likely]
    links = sparse.csr_array((np.ones(len(ends[0]), dtype=np.int32), ends), shape=(n, n))
    links = links + links.T
    left, right = (links @ links).nonzero()
    is_upper = left < right
    return left[is_upper].astype(np.int64) * n + right[is_upper]


def _find_nearest_groups(index: CorpusIndex, batch: PairBatch, groups: GroupBatch) -> Int64:
    """Find the groups of the block most like each saturated group, as ``low * G + high``.

    Likeness is the mean over the rows of both groups of what nearest-neighbour search computes for
    two rows, without the difference of their years.
    """
    n = len(groups.size)
    is_saturated = _mark_saturated(batch, groups)
    keys = [np.empty(0, dtype=np.int64)]
    for block in np.unique(groups.block[is_saturated]).tolist():
        low, high = np.searchsorted(groups.block, [block, block + 1])
        if high - low < 2:
            continue
        rows = slice(int(batch.start[block]), int(batch.start[block + 1]))
        group, size = groups.group[rows] - low, groups.size[low:high]
        share = (1 / size[group]).astype(np.float32)
        shape = (high - low, len(group))
        mean = sparse.csr_array((share, (group, np.arange(len(group)))), shape=shape)
        evidence = mean @ make_evidence_matrix(index, batch.rows[rows])
        meaning = mean @ np.nan_to_num(index.meaning[index.corpus.signature_work[batch.rows[rows]]])
        queries = np.flatnonzero(is_saturated[low:high])
        likeness = (evidence[queries] @ evidence.T).toarray()
        likeness += MEANING_WEIGHT * (meaning[queries] @ meaning.T)
        likeness[np.arange(len(queries)), queries] = -np.inf
        count = min(NEAREST_GROUPS, high - low - 1)
        nearest = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
        query = np.repeat(queries, count) + low
        other = nearest.ravel() + low
        keys.append(np.minimum(query, other) * n + np.maximum(query, other))
    return np.concatenate(keys)


def _mark_saturated(batch: PairBatch, groups: GroupBatch) -> Bool:
    """Mark the saturated groups, see :data:`SATURATED_SHARE`; bool[G]."""
    a, b = groups.group[batch.left], groups.group[batch.right]
    n = len(groups.size)
    inside = 2 * np.bincount(a[a == b], minlength=n)
    listed = np.bincount(a, minlength=n) + np.bincount(b, minlength=n)
    is_saturated: Bool = (inside > 0) & (inside >= SATURATED_SHARE * listed)
    return is_saturated


def _weigh_sample(
    groups: GroupBatch, left: Int32, right: Int32, known: Float64, sample: PairBatch
) -> Float32:
    """Return the number of unlisted pairs that each sampled pair represents, float32[X]."""
    n = len(groups.size)
    a, b = groups.group[sample.left].astype(np.int64), groups.group[sample.right]
    key = np.minimum(a, b) * n + np.maximum(a, b)
    keys = left.astype(np.int64) * n + right
    order = np.argsort(keys)
    place = order[np.searchsorted(keys[order], key)]
    size = groups.size.astype(np.float64)
    unknown = size[left] * size[right] - known
    share = unknown / np.maximum(np.bincount(place, minlength=len(keys)), 1)
    return np.maximum(share[place], 1).astype(np.float32)
