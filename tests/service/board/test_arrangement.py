"""What a wanted arrangement comes to, worked out by hand."""

from __future__ import annotations

from service.board.arrangement import (
    ArrangedColumn,
    Arrangement,
    Sides,
    build_links,
    compute_arrangement,
)
from service.identities.lifecycle import UNASSIGNED, make_placeholder_key

SURE: dict[int, float] = {}
MEMBERS = {1: [10, 11, 12], 2: [20, 21], 3: [30]}
NEW = make_placeholder_key(0)


def plan(
    *columns: ArrangedColumn, of: tuple[int, ...] = (1, 2, 3), decided: tuple[int, ...] = ()
) -> Arrangement:
    return compute_arrangement(columns, {k: MEMBERS[k] for k in of}, SURE, decided)


def stated(
    found: Arrangement, *answers: Sides
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    links = build_links(found, "d-", answers)
    return {(k.a, k.b) for k in links if k.must}, {(k.a, k.b) for k in links if not k.must}


def test_one_mention_that_goes_to_another_column_is_all_that_moves() -> None:
    found = plan(ArrangedColumn((20, 21, 12), identity=2), of=(1, 2))
    assert found.moves == {12: 2}
    assert found.n_created == 0
    assert found.curated_flags() == {1: True, 2: True}


def test_what_no_column_lists_stays_with_the_column_of_its_identity() -> None:
    found = plan(ArrangedColumn((30,), identity=1), of=(1, 3))
    assert found.target == {10: 1, 11: 1, 12: 1, 30: 1}


def test_a_new_column_gets_a_new_identity_and_the_rest_keeps_its_own() -> None:
    found = plan(ArrangedColumn((12,)), of=(1,))
    assert found.target == {10: 1, 11: 1, 12: NEW}
    assert found.n_created == 1


def test_an_id_goes_with_most_of_its_mentions_whatever_the_column_says() -> None:
    # two of three leave: the fewest mentions change their id where these two keep it
    assert plan(ArrangedColumn((10, 11)), of=(1,)).moves == {12: NEW}


def test_an_id_goes_with_the_mention_that_people_confirmed() -> None:
    found = plan(ArrangedColumn((10, 11)), of=(1,), decided=(12,))
    assert found.moves == {10: NEW, 11: NEW}


def test_of_two_columns_that_become_one_the_larger_id_is_kept() -> None:
    found = plan(ArrangedColumn((20, 21, 10, 11, 12), identity=2), of=(1, 2))
    assert found.moves == {20: 1, 21: 1}
    assert [part.key for part in found.identities] == [1]


def test_two_columns_that_become_one_are_bound_as_by_a_merge() -> None:
    must, cannot = stated(plan(ArrangedColumn((20, 21, 10, 11, 12), identity=2), of=(1, 2)))
    assert must == {(10, 11), (10, 12), (10, 20), (10, 21)}
    assert cannot == set()


def test_a_mention_that_was_nowhere_comes_into_a_column() -> None:
    found = plan(ArrangedColumn((30, 99), identity=3), of=(3,))
    assert found.moves == {99: 3}
    assert found.current[99] == UNASSIGNED


def test_what_came_is_bound_to_a_few_that_stay_and_barred_from_what_it_left() -> None:
    must, cannot = stated(plan(ArrangedColumn((20, 21, 12), identity=2), of=(1, 2)))
    assert must == {(20, 21), (12, 20)}
    # 20 stands for the column; 10 and 11 stay behind
    assert cannot == {(10, 20), (11, 20)}


def test_all_of_a_confirmed_column_is_bound_though_nothing_moves() -> None:
    found = plan(ArrangedColumn((10, 11, 12), identity=1, is_confirmed=True), of=(1,))
    assert found.moves == {}
    assert stated(found) == ({(10, 11), (10, 12)}, set())


def test_two_new_columns_are_two_persons() -> None:
    found = plan(
        ArrangedColumn((11,)), ArrangedColumn((12,)), ArrangedColumn((10,), identity=1), of=(1,)
    )
    must, cannot = stated(found)
    assert must == set()
    assert cannot == {(10, 11), (10, 12), (11, 12)}


def test_leaving_two_sides_apart_answers_that_they_are_two() -> None:
    found = plan(
        ArrangedColumn((10, 11, 12), identity=1), ArrangedColumn((20, 21), identity=2), of=(1, 2)
    )
    must, cannot = stated(found, Sides((10, 11, 12), (20, 21)))
    assert must == set()
    assert cannot == {(10, 20), (10, 21), (11, 20), (12, 20)}


def test_leaving_two_sides_together_answers_that_they_are_one() -> None:
    found = plan(ArrangedColumn((10, 11, 12), identity=1), of=(1,))
    assert stated(found, Sides((10, 11), (12,))) == ({(10, 11), (10, 12)}, set())


def test_a_side_that_was_torn_apart_answers_nothing() -> None:
    found = plan(ArrangedColumn((11,)), of=(1,))
    assert stated(found, Sides((10, 11), (12,))) == stated(found)
