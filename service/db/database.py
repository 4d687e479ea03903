"""Connections and transactions on SQLite and PostgreSQL.

A read is one snapshot of the database. A write is one transaction that commits when its block
ends and rolls back when the block raises.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    String,
    create_engine,
    event,
    exc,
    func,
    select,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from service.db.tables import Table
from service.errors import Unavailable

T = TypeVar("T")

BUSY_SECONDS = 15.0
"""Seconds to wait for a lock of another writer."""
BATCH_ROWS = 20_000
"""Rows passed to the driver in one call."""


class Database:
    """A database; thread-safe. Close it when done.

    Attributes
    ----------
    url : URL
    engine : Engine
    """

    def __init__(self, url: str | URL, *, pool_size: int = 10) -> None:
        """Create the engine; connections are opened on demand.

        Parameters
        ----------
        url : str or URL
            ``sqlite:////path/to/file`` or ``postgresql://user@host:5432/name``.
        pool_size : int
            Connections kept open; as many more may be opened under load.
        """
        self.url = _set_driver(make_url(url))
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size}
        options["hide_parameters"] = True  # keeps client data out of logged errors
        if self.is_sqlite:
            options["connect_args"] = {"check_same_thread": False, "timeout": BUSY_SECONDS}
        else:
            # replaces a connection that the server dropped
            options["pool_pre_ping"] = True
            options["connect_args"] = _get_timeouts(self.url)
        self.engine: Engine = create_engine(self.url, **options)
        self._read_engine = self.engine
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            self._read_engine = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @property
    def is_sqlite(self) -> bool:
        """Whether this is an SQLite database."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read-only connection on one snapshot of the database.

        Raises
        ------
        Unavailable
            The database cannot be reached or used now.
        """
        with (
            _translate_errors(self.engine),
            self._read_engine.connect() as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a write transaction: the only writer on SQLite; on PostgreSQL, lock rows as needed.

        Raises
        ------
        Unavailable
            The database cannot be reached or used now; nothing was changed.
        """
        with _translate_errors(self.engine), self.engine.connect() as connection:
            connection = connection.execution_options(disambig_write=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def insert_rows(
    connection: Connection,
    table: type[Table],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    target_table: str | None = None,
) -> int:
    """Insert many rows in bulk and return their number.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    table : type of Table
    columns : sequence of str
    rows : iterable of sequences
        Values in the order of ``columns``; iterated once.
    target_table : str, optional
        Name of another table with these columns, such as a temporary table.
    """
    dialect = connection.dialect
    types = [table.__table__.c[name].type.dialect_impl(dialect) for name in columns]
    bind_processors = [t.bind_processor(dialect) for t in types]
    converters = [(k, process) for k, process in enumerate(bind_processors) if process is not None]
    if dialect.name != "sqlite":
        converters += [(k, _replace_nul) for k, t in enumerate(types) if isinstance(t, String)]

    def convert_rows() -> Iterator[Sequence[Any]]:
        for row in rows:
            values = list(row)
            for k, process in converters:
                values[k] = process(values[k])
            yield values

    converted_rows = convert_rows() if converters else rows
    quoted = ", ".join(f'"{name}"' for name in columns)
    name = target_table or table.__tablename__
    cursor = connection.connection.cursor()
    total = 0
    try:
        if dialect.name == "sqlite":
            statement = f'INSERT INTO "{name}" ({quoted}) VALUES ({", ".join("?" * len(columns))})'
            for batch in _split(iter(converted_rows), BATCH_ROWS):
                cursor.executemany(statement, batch)
                total += len(batch)
        else:
            with cursor.copy(f'COPY "{name}" ({quoted}) FROM STDIN') as copy:
                for values in converted_rows:
                    copy.write_row(values)
                    total += 1
    finally:
        cursor.close()
    return total


def allocate_keys(connection: Connection, table: type[Table], n: int) -> range:
    """Allocate ``n`` new keys of a table; the write must hold the lock of the event log."""
    column = table.__table__.c["key"]
    first = (connection.scalar(select(func.max(column))) or 0) + 1
    return range(first, first + n)


def split_keys(keys: Iterable[int], size: int = 500) -> Iterator[list[int]]:
    """Split keys into batches small enough for ``IN (…)`` on either database."""
    yield from _split(iter(keys), size)


def _split(items: Iterator[T], size: int) -> Iterator[list[T]]:
    for first in items:
        yield [first, *islice(items, size - 1)]


def _replace_nul(value: Any) -> Any:
    """Replace U+0000, which PostgreSQL cannot store, by U+2400."""
    return value.replace("\0", "\u2400") if isinstance(value, str) and "\0" in value else value


def _set_driver(url: URL) -> URL:
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    return url


def _get_timeouts(url: URL) -> dict[str, Any]:
    """Return the timeouts of libpq and the server that the address does not set."""
    defaults = {
        "connect_timeout": 5,
        # detects a vanished server within a minute
        "keepalives_idle": 20,
        "tcp_user_timeout": 40_000,
        "options": f"-c lock_timeout={BUSY_SECONDS:.0f}s",
    }
    return {name: value for name, value in defaults.items() if name not in url.query}


def _prepare_sqlite(connection: Any, entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions too late and lose updates; SQLAlchemy's "begin" does it.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "cache_size = -65536",
        "mmap_size = 268435456",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("disambig_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translate_errors(engine: Engine) -> Iterator[None]:
    """Translate driver errors that a caller can act on to :class:`Unavailable`."""
    try:
        yield
    except exc.TimeoutError as error:
        raise Unavailable(
            "all connections to the database are in use", "try again in a moment"
        ) from error
    except exc.DBAPIError as error:
        service_error = _to_unavailable(error.orig, connection_lost=error.connection_invalidated)
        if service_error is None:
            raise
        raise service_error from error
    except engine.dialect.loaded_dbapi.Error as error:  # bulk inserts bypass SQLAlchemy
        service_error = _to_unavailable(error, connection_lost=False)
        if service_error is None:
            raise
        raise service_error from error


def _to_unavailable(error: BaseException | None, *, connection_lost: bool) -> Unavailable | None:
    """Translate a driver error that a caller can act on; None for other errors."""
    # SQLite has no codes, but its messages quote no data; those of PostgreSQL may quote client data
    is_sqlite = isinstance(error, sqlite3.Error)
    text = str(error).lower() if is_sqlite else ""
    code = getattr(error, "sqlstate", None) or ""
    if "is locked" in text or code in ("55P03", "40P01", "40001"):
        return Unavailable("another process is changing the database", "try again in a moment")
    if "is full" in text or code == "53100":
        return Unavailable("the disk of the database is full", "free space on it, then try again")
    if "disk i/o error" in text or "unable to open" in text or "readonly" in text:
        return Unavailable(
            f"the database file cannot be used ({error})",
            "check that its folder exists and is writable",
        )
    # psycopg errors of the connection, unlike those of a statement, have no code
    is_connection_error = type(error).__name__ == "OperationalError" and not code
    if (
        connection_lost
        or code[:2] in ("08", "57")
        or code == "53300"
        or (is_connection_error and not is_sqlite)
    ):
        return Unavailable(
            "the database server cannot be reached", "the next request connects again"
        )
    return None


class Within(Database):
    """A write transaction passed to use cases as a database: their writes commit with it."""

    def __init__(self, database: Database, connection: Connection) -> None:
        """Wrap ``connection``, which belongs to a write of ``database`` and outlives this."""
        self.url, self.engine = database.url, database.engine
        self._connection = connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield the connection of the write, which also sees uncommitted changes."""
        yield self._connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield the connection in a savepoint, which is rolled back alone if the block raises."""
        with self._connection.begin_nested():
            yield self._connection

    def close(self) -> None:
        """Do nothing: the owner of the database closes it."""
