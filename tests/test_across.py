"""Joining identities of different blocks."""

from __future__ import annotations

import numpy as np
from constraint_cases import cannot, must
from hypothesis import given
from hypothesis import strategies as st
from invented import work

from disambig.across import MEMBERS, Joins, hold_must, members_of, renumber, spokesmen
from disambig.constraints import Constraints, compile_constraints
from disambig.corpus import Corpus
from disambig.domain import Author, Constraint, Work

ONE, OTHER = "0000-0002-1825-0097", "0000-0001-5109-3700"


def setting(works: list[Work], *constraints: Constraint) -> Constraints:
    return compile_constraints(Corpus.from_works(works), constraints)


def solo(identifiers: str) -> list[Work]:
    """One work with one author for each letter."""
    return [work(k, "T", "Ada Byron") for k in identifiers]


def held(works: list[Work], identity: list[int], *constraints: Constraint) -> list[int]:
    return hold_must(setting(works, *constraints), np.array(identity, dtype=np.int32)).tolist()


@given(st.lists(st.integers(0, 5)))
def test_numbers_rise_with_first_appearance_and_keep_what_is_equal(labels: list[int]) -> None:
    found = renumber(np.array(labels, dtype=np.int64)).tolist()
    order = list(dict.fromkeys(labels))
    assert found == [order.index(label) for label in labels]


def test_members_are_listed_identity_by_identity() -> None:
    order, start = members_of(np.array([1, 0, 1], dtype=np.int32))
    assert order.tolist() == [1, 0, 2]
    assert start.tolist() == [0, 1, 3]


def test_a_large_identity_is_spoken_for_by_some_of_it_from_first_to_last() -> None:
    chosen = spokesmen(np.arange(1000, dtype=np.int32))
    assert len(set(chosen.tolist())) == MEMBERS
    assert (chosen[0], chosen[-1]) == (0, 999)


def test_a_must_link_joins_whole_identities() -> None:
    # a and b are one identity, c and d another
    assert held(solo("abcd"), [0, 0, 1, 1], must("a:0", "c:0")) == [0, 0, 0, 0]


def test_without_must_links_identities_stay() -> None:
    assert held(solo("abc"), [0, 1, 0]) == [0, 1, 0]


def test_a_cannot_link_between_followers_of_a_must_link_keeps_the_smaller_identity_behind() -> None:
    # {a, b, e} and {c, d}; a is c by decree, b and d are not: d stays behind
    links = (must("a:0", "c:0"), cannot("b:0", "d:0"))
    assert held(solo("abcde"), [0, 0, 1, 1, 0], *links) == [0, 0, 0, 1, 0]


def test_followers_of_a_must_link_that_share_a_work_stay_apart() -> None:
    # a is c by decree; "x" lists a follower of either
    works = [*solo("ac"), work("x", "T", "Ada Byron", "Ada Lovelace")]
    found = held(works, [0, 1, 0, 1], must("a:0", "c:0"))
    assert found[0] == found[1]
    assert found[2] != found[3]


def test_followers_of_a_must_link_with_different_orcids_stay_apart() -> None:
    works = [*solo("ac"), Work("x", "T", (Author("Ada Byron", orcid=ONE),)),
             Work("y", "T", (Author("Ada Byron", orcid=OTHER),))]  # fmt: skip
    found = held(works, [0, 1, 0, 1], must("a:0", "c:0"))
    assert found[0] == found[1]
    assert found[2] != found[3]


def joins(works: list[Work], *constraints: Constraint) -> Joins:
    compiled = setting(works, *constraints)
    return Joins(compiled, np.arange(len(compiled.must), dtype=np.int32))


def test_a_join_of_free_labels_is_done_once() -> None:
    free = joins(solo("abc"))
    assert free.join(0, 2)
    assert not free.join(2, 0)
    assert free.result().tolist() == [0, 1, 0]


def test_a_cannot_link_bars_what_its_ends_have_been_joined_to() -> None:
    barred = joins(solo("abcd"), cannot("a:0", "b:0"))
    assert barred.join(0, 2)
    assert barred.join(1, 3)
    assert not barred.join(2, 3)


def test_labels_that_come_to_share_a_work_are_barred() -> None:
    barred = joins([*solo("ab"), work("x", "T", "Ada Byron", "Bo Li")])
    assert barred.join(0, 2)
    assert barred.join(1, 3)
    assert not barred.join(0, 1)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20),
       st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=6))  # fmt: skip
def test_no_order_of_joins_breaks_a_ban(
    wanted: list[tuple[int, int]], bans: list[tuple[int, int]]
) -> None:
    bans = [(a, b) for a, b in bans if a != b]
    statements = [cannot(f"{'abcdefgh'[a]}:0", f"{'abcdefgh'[b]}:0") for a, b in bans]
    some = joins(solo("abcdefgh"), *statements)
    for a, b in wanted:
        some.join(a, b)
    result = some.result().tolist()
    assert all(result[a] != result[b] for a, b in bans)
