"""What is doubtful in what is published becomes tasks, ranked, and none that is decided."""

from __future__ import annotations

from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from disambig.active_learning.questions import Question as Asked
from disambig.active_learning.questions import QuestionKind
from service.db.database import Database
from service.db.tables import Block, Event, Identity, Signature, Work
from service.errors import Invalid
from service.publication.publish import publish
from service.review import generate
from service.review.answers import AnswerRequest, answer_task
from service.review.uncertainty import UncertainCase, UncertainCases, list_uncertain_blocks
from service.settings import Settings
from service.tasks import leases
from service.tasks import queries as task_queries
from service.tasks.page_views import read_traffic
from service.tasks.results import Task
from service.worker.worker import Worker
from tests.support.identity_world import add_run
from tests.support.review_world import ANN, ask, identities, merge_question, publish_as, states
from tests.support.run_world import EDITOR, deliver, do_and_publish, settings_in, wangs


def open_tasks(database: Database) -> list[Task]:
    with database.read() as connection:
        return task_queries.get_task_page(connection, task_queries.TaskFilter(), 200)[0]


def put(database: Database, run_id: str, groups: list[str]) -> None:
    """Publish Wei Wang's mentions on these works together, doubtfully; all others as one each."""
    with database.read() as connection:
        rows = connection.execute(
            select(Signature.key, Work.id, Signature.printed).join(Work)
        ).all()
    cluster, sure = {}, {}
    for key, work, printed in rows:
        mine = [k for k, works in enumerate(groups) if printed == "Wei Wang" and work in works]
        cluster[key] = mine[0] if mine else len(groups) + key
        sure[key] = 0.6 if mine else 1.0
    add_run(database, run_id, cluster, confidence=sure)
    publish(database, EDITOR, run_id)


def works_of(side: dict[str, Any]) -> set[str]:
    return {mention["work"] for mention in side["mentions"]}


