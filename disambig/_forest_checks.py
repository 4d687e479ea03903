"""Whether arrays form trees: a file from anywhere may claim that they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from disambig.forest import Forest

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


def problem_of(forest: Forest) -> str:
    """What is wrong with the arrays of a forest, or nothing."""
    return _wrong_types(forest) or _wrong_tree_starts(forest) or _wrong_nodes(forest)


def _wrong_types(forest: Forest) -> str:
    """What is wrong with the types and lengths of the arrays, or nothing."""
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


def _wrong_tree_starts(forest: Forest) -> str:
    """What is wrong with the division of nodes into trees, or nothing."""
    start = forest.tree_start.astype(np.int64)
    if not len(start) or start[0] != 0 or start[-1] != len(forest.value):
        return "tree_start does not span the nodes"
    if (np.diff(start) < 1).any():
        return "a tree without nodes"
    return "a tree of too many leaves" if (np.diff(start) >= 2 * MAX_LEAVES).any() else ""


def _wrong_nodes(forest: Forest) -> str:
    """What is wrong with the nodes, or nothing. Children after parents means no cycles."""
    nodes = len(forest.value)
    inner = forest.feature >= 0
    end = np.repeat(forest.tree_start[1:], np.diff(forest.tree_start))
    here = np.arange(nodes)
    for child in (forest.left, forest.right):
        if (child[~inner] != -1).any():
            return "a leaf with children"
        if ((child <= here) | (child >= end))[inner].any():
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
