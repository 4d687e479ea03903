"""Decided pairs: closed, checked, kept when a mention is no more."""

from __future__ import annotations

from service.constraints.links import (
    Link,
    find_contradictions,
    find_violated,
    make_must_links,
    remove_retired,
)


def must(a: int, b: int, decision: str = "d-1") -> Link:
    return Link(a, b, True, decision)


def cannot(a: int, b: int, decision: str = "d-2") -> Link:
    return Link(a, b, False, decision)


def test_a_star_joins_all_with_one_link_less_than_mentions() -> None:
    assert make_must_links([5, 2, 9], "d-1") == [must(2, 5), must(5, 9)]
    assert make_must_links([5], "d-1") == []


def test_the_loss_of_the_middle_of_a_star_keeps_the_others_together() -> None:
    assert remove_retired([must(2, 5), must(5, 9), must(5, 7)], {5}) == [must(2, 7), must(2, 9)]


def test_what_is_still_joined_directly_is_not_joined_again() -> None:
    assert remove_retired([must(1, 2), must(2, 3), must(3, 4)], {4}) == [must(1, 2), must(2, 3)]


def test_what_a_lost_mention_could_not_be_its_group_cannot_be() -> None:
    assert remove_retired([must(1, 2), cannot(2, 8)], {2}) == [cannot(1, 8)]


def test_a_rule_about_a_lost_mention_of_no_group_is_void() -> None:
    assert remove_retired([cannot(2, 8)], {2}) == []


def test_a_chain_of_sames_that_implies_a_different_is_told_step_by_step() -> None:
    links = [must(1, 2, "d-a"), must(2, 3, "d-a"), must(3, 4, "d-b"), cannot(1, 4, "d-c")]
    (clash,) = find_contradictions(links)
    assert clash.describe(lambda k: f"w{k}:0") == (
        "w1:0 and w3:0 are the same person (d-a), w3:0 and w4:0 are the same person (d-b), "
        "but w1:0 and w4:0 are different persons (d-c)"
    )
    assert clash.decisions == ["d-a", "d-b", "d-c"]


def test_no_chain_no_contradiction() -> None:
    assert find_contradictions([must(1, 2), must(3, 4), cannot(1, 4)]) == []


def test_links_hold_or_break_only_between_mentions_that_are_somewhere() -> None:
    links = [must(1, 2), cannot(1, 3), must(1, 9), cannot(2, 3)]
    assert find_violated(links, {1: 7, 2: 8, 3: 7}) == [must(1, 2), cannot(1, 3)]
