"""Readiness checks of the database, its schema and the disk."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from disambig.errors import DisambigError
from service.db import migrations
from service.db.database import Database
from service.errors import Unavailable
from service.settings import Settings

MIN_FREE_BYTES = 16 * 2**20
"""Free bytes below which a disk counts as full: a larger transaction would fail."""


@dataclass(frozen=True, slots=True)
class Check:
    """Result of a check: ``problem`` is None if it passed; ``ms`` is its duration."""

    name: str
    problem: str | None
    ms: float


def check_readiness(settings: Settings, database: Database) -> list[Check]:
    """Check the database, its schema and the disk; run all checks even if one fails."""
    return [
        _run_check("database", lambda: _check_connection(database)),
        _run_check("schema", lambda: migrations.require_head_revision(database)),
        _run_check("disk", lambda: _check_disk(settings, database)),
    ]


def _run_check(name: str, check: Callable[[], None]) -> Check:
    started = time.perf_counter()
    problem = None
    try:
        check()
    except DisambigError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{error.strerror or error}; check the folder and the disk"
    return Check(name, problem, round((time.perf_counter() - started) * 1000, 1))


def _check_connection(database: Database) -> None:
    with database.read() as connection:
        if database.is_sqlite:
            connection.execute(text("SELECT 1"))
        elif connection.scalar(text("SELECT pg_is_in_recovery()")):
            raise Unavailable("the database is a read-only standby", "promote it")


def _check_disk(settings: Settings, database: Database) -> None:
    """Check that the folders of the database and of runs are writable and not full."""
    folders = {settings.data} if settings.data.is_dir() else set()
    if database.is_sqlite:
        file = Path(str(database.url.database))
        if not os.access(file, os.W_OK):
            raise Unavailable("the database file is not writable", "check its permissions")
        folders.add(file.parent)
    for folder in folders:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(4096))
            probe.flush()
        if shutil.disk_usage(folder).free < MIN_FREE_BYTES:
            raise Unavailable("the disk is full", "free space on it")
