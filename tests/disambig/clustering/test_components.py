"""Components of a graph that grows, and shortest paths in it."""

from __future__ import annotations

from disambig.clustering.components import DisjointSets, find_shortest_path


def test_the_root_of_a_component_is_its_lowest_node() -> None:
    sets = DisjointSets[str]()
    assert [sets.join(*pair) for pair in ("cd", "bd", "cb", "xx")] == [True, True, False, False]
    assert sets.get_roots() == {"b": "b", "c": "b", "d": "b", "x": "x"}
    assert sets.find_root("y") == "y"


def test_a_shortest_path_is_found_where_there_is_one() -> None:
    neighbours = {1: [2, 3], 2: [1, 4], 3: [1, 5], 4: [2, 5], 5: [4, 3], 9: []}
    assert find_shortest_path(neighbours, 1, 5) == [1, 3, 5]
    assert find_shortest_path(neighbours, 1, 9) == []
