"""Candidate signatures for the authors of one new work, from the blocks of their names.

Blocks are looked up by key. From a large block, the identities with most evidence in common with
the new signature are selected, each with some of its representatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from disambig.arrays import Float64, Int32, Int64, UInt64
from disambig.blocking.blocks import make_block_key
from disambig.clustering.cross_block import choose_representatives
from disambig.corpus.contents import Contents
from disambig.corpus.statistics import Counts, Statistics, find_keys
from disambig.corpus.tokenise import hash_word, hash_words
from disambig.names import ParsedName

MAX_CANDIDATES = 80
"""Most signatures of one author's block that are compared with a new one."""
MIN_CANDIDATES = 4
"""The same for a work of very many authors."""
MAX_PAIRS = 4500
"""Most pairs of signatures that are compared for one work: they dominate the time."""
NAME_EQUAL, NAME_DIFFERS = 1.0, 2.0
"""Weights of equal names and of different first names; one rare co-author weighs 0.6."""
MAX_REPRESENTATIVES = 15
"""Most signatures of an identity that are compared with a new one, where a block is large."""


@dataclass(frozen=True, eq=False)
class BlockIndex:
    """Signatures of a corpus by block.

    Attributes
    ----------
    key : uint64[B]
        Key of each block, ascending.
    start : int64[B + 1]
        Signatures of block ``b`` are ``row[start[b]:start[b + 1]]``, rising.
    row : int32[S']
        Signatures with a name of letters.
    given_key : uint64[n_names]
        See :func:`hash_given_names`.
    """

    key: UInt64
    start: Int64
    row: Int32
    given_key: UInt64

    @classmethod
    def build(cls, names: list[ParsedName], signature_name: Int32) -> BlockIndex:
        """Index signatures by the blocks of their names."""
        texts = [make_block_key(name) for name in names]
        legible = np.array([bool(text) for text in texts], dtype=bool)[signature_name]
        row = np.flatnonzero(legible).astype(np.int32)
        of_row = hash_words(texts)[signature_name[row]]
        order = np.argsort(of_row, kind="stable")
        key, start = np.unique(of_row[order], return_index=True)
        return cls(key, np.append(start, len(row)), row[order], hash_given_names(names))

    def find_block(self, name: ParsedName) -> Int32:
        """Return the signatures of the block of a name; none for a name without letters."""
        text = make_block_key(name)
        if not text:
            return self.row[:0]
        place = int(np.searchsorted(self.key, np.uint64(hash_word(text))))
        if place == len(self.key) or self.key[place] != np.uint64(hash_word(text)):
            return self.row[:0]
        return self.row[self.start[place] : self.start[place + 1]]


def select_candidates(
    contents: Contents,
    statistics: Statistics,
    identity: Int32,
    block_index: BlockIndex,
    blocks: Sequence[Int32],
    new_work: Contents,
    limit: int = MAX_CANDIDATES,
    pairs: int = MAX_PAIRS,
) -> list[Int32]:
    """Select the signatures that each author of a new work is compared with.

    Parameters
    ----------
    contents, statistics, identity, block_index
        Of the corpus.
    blocks : sequence of int32 arrays
        Signatures of each author's block, rising.
    new_work : Contents
        Of the new work.
    limit, pairs : int
        See :data:`MAX_CANDIDATES` and :data:`MAX_PAIRS`.
    """
    most = _bound_block_size(np.array([len(rows) for rows in blocks], dtype=np.int64), limit, pairs)
    new_given_keys = hash_given_names(new_work.corpus.names)
    candidates = []
    for author, rows in enumerate(blocks):
        if len(rows) > most:
            evidence = score_signatures(contents, statistics, rows, new_work, author)
            evidence += _score_names(
                contents, block_index.given_key, rows, new_work, new_given_keys, author
            )
            rows = select_signatures(identity, rows, evidence, most)
        candidates.append(rows)
    return candidates


