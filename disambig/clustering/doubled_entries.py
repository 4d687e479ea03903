"""Find author entries that a work lists twice: the same name again, also with an initial.

Two mentions on one work are usually two people, but of nine labelled repeats of a name four were
one person listed twice. As a cannot-link, such a repeat would deal the other works of the person
out to both entries; as a must-link it would be wrong as often. So the less informative entry is
left out of linkage and stays an identity of its own, and no mention on another work moves.

Evidence of two people: different suffixes or numbers of homonyms, a cannot-link, an identifier or
must-link of each, affiliations with nothing in common, or other works of the same circle of
co-authors that list both.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np
from scipy import sparse

from disambig.arrays import Bool, Int32, Int64
from disambig.blocking.name_comparison import NameEvidenceCache
from disambig.blocking.pairs import PairBatch, split_range
from disambig.clustering.constraints import Constraints, find_stated_pairs
from disambig.clustering.linkage import get_first_rows
from disambig.console import escape_text
from disambig.corpus.corpus import Corpus
from disambig.corpus.identifiers import list_equal_pairs
from disambig.corpus.index import CorpusIndex, list_coauthors
from disambig.kernels.pairs import compute_overlaps
from disambig.names import FamilyRelation, GivenRelation

MAX_COMMON_AFFILIATION = 0.2
"""Cosine of affiliations up to which they have nothing in common but words like "University"."""
MIN_LISTED_BOTH = 4
"""Two people, if at least one in this many works of the circle that list either list both. At one
doubled entry in a hundred works, eight works of one circle have two with a probability of 0.3 %."""
CONFIDENCE = 5 / 9
"""Share of labelled repeats that were two people, so that an identity of their own is right."""
MAX_DESCRIBED = 5
"""Most doubled entries that the warning lists."""
PAIRS_AT_ONCE = 200
"""Pairs whose works are compared with all others at the same time; bounds memory."""


def find_doubled_entries(
    index: CorpusIndex,
    batch: PairBatch,
    constraints: Constraints,
    names: NameEvidenceCache | None = None,
) -> Int32:
    """Find the rows of a batch that repeat another entry of their work.

    Parameters
    ----------
    names : NameEvidenceCache or None
        Of the index, if some names are already compared.

    Returns
    -------
    int32[K, 2]
        Position in ``batch.rows`` of each doubled entry, ascending, and of the entry it repeats.
        A doubled entry has no must-link and no identifier.
    """
    work = index.corpus.signature_work[batch.rows].astype(np.int64)
    pairs = np.stack(list_equal_pairs(batch.block * np.int64(index.corpus.n_works) + work))
    if pairs.size:
        pairs = pairs[:, _have_repeated_name(index, batch, pairs, names)]
    if pairs.size:
        pairs = pairs[:, ~_are_told_apart(index, batch, constraints, pairs)]
    if pairs.size:
        pairs = pairs[:, ~_are_often_together(index, batch, work, pairs)]
    a, b = pairs
    rows = batch.rows[pairs]
    is_anchored = _is_anchored(constraints, rows)
    letters = index.names.given_length[index.corpus.signature_name[rows]]
    is_better = letters[1] > letters[0]
    is_swapped = np.where(is_anchored[0] == is_anchored[1], is_better, is_anchored[1])
    doubled, first = np.unique(np.where(is_swapped, a, b), return_index=True)
    repeated = np.where(is_swapped, b, a)[first]
    return np.column_stack([doubled, repeated]).astype(np.int32)


def describe_doubled_entries(corpus: Corpus, rows: Int32) -> list[str]:
    """Name doubled entries, int32[K, 2] signature rows: "W1:2 (Ada Byron, as W1:0)"."""
    return [
        escape_text(f"{corpus.signature(a)} ({corpus.printed_name(a)}, as {corpus.signature(b)})")
        for a, b in rows.tolist()
    ]


def summarise_doubled_entries(entries: Iterable[str]) -> tuple[str, ...]:
    """Return one warning about all doubled entries, in any order; none without any."""
    ordered = sorted(entries)
    if not ordered:
        return ()
    listed = ", ".join(islice(ordered, MAX_DESCRIBED))
    rest = len(ordered) - MAX_DESCRIBED
    more = f" and {rest:,} more" if rest > 0 else ""
    return (
        f"{len(ordered):,} author {'entry looks' if len(ordered) == 1 else 'entries look'} like a "
        f"person listed twice on one work and {'is' if len(ordered) == 1 else 'are'} not joined "
        f"with any identity: {listed}{more}; a must-link or cannot-link between the two entries "
        "decides it",
    )


def _have_repeated_name(
    index: CorpusIndex, batch: PairBatch, pairs: Int64, names: NameEvidenceCache | None
) -> Bool:
    """Return which pairs have one name, or one written out and one with initials, bool[P].

    "P. Wang" beside "P. L. Wang" is no repetition: a work that prints initials prints all of them.
    """
    name = index.corpus.signature_name[batch.rows[pairs]]
    evidence = (names or NameEvidenceCache(index)).get(*name)
    given, letters = evidence["name_given_relation"], evidence["name_given_min"]
    longer = evidence["name_given_max"]
    is_initial_form = (given == GivenRelation.INITIAL) & (letters == 0) & (longer > 0)
    # further given names may be initials only: "Jian Wang" and "Jian Hua Wang" are two people
    is_first = (given == GivenRelation.FIRST) & (letters == longer)
    is_equal = (evidence["name_printed_equal"] == 1) | (given == GivenRelation.EQUAL)
    codes = index.names.suffix[name], index.names.homonym[name]
    repeated: Bool = (
        (is_equal | is_initial_form | is_first)
        & (evidence["name_compatible"] == 1)
        & (evidence["name_family_relation"] >= FamilyRelation.SPELLING)
        & (codes[0][0] == codes[0][1])
        & (codes[1][0] == codes[1][1])
    )
    return repeated


def _is_anchored(constraints: Constraints, rows: Int32) -> Bool:
    """Return which signatures have a must-link or an identifier."""
    is_anchored: Bool = (constraints.must[rows] >= 0) | (constraints.orcid[rows] >= 0)
    return is_anchored


def _are_told_apart(
    index: CorpusIndex, batch: PairBatch, constraints: Constraints, pairs: Int64
) -> Bool:
    """Return which pairs constraints, identifiers or affiliations tell apart, bool[P]."""
    a, b = batch.rows[pairs]
    apart: Bool = _is_anchored(constraints, a) & _is_anchored(constraints, b)
    if len(constraints.cannot):
        n = len(batch.rows)
        first = get_first_rows(batch.block, constraints.must[batch.rows])
        atoms = np.flatnonzero(first == np.arange(n))
        stated = np.sort(np.stack(find_stated_pairs(constraints, batch, atoms)), axis=0)
        ends = np.sort(first[pairs].astype(np.int64), axis=0)
        apart |= np.isin(ends[0] * n + ends[1], stated[0] * n + stated[1])
    affiliation = index.affiliation_of[batch.rows[pairs]]
    known = np.flatnonzero((affiliation >= 0).all(axis=0))
    texts, (left, right) = index.affiliation, affiliation[:, known]
    if len(known):
        cosine = compute_overlaps(
            texts.start, texts.column, texts.value, index.affiliation_idf, left, right
        )[3]
        has_words = (texts.lengths[left] > 0) & (texts.lengths[right] > 0)
        apart[known] |= has_words & (cosine <= MAX_COMMON_AFFILIATION)
    return apart


def _are_often_together(index: CorpusIndex, batch: PairBatch, work: Int64, pairs: Int64) -> Bool:
    """Return which pairs of names are often both on works of the pair's co-authors, bool[P].

    Counted are the other works of the block that share a co-author of both entries and list either
    name.
    """
    n_works = np.int64(index.corpus.n_works)
    name = index.corpus.signature_name[batch.rows].astype(np.int64)
    ends = np.sort(name[pairs], axis=0)
    _, kind = np.unique(np.stack([batch.block[pairs[0]], *ends]), axis=1, return_inverse=True)
    kind_works = np.unique(kind * n_works + work[pairs[0]])
    rows = np.flatnonzero(np.isin(name, ends))
    coauthors = list_coauthors(index, batch.rows[rows])
    matrix = sparse.csr_array(
        (np.ones(len(coauthors.column), np.float32), coauthors.column, coauthors.start),
        shape=(len(rows), len(index.full_works)),
    )
    # the other entry, in another form, is no co-author
    at = np.searchsorted(rows, pairs)
    common = matrix[at[0]].multiply(matrix[at[1]]).tocsr()
    n_both, n_either = np.zeros((2, pairs.shape[1]), dtype=np.int64)
    by_coauthor = matrix.T.tocsr()
    for part in split_range(pairs.shape[1], PAIRS_AT_ONCE):
        shared = (common[part] @ by_coauthor).tocoo()
        pair, row = shared.row.astype(np.int64) + part.start, rows[shared.col]
        a = pairs[0, pair]
        is_other = (
            (batch.block[row] == batch.block[a])
            & (work[row] != work[a])
            & ((name[row] == ends[0, pair]) | (name[row] == ends[1, pair]))
        )
        key = np.unique(pair[is_other] * n_works + work[row[is_other]])
        other_pair, other_work = np.divmod(key, n_works)
        has_both = np.isin(kind[other_pair] * n_works + other_work, kind_works)
        n_either += np.bincount(other_pair, minlength=pairs.shape[1])
        n_both += np.bincount(other_pair[has_both], minlength=pairs.shape[1])
    often: Bool = (n_both > 0) & ((n_both + 1) * MIN_LISTED_BOTH >= n_either + 1)
    return often
