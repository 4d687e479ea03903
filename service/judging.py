"""Answers to tasks: kept as they were given, and made a decision once they settle the task.

A task is blind where a sample made it so, or by lot (:mod:`service.blind`). Then two people answer
it who do not see what the other said, and a third where they differ; the majority decides. An
answer counts as long as the decision that it led to is not undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service import answers, leases
from service.actors import Actor
from service.agreement import ANSWERS, outcome
from service.blind import REMEDY
from service.closing import close_task
from service.database import Database
from service.decision_rows import Made
from service.errors import Conflict, Invalid
from service.idempotency import Within
from service.ledger import EventLog
from service.tables import Decision, Judgement, Task
from service.tasks import STANDING, TaskInfo, found

SAMPLE = "sample"
"""Kind of the tasks whose answers only count: they change nothing that is published."""
LONGEST = 7 * 24 * 3600.0
"""Seconds that an answer can have taken."""


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """What a person answers.

    Attributes
    ----------
    answer : str
        ``same``, ``different`` or ``unsure``.
    seconds : float or None
        How long the person had the task.
    reason : str or None
    evidence : mapping or None
        What was shown; kept as it is.
    version : int or None
        The task's version that was read; None: whatever is there.
    identity : str or None
        Of an *assign* task answered ``same``: whose the mention is; else the most probable.
    """

    answer: str
    seconds: float | None = None
    reason: str | None = None
    evidence: Mapping[str, Any] | None = None
    version: int | None = None
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What an answer did: the task as it is now, and the decision if it settled it."""

    task: TaskInfo
    decision: Made | None


def judge(database: Database, actor: Actor, task_id: str, said: AnswerRequest) -> Judged:
    """Answer a task; settled, it becomes one decision that the ordinary undo takes back.

    Raises
    ------
    NotFound
        No task has this id.
    Invalid
        If nobody can answer so.
    Conflict
        If it is closed, changed since it was read, somebody else has it, or this person has
        answered it blindly; or the decision contradicts others, with the chain.
    """
    _check(said)
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        task = leases.locked(connection, task_id)
        leases.insist_open(task)
        leases.insist_free(task, actor)
        leases.insist_current(connection, task, said.version)
        key = connection.scalars(select(Task.key).where(Task.id == task.id)).one()
        answers_given = standing(connection, key)
        if task.blind and actor.name in answers_given:
            raise Conflict(
                "you have answered this task; it waits for somebody else",
                "take another one",
                answers=len(answers_given),
            )
        seq = ledger.record(
            "task-judged",
            actor,
            subject=task.id,
            reason=said.reason,
            after={"answer": said.answer, "blind": task.blind},
        )
        judgement = _keep(connection, ledger, key, actor, said, seq)
        given_back = {"version": seq, "leased_by": None, "leased_until": None}
        connection.execute(update(Task).where(Task.key == key).values(given_back))
        settled = outcome([*answers_given.values(), said.answer], blind=task.blind)
        if settled is None:
            return Judged(found(connection, task_id), None)
        if task.kind == SAMPLE:
            close_task(connection, seq, key)
            return Judged(found(connection, task_id), None)
        made = _decide(database, connection, actor, task, said, settled)
        _settled(connection, key, judgement, made)
        return Judged(found(connection, task_id), made)


def answerable(connection: Connection, actor: Actor, task_id: str, version: int | None) -> TaskInfo:
    """The task that a decision made elsewhere, such as on a name board, shall answer.

    Call it in the decision's own write, before it, and :func:`keep_decision` after.

    Raises
    ------
    NotFound, Conflict
        As :func:`judge`; also for a task that several people are asked without seeing each
        other's answers.
    """
    task = leases.locked(connection, task_id)
    leases.insist_open(task)
    leases.insist_free(task, actor)
    leases.insist_current(connection, task, version)
    if task.blind:
        raise Conflict(
            "several people are asked this without seeing each other's answers",
            REMEDY,
        )
    return task


def keep_decision(
    connection: Connection, ledger: EventLog, actor: Actor, task_id: str, made: Made
) -> None:
    """Keep what a decision made elsewhere answers to a task, and close it with the decision."""
    query = select(Decision.kind, Decision.reason, Decision.evidence)
    kind, reason, evidence = connection.execute(query.where(Decision.id == made.id)).one()
    key = connection.scalars(select(Task.key).where(Task.id == task_id)).one()
    said = AnswerRequest(kind, None, reason, evidence)
    _settled(connection, key, _keep(connection, ledger, key, actor, said, made.event), made)


def standing(connection: Connection, task_key: int) -> dict[str, str]:
    """Answers to a task that count, by reviewer, in the order in which they were given."""
    query = select(Judgement.reviewer, Judgement.answer).where(
        Judgement.task_key == task_key, STANDING
    )
    return {row.reviewer: row.answer for row in connection.execute(query.order_by(Judgement.key))}


def of_task(connection: Connection, task: TaskInfo) -> list[dict[str, Any]]:
    """What was answered to a task, undone answers too; nothing while it is blind and open."""
    if task.blind and task.state == "open":
        return []
    query = (
        select(
            Judgement.reviewer,
            Judgement.answer,
            Judgement.at,
            Judgement.seconds,
            Judgement.reason,
            Decision.id.label("decision"),
            Decision.undone_seq.label("undone"),
        )
        .join(Task, Task.key == Judgement.task_key)
        .outerjoin(Decision, Decision.key == Judgement.decision_key)
        .where(Task.id == task.id)
        .order_by(Judgement.key)
        .limit(200)
    )
    return [
        {**row, "undone": row["undone"] is not None} for row in connection.execute(query).mappings()
    ]


def _check(said: AnswerRequest) -> None:
    if said.answer not in ANSWERS:
        raise Invalid(
            f"nobody answers {said.answer[:40]!r}", f"answer {', '.join(ANSWERS)}", field="answer"
        )
    if said.seconds is not None and not 0 <= said.seconds <= LONGEST:
        raise Invalid(
            "an answer takes 0 seconds to a week", "tell how long it took", field="seconds"
        )


def _keep(
    connection: Connection, ledger: EventLog, task_key: int, actor: Actor, said: AnswerRequest, seq: int
) -> int:
    stored = insert(Judgement).values(
        task_key=task_key,
        reviewer=actor.name,
        answer=said.answer,
        at=ledger.at,
        seconds=said.seconds,
        reason=said.reason,
        evidence=None if said.evidence is None else dict(said.evidence),
        event_seq=seq,
    )
    return connection.scalars(stored.returning(Judgement.key)).one()


def _settled(connection: Connection, task_key: int, judgement: int, made: Made) -> None:
    decision = connection.scalars(select(Decision.key).where(Decision.id == made.id)).one()
    connection.execute(
        update(Judgement).where(Judgement.key == judgement).values(decision_key=decision)
    )
    close_task(connection, made.event, task_key)


def _decide(
    database: Database,
    connection: Connection,
    actor: Actor,
    task: TaskInfo,
    said: AnswerRequest,
    settled: str,
) -> Made:
    own = replace(said, answer=settled)
    if settled != said.answer:  # the majority's, which this person's reason does not bear out
        own = replace(own, reason=f"most of {task.answers + 1} reviewers", evidence=None)
    return answers.decide(Within(database, connection), actor, task, own)
