"""A gradient-boosted binary classifier as plain arrays, with its own evaluation.

A :class:`Forest` holds the trees of a fitted scikit-learn model and no code, so it can be stored
without pickle, read by any later version and explained node by node.

Evaluation (:mod:`disambig.model._forest_kernel`) decides every test as scikit-learn does; scores
differ from those of a tree-by-tree walk by rounding only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from disambig.arrays import Bool, Float32, Float64, Int32
from disambig.errors import ModelError
from disambig.model._forest_kernel import score_rows
from disambig.model._forest_layout import MAX_LEAVES, Layout, find_problem
from disambig.model.calibration import sigmoid

_SKLEARN_SAMPLE = 200_000  # rows from which scikit-learn finds its bins
_ROWS = 1024  # explained at once; bounds the (rows, trees) arrays


@dataclass(frozen=True, eq=False)
class Forest:
    """The trees of a boosted classifier, nodes concatenated, parents before children.

    Attributes
    ----------
    features : tuple of str
        Names of the columns of ``X``, in order.
    feature : int32[nodes]
        Column a node tests; -1 at a leaf.
    threshold : float32[nodes]
        A row goes left if its value is at most this; 0 at a leaf.
    missing_left : bool[nodes]
        Whether a NaN goes left.
    left, right : int32[nodes]
        Children, as indices into these same arrays; -1 at a leaf.
    value : float64[nodes]
        Log-odds a leaf adds. At an inner node, what the tree would add if it ended there.
    tree_start : int32[trees + 1]
        Root of each tree, then the number of nodes.
    baseline : float
        Log-odds before any tree.

    Raises
    ------
    ModelError
        Arrays of a wrong type, or that do not form trees over ``features``.
    """

    features: tuple[str, ...]
    feature: Int32
    threshold: Float32
    missing_left: Bool
    left: Int32
    right: Int32
    value: Float64
    tree_start: Int32
    baseline: float

    def __post_init__(self) -> None:
        """Reject arrays that form no forest, so that evaluation need not check."""
        problem = find_problem(self)
        if problem:
            raise ModelError(f"damaged forest: {problem}; train the model again")

    @classmethod
    def from_sklearn(cls, model: Any, features: Sequence[str]) -> Forest:
        """Copy the trees of a fitted ``HistGradientBoostingClassifier`` (scikit-learn 1.5 to 1.9).

        The result's decisions on float32 rows are exactly the model's. Its log-odds are those
        of the second of the model's two classes.

        Raises
        ------
        ValueError
            More than two classes, categorical features, more than 8 leaves in a tree, or a
            number of feature names that is not the model's.
        """
        _check_supported(model, features)
        trees = [predictors[0].nodes for predictors in model._predictors]
        sizes = [len(tree) for tree in trees]
        start = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        offset = np.repeat(start[:-1], sizes)
        nodes = np.concatenate(trees) if trees else np.zeros(0, dtype=_SKLEARN_FIELDS)
        leaf = nodes["is_leaf"].astype(bool)
        # scikit-learn shrinks the values of leaves only
        value = np.where(leaf, nodes["value"], nodes["value"] * model.learning_rate)
        return cls(
            features=tuple(features),
            feature=np.where(leaf, -1, nodes["feature_idx"]).astype(np.int32),
            threshold=_round_down(np.where(leaf, 0.0, nodes["num_threshold"])),
            missing_left=(nodes["missing_go_to_left"] != 0) & ~leaf,
            left=np.where(leaf, -1, nodes["left"] + offset).astype(np.int32),
            right=np.where(leaf, -1, nodes["right"] + offset).astype(np.int32),
            value=value,
            tree_start=start.astype(np.int32),
            baseline=float(np.ravel(model._baseline_prediction)[0]),
        )

    @classmethod
    def average(cls, forests: Sequence[Forest]) -> Forest:
        """Build a forest whose log-odds are the mean of those of forests over the same features.

        Raises
        ------
        ValueError
            There is no forest, or their features differ.
        """
        if len({forest.features for forest in forests}) != 1:
            raise ValueError("a mean takes at least one forest, and all with the same features")
        offset = np.cumsum([0] + [len(forest.feature) for forest in forests])
        with_offset = list(zip(forests, offset.tolist(), strict=False))
        starts = [f.tree_start[:-1] + o for f, o in with_offset]
        return cls(
            feature=np.concatenate([f.feature for f in forests]),
            threshold=np.concatenate([f.threshold for f in forests]),
            missing_left=np.concatenate([f.missing_left for f in forests]),
            left=np.concatenate(
                [np.where(f.left >= 0, f.left + o, f.left) for f, o in with_offset]
            ),
            right=np.concatenate(
                [np.where(f.right >= 0, f.right + o, f.right) for f, o in with_offset]
            ),
            value=np.concatenate([f.value for f in forests]) / len(forests),
            tree_start=np.concatenate([*starts, offset[-1:]]).astype(np.int32),
            baseline=float(np.mean([f.baseline for f in forests])),
            features=forests[0].features,
        )

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.tree_start) - 1

    @cached_property
    def _kernel_layout(self) -> Layout:
        """The forest as :func:`disambig.model._forest_kernel.score_rows` reads it."""
        return Layout.from_forest(self)

    def compute_log_odds(self, X: npt.NDArray[Any]) -> Float32:
        """Compute the log-odds of the positive class, float32[n].

        A row's score depends on that row alone, to the last bit. It is that of the trees in
        exact arithmetic to about six digits: twelve leaves are summed in float32, the twelves
        in float64, and the sum is rounded to float32.

        Parameters
        ----------
        X : float32[n, features], C or Fortran order
            NaN where missing. Other types are converted first, other strides copied.

        Raises
        ------
        ValueError
            ``X`` does not have one column for each feature.
        """
        return score_rows(self._kernel_layout, self.baseline, self._check_columns(X))

    def predict_probability(self, X: npt.NDArray[Any]) -> Float32:
        """Return the uncalibrated probability of the positive class, float32[n]."""
        return sigmoid(self.compute_log_odds(X))

    def compute_contributions(self, X: npt.NDArray[Any]) -> Float32:
        """Compute what each feature adds to the log-odds, float32[n, features + 1].

        A row sums to :meth:`compute_log_odds`. The last column is the bias: the log-odds before
        any feature is tested. On its way to a leaf, each step's change of value is credited to the
        feature that decided the step (Saabas, "Interpreting random forests", 2014); unlike
        Shapley values this depends on the order of the tests in a tree.
        """
        X = self._check_columns(X)
        out = np.empty((len(X), len(self.features) + 1), dtype=np.float32)
        bias = self.baseline + self.value[self.tree_start[:-1]].sum()
        for a in range(0, len(X), _ROWS):
            out[a : a + _ROWS, :-1] = self._walk_trees(X[a : a + _ROWS])
        out[:, -1] = bias
        return out

    def _walk_trees(self, X: Float32) -> Float64:
        """Compute contributions for a few rows: all trees descend one level at a time."""
        n, width = X.shape
        total = np.zeros(n * width)
        node = np.tile(self.tree_start[:-1], n)
        row = np.repeat(np.arange(n), self.n_trees)
        while True:
            inner = self.left[node] >= 0
            node, row = node[inner], row[inner]
            if not len(node):
                return total.reshape(n, width)
            column = self.feature[node]
            x = X[row, column]
            go_left = (x <= self.threshold[node]) | (np.isnan(x) & self.missing_left[node])
            child = np.where(go_left, self.left[node], self.right[node])
            step = self.value[child] - self.value[node]
            total += np.bincount(row * width + column, weights=step, minlength=n * width)
            node = child

    def _check_columns(self, X: npt.NDArray[Any]) -> Float32:
        """Convert ``X`` to float32 and check its width."""
        X = np.asarray(X, dtype=np.float32)
        if X.ndim != 2 or X.shape[1] != len(self.features):
            raise ValueError(f"X has shape {X.shape}, expected (n, {len(self.features)})")
        return X


def fit_forest(
    X: npt.NDArray[Any],
    y: npt.NDArray[Any],
    weight: npt.NDArray[Any] | None,
    features: Sequence[str],
    *,
    n_trees: int = 300,
    leaves: int = 8,
    learning_rate: float = 0.1,
    min_leaf: int = 20,
    l2: float = 0.0,
    monotone: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Forest:
    """Fit a boosted classifier with scikit-learn and copy its trees.

    Parameters
    ----------
    X : float32[n, features]
        NaN where missing. A column that is missing altogether is not used; nor is one, where
        rows are many, with values in fewer than 15 of 100,000 (by number or by weight).
    y : bool[n]
        True for the positive class.
    weight : float[n] or None
        Weights of rows; None for equal weights.
    features : sequence of str
        Names of the columns.
    n_trees, leaves, learning_rate, min_leaf, l2
        Number of trees; most leaves of a tree (2 to 8); step size; fewest
        rows in a leaf; L2 penalty of leaf values.
    monotone : mapping of str to {-1, 0, 1}
        Features that may only lower or only raise the score; others are free.
    seed : int
        Same seed and input, same forest.

    Raises
    ------
    ValueError
        Infinite values, labels of one class only, an unknown name in ``monotone``, a number of
        leaves that is out of range, or lengths that disagree.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # slow, and only training needs it

    X, y, monotone = np.asarray(X, dtype=np.float32), np.asarray(y, dtype=bool), monotone or {}
    _check_training(X, y, features, leaves, monotone)
    empty = _find_sparse_columns(X, weight)
    if empty.any():
        X = np.where(empty, np.float32(0), X)
    model = HistGradientBoostingClassifier(
        max_iter=n_trees,
        max_leaf_nodes=leaves,
        learning_rate=learning_rate,
        min_samples_leaf=min_leaf,
        l2_regularization=l2,
        monotonic_cst=[int(monotone.get(name, 0)) for name in features],
        early_stopping=False,
        random_state=seed,
    )
    return Forest.from_sklearn(model.fit(X, y, sample_weight=weight), features)


