"""Decisions of curators: merge, split, move, same, different, unsure; undo and redo.

Each decision is one event and one transaction. It changes what is published immediately, and
stores must-links and cannot-links that every later clustering, assignment and publication obeys.
Decisions are never deleted: an undone decision records the event that undid it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.actors import Actor
from service.constraints.links import Link, make_must_links
from service.constraints.store import read_constraints
from service.db.database import Database
from service.decisions.draft import (
    DecisionResult,
    DecisionScope,
    SignatureRef,
    apply_decision,
    open_decision,
    record_decision,
)
from service.decisions.undo import redo_decision, undo_decision
from service.errors import Invalid
from service.identities.lifecycle import make_placeholder_key
from service.identities.store import IdentityRow
from service.memberships.effects import Membership

__all__ = [
    "DecisionResult",
    "SignatureRef",
    "DecisionContext",
    "decide_pair",
    "merge_identities",
    "move_signatures",
    "read_constraints",
    "redo_decision",
    "split_identity",
    "undo_decision",
    "record_unsure",
]

MAX_IDENTITIES = 100
"""Maximum number of identities that one decision merges, or of groups that it splits off."""
MAX_REPRESENTATIVES = 3
"""Number of an identity's signatures that represent it when others are moved to it."""
MAX_REMAINING_LINKS = 500
"""Maximum number of remaining signatures with cannot-links to those that a decision moves away."""


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """Context of a decision: its reason, the evidence shown, and the versions read.

    Attributes
    ----------
    reason : str or None
    evidence : mapping or None
        What was shown; stored unchanged.
    versions : mapping of str to int
        Versions of identities, by id, that the curator has read; others are not checked.
    allow_same_work : bool
        Whether two mentions of one work can become one person.
    task_id : str or None
        Id of the task that the decision answers.
    """

    reason: str | None = None
    evidence: Mapping[str, Any] | None = None
    versions: Mapping[str, int] | None = None
    allow_same_work: bool = False
    task_id: str | None = None


NO_CONTEXT = DecisionContext()


def merge_identities(
    database: Database,
    actor: Actor,
    identities: Sequence[str],
    into: str | None = None,
    statement: DecisionContext = NO_CONTEXT,
) -> DecisionResult:
    """Merge identities: state that all their mentions are one person.

    Parameters
    ----------
    identities : sequence of str
        Ids, two or more.
    into : str, optional
        The identity whose id is kept; by default the best established: one changed by decisions,
        then the one with the most mentions, then the oldest.

    Raises
    ------
    Invalid, NotFound
        If an id is missing or unknown.
    Conflict
        If one is no longer active, or decisions state that two of them are different persons, or
        they share works and ``allow_same_work`` is False.
    Stale
        If one has changed since it was read.
    """
    names = list(dict.fromkeys([*identities, *([into] if into else [])]))
    if not 2 <= len(names) <= MAX_IDENTITIES:
        raise Invalid(
            f"{len(names)} identities to merge",
            f"give 2 to {MAX_IDENTITIES} different ids",
            field="identities",
        )
    with database.write() as connection:
        subject = open_decision(connection, names, statement.versions)
        kept = subject.rows[into] if into else subject.choose_best()
        decision = record_decision(
            subject, "same", "merge", actor, statement.reason, statement.evidence
        )
        mentions = [m for row in subject.rows.values() for m in subject.members[row.key]]
        representative = subject.rank_members(kept.key)[0]
        links = make_must_links([representative, *(m for m in mentions if m != representative)], decision.id)
        places = {
            m: Membership(kept.key, 1.0, "decision", decision.key)
            for row in subject.rows.values()
            if row.key != kept.key
            for m in subject.members[row.key]
        }
        return apply_decision(
            decision,
            places,
            links,
            {kept.key: True},
            same_work=statement.allow_same_work,
            answers=statement.task_id,
        )


