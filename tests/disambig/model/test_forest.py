"""Boosted trees as arrays: exact decisions, sums, refusals; calibration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier

from disambig.errors import ModelError
from disambig.model.calibration import MAX_KNOTS, Calibration, fit_calibration, sigmoid
from disambig.model.forest import Forest, fit_forest

NAN, INF = float("nan"), float("inf")


def forest_of(*trees: list[tuple], features: str = "ab", baseline: float = 0.0) -> Forest:
    """A forest of trees whose nodes are (feature, threshold, missing_left, left, right, value)."""
    start = np.cumsum([0, *map(len, trees)])
    rows = [
        (f, t, m, left + a if left > 0 else -1, right + a if right > 0 else -1, v)
        for a, tree in zip(start.tolist(), trees, strict=False)
        for f, t, m, left, right, v in tree
    ]
    columns = list(zip(*rows, strict=True)) or [()] * 6
    types = (np.int32, np.float32, np.bool_, np.int32, np.int32, np.float64)
    arrays = [np.array(c, dtype=t) for c, t in zip(columns, types, strict=True)]
    return Forest(tuple(features), *arrays, start.astype(np.int32), baseline)


def leaf(value: float) -> tuple:
    return (-1, 0.0, False, -1, -1, value)


# a <= 1 (missing goes left)? then b <= 2 (missing goes right)? 10 : 20, else 40
TREE = [(0, 1.0, True, 1, 4, 4.0), (1, 2.0, False, 2, 3, 1.0), leaf(10), leaf(20), leaf(40)]
SMALL = forest_of(TREE, [leaf(0.5)], baseline=-3.0)


def walked(forest: Forest, row: np.ndarray) -> float:
    """The score of one row by the definition: down each tree, node by node."""
    total = forest.baseline
    for root in forest.tree_start[:-1]:
        node = root
        while forest.left[node] >= 0:
            x = row[forest.feature[node]]
            left = forest.missing_left[node] if np.isnan(x) else x <= forest.threshold[node]
            node = forest.left[node] if left else forest.right[node]
        total += forest.value[node]
    return float(total)


def grown(rng: np.random.Generator, leaves: int, width: int, cuts: np.ndarray) -> list[tuple]:
    """A random tree of any shape, from chains to balanced."""
    if leaves == 1:
        return [leaf(float(rng.normal()))]
    on_left = int(rng.integers(1, leaves))
    left, right = (grown(rng, n, width, cuts) for n in (on_left, leaves - on_left))

    def moved(nodes: list[tuple], by: int) -> list[tuple]:
        return [(*n[:3], *(c + by if c > 0 else c for c in n[3:5]), n[5]) for n in nodes]

    root = (
        int(rng.integers(width)),
        rng.choice(cuts),
        bool(rng.integers(2)),
        1,
        1 + len(left),
        float(rng.normal()),
    )
    return [root, *moved(left, 1), *moved(right, 1 + len(left))]


def fitted(leaves: int = 8, n_trees: int = 40) -> tuple[HistGradientBoostingClassifier, np.ndarray]:
    X, y = make_classification(3000, 6, n_informative=5, n_redundant=0, random_state=3)
    X = X.astype(np.float32)
    X[np.random.default_rng(0).random(X.shape) < 0.2] = NAN
    model = HistGradientBoostingClassifier(max_iter=n_trees, max_leaf_nodes=leaves)
    return model.fit(X, y), X


@pytest.mark.parametrize(
    ("a", "b", "score"),
    [
        (1.0, 2.0, 7.5),  # both at their thresholds: left, left
        (1.0, 2.5, 17.5),
        (np.nextafter(np.float32(1), np.float32(2)), 2.0, 37.5),
        (NAN, NAN, 17.5),  # a missing goes left, b missing goes right
        (INF, NAN, 37.5),
        (-INF, -INF, 7.5),
    ],
)
def test_a_row_scores_baseline_plus_the_leaf_it_reaches_in_each_tree(a, b, score):
    assert SMALL.compute_log_odds(np.array([[a, b]])).tolist() == [score]


def test_contributions_credit_each_change_of_value_to_the_feature_tested():
    # root 4 -> 1 by a, 1 -> 20 by b; bias is -3 + 4 + 0.5
    assert SMALL.compute_contributions(np.array([[0.0, 3.0]])).tolist() == [[-3.0, 19.0, 1.5]]


def test_probability_is_the_sigmoid_of_the_score():
    tree = [(0, 0.0, True, 1, 2, 0.0), leaf(0.0), leaf(np.log(3))]
    X = np.array([[0.0], [1.0]])
    assert forest_of(tree, features="a").predict_probability(X) == pytest.approx([0.5, 0.75])


def test_a_forest_without_trees_scores_its_baseline():
    assert forest_of(baseline=0.25).compute_log_odds(np.zeros((3, 2))).tolist() == [0.25] * 3


def test_no_rows_give_no_scores_and_no_contributions():
    X = np.zeros((0, 2), dtype=np.float32)
    assert SMALL.compute_log_odds(X).shape == (0,)
    assert SMALL.compute_contributions(X).shape == (0, 3)


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 2**32 - 1), leaves=st.integers(1, 8))
def test_any_tree_shape_and_value_scores_as_walked_node_by_node(seed, leaves):
    rng = np.random.default_rng(seed)
    cuts = rng.normal(size=5).astype(np.float32)
    forest = forest_of(*(grown(rng, leaves, 3, cuts) for _ in range(3)), features="abc")
    values = np.concatenate([cuts, np.nextafter(cuts, np.float32(9)), [NAN, INF, -INF, 0]])
    X = rng.choice(values, size=(40, 3)).astype(np.float32)
    assert forest.compute_log_odds(X) == pytest.approx([walked(forest, row) for row in X], abs=1e-5)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), leaves=st.integers(1, 8))
def test_contributions_sum_to_the_score(seed, leaves):
    rng = np.random.default_rng(seed)
    cuts = rng.normal(size=5).astype(np.float32)
    forest = forest_of(*(grown(rng, leaves, 3, cuts) for _ in range(5)), features="abc")
    X = rng.choice([*cuts, NAN, INF], size=(20, 3)).astype(np.float32)
    assert forest.compute_contributions(X).sum(axis=1) == pytest.approx(
        forest.compute_log_odds(X), abs=1e-5
    )


@pytest.mark.parametrize("leaves", [2, 3, 7, 8])
def test_scores_are_those_of_the_scikit_learn_model(leaves):
    model, X = fitted(leaves)
    forest = Forest.from_sklearn(model, "abcdef")
    at_thresholds = np.random.default_rng(1).choice(
        np.append(forest.threshold[forest.left >= 0], [NAN, INF, -INF]), size=(2000, 6)
    )
    X = np.concatenate([X, at_thresholds.astype(np.float32)])
    assert forest.compute_log_odds(X) == pytest.approx(model.decision_function(X), abs=1e-5)


def test_a_float64_threshold_between_two_float32_values_still_separates_them():
    low = np.float32(1.1)
    high = np.nextafter(low, np.float32(2))
    X = np.repeat(np.array([low, high]), 40)[:, None]
    model = HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=5).fit(X, X[:, 0] > low)
    cut = model._predictors[0][0].nodes["num_threshold"][0]
    assert low < cut < high
    scores = Forest.from_sklearn(model, ["a"]).compute_log_odds(X)
    assert scores == pytest.approx(model.decision_function(X), abs=1e-6)


def test_before_any_test_the_log_odds_are_those_of_the_training_labels():
    X, y = np.random.default_rng(0).normal(size=(400, 2)), np.arange(400) % 4 == 0
    forest = fit_forest(X, y, None, "ab", n_trees=20)
    assert forest.compute_contributions(X)[:, -1] == pytest.approx(np.log(1 / 3), abs=1e-6)


def test_fitting_twice_with_one_seed_gives_one_forest():
    X = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    y = X[:, 0] + X[:, 1] > 0
    a, b = (fit_forest(X, y, None, "abc", n_trees=9, seed=4) for _ in range(2))
    assert a.threshold.tolist() == b.threshold.tolist()
    assert a.value.tolist() == b.value.tolist()


def test_a_feature_without_any_value_is_never_tested():
    X = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    y = X[:, 0] > 0
    X[:, 1] = NAN
    forest = fit_forest(X, y, None, "ab", n_trees=5)
    assert set(forest.feature.tolist()) == {-1, 0}


def test_a_feature_only_seen_in_rows_without_weight_is_never_tested():
    X = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    y = X[:, 0] > 0
    X[50:, 1] = NAN
    forest = fit_forest(X, y, (np.arange(500) >= 50).astype(float), "ab", n_trees=5)
    assert set(forest.feature.tolist()) == {-1, 0}


def test_a_feature_too_rare_for_a_sample_of_the_rows_is_never_tested():
    X = np.zeros((200_001, 2), dtype=np.float32)
    X[100_000:, 0] = 1
    y = X[:, 0] > 0
    X[29:, 1] = NAN  # scikit-learn's sample of 200,000, with replacement, may miss all 29
    forest = fit_forest(X, y, None, "ab", n_trees=1)
    assert set(forest.feature.tolist()) == {-1, 0}


def test_a_monotone_feature_never_raises_the_score_against_its_sign():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 2)).astype(np.float32)
    y = np.sin(3 * X[:, 0]) + X[:, 1] > 0  # not monotone in a
    grid = np.stack([np.linspace(-3, 3, 200), np.zeros(200)], axis=1)
    free = fit_forest(X, y, None, "ab", n_trees=30).compute_log_odds(grid)
    held = fit_forest(X, y, None, "ab", n_trees=30, monotone={"a": -1}).compute_log_odds(grid)
    assert (np.diff(free) > 0).any()
    assert (np.diff(held) <= 1e-6).all()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"X": np.full((4, 1), INF)}, "infinite"),
        ({"y": np.ones(4)}, "one class"),
        ({"monotone": {"z": 1}}, "unknown features: z"),
        ({"leaves": 9}, "2 to 8"),
        ({"features": ["a", "b"]}, "feature names"),
    ],
)
def test_unusable_training_input_is_refused_by_name(change, text):
    given = {"X": np.arange(4.0)[:, None], "y": np.arange(4) > 1, "features": ["a"]} | change
    X, y, features = (given.pop(k) for k in ("X", "y", "features"))
    with pytest.raises(ValueError, match=text):
        fit_forest(X, y, None, features, n_trees=1, min_leaf=1, **given)


def test_categorical_features_are_refused():
    X = np.arange(200)[:, None] % 4
    model = HistGradientBoostingClassifier(categorical_features=[0], max_iter=2)
    with pytest.raises(ValueError, match="categorical"):
        Forest.from_sklearn(model.fit(X, X[:, 0] % 2), ["a"])


def test_three_classes_are_refused():
    X = np.arange(90.0)[:, None]
    model = HistGradientBoostingClassifier(max_iter=1).fit(X, X[:, 0] // 30)
    with pytest.raises(ValueError, match="two classes"):
        Forest.from_sklearn(model, ["a"])


def test_trees_of_more_than_8_leaves_are_refused():
    model = HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=9, min_samples_leaf=1)
    X = np.random.default_rng(0).normal(size=(5000, 2))
    with pytest.raises(ValueError, match="8 leaves"):
        Forest.from_sklearn(model.fit(X, np.arange(5000) % 2), "ab")


def test_a_matrix_of_another_width_is_refused():
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        SMALL.compute_log_odds(np.zeros((5, 3)))


@pytest.mark.parametrize(
    ("name", "place", "value", "text"),
    [
        ("left", 0, 99, "out of its tree"),
        ("right", 1, 5, "out of its tree"),  # the second tree's root
        ("right", 1, 0, "before its parent"),  # a cycle
        ("left", 0, 0, "before its parent"),
        ("left", 0, -1, "before its parent"),
        ("right", 0, 3, "two parents"),
        ("left", 2, 4, "leaf with children"),
        ("feature", 1, 2, "does not exist"),
        ("feature", 5, -7, "does not exist"),
        ("threshold", 0, NAN, "not a number"),
        ("value", 2, NAN, "not a number"),
        ("value", 2, INF, "not a number"),
        ("tree_start", 0, 1, "tree_start"),
        ("tree_start", 2, 4, "tree_start"),
        ("tree_start", 1, 0, "without nodes"),
        ("tree_start", 1, 7, "without nodes"),
    ],
)
def test_arrays_that_form_no_trees_are_refused(name, place, value, text):
    array = getattr(SMALL, name).copy()
    array[place] = value
    with pytest.raises(ModelError, match=text):
        replace(SMALL, **{name: array})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"threshold": SMALL.threshold.astype(np.float64)}, "threshold is float64"),
        ({"left": SMALL.left[:, None]}, "2 dimensions"),
        ({"value": SMALL.value[:-1]}, "6 entries for 5 nodes"),
        ({"tree_start": np.zeros(0, dtype=np.int32)}, "tree_start"),
        ({"features": ("a", "a")}, "twice"),
        ({"baseline": NAN}, "baseline"),
    ],
)
def test_arrays_of_wrong_type_or_length_are_refused(change, text):
    with pytest.raises(ModelError, match=text):
        replace(SMALL, **change)


def test_a_tree_wider_than_its_bits_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ModelError, match="too many leaves"):
        forest_of(grown(rng, 9, 2, np.zeros(1, dtype=np.float32)))


def test_the_sigmoid_stays_strictly_inside_0_and_1():
    low, mid, high = sigmoid(np.array([-1e30, 0, 1e30])).tolist()
    assert 0 < low < 1e-6
    assert mid == 0.5
    assert 1 - 1e-6 < high < 1


def test_calibration_is_straight_in_log_odds_between_knots_and_beyond_with_slope_one():
    at = Calibration(np.array([0.0, 2.0]), np.array([0.5, 0.9]))  # log-odds 0 and log 9
    expected = [0.5, 0.75, 0.9, 9 * np.e / (1 + 9 * np.e), 1 / (1 + np.e)]
    assert at(np.array([0, 1, 2, 3, -1])) == pytest.approx(expected, abs=1e-6)


def test_calibration_finds_the_true_probabilities_of_overconfident_scores():
    rng = np.random.default_rng(0)
    raw = rng.normal(-2, 3, size=200_000)
    true = sigmoid(0.5 * raw + 0.4)
    fit = fit_calibration(raw, rng.random(len(raw)) < true)
    assert np.abs(sigmoid(raw) - true).mean() > 0.05
    assert np.abs(fit(raw) - true).mean() < 0.01


def test_calibration_counts_a_row_by_its_weight():
    raw = np.repeat([-1.0, 1.0], 2000)
    y = np.tile([True, False], 2000)
    weight = np.where(y, 1.0, np.where(raw > 0, 1 / 9, 9.0))  # 10% below, 90% above
    assert fit_calibration(raw, y, weight)(np.array([-1, 1])) == pytest.approx([0.1, 0.9], abs=0.01)


def test_calibration_takes_a_share_as_that_much_of_a_positive_row():
    raw = np.repeat([-1.0, 1.0], 5000)
    fit = fit_calibration(raw, np.where(raw > 0, 0.8, 0.3))
    assert fit(np.array([-1, 1])) == pytest.approx([0.3, 0.8], abs=0.01)


@settings(deadline=None, max_examples=150)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from([-40.0, -2.0, -0.5, 0.0, 1e-3, 3.0, 40.0]), st.booleans()),
        min_size=1,
    ),
    scale=st.floats(0.01, 10),
)
def test_calibration_is_monotone_small_and_inside_0_and_1_whatever_the_labels(rows, scale):
    raw, y = np.array([r for r, _ in rows]) * scale, np.array([label for _, label in rows])
    fit = fit_calibration(raw, y)
    p = fit(np.linspace(-500, 500, 2001))
    assert len(fit.x) <= MAX_KNOTS
    assert (np.diff(p) >= 0).all()
    assert p[0] > 0
    assert p[-1] < 1


@pytest.mark.parametrize(
    ("raw", "y", "weight"),
    [
        ([], [], None),
        ([0.0, 1.0], [True], None),
        ([NAN], [True], None),
        ([0.0], [True], [0.0]),
        ([0.0], [True], [-1.0]),
        ([0.0], [2.0], None),
    ],
)
def test_calibration_refuses_rows_it_cannot_learn_from(raw, y, weight):
    with pytest.raises(ValueError, match=r"calibration needs|lengths|labels"):
        fit_calibration(np.array(raw), np.array(y), None if weight is None else np.array(weight))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([], []),
        ([0.0, 0.0], [0.1, 0.2]),
        ([0.0, 1.0], [0.2, 0.1]),
        ([0.0, 1.0], [0.2, 1.0]),
        ([0.0, NAN], [0.2, 0.3]),
        ([0.0], [0.2, 0.3]),
        (list(range(65)), [0.5] * 65),
    ],
)
def test_knots_that_are_no_monotone_map_into_0_and_1_are_refused(x, y):
    with pytest.raises(ModelError, match="damaged calibration"):
        Calibration(np.array(x, dtype=np.float64), np.array(y, dtype=np.float64))
