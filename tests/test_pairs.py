"""Pair enumeration, joins over sparse rows, and block cosines, against brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from disambig.pairs import PairBatch, block_cosine, join

SIZES = st.lists(st.integers(0, 6), max_size=6)
TABLE = st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), max_size=12)


def batch_of(sizes: list[int]) -> PairBatch:
    rows = np.arange(sum(sizes), dtype=np.int32)
    return PairBatch.of(np.split(rows, np.cumsum(sizes)[:-1]) if sizes else [])


def brute(sizes: list[int]) -> list[tuple[int, int]]:
    ends = np.cumsum(sizes).tolist()
    return [
        pair
        for size, end in zip(sizes, ends, strict=True)
        for pair in combinations(range(end - size, end), 2)
    ]


def test_pairs_are_listed_block_by_block_in_row_major_order() -> None:
    batch = PairBatch.of([np.array([7, 3, 5], np.int32), np.array([9, 1], np.int32)])
    assert batch.rows.tolist() == [7, 3, 5, 9, 1]
    # positions, not rows: (0,1) (0,2) (1,2) of the first block, (3,4) of the second
    assert batch.left.tolist() == [0, 0, 1, 3]
    assert batch.right.tolist() == [1, 2, 2, 4]


@given(SIZES)
def test_every_pair_within_a_block_is_listed_once(sizes: list[int]) -> None:
    batch = batch_of(sizes)
    assert list(zip(batch.left.tolist(), batch.right.tolist(), strict=True)) == brute(sizes)


@given(SIZES)
def test_the_place_of_a_pair_is_where_it_is_listed(sizes: list[int]) -> None:
    batch = batch_of(sizes)
    assert batch.place(batch.left, batch.right).tolist() == list(range(batch.n_pairs))


def test_no_blocks_have_no_pairs() -> None:
    assert PairBatch.of([]).n_pairs == 0


@given(SIZES, TABLE)
def test_join_lists_each_shared_column_of_each_pair(
    sizes: list[int], table: list[list[int]]
) -> None:
    batch = batch_of(sizes)
    dense = np.zeros((len(batch.rows), 4), dtype=np.float32)
    dense[: len(table)] = np.array(table, dtype=np.float32).reshape(-1, 4)[: len(dense)]
    found = join(batch, sparse.csr_array(dense))
    listed = zip(
        found.pair.tolist(),
        found.column.tolist(),
        found.left.tolist(),
        found.right.tolist(),
        strict=True,
    )
    expected = [
        (place, column, dense[i, column], dense[j, column])
        for place, (i, j) in enumerate(brute(sizes))
        for column in range(4)
        if dense[i, column] and dense[j, column]
    ]
    assert sorted(listed) == expected


def test_join_leaves_out_columns_that_too_many_rows_of_a_block_share() -> None:
    batch = batch_of([3, 2])
    # column 0 is shared by three rows of the first block and by two of the second
    everyone = sparse.csr_array(np.ones((5, 1), dtype=np.float32))
    assert join(batch, everyone, max_rows=2).pair.tolist() == [3]


def test_matches_are_counted_summed_and_maximised_for_each_pair() -> None:
    batch = batch_of([3])
    found = join(batch, sparse.csr_array(np.array([[1, 2], [3, 4], [0, 5]], dtype=np.float32)))
    product = found.left * found.right
    # (0,1) shares both columns: 1*3 and 2*4; (0,2) and (1,2) share the second: 2*5 and 4*5
    assert found.count(3).tolist() == [2, 1, 1]
    assert found.total(product, 3).tolist() == [11, 10, 20]
    assert found.largest(product, 3).tolist() == [8, 10, 20]


@given(SIZES, st.integers(0, 2**32 - 1))
def test_block_cosine_is_the_dot_product_of_each_pair(sizes: list[int], seed: int) -> None:
    batch = batch_of(sizes)
    vectors = np.random.default_rng(seed).normal(size=(len(batch.rows), 5)).astype(np.float32)
    expected = [float(vectors[i] @ vectors[j]) for i, j in brute(sizes)]
    assert block_cosine(batch, vectors).tolist() == pytest.approx(expected, abs=1e-5)


def test_block_cosine_with_a_missing_vector_is_missing() -> None:
    vectors = np.array([[1, 0], [np.nan, np.nan], [1, 0]], dtype=np.float32)
    found = block_cosine(batch_of([3]), vectors)
    assert np.isnan(found).tolist() == [True, False, True]
