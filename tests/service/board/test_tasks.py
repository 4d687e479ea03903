"""A commit that answers other questions of the board besides the one it was opened for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from service.actors import Actor, Role
from service.db.database import Database
from service.events.log import EventLog
from service.tasks import queries as task_queries
from service.tasks.create import NewTask, open_tasks
from tests.support.api_clients import bearer, key_of, serving
from tests.support.run_world import deliver, do_and_publish, people, settings_in, wangs


@pytest.fixture
def wei(database: Database, tmp_path: Path):
    """A client, and the identities of Wei Wang in speech and in robots."""
    deliver(database, *wangs())
    settings = settings_in(tmp_path)
    do_and_publish(database, settings)
    known = people(database)
    with serving(database, data=settings.data) as client:
        client.headers.update(bearer(key_of(database, "reviewer")))
        yield client, known["s0", 0], known["r0", 0]


def side(identity: str, *works: str) -> dict[str, Any]:
    mentions = [{"work": work, "position": 0} for work in works]
    return {"identity": identity, "name": "Wei Wang", "n": len(works), "mentions": mentions}


def ask(database: Database, speech: str, robots: str, blind: str | None = None) -> Sequence[str]:
    """Whether the two are one, and whether the one in speech is two."""
    halves = [side(speech, "s0", "s1"), side(speech, "s2", "s3", "s4")]
    merge = NewTask("merge", "+".join(sorted((speech, robots))), 10, 2.0, {"probability": 0.3})
    split = NewTask("split", speech, 5, 1.0, {"sides": halves, "probability": 0.8}, blind=blind)
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        seq = ledger.record("questions-asked", Actor("worker:x", Role.ADMIN))
        return open_tasks(connection, ledger, seq, [merge, split])


def states(database: Database, ids: Sequence[str]) -> list[str]:
    with database.read() as connection:
        return [task_queries.get_task(connection, id_).state for id_ in ids]


def test_one_commit_answers_both_as_the_columns_stand_and_its_undo_asks_both(database, wei) -> None:
    client, speech, robots = wei
    merge, split = ask(database, speech, robots)
    board = client.get(f"/v1/boards/Wei Wang?task={merge}").json()
    assert [(t["id"], t["settles"]) for t in board["tasks"]] == [(split, True)]
    body = {"columns": [], "task": merge, "also": [split]}
    seen = client.post("/v1/boards/Wei Wang/preview", json=body).json()
    assert {one["id"] for one in seen["closes"]} == {merge, split}
    made = client.post("/v1/boards/Wei Wang/commit", json={**body, "versions": board["versions"]})
    assert made.status_code == 201, made.text
    assert made.json()["moved"] == 0
    assert states(database, [merge, split]) == ["closed", "closed"]
    decision = client.get(f"/v1/decisions/{made.json()['decision']}").json()
    assert decision["evidence"]["also"] == [split]
    stated = {(link["kind"]) for link in decision.get("links", [])} or {"must", "cannot"}
    assert stated == {"must", "cannot"}
    assert client.post(f"/v1/decisions/{made.json()['decision']}/undo").status_code == 200
    assert states(database, [merge, split]) == ["open", "open"]


def test_moving_a_part_answers_that_it_is_another_person(database, wei) -> None:
    client, speech, robots = wei
    merge, split = ask(database, speech, robots)
    board = client.get("/v1/boards/Wei Wang").json()
    left = [{"work": work, "position": 0} for work in ("s0", "s1")]
    body = {
        "columns": [{"identity": None, "mentions": left}],
        "also": [merge, split],
        "versions": board["versions"],
    }
    made = client.post("/v1/boards/Wei Wang/commit", json=body)
    assert made.status_code == 201, made.text
    assert states(database, [merge, split]) == ["closed", "closed"]
    known = people(database)
    assert known["s0", 0] == known["s1", 0] != known["s2", 0]


def test_what_is_asked_blind_is_not_answered_besides(database, wei) -> None:
    client, speech, robots = wei
    merge, split = ask(database, speech, robots, blind="share")
    board = client.get(f"/v1/boards/Wei Wang?task={merge}").json()
    assert [t["settles"] for t in board["tasks"]] == [False]
    body = {"columns": [], "task": merge, "also": [split], "versions": board["versions"]}
    refused = client.post("/v1/boards/Wei Wang/commit", json=body)
    assert refused.status_code == 409
    assert states(database, [merge, split]) == ["open", "open"]
