"""Preview an arrangement of mentions, and commit it as one decision.

A curator arranges columns on the board of a name (:mod:`service.board.view`). The preview returns
the effects; the commit is one event and one decision of the action ``arrange``, undone like any
other. With ``override``, contradicted decisions are revoked by the same event and restored by its
undo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert

from service.actors import Actor
from service.board.arrangement import Arrangement
from service.board.block_cache import BlockViews, expand_to_blocks
from service.board.checks import find_conflicts, require_versions
from service.board.plan import plan_arrangement
from service.board.reclustering import preview_reclustering
from service.board.request import DRAFT_ID, ArrangementPlan, ArrangementRequest, BoardRequest
from service.board.results import Committed, Preview, Redirection, Rescored
from service.board.scope import read_scope
from service.board.tasks import find_task_effects, read_answer_sides
from service.constraints.links import Link
from service.constraints.store import make_namer
from service.db.database import Database, Within
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
from service.ids import new_id
from service.memberships.effects import Membership
from service.review.answers import get_answerable_task, store_decision_answer
from service.values import asdict

ACTION = "arrange"
MAX_NAME_IN_EVIDENCE = 500
"""Characters of the board's name stored in the evidence of a decision."""


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

    def to_response(self) -> Committed:
        """Return the commit as the API sends it."""
        return Committed(
            **asdict(self.decision.to_response()),
            moved=self.n_moved,
            unsure=self.unsure_decision,
            overridden=self.overridden_decisions,
        )


def preview_board_request(database: Database, views: BlockViews, request: BoardRequest) -> Preview:
    """Return the effects of an arrangement of a board without storing anything.

    Raises
    ------
    Invalid, NotFound, Conflict
        As :func:`service.board.plan.plan_arrangement`; NotFound also for an unknown task, or if
        no work has the name.
    """
    with database.read() as connection:
        scope = read_scope(connection, request.name, request.task)
        arrangement = _include_answers(connection, request)
        return preview_arrangement(
            connection, arrangement, task_id=request.task, board=[*scope.mentions], views=views
        )


def commit_board_request(
    database: Database,
    actor: Actor,
    request: BoardRequest,
    *,
    reason: str | None = None,
    evidence: Mapping[str, Any] | None = None,
    override: bool = False,
) -> Committed:
    """Publish an arrangement of a board, and store it as the answer to the board's task.

    Raises
    ------
    Invalid, NotFound, Conflict
        As :func:`commit_arrangement`; NotFound and Conflict also as
        :func:`service.review.answers.get_answerable_task`.
    """
    board_evidence = {**(evidence or {}), "board": request.name[:MAX_NAME_IN_EVIDENCE]}
    if request.task:
        board_evidence["task"] = request.task
    if request.also:
        board_evidence["also"] = list(request.also)
    with database.read() as connection:
        arrangement = _include_answers(connection, request)
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        for task_id in request.task_ids:
            get_answerable_task(connection, actor, task_id, None)
        result = commit_arrangement(
            Within(database, connection),
            actor,
            arrangement,
            reason=reason,
            evidence=board_evidence,
            override=override,
        )
        if request.task:
            store_decision_answer(connection, event_log, actor, request.task, result.decision)
    return result.to_response()


def _include_answers(connection: Connection, request: BoardRequest) -> ArrangementRequest:
    """Return the arrangement with the two sides of each task that it answers."""
    arrangement = request.arrangement
    answers = [
        sides
        for task_id in request.task_ids
        for sides in read_answer_sides(connection, task_id, arrangement.unsure)
    ]
    return replace(arrangement, answers=answers)


def preview_arrangement(
    connection: Connection,
    request: ArrangementRequest,
    *,
    task_id: str | None = None,
    board: Sequence[int] = (),
    views: BlockViews | None = None,
) -> Preview:
    """Return the effects of an arrangement without storing anything.

    Parameters
    ----------
    task_id : str or None
        Id of the task that it answers.
    board : sequence of int
        Signature keys of all mentions on the board, most relevant first.
    views : BlockViews or None
        Scored blocks, to predict the next clustering; None: no prediction.

    Raises
    ------
    Invalid, NotFound, Conflict
        As :func:`service.board.plan.plan_arrangement`.
    """
    plan = plan_arrangement(
        connection, request, DecisionScope(connection, EventLog(connection), {})
    )
    arrangement, ids = plan.arrangement, plan.ids
    contradicted_decisions = plan.find_contradicted()
    conflicts = find_conflicts(connection, plan, request)
    redirections, removed_ids = _find_ended_identities(plan)
    view = None if views is None else views.get(connection, expand_to_blocks(connection, board))
    changes: list[Rescored] = []
    compared_keys: set[int] = set()
    if view is not None:
        overridden_ids = {decision.decision for decision in contradicted_decisions}
        changes = preview_reclustering(connection, view, plan, overridden_ids)
        compared_keys = {*view.signature.tolist()}
    task_effects = find_task_effects(connection, plan, task_id)
    return Preview(
        moved=len(arrangement.moves),
        kept=sorted(ids[i.key] for i in arrangement.identities if i.key in ids and i.is_edited),
        created=arrangement.n_created,
        redirected=redirections,
        gone=removed_ids,
        overridden=contradicted_decisions,
        conflicts=[*conflicts, *task_effects.obstacles],
        closes=task_effects.closable_tasks,
        rescored=changes,
        compared=sum(1 for key in board if key in compared_keys),
        mentions=len(board),
    )


def _find_ended_identities(plan: ArrangementPlan) -> tuple[list[Redirection], list[str]]:
    """Return redirects of the ids that end, and the ids without a unique successor."""
    arrangement, ids = plan.arrangement, plan.ids
    destinations: dict[int, set[int]] = {}
    for mention, target in arrangement.moves.items():
        if arrangement.current[mention] != UNASSIGNED:
            destinations.setdefault(arrangement.current[mention], set()).add(target)
    remaining_keys = {identity.key for identity in arrangement.identities}
    redirections, removed_ids = [], []
    for key, targets in sorted(destinations.items()):
        if key in remaining_keys:
            continue
        successor = min(targets)
        if len(targets) == 1 and successor in ids:
            redirections.append(Redirection(from_=ids[key], to=ids[successor]))
        else:
            removed_ids.append(ids[key])
    return redirections, removed_ids


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
        As :func:`service.board.plan.plan_arrangement`; Invalid also if there is nothing to decide,
        or if ``request.versions`` lacks the version of a changed identity.
    Conflict
        As :func:`service.board.plan.plan_arrangement`; also with the contradicted decisions, and if
        two authors of one work would be merged without ``same_work``.
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
            ids = [overridden.decision for overridden in contradicted_decisions]
            links = _merge_links(
                links, revoke(connection, ids, draft.event, arrangement.target, draft.id)
            )
        confirmed_members = {
            m for identity in arrangement.identities for m in identity.confirmed_members
        }
        memberships = {
            m: Membership(to, 1.0, "decision", draft.key)
            for m, to in arrangement.target.items()
            if arrangement.current[m] != to or m in confirmed_members
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


def _merge_links(links: Sequence[Link], remaining_links: Sequence[Link]) -> list[Link]:
    """Merge links of the arrangement with the remaining links of overridden decisions."""
    return list({(link.a, link.b): link for link in (*remaining_links, *links)}.values())


def _choose_kind(links: Sequence[Link], arrangement: Arrangement) -> str:
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
        evidence[OVERRIDES] = [decision.decision for decision in contradicted_decisions]
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
