"""Works, names and identities put straight into the tables, for tests and measurements of reads.

The people and papers are invented. Nothing here goes through the use cases that publish, so that
what a read answers is compared with rows written by hand.
"""

from __future__ import annotations

import os
import random
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from sqlalchemy import create_engine, func, make_url, select, update

from service.actors import Actor, Role
from service.db.database import Database, insert_rows
from service.db.tables import (
    Identity,
    Membership,
    Name,
    NameWord,
    Signature,
    Source,
    State,
    Work,
    WorkVersion,
)
from service.events.log import EventLog
from service.text import fold_name, split_search_words

AT = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
LOCAL = "postgresql+psycopg://postgres@127.0.0.1:5432"
LOADER = Actor("cli:loader", Role.ADMIN)


@dataclass(frozen=True)
class Author:
    """An author of a work; ``identity`` is a public id, None for a mention that is unplaced."""

    name: str
    identity: str | None = None
    affiliation: str | None = None
    orcid: str | None = None
    confidence: float = 0.9
    origin: str = "run"


@dataclass(frozen=True)
class Paper:
    """A work with its authors."""

    id: str
    title: str
    authors: Sequence[Author]
    year: int | None = None
    venue: str | None = None
    citations: int | None = None


def fill(database: Database, papers: Iterable[Paper], curated: Sequence[str] = ()) -> int:
    """Store works, names and identities; the number of the event that did it."""
    papers = list(papers)
    names: dict[str, tuple[int, str]] = {}
    people: dict[str, list[tuple[Author, Paper]]] = {}
    for paper in papers:
        for author in paper.authors:
            names.setdefault(fold_name(author.name), (len(names) + 1, author.name))
            if author.identity is not None:
                people.setdefault(author.identity, []).append((author, paper))
    keys = {public: key for key, public in enumerate(people, 1)}
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        seq = ledger.record("seeded", LOADER)
        insert_rows(
            connection,
            Source,
            ("kind", "label", "format", "actor", "began_at", "ended_at", "counts"),
            [("file", "invented.jsonl", "native", LOADER.name, AT, AT, {})],
        )
        source = connection.scalars(select(func.max(Source.key))).one()
        insert_rows(
            connection,
            Work,
            (
                "key",
                "id",
                "version",
                "title",
                "venue",
                "year",
                "citations",
                "n_authors",
                "added_at",
                "changed_at",
            ),
            [
                (k, p.id, 1, p.title, p.venue, p.year, p.citations, len(p.authors), AT, AT)
                for k, p in enumerate(papers, 1)
            ],
        )
        insert_rows(
            connection,
            WorkVersion,
            ("work_key", "version", "source_key", "line", "received_at", "digest", "record", "raw"),
            [(k, 1, source, k, AT, b"", _record(p), None) for k, p in enumerate(papers, 1)],
        )
        insert_rows(
            connection,
            Name,
            ("key", "folded", "printed"),
            [(key, folded, printed) for folded, (key, printed) in names.items()],
        )
        insert_rows(
            connection,
            NameWord,
            ("word", "name_key"),
            [(w, key) for folded, (key, _) in names.items() for w in split_search_words(folded)],
        )
        insert_rows(
            connection,
            Identity,
            (
                "key",
                "id",
                "status",
                "redirect_key",
                "name",
                "n_works",
                "first_year",
                "last_year",
                "curated",
                "version",
            ),
            [
                (
                    keys[public],
                    public,
                    "active",
                    None,
                    found[0][0].name,
                    len({p.id for _, p in found}),
                    *_years(p for _, p in found),
                    public in curated,
                    seq,
                )
                for public, found in people.items()
            ],
        )
        mentions = [
            (key, work, position, author)
            for key, (work, position, author) in enumerate(
                (
                    (work, position, author)
                    for work, paper in enumerate(papers, 1)
                    for position, author in enumerate(paper.authors)
                ),
                1,
            )
        ]
        insert_rows(
            connection,
            Signature,
            (
                "key",
                "work_key",
                "position",
                "name_key",
                "block_key",
                "printed",
                "affiliation",
                "orcid",
                "retired_version",
            ),
            [
                (
                    key,
                    work,
                    position,
                    names[fold_name(a.name)][0],
                    None,
                    a.name,
                    a.affiliation,
                    a.orcid,
                    None,
                )
                for key, work, position, a in mentions
            ],
        )
        insert_rows(
            connection,
            Membership,
            ("signature_key", "identity_key", "confidence", "origin", "origin_key", "since"),
            [
                (key, keys[a.identity], a.confidence, a.origin, None, seq)
                for key, _, _, a in mentions
                if a.identity is not None
            ],
        )
    return seq


