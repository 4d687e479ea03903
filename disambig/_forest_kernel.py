"""How :class:`disambig.forest.Forest` is evaluated: trees as small programs over columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

ROWS = 32_768  # measured: half as many are 10% slower, twice as many no faster
TABLE_BITS = 8  # trees with up to this many inner nodes are looked up whole
MAX_BYTES = 8  # of the leaves of one tree, a bit each
_PARTIAL = 32  # trees summed in float32 before the sum moves to float64


@dataclass(frozen=True, eq=False)
class Test:
    """One inner node: ``compare(X[:, feature], threshold)``, and what it says if true.

    ``compare`` is ``greater`` where NaN goes left (a NaN compares false) and ``less_equal``
    where it goes right, so ``true_is_right`` differs.
    """

    feature: int
    compare: np.ufunc
    threshold: Float32  # 0-dimensional: numpy takes arrays faster than scalars
    true_is_right: bool


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree's tests, and how their answers give its value.

    With up to :data:`TABLE_BITS` tests, answer i is bit i of an index into the one table, and
    ``excluded`` is empty. With more, leaves are numbered from the left and each is a bit in
    one of several bytes; test i, when it sends a row right, sets the bits ``excluded[i]`` of
    the leaves left of it (uint8[tests, bytes]). The exit leaf is the lowest bit not set. There
    is a table for each byte, 0 where all of the byte's leaves are excluded.
    """

    tests: tuple[Test, ...]
    tables: tuple[Float32, ...]
    excluded: Bytes


def compile_tree(
    feature: npt.NDArray[np.int32],
    threshold: Float32,
    missing_left: npt.NDArray[np.bool_],
    left: npt.NDArray[Any],
    right: npt.NDArray[Any],
    value: npt.NDArray[np.float64],
) -> Tree:
    """One tree's program. Node 0 is the root, and children come after their parents."""
    inner = np.flatnonzero(feature >= 0).tolist()
    tests = tuple(
        Test(
            int(feature[i]),
            np.greater if missing_left[i] else np.less_equal,
            np.array(threshold[i], dtype=np.float32),
            bool(missing_left[i]),
        )
        for i in inner
    )
    if len(tests) <= TABLE_BITS:
        table = _table(inner, tests, left, right, value)
        return Tree(tests, (table,), np.zeros((0, 0), dtype=np.uint8))
    leaves, excluded = _exclusions(inner, left, right)
    return Tree(tests, tuple(_first_left(value[leaves])), excluded)


def _table(
    inner: Sequence[int],
    tests: Sequence[Test],
    left: npt.NDArray[Any],
    right: npt.NDArray[Any],
    value: npt.NDArray[np.float64],
) -> Float32:
    """The tree's value for every combination of answers, from the last node to the root."""
    answers = np.arange(1 << len(tests))
    below: list[npt.NDArray[np.float64]] = [np.full(len(answers), v) for v in value]
    for bit in reversed(range(len(tests))):
        node, test = inner[bit], tests[bit]
        goes_right = ((answers >> bit) & 1).astype(bool) == test.true_is_right
        below[node] = np.where(goes_right, below[right[node]], below[left[node]])
    return below[0].astype(np.float32)


