"""Validation of tree arrays read from an untrusted file, and their layout for evaluation.

:mod:`disambig.model._forest_kernel` reads the layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from disambig.arrays import Bool, Float32, Float64, Int32, Int64, UInt8

MAX_LEAVES = 8  # of one tree: its exit leaf is found in the bits of one byte
_DTYPES = {
    "feature": np.int32,
    "threshold": np.float32,
    "missing_left": np.bool_,
    "left": np.int32,
    "right": np.int32,
    "value": np.float64,
    "tree_start": np.int32,
}


class TreeArrays(Protocol):
    """Arrays of the trees of a forest, as :class:`disambig.model.forest.Forest` has them."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns."""

    @property
    def feature(self) -> Int32:
        """Column that a node tests; -1 at a leaf."""

    @property
    def threshold(self) -> Float32:
        """Greatest value that goes left."""

    @property
    def missing_left(self) -> Bool:
        """Whether a NaN goes left."""

    @property
    def left(self) -> Int32:
        """Left children; -1 at a leaf."""

    @property
    def right(self) -> Int32:
        """Right children; -1 at a leaf."""

    @property
    def value(self) -> Float64:
        """Log-odds of the nodes."""

    @property
    def tree_start(self) -> Int32:
        """Root of each tree, then the number of nodes."""

    @property
    def baseline(self) -> float:
        """Log-odds before any tree."""

    @property
    def n_trees(self) -> int:
        """Number of trees."""


def find_problem(forest: TreeArrays) -> str:
    """Return what is wrong with the arrays of a forest, ``""`` if nothing."""
    return _check_types(forest) or _check_tree_starts(forest) or _check_nodes(forest)


def _check_types(forest: TreeArrays) -> str:
    """Return what is wrong with the types and lengths of the arrays, ``""`` if nothing."""
    nodes = len(forest.value)
    for name, dtype in _DTYPES.items():
        array = getattr(forest, name)
        if array.dtype != dtype or array.ndim != 1:
            return f"{name} is {array.dtype} with {array.ndim} dimensions"
        if name != "tree_start" and len(array) != nodes:
            return f"{name} has {len(array)} entries for {nodes} nodes"
    if len(set(forest.features)) != len(forest.features):
        return "a feature name occurs twice"
    return "" if np.isfinite(forest.baseline) else "its baseline is not a number"


def _check_tree_starts(forest: TreeArrays) -> str:
    """Return what is wrong with the division of nodes into trees, ``""`` if nothing."""
    start = forest.tree_start.astype(np.int64)
    if not len(start) or start[0] != 0 or start[-1] != len(forest.value):
        return "tree_start does not span the nodes"
    if (np.diff(start) < 1).any():
        return "a tree without nodes"
    return "a tree of too many leaves" if (np.diff(start) >= 2 * MAX_LEAVES).any() else ""


def _check_nodes(forest: TreeArrays) -> str:
    """Return what is wrong with the nodes, ``""`` if nothing.

    Children after parents exclude cycles.
    """
    nodes = len(forest.value)
    inner = forest.feature >= 0
    end = np.repeat(forest.tree_start[1:], np.diff(forest.tree_start))
    node = np.arange(nodes)
    for child in (forest.left, forest.right):
        if (child[~inner] != -1).any():
            return "a leaf with children"
        if ((child <= node) | (child >= end))[inner].any():
            return "a child out of its tree, or before its parent"
    parents = np.bincount(
        np.concatenate([forest.left[inner], forest.right[inner]]), minlength=nodes
    )
    is_root = np.zeros(nodes, dtype=bool)
    is_root[forest.tree_start[:-1]] = True
    if (parents != ~is_root).any():
        return "a node without or with two parents"
    if (forest.feature >= len(forest.features)).any() or (forest.feature < -1).any():
        return "a node tests a feature that does not exist"
    if np.isnan(forest.threshold).any() or not np.isfinite(forest.value).all():
        return "a threshold or value is not a number"
    return ""


TESTS_PER_TREE = MAX_LEAVES - 1  # of a tree; one with fewer is padded with tests that never fail
CELLS = 256  # of the grid over a feature's cuts; the kernel keeps a cell in a byte
CUTS_PER_PLANE = 254  # cuts that a plane of bytes can distinguish; 255 is reserved for missing
TREES_PER_TABLE = 3  # trees of one table: 8 ** 3 sums of leaves are 2 kB, 8 ** 4 fill the cache
TABLES_PER_STEP = 4  # tables that the kernel reads in one step