def split_identity(
    database: Database,
    actor: Actor,
    identity: str,
    groups: Sequence[Sequence[SignatureRef]],
    keep: int | None = None,
    statement: DecisionContext = NO_CONTEXT,
) -> DecisionResult:
    """Split an identity: state that it is several persons.

    Mentions that are in no group stay under the id. The decision does not state that they are one
    person, only that they are different from the groups that leave.

    Parameters
    ----------
    identity : str
    groups : sequence of sequences of SignatureRef
        Mentions of one person each. One group is enough if other mentions stay.
    keep : int, optional
        The group that keeps the id. By default none if other mentions stay, or else the largest
        group, of equals the first.

    Raises
    ------
    Invalid, NotFound, Conflict, Stale
        As :func:`merge_identities`; Invalid also for a mention that is not in the identity, or
        that occurs twice.
    """
    with database.write() as connection:
        subject = open_decision(connection, [identity], statement.versions)
        row = subject.rows[identity]
        parts = [
            subject.find_signatures(group, row, f"groups[{k}]") for k, group in enumerate(groups)
        ]
        kept_group = _choose_kept_group(subject, row, parts, keep)
        decision = record_decision(
            subject, "different", "split", actor, statement.reason, statement.evidence
        )
        links = [link for part in parts for link in make_must_links(part, decision.id)]
        kept = parts[kept_group] if kept_group is not None else []
        named = {m for part in parts for m in part}
        rest = [m for m in subject.rank_members(row.key) if m not in named]
        leaving_groups = [part for k, part in enumerate(parts) if k != kept_group]
        for k, part in enumerate(leaving_groups):
            others = [*(p[0] for p in leaving_groups[:k]), *kept[:1], *rest[:MAX_REMAINING_LINKS]]
            links += [_make_cannot_link(part[0], other, decision.id) for other in others]
        places = {
            m: Membership(make_placeholder_key(k), 1.0, "decision", decision.key)
            for k, part in enumerate(leaving_groups)
            for m in part
        }
        places |= {m: Membership(row.key, 1.0, "decision", decision.key) for m in kept}
        is_curated = {row.key: True} | {make_placeholder_key(k): True for k in range(len(leaving_groups))}
        return apply_decision(
            decision,
            places,
            links,
            is_curated,
            same_work=statement.allow_same_work,
            answers=statement.task_id,
        )


def move_signatures(
    database: Database,
    actor: Actor,
    mentions: Sequence[SignatureRef],
    to: str | None,
    statement: DecisionContext = NO_CONTEXT,
) -> DecisionResult:
    """Move mentions: state that they are one person, ``to`` or a new identity.

    They are also stated to be different from the identities that they leave.

    Raises
    ------
    Invalid, NotFound, Conflict, Stale
        As :func:`merge_identities`; Invalid also if all of them are already in ``to``.
    """
    with database.write() as connection:
        subject = open_decision(connection, [to] if to else [], statement.versions)
        signatures = subject.find_signatures(mentions, None, "mentions")
        target = subject.rows[to].key if to else None
        subject.include_identities({k for m in signatures if (k := subject.identity_of(m)) is not None})
        sources = {subject.identity_of(m) for m in signatures} - {None, target}
        if all(subject.identity_of(m) == target for m in signatures) and target is not None:
            raise Invalid("all mentions are already in this identity", "nothing to do", field="to")
        decision = record_decision(
            subject, "same", "move", actor, statement.reason, statement.evidence
        )
        anchors = (
            [m for m in subject.rank_members(target) if m not in signatures][:MAX_REPRESENTATIVES]
            if target
            else []
        )
        links = make_must_links([*signatures, *anchors], decision.id)
        for source in sources:
            remaining = [m for m in subject.rank_members(source) if m not in signatures]
            links += [_make_cannot_link(signatures[0], m, decision.id) for m in remaining[:MAX_REMAINING_LINKS]]
        target_key = make_placeholder_key(0) if target is None else target
        places = {m: Membership(target_key, 1.0, "decision", decision.key) for m in signatures}
        is_curated = {key: True for key in sources if key is not None} | {target_key: True}
        return apply_decision(
            decision,
            places,
            links,
            is_curated,
            same_work=statement.allow_same_work,
            answers=statement.task_id,
        )


