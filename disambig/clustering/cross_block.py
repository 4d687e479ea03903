"""Join identities of different blocks: changed, misordered or differently divided names.

Candidate pairs come from :func:`disambig.blocking.cross_block.find_cross_block_pairs`; each is
scored by the second level as if its two identities were the only groups of a block.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from disambig.arrays import Bool, Float32, Int32, Int64
from disambig.blocking.cross_block import find_cross_block_pairs, get_identity_blocks
from disambig.blocking.pairs import PairBatch
from disambig.clustering.components import DisjointSets
from disambig.clustering.constraints import Constraints
from disambig.clustering.two_level import (
    BatchConstraints,
    ScoredPairs,
    predict_groups,
    predict_pairs,
)
from disambig.corpus.index import CorpusIndex
from disambig.features.group import compare_name_sets
from disambig.model.model import Model
from disambig.names import FamilyRelation, GivenRelation

MAX_REPRESENTATIVES = 30
"""Most representatives of an identity, evenly spaced over its rows."""
RARE_GIVEN = 3.8
"""Rarity of a given name (minus log10 of its share) from which it is evidence despite different
family names: "Bhavana" may have married, "Daniel" is two people."""
PAIRS_AT_ONCE = 250_000
"""Signature pairs compared together."""


def sort_by_identity(identity: Int32) -> tuple[Int32, Int64]:
    """Return the rows sorted by identity, and the start of each identity in them."""
    order = np.argsort(identity, kind="stable").astype(np.int32)
    start = np.searchsorted(identity[order], np.arange(int(identity.max(initial=-1)) + 2))
    return order, start


def choose_representatives(n: int, most: int = MAX_REPRESENTATIVES) -> Int64:
    """Return which of n signatures are representatives: at most ``most``, spread evenly."""
    return _choose_representatives(np.array([n]), most)


def _choose_representatives(n: Int64, most: int) -> Int64:
    """Select representatives of several identities of n signatures each, one after the other."""
    count = np.minimum(n, most)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    identity_size = np.repeat(n, count)
    position: Int64 = np.where(
        identity_size <= most, place, place * (identity_size - 1) // (most - 1)
    )
    return position


@dataclass(frozen=True, eq=False)
class Representatives:
    """Representatives of identities.

    Attributes
    ----------
    rows : int32[R]
        Signature rows, identity after identity.
    start : int64[n_identities + 1]
        Those of identity ``i`` are ``rows[start[i]:start[i + 1]]``.
    """

    rows: Int32
    start: Int64

    @classmethod
    def select(cls, identity: Int32, selection: Int64) -> Representatives:
        """Select representatives of the identities ``selection``; the others have none."""
        order, start = sort_by_identity(identity)
        size = np.diff(start)[selection]
        count = np.zeros(len(start) - 1, dtype=np.int64)
        count[selection] = np.minimum(size, MAX_REPRESENTATIVES)
        rows = order[
            np.repeat(start[selection], count[selection])
            + _choose_representatives(size, MAX_REPRESENTATIVES)
        ]
        return cls(rows, np.concatenate([[0], np.cumsum(count)]))

    def get_rows(self, i: int) -> Int32:
        """Return the representatives of one identity."""
        return self.rows[self.start[i] : self.start[i + 1]]


def score_candidates(
    index: CorpusIndex,
    model: Model,
    constraints: Constraints,
    identity: Int32,
    candidates: Int64,
    progress: Callable[[int], None] = lambda n: None,
) -> Float32:
    """Return the second-level probability of each candidate, 0 if excluded; float32[K]."""
    representatives_of = Representatives.select(identity, np.unique(candidates))
    out = np.zeros(len(candidates), dtype=np.float32)
    plausible = np.flatnonzero(_find_plausible(index, representatives_of, candidates))
    size = np.diff(representatives_of.start)[candidates[plausible]].sum(axis=1)
    for run in _split_into_runs(size * (size - 1) // 2):
        run_candidates = candidates[plausible[run]]
        blocks, group = [], []
        for k, (a, b) in enumerate(run_candidates.tolist()):
            left, right = representatives_of.get_rows(a), representatives_of.get_rows(b)
            blocks.append(np.concatenate([left, right]))
            group += [2 * k] * len(left) + [2 * k + 1] * len(right)
        batch = PairBatch.from_blocks(index, blocks)
        scored = ScoredPairs.score(
            index,
            batch,
            constraints,
            lambda c: predict_pairs(model, c, index.doublings),
            without_doubled=False,
        )
        _, columns = scored.compute_group_features(np.array(group, dtype=np.int32))
        probability = predict_groups(model, columns, index.doublings)
        probability[_find_excluded_blocks(batch, scored.constraints)] = 0.0
        out[plausible[run]] = probability
        progress(len(run_candidates))
    return out


def _find_excluded_blocks(batch: PairBatch, constraints: BatchConstraints) -> Bool:
    """Mark the blocks with two rows that cannot be one person, bool[n_blocks]."""
    block = batch.block
    code = np.full(len(batch.start) - 1, -1, dtype=np.int32)
    np.maximum.at(code, block, constraints.orcid)
    is_excluded = np.zeros(len(code), dtype=bool)
    is_excluded[block[(constraints.orcid >= 0) & (constraints.orcid < code[block])]] = True
    is_excluded[block[constraints.cannot[:, 0]]] = True
    return is_excluded


def _split_into_runs(load: Int64) -> Iterator[slice]:
    """Split the candidates into runs of about :data:`PAIRS_AT_ONCE` signature pairs."""
    total = np.concatenate([[0], np.cumsum(load)])
    at = 0
    while at < len(load):
        end = int(np.searchsorted(total, total[at] + PAIRS_AT_ONCE, side="right")) - 1
        yield slice(at, max(end, at + 1))
        at = max(end, at + 1)


def _find_plausible(
    index: CorpusIndex, representative_rows: Representatives, candidates: Int64
) -> Bool:
    """Mark the candidates that agree in family name, or in a rare first name.

    A common first name and a shared laboratory are no evidence of a changed family name, and an
    ending that family names share ("-ova") is none of a typing error.
    """
    name = index.corpus.signature_name[representative_rows.rows].astype(np.int64)
    owner = np.repeat(
        np.arange(len(representative_rows.start) - 1), np.diff(representative_rows.start)
    )
    evidence = compare_name_sets(
        index, owner, name, len(representative_rows.start) - 1, *candidates.T
    )
    given_rarity = evidence["given_rarity"][1]
    is_family_alike = evidence["name_family_relation"][1] != FamilyRelation.DIFFERENT
    given = evidence["name_given_relation"][1]
    is_given_rare = (given_rarity >= RARE_GIVEN) & (given >= GivenRelation.FIRST)
    plausible: Bool = is_family_alike | is_given_rare
    return plausible


def join_across_blocks(
    index: CorpusIndex,
    model: Model,
    constraints: Constraints,
    identity: Int32,
    block: Int32,
    crowded: Bool,
    left_out: Bool,
    progress: Callable[[int], None] = lambda n: None,
) -> Int32:
    """Join identities across blocks; return the identity of each signature, int32[n_signatures].

    The most probable are joined first; an identity is joined at most once with each block, and no
    join breaks a cannot-link. Must-links across blocks hold whatever the probability.

    Parameters
    ----------
    identity : int32[n_signatures]
        From within blocks, obeying every constraint there.
    block, crowded, left_out : int32[n_signatures], bool[n_signatures], bool[n_signatures]
        As for :func:`disambig.blocking.cross_block.find_cross_block_pairs`.
    """
    identity = join_must_groups(constraints, identity)
    candidates = find_cross_block_pairs(index, identity, block, crowded, left_out)
    probability = score_candidates(index, model, constraints, identity, candidates, progress)
    block_of = get_identity_blocks(identity, block)
    return join_probable(constraints, identity, block_of, candidates, probability, model)


def join_probable(
    constraints: Constraints,
    identity: Int32,
    block_of: Int64,
    candidates: Int64,
    probability: Float32,
    model: Model,
) -> Int32:
    """Join the candidates that are probable enough; return identities, int32[n_signatures].

    Parameters
    ----------
    block_of : int64[n_identities]
    candidates, probability : int64[K, 2], float32[K]
    """
    likely = np.flatnonzero(probability >= model.settings["across"])
    ranked = candidates[likely[np.argsort(-probability[likely], kind="stable")]]
    used: set[tuple[int, int]] = set()
    joins = IdentityMerger(constraints, identity)
    for a, b in ranked.tolist():
        keys = {(a, int(block_of[b])), (b, int(block_of[a]))}
        if not keys & used and joins.join(a, b):
            used |= keys
    return joins.get_labels()


def join_must_groups(constraints: Constraints, identity: Int32) -> Int32:
    """Join the identities that a must-group spans; return identities, int32[n_signatures].

    Must-groups stay whole. Two identities that share a must-group may exclude each other (they
    share a work, or there is a cannot-link between them); then the smaller one, without the
    group's own signatures, is not joined.
    """
    must = constraints.must
    must_rows = np.flatnonzero(must >= 0)
    n_must = int(must.max(initial=-1)) + 1
    least = np.full(n_must, np.iinfo(np.int32).max, dtype=np.int32)
    most = np.full(n_must, -1, dtype=np.int32)
    np.minimum.at(least, must[must_rows], identity[must_rows])
    np.maximum.at(most, must[must_rows], identity[must_rows])
    spanning = must_rows[least[must[must_rows]] != most[must[must_rows]]]
    if not len(spanning):
        return renumber(identity)
    label = n_must + identity
    label[spanning] = must[spanning]
    size = np.bincount(label, minlength=n_must + int(identity.max()) + 1)
    links = np.unique(np.column_stack([must[spanning], n_must + identity[spanning]]), axis=0)
    links = links[np.argsort(-size[links[:, 1]], kind="stable")]
    joins = IdentityMerger(constraints, label)
    for group, identity_label in links[size[links[:, 1]] > 0].tolist():
        joins.join(group, identity_label)
    return joins.get_labels()


class IdentityMerger:
    """Merges labels of signatures, one pair at a time, unless a constraint forbids it.

    Two labels may not be merged if they share a work, have a cannot-link between them, or have
    different ORCID iDs. Must-groups have to be whole before.
    """

    def __init__(self, constraints: Constraints, label: Int32) -> None:
        """``label`` int32[n_signatures], from 0; gaps are allowed."""
        self._label = label
        self._work = constraints.work
        self._order, self._start = sort_by_identity(label)
        self._merged = DisjointSets[int]()
        self._orcid = np.full(len(self._start) - 1, -1, dtype=np.int32)
        np.maximum.at(self._orcid, label, constraints.orcid)
        self._works: dict[int, set[int]] = {}
        self._excluded: dict[int, set[int]] = defaultdict(set)
        for a, b in label[constraints.cannot].reshape(-1, 2).tolist():
            self._excluded[a].add(b)
            self._excluded[b].add(a)

    def join(self, a: int, b: int) -> bool:
        """Merge two labels if they differ and may be merged; return whether they were."""
        low, high = sorted((self._merged.find_root(a), self._merged.find_root(b)))
        if low == high or self._is_forbidden(low, high):
            return False
        self._merged.join(low, high)
        smaller, larger = sorted((self._works[low], self._works.pop(high)), key=len)
        larger |= smaller
        self._works[low] = larger
        self._orcid[low] = max(self._orcid[low], self._orcid[high])
        for excluded in self._excluded.pop(high, set()):
            self._excluded[low].add(excluded)
            self._excluded[excluded].add(low)
        return True

    def get_labels(self) -> Int32:
        """Return the label of each signature, numbered from 0 in order of first appearance."""
        root = np.arange(len(self._orcid), dtype=np.int64)
        for label, merged in self._merged.get_roots().items():
            root[label] = merged
        return renumber(root[self._label])

    def _is_forbidden(self, a: int, b: int) -> bool:
        two_orcids = min(self._orcid[a], self._orcid[b]) >= 0 and self._orcid[a] != self._orcid[b]
        if two_orcids or b in self._excluded.get(a, set()):
            return True
        return not self._get_works(a).isdisjoint(self._get_works(b))

    def _get_works(self, root: int) -> set[int]:
        if root not in self._works:
            rows = self._order[self._start[root] : self._start[root + 1]]
            self._works[root] = set(self._work[rows].tolist())
        return self._works[root]


def renumber(labels: npt.NDArray[np.integer]) -> Int32:
    """Renumber labels from 0 in order of first appearance."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    numbers: Int32 = rank[inverse]
    return numbers
