"""Undo and redo of decisions."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from service.actors import Actor, Role
from service.constraints.store import (
    read_links_around,
    remove_retired_signatures,
    require_links_hold,
)
from service.db.database import Database
from service.db.tables import Decision, DecisionLink
from service.decisions.draft import DecisionResult, check_contradictions
from service.decisions.override import (
    carry_over,
    check_independent,
    find_last_event,
    reopen_overridden_tasks,
    revert_reopened_tasks,
)
from service.errors import Conflict, Forbidden, NotFound
from service.events.history import DECISION_REDONE, DECISION_UNDONE
from service.events.log import EventLog
from service.memberships.restore import read_event_effects, revert_event
from service.tasks.blind import refuse_settling_blind
from service.tasks.close import (
    close_answered_tasks,
    record_transitions,
    reopen_undecided_tasks,
    revert_transitions,
)


def undo_decision(
    database: Database, actor: Actor, decision_id: str, reason: str | None = None
) -> DecisionResult:
    """Undo a decision: restore memberships, ids and redirects, and revoke its links.

    Runs published since then do not prevent it if they left its mentions in their identities.

    Raises
    ------
    NotFound
        If there is no such decision.
    Conflict
        If it is undone already, if a later event depends on it, or if undoing it settles a blind
        task; the error names these.
    Forbidden
        If another actor made it and the role is below editor.
    """
    return _undo_or_redo(database, actor, decision_id, reason, is_undo=True)


def redo_decision(
    database: Database, actor: Actor, decision_id: str, reason: str | None = None
) -> DecisionResult:
    """Redo a decision that was undone, with the same links and ids.

    Raises
    ------
    NotFound
        If there is no such decision.
    Conflict
        If it is in force, contradicts later decisions, or settles a blind task, or if what it
        changed has changed since.
    Forbidden
        If another actor made it and the role is below editor.
    """
    return _undo_or_redo(database, actor, decision_id, reason, is_undo=False)


def _undo_or_redo(
    database: Database, actor: Actor, decision_id: str, reason: str | None, *, is_undo: bool
) -> DecisionResult:
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        query = select(Decision.key, Decision.event_seq, Decision.undone_seq, Decision.actor)
        row = connection.execute(query.where(Decision.id == decision_id)).first()
        if row is None:
            raise NotFound(
                f"there is no decision {decision_id[:40]!r}", "list the decisions", field="decision"
            )
        key, made_seq, undone_seq, maker = row
        if maker != actor.name and not actor.role.includes(Role.EDITOR):
            raise Forbidden(
                "this decision was made by another reviewer", "ask them or an editor to undo it"
            )
        if (undone_seq is None) != is_undo:
            raise Conflict(
                f"decision {decision_id} is {'undone' if is_undo else 'in force'} already",
                "nothing needs to be done",
            )
        check_independent(connection, decision_id, made_seq, undone_seq)
        effects = read_event_effects(connection, made_seq if undone_seq is None else undone_seq)
        effects_summary = {
            "event": effects.seq,
            "identities": sorted(v[1]["id"] for v in effects.identities.values()),
        }
        last_event = find_last_event(connection, decision_id)
        seq = event_log.record(
            DECISION_UNDONE if is_undo else DECISION_REDONE,
            actor,
            subject=decision_id,
            reason=reason,
            before=effects_summary,
            is_curation=True,
        )
        if is_undo:
            revert_reopened_tasks(connection, decision_id, last_event, seq)
        revert_transitions(connection, last_event, seq)
        change = revert_event(connection, event_log, effects, seq)
        statement = update(Decision).where(Decision.key == key)
        connection.execute(statement.values(undone_seq=seq if is_undo else None))
        carry_over(connection, decision_id, made_seq, seq, is_undo=is_undo)
        ends = _check_links(connection, key, {*effects.moves}, decision_id)
        refuse_settling_blind(connection, close_answered_tasks(connection, seq, change.rows, ends))
        if is_undo:
            reopen_undecided_tasks(connection, seq, change.rows, ends)
        else:
            reopen_overridden_tasks(connection, decision_id, seq)
        record_transitions(connection, seq)
        return DecisionResult(decision_id, seq, {r.id: r.version for r in change.rows.values()}, [])


def _check_links(
    connection: Connection, decision_key: int, moved_signatures: set[int], decision_id: str
) -> set[int]:
    """Check the links in force around a decision's signatures, and return these signatures."""
    query = select(DecisionLink.a_key, DecisionLink.b_key)
    rows = connection.execute(query.where(DecisionLink.decision_key == decision_key))
    ends = {end for row in rows for end in (row[0], row[1])}
    links = read_links_around(connection, ends | moved_signatures)
    check_contradictions(connection, links, decision_id)
    require_links_hold(
        connection,
        remove_retired_signatures(connection, links),
        "other decisions depend on this",
        "undo them first",
    )
    return ends | moved_signatures
