"""Group profiles: co-authors, topics, affiliations, venues, references and years of a group.

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
from disambig.kernels.citations import average_rarest, measure_citing_share, sum_cited
from disambig.kernels.groups import compare_nearest, compute_spans, measure_share_within
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
        if name == "title":
            out["title_rarest_mean"] = average_rarest(
                texts.start,
                texts.column,
                idf,
                member,
                first,
                profile.start,
                profile.column,
                groups.left,
                groups.right,
            )
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
        "venues_rarest": overlaps[2],
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
    """Compare the years of two groups: gap, overlap, span, and pace in works a year."""
    a, b = groups.left, groups.right
    earliest, latest = compute_spans(rows.year, member, first)
    gap = np.maximum(earliest[a], earliest[b]) - np.minimum(latest[a], latest[b])
    span = np.maximum(latest[a], latest[b]) - np.minimum(earliest[a], earliest[b])
    return {
        "years_gap": np.maximum(gap, 0),
        "years_overlap": np.maximum(-gap, 0),
        "years_span": span,
        "years_pace": (groups.size[a] + groups.size[b]) / (span + 1),
        "years_within": measure_share_within(
            rows.year, member, first, earliest, latest, groups.left, groups.right
        ),
    }


def compare_affiliations_over_time(
    index: CorpusIndex, groups: GroupBatch, rows: RowEvidence, member: Int64, first: Int64
) -> dict[str, Float32]:
    """Compare affiliations of two groups in the same years, or at the end of one and the beginning
    of the other.
    """
    has_words = np.append(index.affiliation.lengths > 0, False)
    is_dated = (has_words[rows.affiliation] & ~np.isnan(rows.year))[member]
    dated, group = member[is_dated], groups.group[member[is_dated]]
    dated = dated[np.lexsort((rows.year[dated], group))]
    closest, mean = compare_nearest(
        index.affiliation.start,
        index.affiliation.column,
        index.affiliation.value,
        rows.affiliation,
        rows.year,
        dated,
        np.concatenate([[0], np.cumsum(is_dated)])[first],
        groups.left,
        groups.right,
    )
    return {"affiliation_closest": closest, "affiliation_nearest": mean}


def compare_citations(
    index: CorpusIndex, groups: GroupBatch, rows: RowEvidence, member: Int64, first: Int64
) -> dict[str, Float32]:
    """Compare the references of two groups: citations of one by the other, and shared cited works.

    ``citations_lift`` is the logarithm of citations per citation expected by chance, if every
    reference of the corpus were drawn from all, with one half added to both.
    """
    a, b = groups.left, groups.right
    if not len(rows.references.column):
        return _make_unknown_columns(
            groups,
            "citations_between",
            "citations_lift",
            "citations_share",
            "references_shared",
            "references_rarest",
            "references_rarest_mean",
            "references_cosine",
        )
    width = len(index.reference_idf)
    profile = rows.references.sum_groups(member, first, width)
    ones = np.ones(len(rows.references.column), dtype=np.float32)
    citing = rows.references.replace_values(ones).sum_groups(member, first, width)
    cited_rows = np.flatnonzero(rows.cited >= 0)
    own = SparseRows.from_lists(cited_rows, rows.cited[cited_rows], len(rows.cited)).sum_groups(
        member, first, width
    )
    has_references = profile.lengths > 0
    between = sum_cited(
        citing.start, citing.column, citing.value, own.start, own.column, own.value, a, b
    )
    n_groups = len(groups.size)
    group = groups.group[member]
    made = np.bincount(group, rows.references.lengths[member], n_groups)
    received = np.bincount(group, rows.citations[member], n_groups)
    expected = (made[a] * received[b] + made[b] * received[a]) / index.n_references
    columns = {
        "citations_between": between,
        "citations_lift": np.log((between + 0.5) / (expected + 0.5)).astype(np.float32),
        "citations_share": measure_citing_share(
            rows.references.start,
            rows.references.column,
            rows.cited,
            member,
            first,
            profile.start,
            profile.column,
            own.start,
            own.column,
            a,
            b,
        ),
    }
    for column in columns.values():
        column[~(has_references[a] | has_references[b])] = np.nan
    overlaps = _compute_overlaps(profile.normalise(), index.reference_idf, groups)
    shared = {
        "references_shared": overlaps[0],
        "references_rarest": overlaps[2],
        "references_rarest_mean": average_rarest(
            rows.references.start,
            rows.references.column,
            index.reference_idf,
            member,
            first,
            profile.start,
            profile.column,
            a,
            b,
        ),
        "references_cosine": overlaps[3],
    }
    for column in shared.values():
        column[~(has_references[a] & has_references[b])] = np.nan
    return {**columns, **shared}


def compare_collaborations(
    index: CorpusIndex, groups: GroupBatch, rows: RowEvidence, member: Int64, first: Int64
) -> dict[str, Float32]:
    """Compare the collaborations of two groups: rarity of the shared ones, and their share."""
    a, b = groups.left, groups.right
    if not len(rows.collaborations.column):
        return _make_unknown_columns(groups, "collaborations_rarest", "collaborations_share")
    works = rows.collaborations.sum_groups(member, first, len(index.collaboration_idf))
    overlaps = _compute_overlaps(works, index.collaboration_idf, groups)
    stated = np.bincount(works.get_entry_rows(), works.value, len(works))
    columns: dict[str, Float32] = {
        "collaborations_rarest": overlaps[2],
        "collaborations_share": np.minimum(
            overlaps[5] / np.maximum(stated[a], 1), overlaps[6] / np.maximum(stated[b], 1)
        ),
    }
    for column in columns.values():
        column[(stated[a] == 0) | (stated[b] == 0)] = np.nan
    return columns


def _make_unknown_columns(groups: GroupBatch, *names: str) -> dict[str, Float32]:
    """Return columns of NaN, which are one array."""
    return dict.fromkeys(names, np.full(groups.n_pairs, np.nan, dtype=np.float32))
