"""A decision closes every question it answers, whoever made it; an undo brings them back."""

from __future__ import annotations

import pytest

from disambig.domain import Signature
from service.decisions.actions import decide_pair, merge_identities, split_identity
from service.decisions.undo import redo_decision, undo_decision
from service.publication.publish import roll_back
from tests.support.review_world import (
    ask,
    identities,
    merge_question,
    publish_as,
    split_question,
    states,
    task,
)


def at(signature: int) -> Signature:
    return Signature(f"w{signature - 1}", 0)


@pytest.fixture
def ids(database, editor) -> dict[int, str]:
    return identities(database, editor)


def test_a_merge_closes_the_question_and_those_about_the_id_that_ends(
    database, editor, ids
) -> None:
    same, other, far = ask(
        database,
        merge_question(ids[1], ids[4]),
        merge_question(ids[4], ids[6]),
        merge_question(ids[1], ids[6]),
    )
    made = merge_identities(database, editor, [ids[1], ids[4]])
    assert states(database, [same, other, far]) == ["closed", "closed", "open"]
    closed = task(database, same)
    assert (closed.closed_by, closed.version) == (editor.name, made.event)


def test_different_said_of_two_mentions_closes_the_question_about_their_identities(
    database, editor, ids
) -> None:
    asked, far = ask(database, merge_question(ids[1], ids[4]), merge_question(ids[1], ids[6]))
    decide_pair(database, editor, "different", at(2), at(5))
    assert states(database, [asked, far]) == ["closed", "open"]


def test_a_division_is_answered_by_parting_its_sides_or_binding_them(database, editor, ids) -> None:
    asked, other = ask(
        database, split_question(ids[1], [1, 2], [3]), split_question(ids[4], [4], [5])
    )
    split_identity(database, editor, ids[1], [[at(1)]])
    assert states(database, [asked, other]) == ["open", "open"]  # 2 and 3 are still together
    decide_pair(database, editor, "same", at(2), at(3))
    assert states(database, [asked, other]) == ["closed", "open"]
    split_identity(database, editor, ids[4], [[at(4)]])
    assert states(database, [asked, other]) == ["closed", "closed"]


def test_undo_and_redo_turn_the_questions_with_the_decision(database, editor, ids) -> None:
    wanted = [merge_question(ids[1], ids[4]), merge_question(ids[4], ids[6])]
    asked = ask(database, *wanted)
    before = [task(database, id_).evidence for id_ in asked]
    made = merge_identities(database, editor, [ids[1], ids[4]])
    for _ in range(2):
        undo_decision(database, editor, made.id)
        assert states(database, asked) == ["open", "open"]
        assert [task(database, id_).evidence for id_ in asked] == before
        assert task(database, asked[0]).closed_by is None
        redo_decision(database, editor, made.id)
        assert states(database, asked) == ["closed", "closed"]


def test_a_question_asked_anew_meanwhile_stays_the_one_that_is_open(database, editor, ids) -> None:
    (first,) = ask(database, merge_question(ids[1], ids[4]))
    made = decide_pair(database, editor, "different", at(1), at(4))
    (second,) = ask(database, merge_question(ids[1], ids[4]))
    undo_decision(database, editor, made.id)
    assert states(database, [first, second]) == ["closed", "open"]


def test_an_undo_after_another_run_brings_the_question_back(database, editor, ids) -> None:
    (asked,) = ask(database, merge_question(ids[1], ids[4]))
    made = decide_pair(database, editor, "different", at(1), at(4))
    publish_as(database, editor, "r-2", {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 2})
    assert states(database, [asked]) == ["closed"]
    undo_decision(database, editor, made.id)
    assert states(database, [asked]) == ["open"]


def test_a_publication_closes_questions_about_ids_that_end_and_a_rollback_asks_them(
    database, editor, ids
) -> None:
    asked = ask(database, merge_question(ids[1], ids[4]), merge_question(ids[1], ids[6]))
    publish_as(database, editor, "r-2", {1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 2})
    assert states(database, asked) == ["closed", "open"]
    roll_back(database, editor, "r-2")
    assert states(database, asked) == ["open", "open"]
