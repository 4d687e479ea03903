"""A board's form becomes columns as the API takes them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.errors import Invalid
from service.web.board_form import parse_board_form
from service.web.sessions import Form

BOARD = [
    ("m", [1, "g1", 0, "w1", 0]),
    ("m", [1, "g1", 1, "w2", 3]),
    ("m", [1, "g2", 0, "w3", 1]),
    ("m", [2, "g3", 0, "w4", 0]),
    ("m", [3, "g4", 0, "w5", 2]),
]
IDENTITIES = [("c:1", "a-1"), ("c:2", "a-2"), ("c:3", "")]


def arranged(*fields: tuple[str, str]) -> tuple[list[tuple[str | None, list[str]]], list[str]]:
    """Columns as (identity, works) and works that nobody could tell, of the board above."""
    pairs = [*IDENTITIES, *((k, orjson.dumps(v).decode()) for k, v in BOARD), *fields]
    found = parse_board_form(Form(pairs))

    def works(some: list[dict[str, Any]]) -> list[str]:
        return [mention["work"] for mention in some]

    return [(c["identity"], works(c["mentions"])) for c in found.columns], works(found.unsure)


def test_nothing_moved_asks_for_nothing() -> None:
    assert arranged() == ([], [])
    assert arranged(("g:g1", "1"), ("g:g3", " ")) == ([], [])


def test_a_group_goes_to_another_column_and_both_columns_are_told() -> None:
    columns, _ = arranged(("g:g2", "2"))
    assert columns == [("a-1", ["w1", "w2"]), ("a-2", ["w3", "w4"])]


def test_one_paper_of_a_group_leaves_to_a_new_column() -> None:
    columns, _ = arranged(("p:g1:1", "n"))
    assert columns == [("a-1", ["w1", "w3"]), (None, ["w2"])]


def test_a_paper_may_stay_where_its_group_leaves() -> None:
    columns, _ = arranged(("g:g1", "4"), ("p:g1:0", "1"))
    assert columns == [("a-1", ["w1", "w3"]), (None, ["w2"])]


def test_numbers_beyond_the_last_column_are_new_people_each() -> None:
    columns, _ = arranged(("g:g1", "4"), ("g:g2", "5"))
    assert columns == [(None, ["w1", "w2"]), (None, ["w3"])]


def test_a_column_whose_papers_all_leave_is_not_told() -> None:
    assert arranged(("g:g3", "1"))[0] == [("a-1", ["w1", "w2", "w3", "w4"])]


def test_what_nobody_can_tell_stays_and_is_told() -> None:
    assert arranged(("g:g3", "u")) == ([], ["w4"])


def test_what_nobody_can_tell_is_in_no_column() -> None:
    assert arranged(("g:g1", "n"), ("g:g2", "u")) == ([(None, ["w1", "w2"])], ["w3"])


def test_papers_that_are_nobodys_can_be_given_to_somebody_but_not_taken_back() -> None:
    assert arranged(("g:g4", "2"))[0] == [("a-2", ["w4", "w5"])]
    with pytest.raises(Invalid, match="unassigned mentions"):
        arranged(("g:g3", "3"))


@pytest.mark.parametrize("text", ["0", "-1", "x", "99999", "1.5", "2001", "\u0661"])
def test_what_names_no_column_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is not a column"):
        arranged(("g:g1", text))


def test_one_person_unites_the_columns_that_were_asked_about() -> None:
    answer = [("answer", "same"), ("asked", "1"), ("asked", "2")]
    assert arranged(*answer)[0] == [("a-1", ["w1", "w2", "w3", "w4"])]


def test_different_people_confirms_both_columns() -> None:
    answer = [("answer", "different"), ("asked", "1"), ("asked", "2")]
    assert arranged(*answer)[0] == [("a-1", ["w1", "w2", "w3"]), ("a-2", ["w4"])]


def test_a_column_is_divided_where_the_question_says() -> None:
    asked = [("asked", "1"), ("between", "g2")]
    assert arranged(("answer", "different"), *asked)[0] == [("a-1", ["w1", "w2"]), (None, ["w3"])]
    assert arranged(("answer", "same"), *asked)[0] == [("a-1", ["w1", "w2", "w3"])]


def test_a_mention_that_is_nobodys_goes_to_who_was_asked_about() -> None:
    asked = [("asked", "3"), ("asked", "2"), ("between", "g4")]
    assert arranged(("answer", "same"), *asked)[0] == [("a-2", ["w4", "w5"])]


def test_not_sure_of_a_question_moves_nothing() -> None:
    answer = [("answer", "unsure"), ("asked", "1"), ("asked", "2"), ("between", "g2")]
    assert arranged(*answer) == ([], ["w3"])


@pytest.mark.parametrize("text", ["", "[]", "[1]", '[1,"g",0,"w","x"]', "{", "null"])
def test_an_invalid_form_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is invalid"):
        parse_board_form(Form([("m", text)]))


@pytest.mark.parametrize(("ticked", "named"), [([("rest", "1")], ["t-1", "t-2"]), ([], [])])
def test_other_questions_are_answered_where_that_is_ticked(ticked, named: list[str]) -> None:
    found = parse_board_form(Form([*IDENTITIES, ("also", "t-1"), ("also", "t-2"), *ticked]))
    assert found.also_answered == found.to_body()["also"] == named
    assert found.is_empty is not bool(named)
