"""Whatever is killed at whatever moment: nothing half done, nothing acknowledged lost.

``DISAMBIG_TEST_KILLS=20`` kills twenty times where a short run of the tests kills once or twice.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from service.db.database import Database
from service.db.integrity import find_violations
from service.db.tables import Decision, Identity, Membership, Proposal, Run, Work
from service.decisions.undo import undo_decision
from service.publication import publish as publishing
from service.runs import results as run_results
from service.runs import store as run_store
from tests.support.failure_world import ADMIN, a_place, batch, count, proposed, work
from tests.support.service_processes import PATIENCE, Place, Server, serving

KILLS = int(os.environ.get("DISAMBIG_TEST_KILLS", "1"))
CHANCE = random.Random(20261121)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A database of 135 works that the tests of this file share."""
    if request.param == "postgresql":
        request.getfixturevalue("postgresql_template")  # skips where there is no server
    with a_place(request.param, tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    found = Database(place.url)
    yield found
    assert find_violations(found) == []
    found.close()


def kill_during(server: Server, act: Callable[[], None], within: float) -> float:
    """Begin to act in a thread, kill the server some time later; how much later."""
    thread = threading.Thread(target=act)
    thread.start()
    moment = CHANCE.uniform(0, within)
    time.sleep(moment)
    server.kill()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    return moment


def send(server: Server, number: int, key: str) -> tuple[int, Any]:
    header = {"Idempotency-Key": key}
    return server.ask("POST", "/v1/works?place=false", batch(number), header)


def load(server: Server, numbers: Iterator[int], begun: list[int], done: list[int]) -> None:
    """Post one batch after the other until the server dies."""
    for number in numbers:
        begun.append(number)
        try:
            status, _ = send(server, number, f"batch-{number}")
        except OSError:
            return
        assert status == 200
        done.append(number)


def test_no_acknowledged_work_is_lost_when_the_server_is_killed(
    place: Place, database: Database
) -> None:
    numbers = iter(range(1_000_000))
    for _ in range(KILLS):
        begun: list[int] = []
        done: list[int] = []
        with serving(place) as server:
            kill_during(server, partial(load, server, numbers, begun, done), 0.8)
        for number in done:
            assert count(database, Work, Work.id.like(f"new-{number}-%")) == 20
        assert find_violations(database) == []
        if begun == done:
            continue
        with serving(place) as server:  # what was not acknowledged is simply sent again
            last = begun[-1]
            status, answer = send(server, last, f"batch-{last}")
            if status == 409:  # for all the new server knows, the old one may still be at it
                assert "detail" in answer
                assert "remedy" in answer
                status, answer = send(server, last, f"again-{last}")
            assert status == 200
            assert {row["outcome"] for row in answer["rows"]} <= {"created", "unchanged"}
        assert count(database, Work, Work.id.like(f"new-{last}-%")) == 20


def finished(place: Place, database: Database, run_id: str) -> run_results.Run:
    """The run when workers are done with it; one waits for the heartbeat of the dead to run out."""
    deadline = time.monotonic() + PATIENCE
    while True:
        work(place)
        with database.read() as connection:
            found = run_store.get_run(connection, run_id)
        if found.state not in ("queued", "running") or time.monotonic() > deadline:
            return found
        time.sleep(0.3)


def test_a_run_goes_on_when_its_worker_is_killed(place: Place, database: Database) -> None:
    began = time.monotonic()
    run_store.cancel_run(database, ADMIN, proposed(place, database))
    usual = time.monotonic() - began
    for _ in range((KILLS + 1) // 2):
        run = run_store.create_run(database, ADMIN, scope=run_store.FULL)
        for _ in range(2):  # the third attempt is the last
            worker = place.start("worker")
            time.sleep(CHANCE.uniform(0.2, 1) * usual)
            worker.kill()
            worker.wait()
            assert find_violations(database) == []
        deadline = time.monotonic() + PATIENCE
        found = None
        while found is None or (
            found.state in ("queued", "running") and time.monotonic() < deadline
        ):
            work(place)
            with database.read() as connection:
                found = run_store.get_run(connection, run.id)
            time.sleep(0.2)
        assert found.state == "proposed", found.error
        assert found.attempts <= 3
        run_store.cancel_run(database, ADMIN, run.id)


def published(database: Database) -> dict[int, int]:
    with database.read() as connection:
        rows = connection.execute(select(Membership.signature_key, Membership.identity_key))
        return {row[0]: row[1] for row in rows}


def groups(places: dict[int, int]) -> set[frozenset[int]]:
    found: dict[int, set[int]] = {}
    for signature, identity in places.items():
        found.setdefault(identity, set()).add(signature)
    return {frozenset(signatures) for signatures in found.values()}


def proposal(database: Database, run_id: str) -> set[frozenset[int]]:
    query = select(Proposal.signature_key, Proposal.cluster).join(Run, Run.key == Proposal.run_key)
    with database.read() as connection:
        rows = connection.execute(query.where(Run.id == run_id))
        return groups({row[0]: row[1] for row in rows})


def publish(server: Server, run: str, answers: list[int]) -> None:
    try:
        answers.append(server.ask("POST", f"/v1/runs/{run}/publish", {})[0])
    except OSError:
        return


def test_a_publication_is_whole_or_not_there_when_the_server_is_killed(
    place: Place, database: Database
) -> None:
    run = proposed(place, database)
    wanted, before = proposal(database, run), published(database)
    within = 1.0
    for _ in range(KILLS):
        answers: list[int] = []
        with serving(place) as server:
            moment = kill_during(server, partial(publish, server, run, answers), within)
        assert find_violations(database) == []
        now = published(database)
        with database.read() as connection:
            state = run_store.get_run(connection, run).state
        if state == "published":
            assert groups(now) == wanted
            publishing.roll_back(database, ADMIN, run)
            assert published(database) == before
            within = max(0.05, (within + moment) / 2)  # towards the moments that matter
        else:
            assert answers == []
            assert now == before
            within = min(2.0, within * 1.3)
    publishing.publish(database, ADMIN, run)
    assert groups(published(database)) == wanted


def identities(database: Database) -> list[str]:
    """Active identities without a human decision on them."""
    query = select(Identity.id).where(Identity.status == "active", Identity.curated.is_(False))
    with database.read() as connection:
        return list(connection.scalars(query.order_by(Identity.id)))


@pytest.fixture
def publication(place: Place, database: Database) -> str:
    """Something is published."""
    if not published(database):
        run = proposed(place, database)
        publishing.publish(database, ADMIN, run)
    with database.read() as connection:
        (run,) = run_store.list_runs(connection, state="published", limit=1)
    return run.id


def decide(server: Server, pairs: Iterator[tuple[str, str]], made: dict[str, Any]) -> None:
    """Merge one pair after the other until the server dies; what was acknowledged."""
    for one, other in pairs:
        body = {"identities": [one, other], "same_work": True, "reason": "test"}
        try:
            status, answer = server.ask("POST", "/v1/merges", body, {"If-Match": "*"})
        except OSError:
            return
        if status != 409:  # other decisions forbid it
            assert status == 201, answer
            made[answer["decision"]] = (one, other)


@pytest.mark.usefixtures("publication")
def test_no_acknowledged_decision_is_lost_when_the_server_is_killed(
    place: Place, database: Database
) -> None:
    for _ in range(KILLS):
        free = identities(database)
        pairs = iter(zip(free[::2], free[1::2], strict=False))
        made: dict[str, Any] = {}
        before = count(database, Decision)
        with serving(place) as server:
            kill_during(server, partial(decide, server, pairs, made), 0.5)
        assert find_violations(database) == []
        # the one under way may have been done without anybody being told
        assert count(database, Decision) - before in (len(made), len(made) + 1)
        assert count(database, Decision, Decision.id.in_(made)) == len(made)
        for pair in made.values():
            query = select(func.count()).where(Identity.id.in_(pair), Identity.status == "active")
            with database.read() as connection:
                assert connection.scalar(query) == 1
        with database.read() as connection:
            done = list(connection.scalars(select(Decision.id).order_by(Decision.key.desc())))
        for decision in done[: count(database, Decision) - before]:
            undo_decision(database, ADMIN, decision)
