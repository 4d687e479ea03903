"""Questions for people: asked once, in the order that matters, closed once."""

import pytest
from sqlalchemy import select

from service.db.database import Database
from service.db.tables import Event
from service.errors import Conflict, NotFound
from service.events.log import EventLog
from service.tasks import queries as task_queries
from service.tasks.create import NewTask, close_tasks, open_tasks


def question(subject: str, kind: str = "merge", priority: float = 1.0) -> NewTask:
    return NewTask(kind, subject, 3, priority, {"why": subject})


def ask(database: Database, actor, *questions: NewTask) -> list[str]:
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        seq = ledger.record("run-proposed", actor)
        return open_tasks(connection, ledger, seq, questions)


def listed(database: Database, **given) -> list[str]:
    with database.read() as connection:
        return [task.subject for task in task_queries.list_tasks(connection, **given)[0]]


def test_conflicts_come_first_then_priority_then_age(database, editor) -> None:
    ask(
        database,
        editor,
        question("old"),
        question("urgent", priority=9.5),
        question("new"),
        question("clash", "conflict", priority=0.1),
    )
    assert listed(database) == ["clash", "urgent", "old", "new"]
    assert listed(database, kind="merge") == ["urgent", "old", "new"]


def test_pages_hold_every_task_once(database, editor) -> None:
    wanted = [question(f"s{n}", "conflict" if n % 3 == 0 else "split", n // 2) for n in range(11)]
    ask(database, editor, *wanted)
    seen, after = [], None
    with database.read() as connection:
        while True:
            page, after = task_queries.list_tasks(connection, limit=2, after=after)
            seen += [task.subject for task in page]
            if after is None:
                break
        assert seen == [t.subject for t in task_queries.list_tasks(connection, limit=50)[0]]
    assert seen[:4] == ["s9", "s6", "s3", "s0"]
    assert len(set(seen)) == len(seen) == 11


def test_the_same_question_is_one_task_brought_up_to_date(database, editor) -> None:
    (first,) = ask(database, editor, question("a"))
    again, other = ask(database, editor, question("a", priority=7.0), question("a", "split"))
    assert again == first != other
    with database.read() as connection:
        assert task_queries.get_task(connection, first).priority == 7.0


def test_a_task_is_closed_once_with_who_and_why(database, editor) -> None:
    (id_,) = ask(database, editor, question("a"))
    done = task_queries.close_by_hand(database, editor, id_, "plain to see")
    assert (done.state, done.closed_by, done.reason) == ("closed", editor.name, "plain to see")
    assert done.closed_at is not None
    with pytest.raises(Conflict, match="by cli:editor"):
        task_queries.close_by_hand(database, editor, id_)
    assert listed(database) == []
    assert listed(database, state=None) == ["a"]
    with database.read() as connection:
        (event,) = connection.execute(
            select(Event.subject, Event.before, Event.after).where(Event.kind == "task-closed")
        )
    assert event == (
        id_,
        {"kind": "merge", "subject": "a", "state": "open"},
        {"kind": "merge", "subject": "a", "state": "closed"},
    )


def test_an_answered_question_may_be_asked_anew(database, editor) -> None:
    (first,) = ask(database, editor, question("a"))
    with database.write() as connection:
        seq = EventLog.lock(connection).record("merge", editor)
        assert close_tasks(connection, seq, editor, "merge", ["a", "b"]) == 1
    (second,) = ask(database, editor, question("a"))
    assert first != second
    assert listed(database) == ["a"]


@pytest.mark.parametrize("id_", ["t-000000000000", "", "\0", "\ud800", "x" * 10_000])
def test_an_unknown_task_is_not_found(database, editor, id_: str) -> None:
    with database.read() as connection, pytest.raises(NotFound):
        task_queries.get_task(connection, id_)
