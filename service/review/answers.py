"""Answers to tasks: store each answer, and make the decision it implies once the task is settled.

A task is blind if it belongs to a sample or was selected at random (:mod:`service.tasks.blind`).
Then two reviewers answer it independently, and a third if they disagree; the majority decides. An
answer counts as long as the decision that it led to is in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from disambig.domain import Signature
from service.actors import Actor
from service.constraints.links import make_cannot_link, make_must_links
from service.db import tables
from service.db.database import Database, Within
from service.db.tables import Decision, Judgement
from service.decisions import actions as decision_actions
from service.decisions.actions import DecisionContext
from service.decisions.draft import (
    DecisionResult,
    apply_decision,
    open_decision,
    record_decision,
)
from service.errors import Conflict, Invalid
from service.events.log import EventLog
from service.external_ids.attach import transfer_ids
from service.review.results import GivenAnswer, Judged, TaskDetails
from service.tasks import leases
from service.tasks.agreement import ANSWERS, combine_answers
from service.tasks.blind import REMEDY
from service.tasks.close import close_task
from service.tasks.queries import IS_IN_FORCE, get_task
from service.tasks.results import Task
from service.tasks.subjects import is_within_identity
from service.values import asdict

MAX_PER_IDENTITY = 3
"""Number of signatures of each identity in the cannot-links of an answer *different*."""


def make_decision(
    database: Database, actor: Actor, task: Task, request: AnswerRequest
) -> DecisionResult:
    """Make the decision that an answer implies, within a write transaction.

    *same* merges the identities of a *merge* or *conflict* task, links the sides of a *split* task
    or of a *conflict* task about the ORCID iDs of one identity, and assigns the mention of an
    *assign* task to an identity. *different* states that the identities are different persons,
    splits the identity, or makes a new identity of the mention. *unsure* is recorded and binds
    nothing.

    Raises
    ------
    Invalid
        If the task's evidence is insufficient for a decision.
    Conflict, NotFound, Stale
        As :mod:`service.decisions.actions`.
    """
    evidence = {"task": task.id, **(request.evidence or {})}
    context = DecisionContext(request.reason, evidence, task_id=task.id)
    sides = [side for side in task.evidence.get("sides", ()) if isinstance(side, Mapping)]
    if request.answer == "unsure":
        return _record_unsure_answer(database, actor, task, context)
    is_within = is_within_identity(task.kind, task.subject)
    if task.kind in ("merge", "conflict") and not is_within:
        identities = list(task.evidence.get("identities", ()))
        if request.answer == "same":
            return decision_actions.merge_identities(database, actor, identities, None, context)
        return _separate_identities(database, actor, identities, context)
    if is_within and len(sides) == 2:
        if request.answer == "same":
            return _bind_sides(database, actor, sides, context)
        return _split_sides(database, actor, sides, context)
    if task.kind == "assign":
        return _assign_signature(database, actor, task, request, context)
    raise Invalid(
        f"a task of kind {task.kind} does not accept this answer",
        "decide on the name board",
        field="answer",
    )


def parse_signatures(mentions: Sequence[Mapping[str, Any]]) -> list[Signature]:
    """Return the mentions listed in a task's evidence."""
    return [Signature(str(m["work"]), int(m["position"])) for m in mentions]


def _record_unsure_answer(
    database: Database, actor: Actor, task: Task, context: DecisionContext
) -> DecisionResult:
    """Record a decision *unsure*, which binds nothing."""
    with database.write() as connection:
        scope = open_decision(connection, [], None)
        evidence = {**(context.evidence or {}), "subject": task.subject}
        decision = record_decision(scope, "unsure", "review", actor, context.reason, evidence)
        return apply_decision(decision, {}, [], {}, allow_same_work=True, task_id=task.id)


def _separate_identities(
    database: Database, actor: Actor, identities: Sequence[str], context: DecisionContext
) -> DecisionResult:
    """State that identities are different persons."""
    with database.write() as connection:
        scope = open_decision(connection, identities, None)
        decision = record_decision(
            scope, "different", "review", actor, context.reason, context.evidence
        )
        ends = [scope.rank_members(row.key)[:MAX_PER_IDENTITY] for row in scope.rows.values()]
        links = [
            make_cannot_link(a, b, decision.id)
            for k, first in enumerate(ends)
            for second in ends[:k]
            for a in first
            for b in second
        ]
        is_curated = {row.key: True for row in scope.rows.values()}
        return apply_decision(
            decision,
            {},
            links,
            is_curated,
            allow_same_work=context.allow_same_work,
            task_id=context.task_id,
        )