def _bound_block_size(size: Int64, limit: int, pairs: int) -> int:
    """Return the most signatures of each block that keep the number of pairs bounded."""
    most = limit
    while most > MIN_CANDIDATES and (np.minimum(size, most) ** 2).sum() / 2 > pairs:
        most = max(most * 9 // 10, MIN_CANDIDATES)
    return most


def hash_given_names(names: Sequence[ParsedName]) -> UInt64:
    """Hash the first given name of each name, 0 for an initial or none; uint64[n]."""
    first = [name.given[0] if name.given and len(name.given[0]) > 1 else "" for name in names]
    return np.where([bool(text) for text in first], hash_words(first), np.uint64(0))


def select_signatures(identity: Int32, rows: Int32, evidence: Float64, limit: int) -> Int32:
    """Select at most about ``limit`` signatures: identities with most evidence first.

    Parameters
    ----------
    identity : int32[S]
        Of every signature of the corpus.
    rows : int32[n]
        Signatures, ascending.
    evidence : float64[n]
        Of each with the new signature, see :func:`score_signatures`.

    Returns
    -------
    int32[m]
        Ascending. Of each identity at most :data:`MAX_REPRESENTATIVES`: half of them with most
        evidence, half evenly spaced.
    """
    if len(rows) <= limit:
        return rows
    label, group = np.unique(identity[rows], return_inverse=True)
    order = np.lexsort((-evidence, group))
    start = np.searchsorted(group[order], np.arange(len(label) + 1))
    best = evidence[order[start[:-1]]]
    selection: list[Int64] = []
    remaining = limit
    for g in np.argsort(-best, kind="stable").tolist():
        members = order[start[g] : start[g + 1]]
        representative_positions = _select_representatives(
            members, min(MAX_REPRESENTATIVES, remaining)
        )
        selection.append(representative_positions)
        remaining -= len(representative_positions)
        if remaining <= 0:
            break
    return np.sort(rows[np.concatenate(selection)])


def _select_representatives(members: Int64, most: int) -> Int64:
    """Select from an identity's signatures, which are ordered by falling evidence."""
    if len(members) <= most:
        return members
    top, rest = members[: most // 2], np.sort(members[most // 2 :])
    spread = (
        choose_representatives(len(rest), most - len(top))
        if most - len(top) > 1
        else np.zeros(1, np.int64)
    )
    return np.concatenate([top, rest[spread]])


def score_signatures(
    contents: Contents, statistics: Statistics, rows: Int32, new_work: Contents, author: int
) -> Float64:
    """Score signatures against author ``author`` (a row) of a new work, float64[n].

    A rough sum for candidate selection: shared co-authors, similarity of meaning, venue and
    affiliation.
    """
    works = contents.corpus.signature_work[rows]
    name = new_work.corpus.signature_name[author]
    coauthors, new_coauthors = contents.coauthors, new_work.coauthors
    full, initial = statistics.counts["full"], statistics.counts["initial"]
    total = _score_shared_coauthors(
        coauthors.start,
        coauthors.full,
        works,
        _select_coauthor_keys(new_coauthors.full, new_work.full[name]),
        full,
    )
    others = _select_coauthor_keys(new_coauthors.initial, new_work.initial[name])
    total += 0.5 * _score_shared_coauthors(
        coauthors.start, coauthors.initial, works, others, initial
    )
    total += 1.5 * np.nan_to_num(contents.meaning[works] @ new_work.meaning[0])
    series = new_work.venue_key[new_work.venue[0]]
    total += 0.5 * ((contents.venue_key[contents.venue[works]] == series) & (series != 0))
    return total + _score_affiliation(contents, statistics, rows, new_work, author)


def _score_names(
    contents: Contents,
    given_key: UInt64,
    rows: Int32,
    new_work: Contents,
    new_given_keys: UInt64,
    author: int,
) -> Float64:
    """Score the agreement of names roughly, float64[n].

    Names that cannot be one person's may still be selected; a full comparison follows.
    """
    new, old = new_work.corpus.signature_name[author], contents.corpus.signature_name[rows]
    equal = contents.full[old] == new_work.full[new]
    differ = (
        (given_key[old] != new_given_keys[new]) & (given_key[old] != 0) & (new_given_keys[new] != 0)
    )
    score: Float64 = NAME_EQUAL * equal - NAME_DIFFERS * differ
    return score


def _select_coauthor_keys(author_keys: UInt64, own: np.uint64) -> UInt64:
    """Return the co-author keys of a signature, ascending."""
    return np.unique(author_keys[(author_keys != own) & (author_keys != 0)])


def _score_shared_coauthors(
    start: Int64, keys: UInt64, works: Int32, coauthor_keys: UInt64, counts: Counts
) -> Float64:
    """Score the co-authors that works share with ``coauthor_keys``, by rarity; float64[n]."""
    if not len(coauthor_keys):
        return np.zeros(len(works))
    worth = 1 / np.log2(2.0 + counts.look_up(coauthor_keys))
    low, size = start[works], start[works + 1] - start[works]
    row = np.repeat(np.arange(len(works)), size)
    first = np.cumsum(size) - size
    place, hit = find_keys(coauthor_keys, keys[np.arange(len(row)) + np.repeat(low - first, size)])
    score: Float64 = np.bincount(row[hit], worth[place[hit]], len(works)).astype(np.float64)
    return score


def _score_affiliation(
    contents: Contents, statistics: Statistics, rows: Int32, new_work: Contents, author: int
) -> Float64:
    new_affiliation = new_work.affiliation_of[author]
    code = contents.affiliation_of[rows]
    out = np.zeros(len(rows))
    if new_affiliation < 0 or not (code >= 0).any():
        return out
    text = new_work.affiliation.take(np.array([new_affiliation]))
    word = new_work.affiliation_words[text.column]
    idf = statistics.compute_idf("affiliation", word).astype(np.float64)
    distinct, which = np.unique(code[code >= 0], return_inverse=True)
    texts = contents.affiliation.take(distinct)
    place, hit = find_keys(word, contents.affiliation_words[texts.column])
    shared = np.bincount(texts.get_entry_rows()[hit], idf[place[hit]], len(distinct))
    out[code >= 0] = (shared / max(idf.sum(), 1e-9))[which]
    return out
