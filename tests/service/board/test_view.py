"""A board shows people of other names whom the best questions of its block are about, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from service.board import results
from service.db.database import Database
from service.db.tables import Membership, Name, Task
from service.events.log import EventLog
from service.tasks.create import NewTask, open_tasks
from service.tasks.subjects import make_subject
from tests.support.api_clients import bearer, key_of, serving
from tests.support.reading_room import Author, Paper, fill


def papers() -> list[Paper]:
    """Five people called Wei Wang, and five times two called Wen Wang, with a paper each."""
    wei = [Paper(f"e{k}", f"Speech {k}", [Author("Wei Wang", f"a-wei{k}")]) for k in range(5)]
    return wei + [
        Paper(f"n{k}", f"Robots {k}", [Author("Wen Wang", f"a-wen{k}")]) for k in range(10)
    ]


def merge(database: Database, a: str, b: str, priority: float) -> NewTask:
    with database.read() as connection:
        name = "wei wang" if "wei" in a else "wen wang"
        key = connection.scalars(select(Name.key).where(Name.folded == name)).one()
    evidence = {"identities": [a, b], "probability": 0.4}
    return NewTask("merge", make_subject(a, b), 2, priority, evidence, key, block_key=1)


def ask(database: Database, editor: Any, *questions: NewTask) -> list[str]:
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        return open_tasks(connection, ledger, ledger.record("asked", editor), questions)


@pytest.fixture
def asked(database: Database, editor: Any) -> list[str]:
    """Two questions about people called Wei Wang, then five about people called Wen Wang."""
    fill(database, papers())
    wei = [merge(database, "a-wei0", "a-wei1", 9.0), merge(database, "a-wei1", "a-wei2", 8.0)]
    wen = [merge(database, f"a-wen{2 * k}", f"a-wen{2 * k + 1}", 5.0 - k) for k in range(5)]
    return ask(database, editor, *wei, *wen)


@pytest.fixture
def client(database: Database, asked: list[str]) -> Iterator[Any]:
    with serving(database) as found:
        found.headers.update(bearer(key_of(database, "editor")))
        yield found


def shown(client: Any, task: str) -> dict[str, Any]:
    told = client.get(f"/v1/boards/Wei Wang?task={task}")
    assert told.status_code == 200, told.text
    board: dict[str, Any] = told.json()
    msgspec.json.decode(told.content, type=results.Board)
    return board


def test_eight_people_of_the_best_questions_come_before_the_others_of_the_name(
    client: Any, asked: list[str]
) -> None:
    board = shown(client, asked[0])
    people = [column["identity"] for column in board["columns"]]
    assert people == [
        "a-wei0",
        "a-wei1",
        "a-wei2",
        *(f"a-wen{k}" for k in range(4)),
        "a-wei3",
        "a-wei4",
    ]
    # that of the name, and those of which all people are shown
    assert [one["id"] for one in board["tasks"] if one["settles"]] == asked[1:4]


def test_one_row_of_the_list_is_what_one_board_answers(client: Any, asked: list[str]) -> None:
    (row,) = client.get("/v1/tasks/names").json()["items"]
    assert (row["name"], row["others"]) == ("Wei Wang", ["Wen Wang"])
    assert (row["task"], row["tasks"], row["priority"]) == (asked[0], 4, 9.0 + 8.0 + 5.0 + 4.0)


def test_one_commit_answers_questions_about_people_of_two_names(
    client: Any, database: Database, asked: list[str]
) -> None:
    board = shown(client, asked[0])
    both = [{"work": f"n{k}", "position": 0} for k in range(2)]
    body = {
        "columns": [{"identity": "a-wen0", "mentions": both}],
        "task": asked[0],
        "also": asked[1:4],
    }
    preview = client.post("/v1/boards/Wei Wang/preview", json=body)
    assert preview.status_code == 200, preview.text
    assert sorted(one["id"] for one in preview.json()["closes"]) == sorted(asked[:4])
    commit = {**body, "versions": board["versions"]}
    made = client.post("/v1/boards/Wei Wang/commit", json=commit)
    assert made.status_code == 201, made.text
    with database.read() as connection:
        left = connection.scalars(select(Task.id).where(Task.state == "open"))
        assert sorted(left) == sorted(asked[4:])
        homes = connection.scalars(select(Membership.identity_key)).all()
    assert len(set(homes)) == 14  # two people of fifteen became one


def test_a_question_of_no_block_has_that_of_its_name(
    client: Any, database: Database, editor: Any
) -> None:
    found = merge(database, "a-wei3", "a-wei4", 1.0)
    (task,) = ask(database, editor, replace(found, block_key=None))
    people = [column["identity"] for column in shown(client, task)["columns"]]
    assert people[:5] == ["a-wei3", "a-wei4", "a-wei0", "a-wei1", "a-wei2"]


def test_what_is_answered_or_asked_blind_brings_nobody_else(
    client: Any, database: Database, editor: Any, asked: list[str]
) -> None:
    blind = replace(merge(database, "a-wei3", "a-wei4", 9.9), blind="share")
    (task,) = ask(database, editor, blind)
    assert len(shown(client, task)["columns"]) == 5
    client.post(f"/v1/tasks/{asked[0]}/close", json={"reason": "seen"})
    assert len(shown(client, asked[0])["columns"]) == 5
