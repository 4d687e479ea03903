"""Back up and restore PostgreSQL with pg_dump and pg_restore, in one transaction each."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import IO

from sqlalchemy import inspect, text
from sqlalchemy.engine import URL

from service.db import migrations
from service.db.database import Database
from service.db.tables import Table
from service.errors import Conflict, Invalid, Unavailable

PATIENCE = "15s"
"""How long a restore waits for locks of other connections."""


def dump(url: URL, file: Path) -> None:
    """Write a compressed archive with ``pg_dump``, and check that it can be read.

    Raises
    ------
    Unavailable
        The program is missing or fails.
    """
    address, environment = _libpq(url)
    _run(
        [
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--file={file}",
            f"--dbname={address}",
        ],
        environment,
    )
    _contents(file)


def restore(database: Database, file: Path) -> None:
    """Replace the tables of this service by those of an archive, in one transaction.

    Raises
    ------
    Invalid
        The file is not an archive of this service, or is of a later version.
    Conflict
        Other clients are connected to the database.
    Unavailable
        A program is missing or fails.
    """
    _refuse_foreign(file)
    drops = _drops(database)
    database.close()
    address, environment = _libpq(database.url)
    environment["PGOPTIONS"] = f"-c lock_timeout={PATIENCE} -c client_min_messages=warning"
    loader = subprocess.Popen(
        [
            _program("psql"),
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--output=/dev/null",
            f"--dbname={address}",
        ],
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    reader = subprocess.Popen(
        [_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with loader, reader:
        assert loader.stdin is not None
        assert reader.stdout is not None
        fed = _feed(loader.stdin, reader.stdout, drops)
        _, complaint = reader.communicate()
        # without COMMIT the end of the connection rolls everything back
        whole = fed and reader.returncode == 0
        try:
            loader.stdin.write(b"\nCOMMIT;\n" if whole else b"")
            loader.stdin.close()
        except BrokenPipeError:
            whole = False
        assert loader.stderr is not None
        refused = loader.stderr.read()
        loader.wait()
    if reader.returncode != 0 and fed:
        raise _failed("pg_restore", complaint)
    if loader.returncode != 0 or not whole:
        raise _failed("psql", refused)


def _feed(into: IO[bytes], script: IO[bytes], drops: str) -> bool:
    """Send the script to psql; return whether all of it was accepted."""
    try:
        into.write(b"BEGIN;\n" + drops.encode() + b"\n")
        shutil.copyfileobj(script, into, 1 << 20)
        into.flush()
    except BrokenPipeError:
        script.close()
        return False
    return True


def _drops(database: Database) -> str:
    """Build statements that drop the tables of any revision; reject other connections."""
    with database.read() as connection:
        others = connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        )
        if others:
            raise Conflict(
                f"the database is in use ({others} other connections)",
                "stop the server, the workers and other clients, then try again",
            )
        there = set(inspect(connection).get_table_names())
    ours = sorted(there & {*Table.metadata.tables, "alembic_version"})
    return "".join(f'DROP TABLE public."{name}" CASCADE;\n' for name in ours)


def _refuse_foreign(file: Path) -> None:
    """Reject a file that is not an archive of this service, before any table is dropped."""
    remedy = "name a file that disambig db backup wrote from PostgreSQL"
    try:
        tables = _contents(file)
    except Unavailable as error:
        if shutil.which("pg_restore") is None:
            raise
        raise Invalid(f"{file} is not an archive of pg_dump", remedy) from error
    if "alembic_version" not in tables:
        raise Invalid(f"{file} is not a backup of this service", remedy)
    script = _run(
        ["pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(file)],
        dict(os.environ),
    )
    lines = script.splitlines()
    start = next((k for k, line in enumerate(lines) if line.startswith("COPY ")), len(lines))
    revision = lines[start + 1] if start + 1 < len(lines) else "none"
    if revision not in migrations.revisions():
        raise Invalid(
            f"{file} has revision {revision}, which this version does not know",
            "restore it with the version that wrote it",
        )


def _contents(file: Path) -> set[str]:
    """List the tables in an archive."""
    listing = _run(["pg_restore", "--list", str(file)], dict(os.environ))
    words = (line.split() for line in listing.splitlines() if not line.startswith(";"))
    return {line[5] for line in words if len(line) > 5 and line[3] == "TABLE"}


def _libpq(url: URL) -> tuple[str, dict[str, str]]:
    """Return the address and the environment for PostgreSQL's programs.

    The password is passed in the environment, so that it does not appear in the process list.
    """
    environment = dict(os.environ)
    query = dict(url.query)
    password = url.password if url.password is not None else query.pop("password", None)
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    plain = URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, query=query
    )
    return plain.render_as_string(hide_password=False), environment


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [_program(command[0]), *command[1:]], env=environment, capture_output=True
    )
    if done.returncode != 0:
        raise _failed(command[0], done.stderr)
    return done.stdout.decode("utf-8", "replace")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(
            f"{name} is not installed",
            "install PostgreSQL's client programs (Debian: postgresql-client), at least as new "
            "as the server",
        )
    return found


def _failed(program: str, complaint: bytes) -> Unavailable:
    lines = complaint.decode("utf-8", "replace").strip().splitlines()
    first = next((line for line in lines if "ERROR" in line or "error" in line), "")
    return Unavailable(
        f"{program} failed: {first or ' '.join(lines[-1:]) or 'no error message'}",
        "nothing was changed; fix the cause, then try again",
    )
