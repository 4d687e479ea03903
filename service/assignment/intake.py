"""Store works received over HTTP, then assign their signatures; report on each record."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from service.actors import Actor
from service.assignment.assign import WorkAssigner, assign_works
from service.assignment.policy import Verdict
from service.assignment.result import AssignmentResult
from service.db.bulk import is_in
from service.db.database import Database, split_keys
from service.db.tables import Identity, Membership, Signature
from service.events.log import EventLog
from service.works.load import (
    Delivery,
    LoadReport,
    RowResult,
    close_source,
    open_source,
    store_works,
)
from service.works.name_keys import KeyCache

if TYPE_CHECKING:
    from disambig.ingest import Row

MENTIONS_AT_ONCE = 20_000
"""Most signatures in one transaction, during which other writers wait."""
SECONDS = 20.0
"""Time limit for assignment; the remaining works wait for the next run."""
PLACED_AT_ONCE = 20
"""Works between two checks of the time limit."""


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """Result of one record.

    Attributes
    ----------
    row : Row
        The record as it was read.
    result : RowResult or None
        Result of storing it; None if it could not be read.
    placements : list of Assigned or None
        Its authors with their verdicts; None if nothing was assigned.
    """

    row: Row
    result: RowResult | None
    placements: list[AssignmentResult] | None

    @property
    def status(self) -> str:
        """``created``, ``changed``, ``unchanged`` or ``rejected``."""
        return "rejected" if self.result is None else self.result.status


def store_and_assign(
    database: Database, actor: Actor, label: str, rows: Sequence[Row], assigner: WorkAssigner | None
) -> list[RecordOutcome]:
    """Store the readable records in batches, then assign their signatures.

    Safe to interrupt and repeat: stored records are unchanged, and unassigned signatures are
    assigned.

    Parameters
    ----------
    label : str
        Label of the delivery in the log.
    rows : sequence of Row
    placer : Placer or None
        None: leave the signatures to the next run.
    """
    readable = [row for row in rows if row.received is not None]
    stored = _store_records(database, actor, label, readable, n_bad=len(rows) - len(readable))
    results = dict(zip((id(row) for row in readable), stored, strict=True))
    assignments: dict[int, list[AssignmentResult]] = {}
    if assigner is not None:
        keys = [r.work_key for r in stored if r.work_key is not None]
        assignments = _assign(database, assigner, actor, list(dict.fromkeys(keys)))
    outcomes = []
    for row in rows:
        result = results.get(id(row))
        key = None if result is None else result.work_key
        outcomes.append(RecordOutcome(row, result, None if key is None else assignments.get(key)))
    return outcomes


def count_by_status(outcomes: Iterable[RecordOutcome]) -> dict[str, int]:
    """Count records by status."""
    by_status = Counter(outcome.status for outcome in outcomes)
    return {name: by_status[name] for name in ("created", "changed", "unchanged", "rejected")}


def count_verdicts(outcomes: Iterable[RecordOutcome]) -> dict[str, int]:
    """Count authors by verdict."""
    by_verdict = Counter(p.verdict for outcome in outcomes for p in outcome.placements or ())
    return {verdict.value: by_verdict[verdict] for verdict in Verdict}


def _store_records(
    database: Database, actor: Actor, label: str, rows: Sequence[Row], n_bad: int
) -> list[RowResult]:
    delivery = Delivery("request", label, "native")
    cache = KeyCache()
    results: list[RowResult] = []
    report = LoadReport(rejected=n_bad)
    with database.write() as connection:
        source_key = open_source(connection, EventLog.lock(connection), actor, delivery)
    for batch in _split_into_batches(rows):
        received = [row.received for row in batch if row.received is not None]
        with database.write() as connection:
            ledger = EventLog.lock(connection)
            batch_results = store_works(connection, ledger, source_key, received, actor, cache)
        results += batch_results
        report = report.add_results(batch_results)
        cache.trim()
    with database.write() as connection:
        close_source(connection, EventLog.lock(connection), source_key, report)
    return results


def _split_into_batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    n_signatures = 0
    for row in rows:
        batch.append(row)
        n_signatures += 10 if row.received is None else 10 + len(row.received.work.authors)
        if n_signatures >= MENTIONS_AT_ONCE:
            yield batch
            batch, n_signatures = [], 0
    if batch:
        yield batch


def _assign(
    database: Database, assigner: WorkAssigner, actor: Actor, keys: Sequence[int]
) -> dict[int, list[AssignmentResult]]:
    with database.read() as connection:
        published = _read_published(connection, keys)
    unassigned = [key for key in keys if any(m.identity is None for m in published.get(key, ()))]
    assignments: dict[int, list[AssignmentResult]] = {}
    if unassigned and assigner.warm_up():
        started = time.monotonic()
        for batch in split_keys(unassigned, PLACED_AT_ONCE):
            seconds_left = SECONDS - (time.monotonic() - started)
            if seconds_left <= 0:
                break
            assignments |= assign_works(assigner, actor, batch, seconds=seconds_left)
    return {key: assignments.get(key, published.get(key, [])) for key in keys}


def _read_published(
    connection: Connection, keys: Sequence[int]
) -> Mapping[int, list[AssignmentResult]]:
    """Read the signatures of works with the identities that they are published under."""
    rows = connection.execute(
        select(
            Signature.work_key,
            Signature.position,
            Signature.printed,
            Identity.id,
            Membership.confidence,
        )
        .outerjoin(Membership, Membership.signature_key == Signature.key)
        .outerjoin(Identity, Identity.key == Membership.identity_key)
        .where(is_in(connection, Signature.work_key, keys), Signature.retired_version.is_(None))
        .order_by(Signature.work_key, Signature.position)
    )
    results: dict[int, list[AssignmentResult]] = {}
    for work_key, position, printed, identity, confidence in rows:
        verdict = Verdict.LATER if identity is None else Verdict.KNOWN
        result = AssignmentResult(position, printed, verdict, identity, confidence)
        results.setdefault(work_key, []).append(result)
    return results
