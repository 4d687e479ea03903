"""Evidence about a pair of signatures, as float32 columns; NaN means nothing is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from disambig.index import CorpusIndex
from disambig.names import compare
from disambig.pairs import Matches, PairBatch, block_cosine, join

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]

NAME_COLUMNS = (
    "given_relation",
    "given_similarity",
    "middle_relation",
    "family_relation",
    "family_similarity",
    "printed_equal",
    "given_min",
    "given_max",
    "order_swapped",
    "compatible",
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
    "year_gap",
    "block_size",
)
"""Names and order of the columns of :func:`pair_features`."""


def pair_features(index: CorpusIndex, batch: PairBatch) -> dict[str, Float32]:
    """Every feature of every pair of the batch.

    Returns
    -------
    dict of str to float32[P]
        In the order of :data:`PAIR_FEATURES`.
    """
    out: dict[str, Float32] = {}
    out.update(_names(index, batch))
    out.update(_coauthors(index, batch))
    out.update(_venues(index, batch))
    out.update(_topics(index, batch))
    out.update(_affiliations(index, batch))
    out.update(_years(index, batch))
    return out


def _names(index: CorpusIndex, batch: PairBatch) -> dict[str, Float32]:
    name = index.corpus.signature_name[batch.rows]
    i, j = name[batch.left], name[batch.right]
    n = np.int64(len(index.corpus.names))
    key = np.minimum(i, j) * n + np.maximum(i, j)
    distinct, inverse = np.unique(key, return_inverse=True)
    a, b = (distinct // n).astype(np.int32), (distinct % n).astype(np.int32)
    compared = compare(index.names, a, b)
    columns = {f"name_{k}": compared[k][inverse] for k in NAME_COLUMNS}
    # two initials agreeing is as common as the less informative of the two names
    given = np.minimum(index.given_rarity[a], index.given_rarity[b])
    family = np.minimum(index.family_rarity[a], index.family_rarity[b])
    works = np.maximum(index.full_works[index.full[a]], index.full_works[index.full[b]])
    columns["name_rarity"] = (given + family)[inverse]
    columns["name_family_rarity"] = family[inverse]
    columns["name_works"] = np.log2(works)[inverse]
    return columns


def _coauthors(index: CorpusIndex, batch: PairBatch) -> dict[str, Float32]:
    n = batch.n_pairs
    rows = batch.rows
    size = np.diff(index.coauthors.indptr)[rows].astype(np.float32)
    small = np.minimum(size[batch.left], size[batch.right])
    large = np.maximum(size[batch.left], size[batch.right])
    unknown = small == 0
    full = join(batch, index.coauthors[rows])
    rarity = (1.0 / np.log2(1.0 + index.full_works))[full.column]
    initials = join(batch, index.coauthor_initials[rows])
    rarity_initial = (1.0 / np.log2(1.0 + index.initial_works))[initials.column]
    shared = full.count(n)
    shared_initial = initials.count(n)
    hop = _second_hop(index, batch)
    columns: dict[str, Float32] = {
        "coauthors_shared": shared,
        "coauthors_rarity": full.total(rarity, n),
        "coauthors_rarest": full.largest(rarity, n),
        "coauthors_jaccard": (shared / np.maximum(small + large - shared, 1)).astype(np.float32),
        "coauthors_initial_shared": shared_initial,
        "coauthors_initial_rarity": initials.total(rarity_initial, n),
        "coauthors_hop": hop,
    }
    for column in columns.values():
        column[unknown] = np.nan
    columns["coauthors_min"] = small
    columns["coauthors_max"] = large
    return columns


def _second_hop(index: CorpusIndex, batch: PairBatch) -> Float32:
    """Strength of the best-connected path: a co-author of one published with one of the other."""
    direct = index.coauthors[batch.rows]
    reach = sparse.csr_array(direct @ index.graph)
    # paths through the block's own names would be circular
    own = index.full[index.corpus.signature_name[batch.rows]]
    n_keys = index.graph.shape[1]
    own_keys = np.unique(batch.block.astype(np.int64) * n_keys + own)
    row = np.repeat(np.arange(len(batch.rows)), np.diff(reach.indptr))
    key = batch.block[row].astype(np.int64) * n_keys + reach.indices
    reach.data[np.isin(key, own_keys)] = 0.0
    total = np.zeros(batch.n_pairs, dtype=np.float32)
    for b in range(len(batch.start) - 1):
        low, high = int(batch.start[b]), int(batch.start[b + 1])
        if high - low < 2:
            continue
        product = (reach[low:high] @ direct[low:high].T).toarray()
        product = product + product.T
        total[batch.pair_start[b] : batch.pair_start[b + 1]] = product[
            np.triu_indices(high - low, 1)
        ]
    return np.log1p(total)


def _venues(index: CorpusIndex, batch: PairBatch) -> dict[str, Float32]:
    work = index.corpus.signature_work[batch.rows]
    venue = index.venue[work]
    a, b = venue[batch.left], venue[batch.right]
    unknown = (a < 0) | (b < 0)
    same = (a == b).astype(np.float32)
    rarity = np.where(a == b, 1.0 / np.log2(2.0 + index.venue_works[a]), 0).astype(np.float32)
    same[unknown] = np.nan
    rarity[unknown] = np.nan
    return {
        "venue_same": same,
        "venue_rarity": rarity,
        "venue_meaning": block_cosine(batch, index.venue_meaning[work]),
    }


def _topics(index: CorpusIndex, batch: PairBatch) -> dict[str, Float32]:
    n = batch.n_pairs
    work = index.corpus.signature_work[batch.rows]
    title: Matches = join(batch, index.title[work])
    idf = index.title_idf[title.column]
    text = join(batch, index.text[work], max_rows=10**9)
    text_meaning = block_cosine(batch, index.meaning[work])
    return {
        "text_meaning_above": _above_usual(batch, text_meaning),
        "title_cosine": title.total(title.left * title.right, n),
        "title_rarest": title.largest(idf, n),
        "text_cosine": text.total(text.left * text.right, n),
        "title_meaning": block_cosine(batch, index.title_meaning[work]),
        "text_meaning": text_meaning,
    }


def _above_usual(batch: PairBatch, values: Float32) -> Float32:
    """How far each value stands above what its two rows usually have in their block."""
    known = ~np.isnan(values)
    filled = np.where(known, values, 0).astype(np.float64)
    n = len(batch.rows)
    total = np.bincount(batch.left, filled, n) + np.bincount(batch.right, filled, n)
    count = np.bincount(batch.left, known, n) + np.bincount(batch.right, known, n)
    mean = total / np.maximum(count, 1)
    above: Float32 = (values - (mean[batch.left] + mean[batch.right]) / 2).astype(np.float32)
    return above


def _affiliations(index: CorpusIndex, batch: PairBatch) -> dict[str, Float32]:
    n = batch.n_pairs
    matrix = index.affiliation[batch.rows]
    has = np.diff(matrix.indptr) > 0
    match = join(batch, matrix)
    cosine = match.total(match.left * match.right, n)
    rarest = match.largest(index.affiliation_idf[match.column], n)
    unknown = ~(has[batch.left] & has[batch.right])
    cosine[unknown] = np.nan
    rarest[unknown] = np.nan
    return {"affiliation_cosine": cosine, "affiliation_rarest": rarest}


def _years(index: CorpusIndex, batch: PairBatch) -> dict[str, Float32]:
    year = index.corpus.years[index.corpus.signature_work[batch.rows]]
    a, b = year[batch.left], year[batch.right]
    size = np.diff(batch.start)[batch.block[batch.left]]
    return {"year_gap": np.abs(a - b), "block_size": np.log2(size).astype(np.float32)}
