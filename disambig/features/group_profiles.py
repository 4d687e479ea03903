"""Group profiles: co-authors, topics, affiliations, venues and years of all rows of a group.

Parameters of all functions here: ``groups`` with the pairs to compare, ``rows`` of their batch, and
``member``, ``first`` of :meth:`disambig.features.groups.GroupBatch.list_members`. The results have
a value for each pair, float[N]; NaN means unknown.
"""

from __future__ import annotations

import numpy as np

from disambig.arrays import Float32, Float64, Int64
from disambig.corpus.index import CorpusIndex
from disambig.corpus.sparse import SparseRows
from disambig.features.groups import GroupBatch
from disambig.features.pair import RowEvidence
from disambig.kernels.groups import compute_spans
from disambig.kernels.pairs import compute_cosines, compute_overlaps, sum_vectors
from disambig.model.size_shift import compute_surprise


def _compute_overlaps(rows: SparseRows, weight: Float32, groups: GroupBatch) -> Float32:
    return compute_overlaps(rows.start, rows.column, rows.value, weight, groups.left, groups.right)


def compare_coauthors(
    index: CorpusIndex, groups: GroupBatch, rows: RowEvidence, member: Int64, first: Int64
) -> dict[str, Float32]:
    """Compare the co-authors of two groups: number, rarity and share of those in common."""
    a, b = groups.left, groups.right
    counts = rows.coauthors.sum_groups(member, first, len(index.full_works))
    overlaps = _compute_overlaps(counts, index.full_rarity, groups)
    distinct = counts.lengths.astype(np.float32)
    mentions = np.bincount(counts.get_entry_rows(), counts.value, len(counts))
    covered_a = overlaps[5] / np.maximum(mentions[a], 1)
    covered_b = overlaps[6] / np.maximum(mentions[b], 1)
    fewer = np.minimum(distinct[a], distinct[b])
    columns: dict[str, Float32] = {
        "coauthors_shared": overlaps[0],
        "coauthors_rarity": overlaps[1],
        "coauthors_weight": overlaps[7],
        "coauthors_share": overlaps[0] / np.maximum(fewer, 1),
        "coauthors_covered_low": np.minimum(covered_a, covered_b),
        "coauthors_covered_high": np.maximum(covered_a, covered_b),
    }
    for column in columns.values():
        column[fewer == 0] = np.nan
    columns["coauthors_fewer"] = fewer
    return columns


def compare_coauthor_initials(
    index: CorpusIndex, groups: GroupBatch, rows: RowEvidence, member: Int64, first: Int64
) -> dict[str, Float32]:
    """Compare co-authors by first initial and family name: number in common and surprise in bits.

    Works that print no first names have co-authors in this form only.
    """
    names = rows.coauthor_initials.sum_groups(member, first, len(index.initial_works))
    overlaps = _compute_overlaps(
        names, compute_surprise(index.initial_works, index.doublings), groups
    )
    distinct = names.lengths.astype(np.float32)
    a, b = distinct[groups.left], distinct[groups.right]
    fewer = np.minimum(a, b)
    columns: dict[str, Float32] = {
        "initials_shared": overlaps[0],
        "initials_rarity": overlaps[1],
        "initials_rarest": overlaps[2],
    }
    for column in columns.values():
        column[fewer == 0] = np.nan
    return {**columns, "initials_fewer": fewer, "initials_more": np.maximum(a, b)}


def compare_topics(
    index: CorpusIndex, groups: GroupBatch, rows: RowEvidence, member: Int64, first: Int64
) -> dict[str, Float32]:
    """Compare topics and affiliations of groups: cosines, and rarity of the shared words."""
    out: dict[str, Float32] = {}
    for name, vectors in (
        ("title_meaning", rows.title_meaning),
        ("meaning", rows.meaning),
        ("venue_meaning", rows.venue_meaning),
    ):
        centre = _normalise(sum_vectors(vectors, member, first)[0])
        out[f"profile_{name}"] = compute_cosines(centre, groups.left, groups.right)
    affiliation_rows = np.where(rows.affiliation >= 0, rows.affiliation, len(index.affiliation))
    for name, texts, idf in (
        ("title", rows.title, index.title_idf),
        ("text", rows.text, index.title_idf),
        (
            "affiliation",
            index.affiliation.append_empty_row().take(affiliation_rows),
            index.affiliation_idf,
        ),
    ):
        profile = texts.sum_groups(member, first, len(idf)).normalise()
        overlaps = _compute_overlaps(profile, idf, groups)
        empty = profile.lengths == 0
        overlaps[:, empty[groups.left] | empty[groups.right]] = np.nan
        out[f"profile_{name}"] = overlaps[3]
        out[f"{name}_rarity"], out[f"{name}_rarest"] = overlaps[1], overlaps[2]
    return out


def _normalise(total: Float64) -> Float32:
    """Scale rows to length 1; NaN for a row of zeros."""
    norm = np.sqrt((total * total).sum(axis=1, keepdims=True))
    norm[norm == 0] = np.nan
    unit: Float32 = (total / norm).astype(np.float32)
    return unit


def compare_venues(
    index: CorpusIndex, groups: GroupBatch, rows: RowEvidence, member: Int64, first: Int64
) -> dict[str, Float32]:
    """Compare the venues of two groups."""
    a, b = groups.left, groups.right
    with_venue = np.flatnonzero(rows.venue >= 0)
    work_venues = SparseRows.from_lists(with_venue, rows.venue[with_venue], len(rows.venue))
    venues = work_venues.sum_groups(member, first, len(index.venue_works))
    weight = (1 / np.log2(2 + index.venue_works)).astype(np.float32)
    overlaps = _compute_overlaps(venues, weight, groups)
    length = np.sqrt(
        np.bincount(venues.get_entry_rows(), venues.value.astype(np.float64) ** 2, len(venues))
    )
    columns: dict[str, Float32] = {
        "venues_shared": overlaps[0],
        "venues_rarity": overlaps[4],
        "venues_cosine": overlaps[3] / np.maximum(length[a] * length[b], 1e-9).astype(np.float32),
    }
    empty = venues.lengths == 0
    for column in columns.values():
        column[empty[a] | empty[b]] = np.nan
    return columns


def compare_meaning(groups: GroupBatch, rows: RowEvidence, member: Int64, first: Int64) -> Float64:
    """Return how far the mean cosine between two groups exceeds the usual one in the block."""
    total, count = sum_vectors(rows.meaning, member, first)
    usual = sum_vectors(rows.usual[:, None], member, first)[0].ravel()
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, mean_usual = (total / count[:, None]).astype(np.float32), usual / count
    a, b = groups.left, groups.right
    above: Float64 = compute_cosines(mean, a, b) - (mean_usual[a] + mean_usual[b]) / 2
    return above


def compare_years(
    groups: GroupBatch, rows: RowEvidence, member: Int64, first: Int64
) -> dict[str, Float32]:
    """Compare the years of two groups: gap, overlap and span."""
    a, b = groups.left, groups.right
    earliest, latest = compute_spans(rows.year, member, first)
    gap = np.maximum(earliest[a], earliest[b]) - np.minimum(latest[a], latest[b])
    return {
        "years_gap": np.maximum(gap, 0),
        "years_overlap": np.maximum(-gap, 0),
        "years_span": np.maximum(latest[a], latest[b]) - np.minimum(earliest[a], earliest[b]),
    }
