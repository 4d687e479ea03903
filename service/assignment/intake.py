"""Store works received over HTTP, then assign their signatures; report on each record."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast, get_args

from sqlalchemy import Connection, select

from disambig.console import escape_text
from service.actors import Actor
from service.assignment.assign import WorkAssigner, assign_works, preview_assignment
from service.assignment.policy import PlacementVerdict, make_placement
from service.assignment.results import (
    AssignedRow,
    DryRun,
    Intake,
    Outcome,
    Placement,
    Repair,
    RowError,
    VerdictName,
    WorkRow,
)
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

SIGNATURES_AT_ONCE = 20_000
"""Most signatures in one transaction, during which other writers wait."""
MAX_SECONDS = 20.0
"""Time limit for assignment; the remaining works wait for the next run."""
WORKS_AT_ONCE = 20
"""Works between two checks of the time limit."""


def store_and_assign(
    database: Database, actor: Actor, label: str, rows: Sequence[Row], assigner: WorkAssigner | None
) -> Intake:
    """Store the readable records in batches, then assign their signatures.

    Safe to interrupt and repeat: stored records are unchanged, and unassigned signatures are
    assigned.

    Parameters
    ----------
    label : str
        Label of the delivery in the event log.
    rows : sequence of Row
        Records as they were read.
    assigner : WorkAssigner or None
        None: leave the signatures to the next run.
    """
    readable = [row for row in rows if row.received is not None]
    results = _store_records(database, actor, label, readable, n_bad=len(rows) - len(readable))
    result_of = dict(zip((id(row) for row in readable), results, strict=True))
    placements: dict[int, list[Placement]] = {}
    if assigner is not None:
        keys = [r.work_key for r in results if r.work_key is not None]
        placements = _assign(database, assigner, actor, list(dict.fromkeys(keys)))
    work_rows = [_make_row(row, result_of.get(id(row)), placements) for row in rows]
    by_outcome = Counter(row.outcome for row in work_rows)
    by_verdict = Counter(p.verdict for row in work_rows for p in row.placements or ())
    return Intake(
        counts={name: by_outcome[name] for name in get_args(Outcome)},
        mentions={name: by_verdict[name] for name in get_args(VerdictName)},
        rows=work_rows,
    )


def preview_rows(assigner: WorkAssigner, rows: Sequence[Row]) -> DryRun:
    """Assign the signatures of records without storing anything.

    Raises
    ------
    Conflict
        If no run has been published yet.
    """
    return DryRun(
        rows=[
            AssignedRow(
                line=row.line,
                id=row.id,
                placements=None
                if row.received is None
                else preview_assignment(assigner, row.received.work),
                error=None if row.received is not None else _make_error(row),
            )
            for row in rows
        ]
    )


def _make_row(
    row: Row, result: RowResult | None, placements: Mapping[int, Sequence[Placement]]
) -> WorkRow:
    error = None if row.received is not None else _make_error(row)
    if result is not None and result.status == "rejected":
        error = _make_error(result)
    key = None if result is None else result.work_key
    return WorkRow(
        line=row.line,
        id=row.id,
        outcome="rejected" if result is None else cast(Outcome, result.status),
        version=None if result is None else result.version,
        placements=None if key is None else placements.get(key),
        repairs=[Repair(field=r.field, problem=r.problem, done=r.fix) for r in row.repairs],
        error=error,
    )


def _make_error(rejected_row: Row | RowResult) -> RowError:
    return RowError(
        field=escape_text(rejected_row.field),
        problem=escape_text(rejected_row.problem),
        remedy=escape_text(rejected_row.remedy),
    )


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
            event_log = EventLog.lock(connection)
            batch_results = store_works(connection, event_log, source_key, received, actor, cache)
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
        if n_signatures >= SIGNATURES_AT_ONCE:
            yield batch
            batch, n_signatures = [], 0
    if batch:
        yield batch


def _assign(
    database: Database, assigner: WorkAssigner, actor: Actor, keys: Sequence[int]
) -> dict[int, list[Placement]]:
    with database.read() as connection:
        published = _read_published(connection, keys)
    unassigned = [key for key in keys if any(m.identity is None for m in published.get(key, ()))]
    assignments: dict[int, list[Placement]] = {}
    if unassigned and assigner.warm_up():
        started = time.monotonic()
        for batch in split_keys(unassigned, WORKS_AT_ONCE):
            seconds_left = MAX_SECONDS - (time.monotonic() - started)
            if seconds_left <= 0:
                break
            assignments |= assign_works(assigner, actor, batch, seconds=seconds_left)
    return {key: assignments.get(key, published.get(key, [])) for key in keys}


def _read_published(connection: Connection, keys: Sequence[int]) -> Mapping[int, list[Placement]]:
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
    results: dict[int, list[Placement]] = {}
    for work_key, position, printed, identity, confidence in rows:
        verdict = PlacementVerdict.LATER if identity is None else PlacementVerdict.KNOWN
        result = make_placement(
            position, printed, verdict, identity=identity, probability=confidence
        )
        results.setdefault(work_key, []).append(result)
    return results
