"""Values that queries and use cases of runs return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from service.values import Value, doc

RunState = Literal[
    "queued",
    "running",
    "proposed",
    "published",
    "failed",
    "cancelled",
    "superseded",
    "rolled-back",
]
RunScope = Literal["full", "touched"]


class Run(Value, kw_only=True):
    """A clustering run with its progress.

    ``done`` of ``total`` (None: unknown) is the progress of its ``stage``; see
    :class:`service.db.tables.Run`.
    """

    id: str
    state: RunState
    scope: RunScope
    actor: str
    reason: str | None
    model: str | None
    based_on: Annotated[
        int | None, doc("Sequence number of the event at whose state the works were read.")
    ]
    rebases: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    attempts: int
    stage: Annotated[str | None, doc("Current stage.")]
    done: int
    total: int | None
    error: str | None
    summary: Annotated[
        Mapping[str, Any] | None, doc("Totals of the changes that publishing makes.")
    ]
    event_seq: Annotated[int | None, doc("Sequence number of the event that published it.")]
    claimed_by: Annotated[str | None, doc("Worker that executes it.")]
    heartbeat_at: datetime | None


class Runs(Value, kw_only=True):
    """A page of runs, newest first."""

    items: Sequence[Run]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]
