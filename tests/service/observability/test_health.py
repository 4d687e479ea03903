"""Health tells what is wrong, figures add up, and every request leaves a line."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import insert, text

from service import log as logs
from service.api.routes import health
from service.app import create_app
from service.db.database import Database
from service.db.tables import Run, Worker
from service.errors import Unavailable
from service.observability import metrics
from service.settings import Settings


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    return Settings(database=database.url.render_as_string(hide_password=False), data=tmp_path)


@pytest.fixture
def client(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient[Any]]:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    with TestClient(create_app(settings, database)) as client:
        yield client


def problems(client: TestClient[Any]) -> tuple[int, dict[str, str | None]]:
    response = client.get("/health/ready")
    checks = response.json()["checks"]
    return response.status_code, {name: check["problem"] for name, check in checks.items()}


def figures(client: TestClient[Any]) -> dict[str, float]:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_a_working_service_is_alive_and_ready(client: TestClient[Any]) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}
    assert problems(client) == (200, {"database": None, "schema": None, "disk": None})


def test_a_schema_of_another_version_is_not_ready(
    client: TestClient[Any], database: Database
) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    status, found = problems(client)
    assert status == 503
    assert found["database"] is None
    assert found["schema"] is not None
    assert "0000" in found["schema"]


def test_a_database_that_is_gone_is_not_ready_but_alive(
    client: TestClient[Any], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, down = database.read, True

    def perhaps() -> Any:
        if down:
            raise Unavailable("the database server cannot be reached")
        return read()

    monkeypatch.setattr(database, "read", perhaps)
    status, found = problems(client)
    assert status == 503
    assert found["database"] == "the database server cannot be reached"
    assert client.get("/health/live").status_code == 200
    assert figures(client)["disambig_database_up"] == 0
    down = False
    assert problems(client)[0] == 200


def test_a_full_disk_is_not_ready(client: TestClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    status, found = problems(client)
    assert (status, found["disk"]) == (503, "the disk is full; free space on it")


def test_a_folder_that_cannot_be_written_to_is_not_ready(
    client: TestClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    status, found = problems(client)
    assert (status, found["disk"]) == (503, "Read-only file system; check the folder and the disk")


def test_a_database_that_does_not_answer_in_time_is_not_ready(
    client: TestClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(health, "CHECK_TIMEOUT", 0.05)
    monkeypatch.setattr(health, "check_readiness", lambda *_: answers.wait(5) and [])
    status, found = problems(client)
    assert status == 503
    assert found["database"] == "no response within 0.05 s; check the database and the disk"
    answers.set()


def test_health_needs_no_key_where_reading_does(settings: Settings, database: Database) -> None:
    closed = settings.model_copy(update={"public_read": False})
    with TestClient(create_app(closed, database)) as client:
        assert client.get("/health/ready").status_code == 200
        assert client.get("/health/live").status_code == 200
        assert client.get("/metrics").status_code == 401


def test_metrics_can_be_switched_off(settings: Settings, database: Database) -> None:
    without = settings.model_copy(update={"metrics": False})
    with TestClient(create_app(without, database)) as client:
        assert client.get("/metrics").status_code == 404
        assert client.get("/v1/stats").status_code == 200


def test_requests_are_counted_by_route_and_status(client: TestClient[Any]) -> None:
    for path in ("/v1/stats", "/v1/stats", "/v1/identities/a-000000000000", "/no/such/route"):
        client.get(path)
    found = figures(client)
    counted = 'disambig_requests_total{{method="GET",route="{}",status="{}"}}'
    assert found[counted.format("/v1/stats", 200)] == 2
    assert found[counted.format("(none)", 404)] == 1
    assert not any("a-000000000000" in name for name in found)
    assert found['disambig_request_seconds_count{route="/v1/stats"}'] == 2
    assert found["disambig_requests_running"] == 1  # the one that asks
    assert found["disambig_connections_used"] >= 0


def test_invented_methods_do_not_make_new_series(client: TestClient[Any]) -> None:
    for method in ("BREW", "AAAA", "BBBB"):
        client.request(method, "/v1/stats")
    names = [name for name in figures(client) if "method=" in name]
    assert not any(word in name for name in names for word in ("BREW", "AAAA", "BBBB"))


def test_the_queue_and_the_workers_have_figures(
    client: TestClient[Any], database: Database
) -> None:
    now = datetime.now(UTC)
    run = {"scope": "full", "actor": "a", "rebases": 0, "attempts": 0, "done": 0}
    worker = {"host": "h", "pid": 1, "started_at": now}
    with database.write() as connection:
        for key, minutes in (("r-1", 10), ("r-2", 5)):
            begun = now - timedelta(minutes=minutes)
            connection.execute(insert(Run).values(id=key, state="queued", created_at=begun, **run))
        connection.execute(insert(Run).values(id="r-3", state="failed", created_at=now, **run))
        connection.execute(
            insert(Worker).values(id="w-1", heartbeat_at=now - timedelta(seconds=90), **worker)
        )
        connection.execute(
            insert(Worker).values(id="w-2", heartbeat_at=now, stopped_at=now, **worker)
        )
    found = figures(client)
    assert found['disambig_runs{state="queued"}'] == 2
    assert found['disambig_runs{state="failed"}'] == 1
    assert 600 <= found["disambig_queue_age_seconds"] < 660
    assert 90 <= found['disambig_worker_heartbeat_age_seconds{worker="w-1"}'] < 150
    assert 'disambig_worker_heartbeat_age_seconds{worker="w-2"}' not in found
    assert found["disambig_works"] == 0
    assert found["disambig_database_up"] == 1


COUNTING = """
import os, sys
from service.db.database import Database
from service.observability.metrics import Metrics
counted = Metrics(Database("sqlite:///" + sys.argv[1]))
for _ in range(int(sys.argv[2])):
    counted.start_request()
    counted.finish_request("GET", "/x", 200, 0.01)