def test_what_is_in_doubt_is_asked_until_it_is_decided(database, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    deliver(database, *wangs())
    do_and_publish(database, settings)
    speech, robots = ([f"{letter}{k}" for k in range(5)] for letter in "sr")
    put(database, "r-both", [[*speech, *robots]])
    with database.read() as connection:
        block = connection.scalars(select(Block.key).where(Block.text == "w wang")).one()
        assert list_uncertain_blocks(connection) == [block]
        assert list_uncertain_blocks(connection, mentions=9) == []
    said: list[str] = []
    worker = Worker(database, settings, said.append)
    assert worker.generate_tasks()
    (task,) = open_tasks(database)
    assert (task.kind, task.name, task.mentions, task.effort) == ("split", "Wei Wang", 10, 10)
    one, other = task.evidence["sides"]
    assert {frozenset(works_of(one)), frozenset(works_of(other))} == {
        frozenset(speech),
        frozenset(robots),
    }
    assert task.error == pytest.approx(1 - task.evidence["probability"], abs=2e-4)
    assert task.priority == pytest.approx(task.error * 5 / log2(10), rel=1e-3)
    assert not worker.generate_tasks()

    answer_task(database, ANN, task.id, AnswerRequest("different"))
    assert open_tasks(database) == []
    rest = sorted(works_of(other))
    put(database, "r-three", [sorted(works_of(one)), rest[:2], rest[2:]])
    assert worker.generate_tasks()
    again = open_tasks(database)
    (merge,) = [task for task in again if task.kind == "merge"]
    assert {frozenset(works_of(side)) for side in merge.evidence["sides"]} == {
        frozenset(rest[:2]),
        frozenset(rest[2:]),
    }
    asked = set().union(*(works_of(side) for task in again for side in task.evidence["sides"]))
    assert asked <= set(rest)  # that the others are one, and not these, is decided


@pytest.fixture
def publication(database, editor) -> int:
    identities(database, editor)
    with database.read() as connection:
        return generate.find_due_publication(connection)


def test_questions_that_are_not_asked_again_are_closed_but_for_those_at_work(
    database, editor, publication: int
) -> None:
    ids = [f"a-{k}" for k in range(6)]
    free, held, other = ask(
        database,
        merge_question(*ids[:2], block_key=7),
        merge_question(*ids[2:4], block_key=7),
        merge_question(*ids[4:], block_key=8),
    )
    with database.write() as connection:  # asking is what makes it no longer due
        connection.execute(
            Event.__table__.update().values(kind="x").where(Event.kind == generate.TASKS_GENERATED)
        )
    leases.acquire_lease(database, ANN, held)
    found = UncertainCases((7,), 10**6, ())
    assert generate.store_tasks(database, editor, publication, found, Settings(), {}) == 0
    assert states(database, [free, held, other]) == ["closed", "open", "open"]
    assert generate.store_tasks(database, editor, publication, found, Settings(), {}) is None


def doubt(
    database: Database, left: list[int], right: list[int], probability: float
) -> UncertainCase:
    """Whether the identities of two sets of signatures are one person."""
    with database.read() as connection:
        rows = connection.execute(select(Identity.key, Identity.n_works)).all()
    of = {n: key for key, n in rows}
    a, b = (np.array(side) for side in (left, right))
    rows_of = (np.arange(len(a), dtype=np.int32), np.arange(len(b), dtype=np.int32))
    question = Asked(QuestionKind.MERGE, 0, *rows_of, probability)
    return UncertainCase(question, a, b, (of[len(a)], of[len(b)]))


def test_the_most_valuable_are_asked_and_no_more_than_wanted(
    database, editor, publication: int
) -> None:
    found = (
        doubt(database, [4, 5], [6], 0.2),  # .2 * 2 * 2 / 3 over log2(3)
        doubt(database, [1, 2, 3], [4, 5], 0.5),  # .5 * 2 * 6 / 5 over log2(5)
        doubt(database, [1, 2, 3], [6], 0.01),
    )
    settings = Settings(questions=2)
    doubts = UncertainCases((), 10**6, found)
    assert generate.store_tasks(database, editor, publication, doubts, settings, {}) == 2
    first, second = open_tasks(database)
    assert (first.mentions, first.priority) == (5, pytest.approx(1.2 / log2(5), abs=1e-5))
    assert (second.mentions, second.priority) == (3, pytest.approx(0.8 / 3 / log2(3), abs=1e-5))
    assert first.evidence["moved"] == 2
    assert [side["n"] for side in first.evidence["sides"]] == [3, 2]


def test_a_name_that_is_read_often_comes_sooner(database, editor, publication: int) -> None:
    found = [doubt(database, [4, 5], [6], 0.3)]
    with database.read() as connection:
        (plain,) = generate.build_tasks(connection, found, {})
        (read,) = generate.build_tasks(connection, found, {"wei wang": 3.0})
    assert read.priority == pytest.approx(3 * plain.priority, rel=1e-4)


def test_what_nobody_can_tell_is_not_asked_again(database, editor, publication: int) -> None:
    doubts = UncertainCases((), 10**6, (doubt(database, [4, 5], [6], 0.3),))
    generate.store_tasks(database, editor, publication, doubts, Settings(), {})
    (task,) = open_tasks(database)
    answer_task(database, ANN, task.id, AnswerRequest("unsure"))
    publish_as(database, editor, "r-2", {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 2})
    with database.read() as connection:
        again = generate.find_due_publication(connection)
    assert again is not None
    more = UncertainCases((), 10**6, (*doubts.cases, doubt(database, [1, 2, 3], [6], 0.3)))
    assert generate.store_tasks(database, editor, again, more, Settings(), {}) == 1


def test_how_often_names_are_read_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "traffic.csv"
    file.write_text('Wei  WANG,2.5\n"Lee, Ann",0.5\n', encoding="utf-8")
    assert read_traffic(file) == {"wei wang": 2.5, "lee, ann": 0.5}
    assert read_traffic(None) == {}
    for wrong in ("Wei Wang\n", "Wei Wang,-1\n", "Wei Wang,inf\n", "Wei Wang,often\n"):
        file.write_text(wrong, encoding="utf-8")
        with pytest.raises(Invalid):
            read_traffic(file)
    with pytest.raises(Invalid):
        read_traffic(tmp_path / "missing.csv")
