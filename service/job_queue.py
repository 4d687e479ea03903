"""Job queue for workers: claim, heartbeat, release.

The queues are the tables of runs and of models, which share the required columns. A claim is one
statement, so two workers never claim the same job. The worker that holds a job updates its
heartbeat; when the heartbeat is too old, another worker may claim the job. Results are stored only
if the claim is still valid in the same transaction (:func:`lock_claim`), so a worker that was
presumed dead and continues cannot store anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from service.actors import Actor
from service.db.database import Database
from service.db.tables import FittedModel, Run
from service.events.log import EventLog

MAX_ATTEMPTS = 3
"""Attempts before a job is marked as failed."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job.

    Attributes
    ----------
    noun : str
        Name in events and log lines.
    table : type
        Table that queues jobs of this kind.
    death_message : str
        Error of a job whose worker processes died too often.
    """

    noun: str
    table: type[Run] | type[FittedModel]
    death_message: str


RUN = JobKind(
    "run",
    Run,
    f"{MAX_ATTEMPTS} workers died during this run, most likely out of memory; "
    "reduce the settings memory and workers, then start a new run",
)
MODEL = JobKind(
    "model",
    FittedModel,
    "the process that fitted the model died, most likely out of memory; request the model again",
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A job claimed by a process; ``attempt`` distinguishes it from earlier claims."""

    kind: JobKind
    key: int
    id: str
    worker: str
    attempt: int


class LostClaim(Exception):
    """The job was cancelled or claimed by another worker; results must not be stored."""


def claim_job(database: Database, kind: JobKind, worker: str, timeout: float) -> Claim | None:
    """Claim the oldest job that is queued or has had no heartbeat for ``timeout`` seconds.

    Jobs already attempted :data:`MAX_ATTEMPTS` times are marked as failed instead.
    """
    table = kind.table
    with database.write() as connection:
        fail_abandoned_jobs(connection, kind, timeout)
        now = read_clock(connection)
        oldest_key = (
            select(table.key)
            .where(or_(table.state == "queued", _has_expired(connection, kind, timeout)))
            .order_by(table.key)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        statement = (
            update(table)
            .where(table.key == oldest_key)
            .values(
                state="running",
                claimed_by=worker,
                heartbeat_at=now,
                attempts=table.attempts + 1,
                started_at=func.coalesce(table.started_at, now),
                ended_at=None,
                stage=None,
                done=0,
                total=None,
                error=None,
            )
            .returning(table.key, table.id, table.attempts)
        )
        row = connection.execute(statement).one_or_none()
        return None if row is None else Claim(kind, row.key, row.id, worker, row.attempts)


def fail_abandoned_jobs(connection: Connection, kind: JobKind, timeout: float) -> None:
    """Mark jobs as failed whose worker processes died too often."""
    table = kind.table
    connection.execute(
        update(table)
        .where(_has_expired(connection, kind, timeout), table.attempts >= MAX_ATTEMPTS)
        .values(
            state="failed",
            ended_at=read_clock(connection),
            claimed_by=None,
            error=kind.death_message,
        )
    )


def get_claim(connection: Connection, kind: JobKind, id_: str, worker: str) -> Claim:
    """Return the claim of a process that queued a job for itself."""
    table = kind.table
    row = connection.execute(select(table.key, table.attempts).where(table.id == id_)).one()
    return Claim(kind, row.key, id_, worker, row.attempts)


def record_heartbeat(
    database: Database, claim: Claim, stage: str | None, done: int, total: int | None
) -> bool:
    """Update the heartbeat and the progress; return whether the claim is still valid."""
    with database.write() as connection:
        values = {
            "heartbeat_at": read_clock(connection),
            "stage": stage,
            "done": done,
            "total": total,
        }
        statement = update(claim.kind.table).where(_is_current(claim)).values(**values)
        return connection.execute(statement).rowcount == 1


def lock_claim(connection: Connection, claim: Claim) -> Row[Any]:
    """Lock the row of a claimed job until the transaction ends, and return it.

    Raises
    ------
    LostClaim
        The claim is no longer valid.
    """
    query = select(claim.kind.table.__table__).where(_is_current(claim)).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise LostClaim(claim.id)
    return row


def release(database: Database, claim: Claim) -> None:
    """Return the job to the queue without counting the attempt."""
    table = claim.kind.table
    with database.write() as connection:
        connection.execute(
            update(table)
            .where(_is_current(claim))
            .values(
                state="queued",
                claimed_by=None,
                heartbeat_at=None,
                attempts=table.attempts - 1,
                stage=None,
                done=0,
                total=None,
            )
        )


def record_failure(
    database: Database, actor: Actor, claim: Claim, error: str, *, permanent: bool = False
) -> str | None:
    """Record a failure; the job is queued again unless it failed too often.

    Parameters
    ----------
    permanent : bool
        Whether a retry would fail the same way.

    Returns
    -------
    str or None
        ``failed`` or ``queued``; None if the claim is no longer valid.
    """
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        is_final = permanent or claim.attempt >= MAX_ATTEMPTS
        state = "failed" if is_final else "queued"
        values = {
            "state": state,
            "claimed_by": None,
            "heartbeat_at": None,
            "error": error,
            "ended_at": event_log.at if is_final else None,
        }
        statement = update(claim.kind.table).where(_is_current(claim)).values(**values)
        if connection.execute(statement).rowcount != 1:
            return None
        event_data = {"error": error, "state": state}
        event_log.record(f"{claim.kind.noun}-failed", actor, subject=claim.id, after=event_data)
        return state


def read_clock(connection: Connection) -> datetime:
    """Return the current time of the database server, or of the machine with SQLite."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    server_time: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return server_time.astimezone(UTC)


def _has_expired(connection: Connection, kind: JobKind, timeout: float) -> Any:
    oldest = read_clock(connection) - timedelta(seconds=timeout)
    return and_(kind.table.state == "running", kind.table.heartbeat_at < oldest)


def _is_current(claim: Claim) -> Any:
    table = claim.kind.table
    return and_(
        table.key == claim.key,
        table.state == "running",
        table.claimed_by == claim.worker,
        table.attempts == claim.attempt,
    )
