"""Scheduled runs and removal of stale proposals.

Only proposals and artifacts of runs are removed, never published data.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, case, delete, exists, or_, select, update

from service.actors import Actor
from service.db.database import Database
from service.db.tables import (
    Block,
    Decision,
    Proposal,
    ProposalChange,
    ProposalGroup,
    Run,
    RunArtifact,
    State,
)
from service.events.log import EventLog
from service.runs import results
from service.runs.store import TOUCHED, delete_artifacts, insert_run

MAX_KEPT = 3
"""Number of newest proposals kept after a later run was published, and of newest published runs
whose proposals are kept, so that a run that was rolled back can be published again."""


def schedule_run(database: Database, actor: Actor, hours: float) -> results.Run | None:
    """Queue a run over touched blocks if the last run is old enough and anything changed.

    Several workers may call this at once: only one run is queued.
    """
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        states = ("queued", "running", "proposed", "published")
        last = connection.execute(
            select(Run.state, Run.created_at, Run.based_on)
            .where(Run.state.in_(states))
            .order_by(Run.key.desc())
            .limit(1)
        ).one_or_none()
        if last is not None:
            if last.state in ("queued", "running"):
                return None
            if event_log.at - last.created_at < timedelta(hours=hours):
                return None
        since = 0 if last is None else last.based_on or 0
        if not has_changes_since(connection, since):
            return None
        return insert_run(event_log, actor, scope=TOUCHED, reason=f"every {hours:g} hours")


def has_changes_since(connection: Connection, seq: int) -> bool:
    """Return whether works or decisions changed after an event."""
    touched_blocks = select(Block.key).where(Block.touched > seq).limit(1)
    new_decisions = (
        select(Decision.key)
        .where(or_(Decision.event_seq > seq, Decision.undone_seq > seq))
        .limit(1)
    )
    return any(connection.scalar(query) is not None for query in (touched_blocks, new_decisions))


def remove_stale_proposals(database: Database, actor: Actor) -> int:
    """Remove proposals that can no longer be published; return the number of their runs.

    Published data is never removed. Proposals older than the published run become
    ``superseded``, except the newest :data:`MAX_KEPT`. Statistics are kept of the newest two
    published runs that stored any, and of pending runs.
    """
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        current = connection.scalar(select(State.publication_run)) or 0
        _supersede_proposals(event_log, actor, current)
        discarded_keys = _list_run_keys(connection, ("failed", "cancelled", "superseded"))
        published_keys = _list_run_keys(connection, ("published", "rolled-back"))
        with_proposals = _list_runs_in(connection, ProposalGroup)
        emptied_keys = sorted(
            (set(discarded_keys) | set(published_keys[MAX_KEPT:])) & with_proposals
        )
        for key in emptied_keys:
            for table in (Proposal, ProposalGroup):
                connection.execute(delete(table).where(table.run_key == key))
            if key in discarded_keys:
                connection.execute(delete(ProposalChange).where(ProposalChange.run_key == key))
        needed_keys = _find_needed_runs(connection)
        for key in _list_runs_in(connection, RunArtifact) - needed_keys:
            delete_artifacts(connection, key)
        return len(emptied_keys)


def list_runs_with_statistics(connection: Connection) -> set[str]:
    """Return the ids of the runs whose statistics are kept."""
    needed_keys = _find_needed_runs(connection)
    return set(connection.scalars(select(Run.id).where(Run.key.in_(needed_keys))))


def _supersede_proposals(event_log: EventLog, actor: Actor, current: int) -> None:
    connection = event_log.connection
    older = connection.execute(
        select(Run.key, Run.id)
        .where(Run.state == "proposed")
        .order_by(Run.key.desc())
        .offset(MAX_KEPT)
    )
    for key, run_id in older.all():
        if key < current:
            connection.execute(
                update(Run).where(Run.key == key).values(state="superseded", ended_at=event_log.at)
            )
            event_log.record("run-superseded", actor, subject=run_id)


def _find_needed_runs(connection: Connection) -> set[int]:
    """Return runs whose statistics are needed: two published ones and all pending ones."""
    with_artifacts = _list_runs_in(connection, RunArtifact)
    published_keys = [
        key
        for key in _list_run_keys(connection, ("published", "rolled-back"))
        if key in with_artifacts
    ]
    pending_keys = with_artifacts & set(
        _list_run_keys(connection, ("queued", "running", "proposed"))
    )
    return {*published_keys[:2], *pending_keys}


def _list_run_keys(connection: Connection, states: tuple[str, ...]) -> list[int]:
    """List keys of runs in ``states``, last published first, then newest."""
    rank = case((Run.event_seq.is_(None), 0), else_=Run.event_seq)
    query = select(Run.key).where(Run.state.in_(states)).order_by(rank.desc(), Run.key.desc())
    return list(connection.scalars(query))


def _list_runs_in(
    connection: Connection, table: type[ProposalGroup] | type[RunArtifact]
) -> set[int]:
    """Return the keys of runs with rows in a table."""
    return set(connection.scalars(select(Run.key).where(exists().where(table.run_key == Run.key))))
