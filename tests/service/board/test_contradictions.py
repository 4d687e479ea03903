"""What speaks against mentions being one person's, in words."""

from __future__ import annotations

from typing import Any

from service.board.contradictions import (
    find_column_contradictions,
    find_contradictions,
    find_pair_contradictions,
)
from service.profiles.aggregates import SignatureRow

BLANK = SignatureRow(
    1, 1, 0, "Wei Wang", None, None, 0.9, "run", 1, "w1", "On one", None, None, None, 2
)
ONE, OTHER = "0000-0002-1825-0097", "0000-0001-5109-3700"


def seen(work: int, **more: Any) -> SignatureRow:
    return BLANK._replace(work=work, work_id=f"w{work}", title=f"Title {work}", **more)


def test_mentions_that_state_nothing_contradict_nothing() -> None:
    assert find_column_contradictions([seen(1), seen(2)]) == []
    assert find_pair_contradictions([seen(1)], [seen(2)]) == []


def test_two_people_are_on_one_paper() -> None:
    assert find_pair_contradictions([seen(1)], [seen(1, position=1)]) == [
        "both are authors of 1 paper: “Title 1”"
    ]
    assert find_column_contradictions([seen(1), seen(1, position=1)]) == [
        "two authors of the paper “Title 1” are here"
    ]


def test_orcid_ids_differ_however_they_are_written() -> None:
    mine = [seen(1, orcid=ONE)]
    assert find_pair_contradictions(mine, [seen(2, orcid=f"https://orcid.org/{ONE}")]) == []
    assert find_pair_contradictions(mine, [seen(2, orcid=OTHER)]) == [
        f"ORCID iDs differ: {ONE} and {OTHER}"
    ]
    assert find_column_contradictions([*mine, seen(2, orcid=OTHER)]) == [
        f"2 different ORCID iDs: {OTHER}, {ONE}"
    ]


def test_two_affiliations_in_one_year_unless_they_share_a_telling_word() -> None:
    here = seen(1, year=2005, affiliation="University of Oslo")
    there = seen(2, year=2005, affiliation="University of Tromsø")
    assert find_pair_contradictions([here], [there]) == [
        "two affiliations in 2005: “University of Oslo” and “University of Tromsø”"
    ]
    assert find_pair_contradictions([here], [there._replace(year=2006)]) == []
    assert (
        find_pair_contradictions([here], [there._replace(affiliation="Oslo, Dept. of Physics")])
        == []
    )
    # one place in common is enough: the other is a second one
    both = [there, seen(3, year=2005, affiliation="Univ. Oslo")]
    assert find_pair_contradictions([here], both) == []


def test_years_side_by_side_speak_against_it_only_without_company_in_common() -> None:
    one = [seen(k, year=2000 + k) for k in range(3)]
    other = [seen(10 + k, year=2000 + k) for k in range(3)]
    assert find_pair_contradictions(one, other) == [
        "both publish in 3 of the same years, 2000 to 2002, without a common co-author"
    ]
    assert find_pair_contradictions(one, other, share_coauthors=True) == []
    assert find_pair_contradictions(one[:2], other) == []


def test_the_pairs_asked_about_come_before_others() -> None:
    columns = [[seen(1)], [seen(1, position=1)], [seen(1, position=2)]]
    found = find_contradictions(columns, [set(), set(), set()], [(1, 2)])
    assert [one.columns for one in found] == [[1, 2], [0, 1], [0, 2]]
