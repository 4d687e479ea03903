"""Runs and models: one worker each, whatever dies or comes back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from service import job_queue
from service.actors import Actor
from service.db.database import Database
from service.db.tables import Event
from service.job_queue import MODEL, RUN, Claim, JobKind, LostClaim
from service.runs import results as run_results
from service.runs import store as run_store
from service.training import store as model_store
from service.training.results import Model as FittedModelView

PATIENCE = 60.0
both = pytest.mark.parametrize("kind", [RUN, MODEL], ids=["run", "model"])


def ask(database: Database, actor: Actor, kind: JobKind) -> str:
    """A job that waits; its id."""
    if kind is RUN:
        return run_store.create_run(database, actor).id
    return model_store.request_model(database, actor, model_store.FitOptions(), PATIENCE).id


def taken(database: Database, kind: JobKind, worker: str = "w") -> Claim:
    """The claim of a worker on the job that waits."""
    found = job_queue.claim_job(database, kind, worker, PATIENCE)
    assert found is not None
    return found


def silence(database: Database, claim: Claim, seconds: float = PATIENCE + 1) -> None:
    """Let the last sign of life be so long ago."""
    table = claim.kind.table
    past = datetime.now(UTC) - timedelta(seconds=seconds)
    with database.write() as connection:
        connection.execute(update(table).where(table.key == claim.key).values(heartbeat_at=past))


def seen(database: Database, claim: Claim) -> run_results.Run | FittedModelView:
    with database.read() as connection:
        if claim.kind is RUN:
            return run_store.get_run(connection, claim.id)
        return model_store.get_model(connection, claim.id)


def holder(database: Database, claim: Claim) -> str | None:
    table = claim.kind.table
    with database.read() as connection:
        return connection.scalar(select(table.claimed_by).where(table.key == claim.key))


def test_the_oldest_run_is_claimed_first_and_once(database, editor) -> None:
    first, second = (ask(database, editor, RUN) for _ in range(2))
    got = [job_queue.claim_job(database, RUN, f"w{k}", PATIENCE) for k in range(3)]
    assert [c and c.id for c in got] == [first, second, None]


@both
def test_of_many_workers_one_gets_a_job(database, editor, kind) -> None:
    ask(database, editor, kind)
    together = threading.Barrier(4)
    got = []

    def one(name: str) -> None:
        together.wait()
        got.append(job_queue.claim_job(database, kind, name, PATIENCE))

    threads = [threading.Thread(target=one, args=(f"w{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([claim for claim in got if claim is not None]) == 1


@both
def test_a_job_of_a_dead_worker_is_taken_over_when_its_heartbeat_runs_out(
    database, editor, kind
) -> None:
    id_ = ask(database, editor, kind)
    dead = taken(database, kind, "dead")
    silence(database, dead, PATIENCE - 5)
    assert job_queue.claim_job(database, kind, "other", PATIENCE) is None
    silence(database, dead)
    heir = taken(database, kind, "other")
    assert (heir.id, heir.attempt, holder(database, heir)) == (id_, 2, "other")


@both
def test_a_worker_that_comes_back_from_the_dead_changes_nothing(database, editor, kind) -> None:
    ask(database, editor, kind)
    dead = taken(database, kind, "dead")
    silence(database, dead)
    heir = taken(database, kind, "heir")
    assert job_queue.record_heartbeat(database, heir, "Comparing", 1, 2)
    assert not job_queue.record_heartbeat(database, dead, "Late", 9, 9)
    with database.write() as connection:
        with pytest.raises(LostClaim):
            job_queue.lock_claim(connection, dead)
        assert job_queue.lock_claim(connection, heir).id == heir.id
    assert job_queue.record_failure(database, editor, dead, "too late") is None
    job_queue.release(database, dead)
    found = seen(database, heir)
    assert (found.state, found.stage, found.done, found.error) == ("running", "Comparing", 1, None)
    assert holder(database, heir) == "heir"


@both
def test_the_same_worker_holds_nothing_by_its_earlier_claim(database, editor, kind) -> None:
    ask(database, editor, kind)
    before = taken(database, kind)
    silence(database, before)
    now = taken(database, kind)
    assert not job_queue.record_heartbeat(database, before, None, 0, None)
    assert job_queue.record_heartbeat(database, now, None, 0, None)


@both
def test_a_late_sign_of_life_counts_where_nobody_has_taken_over(database, editor, kind) -> None:
    ask(database, editor, kind)
    slow = taken(database, kind)
    silence(database, slow)
    assert job_queue.record_heartbeat(database, slow, "Comparing", 7, 30)
    assert job_queue.claim_job(database, kind, "other", PATIENCE) is None
    found = seen(database, slow)
    assert (found.state, found.stage, found.done, found.total) == ("running", "Comparing", 7, 30)


@both
def test_a_job_given_back_waits_as_if_it_had_not_begun(database, editor, kind) -> None:
    ask(database, editor, kind)
    for _ in range(5):
        claim = taken(database, kind)
        assert claim.attempt == 1
        job_queue.release(database, claim)
    assert (seen(database, claim).state, holder(database, claim)) == ("queued", None)


@both
def test_a_job_that_goes_wrong_is_tried_three_times(database, editor, kind) -> None:
    ask(database, editor, kind)
    told = []
    for _ in range(3):
        claim = taken(database, kind)
        told.append(job_queue.record_failure(database, editor, claim, "disk full"))
    assert told == ["queued", "queued", "failed"]
    assert job_queue.claim_job(database, kind, "w", PATIENCE) is None
    assert seen(database, claim).error == "disk full"
    with database.read() as connection:
        failed = connection.scalars(select(Event).where(Event.kind == f"{kind.noun}-failed"))
        assert len(failed.all()) == 3


@both
def test_what_cannot_go_right_is_not_tried_again(database, editor, kind) -> None:
    ask(database, editor, kind)
    claim = taken(database, kind)
    assert (
        job_queue.record_failure(database, editor, claim, "contradiction", permanent=True)
        == "failed"
    )


@both
def test_a_job_that_kills_every_worker_fails(database, editor, kind) -> None:
    ask(database, editor, kind)
    for attempt in (1, 2, 3):
        claim = taken(database, kind)
        assert claim.attempt == attempt
        silence(database, claim)
    assert job_queue.claim_job(database, kind, "w", PATIENCE) is None
    found = seen(database, claim)
    assert (found.state, found.error) == ("failed", kind.death_message)
    assert ask(database, editor, kind)


@both
def test_a_cancelled_job_is_noticed_by_its_worker(database, editor, kind) -> None:
    id_ = ask(database, editor, kind)
    claim = taken(database, kind)
    if kind is RUN:
        run_store.cancel_run(database, editor, id_)
    else:
        model_store.cancel_model(database, editor, id_)
    assert not job_queue.record_heartbeat(database, claim, None, 0, None)
    with database.write() as connection, pytest.raises(LostClaim):
        job_queue.lock_claim(connection, claim)
