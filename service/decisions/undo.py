"""Taking a decision back, and making it again."""

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
from service.decisions.draft import Made, refuse_contradictions
from service.decisions.override import ask_again, ask_no_more, last_turn, stands_alone, turn
from service.errors import Conflict, Forbidden, NotFound
from service.events.history import DECISION_REDONE, DECISION_UNDONE
from service.events.log import EventLog
from service.memberships.restore import done_by, take_back
from service.tasks.blind import refuse_settled
from service.tasks.close import ask_undecided, close_answered, note_turns, turn_back


def undo(database: Database, actor: Actor, decision_id: str, reason: str | None = None) -> Made:
    """Take a decision back: memberships, ids and redirects as they were, its links void.

    Runs that were published since and left its mentions where it put them do not stand in the
    way.

    Raises
    ------
    NotFound
        If there is no such decision.
    Conflict
        If it is undone already, if something later depends on it, or if that settles what is
        asked blind; names that.
    Forbidden
        If it is somebody else's and the role is below editor.
    """
    return _turn(database, actor, decision_id, reason, undoing=True)


def redo(database: Database, actor: Actor, decision_id: str, reason: str | None = None) -> Made:
    """Make a decision again that was undone: as it was, links and ids included.

    Raises
    ------
    NotFound
        If there is no such decision.
    Conflict
        If it is in force, contradicts later decisions, settles what is asked blind, or what it
        changed has changed since.
    Forbidden
        If it is somebody else's and the role is below editor.
    """
    return _turn(database, actor, decision_id, reason, undoing=False)


def _turn(
    database: Database, actor: Actor, decision_id: str, reason: str | None, *, undoing: bool
) -> Made:
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        query = select(Decision.key, Decision.event_seq, Decision.undone_seq, Decision.actor)
        row = connection.execute(query.where(Decision.id == decision_id)).first()
        if row is None:
            raise NotFound(
                f"there is no decision {decision_id[:40]!r}", "list the decisions", field="decision"
            )
        key, made, undone, whose = row
        if whose != actor.name and not actor.role.includes(Role.EDITOR):
            raise Forbidden(
                "this decision is somebody else's", "ask an editor, or its reviewer, to do it"
            )
        if (undone is None) != undoing:
            raise Conflict(
                f"decision {decision_id} is {'undone' if undoing else 'in force'} already",
                "there is nothing to do",
            )
        stands_alone(connection, decision_id, made, undone)
        done = done_by(connection, made if undone is None else undone)
        told = {
            "event": done.seq,
            "identities": sorted(v[1]["id"] for v in done.identities.values()),
        }
        last = last_turn(connection, decision_id)
        seq = ledger.record(
            DECISION_UNDONE if undoing else DECISION_REDONE,
            actor,
            subject=decision_id,
            reason=reason,
            before=told,
            is_curation=True,
        )
        if undoing:
            ask_no_more(connection, decision_id, last, seq)
        turn_back(connection, last, seq)
        changed = take_back(connection, ledger, done, seq)
        state = update(Decision).where(Decision.key == key)
        connection.execute(state.values(undone_seq=seq if undoing else None))
        turn(connection, decision_id, made, seq, undoing=undoing)
        ends = _check(connection, key, {*done.moves}, decision_id)
        refuse_settled(connection, close_answered(connection, seq, changed.rows, ends))
        if undoing:
            ask_undecided(connection, seq, changed.rows, ends)
        else:
            ask_again(connection, decision_id, seq)
        note_turns(connection, seq)
        return Made(decision_id, seq, {r.id: r.version for r in changed.rows.values()}, [])


def _check(
    connection: Connection, decision_key: int, moved: set[int], decision_id: str
) -> set[int]:
    """Refuse what breaks links that are now in force around a decision's mentions; these."""
    query = select(DecisionLink.a_key, DecisionLink.b_key)
    rows = connection.execute(query.where(DecisionLink.decision_key == decision_key))
    ends = {end for row in rows for end in (row[0], row[1])}
    links = read_links_around(connection, ends | moved)
    refuse_contradictions(connection, links, decision_id)
    require_links_hold(
        connection,
        remove_retired_signatures(connection, links),
        "other decisions depend on this",
        "undo them first",
    )
    return ends | moved
