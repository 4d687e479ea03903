"""Other open tasks of a board, and the open tasks that an arrangement would answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import Connection, or_, select

from disambig.active_learning.priority import MAX_BOARD_IDENTITIES
from disambig.domain import Signature
from service.board.request import DRAFT_ID, ArrangementPlan
from service.board.results import Closed, Hindrance, Other
from service.board.scope import BoardQuestion, BoardScope, read_question
from service.constraints.links import Link, SignatureGroups
from service.db.bulk import is_in
from service.db.signatures import read_signature_keys, read_signatures
from service.db.tables import Task
from service.identities.store import read_identities_by_id
from service.review.by_name import COLUMN_KINDS
from service.tasks.blind import REMEDY, describe_settling
from service.tasks.subjects import is_within_identity, make_subject

MAX_OTHER_TASKS = 50
"""Maximum other tasks listed."""
MAX_CLOSABLE_TASKS = 200
"""Maximum tasks listed that an arrangement closes, or that prevent it."""


def list_other_tasks(connection: Connection, scope: BoardScope) -> list[Other]:
    """List other open tasks on the name, a shown identity, or a pair of the first columns.

    The most urgent come first. ``settles`` is true if a commit can answer the task as well:
    all its identities are shown, and it is not blind.
    """
    board_task = scope.question.task if scope.question else ""
    column_of = {row.id: k for k, row in enumerate(scope.rows)}
    pairs = [make_subject(*pair) for pair in combinations([*column_of][:MAX_BOARD_IDENTITIES], 2)]
    subject_ids = is_in(connection, Task.subject, [*column_of, *pairs])
    subjects = or_(Task.name_key == scope.name.key, subject_ids)
    query = (
        select(Task.id, Task.kind, Task.mentions, Task.subject, Task.blind)
        .where(Task.state == "open", Task.id != board_task, subjects)
        .order_by(Task.priority.desc(), Task.key)
        .limit(MAX_OTHER_TASKS)
    )
    tasks = []
    for row in connection.execute(query):
        subject_ids = row.subject.split("+") if row.kind in COLUMN_KINDS else []
        all_shown = bool(subject_ids) and all(identity in column_of for identity in subject_ids)
        tasks.append(
            Other(
                id=row.id,
                kind=row.kind,
                question=_phrase_question(row.kind, row.mentions),
                columns=sorted(
                    column_of[identity] for identity in subject_ids if identity in column_of
                ),
                settles=all_shown and row.blind is None,
            )
        )
    return tasks


def _phrase_question(kind: str, n: int) -> str:
    text = {
        "merge": "Are two of these profiles the same person?",
        "split": "Is one of these profiles more than one person?",
        "assign": "Which profile does an author entry belong to?",
        "conflict": "Which of these profiles is wrong?",
    }.get(kind, "Is this correct?")
    return f"{text} ({n} {'paper' if n == 1 else 'papers'})"


def read_answer_sides(
    connection: Connection, task_id: str, unsure: Sequence[Signature]
) -> list[tuple[Sequence[Signature], Sequence[Signature]]]:
    """Return the two sides that a task asks about, unless a mention of them is unsure.

    Raises
    ------
    NotFound
        If the task does not exist.
    """
    question: BoardQuestion = read_question(connection, task_id)
    if question.kind not in ("merge", "split", "conflict", "sample") or len(question.sides) != 2:
        return []
    if not set(unsure).isdisjoint([*question.sides[0], *question.sides[1]]):
        return []
    return [(question.sides[0], question.sides[1])]


@dataclass(frozen=True, slots=True)
class TaskEffects:
    """Open tasks that an arrangement answers.

    Attributes
    ----------
    closable_tasks : list of Closed
        Tasks that a commit closes.
    obstacles : list of Hindrance
        Reasons to reject a commit: blind tasks that it would answer.
    """

    closable_tasks: list[Closed]
    obstacles: list[Hindrance]


def find_task_effects(
    connection: Connection, plan: ArrangementPlan, task_id: str | None
) -> TaskEffects:
    """Find the open tasks that an arrangement would close, or must not answer."""
    arrangement = plan.arrangement
    links = plan.build_links(DRAFT_ID)
    affected_ids = {plan.ids[k] for k in arrangement.curated_flags() if k in plan.ids}
    affected_ids |= {
        plan.ids[identity.key] for identity in arrangement.identities if identity.key in plan.ids
    }
    mention_names = _format_mentions(connection, arrangement.moves)
    query = (
        select(Task.id, Task.kind, Task.subject, Task.evidence, Task.blind)
        .where(
            Task.state == "open",
            or_(
                Task.kind.in_(("merge", "split", "conflict")),
                is_in(connection, Task.subject, mention_names),
                Task.id == (task_id or ""),
            ),
        )
        .order_by(Task.priority.desc(), Task.key)
    )
    closable_tasks, obstacles = [], []
    for row in connection.execute(query):
        subject_ids = set(row.subject.split("+"))
        if row.kind in ("merge", "split", "conflict") and subject_ids.isdisjoint(affected_ids):
            continue
        is_answered = _is_answered(connection, plan, links, row, subject_ids)
        if is_answered and row.blind is not None:
            text = f"{describe_settling([row.id])}: {REMEDY}"
            obstacles.append(Hindrance(kind="blind", text=text, mentions=[]))
        elif is_answered or _is_obsolete(plan, row, subject_ids):
            closable_tasks.append(Closed(id=row.id, kind=row.kind))
    return TaskEffects(closable_tasks[:MAX_CLOSABLE_TASKS], obstacles[:MAX_CLOSABLE_TASKS])


def _is_obsolete(plan: ArrangementPlan, task: Any, subject_ids: set[str]) -> bool:
    """Return whether an identity of a task would no longer exist."""
    arrangement = plan.arrangement
    remaining_ids = {plan.ids[p.key] for p in arrangement.identities if p.key in plan.ids}
    current_ids = {plan.ids[key] for key in arrangement.current.values() if key in plan.ids}
    names_identities = task.kind == "merge" or is_within_identity(task.kind, task.subject)
    return names_identities and bool((subject_ids & current_ids) - remaining_ids)


def _is_answered(
    connection: Connection,
    plan: ArrangementPlan,
    links: Sequence[Link],
    task: Any,
    subject_ids: set[str],
) -> bool:
    """Return whether an arrangement answers a task."""
    arrangement = plan.arrangement
    if task.kind == "assign":
        return task.subject in _format_mentions(connection, arrangement.moves)
    if task.kind == "merge":
        keys = {row.key for row in read_identities_by_id(connection, subject_ids).values()}
        targets = [
            {to for m, to in arrangement.target.items() if arrangement.current[m] == key}
            for key in keys
        ]
        if len(targets) == 2 and len(targets[0]) == 1 and targets[0] == targets[1]:
            return True
        parted_identities = {
            frozenset((arrangement.target[k.a], arrangement.target[k.b]))
            for k in links
            if not k.must and k.a in arrangement.target and k.b in arrangement.target
        }
        return frozenset(keys) in parted_identities
    if not is_within_identity(task.kind, task.subject):
        return False
    sides = [
        set(read_signature_keys(connection, side).values())
        for side in read_question(connection, task.id).sides
    ]
    if len(sides) != 2:
        return False
    targets = [{arrangement.target[m] for m in side if m in arrangement.target} for side in sides]
    if targets[0] and targets[1] and not targets[0] & targets[1]:
        return True
    groups = SignatureGroups(links)
    roots = [{groups.find_root(m) for m in side} for side in sides]
    return bool(roots[0] & roots[1])


def _format_mentions(connection: Connection, signatures: Mapping[int, int]) -> set[str]:
    return {str(signature) for signature in read_signatures(connection, signatures).values()}