def decide_pair(
    database: Database,
    actor: Actor,
    kind: str,
    a: SignatureRef,
    b: SignatureRef,
    statement: DecisionContext = NO_CONTEXT,
) -> DecisionResult:
    """State that two mentions are the ``same`` person, or ``different`` persons.

    If this contradicts what is published, memberships change immediately. The identities of two
    mentions of the same person are merged. Of two mentions of different persons, the one with the
    lower confidence leaves, with all mentions that must-links bind to it.

    Raises
    ------
    Invalid, NotFound, Conflict, Stale
        As :func:`merge_identities`.
    """
    if kind not in ("same", "different"):
        raise Invalid(
            f"unknown kind of decision {kind[:40]!r}", "use same or different", field="kind"
        )
    with database.write() as connection:
        subject = open_decision(connection, [], statement.versions)
        first, second = subject.find_signatures([a, b], None, "mentions")
        subject.include_identities(
            {k for m in (first, second) if (k := subject.identity_of(m)) is not None}
        )
        decision = record_decision(
            subject, kind, "review", actor, statement.reason, statement.evidence
        )
        if kind == "same":
            links = make_must_links([first, second], decision.id)
            places, is_curated = _plan_merge(subject, first, second, decision.key)
        else:
            links = [_make_cannot_link(first, second, decision.id)]
            places, is_curated = _plan_separation(subject, first, second, decision.key)
        return apply_decision(
            decision,
            places,
            links,
            is_curated,
            same_work=statement.allow_same_work,
            answers=statement.task_id,
        )


def record_unsure(
    database: Database,
    actor: Actor,
    mentions: Sequence[SignatureRef],
    statement: DecisionContext = NO_CONTEXT,
) -> DecisionResult:
    """Record that a curator examined mentions and could not decide; it binds nothing.

    Raises
    ------
    Invalid, NotFound
    """
    with database.write() as connection:
        subject = open_decision(connection, [], statement.versions)
        subject.find_signatures(mentions, None, "mentions")
        told = [f"{m.work}:{m.position}" for m in mentions]
        evidence = {**(statement.evidence or {}), "mentions": told}
        decision = record_decision(subject, "unsure", "review", actor, statement.reason, evidence)
        return apply_decision(decision, {}, [], {}, same_work=True)


def _choose_kept_group(
    subject: DecisionScope, row: IdentityRow, parts: Sequence[Sequence[int]], keep: int | None
) -> int | None:
    """Return the number of the group that keeps the id, or None."""
    named = sum(map(len, parts))
    rest = len(subject.members[row.key]) - named
    if len(set().union(*parts)) != named:
        raise Invalid("a mention is in two groups", "list each mention once", field="groups")
    if not 1 <= len(parts) <= MAX_IDENTITIES or len(parts) + bool(rest) < 2:
        raise Invalid(
            f"{len(parts)} groups do not split {row.id}",
            f"give 2 to {MAX_IDENTITIES} groups, or one if other mentions stay",
            field="groups",
        )
    if keep is not None and not 0 <= keep < len(parts):
        raise Invalid(f"there is no group {keep}", "count groups from 0", field="keep")
    if keep is not None and rest and len(parts) == 1:
        raise Invalid("no mention would leave", "list the mentions that leave", field="keep")
    if keep is not None or rest:
        return keep
    return max(range(len(parts)), key=lambda k: (len(parts[k]), -k))


def _plan_merge(
    subject: DecisionScope, first: int, second: int, decision_key: int
) -> tuple[dict[int, Membership], dict[int, bool]]:
    """Return new memberships after merging the identities of two mentions."""
    first_identity, second_identity = subject.identity_of(first), subject.identity_of(second)
    rows = [row for row in subject.rows.values() if row.key in (first_identity, second_identity)]
    if not rows:
        return {}, {}
    kept = subject.choose_best(rows)
    signatures = [m for row in rows if row.key != kept.key for m in subject.members[row.key]]
    signatures += [m for m, key in ((first, first_identity), (second, second_identity)) if key is None]
    return {m: Membership(kept.key, 1.0, "decision", decision_key) for m in signatures}, {kept.key: True}


def _plan_separation(
    subject: DecisionScope, first: int, second: int, decision_key: int
) -> tuple[dict[int, Membership], dict[int, bool]]:
    """Return new memberships of the mention that leaves, and of those bound to it."""
    identity_key = subject.identity_of(first)
    if identity_key is None or identity_key != subject.identity_of(second):
        return {}, {key: True for key in (identity_key, subject.identity_of(second)) if key is not None}
    order = subject.rank_members(identity_key)
    bound_signatures = {m: subject.find_bound(m, order) for m in (first, second)}
    if first in bound_signatures[second]:
        return {}, {}
    leaving = min((first, second), key=lambda m: (len(bound_signatures[m]), -order.index(m)))
    places = {
        m: Membership(make_placeholder_key(0), 1.0, "decision", decision_key) for m in bound_signatures[leaving]
    }
    return places, {identity_key: True, make_placeholder_key(0): True}


def _make_cannot_link(a: int, b: int, decision: str) -> Link:
    return Link(min(a, b), max(a, b), False, decision)
