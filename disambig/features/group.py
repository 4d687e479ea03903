"""Features of pairs of groups, computed from all signatures of both groups.

The first level clusters at high precision; the second scores pairs of its groups. Shared
co-authors are counted over the whole group, venues and topics become profiles, years become spans,
and each pair of groups is compared with its rivals in the block.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from disambig.arrays import Float32, Float64, Int64
from disambig.blocking.name_comparison import NameEvidenceCache
from disambig.blocking.pairs import PairBatch, split_range
from disambig.corpus.index import CorpusIndex
from disambig.features.group_profiles import (
    compare_affiliations_over_time,
    compare_citations,
    compare_coauthor_initials,
    compare_coauthors,
    compare_collaborations,
    compare_meaning,
    compare_topics,
    compare_venues,
    compare_years,
)
from disambig.features.groups import UNLISTED_PROBABILITY, GroupBatch
from disambig.features.pair import RowEvidence
from disambig.kernels.groups import (
    aggregate_cross_scores,
    compute_bounds,
    compute_leads,
    find_distinct,
    list_name_pairs,
)
from disambig.model.size_shift import LEAD_FEATURES, SIZE_SHIFT_FEATURES

_MIN_LOG_ODDS = float(np.log(1e-4 / (1 - 1e-4)))


LEAST_FEATURES = (
    "name_given_relation",
    "name_given_similarity",
    "name_middle_relation",
    "name_family_similarity",
    "name_printed_equal",
    "name_compatible",
    "name_rarity",
    "name_family_rarity",
)
GREATEST_FEATURES = (
    "name_given_relation",
    "name_given_similarity",
    "name_middle_relation",
    "name_family_similarity",
    "name_printed_equal",
    "name_given_min",
    "name_rarity",
    "name_works",
    "coauthors_hop",
    "coauthors_rarest",
    "title_rarest",
    "text_meaning",
    "text_meaning_above",
    "affiliation_cosine",
)


SCORE_FEATURES = (
    "score_mean",
    "score_logit",
    "score_greatest",
    "score_least",
    "score_half",
    "score_best_low",
    "score_best_high",
)
"""Features made of the first-level probabilities of the signature pairs between two groups."""


GROUP_FEATURES = (
    *SCORE_FEATURES,
    "size_low",
    "size_high",
    "block_size",
    "block_groups",
    "lead_mean_low",
    "lead_mean_high",
    "lead_best_low",
    "lead_best_high",
    "cohesion",
    "coauthors_shared",
    "coauthors_rarity",
    "coauthors_weight",
    "coauthors_share",
    "coauthors_covered_low",
    "coauthors_covered_high",
    "coauthors_fewer",
    "profile_title_meaning",
    "profile_meaning",
    "profile_venue_meaning",
    "profile_title",
    "profile_text",
    "profile_affiliation",
    "venues_shared",
    "venues_rarity",
    "venues_cosine",
    "years_gap",
    "years_overlap",
    "years_span",
    "title_rarest_mean",
    "text_rarest",
    "affiliation_rarest",
    "affiliation_closest",
    "affiliation_nearest",
    "venues_rarest",
    "citations_between",
    "citations_lift",
    "citations_share",
    "references_shared",
    "references_rarest",
    "references_rarest_mean",
    "references_cosine",
    "collaborations_rarest",
    "collaborations_share",
    "years_pace",
    "years_within",
    *(f"{name}_least" for name in LEAST_FEATURES),
    *(f"{name}_greatest" for name in GREATEST_FEATURES),
    "coauthors_hop_mean",
    "text_meaning_above_mean",
)
"""Names and order of the columns of :func:`compute_group_features`."""


REUSED_PAIR_FEATURES = tuple(name for name in GREATEST_FEATURES if not name.startswith("name_"))
"""Pair features that group features are computed from."""


GROUP_PAIRS_AT_ONCE = 200_000
"""Pairs of groups processed together: bounds memory (about 800 bytes a pair)."""


@dataclass(frozen=True, eq=False)
class GroupEvidence:
    """Computes the features of the pairs of groups of a batch, all or some at a time.

    Attributes
    ----------
    index : CorpusIndex
    batch : PairBatch
    groups : GroupBatch
    pair_columns : dict of str to float32[P]
        From :func:`disambig.features.pair.compute_pair_features`, at least
        :data:`REUSED_PAIR_FEATURES`.
    rows : RowEvidence
        Of the batch.
    block_columns : dict of str to float32[N]
        Scores and leads over rivals, which depend on all pairs of a block.
    cohesion : float64[G]
        Mean probability inside each group; NaN for a single signature.
    """

    index: CorpusIndex
    batch: PairBatch
    groups: GroupBatch
    pair_columns: Mapping[str, Float32]
    rows: RowEvidence
    block_columns: Mapping[str, Float32]
    cohesion: Float64

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names and order of the columns: those of :data:`GROUP_FEATURES`, and in a corpus beyond
        the size that the first forests were fitted on
        :data:`~disambig.model.size_shift.SIZE_SHIFT_FEATURES`.
        """
        return GROUP_FEATURES + (SIZE_SHIFT_FEATURES if self.index.doublings else ())

    @classmethod
    def collect(
        cls,
        index: CorpusIndex,
        batch: PairBatch,
        groups: GroupBatch,
        pair_columns: Mapping[str, Float32],
        probability: Float32,
        rows: RowEvidence | None = None,
        weight: Float32 | None = None,
    ) -> GroupEvidence:
        """Compute the features that depend on all pairs of groups of a block.

        Parameters
        ----------
        probability : float32[P]
            First-level probability of each signature pair.
        weight : float32[P] or None
            Number of pairs that each represents; None for 1.
        rows : RowEvidence or None
            Of the batch, if already computed.
        """
        n = groups.n_pairs
        if weight is None:
            weight = np.ones(batch.n_pairs, dtype=np.float32)
        among = {name: np.empty(n, dtype=np.float32) for name in SCORE_FEATURES}
        mean, best = np.empty(n, dtype=np.float64), np.empty(n, dtype=np.float64)
        for pairs in split_range(n, GROUP_PAIRS_AT_ONCE):
            scores = _compute_scores(batch, groups.select_pairs(pairs), probability, weight)
            mean[pairs], best[pairs] = scores["score_mean"], scores["score_best_high"]
            for name, column in scores.items():
                among[name][pairs] = column
        for name, lead in _compute_rival_leads(groups, mean, best).items():
            among[name] = lead.astype(np.float32)
        return cls(
            index,
            batch,
            groups,
            pair_columns,
            rows or RowEvidence.look_up(index, batch),
            among,
            _compute_cohesion(batch, groups, probability, weight),
        )

    def compute_columns(
        self, pairs: slice, previous: tuple[GroupBatch, Mapping[str, Float32]] | None = None
    ) -> dict[str, Float32]:
        """Compute every feature of some pairs, float32 each, in the order of :attr:`feature_names`.

        Parameters
        ----------
        pairs : slice
            With both ends.
        previous : (GroupBatch, mapping of str to float32[M]) or None
            Groups of the same batch before the last joins, and their features: features of two
            unchanged groups are copied from there.
        """
        part = self.groups.select_pairs(pairs)
        out: dict[str, npt.NDArray[np.floating]] = {
            name: column[pairs] for name, column in self.block_columns.items()
        }
        out.update(_compute_sizes(self.batch, part))
        if previous is None:
            out.update(self._compute_own_columns(part))
        else:
            previous_pair = part.find_unchanged_pairs(previous[0])
            unchanged, changed = (
                np.flatnonzero(previous_pair >= 0),
                np.flatnonzero(previous_pair < 0),
            )
            for name, values in self._compute_own_columns(
                part.select_pairs(previous_pair < 0)
            ).items():
                out[name] = column = np.empty(len(previous_pair), dtype=np.float32)
                column[changed], column[unchanged] = (
                    values,
                    previous[1][name][previous_pair[unchanged]],
                )
        if self.index.doublings:
            out.update(self._compute_leads(pairs, out))
        return {name: np.asarray(out[name], dtype=np.float32) for name in self.feature_names}

    def _compute_own_columns(self, part: GroupBatch) -> dict[str, npt.NDArray[np.floating]]:
        """Compute the features that depend on the two groups alone."""
        index, rows = self.index, self.rows
        member, first = part.list_members()
        out: dict[str, npt.NDArray[np.floating]] = {}
        out["cohesion"] = np.fmin(self.cohesion[part.left], self.cohesion[part.right])
        out.update(compare_coauthors(index, part, rows, member, first))
        out.update(compare_topics(index, part, rows, member, first))
        out.update(compare_venues(index, part, rows, member, first))
        out.update(compare_years(part, rows, member, first))
        out.update(compare_affiliations_over_time(index, part, rows, member, first))
        out.update(compare_citations(index, part, rows, member, first))
        out.update(compare_collaborations(index, part, rows, member, first))
        names = _compare_names(index, part, rows)
        out.update({f"{name}_least": names[name][0] for name in LEAST_FEATURES})
        for name in GREATEST_FEATURES:
            greatest = (
                names[name][1] if name in names else part.compute_greatest(self.pair_columns[name])
            )
            out[f"{name}_greatest"] = greatest
        hop = part.sum_values(self.pair_columns["coauthors_hop"])
        compared = part.pairs_between if self.batch.is_complete else np.diff(part.start)
        out["coauthors_hop_mean"] = hop / compared
        out["text_meaning_above_mean"] = compare_meaning(part, rows, member, first)
        if index.doublings:
            out.update(compare_coauthor_initials(index, part, rows, member, first))
        return {name: column for name, column in out.items() if name in self.feature_names}

    def _compute_leads(
        self, pairs: slice, own_columns: Mapping[str, npt.NDArray[np.floating]]
    ) -> dict[str, Float64]:
        """Compute the lead of some pairs over their rivals in each of
        :data:`~disambig.model.size_shift.LEAD_FEATURES`.

        Parameters
        ----------
        own_columns : mapping of str to float[n]
            Their features.
        """
        groups = self.groups
        all_columns = (
            own_columns if len(groups.left[pairs]) == groups.n_pairs else self._rival_columns
        )
        out = {}
        for name, feature in LEAD_FEATURES.items():
            value = np.nan_to_num(all_columns[feature]).astype(np.float64)
            low, high = compute_leads(groups.left, groups.right, value, len(groups.size))
            out[f"lead_{name}_low"], out[f"lead_{name}_high"] = low[pairs], high[pairs]
        return out

    @cached_property
    def _rival_columns(self) -> dict[str, Float32]:
        """Features of all pairs that leads are computed from, needed where pairs are processed in
        pieces.
        """
        n = self.groups.n_pairs
        out = {feature: np.empty(n, dtype=np.float32) for feature in LEAD_FEATURES.values()}
        for pairs in split_range(n, GROUP_PAIRS_AT_ONCE):
            own = self._compute_own_columns(self.groups.select_pairs(pairs))
            for feature, column in out.items():
                column[pairs] = own[feature]
        return out


