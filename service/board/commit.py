"""Preview an arrangement of mentions, and commit it as one decision.

A curator arranges columns on the board of a name (:mod:`service.board.view`). The preview returns
the effects; the commit is one event and one decision of the action ``arrange``, undone like any
other. With ``override``, contradicted decisions are revoked by the same event and restored by its
undo.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from service.actors import Actor
from service.board.arrangement import Arrangement, Column, Sides, compute_arrangement
from service.board.checks import (
    find_conflicts,
    reject_assigned,
    reject_duplicates,
    reject_stale,
    require_versions,
)
from service.board.request import DRAFT_ID, ArrangementPlan, ArrangementRequest
from service.constraints.store import make_namer, read_links_around
from service.db import tables
from service.db.bulk import is_in
from service.db.database import Database
from service.db.tables import Decision
from service.decisions.draft import (
    DecisionResult,
    DecisionScope,
    PendingDecision,
    apply_decision,
    open_decision,
    record_decision,
)
from service.decisions.override import (
    OVERRIDES,
    refuse_contradicted,
    reopen_overridden_tasks,
    revoke,
)
from service.decisions.results import Overridden
from service.errors import Invalid
from service.events.log import EventLog
from service.identities.lifecycle import UNASSIGNED
from service.identities.store import get_active_identity, read_identities, read_identities_by_id
from service.ids import new_id
from service.memberships.effects import Membership
from service.values import to_dict

ACTION = "arrange"


@dataclass(frozen=True)
class CommitResult:
    """Result of a commit.

    Attributes
    ----------
    decision : DecisionResult
    n_moved : int
        Number of mentions that changed identity.
    unsure_decision : str or None
        Id of the decision that records undecidable mentions.
    overridden_decisions : list of Overridden
        Contradicted decisions that were revoked.
    """

    decision: DecisionResult
    n_moved: int
    unsure_decision: str | None
    overridden_decisions: list[Overridden]


def plan_arrangement(
    connection: Connection, request: ArrangementRequest, scope: DecisionScope
) -> ArrangementPlan:
    """Plan an arrangement against the published state.

    Raises
    ------
    Invalid, NotFound
        If it names unknown or duplicate mentions or identities.
    Conflict
        If an identity is not active or has changed since it was read.
    """
    reject_duplicates(request)
    identity_rows_by_id = read_identities_by_id(
        connection, [c.identity for c in request.columns if c.identity]
    )
    columns = []
    for k, column in enumerate(request.columns):
        field_name = f"columns[{k}].mentions"
        keys = scope.find_signatures(column.mentions, None, field_name) if column.mentions else []
        if column.is_unassigned:
            reject_assigned(connection, scope, keys, field_name)
            continue
        if not keys and not column.identity:
            continue
        key = None
        if column.identity is not None:
            row = identity_rows_by_id.get(column.identity)
            key = None if row is None or row.status != "active" else row.key
            if key is None:
                get_active_identity(connection, column.identity)
        columns.append(Column(tuple(keys), key, column.is_confirmed))
    unsure = scope.find_signatures(request.unsure, None, "unsure") if request.unsure else []
    identity_keys = {c.identity for c in columns if c.identity is not None}
    identity_keys |= {
        i for c in columns for m in c.mentions if (i := scope.get_identity_key(m)) is not None
    }
    scope.include_identities(identity_keys)
    members = {key: scope.members[key] for key in identity_keys}
    signature_keys = {m for some in members.values() for m in some}
    signature_keys |= {m for c in columns for m in c.mentions}
    query = select(tables.Membership.signature_key, tables.Membership.confidence)
    rows_of_confidence = connection.execute(
        query.where(is_in(connection, tables.Membership.signature_key, signature_keys))
    )
    confidence = {row[0]: row[1] for row in rows_of_confidence}
    decided_keys = {
        end for link in read_links_around(connection, signature_keys) for end in (link.a, link.b)
    }
    arrangement = compute_arrangement(columns, members, confidence, decided_keys & signature_keys)
    sides = [
        Sides(
            tuple(scope.find_signatures(a, None, "task")),
            tuple(scope.find_signatures(b, None, "task")),
        )
        for a, b in request.answers
        if a and b
    ]
    sides = [s for s in sides if {*s.left, *s.right}.isdisjoint(unsure)]
    arrangement = _include_sides(connection, scope, arrangement, sides, columns, confidence)
    rows = read_identities(connection, {k for k in arrangement.current.values() if k != UNASSIGNED})
    ids = {key: row.id for key, row in rows.items()}
    affected_ids = {ids[key] for key in arrangement.curated_flags() if key in ids}
    reject_stale(connection, {i: v for i, v in request.versions.items() if i in affected_ids})
    return ArrangementPlan(arrangement, scope, ids, unsure, sides)


def _include_sides(
    connection: Connection,
    scope: DecisionScope,
    arrangement: Arrangement,
    sides: Sequence[Sides],
    columns: Sequence[Column],
    confidence: Mapping[int, float],
) -> Arrangement:
    """Compute the arrangement again, including the identities of the answered tasks."""
    side_keys = {m for s in sides for m in (*s.left, *s.right)} - arrangement.target.keys()
    keys = {k for m in side_keys if (k := scope.get_identity_key(m)) is not None}
    if not keys:
        return arrangement
    scope.include_identities(keys)
    identity_keys = {key for key in arrangement.current.values() if key != UNASSIGNED} | keys
    members = {key: scope.members[key] for key in identity_keys}
    decided_keys = {
        e for link in read_links_around(connection, side_keys) for e in (link.a, link.b)
    }
    return compute_arrangement(columns, members, confidence, decided_keys)


def preview_arrangement(
    connection: Connection, request: ArrangementRequest
) -> tuple[ArrangementPlan, dict[str, Any]]:
    """Return an arrangement's plan and effects without storing anything.

    Raises
    ------
    Invalid, NotFound, Conflict
        As :func:`plan_arrangement`.
    """
    plan = plan_arrangement(
        connection, request, DecisionScope(connection, EventLog(connection), {})
    )
    arrangement, ids = plan.arrangement, plan.ids
    contradicted_decisions = plan.find_contradicted()
    destinations: dict[int, Counter[int]] = {}
    for mention, to in arrangement.moves.items():
        if arrangement.current[mention] != UNASSIGNED:
            destinations.setdefault(arrangement.current[mention], Counter())[to] += 1
    kept_ids = sorted(ids[p.key] for p in arrangement.identities if p.key in ids and p.is_edited)
    remaining_keys = {p.key for p in arrangement.identities}
    redirects, removed_ids = [], []
    for key, targets in sorted(destinations.items()):
        if key in remaining_keys:
            continue
        if len(targets) == 1 and next(iter(targets)) in ids:
            redirects.append({"from": ids[key], "to": ids[next(iter(targets))]})
        else:
            removed_ids.append(ids[key])
    changes = {
        "moved": len(arrangement.moves),
        "kept": kept_ids,
        "created": arrangement.n_created,
        "redirected": redirects,
        "gone": removed_ids,
        "overridden": [to_dict(one) for one in contradicted_decisions],
        "conflicts": find_conflicts(connection, plan, request),
    }
    return plan, changes


def commit_arrangement(
    database: Database,
    actor: Actor,
    request: ArrangementRequest,
    *,
    reason: str | None = None,
    evidence: Mapping[str, Any] | None = None,
    override: bool = False,
) -> CommitResult:
    """Publish an arrangement as one decision.

    Parameters
    ----------
    override : bool
        Whether the same event revokes contradicted decisions.

    Raises
    ------
    Invalid, NotFound
        As :func:`plan_arrangement`; Invalid also if there is nothing to decide, or if
        ``request.versions`` lacks the version of a changed identity.
    Conflict
        As :func:`plan_arrangement`; also with the contradicted decisions, and if two authors of one work
        would be merged without ``same_work``.
    """
    with database.write() as connection:
        scope = open_decision(connection, [], None)
        plan = plan_arrangement(connection, request, scope)
        arrangement = plan.arrangement
        draft_links = plan.build_links(DRAFT_ID)
        if not draft_links and not arrangement.moves and not plan.unsure:
            raise Invalid(
                "nothing is moved, confirmed or unsure",
                "move or confirm mentions first",
                field="columns",
            )
        require_versions(plan, request.versions)
        contradicted_decisions = plan.find_contradicted()
        if not override:
            refuse_contradicted(contradicted_decisions)
        decision_evidence = _build_evidence(plan, evidence, contradicted_decisions)
        kind = _choose_kind(draft_links, arrangement)
        action = ACTION if kind != "unsure" else "review"
        draft = record_decision(scope, kind, action, actor, reason, decision_evidence)
        links = plan.build_links(draft.id)
        if contradicted_decisions:
            ids = [one.decision for one in contradicted_decisions]
            links = _merge_links(
                links, revoke(connection, ids, draft.event, arrangement.target, draft.id)
            )
        memberships = {
            m: Membership(to, 1.0, "decision", draft.key)
            for m, to in arrangement.target.items()
            if arrangement.current[m] != to or m in _list_confirmed(arrangement)
        }
        decision = apply_decision(
            draft,
            memberships,
            links,
            arrangement.curated_flags(),
            allow_same_work=request.same_work,
        )
        if contradicted_decisions:
            reopen_overridden_tasks(connection, draft.id, draft.event)
        unsure_decision = None
        if plan.unsure and kind != "unsure":
            unsure_decision = _record_unsure(draft, actor, reason, plan)
        return CommitResult(
            decision, len(arrangement.moves), unsure_decision, contradicted_decisions
        )


def _list_confirmed(arrangement: Arrangement) -> set[int]:
    return {m for part in arrangement.identities for m in part.confirmed_members}


def _merge_links(links: Sequence[Any], more: Sequence[Any]) -> list[Any]:
    """Merge links of the arrangement with the remaining links of overridden decisions."""
    more_by_pair = {(link.a, link.b): link for link in more}
    return list({**more_by_pair, **{(link.a, link.b): link for link in links}}.values())


def _choose_kind(links: Sequence[Any], arrangement: Arrangement) -> str:
    if not links and not arrangement.moves:
        return "unsure"
    return "same" if all(link.must for link in links) else "different"


def _build_evidence(
    plan: ArrangementPlan,
    request_evidence: Mapping[str, Any] | None,
    contradicted_decisions: Sequence[Overridden],
) -> dict[str, Any]:
    """Return the evidence stored with the decision."""
    evidence: dict[str, Any] = {**(request_evidence or {}), "moved": len(plan.arrangement.moves)}
    if contradicted_decisions:
        evidence[OVERRIDES] = [one.decision for one in contradicted_decisions]
    if plan.unsure:
        format_mention = make_namer(plan.scope.connection, plan.unsure)
        evidence["mentions"] = [format_mention(m) for m in plan.unsure]
    return evidence


def _record_unsure(
    draft: PendingDecision, actor: Actor, reason: str | None, plan: ArrangementPlan
) -> str:
    """Record undecidable mentions in a decision of the same event, undone with it."""
    connection = draft.scope.connection
    format_mention = make_namer(connection, plan.unsure)
    decision = new_id("d")
    evidence = {"mentions": [format_mention(m) for m in plan.unsure], "with": draft.id}
    connection.execute(
        insert(Decision).values(
            id=decision,
            kind="unsure",
            action="review",
            actor=actor.name,
            at=draft.scope.event_log.at,
            reason=reason,
            evidence=evidence,
            event_seq=draft.event,
        )
    )
    return decision
