"""Two-level clustering: score pairs, cluster, score pairs of groups, cluster again.

Every stage processes a batch of blocks. The only state is the corpus index and the model, both
read-only, so batches run in any order and in any process with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from disambig.arrays import Bool, Float32, Int32
from disambig.blocking.name_comparison import NameEvidenceCache
from disambig.blocking.pairs import PairBatch, list_pairs, split_range
from disambig.clustering.constraints import Constraints, find_cannot_pairs
from disambig.clustering.doubled_entries import find_doubled_entries
from disambig.clustering.linkage import average_linkage
from disambig.clustering.sampling import sample_pairs
from disambig.corpus.index import CorpusIndex
from disambig.features.group import GROUP_PAIRS_AT_ONCE, REUSED_PAIR_FEATURES, GroupEvidence
from disambig.features.groups import UNLISTED_PROBABILITY, GroupBatch, sum_slices
from disambig.features.pair import RowEvidence, compute_pair_features
from disambig.model.calibration import Calibration
from disambig.model.forest import Forest
from disambig.model.model import Model
from disambig.model.size_shift import apply_size_shift
from disambig.timing import Clock

PAIRS_AT_ONCE = 250_000
"""Pairs whose features are in memory at the same time (about 400 bytes a pair)."""

MIN_GROUP_PROBABILITY = 0.005
"""In a large corpus, two groups are compared only if some pair of their signatures has at least
this probability. More than half of the pairs of groups have none. Of a million such in generated
corpora none would have been joined, and six would have had a probability of 0.1 or more."""

MAX_ROUNDS = 4
"""Most rounds of the second level; nearly all blocks no longer change after two."""


Predict = Callable[[dict[str, Float32]], tuple[Float32, Float32]]
"""Function from the features of pairs to their probabilities without and with the size shift."""


def stack_columns(columns: Mapping[str, Float32], names: Sequence[str]) -> Float32:
    """Stack some feature columns, float32[n, len(names)] in Fortran order."""
    n = len(next(iter(columns.values())))
    out = np.empty((n, len(names)), dtype=np.float32, order="F")
    for k, name in enumerate(names):
        out[:, k] = columns[name]
    return out


def predict_probabilities(
    forest: Forest, calibration: Calibration | None, columns: dict[str, Float32]
) -> Float32:
    """Predict calibrated probabilities from feature columns, float32[n]."""
    raw = forest.compute_log_odds(stack_columns(columns, forest.features))
    if calibration is None:
        return (1 / (1 + np.exp(-raw))).astype(np.float32)
    return calibration(raw)


def predict_pairs(
    model: Model, columns: dict[str, Float32], doublings: int
) -> tuple[Float32, Float32]:
    """Predict the probability of each pair without and with the size shift, float32[P] each.

    ``doublings`` is how far the corpus is beyond the size that the first forests were fitted on,
    see :mod:`disambig.model.size_shift`.
    """
    probability = predict_probabilities(model.pair, model.pair_calibration, columns)
    return probability, apply_size_shift(model.pair_size_shift, probability, columns, doublings)


def predict_groups(model: Model, columns: dict[str, Float32], doublings: int) -> Float32:
    """Predict the probability of each pair of groups, with the size shift, float32[N]."""
    probability = predict_probabilities(model.group, model.group_calibration, columns)
    return apply_size_shift(model.group_size_shift, probability, columns, doublings)


@dataclass(frozen=True, eq=False)
class BatchConstraints:
    """Constraints among the rows of one batch, block by block.

    Attributes
    ----------
    must : int32[R]
        Rows of a block with an equal code are one person; -1 for none.
    cannot : int32[K, 2]
        Rows that cannot be one person, lower first; the first row of a must-group represents
        all its rows.
    orcid : int32[R]
        Rows with different codes cannot be one person either; -1 for none.
    suffix : int32[R] or None
        Suffix ("Jr.") that the name of each row states, -1 for none. Groups that mostly state
        different ones are not joined, however much papers that print none resemble both.
    """

    must: Int32
    cannot: Int32
    orcid: Int32
    suffix: Int32 | None = None

    @classmethod
    def select(
        cls, batch: PairBatch, constraints: Constraints, suffix: Int32 | None = None
    ) -> BatchConstraints:
        """Select the constraints that concern the rows of ``batch``."""
        cannot = find_cannot_pairs(constraints, batch)
        return cls(constraints.must[batch.rows], cannot, constraints.orcid[batch.rows], suffix)

    def lift_to_groups(self, group: Int32) -> BatchConstraints:
        """Return the constraints between groups of the rows, int32[R], which obey them within."""
        must, orcid = np.full((2, int(group.max(initial=-1)) + 1), -1, dtype=np.int32)
        for codes, target in ((self.must, must), (self.orcid, orcid)):
            has_code = codes >= 0
            target[group[has_code]] = codes[has_code]
        cannot = np.sort(group[self.cannot].reshape(-1, 2), axis=1)
        return BatchConstraints(must, cannot.astype(np.int32), orcid)

    def exclude_suffixes(self, suffix: Int32, block: Int32) -> BatchConstraints:
        """Add cannot-links between groups of a block that mostly state different suffixes.

        Must-links take precedence.

        Parameters
        ----------
        suffix, block : int32[R], int32[R]
            Suffix most stated in each group, -1 for none, and its block, ascending.
        """
        stated = np.flatnonzero((suffix >= 0) & (self.must < 0))
        start = np.searchsorted(block[stated], np.arange(int(block.max(initial=-1)) + 2))
        pairs = stated[np.stack(list_pairs(start), axis=1)]
        conflicts = pairs[suffix[pairs[:, 0]] != suffix[pairs[:, 1]]]
        return replace(self, cannot=np.concatenate([self.cannot, conflicts]).astype(np.int32))

    def is_excluded(self, left: Int32, right: Int32) -> Bool:
        """Return whether each pair of rows, left < right, cannot be one person, bool[N]."""
        n, cannot = len(self.must), self.cannot.astype(np.int64)
        is_cannot_link = np.isin(left.astype(np.int64) * n + right, cannot[:, 0] * n + cannot[:, 1])
        left_orcid, right_orcid = self.orcid[left], self.orcid[right]
        excluded: Bool = is_cannot_link | (
            (np.minimum(left_orcid, right_orcid) >= 0) & (left_orcid != right_orcid)
        )
        return excluded


def cluster_pairs(
    batch: PairBatch, probability: Float32, constraints: BatchConstraints, threshold: float
) -> Int32:
    """Cluster pairs at high precision by average linkage over pair probabilities."""
    return average_linkage(
        batch.block,
        batch.left,
        batch.right,
        probability,
        threshold,
        absent=UNLISTED_PROBABILITY,
        cannot=constraints.cannot,
        must=constraints.must,
        orcid=constraints.orcid,
    )


def join_groups(
    groups: GroupBatch, probability: Float32, constraints: BatchConstraints, threshold: float
) -> Int32:
    """Join groups by average linkage over group probabilities; return the group of each row."""
    group_constraints = constraints.lift_to_groups(groups.group)
    if constraints.suffix is not None and (constraints.suffix >= 0).any():
        suffix = _find_most_stated(groups.group, constraints.suffix, len(groups.size))
        group_constraints = group_constraints.exclude_suffixes(suffix, groups.block)
    labels = average_linkage(
        groups.block,
        groups.left,
        groups.right,
        probability,
        threshold,
        absent=UNLISTED_PROBABILITY,
        weight=groups.size,
        cannot=group_constraints.cannot,
        must=group_constraints.must,
        orcid=group_constraints.orcid,
    )
    return labels[groups.group]


def _find_most_stated(group: Int32, code: Int32, n_groups: int) -> Int32:
    """Return the most frequent code of 0 or above in each group, int32[G]; -1 without any."""
    rows = np.flatnonzero(code >= 0)
    stated, n = np.unique(np.stack([group[rows], code[rows]]), axis=1, return_counts=True)
    order = np.lexsort((-stated[1], n))
    out = np.full(n_groups, -1, dtype=np.int32)
    out[stated[0, order]] = stated[1, order]
    return out


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """Pairs of a batch with their features and first-level probabilities.

    Attributes
    ----------
    batch : PairBatch
    rows : RowEvidence
    columns : mapping of str to float32[P]
        Pair features, at least :data:`disambig.features.group.REUSED_PAIR_FEATURES`.
    probability : float32[P]
        Without the size shift: input of the group features.
    shifted_probability : float32[P]
        With the size shift (:mod:`disambig.model.size_shift`): what the first level clusters by.
    weight : float32[P]
        Number of pairs that each represents: 1, or more for a sampled pair.
    constraints : BatchConstraints
    predict : callable
        From the features of pairs to both probabilities, like :func:`predict_pairs`.
    doubled : int32[K, 2]
        Rows of ``batch`` that are left out, without pairs, because they repeat another entry of
        their work, and the rows they repeat.
    """

    index: CorpusIndex
    batch: PairBatch
    rows: RowEvidence
    columns: Mapping[str, Float32]
    probability: Float32
    shifted_probability: Float32
    weight: Float32
    constraints: BatchConstraints
    predict: Predict
    doubled: Int32 = field(default_factory=lambda: np.empty((0, 2), dtype=np.int32))

    @classmethod
    def score(
        cls,
        index: CorpusIndex,
        batch: PairBatch,
        constraints: Constraints,
        predict: Predict,
        *,
        without_doubled: bool = True,
    ) -> ScoredPairs:
        """Compute the features of a batch and score them with a function like
        :func:`predict_pairs`.

        ``without_doubled`` leaves out entries that are listed twice on a work.
        """
        names = NameEvidenceCache(index)
        doubled = np.empty((0, 2), dtype=np.int32)
        if without_doubled:
            doubled = find_doubled_entries(index, batch, constraints, names)
        if len(doubled):
            is_left_out = np.zeros(len(batch.rows), dtype=bool)
            is_left_out[doubled[:, 0]] = True
            batch = batch.select_pairs(~(is_left_out[batch.left] | is_left_out[batch.right]))
        rows = RowEvidence.look_up(index, batch, names)
        return cls(
            index,
            batch,
            rows,
            *_score_pairs(index, batch, rows, predict),
            np.ones(batch.n_pairs, dtype=np.float32),
            BatchConstraints.select(batch, constraints, index.names.suffix[rows.name]),
            predict,
            doubled,
        )

    def cluster(self, threshold: float) -> Int32:
        """Cluster at high precision; return the group of each row."""
        return self.run_first_level(threshold)[1]

    def run_first_level(self, threshold: float) -> tuple[ScoredPairs, Int32]:
        """Cluster at high precision; return the group of each row, and the pairs with the sample
        that the groups are based on.

        Where not all pairs are listed, rows are grouped as if unlisted pairs were improbable, which
        cuts large groups into pieces; then the pieces are joined by their mean probability,
        estimated from a sample of the pairs between them, until nothing changes.
        """
        group = cluster_pairs(self.batch, self.shifted_probability, self.constraints, threshold)
        scored = self
        for _ in range(0 if self.batch.is_complete else MAX_ROUNDS):
            scored = scored.compare_sample(group)
            groups = GroupBatch.from_groups(scored.batch, group)
            weight = scored.weight[groups.cross].astype(np.float64)
            total = sum_slices(weight * scored.shifted_probability[groups.cross], groups.start)
            mean = (total / sum_slices(weight, groups.start)).astype(np.float32)
            joined = join_groups(groups, mean, self.constraints, threshold)
            if joined.max(initial=-1) == group.max(initial=-1):
                break
            group = joined
        return scored, group

    def compare_sample(self, group: Int32, live: Bool | None = None) -> ScoredPairs:
        """Compare a sample of the unlisted pairs between groups that may be one person; see
        :func:`disambig.clustering.sampling.sample_pairs`.
        """
        if self.batch.is_complete:
            return self
        groups = GroupBatch.from_groups(self.batch, group, live)
        sample, weight = sample_pairs(
            self.index, self.batch, groups, self.shifted_probability, self.weight
        )
        name = self.rows.name
        evidence = self.rows.names.get(name[sample.left], name[sample.right])
        is_compatible = evidence["name_compatible"] == 1
        is_compatible &= ~np.isin(sample.left, self.doubled[:, 0])
        is_compatible &= ~np.isin(sample.right, self.doubled[:, 0])
        compared = replace(
            sample, left=sample.left[is_compatible], right=sample.right[is_compatible]
        ).number_names(name)
        columns, probability, shifted_probability = _score_pairs(
            self.index, compared, self.rows, self.predict
        )
        n = sample.n_pairs

        def append(values: Float32, new: Float32, absent: float) -> Float32:
            appended = np.full(len(values) + n, absent, dtype=np.float32)
            appended[: len(values)] = values
            appended[len(values) :][is_compatible] = new
            return appended

        return replace(
            self,
            batch=self.batch.append_pairs(sample.number_names(name)),
            columns={k: append(self.columns[k], columns[k], np.nan) for k in self.columns},
            probability=append(self.probability, probability, UNLISTED_PROBABILITY),
            shifted_probability=append(
                self.shifted_probability, shifted_probability, UNLISTED_PROBABILITY
            ),
            weight=np.concatenate([self.weight, weight]),
        )

    def compute_group_features(
        self, group: Int32, live: Bool | None = None
    ) -> tuple[GroupBatch, dict[str, Float32]]:
        """Compute the features of pairs of groups of the rows, in the blocks ``live`` only."""
        groups = GroupBatch.from_groups(self.batch, group, live)
        evidence = self._collect_evidence(groups)
        return groups, evidence.compute_columns(slice(0, groups.n_pairs))

    def score_groups(
        self,
        group: Int32,
        score: Callable[[dict[str, Float32]], Float32],
        live: Bool | None = None,
        previous: ScoredGroups | None = None,
    ) -> ScoredGroups:
        """Score pairs of groups of the rows, in the blocks ``live`` only.

        In a corpus beyond the size the first forests were fitted on, pairs of groups need a pair of
        signatures of :data:`MIN_GROUP_PROBABILITY`. ``previous`` are the groups before the last
        joins.
        """
        groups = GroupBatch.from_groups(self.batch, group, live)
        if self.index.doublings:
            groups = groups.select_pairs(
                groups.compute_greatest(self.shifted_probability) >= MIN_GROUP_PROBABILITY
            )
        evidence = self._collect_evidence(groups)
        n = evidence.groups.n_pairs
        probability = np.empty(n, dtype=np.float32)
        columns = None
        previous_columns = (
            (previous.groups, previous.columns) if previous and previous.columns else None
        )
        for pairs in split_range(n, GROUP_PAIRS_AT_ONCE):
            columns = evidence.compute_columns(pairs, previous_columns)
            probability[pairs] = score(columns)
        return ScoredGroups(evidence, probability, columns if n <= GROUP_PAIRS_AT_ONCE else None)

    def _collect_evidence(self, groups: GroupBatch) -> GroupEvidence:
        return GroupEvidence.collect(
            self.index, self.batch, groups, self.columns, self.probability, self.rows, self.weight
        )


def _score_pairs(
    index: CorpusIndex, batch: PairBatch, rows: RowEvidence, predict: Predict
) -> tuple[dict[str, Float32], Float32, Float32]:
    """Return the features that the second level uses again, and both probabilities, float32[P]."""
    n = batch.n_pairs
    reused_columns = {name: np.empty(n, dtype=np.float32) for name in REUSED_PAIR_FEATURES}
    probability, shifted_probability = np.empty((2, n), dtype=np.float32)
    for pairs in split_range(n, PAIRS_AT_ONCE):
        columns = compute_pair_features(index, batch.select_pairs(pairs), rows)
        probability[pairs], shifted_probability[pairs] = predict(columns)
        for name, column in reused_columns.items():
            column[pairs] = columns[name]
    return reused_columns, probability, shifted_probability


@dataclass(frozen=True, eq=False)
class ScoredGroups:
    """Groups of a batch with the second-level probabilities of their pairs.

    Attributes
    ----------
    evidence : GroupEvidence
    probability : float32[N]
    columns : dict of str to float32[N] or None
        Features of the pairs, for reuse in the next round; None for so many that they are
        processed in pieces.
    """

    evidence: GroupEvidence
    probability: Float32
    columns: dict[str, Float32] | None

    @property
    def groups(self) -> GroupBatch:
        """The groups and their listed pairs."""
        return self.evidence.groups


@dataclass(frozen=True, eq=False)
class Round(ScoredGroups):
    """One round of the second level: scored groups, ``final`` int32[R], the group of each row
    after joining, and the pairs with the sample that was compared for it.
    """

    final: Int32
    pairs: ScoredPairs


def run_second_level(
    scored: ScoredPairs,
    first: Int32,
    score: Callable[[dict[str, Float32]], Float32],
    threshold: float,
    join: Callable[[GroupBatch, Float32, BatchConstraints, float], Int32] = join_groups,
) -> Iterator[Round]:
    """Score groups and join them, round after round while anything is joined.

    A joined group has more co-authors, venues and years than its parts had, so each round has
    better evidence than the previous one. A block without joins is left out of the next round,
    whose result would be the same.
    """
    final, live, previous = first, None, None
    n_blocks = len(scored.batch.start) - 1
    for _ in range(MAX_ROUNDS):
        scored = scored.compare_sample(final, live)
        scored_groups = scored.score_groups(final, score, live, previous)
        labels = join(
            scored_groups.groups, scored_groups.probability, scored.constraints, threshold
        )
        previous = Round(
            scored_groups.evidence, scored_groups.probability, scored_groups.columns, labels, scored
        )
        yield previous
        n_groups = np.bincount(scored_groups.groups.block, minlength=n_blocks)
        block = np.zeros(int(labels.max(initial=-1)) + 1, dtype=np.int32)
        block[labels] = scored.batch.block
        live = np.bincount(block, minlength=n_blocks) < n_groups
        if not live.any():
            return
        final = labels


@dataclass(frozen=True, eq=False)
class Linkage:
    """Rows linked by both levels.

    Attributes
    ----------
    pairs : ScoredPairs
        All pairs that were compared.
    final : int32[R]
        Identity of each row, from 0.
    joint : float32[P]
        Probability of each pair after the last round: its own within a group, that of the groups
        across two.
    """

    pairs: ScoredPairs
    final: Int32
    joint: Float32


def link_scored(
    scored: ScoredPairs,
    score_groups: Callable[[dict[str, Float32]], Float32],
    first_threshold: float,
    second_threshold: float,
    clock: Clock | None = None,
) -> Linkage:
    """Run both levels on scored pairs.

    Parameters
    ----------
    score_groups : callable
        From the features of pairs of groups to their probabilities, float32[N].
    clock : Clock, optional
        Records the time of scoring (``classify``) and of linkage (``cluster``).
    """
    clock = clock or Clock()
    scored, final = clock.time_function("cluster", scored.run_first_level)(first_threshold)
    joint = scored.shifted_probability
    score = clock.time_function("classify", score_groups)
    join = clock.time_function("cluster", join_groups)
    for step in run_second_level(scored, final, score, second_threshold, join):
        final, scored = step.final, step.pairs
        joint = _update_probability(joint, step)
    return Linkage(scored, final, joint)


def _update_probability(probability: Float32, step: Round) -> Float32:
    """Return the probability of each signature pair after a round: its own within a group, that of
    the groups across two; ``probability`` of before where nothing changed.
    """
    batch, groups = step.pairs.batch, step.groups
    is_live = np.zeros(len(batch.start) - 1, dtype=bool)
    is_live[groups.block[groups.left]] = True
    is_live_pair = is_live[batch.block[batch.left]]
    updated = step.pairs.shifted_probability.copy()
    n = len(probability)
    updated[:n][~is_live_pair[:n]] = probability[~is_live_pair[:n]]
    updated[groups.cross] = step.probability[groups.get_cross_pairs()]
    return updated


def cluster_scored(scored: ScoredPairs, model: Model, clock: Clock | None = None) -> Linkage:
    """Run both levels on scored pairs with the group forest and the thresholds of a model."""

    def score(columns: dict[str, Float32]) -> Float32:
        return predict_groups(model, columns, scored.index.doublings)

    first_threshold = model.get_first_level_threshold(scored.index.doublings)
    return link_scored(scored, score, first_threshold, model.settings["second_level"], clock)
