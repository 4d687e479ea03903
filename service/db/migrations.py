"""Schema migrations: upgrade, downgrade and check the revision of a database.

Open the configured database at the schema revision of this version.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from service.db.database import Database
from service.errors import Invalid, ServiceError, Unavailable
from service.settings import Settings

LOCK_NUMBER = 7_301_126_551
"""Number of the advisory lock held during a migration of PostgreSQL."""


def scripts() -> Path:
    """Return the folder of the migration scripts, in a checkout or an installed package."""
    here = Path(__file__).parent
    packaged = here / "migration_scripts"
    return packaged if packaged.exists() else here.parent / "alembic"


def config(database: Database) -> Config:
    """Build the Alembic configuration for a database."""
    found = _config()
    found.attributes["database"] = database
    return found


def _config() -> Config:
    found = Config()
    found.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    return found


def current(database: Database) -> str | None:
    """Return the schema revision of the database; None if it is empty."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """Return the revision that this version requires."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError(f"no migration scripts in {scripts()}; install the package again")
    return head


def migrate(database: Database, revision: str = "head") -> None:
    """Upgrade or downgrade to a revision. Concurrent processes wait for each other."""
    below = revision != "head" and _is_below(revision, current(database))
    step = command.downgrade if below else command.upgrade
    step(config(database), revision)


def can_upgrade(database: Database) -> bool:
    """Return whether the database is empty or at an earlier known revision."""
    found = current(database)
    return found != newest() and (found is None or found in revisions())


def revisions() -> list[str]:
    """List all revisions that this version knows, oldest first."""
    script = ScriptDirectory.from_config(_config())
    return [found.revision for found in script.walk_revisions()][::-1]


def check(database: Database) -> None:
    """Reject a database of another revision.

    Raises
    ------
    Unavailable
        The schema is not at the revision of this version.
    """
    found = current(database)
    if found == newest():
        return
    if found is None or found in revisions():
        raise Unavailable(
            f"the database is at revision {found or 'none'}, this version needs {newest()}",
            "run disambig db upgrade",
        )
    raise Unavailable(
        f"the database is at revision {found}, which belongs to a later version",
        "install that version, or run its disambig db downgrade first",
    )


def _is_below(revision: str, now: str | None) -> bool:
    if now is None:
        return False
    known = ["base", *revisions()]
    return revision in known and now in known and known.index(revision) < known.index(now)


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
        if database.is_sqlite and can_upgrade(database):
            migrate(database)
        check(database)
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
