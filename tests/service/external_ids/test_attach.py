"""Ids that others gave: their forms, where they stand, and what happens when two share one."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from disambig.domain import Signature
from disambig.orcid import parse_orcid
from service.actors import Actor
from service.db.database import Database
from service.db.tables import ExternalId, Identity, Task
from service.decisions.actions import merge_identities, split_identity
from service.decisions.undo import undo_decision
from service.errors import Conflict, Invalid, NotFound, Stale
from service.external_ids.attach import attach_id, detach_id
from service.external_ids.schemes import normalize_id
from service.publication.publish import publish, roll_back
from tests.support.identity_world import add_run, add_works, everything, published, row_of

ORCID, OTHER = "0000-0002-1825-0097", "0000-0001-5109-3700"


@pytest.mark.parametrize(
    ("scheme", "written", "found"),
    [
        ("orcid", "https://orcid.org/0000-0002-1825-0097", ORCID),
        ("ORCID", "0000000218250097", ORCID),
        ("orcid", " orcid.org/0000-0002-1694-233x ", "0000-0002-1694-233X"),
        ("isni", "http://isni.org/isni/0000000121032683", "0000000121032683"),
        ("isni", "ISNI 0000 0001 2103 2683", "0000000121032683"),
        ("dblp", "https://dblp.org/pid/12/3456-1.html", "12/3456-1"),
        ("dblp", "w/WeiWang-1", "w/WeiWang-1"),
        ("openreview", "https://openreview.net/profile?id=~Wei_Wang1", "~Wei_Wang1"),
        ("openreview", "~Jos%C3%A9_Silva2", "~José_Silva2"),
        ("viaf", "https://viaf.org/viaf/95218067/", "95218067"),
        ("wikidata", "http://www.wikidata.org/entity/Q7259", "Q7259"),
        ("wikidata", "q7259", "Q7259"),
    ],
)
def test_ids_have_one_form(scheme: str, written: str, found: str) -> None:
    assert normalize_id(scheme, written) == (scheme.lower(), found)


@pytest.mark.parametrize(
    ("scheme", "written"),
    [
        ("orcid", "0000-0002-1825-0098"),
        ("orcid", "٠٠٠٠-0002-1825-0097"),
        ("isni", "0000000121032684"),
        ("dblp", "javascript:alert(1)"),
        ("dblp", "a/b/c"),
        ("openreview", "Wei Wang"),
        ("openreview", "~\u202eWei1"),
        ("viaf", "0"),
        ("wikidata", "P31"),
        ("wikidata", "Q" + "1" * 10_000),
        ("orcid", "x\0"),
        ("scopus", "123"),
    ],
)
def test_what_is_no_id_is_refused_and_says_how_one_looks(scheme: str, written: str) -> None:
    with pytest.raises(Invalid, match=r"give it like|use one of"):
        normalize_id(scheme, written)


def test_what_works_print_is_taken_or_left() -> None:
    assert parse_orcid("https://orcid.org/0000-0002-1825-0097") == ORCID
    assert parse_orcid("0000-0002-1825-0098") is None


@pytest.fixture
def ids(database: Database, editor: Actor) -> dict[int, str]:
    """Signatures {1, 2} and {3}; 1 prints an ORCID iD."""
    add_works(database, [[("Wei Wang", ORCID)], ["Wei Wang"], ["Wei Wang"]])
    add_run(database, "r-1", {1: 0, 2: 0, 3: 1})
    publish(database, editor, "r-1")
    with database.read() as connection:
        return {s: i for i, keys in published(connection).items() for s in keys}


def held(database: Database) -> dict[str, set[tuple[str, str, str]]]:
    query = select(Identity.id, ExternalId.scheme, ExternalId.value, ExternalId.source)
    query = query.join(Identity, Identity.key == ExternalId.identity_key)
    found: dict[str, set[tuple[str, str, str]]] = {}
    with database.read() as connection:
        for name, *rest in connection.execute(query.where(ExternalId.removed_seq.is_(None))):
            found.setdefault(name, set()).add((rest[0], rest[1], rest[2]))
    return found


def conflicts(database: Database) -> list[str]:
    with database.read() as connection:
        open_ones = select(Task.subject).where(Task.kind == "conflict", Task.state == "open")
        return list(connection.scalars(open_ones))


def test_what_mentions_print_comes_with_publication(database, ids) -> None:
    assert held(database) == {ids[1]: {("orcid", ORCID, "mention")}}


def test_what_mentions_print_goes_with_them(database, editor, ids) -> None:
    made = split_identity(database, editor, ids[1], [[Signature("w0", 0)]])
    assert held(database) == {made.created[0]: {("orcid", ORCID, "mention")}}
    undo_decision(database, editor, made.id)
    assert held(database) == {ids[1]: {("orcid", ORCID, "mention")}}


def test_an_id_on_two_identities_is_a_question_and_no_merge(database, editor, ids) -> None:
    attach_id(database, editor, ids[3], "orcid", ORCID, "the author's homepage")
    assert conflicts(database) == [f"orcid:{ORCID}"]
    assert len(held(database)) == 2
    with database.read() as connection:
        task = connection.execute(select(Task)).mappings().one()
        assert row_of(connection, ids[3]).status == "active"
    assert sorted(task["evidence"]["identities"]) == sorted({ids[1], ids[3]})
    assert task["mentions"] == 3


def test_a_merge_answers_the_question_and_its_undo_asks_it_again(database, editor, ids) -> None:
    attach_id(database, editor, ids[3], "orcid", ORCID, "homepage")
    made = merge_identities(database, editor, [ids[1], ids[3]])
    assert conflicts(database) == []
    undo_decision(database, editor, made.id)
    assert conflicts(database) == [f"orcid:{ORCID}"]


def test_ids_go_along_with_a_merge_and_return_with_its_undo(database, editor, ids) -> None:
    attach_id(database, editor, ids[3], "wikidata", "Q7259", "homepage")
    with database.read() as connection:
        before = everything(connection)
    made = merge_identities(database, editor, [ids[1], ids[3]])
    assert held(database) == {
        ids[1]: {("orcid", ORCID, "mention"), ("wikidata", "Q7259", "homepage")}
    }
    undo_decision(database, editor, made.id)
    with database.read() as connection:
        assert everything(connection) == before


def test_ids_go_along_with_a_published_merge_and_return_with_the_rollback(
    database, editor, ids
) -> None:
    attach_id(database, editor, ids[3], "viaf", "95218067", "library")
    before = held(database)
    with database.read() as connection:
        key = row_of(connection, ids[1]).key
    add_run(database, "r-2", {1: 0, 2: 0, 3: 0}, groups={0: key})
    publish(database, editor, "r-2")
    assert held(database) == {
        ids[1]: {("orcid", ORCID, "mention"), ("viaf", "95218067", "library")}
    }
    roll_back(database, editor, "r-2")
    assert held(database) == before


def test_an_id_that_was_taken_off_does_not_come_back_with_its_mention(
    database, editor, ids
) -> None:
    detach_id(database, editor, ids[1], "orcid", ORCID, reason="printed by mistake")
    assert held(database) == {}
    with database.read() as connection:
        key = row_of(connection, ids[1]).key
    add_run(database, "r-2", {1: 0, 2: 0, 3: 0}, groups={0: key})
    publish(database, editor, "r-2")
    assert held(database) == {}


def test_a_stated_id_takes_the_place_of_a_printed_one(database, editor, ids) -> None:
    attach_id(database, editor, ids[1], "orcid", ORCID, "homepage")
    assert held(database) == {ids[1]: {("orcid", ORCID, "homepage")}}
    with pytest.raises(Conflict, match="already"):
        attach_id(database, editor, ids[1], "orcid", f"https://orcid.org/{ORCID}", "homepage")


def test_attaching_needs_an_identity_as_it_was_seen_and_a_source(database, editor, ids) -> None:
    with database.read() as connection:
        seen = row_of(connection, ids[1]).version
    attach_id(database, editor, ids[1], "orcid", OTHER, "homepage", version=seen)
    with pytest.raises(Stale):
        attach_id(database, editor, ids[1], "viaf", "95218067", "homepage", version=seen)
    with pytest.raises(Invalid):
        attach_id(database, editor, ids[1], "viaf", "95218067", " ")
    with pytest.raises(NotFound):
        attach_id(database, editor, "a-unknown", "viaf", "95218067", "homepage")
    with pytest.raises(NotFound):
        detach_id(database, editor, ids[3], "viaf", "95218067")
