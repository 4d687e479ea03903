"""Decisions of curators: merge, split, move, same, different, unsure; undo and redo.

Each decision is one event and one transaction. It changes what is published immediately, and
stores must-links and cannot-links that every later clustering, assignment and publication obeys.
Decisions are never deleted: an undone decision records the event that undid it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from disambig.domain import Signature
from service.actors import Actor
from service.constraints.links import (
    MAX_CANNOT_LINKS,
    N_REPRESENTATIVES,
    make_cannot_link,
    make_must_links,
)
from service.constraints.store import read_constraints
from service.db.database import Database
from service.decisions.draft import (
    DecisionResult,
    DecisionScope,
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
    "DecisionContext",
    "DecisionResult",
    "decide_pair",
    "merge_identities",
    "move_signatures",
    "read_constraints",
    "record_unsure",
    "redo_decision",
    "split_identity",
    "undo_decision",
]

MAX_IDENTITIES = 100
"""Maximum number of identities that one decision merges, or of groups that it splits off."""


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
    context: DecisionContext = NO_CONTEXT,
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
    identity_ids = list(dict.fromkeys([*identities, *([into] if into else [])]))
    if not 2 <= len(identity_ids) <= MAX_IDENTITIES:
        raise Invalid(
            f"{len(identity_ids)} identities to merge",
            f"give 2 to {MAX_IDENTITIES} different ids",
            field="identities",
        )
    with database.write() as connection:
        scope = open_decision(connection, identity_ids, context.versions)
        kept_identity = scope.rows[into] if into else scope.choose_best()
        decision = record_decision(scope, "same", "merge", actor, context.reason, context.evidence)
        signatures = [m for row in scope.rows.values() for m in scope.members[row.key]]
        representative = scope.rank_members(kept_identity.key)[0]
        links = make_must_links(
            [representative, *(m for m in signatures if m != representative)], decision.id
        )
        memberships = {
            m: Membership(kept_identity.key, 1.0, "decision", decision.key)
            for row in scope.rows.values()
            if row.key != kept_identity.key
            for m in scope.members[row.key]
        }
        return apply_decision(
            decision,
            memberships,
            links,
            {kept_identity.key: True},
            allow_same_work=context.allow_same_work,
            task_id=context.task_id,
        )


def split_identity(
    database: Database,
    actor: Actor,
    identity: str,
    groups: Sequence[Sequence[Signature]],
    keep: int | None = None,
    context: DecisionContext = NO_CONTEXT,
) -> DecisionResult:
    """Split an identity: state that it is several persons.

    Mentions that are in no group stay under the id. The decision does not state that they are one
    person, only that they are different from the groups that leave.

    Parameters
    ----------
    identity : str
    groups : sequence of sequences of Signature
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
        scope = open_decision(connection, [identity], context.versions)
        row = scope.rows[identity]
        parts = [
            scope.find_signatures(group, row, f"groups[{k}]") for k, group in enumerate(groups)
        ]
        kept_group = _choose_kept_group(scope, row, parts, keep)
        decision = record_decision(
            scope, "different", "split", actor, context.reason, context.evidence
        )
        links = [link for part in parts for link in make_must_links(part, decision.id)]
        kept_signatures = parts[kept_group] if kept_group is not None else []
        grouped_signatures = {m for part in parts for m in part}
        rest = [m for m in scope.rank_members(row.key) if m not in grouped_signatures]
        leaving_groups = [part for k, part in enumerate(parts) if k != kept_group]
        for k, part in enumerate(leaving_groups):
            remaining = [
                *(p[0] for p in leaving_groups[:k]),
                *kept_signatures[:1],
                *rest[:MAX_CANNOT_LINKS],
            ]
            links += [make_cannot_link(part[0], other, decision.id) for other in remaining]
        memberships = {
            m: Membership(make_placeholder_key(k), 1.0, "decision", decision.key)
            for k, part in enumerate(leaving_groups)
            for m in part
        }
        memberships |= {
            m: Membership(row.key, 1.0, "decision", decision.key) for m in kept_signatures
        }
        is_curated = {row.key: True} | {
            make_placeholder_key(k): True for k in range(len(leaving_groups))
        }
        return apply_decision(
            decision,
            memberships,
            links,
            is_curated,
            allow_same_work=context.allow_same_work,
            task_id=context.task_id,
        )


def move_signatures(
    database: Database,
    actor: Actor,
    mentions: Sequence[Signature],
    to: str | None,
    context: DecisionContext = NO_CONTEXT,
) -> DecisionResult:
    """Move mentions: state that they are one person, ``to`` or a new identity.

    They are also stated to be different from the identities that they leave.

    Raises
    ------
    Invalid, NotFound, Conflict, Stale
        As :func:`merge_identities`; Invalid also if all of them are already in ``to``.
    """
    with database.write() as connection:
        scope = open_decision(connection, [to] if to else [], context.versions)
        signatures = scope.find_signatures(mentions, None, "mentions")
        target = scope.rows[to].key if to else None
        scope.include_identities(
            {k for m in signatures if (k := scope.get_identity_key(m)) is not None}
        )
        sources = {scope.get_identity_key(m) for m in signatures} - {None, target}
        if all(scope.get_identity_key(m) == target for m in signatures) and target is not None:
            raise Invalid("all mentions are already in this identity", "nothing to do", field="to")
        decision = record_decision(scope, "same", "move", actor, context.reason, context.evidence)
        representatives = (
            [m for m in scope.rank_members(target) if m not in signatures][:N_REPRESENTATIVES]
            if target
            else []
        )
        links = make_must_links([*signatures, *representatives], decision.id)
        for source in sources:
            remaining = [m for m in scope.rank_members(source) if m not in signatures]
            links += [
                make_cannot_link(signatures[0], m, decision.id)
                for m in remaining[:MAX_CANNOT_LINKS]
            ]
        target_key = make_placeholder_key(0) if target is None else target
        memberships = {m: Membership(target_key, 1.0, "decision", decision.key) for m in signatures}
        is_curated = {key: True for key in sources if key is not None} | {target_key: True}
        return apply_decision(
            decision,
            memberships,
            links,
            is_curated,
            allow_same_work=context.allow_same_work,
            task_id=context.task_id,
        )


