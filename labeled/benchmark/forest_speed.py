"""Compare methods to evaluate a boosted forest: ``python -m labeled.benchmark.forest_speed``.

Rows per second on one core, for the shipped forest and for fewer of its trees. All compiled
methods read the same byte codes as :mod:`disambig.model._forest_kernel` and quantise the rows
themselves, so that they differ only in the traversal; each is checked against a walk of the trees
node by node.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from disambig.arrays import Bool, Float32, Float64, Int32, UInt8
from disambig.kernels.compile import kernel
from disambig.model._forest_kernel import ROWS, quantise_batch
from disambig.model._forest_layout import TESTS_PER_TREE, Layout, get_leaf_values
from disambig.model.forest import Forest
from disambig.model.model import Model

Scorer = Callable[[Float32], Float32]

_MISSING = 0.06  # share of invented values; as in co-author pairs of real corpora
_NONE, _ALL = np.uint8(0), np.uint8(255)


def thin_forest(forest: Forest, n_trees: int) -> Forest:
    """Return a forest of ``n_trees`` of the trees, evenly spaced."""
    trees = np.arange(n_trees) * forest.n_trees // n_trees
    start, end = forest.tree_start[trees], forest.tree_start[trees + 1]
    new_start = np.concatenate([[0], np.cumsum(end - start)])
    nodes = np.concatenate([np.arange(a, b) for a, b in zip(start, end, strict=True)])
    offset = np.repeat(new_start[:-1] - start, end - start)
    left, right = (
        np.where(child[nodes] >= 0, child[nodes] + offset, -1).astype(np.int32)
        for child in (forest.left, forest.right)
    )
    return Forest(
        forest.features,
        forest.feature[nodes],
        forest.threshold[nodes],
        forest.missing_left[nodes],
        left,
        right,
        forest.value[nodes],
        new_start.astype(np.int32),
        forest.baseline,
    )


def invent_rows(forest: Forest, n: int, seed: int = 0) -> Float32:
    """Make rows with values near the thresholds of their features, some missing.

    Returns
    -------
    float32[n, features] in Fortran order
    """
    rng = np.random.default_rng(seed)
    X = np.empty((n, len(forest.features)), dtype=np.float32, order="F")
    for k in range(X.shape[1]):
        cuts = forest.threshold[forest.feature == k]
        cuts = np.append(cuts[np.isfinite(cuts)], np.float32(0))
        X[:, k] = rng.choice(cuts, n) + rng.normal(0, 0.1 * cuts.std(), n)
    X[rng.random(X.shape) < _MISSING] = np.nan
    return X


def make_node_walk(forest: Forest) -> Scorer:
    """Walk each row down each tree: the definition, compiled."""

    def score(X: Float32) -> Float32:
        out = np.empty(len(X), dtype=np.float32)
        _walk(
            np.ascontiguousarray(X),
            forest.feature,
            forest.threshold,
            forest.missing_left,
            forest.left,
            forest.right,
            forest.value,
            forest.tree_start,
            forest.baseline,
            out,
        )
        return out

    return score


@kernel
def _walk(
    X: Float32,
    feature: Int32,
    threshold: Float32,
    missing_left: Bool,
    left: Int32,
    right: Int32,
    value: Float64,
    tree_start: Int32,
    baseline: float,
    out: Float32,
) -> None:
    for r in range(len(X)):
        total = baseline
        for tree in range(len(tree_start) - 1):
            node = tree_start[tree]
            while left[node] >= 0:
                x = X[r, feature[node]]
                goes_left = missing_left[node] if np.isnan(x) else x <= threshold[node]
                node = left[node] if goes_left else right[node]
            total += value[node]
        out[r] = total


def make_bit_columns(forest: Forest) -> Scorer:
    """NumPy: each test over a whole chunk, results as bits of an index into a table per tree."""
    tables = make_answer_tables(forest)
    trees = [
        [i for i in range(a, b) if forest.feature[i] >= 0]
        for a, b in zip(
            forest.tree_start[:-1].tolist(), forest.tree_start[1:].tolist(), strict=True
        )
    ]

    def score(X: Float32) -> Float32:
        chunks = [X[a : a + 32 * ROWS] for a in range(0, len(X), 32 * ROWS)]
        return np.concatenate([_score_chunk(forest, trees, tables, chunk) for chunk in chunks])

    return score


def _score_chunk(forest: Forest, trees: list[list[int]], tables: Float32, X: Float32) -> Float32:
    total = np.full(len(X), forest.baseline, dtype=np.float32)
    columns = [np.ascontiguousarray(X[:, k]) for k in range(X.shape[1])]
    code, answer = np.empty(len(X), dtype=np.uint8), np.empty(len(X), dtype=np.bool_)
    for nodes, table in zip(trees, tables, strict=True):
        code.fill(0)
        for node in reversed(nodes):
            column, threshold = columns[forest.feature[node]], forest.threshold[node]
            if forest.missing_left[node]:
                np.greater(column, threshold, answer)
            else:
                np.logical_not(np.less_equal(column, threshold, answer), answer)
            np.add(code, code, code)
            np.bitwise_or(code, answer.view(np.uint8), code)
        total += table.take(code)
    return total


def make_answer_tables(forest: Forest) -> Float32:
    """Return the value of each tree for all results of its tests, 1 for right, bit 0 first.

    Returns
    -------
    float32[trees, 128]
    """
    tables = np.empty((forest.n_trees, 1 << TESTS_PER_TREE), dtype=np.float32)
    answers = np.arange(1 << TESTS_PER_TREE)
    for tree, (a, b) in enumerate(
        zip(forest.tree_start[:-1].tolist(), forest.tree_start[1:].tolist(), strict=True)
    ):
        bit = np.cumsum(forest.feature[a:b] >= 0) - 1
        below = {i: np.full(len(answers), forest.value[i]) for i in range(a, b)}
        for i in reversed(range(a, b)):
            if forest.feature[i] >= 0:
                right = (answers >> bit[i - a] & 1).astype(bool)
                below[i] = np.where(right, below[int(forest.right[i])], below[int(forest.left[i])])
        tables[tree] = below[a]
    return tables


def _get_quantiser(layout: Layout) -> tuple[Any, ...]:
    """Return the arrays of a layout for :func:`disambig.model._forest_kernel.quantise_batch`."""
    return (
        layout.cuts,
        layout.cut_start,
        layout.low,
        layout.scale,
        layout.grid,
        layout.steps,
        layout.plane_start,
        layout.offset,
        layout.missing,
    )


def _make_batch_scorer(forest: Forest, traverse: Callable[..., None], *arrays: Any) -> Scorer:
    """Make a scorer that quantises a batch and calls ``traverse(planes, n, *arrays, total)``."""
    planes = np.zeros((max(len(forest._kernel_layout.offset), 1), ROWS), dtype=np.uint8)
    quantiser = (*_get_quantiser(forest._kernel_layout), planes)

    def score(X: Float32) -> Float32:
        out = np.empty(len(X), dtype=np.float32)
        flat = np.asfortranarray(X).T.reshape(-1)
        total = np.empty(ROWS, dtype=np.float64)
        for begin in range(0, len(X), ROWS):
            n = min(ROWS, len(X) - begin)
            quantise_batch(flat, begin, 1, len(X), n, *quantiser)
            total.fill(forest.baseline)
            traverse(planes, n, *arrays, total)
            out[begin : begin + n] = total[:n]
        return out

    return score


def make_tree_tables(forest: Forest) -> Scorer:
    """Byte codes; the results of a tree's tests as bits of an index into its table."""
    layout = forest._kernel_layout
    return _make_batch_scorer(
        forest, _look_up, layout.plane, layout.cut, make_answer_tables(forest)
    )


