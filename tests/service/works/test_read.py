"""Works read back for the engine, with the keys of their mentions."""

from __future__ import annotations

import pytest

from disambig.domain import Author, Work
from service.db.database import Database
from service.works.read import (
    iterate_works,
    read_signature_keys_of_works,
    read_works,
)
from tests.support.stored_rows import deliver, work

IRIS = "0000-0002-1825-0097"
WHOLE = Work(
    "10.1/a b",
    "On\0 Names",
    (Author("Ann Lee", "Ann", "Lee", ("Home",), IRIS, "a@b.org"), Author(""), Author("B Ray")),
    abstract="Why.\nAnd how.",
    venue="J",
    year=1843,
    keywords=("names",),
    ids=(("arxiv", "1"), ("doi", "10.1/x")),
    citations=10**12,
    authors_complete=False,
    affiliations=("Elsewhere",),
)


def test_a_work_comes_back_whole(database: Database) -> None:
    deliver(database, WHOLE, work("w2", "Cy Poe"))
    with database.read() as connection:
        assert read_works(connection, [2, 1, 99]) == {1: WHOLE, 2: work("w2", "Cy Poe")}
        assert read_works(connection, []) == {}


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_all_works_come_by_rising_key_in_pages_of_any_size(
    database: Database, at_once: int
) -> None:
    delivery = [work(f"w{k}", "Ann Lee") for k in range(4)]
    deliver(database, *reversed(delivery))
    with database.read() as connection:
        found = list(iterate_works(connection, at_once))
    assert found == list(zip((1, 2, 3, 4), reversed(delivery), strict=True))


def test_only_current_versions_and_mentions_count(database: Database) -> None:
    deliver(database, work("w1", "Ann Lee", "B Ray"), work("w2", "Ann Lee"))
    now = work("w1", "B Ray", year=2000)
    deliver(database, now)
    with database.read() as connection:
        assert read_works(connection, [1]) == {1: now}
        assert read_signature_keys_of_works(connection, [2, 1]) == {(1, 0): 2, (2, 0): 3}