def decide_pair(
    database: Database,
    actor: Actor,
    kind: str,
    a: Signature,
    b: Signature,
    context: DecisionContext = NO_CONTEXT,
) -> DecisionResult:
    """State that two mentions are the ``same`` person, or ``different`` persons.

    If this contradicts what is published, memberships change immediately. The identities of two
    mentions of the same person are merged. Of two mentions of different persons, the one with fewer
    must-links, or else with the lower confidence, leaves with all mentions bound to it.

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
        scope = open_decision(connection, [], context.versions)
        first, second = scope.find_signatures([a, b], None, "mentions")
        scope.include_identities(
            {k for m in (first, second) if (k := scope.get_identity_key(m)) is not None}
        )
        decision = record_decision(scope, kind, "review", actor, context.reason, context.evidence)
        if kind == "same":
            links = make_must_links([first, second], decision.id)
            memberships, is_curated = _plan_merge(scope, first, second, decision.key)
        else:
            links = [make_cannot_link(first, second, decision.id)]
            memberships, is_curated = _plan_separation(scope, first, second, decision.key)
        return apply_decision(
            decision,
            memberships,
            links,
            is_curated,
            allow_same_work=context.allow_same_work,
            task_id=context.task_id,
        )


def record_unsure(
    database: Database,
    actor: Actor,
    mentions: Sequence[Signature],
    context: DecisionContext = NO_CONTEXT,
) -> DecisionResult:
    """Record that a curator examined mentions and could not decide; it binds nothing.

    Raises
    ------
    Invalid, NotFound
    """
    with database.write() as connection:
        scope = open_decision(connection, [], context.versions)
        scope.find_signatures(mentions, None, "mentions")
        mention_names = [f"{m.work}:{m.position}" for m in mentions]
        evidence = {**(context.evidence or {}), "mentions": mention_names}
        decision = record_decision(scope, "unsure", "review", actor, context.reason, evidence)
        return apply_decision(decision, {}, [], {}, allow_same_work=True)


def _choose_kept_group(
    scope: DecisionScope, row: IdentityRow, parts: Sequence[Sequence[int]], keep: int | None
) -> int | None:
    """Return the number of the group that keeps the id, or None."""
    n_grouped = sum(map(len, parts))
    n_rest = len(scope.members[row.key]) - n_grouped
    if len(set().union(*parts)) != n_grouped:
        raise Invalid("a mention is in two groups", "list each mention once", field="groups")
    if not 1 <= len(parts) <= MAX_IDENTITIES or len(parts) + bool(n_rest) < 2:
        raise Invalid(
            f"{len(parts)} groups do not split {row.id}",
            f"give 2 to {MAX_IDENTITIES} groups, or one if other mentions stay",
            field="groups",
        )
    if keep is not None and not 0 <= keep < len(parts):
        raise Invalid(f"there is no group {keep}", "count groups from 0", field="keep")
    if keep is not None and n_rest and len(parts) == 1:
        raise Invalid("no mention would leave", "list the mentions that leave", field="keep")
    if keep is not None or n_rest:
        return keep
    return max(range(len(parts)), key=lambda k: (len(parts[k]), -k))


def _plan_merge(
    scope: DecisionScope, first: int, second: int, decision_key: int
) -> tuple[dict[int, Membership], dict[int, bool]]:
    """Return new memberships after merging the identities of two mentions."""
    first_identity, second_identity = scope.get_identity_key(first), scope.get_identity_key(second)
    rows = [row for row in scope.rows.values() if row.key in (first_identity, second_identity)]
    if not rows:
        return {}, {}
    kept_identity = scope.choose_best(rows)
    signatures = [m for row in rows if row.key != kept_identity.key for m in scope.members[row.key]]
    signatures += [
        m for m, key in ((first, first_identity), (second, second_identity)) if key is None
    ]
    return {m: Membership(kept_identity.key, 1.0, "decision", decision_key) for m in signatures}, {
        kept_identity.key: True
    }


def _plan_separation(
    scope: DecisionScope, first: int, second: int, decision_key: int
) -> tuple[dict[int, Membership], dict[int, bool]]:
    """Return new memberships of the mention that leaves, and of those bound to it."""
    identity_key = scope.get_identity_key(first)
    if identity_key is None or identity_key != scope.get_identity_key(second):
        return {}, {
            key: True for key in (identity_key, scope.get_identity_key(second)) if key is not None
        }
    ranked = scope.rank_members(identity_key)
    bound_signatures = {m: scope.find_bound(m, ranked) for m in (first, second)}
    if first in bound_signatures[second]:
        return {}, {}
    leaving = min((first, second), key=lambda m: (len(bound_signatures[m]), -ranked.index(m)))
    memberships = {
        m: Membership(make_placeholder_key(0), 1.0, "decision", decision_key)
        for m in bound_signatures[leaving]
    }
    return memberships, {identity_key: True, make_placeholder_key(0): True}
