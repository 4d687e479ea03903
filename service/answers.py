"""The decision that an answer to a task means, by the task's kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from service import decisions
from service.actors import Actor
from service.database import Database
from service.decision_rows import Made, Mention, begin, make, settle
from service.decisions import Statement
from service.errors import Conflict, Invalid
from service.external_ids import hand_over
from service.links import make_must_links
from service.subjects import divides
from service.tasks import TaskInfo

if TYPE_CHECKING:
    from service.judging import AnswerRequest

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
        As :mod:`service.decisions`.
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
            return decisions.merge(database, actor, identities, None, statement)
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
    from service.links import Link

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
    made = decisions.split(database, actor, leaves["identity"], [group], None, statement)
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
    return decisions.move(database, actor, [mention], to, statement)
