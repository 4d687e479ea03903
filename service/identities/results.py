"""Values that queries of identities return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from service.values import Value, doc


class HistoryEntry(Value, kw_only=True):
    """One event in the history of an identity."""

    sequence: Annotated[int, doc("Sequence number in the event log.")]
    kind: str
    at: datetime
    actor: Annotated[str | None, doc("Actor; null for readers below the role reviewer.")]
    reason: str | None
    subject: Annotated[str | None, doc("Id of the run, decision or delivery.")]
    before: Annotated[Mapping[str, Any] | None, doc("null if the event created it.")]
    after: Mapping[str, Any]
    undoable: Annotated[str | None, doc("Decision or run that can be undone or rolled back.")]


class History(Value, kw_only=True):
    """A page of the history of an identity, newest first."""

    items: Sequence[HistoryEntry]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]
