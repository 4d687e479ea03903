"""Compiled loops over groups and the signature pairs between them."""

from __future__ import annotations

import numpy as np

from disambig.arrays import Bool, Float32, Float64, Int32, Int64
from disambig.kernels.compile import kernel
from disambig.kernels.pairs import sort_by_count


@kernel
def aggregate_cross_scores(
    start: Int64,
    left: Int32,
    right: Int32,
    probability: Float32,
    weight: Float32,
    n_rows: int,
) -> Float64:
    """Aggregate the probabilities of the pairs between two groups, for each pair of groups.

    Parameters
    ----------
    start : int64[N + 1]
        Pairs of group pair ``k`` are ``start[k]:start[k + 1]``.
    left, right : int32[X]
        Row of the first and of the second group.
    probability, weight : float32[X]
        Of each pair, and the number of pairs that it represents.

    Returns
    -------
    float64[10, N]
        Weighted sum of the probabilities and of their log-odds (bounded at 1e-4), the largest, the
        smallest, the weight of those above 1/2, the sums over the rows of the first and of the
        second group of the best probability of each row with the other group, the total weight,
        and the number of rows of the first and of the second group with any pair.
    """
    n = len(start) - 1
    out = np.zeros((10, n), dtype=np.float64)
    best = np.full(n_rows, -1.0)
    for k in range(n):
        total, log_odds, most, least, half, known = 0.0, 0.0, 0.0, 1.0, 0.0, 0.0
        for x in range(start[k], start[k + 1]):
            p, w = np.float64(probability[x]), np.float64(weight[x])
            bounded = min(max(p, 1e-4), 1 - 1e-4)
            total += w * p
            log_odds += w * np.log(bounded / (1 - bounded))
            most, least = max(most, p), min(least, p)
            if p > 0.5:
                half += w
            known += w
            best[left[x]] = max(best[left[x]], p)
            best[right[x]] = max(best[right[x]], p)
        own, other, own_rows, other_rows = 0.0, 0.0, 0, 0
        for x in range(start[k], start[k + 1]):
            if best[left[x]] >= 0:
                own += best[left[x]]
                own_rows += 1
            if best[right[x]] >= 0:
                other += best[right[x]]
                other_rows += 1
            best[left[x]] = -1.0
            best[right[x]] = -1.0
        out[0, k], out[1, k], out[2, k], out[3, k] = total, log_odds, most, least
        out[4, k], out[5, k], out[6, k], out[7, k] = half, own, other, known
        out[8, k], out[9, k] = own_rows, other_rows
    return out


# Steps of the two-dimensional low-discrepancy sequence of Roberts (2018): powers of the inverse of
# the plastic number. Its points cover rows and columns evenly at every length.
_STEP_A, _STEP_B = 0.7548776662466927, 0.5698402909980532


@kernel
def sample_cross_pairs(
    first: Int64, member: Int64, left: Int32, right: Int32, count: int
) -> tuple[Int32, Int32, Int64]:
    """Draw pairs of rows of two groups evenly, for each pair of groups; all if they are few.

    Parameters
    ----------
    first, member : int64[G + 1], int64[M]
        Rows of group ``g``: ``member[first[g]:first[g + 1]]``.
    left, right : int32[N]
        Pairs of groups.
    count : int
        Points drawn for a pair of groups with more than twice as many pairs of rows. Repeated pairs
        are not removed.

    Returns
    -------
    low, high : int32[X]
        Pairs of rows, low < high.
    start : int64[N + 1]
        Those of pair ``k`` are ``low[start[k]:start[k + 1]]``.
    """
    n = len(left)
    start = np.zeros(n + 1, dtype=np.int64)
    for k in range(n):
        size = (first[left[k] + 1] - first[left[k]]) * (first[right[k] + 1] - first[right[k]])
        start[k + 1] = start[k] + (size if size <= 2 * count else count)
    low, high = np.empty(start[n], dtype=np.int32), np.empty(start[n], dtype=np.int32)
    for k in range(n):
        a, b = first[left[k]], first[right[k]]
        n_a, n_b = first[left[k] + 1] - a, first[right[k] + 1] - b
        for t in range(start[k + 1] - start[k]):
            if n_a * n_b <= 2 * count:
                i, j = t // n_b, t % n_b
            else:
                i = np.int64(n_a * ((0.5 + t * _STEP_A) % 1.0))
                j = np.int64(n_b * ((0.5 + t * _STEP_B) % 1.0))
            row, other = member[a + i], member[b + j]
            low[start[k] + t], high[start[k] + t] = min(row, other), max(row, other)
    return low, high, start


@kernel
def compute_spans(values: Float32, member: Int64, first: Int64) -> tuple[Float32, Float32]:
    """Return least and greatest known value of each group's rows, float32[G]; NaN without any."""
    n = len(first) - 1
    least = np.full(n, np.nan, dtype=np.float32)
    greatest = np.full(n, np.nan, dtype=np.float32)
    for g in range(n):
        for m in range(first[g], first[g + 1]):
            value = values[member[m]]
            if not np.isnan(value):
                if not value >= least[g]:
                    least[g] = value
                if not value <= greatest[g]:
                    greatest[g] = value
    return least, greatest


