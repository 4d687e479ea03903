"""Compiled loop over the signature pairs between groups."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from disambig.native import kernel

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


@kernel
def cross_scores(
    start: Int64, left: Int32, right: Int32, probability: Float32, n_rows: int
) -> Float64:
    """What the scored pairs between two groups come to, for each pair of groups.

    Parameters
    ----------
    start : int64[N + 1]
        Pairs of group pair ``k`` are ``start[k]:start[k + 1]``.
    left, right : int32[X]
        Row of the one and of the other group.
    probability : float32[X]

    Returns
    -------
    float64[7, N]
        Sum of the probabilities and of their log-odds (bounded at 1e-4), the largest, the
        smallest, how many exceed 1/2, and the sum over the rows of the one and of the other
        group of the best probability each has with the group opposite.
    """
    n = len(start) - 1
    out = np.zeros((7, n), dtype=np.float64)
    best = np.zeros(n_rows, dtype=np.float64)
    for k in range(n):
        total, log_odds, most, least, half = 0.0, 0.0, 0.0, 1.0, 0.0
        for x in range(start[k], start[k + 1]):
            p = np.float64(probability[x])
            bounded = min(max(p, 1e-4), 1 - 1e-4)
            total += p
            log_odds += np.log(bounded / (1 - bounded))
            most, least = max(most, p), min(least, p)
            if p > 0.5:
                half += 1
            best[left[x]] = max(best[left[x]], p)
            best[right[x]] = max(best[right[x]], p)
        own, other = 0.0, 0.0
        for x in range(start[k], start[k + 1]):
            own += best[left[x]]
            other += best[right[x]]
            best[left[x]] = 0.0
            best[right[x]] = 0.0
        out[0, k], out[1, k], out[2, k], out[3, k] = total, log_odds, most, least
        out[4, k], out[5, k], out[6, k] = half, own, other
    return out


@kernel
def spans(values: Float32, member: Int64, first: Int64) -> tuple[Float32, Float32]:
    """Least and greatest known value of each group's rows, float32[G]; NaN without any."""
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
