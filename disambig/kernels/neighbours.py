"""Compiled nearest-neighbour search among the signatures of a crowded block."""

from __future__ import annotations

import numpy as np

from disambig.arrays import Float32, Int32, Int64
from disambig.kernels.compile import kernel
from disambig.kernels.vectors import LANES, ROWS_AT_ONCE, multiply_panel

MAX_GAP = 64
"""Most rows between two classes that are scored as well instead of starting another run."""

BUFFER_FACTOR = 4
"""Size of the buffer of best rows, in multiples of the neighbours to find; when it is full, the
least alike are dropped."""

MAX_DECAYS = 5
"""Multiple of the decay beyond which a vote no longer counts."""

_NONE, _NEVER = np.float32(0), np.float32(np.inf)
_LOWEST, _LEAST = np.finfo(np.float32).min, np.int64(np.iinfo(np.int64).min)
_ALL_BUT_SIGN, _LOWER_HALF = np.int32(0x7FFFFFFF), np.int64(0xFFFFFFFF)


@kernel
def _compute_likeness(
    shared: Float32,
    meaning_product: Float32,
    year: Float32,
    own_year: np.float32,
    slope: np.float32,
    penalty: Float32,
    out: Float32,
) -> None:
    for m in range(len(out)):
        gap = abs(own_year - year[m])
        gap = gap if gap == gap else _NONE  # 0 where a year is unknown
        out[m] = (shared[m] + meaning_product[m] - penalty[m]) - slope * gap


@kernel
def _compute_shared(
    start: Int64,
    column: Int32,
    value: Float32,
    i: int,
    holder_start: Int64,
    holder: Int32,
    holder_value: Float32,
    out: Float32,
) -> None:
    out[:] = 0
    for x in range(start[i], start[i + 1]):
        v = value[x]
        for y in range(holder_start[column[x]], holder_start[column[x] + 1]):
            out[holder[y]] += v * holder_value[y]


