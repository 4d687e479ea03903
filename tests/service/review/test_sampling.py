"""Random samples of what is published: drawn, answered blindly, and what they tell."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from disambig.cli import main
from service.actors import Actor, Role
from service.db.database import Database
from service.db.tables import Task
from service.errors import Conflict, Invalid, NotFound
from service.publication import publish
from service.review import answers as task_answers
from service.review import sampling
from service.review.answers import AnswerRequest
from service.review.results import Estimates, Reviewing
from service.tasks.queries import TaskFilter, get_task_page
from tests.support.api_clients import bearer, key_of, serving
from tests.support.identity_world import add_run, add_works

ADA, BEN, CID = (Actor(f"key:{name}", Role.REVIEWER) for name in ("ada", "ben", "cid"))


@pytest.fixture
def world(database: Database, editor: Actor) -> Database:
    """Twelve mentions of Wei Wang in identities of 8 and 4, and one of Ulf Meyer."""
    keys = add_works(database, [["Wei Wang"]] * 12 + [["Ulf Meyer"]])
    clusters = {key: 0 if n < 8 else 1 if n < 12 else 2 for n, key in enumerate(keys)}
    add_run(database, "r-1", clusters)
    publish.publish(database, editor, "r-1", None)
    return database


def tasks_of(database: Database) -> dict[str, tuple[str, dict]]:
    """Id and evidence of each task, by what it is about."""
    with database.read() as connection:
        found, _ = get_task_page(connection, TaskFilter(kind="sample"), 200)
    return {task.subject.partition("+")[2]: (task.id, task.evidence) for task in found}


def both_say(database: Database, task: str, answer: str, evidence: dict | None = None) -> None:
    for actor in (ADA, BEN):
        task_answers.answer_task(database, actor, task, AnswerRequest(answer, evidence=evidence))


def told(database: Database) -> Estimates:
    with database.read() as connection:
        return sampling.estimate_quality(connection)


def test_every_mention_drawn_is_a_blind_task_with_what_was_published(world, admin) -> None:
    sample = sampling.draw_sample(world, admin, 13, seed=1)
    assert [(s.slice, s.mentions, s.drawn) for s in sample.strata] == [
        ("1", 1, 1),
        ("10-99", 12, 12),
    ]
    found = tasks_of(world)
    assert len(found) == sample.tasks == 13
    assert sorted(e["published"] for _, e in found.values()) == [1] + [4] * 4 + [8] * 8
    with world.read() as connection:
        assert set(connection.scalars(select(Task.blind))) == {sample.id}
    overall = told(world).overall
    assert (overall.reviewed, overall.precision) == (0, None)


def test_answers_to_all_mentions_give_the_figures_by_hand(world, admin) -> None:
    # of the 8, two are of the person of the 4: the others have 6 of 8, these 2 of 8
    sampling.draw_sample(world, admin, 13, seed=1)
    for about, (task, evidence) in tasks_of(world).items():
        if evidence["published"] == 1:
            both_say(world, task, "same")
        elif evidence["published"] == 4:
            both_say(world, task, "different", {"missing": 2})
        elif about in ("w0:0", "w1:0"):
            both_say(world, task, "different", {"wrong": 6, "missing": 4})
        else:
            wrong = [{"work": "w0", "position": 0}, {"work": "w1", "position": 0}]
            both_say(world, task, "different", {"wrong": wrong})
    found = told(world)
    precision = (6 * 6 / 8 + 2 * 2 / 8 + 4 + 1) / 13
    recall = (6 + 2 * 2 / 6 + 4 * 4 / 6 + 1) / 13
    assert found.overall.precision.estimate == pytest.approx(precision)
    assert found.overall.recall.estimate == pytest.approx(recall)
    # pairs: 6·5 + 2·1 + 4·3 of 8·7 + 4·3 published, of 6·5 + 6·5 true
    assert found.overall.pairwise_precision.estimate == pytest.approx(44 / 68)
    assert found.overall.pairwise_recall.estimate == pytest.approx(44 / 60)
    assert [s.slice for s in found.slices] == ["1", "10-99"]
    assert found.tasks == Reviewing(reviewed=13, open=0, unsure=0, unusable=0)


def test_a_third_decides_and_what_cannot_be_used_is_told(world, admin) -> None:
    sampling.draw_sample(world, admin, 13, seed=1)
    found = tasks_of(world)
    task = {e["published"]: id_ for id_, e in found.values()}
    task_answers.answer_task(world, ADA, task[8], AnswerRequest("same"))
    task_answers.answer_task(world, BEN, task[8], AnswerRequest("different", evidence={"wrong": 4}))
    assert told(world).tasks.open == 13
    task_answers.answer_task(world, CID, task[8], AnswerRequest("different", evidence={"wrong": 2}))
    both_say(world, task[4], "different", {"wrong": 4})
    both_say(world, task[1], "unsure")
    after = told(world)
    assert after.tasks == Reviewing(reviewed=1, open=10, unsure=1, unusable=1)
    assert after.overall.precision.estimate == pytest.approx((4 + 6) / 2 / 8)


def test_identities_drawn_tell_precision_only(world, admin) -> None:
    sample = sampling.draw_sample(world, admin, 40, unit="identity", seed=3)
    found = tasks_of(world)
    assert len(found) == sample.tasks == 3
    assert sum(len(e["draws"]) for _, e in found.values()) == sum(s.drawn for s in sample.strata)
    for task, evidence in found.values():
        if evidence["published"] == 8:
            both_say(world, task, "different", {"parts": [2]})
        else:
            both_say(world, task, "same")
    overall = told(world).overall
    assert overall.recall is None
    assert 0.625 < overall.precision.estimate < 1


def test_a_sample_is_of_what_was_published_then(world, admin, editor) -> None:
    sampling.draw_sample(world, admin, 13, seed=1)
    before = told(world)
    publish.roll_back(world, editor, "r-1", None)
    assert told(world) == before
    with pytest.raises(Conflict, match="nothing is published"):
        sampling.draw_sample(world, admin, 13)


@pytest.mark.parametrize(
    "wish", [{"size": 1}, {"size": 10**30}, {"size": 5, "unit": "work"}, {"size": 5, "seed": -1}]
)
def test_wishes_out_of_range_are_refused(database, admin, wish: dict) -> None:
    with pytest.raises(Invalid):
        sampling.draw_sample(database, admin, **wish)


@pytest.mark.parametrize("sample", [None, "s-1", "\0", "\ud800", "x" * 1000])
def test_an_unknown_sample_is_not_found(database, sample: str | None) -> None:
    with database.read() as connection, pytest.raises(NotFound):
        sampling.estimate_quality(connection, sample)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"wrong": 8},
        {"wrong": -1},
        {"missing": -1},
        {"wrong": True},
        {"wrong": "2"},
        {"missing": 10**30},
        {"wrong": [1]},
        {"wrong": [{"work": "a", "position": 0}] * 2},
    ],
)
def test_counts_that_cannot_be_are_not_used(told: dict) -> None:
    assert sampling.parse_mention_counts(8, told) is None


@pytest.mark.parametrize("parts", [None, [], [8], [9], [0, 8], [-1, 9], [[], 3], ["3"]])
def test_parts_that_cannot_be_are_not_used(parts: object) -> None:
    assert sampling.parse_identity_parts(8, {"parts": parts}) is None


def test_over_http_and_from_the_command_line(world, database_url, monkeypatch) -> None:
    monkeypatch.setenv("DISAMBIG_DATABASE", database_url)
    with serving(world) as client:
        assert client.get("/v1/estimates").status_code == 404
        sent = bearer(key_of(world, "admin"))
        drawn = client.post("/v1/samples", json={"size": 6}, headers=sent)
        assert drawn.status_code == 201, drawn.text
        assert client.get("/v1/estimates").json()["sample"] == drawn.json()["id"]
    made = CliRunner().invoke(main, ["review", "sample", "--size", "5"], catch_exceptions=False)
    assert "5 open tasks" in made.output
    shown = CliRunner().invoke(main, ["review", "estimates"], catch_exceptions=False)
    assert "5 open" in shown.output
    assert "everything" in shown.output
    as_json = CliRunner().invoke(main, ["review", "estimates", "--json"], catch_exceptions=False)
    assert json.loads(as_json.output)["overall"]["drawn"] == 5
