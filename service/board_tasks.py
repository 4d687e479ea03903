"""Which open questions an arrangement would answer, before it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, or_, select

from service.arranging import DRAFT, Read
from service.board_scope import Asked, asked_by, keys_of
from service.decision_rows import Mention
from service.identity_rows import rows_by_id
from service.links import Groups, Link
from service.sets import among
from service.tables import Signature, Task, Work

MOST = 200
"""Open questions that are looked at."""


def answers_of(
    connection: Connection, task_id: str, unsure: Sequence[Mention]
) -> list[tuple[Sequence[Mention], Sequence[Mention]]]:
    """The sides of which a task asks whether they are one person, unless that is unsure.

    Raises
    ------
    NotFound
        If there is no such task.
    """
    asked: Asked = asked_by(connection, task_id)
    if asked.kind not in ("merge", "split", "conflict", "sample") or len(asked.sides) != 2:
        return []
    if not set(unsure).isdisjoint([*asked.sides[0], *asked.sides[1]]):
        return []
    return [(asked.sides[0], asked.sides[1])]


def closes(connection: Connection, found: Read, task_id: str | None) -> list[dict[str, Any]]:
    """Open questions that the arrangement answers: id, kind and name of each."""
    plan = found.plan
    links = found.links(DRAFT)
    touched = {found.ids[k] for k in plan.curated() if k in found.ids}
    touched |= {found.ids[part.identity] for part in plan.parts if part.identity in found.ids}
    moved = plan.moves
    places = _names_of(connection, moved)
    query = (
        select(Task.id, Task.kind, Task.subject, Task.evidence)
        .where(
            Task.state == "open",
            or_(
                Task.kind.in_(("merge", "split")),
                among(connection, Task.subject, places),
                Task.id == (task_id or ""),
            ),
        )
        .order_by(Task.priority.desc(), Task.key)
    )
    told = []
    for row in connection.execute(query):
        about = set(row.subject.split("+"))
        if row.kind in ("merge", "split") and about.isdisjoint(touched):
            continue
        if _answered(connection, found, links, row, about):
            told.append({"id": row.id, "kind": row.kind})
    return told[:MOST]


def _answered(
    connection: Connection, found: Read, links: Sequence[Link], task: Any, about: set[str]
) -> bool:
    plan = found.plan
    after = {found.ids[p.identity] for p in plan.parts if p.identity in found.ids}
    known = {found.ids[key] for key in plan.current.values() if key in found.ids}
    if task.kind == "assign":
        return task.subject in _names_of(connection, plan.moves)
    if (about & known) - after:  # one of them is no more
        return True
    if task.kind == "merge":
        keys = {row.key for row in rows_by_id(connection, about).values()}
        barred = {
            frozenset((plan.target[k.a], plan.target[k.b]))
            for k in links
            if not k.must and k.a in plan.target and k.b in plan.target
        }
        return frozenset(keys) in barred
    if task.kind != "split":
        return False
    sides = [
        set(keys_of(connection, side).values()) for side in asked_by(connection, task.id).sides
    ]
    if len(sides) != 2:
        return False
    homes = [{plan.target[m] for m in side if m in plan.target} for side in sides]
    if homes[0] and homes[1] and not homes[0] & homes[1]:
        return True
    groups = Groups(links)
    roots = [{groups.of(m) for m in side} for side in sides]
    return bool(roots[0] & roots[1])


def _names_of(connection: Connection, signatures: Mapping[int, int]) -> set[str]:
    query = select(Work.id, Signature.position).join(Signature, Signature.work_key == Work.key)
    rows = connection.execute(query.where(among(connection, Signature.key, signatures)))
    return {f"{work}:{position}" for work, position in rows}