def _exclusions(
    inner: Sequence[int], left: npt.NDArray[Any], right: npt.NDArray[Any]
) -> tuple[list[int], Bytes]:
    """Leaves from left to right, and for each inner node the bits of those left of it."""
    order: list[int] = []
    stack = [0]
    while stack:
        node = stack.pop()
        if left[node] < 0:
            order.append(node)
        else:
            stack += [int(right[node]), int(left[node])]
    bits = {leaf: 1 << i for i, leaf in enumerate(order)}
    for node in reversed(inner):
        bits[node] = bits[int(left[node])] | bits[int(right[node])]
    width = -(-len(order) // 8)
    packed = b"".join(bits[int(left[node])].to_bytes(width, "little") for node in inner)
    return order, np.frombuffer(packed, dtype=np.uint8).reshape(-1, width)


def _first_left(leaves: npt.NDArray[np.float64]) -> Iterator[Float32]:
    """For each eight leaves, the value of the lowest whose bit is not set, by those bits."""
    for a in range(0, len(leaves), 8):
        table = np.zeros(256, dtype=np.float32)
        for i in reversed(range(len(leaves[a : a + 8]))):
            table[np.arange(256) >> i & 1 == 0] = leaves[a + i]
        table[255] = 0
        yield table


def score(trees: Sequence[Tree], baseline: float, X: Float32) -> Float32:
    """Log-odds of the rows of ``X``: float32[n] for float32[n, features] in either order."""
    n = len(X)
    out = np.empty(n, dtype=np.float32)
    used = sorted({test.feature for tree in trees for test in tree.tests})
    room = _Room(min(n, ROWS))
    for a in range(0, n, ROWS):
        chunk = X[a : a + ROWS]
        columns = {f: np.ascontiguousarray(chunk[:, f]) for f in used}
        out[a : a + ROWS] = room.cut(len(chunk)).score(trees, baseline, columns)
    return out


class _Room:
    """Buffers for one chunk of rows, made once."""

    def __init__(self, rows: int) -> None:
        self.answer = np.empty(rows, dtype=np.bool_)
        self.found = np.empty(rows, dtype=np.bool_)
        self.codes = np.empty((MAX_BYTES, rows), dtype=np.uint8)
        self.bits = np.empty(rows, dtype=np.uint8)
        self.index = np.empty(rows, dtype=np.intp)
        self.value = np.empty(rows, dtype=np.float32)
        self.partial = np.empty(rows, dtype=np.float32)
        self.total = np.empty(rows, dtype=np.float64)

    def cut(self, rows: int) -> _Room:
        """The same buffers for the last, shorter chunk."""
        if rows < len(self.answer):
            for name, buffer in vars(self).items():
                setattr(self, name, buffer[..., :rows])
        return self

    def score(
        self, trees: Sequence[Tree], baseline: float, columns: dict[int, Float32]
    ) -> npt.NDArray[np.float64]:
        """Sum of the trees' values for one chunk; float32 sums of a few trees, then float64."""
        self.total.fill(baseline)
        for a in range(0, len(trees), _PARTIAL):
            self.partial.fill(0)
            for tree in trees[a : a + _PARTIAL]:
                if len(tree.excluded):
                    self._exclude(tree, columns)
                else:
                    self._gather(tree, columns)
                for code, table in zip(self.codes, tree.tables, strict=False):
                    np.copyto(self.index, code)
                    np.take(table, self.index, out=self.value, mode="wrap")
                    np.add(self.partial, self.value, self.partial)
            np.add(self.total, self.partial, self.total)
        return self.total

    def _gather(self, tree: Tree, columns: dict[int, Float32]) -> None:
        """Leave the answers in the first code, a bit each."""
        code, answer = self.codes[0], self.answer
        as_bytes = answer.view(np.uint8)
        code.fill(0)
        for test in reversed(tree.tests):  # Horner's rule: the first test ends as bit 0
            test.compare(columns[test.feature], test.threshold, answer)
            np.add(code, code, code)
            np.bitwise_or(code, as_bytes, code)

    def _exclude(self, tree: Tree, columns: dict[int, Float32]) -> None:
        """Leave the excluded leaves in the codes; those above the exit leaf's are all set."""
        answer, bits = self.answer, self.bits
        as_bytes = answer.view(np.uint8)
        codes = self.codes[: len(tree.tables)]
        codes.fill(0)
        for test, excluded in zip(tree.tests, tree.excluded, strict=True):
            test.compare(columns[test.feature], test.threshold, answer)
            if not test.true_is_right:
                np.logical_not(answer, answer)
            for k in np.flatnonzero(excluded).tolist():
                np.multiply(as_bytes, excluded[k], bits)
                np.bitwise_or(codes[k], bits, codes[k])
        self.found.fill(False)
        for code in codes:
            np.not_equal(code, 255, answer)
            np.multiply(self.found.view(np.uint8), 255, bits)
            np.bitwise_or(code, bits, code)
            np.logical_or(self.found, answer, self.found)