@kernel
def _select_largest(key: Int64, size: int, most: int) -> None:
    """Move the ``most`` largest of ``key[:size]`` to the front, the least of them last.

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
def find_nearest(
    member_start: Int64,
    member: Int32,
    agreeing_start: Int64,
    agreeing_class: Int32,
    pair: Int32,
    penalty: Float32,
    start: Int64,
    column: Int32,
    value: Float32,
    meaning: Float32,
    year: Float32,
    holder_start: Int64,
    holder: Int32,
    holder_value: Float32,
    panels: Float32,
    slope: np.float32,
    most: int,
) -> tuple[Int32, Int32, Int32]:
    """Find the ``most`` rows most like each of n rows, among those whose names agree with its own.

    Likeness is the sum, over the columns two rows share, of the products of their values, plus the
    dot product of their meanings, minus ``slope`` for each year between them and the penalty of
    their classes. Ties go to the lowest row. The order of summation is the same on every machine.

    Parameters
    ----------
    member_start, member : int64[C + 1], int32[n]
        Rows of each class, which have one name. The arrays below are in the order of ``member``.
    agreeing_start, agreeing_class, pair, penalty : int64[C + 1], int32, int32, float32
        Classes that agree with each, itself included, ascending; the number of each such pair of
        classes, and its penalty.
    start, column, value
        Evidence of each row, as in :class:`disambig.corpus.sparse.SparseRows`.
    meaning : float32[n + 3 or more, d]
        ``d`` a multiple of 4.
    year : float32[16 * P]
        NaN where unknown.
    holder_start, holder, holder_value
        By column: the rows that have it, and their values.
    panels : float32[P, d, 16]
        Meanings of 16 rows each, transposed; padding may have any value.

    Returns
    -------
    row, other, pair : int32[N] each
        Rows with their neighbours, ``most`` for each row with so many that agree.
    """
    n, width, n_classes = len(member), LANES * len(panels), len(agreeing_start) - 1
    total = 0
    for c in range(n_classes):
        others = -1
        for f in range(agreeing_start[c], agreeing_start[c + 1]):
            others += member_start[agreeing_class[f] + 1] - member_start[agreeing_class[f]]
        total += min(others, most) * (member_start[c + 1] - member_start[c])
    row = np.empty(total, dtype=np.int32)
    other, pair_number = np.empty_like(row), np.empty_like(row)
    meaning_product = np.empty((ROWS_AT_ONCE, width), dtype=np.float32)
    shared, likeness = np.zeros(width, dtype=np.float32), np.empty(width, dtype=np.float32)
    row_penalty, row_pair = np.empty_like(likeness), np.empty(n, dtype=np.int32)
    bits = likeness.view(np.int32)
    run_low, run_high = np.empty((2, n_classes), dtype=np.int64)
    best = np.empty(BUFFER_FACTOR * most, dtype=np.int64)
    at = 0
    for c in range(n_classes):
        # runs of whole panels that cover all rows that agree with the class
        row_penalty[:] = _NEVER
        runs = 0
        for f in range(agreeing_start[c], agreeing_start[c + 1]):
            low, high = member_start[agreeing_class[f]], member_start[agreeing_class[f] + 1]
            row_penalty[low:high] = penalty[f]
            for m in range(low, high):
                row_pair[member[m]] = pair[f]
            if runs == 0 or low > run_high[runs - 1] + MAX_GAP:
                run_low[runs] = low // LANES * LANES
                runs += 1
            run_high[runs - 1] = (high + LANES - 1) // LANES * LANES
        for i in range(member_start[c], member_start[c + 1]):
            t = (i - member_start[c]) % ROWS_AT_ONCE
            if t == 0:
                for r in range(runs):
                    for p in range(run_low[r] // LANES, run_high[r] // LANES):
                        multiply_panel(meaning, i, panels, p, meaning_product)
            _compute_shared(start, column, value, i, holder_start, holder, holder_value, shared)
            size, limit, least = 0, _LOWEST, _LEAST
            for r in range(runs):
                low, high = run_low[r], run_high[r]
                _compute_likeness(
                    shared[low:high],
                    meaning_product[t, low:high],
                    year[low:high],
                    year[i],
                    slope,
                    row_penalty[low:high],
                    likeness[low:high],
                )
                for m in range(low, high):
                    if likeness[m] < limit or m == i:
                        continue
                    # integers in the order of likeness; ties: the lowest row is largest
                    b = bits[m]
                    key = (np.int64(b ^ ((b >> 31) & _ALL_BUT_SIGN)) << 32) + (n - member[m])
                    if key > least:
                        best[size] = key
                        size += 1
                        if size == len(best):
                            _select_largest(best, size, most)
                            size, least = most, best[most - 1]
                            b = np.int32(least >> 32)
                            limit = np.int32(b ^ ((b >> 31) & _ALL_BUT_SIGN)).view(np.float32)
            if size > most:
                _select_largest(best, size, most)
                size = most
            for k in range(size):
                j = np.int32(n - (best[k] & _LOWER_HALF))
                row[at], other[at], pair_number[at] = member[i], j, row_pair[j]
                at += 1
    return row, other, pair_number


@kernel
def vote_nearest(
    n: int,
    start: Int64,
    column: Int32,
    value: Float32,
    meaning: Float32,
    year: Float32,
    holder_start: Int64,
    holder: Int32,
    holder_value: Float32,
    panels: Float32,
    years: Float32,
    slope: np.float32,
    label: Int64,
    decay: float,
) -> Int64:
    """Return the label that the nearest others of each of ``n`` rows vote for, int64[n].

    A vote falls to 1 / e where likeness is ``decay`` below the largest; only others that share a
    column vote. 0 without any.

    Parameters
    ----------
    start, column, value, meaning, year
        Of the rows, as for :func:`find_nearest`.
    holder_start, holder, holder_value, panels, years
        The same of the others.
    label : int64[m]
        Of the others, above 0.
    """
    m, width = len(label), LANES * len(panels)
    out = np.zeros(n, dtype=np.int64)
    meaning_product = np.empty((ROWS_AT_ONCE, width), dtype=np.float32)
    shared, likeness = np.empty(m, dtype=np.float32), np.empty(m, dtype=np.float32)
    penalty, votes = np.zeros_like(likeness), np.zeros(label.max() + 1, dtype=np.float64)
    for i in range(n):
        t = i % ROWS_AT_ONCE
        if t == 0:
            for p in range(len(panels)):
                multiply_panel(meaning, i, panels, p, meaning_product)
        _compute_shared(start, column, value, i, holder_start, holder, holder_value, shared)
        _compute_likeness(
            shared, meaning_product[t, :m], years[:m], year[i], slope, penalty, likeness
        )
        first = -_NEVER
        for j in range(m):
            likeness[j] = likeness[j] if shared[j] > _NONE else -_NEVER
        for j in range(m):
            first = max(first, likeness[j])
        least = first - MAX_DECAYS * decay
        votes[:] = 0
        for j in range(m):
            if likeness[j] > least:
                votes[label[j]] += np.exp((likeness[j] - first) / decay)
        out[i] = votes.argmax()
    return out
