"""What people decide about identities: merge, split, move, same, different, unsure; undo, redo.

Each decision is one event and one transaction. It changes what is published at once, and leaves
links between mentions that every later clustering, placement and publication obeys. Nothing of
it is ever deleted: an undone decision says when it was undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.actors import Actor
from service.constraints.links import Link, make_must_links
from service.constraints.store import read_constraints
from service.db.database import Database
from service.decisions.draft import Made, Mention, Subject, begin, make, settle
from service.decisions.undo import redo, undo
from service.errors import Invalid
from service.identities.lifecycle import make_placeholder_key
from service.identities.store import IdentityRow
from service.memberships.effects import Membership

__all__ = [
    "Made",
    "Mention",
    "Statement",
    "read_constraints",
    "judge",
    "merge",
    "move",
    "redo",
    "split",
    "undo",
    "unsure",
]

MOST = 100
"""Identities that one decision merges, and groups into which one splits, at most."""
ANCHORS = 3
"""Mentions of an identity that stand for it when others are moved to it."""
WITNESSES = 500
"""Mentions that stay behind, of which one decision says that those moved are not of them."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Why somebody decides, what was seen when deciding, and on which versions.

    Attributes
    ----------
    reason : str or None
    evidence : mapping or None
        What was shown; kept as it is.
    versions : mapping of str to int
        Versions of identities, by id, that the person has seen; others are not checked.
    same_work : bool
        Whether two mentions of one work may come to be one person.
    answers : str or None
        Id of the task that this is the answer to.
    """

    reason: str | None = None
    evidence: Mapping[str, Any] | None = None
    versions: Mapping[str, int] | None = None
    same_work: bool = False
    answers: str | None = None


PLAIN = Statement()


def merge(
    database: Database,
    actor: Actor,
    identities: Sequence[str],
    into: str | None = None,
    statement: Statement = PLAIN,
) -> Made:
    """State that identities are one person, whose mentions are all of theirs.

    Parameters
    ----------
    identities : sequence of str
        Ids, two or more.
    into : str, optional
        The one whose id is kept; without it the best established: one that decisions bear on,
        then the one with the most mentions, then the oldest.

    Raises
    ------
    Invalid, NotFound
        If an id is missing or unknown.
    Conflict
        If one is no longer active, or decisions say that two of them are different persons, or
        they share works and that was not allowed.
    Stale
        If one has changed since it was seen.
    """
    names = list(dict.fromkeys([*identities, *([into] if into else [])]))
    if not 2 <= len(names) <= MOST:
        raise Invalid(
            f"{len(names)} identities to merge",
            f"name 2 to {MOST} different ones",
            field="identities",
        )
    with database.write() as connection:
        subject = begin(connection, names, statement.versions)
        kept = subject.rows[into] if into else subject.best()
        decision = make(subject, "same", "merge", actor, statement.reason, statement.evidence)
        mentions = [m for row in subject.rows.values() for m in subject.members[row.key]]
        hub = subject.ranked(kept.key)[0]
        links = make_must_links([hub, *(m for m in mentions if m != hub)], decision.id)
        places = {
            m: Membership(kept.key, 1.0, "decision", decision.key)
            for row in subject.rows.values()
            if row.key != kept.key
            for m in subject.members[row.key]
        }
        return settle(
            decision,
            places,
            links,
            {kept.key: True},
            same_work=statement.same_work,
            answers=statement.answers,
        )


def split(
    database: Database,
    actor: Actor,
    identity: str,
    groups: Sequence[Sequence[Mention]],
    keep: int | None = None,
    statement: Statement = PLAIN,
) -> Made:
    """State that an identity is several persons.

    Mentions that are in no group stay under the id; that they are one person is not stated, only
    that they are not of the groups that leave.

    Parameters
    ----------
    identity : str
    groups : sequence of sequences of Mention
        Mentions of one person each. One group is enough where other mentions stay.
    keep : int, optional
        Which group keeps the id; without it none does where other mentions stay, or else the
        largest, of equals the first.

    Raises
    ------
    Invalid, NotFound, Conflict, Stale
        As :func:`merge`; Invalid also for a mention that is not of the identity, or named twice.
    """
    with database.write() as connection:
        subject = begin(connection, [identity], statement.versions)
        row = subject.rows[identity]
        parts = [subject.found(group, row, f"groups[{k}]") for k, group in enumerate(groups)]
        stay = _staying(subject, row, parts, keep)
        decision = make(subject, "different", "split", actor, statement.reason, statement.evidence)
        links = [link for part in parts for link in make_must_links(part, decision.id)]
        kept = parts[stay] if stay is not None else []
        named = {m for part in parts for m in part}
        rest = [m for m in subject.ranked(row.key) if m not in named]
        leave = [part for k, part in enumerate(parts) if k != stay]
        for k, part in enumerate(leave):
            others = [*(p[0] for p in leave[:k]), *kept[:1], *rest[:WITNESSES]]
            links += [_cannot(part[0], other, decision.id) for other in others]
        places = {
            m: Membership(make_placeholder_key(k), 1.0, "decision", decision.key)
            for k, part in enumerate(leave)
            for m in part
        }
        places |= {m: Membership(row.key, 1.0, "decision", decision.key) for m in kept}
        curated = {row.key: True} | {make_placeholder_key(k): True for k in range(len(leave))}
        return settle(
            decision,
            places,
            links,
            curated,
            same_work=statement.same_work,
            answers=statement.answers,
        )


def move(
    database: Database,
    actor: Actor,
    mentions: Sequence[Mention],
    to: str | None,
    statement: Statement = PLAIN,
) -> Made:
    """State that mentions are of one person, ``to`` or a new identity, and not of where they are.

    Raises
    ------
    Invalid, NotFound, Conflict, Stale
        As :func:`merge`; Invalid also if all of them are there already.
    """
    with database.write() as connection:
        subject = begin(connection, [to] if to else [], statement.versions)
        moved = subject.found(mentions, None, "mentions")
        target = subject.rows[to].key if to else None
        subject.include({k for m in moved if (k := subject.identity(m)) is not None})
        sources = {subject.identity(m) for m in moved} - {None, target}
        if all(subject.identity(m) == target for m in moved) and target is not None:
            raise Invalid("all of the mentions are there already", "nothing to do", field="to")
        decision = make(subject, "same", "move", actor, statement.reason, statement.evidence)
        anchors = [m for m in subject.ranked(target) if m not in moved][:ANCHORS] if target else []
        links = make_must_links([*moved, *anchors], decision.id)
        for source in sources:
            stay = [m for m in subject.ranked(source) if m not in moved]
            links += [_cannot(moved[0], m, decision.id) for m in stay[:WITNESSES]]
        there = make_placeholder_key(0) if target is None else target
        places = {m: Membership(there, 1.0, "decision", decision.key) for m in moved}
        curated = {key: True for key in sources if key is not None} | {there: True}
        return settle(
            decision,
            places,
            links,
            curated,
            same_work=statement.same_work,
            answers=statement.answers,
        )


def judge(
    database: Database,
    actor: Actor,
    kind: str,
    a: Mention,
    b: Mention,
    statement: Statement = PLAIN,
) -> Made:
    """State that two mentions are the ``same`` person, or ``different`` persons.

    Where they are published otherwise, that changes at once: the identities of two that are the
    same are merged; of two that are different, the one that is less sure leaves with all that
    decisions bind to it.

    Raises
    ------
    Invalid, NotFound, Conflict, Stale
        As :func:`merge`.
    """
    if kind not in ("same", "different"):
        raise Invalid(f"no decision is {kind[:40]!r}", "state same or different", field="kind")
    with database.write() as connection:
        subject = begin(connection, [], statement.versions)
        one, other = subject.found([a, b], None, "mentions")
        subject.include({k for m in (one, other) if (k := subject.identity(m)) is not None})
        decision = make(subject, kind, "review", actor, statement.reason, statement.evidence)
        if kind == "same":
            links = make_must_links([one, other], decision.id)
            places, curated = _together(subject, one, other, decision.key)
        else:
            links = [_cannot(one, other, decision.id)]
            places, curated = _apart(subject, one, other, decision.key)
        return settle(
            decision,
            places,
            links,
            curated,
            same_work=statement.same_work,
            answers=statement.answers,
        )


def unsure(
    database: Database, actor: Actor, mentions: Sequence[Mention], statement: Statement = PLAIN
) -> Made:
    """Note that somebody looked at mentions and could not tell; it binds nothing.

    Raises
    ------
    Invalid, NotFound
    """
    with database.write() as connection:
        subject = begin(connection, [], statement.versions)
        subject.found(mentions, None, "mentions")
        told = [f"{m.work}:{m.position}" for m in mentions]
        evidence = {**(statement.evidence or {}), "mentions": told}
        decision = make(subject, "unsure", "review", actor, statement.reason, evidence)
        return settle(decision, {}, [], {}, same_work=True)


def _staying(
    subject: Subject, row: IdentityRow, parts: Sequence[Sequence[int]], keep: int | None
) -> int | None:
    """The group that keeps the id, if any does."""
    named = sum(map(len, parts))
    rest = len(subject.members[row.key]) - named
    if len(set().union(*parts)) != named:
        raise Invalid("a mention is in two groups", "name each once", field="groups")
    if not 1 <= len(parts) <= MOST or len(parts) + bool(rest) < 2:
        raise Invalid(
            f"{len(parts)} groups do not split {row.id}",
            f"name 2 to {MOST} groups, or one where other mentions stay",
            field="groups",
        )
    if keep is not None and not 0 <= keep < len(parts):
        raise Invalid(f"there is no group {keep}", "count groups from 0", field="keep")
    if keep is not None and rest and len(parts) == 1:
        raise Invalid("nothing would leave", "name the mentions that leave", field="keep")
    if keep is not None or rest:
        return keep
    return max(range(len(parts)), key=lambda k: (len(parts[k]), -k))


def _together(
    subject: Subject, one: int, other: int, decision_key: int
) -> tuple[dict[int, Membership], dict[int, bool]]:
    """Where two mentions that are the same person, and all with them, shall be."""
    here, there = subject.identity(one), subject.identity(other)
    rows = [row for row in subject.rows.values() if row.key in (here, there)]
    if not rows:
        return {}, {}
    kept = subject.best(rows)
    moved = [m for row in rows if row.key != kept.key for m in subject.members[row.key]]
    moved += [m for m, key in ((one, here), (other, there)) if key is None]
    return {m: Membership(kept.key, 1.0, "decision", decision_key) for m in moved}, {kept.key: True}


def _apart(
    subject: Subject, one: int, other: int, decision_key: int
) -> tuple[dict[int, Membership], dict[int, bool]]:
    """Where the mention that leaves, and those bound to it, shall be."""
    here = subject.identity(one)
    if here is None or here != subject.identity(other):
        return {}, {key: True for key in (here, subject.identity(other)) if key is not None}
    order = subject.ranked(here)
    bound = {m: subject.bound(m, order) for m in (one, other)}
    if one in bound[other]:
        return {}, {}
    leaves = min((one, other), key=lambda m: (len(bound[m]), -order.index(m)))
    places = {
        m: Membership(make_placeholder_key(0), 1.0, "decision", decision_key) for m in bound[leaves]
    }
    return places, {here: True, make_placeholder_key(0): True}


def _cannot(a: int, b: int, decision: str) -> Link:
    return Link(min(a, b), max(a, b), False, decision)
