"""From blocks to identities: score pairs, group, score pairs of groups, group again.

Every stage works on a batch of blocks at once. The only state is the corpus index and the
model, both read-only, so batches run in any order and in any process with one result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from disambig.calibration import Calibration
from disambig.constraints import Constraints, cannot_pairs
from disambig.forest import Forest
from disambig.group_features import ABSENT, GroupBatch, group_features
from disambig.index import CorpusIndex
from disambig.linkage import average_linkage
from disambig.model import Model
from disambig.pair_features import pair_features
from disambig.pairs import PairBatch

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]

ROUNDS = 4
"""Most rounds of the second level; nearly all blocks are settled after two."""


@dataclass(frozen=True, eq=False)
class Resolved:
    """What became of one batch.

    Attributes
    ----------
    rows : int32[R]
        Signature rows.
    group : int32[R]
        Identity of each row within the batch, from 0.
    confidence : float32[R]
        Probability that the signature belongs with the rest of its identity.
    considered, scored : int
        Pairs within blocks, and those of them that the first level scored.
    """

    rows: Int32
    group: Int32
    confidence: Float32
    considered: int
    scored: int


def matrix(columns: dict[str, Float32]) -> Float32:
    """Feature columns side by side, float32[n, n_features] in Fortran order."""
    n = len(next(iter(columns.values())))
    out = np.empty((n, len(columns)), dtype=np.float32, order="F")
    for k, column in enumerate(columns.values()):
        out[:, k] = column
    return out


def probabilities(
    forest: Forest, calibration: Calibration | None, columns: dict[str, Float32]
) -> Float32:
    """Calibrated probabilities of feature columns, float32[n]."""
    raw = forest.raw(matrix(columns))
    if calibration is None:
        return (1 / (1 + np.exp(-raw))).astype(np.float32)
    return calibration(raw)


@dataclass(frozen=True, eq=False)
class Bonds:
    """Constraints of one batch: ``must`` int32[R] codes (-1: none), ``cannot`` int32[K, 2]."""

    must: Int32
    cannot: Int32

    @classmethod
    def of(cls, index: CorpusIndex, batch: PairBatch, constraints: Constraints) -> Bonds:
        """Constraints among the rows of ``batch``, block by block."""
        cannot = cannot_pairs(constraints, batch)
        return cls(constraints.must[batch.rows], cannot)

    def between(self, group: Int32) -> Bonds:
        """The same constraints among groups of the rows."""
        must = np.full(int(group.max(initial=-1)) + 1, -1, dtype=np.int32)
        bound = self.must >= 0
        must[group[bound]] = self.must[bound]
        cannot = group[self.cannot].reshape(-1, 2)
        return Bonds(must, cannot.astype(np.int32))


def first_level(batch: PairBatch, probability: Float32, bonds: Bonds, threshold: float) -> Int32:
    """Group at high precision by average linkage over pair probabilities."""
    return average_linkage(
        batch.block,
        batch.left,
        batch.right,
        probability,
        threshold,
        absent=ABSENT,
        cannot=bonds.cannot,
        must=bonds.must,
    )


def join_groups(groups: GroupBatch, probability: Float32, bonds: Bonds, threshold: float) -> Int32:
    """Join groups by average linkage over group probabilities; the group of each row."""
    between = bonds.between(groups.group)
    joined = average_linkage(
        groups.block,
        groups.left,
        groups.right,
        probability,
        threshold,
        absent=ABSENT,
        weight=groups.size,
        cannot=between.cannot,
        must=between.must,
    )
    return joined[groups.group]


@dataclass(frozen=True, eq=False)
class SecondLevel:
    """The second level's state after some rounds.

    Attributes
    ----------
    groups : GroupBatch
        The last groups that were scored.
    probability : float32[n_group_pairs]
        Their scores.
    final : int32[R]
        Group of each row after joining them.
    """

    groups: GroupBatch
    probability: Float32
    final: Int32


def second_level(
    index: CorpusIndex,
    batch: PairBatch,
    columns: dict[str, Float32],
    pair_probability: Float32,
    first: Int32,
    bonds: Bonds,
    score: Callable[[dict[str, Float32]], Float32],
    threshold: float,
    rounds: int = ROUNDS,
) -> SecondLevel:
    """Score groups and join them, again and again while joining changes anything.

    A joined group has more co-authors, venues and years to show than its parts had, so each
    round decides on better evidence than the one before.
    """
    final = first
    for _ in range(rounds):
        groups = GroupBatch.of(batch, final)
        probability = score(group_features(index, batch, groups, columns, pair_probability))
        before, final = final, join_groups(groups, probability, bonds, threshold)
        if final.max(initial=0) == before.max(initial=0):
            break
    return SecondLevel(groups, probability, final)


def resolve(
    index: CorpusIndex, model: Model, constraints: Constraints, batch: PairBatch
) -> Resolved:
    """Cluster some blocks; blocks do not influence each other."""
    bonds = Bonds.of(index, batch, constraints)
    columns = pair_features(index, batch)
    probability = probabilities(model.pair, model.pair_calibration, columns)
    first = first_level(batch, probability, bonds, model.settings["first_level"])
    second = second_level(
        index,
        batch,
        columns,
        probability,
        first,
        bonds,
        lambda found: probabilities(model.group, model.group_calibration, found),
        model.settings["second_level"],
    )
    confidence = _confidence(batch, second, probability)
    return Resolved(batch.rows, second.final, confidence, batch.considered, batch.n_pairs)


def joint_probability(groups: GroupBatch, pair: Float32, group: Float32) -> Float32:
    """Probability of each signature pair with all that is known: its own within a group, its
    groups' across two.
    """
    out = pair.copy()
    out[groups.cross] = group[groups.place()]
    return out


def _confidence(batch: PairBatch, second: SecondLevel, pair: Float32) -> Float32:
    """Mean probability with the rest of the identity; a signature alone: that it is nobody's."""
    final = second.final
    probability = joint_probability(second.groups, pair, second.probability)
    same = final[batch.left] == final[batch.right]
    n = len(batch.rows)
    inside = np.bincount(batch.left[same], probability[same], n)
    inside += np.bincount(batch.right[same], probability[same], n)
    others = np.bincount(final, minlength=n)[final] - 1
    nearest = np.zeros(n, dtype=np.float32)
    np.maximum.at(nearest, batch.left[~same], probability[~same])
    np.maximum.at(nearest, batch.right[~same], probability[~same])
    confidence = np.where(others > 0, inside / np.maximum(others, 1), 1 - nearest)
    return np.clip(confidence, 0, 1).astype(np.float32)
