"""Names with open questions: those that gain most first, what is asked blind left out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, update

from service.db.database import Database
from service.db.tables import Name, Task
from service.events.log import EventLog
from service.review import by_name as tasks_by_name
from service.review.results import NameAsked
from service.tasks.create import NewTask, open_tasks
from service.tasks.queries import TaskFilter


def question(name: int, subject: str, priority: float, kind: str = "merge") -> NewTask:
    return NewTask(kind, subject, 3, priority, {}, name_key=name, effort=5)


def ask(database: Database, actor, *questions: NewTask) -> list[str]:
    with database.write() as connection:
        for key, name in ((1, "Wei Wang"), (2, "Ann Lee"), (3, "Bo Xu")):
            connection.execute(insert(Name).values(key=key, folded=name.lower(), printed=name))
        ledger = EventLog.lock(connection)
        return open_tasks(connection, ledger, ledger.record("run-proposed", actor), questions)


def names(database: Database, **wanted) -> list[NameAsked]:
    with database.read() as connection:
        return tasks_by_name.list_names_with_tasks(connection, TaskFilter(**wanted))


def test_what_many_questions_gain_together_comes_before_the_best_single_one(
    database, editor
) -> None:
    ids = ask(
        database,
        editor,
        question(2, "a+b", 2.0),
        question(1, "c+d", 1.5),
        question(1, "e", 1.0, "split"),
        question(3, "f+g", 0.1, "conflict"),
    )
    found = names(database)
    assert [one.name for one in found] == ["Bo Xu", "Wei Wang", "Ann Lee"]
    wei = found[1]
    assert (wei.task, wei.tasks, wei.priority, wei.papers) == (ids[1], 2, 2.5, 0)
    assert wei.kinds == {"merge": 1, "split": 1}
    assert [one.name for one in names(database, kind="split")] == ["Wei Wang"]
    assert [one.name for one in names(database, name="ann lee")] == ["Ann Lee"]


def test_what_is_asked_blind_is_not_for_a_board(database, editor) -> None:
    ask(database, editor, replace(question(1, "a+b", 9.0), blind="share"), question(2, "c+d", 1.0))
    assert [one.name for one in names(database)] == ["Ann Lee"]


def test_who_works_on_a_name_is_told_until_the_lease_is_over(database, editor) -> None:
    ask(database, editor, question(1, "a+b", 1.0), question(2, "c+d", 1.0))
    with database.write() as connection:
        for subject, minutes in (("a+b", 5), ("c+d", -5)):
            until = datetime.now(UTC) + timedelta(minutes=minutes)
            held = update(Task).where(Task.subject == subject)
            connection.execute(held.values(leased_by="ann", leased_until=until))
    assert {one.name: one.held_by for one in names(database)} == {
        "Wei Wang": ["ann"],
        "Ann Lee": [],
    }
