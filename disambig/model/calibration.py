"""Calibration: a monotone map from a classifier's log-odds to probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from disambig.arrays import Float32, Float64
from disambig.errors import ModelError

MAX_KNOTS = 64
_LIMIT = 15.0  # log-odds; beyond, a float32 probability would soon be exactly 0 or 1
_BINS = 48  # of equal weight; their ends are split further
_TAIL_SPLITS = 7  # halvings of the first and the last bin, where probabilities are extreme
_PRIOR_ROWS = 10.0  # weight, in average rows, of the uncalibrated probability in each bin


def sigmoid(log_odds: npt.NDArray[Any]) -> Float32:
    """Convert log-odds to probabilities, float32, same shape, strictly inside (0, 1)."""
    bounded = np.clip(np.asarray(log_odds, dtype=np.float32), -_LIMIT, _LIMIT)
    return (1 / (1 + np.exp(-bounded))).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Calibration:
    """A monotone map from log-odds to probability, piecewise linear in log-odds.

    Outside the knots its slope is one, so the order of scores is kept.

    Attributes
    ----------
    x : float64[k]
        Log-odds of the classifier, increasing.
    y : float64[k]
        Calibrated probabilities at ``x``, strictly inside (0, 1), not decreasing.

    Raises
    ------
    ModelError
        No knots or more than 64, or values that break these rules.
    """

    x: Float64
    y: Float64

    def __post_init__(self) -> None:
        """Reject values that form no monotone map."""
        x, y = self.x, self.y
        has_shape = x.dtype == y.dtype == np.float64 and x.ndim == 1 and x.shape == y.shape
        if not has_shape or not 1 <= len(x) <= MAX_KNOTS:
            raise ModelError(f"damaged calibration: it needs 1 to {MAX_KNOTS} knots of float64")
        if not np.isfinite(x).all() or (np.diff(x) <= 0).any():
            raise ModelError("damaged calibration: its log-odds do not increase")
        if not ((y > 0) & (y < 1)).all() or (np.diff(y) < 0).any():
            raise ModelError("damaged calibration: its probabilities decrease or leave (0, 1)")

    def __call__(self, raw: npt.NDArray[Any]) -> Float32:
        """Return calibrated probabilities for log-odds ``raw``: float32, same shape, in (0, 1)."""
        raw = np.asarray(raw, dtype=np.float64)
        inside = np.interp(raw, self.x, np.log(self.y / (1 - self.y)))
        return sigmoid(inside + raw - np.clip(raw, self.x[0], self.x[-1]))


def fit_calibration(
    raw: npt.NDArray[Any], y: npt.NDArray[Any], weight: npt.NDArray[Any] | None = None
) -> Calibration:
    """Fit a :class:`Calibration` on scores of rows the classifier was not fitted on.

    Rows are binned by score, finer towards both ends; bins are made monotone by pooling
    neighbours that are not (isotonic regression); each pool's mean score becomes a knot.

    Parameters
    ----------
    raw : float[n]
        Log-odds of the classifier.
    y : bool[n] or float[n]
        True for the positive class; or a row's share of it, in [0, 1].
    weight : float[n] or None
        Non-negative weights of rows; None for equal weights.

    Raises
    ------
    ValueError
        No rows, no weight, lengths that disagree, scores that are not finite, or shares
        outside [0, 1].
    """
    from sklearn.isotonic import IsotonicRegression  # slow, and only training needs it

    raw, y = np.asarray(raw, dtype=np.float64), np.asarray(y, dtype=np.float64)
    w = np.ones(len(raw)) if weight is None else np.asarray(weight, dtype=np.float64)
    if raw.ndim != 1 or not raw.shape == y.shape == w.shape:
        raise ValueError(f"lengths disagree: {raw.shape}, {y.shape}, {w.shape}")
    if not np.isfinite(raw).all() or not (np.isfinite(w) & (w >= 0)).all() or w.sum() == 0:
        raise ValueError("calibration needs finite scores and some weight")
    if not ((y >= 0) & (y <= 1)).all():
        raise ValueError("labels must be False or True, or shares in [0, 1]")
    raw, y, w = raw[w > 0], y[w > 0], w[w > 0]
    bins = np.searchsorted(_compute_bin_edges(raw, w), raw, side="right")
    mass = np.bincount(bins, w)
    bins, mass = np.cumsum(mass > 0)[bins] - 1, mass[mass > 0]
    x = np.bincount(bins, w * raw) / mass
    prior = np.bincount(bins, w * sigmoid(raw))
    pull = _PRIOR_ROWS * w.mean()
    share = (np.bincount(bins, w * y) + pull * prior / mass) / (mass + pull)
    monotone = IsotonicRegression().fit_transform(x, share, sample_weight=mass)
    _, pool = np.unique(monotone, return_inverse=True)
    weight_of = np.bincount(pool, mass)
    low, high = sigmoid(np.array([-_LIMIT, _LIMIT])).astype(np.float64)
    return Calibration(
        np.bincount(pool, mass * x) / weight_of,
        np.clip(np.bincount(pool, mass * monotone) / weight_of, low, high),
    )


def _compute_bin_edges(raw: Float64, weight: Float64) -> Float64:
    """Return scores that divide rows into bins of equal weight, both ends halved repeatedly."""
    tail = 0.5 ** np.arange(1, _TAIL_SPLITS + 1) / _BINS
    levels = np.sort(np.concatenate([tail, np.arange(1, _BINS) / _BINS, 1 - tail]))
    order = np.argsort(raw, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    at = np.searchsorted(reached, levels).clip(max=len(raw) - 1)
    edges: Float64 = np.unique(raw[order][at])
    return edges
