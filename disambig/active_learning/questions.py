"""What to ask a person about a clustering, and what an answer would be worth.

Two kinds of errors can be left: one person under two identities, and two people under one. Of
each block, every pair of identities is a *merge* question, with the second level's probability
that they are one person, and the weakest division of every identity is a *split* question, with
the probability that its two sides are. A question is worth the probability that the clustering
is wrong there, times what B-cubed would gain if it was: joining a and b mentions of a person of
a + b raises the recall of each of the a by b / (a + b), and of each of the b by a / (a + b);
parting them raises precision as much (Bagga and Baldwin 1998 for the measure; asking where the
expected loss falls most is Roy and McCallum 2001).

People see a whole group at a time and judge it faster than its pairs, and what follows from an
answer is never asked: constraints rule out merges that a person has denied, and divisions of what
a person has put together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.cluster.hierarchy import cut_tree, linkage

from disambig.active_learning.priority import gain
from disambig.arrays import Float32, Float64, Int32, Int64
from disambig.clustering.two_level import Scored, group_probabilities, second_level
from disambig.features.groups import GroupBatch
from disambig.model.calibration import sigmoid
from disambig.model.model import Model

LEAST = 1e-3
"""Probability of an error below which nothing is asked."""
SURER, SHIFT = 1.7, 0.2
"""Factor and summand of the log-odds that a division is right: groups are scored by a forest that
was fitted on groups which the first level left apart, and is not sure enough of what it put
together. By logistic regression on 600 divisions of labelled blocks of aminer, dblp and ml."""


class QuestionKind(StrEnum):
    """What a person is asked: whether two identities are one, or whether one is two."""

    MERGE = "merge"
    SPLIT = "split"


@dataclass(frozen=True, eq=False)
class Question:
    """Are these two sets of mentions one person?

    Attributes
    ----------
    kind : QuestionKind
        ``MERGE`` where the sides are two identities, ``SPLIT`` where they are parts of one.
    block : int
        Block of the batch.
    left, right : int32[a], int32[b]
        Rows of the batch.
    probability : float
        That they are one person.
    """

    kind: QuestionKind
    block: int
    left: Int32
    right: Int32
    probability: float

    @property
    def error(self) -> float:
        """Probability that the clustering is wrong here."""
        return self.probability if self.kind is QuestionKind.MERGE else 1 - self.probability

    @property
    def moved(self) -> int:
        """Mentions that would change identity if it is."""
        return min(len(self.left), len(self.right))

    @property
    def gain(self) -> float:
        """Expected gain of B-cubed, in mentions: summed over the mentions of both sides."""
        return gain(self.error, len(self.left), len(self.right))


@dataclass(frozen=True, eq=False)
class Settled:
    """Some blocks, clustered under what people decided so far.

    Attributes
    ----------
    scored : Scored
        With the constraints in force.
    group : int32[R]
        Identity of each row of the batch.
    joint : float32[P]
        Probability of each listed pair at the level that decided on it.
    last : GroupBatch
        The identities, and the pairs of them whose names could be one person's.
    between : float32[N]
        Probability of each such pair.
    """

    scored: Scored
    group: Int32
    joint: Float32
    last: GroupBatch
    between: Float32

    @classmethod
    def of(cls, scored: Scored, model: Model) -> Settled:
        """Cluster as a run does, and keep what questions are made of."""

        def score(columns: dict[str, Float32]) -> Float32:
            return group_probabilities(model, columns, scored.index.doublings)

        group = scored.first_level(model.first_level(scored.index.doublings))
        joint = scored.likely.copy()
        for step in second_level(scored, group, score, model.settings["second_level"]):
            group = step.final
            joint[step.groups.cross] = step.probability[step.groups.place()]
        last = scored.groups(group, score)
        return cls(scored, group, joint, last.groups, last.probability)

    def questions(self, model: Model) -> list[Question]:
        """All questions worth asking, the most valuable first."""
        found = [*self._list_merges(), *self._list_splits(model)]
        return sorted(found, key=lambda q: (-q.gain, q.block, int(q.left[0]), int(q.right[0])))

    def _list_merges(self) -> list[Question]:
        groups = self.last
        is_excluded = self.scored.bonds.between(self.group).barred(groups.left, groups.right)
        is_open = ~is_excluded & (self.between >= LEAST)
        rows, start = _order_by_group(self.group)
        return [
            Question(
                QuestionKind.MERGE,
                int(groups.block[groups.left[k]]),
                rows[start[groups.left[k]] : start[groups.left[k] + 1]],
                rows[start[groups.right[k]] : start[groups.right[k] + 1]],
                float(self.between[k]),
            )
            for k in np.flatnonzero(is_open).tolist()
        ]

    def _list_splits(self, model: Model) -> list[Question]:
        """The weakest division of each identity, scored as two groups."""
        side = self._divide_identities()
        group = 2 * self.group.astype(np.int64) + side
        _, side_group = np.unique(group, return_inverse=True)
        scored, doublings = self.scored, self.scored.index.doublings
        sides = scored.groups(
            side_group.astype(np.int32),
            lambda columns: group_probabilities(model, columns, doublings),
        )
        groups, probability = sides.groups, _sharpen(sides.probability)
        owner = np.zeros(len(groups.size), dtype=np.int64)
        owner[side_group] = self.group
        rows, start = _order_by_group(side_group.astype(np.int32))
        inside = np.flatnonzero(owner[groups.left] == owner[groups.right])
        return [
            Question(
                QuestionKind.SPLIT,
                int(groups.block[groups.left[k]]),
                rows[start[groups.left[k]] : start[groups.left[k] + 1]],
                rows[start[groups.right[k]] : start[groups.right[k] + 1]],
                float(probability[k]),
            )
            for k in inside.tolist()
            if probability[k] <= 1 - LEAST
        ]

    def _divide_identities(self) -> Int64:
        """Which side of its identity's weakest division each row is on, 0 or 1; int64[R]."""
        batch, must = self.scored.batch, self.scored.bonds.must
        side = np.zeros(len(self.group), dtype=np.int64)
        inside = np.flatnonzero(self.group[batch.left] == self.group[batch.right])
        owner = self.group[batch.left[inside]]
        order = inside[np.argsort(owner, kind="stable")]
        cuts = np.searchsorted(np.sort(owner), np.arange(len(self.last.size) + 1))
        rows, start = _order_by_group(self.group)
        place = np.zeros(len(self.group), dtype=np.int64)
        place[rows] = np.arange(len(rows)) - start[self.group[rows]]
        for g in np.flatnonzero(self.last.size > 1).tolist():
            pairs = order[cuts[g] : cuts[g + 1]]
            members = rows[start[g] : start[g + 1]]
            similarity = np.zeros((len(members), len(members)))
            a, b = place[batch.left[pairs]], place[batch.right[pairs]]
            similarity[a, b] = similarity[b, a] = self.joint[pairs]
            side[members] = weakest_division(similarity, must[members])
        return side


