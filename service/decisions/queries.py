"""Queries on decisions: list and filter them, read one with its links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from disambig.console import safe
from service.db.tables import (
    Decision,
    DecisionLink,
    Event,
    Identity,
    IdentityVersion,
    Signature,
    Work,
)
from service.errors import NotFound
from service.ids import sanitize_id

_UNDOING = Event.__table__.alias("undoing")


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Criteria for decisions; None matches any.

    Attributes
    ----------
    kind : str or None
        ``same``, ``different`` or ``unsure``.
    action : str or None
        ``merge``, ``split``, ``move``, ``review`` or ``arrange``.
    actor : str or None
    standing : bool or None
        Whether it is in force.
    identity : str or None
        Id of an identity that it changed.
    """

    kind: str | None = None
    action: str | None = None
    actor: str | None = None
    is_in_force: bool | None = None
    identity: str | None = None


def list_decisions(
    connection: Connection, wanted: DecisionFilter, limit: int, before: int | None = None
) -> list[dict[str, Any]]:
    """List decisions whose event has a number below ``before``, newest first."""
    query = _select_decisions().order_by(Decision.event_seq.desc(), Decision.key.desc()).limit(limit)
    for column, value in (
        (Decision.kind, wanted.kind),
        (Decision.action, wanted.action),
        (Decision.actor, wanted.actor),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.is_in_force is not None:
        undone = Decision.undone_seq
        query = query.where(undone.is_(None) if wanted.is_in_force else undone.is_not(None))
    if wanted.identity is not None:
        touching = (
            select(IdentityVersion.event_seq)
            .join(Identity, Identity.key == IdentityVersion.identity_key)
            .where(Identity.id == wanted.identity)
        )
        query = query.where(Decision.event_seq.in_(touching))
    if before is not None:
        query = query.where(Decision.event_seq < before)
    return [_to_dict(row) for row in connection.execute(query).mappings()]


def get_decision(connection: Connection, decision_id: str, limit: int) -> dict[str, Any]:
    """Return one decision with at most ``limit`` of its links.

    Raises
    ------
    NotFound
        If no decision has this id.
    """
    row = (
        connection.execute(_select_decisions().where(Decision.id == sanitize_id(decision_id)))
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound(
            f"there is no decision {safe(decision_id[:40])}", "list the decisions", field="id"
        )
    a, b = Signature.__table__.alias("a"), Signature.__table__.alias("b")
    work_a, work_b = Work.__table__.alias("work_a"), Work.__table__.alias("work_b")
    stated = DecisionLink.decision_key == row["key"]
    links = connection.execute(
        select(DecisionLink.kind, work_a.c.id, a.c.position, work_b.c.id, b.c.position)
        .join(a, a.c.key == DecisionLink.a_key)
        .join(b, b.c.key == DecisionLink.b_key)
        .join(work_a, work_a.c.key == a.c.work_key)
        .join(work_b, work_b.c.key == b.c.work_key)
        .where(stated)
        .order_by(DecisionLink.a_key, DecisionLink.b_key)
        .limit(limit)
    )
    n = connection.scalars(select(func.count()).select_from(DecisionLink).where(stated)).one()
    return {
        **_to_dict(row),
        "links": [
            {
                "kind": kind,
                "a": {"work": wa, "position": pa},
                "b": {"work": wb, "position": pb},
            }
            for kind, wa, pa, wb, pb in links
        ],
        "n_links": n,
    }


def _select_decisions() -> Any:
    return select(
        Decision.key,
        Decision.id,
        Decision.kind,
        Decision.action,
        Decision.actor,
        Decision.at,
        Decision.reason,
        Decision.evidence,
        Decision.event_seq,
        Decision.undone_seq,
        _UNDOING.c.actor.label("undone_by"),
        _UNDOING.c.at.label("undone_at"),
    ).outerjoin(_UNDOING, _UNDOING.c.seq == Decision.undone_seq)


def _to_dict(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: row[name] for name in row if name != "key"}
