"""Blind tasks: several reviewers answer without seeing each other's answers.

A task is blind from its creation, because it belongs to a sample or was selected at random. Only
its answers can settle it. A board or a decision that would settle it is rejected: it would be one
reviewer's answer, visible to the others, and count as the answer of all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, select

from service.db.bulk import is_in
from service.db.signatures import read_identity_keys
from service.db.tables import Task
from service.errors import Conflict
from service.identities.store import ACTIVE, read_identities, read_identities_by_id
from service.ids import ALPHABET
from service.tasks.subjects import read_listed_signatures

RANDOM_SHARE = "share"
"""Reason stored for a task that was selected at random to be blind."""
REMEDY = (
    "answer the task itself (same, different or unsure), leave these identities unchanged, "
    "or ask an editor to close it"
)
MAX_SHOWN = 20
"""Maximum number of tasks listed in a message."""


def is_drawn(task_id: str, share: float) -> bool:
    """Whether a task belongs to the blind share, decided by its random id."""
    letters = task_id.partition("-")[2][:4]
    fraction = sum(
        max(ALPHABET.find(letter), 0) / len(ALPHABET) ** k for k, letter in enumerate(letters, 1)
    )
    return bool(fraction < share)


def refuse_settling_blind(connection: Connection, task_ids: Collection[str]) -> None:
    """Reject an event that has closed blind tasks by settling them.

    It can close tasks that became obsolete because one of their identities is no longer active.

    Raises
    ------
    Conflict
        If it settles blind tasks; the error has their ids.
    """
    if not task_ids:
        return
    query = select(Task.id, Task.kind, Task.subject, Task.evidence).where(
        is_in(connection, Task.id, task_ids), Task.blind.is_not(None)
    )
    settled_ids = [row.id for row in connection.execute(query) if _is_settled(connection, row)]
    if settled_ids:
        raise Conflict(
            describe_settling(settled_ids[:MAX_SHOWN]), REMEDY, tasks=settled_ids[:MAX_SHOWN]
        )


def list_blind_tasks(connection: Connection, tasks: Collection[str]) -> list[str]:
    """List the ids of blind tasks among ``tasks``, at most ``MAX_SHOWN``."""
    query = select(Task.id).where(is_in(connection, Task.id, tasks), Task.blind.is_not(None))
    return list(connection.scalars(query.order_by(Task.key).limit(MAX_SHOWN))) if tasks else []


def describe_settling(tasks: Sequence[str]) -> str:
    """Return the error message about settling blind tasks."""
    return (
        f"this would settle {', '.join(tasks)}: a blind task is settled only by the independent "
        "answers of its reviewers"
    )


def _is_settled(connection: Connection, task: Any) -> bool:
    """Whether a closed task is settled, not merely obsolete."""
    rows = read_identities_by_id(connection, task.subject.split("+"))
    active = all(row.status == ACTIVE for row in rows.values())
    if task.kind == "merge":
        return active or len({_follow_redirects(connection, row.key) for row in rows.values()}) == 1
    if task.kind == "split":
        mentions_by_side = [side.get("mentions", ()) for side in task.evidence.get("sides", ())]
        sides = [read_listed_signatures(connection, side) for side in mentions_by_side]
        identity_keys = [set(read_identity_keys(connection, side).values()) for side in sides]
        return active or (len(identity_keys) == 2 and not identity_keys[0] & identity_keys[1])
    return True


def _follow_redirects(connection: Connection, key: int) -> int:
    """Follow the redirects of an identity, and return the final key."""
    while (row := read_identities(connection, [key])[key]).redirect_key is not None:
        key = row.redirect_key
    return key
