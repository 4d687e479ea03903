"""Works into the database: new ones, new versions of known ones, and what they change.

A work that is delivered again as it is stored changes nothing, so any delivery may be repeated.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, and_, insert, select, update

from disambig.ingest import Received, dump_work
from service.actors import Actor
from service.database import Database, insert_rows, take_keys
from service.ledger import EventLog
from service.lookup import Lookup
from service.names import storable
from service.sets import among, update_rows
from service.signatures import Fresh, write_signatures
from service.tables import Source, Work, WorkVersion

__all__ = [
    "Delivery",
    "LoadReport",
    "Received",
    "RowResult",
    "close_source",
    "load_works",
    "open_source",
    "store_works",
]

WORKS_AT_ONCE = 5_000
"""Works of one transaction, unless they are large."""
MENTIONS_AT_ONCE = 60_000
CHARACTERS_AT_ONCE = 64 * 2**20
LONGEST_ID = 512
"""Characters of a work's id, as in the reader: what PostgreSQL can index."""
LARGEST_INTEGER = 2**31 - 1
REJECTS_TOLD = 100


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a source of works is: ``kind`` is ``file``, ``folder``, ``files`` or ``request``."""

    kind: str
    label: str
    format: str = "auto"


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one record.

    Attributes
    ----------
    id : str
        The work's.
    status : str
        ``created``, ``changed``, ``unchanged`` or ``rejected``.
    version : int or None
        The version that holds the record; None for a rejected one.
    work_key : int or None
        For use within the service.
    problem, remedy, field : str
        Why it was rejected.
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
    """Records of a delivery by what became of them; the first of the rejected ones."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejects: tuple[RowResult, ...] = ()

    @property
    def total(self) -> int:
        """All records."""
        return self.created + self.changed + self.unchanged + self.rejected

    def counts(self) -> dict[str, int]:
        """The numbers by name."""
        names = ("created", "changed", "unchanged", "rejected")
        return {name: getattr(self, name) for name in names}

    def plus(self, results: Iterable[RowResult]) -> LoadReport:
        """The report with more results."""
        rows = list(results)
        found = Counter(row.status for row in rows)
        rejects = (*self.rejects, *(row for row in rows if row.status == "rejected"))
        counts = {name: n + found[name] for name, n in self.counts().items()}
        return replace(self, **counts, rejects=rejects[:REJECTS_TOLD])


def load_works(
    database: Database,
    actor: Actor,
    delivery: Delivery,
    records: Iterable[Received],
    progress: Callable[[int], None] | None = None,
) -> LoadReport:
    """Store a delivery, some thousand works a transaction.

    A delivery that broke off is simply loaded again: what is there already is unchanged. (Where
    a delivery holds one id twice, with different records, each is one more version each time.)

    Parameters
    ----------
    database : Database
    actor : Actor
    delivery : Delivery
    records : iterable of Received
        Read once, as needed.
    progress : callable, optional
        Called with the number of records of each committed transaction.

    Raises
    ------
    Unavailable
        If the database cannot be used; the transactions before stay.
    """
    with database.write() as connection:
        source_key = open_source(connection, EventLog.lock(connection), actor, delivery)
    report, lookup = LoadReport(), Lookup()
    for some in _chunks(records):
        with database.write() as connection:
            ledger = EventLog.lock(connection)
            results = store_works(connection, ledger, source_key, some, actor, lookup)
            report = report.plus(results)
            _count(connection, source_key, report)
        lookup.trim()
        if progress is not None:
            progress(len(some))
    with database.write() as connection:
        close_source(connection, EventLog.lock(connection), source_key, report)
    return report


def open_source(connection: Connection, ledger: EventLog, actor: Actor, delivery: Delivery) -> int:
    """Register a delivery that begins; its key."""
    return connection.scalars(
        insert(Source)
        .values(
            kind=delivery.kind,
            label=storable(delivery.label),
            format=delivery.format,
            actor=actor.name,
            began_at=ledger.at,
            counts=LoadReport().counts(),
        )
        .returning(Source.key)
    ).one()


def close_source(
    connection: Connection, ledger: EventLog, source_key: int, report: LoadReport
) -> None:
    """Note that a delivery has ended, with what became of its records."""
    _count(connection, source_key, report)
    connection.execute(update(Source).where(Source.key == source_key).values(ended_at=ledger.at))


def _count(connection: Connection, source_key: int, report: LoadReport) -> None:
    counts = report.counts()
    connection.execute(update(Source).where(Source.key == source_key).values(counts=counts))


def _chunks(records: Iterable[Received]) -> Iterator[list[Received]]:
    """Records for one transaction each, by number and by size."""
    some: list[Received] = []
    mentions = characters = 0
    for received in records:
        some.append(received)
        mentions += len(received.work.authors)
        characters += len(received.raw or "") or len(received.work.abstract or "")
        full = mentions >= MENTIONS_AT_ONCE or characters >= CHARACTERS_AT_ONCE
        if full or len(some) >= WORKS_AT_ONCE:
            yield some
            some, mentions, characters = [], 0, 0
    if some:
        yield some


@dataclass(frozen=True, slots=True)
class _Row:
    """A record that may be stored."""

    received: Received
    record: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Version:
    """A record to be stored as a version of a work."""

    row: _Row
    work_key: int
    version: int