@dataclass(frozen=True, eq=False)
class Layout:
    """A forest as the kernel reads it.

    The distinct thresholds of a feature are its *cuts*. A value's *code* is the number of cuts
    below it, so that ``value <= cuts[i]`` is ``code <= i``. Codes are stored in *planes* of bytes:
    one holds the codes of one feature less ``offset``, clipped to 0..254, for at most 254 cuts.
    A missing value is 0 (at most any cut: goes left) in one plane, 255 (goes right) in another.

    Attributes
    ----------
    cuts : float32[...]
        Cuts in ascending order, feature after feature, each padded with infinity so that the
        search may read beyond its end.
    cut_start : int32[features]
        Start of each feature's cuts.
    low, scale : float32[features]
        Cell of a value: ``(value - low) * scale``, clipped to the grid.
    grid : int32[features, CELLS]
        Number of cuts in the cells before.
    steps : int32[features]
        Halvings of the binary search among the cuts of one cell.
    plane_start : int32[features + 1]
        First plane of each feature.
    offset : int32[planes]
    missing : uint8[planes]
        Byte of a missing value, 0 or 255.
    plane, cut, leaf_mask : int32, uint8, uint8[trees, TESTS]
        A test fails, and its row goes right, where the plane's byte exceeds ``cut``; only the
        leaves in ``leaf_mask``, a bit each from the left, can then be the exit.
    tables : float32[groups, 8 ** TREES_PER_TABLE]
        For three successive trees, the sum of their leaf values by the leaves' numbers, the
        first tree's in the lowest bits. The last groups are padded with zeros.
    """

    cuts: Float32
    cut_start: Int32
    low: Float32
    scale: Float32
    grid: Int32
    steps: Int32
    plane_start: Int32
    offset: Int32
    missing: UInt8
    plane: Int32
    cut: UInt8
    leaf_mask: UInt8
    tables: Float32

    @classmethod
    def from_forest(cls, forest: TreeArrays) -> Layout:
        """Build the layout of a forest; takes about 5 ms for 600 trees of 8 leaves."""
        inner = np.flatnonzero(forest.feature >= 0)
        feature, threshold = forest.feature[inner], forest.threshold[inner]
        order = np.lexsort((threshold, feature))
        is_first = np.ones(len(inner), dtype=bool)
        is_first[1:] = np.diff(feature[order]) != 0
        is_first[1:] |= threshold[order][1:] != threshold[order][:-1]
        distinct = order[is_first]
        count = np.bincount(feature[distinct], minlength=len(forest.features))
        first = np.concatenate([[0], np.cumsum(count)])
        rank = np.empty(len(inner), dtype=np.int64)
        rank[order] = np.cumsum(is_first) - 1
        rank -= first[feature]
        cuts = np.split(threshold[distinct], first[1:-1])
        return cls(
            *_build_grids(cuts),
            *_build_tests(forest, inner, rank),
            tables=_build_tables(get_leaf_values(forest)),
        )


def _build_grids(cuts: list[Float32]) -> tuple[Float32, Int32, Float32, Float32, Int32, Int32]:
    """Build ``cuts`` to ``steps`` of a :class:`Layout` from the cuts of each feature."""
    low, scale = np.zeros((2, len(cuts)), dtype=np.float32)
    grid = np.empty((len(cuts), CELLS), dtype=np.int32)
    steps = np.empty(len(cuts), dtype=np.int32)
    padded: list[Float32] = []
    for k, feature_cuts in enumerate(cuts):
        finite = feature_cuts[np.isfinite(feature_cuts)]
        if len(finite) > 1:
            with np.errstate(over="ignore"):
                width = finite[-1] - finite[0]
                unit = np.float32(CELLS - 1) / width
            # a grid too coarse or too fine for float32: a single cell, left to the binary search
            if np.isfinite(width) and np.isfinite(unit):
                low[k], scale[k] = finite[0], unit
        in_cell = np.bincount(compute_cells(feature_cuts, low[k], scale[k]), minlength=CELLS)
        grid[k] = np.cumsum(in_cell) - in_cell
        steps[k] = int(in_cell.max()).bit_length()
        padded += [feature_cuts, np.full(1 << steps[k], np.inf, dtype=np.float32)]
    start = np.cumsum([0] + [len(part) for part in padded])[:-1:2].astype(np.int32)
    return np.concatenate(padded), start, low, scale, grid, steps


