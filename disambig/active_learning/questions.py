"""Select review questions about a clustering by their expected gain (active learning).

Two kinds of errors can remain: one person under two identities, and two persons under one. In each
block, every pair of identities is a *merge* question, with the second level's probability that they
are one person, and the weakest division of every identity is a *split* question, with the
probability that its two sides are one person. The value of a question is the probability that the
clustering is wrong there, times the B-cubed gain of the correction: joining a and b mentions of a
person of a + b raises the recall of each of the a by b / (a + b), and of each of the b by
a / (a + b); separating them raises precision as much (Bagga and Baldwin 1998 for the measure;
Roy and McCallum 2001 for choosing the question that reduces the expected loss most).

Curators judge a whole group faster than its pairs. Questions that earlier answers imply are never
generated: constraints exclude merges that a curator has rejected, and divisions of what a curator
has joined.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.cluster.hierarchy import cut_tree, linkage

from disambig.active_learning.priority import compute_gain
from disambig.arrays import Float32, Float64, Int32, Int64
from disambig.clustering.two_level import ScoredPairs, predict_groups, run_second_level
from disambig.features.groups import GroupBatch
from disambig.model.calibration import sigmoid
from disambig.model.model import Model

MIN_ERROR = 1e-3
"""Probability of an error below which no question is generated."""
SPLIT_STRETCH, SPLIT_SHIFT = 1.7, 0.2
"""Recalibration of the log-odds of a division: factor and offset. The forest of groups was fitted
on groups that the first level left separate, and is underconfident about those that it joined.
Fitted by logistic regression on 600 divisions of labelled blocks of aminer, dblp and ml."""


class QuestionKind(StrEnum):
    """Kind of question: whether two identities are one person, or whether one is two."""

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
    def n_moved(self) -> int:
        """Mentions that change identity if the clustering is wrong here."""
        return min(len(self.left), len(self.right))

    @property
    def gain(self) -> float:
        """Expected B-cubed gain in mentions, summed over the mentions of both sides."""
        return compute_gain(self.error, len(self.left), len(self.right))


@dataclass(frozen=True, eq=False)
class ClusteredBlocks:
    """Some blocks, clustered under the constraints of all decisions so far.

    Attributes
    ----------
    scored : ScoredPairs
        With the constraints in force.
    group : int32[R]
        Identity of each row of the batch.
    pair_probability : float32[P]
        Probability of each compared pair at the level that decided on it.
    groups : GroupBatch
        The identities, and the pairs of them with compatible names.
    group_probability : float32[N]
        Probability of each such pair of identities.
    """

    scored: ScoredPairs
    group: Int32
    pair_probability: Float32
    groups: GroupBatch
    group_probability: Float32

    @classmethod
    def of(cls, scored: ScoredPairs, model: Model) -> ClusteredBlocks:
        """Cluster as a run does, and keep the probabilities that questions need."""

        def score(columns: dict[str, Float32]) -> Float32:
            return predict_groups(model, columns, scored.index.doublings)

        group = scored.cluster(model.get_first_level_threshold(scored.index.doublings))
        joint = scored.shifted_probability.copy()
        for step in run_second_level(scored, group, score, model.settings["second_level"]):
            group = step.final
            joint[step.groups.cross] = step.probability[step.groups.get_cross_pairs()]
        last = scored.score_groups(group, score)
        return cls(scored, group, joint, last.groups, last.probability)

    def list_questions(self, model: Model) -> list[Question]:
        """List all questions with enough probability of an error, the most valuable first."""
        both = [*self._list_merges(), *self._list_splits(model)]
        return sorted(both, key=lambda q: (-q.gain, q.block, int(q.left[0]), int(q.right[0])))

    def _list_merges(self) -> list[Question]:
        groups = self.groups
        is_excluded = self.scored.constraints.lift_to_groups(self.group).is_excluded(
            groups.left, groups.right
        )
        is_open = ~is_excluded & (self.group_probability >= MIN_ERROR)
        rows, start = _order_by_group(self.group)
        return [
            Question(
                QuestionKind.MERGE,
                int(groups.block[groups.left[k]]),
                rows[start[groups.left[k]] : start[groups.left[k] + 1]],
                rows[start[groups.right[k]] : start[groups.right[k] + 1]],
                float(self.group_probability[k]),
            )
            for k in np.flatnonzero(is_open).tolist()
        ]

    def _list_splits(self, model: Model) -> list[Question]:
        """List the weakest division of each identity, scored as two groups."""
        side = self._divide_identities()
        group = 2 * self.group.astype(np.int64) + side
        _, side_group = np.unique(group, return_inverse=True)
        scored, doublings = self.scored, self.scored.index.doublings
        sides = scored.score_groups(
            side_group.astype(np.int32),
            lambda columns: predict_groups(model, columns, doublings),
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
            if probability[k] <= 1 - MIN_ERROR
        ]

    def _divide_identities(self) -> Int64:
        """Return each row's side in the weakest division of its identity, 0 or 1; int64[R]."""
        batch, must = self.scored.batch, self.scored.constraints.must
        side = np.zeros(len(self.group), dtype=np.int64)
        inside = np.flatnonzero(self.group[batch.left] == self.group[batch.right])
        owner = self.group[batch.left[inside]]
        order = inside[np.argsort(owner, kind="stable")]
        cuts = np.searchsorted(np.sort(owner), np.arange(len(self.groups.size) + 1))
        rows, start = _order_by_group(self.group)
        index = np.zeros(len(self.group), dtype=np.int64)
        index[rows] = np.arange(len(rows)) - start[self.group[rows]]
        for g in np.flatnonzero(self.groups.size > 1).tolist():
            pairs = order[cuts[g] : cuts[g + 1]]
            members = rows[start[g] : start[g + 1]]
            similarity = np.zeros((len(members), len(members)))
            a, b = index[batch.left[pairs]], index[batch.right[pairs]]
            similarity[a, b] = similarity[b, a] = self.pair_probability[pairs]
            side[members] = find_weakest_division(similarity, must[members])
        return side


def _sharpen(probability: Float32) -> Float32:
    """Convert the probability of two groups into that of two parts of one identity."""
    odds = np.log(probability.astype(np.float64) / (1 - probability.astype(np.float64)))
    return sigmoid(SPLIT_STRETCH * odds - SPLIT_SHIFT)


def find_weakest_division(similarity: Float64, must: Int32) -> Int64:
    """Divide rows in two by undoing the last merge of average linkage.

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
