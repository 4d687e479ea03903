"""Connections and transactions, alike on SQLite and PostgreSQL.

A read sees one state of the database from its first query to its last; a write is one
transaction that commits when its block ends and leaves nothing when the block raises.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, String, create_engine, event, exc, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from service.errors import Unavailable
from service.tables import Table

T = TypeVar("T")

BUSY = 15.0
"""Seconds to wait for another writer."""
ROWS_AT_ONCE = 20_000
"""Rows sent to the driver together."""


class Database:
    """One database; safe to share between threads. Close it when done.

    Attributes
    ----------
    url : URL
    engine : Engine
    """

    def __init__(self, url: str | URL, *, pool_size: int = 10) -> None:
        """Nothing is connected before it is needed.

        Parameters
        ----------
        url : str or URL
            ``sqlite:////path/to/file`` or ``postgresql://user@host:5432/name``.
        pool_size : int
            Connections that are kept; as many again may be opened under load.
        """
        self.url = _with_driver(make_url(url))
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size}
        options["hide_parameters"] = True  # what clients send must not come into logs with an error
        if self.is_sqlite:
            options["connect_args"] = {"check_same_thread": False, "timeout": BUSY}
        else:
            # a connection that the server dropped is replaced, not told to the client
            options["pool_pre_ping"] = True
            options["connect_args"] = _patience(self.url)
        self.engine: Engine = create_engine(self.url, **options)
        self._reading = self.engine
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            self._reading = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @property
    def is_sqlite(self) -> bool:
        """Whether this is an SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database and can change nothing of it.

        Raises
        ------
        Unavailable
            If the database cannot be reached or used now.
        """
        with _told(self.engine), self._reading.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction. On SQLite it is the only writer; on PostgreSQL lock what must not move.

        Raises
        ------
        Unavailable
            If the database cannot be reached or used now; nothing was changed.
        """
        with _told(self.engine), self.engine.connect() as connection:
            connection = connection.execution_options(disambig_write=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def sqlite_url(path: Path) -> URL:
    """Address of an SQLite file."""
    return URL.create("sqlite", database=str(path))


def insert_rows(
    connection: Connection,
    table: type[Table],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    into: str | None = None,
) -> int:
    """Insert many rows as fast as the database takes them; the number of rows.

    Parameters
    ----------
    connection : Connection
        Of a write.
    table : type of Table
    columns : sequence of str
    rows : iterable of sequences
        Values in the order of ``columns``; read once.
    into : str, optional
        Name of another table with these columns, such as a temporary one.
    """
    dialect = connection.dialect
    types = [table.__table__.c[name].type.dialect_impl(dialect) for name in columns]
    bind = [t.bind_processor(dialect) for t in types]
    bound = [(k, process) for k, process in enumerate(bind) if process is not None]
    if dialect.name != "sqlite":
        bound += [(k, _text_safe) for k, t in enumerate(types) if isinstance(t, String)]

    def converted() -> Iterator[Sequence[Any]]:
        for row in rows:
            values = list(row)
            for k, process in bound:
                values[k] = process(values[k])
            yield values

    ready = converted() if bound else rows
    quoted = ", ".join(f'"{name}"' for name in columns)
    name = into or table.__tablename__
    cursor = connection.connection.cursor()
    total = 0
    try:
        if dialect.name == "sqlite":
            statement = f'INSERT INTO "{name}" ({quoted}) VALUES ({", ".join("?" * len(columns))})'
            for some in _batches(iter(ready), ROWS_AT_ONCE):
                cursor.executemany(statement, some)
                total += len(some)
        else:
            with cursor.copy(f'COPY "{name}" ({quoted}) FROM STDIN') as copy:
                for values in ready:
                    copy.write_row(values)
                    total += 1
    finally:
        cursor.close()
    return total


def take_keys(connection: Connection, table: type[Table], n: int) -> range:
    """``n`` new keys of a table, in a write that holds the ledger; keys are never used again."""
    column = table.__table__.c["key"]
    first = (connection.scalar(select(func.max(column))) or 0) + 1
    return range(first, first + n)


def in_batches(keys: Iterable[int], size: int = 500) -> Iterator[list[int]]:
    """Keys for ``IN (…)``, few enough for either database."""
    yield from _batches(iter(keys), size)


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    for first in items:
        yield [first, *islice(items, size - 1)]


def _text_safe(value: Any) -> Any:
    """PostgreSQL cannot store U+0000; it becomes the symbol for it."""
    return value.replace("\0", "\u2400") if isinstance(value, str) and "\0" in value else value


def _with_driver(url: URL) -> URL:
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    return url


def _patience(url: URL) -> dict[str, Any]:
    """How long libpq and the server wait, where the address does not say it otherwise."""
    wanted = {
        "connect_timeout": 5,
        # a server that vanished without a word is noticed within a minute
        "keepalives_idle": 20,
        "tcp_user_timeout": 40_000,
        "options": f"-c lock_timeout={BUSY:.0f}s",
    }
    return {name: value for name, value in wanted.items() if name not in url.query}


def _prepare_sqlite(connection: Any, entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions late and lose updates; SQLAlchemy's "begin" does it.
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
def _told(engine: Engine) -> Iterator[None]:
    """Errors of the driver that the caller can do something about, told as such."""
    try:
        yield
    except exc.TimeoutError as error:
        raise Unavailable(
            "all connections to the database are in use", "try again in a moment"
        ) from error
    except exc.DBAPIError as error:
        told = _unavailable(error.orig, lost=error.connection_invalidated)
        if told is None:
            raise
        raise told from error
    except engine.dialect.loaded_dbapi.Error as error:  # rows in bulk go past SQLAlchemy
        told = _unavailable(error, lost=False)
        if told is None:
            raise
        raise told from error


def _unavailable(error: BaseException | None, *, lost: bool) -> Unavailable | None:
    """What an error of the driver means for the caller; ``lost``: the connection is."""
    # SQLite has no codes, but quotes no data either; a text of PostgreSQL may be anybody's
    of_sqlite = isinstance(error, sqlite3.Error)
    text = str(error).lower() if of_sqlite else ""
    code = getattr(error, "sqlstate", None) or ""
    if "is locked" in text or code in ("55P03", "40P01", "40001"):
        return Unavailable("another process is changing the database", "try again in a moment")
    if "is full" in text or code == "53100":
        return Unavailable("the disk of the database is full", "free space on it, then try again")
    if "disk i/o error" in text or "unable to open" in text or "readonly" in text:
        return Unavailable(
            f"the database file cannot be used ({error})",
            "check that its folder exists and can be written to",
        )
    # psycopg gives errors of the connection itself, not of a statement, no code
    broken = type(error).__name__ == "OperationalError" and not code
    if lost or code[:2] in ("08", "57") or code == "53300" or (broken and not of_sqlite):
        return Unavailable(
            "the database server cannot be reached", "it is tried anew with the next request"
        )
    return None
