"""Groups of a batch's signatures, and the signature pairs between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from disambig.arrays import Bool, Float32, Float64, Int32, Int64
from disambig.blocking.pairs import PairBatch, find_positions
from disambig.kernels.groups import compute_bounds, find_crossing_pairs

UNLISTED_PROBABILITY = 0.0
"""Probability of an unlisted signature pair: its names are of two persons."""


@dataclass(frozen=True, eq=False)
class GroupBatch:
    """Groups of a :class:`PairBatch`'s rows, and the listed pairs between them.

    Attributes
    ----------
    group : int32[R]
        Group of each row of the underlying batch, ascending with the block.
    block : int32[G]
        Block of each group.
    size : float32[G]
        Signatures in each group.
    left, right : int32[N]
        Groups between which any pair is listed, left < right, sorted by left, then right.
    cross : int64[X]
        Listed pairs whose rows are in two groups, one pair of groups after the other.
    start : int64[N + 1]
        Those of group pair ``k`` are ``cross[start[k]:start[k + 1]]``.
    """

    group: Int32
    block: Int32
    size: Float32
    left: Int32
    right: Int32
    cross: Int64
    start: Int64

    @classmethod
    def from_groups(cls, batch: PairBatch, group: Int32, live: Bool | None = None) -> GroupBatch:
        """Build the groups of a batch, and their pairs.

        Parameters
        ----------
        group : int32[R]
            Contiguous from 0 and ascending with the block, as linkage returns it.
        live : bool[B] or None
            Blocks whose pairs of groups are listed; None for all.
        """
        n = int(group.max(initial=-1)) + 1
        block = np.zeros(n, dtype=np.int32)
        block[group] = batch.block
        is_live = np.ones(len(group), dtype=bool) if live is None else live[batch.block]
        crossing_pairs = find_crossing_pairs(group, batch.left, batch.right, is_live, n)
        return cls(
            group, block, np.bincount(group, minlength=n).astype(np.float32), *crossing_pairs
        )

    def select_pairs(self, pairs: slice | Bool) -> GroupBatch:
        """Return the same groups with some of their pairs: a slice with both ends, or bool[N]."""
        if isinstance(pairs, slice):
            start = self.start[pairs.start : pairs.stop + 1]
            cross = self.cross[start[0] : start[-1]]
            start = start - start[0]
        else:
            length = np.diff(self.start)
            cross = self.cross[np.repeat(pairs, length)]
            start = np.concatenate([[0], np.cumsum(length[pairs])])
        return replace(
            self, left=self.left[pairs], right=self.right[pairs], cross=cross, start=start
        )

    def find_unchanged_pairs(self, previous: GroupBatch) -> Int64:
        """Return the number of each pair in ``previous``, int64[N]; -1 where a group has changed.

        ``previous`` are the groups of the same batch before some were joined.
        """
        previous_group = np.zeros(len(self.size), dtype=np.int64)
        previous_group[self.group] = previous.group
        a, b = previous_group[self.left], previous_group[self.right]
        n = len(previous.size)
        place = find_positions(previous.left.astype(np.int64) * n + previous.right, a * n + b)
        same = self.size == previous.size[previous_group]
        return np.where(same[self.left] & same[self.right], place, -1)

    @property
    def n_pairs(self) -> int:
        """Number of group pairs."""
        return len(self.left)

    @property
    def pairs_between(self) -> Float64:
        """Signature pairs between the groups of each pair, listed or not; float64[N]."""
        return self.size[self.left].astype(np.float64) * self.size[self.right]

    def find_pair(self, low: int, high: int) -> int:
        """Return the number of the pair of groups ``low < high``, -1 if none is listed."""
        matches = np.flatnonzero((self.left == low) & (self.right == high))
        return int(matches[0]) if len(matches) else -1

    def list_members(self) -> tuple[Int64, Int64]:
        """List the rows of paired groups; those of group g are ``rows[first[g]:first[g + 1]]``."""
        paired = np.zeros(len(self.size), dtype=bool)
        paired[self.left] = paired[self.right] = True
        rows = np.flatnonzero(paired[self.group])
        rows = rows[np.argsort(self.group[rows], kind="stable")]
        return rows, np.searchsorted(self.group[rows], np.arange(len(self.size) + 1))

    def get_cross_pairs(self) -> Int64:
        """Return the group pair of each entry of ``cross``, int64[X]."""
        return np.repeat(np.arange(self.n_pairs), np.diff(self.start))

    def sum_values(self, values: npt.NDArray[np.floating]) -> Float64:
        """Sum known values, float[P] of the batch, over the listed pairs of each group pair."""
        return sum_slices(np.nan_to_num(values[self.cross]).astype(np.float64), self.start)

    def compute_greatest(self, values: Float32) -> Float32:
        """Return the largest known value over the listed pairs of each group pair, else NaN."""
        return compute_bounds(values, self.cross, self.start)[1]


def sum_slices(values: Float64, start: Int64) -> Float64:
    """Sum ``values[start[k]:start[k + 1]]``, none of them empty, float64[N]."""
    if len(start) == 1:
        return np.empty(0, dtype=np.float64)
    totals: Float64 = np.add.reduceat(values, start[:-1])
    return totals
