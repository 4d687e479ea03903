"""The migrations make what the tables say, from every revision and back, whoever comes first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text

from service.actors import Actor
from service.db.database import Database
from service.db.migrations import (
    can_upgrade,
    get_head_revision,
    get_revision,
    list_revisions,
    migrate,
    open_database,
    require_head_revision,
)
from service.db.tables import Table
from service.errors import Unavailable
from service.events.log import EventLog
from service.settings import Settings, build_sqlite_url
from tests.support.schema_filling import content, fill

UPGRADE = """
import sys
from service.db.database import Database
from service.db.migrations import migrate
print("ready", flush=True)
sys.stdin.readline()
migrate(Database(sys.argv[1]))
"""

# what the databases themselves say of their schema, but for the order of columns
CATALOGUE = {
    "sqlite": [
        'SELECT m.name, c.name, upper(c.type), c."notnull", c.dflt_value, c.pk '
        "FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'",
        'SELECT m.name, f."table", f."from", f."to", f.on_delete '
        "FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
        "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index'",
    ],
    "postgresql": [
        "SELECT table_name, column_name, data_type, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    ],
}


def catalogue(connection: Connection) -> set[tuple[Any, ...]]:
    found = set()
    for query in CATALOGUE[connection.dialect.name]:
        rows = {tuple(row) for row in connection.execute(text(query))}
        found |= {row for row in rows if "alembic_version" not in row}
    return found


@pytest.fixture
def empty(database: Database) -> Database:
    """A database without any table."""
    migrate(database, "base")
    with database.write() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    return database


def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Table.metadata) == []


def test_constraints_and_conditions_of_indexes_are_the_same_too(
    database: Database, empty: Database
) -> None:
    with empty.write() as connection:
        Table.metadata.create_all(connection)
        declared = catalogue(connection)
        Table.metadata.drop_all(connection)
    migrate(empty)
    with empty.read() as connection:
        assert catalogue(connection) == declared
    assert any("state = 'open'" in str(row) or "'open'::text" in str(row) for row in declared)


def test_checks_are_the_same_on_sqlite(tmp_path: Path) -> None:
    def checks(database: Database) -> set[str]:
        with database.read() as connection:
            rows = connection.execute(
                text("SELECT sql FROM sqlite_master WHERE sql LIKE '%CHECK%'")
            )
            lines = [line.strip(" ,\t") for (sql,) in rows for line in sql.splitlines()]
        return {line for line in lines if "CHECK" in line}

    declared, migrated = (Database(build_sqlite_url(tmp_path / name)) for name in ("d", "m"))
    with declared.write() as connection:
        Table.metadata.create_all(connection)
    migrate(migrated)
    assert checks(migrated) == checks(declared)
    assert checks(declared)
    declared.close()
    migrated.close()


@pytest.mark.parametrize("revision", list_revisions())
def test_a_filled_database_of_each_revision_is_upgraded_and_brought_back(
    empty: Database, revision: str
) -> None:
    migrate(empty, revision)
    with empty.write() as connection:
        fill(connection)
        before = content(connection)
    assert all(before.values())
    migrate(empty)
    assert get_revision(empty) == get_head_revision()
    with empty.read() as connection:
        upgraded = content(connection)
    assert {name: len(rows) for name, rows in before.items() if name in upgraded} == {
        name: len(rows) for name, rows in upgraded.items() if name in before
    }
    migrate(empty, revision)
    with empty.read() as connection:
        assert content(connection) == before
    migrate(empty, "base")
    with empty.read() as connection:
        assert content(connection) == {}
    migrate(empty)
    require_head_revision(empty)


def test_two_processes_that_migrate_at_once_wait_for_each_other(empty: Database) -> None:
    url = empty.url.render_as_string(hide_password=False)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    assert [process.communicate("\n")[1] for process in processes] == ["", ""]
    assert [process.returncode for process in processes] == [0, 0]
    require_head_revision(empty)


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty: Database) -> None:
    with empty.write() as connection:
        # the last table that the first revision makes is in the way
        connection.execute(text("CREATE TABLE task (a INTEGER)"))
    with pytest.raises(Exception, match="task"):
        migrate(empty)
    with empty.read() as connection:
        found = MetaData()
        found.reflect(connection)
    assert set(found.tables) - {"alembic_version"} == {"task"}


def test_a_database_of_a_later_version_is_left_alone(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert not can_upgrade(database)
    with pytest.raises(Unavailable, match="9999, which belongs to a later version"):
        require_head_revision(database)


def settings_of(database: Database) -> Settings:
    return Settings(database=database.url.render_as_string(hide_password=False))


def test_sqlite_is_made_and_upgraded_when_it_is_opened(tmp_path: Path) -> None:
    opened = open_database(Settings(data=tmp_path / "new" / "folder"))
    assert get_revision(opened) == get_head_revision()
    assert (tmp_path / "new" / "folder" / "disambig.sqlite").exists()
    opened.close()


def test_postgresql_is_not_upgraded_behind_the_operator_s_back(empty: Database) -> None:
    if empty.is_sqlite:
        open_database(settings_of(empty)).close()
        assert get_revision(empty) == get_head_revision()
        return
    with pytest.raises(Unavailable, match=r"revision none.*run disambig db upgrade"):
        open_database(settings_of(empty))
    assert get_revision(empty) is None


def test_what_was_written_is_there_after_opening_again(database: Database, editor: Actor) -> None:
    with database.write() as connection:
        EventLog.lock(connection).record("kind", editor)
    again = open_database(settings_of(database))
    with again.read() as connection:
        assert connection.execute(text("SELECT kind FROM event")).scalars().all() == ["kind"]
    again.close()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
