"""Join identities of different blocks: changed, misordered or differently divided names.

Candidates come from :func:`disambig.cross_pairs.cross_pairs`; each is scored by the second level
as if its two identities were the only groups of a block.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from disambig.constraints import Constraints, cannot_pairs
from disambig.cross_pairs import block_of_identity, cross_pairs
from disambig.engine import probabilities
from disambig.group_features import GroupBatch, group_features
from disambig.index import CorpusIndex
from disambig.model import Model
from disambig.names import FamilyRelation
from disambig.pair_features import pair_features
from disambig.pairs import PairBatch

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]

MEMBERS = 30
"""Signatures of an identity that speak for it, evenly spread over its rows."""
RARE_GIVEN = 3.8
"""Rarity of a given name (minus log10 of its share) from which it can outlive a family name:
"Bhavana" may have married, "Daniel" is two people."""
CANDIDATES_PER_BATCH = 150
"""At most a quarter of a million signature pairs."""


def members_of(identity: Int32) -> tuple[Int32, Int64]:
    """Rows sorted by identity, and where each identity starts in them."""
    order = np.argsort(identity, kind="stable").astype(np.int32)
    start = np.searchsorted(identity[order], np.arange(int(identity.max(initial=-1)) + 2))
    return order, start


def spokesmen(rows: Int32) -> Int32:
    """At most :data:`MEMBERS` of the rows, evenly spread."""
    if len(rows) <= MEMBERS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MEMBERS).astype(np.int64)]


def score_candidates(
    index: CorpusIndex,
    model: Model,
    constraints: Constraints,
    identity: Int32,
    candidates: Int64,
    progress: Callable[[int], None] = lambda n: None,
) -> Float32:
    """Second-level probability of each candidate, 0 where it is forbidden; float32[K]."""
    order, start = members_of(identity)
    out = np.zeros(len(candidates), dtype=np.float32)
    for first in range(0, len(candidates), CANDIDATES_PER_BATCH):
        chosen = candidates[first : first + CANDIDATES_PER_BATCH]
        blocks, group = [], []
        for k, (a, b) in enumerate(chosen):
            left = spokesmen(order[start[a] : start[a + 1]])
            right = spokesmen(order[start[b] : start[b + 1]])
            blocks.append(np.concatenate([left, right]))
            group += [2 * k] * len(left) + [2 * k + 1] * len(right)
        batch = PairBatch.complete(index, blocks)
        columns = pair_features(index, batch)
        pair = probabilities(model.pair, model.pair_calibration, columns)
        groups = GroupBatch.of(batch, np.array(group, dtype=np.int32))
        found = group_features(index, batch, groups, columns, pair)
        probability = probabilities(model.group, model.group_calibration, found)
        # sharing a common first name and a laboratory is no sign of a changed family name
        family = groups.greatest(columns["name_family_relation"])
        given = columns["name_rarity"] - columns["name_family_rarity"]
        common = ~(groups.greatest(given) >= RARE_GIVEN)
        probability[(family == FamilyRelation.DIFFERENT) & common] = 0.0
        barred = cannot_pairs(constraints, batch)
        probability[batch.block[barred[:, 0]]] = 0.0
        out[first : first + len(chosen)] = probability
        progress(len(chosen))
    return out


def join_across(
    index: CorpusIndex,
    model: Model,
    constraints: Constraints,
    identity: Int32,
    block: Int32,
    progress: Callable[[int], None] = lambda n: None,
) -> Int32:
    """Identities after joining across blocks, int32[n_signatures].

    Most probable first; an identity takes part in one join with each block only, and no join
    breaks a cannot-link. Must-links across blocks hold whatever the probability.

    Parameters
    ----------
    identity : int32[n_signatures]
        From within blocks, obeying every constraint there.
    block : int32[n_signatures]
    """
    identity = hold_must(constraints, identity)
    candidates = cross_pairs(index, identity, block)
    probability = score_candidates(index, model, constraints, identity, candidates, progress)
    block_of = block_of_identity(identity, block)
    return join_likely(constraints, identity, block_of, candidates, probability, model)


def join_likely(
    constraints: Constraints,
    identity: Int32,
    block_of: Int64,
    candidates: Int64,
    probability: Float32,
    model: Model,
) -> Int32:
    """Identities after the joins that are probable enough, int32[n_signatures].

    Parameters
    ----------
    block_of : int64[n_identities]
    candidates, probability : int64[K, 2], float32[K]
    """
    likely = np.flatnonzero(probability >= model.settings["across"])
    ranked = candidates[likely[np.argsort(-probability[likely], kind="stable")]]
    taken: set[tuple[int, int]] = set()
    joins = Joins(constraints, identity)
    for a, b in ranked.tolist():
        keys = {(a, int(block_of[b])), (b, int(block_of[a]))}
        if not keys & taken and joins.join(a, b):
            taken |= keys
    return joins.result()


def hold_must(constraints: Constraints, identity: Int32) -> Int32:
    """Identities after joining those that a must-group lies in, int32[n_signatures].

    Must-groups stay whole. Two identities that follow the same group may be barred from each
    other (they share a work, or a cannot-link stands between them); then the smaller one, less
    the group's own signatures, stays behind.
    """
    must = constraints.must
    bound = np.flatnonzero(must >= 0)
    n_must = int(must.max(initial=-1)) + 1
    least = np.full(n_must, np.iinfo(np.int32).max, dtype=np.int32)
    most = np.full(n_must, -1, dtype=np.int32)
    np.minimum.at(least, must[bound], identity[bound])
    np.maximum.at(most, must[bound], identity[bound])
    spanning = bound[least[must[bound]] != most[must[bound]]]
    if not len(spanning):
        return renumber(identity)
    label = n_must + identity
    label[spanning] = must[spanning]
    size = np.bincount(label, minlength=n_must + int(identity.max()) + 1)
    links = np.unique(np.column_stack([must[spanning], n_must + identity[spanning]]), axis=0)
    links = links[np.argsort(-size[links[:, 1]], kind="stable")]
    joins = Joins(constraints, label)
    for group, rest in links[size[links[:, 1]] > 0].tolist():
        joins.join(group, rest)
    return joins.result()


class Joins:
    """Labels of signatures, joined one pair at a time where nothing forbids it.

    Forbidden are two labels that share a work, that a cannot-link stands between, or whose
    ORCID iDs differ. Must-groups are to be whole before.
    """

    def __init__(self, constraints: Constraints, label: Int32) -> None:
        """``label`` int32[n_signatures], from 0; numbers may be left out."""
        self._label = label
        self._work = constraints.work
        self._order, self._start = members_of(label)
        self._parent = np.arange(len(self._start) - 1, dtype=np.int64)
        self._orcid = np.full(len(self._parent), -1, dtype=np.int32)
        np.maximum.at(self._orcid, label, constraints.orcid)
        self._works: dict[int, set[int]] = {}
        self._enemies: dict[int, set[int]] = defaultdict(set)
        for a, b in label[constraints.cannot].reshape(-1, 2).tolist():
            self._enemies[a].add(b)
            self._enemies[b].add(a)

    def join(self, a: int, b: int) -> bool:
        """Make two labels one, if they are two and may be; whether that was done."""
        low, high = sorted((self._root(a), self._root(b)))
        if low == high or self._forbidden(low, high):
            return False
        self._parent[high] = low
        self._works[low] |= self._works.pop(high)
        self._orcid[low] = max(self._orcid[low], self._orcid[high])
        for enemy in self._enemies.pop(high, set()):
            self._enemies[low].add(enemy)
            self._enemies[enemy].add(low)
        return True

    def result(self) -> Int32:
        """Label of each signature, numbered from 0 in order of first appearance."""
        root = np.array([self._root(i) for i in range(len(self._parent))], dtype=np.int64)
        return renumber(root[self._label])

    def _forbidden(self, a: int, b: int) -> bool:
        two_orcids = min(self._orcid[a], self._orcid[b]) >= 0 and self._orcid[a] != self._orcid[b]
        if two_orcids or b in self._enemies.get(a, set()):
            return True
        return not self._works_of(a).isdisjoint(self._works_of(b))

    def _works_of(self, root: int) -> set[int]:
        if root not in self._works:
            rows = self._order[self._start[root] : self._start[root + 1]]
            self._works[root] = set(self._work[rows].tolist())
        return self._works[root]

    def _root(self, i: int) -> int:
        while self._parent[i] != i:
            i = int(self._parent[i])
        return i


def renumber(labels: npt.NDArray[np.integer]) -> Int32:
    """Labels numbered from 0 in order of first appearance."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    numbered: Int32 = rank[inverse]
    return numbered
