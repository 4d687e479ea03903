"""The container files say what the package does; nothing here needs a container engine."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from sqlalchemy import insert

from disambig.cli import main
from service.db.database import Database
from service.db.tables import Worker
from service.settings import PREFIX, Settings
from service.worker import liveness

ROOT = Path(__file__).resolve().parents[2]
CONTAINER = (ROOT / "Containerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = ("service", "worker")


def variables() -> set[str]:
    named = re.findall(rf"^\s+({PREFIX}[A-Z_]+)[=:]", CONTAINER, re.MULTILINE)
    return {*named, *(v for s in OURS for v in COMPOSE["services"][s]["environment"])}


def test_compose_runs_a_service_a_worker_and_postgresql() -> None:
    assert sorted(COMPOSE["services"]) == ["database", "service", "worker"]
    assert COMPOSE["services"]["database"]["image"] == "postgres:15"


@pytest.mark.parametrize("name", OURS)
def test_the_commands_and_their_options_exist(name: str) -> None:
    command, *arguments = COMPOSE["services"][name]["command"]
    found = main.get_command(click.Context(main), command)
    assert found is not None
    found.make_context(command, list(arguments))


def test_every_setting_they_name_exists() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert {name for name in variables() if name.startswith(PREFIX)} <= known
    assert {"DISAMBIG_DATABASE", "DISAMBIG_DATA", "DISAMBIG_HOST"} <= variables()


@pytest.mark.parametrize("name", OURS)
def test_neither_runs_with_more_rights_than_it_needs(name: str) -> None:
    found = COMPOSE["services"][name]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert re.search(r"^USER disambig$", CONTAINER, re.MULTILINE)
    assert CONTAINER.index("USER disambig") < CONTAINER.index("ENTRYPOINT")


def test_every_part_has_a_health_check_and_time_to_stop() -> None:
    for found in COMPOSE["services"].values():
        assert found["healthcheck"]["test"][0] == "CMD"
        assert int(found["stop_grace_period"].removesuffix("s")) > 30


def test_no_password_is_written_down() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    given = re.findall(r"^\s+(?:PG|POSTGRES_)PASSWORD: (.*)$", text, re.MULTILINE)
    assert given
    assert set(given) == {'"${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"'}


def test_every_volume_is_declared() -> None:
    named = {v.split(":")[0] for s in COMPOSE["services"].values() for v in s["volumes"]}
    assert named == set(COMPOSE["volumes"])


def test_what_the_image_copies_exists_and_is_sent_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \./?\S*$", CONTAINER, re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored


def test_a_worker_is_alive_while_it_gives_signs_of_life(database: Database) -> None:
    now = datetime.now(UTC)
    worker = {"pid": 1, "started_at": now}
    with database.write() as connection:
        for id_, host, seconds, stopped in (
            ("w-1", "silent", 100, None),
            ("w-2", "stopped", 0, now),
            ("w-3", "beating", 10, None),
        ):
            beat = now - timedelta(seconds=seconds)
            row = {"id": id_, "host": host, "heartbeat_at": beat, "stopped_at": stopped, **worker}
            connection.execute(insert(Worker).values(**row))
    hosts = ("silent", "stopped", "beating", "unknown")
    assert [host for host in hosts if liveness.has_live_worker(database, host, 60)] == ["beating"]


def test_the_health_check_of_a_worker_ends_with_a_status(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISAMBIG_DATABASE", database_url)
    assert liveness.main() == 1
    assert capsys.readouterr().err == "no heartbeat of a worker of this host within 60 s\n"
    database = Database(database_url)
    now = datetime.now(UTC)
    with database.write() as connection:
        row = {"id": "w-1", "pid": 1, "started_at": now, "heartbeat_at": now}
        connection.execute(insert(Worker).values(host=socket.gethostname(), **row))
    database.close()
    assert liveness.main() == 0
    monkeypatch.setenv("DISAMBIG_DATABASE", "postgresql://127.0.0.1:1/none")
    assert liveness.main() == 1
