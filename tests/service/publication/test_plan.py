"""What publishing does with mentions that the proposal does not speak of, and how it is told."""

from __future__ import annotations

import threading

import numpy as np
from sqlalchemy import select

from disambig.domain import Signature
from service import job_queue
from service.actors import Actor
from service.db.database import Database
from service.db.tables import Identity, Membership, State
from service.decisions.actions import decide_pair
from service.errors import Conflict
from service.publication import proposals
from service.publication.publish import publish
from service.publication.results import Difference, Published
from service.runs import store as run_store
from service.runs.full_run import ClusteringResult
from tests.support.identity_world import add_works, published

A, B = "Wei Wang", "W. Wang"


def propose(database: Database, actor: Actor, clusters: dict[int, int]) -> str:
    """A run that proposes a cluster for each signature; its id."""
    asked = run_store.create_run(database, actor, scope="touched")
    find(database, actor, clusters)
    return asked.id


def find(database: Database, actor: Actor, clusters: dict[int, int]) -> None:
    """Do the run that waits: these clusters, by signature."""
    claim = job_queue.claim_job(database, job_queue.RUN, "worker", 60)
    assert claim is not None
    with database.read() as connection:
        now = connection.scalars(select(State.sequence)).one()
    signature = np.array(sorted(clusters), dtype=np.int64)
    cluster = np.array([clusters[s] for s in sorted(clusters)], dtype=np.int32)
    sure = np.full(len(signature), 0.9, dtype=np.float32)
    proposals.store_proposal(
        database,
        actor,
        claim,
        ClusteringResult(signature, cluster, sure, now, "m", is_complete=False),
    )


def identities(database: Database) -> dict[int, str]:
    """Public id of the identity of each signature."""
    query = select(Membership.signature_key, Identity.id)
    query = query.join(Identity, Identity.key == Membership.identity_key)
    with database.read() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def now(database: Database) -> list[set[int]]:
    with database.read() as connection:
        return sorted(published(connection).values(), key=min)


def told(database: Database, run_id: str) -> tuple[list[Difference], dict[str, int]]:
    with database.read() as connection:
        summary = run_store.get_run(connection, run_id).summary
        return proposals.list_changes(connection, run_id), dict(summary or {})


def numbers(summary: dict[str, int]) -> tuple[int, int, int]:
    """Mentions beside the proposal; those of them that follow; proposed ones that stay apart."""
    return tuple(summary[f"mentions_{n}"] for n in ("beside", "following", "apart"))  # type: ignore[return-value]


def begin(
    database: Database, actor: Actor, works: list[list[str]], clusters: dict[int, int]
) -> None:
    add_works(database, works)
    publish(database, actor, propose(database, actor, clusters))


def test_a_proposed_mention_stays_where_it_was_if_one_of_its_work_stays_ahead(
    database: Database, editor: Actor
) -> None:
    # work w1 has signatures 2 and 3; {1, 2, 5} is one person, {3, 4} another
    begin(database, editor, [[A], [A, B], [A], [A]], {1: 0, 2: 0, 3: 1, 4: 1, 5: 0})
    before = identities(database)
    # 2 is of a block that the run left alone: it does not know of it
    run = propose(database, editor, {1: 0, 3: 0, 4: 0, 5: 0})
    lines, summary = told(database, run)
    assert numbers(summary) == (1, 0, 1)
    assert [(c.kind, c.identity, c.mentions, c.details["stays"]) for c in lines] == [
        ("move", before[3], 1, 1)
    ]
    publish(database, editor, run)
    after = identities(database)
    assert now(database) == [{1, 2, 4, 5}, {3}]
    assert (after[2], after[3]) == (before[2], before[3])


