"""Opening the database that the settings name, at the schema of this version."""

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
    """The database in use, ready to work with; close it when done.

    An SQLite database is made where it is missing and upgraded where it is old. PostgreSQL is
    shared by processes of several versions, so ``disambig db upgrade`` and ``serve`` do it alone.

    Raises
    ------
    Invalid
        If the address is none, or one of another kind of database.
    Unavailable
        If it cannot be reached, or its schema is not this version's.
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
    """The database in use as it is, whatever its schema; its folder is made if it is missing."""
    url = address(settings.database_url)
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    return Database(url, pool_size=pool_size)


def address(text: str) -> URL:
    """An address of a database, checked; passwords in it never come into the error.

    Raises
    ------
    Invalid
        If it is none, names another kind of database, or SQLite without a file.
    """
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise Invalid(
            "the address of the database cannot be read", f"give one {EXAMPLES}", field="database"
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
