"""Nearest neighbours in crowded blocks: each signature is compared with those most like it.

Where hundreds share a name, nearly all pairs are of two persons and easy to recognise:
no co-author in common, another institution, another subject, another decade. So a signature is
compared with the few that have most in common with it, anywhere in the block. Pairs that are not
listed are unknown; what a join of groups depends on is estimated from a sample of them
(:mod:`disambig.clustering.sampling`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from disambig.arrays import Float32, Int32, Int64
from disambig.blocking.pairs import NamePairs, PairBatch
from disambig.corpus.index import CorpusIndex, list_coauthors
from disambig.kernels.neighbours import find_nearest, vote_nearest
from disambig.kernels.pairs import sort_by_count
from disambig.kernels.vectors import LANES, ROWS_AT_ONCE

AFFILIATION_WEIGHT = 0.7
"""Weight of an affiliation in likeness; a co-author of a single work has weight 1."""
MEANING_WEIGHT = 0.5
"""Weight of the cosine of the two works' embeddings in likeness."""
YEAR_PENALTY = 0.02
"""Penalty in likeness for each year between the two works."""
INITIAL_PENALTY = 0.1
"""Penalty in likeness if only one of the two names has a written-out given name."""
VOTE_DECAY = 0.1
"""Difference in likeness that reduces a neighbour's vote to 1 / e (:func:`vote_labels`)."""


def make_evidence_matrix(index: CorpusIndex, rows: Int32) -> sparse.csr_array:
    """Return the weights of co-authors, by full name and by initial, and of affiliation words.

    Rare ones weigh more. The product of two rows is what two signatures have in common.
    """
    parts = []
    for initials, rarity in ((False, index.full_rarity), (True, index.initial_rarity)):
        coauthors = list_coauthors(index, rows, initials=initials)
        shape = (len(rows), len(rarity))
        weight = rarity[coauthors.column]
        parts.append(sparse.csr_array((weight, coauthors.column, coauthors.start), shape=shape))
    affiliation_row = index.affiliation_of[rows]
    texts = index.affiliation.append_empty_row().take(
        np.where(affiliation_row >= 0, affiliation_row, len(index.affiliation))
    )
    shape = (len(rows), len(index.affiliation_idf))
    words = sparse.csr_array((texts.value, texts.column, texts.start), shape=shape)
    return sparse.csr_array(sparse.hstack([*parts, AFFILIATION_WEIGHT * words]))


