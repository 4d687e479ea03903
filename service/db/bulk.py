"""Bulk queries on either database: key sets of any size and updates of many rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Text,
    bindparam,
    func,
    select,
    text,
)
from sqlalchemy import update as sql_update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from disambig.arrays import Int64
from service.db.database import insert_rows
from service.db.tables import Table

MAX_SINGLE_UPDATES = 200
"""Rows updated one by one; on PostgreSQL more rows go through a temporary table."""


def is_in(
    connection: Connection, column: InstrumentedAttribute[Any], keys: Iterable[int | str]
) -> ColumnElement[bool]:
    """Return the condition that ``column`` is one of ``keys``, sent as one parameter.

    Parameters
    ----------
    connection : Connection
    column : InstrumentedAttribute
        Column of integers or of text.
    keys : iterable of int or str
        Any number of keys of the column's type; may be empty.
    """
    key_list = list(keys)
    if connection.dialect.name == "sqlite":
        values = func.json_each(json.dumps(key_list)).table_valued("value")
        return column.in_(select(values.c.value))
    kind = Text if isinstance(column.type, Text) else BigInteger
    return column == func.any(bindparam(None, key_list, type_=ARRAY(kind)))


def update_rows(
    connection: Connection,
    table: type[Table],
    columns: Sequence[str],
    rows: Collection[Sequence[Any]],
) -> None:
    """Update ``columns`` of many rows by key.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    table : type of Table
        Table with the primary key ``key``.
    columns : sequence of str
    rows : collection of sequences
        The key, followed by the values in the order of ``columns``.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite" or len(rows) <= MAX_SINGLE_UPDATES:
        where = table.__table__.c["key"] == bindparam("row_key")
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
        statement = sql_update(table).where(where).values(values)
        names = ["row_key", *(f"new_{name}" for name in columns)]
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])
        return
    _update_through_table(connection, table, columns, rows)


def analyze_tables(connection: Connection, *tables: type[Table]) -> None:
    """Update PostgreSQL's planner statistics of tables that have grown."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(f'"{table.__tablename__}"' for table in tables)
        connection.execute(text(f"ANALYZE {names}"))


def _update_through_table(
    connection: Connection,
    table: type[Table],
    columns: Sequence[str],
    rows: Collection[Sequence[Any]],
) -> None:
    name = table.__tablename__
    quoted = ", ".join(f'"{c}"' for c in ("key", *columns))
    connection.execute(
        text(
            f'CREATE TEMPORARY TABLE new_rows ON COMMIT DROP AS SELECT {quoted} FROM "{name}" '
            "WITH NO DATA"
        )
    )
    with_columns = ["key", *columns]
    insert_rows(connection, table, with_columns, rows, target_table="new_rows")
    set_to = ", ".join(f'"{c}" = new_rows."{c}"' for c in columns)
    connection.execute(
        text(f'UPDATE "{name}" SET {set_to} FROM new_rows WHERE "{name}".key = new_rows.key')
    )
    connection.execute(text("DROP TABLE new_rows"))


ROWS_AT_ONCE = 50_000


def read_integer_table(connection: Connection, query: Select[*tuple[Any, ...]]) -> Int64:
    """Return the rows of a query whose columns are all integers, int64[n, columns]."""
    width = len(query.selected_columns)
    options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
    result = connection.execute(query, execution_options=options)
    parts = [np.empty((0, width), dtype=np.int64)]
    parts += [
        np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, width)
        for rows in result.partitions()
    ]
    return np.concatenate(parts)
