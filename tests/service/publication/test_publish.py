"""A publication is whole or not at all, keeps ids, and can be rolled back exactly."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from disambig import domain
from service.actors import Actor
from service.db.database import Database
from service.db.tables import Change, Identity, Membership, Run, State
from service.db.tables import Signature as SignatureRow
from service.decisions.actions import decide_pair, merge_identities, split_identity
from service.decisions.undo import undo_decision
from service.errors import Conflict, NotFound, Stale
from service.events.log import EventLog
from service.identities.resolve import list_history, resolve_identity
from service.memberships.change import NewMembership, add_memberships, retire_signatures
from service.publication.publish import publish, roll_back
from tests.support.identity_world import add_run, add_works, everything, published, row_of

A = "Wei Wang"


@pytest.fixture
def keys(database: Database, editor: Actor) -> dict[int, int]:
    """Eight works of one name, signatures 1 to 8; {1, 2, 3}, {4, 5}, {6} are published.

    Keys of the identities by signature.
    """
    add_works(database, [[A]] * 8)
    add_run(database, "r-1", {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 2})
    publish(database, editor, "r-1")
    with database.read() as connection:
        rows = connection.execute(select(Membership.signature_key, Membership.identity_key))
        return {row[0]: row[1] for row in rows}


def id_of(database: Database, key: int) -> str:
    with database.read() as connection:
        return connection.scalars(select(Identity.id).where(Identity.key == key)).one()


def now(database: Database) -> dict[str, set[int]]:
    with database.read() as connection:
        return published(connection)


def put(database: Database, actor: Actor, *placed: NewMembership) -> None:
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        add_memberships(connection, ledger, ledger.record("works-placed", actor), placed)


def test_the_first_publication_makes_identities(database, keys) -> None:
    with database.read() as connection:
        assert [
            (c.kind, c.mentions)
            for c in connection.execute(select(Change.kind, Change.mentions).order_by(Change.seq))
        ] == [("create", 3), ("create", 2), ("create", 1)]
        row = connection.execute(select(Membership).where(Membership.signature_key == 1)).mappings()
        found = row.one()
    assert (found["origin"], found["confidence"]) == ("run", 0.9)


def test_ids_stay_where_the_proposal_says_so(database, editor, keys) -> None:
    before = now(database)
    groups = {0: keys[1], 1: keys[4], 2: None}
    clusters = {1: 0, 2: 0, 3: 2, 4: 1, 5: 1, 6: 1, 7: 2}
    add_run(database, "r-2", clusters, groups=groups)
    numbers = publish(database, editor, "r-2", "monthly")
    first, second, third = (id_of(database, keys[s]) for s in (1, 4, 6))
    after = now(database)
    assert (after[first], after[second]) == ({1, 2}, {4, 5, 6})
    (new,) = after.keys() - before.keys()
    assert after[new] == {3, 7}
    with database.read() as connection:
        assert resolve_identity(connection, third).row.id == second
        told = connection.execute(
            select(Change.kind, Change.identity, Change.mentions, Change.others)
            .where(Change.event_seq == numbers.event)
            .order_by(Change.seq)
        )
        assert [tuple(row) for row in told] == [
            ("create", new, 2, []),
            ("keep", first, 2, []),
            ("keep", second, 3, []),
            ("merge", third, 1, [{"id": second, "mentions": 1}]),
            ("split", first, 1, [{"id": new, "mentions": 1}]),
        ]
    assert (numbers.created, numbers.merged, numbers.split) == (1, 1, 1)


def test_an_identity_that_goes_several_ways_is_gone_and_names_its_parts(
    database, editor, keys
) -> None:
    gone = id_of(database, keys[1])
    add_run(database, "r-2", {1: 0, 2: 1, 3: 1, 4: 0, 5: 0, 6: 1}, groups={0: keys[4], 1: keys[6]})
    publish(database, editor, "r-2")
    with database.read() as connection:
        found = resolve_identity(connection, gone)
    assert found.is_gone
    assert [(p.id, p.mentions) for p in found.successors] == [
        (id_of(database, keys[6]), 2),
        (id_of(database, keys[4]), 1),
    ]


def test_rolling_back_restores_every_row_and_publishing_again_the_same_ids(
    database, editor, keys
) -> None:
    with database.read() as connection:
        before = everything(connection)
    add_run(database, "r-2", {1: 0, 2: 1, 3: 1, 4: 2, 5: 2, 6: 2}, groups={0: keys[1], 2: keys[4]})
    publish(database, editor, "r-2")
    after = now(database)
    roll_back(database, editor, "r-2", "wrong model")
    with database.read() as connection:
        restored = everything(connection)
        made = max(row[0] for row in restored["identities"])
        assert restored["memberships"] == before["memberships"]
        assert [r for r in restored["identities"] if r[0] != made] == before["identities"]
        assert resolve_identity(connection, id_of(database, made)).row.id == id_of(
            database, keys[1]
        )
        state = connection.execute(select(State.publication_run)).scalar_one()
        assert state == connection.scalars(select(Run.key).where(Run.id == "r-1")).one()
    publish(database, editor, "r-2")
    assert now(database) == after


def test_what_was_placed_since_follows_when_its_identity_ends(database, editor, keys) -> None:
    add_run(database, "r-2", {1: 0, 2: 1, 3: 1, 4: 2, 5: 2, 6: 3}, groups={0: keys[1], 2: keys[4]})
    publish(database, editor, "r-2")
    with database.read() as connection:
        new = connection.scalars(
            select(Membership.identity_key).where(Membership.signature_key == 2)
        ).one()
    put(database, editor, NewMembership(7, new, 0.8), NewMembership(8, None, 0.7))
    roll_back(database, editor, "r-2")
    after = now(database)
    assert after[id_of(database, keys[1])] == {1, 2, 3, 7}
    assert {8} in after.values()


def test_a_rollback_names_the_decision_that_stands_in_its_way(database, editor, keys) -> None:
    add_run(database, "r-2", {1: 0, 2: 0, 3: 1}, groups={0: keys[1]})
    publish(database, editor, "r-2")
    made = decide_pair(
        database, editor, "same", domain.Signature("w0", 0), domain.Signature("w3", 0)
    )
    with pytest.raises(Conflict, match=made.id):
        roll_back(database, editor, "r-2")
    undo_decision(database, editor, made.id)
    roll_back(database, editor, "r-2")
    assert now(database)[id_of(database, keys[1])] == {1, 2, 3}


def test_a_rollback_passes_decisions_about_others(database, editor, keys) -> None:
    add_run(database, "r-2", {1: 0, 2: 0, 3: 1}, groups={0: keys[1]})
    publish(database, editor, "r-2")
    merge_identities(database, editor, [id_of(database, keys[4]), id_of(database, keys[6])])
    roll_back(database, editor, "r-2")
    assert sorted(map(sorted, now(database).values())) == [[1, 2, 3], [4, 5, 6]]


def test_the_later_of_two_publications_is_rolled_back_first(database, editor, keys) -> None:
    add_run(database, "r-2", {1: 0, 2: 0, 3: 1}, groups={0: keys[1]})
    publish(database, editor, "r-2")
    with pytest.raises(Conflict, match="r-2"):
        roll_back(database, editor, "r-1")
    roll_back(database, editor, "r-2")
    roll_back(database, editor, "r-1")
    assert now(database) == {}


def test_a_publication_is_named_by_its_run_or_its_event(database, editor, keys) -> None:
    with database.read() as connection:
        seq = connection.scalars(select(Run.event_seq).where(Run.id == "r-1")).one()
    roll_back(database, editor, int(seq or 0))
    publish(database, editor, "r-1")
    with pytest.raises(Conflict, match="not published by this event"):
        roll_back(database, editor, int(seq or 0))
    with pytest.raises(NotFound, match="published nothing"):
        roll_back(database, editor, 2**70)


def test_a_proposal_from_before_a_decision_is_refused_and_says_what_came_between(
    database, editor, keys
) -> None:
    add_run(database, "r-2", {1: 0, 2: 1})
    made = merge_identities(database, editor, [id_of(database, keys[1]), id_of(database, keys[4])])
    with pytest.raises(Conflict) as refused:
        publish(database, editor, "r-2")
    assert made.id in str(refused.value)
    assert "rebase the run" in str(refused.value)
    assert [e["kind"] for e in refused.value.details["since"]] == ["decision-made"]


def test_of_two_proposals_one_wins(database, editor, keys) -> None:
    for run in ("r-2", "r-3"):
        add_run(database, run, {1: 0, 2: 1})
    publish(database, editor, "r-2")
    with pytest.raises(Conflict, match="r-2"):
        publish(database, editor, "r-3")
    with pytest.raises(Conflict, match="is published, not proposed"):
        publish(database, editor, "r-2")


def test_a_caller_who_saw_an_earlier_state_is_told(database, editor, keys) -> None:
    add_run(database, "r-2", {1: 0, 2: 1})
    with pytest.raises(Stale):
        publish(database, editor, "r-2", expected=0)
    with pytest.raises(NotFound):
        publish(database, editor, "r-unknown")


def test_a_proposal_that_breaks_a_decision_is_refused_and_changes_nothing(
    database, editor, keys
) -> None:
    made = split_identity(database, editor, id_of(database, keys[1]), [[domain.Signature("w0", 0)]])
    add_run(database, "r-2", {1: 0, 2: 0, 3: 0})
    before = now(database)
    with pytest.raises(Conflict, match=made.id):
        publish(database, editor, "r-2")
    assert now(database) == before


def test_what_a_proposal_does_not_speak_of_stays_or_goes_where_most_goes(
    database, editor, keys
) -> None:
    put(database, editor, NewMembership(7, keys[1], 0.8))
    # 1, 2 and 3 go to the identity of 4; 7 is one against three
    add_run(database, "r-2", {1: 0, 2: 0, 3: 0, 4: 0, 5: 0}, groups={0: keys[4]})
    publish(database, editor, "r-2")
    assert now(database) == {
        id_of(database, keys[4]): {1, 2, 3, 4, 5, 7},
        id_of(database, keys[6]): {6},
    }


def test_an_identity_most_of_which_a_proposal_does_not_speak_of_goes_on(
    database, editor, keys
) -> None:
    add_run(database, "r-2", {1: 0, 4: 0, 5: 0}, groups={0: keys[4]})
    publish(database, editor, "r-2")
    assert now(database)[id_of(database, keys[1])] == {2, 3}


def test_a_mention_does_not_follow_to_where_its_work_is_already(database, editor) -> None:
    add_works(database, [[A], [A], [A, "W. Wang"]])
    add_run(database, "r-1", {1: 0, 2: 0, 3: 1})
    publish(database, editor, "r-1")
    with database.read() as connection:
        rows = connection.execute(select(Membership.signature_key, Membership.identity_key))
        keys = {row[0]: row[1] for row in rows}
    put(database, editor, NewMembership(4, keys[1], 0.6))
    add_run(database, "r-2", {1: 0, 2: 0, 3: 0}, groups={0: keys[3]})
    publish(database, editor, "r-2")
    assert sorted(map(sorted, now(database).values())) == [[1, 2, 3], [4]]


def test_mentions_that_are_no_more_leave_and_an_empty_identity_is_gone(
    database, editor, keys
) -> None:
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        rows = SignatureRow.__table__
        connection.execute(rows.update().where(rows.c.key.in_([3, 6])).values(retired_version=2))
        retire_signatures(connection, ledger, ledger.record("works-loaded", editor), [3, 6])
    assert sorted(map(sorted, now(database).values())) == [[1, 2], [4, 5]]
    with database.read() as connection:
        found = resolve_identity(connection, id_of(database, keys[6]))
    assert (found.is_gone, found.successors) == (True, ())


def test_a_history_tells_who_did_what_and_what_can_be_taken_back(database, editor, keys) -> None:
    first, other = id_of(database, keys[1]), id_of(database, keys[4])
    made = merge_identities(database, editor, [first, other])
    with database.read() as connection:
        (latest, earliest) = list_history(connection, other)
    assert (latest.kind, latest.actor, latest.undoable) == (
        "decision-made",
        "cli:editor",
        made.id,
    )
    assert (latest.before["status"], latest.after["status"]) == ("active", "redirected")
    assert latest.after["redirect"] == first
    assert (earliest.before, earliest.undoable) == (None, "r-1")
    undo_decision(database, editor, made.id)
    with database.read() as connection:
        assert [e.undoable for e in list_history(connection, other)] == [None, None, "r-1"]


def test_confidence_is_renewed_where_it_differs_but_never_what_people_said(
    database, editor, keys
) -> None:
    merge_identities(database, editor, [id_of(database, keys[1]), id_of(database, keys[6])])
    groups = {0: keys[1]}
    sure = {1: 0.905, 2: 0.5, 3: 0.9, 6: 0.3}
    add_run(database, "r-2", {1: 0, 2: 0, 3: 0, 6: 0}, groups=groups, confidence=sure)
    publish(database, editor, "r-2")
    with database.read() as connection:
        rows = connection.execute(
            select(Membership.signature_key, Membership.confidence, Membership.origin).order_by(
                Membership.signature_key
            )
        ).all()
    assert [tuple(r) for r in rows if r[0] in sure] == [
        (1, 0.9, "run"),
        (2, 0.5, "run"),
        (3, 0.9, "run"),
        (6, 1.0, "decision"),
    ]


def test_the_most_frequent_printed_form_is_the_name_then_the_fullest(database, editor) -> None:
    add_works(
        database,
        [["W. Wang"], ["W. Wang"], ["Wei Wang"], ["Wei Wang"], ["Wang"]],
        {0: 1999, 3: 2004},
    )
    add_run(database, "r-1", dict.fromkeys(range(1, 6), 0))
    publish(database, editor, "r-1")
    with database.read() as connection:
        (only,) = published(connection)
        row = row_of(connection, only)
    assert (row.name, row.n_works, row.first_year, row.last_year) == ("Wei Wang", 5, 1999, 2004)
