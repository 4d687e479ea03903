"""Store works and their versions, and touch the blocks that they change.

A record that equals the stored version changes nothing, so any delivery may be repeated.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, and_, insert, select, update

from disambig.ingest import ReceivedWork, dump_work
from service.actors import Actor
from service.db.bulk import is_in, update_rows
from service.db.database import Database, allocate_keys, insert_rows
from service.db.tables import Source, Work, WorkVersion
from service.events.log import EventLog
from service.text import to_storable
from service.works.name_keys import KeyCache
from service.works.signatures import CurrentVersion, store_signatures

__all__ = [
    "Delivery",
    "LoadReport",
    "ReceivedWork",
    "RowResult",
    "close_source",
    "load_works",
    "open_source",
    "store_works",
]

WORKS_AT_ONCE = 5_000
"""Most works in one transaction; fewer if they are large."""
SIGNATURES_AT_ONCE = 60_000
CHARACTERS_AT_ONCE = 64 * 2**20
MAX_ID_LENGTH = 512
"""Most characters of a work's id, as in the reader: what PostgreSQL can index."""
LARGEST_INTEGER = 2**31 - 1
MAX_REJECTS = 100


@dataclass(frozen=True, slots=True)
class Delivery:
    """Source of works; ``kind`` is ``file``, ``folder``, ``files`` or ``request``."""

    kind: str
    label: str
    format: str = "auto"


@dataclass(frozen=True, slots=True)
class RowResult:
    """Result of storing one record.

    Attributes
    ----------
    id : str
        Id of the work.
    status : str
        ``created``, ``changed``, ``unchanged`` or ``rejected``.
    version : int or None
        The version that holds the record; None for a rejected record.
    work_key : int or None
        Key of the work, for use within the service; None for a rejected record.
    problem, remedy, field : str
        Why the record was rejected.
    """

    id: str
    status: str
    version: int | None = None
    work_key: int | None = None
    problem: str = ""
    remedy: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Number of records of a delivery by status, and the first rejected records."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejects: tuple[RowResult, ...] = ()

    @property
    def total(self) -> int:
        """Number of all records."""
        return self.created + self.changed + self.unchanged + self.rejected

    def count_by_status(self) -> dict[str, int]:
        """Return the number of records by status."""
        names = ("created", "changed", "unchanged", "rejected")
        return {name: getattr(self, name) for name in names}

    def add_results(self, results: Iterable[RowResult]) -> LoadReport:
        """Return the report with more results added."""
        rows = list(results)
        by_status = Counter(row.status for row in rows)
        rejects = (*self.rejects, *(row for row in rows if row.status == "rejected"))
        counts = {name: n + by_status[name] for name, n in self.count_by_status().items()}
        return replace(self, **counts, rejects=rejects[:MAX_REJECTS])


def load_works(
    database: Database,
    actor: Actor,
    delivery: Delivery,
    records: Iterable[ReceivedWork],
    progress: Callable[[int], None] | None = None,
) -> LoadReport:
    """Store a delivery in transactions of some thousand works.

    Load an interrupted delivery again from its start: records that are stored count as
    unchanged. (If a delivery holds two different records of one id, each load adds a version
    for both.)

    Parameters
    ----------
    database : Database
    actor : Actor
    delivery : Delivery
    records : iterable of ReceivedWork
        Iterated once, lazily.
    progress : callable, optional
        Called with the number of records of each committed transaction.

    Raises
    ------
    Unavailable
        If the database cannot be used; transactions committed before remain.
    """
    with database.write() as connection:
        source_key = open_source(connection, EventLog.lock(connection), actor, delivery)
    report, key_cache = LoadReport(), KeyCache()
    for batch in _split_into_batches(records):
        with database.write() as connection:
            event_log = EventLog.lock(connection)
            results = store_works(connection, event_log, source_key, batch, actor, key_cache)
            report = report.add_results(results)
            _store_counts(connection, source_key, report)
        key_cache.trim()
        if progress is not None:
            progress(len(batch))
    with database.write() as connection:
        close_source(connection, EventLog.lock(connection), source_key, report)
    return report


