"""Backups hold one moment of everything, and give it back or leave the database alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from disambig.cli import main
from service.actors import Actor
from service.db.backup import back_up, restore
from service.db.database import Database
from service.db.migrations import (
    get_head_revision,
    get_revision,
    list_revisions,
    migrate,
    require_head_revision,
)
from service.errors import Conflict, Invalid, Unavailable
from service.events.log import EventLog
from service.settings import build_sqlite_url
from tests.support.schema_filling import content, fill


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("pg_dump") is None and not os.environ.get("CI"):
        pytest.skip("no pg_dump")


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as connection:
        fill(connection)
        connection.execute(text("UPDATE state SET sequence = 1"))
    return database


def ignore(n: int) -> None:
    """Progress that nobody looks at."""


def everything(database: Database) -> object:
    with database.read() as connection:
        return content(connection)


def record(database: Database, editor: Actor, kind: str = "later") -> None:
    with database.write() as connection:
        EventLog.lock(connection).record(kind, editor)


def test_a_restored_database_equals_what_was_backed_up(
    filled: Database, tmp_path: Path, editor: Actor
) -> None:
    before = everything(filled)
    back_up(filled, tmp_path / "backup", advance=ignore)
    record(filled, editor)
    assert everything(filled) != before
    filled.close()
    assert restore(filled, tmp_path / "backup", force=True, advance=ignore) == get_head_revision()
    assert everything(filled) == before
    require_head_revision(filled)
    record(filled, editor)


def test_it_is_restored_into_an_empty_database_without_force(
    filled: Database, tmp_path: Path
) -> None:
    before = everything(filled)
    back_up(filled, tmp_path / "backup", advance=ignore)
    if filled.is_sqlite:
        other = Database(build_sqlite_url(tmp_path / "other.sqlite"))
    else:
        migrate(filled, "base")
        with filled.write() as connection:
            connection.execute(text("DROP TABLE alembic_version"))
        other = Database(filled.url)
        filled.close()
    restore(other, tmp_path / "backup", advance=ignore)
    assert everything(other) == before
    other.close()


def test_a_database_that_holds_something_is_not_replaced_unasked(
    filled: Database, tmp_path: Path, editor: Actor
) -> None:
    back_up(filled, tmp_path / "backup", advance=ignore)
    record(filled, editor)
    later = everything(filled)
    with pytest.raises(Conflict, match="--force"):
        restore(filled, tmp_path / "backup", advance=ignore)
    assert everything(filled) == later


def test_a_file_is_not_replaced_unasked(filled: Database, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text("precious")
    with pytest.raises(Conflict, match="--force"):
        back_up(filled, file, advance=ignore)
    assert file.read_text() == "precious"
    back_up(filled, file, force=True, advance=ignore)
    assert file.read_bytes() != b"precious"
    assert list(tmp_path.glob("*.part")) == []


def test_only_the_owner_can_read_a_backup(filled: Database, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "backup", advance=ignore)
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0


def test_a_database_in_use_is_not_replaced(filled: Database, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "backup", advance=ignore)
    server = Database(filled.url)
    before = everything(server)  # its connection stays open, as that of an idle server does
    with pytest.raises(Conflict, match="in use"):
        restore(filled, tmp_path / "backup", force=True, advance=ignore)
    assert everything(server) == before
    server.close()
    restore(filled, tmp_path / "backup", force=True, advance=ignore)


@pytest.fixture
def damaged(filled: Database, tmp_path: Path) -> Path:
    file = tmp_path / "backup"
    back_up(filled, file, advance=ignore)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 3 // 4])
    return file


def test_a_damaged_backup_changes_nothing(filled: Database, damaged: Path) -> None:
    before = everything(filled)
    filled.close()
    with pytest.raises((Invalid, Unavailable)):
        restore(filled, damaged, force=True, advance=ignore)
    assert everything(filled) == before


@pytest.mark.parametrize("other", [b"", b"works\n" * 1000, b"PGDMP" + bytes(100)])
def test_a_file_that_is_no_backup_is_refused(
    filled: Database, tmp_path: Path, other: bytes
) -> None:
    (tmp_path / "other").write_bytes(other)
    before = everything(filled)
    filled.close()
    with pytest.raises(Invalid):
        restore(filled, tmp_path / "other", force=True, advance=ignore)
    assert everything(filled) == before


def test_a_backup_of_a_later_version_is_refused(filled: Database, tmp_path: Path) -> None:
    with filled.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    if filled.is_sqlite:
        shutil.copy(str(filled.url.database), tmp_path / "backup")
        with sqlite3.connect(tmp_path / "backup") as later:
            later.execute("UPDATE alembic_version SET version_num = '9999'")
        later.close()
    else:
        back_up(filled, tmp_path / "backup", advance=ignore)
    filled.close()
    with pytest.raises(Invalid, match="9999"):
        restore(filled, tmp_path / "backup", force=True, advance=ignore)


def test_a_backup_is_of_one_moment_while_others_write(
    database: Database, tmp_path: Path, editor: Actor
) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with database.write() as connection:
                ledger = EventLog.lock(connection)
                ledger.record("left", editor)
                ledger.record("right", editor)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        back_up(database, tmp_path / "backup", advance=ignore)
    finally:
        stop.set()
        writer.join()
    database.close()
    restore(database, tmp_path / "backup", force=True, advance=ignore)
    with database.read() as connection:
        kinds = connection.execute(text("SELECT kind FROM event ORDER BY seq")).scalars().all()
    assert kinds == ["left", "right"] * (len(kinds) // 2)


@pytest.fixture
def _in_the_environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISAMBIG_DATABASE", database_url)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["db", *map(str, arguments)])


@pytest.mark.usefixtures("_in_the_environment")
def test_the_commands_back_up_and_restore(tmp_path: Path) -> None:
    file = tmp_path / "backup"
    assert run("backup", file).exit_code == 0
    refused = run("restore", file)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "--force" in refused.stderr
    restored = run("restore", file, "--force")
    assert (restored.exit_code, restored.stderr) == (
        0,
        f"restored at revision {get_head_revision()}\n",
    )


@pytest.mark.usefixtures("_in_the_environment")
def test_the_commands_move_the_schema_one_way_each() -> None:
    assert f"already at revision {get_head_revision()}" in run("upgrade").stderr
    assert run("downgrade", "base").exit_code == 1  # nobody confirmed
    assert run("downgrade", "base", "--yes").stderr == f"revision {get_head_revision()} → base\n"
    assert f"this version needs {get_head_revision()}" in run("info").stdout
    assert (
        f"use disambig db upgrade {get_head_revision()}"
        in run("downgrade", get_head_revision(), "--yes").stderr
    )
    assert run("upgrade").stderr == f"revision base → {get_head_revision()}\n"
    known = ", ".join(["base", *list_revisions()])
    assert f"name one of {known}" in run("upgrade", "7777").stderr


@pytest.mark.usefixtures("_in_the_environment")
def test_info_counts_what_is_there(database: Database, editor: Actor) -> None:
    record(database, editor)
    text_ = run("info").stdout
    assert "events      1\n" in text_
    assert "works       0\n" in text_
    assert "last event  20" in text_


def test_a_missing_program_is_told_with_its_remedy(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if database.is_sqlite:
        back_up(database, tmp_path / "backup", advance=ignore)
        return
    with pytest.raises(Unavailable, match="postgresql-client"):
        back_up(database, tmp_path / "backup", advance=ignore)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_be_reached_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DISAMBIG_DATABASE", "postgresql://me:hunter2@127.0.0.1:1/none")
    for arguments in (["info"], ["upgrade"], ["backup", tmp_path / "file"]):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "Error: the database server cannot be reached" in result.stderr
        assert "hunter2" not in result.output


def test_an_address_that_is_none_is_told_without_showing_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for address in ("hunter2", "mysql://me:hunter2@h/n", "postgresql://me:hunter2@h:x/n"):
        monkeypatch.setenv("DISAMBIG_DATABASE", address)
        result = run("info")
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")
        assert "hunter2" not in result.output


def test_the_revision_of_a_restored_database_is_that_of_the_backup(
    filled: Database, tmp_path: Path
) -> None:
    back_up(filled, tmp_path / "backup", advance=ignore)
    filled.close()
    restore(filled, tmp_path / "backup", force=True, advance=ignore)
    assert get_revision(filled) == get_head_revision()
