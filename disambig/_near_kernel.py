"""The compiled loop that finds, for each signature of a crowded block, those most like it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from disambig.native import kernel

Bool = npt.NDArray[np.bool_]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

PIECE = 1_024
"""Likenesses summed together: what they are made of stays in the fastest cache."""

GAP = 128
"""Rows between two classes whose likenesses are summed, too, rather than begin anew."""


@kernel
def _add(total: Float32, a: Float32, b: Float32, c: Float32, d: Float32, weight: Float32) -> None:
    # four rows that are known to be of one length: the compiler does many elements at once
    for j in range(len(total)):
        total[j] += (weight[0] * a[j] + weight[1] * b[j]) + (weight[2] * c[j] + weight[3] * d[j])


@kernel
def _products(row: Float32, sought: Float32, low: int, high: int, out: Float32) -> None:
    """Dot products of ``row`` with the columns ``low`` to ``high`` of ``sought``."""
    while low < high:
        end = min(low + PIECE, high)
        out[low:end] = 0
        for k in range(0, len(row), 4):
            _add(
                out[low:end], sought[k, low:end], sought[k + 1, low:end], sought[k + 2, low:end],
                sought[k + 3, low:end], row[k : k + 4],
            )  # fmt: skip
        low = end


@kernel
def nearest(
    of_class: Int32,
    friend_start: Int64,
    friend: Int32,
    pair: Int32,
    less: Float32,
    member_start: Int64,
    member: Int32,
    start: Int64,
    column: Int32,
    value: Float32,
    holder_start: Int64,
    holder: Int32,
    held: Float32,
    meaning: Float32,
    sought: Float32,
    year: Float32,
    slope: np.float32,
    most: int,
) -> tuple[Int32, Int32]:
    """The ``most`` rows most like each of n rows, among those whose names agree with its own.

    Likeness is the sum, over the columns two rows share, of the products of their values, and the
    product of their meanings, less ``slope`` for each year between them and what their classes
    take away. Of rows equally like the lowest come first. The sums run in one order whatever the
    machine.

    Parameters
    ----------
    of_class : int32[n]
        Class of each row: its name.
    friend_start, friend, pair, less : int64[C + 1], int32, int32, float32
        Classes that agree with each, itself among them, ascending; the number of each such two,
        and what it takes away.
    member_start, member : int64[C + 1], int32[n]
        Rows of each class.
    start, column, value
        What each row has, as in :class:`disambig.sparse_rows.SparseRows`.
    holder_start, holder, held
        The same by column: which rows have it, and their values.
    meaning : float32[n, d]
        ``d`` a multiple of 4.
    sought : float32[d, n]
        Meanings to multiply with, in the order of ``member``.
    year : float32[n]
        NaN where unknown.

    Returns
    -------
    row, pair : int32[n, most]
        -1 where fewer agree.
    """
    n = len(of_class)
    out = np.full((n, most), -1, dtype=np.int32)
    origin = np.full((n, most), -1, dtype=np.int32)
    shared = np.zeros(n, dtype=np.float32)
    alike = np.zeros(n, dtype=np.float32)
    heap = np.empty(most, dtype=np.float32)
    for i in range(n):
        shared[:] = 0
        for x in range(start[i], start[i + 1]):
            v = value[x]
            for y in range(holder_start[column[x]], holder_start[column[x] + 1]):
                shared[holder[y]] += v * held[y]
        first, last = friend_start[of_class[i]], friend_start[of_class[i] + 1]
        f = first
        while f < last:
            low, high = member_start[friend[f]], member_start[friend[f] + 1]
            f += 1
            while f < last and member_start[friend[f]] <= high + GAP:
                high = member_start[friend[f] + 1]
                f += 1
            _products(meaning[i], sought, low, high, alike)
        size = 0
        kept, via = out[i], origin[i]
        for f in range(first, last):
            for m in range(member_start[friend[f]], member_start[friend[f] + 1]):
                j = member[m]
                s = shared[j] + alike[m] - less[f]
                gap = abs(year[i] - year[j])
                if gap > 0:  # not where a year is unknown
                    s -= slope * gap
                if j == i:
                    continue
                if size < most:  # up from the last place
                    at = size
                    size += 1
                    while at > 0:
                        up = (at - 1) // 2
                        if heap[up] < s or (heap[up] == s and kept[up] > j):
                            break
                        heap[at], kept[at], via[at] = heap[up], kept[up], via[up]
                        at = up
                elif heap[0] < s or (heap[0] == s and kept[0] > j):  # down from the first
                    at = 0
                    while 2 * at + 1 < size:
                        c = 2 * at + 1
                        if c + 1 < size and (
                            heap[c + 1] < heap[c]
                            or (heap[c + 1] == heap[c] and kept[c + 1] > kept[c])
                        ):
                            c += 1
                        if heap[c] > s or (heap[c] == s and kept[c] < j):
                            break
                        heap[at], kept[at], via[at] = heap[c], kept[c], via[c]
                        at = c
                else:
                    continue
                heap[at], kept[at], via[at] = s, j, pair[f]
    return out, origin
