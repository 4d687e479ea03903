"""Error slices and mixtures on a partition worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disambig.evaluation.slices import (
    count_block_sizes,
    find_largest_mixtures,
    slice_by_flags,
    slice_by_size,
)

PRECISION = np.array([1.0, 0.5, 0.5, 1.0])
RECALL = np.array([1.0, 1.0, 0.5, 1.0])


def test_a_slice_averages_its_own_signatures() -> None:
    found = slice_by_size(np.array([1, 2, 2, 9]), PRECISION, RECALL, edges=(1, 2, 6))
    middle = found[1]
    assert (middle.label, middle.signatures) == ("2–5", 2)
    assert (middle.precision, middle.recall) == (0.5, 0.75)
    assert middle.f1 == pytest.approx(0.6)


def test_the_share_of_error_counts_lost_precision_and_recall() -> None:
    # lost: 0, .5, 1, 0
    found = slice_by_size(np.array([1, 1, 2, 2]), PRECISION, RECALL, edges=(1, 2))
    assert [s.error_share for s in found] == pytest.approx([1 / 3, 2 / 3])


def test_a_perfect_partition_has_no_error_to_share() -> None:
    (only,) = slice_by_size(np.array([1]), np.ones(1), np.ones(1))
    assert math.isnan(only.error_share)


def test_bins_are_named_by_their_range_and_empty_ones_left_out() -> None:
    found = slice_by_size(np.array([1, 500, 501, 9000]), PRECISION, RECALL)
    assert [s.label for s in found] == ["1", "101–500", "over 500"]


def test_flags_may_overlap_and_the_rest_has_none_of_them() -> None:
    flags = {
        "no year": np.array([True, True, False, False]),
        "no venue": np.array([False, True, True, False]),
    }
    found = slice_by_flags(flags, PRECISION, RECALL, otherwise="all there")
    assert [(s.label, s.signatures) for s in found] == [
        ("no year", 2),
        ("no venue", 2),
        ("all there", 1),
    ]


def test_block_sizes_are_stated_for_each_signature() -> None:
    assert count_block_sizes(np.array([0, 1, 1, 2, 1])).tolist() == [1, 3, 3, 1, 3]


def test_the_worst_mixture_has_most_parts_not_most_signatures() -> None:
    # cluster 0: parts 0 0 0 0 1; cluster 1: parts 2 3 4; cluster 2: one part
    cluster = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2])
    part = np.array([0, 0, 1, 0, 0, 2, 3, 4, 5, 5])
    found = find_largest_mixtures(cluster, part, limit=5)
    assert [(m.cluster, len(m.parts), m.signatures) for m in found] == [(1, 3, 3), (0, 2, 5)]


def test_parts_come_largest_first_with_their_rows() -> None:
    (mixture,) = find_largest_mixtures(np.zeros(4, int), np.array([7, 8, 8, 8]), limit=1)
    assert [rows.tolist() for rows in mixture.parts] == [[1, 2, 3], [0]]


def test_a_pure_partition_has_no_mixtures() -> None:
    assert find_largest_mixtures(np.array([0, 1, 1]), np.array([2, 0, 0]), limit=3) == ()


def test_no_signatures_have_no_mixtures() -> None:
    empty = np.array([], dtype=np.int64)
    assert find_largest_mixtures(empty, empty, limit=3) == ()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
def test_mixtures_hold_every_row_of_their_cluster_once(rows: list[tuple[int, int]]) -> None:
    cluster, part = np.array(rows).T
    for mixture in find_largest_mixtures(cluster, part, limit=9):
        held = sorted(row for piece in mixture.parts for row in piece.tolist())
        assert held == np.flatnonzero(cluster == mixture.cluster).tolist()
