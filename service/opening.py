"""Open the configured database at the schema revision of this version."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from service import migrations
from service.database import Database
from service.errors import Invalid, ServiceError
from service.settings import Settings

EXAMPLES = "such as sqlite:////path/to/file or postgresql://user:password@host:5432/name"


def open_database(settings: Settings, *, pool_size: int = 10) -> Database:
    """Open the configured database at the current schema; close it when done.

    An SQLite database is created if missing and upgraded if old. PostgreSQL may be shared by
    processes of several versions: only ``disambig db upgrade`` and ``serve`` upgrade it.

    Raises
    ------
    Invalid
        The address is malformed or of an unsupported kind of database.
    Unavailable
        The database cannot be reached, or its schema is of another revision.
    """
    database = connect(settings, pool_size=pool_size)
    try:
        if database.is_sqlite and migrations.can_upgrade(database):
            migrations.migrate(database)
        migrations.check(database)
    except (ServiceError, OSError):
        database.close()
        raise
    return database


def connect(settings: Settings, *, pool_size: int = 10) -> Database:
    """Open the configured database at any schema revision; create a missing folder."""
    url = address(settings.database_url)
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    return Database(url, pool_size=pool_size)


def address(text: str) -> URL:
    """Parse and validate a database address; errors never contain passwords.

    Raises
    ------
    Invalid
        The address is malformed, of an unsupported kind of database, or SQLite without a file.
    """
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise Invalid(
            "the address of the database is malformed",
            f"give an address {EXAMPLES}",
            field="database",
        ) from error
    if backend not in ("sqlite", "postgresql"):
        raise Invalid(
            f"databases of the kind {backend!r} are not supported",
            f"give an address {EXAMPLES}",
            field="database",
        )
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        raise Invalid(
            "SQLite needs a file",
            "write sqlite:////path/to/file, with four slashes",
            field="database",
        )
    return url