@kernel
def _look_up(
    planes: UInt8, n: int, plane: Int32, cut: UInt8, tables: Float32, total: Float64
) -> None:
    code = np.empty(n, dtype=np.uint8)
    for tree in range(len(plane)):
        code[:] = _NONE
        for i in range(plane.shape[1]):
            p, c, bit = plane[tree, i], cut[tree, i], np.uint8(1 << i)
            for r in range(n):
                code[r] |= bit if planes[p, r] > c else _NONE
        for r in range(n):
            total[r] += tables[tree, code[r]]


def make_descent(forest: Forest) -> Scorer:
    """Byte codes; tree by tree, all rows of a batch descend one level at a time, branch-free."""
    layout, inner = forest._kernel_layout, forest.feature >= 0
    plane, cut = np.zeros(len(inner), dtype=np.int32), np.full(len(inner), 255, dtype=np.uint8)
    tree = np.searchsorted(forest.tree_start, np.flatnonzero(inner), side="right") - 1
    position = np.arange(len(tree)) - np.searchsorted(tree, tree)
    plane[inner], cut[inner] = layout.plane[tree, position], layout.cut[tree, position]
    own_index = np.arange(len(inner), dtype=np.int32)
    left = np.where(inner, forest.left, own_index).astype(np.int32)
    right = np.where(inner, forest.right, own_index).astype(np.int32)
    return _make_batch_scorer(
        forest, _descend, plane, cut, left, right, forest.value, forest.tree_start
    )


@kernel
def _descend(
    planes: UInt8,
    n: int,
    plane: Int32,
    cut: UInt8,
    left: Int32,
    right: Int32,
    value: Float64,
    tree_start: Int32,
    total: Float64,
) -> None:
    at = np.empty(n, dtype=np.int32)
    for tree in range(len(tree_start) - 1):
        at[:] = tree_start[tree]
        moved = True
        while moved:
            moved = False
            for r in range(n):
                node = at[r]
                at[r] = right[node] if planes[plane[node], r] > cut[node] else left[node]
                moved |= at[r] != node
        for r in range(n):
            total[r] += value[at[r]]


