"""Back up a database in use to one file, and restore a database that is not in use."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from service.db import backup_postgresql, migrations
from service.db.database import Database
from service.errors import Conflict, Invalid, Unavailable

BATCH_PAGES = 2_000
"""Pages of an SQLite file copied between two progress reports."""
Advance = Callable[[int], None]


def back_up(database: Database, file: Path, *, force: bool = False, advance: Advance) -> None:
    """Write a snapshot of the database to a file; readers and writers are not blocked.

    The file gets its name after it is complete and checked, so an interrupted backup cannot be
    mistaken for a complete one.

    Parameters
    ----------
    database : Database
    file : Path
        SQLite: an SQLite file. PostgreSQL: an archive of ``pg_dump``.
    force : bool
        Whether to replace an existing file.
    advance : callable
        Called with the number of pages copied since the last call; never for PostgreSQL.

    Raises
    ------
    Conflict
        The file exists and ``force`` is false.
    Unavailable
        The database or the disk cannot be used.
    """
    if file.exists() and not force:
        raise Conflict(f"{file} exists", "name another file, or give --force to replace it")
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        if database.is_sqlite:
            with _translate_sqlite_errors():
                _copy_sqlite(_get_sqlite_file(database), part, advance)
                check_sqlite(part)
        else:
            backup_postgresql.dump(database.url, part)
        _flush_to_disk(part)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def restore(database: Database, file: Path, *, force: bool = False, advance: Advance) -> str:
    """Restore the database from a backup and return its schema revision.

    The restore is atomic: if it fails, the database is unchanged.

    Raises
    ------
    Invalid
        The file is not a backup, or is of a later version.
    Conflict
        The database is in use, or is not empty and ``force`` is false.
    Unavailable
        The database or the disk cannot be used.
    """
    if not file.is_file():
        raise Invalid(f"{file} is not a file", "name a file that disambig db backup wrote")
    if not force and migrations.get_revision(database) is not None:
        raise Conflict(
            "the database is not empty",
            "give --force to replace its content, or name an empty one with --database",
        )
    if database.is_sqlite:
        with _translate_sqlite_errors():
            _restore_sqlite(database, file, advance)
    else:
        backup_postgresql.restore(database, file)
    revision = migrations.get_revision(database)
    if revision is None:
        raise RuntimeError(f"{file} was restored without its revision")
    return revision


def check_sqlite(file: Path) -> str:
    """Check the integrity of an SQLite file and return its schema revision.

    Raises
    ------
    Invalid
        The file is damaged, is not an SQLite file, or does not belong to this service.
    """
    remedy = "name a file that disambig db backup wrote"
    try:
        with closing(_open(file, "ro")) as connection:
            messages = connection.execute("PRAGMA integrity_check(3)").fetchall()
            broken_reference = connection.execute("PRAGMA foreign_key_check").fetchone()
            if messages != [("ok",)] or broken_reference is not None:
                detail = (
                    "; ".join(text for (text,) in messages)
                    if messages != [("ok",)]
                    else str(broken_reference)
                )
                raise Invalid(f"{file} is damaged ({detail})", remedy)
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise Invalid(f"{file} is not a backup of this service ({error})", remedy) from error
    if version is None or version[0] not in migrations.list_revisions():
        revision = "no revision" if version is None else f"revision {version[0]}"
        raise Invalid(
            f"{file} has {revision}, which this version does not know",
            "restore it with the version that wrote it",
        )
    return str(version[0])


def _restore_sqlite(database: Database, file: Path, advance: Advance) -> None:
    check_sqlite(file)
    database.close()  # open connections of this process would block the restore
    target = _get_sqlite_file(database)
    if target.exists() and target.samefile(file):
        raise Invalid(f"{file} is the database itself", "name a file that disambig db backup wrote")
    with closing(_open(target, "rwc")) as connection:
        try:
            # needs exclusive access, so it fails if another process has the file open
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
    """Copy a database in one transaction on each side."""
    with (
        closing(_open(source, "ro")) as source_connection,
        closing(_open(target, "rwc")) as target_connection,
    ):
        # a read transaction prevents other writers from restarting the copy
        source_connection.execute("BEGIN")
        source_connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        n_copied = 0

        def report_progress(status: int, remaining: int, total: int) -> None:
            nonlocal n_copied
            advance(total - remaining - n_copied)
            n_copied = total - remaining

        source_connection.backup(
            target_connection, pages=BATCH_PAGES, progress=report_progress, sleep=0.01
        )
        # the copy of a WAL database is in WAL mode; a backup must not need a second file
        target_connection.execute("PRAGMA journal_mode = DELETE")


def count_pages(database: Database) -> int | None:
    """Count the pages that a backup copies; None for PostgreSQL, which does not report it."""
    if not database.is_sqlite:
        return None
    with database.read() as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())


def _get_sqlite_file(database: Database) -> Path:
    return Path(str(database.url.database))


def _open(file: Path, mode: str) -> sqlite3.Connection:
    address = f"{file.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=2, isolation_level=None)


def _flush_to_disk(file: Path) -> None:
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _translate_sqlite_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(
            f"SQLite error: {error}", "check the file, its folder and the disk, then try again"
        ) from error
