"""Deliveries of works: what is new, what has changed, and what a crash leaves behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from disambig.domain import Author
from disambig.ingest import ReceivedWork
from service.db import tables
from service.db.database import Database, insert_rows
from service.db.tables import (
    Block,
    Identity,
    Membership,
    Name,
    NameWord,
    Signature,
    Source,
    WorkVersion,
)
from service.db.tables import Work as StoredWork
from service.events.log import EventLog
from service.memberships import change as membership_change
from service.memberships.change import NewMembership
from service.settings import build_sqlite_url
from service.works import load
from service.works.load import Delivery, load_works, open_source, store_works
from tests.support.stored_rows import (
    LOADER,
    counts,
    deliver,
    events,
    mentions,
    number_of,
    rows,
    touched,
    work,
)

ANN, BOB, CY = "Ann Lee", "Bob Ray", "Cy Poe"
IRIS = "0000-0002-1825-0097"


def test_a_delivery_is_stored_with_names_blocks_and_words(database: Database) -> None:
    author = Author("Ann LEE", affiliations=("Home", "Work"), orcid=IRIS)
    report = deliver(
        database, work("w1", author, BOB, year=2001, venue="J"), work("w2", "ann  lee")
    )
    assert counts(report) == (2, 0, 0, 0)
    assert touched(database) == {"a lee": 1, "b ray": 1}
    with database.read() as connection:
        assert connection.execute(select(Name.key, Name.folded, Name.printed)).all() == [
            (1, "ann lee", "Ann LEE"),
            (2, "bob ray", "Bob Ray"),
        ]
        words = connection.execute(select(NameWord.word, NameWord.name_key))
        assert set(map(tuple, words)) == {("ann", 1), ("lee", 1), ("bob", 2), ("ray", 2)}
        stored = connection.execute(select(StoredWork).order_by(StoredWork.key)).first()
        assert stored is not None
        assert (stored.id, stored.version, stored.title) == ("w1", 1, "On w1")
        assert (stored.year, stored.venue, stored.n_authors) == (2001, "J", 2)
        first = connection.execute(select(Signature).order_by(Signature.key)).first()
        assert first is not None
        assert (first.position, first.printed, first.affiliation) == (0, "Ann LEE", "Home; Work")
        assert (first.name_key, first.orcid, first.retired_version) == (1, IRIS, None)


def test_what_was_received_is_kept_beside_what_was_read(database: Database) -> None:
    record = '{"id":"w1","title":"T","authors":[{"name":"Ann Lee"}]}'
    sent = [
        ReceivedWork(work("w1", ANN, title="T"), 4, record),
        ReceivedWork(work("w2", BOB, title="T"), 5, ' {"id": "w2"}\0'),
        ReceivedWork(work("w3", BOB, title="T")),
    ]
    load_works(database, LOADER, Delivery("file", "a.jsonl", "native"), sent)
    with database.read() as connection:
        query = select(WorkVersion.line, WorkVersion.record, WorkVersion.raw)
        found = connection.execute(query.order_by(WorkVersion.work_key)).all()
        assert found[0] == (4, record, None)  # the same text is kept once
        assert (found[1].line, found[1].raw) == (5, ' {"id": "w2"}\u2400')
        assert (found[2].line, found[2].raw) == (0, None)
        source = connection.execute(select(Source)).one()
        assert (source.kind, source.label, source.format) == ("file", "a.jsonl", "native")
        assert source.counts == {"created": 3, "changed": 0, "unchanged": 0, "rejected": 0}
        assert source.actor == "cli:loader"
        assert source.ended_at is not None
        assert source.ended_at >= source.began_at


def test_the_same_delivery_again_changes_nothing(database: Database) -> None:
    delivery = [work("w1", ANN, BOB), work("w2", ANN, year=1999)]
    deliver(database, *delivery)
    before, blocks = rows(database), touched(database)
    assert counts(deliver(database, *delivery)) == (0, 0, 2, 0)
    assert rows(database) == before
    assert touched(database) == blocks
    nothing = {"created": 0, "changed": 0, "unchanged": 2, "rejected": 0}
    assert [after for _, after in events(database)][1:] == [nothing]


def test_a_changed_record_is_a_new_version_and_touches_its_blocks(database: Database) -> None:
    deliver(database, work("w1", ANN, BOB), work("w2", CY))
    assert counts(deliver(database, work("w1", ANN, BOB, year=2005), work("w2", CY))) == (
        0,
        1,
        1,
        0,
    )
    assert mentions(database, "w1") == [(1, 0, ANN, None), (2, 1, BOB, None)]
    assert touched(database) == {"a lee": 2, "b ray": 2, "c poe": 1}
    with database.read() as connection:
        stored = connection.execute(select(StoredWork).where(StoredWork.id == "w1")).one()
        assert (stored.version, stored.year) == (2, 2005)
        assert stored.changed_at > stored.added_at
        records = connection.scalars(
            select(WorkVersion.record).where(WorkVersion.work_key == stored.key)
        )
        assert sorted(json.loads(record).get("year", 0) for record in records) == [0, 2005]


def test_mentions_keep_their_keys_when_authors_change_places(database: Database) -> None:
    deliver(database, work("w1", ANN, BOB, CY))
    deliver(database, work("w1", CY, ANN, "Dan Fox", BOB))
    assert mentions(database, "w1") == [
        (1, 1, ANN, None),
        (2, 3, BOB, None),
        (3, 0, CY, None),
        (4, 2, "Dan Fox", None),
    ]


def test_a_name_printed_otherwise_moves_the_mention_to_its_cluster(database: Database) -> None:
    deliver(database, work("w1", Author("A. Ray", orcid=IRIS)))
    deliver(database, work("w1", Author("Ann Lee", orcid=IRIS)))
    assert mentions(database, "w1") == [(1, 0, ANN, None)]
    assert touched(database) == {"a ray": 2, "a lee": 2}
    with database.read() as connection:
        query = select(Name.folded, Block.text).select_from(Signature).join(Name).join(Block)
        assert connection.execute(query).all() == [("ann lee", "a lee")]


def test_a_mention_that_is_dropped_is_retired_and_may_come_back(database: Database) -> None:
    deliver(database, work("w1", ANN, BOB))
    deliver(database, work("w1", BOB))
    assert mentions(database, "w1") == [(1, 0, ANN, 2), (2, 0, BOB, None)]
    assert touched(database) == {"a lee": 2, "b ray": 2}
    deliver(database, work("w1", BOB, ANN))
    assert mentions(database, "w1") == [(1, 1, ANN, None), (2, 0, BOB, None)]


def test_a_retired_mention_leaves_its_identity(database: Database) -> None:
    deliver(database, work("w1", ANN, BOB), work("w2", ANN, year=1990))
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        seq = ledger.record("placed", LOADER)
        both = [NewMembership(1, None, 0.9, new_group=1), NewMembership(3, None, 0.9, new_group=1)]
        membership_change.add_memberships(connection, ledger, seq, both)
    deliver(database, work("w1", BOB), work("w2", ANN, year=1980))
    with database.read() as connection:
        assert connection.scalars(select(Membership.signature_key)).all() == [3]
        identity = connection.execute(select(Identity)).one()
        assert (identity.status, identity.n_works, identity.first_year) == ("active", 1, 1980)


def test_authors_without_a_name_hold_their_places(database: Database) -> None:
    deliver(database, work("w1", "", ANN, ""))
    assert mentions(database, "w1") == [(1, 1, ANN, None)]
    deliver(database, work("w1", "", "", ANN))
    assert mentions(database, "w1") == [(1, 2, ANN, None)]


def test_a_name_without_letters_has_no_block(database: Database) -> None:
    deliver(database, work("w1", "???"))
    assert touched(database) == {}
    with database.read() as connection:
        assert connection.scalars(select(Signature.block_key)).all() == [None]


def test_an_id_twice_in_one_delivery_is_two_versions_and_the_later_stands(
    database: Database,
) -> None:
    twice = [work("w1", ANN), work("w1", ANN), work("w1", BOB, ANN)]
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        source = open_source(connection, ledger, LOADER, Delivery("request", "POST"))
        results = store_works(connection, ledger, source, [ReceivedWork(w) for w in twice], LOADER)
    found = [(result.id, result.status, result.version) for result in results]
    assert found == [("w1", "created", 1), ("w1", "unchanged", 1), ("w1", "changed", 2)]
    assert mentions(database, "w1") == [(1, 0, BOB, None), (2, 1, ANN, None)]
    assert number_of(database, WorkVersion) == 2


HOSTILE = [
    "x" * 10_000,
    "\U0001f600" * 10_000,
    "nul\0l",
    "\u202egnaW ieW",
    "Robert'); DROP TABLE work;--",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\ufffe\uffff",
    "e" + "\u0301" * 5_000,
    "İ" * 400,
]


def test_hostile_names_are_stored_found_again_and_change_nothing_else(database: Database) -> None:
    delivery = [work(f"w{k}", name, ANN) for k, name in enumerate(HOSTILE)]
    assert counts(deliver(database, *delivery)) == (len(HOSTILE), 0, 0, 0)
    before = rows(database)
    assert counts(deliver(database, *delivery)) == (0, 0, len(HOSTILE), 0)
    again = [work(f"v{k}", name.swapcase(), ANN) for k, name in enumerate(HOSTILE[2:7])]
    assert counts(deliver(database, *again)) == (5, 0, 0, 0)
    assert rows(database)["name"] == before["name"]
    assert number_of(database, Name) == len(HOSTILE) + 1


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (work("\ud800", ANN), "id"),
        (work("a\0b", ANN), "id"),
        (work(" ", ANN), "id"),
        (work("\U0001f600" * 513, ANN), "id"),
        (work("w", "Ann \ud800"), "work"),
        (work("w", ANN, year=10**40), "year"),
        (work("w", ANN, citations=2**63), "citations"),
        (work("w", ANN, citations=-1), "citations"),
    ],
)
def test_what_cannot_be_stored_is_rejected_alone(
    database: Database, bad: tables.Work, field: str
) -> None:
    report = deliver(database, bad, work("good", ANN, citations=2**63 - 1))
    assert counts(report) == (1, 0, 0, 1)
    (reject,) = report.rejects
    assert reject.field == field
    assert reject.problem
    assert reject.remedy
    assert number_of(database, StoredWork) == 1


def test_the_longest_id_is_stored(database: Database) -> None:
    longest = "\U0001f600" * 512
    assert counts(deliver(database, work(longest, ANN))) == (1, 0, 0, 0)
    assert mentions(database, longest) == [(1, 0, ANN, None)]


def test_ids_with_slashes_and_quotes_are_different_works(database: Database) -> None:
    ids = ["10.1/x", "10.1/X", "a b", "a'b", 'a"b', "a%b", "a_b", "é", "e\u0301"]
    assert counts(deliver(database, *(work(name, ANN) for name in ids))) == (len(ids), 0, 0, 0)


def test_a_work_of_five_thousand_authors_turns_around(database: Database) -> None:
    names = [f"Author{k} Name{k % 7}" for k in range(5_000)]
    deliver(database, work("w1", *names))
    assert counts(deliver(database, work("w1", *reversed(names)))) == (0, 1, 0, 0)
    found = mentions(database, "w1")
    assert [(key, position) for key, position, *_ in found] == [
        (k + 1, 4_999 - k) for k in range(5_000)
    ]


def test_large_works_are_divided_among_transactions(database: Database) -> None:
    taken: list[int] = []
    large = [ReceivedWork(work(f"w{k}", ANN), k, "x" * 50) for k in range(10)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(load, "CHARACTERS_AT_ONCE", 150)
        load_works(database, LOADER, Delivery("file", "test"), large, taken.append)
    assert taken == [3, 3, 3, 1]
    assert len(events(database)) == 4


@pytest.fixture
def another(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A second fresh database."""
    file = tmp_path / "another.sqlite"
    shutil.copy(sqlite_template, file)
    found = Database(build_sqlite_url(file))
    yield found
    found.close()


