"""Decisions change what is published at once, bind what comes later, and can be taken back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from disambig import domain
from disambig.domain import Constraint, ConstraintKind, Signature
from service.actors import Actor, Role
from service.constraints.store import read_constraints
from service.db.database import Database
from service.db.tables import Change, Decision, Event
from service.db.tables import Signature as SignatureRow
from service.decisions.actions import (
    DecisionContext,
    decide_pair,
    merge_identities,
    move_signatures,
    record_unsure,
    split_identity,
)
from service.decisions.undo import redo_decision, undo_decision
from service.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from service.identities.resolve import resolve_identity
from service.publication.publish import publish
from tests.support.identity_world import add_run, add_works, everything, published, row_of

A, B = "Wei Wang", "Ann Lee"


@pytest.fixture
def ids(database: Database, editor: Actor) -> dict[int, str]:
    """Six works of Wei Wang, signatures 1 to 6: {1, 2, 3}, {4, 5}, {6}; their ids by signature."""
    add_works(database, [[A]] * 6, {k: 2000 + k for k in range(6)})
    add_run(database, "r-1", {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 2}, confidence={1: 0.7})
    publish(database, editor, "r-1")
    with database.read() as connection:
        return {s: i for i, keys in published(connection).items() for s in keys}


def at(signature: int) -> domain.Signature:
    return domain.Signature(f"w{signature - 1}", 0)


def now(database: Database) -> list[set[int]]:
    with database.read() as connection:
        return sorted(published(connection).values(), key=min)


def test_a_merge_keeps_the_larger_id_and_redirects_the_other(database, editor, ids) -> None:
    made = merge_identities(
        database, editor, [ids[4], ids[1]], context=DecisionContext("one homepage")
    )
    assert now(database) == [{1, 2, 3, 4, 5}, {6}]
    assert set(made.identities) == {ids[1], ids[4]}
    with database.read() as connection:
        found = resolve_identity(connection, ids[4])
        assert (found.requested_id, found.row.id) == (ids[4], ids[1])
        kept = row_of(connection, ids[1])
        assert (kept.n_works, kept.first_year, kept.last_year) == (5, 2000, 2004)
        assert (kept.curated, kept.version) == (True, made.event)
        event = connection.execute(select(Event).where(Event.seq == made.event)).mappings().one()
        assert (event["reason"], event["subject"]) == ("one homepage", made.id)


def test_a_merge_into_a_smaller_id_on_request(database, editor, ids) -> None:
    merge_identities(database, editor, [ids[1]], into=ids[6])
    with database.read() as connection:
        assert resolve_identity(connection, ids[1]).row.id == ids[6]


def test_redirects_of_redirects_lead_to_the_end(database, editor, ids) -> None:
    merge_identities(database, editor, [ids[4], ids[6]])
    merge_identities(database, editor, [ids[1], ids[4]])
    with database.read() as connection:
        end = row_of(connection, ids[4])
        assert [row_of(connection, ids[k]).redirect_key for k in (1, 6)] == [end.key, end.key]


def test_the_feed_tells_what_goes_on_and_what_was_merged(database, editor, ids) -> None:
    made = merge_identities(database, editor, [ids[4], ids[1]])
    with database.read() as connection:
        query = select(Change.kind, Change.identity, Change.mentions, Change.others)
        rows = connection.execute(query.where(Change.event_seq == made.event).order_by(Change.seq))
        assert [tuple(row) for row in rows] == [
            ("keep", ids[1], 5, []),
            ("merge", ids[4], 2, [{"id": ids[1], "mentions": 2}]),
        ]


def test_undo_brings_back_every_row_and_redo_the_decision(database, editor, ids) -> None:
    with database.read() as connection:
        before = everything(connection)
    made = merge_identities(database, editor, [ids[4], ids[1]])
    with database.read() as connection:
        after = everything(connection)
    undo_decision(database, editor, made.id)
    with database.read() as connection:
        assert everything(connection) == before
        assert read_constraints(connection) == []
    redo_decision(database, editor, made.id)
    with database.read() as connection:
        assert everything(connection) == after
        assert len(read_constraints(connection)) == 4


def test_reviewers_take_back_their_own_decisions_and_nobody_elses(database, editor, ids) -> None:
    ada, bob = (Actor(f"key:{name}", Role.REVIEWER) for name in ("ada", "bob"))
    made = merge_identities(database, ada, [ids[1], ids[4]])
    with pytest.raises(Forbidden, match="made by another reviewer"):
        undo_decision(database, bob, made.id)
    assert now(database) == [{1, 2, 3, 4, 5}, {6}]
    undo_decision(database, ada, made.id)
    assert now(database) == [{1, 2, 3}, {4, 5}, {6}]


def test_what_is_undone_cannot_be_undone_again_nor_what_is_in_force_redone(
    database, editor, ids
) -> None:
    made = merge_identities(database, editor, [ids[4], ids[1]])
    with pytest.raises(Conflict, match="in force"):
        redo_decision(database, editor, made.id)
    undo_decision(database, editor, made.id)
    with pytest.raises(Conflict, match="undone"):
        undo_decision(database, editor, made.id)
    with pytest.raises(NotFound):
        undo_decision(database, editor, "d-unknown")


def test_a_decision_on_which_another_depends_is_not_undone(database, editor, ids) -> None:
    first = merge_identities(database, editor, [ids[4], ids[1]])
    second = merge_identities(database, editor, [ids[1], ids[6]])
    with pytest.raises(Conflict) as refused:
        undo_decision(database, editor, first.id)
    assert second.id in str(refused.value)
    undo_decision(database, editor, second.id)
    undo_decision(database, editor, first.id)
    assert now(database) == [{1, 2, 3}, {4, 5}, {6}]


def test_undo_after_a_publication_that_left_the_decision_as_it_was(database, editor, ids) -> None:
    made = merge_identities(database, editor, [ids[4], ids[1]])
    with database.read() as connection:
        kept = row_of(connection, ids[1]).key
    add_run(database, "r-2", dict.fromkeys(range(1, 7), 0), groups={0: kept})
    publish(database, editor, "r-2")
    assert now(database) == [{1, 2, 3, 4, 5, 6}]
    undo_decision(database, editor, made.id)
    assert now(database) == [{1, 2, 3, 6}, {4, 5}]


def test_a_split_keeps_the_id_with_the_mentions_that_were_not_named(database, editor, ids) -> None:
    made = split_identity(database, editor, ids[1], [[at(1)]])
    assert now(database) == [{1}, {2, 3}, {4, 5}, {6}]
    with database.read() as connection:
        assert published(connection)[ids[1]] == {2, 3}
        stated = {(c.kind, c.a.work, c.b.work) for c in read_constraints(connection)}
    assert stated == {(ConstraintKind.CANNOT, "w0", "w1"), (ConstraintKind.CANNOT, "w0", "w2")}
    assert len(made.created) == 1


def test_a_split_into_groups_keeps_the_id_with_the_largest_or_the_one_named(
    database, editor, ids
) -> None:
    groups = [[at(1)], [at(2), at(3)]]
    made = split_identity(database, editor, ids[1], groups)
    with database.read() as connection:
        assert published(connection)[ids[1]] == {2, 3}
    undo_decision(database, editor, made.id)
    split_identity(database, editor, ids[1], groups, keep=0)
    with database.read() as connection:
        assert published(connection)[ids[1]] == {1}
        constraints = read_constraints(connection)
    a, b, c = (Signature(f"w{k}", 0) for k in range(3))
    assert sorted((x.kind, x.a, x.b) for x in constraints) == [
        (ConstraintKind.CANNOT, a, b),
        (ConstraintKind.MUST, b, c),
    ]


def test_a_split_names_mentions_of_the_identity_once_each(database, editor, ids) -> None:
    for groups, said in [
        ([[at(4)]], "is not of"),
        ([[at(1)], [at(1)]], "two groups"),
        ([[at(1), at(2), at(3)]], "do not split"),
        ([[]], "mentions"),
    ]:
        with pytest.raises(Invalid, match=said):
            split_identity(database, editor, ids[1], groups)


def test_mentions_move_to_another_identity_and_back(database, editor, ids) -> None:
    with database.read() as connection:
        before = everything(connection)
    made = move_signatures(database, editor, [at(3)], ids[4])
    assert now(database) == [{1, 2}, {3, 4, 5}, {6}]
    undo_decision(database, editor, made.id)
    with database.read() as connection:
        assert everything(connection) == before


def test_mentions_of_several_identities_move_to_a_new_one(database, editor, ids) -> None:
    made = move_signatures(database, editor, [at(3), at(6)], None)
    assert now(database) == [{1, 2}, {3, 6}, {4, 5}]
    with database.read() as connection:
        # all that was left of it went to one other
        assert resolve_identity(connection, ids[6]).row.id == made.created[0]


def test_a_chain_of_sames_that_implies_a_different_is_refused_with_the_chain(
    database, editor, ids
) -> None:
    apart = decide_pair(database, editor, "different", at(1), at(6))
    one = decide_pair(database, editor, "same", at(1), at(4))
    with pytest.raises(Conflict) as refused:
        decide_pair(database, editor, "same", at(4), at(6))
    assert {apart.id, one.id} <= set(refused.value.details["decisions"])
    assert "w0:0 and w3:0 are the same person" in str(refused.value)
    assert now(database) == [{1, 2, 3, 4, 5}, {6}]


def test_a_merge_of_what_was_split_is_refused(database, editor, ids) -> None:
    made = split_identity(database, editor, ids[1], [[at(1)]])
    with pytest.raises(Conflict, match=made.id):
        merge_identities(database, editor, [ids[1], made.created[0]])


def test_of_two_that_are_different_the_less_sure_leaves(database, editor, ids) -> None:
    decide_pair(database, editor, "different", at(1), at(2))
    assert now(database) == [{1}, {2, 3}, {4, 5}, {6}]


def test_two_authors_of_one_work_need_to_be_meant(database, editor) -> None:
    add_works(database, [[A, "W. Wang"]])
    add_run(database, "r-1", {1: 0, 2: 1})
    publish(database, editor, "r-1")
    with database.read() as connection:
        identities = list(published(connection))
    with pytest.raises(Conflict, match="same_work"):
        merge_identities(database, editor, identities)
    merge_identities(database, editor, identities, context=DecisionContext(allow_same_work=True))
    with database.read() as connection:
        assert read_constraints(connection) == [
            Constraint(ConstraintKind.MUST, Signature("w0", 0), Signature("w0", 1))
        ]


def test_a_version_that_was_not_seen_is_stale(database, editor, ids) -> None:
    with database.read() as connection:
        seen = {ids[1]: row_of(connection, ids[1]).version}
    move_signatures(database, editor, [at(3)], ids[4])
    for what in (
        lambda s: merge_identities(database, editor, [ids[1], ids[6]], context=s),
        lambda s: move_signatures(database, editor, [at(1)], ids[6], s),
        lambda s: decide_pair(database, editor, "same", at(1), at(6), s),
    ):
        with pytest.raises(Stale, match="has changed"):
            what(DecisionContext(versions=seen))


def test_a_redirected_identity_is_not_edited(database, editor, ids) -> None:
    merge_identities(database, editor, [ids[1], ids[4]])
    with pytest.raises(Conflict, match=ids[1]):
        merge_identities(database, editor, [ids[4], ids[6]])


def test_unsure_binds_nothing_and_is_kept(database, editor, ids) -> None:
    made = record_unsure(
        database, editor, [at(1), at(4)], DecisionContext("no time", {"shown": ["titles"]})
    )
    with database.read() as connection:
        assert read_constraints(connection) == []
        row = connection.execute(select(Decision).where(Decision.id == made.id)).mappings().one()
    assert row["kind"] == "unsure"
    assert row["evidence"] == {"shown": ["titles"], "mentions": ["w0:0", "w3:0"]}


def test_a_decision_outlives_a_mention_that_is_dropped(database, editor, ids) -> None:
    merge_identities(database, editor, [ids[1], ids[4]])
    with database.write() as connection:
        rows = SignatureRow.__table__
        # signature 2 is the one that all links of the decision share
        connection.execute(rows.update().where(rows.c.key == 2).values(retired_version=2))
        found = read_constraints(connection)
    assert {s.work for c in found for s in (c.a, c.b)} == {"w0", "w2", "w3", "w4"}
    assert len(found) == 3


def test_constraints_around_some_mentions_alone(database, editor, ids) -> None:
    merge_identities(database, editor, [ids[1], ids[4]])
    with database.read() as connection:
        assert read_constraints(connection, [6]) == []
        assert len(read_constraints(connection, [5])) == 4


def test_unknown_mentions_and_kinds_are_told(database, editor, ids) -> None:
    with pytest.raises(NotFound, match="no mention"):
        decide_pair(database, editor, "same", domain.Signature("w\0", 0), at(1))
    with pytest.raises(Invalid, match="same or different"):
        decide_pair(database, editor, "perhaps", at(1), at(2))
    with pytest.raises(Invalid, match="twice"):
        decide_pair(database, editor, "same", at(1), at(1))
    with pytest.raises(NotFound):
        merge_identities(database, editor, ["a-unknown", ids[1]])
    with pytest.raises(Invalid):
        merge_identities(database, editor, [ids[1], ids[1]])