def make_quick_scorer(forest: Forest) -> Scorer:
    """QuickScorer (Lucchese et al., SIGIR 2015): row by row, only the tests that fail."""
    layout = forest._kernel_layout
    tree, position = np.nonzero(layout.cut < 255)
    plane, cut = layout.plane[tree, position], layout.cut[tree, position]
    order = np.lexsort((cut, plane))
    start = np.searchsorted(plane[order], np.arange(len(layout.offset) + 1)).astype(np.int32)
    remaining_leaves = layout.leaf_mask[tree, position][order]
    return _make_batch_scorer(
        forest,
        _apply_failing_tests,
        start,
        cut[order],
        tree[order].astype(np.int32),
        remaining_leaves,
        get_leaf_values(forest),
    )


@kernel
def _apply_failing_tests(
    planes: UInt8,
    n: int,
    start: Int32,
    cut: UInt8,
    tree: Int32,
    remaining_leaves: UInt8,
    values: Float64,
    total: Float64,
) -> None:
    left = np.empty(len(values), dtype=np.uint8)
    for r in range(n):
        left[:] = _ALL
        for p in range(len(start) - 1):
            code = planes[p, r]
            for i in range(start[p], start[p + 1]):
                if code <= cut[i]:
                    break
                left[tree[i]] &= remaining_leaves[i]
        for k in range(len(values)):
            leaf = 0
            while left[k] >> leaf & 1 == 0:
                leaf += 1
            total[r] += values[k, leaf]


def fit_scikit_learn(forest: Forest, X: Float32) -> Scorer:
    """Fit a scikit-learn model of as many trees to separate high scores of the forest from low.

    Its scores differ from the forest's; only its speed matters.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    sample = X[:: max(1, len(X) // 20_000)]
    sample = np.where(np.isnan(sample).all(axis=0), np.float32(0), sample)
    raw = forest.compute_log_odds(sample)
    model = HistGradientBoostingClassifier(
        max_iter=forest.n_trees, max_leaf_nodes=8, early_stopping=False, learning_rate=0.05
    )

    def score(X: Float32) -> Float32:
        with threadpool_limits(1):
            return np.asarray(model.decision_function(X), dtype=np.float32)

    with threadpool_limits(1):
        model.fit(sample, raw > np.median(raw))
    return score


METHODS: dict[str, Callable[[Forest], Scorer]] = {
    "numpy, columns of bits": make_bit_columns,
    "node by node": make_node_walk,
    "QuickScorer": make_quick_scorer,
    "byte codes, descent": make_descent,
    "byte codes, table a tree": make_tree_tables,
    "byte codes, three trees (ours)": lambda forest: forest.compute_log_odds,
}


def measure_seconds(score: Scorer, X: Float32, repeats: int) -> float:
    """Return the shortest CPU time of a few calls, after one that compiles."""
    score(X[:10])
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        score(X)
        times.append(time.process_time() - begin)
    return min(times)


@click.command()
@click.option("--model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--level", type=click.Choice(["pair", "group"]), default="pair", show_default=True)
@click.option(
    "--rows",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Matrix of features as .npy; random rows by default.",
)
@click.option("--trees", default=(600, 300, 150, 50), multiple=True, show_default=True)
@click.option("--n", default=100_000, show_default=True, help="Rows.")
@click.option("--repeats", default=3, show_default=True)
@click.option("--sklearn", is_flag=True, help="Also fit and time scikit-learn's own model.")
def main(
    model: Path | None,
    level: str,
    rows: Path | None,
    trees: tuple[int, ...],
    n: int,
    repeats: int,
    sklearn: bool,
) -> None:
    """Print thousands of rows per second for each method and number of trees."""
    forest: Forest = getattr(Model.load(model), level)
    X = invent_rows(forest, n) if rows is None else _load_sample(rows, n)
    counts = sorted({min(count, forest.n_trees) for count in trees}, reverse=True)
    click.echo(f"{'1,000 rows/s on one core':32}" + "".join(f"{c:>8} trees" for c in counts))
    forests = [thin_forest(forest, count) for count in counts]
    expected_scores = [make_node_walk(small_forest)(X[:2000]) for small_forest in forests]
    for name, make_scorer in METHODS.items():
        scorers = [make_scorer(small_forest) for small_forest in forests]
        max_error = max(
            float(np.abs(score(X[:2000]) - expected).max(initial=0))
            for score, expected in zip(scorers, expected_scores, strict=True)
        )
        rates = [len(X) / measure_seconds(score, X, repeats) / 1000 for score in scorers]
        click.echo(f"{name:32}" + "".join(f"{r:14,.0f}" for r in rates) + f"   ±{max_error:.0e}")
    if sklearn:
        rates = [
            len(X) / measure_seconds(fit_scikit_learn(f, X), X, repeats) / 1000 for f in forests
        ]
        click.echo(f"{'scikit-learn':32}" + "".join(f"{r:14,.0f}" for r in rates))


def _load_sample(path: Path, n: int) -> Float32:
    """Load about ``n`` rows of a matrix, evenly spaced, float32 in Fortran order."""
    X = np.load(path, mmap_mode="r")
    return np.asfortranarray(X[:: max(1, len(X) // n)], dtype=np.float32)


if __name__ == "__main__":
    main()
