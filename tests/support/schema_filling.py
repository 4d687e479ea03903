"""Rows for every table of a schema, whatever its revision, and all of what is in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, MetaData, insert, select, types
from sqlalchemy.dialects.postgresql import JSONB


def _a_value(column: Column[Any]) -> Any:
    """Something that the column takes, however its revision defines it."""
    if column.nullable and column.foreign_keys:
        return None
    for kind, value in (
        (types.Boolean, True),
        (types.Integer, 1),
        (types.Float, 0.5),
        (types.DateTime, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ((types.JSON, JSONB), {"a": ["ü", 1]}),
        (types.LargeBinary, b"\x00\xff"),
        (types.String, "a"),
    ):
        if isinstance(column.type, kind):
            return value
    raise AssertionError(f"no value for {column!r} of {column.type!r}; add one")


def _reflected(connection: Connection) -> MetaData:
    metadata = MetaData()
    metadata.reflect(connection)
    if "alembic_version" in metadata.tables:
        metadata.remove(metadata.tables["alembic_version"])
    return metadata


def fill(connection: Connection) -> None:
    """At least one row in every table."""
    for table in _reflected(connection).sorted_tables:
        if connection.execute(select(table)).first() is None:
            values = {column.name: _a_value(column) for column in table.columns}
            connection.execute(insert(table).values(values))


def content(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, by table, in the order of their primary keys."""
    found = {}
    for table in _reflected(connection).sorted_tables:
        rows = connection.execute(select(table).order_by(*table.primary_key.columns))
        found[table.name] = [dict(row._mapping) for row in rows]
    return found
