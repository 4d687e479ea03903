"""Assign the authors of one new work to the identities of a clustered corpus.

Only the blocks of its authors are compared, and of a large block only the signatures that have most
in common with the new one (:mod:`disambig.assignment.candidates`). Pairs are scored as a full run
scores them, with the statistics of the corpus including the new work. Two results must agree: the
identity that the second level prefers for the new signature if identities stay as they are, and the
one that most of its cluster belongs to if the compared signatures are clustered again. Where they
differ, or the probability is near the threshold, the verdict is unsure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import numpy as np

from disambig.arrays import Bool, Float32, Int32, Int64
from disambig.assignment.candidates import MAX_CANDIDATES, MAX_PAIRS, BlockIndex, select_candidates
from disambig.blocking.name_comparison import NameEvidenceCache
from disambig.blocking.pairs import NamePairs, PairBatch
from disambig.clustering.constraints import Constraints, compile_constraints
from disambig.clustering.linkage import get_first_rows
from disambig.clustering.two_level import (
    BatchConstraints,
    ScoredPairs,
    predict_groups,
    predict_pairs,
    run_second_level,
)
from disambig.corpus.contents import Contents
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex, get_coauthor_keys, tokenise_corpus
from disambig.corpus.statistics import Statistics
from disambig.domain import Work
from disambig.features.pair import RowEvidence, compute_pair_features
from disambig.model.model import Model

MARGIN = 0.05
"""Minimal distance of a probability from the threshold of the second level for a decision."""
LEAD = 0.1
"""Minimal lead in probability of the most probable identity over the next."""
ROUNDS = 2
"""Rounds of the second level when clustering again; nearly all blocks have converged by then."""
MAX_RIVALS = 3
"""Maximal number of other identities returned for each author."""


class AssignmentVerdict(StrEnum):
    """Outcome of the assignment of one author."""

    MATCHED = "matched"
    NEW = "new"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class AuthorAssignment:
    """Assignment of one author of a new work.

    Attributes
    ----------
    position : int
        Of the author on the work, from 0.
    verdict : AssignmentVerdict
        Matched to an identity, a new identity, or unsure.
    identity : int or None
        The matched identity; None otherwise.
    probability : float
        Calibrated second-level probability of belonging to the most probable identity, in
        [0, 1]; 0 where there is none.
    rivals : tuple of (int, float)
        Other identities and their probabilities, most probable first; at most
        :data:`MAX_RIVALS`. Without a match, the most probable identity is the first of them.
    """

    position: int
    verdict: AssignmentVerdict
    identity: int | None
    probability: float
    rivals: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, eq=False)
class WorkComparison:
    """The authors of a new work scored against signatures of their blocks, one block per author.

    Attributes
    ----------
    scored : ScoredPairs
        The last row of each block is the new signature.
    label : int64[R]
        Identity of each row of the batch, -1 for the new ones.
    block_size : int64[A]
        Signatures in each author's block, compared or not, including the author.
    """

    scored: ScoredPairs
    label: Int64
    block_size: Int64

    def get_rows(self, author: int) -> slice:
        """Return the rows of the batch compared with an author; the author's own row follows."""
        start = self.scored.batch.start
        return slice(int(start[author]), int(start[author + 1]) - 1)


