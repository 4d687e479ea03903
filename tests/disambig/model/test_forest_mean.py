"""The mean of forests: its log-odds are the mean of theirs."""

import numpy as np
import pytest

from disambig.model.forest import Forest, fit_forest


def fitted(seed: int, features: tuple[str, ...] = ("a", "b")) -> Forest:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(400, 2)).astype(np.float32)
    y = X[:, 0] + rng.normal(size=400) > 0
    return fit_forest(X, y, None, features, n_trees=5, leaves=4, min_leaf=10, seed=seed)


def test_the_mean_scores_between_its_forests() -> None:
    forests = [fitted(seed) for seed in range(3)]
    X = np.random.default_rng(9).normal(size=(50, 2)).astype(np.float32)
    X[::7, 1] = np.nan
    expected = np.mean([forest.compute_log_odds(X) for forest in forests], axis=0)
    assert Forest.average(forests).compute_log_odds(X) == pytest.approx(expected, abs=1e-5)


def test_contributions_to_the_mean_add_up_to_its_score() -> None:
    mean = Forest.average([fitted(seed) for seed in range(3)])
    X = np.random.default_rng(9).normal(size=(50, 2)).astype(np.float32)
    assert mean.compute_contributions(X).sum(axis=1) == pytest.approx(
        mean.compute_log_odds(X), abs=1e-5
    )


def test_forests_over_other_features_have_no_mean() -> None:
    with pytest.raises(ValueError, match="same features"):
        Forest.average([fitted(0), fitted(0, ("a", "c"))])


def test_no_forests_have_no_mean() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Forest.average([])
