"""Metrics of a partition (B-cubed, pairwise) and of the calibration of probabilities.

B-cubed is averaged over *signatures* (Bagga and Baldwin 1998, "Algorithms for scoring
coreference chains"): for a signature *s* with predicted cluster ``P(s)`` and true cluster
``T(s)``::

    precision = mean over s of |P(s) ∩ T(s)| / |P(s)|
    recall    = mean over s of |P(s) ∩ T(s)| / |T(s)|
    F1        = harmonic mean of the two means

Some libraries average over clusters instead, which gives different values.

*Within blocks* means that both partitions are first divided along the blocks: a predicted
identity, or a person, that spans two blocks counts as two clusters. Without blocks, the whole
corpus is one block, and links missed or made across blocks count too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from disambig.arrays import Float64, Int64, Integer

_LARGEST_KEY = 2**62


@dataclass(frozen=True, slots=True)
class Metrics:
    """Agreement of a predicted partition with the true one. Undefined values are NaN.

    ``exact_blocks`` is the share of blocks whose partition equals the true one; NaN without
    blocks. ``people`` and ``identities`` count distinct labels over all blocks.
    """

    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float
    pairwise_precision: float
    pairwise_recall: float
    pairwise_f1: float
    exact_blocks: float
    signatures: int
    people: int
    identities: int
    blocks: int


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """Observed frequency in equal-width bins of predicted probability.

    ``edges`` float64[bins + 1]; ``predicted`` and ``observed`` float64[bins] are the weighted
    mean probability and share of positives in each bin (NaN in an empty bin); ``weight``
    float64[bins] is the bin's share of the total weight and sums to 1.
    """

    edges: Float64
    predicted: Float64
    observed: Float64
    weight: Float64


@dataclass(frozen=True, slots=True)
class _Cells:
    """The non-empty cells of the contingency table block × predicted × true, int64[m] each."""

    count: Int64
    predicted_size: Int64
    true_size: Int64
    block: Int64


def evaluate(predicted: Integer, truth: Integer, block: Integer | None = None) -> Metrics:
    """Compare two partitions of the same signatures.

    Parameters
    ----------
    predicted : integers of shape (n,)
        Identity code of each signature.
    truth : integers of shape (n,)
        Person code of each signature.
    block : integers of shape (n,), or None
        Block code of each signature, to measure within blocks; None measures over the
        whole corpus.

    Returns
    -------
    Metrics
        Pairwise precision is NaN when no pair was predicted, pairwise recall when no true
        pair exists, pairwise F1 when neither does; with n = 0 all values are NaN.

    Raises
    ------
    ValueError
        The arrays are not one-dimensional, of one length and of integers.

    Examples
    --------
    >>> evaluate(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])).bcubed_precision
    0.6666666666666666
    """
    _validate(predicted, truth, block)
    (people, true_codes), (identities, predicted_codes) = (
        _encode_labels(truth),
        _encode_labels(predicted),
    )
    blocks, block_codes = (0, None) if block is None else _encode_labels(block)
    cells = _count_cells(predicted_codes, true_codes, block_codes)
    n = int(predicted.size)
    precision = _divide(float((cells.count**2 / cells.predicted_size).sum()), n)
    recall = _divide(float((cells.count**2 / cells.true_size).sum()), n)
    correct_pairs = int((cells.count * (cells.count - 1)).sum())
    predicted_pairs = int((cells.count * (cells.predicted_size - 1)).sum())
    true_pairs = int((cells.count * (cells.true_size - 1)).sum())
    return Metrics(
        bcubed_precision=precision,
        bcubed_recall=recall,
        bcubed_f1=_divide(2 * precision * recall, precision + recall),
        pairwise_precision=_divide(correct_pairs, predicted_pairs),
        pairwise_recall=_divide(correct_pairs, true_pairs),
        pairwise_f1=_divide(2 * correct_pairs, predicted_pairs + true_pairs),
        exact_blocks=_compute_exact_share(cells, blocks),
        signatures=n,
        people=people,
        identities=identities,
        blocks=blocks,
    )


def bcubed_by_signature(
    predicted: Integer, truth: Integer, block: Integer | None = None
) -> tuple[Float64, Float64]:
    """Return B-cubed precision and recall of every signature, float64[n] each.

    Their means over a set of signatures are the B-cubed precision and recall of that set;
    arguments and errors are those of :func:`evaluate`.
    """
    _validate(predicted, truth, block)
    true_codes, predicted_codes = _encode_labels(truth)[1], _encode_labels(predicted)[1]
    if block is not None:
        block_codes = _encode_labels(block)[1]
        true_codes = _encode_pairs(block_codes, true_codes)
        predicted_codes = _encode_pairs(block_codes, predicted_codes)
    together = _count_cluster_sizes(_encode_pairs(predicted_codes, true_codes))
    return together / _count_cluster_sizes(predicted_codes), together / _count_cluster_sizes(
        true_codes
    )


def expected_calibration_error(
    probability: npt.ArrayLike,
    positive: npt.ArrayLike,
    bins: int = 15,
    weights: npt.ArrayLike | None = None,
) -> float:
    """Return the mean gap between predicted probability and observed share over equal-width bins.

    The common definition (Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017, who use 15
    bins): the sum over bins of the bin's share of the weight times |observed − predicted|.
    Arguments and errors are those of :func:`reliability_curve`; NaN when n = 0.
    """
    curve = reliability_curve(probability, positive, bins, weights)
    is_filled = curve.weight > 0
    if not is_filled.any():
        return float("nan")
    gap = np.abs(curve.observed[is_filled] - curve.predicted[is_filled])
    return float((curve.weight[is_filled] * gap).sum())


def reliability_curve(
    probability: npt.ArrayLike,
    positive: npt.ArrayLike,
    bins: int = 15,
    weights: npt.ArrayLike | None = None,
) -> ReliabilityCurve:
    """Return the observed share of positives in equal-width bins of the predicted probability.

    Parameters
    ----------
    probability : floats of shape (n,)
        Predicted probabilities in [0, 1].
    positive : bool or 0/1 of shape (n,)
        True class.
    bins : int
        Number of bins over [0, 1]; each includes its lower edge, the last also 1.
    weights : non-negative floats of shape (n,), or None
        None gives all the same weight.

    Raises
    ------
    ValueError
        A probability is NaN or outside [0, 1], or the lengths differ.
    """
    p = np.asarray(probability, dtype=np.float64)
    y = np.asarray(positive, dtype=np.float64)
    w = np.ones_like(p) if weights is None else np.asarray(weights, dtype=np.float64)
    if p.ndim != 1 or p.shape != y.shape or p.shape != w.shape:
        raise ValueError("probability, positive and weights must be one-dimensional, same length")
    if not bool(((p >= 0) & (p <= 1)).all()):
        raise ValueError("probabilities must lie in [0, 1] and not be NaN")
    index = np.minimum((p * bins).astype(np.int64), bins - 1)
    weight = np.bincount(index, weights=w, minlength=bins)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(index, weights=w * p, minlength=bins) / weight
        observed = np.bincount(index, weights=w * y, minlength=bins) / weight
    total = weight.sum()
    share: Float64 = weight / total if total > 0 else np.zeros(bins)
    return ReliabilityCurve(np.linspace(0, 1, bins + 1), predicted, observed, share)


def _validate(predicted: Integer, truth: Integer, block: Integer | None) -> None:
    for array in (predicted, truth) if block is None else (predicted, truth, block):
        if array.ndim != 1 or array.shape != predicted.shape:
            raise ValueError("predicted, truth and block must be one-dimensional, same length")
        if not np.issubdtype(array.dtype, np.integer):
            raise ValueError(f"cluster codes must be integers, not {array.dtype}")


def _encode_labels(labels: Integer) -> tuple[int, Int64]:
    """Number the distinct labels 0…k−1; return k and the codes, int64[n]."""
    if labels.size == 0:
        return 0, labels.astype(np.int64)
    low, high = int(labels.min()), int(labels.max())
    if high - low > 4 * labels.size:
        distinct, codes = np.unique(labels, return_inverse=True)
        return len(distinct), codes
    # Dense labels need no sort: this is ten times faster than np.unique.
    shifted = labels.astype(np.int64) - low
    is_present = np.zeros(high - low + 1, dtype=np.int64)
    is_present[shifted] = 1
    return int(is_present.sum()), (np.cumsum(is_present) - 1)[shifted]


def _encode_pairs(a: Int64, b: Int64) -> Int64:
    """Return one code per distinct (a, b), int64[n]."""
    width = int(b.max(initial=0)) + 1
    return _encode_labels(a * width + b)[1]


def _count_cluster_sizes(codes: Int64) -> Int64:
    """Return the number of signatures with the same code as each signature, int64[n]."""
    return np.bincount(codes)[codes]


def _count_cells(predicted: Int64, truth: Int64, block: Int64 | None) -> _Cells:
    """Count signatures by (block, predicted, true) with one sort over a combined key."""
    if block is None:
        block = np.zeros_like(truth)
    identities, people, blocks = (int(a.max(initial=0)) + 1 for a in (predicted, truth, block))
    if identities * people * blocks >= _LARGEST_KEY:
        predicted, truth = _encode_pairs(block, predicted), _encode_pairs(block, truth)
        owner = np.zeros(int(predicted.max(initial=0)) + 1, dtype=np.int64)
        owner[predicted] = block
        people = int(truth.max(initial=0)) + 1
        key, count = np.unique(predicted * people + truth, return_counts=True)
        cell_predicted, cell_true = np.divmod(key, people)
        cell_block = owner[cell_predicted]
    else:
        key, count = np.unique(
            (block * identities + predicted) * people + truth, return_counts=True
        )
        cell_predicted, cell_true = np.divmod(key, people)
        cell_block = cell_predicted // identities
        cell_true = cell_true + cell_block * people
    return _Cells(
        count, _sum_by_group(cell_predicted, count), _sum_by_group(cell_true, count), cell_block
    )


def _sum_by_group(group: Int64, value: Int64) -> Int64:
    """Return for each row the sum of ``value`` over its group, int64[m]."""
    codes = _encode_labels(group)[1]
    # bincount sums in float64, exact below 2**53 signatures.
    sums: Int64 = np.bincount(codes, weights=value).astype(np.int64)[codes]
    return sums


def _compute_exact_share(cells: _Cells, blocks: int) -> float:
    wrong = (cells.count != cells.predicted_size) | (cells.count != cells.true_size)
    return _divide(blocks - len(np.unique(cells.block[wrong])), blocks)


def _divide(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else float("nan")
