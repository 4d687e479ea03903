"""Calibration of the first level on labelled pairs, and recall of candidate pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from disambig.arrays import Int32, Int64
from disambig.blocking.blocks import MAX_NEIGHBOURS, Comparisons
from disambig.corpus.index import CorpusIndex
from disambig.evaluation.metrics import (
    ReliabilityCurve,
    expected_calibration_error,
    reliability_curve,
)
from disambig.evaluation.pair_scores import LabelledPairs
from labeled.benchmark.errors import WrongPair


@dataclass(frozen=True, slots=True)
class CalibrationFigures:
    """Calibration of the first level's probabilities of labelled pairs within blocks."""

    pairs: int
    same: int
    error: float
    curve: ReliabilityCurve


def find_probabilities(
    labelled: LabelledPairs, rows: Int64, pairs: Sequence[WrongPair]
) -> dict[tuple[int, int], float]:
    """Return the probabilities of the wrong pairs that are labelled pairs, by signature rows."""
    probabilities = {}
    for pair in pairs:
        low, high = sorted((int(rows[pair.a]), int(rows[pair.b])))
        index = np.flatnonzero((labelled.left == low) & (labelled.right == high))
        if len(index):
            probabilities[low, high] = float(labelled.probability[index[0]])
    return probabilities


def measure_calibration(labelled: LabelledPairs) -> CalibrationFigures:
    """Measure the calibration on these pairs, with equal weights."""
    return CalibrationFigures(
        pairs=len(labelled.same),
        same=int(labelled.same.sum()),
        error=expected_calibration_error(labelled.probability, labelled.same),
        curve=reliability_curve(labelled.probability, labelled.same),
    )


def count_compared_pairs(index: CorpusIndex, blocks: Sequence[Int32], person: Int64) -> int:
    """Count the pairs of one person that a run scores.

    Parameters
    ----------
    person : int64[n_signatures]
        -1 without a label.
    """
    return sum(len(i) for i, _ in _iterate_true_pairs(Comparisons.plan(index, blocks), person))


def count_linked_pairs(
    index: CorpusIndex,
    blocks: Sequence[Int32],
    person: Int64,
    nearest: int = MAX_NEIGHBOURS,
) -> int:
    """Count the pairs of one person that would be linked if every block were crowded.

    Linked are pairs that a run would then score, and those connected by a chain of such pairs of
    the same person; parameters are those of :func:`count_compared_pairs`.
    """
    comparisons = Comparisons.plan(index, blocks, crowded_namesakes=0, max_neighbours=nearest)
    empty = np.empty(0, dtype=np.int64)
    pair_parts = [(empty, empty), *_iterate_true_pairs(comparisons, person)]
    i, j = (np.concatenate(side) for side in zip(*pair_parts, strict=True))
    links = sparse.coo_array((np.ones(len(i)), (i, j)), shape=(len(person),) * 2)
    _, chain = connected_components(links, directed=False)
    size = np.bincount(chain[person >= 0]).astype(np.int64)
    return int((size * (size - 1) // 2).sum())


def _iterate_true_pairs(comparisons: Comparisons, person: Int64) -> Iterator[tuple[Int64, Int64]]:
    """Yield the signature rows of the pairs of one person, batch by batch."""
    for number in range(len(comparisons.batches)):
        batch = comparisons.make_batch(number)
        i, j = batch.rows[batch.left], batch.rows[batch.right]
        is_true_pair = (person[i] >= 0) & (person[i] == person[j])
        yield i[is_true_pair].astype(np.int64), j[is_true_pair].astype(np.int64)
