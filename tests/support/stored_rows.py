"""Deliveries in one step, and what is in the tables after them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select

from disambig.domain import Author, Work
from disambig.ingest import ReceivedWork
from service.actors import Actor, Role
from service.db.database import Database
from service.db.tables import Block, Event, Name, NameWord, Signature, Table, WorkVersion
from service.db.tables import Work as StoredWork
from service.works.load import Delivery, LoadReport, load_works

LOADER = Actor("cli:loader", Role.EDITOR)


def work(name: str, *authors: str | Author, **fields: Any) -> Work:
    people = tuple(a if isinstance(a, Author) else Author(a) for a in authors)
    return Work(name, fields.pop("title", f"On {name}"), people, **fields)


def deliver(database: Database, *works: Work) -> LoadReport:
    return load_works(database, LOADER, Delivery("file", "test"), map(ReceivedWork, works))


def counts(report: LoadReport) -> tuple[int, int, int, int]:
    return report.created, report.changed, report.unchanged, report.rejected


def mentions(database: Database, name: str) -> list[tuple[Any, ...]]:
    """Key, position, printed name and version that retired it, of a work's mentions by key."""
    query = (
        select(Signature.key, Signature.position, Signature.printed, Signature.retired_version)
        .join(StoredWork, StoredWork.key == Signature.work_key)
        .where(StoredWork.id == name)
        .order_by(Signature.key)
    )
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def touched(database: Database) -> dict[str, int]:
    """Text of each block and the seq at which it was touched."""
    with database.read() as connection:
        found = connection.execute(select(Block.text, Block.touched))
        return {row.text: row.touched for row in found}


def events(database: Database) -> list[tuple[int, dict[str, int]]]:
    query = select(Event.seq, Event.after).where(Event.kind == "works-loaded").order_by(Event.seq)
    with database.read() as connection:
        return [(seq, dict(after or {})) for seq, after in connection.execute(query)]


def number_of(database: Database, table: type[Table]) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that deliveries store, but for moments, event numbers and which delivery it was."""
    left_out = {"added_at", "changed_at", "received_at", "source_key", "touched"}
    found: dict[str, list[tuple[Any, ...]]] = {}
    tables: Iterable[type[Table]] = (StoredWork, WorkVersion, Signature, Name, NameWord, Block)
    with database.read() as connection:
        for table in tables:
            columns = [c for c in table.__table__.c if c.name not in left_out]
            ordered = select(*columns).order_by(*columns[:2])
            found[table.__tablename__] = [tuple(row) for row in connection.execute(ordered)]
    return found