@dataclass(frozen=True, eq=False)
class Assigner:
    """Assigns authors of new works to identities of a corpus. Build one with :meth:`of`.

    Attributes
    ----------
    contents : Contents
    statistics : Statistics
    identity : int32[S]
        Of each signature of the corpus, from 0.
    block_index : BlockIndex
    model, space
    identifiers : bool
        Whether equal ORCID iDs and personal e-mail addresses are must-links, and different ORCID
        iDs cannot-links.
    """

    contents: Contents
    statistics: Statistics
    identity: Int32
    block_index: BlockIndex
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
        """Build from a corpus and the identities of its signatures, int32[S]."""
        terms, coauthors = tokenise_corpus(corpus), get_coauthor_keys(corpus)
        contents = Contents.from_corpus(corpus, coauthors, terms, space, model.frequency)
        statistics = Statistics.count(corpus, coauthors, terms)
        return cls.from_contents(
            contents, statistics, identity, model, space, identifiers=identifiers
        )

    @classmethod
    def from_contents(
        cls,
        contents: Contents,
        statistics: Statistics,
        identity: Int32,
        model: Model,
        space: SemanticSpace,
        *,
        identifiers: bool = True,
    ) -> Assigner:
        """Build from some blocks of a corpus, with the statistics of the whole corpus.

        Only works whose authors' blocks are all included, or empty, can be assigned.
        """
        names = contents.corpus.names
        block_index = BlockIndex.build(names, contents.corpus.signature_name)
        return cls(contents, statistics, identity, block_index, model, space, identifiers)

    def assign(self, work: Work) -> tuple[AuthorAssignment, ...]:
        """Assign every author who has a name, in the order of the work; the corpus is unchanged.

        No two authors get the same identity, and none gets one that is already on a work of the
        same id in the corpus.
        """
        return self.decide(work, self.compare(work))

    def decide(self, work: Work, comparison: WorkComparison) -> tuple[AuthorAssignment, ...]:
        """Assign the authors of a work that :meth:`compare` has scored."""
        corpus = comparison.scored.index.corpus
        position = corpus.signature_position[corpus.author_start[-2] :]
        candidates = self._score_identities(comparison)
        reclustered = self._recluster(comparison)
        excluded = set(self.identity[self._find_published_rows(work)].tolist())
        best = [max((p for _, p in of_author), default=0.0) for of_author in candidates]
        by_author: dict[int, AuthorAssignment] = {}
        for author in sorted(range(len(candidates)), key=lambda a: -best[a]):
            available = [(i, p) for i, p in candidates[author] if i not in excluded]
            assignment = self._decide_author(int(position[author]), available, reclustered[author])
            if assignment.identity is not None:
                excluded.add(assignment.identity)
            by_author[author] = assignment
        return tuple(by_author[author] for author in range(len(candidates)))

    def compare(self, work: Work) -> WorkComparison:
        """Score the authors of a work against signatures of their blocks."""
        new_contents, new_statistics = self._read_work(work)
        published_rows = self._find_published_rows(work)
        blocks = [self.block_index.find_block(name) for name in new_contents.corpus.names]
        blocks = [blocks[name] for name in new_contents.corpus.signature_name.tolist()]
        if len(published_rows):
            blocks = [rows[~np.isin(rows, published_rows)] for rows in blocks]
        neighbours = select_candidates(
            self.contents,
            self.statistics,
            self.identity,
            self.block_index,
            blocks,
            new_contents,
            MAX_CANDIDATES,
            MAX_PAIRS,
        )
        union = np.unique(np.concatenate([*neighbours, np.empty(0, np.int32)])).astype(np.int32)
        contents = self.contents.select(union).concatenate(new_contents)
        statistics = Statistics.sum([contents.select_statistics(self.statistics), new_statistics])
        index = CorpusIndex.from_contents(contents, statistics)
        block_size = np.array([len(rows) + 1 for rows in blocks], dtype=np.int64)
        names = NameEvidenceCache(index)
        batch = _make_batch(index, union, neighbours, names)
        scored = self._score_pairs(index, batch, names, block_size)
        label = np.append(self.identity[union], np.full(len(neighbours), -1))[batch.rows]
        return WorkComparison(scored, label.astype(np.int64), block_size)

    def _read_work(self, work: Work) -> tuple[Contents, Statistics]:
        """Return contents and statistics of one work alone."""
        corpus = Corpus.from_works([work])
        terms, coauthors = tokenise_corpus(corpus), get_coauthor_keys(corpus)
        contents = Contents.from_corpus(corpus, coauthors, terms, self.space, self.model.frequency)
        return contents, Statistics.count(corpus, coauthors, terms)

    def _find_published_rows(self, work: Work) -> Int64:
        """Return the signature rows of the work of the same id in the corpus, int64[n]."""
        corpus = self.contents.corpus
        row = corpus.work_index.get(work.id)
        if row is None:
            return np.empty(0, dtype=np.int64)
        return np.arange(corpus.author_start[row], corpus.author_start[row + 1])

    def _score_pairs(
        self, index: CorpusIndex, batch: PairBatch, names: NameEvidenceCache, block_size: Int64
    ) -> ScoredPairs:
        """Score pairs at the first level, with the block sizes of the corpus as a feature."""
        rows = RowEvidence.look_up(index, batch, names)
        columns = compute_pair_features(index, batch, rows)
        size = np.log2(block_size).astype(np.float32)
        columns["block_size"] = size[batch.block[batch.left]]

        def predict(columns: dict[str, Float32]) -> tuple[Float32, Float32]:
            return predict_pairs(self.model, columns, index.doublings)

        constraints = BatchConstraints.select(batch, self._compile_constraints(index.corpus))
        weight = np.ones(batch.n_pairs, dtype=np.float32)
        return ScoredPairs(
            index, batch, rows, columns, *predict(columns), weight, constraints, predict
        )

    def _compile_constraints(self, corpus: Corpus) -> Constraints:
        if self.identifiers and (any(corpus.orcids) or any(corpus.emails)):
            return compile_constraints(corpus, (), strict=False)
        unconstrained = np.full(corpus.n_signatures, -1, dtype=np.int32)
        start, empty = np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int64)
        cannot = np.empty((0, 2), dtype=np.int32)
        return Constraints(
            unconstrained, cannot, unconstrained, (), start, empty, corpus.signature_work
        )

    def _score_identities(self, comparison: WorkComparison) -> list[list[tuple[int, float]]]:
        """Return (identity, probability) of each author's block, most probable first."""
        batch, constraints = comparison.scored.batch, comparison.scored.constraints
        key = (batch.block + 1).astype(np.int64) * (int(comparison.label.max(initial=0)) + 2)
        distinct, group = np.unique(key + comparison.label, return_inverse=True)
        groups, columns = comparison.scored.compute_group_features(group.astype(np.int32))
        columns["block_size"] = comparison.block_size[groups.block[groups.left]].astype(np.float32)
        probability = predict_groups(self.model, columns, comparison.scored.index.doublings)
        label = np.empty(len(distinct), dtype=np.int64)
        label[group] = comparison.label
        # the new signature has the lowest label of its block
        is_new = label[groups.left] < 0
        left, right, probability = groups.left[is_new], groups.right[is_new], probability[is_new]
        excluded = set(group[_find_excluded_rows(batch, constraints)].tolist())
        must_rows = np.flatnonzero(constraints.must >= 0)
        must_memberships = {
            (int(group[i]), int(constraints.must[i]), int(batch.block[i])) for i in must_rows
        }
        candidates: list[list[tuple[int, float]]] = [[] for _ in comparison.block_size]
        for k in np.argsort(-probability, kind="stable").tolist():
            a, b = int(left[k]), int(right[k])
            if b not in excluded:
                candidates[groups.block[a]].append((int(label[b]), float(probability[k])))
        return _promote_must_linked(candidates, must_memberships, label)

    def _recluster(self, comparison: WorkComparison) -> list[int | None]:
        """Cluster each author's block again; return the majority identity of the author's cluster.

        None where no other signature is in the author's cluster.
        """
        settings, scored = self.model.settings, comparison.scored
        final = scored.cluster(self.model.get_first_level_threshold(scored.index.doublings))

        def score(columns: dict[str, Float32]) -> Float32:
            return predict_groups(self.model, columns, scored.index.doublings)

        steps = run_second_level(scored, final, score, settings["second_level"])
        for step in islice(steps, ROUNDS):
            final = step.final
        identities: list[int | None] = []
        for author in range(len(comparison.block_size)):
            rows = comparison.get_rows(author)
            labels = comparison.label[rows][final[rows] == final[rows.stop]]
            identities.append(int(np.bincount(labels).argmax()) if len(labels) else None)
        return identities

    def _decide_author(
        self, position: int, candidates: list[tuple[int, float]], reclustered: int | None
    ) -> AuthorAssignment:
        threshold = self.model.settings["second_level"]
        best_identity, probability = candidates[0] if candidates else (None, 0.0)
        lead = probability - (candidates[1][1] if len(candidates) > 1 else 0.0)
        if reclustered is None and probability < threshold - MARGIN:
            return AuthorAssignment(
                position, AssignmentVerdict.NEW, None, probability, tuple(candidates[:MAX_RIVALS])
            )
        is_clear = probability >= threshold + MARGIN and lead >= LEAD
        if is_clear and reclustered == best_identity:
            rivals = tuple(candidates[1 : MAX_RIVALS + 1])
            return AuthorAssignment(
                position, AssignmentVerdict.MATCHED, best_identity, probability, rivals
            )
        return AuthorAssignment(
            position, AssignmentVerdict.UNSURE, None, probability, tuple(candidates[:MAX_RIVALS])
        )