def open_source(
    connection: Connection, event_log: EventLog, actor: Actor, delivery: Delivery
) -> int:
    """Store the start of a delivery; return its key."""
    return connection.scalars(
        insert(Source)
        .values(
            kind=delivery.kind,
            label=to_storable(delivery.label),
            format=delivery.format,
            actor=actor.name,
            began_at=event_log.at,
            counts=LoadReport().count_by_status(),
        )
        .returning(Source.key)
    ).one()


def close_source(
    connection: Connection, event_log: EventLog, source_key: int, report: LoadReport
) -> None:
    """Store the end of a delivery and its counts by status."""
    _store_counts(connection, source_key, report)
    connection.execute(update(Source).where(Source.key == source_key).values(ended_at=event_log.at))


def _store_counts(connection: Connection, source_key: int, report: LoadReport) -> None:
    counts = report.count_by_status()
    connection.execute(update(Source).where(Source.key == source_key).values(counts=counts))


def _split_into_batches(records: Iterable[ReceivedWork]) -> Iterator[list[ReceivedWork]]:
    """Yield the records of one transaction at a time, limited by number and by size."""
    batch: list[ReceivedWork] = []
    n_signatures = n_characters = 0
    for received in records:
        batch.append(received)
        n_signatures += len(received.work.authors)
        n_characters += len(received.raw or "") or len(received.work.abstract or "")
        is_full = n_signatures >= SIGNATURES_AT_ONCE or n_characters >= CHARACTERS_AT_ONCE
        if is_full or len(batch) >= WORKS_AT_ONCE:
            yield batch
            batch, n_signatures, n_characters = [], 0, 0
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _ValidRecord:
    """A valid record in its stored form, with its digest."""

    received: ReceivedWork
    record: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class _NewVersion:
    """A record to store as a new version of a work."""

    row: _ValidRecord
    work_key: int
    version: int


def store_works(
    connection: Connection,
    event_log: EventLog,
    source_key: int,
    records: Sequence[ReceivedWork],
    actor: Actor,
    key_cache: KeyCache | None = None,
) -> list[RowResult]:
    """Store records within a write that holds the event log; return results in their order.

    Each different record of one work becomes a version; the last is the current one. One event
    ``works-loaded`` records the counts and touches the blocks of all new, changed and retired
    signatures.

    Parameters
    ----------
    connection : Connection
    event_log : EventLog
    source_key : int
        From :func:`open_source`.
    records : sequence of ReceivedWork
    actor : Actor
    key_cache : KeyCache, optional
        Keys read or created in earlier transactions.
    """
    if not records:
        return []
    rows = [_validate_record(received) for received in records]
    ids = {row.received.work.id for row in rows if isinstance(row, _ValidRecord)}
    stored_versions = _read_stored_versions(connection, ids)
    new_ids = dict.fromkeys(
        row.received.work.id
        for row in rows
        if isinstance(row, _ValidRecord) and row.received.work.id not in stored_versions
    )
    new_keys = dict(zip(new_ids, allocate_keys(connection, Work, len(new_ids)), strict=True))
    results, versions = _plan_versions(rows, stored_versions, new_keys)
    counts = LoadReport().add_results(results).count_by_status()
    seq = event_log.record("works-loaded", actor, after=dict(counts))
    latest_versions = {version.work_key: version for version in versions}
    created_keys = set(new_keys.values())
    _store_works(connection, event_log, latest_versions.values(), created_keys)
    _store_versions(connection, event_log, source_key, versions)
    current_versions = [
        CurrentVersion(key, version.version, version.row.received.work, key in created_keys)
        for key, version in latest_versions.items()
    ]
    store_signatures(connection, event_log, seq, current_versions, key_cache or KeyCache())
    return results


def _validate_record(received: ReceivedWork) -> _ValidRecord | RowResult:
    """Return the record in its stored form, or a rejection with its reason."""
    work = received.work
    rejection = _find_problem(received)
    if rejection is None:
        try:
            record = dump_work(work)
        except TypeError:
            rejection = (
                "work",
                "it holds a lone surrogate (half a character)",
                "write it as UTF-8",
            )
        else:
            return _ValidRecord(received, record.decode(), hashlib.sha256(record).digest())
    field, problem, remedy = rejection
    return RowResult(to_storable(work.id), "rejected", None, None, problem, remedy, field)


