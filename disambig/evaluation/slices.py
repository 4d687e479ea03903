"""Locate errors: metrics by slice of the signatures, and the worst mixtures.

All functions take arrays and return values; :mod:`disambig.evaluation.report` shows them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from disambig.arrays import Bool, Float64, Int64

#: Lower edges of the bins that block sizes and name counts are sliced by.
SIZE_EDGES = (1, 2, 6, 21, 101, 501)


@dataclass(frozen=True, slots=True)
class Slice:
    """B-cubed metrics of a subset of the signatures.

    ``f1`` is the harmonic mean of the slice's mean precision and recall. ``error_share`` is
    the slice's part of all error, counting ``(1 − precision) + (1 − recall)`` over signatures;
    NaN when there is no error at all.
    """

    label: str
    signatures: int
    precision: float
    recall: float
    f1: float
    error_share: float


@dataclass(frozen=True, eq=False)
class Mixture:
    """One cluster that consists of several parts: an array of rows, int64[m], for each part.

    Parts are ordered from the largest to the smallest.
    """

    cluster: int
    parts: tuple[Int64, ...]

    @property
    def signatures(self) -> int:
        """Number of signatures in all parts."""
        return sum(len(part) for part in self.parts)


def slice_by_size(
    sizes: Int64, precision: Float64, recall: Float64, edges: Sequence[int] = SIZE_EDGES
) -> tuple[Slice, ...]:
    """Slice by a count of each signature, such as block size or name frequency.

    Parameters
    ----------
    sizes : int64[n]
        At least ``edges[0]``.
    precision, recall : float64[n]
        From :func:`disambig.evaluation.metrics.bcubed_by_signature`.
    edges : ascending integers
        Lower edge of each bin; the last bin is open. Empty bins are omitted.
    """
    index = np.searchsorted(np.asarray(edges), sizes, side="right") - 1
    labels = _format_range_labels(edges)
    rows = [(labels[bin_], index == bin_) for bin_ in range(len(edges))]
    return _compute_slices(rows, precision, recall)


def slice_by_flags(
    flags: Mapping[str, Bool], precision: Float64, recall: Float64, otherwise: str
) -> tuple[Slice, ...]:
    """Slice by flags, which may overlap; the last slice has the signatures with no flag.

    Parameters
    ----------
    flags : name of the slice to bool[n]
    precision, recall : float64[n]
        From :func:`disambig.evaluation.metrics.bcubed_by_signature`.
    otherwise : str
        Label of the slice of signatures without any flag.
    """
    none = ~np.any(list(flags.values()), axis=0)
    return _compute_slices([*flags.items(), (otherwise, none)], precision, recall)


def count_block_sizes(block: Int64) -> Int64:
    """Return the number of signatures in each signature's block, int64[n], from codes 0…k−1."""
    return np.bincount(block)[block]


def find_largest_mixtures(cluster: Int64, part: Int64, limit: int) -> tuple[Mixture, ...]:
    """Return the clusters with the most parts, at least two each; ties go to the larger cluster.

    With identities as clusters and persons as parts these are the worst over-merges; with
    persons as clusters and identities as parts, the worst over-splits.

    Parameters
    ----------
    cluster, part : int64[n]
        Codes from 0.
    limit : int
        How many to return at most.
    """
    if len(cluster) == 0:
        return ()
    width = int(part.max()) + 1
    cells = np.unique(cluster * width + part)
    parts = np.bincount(cells // width)
    sizes = np.bincount(cluster)
    order = np.lexsort((np.arange(len(parts)), -sizes, -parts))
    worst = [int(code) for code in order[:limit] if parts[code] > 1]
    return tuple(_make_mixture(code, cluster, part) for code in worst)


def _make_mixture(code: int, cluster: Int64, part: Int64) -> Mixture:
    rows = np.flatnonzero(cluster == code)
    groups = [rows[part[rows] == value] for value in dict.fromkeys(part[rows].tolist())]
    return Mixture(code, tuple(sorted(groups, key=len, reverse=True)))


def _compute_slices(
    rows: Sequence[tuple[str, Bool]], precision: Float64, recall: Float64
) -> tuple[Slice, ...]:
    error = 2 - precision - recall
    total = float(error.sum())
    slices = []
    for label, is_inside in rows:
        if not is_inside.any():
            continue
        p, r = float(precision[is_inside].mean()), float(recall[is_inside].mean())
        share = float(error[is_inside].sum()) / total if total > 0 else float("nan")
        slices.append(Slice(label, int(is_inside.sum()), p, r, 2 * p * r / (p + r), share))
    return tuple(slices)


def _format_range_labels(edges: Sequence[int]) -> list[str]:
    """Format labels such as ``1``, ``2–5``, ``6–20``, ``over 20``."""
    ranges = [
        f"{low:,}" if high == low + 1 else f"{low:,}–{high - 1:,}"
        for low, high in itertools.pairwise(edges)
    ]
    return [*ranges, f"over {edges[-1] - 1:,}"]