class Crash(Exception):
    """Stands for a process that ends."""


def breaking_off(delivery: list[ReceivedWork], after: int) -> Iterator[ReceivedWork]:
    yield from delivery[:after]
    raise Crash


def test_a_load_that_breaks_off_is_repeated_with_the_rows_of_one_load(
    database: Database, another: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "WORKS_AT_ONCE", 4)
    delivery = [ReceivedWork(work(f"w{k}", ANN, f"B{k % 3} Ray", year=1990 + k)) for k in range(11)]
    with pytest.raises(Crash):
        load_works(database, LOADER, Delivery("file", "t"), breaking_off(delivery, 6))
    assert number_of(database, StoredWork) == 4
    with database.read() as connection:
        source = connection.execute(select(Source)).one()
    assert (source.ended_at, source.counts["created"]) == (None, 4)
    again = load_works(database, LOADER, Delivery("file", "t"), delivery)
    assert counts(again) == (7, 0, 4, 0)
    load_works(another, LOADER, Delivery("file", "t"), delivery)
    assert rows(database) == rows(another)
    assert len(rows(another)["signature"]) == 22


def test_a_crash_within_a_transaction_leaves_nothing_of_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(database, work("w0", ANN))
    before, blocks, told = rows(database), touched(database), events(database)

    def crash(*arguments: object, **named: object) -> None:
        raise Crash

    monkeypatch.setattr(membership_change, "retire_signatures", crash)
    with pytest.raises(Crash):
        deliver(database, work("w1", BOB, "Dan Fox"), work("w0", CY))
    assert rows(database) == before
    assert touched(database) == blocks
    assert events(database) == told


def test_keys_from_elsewhere_are_found_not_made_again(database: Database) -> None:
    now = datetime.now(UTC)
    with database.write() as connection:
        insert_rows(connection, Name, ("key", "folded", "printed"), [(50, "ann lee", "ANN LEE")])
        insert_rows(connection, Block, ("key", "text", "touched"), [(60, "a lee", 0)])
        connection.execute(
            insert(Source).values(
                key=70, kind="file", label="x", format="native", actor="a", began_at=now, counts={}
            )
        )
    deliver(database, work("w1", ANN, BOB))
    with database.read() as connection:
        query = select(Signature.name_key, Signature.block_key).order_by(Signature.position)
        assert connection.execute(query).all() == [(50, 60), (51, 61)]
    assert touched(database) == {"a lee": 1, "b ray": 1}
