"""A fresh, migrated database for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from service.actors import Actor, Role
from service.db.database import Database
from service.db.migrations import migrate
from service.settings import build_sqlite_url

SERVER = os.environ.get("DISAMBIG_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of the current schema."""
    file = tmp_path_factory.mktemp("template") / "template.sqlite"
    database = Database(build_sqlite_url(file))
    migrate(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return file


def _on_server(statement: str) -> None:
    engine = create_engine(f"{SERVER}/postgres", isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def postgresql_template() -> Iterator[str]:
    """Name of an empty database of the current schema."""
    name = f"disambig_test_{uuid.uuid4().hex[:12]}"
    try:
        _on_server(f'CREATE DATABASE "{name}"')
    except OperationalError:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL at {SERVER}; set DISAMBIG_TEST_POSTGRESQL to one")
    try:
        database = Database(make_url(f"{SERVER}/{name}"))
        migrate(database)
        database.close()
        yield name
    finally:
        _on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a fresh database of the current schema."""
    if request.param == "sqlite":
        file = tmp_path / "disambig.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    template = request.getfixturevalue("postgresql_template")
    name = f"{template}_{uuid.uuid4().hex[:8]}"
    _on_server(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield f"{SERVER.replace('+psycopg', '')}/{name}"
    finally:
        _on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class Filled:
    """Databases that are filled once, and copied for each test that begins with them."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        """``folder`` holds the SQLite ones."""
        self._request, self._folder = request, folder
        self._known: dict[tuple[str, str], str] = {}

    def url(self, kind: str, fill: Callable[[Database], object]) -> str:
        """Address of the database that ``fill`` has filled; it is not to be written to."""
        of = (kind, fill.__qualname__)
        if of not in self._known:
            self._known[of] = self._made(kind, fill)
        return self._known[of]

    def _made(self, kind: str, fill: Callable[[Database], object]) -> str:
        if kind == "sqlite":
            file = self._folder / f"{fill.__qualname__}.sqlite"
            shutil.copy(self._request.getfixturevalue("sqlite_template"), file)
            url = f"sqlite:///{file}"
        else:
            template = self._request.getfixturevalue("postgresql_template")
            name = f"{template}_{fill.__qualname__}"[:63]
            _on_server(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            url = f"{SERVER.replace('+psycopg', '')}/{name}"
        database = Database(url)
        fill(database)
        if kind == "sqlite":
            with database.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        return url

    def forget(self) -> None:
        """Remove those on the server."""
        for (kind, _), url in self._known.items():
            if kind == "postgresql":
                _on_server(f'DROP DATABASE IF EXISTS "{url.rsplit("/", 1)[1]}" WITH (FORCE)')


@pytest.fixture(scope="session")
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    """Databases that are filled once."""
    found = Filled(request, tmp_path_factory.mktemp("filled"))
    yield found
    found.forget()


@pytest.fixture(params=["sqlite", "postgresql"])
def copy_of(
    request: pytest.FixtureRequest, filled: Filled, tmp_path: Path
) -> Iterator[Callable[[Callable[[Database], object]], Database]]:
    """Gives the test a database of its own that begins as a function has filled it."""
    opened: list[Database] = []
    made: list[str] = []

    def copied(fill: Callable[[Database], object]) -> Database:
        url = filled.url(request.param, fill)
        if request.param == "sqlite":
            file = tmp_path / "disambig.sqlite"
            shutil.copy(url.removeprefix("sqlite:///"), file)
            opened.append(Database(f"sqlite:///{file}"))
        else:
            base, template = url.rsplit("/", 1)
            made.append(f"disambig_test_{uuid.uuid4().hex[:12]}")
            _on_server(f'CREATE DATABASE "{made[-1]}" TEMPLATE "{template}"')
            opened.append(Database(f"{base}/{made[-1]}"))
        return opened[-1]

    yield copied
    for database in opened:
        database.close()
    for name in made:
        _on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database of the current schema."""
    found = Database(database_url)
    yield found
    found.close()


@pytest.fixture
def editor() -> Actor:
    """Somebody who may change what is published."""
    return Actor("cli:editor", Role.EDITOR)


@pytest.fixture
def admin() -> Actor:
    """Somebody who may do everything."""
    return Actor("cli:admin", Role.ADMIN)


@pytest.fixture
def one_space(monkeypatch: pytest.MonkeyPatch) -> None:
    """The semantic space is loaded once for all tests."""
    from disambig.corpus.embeddings import SemanticSpace
    from tests.support.invented import space

    found = space()
    monkeypatch.setattr(SemanticSpace, "load", lambda path=None: found)