def compute_group_features(
    index: CorpusIndex,
    batch: PairBatch,
    groups: GroupBatch,
    pair_columns: Mapping[str, Float32],
    probability: Float32,
) -> dict[str, Float32]:
    """Compute every feature of every pair of groups, float32[N]; see :class:`GroupEvidence`."""
    evidence = GroupEvidence.collect(index, batch, groups, pair_columns, probability)
    return evidence.compute_columns(slice(0, groups.n_pairs))


def _compute_scores(
    batch: PairBatch, groups: GroupBatch, probability: Float32, weight: Float32
) -> dict[str, Float64]:
    """Aggregate the first-level probabilities of the signature pairs between two groups.

    Unlisted pairs are two people by name where all others are listed, else unknown.
    """
    left, right = batch.left[groups.cross], batch.right[groups.cross]
    swapped = groups.group[left] > groups.group[right]
    totals = aggregate_cross_scores(
        groups.start,
        np.where(swapped, right, left).astype(np.int32),
        np.where(swapped, left, right).astype(np.int32),
        probability[groups.cross],
        weight[groups.cross],
        len(batch.rows),
    )
    between, rows_left, rows_right = totals[7], totals[8], totals[9]
    if batch.is_complete:
        between = groups.pairs_between
        rows_left, rows_right = groups.size[groups.left], groups.size[groups.right]
    n_unlisted = between - totals[7]
    low, high = totals[5] / rows_left, totals[6] / rows_right
    return {
        "score_mean": totals[0] / between,
        "score_logit": (totals[1] + n_unlisted * _MIN_LOG_ODDS) / between,
        "score_greatest": totals[2],
        "score_least": np.where(n_unlisted > 0, UNLISTED_PROBABILITY, totals[3]),
        "score_half": totals[4] / between,
        "score_best_low": np.minimum(low, high),
        "score_best_high": np.maximum(low, high),
    }


