"""Work for workers: claimed by one process at a time, kept by signs of life, given back.

Runs and models wait in tables of their own with the same columns for this. A claim is one
statement, so two workers never get one job. A worker that holds a job writes a heartbeat; when
that is too old another worker may claim the job. What a worker stores is stored only if its claim
still stands in the same transaction (:func:`hold`), so one that was taken for dead and comes back
changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from service.actors import Actor
from service.database import Database
from service.ledger import EventLog
from service.tables import FittedModel, Run

ATTEMPTS = 3
"""Times that a job is begun before it is given up."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be asked of a worker.

    Attributes
    ----------
    noun : str
        As events and log lines name one.
    table : type
        Where jobs of this kind wait.
    died : str
        What is told when the processes that did one ended without a word too often.
    """

    noun: str
    table: type[Run] | type[FittedModel]
    died: str


RUN = Kind(
    "run",
    Run,
    f"{ATTEMPTS} workers ended without a word while they did this run, most likely for want of "
    "memory; give workers less to use at once (settings memory and workers), then start a new run",
)
MODEL = Kind(
    "model",
    FittedModel,
    "the process that fitted it ended without a word, most likely for want of memory; ask for it "
    "again",
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that a process holds: its ``attempt`` tells this claim from earlier ones."""

    kind: Kind
    key: int
    id: str
    worker: str
    attempt: int


class LostClaim(Exception):
    """The job was cancelled, or another worker has it; what was found must not be stored."""


def take(database: Database, kind: Kind, worker: str, patience: float) -> Claim | None:
    """Take the oldest job that waits, or whose worker gave no sign for ``patience`` seconds.

    Jobs that were begun :data:`ATTEMPTS` times already are told as failed instead.
    """
    table = kind.table
    with database.write() as connection:
        give_up(connection, kind, patience)
        now = moment(connection)
        waiting = (
            select(table.key)
            .where(or_(table.state == "queued", _silent(connection, kind, patience)))
            .order_by(table.key)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        taken = (
            update(table)
            .where(table.key == waiting)
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
        row = connection.execute(taken).one_or_none()
        return None if row is None else Claim(kind, row.key, row.id, worker, row.attempts)


def give_up(connection: Connection, kind: Kind, patience: float) -> None:
    """Tell those as failed whose processes ended without a word too often."""
    table = kind.table
    connection.execute(
        update(table)
        .where(_silent(connection, kind, patience), table.attempts >= ATTEMPTS)
        .values(state="failed", ended_at=moment(connection), claimed_by=None, error=kind.died)
    )


def held(connection: Connection, kind: Kind, id_: str, worker: str) -> Claim:
    """The claim of a process that asked for a job to do it itself."""
    table = kind.table
    row = connection.execute(select(table.key, table.attempts).where(table.id == id_)).one()
    return Claim(kind, row.key, id_, worker, row.attempts)


def beat(database: Database, claim: Claim, stage: str | None, done: int, total: int | None) -> bool:
    """Give a sign of life and tell how far it is; whether the claim still stands."""
    with database.write() as connection:
        values = {"heartbeat_at": moment(connection), "stage": stage, "done": done, "total": total}
        changed = update(claim.kind.table).where(_stands(claim)).values(**values)
        return connection.execute(changed).rowcount == 1


def hold(connection: Connection, claim: Claim) -> Row[Any]:
    """The job's row, locked until the write ends, if the claim still stands.

    Raises
    ------
    LostClaim
        If it does not.
    """
    query = select(claim.kind.table.__table__).where(_stands(claim)).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise LostClaim(claim.id)
    return row


def give_back(database: Database, claim: Claim) -> None:
    """Let another worker have it, as if it had not been begun: this one is told to stop."""
    table = claim.kind.table
    with database.write() as connection:
        connection.execute(
            update(table)
            .where(_stands(claim))
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


def fail(
    database: Database, actor: Actor, claim: Claim, error: str, *, for_good: bool = False
) -> str | None:
    """Tell that it went wrong; it is tried again unless that has happened too often.

    Parameters
    ----------
    for_good : bool
        Whether trying again would find the same.

    Returns
    -------
    str or None
        ``failed`` or ``queued``; None if the claim no longer stands.
    """
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        final = for_good or claim.attempt >= ATTEMPTS
        state = "failed" if final else "queued"
        values = {
            "state": state,
            "claimed_by": None,
            "heartbeat_at": None,
            "error": error,
            "ended_at": ledger.at if final else None,
        }
        changed = update(claim.kind.table).where(_stands(claim)).values(**values)
        if connection.execute(changed).rowcount != 1:
            return None
        told = {"error": error, "state": state}
        ledger.record(f"{claim.kind.noun}-failed", actor, subject=claim.id, after=told)
        return state


def moment(connection: Connection) -> datetime:
    """Now, by the clock that all workers share: that of the server, or of the one machine."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return found.astimezone(UTC)


def _silent(connection: Connection, kind: Kind, patience: float) -> Any:
    since = moment(connection) - timedelta(seconds=patience)
    return and_(kind.table.state == "running", kind.table.heartbeat_at < since)


def _stands(claim: Claim) -> Any:
    table = claim.kind.table
    return and_(
        table.key == claim.key,
        table.state == "running",
        table.claimed_by == claim.worker,
        table.attempts == claim.attempt,
    )
