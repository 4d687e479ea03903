"""Answers are kept, become one decision when they settle the task, and come back with an undo."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.db.tables import Decision, Judgement
from service.decisions.undo import undo_decision
from service.errors import Conflict, Invalid
from service.events.log import EventLog
from service.external_ids import attach as external_ids
from service.review import answers as task_answers
from service.review import reviewers
from service.review.answers import AnswerRequest, answer_task
from service.tasks import leases
from service.tasks import queries as task_queries
from service.tasks.create import NewTask
from tests.support.identity_world import published
from tests.support.review_world import (
    ANN,
    BO,
    CY,
    ask,
    identities,
    merge_question,
    split_question,
    states,
    task,
)


@pytest.fixture
def ids(database, editor) -> dict[int, str]:
    return identities(database, editor)


def now(database) -> list[set[int]]:
    with database.read() as connection:
        return sorted(published(connection).values(), key=min)


def test_same_makes_one_identity_of_two(database, ids) -> None:
    (asked,) = ask(database, merge_question(ids[1], ids[4]))
    judged = answer_task(
        database, ANN, asked, AnswerRequest("same", 12.5, "one homepage", {"shown": [1]})
    )
    assert now(database) == [{1, 2, 3, 4, 5}, {6}]
    assert (judged.task.state, judged.task.closed_by, judged.task.answers) == (
        "closed",
        "key:ann",
        1,
    )
    with database.read() as connection:
        kept = connection.execute(select(Judgement)).mappings().one()
        decision = connection.execute(select(Decision)).mappings().one()
    assert (kept["answer"], kept["seconds"], kept["evidence"]) == ("same", 12.5, {"shown": [1]})
    assert kept["decision_key"] == decision["key"]
    assert decision["evidence"] == {"task": asked, "shown": [1]}


def test_different_keeps_two_apart_and_parts_the_sides_of_one(database, ids) -> None:
    two, one = ask(database, merge_question(ids[4], ids[6]), split_question(ids[1], [1, 2], [3]))
    answer_task(database, ANN, two, AnswerRequest("different"))
    assert now(database) == [{1, 2, 3}, {4, 5}, {6}]
    answer_task(database, ANN, one, AnswerRequest("different"))
    assert now(database) == [{1, 2}, {3}, {4, 5}, {6}]
    with database.read() as connection:
        assert published(connection)[ids[1]] == {1, 2}
    assert states(database, [two, one]) == ["closed", "closed"]


def test_same_binds_the_sides_of_one_and_unsure_binds_nothing(database, ids) -> None:
    one, two = ask(database, split_question(ids[1], [1, 2], [3]), merge_question(ids[4], ids[6]))
    bound = answer_task(database, ANN, one, AnswerRequest("same")).decision
    noted = answer_task(database, ANN, two, AnswerRequest("unsure")).decision
    assert now(database) == [{1, 2, 3}, {4, 5}, {6}]
    with database.read() as connection:
        kinds = dict(connection.execute(select(Decision.id, Decision.kind)).all())
    assert kinds == {bound.decision: "same", noted.decision: "unsure"}
    assert states(database, [one, two]) == ["closed", "closed"]


def test_an_undone_answer_opens_the_task_again_and_no_longer_counts(database, editor, ids) -> None:
    (asked,) = ask(database, merge_question(ids[1], ids[4]))
    made = answer_task(database, ANN, asked, AnswerRequest("unsure")).decision
    undo_decision(database, editor, made.decision)
    again = task(database, asked)
    assert (again.state, again.answers) == ("open", 0)
    answer_task(database, BO, asked, AnswerRequest("same"))
    with database.read() as connection:
        given = task_answers.list_answers(connection, task(database, asked))
    assert [(g.reviewer, g.undone) for g in given] == [("key:ann", True), ("key:bo", False)]


def test_blind_answers_wait_for_a_second_person_and_a_third_decides(database, ids) -> None:
    (asked,) = ask(database, merge_question(ids[1], ids[4]), blind_share=1.0)
    assert task(database, asked).blind
    first = answer_task(database, ANN, asked, AnswerRequest("same"))
    assert (first.decision, first.task.blind, first.task.answers) == (None, True, 1)
    with pytest.raises(Conflict, match="waits for another reviewer"):
        answer_task(database, ANN, asked, AnswerRequest("same"))
    with database.read() as connection:
        assert task_answers.list_answers(connection, task(database, asked)) == []
        for who, n in ((ANN, 0), (BO, 1)):
            assert (
                len(
                    task_queries.get_task_page(
                        connection, task_queries.TaskFilter(reviewer=who.name)
                    )[0]
                )
                == n
            )
    ask(database, merge_question(ids[1], ids[4]))  # asked again it stays blind
    assert answer_task(database, BO, asked, AnswerRequest("different")).decision is None
    assert now(database) == [{1, 2, 3}, {4, 5}, {6}]
    settled = answer_task(database, CY, asked, AnswerRequest("same"))
    assert settled.decision is not None
    assert now(database) == [{1, 2, 3, 4, 5}, {6}]
    with database.read() as connection:
        assert len(task_answers.list_answers(connection, settled.task)) == 3
        told = reviewers.summarize_reviewers(connection)
    pairs = {tuple(p.reviewers): (p.questions, p.agreed) for p in told.agreement}
    assert pairs == {
        ("key:ann", "key:bo"): (1, 0),
        ("key:ann", "key:cy"): (1, 1),
        ("key:bo", "key:cy"): (1, 0),
    }
    assert [(r.reviewer, r.answers) for r in told.reviewers] == [
        ("key:ann", 1),
        ("key:bo", 1),
        ("key:cy", 1),
    ]


def test_undoing_what_a_majority_decided_leaves_the_answers_before_it(
    database, editor, ids
) -> None:
    (asked,) = ask(database, merge_question(ids[1], ids[4], blind="share"))
    answer_task(database, ANN, asked, AnswerRequest("same"))
    made = answer_task(database, BO, asked, AnswerRequest("same")).decision
    undo_decision(database, editor, made.decision)
    again = task(database, asked)
    assert (again.state, again.answers, again.blind) == ("open", 1, True)
    assert answer_task(database, BO, asked, AnswerRequest("different")).decision is None


def test_an_answer_to_a_sample_changes_nothing_that_is_published(database, ids) -> None:
    (asked,) = ask(database, NewTask("sample", "s1", 1, 1.0, {"identities": [ids[1], ids[4]]}))
    judged = answer_task(database, ANN, asked, AnswerRequest("same"))
    assert (judged.decision, judged.task.state) == (None, "closed")
    assert now(database) == [{1, 2, 3}, {4, 5}, {6}]


def test_what_somebody_else_holds_or_has_changed_is_refused(database, ids) -> None:
    (asked,) = ask(database, merge_question(ids[1], ids[4]))
    leases.acquire_lease(database, BO, asked)
    with pytest.raises(Conflict, match="key:bo works on this"):
        answer_task(database, ANN, asked, AnswerRequest("same"))
    leases.release_lease(database, BO, asked)
    seen = task(database, asked).version
    ask(database, merge_question(ids[1], ids[4]))
    with pytest.raises(Conflict, match="has changed since") as told:
        answer_task(database, ANN, asked, AnswerRequest("same", version=seen))
    assert [e["kind"] for e in told.value.details["since"]] == ["questions-asked"]
    answer_task(database, ANN, asked, AnswerRequest("same", version=task(database, asked).version))
    with pytest.raises(Conflict, match="closed, by key:ann"):
        answer_task(database, BO, asked, AnswerRequest("same"))


@pytest.mark.parametrize(
    "said",
    [AnswerRequest("maybe"), AnswerRequest("same", -1.0), AnswerRequest("same", float("nan"))],
)
def test_what_nobody_can_mean_is_refused(database, ids, said) -> None:
    (asked,) = ask(database, merge_question(ids[1], ids[4]))
    with pytest.raises(Invalid):
        answer_task(database, ANN, asked, said)


def test_a_conflict_said_to_be_two_persons_is_not_asked_again(database, editor, ids) -> None:
    orcid = "0000-0002-1825-0097"
    for id_ in (ids[1], ids[4]):
        external_ids.attach_id(database, editor, id_, "orcid", orcid, "homepage")
    with database.read() as connection:
        (conflict,) = task_queries.get_task_page(
            connection, task_queries.TaskFilter(kind="conflict")
        )[0]
    answer_task(database, ANN, conflict.id, AnswerRequest("different"))
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        seq = ledger.record("anything", editor)
        external_ids.update_conflict_tasks(connection, ledger, seq, {("orcid", orcid)})

    def open_ones() -> int:
        with database.read() as connection:
            return len(
                task_queries.get_task_page(connection, task_queries.TaskFilter(kind="conflict"))[0]
            )

    assert open_ones() == 0
    external_ids.attach_id(database, editor, ids[6], "orcid", orcid, "homepage")
    assert open_ones() == 1
