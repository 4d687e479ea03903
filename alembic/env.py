"""Run by Alembic: migrations in one transaction, on the database that the service gives."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import text

from alembic import context
from service.database import Database
from service.migrations import LOCK
from service.tables import Moment, Table


def render(kind: str, found: Any, context: Any) -> str | bool:
    """Own types as the plain ones they stand for, so that old migrations need no code of ours."""
    if kind == "type" and isinstance(found, Moment):
        return "sa.DateTime(timezone=True)"
    return False


database = context.config.attributes.get("database") or Database(
    os.environ.get("DISAMBIG_DATABASE", "sqlite:///disambig-data/disambig.sqlite")
)
with database.write() as connection:
    if not database.is_sqlite:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        render_as_batch=database.is_sqlite,
        compare_type=True,
        render_item=render,
        transaction_per_migration=False,
    )
    context.run_migrations()