def _compute_sizes(batch: PairBatch, groups: GroupBatch) -> dict[str, Float32]:
    a, b = groups.size[groups.left], groups.size[groups.right]
    block = groups.block[groups.left]
    return {
        "size_low": np.minimum(a, b),
        "size_high": np.maximum(a, b),
        "block_size": np.diff(batch.start)[block].astype(np.float32),
        "block_groups": np.bincount(groups.block)[block].astype(np.float32),
    }


def _compute_rival_leads(groups: GroupBatch, mean: Float64, best: Float64) -> dict[str, Float64]:
    """Compute the lead of each pair over the next best pair of either group."""
    out = {}
    for name, value in (("mean", mean), ("best", best)):
        low, high = compute_leads(groups.left, groups.right, value, len(groups.size))
        out[f"lead_{name}_low"], out[f"lead_{name}_high"] = low, high
    return out


def _compute_cohesion(
    batch: PairBatch, groups: GroupBatch, probability: Float32, weight: Float32
) -> Float64:
    """Return the mean probability inside each group, float64[G]; NaN for a single signature."""
    a, b = groups.group[batch.left], groups.group[batch.right]
    same, n = a == b, len(groups.size)
    inside = np.bincount(a[same], weight[same] * probability[same], n)
    size = groups.size.astype(np.float64)
    compared = np.bincount(a[same], weight[same], n).astype(np.float64)
    pairs: Float64 = size * (size - 1) / 2 if batch.is_complete else compared
    mean: Float64 = np.where(pairs > 0, inside / np.maximum(pairs, 1e-9), np.nan)
    return mean