def _bind_sides(
    database: Database, actor: Actor, sides: Sequence[Mapping[str, Any]], context: DecisionContext
) -> DecisionResult:
    """State that two parts of an identity are one person."""
    with database.write() as connection:
        scope = open_decision(connection, [], None)
        listed_signatures = [m for side in sides for m in parse_signatures(side["mentions"])]
        signatures = scope.find_signatures(listed_signatures, None, "mentions")
        scope.include_identities(
            {k for m in signatures if (k := scope.get_identity_key(m)) is not None}
        )
        if len(scope.rows) != 1:
            raise Conflict(
                "the parts are no longer of one identity",
                "look at the name board",
                identities=sorted(scope.rows),
            )
        decision = record_decision(scope, "same", "review", actor, context.reason, context.evidence)
        is_curated = {row.key: True for row in scope.rows.values()}
        links = make_must_links(signatures, decision.id)
        return apply_decision(
            decision,
            {},
            links,
            is_curated,
            allow_same_work=context.allow_same_work,
            task_id=context.task_id,
        )


def _split_sides(
    database: Database, actor: Actor, sides: Sequence[Mapping[str, Any]], context: DecisionContext
) -> DecisionResult:
    """Split off the smaller side of an identity, with the ORCID iD stated for it."""
    leaving_side = min(sides, key=lambda side: int(side["n"]))
    if len(leaving_side["mentions"]) < int(leaving_side["n"]):
        raise Conflict(
            f"the task does not list all {leaving_side['n']} mentions that would leave",
            "split the identity on the name board",
        )
    group = parse_signatures(leaving_side["mentions"])
    decision = decision_actions.split_identity(
        database, actor, leaving_side["identity"], [group], None, context
    )
    if "orcid" in leaving_side:
        values = {("orcid", str(leaving_side["orcid"]))}
        transfer_ids(
            database, decision.event, leaving_side["identity"], decision.created[0], values
        )
    return decision


def _assign_signature(
    database: Database,
    actor: Actor,
    task: Task,
    request: AnswerRequest,
    context: DecisionContext,
) -> DecisionResult:
    """Assign a mention to an identity, or to a new one."""
    if "work" not in task.evidence or "position" not in task.evidence:
        raise Invalid("the task names no mention", "decide on the name board", field="answer")
    signature = Signature(str(task.evidence["work"]), int(task.evidence["position"]))
    candidates = [r["identity"] for r in task.evidence.get("rivals", ()) if r.get("identity")]
    target_id = None
    if request.answer == "same":
        target_id = request.identity or next(iter(candidates), None)
        if target_id is None:
            raise Invalid("the answer names no identity", "send one", field="identity")
    return decision_actions.move_signatures(database, actor, [signature], target_id, context)


SAMPLE_KIND = "sample"
"""Kind of tasks whose answers are only counted: they change nothing that is published."""
MAX_SECONDS = 7 * 24 * 3600.0
"""Maximum time that an answer can have taken, in seconds."""


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """A reviewer's answer to a task.

    Attributes
    ----------
    answer : str
        ``same``, ``different`` or ``unsure``.
    seconds : float or None
        How long the reviewer had the task.
    reason : str or None
    evidence : mapping or None
        What was shown; stored unchanged.
    version : int or None
        Version of the task that was read; None to skip the check.
    identity : str or None
        For an *assign* task answered ``same``: the identity of the mention; by default the most
        probable one.
    """

    answer: str
    seconds: float | None = None
    reason: str | None = None
    evidence: Mapping[str, Any] | None = None
    version: int | None = None
    identity: str | None = None


def answer_task(database: Database, actor: Actor, task_id: str, request: AnswerRequest) -> Judged:
    """Answer a task; if that settles it, make a decision, which can be undone like any other.

    Raises
    ------
    NotFound
        If no task has this id.
    Invalid
        If the answer is unknown or its time is out of range.
    Conflict
        If the task is closed, has changed since it was read, is leased by another reviewer, or is
        blind and already answered by this one; or if the decision contradicts others, with the
        chain.
    """
    _check_request(request)
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        task = leases.lock_task(connection, task_id)
        leases.check_open(task)
        leases.check_free(task, actor)
        leases.check_current(connection, task, request.version)
        key = connection.scalars(select(tables.Task.key).where(tables.Task.id == task.id)).one()
        answers_given = read_answers_in_force(connection, key)
        if task.blind and actor.name in answers_given:
            raise Conflict(
                "you have already answered this task; it waits for another reviewer",
                "take another one",
                answers=len(answers_given),
            )
        seq = event_log.record(
            "task-judged",
            actor,
            subject=task.id,
            reason=request.reason,
            after={"answer": request.answer, "blind": task.blind},
        )
        judgement = _store_answer(connection, event_log, key, actor, request, seq)
        release = {"version": seq, "leased_by": None, "leased_until": None}
        connection.execute(update(tables.Task).where(tables.Task.key == key).values(release))
        combined = combine_answers([*answers_given.values(), request.answer], blind=task.blind)
        if combined is None:
            return Judged(task=get_task(connection, task_id), decision=None)
        if task.kind == SAMPLE_KIND:
            close_task(connection, seq, key)
            return Judged(task=get_task(connection, task_id), decision=None)
        decision = _decide_by_majority(database, connection, actor, task, request, combined)
        _close_with_decision(connection, key, judgement, decision)
        return Judged(task=get_task(connection, task_id), decision=decision.to_response())


