"""What an overridden decision had answered is asked again, unless the later one answers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from disambig.domain import Signature
from service.actors import Actor, Role
from service.board.commit import CommitResult, commit_arrangement
from service.board.request import ArrangementRequest, ColumnRequest
from service.db.database import Database
from service.db.tables import Identity, Task
from service.decisions.actions import decide_pair, merge_identities
from service.decisions.undo import redo_decision, undo_decision
from service.identities.store import read_identities_by_id
from service.review.answers import AnswerRequest
from service.review.answers import answer_task as answer
from tests.support.identity_world import everything
from tests.support.review_world import (
    ask,
    identities,
    merge_question,
    publish_as,
    split_question,
    task,
)

LATER = Actor("cli:later", Role.EDITOR)


@pytest.fixture
def ids(database: Database, editor: Actor) -> dict[int, str]:
    """Signatures 1 to 6: {1, 2, 3}, {4, 5}, {6}; their ids by signature."""
    return identities(database, editor)


def at(signature: int) -> Signature:
    return Signature(f"w{signature - 1}", 0)


def overrides(database: Database, *columns: tuple[str | None, Sequence[int]]) -> CommitResult:
    wanted = [ColumnRequest(tuple(map(at, some)), identity) for identity, some in columns]
    with database.read() as connection:
        versions = {
            id_: row.version
            for id_, row in read_identities_by_id(
                connection, connection.scalars(select(Identity.id))
            ).items()
        }
    made = commit_arrangement(
        database, LATER, ArrangementRequest(wanted, versions=versions), override=True
    )
    assert made.overridden_decisions
    return made


def told(database: Database) -> list[tuple[Any, ...]]:
    """State of all tasks, and because of whom and what they are closed."""
    columns = Task.id, Task.state, Task.closed_seq, Task.closed_by
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(Task.key))]


def test_what_the_later_decision_leaves_open_is_asked_again(database, editor, ids) -> None:
    (asked,) = ask(database, split_question(ids[1], [1, 2], [3]))
    first = decide_pair(database, editor, "same", at(2), at(3))
    before = told(database)
    assert before == [(asked, "closed", first.event, editor.name)]
    with database.read() as connection:
        published = everything(connection)["memberships"]
    later = overrides(database, (ids[6], [6, 2]))
    for _ in range(2):
        assert told(database) == [(asked, "open", None, None)]
        undo_decision(database, LATER, later.decision.id)
        assert told(database) == before
        with database.read() as connection:
            assert everything(connection)["memberships"] == published
        redo_decision(database, LATER, later.decision.id)
    undo_decision(database, LATER, later.decision.id)
    undo_decision(database, editor, first.id)
    assert task(database, asked).state == "open"
    redo_decision(database, editor, first.id)
    assert task(database, asked).state == "closed"


def test_what_the_later_decision_answers_too_stays_closed_by_it(database, editor, ids) -> None:
    (asked,) = ask(database, split_question(ids[1], [1, 2], [3]))
    first = decide_pair(database, editor, "same", at(2), at(3))
    later = overrides(database, (None, [3]))
    for _ in range(2):
        found = task(database, asked)
        assert (found.state, found.closed_by) == ("closed", LATER.name)
        undo_decision(database, LATER, later.decision.id)
        assert told(database) == [(asked, "closed", first.event, editor.name)]
        redo_decision(database, LATER, later.decision.id)
    undo_decision(database, LATER, later.decision.id)
    undo_decision(database, editor, first.id)
    assert task(database, asked).state == "open"


def test_questions_about_an_id_that_stays_ended_are_not_asked(database, editor, ids) -> None:
    asked = ask(database, merge_question(ids[1], ids[4]), merge_question(ids[4], ids[6]))
    first = merge_identities(database, editor, [ids[1], ids[4]])
    before = told(database)
    later = overrides(database, (None, [5]))  # 4 stays with the other id, which goes on
    assert [state for _, state, *_ in told(database)] == ["closed", "closed"]
    undo_decision(database, LATER, later.decision.id)
    assert told(database) == before
    undo_decision(database, editor, first.id)
    assert [(id_, state) for id_, state, *_ in told(database)] == [(id_, "open") for id_ in asked]


def test_of_several_decisions_over_each_other_each_gives_back_its_own(
    database, editor, ids
) -> None:
    (asked,) = ask(database, split_question(ids[1], [1, 2], [3]))
    first = decide_pair(database, editor, "same", at(2), at(3))
    second = overrides(database, (ids[6], [6, 2]))
    third = overrides(database, (None, [2]))
    assert task(database, asked).state == "open"
    undo_decision(database, LATER, third.decision.id)
    assert task(database, asked).state == "open"
    undo_decision(database, LATER, second.decision.id)
    assert told(database) == [(asked, "closed", first.event, editor.name)]


def test_a_question_asked_anew_meanwhile_stays_the_one_that_is_open(database, editor, ids) -> None:
    (first,) = ask(database, split_question(ids[1], [1, 2], [3]))
    decide_pair(database, editor, "same", at(2), at(3))
    (second,) = ask(database, split_question(ids[1], [1, 2], [3]))
    overrides(database, (ids[6], [6, 2]))
    assert [task(database, id_).state for id_ in (first, second)] == ["closed", "open"]


@pytest.fixture
def chain(database, editor, ids) -> tuple[str, list[str]]:
    """Whether 1 and 4, of one identity, are one person, answered by three decisions, the last of
    which says nothing of either; the question, and the decisions."""
    publish_as(database, editor, "r-2", dict.fromkeys(range(1, 6), 0))
    (asked,) = ask(database, split_question(ids[1], [1], [4]))
    pairs = ((1, 2), (3, 4), (2, 3))
    made = [decide_pair(database, editor, "same", at(a), at(b)).id for a, b in pairs]
    assert task(database, asked).state == "closed"
    return asked, made


def test_what_was_answered_together_with_an_overridden_decision_is_asked_again(
    database, editor, ids, chain
) -> None:
    asked, (*_, last) = chain
    later = overrides(database, (ids[6], [6, 2, 3]))
    assert last not in [one.decision for one in later.overridden_decisions]
    assert task(database, asked).state == "open"
    undo_decision(database, LATER, later.decision.id)
    assert task(database, asked).state == "closed"
    redo_decision(database, LATER, later.decision.id)
    assert task(database, asked).state == "open"


def test_what_was_answered_together_with_a_decision_taken_back_is_asked_again(
    database, editor, chain
) -> None:
    asked, (first, *_) = chain
    for _ in range(2):
        undo_decision(database, editor, first)
        assert task(database, asked).state == "open"
        redo_decision(database, editor, first)
        assert task(database, asked).state == "closed"


def test_what_nobody_can_tell_is_not_asked_again_when_another_decision_is_taken_back(
    database, editor, ids
) -> None:
    (asked,) = ask(database, split_question(ids[1], [1], [3]))
    answer(database, LATER, asked, AnswerRequest("unsure"))
    made = decide_pair(database, editor, "same", at(1), at(2))
    undo_decision(database, editor, made.id)
    assert task(database, asked).state == "closed"
