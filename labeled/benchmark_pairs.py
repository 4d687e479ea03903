"""How honest the first-level probabilities of labelled pairs are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from disambig.blocking import Comparisons
from disambig.index import CorpusIndex
from disambig.metrics import ReliabilityCurve, expected_calibration_error, reliability_curve
from disambig.scoring import LabelledPairs
from labeled.benchmark_errors import WrongPair

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """How honest the first level's probabilities of labelled pairs within blocks are."""

    pairs: int
    same: int
    error: float
    curve: ReliabilityCurve


def lookup(
    known: LabelledPairs, rows: Int64, pairs: Sequence[WrongPair]
) -> dict[tuple[int, int], float]:
    """Probability of the wrong pairs that are among the known, by signature rows."""
    found = {}
    for pair in pairs:
        low, high = sorted((int(rows[pair.a]), int(rows[pair.b])))
        at = np.flatnonzero((known.left == low) & (known.right == high))
        if len(at):
            found[low, high] = float(known.probability[at[0]])
    return found


def calibrated(known: LabelledPairs) -> Calibrated:
    """Figures of these pairs, each weighing the same."""
    return Calibrated(
        pairs=len(known.same),
        same=int(known.same.sum()),
        error=expected_calibration_error(known.probability, known.same),
        curve=reliability_curve(known.probability, known.same),
    )


def compared_pairs(
    index: CorpusIndex, blocks: Sequence[npt.NDArray[np.int32]], person: Int64, crowd: int
) -> int:
    """How many pairs of one person are among those that a run scores.

    Parameters
    ----------
    person : int64[n_signatures]
        -1 where there is no label.
    crowd : int
        Where blocks are divided, see :data:`disambig.blocking.CROWD`.
    """
    compared = Comparisons.of(index, blocks, crowd)
    found = 0
    for number in range(len(compared.batches)):
        batch = compared.batch(number)
        left, right = person[batch.rows[batch.left]], person[batch.rows[batch.right]]
        found += int(((left >= 0) & (left == right)).sum())
    return found
