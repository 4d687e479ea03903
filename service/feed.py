"""The change feed that consumers follow."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from service.tables import Change

KINDS = ("create", "keep", "merge", "split", "move", "restore")


def list_changes_since(
    connection: Connection,
    since: int,
    limit: int,
    *,
    kind: str | None = None,
    identity: str | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """Return changes numbered above ``since``, in order, and the number to continue from.

    Numbers appear in the order of commits: a consumer that continues from the last number seen
    gets every change once.
    """
    query = select(Change).where(Change.seq > since).order_by(Change.seq).limit(limit)
    if kind is not None:
        query = query.where(Change.kind == kind)
    if identity is not None:
        query = query.where(Change.identity == identity)
    items = [
        {
            "sequence": row.seq,
            "event": row.event_seq,
            "kind": row.kind,
            "identity": row.identity,
            "others": row.others,
            "mentions": row.mentions,
            "at": row.at,
        }
        for row in connection.execute(query)
    ]
    return items, items[-1]["sequence"] if items else since
