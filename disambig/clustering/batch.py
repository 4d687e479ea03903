"""Cluster a batch of blocks: both levels, then the confidence of each signature."""

from __future__ import annotations

from dataclasses import dataclass

from disambig.arrays import Float32, Int32
from disambig.blocking.pairs import PairBatch
from disambig.clustering.confidence import CONFIDENCE_FEATURES, compute_confidence_features
from disambig.clustering.constraints import Constraints
from disambig.clustering.doubled_entries import CONFIDENCE as DOUBLED_CONFIDENCE
from disambig.clustering.two_level import (
    Linkage,
    ScoredPairs,
    cluster_scored,
    predict_pairs,
    predict_probabilities,
)
from disambig.corpus.index import CorpusIndex
from disambig.features.group import GROUP_FEATURES
from disambig.features.pair import PAIR_FEATURES
from disambig.model.model import Model
from disambig.timing import Clock


@dataclass(frozen=True, eq=False)
class BatchResult:
    """Clustering result of one batch.

    Attributes
    ----------
    rows : int32[R]
        Signature rows.
    group : int32[R]
        Identity of each row within the batch, from 0.
    confidence : float32[R]
        Probability that the signature belongs with the rest of its identity.
    doubled : int32[K, 2]
        Signature rows of entries listed twice on a work, and of the entries they repeat. The
        former are identities of their own.
    considered, scored : int
        Pairs within blocks, and those of them that the first level scored.
    seconds : dict of str to float
        Time of ``features``, ``classify`` and ``cluster``.
    """

    rows: Int32
    group: Int32
    confidence: Float32
    doubled: Int32
    considered: int
    scored: int
    seconds: dict[str, float]


def cluster_batch(
    index: CorpusIndex, model: Model, constraints: Constraints, batch: PairBatch
) -> BatchResult:
    """Cluster a batch of blocks; blocks do not influence each other."""
    clock = Clock()

    def score_pairs(columns: dict[str, Float32]) -> tuple[Float32, Float32]:
        return predict_pairs(model, columns, index.doublings)

    scored = ScoredPairs.score(
        index, batch, constraints, clock.time_function("classify", score_pairs)
    )
    linkage = cluster_scored(scored, model, clock)
    confidence = predict_confidence(model, linkage)
    confidence[scored.doubled[:, 0]] = DOUBLED_CONFIDENCE
    return BatchResult(
        batch.rows,
        linkage.final,
        confidence,
        batch.rows[scored.doubled],
        batch.considered,
        linkage.pairs.batch.n_pairs,
        clock.get_seconds("features"),
    )


def predict_confidence(model: Model, linkage: Linkage) -> Float32:
    """Predict the probability that each row belongs to its identity, float32[R]."""
    columns = compute_confidence_features(linkage)
    return predict_probabilities(model.confidence, model.confidence_calibration, columns)


def check_model(model: Model) -> None:
    """Check that the running code computes all features that a model was fitted on.

    Raises
    ------
    ModelError
        Some are missing.
    """
    model.check_features(PAIR_FEATURES, GROUP_FEATURES, CONFIDENCE_FEATURES)