@kernel
def measure_share_within(
    values: Float32,
    member: Int64,
    first: Int64,
    least: Float32,
    greatest: Float32,
    left: Int32,
    right: Int32,
) -> Float32:
    """Measure the share of the smaller group's values within the span of the other group.

    Parameters
    ----------
    values : float32[R]
        NaN values do not count.
    least, greatest : float32[G]
        Span of each group; NaN without any value.

    Returns
    -------
    float32[N]
        NaN without a value in either group. The mean of both groups if they have as many values.
    """
    out = np.full(len(left), np.nan, dtype=np.float32)
    known = np.zeros(len(first) - 1, dtype=np.int64)
    for g in range(len(first) - 1):
        for m in range(first[g], first[g + 1]):
            known[g] += not np.isnan(values[member[m]])
    for k in range(len(left)):
        if known[left[k]] == 0 or known[right[k]] == 0:
            continue
        total, n_shares = 0.0, 0
        for direction in range(2):
            a, b = (left[k], right[k]) if direction == 0 else (right[k], left[k])
            if known[a] <= known[b]:
                n_within = 0
                for m in range(first[a], first[a + 1]):
                    n_within += least[b] <= values[member[m]] <= greatest[b]
                total += n_within / known[a]
                n_shares += 1
        out[k] = total / n_shares
    return out


@kernel
def compare_nearest(
    start: Int64,
    column: Int32,
    value: Float32,
    text: Int32,
    year: Float32,
    member: Int64,
    first: Int64,
    left: Int32,
    right: Int32,
) -> tuple[Float32, Float32]:
    """Compare the texts of two groups that are nearest in time.

    Parameters
    ----------
    start, column, value
        Unit rows of the texts, see :class:`disambig.corpus.sparse.SparseRows`.
    text, year : int32[R], float32[R]
        Text and year of each row.
    member, first : int64[M], int64[G + 1]
        Rows of group ``g``: ``member[first[g]:first[g + 1]]``, by year, all with text and year.

    Returns
    -------
    closest : float32[N]
        Largest cosine among the pairs of rows with the least difference of years. Each row of the
        smaller group is paired with the two rows of the other before it and the two after it.
    mean : float32[N]
        Mean over the smaller group's rows of their largest cosine. Both are NaN for an empty group.
    """
    closest = np.full(len(left), np.nan, dtype=np.float32)
    mean = np.full(len(left), np.nan, dtype=np.float32)
    for k in range(len(left)):
        a, b = left[k], right[k]
        n_a, n_b = first[a + 1] - first[a], first[b + 1] - first[b]
        if n_a == 0 or n_b == 0:
            continue
        if n_a > n_b:
            a, b = b, a
        least_gap, best, total, n_rows = np.float32(np.inf), np.float32(0), np.float64(0), 0
        at = first[b]
        for m in range(first[a], first[a + 1]):
            row = member[m]
            while at < first[b + 1] and year[member[at]] < year[row]:
                at += 1
            row_best = np.float32(0)
            for x in range(max(at - 2, first[b]), min(at + 2, first[b + 1])):
                other = member[x]
                cosine = np.float32(1)
                if text[row] != text[other]:
                    cosine = _compute_sparse_cosine(start, column, value, text[row], text[other])
                row_best = max(row_best, cosine)
                gap = abs(year[row] - year[other])
                if gap < least_gap:
                    least_gap, best = gap, cosine
                elif gap == least_gap:
                    best = max(best, cosine)
            total += np.float64(row_best)
            n_rows += 1
        closest[k], mean[k] = best, total / n_rows
    return closest, mean


@kernel
def _compute_sparse_cosine(
    start: Int64, column: Int32, value: Float32, a: int, b: int
) -> np.float32:
    """Compute the dot product of two sparse rows."""
    x, y, total = start[a], start[b], np.float32(0)
    while x < start[a + 1] and y < start[b + 1]:
        if column[x] == column[y]:
            total += value[x] * value[y]
            x += 1
            y += 1
        elif column[x] < column[y]:
            x += 1
        else:
            y += 1
    return total


