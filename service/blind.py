"""What several people are asked without seeing each other's answers, and what keeps that honest.

A question is blind from when it is asked: because it was drawn for a sample, or by lot. Then
nothing but its answers settles it. A board or a decision that would is refused, for it would be
one person's answer, there for the others to see, and taken for that of all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, select

from service.errors import Conflict
from service.identity_rows import ACTIVE, identity_rows, rows_by_id
from service.ids import ALPHABET
from service.sets import among
from service.subjects import identity_of, mentions_of
from service.tables import Task

SHARE = "share"
"""Why a task is blind that was drawn by lot."""
REMEDY = (
    "answer the question itself (same, different or unsure), leave these people as they are, "
    "or ask an editor to close it"
)
NAMED = 20
"""Questions that one message names."""


def drawn(task_id: str, share: float) -> bool:
    """Whether a task is one of the share that is asked blind; ids are random."""
    letters = task_id.partition("-")[2][:4]
    place = sum(
        max(ALPHABET.find(letter), 0) / len(ALPHABET) ** k for k, letter in enumerate(letters, 1)
    )
    return bool(place < share)


def refuse_settled(connection: Connection, closed: Collection[str]) -> None:
    """Refuse an event that has closed blind questions by settling them.

    It may close those that have become pointless, for an identity that they are about is no more.

    Raises
    ------
    Conflict
        With the ids of the questions.
    """
    if not closed:
        return
    query = select(Task.id, Task.kind, Task.subject, Task.evidence).where(
        among(connection, Task.id, closed), Task.blind.is_not(None)
    )
    settled = [row.id for row in connection.execute(query) if _is_settled(connection, row)]
    if settled:
        raise Conflict(settling(settled[:NAMED]), REMEDY, tasks=settled[:NAMED])


def blind_of(connection: Connection, tasks: Collection[str]) -> list[str]:
    """Those of some questions, by id, that are asked blind; NAMED at most."""
    query = select(Task.id).where(among(connection, Task.id, tasks), Task.blind.is_not(None))
    return list(connection.scalars(query.order_by(Task.key).limit(NAMED))) if tasks else []


def settling(tasks: Sequence[str]) -> str:
    """What is wrong with settling them."""
    return (
        f"this would settle {', '.join(tasks)}, which several people are asked without seeing "
        "each other's answers"
    )


def _is_settled(connection: Connection, task: Any) -> bool:
    """Whether a closed question is settled, not only pointless."""
    rows = rows_by_id(connection, task.subject.split("+"))
    active = all(row.status == ACTIVE for row in rows.values())
    if task.kind == "merge":
        return active or len({_end(connection, row.key) for row in rows.values()}) == 1
    if task.kind == "split":
        told = [side.get("mentions", ()) for side in task.evidence.get("sides", ())]
        sides = [mentions_of(connection, side) for side in told]
        homes = [set(identity_of(connection, side).values()) for side in sides]
        return active or (len(homes) == 2 and not homes[0] & homes[1])
    return True


def _end(connection: Connection, key: int) -> int:
    """The identity to which an id leads."""
    while (row := identity_rows(connection, [key])[key]).redirect_key is not None:
        key = row.redirect_key
    return key
