"""Open questions about the people on a board besides the one that it is opened for."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from sqlalchemy import Connection, or_, select

from disambig.worth import COLUMNS
from service.asked_names import SETTLED
from service.board_scope import Scope
from service.sets import is_in
from service.subjects import subject_of
from service.tables import Task

MOST = 50
"""Questions that are told."""


def others(connection: Connection, scope: Scope) -> list[dict[str, Any]]:
    """Questions about the name, somebody shown, or two of the first, the most urgent first.

    Each tells whether a commit can answer it besides another (``settles``): all that it is about
    is shown, and it is not asked blind.
    """
    own = scope.asked.task if scope.asked else ""
    place = {row.id: k for k, row in enumerate(scope.rows)}
    pairs = [subject_of(*pair) for pair in combinations([*place][:COLUMNS], 2)]
    about = is_in(connection, Task.subject, [*place, *pairs])
    subjects = or_(Task.name_key == scope.name.key, about)
    query = (
        select(Task.id, Task.kind, Task.mentions, Task.subject, Task.blind)
        .where(Task.state == "open", Task.id != own, subjects)
        .order_by(Task.priority.desc(), Task.key)
        .limit(MOST)
    )
    found = []
    for row in connection.execute(query):
        about = row.subject.split("+") if row.kind in SETTLED else []
        shown = bool(about) and all(identity in place for identity in about)
        found.append(
            {
                "id": row.id,
                "kind": row.kind,
                "question": _asks(row.kind, row.mentions),
                "columns": sorted(place[identity] for identity in about if identity in place),
                "settles": shown and row.blind is None,
            }
        )
    return found


def _asks(kind: str, n: int) -> str:
    what = {
        "merge": "Are two of these one person?",
        "split": "Is one of these several people?",
        "assign": "Whose is a mention?",
        "conflict": "What contradicts here?",
    }.get(kind, "Is this right?")
    return f"{what} {n} {'mention' if n == 1 else 'mentions'}"
