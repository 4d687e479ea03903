"""The board over HTTP: what it shows, what a preview tells, and a commit that is undone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from disambig.domain import Signature
from service.actors import Actor, Role
from service.board import results
from service.board.scope import read_question
from service.db.database import Database
from service.events.log import EventLog
from service.settings import Settings
from service.tasks.create import NewTask, open_tasks
from tests.support.api_clients import bearer, key_of, serving
from tests.support.run_world import deliver, do_and_publish, people, settings_in, wangs


@pytest.fixture(scope="module")
def clustered(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Database, Settings]]:
    """Two people called Wei Wang, one in speech and one in robots, as a run found them."""
    folder = tmp_path_factory.mktemp("boards")
    shutil.copy(sqlite_template, folder / "d.sqlite")
    database = Database(f"sqlite:///{folder / 'd.sqlite'}")
    deliver(database, *wangs())
    settings = settings_in(folder)
    do_and_publish(database, settings)
    yield database, settings
    database.close()


@pytest.fixture
def client(clustered: tuple[Database, Settings]) -> Iterator[Any]:
    database, settings = clustered
    with serving(database, data=settings.data) as found:
        found.headers.update(bearer(key_of(database, "editor")))
        yield found


def columns(board: dict[str, Any]) -> dict[str, set[tuple[str, int]]]:
    return {
        column["identity"]: {
            (m["work"], m["position"]) for group in column["groups"] for m in group["mentions"]
        }
        for column in board["columns"]
    }


def sent(*works: str) -> list[dict[str, Any]]:
    return [{"work": work, "position": 0} for work in works]


def test_a_board_has_everybody_of_the_name_with_all_their_papers(client, clustered) -> None:
    told = client.get("/v1/boards/wei%20WANG")
    assert told.status_code == 200, told.text
    board = told.json()
    msgspec.json.decode(told.content, type=results.Board)
    known = people(clustered[0])
    mine = {f"{kind}{k}" for kind in "sr" for k in range(5)}
    expected: dict[str, set[tuple[str, int]]] = {}
    for (work, position), identity in known.items():
        if work in mine and position == 0:
            expected.setdefault(identity, set()).add((work, position))
    assert columns(board) == expected
    assert set(board["versions"]) == set(expected)
    speech = next(c for c in board["columns"] if "Otto Brandt" in str(c["coauthors"]))
    assert speech["years"] == {str(year): 1 for year in range(2001, 2006)}
    assert speech["venues"] == [{"name": "Interspeech", "papers": 5, "shared": []}]
    # papers that surely belong together come as a group
    assert max(len(group["mentions"]) for group in speech["groups"]) > 1


def test_a_preview_previews_and_a_commit_is_undone(client, clustered) -> None:
    board = client.get("/v1/boards/Wei Wang").json()
    home = next(i for i, papers in columns(board).items() if ("s0", 0) in papers)
    body = {"columns": [{"identity": None, "mentions": sent("s0")}]}
    told = client.post("/v1/boards/Wei Wang/preview", json=body)
    assert told.status_code == 200, told.text
    seen = told.json()
    msgspec.json.decode(told.content, type=results.Preview)
    assert (seen["moved"], seen["created"], seen["kept"]) == (1, 1, [home])
    before = people(clustered[0])
    commit = {**body, "versions": board["versions"], "reason": "another one"}
    made = client.post("/v1/boards/Wei Wang/commit", json=commit)
    assert made.status_code == 201, made.text
    msgspec.json.decode(made.content, type=results.Committed)
    assert made.json()["moved"] == 1
    late = {**commit, "columns": [{"identity": None, "mentions": sent("s1")}]}
    again = client.post("/v1/boards/Wei Wang/commit", json=late)
    assert again.status_code == 409
    assert again.json()["changed"][0]["identity"] == home
    listed = client.get("/v1/decisions?action=arrange").json()["items"]
    assert [d["id"] for d in listed] == [made.json()["decision"]]
    undone = client.post(f"/v1/decisions/{made.json()['decision']}/undo")
    assert undone.status_code == 200, undone.text
    assert people(clustered[0]) == before


def test_a_preview_tells_what_the_engine_would_change_next(client) -> None:
    board = client.get("/v1/boards/Wei Wang").json()
    home = next(i for i, papers in columns(board).items() if ("r0", 0) in papers)
    other = next(i for i, papers in columns(board).items() if ("s0", 0) in papers)
    body = {"columns": [{"identity": other, "mentions": sent("r0")}]}
    seen = client.post("/v1/boards/Wei Wang/preview", json=body).json()
    assert (seen["moved"], sorted(seen["kept"])) == (1, sorted([home, other]))
    # what moved is bound, and barred from what it left: the engine has nothing to add
    assert seen["rescored"] == []


def test_two_mentions_are_compared_in_full(client) -> None:
    told = client.get("/v1/compare?a=s0:0&b=s1:0")
    assert told.status_code == 200, told.text
    found = told.json()
    msgspec.json.decode(told.content, type=results.MentionComparison)
    for score in (found["pair"], found["groups"]["score"]):
        if score:
            parts = sum(part["log_odds"] for part in score["contributions"])
            total = score["bias"] + parts + score["calibration"]
            assert total == pytest.approx(score["log_odds"], abs=1e-4)
    assert client.get("/v1/compare?a=s0:0&b=s0:0").status_code == 422
    assert client.get("/v1/compare?a=s0:0&b=s0:9").status_code == 404
    assert client.get("/v1/compare?a=s0&b=s0:9").status_code == 422


def test_a_board_that_is_not_there_is_not_found(client) -> None:
    assert client.get("/v1/boards/Nobody").status_code == 404
    assert client.get("/v1/boards/Wei Wang?task=t-none").status_code == 404
    wrong = {"columns": [{"identity": "a-none", "mentions": []}]}
    assert client.post("/v1/boards/Wei Wang/preview", json=wrong).status_code == 404


@pytest.fixture
def question(clustered: tuple[Database, Settings]) -> str:
    """A task that asks whether the two are one person."""
    database, _ = clustered
    known = people(database)
    ends = sorted({known["s0", 0], known["r0", 0]})
    of = {i: [m for m, identity in sorted(known.items()) if identity == i] for i in ends}
    sides = [{"mentions": [{"work": w, "position": p} for w, p in of[i]]} for i in ends]
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        asked = NewTask("merge", "+".join(ends), 10, 1.0, {"probability": 0.4, "sides": sides})
        seq = ledger.record("asked", Actor("cli:test", Role.ADMIN))
        return open_tasks(connection, ledger, seq, [asked])[0]


def test_a_question_comes_with_its_columns_and_reasons_and_leaving_them_apart_answers_it(
    client, clustered, question
) -> None:
    shown = client.get(f"/v1/boards/Wei Wang?task={question}")
    board = shown.json()
    msgspec.json.decode(shown.content, type=results.Board)
    asked = board["question"]
    assert (asked["task"], asked["kind"], asked["columns"]) == (question, "merge", [0, 1])
    assert 0 <= asked["probability"] <= 1
    assert asked["for"] or asked["against"]
    assert max(len(asked["for"]), len(asked["against"])) <= 3
    a, b = asked["compare"]
    assert client.get("/v1/compare", params={"a": a, "b": b}).status_code == 200
    before = people(clustered[0])
    body = {"columns": [], "task": question}
    seen = client.post("/v1/boards/Wei Wang/preview", json=body)
    assert seen.status_code == 200, seen.text
    assert (seen.json()["moved"], seen.json()["closes"]) == (0, [{"id": question, "kind": "merge"}])
    commit = {**body, "versions": board["versions"]}
    made = client.post("/v1/boards/Wei Wang/commit", json=commit)
    assert made.status_code == 201, made.text
    assert client.get(f"/v1/tasks/{question}").json()["state"] == "closed"
    assert people(clustered[0]) == before
    client.post(f"/v1/decisions/{made.json()['decision']}/undo")
    assert client.get(f"/v1/tasks/{question}").json()["state"] == "open"


def test_a_split_is_asked_of_all_mentions_though_the_task_shows_some(clustered) -> None:
    database, _ = clustered
    known = people(database)
    home = known["s0", 0]
    mine = sorted(m for m, identity in known.items() if identity == home)
    sides = [
        {"n": n, "mentions": [{"work": w, "position": p} for w, p in some]}
        for n, some in ((1, mine[:1]), (len(mine) - 1, mine[1:2]))
    ]
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        asked = NewTask("split", home, len(mine), 1.0, {"probability": 0.4, "sides": sides})
        seq = ledger.record("asked", Actor("cli:test", Role.ADMIN))
        (task,) = open_tasks(connection, ledger, seq, [asked])
    with database.read() as connection:
        found = read_question(connection, task)
    signatures = [Signature(*m) for m in mine]
    assert [sorted(side) for side in found.sides] == [signatures[:1], signatures[1:]]
