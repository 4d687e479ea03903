"""How honest the first-level probabilities of labelled pairs are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from disambig.arrays import Int32, Int64
from disambig.blocking.blocks import NEAREST, Comparisons
from disambig.corpus.index import CorpusIndex
from disambig.evaluation.metrics import (
    ReliabilityCurve,
    expected_calibration_error,
    reliability_curve,
)
from disambig.evaluation.pair_scores import LabelledPairs
from labeled.benchmark.errors import WrongPair


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


def compared_pairs(index: CorpusIndex, blocks: Sequence[Int32], person: Int64) -> int:
    """How many pairs of one person are among those that a run scores.

    Parameters
    ----------
    person : int64[n_signatures]
        -1 where there is no label.
    """
    return sum(len(i) for i, _ in _true_pairs(Comparisons.of(index, blocks), person))


def linked_pairs(
    index: CorpusIndex,
    blocks: Sequence[Int32],
    person: Int64,
    nearest: int = NEAREST,
) -> int:
    """How many pairs of one person would be linked, itself or by a chain of others of that person,
    by the pairs that a run would score if every block were crowded; as :func:`compared_pairs`.
    """
    compared = Comparisons.of(index, blocks, crowd=0, nearest=nearest)
    none = np.empty(0, dtype=np.int64)
    found = [(none, none), *_true_pairs(compared, person)]
    i, j = (np.concatenate(side) for side in zip(*found, strict=True))
    links = sparse.coo_array((np.ones(len(i)), (i, j)), shape=(len(person),) * 2)
    _, chain = connected_components(links, directed=False)
    size = np.bincount(chain[person >= 0]).astype(np.int64)
    return int((size * (size - 1) // 2).sum())


def _true_pairs(compared: Comparisons, person: Int64) -> Iterator[tuple[Int64, Int64]]:
    """Signature rows of the pairs of one person, batch by batch."""
    for number in range(len(compared.batches)):
        batch = compared.batch(number)
        i, j = batch.rows[batch.left], batch.rows[batch.right]
        true = (person[i] >= 0) & (person[i] == person[j])
        yield i[true].astype(np.int64), j[true].astype(np.int64)
