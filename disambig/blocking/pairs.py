"""Candidate pairs of many blocks at once.

The candidates are the pairs of a block whose names could be one person's; the rest, most of a large
block, are two persons by name alone and are never listed. Names are compared once for each pair of
names of a block, not for each pair of signatures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from disambig.arrays import Bool, Int32, Int64
from disambig.blocking.name_comparison import NameEvidenceCache
from disambig.corpus.index import CorpusIndex
from disambig.kernels.pairs import expand_class_pairs
from disambig.names import are_compatible

NAME_PAIRS_AT_ONCE = 200_000
"""Name pairs compared together; bounds memory (about 300 bytes a pair)."""


def split_range(n: int, size: int) -> Iterator[slice]:
    """Split ``range(n)`` into slices of ``size``; the last may be shorter."""
    for low in range(0, n, size):
        yield slice(low, min(low + size, n))


@dataclass(frozen=True, eq=False)
class PairBatch:
    """Signatures of some blocks, and the candidate pairs among them.

    Attributes
    ----------
    rows : int32[R]
        Signature rows, block after block.
    block : int32[R]
        Number of the block each row belongs to.
    start : int64[B + 1]
        Rows of block ``b`` are ``start[b]:start[b + 1]``.
    left, right : int32[P]
        Positions in ``rows``, left < right, sorted by left, then right.
    name_pair : int32[P]
        Index into ``names`` of each pair.
    names : int32[Q, 2]
        Pairs of rows of the index's name table, distinct.
    is_complete : bool
        Whether every pair of compatible names is listed, so that an unlisted pair is two people by
        name. If False, an unlisted pair is unknown.
    """

    rows: Int32
    block: Int32
    start: Int64
    left: Int32
    right: Int32
    name_pair: Int32
    names: Int32
    is_complete: bool = True

    @classmethod
    def from_blocks(cls, index: CorpusIndex, blocks: Sequence[Int32]) -> PairBatch:
        """List all pairs of each block, whatever the names."""
        rows, block, start = _concatenate_blocks(blocks)
        left, right = list_pairs(start)
        name_pair, names = number_name_pairs(index.corpus.signature_name[rows], left, right)
        return cls(rows, block, start, left, right, name_pair, names)

    @classmethod
    def without_pairs(cls, blocks: Sequence[Int32]) -> PairBatch:
        """Make a batch of blocks without listed pairs."""
        rows, block, start = _concatenate_blocks(blocks)
        none = np.empty(0, dtype=np.int32)
        return cls(rows, block, start, none, none, none, none.reshape(0, 2))

    @classmethod
    def from_pair(cls, index: CorpusIndex, rows: Int32, i: int, j: int) -> PairBatch:
        """Make a batch of one pair of positions ``i < j`` of one block."""
        start = np.array([0, len(rows)], dtype=np.int64)
        ends = np.array([[i], [j]], dtype=np.int32)
        names = np.sort(index.corpus.signature_name[rows[ends[:, 0]]])[None, :]
        zero = np.zeros(1, dtype=np.int32)
        return cls(rows, np.zeros(len(rows), np.int32), start, ends[0], ends[1], zero, names)

    def select_pairs(self, pairs: slice | Bool | Int64) -> PairBatch:
        """Return the same rows with some of their pairs, and the names of those."""
        is_used = np.zeros(len(self.names), dtype=bool)
        is_used[self.name_pair[pairs]] = True
        number = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
        return replace(
            self,
            left=self.left[pairs],
            right=self.right[pairs],
            name_pair=number[self.name_pair[pairs]],
            names=self.names[is_used],
        )

    @property
    def n_pairs(self) -> int:
        """Number of pairs listed."""
        return len(self.left)

    @property
    def considered(self) -> int:
        """Number of possible pairs within blocks, listed or not."""
        return count_pairs(np.diff(self.start))

    @cached_property
    def _key(self) -> Int64:
        return self.left.astype(np.int64) * len(self.rows) + self.right

    def find_pairs(self, i: npt.NDArray[np.integer], j: npt.NDArray[np.integer]) -> Int64:
        """Return the index of the pairs of positions ``i < j``, -1 if a pair is not listed."""
        return find_positions(self._key, i.astype(np.int64) * len(self.rows) + j)

    def select_unlisted(self, left: Int32, right: Int32) -> PairBatch:
        """Return the same rows with other pairs: those of ``left < right`` that are not listed.

        The listed pairs may be in any order here.
        """
        n = len(self.rows)
        key = np.unique(left.astype(np.int64) * n + right)
        key = key[find_positions(np.sort(self._key), key) < 0]
        left, right = (x.astype(np.int32) for x in np.divmod(key, n))
        return replace(self, left=left, right=right)

    def number_names(self, name: Int32) -> PairBatch:
        """Return the same with the pairs of names of its pairs; ``name`` int32[R] of each row."""
        name_pair, names = number_name_pairs(name, self.left, self.right)
        return replace(self, name_pair=name_pair, names=names)

    def append_pairs(self, other: PairBatch) -> PairBatch:
        """Return the same rows with the pairs of another batch of these rows after their own."""
        return replace(
            self,
            left=np.concatenate([self.left, other.left]),
            right=np.concatenate([self.right, other.right]),
            name_pair=np.concatenate([self.name_pair, other.name_pair + np.int32(len(self.names))]),
            names=np.concatenate([self.names, other.names]),
        )


@dataclass(frozen=True, eq=False)
class NamePairs:
    """Pairs of names of each block that could be one person's.

    A *class* is the signatures of one block that have the same name.

    Attributes
    ----------
    rows : int32[R]
        Signature rows, block after block, ascending within a block.
    start : int64[B + 1]
    member : int32[R]
        Positions in ``rows``, class after class.
    class_start : int64[C + 1]
        Members of class ``c`` are ``member[class_start[c]:class_start[c + 1]]``.
    a, b : int32[Q]
        Classes whose names agree, ``a <= b``, sorted by block; each class is paired with itself.
    pair_start : int64[B + 1]
        Class pairs of block ``k`` are ``pair_start[k]:pair_start[k + 1]``.
    name : int32[C]
        Name of each class.
    load : int64[B]
        Number of signature pairs of each block that its class pairs represent.
    """

    rows: Int32
    start: Int64
    member: Int32
    class_start: Int64
    a: Int32
    b: Int32
    pair_start: Int64
    name: Int32
    load: Int64

    @classmethod
    def compare(
        cls, index: CorpusIndex, blocks: Sequence[Int32], memory: NameEvidenceCache | None = None
    ) -> NamePairs:
        """Compare the names of each block; store the evidence in ``memory``."""
        rows, block, start = _concatenate_blocks(blocks)
        name = index.corpus.signature_name[rows].astype(np.int64)
        width = max(len(index.names), 1)
        key, group = np.unique(block.astype(np.int64) * width + name, return_inverse=True)
        member = np.argsort(group, kind="stable").astype(np.int32)
        class_start = np.searchsorted(group[member], np.arange(len(key) + 1))
        first_class = np.searchsorted(key // width, np.arange(len(blocks) + 1))
        name_of = (key % width).astype(np.int32)
        a, b = _find_agreeing_classes(index, name_of, first_class, memory)
        class_numbers = np.arange(len(key), dtype=np.int32)
        a, b = np.concatenate([class_numbers, a]), np.concatenate([class_numbers, b])
        block_of_pair = np.searchsorted(first_class, a, side="right") - 1
        order = np.lexsort((b, a, block_of_pair))
        a, b, block_of_pair = a[order], b[order], block_of_pair[order]
        size = np.diff(class_start)
        n_signature_pairs = np.where(a == b, size[a] * (size[a] - 1) // 2, size[a] * size[b])
        return cls(
            rows,
            start,
            member,
            class_start,
            a,
            b,
            np.searchsorted(block_of_pair, np.arange(len(blocks) + 1)),
            name_of,
            np.bincount(block_of_pair, n_signature_pairs, len(blocks)).astype(np.int64),
        )

    def make_batch(self, first: int, last: int) -> PairBatch:
        """List the pairs of blocks ``first`` to ``last`` (exclusive)."""
        low, high = int(self.start[first]), int(self.start[last])
        pairs = slice(int(self.pair_start[first]), int(self.pair_start[last]))
        a, b = self.a[pairs], self.b[pairs]
        load = int(self.load[first:last].sum())
        left, right, origin = expand_class_pairs(
            a, b, self.class_start, self.member, low, high - low, load
        )
        start = self.start[first : last + 1] - low
        block = np.repeat(np.arange(last - first, dtype=np.int32), np.diff(start))
        return PairBatch(
            self.rows[low:high],
            block,
            start,
            left,
            right,
            origin,
            np.column_stack([self.name[a], self.name[b]]),
        )


def list_pairs(start: Int64) -> tuple[Int32, Int32]:
    """List all i < j of each block of consecutive positions, in row-major order."""
    sizes = np.diff(start)
    n = int(start[-1])
    partners = np.repeat(start[1:], sizes) - 1 - np.arange(n)
    left = np.repeat(np.arange(n, dtype=np.int32), partners)
    first = np.cumsum(partners) - partners
    right = np.arange(len(left)) - np.repeat(first, partners) + left + 1
    return left, right.astype(np.int32)


def number_name_pairs(name: Int32, left: Int32, right: Int32) -> tuple[Int32, Int32]:
    """Number the pairs of names of pairs of rows: int32[P], and the distinct pairs, int32[Q, 2].

    ``name`` int32[R] is the name of each row; the lower name of a pair comes first.
    """
    a, b = name[left].astype(np.int64), name[right].astype(np.int64)
    width = int(name.max(initial=0)) + 1
    key, number = np.unique(np.minimum(a, b) * width + np.maximum(a, b), return_inverse=True)
    return number.astype(np.int32), np.column_stack([key // width, key % width]).astype(np.int32)


def count_pairs(sizes: Int64) -> int:
    """Count the pairs within blocks of some sizes."""
    return int((sizes.astype(np.int64) * (sizes.astype(np.int64) - 1) // 2).sum())


def find_positions(sorted_keys: Int64, key: Int64) -> Int64:
    """Return the position of each key in the sorted, distinct keys, -1 for a missing one."""
    if not len(sorted_keys):
        return np.full(len(key), -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(sorted_keys, key), len(sorted_keys) - 1)
    return np.where(sorted_keys[place] == key, place, -1)


def _concatenate_blocks(blocks: Sequence[Int32]) -> tuple[Int32, Int32, Int64]:
    sizes = np.array([len(b) for b in blocks], dtype=np.int64)
    rows = np.concatenate(blocks).astype(np.int32) if len(blocks) else np.empty(0, np.int32)
    block = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    return rows, block, np.concatenate([[0], np.cumsum(sizes)])


def _find_agreeing_classes(
    index: CorpusIndex, name: Int32, first_class: Int64, memory: NameEvidenceCache | None
) -> tuple[Int32, Int32]:
    """List pairs of different classes of one block whose names could be one person's."""
    sizes = np.diff(first_class)
    cost = np.cumsum(sizes * (sizes - 1) // 2)
    pairs_a, pairs_b = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    at = 0
    while at < len(sizes):
        previous_cost = cost[at - 1] if at else 0
        end = max(
            int(np.searchsorted(cost, previous_cost + NAME_PAIRS_AT_ONCE, side="right")), at + 1
        )
        low = first_class[at]
        a, b = list_pairs(first_class[at : end + 1] - low)
        a, b = a + np.int32(low), b + np.int32(low)
        if memory is None:
            agree = np.empty(len(a), dtype=bool)
            for piece in split_range(len(a), NAME_PAIRS_AT_ONCE):
                agree[piece] = are_compatible(index.names, name[a[piece]], name[b[piece]])
        else:  # each name with itself as well: the pairs within a class need it
            left_name, right_name = np.append(name[a], name), np.append(name[b], name)
            agree = memory.get(left_name, right_name)["name_compatible"][: len(a)] == 1
        pairs_a.append(a[agree])
        pairs_b.append(b[agree])
        at = end
    return np.concatenate(pairs_a), np.concatenate(pairs_b)
