"""Backing up a database into one file while it is in use, and restoring it while it is not."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from service import backup_postgresql, migrations
from service.database import Database
from service.errors import Conflict, Invalid, Unavailable

PAGES_AT_ONCE = 2_000
"""Pages of an SQLite file copied between two signs of progress."""
Advance = Callable[[int], None]


def back_up(database: Database, file: Path, *, force: bool = False, advance: Advance) -> None:
    """Write everything, as of one moment, to a file; readers and writers go on meanwhile.

    The file appears under its name when it is complete and has been checked, so a backup that
    was interrupted is never taken for one.

    Parameters
    ----------
    database : Database
    file : Path
        SQLite: an SQLite file. PostgreSQL: an archive of ``pg_dump``.
    force : bool
        Whether a file of that name may be replaced.
    advance : callable
        Told how many pages more were copied; of PostgreSQL nothing.

    Raises
    ------
    Conflict
        If the file exists and ``force`` is not given.
    Unavailable
        If the database or the disk cannot be used.
    """
    if file.exists() and not force:
        raise Conflict(f"{file} exists", "name another file, or give --force to replace it")
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        if database.is_sqlite:
            with _sqlite_told():
                _copy_sqlite(_sqlite_file(database), part, advance)
                check_sqlite(part)
        else:
            backup_postgresql.dump(database.url, part)
        _to_disk(part)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def restore(database: Database, file: Path, *, force: bool = False, advance: Advance) -> str:
    """Make the database what it was when ``file`` was written; the revision of its schema.

    All or nothing: when it fails, the database is what it was before.

    Raises
    ------
    Invalid
        If the file is no backup, or one of a later version.
    Conflict
        If the database holds something and ``force`` is not given, or is in use.
    Unavailable
        If the database or the disk cannot be used.
    """
    if not file.is_file():
        raise Invalid(f"{file} is no file", "name a file that disambig db backup wrote")
    if not force and migrations.current(database) is not None:
        raise Conflict(
            "the database holds something already",
            "give --force to replace all of it, or name an empty one with --database",
        )
    if database.is_sqlite:
        with _sqlite_told():
            _restore_sqlite(database, file, advance)
    else:
        backup_postgresql.restore(database, file)
    found = migrations.current(database)
    if found is None:
        raise RuntimeError(f"{file} was restored without its revision")
    return found


def check_sqlite(file: Path) -> str:
    """Read a whole SQLite file and check it; the revision of its schema.

    Raises
    ------
    Invalid
        If it is damaged, no SQLite file, or none of this service.
    """
    remedy = "name a file that disambig db backup wrote"
    try:
        with closing(_open(file, "ro")) as connection:
            told = connection.execute("PRAGMA integrity_check(3)").fetchall()
            broken = connection.execute("PRAGMA foreign_key_check").fetchone()
            if told != [("ok",)] or broken is not None:
                detail = "; ".join(text for (text,) in told) if told != [("ok",)] else str(broken)
                raise Invalid(f"{file} is damaged ({detail})", remedy)
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise Invalid(f"{file} is no backup of this service ({error})", remedy) from error
    if version is None or version[0] not in migrations.revisions():
        revision = "no revision" if version is None else f"revision {version[0]}"
        raise Invalid(
            f"{file} has {revision}, which this version does not know",
            "restore it with the version that wrote it",
        )
    return str(version[0])


def _restore_sqlite(database: Database, file: Path, advance: Advance) -> None:
    check_sqlite(file)
    database.close()  # our own connections would be in the way
    target = _sqlite_file(database)
    if target.exists() and target.samefile(file):
        raise Invalid(f"{file} is the database itself", "name a file that disambig db backup wrote")
    with closing(_open(target, "rwc")) as connection:
        try:
            # needs the file for itself alone, which shows whether anybody else has it open
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            mode = "locked"
        if mode != "delete":
            raise Conflict(
                "the database is in use", "stop the server and the workers, then try again"
            )
    _copy_sqlite(file, target, advance)


def _copy_sqlite(source: Path, target: Path, advance: Advance) -> None:
    """Copy in one transaction on either side."""
    with closing(_open(source, "ro")) as old, closing(_open(target, "rwc")) as new:
        # a transaction of the reader keeps other writers from making the copy begin again
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        last = 0

        def progress(status: int, remaining: int, total: int) -> None:
            nonlocal last
            advance(total - remaining - last)
            last = total - remaining

        old.backup(new, pages=PAGES_AT_ONCE, progress=progress, sleep=0.01)
        # a copy of a WAL database says it is one; alone in a folder it must not need a second file
        new.execute("PRAGMA journal_mode = DELETE")


def pages(database: Database) -> int | None:
    """Pages that a backup copies; None for PostgreSQL, which does not tell."""
    if not database.is_sqlite:
        return None
    with database.read() as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())


def _sqlite_file(database: Database) -> Path:
    return Path(str(database.url.database))


def _open(file: Path, mode: str) -> sqlite3.Connection:
    address = f"{file.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=2, isolation_level=None)


def _to_disk(file: Path) -> None:
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _sqlite_told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(
            f"SQLite says: {error}", "see to the file, its folder and the disk, then try again"
        ) from error