@kernel
def find_crossing_pairs(
    group: Int32, left: Int32, right: Int32, is_live: Bool, n: int
) -> tuple[Int32, Int32, Int64, Int64]:
    """List the pairs of rows in two different groups, one pair of groups after the other.

    Parameters
    ----------
    group : int32[R]
        From 0, below ``n``.
    left, right : int32[P]
        Rows.
    is_live : bool[R]
        Pairs whose left row is not live are left out.

    Returns
    -------
    low, high : int32[N]
        Pairs of groups, low < high, sorted by low, then high.
    cross, start : int64[X], int64[N + 1]
        Pairs of rows of each, in their order: ``cross[start[k]:start[k + 1]]``.
    """
    pair_index = np.empty(len(left), dtype=np.int64)
    least, most = np.empty(len(left), dtype=np.int32), np.empty(len(left), dtype=np.int32)
    at = 0
    for p in range(len(left)):
        a, b = group[left[p]], group[right[p]]
        if a != b and is_live[left[p]]:
            pair_index[at], least[at], most[at] = p, min(a, b), max(a, b)
            at += 1
    least, most = least[:at], most[:at]
    order = sort_by_count(least, sort_by_count(most, np.arange(at), n), n)
    low, high = np.empty(at, dtype=np.int32), np.empty(at, dtype=np.int32)
    cross, start = np.empty(at, dtype=np.int64), np.empty(at + 1, dtype=np.int64)
    k = 0
    for x in range(at):
        a, b = least[order[x]], most[order[x]]
        if k == 0 or a != low[k - 1] or b != high[k - 1]:
            low[k], high[k], start[k] = a, b, x
            k += 1
        cross[x] = pair_index[order[x]]
    start[k] = at
    return low[:k], high[:k], cross, start[: k + 1]


@kernel
def compute_bounds(values: Float32, entry: Int64, start: Int64) -> tuple[Float32, Float32]:
    """Return the least and greatest known of ``values[entry[start[k]:start[k + 1]]]``.

    float32[N] each; NaN without any.
    """
    n = len(start) - 1
    least = np.full(n, np.nan, dtype=np.float32)
    greatest = np.full(n, np.nan, dtype=np.float32)
    for k in range(n):
        for x in range(start[k], start[k + 1]):
            value = values[entry[x]]
            if value < least[k] or np.isnan(least[k]):
                least[k] = value
            if value > greatest[k] or np.isnan(greatest[k]):
                greatest[k] = value
    return least, greatest


@kernel
def compute_leads(left: Int32, right: Int32, value: Float64, n: int) -> tuple[Float64, Float64]:
    """Compute how far each pair of groups is ahead of the best other pair of either group.

    Returns
    -------
    low, high : float64[N]
        Lead over the better and over the worse of the two rivals. The rival of the best pair of
        a group is the best pair of lower value there, 0 without any.
    """
    first, second = np.zeros(n, dtype=np.float64), np.zeros(n, dtype=np.float64)
    for k in range(len(left)):
        for g in (left[k], right[k]):
            if value[k] > first[g]:
                second[g] = first[g]
                first[g] = value[k]
            elif second[g] < value[k] < first[g]:
                second[g] = value[k]
    low, high = np.empty(len(left), dtype=np.float64), np.empty(len(left), dtype=np.float64)
    for k in range(len(left)):
        v = value[k]
        a = second[left[k]] if v >= first[left[k]] else first[left[k]]
        b = second[right[k]] if v >= first[right[k]] else first[right[k]]
        low[k], high[k] = v - max(a, b), v - min(a, b)
    return low, high


@kernel
def find_distinct(keys: Int64) -> tuple[Int64, Int64]:
    """Return distinct keys (0 or above) by first appearance, and the position of each key there."""
    size = 16
    while size < 2 * len(keys):
        size *= 2
    slots = np.full(size, -1, dtype=np.int64)
    distinct_keys, place = np.empty(len(keys), dtype=np.int64), np.empty(len(keys), dtype=np.int64)
    n = 0
    for k in range(len(keys)):
        key = keys[k]
        mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
        at = np.int64((mixed >> np.uint64(32)) & np.uint64(size - 1))
        while slots[at] >= 0 and distinct_keys[slots[at]] != key:
            at = (at + 1) & (size - 1)
        if slots[at] < 0:
            slots[at] = n
            distinct_keys[n] = key
            n += 1
        place[k] = slots[at]
    return distinct_keys[:n], place


@kernel
def list_name_pairs(
    start: Int64, name: Int64, left: Int32, right: Int32, width: int
) -> tuple[Int64, Int64]:
    """List each name of one set with each of another, for each pair of sets.

    Parameters
    ----------
    start, name : int64[n_sets + 1], int64[n]
        Names of set ``s``: ``name[start[s]:start[s + 1]]``, below ``width``.
    left, right : int32[N]

    Returns
    -------
    key : int64[K]
        ``low * width + high`` of the two names.
    bounds : int64[N + 1]
        Those of pair ``k`` are ``key[bounds[k]:bounds[k + 1]]``.
    """
    pair_start = np.zeros(len(left) + 1, dtype=np.int64)
    for k in range(len(left)):
        a, b = start[left[k] + 1] - start[left[k]], start[right[k] + 1] - start[right[k]]
        pair_start[k + 1] = pair_start[k] + a * b
    key = np.empty(pair_start[-1], dtype=np.int64)
    at = 0
    for k in range(len(left)):
        for x in range(start[left[k]], start[left[k] + 1]):
            for y in range(start[right[k]], start[right[k] + 1]):
                key[at] = min(name[x], name[y]) * width + max(name[x], name[y])
                at += 1
    return key, pair_start