def _make_batch(
    index: CorpusIndex, union: Int32, neighbours: list[Int32], names: NameEvidenceCache
) -> PairBatch:
    """Make a batch of one block for each new signature, which is the last row of its block."""
    blocks = [
        np.append(np.searchsorted(union, rows), len(union) + author).astype(np.int32)
        for author, rows in enumerate(neighbours)
    ]
    return NamePairs.compare(index, blocks, names).make_batch(0, len(blocks))


def _find_excluded_rows(batch: PairBatch, constraints: BatchConstraints) -> Bool:
    """Return which rows cannot-link constraints separate from the new signature, bool[R].

    The new signature is the last row of each block.
    """
    first = get_first_rows(batch.block, constraints.must)
    new = first[batch.start[1:] - 1][batch.block]
    return constraints.is_excluded(np.minimum(first, new), np.maximum(first, new))


def _promote_must_linked(
    candidates: list[list[tuple[int, float]]],
    must_memberships: Iterable[tuple[int, int, int]],
    label: Int64,
) -> list[list[tuple[int, float]]]:
    """Move identities that share an identifier with the author first, with probability 1.

    Parameters
    ----------
    must_memberships : iterable of (int, int, int)
        Group, must-group and author of each signature in a must-group.
    label : int64[G]
        Identity of each group, -1 for a new signature.
    """
    new_groups = {(must, author) for group, must, author in must_memberships if label[group] < 0}
    certain = {
        (author, int(label[group]))
        for group, must, author in must_memberships
        if label[group] >= 0 and (must, author) in new_groups
    }
    for author, identity in sorted(certain):
        rest = [(i, p) for i, p in candidates[author] if i != identity]
        candidates[author] = [(identity, 1.0), *rest]
    return candidates
