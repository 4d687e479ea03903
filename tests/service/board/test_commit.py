"""An arrangement is previewed, published as one decision, and taken back exactly."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from disambig.domain import Signature
from service.actors import Actor
from service.board.commit import CommitResult, commit_arrangement, preview_arrangement
from service.board.request import ArrangementRequest, ColumnRequest
from service.board.results import Preview, Redirection
from service.db.database import Database
from service.db.tables import Decision, Event
from service.decisions.actions import DecisionContext, merge_identities
from service.decisions.undo import redo_decision, undo_decision
from service.errors import Conflict, Invalid
from service.identities.store import read_identities_by_id
from service.publication.publish import publish
from tests.support.identity_world import add_run, add_works, everything, published

A = "Wei Wang"


@pytest.fixture
def ids(database: Database, editor: Actor) -> dict[int, str]:
    """Six works of Wei Wang, signatures 1 to 6: {1, 2, 3}, {4, 5}, {6}; their ids by signature."""
    add_works(database, [[A]] * 6, {k: 2000 + k for k in range(6)})
    add_run(database, "r-1", {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 2})
    publish(database, editor, "r-1")
    with database.read() as connection:
        return {s: i for i, keys in published(connection).items() for s in keys}


def at(*signatures: int) -> tuple[Signature, ...]:
    return tuple(Signature(f"w{s - 1}", 0) for s in signatures)


def column(identity: str | None, *signatures: int, confirmed: bool = False) -> ColumnRequest:
    return ColumnRequest(at(*signatures), identity, confirmed)


def now(database: Database) -> list[set[int]]:
    with database.read() as connection:
        return sorted(published(connection).values(), key=min)


def state(database: Database) -> dict[str, object]:
    with database.read() as connection:
        return everything(connection)


def versions(database: Database, ids: dict[int, str]) -> dict[str, int]:
    with database.read() as connection:
        return {
            i: row.version
            for i, row in read_identities_by_id(connection, set(ids.values())).items()
        }


def done(
    database: Database,
    editor: Actor,
    ids: dict[int, str],
    *columns: ColumnRequest,
    unsure: tuple[Signature, ...] = (),
    override: bool = False,
) -> CommitResult:
    wanted = ArrangementRequest(columns, unsure, versions=versions(database, ids))
    return commit_arrangement(database, editor, wanted, reason="two home pages", override=override)


def preview(database: Database, *columns: ColumnRequest) -> Preview:
    with database.read() as connection:
        return preview_arrangement(connection, ArrangementRequest(columns))


def test_a_preview_tells_what_a_commit_then_does(database, editor, ids) -> None:
    columns = (column(ids[1], 1, 2, 3, 4, 5), column(None, 6))
    before = state(database)
    effects = preview(database, *columns)
    assert (effects.moved, effects.created, effects.kept) == (2, 0, [ids[1]])
    assert effects.redirected == [Redirection(from_=ids[4], to=ids[1])]
    assert (effects.overridden, effects.conflicts, effects.gone) == ([], [], [])
    assert state(database) == before
    made = done(database, editor, ids, *columns)
    assert now(database) == [{1, 2, 3, 4, 5}, {6}]
    assert made.n_moved == 2


def test_a_split_a_merge_and_a_move_are_one_event_undone_at_once(database, editor, ids) -> None:
    before = state(database)
    made = done(
        database, editor, ids, column(ids[1], 1, 2), column(ids[4], 4, 3), column(None, 5, 6)
    )
    assert now(database) == [{1, 2}, {3, 4}, {5, 6}]
    with database.read() as connection:
        events = list(connection.scalars(select(Event.kind).order_by(Event.seq.desc()).limit(1)))
        rows = connection.execute(select(Decision.action, Decision.kind, Decision.reason)).all()
    assert events == ["decision-made"]
    assert [tuple(row) for row in rows] == [("arrange", "different", "two home pages")]
    after = state(database)
    undo_decision(database, editor, made.decision.id)
    undone = state(database)
    assert undone["memberships"] == before["memberships"]
    assert [row for row in undone["identities"] if row in before["identities"]] == before[
        "identities"
    ]
    redo_decision(database, editor, made.decision.id)
    assert state(database)["memberships"] == after["memberships"]


def test_what_an_arrangement_states_binds_the_next_run(database, editor, ids) -> None:
    done(database, editor, ids, column(ids[4], 4, 5, 3))
    add_run(database, "r-2", {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 2})
    with pytest.raises(Conflict, match="breaks decisions"):
        publish(database, editor, "r-2")


def test_a_decision_that_stands_against_it_is_told_and_refuses_it(database, editor, ids) -> None:
    earlier = merge_identities(
        database, editor, [ids[1], ids[4]], context=DecisionContext("one homepage")
    )
    columns = (column(None, 5),)
    (one,) = preview(database, *columns).overridden
    assert (one.decision, one.reason) == (earlier.id, "one homepage")
    with pytest.raises(Conflict, match="contradicts earlier decisions") as refused:
        done(database, editor, {1: ids[1]}, *columns)
    assert refused.value.details["decisions"] == [earlier.id]
    assert now(database) == [{1, 2, 3, 4, 5}, {6}]


def test_an_overridden_decision_is_taken_back_and_comes_back_with_the_undo(
    database, editor, ids
) -> None:
    earlier = merge_identities(database, editor, [ids[1], ids[4]])
    before = state(database)
    made = done(database, editor, {1: ids[1]}, column(None, 5), override=True)
    assert now(database) == [{1, 2, 3, 4}, {5}, {6}]
    assert [one.decision for one in made.overridden_decisions] == [earlier.id]
    assert standing(database) == {made.decision.id}
    with pytest.raises(Conflict, match="was overridden by"):
        redo_decision(database, editor, earlier.id)
    undo_decision(database, editor, made.decision.id)
    assert state(database)["memberships"] == before["memberships"]
    assert standing(database) == {earlier.id}
    redo_decision(database, editor, made.decision.id)
    assert standing(database) == {made.decision.id}
    undo_decision(database, editor, made.decision.id)
    assert standing(database) == {earlier.id}


def test_what_an_overridden_decision_states_besides_is_kept(database, editor, ids) -> None:
    merge_identities(database, editor, [ids[1], ids[4]])
    done(database, editor, {1: ids[1]}, column(None, 5), override=True)
    # 1 and 4 are still one person, by decision
    with pytest.raises(Conflict):
        done(database, editor, {1: ids[1]}, column(None, 4))


def standing(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.scalars(select(Decision.id).where(Decision.undone_seq.is_(None))))


def test_what_nobody_can_tell_is_noted_and_stays(database, editor, ids) -> None:
    made = done(database, editor, ids, column(ids[4], 4, 5, 3), unsure=at(6))
    assert now(database) == [{1, 2}, {3, 4, 5}, {6}]
    assert standing(database) == {made.decision.id, made.unsure_decision}
    with pytest.raises(Conflict, match="was recorded with"):
        undo_decision(database, editor, made.unsure_decision)
    undo_decision(database, editor, made.decision.id)
    assert standing(database) == set()


def test_only_unsure_is_an_unsure_decision(database, editor, ids) -> None:
    before = now(database)
    made = done(database, editor, ids, unsure=at(6))
    with database.read() as connection:
        row = connection.execute(select(Decision.kind, Decision.action, Decision.evidence)).one()
    assert (row[0], row[1], row[2]["mentions"]) == ("unsure", "review", ["w5:0"])
    assert (made.unsure_decision, now(database)) == (None, before)


def test_a_board_that_somebody_else_changed_is_refused_with_what_changed(
    database, editor, ids
) -> None:
    old = versions(database, ids)
    merge_identities(database, editor, [ids[4], ids[6]])
    wanted = ArrangementRequest((column(ids[4], 4, 5, 3),), versions=old)
    with pytest.raises(Conflict, match="changed since the board was read") as refused:
        commit_arrangement(database, editor, wanted)
    assert [c["identity"] for c in refused.value.details["changed"]] == [ids[4]]
    assert refused.value.details["since"][0]["actor"] == editor.name
    # what the arrangement does not touch may have changed
    commit_arrangement(database, editor, ArrangementRequest((column(None, 3),), versions=old))


@pytest.mark.parametrize(
    ("columns", "unsure", "problem"),
    [
        ((), (), "nothing is moved"),
        (((None, 3), (None, 3)), (), "occurs 2 times"),
        (((None, 3),), (3,), "occurs 2 times"),
        (((None, 3),), (), "lacks the version"),
    ],
)
def test_an_arrangement_that_cannot_be_is_refused(
    database, editor, ids, columns, unsure, problem
) -> None:
    wanted = ArrangementRequest([column(i, *some) for i, *some in columns], at(*unsure))
    with pytest.raises(Invalid, match=problem):
        commit_arrangement(database, editor, wanted)


def test_two_authors_of_one_work_are_told_before_they_become_one(database, editor) -> None:
    add_works(database, [[A, "W. Wang"], [A]])
    add_run(database, "r-1", {1: 0, 2: 1, 3: 0})
    publish(database, editor, "r-1")
    with database.read() as connection:
        of = {s: i for i, keys in published(connection).items() for s in keys}
    both = ColumnRequest((Signature("w0", 0), Signature("w0", 1), Signature("w1", 0)), of[1])
    (conflict,) = preview(database, both).conflicts
    assert conflict.mentions == ["w0:0", "w0:1"]
    with pytest.raises(Conflict, match="two authors of one work"):
        done(database, editor, of, both)
