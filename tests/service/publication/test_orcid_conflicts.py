"""A run that takes for one person what different stated ORCID iDs tell apart is never silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from disambig.domain import Signature
from service.actors import Actor
from service.board.commit import commit_arrangement
from service.board.request import ArrangementRequest, ColumnRequest
from service.db.database import Database
from service.db.tables import ExternalId, Identity, State
from service.decisions.actions import decide_pair
from service.decisions.undo import redo_decision, undo_decision
from service.external_ids.attach import SIGNATURE_SOURCE, attach_id, detach_id
from service.identities.store import read_identities_by_id
from service.job_queue import RUN, claim_job
from service.publication import proposals
from service.publication.publish import publish, roll_back
from service.review.answers import AnswerRequest
from service.review.answers import answer_task as answer
from service.runs import store as run_store
from service.runs.full_run import ClusteringResult
from service.tasks import queries as task_queries
from service.tasks.results import Task
from tests.support.api_clients import bearer, key_of, serving
from tests.support.identity_world import add_run, add_works, published
from tests.support.review_world import ANN, publish_as, states
from tests.support.run_world import do_and_publish, people, settings_in, wangs
from tests.support.stored_rows import deliver

A, B, C = "0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X"


@pytest.fixture
def ids(database: Database, editor: Actor) -> dict[int, str]:
    """Signatures {1, 2, 3}, {4, 5} and {6}, which prints an ORCID iD; their ids by signature."""
    add_works(database, [*[["Wei Wang"]] * 5, [("Wei Wang", C)]])
    add_run(database, "r-1", {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 2})
    publish(database, editor, "r-1")
    with database.read() as connection:
        return {s: i for i, keys in published(connection).items() for s in keys}


@pytest.fixture
def stated(database: Database, editor: Actor, ids: dict[int, str]) -> dict[int, str]:
    """The same; the first two have different iDs, as somebody says."""
    attach_id(database, editor, ids[1], "orcid", A, "homepage")
    attach_id(database, editor, ids[4], "orcid", B, "homepage")
    return ids


def asked(database: Database) -> list[Task]:
    with database.read() as connection:
        return task_queries.get_task_page(connection, task_queries.TaskFilter(kind="conflict"))[0]


def held(database: Database) -> dict[str, set[str]]:
    """Stated ORCID iDs by identity."""
    query = (
        select(Identity.id, ExternalId.value)
        .join(Identity, Identity.key == ExternalId.identity_key)
        .where(ExternalId.removed_seq.is_(None), ExternalId.source != SIGNATURE_SOURCE)
    )
    found: dict[str, set[str]] = {}
    with database.read() as connection:
        for id_, value in connection.execute(query):
            found.setdefault(id_, set()).add(value)
    return found


def together(database: Database, editor: Actor, *signatures: int) -> dict[str, Any]:
    """A run puts signatures together, under the id of the first."""
    return publish_as(database, editor, "r-2", dict.fromkeys(signatures, 0))


def at(*signatures: int) -> list[dict[str, Any]]:
    return [{"work": f"w{s - 1}", "position": 0} for s in signatures]


def test_a_merge_of_two_stated_ids_is_asked_about(database, editor, stated) -> None:
    together(database, editor, 1, 2, 3, 4, 5)
    (task,) = asked(database)
    assert (task.kind, task.subject, task.name) == ("conflict", stated[1], "Wei Wang")
    assert task.evidence["values"] == [A, B]
    sides = [(s["orcid"], s["n"], s["mentions"]) for s in task.evidence["sides"]]
    assert sides == [(A, 3, at(1, 2, 3)), (B, 2, at(4, 5))]
    roll_back(database, editor, "r-2")
    assert asked(database) == []
    assert held(database) == {stated[1]: {A}, stated[4]: {B}}


@pytest.mark.parametrize("moved", [(1, 2, 3, 6), (4, 5, 6, 1, 2, 3)])
def test_a_printed_id_beside_a_stated_one_is_asked_about(database, editor, ids, moved) -> None:
    attach_id(database, editor, ids[1], "orcid", A, "homepage")
    together(database, editor, *moved)
    (task,) = asked(database)
    assert task.evidence["values"] == [A, C]
    assert [s["mentions"] for s in task.evidence["sides"]] == [at(1, 2, 3), at(6)]


def test_a_part_of_an_identity_leaves_its_stated_id_behind(database, editor, stated) -> None:
    together(database, editor, 1, 2, 3, 5)
    assert asked(database) == []


def test_what_had_both_before_is_not_asked_about(database, editor, ids) -> None:
    attach_id(database, editor, ids[1], "orcid", A, "homepage")
    attach_id(database, editor, ids[1], "orcid", B, "old homepage")
    together(database, editor, 1, 2, 3, 4, 5)
    assert asked(database) == []


def test_one_id_of_both_is_no_clash(database, editor, ids) -> None:
    attach_id(database, editor, ids[1], "orcid", A, "homepage")
    attach_id(database, editor, ids[4], "orcid", A, "homepage")
    together(database, editor, 1, 2, 3, 4, 5)
    assert asked(database) == []


def test_what_a_person_puts_together_is_not_asked_about(database, editor, stated) -> None:
    decide_pair(database, editor, "same", Signature("w0", 0), Signature("w3", 0))
    assert asked(database) == []


def test_one_person_leaves_both_ids_and_closes_the_question(database, editor, stated) -> None:
    together(database, editor, 1, 2, 3, 4, 5)
    (task,) = asked(database)
    made = answer(database, ANN, task.id, AnswerRequest("same")).decision
    assert (states(database, [task.id]), held(database)) == (["closed"], {stated[1]: {A, B}})
    undo_decision(database, editor, made.decision)
    assert states(database, [task.id]) == ["open"]


def test_different_people_part_with_their_ids(database, editor, stated) -> None:
    together(database, editor, 1, 2, 3, 4, 5)
    (task,) = asked(database)
    made = answer(database, ANN, task.id, AnswerRequest("different")).decision
    (fresh,) = made.created
    for _ in range(2):
        assert held(database) == {stated[1]: {A}, fresh: {B}}
        with database.read() as connection:
            assert published(connection) == {stated[1]: {1, 2, 3}, fresh: {4, 5}, stated[6]: {6}}
        assert states(database, [task.id]) == ["closed"]
        undo_decision(database, editor, made.decision)
        assert (held(database), states(database, [task.id])) == ({stated[1]: {A, B}}, ["open"])
        redo_decision(database, editor, made.decision)


def test_a_board_that_parts_them_closes_the_question(database, editor, stated) -> None:
    together(database, editor, 1, 2, 3, 4, 5)
    (task,) = asked(database)
    with database.read() as connection:
        versions = {stated[1]: read_identities_by_id(connection, [stated[1]])[stated[1]].version}
    columns = [ColumnRequest((Signature("w3", 0), Signature("w4", 0)))]
    made = commit_arrangement(
        database, editor, ArrangementRequest(columns, versions=versions)
    ).decision
    assert states(database, [task.id]) == ["closed"]
    undo_decision(database, editor, made.id)
    assert states(database, [task.id]) == ["open"]


def test_an_id_that_is_taken_off_closes_the_question(database, editor, stated) -> None:
    together(database, editor, 1, 2, 3, 4, 5)
    (task,) = asked(database)
    detach_id(database, editor, stated[1], "orcid", B)
    assert states(database, [task.id]) == ["closed"]


def test_the_next_run_that_leaves_them_together_does_not_ask_again(
    database, editor, stated
) -> None:
    together(database, editor, 1, 2, 3, 4, 5)
    (task,) = asked(database)
    task_queries.close_by_hand(database, editor, task.id)
    publish_as(database, editor, "r-3", dict.fromkeys(range(1, 7), 0))
    (again,) = asked(database)
    assert sorted(again.evidence["values"]) == sorted([A, B, C])  # the third is new
    task_queries.close_by_hand(database, editor, again.id)
    publish_as(database, editor, "r-4", dict.fromkeys(range(1, 7), 0))
    assert asked(database) == []


def test_the_diff_of_a_run_says_so_first(database, editor, stated) -> None:
    run = run_store.create_run(database, editor, scope="full")
    claim = claim_job(database, RUN, "w", 60)
    assert claim is not None
    with database.read() as connection:
        now = connection.scalars(select(State.sequence)).one()
    cluster = np.array([0, 0, 0, 0, 0, 1], np.int32)
    sure = np.ones(6, np.float32)
    found = ClusteringResult(np.arange(1, 7), cluster, sure, now, "m", True)
    proposals.store_proposal(database, editor, claim, found)
    with serving(database) as client:
        reviewer = bearer(key_of(database, "reviewer"))
        told = client.get(f"/v1/runs/{run.id}/diff", headers=reviewer).json()
        alone = client.get(f"/v1/runs/{run.id}/diff?kind=conflict", headers=reviewer).json()
        client.post("/login", data={"key": key_of(database, "reviewer")})
        page = client.get(f"/runs/{run.id}").text
    assert [line["kind"] for line in told["items"]] == ["conflict", "merge"]
    assert told["summary"]["conflicts"] == 1
    (line,) = alone["items"]
    assert (line["identity"], line["mentions"]) == (stated[1], 5)
    assert line["text"] == f"has different ORCID iDs: {A} (3), {B} (2)"
    assert {o["identity"] for o in line["details"]["others"]} == {stated[1], stated[4]}
    assert line["text"] in page
    publish(database, editor, run.id)
    assert len(asked(database)) == 1


def test_the_board_asks_whether_they_are_one_person(database, editor, stated) -> None:
    together(database, editor, 1, 2, 3, 4, 5)
    (task,) = asked(database)
    with serving(database) as client:
        client.post("/login", data={"key": key_of(database, "reviewer")})
        queue = client.get("/review").text
        board = client.get(f"/review/names/wei wang?task={task.id}").text
    words = f"Do the ORCID iDs {A} and {B} belong to one person?"
    assert words in queue
    assert words in board
    assert "Different people" in board


@pytest.mark.parametrize("scope", ["full", "touched"])
def test_printed_ids_that_differ_are_never_put_together_by_a_run(
    database, tmp_path, scope: str
) -> None:
    works = [
        replace(one, authors=(replace(one.authors[0], orcid=A if k % 2 else B), *one.authors[1:]))
        for k, one in enumerate(w for w in wangs() if w.id.startswith("s"))
    ]
    deliver(database, *works[:3])
    settings = settings_in(tmp_path)
    do_and_publish(database, settings)
    deliver(database, *works[3:])
    do_and_publish(database, settings, scope)
    at = people(database)
    first, second = ({at[w.id, 0] for w in works if w.authors[0].orcid == iD} for iD in (A, B))
    assert len(first) == len(second) == 1
    assert first != second
    assert asked(database) == []
