"""Place the authors of one new work among the identities of a clustered corpus.

Only the blocks of its authors are looked at, and of a large block only the signatures that have
most in common with the new one (:mod:`disambig.candidates`). These are scored as a whole run
would score them, with the statistics that the corpus has once the work is added. Two readings of
the result must agree: which identity the second level gives the new signature if identities stay
as they are, and with whom it ends up if the signatures looked at are clustered afresh. Where they
differ, or the probability is near the threshold, the answer is that it is not sure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import numpy as np
import numpy.typing as npt

from disambig.candidates import LIMIT, PAIRS, Shelves, candidates_of
from disambig.constraints import Constraints, compile_constraints
from disambig.contents import Contents
from disambig.corpus import Corpus
from disambig.domain import Work
from disambig.engine import Bonds, Scored, group_probabilities, pair_probabilities, second_level
from disambig.index import CorpusIndex, company_of, terms_of
from disambig.linkage import first_of_group
from disambig.model import Model
from disambig.name_evidence import NameMemory
from disambig.pair_features import RowEvidence, pair_features
from disambig.pairs import NamePairs, PairBatch
from disambig.semantic import SemanticSpace
from disambig.statistics import Statistics

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

MARGIN = 0.05
"""How far from the threshold of the second level a probability must be to decide."""
LEAD = 0.1
"""How far the most probable identity must be ahead of the next."""
ROUNDS = 2
"""Rounds of the second level when clustering afresh; nearly all blocks are settled then."""
RIVALS = 3
"""Other identities that are told of each author."""


class Verdict(StrEnum):
    """What became of one author."""

    MATCHED = "matched"
    NEW = "new"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Placement:
    """One author of a new work.

    Attributes
    ----------
    position : int
        On the work, counted from 0.
    verdict : Verdict
        An identity's, nobody's yet, or not to be told.
    identity : int or None
        The identity, where the verdict is that it is matched.
    probability : float
        Calibrated second-level probability of belonging to the most probable identity, in
        [0, 1]; 0 where there is none.
    rivals : tuple of (int, float)
        Other identities and their probabilities, most probable first; at most :data:`RIVALS`.
        Where nothing is matched, the most probable identity is the first of them.
    """

    position: int
    verdict: Verdict
    identity: int | None
    probability: float
    rivals: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Compared:
    """The authors of a new work beside signatures of their blocks: one block an author.

    Attributes
    ----------
    scored : Scored
        The last row of each block is the new signature.
    label : int64[R]
        Identity of each row of the batch, -1 for the new ones.
    block_size : int64[A]
        Signatures in each author's block, looked at or not, and the author.
    """

    scored: Scored
    label: Int64
    block_size: Int64

    def rows(self, author: int) -> slice:
        """Rows of the batch that are compared with an author; the author's own comes after."""
        start = self.scored.batch.start
        return slice(int(start[author]), int(start[author + 1]) - 1)


