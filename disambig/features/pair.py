"""Features of pairs of signatures, as float32 columns; NaN means unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disambig.arrays import Float32, Int32
from disambig.blocking.name_comparison import NAME_COLUMNS, NameEvidenceCache
from disambig.blocking.pairs import PairBatch
from disambig.corpus.index import CorpusIndex, list_coauthors
from disambig.corpus.sparse import SparseRows
from disambig.kernels.citations import find_citations
from disambig.kernels.pairs import (
    compute_cosines,
    compute_dots,
    compute_overlaps,
    sum_paths,
    sum_vectors,
)

PAIR_FEATURES = (
    *(f"name_{column}" for column in NAME_COLUMNS),
    "name_rarity",
    "name_family_rarity",
    "name_works",
    "coauthors_shared",
    "coauthors_rarity",
    "coauthors_rarest",
    "coauthors_jaccard",
    "coauthors_initial_shared",
    "coauthors_initial_rarity",
    "coauthors_hop",
    "coauthors_min",
    "coauthors_max",
    "venue_same",
    "venue_rarity",
    "venue_meaning",
    "text_meaning_above",
    "title_cosine",
    "title_rarest",
    "text_cosine",
    "title_meaning",
    "text_meaning",
    "affiliation_cosine",
    "affiliation_rarest",
    "citation",
    "citation_rarity",
    "references_shared",
    "references_rarity",
    "references_rarest",
    "references_cosine",
    "references_by_name",
    "collaboration_rarest",
    "year_gap",
    "block_size",
)
"""Names and order of the columns of :func:`compute_pair_features`."""


@dataclass(frozen=True, eq=False)
class RowEvidence:
    """Evidence of each row of a batch, looked up once for all of its pairs and groups.

    Attributes
    ----------
    name : int32[R]
        Row of the name table.
    coauthors, coauthor_initials : SparseRows
        Codes of the co-authors.
    outside_coauthors : SparseRows
        The same without the names of the block's own signatures.
    title, text : SparseRows
    meaning, title_meaning, venue_meaning : float32[R, d]
    usual : float32[R]
        Mean cosine of the meaning with the others of the block, see :func:`compute_usual_meaning`.
    venue, affiliation : int32[R]
        Codes, -1 where unknown.
    references : SparseRows
        Cited works.
    references_by_name : SparseRows
        Those to works of the same block.
    cited : int32[R]
        Column of ``references`` that stands for the work itself, -1 for none.
    citations : float32[R]
        References of the whole corpus to the work.
    collaborations : SparseRows
    year : float32[R]
    names : NameMemory
        Evidence of pairs of names compared so far.
    """

    name: Int32
    coauthors: SparseRows
    coauthor_initials: SparseRows
    outside_coauthors: SparseRows
    title: SparseRows
    text: SparseRows
    meaning: Float32
    title_meaning: Float32
    venue_meaning: Float32
    usual: Float32
    venue: Int32
    affiliation: Int32
    references: SparseRows
    references_by_name: SparseRows
    cited: Int32
    citations: Float32
    collaborations: SparseRows
    year: Float32
    names: NameEvidenceCache

    @classmethod
    def look_up(
        cls, index: CorpusIndex, batch: PairBatch, names: NameEvidenceCache | None = None
    ) -> RowEvidence:
        """Look up the rows of a batch; ``names`` are of the same index, if already available."""
        rows = batch.rows
        work = index.corpus.signature_work[rows]
        meaning = index.meaning[work]
        name, coauthors = index.corpus.signature_name[rows], list_coauthors(index, rows)
        references, cited = index.references.take(work), index.cited[work]
        return cls(
            name=name,
            coauthors=coauthors,
            coauthor_initials=list_coauthors(index, rows, initials=True),
            outside_coauthors=_drop_block_names(index, batch, name, coauthors),
            title=index.title.take(work),
            text=index.text.take(work),
            meaning=meaning,
            title_meaning=index.title_meaning[work],
            venue_meaning=index.venue_meaning[index.venue_text[work]],
            usual=compute_usual_meaning(meaning, batch),
            venue=index.venue[work],
            affiliation=index.affiliation_of[rows],
            references=references,
            references_by_name=_select_block_works(index, batch, references, cited),
            cited=cited,
            citations=index.citations[work],
            collaborations=index.collaborations.take(work),
            year=index.corpus.years[work],
            names=NameEvidenceCache(index) if names is None else names,
        )


def compute_pair_features(
    index: CorpusIndex, batch: PairBatch, rows: RowEvidence | None = None
) -> dict[str, Float32]:
    """Compute every feature of every pair of the batch.

    Parameters
    ----------
    rows : RowEvidence or None
        Of the batch, if already computed.

    Returns
    -------
    dict of str to float32[P]
        In the order of :data:`PAIR_FEATURES`.
    """
    rows = rows or RowEvidence.look_up(index, batch)
    out: dict[str, Float32] = {}
    out.update(_compare_names(batch, rows))
    out.update(_compare_coauthors(index, batch, rows))
    out.update(_compare_venues(index, batch, rows))
    out.update(_compare_topics(index, batch, rows))
    out.update(_compare_affiliations(index, batch, rows))
    out.update(_compare_citations(index, batch, rows))
    out.update(_compare_references(index, batch, rows))
    out.update(_compare_collaborations(index, batch, rows))
    out.update(_compare_years(batch, rows))
    return out


def _compare_names(batch: PairBatch, rows: RowEvidence) -> dict[str, Float32]:
    evidence = rows.names.get(batch.names[:, 0], batch.names[:, 1])
    return {k: evidence[k][batch.name_pair] for k in PAIR_FEATURES if k in evidence}


def _compare_coauthors(
    index: CorpusIndex, batch: PairBatch, rows: RowEvidence
) -> dict[str, Float32]:
    left, right, coauthors = batch.left, batch.right, rows.coauthors
    size = coauthors.lengths.astype(np.float32)
    small = np.minimum(size[left], size[right])
    large = np.maximum(size[left], size[right])
    unknown = small == 0
    full = _compute_overlaps(coauthors, index.full_rarity, batch)
    initial = _compute_overlaps(rows.coauthor_initials, index.initial_rarity, batch)
    columns: dict[str, Float32] = {
        "coauthors_shared": full[0],
        "coauthors_rarity": full[1],
        "coauthors_rarest": full[2],
        "coauthors_jaccard": full[0] / np.maximum(small + large - full[0], 1),
        "coauthors_initial_shared": initial[0],
        "coauthors_initial_rarity": initial[1],
        "coauthors_hop": _compute_second_hop(index, batch, rows),
    }
    for column in columns.values():
        column[unknown] = np.nan
    columns["coauthors_min"] = small
    columns["coauthors_max"] = large
    return columns


def _compute_overlaps(rows: SparseRows, weight: Float32, batch: PairBatch) -> Float32:
    return compute_overlaps(rows.start, rows.column, rows.value, weight, batch.left, batch.right)


def _drop_block_names(
    index: CorpusIndex, batch: PairBatch, name: Int32, coauthors: SparseRows
) -> SparseRows:
    """Remove the co-authors who have a name of the block."""
    block = batch.block.astype(np.int64) * len(index.full_works)
    block_names = np.unique(block + index.full[name])
    return coauthors.filter_entries(
        ~np.isin(block[coauthors.get_entry_rows()] + coauthors.column, block_names)
    )


def _select_block_works(
    index: CorpusIndex, batch: PairBatch, references: SparseRows, cited: Int32
) -> SparseRows:
    """Select the references to works of the block."""
    if not len(references.column):
        return references
    block = batch.block.astype(np.int64) * len(index.reference_idf)
    block_works = np.unique((block + cited)[cited >= 0])
    return references.filter_entries(
        np.isin(block[references.get_entry_rows()] + references.column, block_works)
    )


def _compute_second_hop(index: CorpusIndex, batch: PairBatch, rows: RowEvidence) -> Float32:
    """Return the strength of all paths from a co-author of one to a co-author of the other."""
    # paths through the block's own names would be circular
    coauthors, graph = rows.outside_coauthors, index.graph
    strength = sum_paths(
        coauthors.start,
        coauthors.column,
        graph.start,
        graph.column,
        graph.value,
        batch.left,
        batch.right,
    )
    return np.log1p(strength)


def _compare_venues(index: CorpusIndex, batch: PairBatch, rows: RowEvidence) -> dict[str, Float32]:
    a, b = rows.venue[batch.left], rows.venue[batch.right]
    unknown = (a < 0) | (b < 0)
    same = (a == b).astype(np.float32)
    rare = (1.0 / np.log2(2.0 + index.venue_works)).astype(np.float32)
    rarity = np.where(a == b, np.append(rare, np.float32(0))[a], np.float32(0))
    same[unknown] = np.nan
    rarity[unknown] = np.nan
    return {
        "venue_same": same,
        "venue_rarity": rarity,
        "venue_meaning": compute_cosines(rows.venue_meaning, batch.left, batch.right),
    }


def _compare_topics(index: CorpusIndex, batch: PairBatch, rows: RowEvidence) -> dict[str, Float32]:
    left, right = batch.left, batch.right
    title = _compute_overlaps(rows.title, index.title_idf, batch)
    text = _compute_overlaps(rows.text, index.title_idf, batch)
    text_meaning = compute_cosines(rows.meaning, left, right)
    return {
        "text_meaning_above": text_meaning - (rows.usual[left] + rows.usual[right]) / 2,
        "title_cosine": title[3],
        "title_rarest": title[2],
        "text_cosine": text[3],
        "title_meaning": compute_cosines(rows.title_meaning, left, right),
        "text_meaning": text_meaning,
    }


def compute_usual_meaning(meaning: Float32, batch: PairBatch) -> Float32:
    """Return the mean cosine of each row's meaning with the others of its block, float32[R].

    NaN if its own is missing, 0 where no other's is known.
    """
    member = np.arange(len(meaning))
    total, count = sum_vectors(meaning, member, batch.start)
    with_all = compute_dots(meaning, total, batch.block)
    has_meaning = ~np.isnan(with_all)
    others = count[batch.block] - 1
    usual = np.where(others > 0, (with_all - 1) / np.maximum(others, 1), 0)
    return np.where(has_meaning, usual, np.nan).astype(np.float32)


def _compare_affiliations(
    index: CorpusIndex, batch: PairBatch, rows: RowEvidence
) -> dict[str, Float32]:
    code = rows.affiliation
    present, row = np.unique(code[code >= 0], return_inverse=True)
    texts = index.affiliation.take(present)
    place = np.full(len(code), -1, dtype=np.int32)
    place[code >= 0] = row
    comparable = np.flatnonzero((place[batch.left] >= 0) & (place[batch.right] >= 0))
    a, b = place[batch.left[comparable]], place[batch.right[comparable]]
    lengths = texts.lengths
    overlaps = compute_overlaps(texts.start, texts.column, texts.value, index.affiliation_idf, a, b)
    has_words = (lengths[a] > 0) & (lengths[b] > 0)
    cosine = np.full(batch.n_pairs, np.nan, dtype=np.float32)
    rarest = np.full(batch.n_pairs, np.nan, dtype=np.float32)
    cosine[comparable[has_words]], rarest[comparable[has_words]] = (
        overlaps[3, has_words],
        overlaps[2, has_words],
    )
    return {"affiliation_cosine": cosine, "affiliation_rarest": rarest}


def _compare_citations(
    index: CorpusIndex, batch: PairBatch, rows: RowEvidence
) -> dict[str, Float32]:
    """Find out whether one work cites the other, and how surprising that is.

    Unknown without references of a work that may be the later one.
    """
    left, right, size = batch.left, batch.right, rows.references.lengths
    if not len(rows.references.column):
        return _make_unknown_columns(batch, "citation", "citation_rarity")
    forward, backward = find_citations(
        rows.references.start, rows.references.column, rows.cited, left, right
    )
    a, b = rows.year[left], rows.year[right]
    is_known = ((size[left] > 0) & ~(a < b)) | ((size[right] > 0) & ~(b < a))
    citation = (forward | backward).astype(np.float32)
    rarity = np.zeros(batch.n_pairs, dtype=np.float32)
    for is_citing, citing, cited in ((forward, left, right), (backward, right, left)):
        pairs = np.flatnonzero(is_citing)
        # how often as many references as these lead to the cited work by chance
        expected = size[citing[pairs]] * rows.citations[cited[pairs]] / index.n_references
        rarity[pairs] = np.maximum(rarity[pairs], -np.log(expected))
    for column in (citation, rarity):
        column[~(is_known | forward | backward)] = np.nan
    return {"citation": citation, "citation_rarity": rarity}


def _compare_references(
    index: CorpusIndex, batch: PairBatch, rows: RowEvidence
) -> dict[str, Float32]:
    names = ("references_shared", "references_rarity", "references_rarest", "references_cosine")
    size = rows.references.lengths
    if np.count_nonzero(size) < 2:
        return _make_unknown_columns(batch, *names, "references_by_name")
    overlaps = _compute_overlaps(rows.references, index.reference_idf, batch)
    by_name = _compute_overlaps(rows.references_by_name, index.reference_idf, batch)[1]
    columns = {**dict(zip(names, overlaps[:4], strict=True)), "references_by_name": by_name}
    for column in columns.values():
        column[(size[batch.left] == 0) | (size[batch.right] == 0)] = np.nan
    return columns


def _compare_collaborations(
    index: CorpusIndex, batch: PairBatch, rows: RowEvidence
) -> dict[str, Float32]:
    size = rows.collaborations.lengths
    if np.count_nonzero(size) < 2:
        return _make_unknown_columns(batch, "collaboration_rarest")
    rarest = _compute_overlaps(rows.collaborations, index.collaboration_idf, batch)[2]
    rarest[(size[batch.left] == 0) | (size[batch.right] == 0)] = np.nan
    return {"collaboration_rarest": rarest}


def _make_unknown_columns(batch: PairBatch, *names: str) -> dict[str, Float32]:
    """Return columns of NaN, which are one array."""
    unknown = np.full(batch.n_pairs, np.nan, dtype=np.float32)
    return dict.fromkeys(names, unknown)


def _compare_years(batch: PairBatch, rows: RowEvidence) -> dict[str, Float32]:
    year = rows.year
    size = np.log2(np.diff(batch.start)).astype(np.float32)
    return {
        "year_gap": np.abs(year[batch.left] - year[batch.right]),
        "block_size": size[batch.block[batch.left]],
    }
