"""Compiled evaluation of :class:`disambig.model.forest.Forest`: bytes, bits, few table look-ups.

Rows are processed in batches that fit in the cache. A batch is quantised once: each value becomes
the number of the feature's thresholds below it, a byte. Then each tree is evaluated over the whole
batch. All tests of a tree are evaluated for every row, as in QuickScorer (Lucchese et al.,
"QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees",
SIGIR 2015): a failed test excludes leaves, and the first remaining leaf is the exit. Over rows
of bytes the compiler turns this into vector instructions (as Lucchese et al., "Exploiting
CPU SIMD extensions to speed-up document scoring with tree ensembles", SIGIR 2016, do by hand);
there are no branches on the data. The exits of three trees form an index into a table of sums.
``python -m labeled.benchmark.forest_speed`` compares this with alternatives.
"""

from __future__ import annotations

import numpy as np

from disambig.arrays import Float32, Float64, Int32, UInt8, UInt16
from disambig.kernels.compile import kernel
from disambig.model._forest_layout import (
    CELLS,
    CUTS_PER_PLANE,
    TABLES_PER_STEP,
    TREES_PER_TABLE,
    Layout,
)

ROWS = 1024  # of a batch: 60 kB of planes; measured: half as many are 5% slower, twice no faster

# constants in the types of the kernels: a wider type would halve the vector width
_F0, _TOP = np.float32(0), np.float32(CELLS - 1)
_NONE, _ALL = np.uint8(0), np.uint8(255)
_ODD, _UPPER_PAIR, _UPPER_HALF = np.uint8(0xAA), np.uint8(0xCC), np.uint8(0xF0)
_B0, _B1, _B2 = np.uint8(1), np.uint8(2), np.uint8(4)
_I0, _LAST = np.int32(0), np.int32(CUTS_PER_PLANE)


def score_rows(layout: Layout, baseline: float, X: Float32) -> Float32:
    """Compute the log-odds of the rows of ``X``: float32[n] for float32[n, features].

    C and Fortran order are read as they are (Fortran order is a tenth faster); anything else
    is copied.
    """
    if not (X.flags.c_contiguous or X.flags.f_contiguous):
        X = np.ascontiguousarray(X)
    n, width = X.shape
    by_row = X.flags.c_contiguous
    flat = X.reshape(-1) if by_row else X.T.reshape(-1)
    out = np.empty(n, dtype=np.float32)
    _score_rows(
        flat,
        width if by_row else 1,
        1 if by_row else n,
        out,
        layout.cuts,
        layout.cut_start,
        layout.low,
        layout.scale,
        layout.grid,
        layout.steps,
        layout.plane_start,
        layout.offset,
        layout.missing,
        layout.plane,
        layout.cut,
        layout.leaf_mask,
        layout.tables,
        float(baseline),
    )
    return out


@kernel
def _quantise(
    x: Float32,
    cuts: Float32,
    low: np.float32,
    scale: np.float32,
    grid: Int32,
    steps: int,
    cell: Int32,
    code: Int32,
) -> None:
    """Count the cuts below each of a batch of values; 0 where missing."""
    n = len(x)
    for r in range(n):
        at = (x[r] - low) * scale
        at = at if at > _F0 else _F0
        cell[r] = np.int32(at if at < _TOP else _TOP)
    for r in range(n):
        code[r] = grid[np.uintp(np.uint8(cell[r]))]
    half = np.int32(1 << steps)
    while half > 1:
        half = np.int32(half >> 1)
        for r in range(n):
            base = code[r]
            over = base + half
            code[r] = over if x[r] > cuts[np.uintp(np.uint32(over)) - np.uintp(1)] else base


@kernel
def _fill_plane(x: Float32, code: Int32, offset: np.int32, missing: np.uint8, to: UInt8) -> None:
    """Write codes as bytes, and missing values as the byte that makes them go left or right."""
    for r in range(len(x)):
        byte = np.int32(code[r] - offset)
        byte = byte if byte > _I0 else _I0
        byte = byte if byte < _LAST else _LAST
        to[r] = np.uint8(byte) if x[r] == x[r] else missing


@kernel
def quantise_batch(
    flat: Float32,
    begin: int,
    row_step: int,
    column_step: int,
    n: int,
    cuts: Float32,
    cut_start: Int32,
    low: Float32,
    scale: Float32,
    grid: Int32,
    steps: Int32,
    plane_start: Int32,
    offset: Int32,
    missing: UInt8,
    planes: UInt8,
) -> None:
    """Fill ``planes`` uint8[planes, n or more] for ``n`` rows from row ``begin``.

    Row r and column f of the matrix are at ``flat[r * row_step + f * column_step]``; the other
    arguments are those of :class:`disambig.model._forest_layout.Layout`.
    """
    x = np.empty(n, dtype=np.float32)
    cell, code = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    for f in range(len(low)):
        if plane_start[f] == plane_start[f + 1]:
            continue
        origin = begin * row_step + f * column_step
        for r in range(n):
            x[r] = flat[np.uintp(origin + r * row_step)]
        _quantise(x, cuts[cut_start[f] :], low[f], scale[f], grid[f], steps[f], cell, code)
        for p in range(plane_start[f], plane_start[f + 1]):
            _fill_plane(x, code, offset[p], missing[p], planes[p])