@dataclass(frozen=True, eq=False)
class Assigner:
    """A clustered corpus that new works are held against. Build one with :meth:`of`.

    Attributes
    ----------
    contents : Contents
    statistics : Statistics
    identity : int32[S]
        Of each signature of the corpus, from 0.
    shelves : Shelves
    model, space
    identifiers : bool
        Whether equal ORCID iDs and personal e-mail addresses bind, and different ORCID iDs part.
    """

    contents: Contents
    statistics: Statistics
    identity: Int32
    shelves: Shelves
    model: Model
    space: SemanticSpace
    identifiers: bool = True

    @classmethod
    def of(
        cls,
        corpus: Corpus,
        identity: Int32,
        model: Model,
        space: SemanticSpace,
        *,
        identifiers: bool = True,
    ) -> Assigner:
        """Take up a corpus and the identities of its signatures, int32[S]."""
        terms, company = terms_of(corpus), company_of(corpus)
        contents = Contents.of(corpus, company, terms, space, model.frequency)
        statistics = Statistics.of(company, terms)
        return cls.over(contents, statistics, identity, model, space, identifiers=identifiers)

    @classmethod
    def over(
        cls,
        contents: Contents,
        statistics: Statistics,
        identity: Int32,
        model: Model,
        space: SemanticSpace,
        *,
        identifiers: bool = True,
    ) -> Assigner:
        """Take up some blocks of a corpus, with the statistics of all of it.

        Only works whose authors' blocks are all there, or empty, can be placed.
        """
        names = contents.corpus.names
        shelves = Shelves.of(names, contents.corpus.signature_name)
        return cls(contents, statistics, identity, shelves, model, space, identifiers)

    def assign(self, work: Work) -> tuple[Placement, ...]:
        """Place every author who has a name, in the order of the work; nothing is changed.

        No two authors are given one identity, and none that the corpus already lists on a work
        of the same id.
        """
        return self.decided(work, self.compare(work))

    def decided(self, work: Work, compared: Compared) -> tuple[Placement, ...]:
        """The same for a work that was compared before."""
        corpus = compared.scored.index.corpus
        position = corpus.signature_position[corpus.author_start[-2] :]
        odds = self._odds(compared)
        mates = self._clustered_afresh(compared)
        barred = set(self.identity[self._known(work)].tolist())
        best = [max((p for _, p in of_author), default=0.0) for of_author in odds]
        found: dict[int, Placement] = {}
        for author in sorted(range(len(odds)), key=lambda a: -best[a]):
            left = [(i, p) for i, p in odds[author] if i not in barred]
            placement = self._decided(int(position[author]), left, mates[author])
            if placement.identity is not None:
                barred.add(placement.identity)
            found[author] = placement
        return tuple(found[author] for author in range(len(odds)))

    def compare(self, work: Work) -> Compared:
        """Score the authors of a work and signatures of their blocks."""
        fresh, added = self._read(work)
        known = self._known(work)
        blocks = [self.shelves.block(name) for name in fresh.corpus.names]
        blocks = [blocks[name] for name in fresh.corpus.signature_name.tolist()]
        if len(known):
            blocks = [rows[~np.isin(rows, known)] for rows in blocks]
        kept = candidates_of(
            self.contents, self.statistics, self.identity, self.shelves, blocks, fresh, LIMIT, PAIRS
        )
        union = np.unique(np.concatenate([*kept, np.empty(0, np.int32)])).astype(np.int32)
        joined = self.contents.part(union).followed_by(fresh)
        statistics = Statistics.sum([joined.statistics(self.statistics), added])
        index = CorpusIndex.weighed(joined, statistics)
        block_size = np.array([len(rows) + 1 for rows in blocks], dtype=np.int64)
        names = NameMemory(index)
        batch = _batch(index, union, kept, names)
        scored = self._scored(index, batch, names, block_size)
        label = np.append(self.identity[union], np.full(len(kept), -1))[batch.rows]
        return Compared(scored, label.astype(np.int64), block_size)

    def _read(self, work: Work) -> tuple[Contents, Statistics]:
        """A work by itself."""
        corpus = Corpus.from_works([work])
        terms, company = terms_of(corpus), company_of(corpus)
        fresh = Contents.of(corpus, company, terms, self.space, self.model.frequency)
        return fresh, Statistics.of(company, terms)

    def _known(self, work: Work) -> Int64:
        """Signatures that the corpus has of a work of the same id."""
        corpus = self.contents.corpus
        row = corpus.work_index.get(work.id)
        if row is None:
            return np.empty(0, dtype=np.int64)
        return np.arange(corpus.author_start[row], corpus.author_start[row + 1])

    def _scored(
        self, index: CorpusIndex, batch: PairBatch, names: NameMemory, block_size: Int64
    ) -> Scored:
        """Scores of the first level, where blocks are as large as they are in the corpus."""
        rows = RowEvidence.of(index, batch, names)
        columns = pair_features(index, batch, rows)
        size = np.log2(block_size).astype(np.float32)
        columns["block_size"] = size[batch.block[batch.left]]
        scores = pair_probabilities(self.model, columns, index.doublings)
        bonds = Bonds.of(batch, self._constraints(index.corpus))
        return Scored(index, batch, rows, columns, *scores, bonds)

    def _constraints(self, corpus: Corpus) -> Constraints:
        if self.identifiers and (any(corpus.orcids) or any(corpus.emails)):
            return compile_constraints(corpus, (), strict=False)
        none = np.full(corpus.n_signatures, -1, dtype=np.int32)
        start, empty = np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int64)
        cannot = np.empty((0, 2), dtype=np.int32)
        return Constraints(none, cannot, none, (), start, empty, corpus.signature_work)

    def _odds(self, compared: Compared) -> list[list[tuple[int, float]]]:
        """Identities of each author's block and their probabilities, most probable first."""
        batch, bonds = compared.scored.batch, compared.scored.bonds
        key = (batch.block + 1).astype(np.int64) * (int(compared.label.max(initial=0)) + 2)
        distinct, group = np.unique(key + compared.label, return_inverse=True)
        groups, columns = compared.scored.between(group.astype(np.int32))
        columns["block_size"] = compared.block_size[groups.block[groups.left]].astype(np.float32)
        probability = group_probabilities(self.model, columns, compared.scored.index.doublings)
        label = np.empty(len(distinct), dtype=np.int64)
        label[group] = compared.label
        # the new signature has the lowest label of its block
        new = label[groups.left] < 0
        left, right, probability = groups.left[new], groups.right[new], probability[new]
        barred = set(group[_barred(batch, bonds)].tolist())
        told = np.flatnonzero(bonds.must >= 0)
        bound = {(int(group[i]), int(bonds.must[i]), int(batch.block[i])) for i in told}
        found: list[list[tuple[int, float]]] = [[] for _ in compared.block_size]
        for k in np.argsort(-probability, kind="stable").tolist():
            a, b = int(left[k]), int(right[k])
            if b not in barred:
                found[groups.block[a]].append((int(label[b]), float(probability[k])))
        return _with_bound(found, bound, label)

    def _clustered_afresh(self, compared: Compared) -> list[int | None]:
        """Identity that most signatures are of which each author would be one with, if any."""
        settings, scored = self.model.settings, compared.scored
        final = scored.first_level(self.model.first_level(scored.index.doublings))

        def score(columns: dict[str, Float32]) -> Float32:
            return group_probabilities(self.model, columns, scored.index.doublings)

        steps = second_level(scored, final, score, settings["second_level"])
        for step in islice(steps, ROUNDS):
            final = step.final
        found: list[int | None] = []
        for author in range(len(compared.block_size)):
            rows = compared.rows(author)
            mates = compared.label[rows][final[rows] == final[rows.stop]]
            found.append(int(np.bincount(mates).argmax()) if len(mates) else None)
        return found

    def _decided(self, position: int, odds: list[tuple[int, float]], mate: int | None) -> Placement:
        threshold = self.model.settings["second_level"]
        first, probability = odds[0] if odds else (None, 0.0)
        ahead = probability - (odds[1][1] if len(odds) > 1 else 0.0)
        if mate is None and probability < threshold - MARGIN:
            return Placement(position, Verdict.NEW, None, probability, tuple(odds[:RIVALS]))
        clear = probability >= threshold + MARGIN and ahead >= LEAD
        if clear and mate == first:
            rivals = tuple(odds[1 : RIVALS + 1])
            return Placement(position, Verdict.MATCHED, first, probability, rivals)
        return Placement(position, Verdict.UNSURE, None, probability, tuple(odds[:RIVALS]))


