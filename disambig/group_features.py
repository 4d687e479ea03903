"""Evidence about a pair of groups: what their signatures say together that no pair says alone.

The first level groups at high precision; the second decides between groups. Shared co-authors
are counted over the whole group, venues and topics become profiles, years become spans, and
each pair of groups is seen against its rivals in the block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from disambig.index import CorpusIndex
from disambig.pairs import PairBatch, block_cosine, join
from disambig.text import unit_rows

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GroupBatch:
    """Groups of a :class:`PairBatch`'s rows, and how its pairs fall between them.

    Attributes
    ----------
    pairs : PairBatch
        Over the groups; ``pairs.rows`` are group numbers 0..G-1.
    group : int32[R]
        Group of each row of the underlying batch.
    size : float32[G]
        Signatures in each group.
    cross : int64[X]
        Pairs of the underlying batch whose rows lie in two groups.
    place : int64[X]
        The group pair each of them belongs to.
    """

    pairs: PairBatch
    group: Int32
    size: Float32
    cross: Int64
    place: Int64

    @classmethod
    def of(cls, batch: PairBatch, group: Int32) -> GroupBatch:
        """``group`` is contiguous from 0 and rises with the block, as linkage returns it."""
        n = int(group.max()) + 1 if len(group) else 0
        block_of = np.zeros(n, dtype=np.int64)
        block_of[group] = batch.block
        start = np.searchsorted(block_of, np.arange(len(batch.start)))
        blocks = [np.arange(start[b], start[b + 1], dtype=np.int32) for b in range(len(start) - 1)]
        pairs = PairBatch.of(blocks)
        a, b = group[batch.left], group[batch.right]
        cross = np.flatnonzero(a != b)
        low, high = np.minimum(a[cross], b[cross]), np.maximum(a[cross], b[cross])
        size = np.bincount(group, minlength=n).astype(np.float32)
        return cls(pairs, group, size, cross, pairs.place(low, high))

    def mean(self, values: Float64) -> Float64:
        """Mean of a value (float[X]) over the signature pairs of each group pair."""
        count = np.bincount(self.place, minlength=self.pairs.n_pairs)
        total = np.bincount(self.place, values, minlength=self.pairs.n_pairs)
        mean: Float64 = total / np.maximum(count, 1)
        return mean

    def least(self, values: Float32) -> Float32:
        """Smallest known value over the signature pairs of each group pair, else NaN."""
        out = np.full(self.pairs.n_pairs, np.nan, dtype=np.float32)
        np.fmin.at(out, self.place, values)
        return out

    def greatest(self, values: Float32) -> Float32:
        """Largest known value over the signature pairs of each group pair, else NaN."""
        out = np.full(self.pairs.n_pairs, np.nan, dtype=np.float32)
        np.fmax.at(out, self.place, values)
        return out


LEAST = (
    "name_given_relation",
    "name_given_similarity",
    "name_middle_relation",
    "name_family_similarity",
    "name_printed_equal",
    "name_compatible",
    "name_rarity",
    "name_family_rarity",
)
GREATEST = (
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


GROUP_FEATURES = (
    "score_mean",
    "score_logit",
    "score_greatest",
    "score_least",
    "score_half",
    "score_best_low",
    "score_best_high",
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
    *(f"{name}_least" for name in LEAST),
    *(f"{name}_greatest" for name in GREATEST),
    "coauthors_hop_mean",
    "text_meaning_above_mean",
)
"""Names and order of the columns of :func:`group_features`."""


def group_features(
    index: CorpusIndex,
    batch: PairBatch,
    groups: GroupBatch,
    pair_columns: dict[str, Float32],
    probability: Float32,
) -> dict[str, Float32]:
    """Every feature of every pair of groups.

    Parameters
    ----------
    pair_columns : dict of str to float32[P]
        From :func:`disambig.pair_features.pair_features`.
    probability : float32[P]
        First-level probability of each signature pair.

    Returns
    -------
    dict of str to float32[n_group_pairs]
    """
    a, b = groups.pairs.left, groups.pairs.right
    scores = _scores(batch, groups, probability)
    out: dict[str, npt.NDArray[np.floating]] = {**scores}
    out.update(_sizes(batch, groups))
    out.update(_rivals(groups, scores["score_mean"], scores["score_best_high"]))
    out["cohesion"] = _cohesion(batch, groups, probability)
    members = sparse.csr_array(
        (np.ones(len(batch.rows), np.float32), (groups.group, np.arange(len(batch.rows)))),
        shape=(len(groups.size), len(batch.rows)),
    )
    out.update(_coauthors(index, batch, groups, members))
    out.update(_profiles(index, batch, groups, members))
    year = index.corpus.years[index.corpus.signature_work[batch.rows]]
    out.update(_years(groups, year, a, b))
    for name in LEAST:
        out[f"{name}_least"] = groups.least(pair_columns[name][groups.cross])
    for name in GREATEST:
        out[f"{name}_greatest"] = groups.greatest(pair_columns[name][groups.cross])
    for name in ("coauthors_hop", "text_meaning_above"):
        out[f"{name}_mean"] = groups.mean(np.nan_to_num(pair_columns[name][groups.cross]))
    return {name: np.asarray(column, dtype=np.float32) for name, column in out.items()}


def _scores(batch: PairBatch, groups: GroupBatch, probability: Float32) -> dict[str, Float64]:
    """How the first level scored the signature pairs between two groups."""
    p = probability[groups.cross].astype(np.float64)
    bounded = np.clip(p, 1e-4, 1 - 1e-4)
    low, high = _mean_of_best(batch, groups, p)
    return {
        "score_mean": groups.mean(p),
        "score_logit": groups.mean(np.log(bounded / (1 - bounded))),
        "score_greatest": groups.greatest(p.astype(np.float32)).astype(np.float64),
        "score_least": groups.least(p.astype(np.float32)).astype(np.float64),
        "score_half": groups.mean((p > 0.5).astype(np.float64)),
        "score_best_low": low,
        "score_best_high": high,
    }


def _mean_of_best(batch: PairBatch, groups: GroupBatch, p: Float64) -> tuple[Float64, Float64]:
    """Each member's best partner in the other group, averaged over a group; the lower and
    the higher of the two directions.
    """
    g_start = groups.pairs.start
    n_groups = np.diff(g_start)[batch.block]
    offset = np.concatenate([[0], np.cumsum(n_groups)])
    best = np.zeros(int(offset[-1]), dtype=np.float64)
    left, right = batch.left[groups.cross], batch.right[groups.cross]
    low_of_block = g_start[batch.block]
    np.maximum.at(best, offset[left] + groups.group[right] - low_of_block[left], p)
    np.maximum.at(best, offset[right] + groups.group[left] - low_of_block[right], p)
    row = np.repeat(np.arange(len(batch.rows)), n_groups)
    other = np.arange(len(best)) - offset[row] + low_of_block[row]
    own = groups.group[row].astype(np.int64)
    apart = own != other
    row, other, own, best = row[apart], other[apart], own[apart], best[apart]
    n = groups.pairs.n_pairs
    forward = own < other
    up = np.bincount(groups.pairs.place(own[forward], other[forward]), best[forward], n)
    down = np.bincount(groups.pairs.place(other[~forward], own[~forward]), best[~forward], n)
    a = up / np.maximum(groups.size[groups.pairs.left], 1)
    b = down / np.maximum(groups.size[groups.pairs.right], 1)
    return np.minimum(a, b), np.maximum(a, b)


def _sizes(batch: PairBatch, groups: GroupBatch) -> dict[str, Float32]:
    a, b = groups.size[groups.pairs.left], groups.size[groups.pairs.right]
    block = groups.pairs.block[groups.pairs.left]
    return {
        "size_low": np.minimum(a, b),
        "size_high": np.maximum(a, b),
        "block_size": np.diff(batch.start)[block].astype(np.float32),
        "block_groups": np.diff(groups.pairs.start)[block].astype(np.float32),
    }


def _rivals(groups: GroupBatch, mean: Float64, best: Float64) -> dict[str, Float64]:
    """How far this pair leads over the next best pair of either group."""
    out = {}
    a, b = groups.pairs.left, groups.pairs.right
    for name, value in (("mean", mean), ("best", best)):
        first = np.zeros(len(groups.size))
        np.maximum.at(first, a, value)
        np.maximum.at(first, b, value)
        second = np.zeros(len(groups.size))
        np.maximum.at(second, a, np.where(value >= first[a], 0, value))
        np.maximum.at(second, b, np.where(value >= first[b], 0, value))
        rival_a = np.where(value >= first[a], second[a], first[a])
        rival_b = np.where(value >= first[b], second[b], first[b])
        out[f"lead_{name}_low"] = value - np.maximum(rival_a, rival_b)
        out[f"lead_{name}_high"] = value - np.minimum(rival_a, rival_b)
    return out


def _cohesion(batch: PairBatch, groups: GroupBatch, probability: Float32) -> Float64:
    """Mean probability inside the looser of the two groups; NaN for two single signatures."""
    a, b = groups.group[batch.left], groups.group[batch.right]
    same = a == b
    n = len(groups.size)
    inside = np.bincount(a[same], probability[same], n)
    pairs = groups.size * (groups.size - 1) / 2
    mean = np.where(pairs > 0, inside / np.maximum(pairs, 1), np.nan)
    looser: Float64 = np.fmin(mean[groups.pairs.left], mean[groups.pairs.right])
    return looser


def _coauthors(
    index: CorpusIndex, batch: PairBatch, groups: GroupBatch, members: sparse.csr_array
) -> dict[str, Float32]:
    n = groups.pairs.n_pairs
    a, b = groups.pairs.left, groups.pairs.right
    counts = sparse.csr_array(members @ index.coauthors[batch.rows])
    match = join(groups.pairs, counts)
    distinct = np.diff(counts.indptr).astype(np.float32)
    mentions = np.asarray(counts.sum(axis=1), dtype=np.float32).ravel()
    rarity = (1 / np.log2(1 + index.full_works)).astype(np.float32)[match.column]
    shared = match.count(n)
    covered_a = match.total(match.left, n) / np.maximum(mentions[a], 1)
    covered_b = match.total(match.right, n) / np.maximum(mentions[b], 1)
    fewer = np.minimum(distinct[a], distinct[b])
    columns: dict[str, Float32] = {
        "coauthors_shared": shared,
        "coauthors_rarity": match.total(rarity, n),
        "coauthors_weight": match.total(np.minimum(match.left, match.right), n),
        "coauthors_share": (shared / np.maximum(fewer, 1)).astype(np.float32),
        "coauthors_covered_low": np.minimum(covered_a, covered_b),
        "coauthors_covered_high": np.maximum(covered_a, covered_b),
    }
    for column in columns.values():
        column[fewer == 0] = np.nan
    columns["coauthors_fewer"] = fewer
    return columns


def _profiles(
    index: CorpusIndex, batch: PairBatch, groups: GroupBatch, members: sparse.csr_array
) -> dict[str, Float32]:
    """Venues, topics and affiliations of whole groups."""
    n = groups.pairs.n_pairs
    a, b = groups.pairs.left, groups.pairs.right
    work = index.corpus.signature_work[batch.rows]
    out: dict[str, Float32] = {}
    for name, vectors in (
        ("title_meaning", index.title_meaning),
        ("meaning", index.meaning),
        ("venue_meaning", index.venue_meaning),
    ):
        out[f"profile_{name}"] = block_cosine(groups.pairs, _centroid(members, vectors[work]))
    for name, matrix in (
        ("title", index.title[work]),
        ("text", index.text[work]),
        ("affiliation", index.affiliation[batch.rows]),
    ):
        profile = unit_rows(sparse.csr_array(members @ matrix))
        match = join(groups.pairs, profile)
        cosine = match.total(match.left * match.right, n)
        empty = np.diff(profile.indptr) == 0
        cosine[empty[a] | empty[b]] = np.nan
        out[f"profile_{name}"] = cosine
    known = np.flatnonzero(index.venue[work] >= 0)
    venues = sparse.csr_array(
        (np.ones(len(known), np.float32), (groups.group[known], index.venue[work][known])),
        shape=(len(groups.size), len(index.venue_works)),
    )
    venues.sum_duplicates()
    match = join(groups.pairs, venues)
    rarity = (1 / np.log2(2 + index.venue_works)).astype(np.float32)[match.column]
    length = np.sqrt(np.asarray(venues.multiply(venues).sum(axis=1))).ravel()
    empty = np.diff(venues.indptr) == 0
    columns: dict[str, Float32] = {
        "venues_shared": match.count(n),
        "venues_rarity": match.total(rarity * np.minimum(match.left, match.right), n),
        "venues_cosine": match.total(match.left * match.right, n)
        / np.maximum(length[a] * length[b], 1e-9).astype(np.float32),
    }
    for column in columns.values():
        column[empty[a] | empty[b]] = np.nan
    return {**out, **columns}


def _centroid(members: sparse.csr_array, vectors: Float32) -> Float32:
    """Mean direction of each group's known vectors; NaN where none is known."""
    total = np.asarray(members @ np.nan_to_num(vectors), dtype=np.float32)
    norm = np.linalg.norm(total, axis=1, keepdims=True)
    norm[norm == 0] = np.nan
    unit: Float32 = total / norm
    return unit


def _years(groups: GroupBatch, year: Float32, a: Int32, b: Int32) -> dict[str, Float32]:
    n = len(groups.size)
    first = np.full(n, np.nan, dtype=np.float32)
    last = np.full(n, np.nan, dtype=np.float32)
    np.fmin.at(first, groups.group, year)
    np.fmax.at(last, groups.group, year)
    gap = np.maximum(first[a], first[b]) - np.minimum(last[a], last[b])
    return {
        "years_gap": np.maximum(gap, 0),
        "years_overlap": np.maximum(-gap, 0),
        "years_span": np.maximum(last[a], last[b]) - np.minimum(first[a], first[b]),
    }