@kernel
def _find_exit_leaves(
    planes: UInt8,
    plane: Int32,
    cut: UInt8,
    leaf_mask: UInt8,
    tree: int,
    leaf: UInt8,
    k: int,
    n: int,
) -> None:
    """Exit leaf of a tree for the first ``n`` rows of a batch, into ``leaf[k]``.

    Whole arrays and places in them: a slice for each argument would cost a fifth of the time.
    """
    p0, p1, p2, p3 = plane[tree, 0], plane[tree, 1], plane[tree, 2], plane[tree, 3]
    p4, p5, p6 = plane[tree, 4], plane[tree, 5], plane[tree, 6]
    c0, c1, c2, c3 = cut[tree, 0], cut[tree, 1], cut[tree, 2], cut[tree, 3]
    c4, c5, c6 = cut[tree, 4], cut[tree, 5], cut[tree, 6]
    k0, k1, k2, k3 = leaf_mask[tree, 0], leaf_mask[tree, 1], leaf_mask[tree, 2], leaf_mask[tree, 3]
    k4, k5, k6 = leaf_mask[tree, 4], leaf_mask[tree, 5], leaf_mask[tree, 6]
    for r in range(n):
        bits = _ALL
        bits &= k0 if planes[p0, r] > c0 else _ALL
        bits &= k1 if planes[p1, r] > c1 else _ALL
        bits &= k2 if planes[p2, r] > c2 else _ALL
        bits &= k3 if planes[p3, r] > c3 else _ALL
        bits &= k4 if planes[p4, r] > c4 else _ALL
        bits &= k5 if planes[p5, r] > c5 else _ALL
        bits &= k6 if planes[p6, r] > c6 else _ALL
        first = np.uint8(bits & np.uint8(-bits))
        b0 = _B0 if np.uint8(first & _ODD) != _NONE else _NONE
        b1 = _B1 if np.uint8(first & _UPPER_PAIR) != _NONE else _NONE
        b2 = _B2 if np.uint8(first & _UPPER_HALF) != _NONE else _NONE
        leaf[k, r] = np.uint8(np.uint8(b0 | b1) | b2)


@kernel
def _combine_leaves(leaf: UInt8, index: UInt16) -> None:
    """Combine the leaves of three trees into an index into the table of their sums."""
    a, b, c = leaf[0], leaf[1], leaf[2]
    for r in range(len(index)):
        low = np.uint16(np.uint16(a[r]) | np.uint16(np.uint16(b[r]) << np.uint16(3)))
        index[r] = np.uint16(low | np.uint16(np.uint16(c[r]) << np.uint16(6)))


@kernel
def _add_tables(tables: Float32, index: UInt16, total: Float64) -> None:
    """Add the values of four tables; in float32 within the four, then in float64."""
    t0, t1, t2, t3 = tables[0], tables[1], tables[2], tables[3]
    i0, i1, i2, i3 = index[0], index[1], index[2], index[3]
    for r in range(len(total)):
        total[r] += np.float64((t0[i0[r]] + t1[i1[r]]) + (t2[i2[r]] + t3[i3[r]]))


@kernel
def _score_rows(
    flat: Float32,
    row_step: int,
    column_step: int,
    out: Float32,
    cuts: Float32,
    cut_start: Int32,
    low: Float32,
    scale: Float32,
    grid: Int32,
    steps: Int32,
    plane_start: Int32,
    offset: Int32,
    missing: UInt8,
    plane: Int32,
    cut: UInt8,
    leaf_mask: UInt8,
    tables: Float32,
    baseline: float,
) -> None:
    """Compute the log-odds of all rows in batches. A row's sum has the same order in any batch."""
    rows = min(ROWS, len(out))
    planes = np.zeros((max(len(offset), 1), rows), dtype=np.uint8)
    leaf = np.zeros((TREES_PER_TABLE, rows), dtype=np.uint8)
    index = np.zeros((TABLES_PER_STEP, rows), dtype=np.uint16)
    total = np.empty(rows, dtype=np.float64)
    n_trees = len(plane)
    for begin in range(0, len(out), ROWS):
        n = min(rows, len(out) - begin)
        quantise_batch(
            flat,
            begin,
            row_step,
            column_step,
            n,
            cuts,
            cut_start,
            low,
            scale,
            grid,
            steps,
            plane_start,
            offset,
            missing,
            planes,
        )
        total[:n] = baseline
        for group in range(0, len(tables), TABLES_PER_STEP):
            for g in range(TABLES_PER_STEP):
                for k in range(TREES_PER_TABLE):
                    tree = (group + g) * TREES_PER_TABLE + k
                    if tree < n_trees:
                        _find_exit_leaves(planes, plane, cut, leaf_mask, tree, leaf, k, n)
                    else:  # only in the last groups, whose tables are padded with zeros
                        leaf[k, :n] = 0
                _combine_leaves(leaf, index[g, :n])
            _add_tables(tables[group : group + TABLES_PER_STEP], index, total[:n])
        for r in range(n):
            out[begin + r] = np.float32(total[r])