counted.start_request()
if sys.argv[3] == "show":
    sys.stdout.write(counted.render()[0].decode())
sys.stdout.flush()
os._exit(0)  # as if killed
"""


def test_processes_count_together_and_the_dead_run_no_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_template: Path
) -> None:
    monkeypatch.delenv(metrics.FOLDER_VARIABLE, raising=False)
    metrics.enable_multiprocess(tmp_path / "figures")
    environment = {**os.environ, metrics.FOLDER_VARIABLE: str(tmp_path / "figures")}
    monkeypatch.delenv(metrics.FOLDER_VARIABLE)
    for n, then in (("3", "die"), ("4", "show")):
        command = [sys.executable, "-c", COUNTING, str(sqlite_template), n, then]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert 'disambig_requests_total{method="GET",route="/x",status="200"} 7.0' in done.stdout
    assert "disambig_requests_running 1.0" in done.stdout
    assert "disambig_database_up 1.0" in done.stdout


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    logs.configure("json", "info", stream)
    yield stream
    root.handlers, root.level = handlers, level


def test_every_request_leaves_one_line(log: io.StringIO, client: TestClient[Any]) -> None:
    response = client.get("/v1/stats?token=hunter2", headers={"X-Request-ID": "mine-1"})
    assert response.headers["x-request-id"] == "mine-1"
    client.get("/health/live")
    (line,) = [json.loads(line) for line in log.getvalue().splitlines() if '"request"' in line]
    assert line.pop("ms") > 0
    line.pop("timestamp")
    assert line == {
        "level": "info",
        "event": "request",
        "logger": "service.requests",
        "method": "GET",
        "route": "/v1/stats",
        "path": "/v1/stats",
        "status": 200,
        "request": "mine-1",
        "actor": "anonymous",
    }


def test_a_key_never_comes_into_the_log(log: io.StringIO, client: TestClient[Any]) -> None:
    secret = "k-3k9x0f7q2m1b." + "s" * 43
    client.get("/v1/stats", headers={"Authorization": f"Bearer {secret}"})
    client.get(f"/v1/stats?key={secret}", headers={"X-API-Key": secret})
    client.get(f"/v1/identities/{secret}")
    assert len(log.getvalue().splitlines()) == 3
    assert "s" * 43 not in log.getvalue()


def test_a_path_cannot_forge_a_line(log: io.StringIO, client: TestClient[Any]) -> None:
    client.get("/v1/identities/%0Aforged%E2%80%AE%1B[2J")
    (line,) = log.getvalue().splitlines()
    assert json.loads(line)["event"] == "request"
    assert "\u202e" not in line