@contextmanager
def lasting(request: pytest.FixtureRequest, folder: Path) -> Iterator[Database]:
    """A database of the kind ``request.param`` for many tests; ``folder`` is for SQLite's file."""
    if request.param == "sqlite":
        file = folder / "lasting.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        database = Database(f"sqlite:///{file}")
        yield database
        database.close()
        return
    template = request.getfixturevalue("postgresql_template")
    name = f"{template}_{uuid.uuid4().hex[:8]}"
    server = make_url(os.environ.get("DISAMBIG_TEST_POSTGRESQL", LOCAL))
    engine = create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        database = Database(server.set(database=name))
        try:
            yield database
        finally:
            database.close()
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    engine.dispose()


def happened(database: Database) -> None:
    """An event that changes nothing else."""
    with database.write() as connection:
        connection.execute(update(State).values(sequence=State.sequence + 1))


def _years(papers: Iterable[Paper]) -> tuple[int | None, int | None]:
    known = [p.year for p in papers if p.year is not None]
    return (min(known), max(known)) if known else (None, None)


def _record(paper: Paper) -> str:
    row = {
        "id": paper.id,
        "title": paper.title,
        "venue": paper.venue,
        "year": paper.year,
        "citations": paper.citations,
        "authors": [
            {"name": a.name}
            | ({"affiliations": [a.affiliation]} if a.affiliation else {})
            | ({"orcid": a.orcid, "email": "secret@example.org"} if a.orcid else {})
            for a in paper.authors
        ],
    }
    return orjson.dumps(row).decode()


def crowd(works: int = 30_000, seed: int = 7) -> Iterable[Paper]:
    """A corpus to measure on: a person of 1,000 works, a name of 2,000 mentions and 400 people."""
    rng = random.Random(seed)
    given = [f"{a}{b}" for a in ("An", "Be", "Ce", "Do", "El", "Fi") for b in ("na", "ra", "lo")]
    family = [f"{a}{b}{c}" for a in "BCDFGKLMNPRST" for b in "aeiou" for c in ("ber", "din", "ski")]
    topic = [f"{a}{b}" for a in ("graph", "query", "neural", "matrix", "protein") for b in "abcdef"]

    def other() -> Author:
        n = rng.randrange(20_000)
        name = f"{given[n % len(given)]} {family[n // 7 % len(family)]}"
        where = f"University {n % 300}" if n % 3 else None
        return Author(name, f"a-{n:012d}", where)

    def paper(k: int, first: Sequence[Author], group: int | None = None) -> Paper:
        words = [rng.choice(topic) for _ in range(8)]
        authors = [*first, *(other() for _ in range(rng.randrange(1, 5)))]
        year = 1990 + (k if group is None else group) % 35
        return Paper(f"w/{k}", " ".join(words), authors, year, f"Venue {k % 200}", k % 50)

    yield from (paper(k, [Author("Prolific Writer", "a-prolific0000")]) for k in range(1000))
    for k in range(1000, 3000):
        group = min(int(rng.expovariate(0.01)), 399)
        yield paper(k, [Author("Wei Wang", f"a-weiwang{group:05d}", f"Lab {group}")], group)
    yield from (paper(k, []) for k in range(3000, works))
