"""The compiled evaluation of a forest against the trees walked node by node."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.model._forest_kernel import ROWS
from disambig.model._forest_layout import CELLS, CUTS_PER_PLANE, Layout
from disambig.model.forest import Forest

NAN, INF = np.float32("nan"), np.float32("inf")
HUGE, TINY = np.finfo(np.float32).max, np.finfo(np.float32).smallest_subnormal


def walked(forest: Forest, X: np.ndarray) -> list[float]:
    """The scores by the definition: each row down each tree, node by node."""
    scores = []
    for row in X:
        total = forest.baseline
        for root in forest.tree_start[:-1]:
            node = root
            while forest.left[node] >= 0:
                x = row[forest.feature[node]]
                left = forest.missing_left[node] if np.isnan(x) else x <= forest.threshold[node]
                node = forest.left[node] if left else forest.right[node]
            total += forest.value[node]
        scores.append(float(total))
    return scores


def random_forest(
    rng: np.random.Generator, n_trees: int, width: int, cuts: np.ndarray, leaves: int = 8
) -> Forest:
    """Trees of any shape and of one leaf to ``leaves``, thresholds drawn from ``cuts``."""
    nodes: list[list[float]] = []
    start = [0]
    for _ in range(n_trees):
        root = len(nodes)
        nodes.append([-1, 0, 0, -1, -1, rng.normal()])
        tips = [root]
        for _ in range(rng.integers(leaves)):
            tip = tips.pop(rng.integers(len(tips)))
            at = len(nodes)
            nodes[tip][:5] = [rng.integers(width), rng.choice(cuts), rng.integers(2), at, at + 1]
            nodes += [[-1, 0, 0, -1, -1, rng.normal()] for _ in range(2)]
            tips += [at, at + 1]
        start.append(len(nodes))
    table = np.array(nodes, dtype=np.float64).reshape(-1, 6)
    feature, threshold, missing_left, left, right, value = table.T
    return Forest(
        tuple(f"f{k}" for k in range(width)),
        feature.astype(np.int32),
        threshold.astype(np.float32),
        missing_left.astype(bool),
        left.astype(np.int32),
        right.astype(np.int32),
        value.copy(),
        np.array(start, dtype=np.int32),
        float(rng.normal()),
    )


def around(rng: np.random.Generator, forest: Forest, rows: int) -> np.ndarray:
    """Rows of values at, just beside and far from the forest's thresholds, or missing."""
    cuts = np.append(forest.threshold[forest.left >= 0], np.float32(0))
    with np.errstate(over="ignore"):
        beside = [np.nextafter(cuts, INF), np.nextafter(cuts, -INF)]
    values = np.concatenate([cuts, *beside, [NAN] * (1 + len(cuts) // 3), [INF, -INF]])
    return rng.choice(values.astype(np.float32), size=(rows, len(forest.features)))


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_trees=st.integers(0, 40),
    width=st.integers(1, 5),
    leaves=st.integers(1, 8),
)
def test_scores_are_those_of_the_trees_walked_node_by_node(seed, n_trees, width, leaves):
    rng = np.random.default_rng(seed)
    forest = random_forest(rng, n_trees, width, rng.normal(size=12).astype(np.float32), leaves)
    X = around(rng, forest, 30)
    assert forest.compute_log_odds(X) == pytest.approx(walked(forest, X), abs=1e-5)


@pytest.mark.parametrize(
    "cuts",
    [
        [0.0],
        [-0.0, 0.0, TINY, -TINY],
        [-HUGE, HUGE],
        [-HUGE, 0, 1, 2, INF],
        [-INF, 1],
        [INF],
        [0, TINY, 2 * TINY],
        [1, np.nextafter(np.float32(1), INF), 2],
        [0, 1e-30, 1e-20, 1e-10, 1, 1e10, 1e30],
        [*np.linspace(0, 1e-6, 40), 1e6],
    ],
)
def test_thresholds_of_any_size_and_spacing_decide_exactly(cuts):
    rng = np.random.default_rng(1)
    forest = random_forest(rng, 60, 2, np.array(cuts, dtype=np.float32))
    X = around(rng, forest, 200)
    assert forest.compute_log_odds(X) == pytest.approx(walked(forest, X), abs=1e-5)


@pytest.mark.parametrize(
    "distinct",
    [
        CUTS_PER_PLANE - 1,
        CUTS_PER_PLANE,
        CUTS_PER_PLANE + 1,
        2 * CUTS_PER_PLANE,
        2 * CUTS_PER_PLANE + 1,
        1500,
    ],
)
def test_more_thresholds_than_a_byte_can_count_decide_exactly(distinct):
    rng = np.random.default_rng(distinct)
    cuts = np.unique(rng.normal(size=distinct).astype(np.float32))
    forest = random_forest(rng, distinct, 1, cuts)
    assert len(np.unique(forest.threshold[forest.left >= 0])) > 0.9 * distinct
    X = around(rng, forest, 300)
    assert forest.compute_log_odds(X) == pytest.approx(walked(forest, X), abs=1e-4)


def test_more_features_than_are_tested_and_rows_that_do_not_fill_a_batch_are_scored():
    rng = np.random.default_rng(5)
    forest = random_forest(rng, 7, 3, np.array([0, 1, 2], dtype=np.float32))
    wide = Forest(
        tuple("abcdefgh"),
        np.where(forest.feature >= 0, forest.feature * 3, -1).astype(np.int32),
        forest.threshold,
        forest.missing_left,
        forest.left,
        forest.right,
        forest.value,
        forest.tree_start,
        forest.baseline,
    )
    for rows in (1, 31, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS + 7):
        X = around(rng, wide, rows)
        assert wide.compute_log_odds(X) == pytest.approx(walked(wide, X), abs=1e-5)


def test_a_score_is_the_same_to_the_last_bit_alone_in_any_batch_and_order():
    rng = np.random.default_rng(2)
    forest = random_forest(rng, 100, 4, rng.normal(size=50).astype(np.float32))
    X = around(rng, forest, 3 * ROWS + 5)
    whole = forest.compute_log_odds(X).tolist()
    assert [forest.compute_log_odds(X[i : i + 1])[0] for i in range(0, len(X), 97)] == whole[::97]
    assert forest.compute_log_odds(X[100:900]).tolist() == whole[100:900]
    assert forest.compute_log_odds(X[::-1]).tolist() == whole[::-1]
    assert forest.compute_log_odds(np.asfortranarray(X)).tolist() == whole
    assert (
        forest.compute_log_odds(np.asfortranarray(np.repeat(X, 2, axis=0))[::2]).tolist() == whole
    )


def test_a_sum_of_many_trees_is_rounded_as_little_as_float32_allows():
    rng = np.random.default_rng(3)
    forest = random_forest(rng, 3000, 4, rng.normal(size=50).astype(np.float32))
    X = around(rng, forest, 50)
    assert forest.compute_log_odds(X) == pytest.approx(walked(forest, X), rel=2e-6, abs=5e-5)


def test_one_plane_holds_each_feature_and_side_of_missing_values():
    # f0 <= 0.5 (missing left), then f0 <= 1.5 (missing right) on its right
    forest = Forest(
        ("a", "b"),
        np.array([0, -1, 0, -1, -1], dtype=np.int32),
        np.array([0.5, 0, 1.5, 0, 0], dtype=np.float32),
        np.array([True, False, False, False, False]),
        np.array([1, -1, 3, -1, -1], dtype=np.int32),
        np.array([2, -1, 4, -1, -1], dtype=np.int32),
        np.array([0.0, 1, 0, 2, 4]),
        np.array([0, 5], dtype=np.int32),
        0.0,
    )
    layout = Layout.from_forest(forest)
    assert layout.plane_start.tolist() == [0, 2, 2]
    assert layout.missing.tolist() == [0, 255]
    assert layout.plane[0, :2].tolist() == [0, 1]
    assert layout.cut[0].tolist() == [0, 1, *[255] * 5]
    assert layout.leaf_mask[0, :2].tolist() == [0b11111110, 0b11111101]
    assert layout.tables[0, :3].tolist() == [1, 2, 4]
    assert layout.grid[0, [0, 1, CELLS - 1]].tolist() == [0, 1, 1]


def test_the_layout_is_made_once():
    forest = random_forest(np.random.default_rng(0), 3, 2, np.zeros(1, dtype=np.float32))
    assert forest._kernel_layout is forest._kernel_layout
