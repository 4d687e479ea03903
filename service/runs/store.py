"""Clustering runs: create, cancel, list; workers claim them (:mod:`service.job_queue`)."""

from __future__ import annotations

from typing import Any, get_args

from sqlalchemy import Connection, Row, Select, delete, exists, insert, select, update

from service import job_queue
from service.actors import Actor
from service.db import tables
from service.db.database import Database
from service.db.tables import RunArtifact
from service.errors import Conflict, Invalid, NotFound
from service.events.log import EventLog
from service.ids import new_id
from service.runs.results import Run, RunState

FULL, TOUCHED = "full", "touched"
SCOPES = (FULL, TOUCHED)
STATES = get_args(RunState)
MAX_PAGE = 500
"""Most runs of one page."""
MAX_REASON = 2_000
"""Most characters of a reason."""


_VIEW = tuple(getattr(tables.Run, name) for name in Run.__struct_fields__)
_BASIS = select(
    tables.Run.key, tables.Run.id, tables.Run.based_on, tables.Run.summary, tables.Run.model
)


def create_run(
    database: Database, actor: Actor, *, scope: str = TOUCHED, reason: str | None = None
) -> Run:
    """Queue a run for a worker.

    Parameters
    ----------
    scope : str
        ``full``, or ``touched``: only the blocks that changed since the last published run.

    Raises
    ------
    Invalid
        If the scope is unknown, or the reason is too long.
    """
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        return insert_run(event_log, actor, scope=scope, reason=reason)


def insert_run(event_log: EventLog, actor: Actor, *, scope: str, reason: str | None) -> Run:
    """Queue a run within a write that holds the event log; as :func:`create_run`."""
    if scope not in SCOPES:
        raise Invalid(f"unknown scope {scope[:40]!r}", f"use {' or '.join(SCOPES)}", field="scope")
    if reason is not None and len(reason) > MAX_REASON:
        raise Invalid(
            f"the reason has {len(reason):,} characters",
            f"use at most {MAX_REASON:,}",
            field="reason",
        )
    reason = None if reason is None else reason.replace("\0", "\u2400")
    run_id = new_id("r")
    connection = event_log.connection
    connection.execute(
        insert(tables.Run).values(
            id=run_id,
            state="queued",
            scope=scope,
            actor=actor.name,
            reason=reason,
            rebases=0,
            created_at=event_log.at,
            attempts=0,
            done=0,
        )
    )
    event_log.record("run-created", actor, subject=run_id, reason=reason, after={"scope": scope})
    return get_run(connection, run_id)


def get_run(connection: Connection, run_id: str) -> Run:
    """Return one run.

    Raises
    ------
    NotFound
        If no run has that id.
    """
    row = connection.execute(select(*_VIEW).where(tables.Run.id == run_id)).one_or_none()
    if row is None:
        raise _not_found(run_id)
    return Run(**row._mapping)


def get_run_key(connection: Connection, run_id: str) -> int:
    """Return the key of a run; raise as :func:`get_run`."""
    key = connection.scalar(select(tables.Run.key).where(tables.Run.id == run_id))
    if key is None:
        raise _not_found(run_id)
    return key


def list_runs(
    connection: Connection, *, state: str | None = None, before: str | None = None, limit: int = 50
) -> list[Run]:
    """List runs, newest first; only those created before the run ``before``.

    Raises
    ------
    Invalid
        If the state is unknown.
    """
    query: Select[Any] = (
        select(*_VIEW).order_by(tables.Run.key.desc()).limit(min(max(limit, 1), MAX_PAGE))
    )
    if state is not None:
        if state not in STATES:
            raise Invalid(
                f"unknown state {state[:40]!r}", f"use one of {', '.join(STATES)}", field="state"
            )
        query = query.where(tables.Run.state == state)
    if before is not None:
        query = query.where(tables.Run.key < get_run_key(connection, before))
    return [Run(**row._mapping) for row in connection.execute(query)]


def cancel_run(database: Database, actor: Actor, run_id: str, reason: str | None = None) -> Run:
    """Cancel a run that is queued or running, or discard its proposal.

    Raises
    ------
    NotFound
        If no run has that id.
    Conflict
        If the run has ended.
    """
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        run = get_run(connection, run_id)
        if run.state not in ("queued", "running", "proposed"):
            raise Conflict(
                f"run {run_id} is {run.state}",
                "only a run that is queued, running or proposed can be cancelled",
                state=run.state,
            )
        connection.execute(
            update(tables.Run)
            .where(tables.Run.id == run_id)
            .values(state="cancelled", ended_at=event_log.at, claimed_by=None)
        )
        event_log.record(
            "run-cancelled", actor, subject=run_id, reason=reason, before={"state": run.state}
        )
        return get_run(connection, run_id)


def record_basis(database: Database, claim: job_queue.Claim, based_on: int, model: str) -> None:
    """Store the last event and the model digest that a run has read.

    Raises
    ------
    LostClaim
    """
    with database.write() as connection:
        job_queue.lock_claim(connection, claim)
        connection.execute(
            update(tables.Run)
            .where(tables.Run.key == claim.key)
            .values(based_on=based_on, model=model)
        )


def get_last_published(connection: Connection, *, full: bool = False) -> Row[Any] | None:
    """Return the published run (key, id, based_on, summary, model); ``full``: the last full one.

    Runs that were rolled back do not count.
    """
    query = (
        _BASIS.where(tables.Run.state == "published").order_by(tables.Run.event_seq.desc()).limit(1)
    )
    if full:
        # a touched run with nearly all blocks touched was done as a full run
        query = query.where(exists().where(RunArtifact.run_key == tables.Run.key))
    return connection.execute(query).one_or_none()


def get_run_with_statistics(connection: Connection, run_key: int) -> Row[Any] | None:
    """Return a run (as :func:`get_last_published`) if it has statistics, published or not."""
    has_statistics = exists().where(RunArtifact.run_key == tables.Run.key)
    return connection.execute(_BASIS.where(tables.Run.key == run_key, has_statistics)).one_or_none()


def delete_artifacts(connection: Connection, run_key: int) -> None:
    """Delete the stored statistics of a run."""
    connection.execute(delete(RunArtifact).where(RunArtifact.run_key == run_key))


def _not_found(run_id: str) -> NotFound:
    return NotFound(
        f"there is no run {run_id[:80]!r}", "list the runs: disambig run list", field="run"
    )