def test_a_mention_that_was_nowhere_is_alone_rather_than_with_one_of_its_work(
    database: Database, editor: Actor
) -> None:
    begin(database, editor, [[A], [A, B], [A]], {1: 0, 2: 0, 4: 0})
    run = propose(database, editor, {1: 0, 3: 0, 4: 0})
    lines, summary = told(database, run)
    assert numbers(summary) == (1, 0, 1)
    assert [(c.kind, c.mentions, c.details["name"]) for c in lines] == [("create", 1, B)]
    publish(database, editor, run)
    assert now(database) == [{1, 2, 4}, {3}]


def test_who_a_decision_put_there_stays_and_the_other_leaves(
    database: Database, editor: Actor
) -> None:
    # 1 and 5 are one by a decision, and so are 3 and 4; 2 and 3 are of one work
    begin(database, editor, [[A], [A, B], [A], [A], [A]], {1: 0, 2: 0, 3: 1, 4: 1, 5: 0, 6: 0})
    decide_pair(database, editor, "same", Signature("w0", 0), Signature("w3", 0))
    decide_pair(database, editor, "same", Signature("w1", 1), Signature("w2", 0))
    before = identities(database)
    publish(database, editor, propose(database, editor, {1: 0, 3: 0, 4: 0, 5: 0, 6: 0}))
    assert now(database) == [{1, 3, 4, 5, 6}, {2}]
    assert identities(database)[3] == before[1]


def test_mentions_that_follow_are_told_before_anyone_publishes(
    database: Database, editor: Actor
) -> None:
    begin(database, editor, [[A]] * 7, {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 1, 7: 1})
    before = identities(database)
    run = propose(database, editor, {1: 0, 2: 0, 4: 0, 5: 0, 6: 0})
    lines, summary = told(database, run)
    # 3 is one against two and follows; 7 stays in the identity that goes on
    assert numbers(summary) == (2, 1, 0)
    assert summary["mentions"] == 5
    assert summary["mentions_moved"] == 3
    (line,) = lines
    assert (line.kind, line.identity, line.mentions) == ("merge", before[1], 3)
    assert (line.details["following"], line.details["stays"]) == (1, 0)
    done = publish(database, editor, run)
    assert (done.merged, done.moved) == (1, 3)
    assert now(database) == [{1, 2, 3, 4, 5, 6, 7}]


def test_what_a_proposal_has_all_mentions_of_has_none_beside(
    database: Database, editor: Actor
) -> None:
    begin(database, editor, [[A]] * 3, {1: 0, 2: 0, 3: 1})
    run = propose(database, editor, {1: 0, 2: 1})
    lines, summary = told(database, run)
    assert numbers(summary) == (0, 0, 0)
    assert [c.details["following"] for c in lines] == [0]


def test_of_two_who_publish_at_once_one_wins_and_the_other_rebases(
    database: Database, database_url: str, editor: Actor
) -> None:
    begin(database, editor, [[A]] * 6, {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 1})
    wanted = {
        propose(database, editor, {1: 0, 2: 0, 3: 1}): [{1, 2}, {3}, {4, 5, 6}],
        propose(database, editor, {4: 0, 5: 0, 6: 1}): [{1, 2, 3}, {4, 5}, {6}],
    }
    answers: dict[str, Published | Conflict] = {}
    start = threading.Barrier(2)

    def publish_one(run: str) -> None:
        own = Database(database_url)
        start.wait()
        try:
            answers[run] = publish(own, editor, run)
        except Conflict as error:
            answers[run] = error
        finally:
            own.close()

    threads = [threading.Thread(target=publish_one, args=(run,)) for run in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (loser,) = [run for run, answer in answers.items() if isinstance(answer, Conflict)]
    (winner,) = wanted.keys() - {loser}
    assert now(database) == wanted[winner]
    refused = answers[loser]
    assert isinstance(refused, Conflict)
    assert refused.remedy == "rebase the run"
    assert [event["subject"] for event in refused.details["since"]] == [winner]
    # brought up to date it takes its turn
    proposals.rebase(database, editor, loser)
    find(database, editor, {})
    publish(database, editor, loser)
    assert now(database) == [{1, 2}, {3}, {4, 5}, {6}]
