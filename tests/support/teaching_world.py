"""The Wangs with two answered questions, enough to learn from if two are."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.actors import Actor, Role
from service.db.database import Database
from service.review import answers as task_answers
from service.tasks.create import NewTask
from service.training import examples as training_examples
from service.training import store as model_store
from service.training.results import Model as FittedModelView
from service.training.store import FitOptions
from service.worker.worker import Worker
from tests.support.review_world import ask, merge_question
from tests.support.run_world import people, published_wangs, settings_in

REVIEWER = Actor("key:ada", Role.REVIEWER)


def two_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two answers be enough to learn from, one of each kind."""
    monkeypatch.setattr(training_examples, "MIN_ANSWERS", 2)
    monkeypatch.setattr(training_examples, "MIN_PER_KIND", 1)


def sides(identities: tuple[str, str], *works: tuple[str, ...]) -> list[dict[str, object]]:
    """Evidence about first authors."""
    return [
        {"identity": id_, "n": len(side), "mentions": [{"work": w, "position": 0} for w in side]}
        for id_, side in zip(identities, works, strict=True)
    ]


def answered(database: Database, *said: str) -> list[str]:
    """The Wangs in speech and in robots differ, and all papers in speech are of one: the tasks."""
    at = people(database)
    speech, robots = at["s0", 0], at["r0", 0]
    speeches, rest = ("s0", "s1", "s2", "s3", "s4"), ("r0", "r1", "r2", "r3", "r4")
    merge = merge_question(speech, robots)
    merge.evidence["sides"] = sides((speech, robots), speeches, rest)
    split = NewTask(
        "split",
        speech,
        3,
        2.0,
        {"identities": [speech], "sides": sides((speech, speech), speeches[:2], speeches[2:])},
    )
    asked = ask(database, merge, split)
    for task, answer in zip(asked, said or ("different", "same"), strict=True):
        task_answers.answer_task(database, REVIEWER, task, task_answers.AnswerRequest(answer))
    return asked


def taught_wangs(database: Database) -> None:
    """The Wangs, published, with both questions answered."""
    published_wangs(database)
    answered(database)


def candidate(database: Database, admin: Actor, folder: Path) -> FittedModelView:
    """A model that a worker has made of all answers."""
    asked = model_store.request_model(database, admin, FitOptions(hold_back=0.0), 60)
    said: list[str] = []
    Worker(database, settings_in(folder), said.append).serve(once=True)
    with database.read() as connection:
        found = model_store.get_model(connection, asked.id)
    assert found.state == "candidate", (found.error, said)
    return found
