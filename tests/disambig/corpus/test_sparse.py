"""Sparse rows against dense arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from disambig.arrays import Float32
from disambig.corpus.sparse import SparseRows

WIDTH = 5
VALUES = st.sampled_from([0, 0, 1, 2, 0.5, 3])
TABLES = st.integers(0, 8).flatmap(lambda n: arrays(np.float32, (n, WIDTH), elements=VALUES))


def rows_of(table: Float32) -> SparseRows:
    return SparseRows.from_matrix(sparse.csr_array(table))


def dense(rows: SparseRows) -> Float32:
    found = np.zeros((len(rows), WIDTH), dtype=np.float32)
    found[rows.get_entry_rows(), rows.column] = rows.value
    return found


@settings(deadline=None)
@given(TABLES)
def test_rows_hold_what_the_matrix_held(table: Float32) -> None:
    rows = rows_of(table)
    assert (rows.start.dtype, rows.column.dtype, rows.value.dtype) == (
        np.int64,
        np.int32,
        np.float32,
    )
    assert dense(rows).tolist() == table.tolist()
    assert rows.lengths.tolist() == (table != 0).sum(axis=1).tolist()


@settings(deadline=None)
@given(TABLES, st.data())
def test_rows_are_taken_in_the_order_given(table: Float32, data: st.DataObject) -> None:
    some = st.lists(st.integers(0, len(table) - 1)) if len(table) else st.just([])
    chosen = np.array(data.draw(some), dtype=np.int64)
    assert dense(rows_of(table).take(chosen)).tolist() == table[chosen].tolist()


@settings(deadline=None)
@given(TABLES)
def test_only_the_entries_marked_are_kept(table: Float32) -> None:
    rows = rows_of(table)
    assert (
        dense(rows.filter_entries(rows.value > 1)).tolist()
        == np.where(table > 1, table, 0).tolist()
    )


@settings(deadline=None)
@given(TABLES)
def test_unit_rows_have_length_one_and_empty_rows_stay_empty(table: Float32) -> None:
    found = dense(rows_of(table).normalise())
    norm = np.linalg.norm(table.astype(np.float64), axis=1, keepdims=True)
    assert found == pytest.approx(table / np.where(norm > 0, norm, 1), abs=1e-6)


@settings(deadline=None)
@given(TABLES, st.data())
def test_rows_of_a_group_are_summed(table: Float32, data: st.DataObject) -> None:
    # four groups of which some have no row, and rows of which some are in none or in several
    rows = st.lists(st.integers(0, len(table) - 1), max_size=4) if len(table) else st.just([])
    groups = [data.draw(rows) for _ in range(4)]
    member = np.array([row for group in groups for row in group], dtype=np.int64)
    found = rows_of(table).sum_groups(member, np.cumsum([0, *map(len, groups)]), WIDTH)
    assert dense(found) == pytest.approx(
        np.array([table[group].sum(axis=0) for group in groups]), abs=1e-6
    )
    ends = zip(found.start[:-1], found.start[1:], strict=True)
    assert all(np.all(np.diff(found.column[low:high]) > 0) for low, high in ends)


def test_other_values_stand_at_the_same_places() -> None:
    rows = rows_of(np.array([[1, 0, 2, 0, 0], [0, 3, 0, 0, 0]], dtype=np.float32))
    assert dense(rows.replace_values(rows.value * 2))[:, :3].tolist() == [[2, 0, 4], [0, 6, 0]]


def test_lists_are_rows_of_ones() -> None:
    # row 1 has no column
    rows = SparseRows.from_lists(np.array([0, 0, 2]), np.array([1, 4, 0]), 3)
    assert dense(rows).tolist() == [[0, 1, 0, 0, 1], [0] * 5, [1, 0, 0, 0, 0]]


def test_nothing_can_be_summed_and_taken() -> None:
    rows = SparseRows.from_lists(np.empty(0, np.int64), np.empty(0, np.int64), 0)
    none = np.empty(0, dtype=np.int64)
    assert len(rows.sum_groups(none, np.zeros(3, dtype=np.int64), 0)) == 2
    assert len(rows.take(np.empty(0, np.int64)).normalise()) == 0