@dataclass(frozen=True, eq=False)
class _Evidence:
    """Arrays from which the likeness of some signatures is computed.

    ``meaning`` and ``year`` are padded beyond the last signature, with 0 and NaN.
    """

    matrix: sparse.csr_array
    meaning: Float32
    year: Float32

    @classmethod
    def collect(cls, index: CorpusIndex, rows: Int32) -> _Evidence:
        work = index.corpus.signature_work[rows]
        n_panels = -(-(len(rows) + ROWS_AT_ONCE) // LANES)
        meaning = np.zeros((n_panels * LANES, index.meaning.shape[1]), dtype=np.float32)
        meaning[: len(rows)] = np.nan_to_num(index.meaning[work])
        year = np.full(len(meaning), np.nan, dtype=np.float32)
        year[: len(rows)] = index.corpus.years[work]
        return cls(make_evidence_matrix(index, rows), meaning, year)

    def to_query_arrays(self) -> tuple[Int64, Int32, Float32, Float32, Float32]:
        """Return the arrays of the signatures whose neighbours are searched, for the kernels."""
        start, column, value = _to_arrays(self.matrix)
        return start, column, value, np.float32(MEANING_WEIGHT) * self.meaning, self.year

    def to_target_arrays(self) -> tuple[Int64, Int32, Float32, Float32]:
        """Return the arrays of the signatures that are searched, for the kernels."""
        start, holder, holder_value = _to_arrays(sparse.csc_array(self.matrix))
        d = self.meaning.shape[1]
        panels = self.meaning.reshape(-1, LANES, d).transpose(0, 2, 1)
        return start, holder, holder_value, np.ascontiguousarray(panels)


def _to_arrays(matrix: sparse.csr_array | sparse.csc_array) -> tuple[Int64, Int32, Float32]:
    start, place = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
    return start, place, matrix.data.astype(np.float32)


def vote_labels(index: CorpusIndex, rows: Int32, others: Int32, label: Int64) -> Int64:
    """Return for each of ``rows`` the label that its nearest ``others`` vote for, int64[n].

    Votes are weighted by likeness (see :data:`VOTE_DECAY`). The label is 0 where none shares a
    co-author or a word of the affiliation.

    Parameters
    ----------
    label : int64[m]
        Of the others, above 0.
    """
    queries, targets = _Evidence.collect(index, rows), _Evidence.collect(index, others)
    return vote_nearest(
        len(rows),
        *queries.to_query_arrays(),
        *targets.to_target_arrays(),
        targets.year,
        np.float32(YEAR_PENALTY),
        label,
        VOTE_DECAY,
    )


@dataclass(frozen=True, eq=False)
class NeighbourPairs:
    """Signatures of crowded blocks, each compared with its nearest neighbours.

    Attributes
    ----------
    index : CorpusIndex
    names : NamePairs
        Names of the blocks that agree.
    max_neighbours : int
        Neighbours of each signature; those of which it is a neighbour come in addition.
    """

    index: CorpusIndex
    names: NamePairs
    max_neighbours: int

    @property
    def rows(self) -> Int32:
        """Signature rows, block after block."""
        return self.names.rows

    @property
    def start(self) -> Int64:
        """Rows of block ``b`` are ``rows[start[b]:start[b + 1]]``."""
        return self.names.start

    @property
    def load(self) -> Int64:
        """Upper bound of the pairs of each block, int64[B]."""
        bound: Int64 = np.minimum(self.names.load, np.diff(self.start) * self.max_neighbours)
        return bound

    def make_batch(self, first: int, last: int) -> PairBatch:
        """List the pairs of blocks ``first`` to ``last`` (exclusive)."""
        low = int(self.start[first])
        start = self.start[first : last + 1] - low
        pairs_of_blocks = [
            self._list_block_pairs(b, int(self.start[b]) - low) for b in range(first, last)
        ]
        left, right, name_pair = (
            np.concatenate(parts) for parts in zip(*pairs_of_blocks, strict=True)
        )
        pairs = slice(int(self.names.pair_start[first]), int(self.names.pair_start[last]))
        a, b = self.names.a[pairs], self.names.b[pairs]
        name = self.names.name
        block = np.repeat(np.arange(last - first, dtype=np.int32), np.diff(start))
        return PairBatch(
            self.rows[low : int(self.start[last])],
            block,
            start,
            left,
            right,
            (name_pair - np.int32(pairs.start)).astype(np.int32),
            np.column_stack([name[a], name[b]]),
            is_complete=False,
        ).select_pairs(slice(0, len(left)))

    def _list_block_pairs(self, block: int, offset: int) -> tuple[Int32, Int32, Int32]:
        """List the positions of the pairs of one block, plus ``offset``, and the class pair of
        each.
        """
        names, index = self.names, self.index
        low, high = int(self.start[block]), int(self.start[block + 1])
        rows = self.rows[low:high]
        pairs = np.arange(names.pair_start[block], names.pair_start[block + 1])
        first = int(names.a[pairs[0]])
        a, b = names.a[pairs] - first, names.b[pairs] - first
        n_classes = int(max(a.max(), b.max())) + 1
        different = a != b
        class_a, class_b = np.concatenate([a, b[different]]), np.concatenate([b, a[different]])
        order = np.lexsort((class_b, class_a))
        agreeing_start = np.searchsorted(class_a[order], np.arange(n_classes + 1))
        pair_number = np.concatenate([pairs, pairs[different]])[order].astype(np.int32)
        member_start = names.class_start[first : first + n_classes + 1]
        member = names.member[member_start[0] : member_start[-1]] - np.int32(low)
        has_given_name = index.names.given_length[names.name[first : first + n_classes]] > 0
        evidence = _Evidence.collect(index, rows[member])
        i, j, pair = find_nearest(
            member_start - member_start[0],
            member,
            agreeing_start,
            class_b[order].astype(np.int32),
            pair_number,
            (INITIAL_PENALTY * (has_given_name[class_a] != has_given_name[class_b]))[order].astype(
                np.float32
            ),
            *evidence.to_query_arrays(),
            *evidence.to_target_arrays(),
            np.float32(YEAR_PENALTY),
            self.max_neighbours,
        )
        left, right = np.minimum(i, j), np.maximum(i, j)
        order = sort_by_count(right, np.arange(len(right)), len(rows))
        order = sort_by_count(left, order, len(rows))
        left, right, pair = left[order], right[order], pair[order]
        # mutual neighbours are listed twice
        is_first = np.diff(left, prepend=-1).astype(bool) | np.diff(right, prepend=-1).astype(bool)
        return left[is_first] + np.int32(offset), right[is_first] + np.int32(offset), pair[is_first]