_SKLEARN_FIELDS = np.dtype(
    [
        ("value", "f8"),
        ("feature_idx", "i8"),
        ("num_threshold", "f8"),
        ("missing_go_to_left", "u1"),
        ("left", "u4"),
        ("right", "u4"),
        ("is_leaf", "u1"),
    ]
)


def _check_training(
    X: Float32, y: Bool, features: Sequence[str], leaves: int, monotone: Mapping[str, int]
) -> None:
    """Raise ValueError for input that :func:`fit_forest` cannot learn from."""
    unknown = sorted(set(monotone) - set(features))
    if unknown:
        raise ValueError(f"monotone names unknown features: {', '.join(unknown)}")
    if X.ndim != 2 or X.shape[1] != len(features):
        raise ValueError(f"{len(features)} feature names for X of shape {X.shape}")
    if np.isinf(X).any():
        raise ValueError("X holds infinite values; a missing value is NaN")
    if y.all() or not y.any():
        raise ValueError("labels are all of one class; both are needed")
    if not 2 <= leaves <= MAX_LEAVES:
        raise ValueError(f"a tree may have 2 to {MAX_LEAVES} leaves, not {leaves}")


def _find_sparse_columns(X: Float32, weight: npt.NDArray[Any] | None) -> Bool:
    """Mark columns that scikit-learn fails on: the sample it bins must hold a value."""
    has_value = ~np.isnan(X)
    share = has_value.mean(axis=0)
    if weight is not None:
        share = np.minimum(share, np.asarray(weight) @ has_value / np.sum(weight))
    # with 30 expected values a sample holds none once in e**30 seeds
    least = 30 / _SKLEARN_SAMPLE if len(X) > _SKLEARN_SAMPLE else 0.0
    sparse: Bool = share <= least
    return sparse


def _check_supported(model: Any, features: Sequence[str]) -> None:
    """Raise ValueError for a model that a :class:`Forest` cannot represent."""
    if len(model.classes_) != 2:
        raise ValueError(f"a forest needs two classes, the model has {len(model.classes_)}")
    if model.n_features_in_ != len(features):
        raise ValueError(f"{len(features)} feature names for {model.n_features_in_} features")
    for predictors in model._predictors:
        nodes = predictors[0].nodes
        if nodes["is_categorical"].any():
            raise ValueError(
                "the model has categorical features; only numerical ones are supported"
            )
        if nodes["is_leaf"].sum() > MAX_LEAVES:
            raise ValueError(f"a tree has more than {MAX_LEAVES} leaves")


def _round_down(threshold: Float64) -> Float32:
    """Return the largest float32 at most ``threshold``, which decides float32 values equally."""
    with np.errstate(over="ignore"):
        near = threshold.astype(np.float32)
    below = np.nextafter(near, np.float32(-np.inf))
    rounded: Float32 = np.where(near.astype(np.float64) > threshold, below, near)
    return rounded
