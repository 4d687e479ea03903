"""Runs: asked for, listed, cancelled, begun by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from service.actors import Actor
from service.db.database import Database
from service.db.tables import Event, ProposalGroup, Run, RunArtifact, State, Worker
from service.errors import Conflict, Invalid, NotFound
from service.runs import results as run_results
from service.runs import store as run_store
from service.worker import housekeeping
from tests.support.stored_rows import deliver, number_of, work

PATIENCE = 60.0


def state(database: Database, run_id: str) -> run_results.Run:
    with database.read() as connection:
        return run_store.get_run(connection, run_id)


def test_a_run_is_queued_with_who_and_why(database: Database, editor: Actor) -> None:
    found = run_store.create_run(database, editor, scope="full", reason="new\0 year")
    assert (found.state, found.scope, found.actor) == ("queued", "full", "cli:editor")
    assert found.reason == "new\u2400 year"
    with database.read() as connection:
        assert connection.scalars(select(Event.kind)).all() == ["run-created"]


def test_what_cannot_be_asked_for_is_told(database: Database, editor: Actor) -> None:
    with pytest.raises(Invalid, match="full or touched"):
        run_store.create_run(database, editor, scope="some")
    with pytest.raises(Invalid, match="2,001 characters"):
        run_store.create_run(database, editor, reason="x" * 2001)
    with database.read() as connection:
        with pytest.raises(NotFound, match="no run 'r-1'"):
            run_store.get_run(connection, "r-1")
        with pytest.raises(Invalid, match="unknown state 'done'"):
            run_store.list_runs(connection, state="done")


def test_runs_are_listed_newest_first_page_by_page(database: Database, editor: Actor) -> None:
    ids = [run_store.create_run(database, editor).id for _ in range(3)]
    with database.read() as connection:
        assert [r.id for r in run_store.list_runs(connection, limit=2)] == [ids[2], ids[1]]
        assert [r.id for r in run_store.list_runs(connection, before=ids[1])] == [ids[0]]
        assert run_store.list_runs(connection, state="running") == []


def test_a_run_is_cancelled_once(database: Database, editor: Actor) -> None:
    run = run_store.create_run(database, editor)
    assert run_store.cancel_run(database, editor, run.id, "wrong model").state == "cancelled"
    with pytest.raises(Conflict, match="is cancelled"):
        run_store.cancel_run(database, editor, run.id)


def test_a_schedule_asks_only_for_what_is_new(database: Database, editor: Actor) -> None:
    assert housekeeping.schedule_run(database, editor, 24) is None
    deliver(database, work("w1", "Ann Lee"))
    first = housekeeping.schedule_run(database, editor, 24)
    assert first is not None
    assert (first.scope, first.reason) == ("touched", "every 24 hours")
    assert housekeeping.schedule_run(database, editor, 24) is None  # one waits already
    with database.write() as connection:
        ended = {"state": "proposed", "based_on": 1}
        connection.execute(update(Run).where(Run.id == first.id).values(**ended))
    assert housekeeping.schedule_run(database, editor, 0.0001) is None  # nothing since event 1
    deliver(database, work("w2", "Ann Lee"))
    assert housekeeping.schedule_run(database, editor, 24) is None  # too early
    with database.write() as connection:
        past = datetime.now(UTC) - timedelta(hours=25)
        connection.execute(update(Run).values(created_at=past))
    assert housekeeping.schedule_run(database, editor, 24) is not None


def test_statistics_of_runs_that_came_to_nothing_are_removed(
    database: Database, editor: Actor
) -> None:
    _, dropped = (run_store.create_run(database, editor) for _ in range(2))
    with database.write() as connection:
        for number in (1, 2):
            connection.execute(
                insert(RunArtifact).values(run_key=number, name="a", part=0, content=b"x")
            )
    run_store.cancel_run(database, editor, dropped.id)
    housekeeping.remove_stale_proposals(database, editor)
    with database.read() as connection:
        assert connection.scalars(select(RunArtifact.run_key)).all() == [1]
    assert number_of(database, Worker) == 0


def test_old_proposals_are_removed_and_published_ones_kept(
    database: Database, editor: Actor
) -> None:
    ids = [run_store.create_run(database, editor).id for _ in range(6)]
    with database.write() as connection:
        connection.execute(update(Run).values(state="proposed"))
        shown = update(Run).where(Run.key == 5)
        connection.execute(shown.values(state="published", event_seq=9))
        connection.execute(update(State).values(publication_run=5))
        for key in range(1, 7):
            connection.execute(insert(ProposalGroup).values(run_key=key, cluster=0))
    # 6, 4 and 3 are the newest three that wait; 2 and 1 are older than what readers see
    assert housekeeping.remove_stale_proposals(database, editor) == 2
    with database.read() as connection:
        kept = connection.scalars(select(ProposalGroup.run_key)).all()
        assert sorted(kept) == [3, 4, 5, 6]
        states = [run_store.get_run(connection, run_id).state for run_id in ids]
    assert states == ["superseded"] * 2 + ["proposed"] * 2 + ["published", "proposed"]
    assert housekeeping.remove_stale_proposals(database, editor) == 0