def get_answerable_task(
    connection: Connection, actor: Actor, task_id: str, version: int | None
) -> Task:
    """Return the task that a decision made elsewhere, such as on a name board, will answer.

    Call it in the write of the decision, before the decision, and :func:`store_decision_answer`
    after it.

    Raises
    ------
    NotFound, Conflict
        As :func:`answer_task`; Conflict also for a blind task.
    """
    task = leases.lock_task(connection, task_id)
    leases.check_open(task)
    leases.check_free(task, actor)
    leases.check_current(connection, task, version)
    if task.blind:
        raise Conflict(
            "this is a blind task, answered by several reviewers independently",
            REMEDY,
        )
    return task


def store_decision_answer(
    connection: Connection,
    event_log: EventLog,
    actor: Actor,
    task_id: str,
    decision: DecisionResult,
) -> None:
    """Store a decision made elsewhere as the answer to a task, and close the task."""
    query = select(Decision.kind, Decision.reason, Decision.evidence)
    kind, reason, evidence = connection.execute(query.where(Decision.id == decision.id)).one()
    key = connection.scalars(select(tables.Task.key).where(tables.Task.id == task_id)).one()
    request = AnswerRequest(kind, None, reason, evidence)
    _close_with_decision(
        connection,
        key,
        _store_answer(connection, event_log, key, actor, request, decision.event),
        decision,
    )


def read_answers_in_force(connection: Connection, task_key: int) -> dict[str, str]:
    """Read the answers to a task that are in force, by reviewer, in order of time."""
    query = select(Judgement.reviewer, Judgement.answer).where(
        Judgement.task_key == task_key, IS_IN_FORCE
    )
    return {row.reviewer: row.answer for row in connection.execute(query.order_by(Judgement.key))}


def get_task_details(connection: Connection, task_id: str) -> TaskDetails:
    """Return a task with its answers.

    Raises
    ------
    NotFound
        If no task has this id.
    """
    task = get_task(connection, task_id)
    return TaskDetails(**asdict(task), given=list_answers(connection, task))


def list_answers(connection: Connection, task: Task) -> list[GivenAnswer]:
    """List the answers to a task, including undone ones; none while it is blind and open."""
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
            Decision.undone_seq.is_not(None).label("undone"),
        )
        .join(tables.Task, tables.Task.key == Judgement.task_key)
        .outerjoin(Decision, Decision.key == Judgement.decision_key)
        .where(tables.Task.id == task.id)
        .order_by(Judgement.key)
        .limit(200)
    )
    return [GivenAnswer(**row._mapping) for row in connection.execute(query)]


def _check_request(request: AnswerRequest) -> None:
    if request.answer not in ANSWERS:
        raise Invalid(
            f"unknown answer {request.answer[:40]!r}",
            f"use one of {', '.join(ANSWERS)}",
            field="answer",
        )
    if request.seconds is not None and not 0 <= request.seconds <= MAX_SECONDS:
        raise Invalid(
            "seconds is not from 0 to a week", "send the time that the answer took", field="seconds"
        )


def _store_answer(
    connection: Connection,
    event_log: EventLog,
    task_key: int,
    actor: Actor,
    request: AnswerRequest,
    seq: int,
) -> int:
    statement = insert(Judgement).values(
        task_key=task_key,
        reviewer=actor.name,
        answer=request.answer,
        at=event_log.at,
        seconds=request.seconds,
        reason=request.reason,
        evidence=None if request.evidence is None else dict(request.evidence),
        event_seq=seq,
    )
    return connection.scalars(statement.returning(Judgement.key)).one()


def _close_with_decision(
    connection: Connection, task_key: int, judgement: int, decision: DecisionResult
) -> None:
    decision_key = connection.scalars(select(Decision.key).where(Decision.id == decision.id)).one()
    connection.execute(
        update(Judgement).where(Judgement.key == judgement).values(decision_key=decision_key)
    )
    close_task(connection, decision.event, task_key)


def _decide_by_majority(
    database: Database,
    connection: Connection,
    actor: Actor,
    task: Task,
    request: AnswerRequest,
    majority: str,
) -> DecisionResult:
    combined = replace(request, answer=majority)
    if majority != request.answer:
        # this reviewer's reason does not support the majority's answer
        combined = replace(combined, reason=f"most of {task.answers + 1} reviewers", evidence=None)
    return make_decision(Within(database, connection), actor, task, combined)
