"""Compiled loops over keys, against plain ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.arrays import UInt64
from disambig.kernels.keys import build_adjacency, build_directory, find_places, list_distinct_keys

KEY = st.integers(0, 2**64 - 1) | st.integers(0, 9)


def keys_of(values: list[int]) -> UInt64:
    return np.array(values, dtype=np.uint64)


@settings(deadline=None)
@given(st.sets(KEY, min_size=1), st.data())
def test_the_place_of_each_key_is_found(keys: set[int], data: st.DataObject) -> None:
    ordered = sorted(keys)
    wanted = data.draw(st.lists(st.sampled_from(ordered)))
    found = find_places(keys_of(ordered), *build_directory(keys_of(ordered)), keys_of(wanted))
    assert found.tolist() == [ordered.index(key) for key in wanted]


@settings(deadline=None)
@given(st.lists(st.lists(KEY, max_size=6)), st.integers(0, 6))
def test_each_key_of_a_row_stands_once_in_order(rows: list[list[int]], most: int) -> None:
    start = np.cumsum([0, *map(len, rows)])
    row, found = list_distinct_keys(start, keys_of([key for row in rows for key in row]), most)
    expected = [
        (r, key) for r, own in enumerate(rows) if len(own) <= most for key in sorted(set(own) - {0})
    ]
    assert list(zip(row.tolist(), found.tolist(), strict=True)) == expected


@settings(deadline=None)
@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda e: e[0] < e[1])))
def test_edges_are_listed_from_both_ends(edges: set[tuple[int, int]]) -> None:
    ordered = sorted(edges)
    a, b = (np.array([e[k] for e in ordered], dtype=np.int32) for k in (0, 1))
    value = np.arange(len(ordered), dtype=np.float32)
    start, column, weight = build_adjacency(8, a, b, value)
    table = np.full((8, 8), -1.0)
    table[a, b] = table[b, a] = value
    for node in range(8):
        own = slice(start[node], start[node + 1])
        assert column[own].tolist() == np.flatnonzero(table[node] >= 0).tolist()
        assert weight[own].tolist() == table[node][table[node] >= 0].tolist()
