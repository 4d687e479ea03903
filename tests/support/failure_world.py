"""A database of real works for tests that let things fail, and what they do to it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, select, text

from disambig.ingest import read_works
from service import api_keys
from service.actors import Actor, Role
from service.db.database import Database
from service.db.migrations import migrate
from service.runs import store as run_store
from service.settings import build_sqlite_url
from service.works.load import Delivery, load_works
from tests.support.service_processes import PATIENCE, Place

SERVER = os.environ.get("DISAMBIG_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432")
SEEDS = Path(__file__).resolve().parents[2] / "labeled" / "seeds" / "works.jsonl"
ADMIN = Actor("cli:test", Role.ADMIN)


def on_server(statement: str) -> None:
    """Run a statement on the PostgreSQL server, outside of any transaction."""
    engine = create_engine(f"{SERVER}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@contextmanager
def a_place(kind: str, data: Path) -> Iterator[Place]:
    """A database of 135 works, with a key for it; ``kind`` is ``sqlite`` or ``postgresql``."""
    name = f"disambig_test_{uuid.uuid4().hex[:12]}"
    url = build_sqlite_url(data / "disambig.sqlite").render_as_string()
    if kind == "postgresql":
        on_server(f'CREATE DATABASE "{name}"')
        url = f"{SERVER.replace('+psycopg', '')}/{name}"
    try:
        database = Database(url)
        migrate(database)
        with read_works([SEEDS]) as reader:
            load_works(database, ADMIN, Delivery("file", "seeds"), reader.iterate_received())
        key = api_keys.create_key(database, ADMIN, name="test", role=Role.ADMIN, per_minute=0)[1]
        database.close()
        yield Place(url, data, key)
    finally:
        if kind == "postgresql":
            on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def work(place: Place, *arguments: str) -> str:
    """What a worker says that does all runs that wait."""
    log = place.data / f"worker-{uuid.uuid4().hex}.log"
    process = place.start("worker", "--once", *arguments, log=log)
    assert process.wait(PATIENCE) == 0, log.read_text()
    return log.read_text()


def proposed(place: Place, database: Database) -> str:
    """A run that can be published."""
    run = run_store.create_run(database, ADMIN, scope=run_store.FULL)
    work(place)
    with database.read() as connection:
        found = run_store.get_run(connection, run.id)
    assert found.state == "proposed", found.error
    return run.id


def count(database: Database, table: Any, *conditions: Any) -> int:
    """Rows of a table."""
    with database.read() as connection:
        query = select(func.count()).select_from(table).where(*conditions)
        return connection.scalar(query) or 0


def batch(number: int) -> bytes:
    """Twenty works as JSON lines; everybody on them bears another name, so runs stay short."""
    works = (
        {
            "id": f"new-{number}-{k}",
            "title": f"Title {k}",
            "authors": [{"name": f"{_letters(20 * number + k)} {_letters(7 * number + k)}son"}],
        }
        for k in range(20)
    )
    return "\n".join(map(json.dumps, works)).encode()


def _letters(number: int) -> str:
    """A name for a number: others for others."""
    text = ""
    while number or not text:
        number, digit = divmod(number, 26)
        text += chr(ord("a") + digit)
    return text.capitalize()
