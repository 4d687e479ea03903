"""Trace two mentions through both levels, clustering only their own blocks.

The steps are those of :func:`disambig.clustering.batch.cluster_batch` and
:mod:`disambig.clustering.cross_block`; in addition, this module keeps the features of the pair,
its first-level groups and the decision between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from disambig.arrays import Float32, Int32
from disambig.blocking.blocks import Comparisons, make_blocks
from disambig.blocking.cross_block import find_cross_block_pairs
from disambig.blocking.pairs import PairBatch
from disambig.clustering.constraints import Constraints
from disambig.clustering.cross_block import choose_representatives, score_candidates
from disambig.clustering.linkage import get_first_rows
from disambig.clustering.two_level import (
    BatchConstraints,
    Round,
    ScoredPairs,
    predict_groups,
    predict_pairs,
    run_second_level,
)
from disambig.corpus.index import CorpusIndex
from disambig.features.group import compute_group_features
from disambig.features.groups import GroupBatch
from disambig.features.pair import compute_pair_features
from disambig.model.model import Model
from disambig.names import are_compatible

Row = Mapping[str, float]
"""Value of each feature, NaN where it is missing, in the order of the model."""


@dataclass(frozen=True, eq=False)
class Trace:
    """How the clustering decided about two signature rows.

    Attributes
    ----------
    pair : Row
        Features of the two rows.
    group_a, group_b : int32[n]
        Signature rows of the groups compared last. Within a block: those of the round of the
        second level that joined them, or of its last round; across two blocks: the identities
        after both levels. The same array where one first-level group contains both.
    first_size_a, first_size_b : int
        Sizes of their first-level groups.
    group : Row or None
        Features of these two groups; None where they are one group or were not compared.
    same_block, same : bool
        Whether they are in one block, and whether they end in one identity.
    threshold : float
        Probability needed to join.
    is_candidate : bool
        Whether the groups were a candidate pair; always true within a block.
    rival_probability : float
        Across blocks, the highest probability of another join that excludes this one; 0 otherwise.
    exclusion : pair of signature rows, or None
        Two members of the groups that cannot be one person.
    are_names_compatible : bool
        Whether any names of the two groups are compatible.
    """

    pair: Row
    group_a: Int32
    group_b: Int32
    first_size_a: int
    first_size_b: int
    group: Row | None
    same_block: bool
    same: bool
    threshold: float
    is_candidate: bool = True
    rival_probability: float = 0.0
    exclusion: tuple[int, int] | None = None
    are_names_compatible: bool = True


@dataclass(frozen=True, eq=False)
class _ClusteredBlock:
    """One clustered block; ``first`` and ``final`` of each round label every row."""

    batch: PairBatch
    first: Int32
    rounds: list[Round]

    @property
    def final(self) -> Int32:
        """Labels of the rows after both levels, int32[R]."""
        return self.rounds[-1].final if self.rounds else self.first

    def list_members(self, labels: Int32, row: int) -> Int32:
        """Return the rows that have the label of ``row``."""
        rows = self.batch.rows
        own = labels[np.flatnonzero(rows == row)[0]]
        member_rows: Int32 = rows[labels == own]
        return member_rows


def trace_pair(index: CorpusIndex, model: Model, constraints: Constraints, a: int, b: int) -> Trace:
    """Cluster the block or blocks of two different signature rows and record the decision."""
    blocks = [block for block in make_blocks(index.corpus) if np.isin((a, b), block).any()]
    comparisons = Comparisons.plan(index, blocks)
    batch_a = comparisons.make_batch_of_row(a)
    if b in batch_a.rows:
        return _trace_within_block(index, model, constraints, batch_a, a, b)
    return _trace_across_blocks(
        index, model, constraints, (batch_a, comparisons.make_batch_of_row(b)), a, b
    )


def _cluster_block(
    index: CorpusIndex, model: Model, constraints: Constraints, batch: PairBatch
) -> _ClusteredBlock:
    scored = ScoredPairs.score(
        index,
        batch,
        constraints,
        lambda c: predict_pairs(model, c, index.doublings),
    )
    first = scored.cluster(model.get_first_level_threshold(index.doublings))
    rounds = run_second_level(
        scored,
        first,
        lambda c: predict_groups(model, c, index.doublings),
        model.settings["second_level"],
    )
    return _ClusteredBlock(scored.batch, first, list(rounds))


def _trace_within_block(
    index: CorpusIndex, model: Model, constraints: Constraints, batch: PairBatch, a: int, b: int
) -> Trace:
    block, rows = _cluster_block(index, model, constraints, batch), batch.rows
    i, j = (int(np.flatnonzero(rows == row)[0]) for row in sorted((a, b)))
    pair = _get_row(compute_pair_features(index, PairBatch.from_pair(index, rows, i, j)), 0)
    first_a, first_b = block.list_members(block.first, a), block.list_members(block.first, b)
    sizes = len(first_a), len(first_b)
    if block.first[i] == block.first[j]:
        threshold = model.get_first_level_threshold(index.doublings)
        return Trace(pair, first_a, first_a, *sizes, None, True, True, threshold)
    # the round that joined them, or the last
    last = next((r for r in block.rounds if r.final[i] == r.final[j]), block.rounds[-1])
    group = last.groups.group
    group_a, group_b = block.list_members(group, a), block.list_members(group, b)
    low, high = np.sort(group[[i, j]]).tolist()
    pair_index = last.groups.find_pair(low, high)
    pair_slice = slice(pair_index, pair_index + 1)
    return Trace(
        pair=pair,
        group_a=group_a,
        group_b=group_b,
        first_size_a=sizes[0],
        first_size_b=sizes[1],
        group=_get_row(last.evidence.compute_columns(pair_slice), 0) if pair_index >= 0 else None,
        same_block=True,
        same=bool(last.final[i] == last.final[j]),
        threshold=model.settings["second_level"],
        exclusion=_find_exclusion(index, constraints, group_a, group_b),
        are_names_compatible=pair_index >= 0 or _are_names_compatible(index, group_a, group_b),
    )


def _are_names_compatible(index: CorpusIndex, group_a: Int32, group_b: Int32) -> bool:
    """Whether any two names of two groups are compatible."""
    a, b = (np.unique(index.corpus.signature_name[group]) for group in (group_a, group_b))
    left, right = np.repeat(a, len(b)), np.tile(b, len(a))
    return bool(are_compatible(index.names, left, right).any())


def _trace_across_blocks(
    index: CorpusIndex,
    model: Model,
    constraints: Constraints,
    batches: tuple[PairBatch, PairBatch],
    a: int,
    b: int,
) -> Trace:
    """Compare the identities of two blocks; joins through a third block are not traced."""
    blocks = [_cluster_block(index, model, constraints, part) for part in batches]
    identity, block_of = _number_identities(index, blocks)
    group_a, group_b = (x.list_members(x.final, row) for x, row in zip(blocks, (a, b), strict=True))
    pair = np.array([[identity[a], identity[b]]], dtype=np.int64)
    pair.sort(axis=1)
    comparisons = Comparisons.plan(index, make_blocks(index.corpus))
    crowded = comparisons.mask_crowded(index.corpus.n_signatures)
    candidates = find_cross_block_pairs(index, identity, block_of, crowded)
    candidates = candidates[(candidates < identity.max()).all(axis=1)]
    rival_pairs = candidates[np.isin(candidates, pair).any(axis=1)]
    probabilities = score_candidates(
        index, model, constraints, identity, np.vstack([pair, rival_pairs])
    )
    is_this_pair = (rival_pairs == pair).all(axis=1)
    exclusion = _find_exclusion(index, constraints, group_a, group_b)
    threshold = model.settings["across"]
    rival_probability = float(probabilities[1:][~is_this_pair].max(initial=0.0))
    is_must_linked = _has_must_link(constraints, group_a, group_b)
    is_joined = (
        is_this_pair.any()
        and exclusion is None
        and probabilities[0] >= max(threshold, rival_probability)
    )
    return Trace(
        pair=_compute_pair_features(index, group_a, group_b, a, b),
        group_a=group_a,
        group_b=group_b,
        first_size_a=len(blocks[0].list_members(blocks[0].first, a)),
        first_size_b=len(blocks[1].list_members(blocks[1].first, b)),
        group=_compute_group_features(index, model, group_a, group_b),
        same_block=False,
        same=bool(is_must_linked or is_joined),
        threshold=threshold,
        is_candidate=bool(is_this_pair.any()),
        rival_probability=rival_probability,
        exclusion=exclusion,
    )


def _number_identities(index: CorpusIndex, blocks: list[_ClusteredBlock]) -> tuple[Int32, Int32]:
    """Number identity and block of every signature; the signatures of other blocks share one."""
    n = index.corpus.n_signatures
    identity = np.full(n, -1, dtype=np.int32)
    block_of = np.full(n, len(blocks), dtype=np.int32)
    next_identity = 0
    for number, block in enumerate(blocks):
        identity[block.batch.rows] = block.final + next_identity
        block_of[block.batch.rows] = number
        next_identity += int(block.final.max()) + 1
    identity[identity < 0] = next_identity
    return identity, block_of


def _compute_pair_features(
    index: CorpusIndex, group_a: Int32, group_b: Int32, a: int, b: int
) -> Row:
    """Compute features of two rows among the representatives of their groups, as one block."""
    left, right = (
        _include_row(_choose_representatives(group_a), a),
        _include_row(_choose_representatives(group_b), b),
    )
    i = int(np.flatnonzero(left == a)[0])
    j = len(left) + int(np.flatnonzero(right == b)[0])
    return _get_row(
        compute_pair_features(
            index, PairBatch.from_pair(index, np.concatenate([left, right]), i, j)
        ),
        0,
    )


def _choose_representatives(rows: Int32) -> Int32:
    return rows[choose_representatives(len(rows))]


def _include_row(rows: Int32, row: int) -> Int32:
    """Return the rows with ``row`` in place of the last where it is not among them."""
    return rows if row in rows else np.append(rows[:-1], np.int32(row))


def _compute_group_features(
    index: CorpusIndex, model: Model, group_a: Int32, group_b: Int32
) -> Row:
    left, right = sorted(
        (_choose_representatives(group_a), _choose_representatives(group_b)),
        key=lambda g: int(g[0]),
    )
    batch = PairBatch.from_blocks(index, [np.concatenate([left, right])])
    group = np.repeat(np.arange(2, dtype=np.int32), [len(left), len(right)])
    columns = compute_pair_features(index, batch)
    probability, _ = predict_pairs(model, columns, index.doublings)
    groups = GroupBatch.from_groups(batch, group)
    return _get_row(compute_group_features(index, batch, groups, columns, probability), 0)


def _has_must_link(constraints: Constraints, group_a: Int32, group_b: Int32) -> bool:
    """Whether a must-link holds between any two members."""
    codes = np.intersect1d(constraints.must[group_a], constraints.must[group_b])
    return bool((codes >= 0).any())


def _find_exclusion(
    index: CorpusIndex, constraints: Constraints, group_a: Int32, group_b: Int32
) -> tuple[int, int] | None:
    """Return the first members of the two groups that a cannot-link separates; None without."""
    batch = PairBatch.without_pairs([np.concatenate([group_a, group_b])])
    batch_constraints, n = BatchConstraints.select(batch, constraints), len(group_a)
    first = get_first_rows(batch.block, batch_constraints.must)
    ends = [(i, j) for pair in batch_constraints.cannot.tolist() for i, j in (pair, pair[::-1])]
    left, right = _index_first_rows(first[:n]), _index_first_rows(first[n:])
    exclusions = [(left[i], right[j]) for i, j in ends if i in left and j in right]
    left, right = (
        _index_first_rows(batch_constraints.orcid[:n]),
        _index_first_rows(batch_constraints.orcid[n:]),
    )
    exclusions += [(left[i], right[j]) for i in left for j in right if min(i, j) >= 0 and i != j]
    if not exclusions:
        return None
    i, j = min(exclusions)
    return int(group_a[i]), int(group_b[j])


def _index_first_rows(keys: Int32) -> dict[int, int]:
    """Return the index of the first occurrence of each key."""
    unique_keys, first = np.unique(keys, return_index=True)
    return dict(zip(unique_keys.tolist(), first.tolist(), strict=True))


def _get_row(columns: dict[str, Float32], index: int) -> Row:
    """Return the values of all columns for one pair."""
    return {name: float(column[index]) for name, column in columns.items()}
