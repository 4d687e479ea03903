"""The compiled loop that finds, for each signature of a crowded block, those most like it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from disambig._vectors import LANES, TOGETHER, multiply_panel
from disambig.native import kernel

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

GAP = 64
"""Rows between two classes that are looked at, too, rather than begin anew."""

ROOM = 4
"""Times as many rows as are sought that are held until the least alike of them are dropped."""

MOST_FADED = 5
"""Times the fading at which a vote no longer counts."""

_NONE, _NEVER = np.float32(0), np.float32(np.inf)
_LOWEST, _LEAST = np.finfo(np.float32).min, np.int64(np.iinfo(np.int64).min)
_ALL_BUT_SIGN, _LOWER_HALF = np.int32(0x7FFFFFFF), np.int64(0xFFFFFFFF)


@kernel
def _likeness(
    shared: Float32,
    alike: Float32,
    year: Float32,
    own: np.float32,
    slope: np.float32,
    less: Float32,
    out: Float32,
) -> None:
    for m in range(len(out)):
        gap = abs(own - year[m])
        gap = gap if gap == gap else _NONE  # not where a year is unknown
        out[m] = (shared[m] + alike[m] - less[m]) - slope * gap


@kernel
def _share(
    start: Int64,
    column: Int32,
    value: Float32,
    i: int,
    holder_start: Int64,
    holder: Int32,
    held: Float32,
    out: Float32,
) -> None:
    out[:] = 0
    for x in range(start[i], start[i + 1]):
        v = value[x]
        for y in range(holder_start[column[x]], holder_start[column[x] + 1]):
            out[holder[y]] += v * held[y]


@kernel
def _largest_first(key: Int64, size: int, most: int) -> None:
    """Put the ``most`` largest of ``key[:size]`` first, the least of them last.

    Quickselect (Hoare, "Algorithm 65: find", 1961).
    """
    low, high, last = 0, size - 1, most - 1
    while low < high:
        middle = key[(low + high) // 2]
        a, b = low, high
        while a <= b:
            while key[a] > middle:
                a += 1
            while key[b] < middle:
                b -= 1
            if a <= b:
                key[a], key[b] = key[b], key[a]
                a, b = a + 1, b - 1
        if last <= b:
            high = b
        elif last >= a:
            low = a
        else:
            return


@kernel
def nearest(
    member_start: Int64,
    member: Int32,
    friend_start: Int64,
    friend: Int32,
    pair: Int32,
    less: Float32,
    start: Int64,
    column: Int32,
    value: Float32,
    meaning: Float32,
    year: Float32,
    holder_start: Int64,
    holder: Int32,
    held: Float32,
    panels: Float32,
    slope: np.float32,
    most: int,
) -> tuple[Int32, Int32, Int32]:
    """The ``most`` rows most like each of n rows, among those whose names agree with its own.

    Likeness is the sum, over the columns two rows share, of the products of their values, and the
    product of their meanings, less ``slope`` for each year between them and what their classes
    take away. Of rows equally like the lowest come first. The sums run in one order whatever the
    machine.

    Parameters
    ----------
    member_start, member : int64[C + 1], int32[n]
        Rows of each class: those of one name. All else is in the order of ``member``.
    friend_start, friend, pair, less : int64[C + 1], int32, int32, float32
        Classes that agree with each, itself among them, ascending; the number of each such two,
        and what it takes away.
    start, column, value
        What each row has, as in :class:`disambig.sparse_rows.SparseRows`.
    meaning : float32[n + 3 or more, d]
        ``d`` a multiple of 4.
    year : float32[16 * P]
        NaN where unknown.
    holder_start, holder, held
        By column: which rows have it, and their values.
    panels : float32[P, d, 16]
        Meanings to multiply with, of 16 rows each; of those that are too many, anything.

    Returns
    -------
    row, other, pair : int32[N] each
        Rows with those most like them, ``most`` for each row that so many agree with.
    """
    n, width, n_classes = len(member), LANES * len(panels), len(friend_start) - 1
    total = 0
    for c in range(n_classes):
        others = -1
        for f in range(friend_start[c], friend_start[c + 1]):
            others += member_start[friend[f] + 1] - member_start[friend[f]]
        total += min(others, most) * (member_start[c + 1] - member_start[c])
    row = np.empty(total, dtype=np.int32)
    other, via = np.empty_like(row), np.empty_like(row)
    alike = np.empty((TOGETHER, width), dtype=np.float32)
    shared, like = np.zeros(width, dtype=np.float32), np.empty(width, dtype=np.float32)
    taken, number = np.empty_like(like), np.empty(n, dtype=np.int32)
    bits = like.view(np.int32)
    run_low, run_high = np.empty((2, n_classes), dtype=np.int64)
    best = np.empty(ROOM * most, dtype=np.int64)
    at = 0
    for c in range(n_classes):
        # whole panels with all that agree with the class, and others between them
        taken[:] = _NEVER
        runs = 0
        for f in range(friend_start[c], friend_start[c + 1]):
            low, high = member_start[friend[f]], member_start[friend[f] + 1]
            taken[low:high] = less[f]
            for m in range(low, high):
                number[member[m]] = pair[f]
            if runs == 0 or low > run_high[runs - 1] + GAP:
                run_low[runs] = low // LANES * LANES
                runs += 1
            run_high[runs - 1] = (high + LANES - 1) // LANES * LANES
        for i in range(member_start[c], member_start[c + 1]):
            t = (i - member_start[c]) % TOGETHER
            if t == 0:
                for r in range(runs):
                    for p in range(run_low[r] // LANES, run_high[r] // LANES):
                        multiply_panel(meaning, i, panels, p, alike)
            _share(start, column, value, i, holder_start, holder, held, shared)
            size, limit, least = 0, _LOWEST, _LEAST
            for r in range(runs):
                low, high = run_low[r], run_high[r]
                _likeness(
                    shared[low:high],
                    alike[t, low:high],
                    year[low:high],
                    year[i],
                    slope,
                    taken[low:high],
                    like[low:high],
                )
                for m in range(low, high):
                    if like[m] < limit or m == i:
                        continue
                    # whole numbers in the order of likeness, of equal ones the lowest row last
                    b = bits[m]
                    key = (np.int64(b ^ ((b >> 31) & _ALL_BUT_SIGN)) << 32) + (n - member[m])
                    if key > least:
                        best[size] = key
                        size += 1
                        if size == len(best):
                            _largest_first(best, size, most)
                            size, least = most, best[most - 1]
                            b = np.int32(least >> 32)
                            limit = np.int32(b ^ ((b >> 31) & _ALL_BUT_SIGN)).view(np.float32)
            if size > most:
                _largest_first(best, size, most)
                size = most
            for k in range(size):
                j = np.int32(n - (best[k] & _LOWER_HALF))
                row[at], other[at], via[at] = member[i], j, number[j]
                at += 1
    return row, other, via


@kernel
def followed(
    n: int,
    start: Int64,
    column: Int32,
    value: Float32,
    meaning: Float32,
    year: Float32,
    holder_start: Int64,
    holder: Int32,
    held: Float32,
    panels: Float32,
    years: Float32,
    slope: np.float32,
    label: Int64,
    fading: float,
) -> Int64:
    """The label that each of ``n`` rows follows, int64[n]: that of the others most like it.

    They vote, one that is less like it than the first by ``fading`` with 1 / e of a vote; only
    those that share a column do. 0 without any.

    Parameters
    ----------
    start, column, value, meaning, year
        Of the rows, as for :func:`nearest`.
    holder_start, holder, held, panels, years
        The same of the others.
    label : int64[m]
        Of the others, above 0.
    """
    m, width = len(label), LANES * len(panels)
    out = np.zeros(n, dtype=np.int64)
    alike = np.empty((TOGETHER, width), dtype=np.float32)
    shared, like = np.empty(m, dtype=np.float32), np.empty(m, dtype=np.float32)
    less, votes = np.zeros_like(like), np.zeros(label.max() + 1, dtype=np.float64)
    for i in range(n):
        t = i % TOGETHER
        if t == 0:
            for p in range(len(panels)):
                multiply_panel(meaning, i, panels, p, alike)
        _share(start, column, value, i, holder_start, holder, held, shared)
        _likeness(shared, alike[t, :m], years[:m], year[i], slope, less, like)
        first = -_NEVER
        for j in range(m):
            like[j] = like[j] if shared[j] > _NONE else -_NEVER
        for j in range(m):
            first = max(first, like[j])
        least = first - MOST_FADED * fading
        votes[:] = 0
        for j in range(m):
            if like[j] > least:
                votes[label[j]] += np.exp((like[j] - first) / fading)
        out[i] = votes.argmax()
    return out
