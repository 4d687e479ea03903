"""Open the configured database; upgrade, downgrade and check its schema revision."""

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


def find_scripts() -> Path:
    """Return the folder of the migration scripts, in a checkout or an installed package."""
    package = Path(__file__).parents[1]
    packaged = package / "migration_scripts"
    return packaged if packaged.exists() else package.parent / "alembic"


def build_config(database: Database) -> Config:
    """Build the Alembic configuration for a database."""
    alembic_config = _build_base_config()
    alembic_config.attributes["database"] = database
    return alembic_config


def _build_base_config() -> Config:
    alembic_config = Config()
    alembic_config.set_main_option("script_location", str(find_scripts()).replace("%", "%%"))
    return alembic_config


def get_revision(database: Database) -> str | None:
    """Return the schema revision of the database; None if it is empty."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def get_head_revision() -> str:
    """Return the revision that this version requires."""
    head = ScriptDirectory.from_config(_build_base_config()).get_current_head()
    if head is None:
        raise RuntimeError(f"no migration scripts in {find_scripts()}; install the package again")
    return head


def migrate(database: Database, revision: str = "head") -> None:
    """Upgrade or downgrade to a revision. Concurrent processes wait for each other."""
    is_downgrade = revision != "head" and _is_below(revision, get_revision(database))
    step = command.downgrade if is_downgrade else command.upgrade
    step(build_config(database), revision)


def can_upgrade(database: Database) -> bool:
    """Return whether the database is empty or at an earlier known revision."""
    revision = get_revision(database)
    return revision != get_head_revision() and (revision is None or revision in list_revisions())


def list_revisions() -> list[str]:
    """List all revisions that this version knows, oldest first."""
    script = ScriptDirectory.from_config(_build_base_config())
    return [script_revision.revision for script_revision in script.walk_revisions()][::-1]


def require_head_revision(database: Database) -> None:
    """Reject a database of another revision.

    Raises
    ------
    Unavailable
        The schema is not at the revision of this version.
    """
    revision = get_revision(database)
    if revision == get_head_revision():
        return
    if revision is None or revision in list_revisions():
        raise Unavailable(
            f"the database is at revision {revision or 'none'}, "
            f"this version needs {get_head_revision()}",
            "run disambig db upgrade",
        )
    raise Unavailable(
        f"the database is at revision {revision}, which belongs to a later version",
        "install that version, or run its disambig db downgrade first",
    )


def _is_below(revision: str, current: str | None) -> bool:
    if current is None:
        return False
    order = ["base", *list_revisions()]
    return revision in order and current in order and order.index(revision) < order.index(current)


URL_EXAMPLES = "such as sqlite:////path/to/file or postgresql://user:password@host:5432/name"


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
        require_head_revision(database)
    except (ServiceError, OSError):
        database.close()
        raise
    return database


def connect(settings: Settings, *, pool_size: int = 10) -> Database:
    """Open the configured database at any schema revision; create a missing folder."""
    url = parse_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    return Database(url, pool_size=pool_size)


def parse_url(text: str) -> URL:
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
            f"give an address {URL_EXAMPLES}",
            field="database",
        ) from error
    if backend not in ("sqlite", "postgresql"):
        raise Invalid(
            f"databases of the kind {backend!r} are not supported",
            f"give an address {URL_EXAMPLES}",
            field="database",
        )
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        raise Invalid(
            "SQLite needs a file",
            "write sqlite:////path/to/file, with four slashes",
            field="database",
        )
    return url