def _sharpen(probability: Float32) -> Float32:
    """Probability that two parts of one identity are one person, of that as two groups."""
    odds = np.log(probability.astype(np.float64) / (1 - probability.astype(np.float64)))
    return sigmoid(SURER * odds - SHIFT)


def weakest_division(similarity: Float64, must: Int32) -> Int64:
    """The last merge of average linkage, undone.

    Parameters
    ----------
    similarity : float64[n, n]
        Symmetric; the diagonal does not matter.
    must : int32[n]
        Rows with one code of 0 or above stay together.

    Returns
    -------
    int64[n]
        0 or 1; all 0 where everything must stay together.
    """
    codes = np.where(must >= 0, must, int(must.max(initial=-1)) + 1 + np.arange(len(must)))
    atoms, atom = np.unique(codes, return_inverse=True)
    n = len(atoms)
    if n < 2:
        return np.zeros(len(must), dtype=np.int64)
    member = np.zeros((n, len(must)))
    member[atom, np.arange(len(must))] = 1
    size = member.sum(axis=1)
    mean = member @ similarity @ member.T / np.outer(size, size)
    distance = 1 - mean[np.triu_indices(n, 1)]
    tree = linkage(np.clip(distance, 0, 1), method="average")
    sides: Int64 = cut_tree(tree, n_clusters=[2])[:, 0].astype(np.int64)[atom]
    return sides


def _order_by_group(group: Int32) -> tuple[Int32, Int64]:
    order = np.argsort(group, kind="stable").astype(np.int32)
    return order, np.searchsorted(group[order], np.arange(int(group.max(initial=-1)) + 2))
