"""How a clustering differs from identities, worked out by hand."""

from __future__ import annotations

import numpy as np

from service.board.reclustering import EngineChange, diff_clustering
from service.identities.lifecycle import UNASSIGNED

SIGNATURES = [10, 11, 12, 20, 21, 30]


def found(identity: list[int], cluster: list[int]) -> list[EngineChange]:
    return diff_clustering(SIGNATURES, np.array(identity), np.array(cluster))


def test_the_same_groups_under_other_numbers_are_no_difference() -> None:
    assert found([1, 1, 1, 2, 2, 3], [7, 7, 7, 0, 0, 4]) == []


def test_a_whole_identity_in_the_cluster_of_another_is_a_merge() -> None:
    assert found([1, 1, 1, 2, 2, 3], [0, 0, 0, 0, 0, 1]) == [
        EngineChange("merge", 2, 1, frozenset({20, 21}))
    ]


def test_a_part_in_the_cluster_of_another_is_a_move() -> None:
    assert found([1, 1, 1, 2, 2, 3], [0, 0, 1, 1, 1, 2]) == [
        EngineChange("move", 1, 2, frozenset({12}))
    ]


def test_a_part_in_a_cluster_of_its_own_is_a_split() -> None:
    assert found([1, 1, 1, 2, 2, 3], [0, 0, 1, 2, 2, 3]) == [
        EngineChange("split", 1, UNASSIGNED, frozenset({12}))
    ]


def test_two_parts_that_leave_for_two_clusters_are_two_splits() -> None:
    shifted = found([1, 1, 1, 2, 2, 3], [0, 1, 2, 3, 3, 4])
    assert [s.mentions for s in shifted] == [frozenset({11}), frozenset({12})]


def test_mentions_that_are_nowhere_are_left_out() -> None:
    assert found([1, 1, 1, 2, 2, UNASSIGNED], [0, 0, 0, 1, 1, 0]) == []
