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

LOCK_TIMEOUT = "15s"
"""How long a restore waits for locks of other connections."""


def dump(url: URL, file: Path) -> None:
    """Write a compressed archive with ``pg_dump``, and check that it can be read.

    Raises
    ------
    Unavailable
        The program is missing or fails.
    """
    address, environment = _build_libpq_arguments(url)
    _run_program(
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
    _list_archive_tables(file)


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
    _validate_archive(file)
    drop_statements = _build_drop_statements(database)
    database.close()
    address, environment = _build_libpq_arguments(database.url)
    environment["PGOPTIONS"] = f"-c lock_timeout={LOCK_TIMEOUT} -c client_min_messages=warning"
    loader = subprocess.Popen(
        [
            _find_program("psql"),
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
        [_find_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with loader, reader:
        assert loader.stdin is not None
        assert reader.stdout is not None
        script_sent = _send_script(loader.stdin, reader.stdout, drop_statements)
        _, reader_errors = reader.communicate()
        # without COMMIT the end of the connection rolls everything back
        is_complete = script_sent and reader.returncode == 0
        try:
            loader.stdin.write(b"\nCOMMIT;\n" if is_complete else b"")
            loader.stdin.close()
        except BrokenPipeError:
            is_complete = False
        assert loader.stderr is not None
        loader_errors = loader.stderr.read()
        loader.wait()
    if reader.returncode != 0 and script_sent:
        raise _build_error("pg_restore", reader_errors)
    if loader.returncode != 0 or not is_complete:
        raise _build_error("psql", loader_errors)


def _send_script(target: IO[bytes], script: IO[bytes], drop_statements: str) -> bool:
    """Send the script to psql; return whether all of it was accepted."""
    try:
        target.write(b"BEGIN;\n" + drop_statements.encode() + b"\n")
        shutil.copyfileobj(script, target, 1 << 20)
        target.flush()
    except BrokenPipeError:
        script.close()
        return False
    return True


def _build_drop_statements(database: Database) -> str:
    """Build statements that drop the tables of any revision; reject other connections."""
    with database.read() as connection:
        n_others = connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        )
        if n_others:
            raise Conflict(
                f"the database is in use ({n_others} other connections)",
                "stop the server, the workers and other clients, then try again",
            )
        existing = set(inspect(connection).get_table_names())
    table_names = sorted(existing & {*Table.metadata.tables, "alembic_version"})
    return "".join(f'DROP TABLE public."{name}" CASCADE;\n' for name in table_names)


def _validate_archive(file: Path) -> None:
    """Reject a file that is not an archive of this service, before any table is dropped."""
    remedy = "name a file that disambig db backup wrote from PostgreSQL"
    try:
        tables = _list_archive_tables(file)
    except Unavailable as error:
        if shutil.which("pg_restore") is None:
            raise
        raise Invalid(f"{file} is not an archive of pg_dump", remedy) from error
    if "alembic_version" not in tables:
        raise Invalid(f"{file} is not a backup of this service", remedy)
    script = _run_program(
        ["pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(file)],
        dict(os.environ),
    )
    lines = script.splitlines()
    start = next((k for k, line in enumerate(lines) if line.startswith("COPY ")), len(lines))
    revision = lines[start + 1] if start + 1 < len(lines) else "none"
    if revision not in migrations.list_revisions():
        raise Invalid(
            f"{file} has revision {revision}, which this version does not know",
            "restore it with the version that wrote it",
        )


def _list_archive_tables(file: Path) -> set[str]:
    """List the tables in an archive."""
    listing = _run_program(["pg_restore", "--list", str(file)], dict(os.environ))
    words = (line.split() for line in listing.splitlines() if not line.startswith(";"))
    return {line[5] for line in words if len(line) > 5 and line[3] == "TABLE"}


def _build_libpq_arguments(url: URL) -> tuple[str, dict[str, str]]:
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


def _run_program(command: list[str], environment: dict[str, str]) -> str:
    process = subprocess.run(
        [_find_program(command[0]), *command[1:]], env=environment, capture_output=True
    )
    if process.returncode != 0:
        raise _build_error(command[0], process.stderr)
    return process.stdout.decode("utf-8", "replace")


def _find_program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise Unavailable(
            f"{name} is not installed",
            "install PostgreSQL's client programs (Debian: postgresql-client), at least as new "
            "as the server",
        )
    return path


def _build_error(program: str, error_output: bytes) -> Unavailable:
    lines = error_output.decode("utf-8", "replace").strip().splitlines()
    first = next((line for line in lines if "ERROR" in line or "error" in line), "")
    return Unavailable(
        f"{program} failed: {first or ' '.join(lines[-1:]) or 'no error message'}",
        "nothing was changed; fix the cause, then try again",
    )
