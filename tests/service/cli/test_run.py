"""``disambig run`` and ``disambig worker``, as people use them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, update

from disambig.cli import main
from service.db.database import Database
from service.db.tables import Run, Worker
from service.publication import publish as publishing
from service.review import generate
from service.runs import store as run_store
from service.settings import Settings
from service.values import replace
from tests.support.run_world import EDITOR, do, wangs
from tests.support.stored_rows import deliver

Call = Callable[..., Result]


pytestmark = pytest.mark.usefixtures("one_space")


@pytest.fixture
def call(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command on a fresh database."""
    monkeypatch.setenv("DISAMBIG_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DISAMBIG_DATABASE", database_url)
    monkeypatch.setenv("DISAMBIG_WORKERS", "1")
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments), catch_exceptions=False)

    return run


def test_from_loaded_works_to_published_people(call: Call, database: Database) -> None:
    deliver(database, *wangs())
    started = call("run", "start", "--wait")
    assert started.exit_code == 0, started.output
    assert "no worker is alive; this command executes the run" in started.output
    assert "23 clustered: 0 keep their identity, 0 move to another, 23 had none" in started.output
    assert "5 new, 0 merged" in started.output
    run_id = started.stdout.split()[1]
    assert f"disambig run publish {run_id}" in started.stdout
    changes = call("run", "diff", run_id, "--limit", "3")
    assert changes.stdout.count("is a new identity of 5 mentions") == 3
    published = call("run", "publish", run_id)
    assert "published" in published.stdout
    listed = call("run", "list")
    assert run_id in listed.stdout
    assert all(len(line.rstrip()) <= 80 for line in listed.stdout.splitlines())
    back = call("run", "rollback", run_id, "--reason", "only a test")
    assert "rolled-back" in back.stdout


def test_blind_questions_that_a_publication_ends_are_told(
    call: Call, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(database, *wangs())
    run_id = call("run", "start", "--wait").stdout.split()[1]
    real = publishing.publish
    blind = ["t-one", "t-two"]
    monkeypatch.setattr(publishing, "publish", lambda *a: replace(real(*a), blind=blind))
    assert "makes obsolete: t-one, t-two" in call("run", "publish", run_id).stderr


def test_start_wait_and_publish_in_one(call: Call, database: Database) -> None:
    deliver(database, *wangs())
    found = json.loads(call("run", "start", "--publish", "--json").stdout)
    assert (found["state"], found["summary"]["created"]) == ("published", 5)


def test_questions_are_asked_without_a_worker(call: Call, database: Database) -> None:
    deliver(database, *wangs())
    started = call("run", "start", "--publish")
    assert "this command generates the review tasks" in started.stderr
    with database.read() as connection:
        assert generate.find_due_publication(connection) is None
    call("run", "rollback", started.stdout.split()[1])
    with database.read() as connection:
        assert generate.find_due_publication(connection) is None


def test_a_worker_does_what_waits_and_ends(call: Call, database: Database) -> None:
    deliver(database, *wangs())
    run_id = call("run", "start", "--quiet").stdout.strip()
    worked = call("worker", "--once")
    assert worked.exit_code == 0, worked.output
    assert f"run {run_id} proposed" in worked.output
    assert "ends after 1 run" in worked.output
    assert json.loads(call("run", "show", run_id, "--json").stdout)["state"] == "proposed"


def test_an_unknown_run_is_told(call: Call, database: Database) -> None:
    result = CliRunner().invoke(main, ["run", "show", "r-nothing"])
    assert result.exit_code == 1
    assert "no run 'r-nothing'" in result.output or "no run 'r-nothing'" in str(result.exception)


def test_a_cancelled_run_is_dropped(call: Call, database: Database) -> None:
    run_id = call("run", "start", "--touched", "--quiet").stdout.strip()
    assert "cancelled" in call("run", "cancel", run_id).stdout
    assert call("run", "list", "--state", "queued").stdout.startswith("No runs yet")


def test_a_failed_run_says_why(call: Call, database: Database) -> None:
    run_store.create_run(database, EDITOR)
    with database.write() as connection:
        connection.execute(update(Run).values(state="failed", error="bad\x1b[2J model"))
    assert "bad\\x1b[2J model" in call("run", "list").stdout


def test_somebody_at_work_is_waited_for(
    call: Call, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(database, *wangs())
    now = datetime.now(UTC)
    with database.write() as connection:
        connection.execute(
            insert(Worker).values(id="w", host="h", pid=1, started_at=now, heartbeat_at=now)
        )
    settings = Settings()
    look = run_store.get_run

    def done_meanwhile(connection, run_id):  # type: ignore[no-untyped-def]
        monkeypatch.setattr(run_store, "get_run", look)
        do(database, settings)
        return look(connection, run_id)

    monkeypatch.setattr("service.cli.run_wait.run_store.get_run", done_meanwhile)
    started = call("run", "start", "--wait")
    assert "executes the run" not in started.output
