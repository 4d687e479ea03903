"""Alembic environment: run migrations in one transaction on the database of the service."""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import event, text

from service.db.database import Database
from service.db.migrations import LOCK_NUMBER, connect
from service.db.tables import Moment, Table
from service.settings import read_settings


def render_item(kind: str, item: Any, context: Any) -> str | bool:
    """Render own types as plain SQLAlchemy types, so that migrations do not import the service."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    return False


def disable_foreign_keys(connection: Any, entry: Any) -> None:
    """Disable foreign keys: SQLite alters a table by replacing it."""
    connection.execute("PRAGMA foreign_keys = OFF")


def run_migrations(database: Database) -> None:
    """Run the requested migrations in one transaction."""
    if database.is_sqlite:
        event.listen(database.engine, "connect", disable_foreign_keys)
    with database.write() as connection:
        if not database.is_sqlite:
            # a migration may wait for locks without a limit
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK_NUMBER}
            )
        context.configure(
            connection=connection,
            target_metadata=Table.metadata,
            render_as_batch=database.is_sqlite,
            compare_type=True,
            render_item=render_item,
            transaction_per_migration=False,
        )
        context.run_migrations()
        if database.is_sqlite:
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if broken:
                raise CommandError(f"the migration breaks {len(broken)} references: {broken[:3]}")


if context.is_offline_mode():
    raise CommandError("migrations need a database connection; omit --sql")
service_database = context.config.attributes.get("database")
# A separate database object: one connection, with other settings than those of the service.
database = (
    Database(service_database.url, pool_size=1)
    if service_database
    else connect(read_settings(), pool_size=1)
)
try:
    run_migrations(database)
finally:
    database.close()
