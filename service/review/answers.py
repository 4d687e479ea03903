"""The decision that an answer to a task means, by the task's kind.

Answers to tasks: kept as they were given, and made a decision once they settle the task.

A task is blind where a sample made it so, or by lot (:mod:`service.tasks.blind`). Then two people answer
it who do not see what the other said, and a third where they differ; the majority decides. An
answer counts as long as the decision that it led to is not undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service.actors import Actor
from service.constraints.links import make_must_links
from service.db.database import Database, Within
from service.db.tables import Decision, Judgement, Task
from service.decisions import actions as decision_actions
from service.decisions.actions import Statement
from service.decisions.draft import Made, Mention, begin, make, settle
from service.errors import Conflict, Invalid
from service.events.log import EventLog
from service.external_ids.attach import hand_over
from service.tasks import leases
from service.tasks.agreement import ANSWERS, outcome
from service.tasks.blind import REMEDY
from service.tasks.close import close_task
from service.tasks.queries import STANDING, TaskInfo, found
from service.tasks.subjects import divides

EACH = 3
"""Mentions of each identity that a "different" is said of."""


def decide(database: Database, actor: Actor, task: TaskInfo, said: AnswerRequest) -> Made:
    """Make the decision that an answer means, within a write under way.

    *same* makes one identity of those that a *merge* or *conflict* task names, binds together
    what a *split* task divides, or a *conflict* task about the ORCID iDs of one identity, and gives
    the mention of an *assign* task to an identity. *different* states that the identities are two,
    divides the one, and makes a new one of the mention. *unsure* is noted and binds nothing.

    Raises
    ------
    Invalid
        If the task's evidence does not tell enough to act on.
    Conflict, NotFound, Stale
        As :mod:`service.decisions.actions`.
    """
    shown = {"task": task.id, **(said.evidence or {})}
    statement = Statement(said.reason, shown, answers=task.id)
    sides = [side for side in task.evidence.get("sides", ()) if isinstance(side, Mapping)]
    if said.answer == "unsure":
        return _noted(database, actor, task, statement)
    divided = divides(task.kind, task.subject)
    if task.kind in ("merge", "conflict") and not divided:
        identities = list(task.evidence.get("identities", ()))
        if said.answer == "same":
            return decision_actions.merge(database, actor, identities, None, statement)
        return _apart(database, actor, identities, statement)
    if divided and len(sides) == 2:
        if said.answer == "same":
            return _together(database, actor, sides, statement)
        return _divided(database, actor, sides, statement)
    if task.kind == "assign":
        return _assigned(database, actor, task, said, statement)
    raise Invalid(
        f"the task of kind {task.kind} cannot be answered so",
        "decide on the name board",
        field="answer",
    )


def mentions_of(told: Sequence[Mapping[str, Any]]) -> list[Mention]:
    """Mentions as a task's evidence names them."""
    return [Mention(str(m["work"]), int(m["position"])) for m in told]


def _noted(database: Database, actor: Actor, task: TaskInfo, statement: Statement) -> Made:
    """A decision that binds nothing: nobody can tell."""
    with database.write() as connection:
        subject = begin(connection, [], None)
        evidence = {**(statement.evidence or {}), "subject": task.subject}
        decision = make(subject, "unsure", "review", actor, statement.reason, evidence)
        return settle(decision, {}, [], {}, same_work=True, answers=task.id)


def _apart(
    database: Database, actor: Actor, identities: Sequence[str], statement: Statement
) -> Made:
    """State that identities are different persons."""
    from service.constraints.links import Link

    with database.write() as connection:
        subject = begin(connection, identities, None)
        decision = make(subject, "different", "review", actor, statement.reason, statement.evidence)
        ends = [subject.ranked(row.key)[:EACH] for row in subject.rows.values()]
        links = [
            Link(min(a, b), max(a, b), False, decision.id)
            for k, one in enumerate(ends)
            for other in ends[:k]
            for a in one
            for b in other
        ]
        curated = {row.key: True for row in subject.rows.values()}
        return settle(
            decision, {}, links, curated, same_work=statement.same_work, answers=statement.answers
        )


def _together(
    database: Database, actor: Actor, sides: Sequence[Mapping[str, Any]], statement: Statement
) -> Made:
    """State that two parts of an identity are one person."""
    with database.write() as connection:
        subject = begin(connection, [], None)
        named = [m for side in sides for m in mentions_of(side["mentions"])]
        mentions = subject.found(named, None, "mentions")
        subject.include({k for m in mentions if (k := subject.identity(m)) is not None})
        if len(subject.rows) != 1:
            raise Conflict(
                "the parts are no longer of one identity",
                "look at the name board",
                identities=sorted(subject.rows),
            )
        decision = make(subject, "same", "review", actor, statement.reason, statement.evidence)
        curated = {row.key: True for row in subject.rows.values()}
        links = make_must_links(mentions, decision.id)
        return settle(
            decision, {}, links, curated, same_work=statement.same_work, answers=statement.answers
        )


def _divided(
    database: Database, actor: Actor, sides: Sequence[Mapping[str, Any]], statement: Statement
) -> Made:
    """Let the smaller part of an identity leave, with the ORCID iD that was stated of it."""
    leaves = min(sides, key=lambda side: int(side["n"]))
    if len(leaves["mentions"]) < int(leaves["n"]):
        raise Conflict(
            f"the task does not name all {leaves['n']} mentions that would leave",
            "divide the identity on the name board",
        )
    group = mentions_of(leaves["mentions"])
    made = decision_actions.split(database, actor, leaves["identity"], [group], None, statement)
    if "orcid" in leaves:
        values = {("orcid", str(leaves["orcid"]))}
        hand_over(database, made.event, leaves["identity"], made.created[0], values)
    return made


def _assigned(
    database: Database, actor: Actor, task: TaskInfo, said: AnswerRequest, statement: Statement
) -> Made:
    """Give a mention to an identity, or make one of it."""
    if "work" not in task.evidence or "position" not in task.evidence:
        raise Invalid("the task names no mention", "decide on the name board", field="answer")
    mention = Mention(str(task.evidence["work"]), int(task.evidence["position"]))
    rivals = [r["identity"] for r in task.evidence.get("rivals", ()) if r.get("identity")]
    to = None
    if said.answer == "same":
        to = said.identity or next(iter(rivals), None)
        if to is None:
            raise Invalid("whose the mention is is not said", "name an identity", field="identity")
    return decision_actions.move(database, actor, [mention], to, statement)


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
    connection: Connection,
    ledger: EventLog,
    task_key: int,
    actor: Actor,
    said: AnswerRequest,
    seq: int,
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
    return decide(Within(database, connection), actor, task, own)
