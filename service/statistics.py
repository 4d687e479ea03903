"""Counts of works, mentions, names and identities."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from service.tables import Event, Identity, Membership, Name, Run, Signature, State, Work


def count_records(connection: Connection) -> dict[str, Any]:
    """Count works, mentions, names and identities by status; add the last publication."""
    state = connection.execute(select(State.sequence, State.publication_run)).one()
    mentions = _count(connection, select(func.count()).where(Signature.retired_version.is_(None)))
    placed = _count(connection, select(func.count()).select_from(Membership))
    status_counts = select(Identity.status, func.count().label("n")).group_by(Identity.status)
    by_status = {row.status: row.n for row in connection.execute(status_counts)}
    curated_query = select(func.count()).where(Identity.status == "active", Identity.curated)
    return {
        "works": _count(connection, select(func.count()).select_from(Work)),
        "names": _count(connection, select(func.count()).select_from(Name)),
        "mentions": mentions,
        "placed": placed,
        "unplaced": mentions - placed,
        "identities": {
            "active": by_status.get("active", 0),
            "redirected": by_status.get("redirected", 0),
            "gone": by_status.get("split", 0),
            "curated": _count(connection, curated_query),
        },
        "publication": _get_publication(connection, state.publication_run),
        "sequence": state.sequence,
    }


def _get_publication(connection: Connection, run_key: int | None) -> dict[str, Any] | None:
    if run_key is None:
        return None
    query = (
        select(Run.id, Event.seq, Event.at)
        .outerjoin(Event, Event.seq == Run.event_seq)
        .where(Run.key == run_key)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else {"run": row.id, "sequence": row.seq, "at": row.at}


def _count(connection: Connection, query: Any) -> int:
    return int(connection.scalars(query).one())
