"""Runs over stored works, from the first to the one after next month's delivery."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select, update

from disambig.corpus.corpus import Corpus
from disambig.corpus.statistics import Statistics
from disambig.domain import Author, Signature
from disambig.estimator import Disambiguator
from disambig.partition import Partition
from service import job_queue
from service.actors import Actor
from service.db import tables
from service.db.database import Database
from service.db.tables import Block, Proposal, ProposalGroup, Run, RunArtifact, State
from service.decisions import actions as decision_actions
from service.errors import Conflict
from service.job_queue import LostClaim
from service.publication import proposals, publish
from service.runs import artifacts
from service.runs import store as run_store
from service.runs.full_run import ClusteringResult, Engine
from service.runs.incremental_run import find_blocks_to_cluster
from service.settings import Settings
from service.worker import worker
from service.worker.worker import Worker
from tests.support.invented import population, work
from tests.support.run_world import (
    EDITOR,
    ROBOTS,
    do,
    do_and_publish,
    done,
    groups,
    lines,
    people,
    settings_in,
    wangs,
)
from tests.support.stored_rows import deliver

pytestmark = pytest.mark.usefixtures("one_space")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


def ids(found: dict[tuple[str, int], str], *works: str) -> set[str]:
    """Identities of the first authors of works."""
    return {found[work, 0] for work in works}


def broken(*_: object) -> None:
    raise OSError("broken off")


def as_groups(partition: Partition) -> set[frozenset[tuple[str, int]]]:
    found: dict[int, set[tuple[str, int]]] = {}
    for row, of in enumerate(partition.identity.tolist()):
        signature = partition.corpus.signature(row)
        found.setdefault(of, set()).add((signature.work, signature.position))
    return {frozenset(group) for group in found.values()}


def test_a_full_run_finds_what_the_engine_finds(database: Database, settings: Settings) -> None:
    works, _ = population(3, families=4)
    deliver(database, *works)
    run = do(database, settings)
    corpus = Corpus.from_works(works)
    partition = Disambiguator().predict(corpus)
    assert groups(database, run.id) == as_groups(partition)
    assert run.summary is not None
    assert run.summary["mentions"] == run.summary["mentions_new"] == corpus.n_signatures
    assert run.summary["created"] == run.summary["groups"] == partition.n_identities


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the files are the same
def test_a_large_run_goes_on_with_what_was_done(
    database: Database, settings: Settings, editor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from disambig.out_of_core import budget
    from disambig.out_of_core.run import LargeRun

    monkeypatch.setattr(
        budget, "plan_for_size", lambda size, limit, workers: budget.MemoryPlan(1, 2)
    )
    deliver(database, *wangs())
    run = run_store.create_run(database, editor, scope="full")
    with monkeypatch.context() as dying:
        dying.setattr(LargeRun, "_join_across", broken)
        Worker(database, settings, lambda line: None).run_next()
    deliver(database, work("late", "speech", "Wei Wang"))
    with monkeypatch.context() as watched:
        watched.setattr(LargeRun, "stage", lambda *_: pytest.fail("read again"))
        found = done(database, settings, run.id)
    # it is based on the works as they were when it read them, and finds what memory finds
    corpus = Corpus.from_works(wangs())
    assert found.attempts == 2
    assert groups(database, run.id) == as_groups(Disambiguator().predict(corpus))
    assert not list((settings.data / "runs").iterdir())
    with database.read() as connection:
        blocks = select(Block.text).where(Block.touched > found.based_on)
        assert set(connection.scalars(blocks)) == {"w wang"}


def test_ids_stay_when_works_arrive(database: Database, settings: Settings) -> None:
    deliver(database, *wangs())
    do_and_publish(database, settings)
    before = people(database)
    assert len(ids(before, "s0", "r0", "x0")) == 3
    deliver(
        database,
        work(
            "s9",
            "speech acoustic phoneme",
            "Wei Wang",
            "Otto Brandt",
            venue="Interspeech",
            year=2006,
        ),
    )
    run = do(database, settings)
    told = [(c.kind, c.mentions, c.identity) for c in lines(database, run.id)]
    assert sorted(told) == sorted(("grow", 1, before["s0", k]) for k in (0, 1))
    publish.publish(database, EDITOR, run.id)
    after = people(database)
    assert {mention: after[mention] for mention in before} == before
    assert after["s9", 0] == before["s0", 0]


def test_decisions_hold_in_the_next_run(
    database: Database, settings: Settings, editor: Actor
) -> None:
    deliver(database, *wangs())
    do_and_publish(database, settings)
    before = people(database)
    # two who are one, and one who is two, says the editor
    decision_actions.merge_identities(database, editor, [before["s0", 0], before["r0", 0]])
    decision_actions.split_identity(database, editor, before["x0", 0], [[Signature("x0", 0)]])
    decided = people(database)
    assert decided["s0", 0] == decided["r0", 0]
    assert decided["x0", 0] != decided["x1", 0]
    run = do(database, settings)
    assert lines(database, run.id) == []
    publish.publish(database, editor, run.id)
    assert people(database) == decided


def test_a_touched_run_equals_a_full_run_on_its_blocks(
    database: Database, settings: Settings
) -> None:
    first, _ = population(3, families=6)
    more = [
        work(f"{w.id}+", w.title, *(a.name for a in w.authors), venue=w.venue, year=w.year)
        for w in first[:6]
    ]
    deliver(database, *first)
    base = do_and_publish(database, settings)
    deliver(database, *more)
    with database.read() as connection:
        blocks = find_blocks_to_cluster(connection, base.based_on or 0)
    touched, full = do(database, settings, "touched"), do(database, settings)
    assert touched.summary is not None
    assert full.summary is not None
    assert touched.summary["blocks"] == len(blocks)
    assert 0 < touched.summary["mentions"] < full.summary["mentions"] / 2
    assert not touched.summary["whole"]
    part = groups(database, touched.id)
    mentions = frozenset().union(*part)
    assert {w.id for w in more} <= {w for w, _ in mentions}
    assert part == {g & mentions for g in groups(database, full.id) if g & mentions}


def test_a_touched_run_publishes_beside_what_it_left_alone(
    database: Database, settings: Settings
) -> None:
    first, _ = population(3, families=6)
    deliver(database, *first)
    do_and_publish(database, settings)
    before = people(database)
    again = first[0]
    deliver(
        database,
        work(
            "new", again.title, *(a.name for a in again.authors), venue=again.venue, year=again.year
        ),
    )
    run = do_and_publish(database, settings, "touched")
    after = people(database)
    assert {mention: after[mention] for mention in before} == before
    assert {m for m in after if m not in before} == {("new", k) for k in range(len(again.authors))}
    # nothing has happened since, so the next one has nothing to do
    idle = do(database, settings, "touched")
    assert run.summary is not None
    assert idle.summary is not None
    assert idle.summary["mentions"] == 0


def test_a_touched_run_without_a_published_one_is_full(
    database: Database, settings: Settings
) -> None:
    deliver(database, *wangs())
    run = do(database, settings, "touched")
    assert run.summary is not None
    assert run.summary["whole"]
    assert run.summary["mentions"] == 23


def test_blocks_that_identities_and_decisions_link_are_touched_too(
    database: Database, settings: Settings, editor: Actor
) -> None:
    orcid = "0000-0002-1825-0097"
    deliver(
        database,
        work("a", "one", "Ann Lee"),
        work("b", "two", "Bob Ray"),
        work("c", "three", Author("Cy Poe", orcid=orcid).name),
        work("d", "four", "Di Fox"),
    )
    run = do_and_publish(database, settings)
    found = people(database)
    decision_actions.merge_identities(database, editor, [found["a", 0], found["b", 0]])

    def touched(since: int) -> set[str]:
        with database.read() as connection:
            keys = find_blocks_to_cluster(connection, since)
            return set(connection.scalars(select(Block.text).where(Block.key.in_(keys))))

    assert touched(run.based_on or 0) == {"a lee", "b ray"}
    with database.read() as connection:
        now = connection.scalars(select(State.sequence)).one()
    deliver(database, work("a2", "one", "Ann Lee"))
    assert touched(now) == {"a lee", "b ray"}


def test_a_proposal_is_brought_up_to_date(
    database: Database, settings: Settings, editor: Actor
) -> None:
    deliver(database, *wangs())
    do_and_publish(database, settings)
    before = people(database)
    deliver(
        database,
        work(
            "s9",
            "speech acoustic phoneme",
            "Wei Wang",
            "Otto Brandt",
            venue="Interspeech",
            year=2006,
        ),
    )
    run = do(database, settings)
    decision_actions.merge_identities(database, editor, [before["s0", 0], before["r0", 0]])
    with pytest.raises(Conflict, match="rebase"):
        publish.publish(database, editor, run.id)
    assert proposals.rebase(database, editor, run.id).state == "queued"
    again = done(database, settings, run.id)
    assert (again.rebases, again.attempts) == (1, 1)
    assert again.summary is not None
    assert again.summary["mentions"] == 25
    publish.publish(database, editor, run.id)
    after = people(database)
    assert after["s9", 0] == after["s0", 0] == after["r0", 0]
    assert {after[m] for m in before} <= set(before.values())
    with pytest.raises(Conflict, match="published"):
        proposals.rebase(database, editor, run.id)


def test_what_would_change_is_told_and_ranked(
    database: Database, settings: Settings, editor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(database, *wangs())
    do_and_publish(database, settings)
    before = people(database)
    run = do(database, settings)
    with database.read() as connection:
        keys = connection.scalars(
            select(Proposal.signature_key).order_by(Proposal.signature_key)
        ).all()
    # in the order of loading: Wei and Otto five times, Wei and Zoe five times, Ulf three times
    cluster = np.array([0, 1] * 5 + [0, 2] * 3 + [3, 2] * 2 + [4] * 3)
    found = ClusteringResult(
        np.array(sorted(set(keys))),
        cluster.astype(np.int32),
        np.ones(23, np.float32),
        10**6,
        "m",
        True,
    )
    asked = run_store.create_run(database, editor, scope="full")
    claim = job_queue.claim_job(database, job_queue.RUN, "w", 60)
    assert claim is not None
    proposals.store_proposal(database, editor, claim, found)
    told = [(c.kind, c.mentions, c.identity, c.details["stays"]) for c in lines(database, asked.id)]
    assert told == [("move", 3, before["r0", 0], 2)]
    move = lines(database, asked.id)[0]
    assert move.details["others"] == [
        {"identity": before["s0", 0], "name": "Wei Wang", "mentions": 3}
    ]
    assert lines(database, asked.id, "merge") == []
    assert run.id != asked.id


def test_a_worker_that_lost_its_run_stores_nothing(
    database: Database, settings: Settings, editor: Actor
) -> None:
    deliver(database, work("a", "one", "Ann Lee"))
    run_store.create_run(database, editor, scope="full")
    claim = job_queue.claim_job(database, job_queue.RUN, "dead", 60)
    assert claim is not None
    with database.write() as connection:
        connection.execute(update(Run).values(claimed_by="other", attempts=2))
    found = ClusteringResult(
        np.array([1]), np.array([0], np.int32), np.ones(1, np.float32), 1, "m", True
    )
    with pytest.raises(LostClaim):
        proposals.store_proposal(database, editor, claim, found)
    with database.read() as connection:
        for table in (Proposal, ProposalGroup, RunArtifact):
            assert connection.scalar(select(func.count()).select_from(table)) == 0
        assert connection.scalars(select(Run.state)).one() == "running"


def test_a_store_that_breaks_off_leaves_nothing(
    database: Database, settings: Settings, editor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(database, *wangs())
    run = run_store.create_run(database, editor, scope="full")
    monkeypatch.setattr(artifacts, "store_statistics", broken)
    assert Worker(database, settings, lambda line: None).run_next()
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(Proposal)) == 0
        assert (
            run_store.get_run(connection, run.id).state,
            run_store.get_run(connection, run.id).error,
        ) == (
            "queued",
            "broken off",
        )


def test_a_worker_told_to_stop_gives_its_run_back(
    database: Database, settings: Settings, editor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(database, *wangs())
    run = run_store.create_run(database, editor, scope="full")
    found = Worker(database, settings, lambda line: None)
    original = Engine.load_model

    def stopping(engine: Engine):  # type: ignore[no-untyped-def]
        found.stop.set()
        return original(engine)

    monkeypatch.setattr(Engine, "load_model", stopping)
    assert found.serve() == 1
    with database.read() as connection:
        assert run_store.get_run(connection, run.id).state == "queued"
        row = connection.execute(select(tables.Worker)).one()
    assert row.stopped_at is not None


def test_a_cancelled_run_stops(
    database: Database, settings: Settings, editor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(database, *wangs())
    run = run_store.create_run(database, editor, scope="full")
    monkeypatch.setattr(worker, "HEARTBEAT_TICK", 0.01)
    original = Engine.load_model
    noticed = threading.Event()

    def slow(engine: Engine):  # type: ignore[no-untyped-def]
        run_store.cancel_run(database, editor, run.id)
        for _ in range(500):
            with engine.progress("Waiting"):
                noticed.wait(0.01)
        return original(engine)

    monkeypatch.setattr(Engine, "load_model", slow)
    said: list[str] = []
    assert Worker(database, settings, said.append).run_next()
    assert "cancelled or claimed by another worker" in said[-1]
    with database.read() as connection:
        assert run_store.get_run(connection, run.id).state == "cancelled"


def test_decisions_that_contradict_identifiers_do_not_stop_a_run(
    database: Database, settings: Settings, editor: Actor
) -> None:
    orcid = "0000-0002-1825-0097"
    same = Author("Ann Lee", orcid=orcid)
    deliver(database, work("a", ROBOTS[0], "Ann Lee"), work("b", ROBOTS[1], "Ann Lee"))
    from tests.support.stored_rows import work as stored

    deliver(database, stored("c", same), stored("d", same))
    do_and_publish(database, settings)
    assert people(database)["c", 0] == people(database)["d", 0]
    decision_actions.decide_pair(
        database, editor, "different", Signature("c", 0), Signature("d", 0)
    )
    run = do(database, settings)
    assert run.summary is not None
    assert "ignored" in run.summary["problems"][0]
    assert not any({("c", 0), ("d", 0)} <= group for group in groups(database, run.id))


def test_statistics_are_copied_to_the_data_folder_once(
    database: Database, settings: Settings
) -> None:
    deliver(database, *wangs())
    run = do_and_publish(database, settings)
    with database.read() as connection:
        key = run_store.get_run_key(connection, run.id)
    found = artifacts.open_statistics(database, settings.data, key, run.id)
    assert isinstance(found, Statistics)
    assert found.texts["title"] == 13
    folder = settings.data / "statistics" / run.id
    assert sorted(p.name for p in folder.parent.iterdir()) == [run.id]
    stamp = (folder / "texts.json").stat().st_mtime_ns
    artifacts.open_statistics(database, settings.data, key, run.id)
    assert (folder / "texts.json").stat().st_mtime_ns == stamp
    artifacts.remove_other_copies(settings.data, set())
    assert not folder.exists()
