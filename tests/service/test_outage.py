"""Two of a kind at once, a database that is locked, full or gone: told clearly, and then on."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import Connection, event, text

from service.app import create_app
from service.db.database import Database, insert_rows
from service.db.integrity import find_violations
from service.db.tables import Block, Event, Work
from service.errors import Unavailable
from service.events.log import EventLog
from service.runs import store as run_store
from service.settings import Settings
from tests.support.failure_world import ADMIN, a_place, batch, count, on_server, work
from tests.support.service_processes import PATIENCE, Place, Server, serving


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A database of 135 works that the tests of this file share."""
    if request.param == "postgresql":
        request.getfixturevalue("postgresql_template")  # skips where there is no server
    with a_place(request.param, tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    found = Database(place.url)
    yield found
    assert find_violations(found) == []
    found.close()


def test_two_workers_never_do_one_run(place: Place, database: Database) -> None:
    wanted = [run_store.create_run(database, ADMIN, scope=run_store.FULL).id for _ in range(3)]
    logs = [place.data / f"both-{uuid.uuid4().hex}.log" for _ in range(2)]
    workers = [place.start("worker", "--once", log=log) for log in logs]
    ends = [worker.wait(PATIENCE) for worker in workers]
    assert ends == [0, 0], [log.read_text() for log in logs]
    begun = [run for log in logs for run in re.findall(r"run (r-\w+) \(full\)", log.read_text())]
    assert sorted(begun) == sorted(wanted)
    with database.read() as connection:
        assert [run_store.get_run(connection, run).attempts for run in wanted] == [1, 1, 1]
    for run in wanted:
        run_store.cancel_run(database, ADMIN, run)


def test_of_two_publishers_one_wins_and_the_other_is_told(place: Place, database: Database) -> None:
    both = [run_store.create_run(database, ADMIN, scope=run_store.FULL).id for _ in range(2)]
    work(place)
    answers: dict[str, tuple[int, Any]] = {}

    def publish_one(server: Server, run: str) -> None:
        answers[run] = server.ask("POST", f"/v1/runs/{run}/publish", {})

    with serving(place) as server:
        threads = [threading.Thread(target=publish_one, args=(server, run)) for run in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    assert sorted(status for status, _ in answers.values()) == [200, 409]
    (refused,) = [answer for status, answer in answers.values() if status == 409]
    assert refused["title"] == "Conflict"
    assert refused["remedy"]
    (winner,) = [run for run, (status, _) in answers.items() if status == 200]
    assert winner in json.dumps(refused) or "publi" in refused["detail"]


@contextmanager
def client_of(database: Database) -> Iterator[TestClient[Any]]:
    app = create_app(Settings(rate_public=0, rate_key=0), database)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def store(client: TestClient[Any], key: str, id: str) -> Any:
    """Send one work; the response."""
    body = json.dumps({"id": id, "title": "T", "authors": [{"name": "Ada B"}]})
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return client.post("/v1/works?place=false", content=body, headers=headers)


def test_a_locked_database_is_told_and_used_again_when_it_is_free(
    place: Place, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.db.database.BUSY_SECONDS", 1.0)
    short = Database(place.url)
    id = f"locked-{uuid.uuid4().hex}"
    with client_of(short) as client:
        with database.write() as connection:
            EventLog.lock(connection)
            refused = store(client, place.key, id)
            assert client.get("/v1/stats").status_code == 200
        assert refused.status_code == 503
        assert refused.json()["detail"] == "another process is changing the database"
        assert refused.headers["retry-after"] == "1"
        assert count(database, Work, Work.id == id) == 0
        assert store(client, place.key, id).status_code == 200
    short.close()
    assert count(database, Work, Work.id == id) == 1


def test_a_full_disk_is_told_and_written_to_again_when_there_is_space(
    place: Place, database: Database
) -> None:
    if not database.is_sqlite:
        with (
            pytest.raises(Unavailable, match="the disk of the database is full"),
            database.write() as connection,
        ):
            connection.execute(text("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$"))
        return
    with closing(sqlite3.connect(str(database.url.database), isolation_level=None)) as direct:
        direct.execute("VACUUM")  # what earlier tests left free would be used first
    before = count(database, Work)
    limited = Database(place.url)
    pages = {"most": 1}  # SQLite takes it for as many as there are

    def limit(connection: Any, record: Any, proxy: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages['most']}")

    event.listen(limited.engine, "checkout", limit)
    works = b"\n".join(batch(6_000_000 + k) for k in range(50))
    headers = {"Authorization": f"Bearer {place.key}", "Content-Type": "application/x-ndjson"}
    with client_of(limited) as client:
        refused = client.post("/v1/works?place=false", content=works, headers=headers)
        assert refused.status_code == 503
        assert refused.json()["detail"] == "the disk of the database is full"
        assert count(database, Work) == before
        assert client.get("/v1/stats").status_code == 200
        pages["most"] = 2**30
        again = client.post("/v1/works?place=false", content=works, headers=headers)
        assert again.status_code == 200
    limited.close()
    assert count(database, Work) == before + 1_000


def drop_connections(database: Database) -> None:
    """End all connections to a PostgreSQL database, as a restart of the server does."""
    on_server(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{database.url.database}' AND pid <> pg_backend_pid()"
    )


def test_lost_connections_are_opened_again(place: Place, database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no server")
    with client_of(Database(place.url)) as client:
        for round in range(5):
            assert client.get("/v1/stats").status_code == 200
            drop_connections(database)
            assert client.get("/v1/stats").status_code == 200
            drop_connections(database)
            assert store(client, place.key, f"lost-{round}").status_code == 200
            drop_connections(database)
            assert client.get("/health/ready").status_code == 200


def by_statement(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


def in_bulk(connection: Connection) -> None:
    insert_rows(connection, Block, ("key", "text", "touched"), [(10**9, "half", 1)])


def half_a_write(database: Database, then: Callable[[Connection], None]) -> None:
    with database.write() as connection:
        EventLog.lock(connection).record("half", ADMIN)
        drop_connections(database)
        then(connection)


@pytest.mark.parametrize("then", [by_statement, in_bulk])
def test_a_write_that_loses_its_connection_is_told_and_leaves_nothing(
    database: Database, then: Callable[[Connection], None]
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no server")
    with pytest.raises(Unavailable, match="cannot be reached"):
        half_a_write(database, then)
    assert count(database, Event, Event.kind == "half") == 0
    with database.write() as connection:
        EventLog.lock(connection).record("whole", ADMIN)
    assert count(database, Event, Event.kind == "whole") >= 1


def test_a_run_survives_lost_connections(place: Place, database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no server")
    run = run_store.create_run(database, ADMIN, scope=run_store.FULL)
    log = place.data / "survivor.log"
    worker = place.start("worker", log=log)
    deadline = time.monotonic() + PATIENCE
    try:
        while f"run {run.id} (full" not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        drop_connections(database)
        state = "running"
        while state in ("queued", "running") and time.monotonic() < deadline:
            time.sleep(0.2)
            with database.read() as connection:
                state = run_store.get_run(connection, run.id).state
        assert worker.poll() is None
        assert state == "proposed", log.read_text()
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(PATIENCE)
    assert worker.returncode == 0
    run_store.cancel_run(database, ADMIN, run.id)


def test_a_server_that_is_told_to_stop_answers_what_it_began(
    place: Place, database: Database
) -> None:
    answers: list[int] = []

    def post(server: Server) -> None:
        works = b"\n".join(batch(5_000_000 + k) for k in range(100))
        answers.append(server.ask("POST", "/v1/works?place=false", works)[0])

    with serving(place) as server:
        thread = threading.Thread(target=post, args=(server,))
        thread.start()
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        thread.join(PATIENCE)
        # uvicorn ends by the signal it was sent, after everything else
        assert server.process.wait(PATIENCE) in (0, -signal.SIGTERM)
    assert answers == [200], (place.data / "serve.log").read_text()[-5_000:]
    assert count(database, Work, Work.id.like("new-50000%")) == 2_000
