"""The compiled loop that finds, for each signature of a crowded block, those most like it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from disambig.native import kernel

Bool = npt.NDArray[np.bool_]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

SHARING = np.float32(0.3)


@kernel
def nearest(
    of_class: Int32,
    friend_start: Int64,
    friend: Int32,
    pair: Int32,
    member_start: Int64,
    member: Int32,
    start: Int64,
    column: Int32,
    value: Float32,
    holder_start: Int64,
    holder: Int32,
    held: Float32,
    meaning: Float32,
    likeness: np.float32,
    year: Float32,
    slope: np.float32,
    most: int,
) -> tuple[Int32, Int32]:
    """The ``most`` rows most like each of n rows, among those whose names agree with its own.

    Likeness is the sum, over the columns two rows share, of the products of their values, and
    ``likeness`` for equal meaning, less ``slope`` for each year between them. Of rows equally like
    the lowest come first. The sums run in one order whatever the machine.

    Parameters
    ----------
    of_class : int32[n]
        Class of each row: its name.
    friend_start, friend, pair : int64[C + 1], int32, int32
        Classes that agree with each, itself among them, and the number of each such two.
    member_start, member : int64[C + 1], int32[n]
        Rows of each class.
    start, column, value
        What each row has, as in :class:`disambig.sparse_rows.SparseRows`.
    holder_start, holder, held
        The same by column: which rows have it, and their values.
    meaning : float32[n, d]
        ``d`` a multiple of 16.
    year : float32[n]
        NaN where unknown.

    Returns
    -------
    row, pair : int32[n, most]
        -1 where fewer agree.
    """
    n, d = len(of_class), meaning.shape[1]
    out = np.full((n, most), -1, dtype=np.int32)
    origin = np.full((n, most), -1, dtype=np.int32)
    shared = np.zeros(n, dtype=np.float32)
    lane = np.zeros(16, dtype=np.float32)
    heap = np.empty(most, dtype=np.float32)
    for i in range(n):
        shared[:] = 0
        for x in range(start[i], start[i + 1]):
            v = value[x]
            for y in range(holder_start[column[x]], holder_start[column[x] + 1]):
                shared[holder[y]] += v * held[y]
        size = 0
        kept, via = out[i], origin[i]
        own = of_class[i]
        # first those with most in common: beside them few of the others need a closer look
        for sweep in range(2):
            for f in range(friend_start[own], friend_start[own + 1]):
                for m in range(member_start[friend[f]], member_start[friend[f] + 1]):
                    j = member[m]
                    s = shared[j]
                    if j == i or (s >= SHARING) != (sweep == 0):
                        continue
                    gap = abs(year[i] - year[j])
                    if gap > 0:  # not where a year is unknown
                        s -= slope * gap
                    if size == most and s + likeness < heap[0]:
                        continue  # whatever its meaning
                    lane[:] = 0
                    for k in range(0, d, 16):
                        for q in range(16):
                            lane[q] += meaning[i, k + q] * meaning[j, k + q]
                    total = np.float32(0)
                    for q in range(16):
                        total += lane[q]
                    s += likeness * total
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
