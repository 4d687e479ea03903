"""Queries on decisions: list and filter them, read one with its links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from disambig.console import escape_text
from service.db import tables
from service.db.tables import (
    DecisionLink,
    Event,
    Identity,
    IdentityVersion,
    Signature,
    Work,
)
from service.decisions.results import Decision, DecisionDetails, Link, LinkMention
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
    is_in_force : bool or None
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
    connection: Connection, decision_filter: DecisionFilter, limit: int, before: int | None = None
) -> list[Decision]:
    """List decisions whose event has a number below ``before``, newest first."""
    query = (
        _select_decisions()
        .order_by(tables.Decision.event_seq.desc(), tables.Decision.key.desc())
        .limit(limit)
    )
    for column, value in (
        (tables.Decision.kind, decision_filter.kind),
        (tables.Decision.action, decision_filter.action),
        (tables.Decision.actor, decision_filter.actor),
    ):
        if value is not None:
            query = query.where(column == value)
    if decision_filter.is_in_force is not None:
        undone = tables.Decision.undone_seq
        query = query.where(
            undone.is_(None) if decision_filter.is_in_force else undone.is_not(None)
        )
    if decision_filter.identity is not None:
        event_seqs = (
            select(IdentityVersion.event_seq)
            .join(Identity, Identity.key == IdentityVersion.identity_key)
            .where(Identity.id == decision_filter.identity)
        )
        query = query.where(tables.Decision.event_seq.in_(event_seqs))
    if before is not None:
        query = query.where(tables.Decision.event_seq < before)
    return [Decision(**row) for row in connection.execute(query).mappings()]


def get_decision(connection: Connection, decision_id: str, limit: int) -> DecisionDetails:
    """Return one decision with at most ``limit`` of its links.

    Raises
    ------
    NotFound
        If no decision has this id.
    """
    is_requested = tables.Decision.id == sanitize_id(decision_id)
    row = connection.execute(_select_decisions().where(is_requested)).mappings().first()
    if row is None:
        raise NotFound(
            f"there is no decision {escape_text(decision_id[:40])}",
            "list the decisions",
            field="id",
        )
    key = select(tables.Decision.key).where(is_requested).scalar_subquery()
    is_of_decision = DecisionLink.decision_key == key
    a, b = Signature.__table__.alias("a"), Signature.__table__.alias("b")
    work_a, work_b = Work.__table__.alias("work_a"), Work.__table__.alias("work_b")
    rows = connection.execute(
        select(DecisionLink.kind, work_a.c.id, a.c.position, work_b.c.id, b.c.position)
        .join(a, a.c.key == DecisionLink.a_key)
        .join(b, b.c.key == DecisionLink.b_key)
        .join(work_a, work_a.c.key == a.c.work_key)
        .join(work_b, work_b.c.key == b.c.work_key)
        .where(is_of_decision)
        .order_by(DecisionLink.a_key, DecisionLink.b_key)
        .limit(limit)
    )
    links = [
        Link(
            kind=kind,
            a=LinkMention(work=work_id_a, position=position_a),
            b=LinkMention(work=work_id_b, position=position_b),
        )
        for kind, work_id_a, position_a, work_id_b, position_b in rows
    ]
    query = select(func.count()).select_from(DecisionLink).where(is_of_decision)
    return DecisionDetails(**row, links=links, n_links=connection.scalars(query).one())


def _select_decisions() -> Any:
    return select(
        tables.Decision.id,
        tables.Decision.kind,
        tables.Decision.action,
        tables.Decision.actor,
        tables.Decision.at,
        tables.Decision.reason,
        tables.Decision.evidence,
        tables.Decision.event_seq,
        tables.Decision.undone_seq,
        _UNDOING.c.actor.label("undone_by"),
        _UNDOING.c.at.label("undone_at"),
    ).outerjoin(_UNDOING, _UNDOING.c.seq == tables.Decision.undone_seq)