def store_works(
    connection: Connection,
    ledger: EventLog,
    source_key: int,
    records: Sequence[Received],
    actor: Actor,
    lookup: Lookup | None = None,
) -> list[RowResult]:
    """Store records in a write that holds the ledger; what became of each, in their order.

    Of several records of one work each different one is a version; the last stands. One event
    ``works-loaded`` tells the counts, and the blocks of all that is new, changed or retired are
    touched by it.

    Parameters
    ----------
    connection : Connection
    ledger : Ledger
    source_key : int
        From :func:`open_source`.
    records : sequence of Received
    actor : Actor
    lookup : Lookup, optional
        Keys known from transactions before.
    """
    if not records:
        return []
    rows = [_checked(received) for received in records]
    ids = {row.received.work.id for row in rows if isinstance(row, _Row)}
    stored = _stored(connection, ids)
    new_ids = dict.fromkeys(
        row.received.work.id
        for row in rows
        if isinstance(row, _Row) and row.received.work.id not in stored
    )
    new_keys = dict(zip(new_ids, take_keys(connection, Work, len(new_ids)), strict=True))
    results, versions = _planned(rows, stored, new_keys)
    counts = LoadReport().plus(results).counts()
    seq = ledger.record("works-loaded", actor, after=dict(counts))
    latest = {version.work_key: version for version in versions}
    created = set(new_keys.values())
    _write_works(connection, ledger, latest.values(), created)
    _write_versions(connection, ledger, source_key, versions)
    fresh = [
        Fresh(key, version.version, version.row.received.work, key in created)
        for key, version in latest.items()
    ]
    write_signatures(connection, ledger, seq, fresh, lookup or Lookup())
    return results


def _checked(received: Received) -> _Row | RowResult:
    """What will be stored of a record, or why it cannot be."""
    work = received.work
    bad = _problem(received)
    if bad is None:
        try:
            record = dump_work(work)
        except TypeError:
            bad = ("work", "it holds half a character (a lone surrogate)", "write it as UTF-8")
        else:
            return _Row(received, record.decode(), hashlib.sha256(record).digest())
    field, problem, remedy = bad
    return RowResult(storable(work.id), "rejected", None, None, problem, remedy, field)


def _problem(received: Received) -> tuple[str, str, str] | None:
    work = received.work
    if not work.id.strip() or not work.id.isprintable():
        return "id", "it is empty or not printable", "give each work its own visible id"
    if len(work.id) > LONGEST_ID:
        return (
            "id",
            f"it is {len(work.id):,} characters long, more than {LONGEST_ID}",
            "give the work a shorter id",
        )
    if work.year is not None and abs(work.year) > LARGEST_INTEGER:
        return "year", "it is no year", "give four digits, or leave it out"
    if work.citations is not None and not 0 <= work.citations < 2**63:
        return "citations", "it is no number of citations", "correct it or leave it out"
    return None


def _stored(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[int, int, bytes]]:
    """Key, version and digest of the works of these ids that are there."""
    found: dict[str, tuple[int, int, bytes]] = {}
    current = and_(WorkVersion.work_key == Work.key, WorkVersion.version == Work.version)
    query = select(Work.id, Work.key, Work.version, WorkVersion.digest).join(WorkVersion, current)
    rows = connection.execute(query.where(among(connection, Work.id, sorted(ids))))
    for identifier, key, version, digest in rows:
        found[identifier] = key, version, digest
    return found


def _planned(
    rows: Sequence[_Row | RowResult],
    stored: Mapping[str, tuple[int, int, bytes]],
    new_keys: Mapping[str, int],
) -> tuple[list[RowResult], list[_Version]]:
    """Result of each row, and the versions to store, in the order of the rows."""
    now = dict(stored)
    results: list[RowResult] = []
    versions: list[_Version] = []
    for row in rows:
        if isinstance(row, RowResult):
            results.append(row)
            continue
        identifier = row.received.work.id
        key, version, digest = now.get(identifier, (0, 0, b""))
        if digest == row.digest:
            results.append(RowResult(identifier, "unchanged", version, key))
            continue
        key = key or new_keys[identifier]
        now[identifier] = key, version + 1, row.digest
        versions.append(_Version(row, key, version + 1))
        status = "changed" if version else "created"
        results.append(RowResult(identifier, status, version + 1, key))
    return results, versions


_WORK_COLUMNS = ("version", "title", "venue", "year", "citations", "n_authors", "changed_at")
"""Columns that follow the current version."""


def _write_works(
    connection: Connection, ledger: EventLog, latest: Iterable[_Version], created: set[int]
) -> None:
    new: list[tuple[object, ...]] = []
    changed: list[tuple[object, ...]] = []
    for version in latest:
        work = version.row.received.work
        venue = storable(work.venue) if work.venue is not None else None
        values = (
            version.version,
            storable(work.title),
            venue,
            work.year,
            work.citations,
            len(work.authors),
            ledger.at,
        )
        if version.work_key in created:
            new.append((version.work_key, work.id, ledger.at, *values))
        else:
            changed.append((version.work_key, *values))
    insert_rows(connection, Work, ("key", "id", "added_at", *_WORK_COLUMNS), new)
    update_rows(connection, Work, _WORK_COLUMNS, changed)


def _write_versions(
    connection: Connection, ledger: EventLog, source_key: int, versions: Iterable[_Version]
) -> None:
    def rows() -> Iterator[tuple[object, ...]]:
        for version in versions:
            row = version.row
            raw = row.received.raw
            kept = None if raw is None or raw == row.record else storable(raw)
            line = min(max(row.received.line, 0), LARGEST_INTEGER)
            yield (
                version.work_key,
                version.version,
                source_key,
                line,
                ledger.at,
                row.digest,
                row.record,
                kept,
            )

    insert_rows(
        connection,
        WorkVersion,
        ("work_key", "version", "source_key", "line", "received_at", "digest", "record", "raw"),
        rows(),
    )