def _find_problem(received: ReceivedWork) -> tuple[str, str, str] | None:
    work = received.work
    if not work.id.strip() or not work.id.isprintable():
        return "id", "it is empty or not printable", "give each work its own visible id"
    if len(work.id) > MAX_ID_LENGTH:
        return (
            "id",
            f"it is {len(work.id):,} characters long, more than {MAX_ID_LENGTH}",
            "give the work a shorter id",
        )
    if work.year is not None and abs(work.year) > LARGEST_INTEGER:
        return "year", "the year is out of range", "give four digits, or leave it out"
    if work.citations is not None and not 0 <= work.citations < 2**63:
        return (
            "citations",
            "the number of citations is negative or too large",
            "correct it or leave it out",
        )
    return None


def _read_stored_versions(
    connection: Connection, ids: Iterable[str]
) -> dict[str, tuple[int, int, bytes]]:
    """Read key, version and digest of the stored works among some ids."""
    stored_versions: dict[str, tuple[int, int, bytes]] = {}
    current = and_(WorkVersion.work_key == Work.key, WorkVersion.version == Work.version)
    query = select(Work.id, Work.key, Work.version, WorkVersion.digest).join(WorkVersion, current)
    rows = connection.execute(query.where(is_in(connection, Work.id, sorted(ids))))
    for identifier, key, version, digest in rows:
        stored_versions[identifier] = key, version, digest
    return stored_versions


def _plan_versions(
    rows: Sequence[_ValidRecord | RowResult],
    stored_versions: Mapping[str, tuple[int, int, bytes]],
    new_keys: Mapping[str, int],
) -> tuple[list[RowResult], list[_NewVersion]]:
    """Return the result of each row and the versions to store, in the order of the rows."""
    latest = dict(stored_versions)
    results: list[RowResult] = []
    versions: list[_NewVersion] = []
    for row in rows:
        if isinstance(row, RowResult):
            results.append(row)
            continue
        identifier = row.received.work.id
        key, version, digest = latest.get(identifier, (0, 0, b""))
        if digest == row.digest:
            results.append(RowResult(identifier, "unchanged", version, key))
            continue
        key = key or new_keys[identifier]
        latest[identifier] = key, version + 1, row.digest
        versions.append(_NewVersion(row, key, version + 1))
        status = "changed" if version else "created"
        results.append(RowResult(identifier, status, version + 1, key))
    return results, versions


_WORK_COLUMNS = ("version", "title", "venue", "year", "citations", "n_authors", "changed_at")
"""Columns that are copied from the current version."""


def _store_works(
    connection: Connection,
    event_log: EventLog,
    versions: Iterable[_NewVersion],
    created_keys: set[int],
) -> None:
    new_rows: list[tuple[object, ...]] = []
    changed_rows: list[tuple[object, ...]] = []
    for version in versions:
        work = version.row.received.work
        venue = to_storable(work.venue) if work.venue is not None else None
        values = (
            version.version,
            to_storable(work.title),
            venue,
            work.year,
            work.citations,
            len(work.authors),
            event_log.at,
        )
        if version.work_key in created_keys:
            new_rows.append((version.work_key, work.id, event_log.at, *values))
        else:
            changed_rows.append((version.work_key, *values))
    insert_rows(connection, Work, ("key", "id", "added_at", *_WORK_COLUMNS), new_rows)
    update_rows(connection, Work, _WORK_COLUMNS, changed_rows)


def _store_versions(
    connection: Connection, event_log: EventLog, source_key: int, versions: Iterable[_NewVersion]
) -> None:
    def iterate_rows() -> Iterator[tuple[object, ...]]:
        for version in versions:
            row = version.row
            raw = row.received.raw
            raw_text = None if raw is None or raw == row.record else to_storable(raw)
            line = min(max(row.received.line, 0), LARGEST_INTEGER)
            yield (
                version.work_key,
                version.version,
                source_key,
                line,
                event_log.at,
                row.digest,
                row.record,
                raw_text,
            )

    insert_rows(
        connection,
        WorkVersion,
        ("work_key", "version", "source_key", "line", "received_at", "digest", "record", "raw"),
        iterate_rows(),
    )
