"""Products of sixteen numbers at once: to the bit, against the order that is written down."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.errors import TypingError

from disambig.arrays import Float32, Float64
from disambig.kernels.vectors import LANES, ROWS_AT_ONCE, dot, multiply_panel

SEED = st.integers(0, 2**32 - 1)


@numba.njit
def dot_of(vectors: Float32, i: int, j: int) -> np.float32:
    return dot(vectors, i, j)


@numba.njit
def multiplied(rows: Float32, first: int, panels: Float32, panel: int, out: Float32) -> None:
    multiply_panel(rows, first, panels, panel, out)


def numbers(seed: int, n: int, d: int) -> Float32:
    """Of sizes so unlike that every order of adding them has another sum."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) * 10.0 ** rng.integers(-3, 4, size=(n, d))).astype(np.float32)


@settings(deadline=None)
@given(SEED, st.integers(1, 8))
def test_a_product_is_summed_lane_by_lane(seed: int, times: int) -> None:
    vectors = numbers(seed, 2, times * LANES)
    lanes = np.zeros(LANES, dtype=np.float32)
    for k in range(0, times * LANES, LANES):
        lanes += vectors[0, k : k + LANES] * vectors[1, k : k + LANES]
    total = np.float32(0)
    for lane in lanes:
        total += lane
    assert dot_of(vectors, 0, 1) == total
    assert dot_of(vectors, 1, 0) == total


@settings(deadline=None)
@given(SEED, st.integers(1, 8), st.integers(1, 4), st.data())
def test_a_panel_is_multiplied_four_numbers_at_a_time(
    seed: int, fours: int, n_panels: int, data: st.DataObject
) -> None:
    d, n = 4 * fours, LANES * n_panels
    vectors = numbers(seed, n, d)
    panels = np.ascontiguousarray(vectors.reshape(n_panels, LANES, d).transpose(0, 2, 1))
    first = data.draw(st.integers(0, n - ROWS_AT_ONCE))
    panel = data.draw(st.integers(0, n_panels - 1))
    out = np.full((ROWS_AT_ONCE, n), -7, dtype=np.float32)
    multiplied(vectors, first, panels, panel, out)
    own = slice(panel * LANES, (panel + 1) * LANES)
    for t in range(ROWS_AT_ONCE):
        row, expected = vectors[first + t], np.zeros(LANES, dtype=np.float32)
        for k in range(0, d, 4):
            a, b, c, e = (row[k + q] * vectors[own, k + q] for q in range(4))
            expected += (a + b) + (c + e)
        assert out[t, own].tolist() == expected.tolist()
    out[:, own] = -7
    assert (out == -7).all()


def test_what_is_missing_makes_the_product_missing() -> None:
    vectors = np.ones((2, LANES), dtype=np.float32)
    vectors[1] = np.nan
    assert np.isnan(dot_of(vectors, 0, 1))


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((2, LANES)),
        np.ones((LANES, 2), dtype=np.float32).T,
        np.ones(LANES, dtype=np.float32),
        np.ones((2, 2 * LANES), dtype=np.float32)[:, ::2],
    ],
    ids=["doubles", "columns", "one row", "every other number"],
)
def test_only_rows_of_floats_side_by_side_are_taken(vectors: Float64) -> None:
    with pytest.raises(TypingError, match="contiguous float32 array of 2 dimensions"):
        dot_of(vectors, 0, 1)
