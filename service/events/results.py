"""Values that queries on the event log and the change feed return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from service.values import Value, doc

ChangeKind = Literal["create", "keep", "merge", "split", "move", "restore"]


class Event(Value, kw_only=True):
    """An entry of the event log."""

    seq: Annotated[int, doc("Sequence number in the event log.")]
    kind: str
    at: datetime
    actor: Annotated[str, doc("key:ID over HTTP, cli:USER, or worker:ID.")]
    request: Annotated[str | None, doc("Id of the HTTP request.")]
    subject: str | None
    reason: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Events(Value, kw_only=True):
    """A page of events, newest first."""

    items: Sequence[Event]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]


class ChangedIdentity(Value, kw_only=True):
    """An identity before and after an event; ``before`` is null if the event created it."""

    id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


class MovedMention(Value, kw_only=True):
    """Identity of a mention before and after an event; null: unassigned."""

    work: str
    position: int
    before: str | None
    after: str | None


class EventDetails(Event, kw_only=True):
    """An event with its changes; the limit truncates the lists, not the counts."""

    identities: Sequence[ChangedIdentity]
    n_identities: int
    mentions: Sequence[MovedMention]
    n_mentions: int


class ChangeEntry(Value, kw_only=True):
    """A change of an identity."""

    sequence: Annotated[int, doc("Sequence number in the event log.")]
    event: Annotated[int, doc("Sequence number of the event it belongs to.")]
    kind: ChangeKind
    identity: Annotated[str, doc("Id of the identity.")]
    others: Annotated[
        Sequence[Any], doc("Other identities involved, with the number of moved mentions.")
    ]
    mentions: Annotated[int, doc("Mentions concerned.")]
    at: datetime


class Changes(Value, kw_only=True):
    """A page of the change feed, in order."""

    items: Sequence[ChangeEntry]
    since: Annotated[
        int, doc("Value to pass as `since` next time; unchanged if there is nothing new.")
    ]
    next: Annotated[str | None, doc("Path and query of the next page; null if there is none yet.")]
