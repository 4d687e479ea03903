"""Schema migrations: upgrade, downgrade and check the revision of a database."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.database import Database
from service.errors import Unavailable

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
