"""Recalibrate the second level of a model by answers to review questions.

A few hundred answers are too few to fit forests on, and they concern uncertain groups only: the
easy ones, most of any corpus, are not among them. So the forests are unchanged. Only the
over- or underconfidence of the second level in this corpus is fitted: the calibrated log-odds
that two groups are one person are shifted and stretched, which is logistic regression on them
(Platt, "Probabilistic outputs for support vector machines", 1999), regularised towards no change
by normal priors. Selecting questions by their features does not bias the fit, since it models the
answer given the features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from disambig.arrays import Float32, Float64, Int32, Int64
from disambig.blocking.blocks import Comparisons, make_blocks
from disambig.clustering.constraints import compile_constraints
from disambig.clustering.two_level import ScoredPairs, cluster_scored, predict_pairs, stack_columns
from disambig.corpus.index import CorpusIndex
from disambig.model.calibration import Calibration, sigmoid
from disambig.model.model import Model
from disambig.model.size_shift import apply_size_shift
from disambig.progress import Progress, no_progress

SHIFT, STRETCH = 1.0, 0.3
"""Standard deviations of the priors of the shift and the stretch of log-odds."""
MIN_STRETCH = 0.1
"""Minimal stretch."""
_LIMIT = 14.0  # log-odds; a calibration's probabilities stay inside (0, 1)


@dataclass(frozen=True, eq=False)
class QuestionScores:
    """Scores of a model for questions whether two sets of mentions are one person.

    Attributes
    ----------
    log_odds : float64[n]
        After calibration; NaN where no two of the names are compatible.
    size_shift : float64[n]
        Change of the log-odds by the size of the corpus (:mod:`disambig.model.size_shift`).
    """

    log_odds: Float64
    size_shift: Float64

    @property
    def probability(self) -> Float64:
        """Probability that they are one person; NaN where they were not compared."""
        return 1 / (1 + np.exp(-(self.log_odds + self.size_shift)))


def score_questions(
    index: CorpusIndex,
    model: Model,
    questions: Sequence[tuple[Int64, Int64]],
    progress: Progress = no_progress,
) -> QuestionScores:
    """Score pairs of sets of mentions with a model, in their blocks as the model clusters them.

    Parameters
    ----------
    questions : sequence of (int64[a], int64[b])
        Signature rows of the two sides.
    """
    corpus = index.corpus
    scores = QuestionScores(np.full(len(questions), np.nan), np.zeros(len(questions)))
    if not questions:
        return scores
    question_rows = np.concatenate([side for question in questions for side in question])
    question_of_row = np.repeat(np.arange(len(questions)), [len(a) + len(b) for a, b in questions])
    is_in_question = np.zeros(corpus.n_signatures, dtype=bool)
    is_in_question[question_rows] = True
    comparisons = Comparisons.plan(
        index, [b for b in make_blocks(corpus) if is_in_question[b].any()]
    )
    constraints = compile_constraints(corpus, ())

    def score(columns: dict[str, Float32]) -> tuple[Float32, Float32]:
        return predict_pairs(model, columns, index.doublings)

    row_index = np.full(corpus.n_signatures, -1, dtype=np.int64)
    with progress("Scoring answered questions", len(comparisons.batches), "batches") as advance:
        for number in range(len(comparisons.batches)):
            scored = ScoredPairs.score(index, comparisons.make_batch(number), constraints, score)
            rows = scored.batch.rows
            row_index[rows] = np.arange(len(rows))
            numbers = np.unique(question_of_row[row_index[question_rows] >= 0]).tolist()
            _score_batch(scored, model, {k: questions[k] for k in numbers}, row_index, scores)
            row_index[rows] = -1
            advance(1)
    return scores


def _score_batch(
    scored: ScoredPairs,
    model: Model,
    questions: Mapping[int, tuple[Int64, Int64]],
    row_index: Int64,
    scores: QuestionScores,
) -> None:
    """Store the scores of the questions, by number, about mentions of one batch."""
    group = cluster_scored(scored, model).final
    for number, question in questions.items():
        left, right = (row_index[side][row_index[side] >= 0] for side in question)
        columns = _compute_features(scored, group, left, right)
        if columns is not None:
            raw = model.group.compute_log_odds(stack_columns(columns, model.group.features))
            level_probability = (
                sigmoid(raw) if model.group_calibration is None else model.group_calibration(raw)
            )
            shifted = apply_size_shift(
                model.group_size_shift, level_probability, columns, scored.index.doublings
            )
            scores.log_odds[number] = _logit(level_probability)[0]
            scores.size_shift[number] = (_logit(shifted) - _logit(level_probability))[0]


def _compute_features(
    scored: ScoredPairs, group: Int32, left: Int64, right: Int64
) -> dict[str, Float32] | None:
    """Compute the features of two sets of rows as groups, among the other groups of their block.

    If the sides span several blocks, only the rows in the block with most rows of both are used.
    """
    block = scored.batch.block
    n_blocks = len(scored.batch.start) - 1
    left_counts, right_counts = (
        np.bincount(block[side], minlength=n_blocks) for side in (left, right)
    )
    counts = np.where((left_counts > 0) & (right_counts > 0), left_counts + right_counts, 0)
    if not counts.any():
        return None
    block_number = int(np.argmax(counts))
    side = np.zeros(len(group), dtype=np.int64)
    side[left], side[right] = 1, 2
    side[block != block_number] = 0
    label = np.where(side > 0, side, 3 + group.astype(np.int64))
    key = block.astype(np.int64) * (len(group) + 4) + label
    group_code = np.unique(key, return_inverse=True)[1].astype(np.int32)
    is_scored = np.arange(n_blocks) == block_number
    groups, columns = scored.compute_group_features(group_code, is_scored)
    low, high = sorted(int(group_code[np.flatnonzero(side == n)[0]]) for n in (1, 2))
    pair_index = groups.find_pair(low, high)
    return (
        None
        if pair_index < 0
        else {name: column[pair_index : pair_index + 1] for name, column in columns.items()}
    )


def correct_model(model: Model, scores: QuestionScores, same: Float64) -> Model:
    """Return the model with its second level recalibrated by answers.

    Parameters
    ----------
    scores : QuestionScores
        Scores of the model for the questions; NaN is ignored.
    same : float64[n]
        The answers: 1 for one person, 0 for two, or the share of mentions that are one person.

    Raises
    ------
    ValueError
        If no question has a score, or the model is not calibrated.
    """
    is_known = np.isfinite(scores.log_odds)
    if model.group_calibration is None or not is_known.any():
        raise ValueError("the model has no calibration, or no answered question has a score")
    shift, stretch = _fit_shift_and_stretch(
        scores.log_odds[is_known], scores.size_shift[is_known], same[is_known]
    )
    old = model.group_calibration
    shifted = np.clip(shift + stretch * _logit(old.y), -_LIMIT, _LIMIT)
    calibration = Calibration(old.x, 1 / (1 + np.exp(-shifted)))
    correction = {
        "of": model.digest,
        "answers": int(is_known.sum()),
        "shift": round(shift, 6),
        "stretch": round(stretch, 6),
    }
    return replace(
        model, group_calibration=calibration, metadata={**model.metadata, "correction": correction}
    )


def _fit_shift_and_stretch(
    log_odds: Float64, offset: Float64, same: Float64
) -> tuple[float, float]:
    """Fit shift and stretch of log-odds: the maximum a posteriori under answers and priors.

    >>> z = np.linspace(-2, 2, 400)
    >>> shift, stretch = _regression(z, 0 * z, 1 / (1 + np.exp(-(1.2 * z - 1))))
    >>> bool(-1 < shift < -0.9), bool(1.1 < stretch < 1.2)
    (True, True)
    """

    def loss(parameters: Float64) -> tuple[float, Float64]:
        shift, stretch = parameters
        z = shift + stretch * log_odds + offset
        residual = 1 / (1 + np.exp(-z)) - same
        prior_gradient = np.array([shift / SHIFT**2, (stretch - 1) / STRETCH**2])
        gradient = np.array([residual.sum(), residual @ log_odds]) + prior_gradient
        penalty = (prior_gradient * np.array([shift, stretch - 1])).sum() / 2
        return float((np.logaddexp(0, z) - same * z).sum() + penalty), gradient

    # a positive stretch keeps the order of scores, whatever few answers suggest
    bounds = [(None, None), (MIN_STRETCH, None)]
    solution = minimize(loss, np.array([0.0, 1.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(solution.x[0]), float(solution.x[1])


def _logit(probability: npt.NDArray[np.floating]) -> Float64:
    p = np.asarray(probability, dtype=np.float64)
    return np.asarray(np.log(p / (1 - p)))