def _compare_names(
    index: CorpusIndex, groups: GroupBatch, rows: RowEvidence
) -> dict[str, tuple[Float32, Float32]]:
    name = rows.name.astype(np.int64)
    return compare_name_sets(
        index, groups.group, name, len(groups.size), groups.left, groups.right, rows.names
    )


def compare_name_sets(
    index: CorpusIndex,
    owner: npt.NDArray[np.integer],
    name: Int64,
    n_owners: int,
    left: npt.NDArray[np.integer],
    right: npt.NDArray[np.integer],
    memory: NameEvidenceCache | None = None,
) -> dict[str, tuple[Float32, Float32]]:
    """Return the least and greatest evidence between any name of one set and any of another.

    Parameters
    ----------
    owner, name : int[R], int64[R]
        Set of each name; no set of a pair is empty.
    left, right : int[N]
        Pairs of sets.
    memory : NameMemory or None
        Of the index, if some names are already compared.

    Returns
    -------
    dict of str to (float32[N], float32[N])
        Columns of :func:`~disambig.blocking.name_comparison.compute_name_evidence`, NaN where
        unknown.
    """
    width = max(len(index.names), 1)
    key = np.unique(owner.astype(np.int64) * width + name)
    start = np.searchsorted(key // width, np.arange(n_owners + 1))
    pair_keys, pair_start = list_name_pairs(
        start, key % width, left.astype(np.int32), right.astype(np.int32), int(width)
    )
    distinct_pairs, origin = find_distinct(pair_keys)
    evidence = (memory or NameEvidenceCache(index)).get(
        distinct_pairs // width, distinct_pairs % width
    )
    return {column: compute_bounds(evidence[column], origin, pair_start) for column in evidence}
