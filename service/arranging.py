"""A wanted arrangement of mentions: what it would do, and doing it as one decision.

A curator arranges columns on the board of a name (:mod:`service.board`). The preview tells what
would follow; the commit is one event and one decision of the action ``arrange``, undone like any
other. Decisions that the arrangement contradicts are taken back by the same event where that is
asked for, and come back with its undo.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select

from service.actors import Actor
from service.arrangement import Arranged, Column, Sides, arranged, links_of
from service.consequences import NOWHERE
from service.database import Database
from service.decision_rows import Draft, Made, Mention, Subject, begin, make, settle
from service.errors import Invalid
from service.hindrances import (
    conflicts,
    insist_on_versions,
    refuse_placed,
    refuse_repeated,
    refuse_stale,
)
from service.identity_rows import active_identity, identity_rows, rows_by_id
from service.ids import new_id
from service.ledger import EventLog
from service.link_rows import links_around, namer
from service.memberships import Place
from service.overriding import OVERRIDES, Opposed, ask_again, opposed, refuse, void
from service.sets import among
from service.tables import Decision, Membership

ACTION = "arrange"
DRAFT = "d-"
"""What a decision is called that is not made yet."""


@dataclass(frozen=True, slots=True)
class WantedColumn:
    """A column as a client sends it.

    Attributes
    ----------
    mentions : tuple of Mention
    identity : str or None
        Id of the identity that it goes on with; None: somebody of their own.
    confirmed : bool
        See :class:`service.arrangement.Column`.
    nowhere : bool
        The column of mentions that are published under nobody: they stay so.
    """

    mentions: tuple[Mention, ...]
    identity: str | None = None
    confirmed: bool = False
    nowhere: bool = False


@dataclass(frozen=True)
class Wanted:
    """What a client wants.

    Attributes
    ----------
    columns : sequence of WantedColumn
    unsure : sequence of Mention
        Looked at, and not to be told; they stay where they are.
    answers : sequence of (sequence of Mention, sequence of Mention)
        Questions that this answers: sides of which it was asked whether they are one person.
    versions : mapping of str to int
        Version of each identity as the client read it.
    same_work : bool
        Whether two authors of one work may come to be one person.
    """

    columns: Sequence[WantedColumn]
    unsure: Sequence[Mention] = ()
    answers: Sequence[tuple[Sequence[Mention], Sequence[Mention]]] = ()
    versions: Mapping[str, int] = field(default_factory=dict)
    same_work: bool = False


@dataclass(frozen=True)
class Read:
    """An arrangement held against what is published.

    Attributes
    ----------
    ids : dict of int to str
        Ids of the identities it touches, by key.
    links : list of Link
        What it states, under the name :data:`DRAFT`.
    """

    plan: Arranged
    subject: Subject
    ids: dict[int, str]
    unsure: list[int]
    sides: list[Sides]

    def links(self, decision: str) -> list[Any]:
        """What the arrangement states as links of a decision."""
        return links_of(self.plan, decision, self.sides)

    def opposed(self) -> list[Opposed]:
        """Decisions in force that stand against it."""
        connection = self.subject.connection
        return opposed(connection, self.plan.target, self.links(DRAFT), DRAFT)


@dataclass(frozen=True)
class Committed:
    """A decision that was made, the mentions it moved, the id of what was noted as unsure with it,
    and what it undid."""

    made: Made
    moved: int
    unsure: str | None
    overridden: list[Opposed]


def read(connection: Connection, wanted: Wanted, subject: Subject) -> Read:
    """Hold an arrangement against what is published.

    Raises
    ------
    Invalid, NotFound
        If it names what is not there, or one thing twice.
    Conflict
        If an identity is no longer active or has changed since it was seen.
    """
    refuse_repeated(wanted)
    stated = rows_by_id(connection, [c.identity for c in wanted.columns if c.identity])
    columns = []
    for k, column in enumerate(wanted.columns):
        at = f"columns[{k}].mentions"
        keys = subject.found(column.mentions, None, at) if column.mentions else []
        if column.nowhere:
            refuse_placed(connection, subject, keys, at)
            continue
        if not keys and not column.identity:
            continue
        key = None
        if column.identity is not None:
            row = stated.get(column.identity)
            key = None if row is None or row.status != "active" else row.key
            if key is None:
                active_identity(connection, column.identity)
        columns.append(Column(tuple(keys), key, column.confirmed))
    unsure = subject.found(wanted.unsure, None, "unsure") if wanted.unsure else []
    touched = {c.identity for c in columns if c.identity is not None}
    touched |= {i for c in columns for m in c.mentions if (i := subject.identity(m)) is not None}
    subject.include(touched)
    members = {key: subject.members[key] for key in touched}
    everyone = {m for some in members.values() for m in some}
    everyone |= {m for c in columns for m in c.mentions}
    query = select(Membership.signature_key, Membership.confidence)
    sure = connection.execute(query.where(among(connection, Membership.signature_key, everyone)))
    confidence = {row[0]: row[1] for row in sure}
    ends = {end for link in links_around(connection, everyone) for end in (link.a, link.b)}
    plan = arranged(columns, members, confidence, ends & everyone)
    sides = [
        Sides(tuple(subject.found(a, None, "task")), tuple(subject.found(b, None, "task")))
        for a, b in wanted.answers
        if a and b
    ]
    sides = [s for s in sides if {*s.left, *s.right}.isdisjoint(unsure)]
    plan = _with_sides(connection, subject, plan, sides, columns, confidence)
    rows = identity_rows(connection, {k for k in plan.current.values() if k != NOWHERE})
    ids = {key: row.id for key, row in rows.items()}
    touched_ids = {ids[key] for key in plan.curated() if key in ids}
    refuse_stale(connection, {i: v for i, v in wanted.versions.items() if i in touched_ids})
    return Read(plan, subject, ids, unsure, sides)


def _with_sides(
    connection: Connection,
    subject: Subject,
    plan: Arranged,
    sides: Sequence[Sides],
    columns: Sequence[Column],
    confidence: Mapping[int, float],
) -> Arranged:
    """The same with the identities that were asked about, which nobody may have moved."""
    asked = {m for s in sides for m in (*s.left, *s.right)} - plan.target.keys()
    keys = {k for m in asked if (k := subject.identity(m)) is not None}
    if not keys:
        return plan
    subject.include(keys)
    touched = {key for key in plan.current.values() if key != NOWHERE} | keys
    members = {key: subject.members[key] for key in touched}
    ends = {e for link in links_around(connection, asked) for e in (link.a, link.b)}
    return arranged(columns, members, confidence, ends)


def preview(connection: Connection, wanted: Wanted) -> tuple[Read, dict[str, Any]]:
    """What an arrangement would do; nothing is changed.

    Raises
    ------
    Invalid, NotFound, Conflict
        As :func:`read`.
    """
    found = read(connection, wanted, Subject(connection, EventLog(connection), {}))
    plan, ids = found.plan, found.ids
    against = found.opposed()
    went: dict[int, Counter[int]] = {}
    for mention, to in plan.moves.items():
        if plan.current[mention] != NOWHERE:
            went.setdefault(plan.current[mention], Counter())[to] += 1
    kept = sorted(ids[p.identity] for p in plan.parts if p.identity in ids and p.edited)
    over = {p.identity for p in plan.parts}
    redirected, gone = [], []
    for key, parts in sorted(went.items()):
        if key in over:
            continue
        if len(parts) == 1 and next(iter(parts)) in ids:
            redirected.append({"from": ids[key], "to": ids[next(iter(parts))]})
        else:
            gone.append(ids[key])
    told = {
        "moved": len(plan.moves),
        "kept": kept,
        "created": plan.created,
        "redirected": redirected,
        "gone": gone,
        "overridden": [one.told() for one in against],
        "conflicts": conflicts(connection, found, wanted),
    }
    return found, told


def commit(
    database: Database,
    actor: Actor,
    wanted: Wanted,
    *,
    reason: str | None = None,
    evidence: Mapping[str, Any] | None = None,
    override: bool = False,
) -> Committed:
    """Publish an arrangement as one decision.

    Parameters
    ----------
    override : bool
        Whether decisions that stand against it are taken back by the same event.

    Raises
    ------
    Invalid, NotFound
        As :func:`read`; Invalid also if there is nothing to decide, or an identity that changes
        has no version in ``wanted.versions``.
    Conflict
        As :func:`read`; also with the decisions that stand against it, and if two authors of one
        work would be one person without ``same_work``.
    """
    with database.write() as connection:
        subject = begin(connection, [], None)
        found = read(connection, wanted, subject)
        plan = found.plan
        stated = found.links(DRAFT)
        if not stated and not plan.moves and not found.unsure:
            raise Invalid(
                "nothing is moved, confirmed or unsure", "arrange something first", field="columns"
            )
        insist_on_versions(found, wanted.versions)
        against = found.opposed()
        if not override:
            refuse(against)
        told = _evidence(found, evidence, against)
        kind = _kind(stated, plan)
        action = ACTION if kind != "unsure" else "review"
        draft = make(subject, kind, action, actor, reason, told)
        links = found.links(draft.id)
        if against:
            ids = [one.id for one in against]
            links = _merged(links, void(connection, ids, draft.event, plan.target, draft.id))
        places = {
            m: Place(to, 1.0, "decision", draft.key)
            for m, to in plan.target.items()
            if plan.current[m] != to or m in _confirmed(plan)
        }
        made = settle(draft, places, links, plan.curated(), same_work=wanted.same_work)
        if against:
            ask_again(connection, draft.id, draft.event)
        unsure = None
        if found.unsure and kind != "unsure":
            unsure = _noted(draft, actor, reason, found)
        return Committed(made, len(plan.moves), unsure, against)


def _confirmed(plan: Arranged) -> set[int]:
    return {m for part in plan.parts for m in part.confirmed}


def _merged(links: Sequence[Any], more: Sequence[Any]) -> list[Any]:
    """Links of the arrangement first; what overridden decisions stated besides after them."""
    found = {(link.a, link.b): link for link in more}
    return list({**found, **{(link.a, link.b): link for link in links}}.values())


def _kind(links: Sequence[Any], plan: Arranged) -> str:
    if not links and not plan.moves:
        return "unsure"
    return "same" if all(link.must for link in links) else "different"


def _evidence(
    found: Read, given: Mapping[str, Any] | None, against: Sequence[Opposed]
) -> dict[str, Any]:
    """What the decision keeps of how it came about."""
    told: dict[str, Any] = {**(given or {}), "moved": len(found.plan.moves)}
    if against:
        told[OVERRIDES] = [one.id for one in against]
    if found.unsure:
        name = namer(found.subject.connection, found.unsure)
        told["mentions"] = [name(m) for m in found.unsure]
    return told


def _noted(draft: Draft, actor: Actor, reason: str | None, found: Read) -> str:
    """A decision of the same event that says what could not be told; undone with it."""
    connection = draft.subject.connection
    name = namer(connection, found.unsure)
    decision = new_id("d")
    evidence = {"mentions": [name(m) for m in found.unsure], "with": draft.id}
    connection.execute(
        insert(Decision).values(
            id=decision,
            kind="unsure",
            action="review",
            actor=actor.name,
            at=draft.subject.ledger.at,
            reason=reason,
            evidence=evidence,
            event_seq=draft.event,
        )
    )
    return decision