def _batch(index: CorpusIndex, union: Int32, kept: list[Int32], names: NameMemory) -> PairBatch:
    """One block for each new signature, which comes last in it."""
    blocks = [
        np.append(np.searchsorted(union, rows), len(union) + author).astype(np.int32)
        for author, rows in enumerate(kept)
    ]
    return NamePairs.of(index, blocks, names).batch(0, len(blocks))


def _barred(batch: PairBatch, bonds: Bonds) -> Bool:
    """Which rows cannot be one person with the last of their block, the new signature."""
    first = first_of_group(batch.block, bonds.must)
    new = first[batch.start[1:] - 1][batch.block]
    return bonds.barred(np.minimum(first, new), np.maximum(first, new))


def _with_bound(
    odds: list[list[tuple[int, float]]],
    bound: Iterable[tuple[int, int, int]],
    label: Int64,
) -> list[list[tuple[int, float]]]:
    """The same, identities that share an identifier with the author being certain.

    Parameters
    ----------
    bound : of (int, int, int)
        Group, must-group and author of each signature that an identifier binds.
    label : int64[G]
        Identity of each group, -1 for a new signature.
    """
    new = {(must, author) for group, must, author in bound if label[group] < 0}
    sure = {
        (author, int(label[group]))
        for group, must, author in bound
        if label[group] >= 0 and (must, author) in new
    }
    for author, identity in sorted(sure):
        rest = [(i, p) for i, p in odds[author] if i != identity]
        odds[author] = [(identity, 1.0), *rest]
    return odds
