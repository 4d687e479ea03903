"""Other open tasks of a board, and the open tasks that an arrangement would answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import Connection, or_, select

from disambig.active_learning.priority import MAX_COLUMNS
from service.board.request import DRAFT_ID, ArrangementPlan
from service.board.scope import BoardQuestion, BoardScope, read_question, signature_keys_of
from service.constraints.links import Link, SignatureGroups
from service.db.bulk import is_in
from service.db.tables import Signature, Task, Work
from service.decisions.draft import SignatureRef
from service.identities.store import read_identities_by_id
from service.review.by_name import COLUMN_KINDS
from service.tasks.blind import REMEDY, describe_settling
from service.tasks.subjects import is_within_identity, make_subject

MAX_OTHER_TASKS = 50
"""Maximum other tasks listed."""


def list_other_tasks(connection: Connection, scope: BoardScope) -> list[dict[str, Any]]:
    """List other open tasks on the name, a shown identity, or a pair of the first columns.

    The most urgent come first. ``settles`` tells whether a commit can answer the task as well:
    all its identities are shown, and it is not blind.
    """
    own = scope.question.task if scope.question else ""
    place = {row.id: k for k, row in enumerate(scope.rows)}
    pairs = [make_subject(*pair) for pair in combinations([*place][:MAX_COLUMNS], 2)]
    about = is_in(connection, Task.subject, [*place, *pairs])
    subjects = or_(Task.name_key == scope.name.key, about)
    query = (
        select(Task.id, Task.kind, Task.mentions, Task.subject, Task.blind)
        .where(Task.state == "open", Task.id != own, subjects)
        .order_by(Task.priority.desc(), Task.key)
        .limit(MAX_OTHER_TASKS)
    )
    found = []
    for row in connection.execute(query):
        about = row.subject.split("+") if row.kind in COLUMN_KINDS else []
        shown = bool(about) and all(identity in place for identity in about)
        found.append(
            {
                "id": row.id,
                "kind": row.kind,
                "question": _phrase_question(row.kind, row.mentions),
                "columns": sorted(place[identity] for identity in about if identity in place),
                "settles": shown and row.blind is None,
            }
        )
    return found


def _phrase_question(kind: str, n: int) -> str:
    what = {
        "merge": "Are two of these profiles the same person?",
        "split": "Is one of these profiles more than one person?",
        "assign": "Which profile does an author entry belong to?",
        "conflict": "Which of these profiles is wrong?",
    }.get(kind, "Is this correct?")
    return f"{what} ({n} {'paper' if n == 1 else 'papers'})"


MAX_TASKS = 200
"""Maximum tasks listed."""


def read_answer_sides(
    connection: Connection, task_id: str, unsure: Sequence[SignatureRef]
) -> list[tuple[Sequence[SignatureRef], Sequence[SignatureRef]]]:
    """Return the two sides that a task asks about, unless a mention of them is unsure.

    Raises
    ------
    NotFound
        If the task does not exist.
    """
    asked: BoardQuestion = read_question(connection, task_id)
    if asked.kind not in ("merge", "split", "conflict", "sample") or len(asked.sides) != 2:
        return []
    if not set(unsure).isdisjoint([*asked.sides[0], *asked.sides[1]]):
        return []
    return [(asked.sides[0], asked.sides[1])]


@dataclass(frozen=True, slots=True)
class TaskEffects:
    """Open tasks that an arrangement answers.

    Attributes
    ----------
    closable_tasks : list of dict
        Id and kind of each task that a commit closes.
    obstacles : list of dict
        Reasons to reject a commit: blind tasks that it would answer.
    """

    closable_tasks: list[dict[str, Any]]
    obstacles: list[dict[str, Any]]


def find_task_effects(connection: Connection, found: ArrangementPlan, task_id: str | None) -> TaskEffects:
    """Find the open tasks that an arrangement would close, or must not answer."""
    plan = found.arrangement
    links = found.build_links(DRAFT_ID)
    touched = {found.ids[k] for k in plan.curated_flags() if k in found.ids}
    touched |= {found.ids[part.key] for part in plan.identities if part.key in found.ids}
    places = _format_mentions(connection, plan.moves)
    query = (
        select(Task.id, Task.kind, Task.subject, Task.evidence, Task.blind)
        .where(
            Task.state == "open",
            or_(
                Task.kind.in_(("merge", "split", "conflict")),
                is_in(connection, Task.subject, places),
                Task.id == (task_id or ""),
            ),
        )
        .order_by(Task.priority.desc(), Task.key)
    )
    closes, hinders = [], []
    for row in connection.execute(query):
        about = set(row.subject.split("+"))
        if row.kind in ("merge", "split", "conflict") and about.isdisjoint(touched):
            continue
        settled = _is_answered(connection, found, links, row, about)
        if settled and row.blind is not None:
            text = f"{describe_settling([row.id])}: {REMEDY}"
            hinders.append({"kind": "blind", "text": text, "mentions": []})
        elif settled or _is_obsolete(found, row, about):
            closes.append({"id": row.id, "kind": row.kind})
    return TaskEffects(closes[:MAX_TASKS], hinders[:MAX_TASKS])


def _is_obsolete(found: ArrangementPlan, task: Any, about: set[str]) -> bool:
    """Return whether an identity of a task would no longer exist."""
    plan = found.arrangement
    after = {found.ids[p.key] for p in plan.identities if p.key in found.ids}
    known = {found.ids[key] for key in plan.current.values() if key in found.ids}
    named = task.kind == "merge" or is_within_identity(task.kind, task.subject)
    return named and bool((about & known) - after)


def _is_answered(
    connection: Connection,
    found: ArrangementPlan,
    links: Sequence[Link],
    task: Any,
    about: set[str],
) -> bool:
    """Return whether an arrangement answers a task."""
    plan = found.arrangement
    if task.kind == "assign":
        return task.subject in _format_mentions(connection, plan.moves)
    if task.kind == "merge":
        keys = {row.key for row in read_identities_by_id(connection, about).values()}
        homes = [{to for m, to in plan.target.items() if plan.current[m] == key} for key in keys]
        if len(homes) == 2 and len(homes[0]) == 1 and homes[0] == homes[1]:
            return True
        barred = {
            frozenset((plan.target[k.a], plan.target[k.b]))
            for k in links
            if not k.must and k.a in plan.target and k.b in plan.target
        }
        return frozenset(keys) in barred
    if not is_within_identity(task.kind, task.subject):
        return False
    sides = [
        set(signature_keys_of(connection, side).values()) for side in read_question(connection, task.id).sides
    ]
    if len(sides) != 2:
        return False
    homes = [{plan.target[m] for m in side if m in plan.target} for side in sides]
    if homes[0] and homes[1] and not homes[0] & homes[1]:
        return True
    groups = SignatureGroups(links)
    roots = [{groups.find_root(m) for m in side} for side in sides]
    return bool(roots[0] & roots[1])


def _format_mentions(connection: Connection, signatures: Mapping[int, int]) -> set[str]:
    query = select(Work.id, Signature.position).join(Signature, Signature.work_key == Work.key)
    rows = connection.execute(query.where(is_in(connection, Signature.key, signatures)))
    return {f"{work}:{position}" for work, position in rows}