def compute_cells(x: Float32, low: np.float32, scale: np.float32) -> npt.NDArray[np.intp]:
    """Return the cell of each value, in the arithmetic of the kernel: it must round alike."""
    with np.errstate(all="ignore"):
        position = (x - low) * scale
    position = np.where(
        position > 0, position, np.float32(0)
    )  # NaN, from infinity times zero, goes to the first cell
    cell: npt.NDArray[np.intp] = np.minimum(position, np.float32(CELLS - 1)).astype(np.intp)
    return cell


def _build_tests(
    forest: TreeArrays, inner: npt.NDArray[np.intp], rank: Int64
) -> tuple[Int32, Int32, UInt8, Int32, UInt8, UInt8]:
    """Build ``plane_start`` to ``leaf_mask`` of a :class:`Layout`."""
    feature, chunk = forest.feature[inner].astype(np.int64), rank // CUTS_PER_PLANE
    chunks = int(chunk.max(initial=0)) + 1
    key = (feature * chunks + chunk) * 2 + ~forest.missing_left[inner]
    planes, plane_of = np.unique(key, return_inverse=True)
    plane_start = np.searchsorted(planes, np.arange(len(forest.features) + 1) * chunks * 2)
    tree = np.searchsorted(forest.tree_start, inner, side="right") - 1
    place = np.arange(len(inner)) - np.searchsorted(tree, tree)
    shape = forest.n_trees, TESTS_PER_TREE
    plane = np.zeros(shape, dtype=np.int32)
    cut = np.full(shape, 255, dtype=np.uint8)  # no byte exceeds it
    leaf_mask = np.full(shape, 255, dtype=np.uint8)
    plane[tree, place] = plane_of
    cut[tree, place] = rank % CUTS_PER_PLANE
    first, count = _number_leaves(forest)
    left = forest.left[inner]
    leaf_mask[tree, place] = ~(((1 << count[left]) - 1) << first[left]) & 255
    return (
        plane_start.astype(np.int32),
        (planes // 2 % chunks * CUTS_PER_PLANE).astype(np.int32),
        (planes % 2 * 255).astype(np.uint8),
        plane,
        cut,
        leaf_mask,
    )


def _number_leaves(forest: TreeArrays) -> tuple[Int32, Int32]:
    """Return the number of the first leaf below each node, from the left, and how many."""
    levels = [forest.tree_start[:-1]]
    while len(levels[-1]):
        parents = levels[-1][forest.left[levels[-1]] >= 0]
        levels.append(np.concatenate([forest.left[parents], forest.right[parents]]))
    first, count = np.zeros((2, len(forest.value)), dtype=np.int32)
    count[forest.left < 0] = 1
    for nodes in reversed(levels):
        parents = nodes[forest.left[nodes] >= 0]
        count[parents] = count[forest.left[parents]] + count[forest.right[parents]]
    for nodes in levels:
        parents = nodes[forest.left[nodes] >= 0]
        left = forest.left[parents]
        first[left] = first[parents]
        first[forest.right[parents]] = first[parents] + count[left]
    return first, count


def get_leaf_values(forest: TreeArrays) -> Float64:
    """Return the values of each tree's leaves, left to right, zero-padded: float64[trees, 8]."""
    values = np.zeros((forest.n_trees, MAX_LEAVES))
    leaves = np.flatnonzero(forest.left < 0)
    tree = np.searchsorted(forest.tree_start, leaves, side="right") - 1
    values[tree, _number_leaves(forest)[0][leaves]] = forest.value[leaves]
    return values


def _build_tables(values: Float64) -> Float32:
    """Build ``tables`` of a :class:`Layout` from the values of the leaves."""
    padding = -len(values) % (TREES_PER_TABLE * TABLES_PER_STEP)
    padded = np.pad(values, ((0, padding), (0, 0)))
    a, b, c = padded.reshape(-1, TREES_PER_TABLE, MAX_LEAVES).transpose(1, 0, 2)
    sums = c[:, :, None, None] + b[:, None, :, None] + a[:, None, None, :]
    return sums.reshape(-1, MAX_LEAVES**TREES_PER_TABLE).astype(np.float32)
