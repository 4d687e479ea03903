"""First-level probabilities of labelled pairs, and how honest they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from disambig.engine import batches_of, probabilities
from disambig.index import CorpusIndex
from disambig.metrics import ReliabilityCurve, expected_calibration_error, reliability_curve
from disambig.model import Model
from disambig.pair_features import pair_features
from disambig.pairs import PairBatch
from labeled.benchmark_errors import WrongPair

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """How honest the first level's probabilities of labelled pairs within blocks are."""

    pairs: int
    same: int
    error: float
    curve: ReliabilityCurve


@dataclass(frozen=True, eq=False)
class LabelledPairs:
    """Pairs within blocks both of whose signatures are labelled.

    ``left`` < ``right`` int64[P] are signature rows, ``probability`` float32[P] the first
    level's, ``same`` bool[P] whether the labels name one person.
    """

    left: Int64
    right: Int64
    probability: Float32
    same: npt.NDArray[np.bool_]

    def lookup(self, rows: Int64, pairs: Sequence[WrongPair]) -> dict[tuple[int, int], float]:
        """Probability of the wrong pairs that are among these, by signature rows."""
        found = {}
        for pair in pairs:
            low, high = sorted((int(rows[pair.a]), int(rows[pair.b])))
            at = np.flatnonzero((self.left == low) & (self.right == high))
            if len(at):
                found[low, high] = float(self.probability[at[0]])
        return found


def labelled_pairs(
    index: CorpusIndex,
    model: Model,
    rows: Int64,
    person: Int64,
    blocks: Sequence[Int32],
    progress: Callable[[int], None] = lambda n: None,
) -> LabelledPairs:
    """First-level probabilities of all labelled pairs within ``blocks``.

    Parameters
    ----------
    rows, person : int64[m]
        Signature row and person of each label.
    """
    of_row = np.full(index.corpus.n_signatures, -1, dtype=np.int64)
    of_row[rows] = person
    parts = []
    for chosen in batches_of([b for b in blocks if (of_row[b] >= 0).sum() > 1]):
        batch = PairBatch.of(chosen)
        progress(batch.n_pairs)
        people = of_row[batch.rows]
        known = np.flatnonzero((people[batch.left] >= 0) & (people[batch.right] >= 0))
        columns = pair_features(index, batch)
        probability = probabilities(model.pair, model.pair_calibration, columns)[known]
        a, b = batch.left[known], batch.right[known]
        left, right = batch.rows[a], batch.rows[b]
        low, high = np.minimum(left, right), np.maximum(left, right)
        parts.append(
            (low.astype(np.int64), high.astype(np.int64), probability, people[a] == people[b])
        )
    if not parts:
        none = np.empty(0, dtype=np.int64)
        return LabelledPairs(none, none, none.astype(np.float32), none.astype(bool))
    return LabelledPairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def calibrated(known: LabelledPairs) -> Calibrated:
    """Figures of these pairs, each weighing the same."""
    return Calibrated(
        pairs=len(known.same),
        same=int(known.same.sum()),
        error=expected_calibration_error(known.probability, known.same),
        curve=reliability_curve(known.probability, known.same),
    )
