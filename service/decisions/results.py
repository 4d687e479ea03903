"""Values that queries and use cases of decisions return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from service.values import Value, doc

DecisionKind = Literal["same", "different", "unsure"]
DecisionAction = Literal["merge", "split", "move", "review", "arrange"]


class Edited(Value, kw_only=True):
    """A changed identity with the version to send in If-Match."""

    id: str
    version: int


class DecisionMade(Value, kw_only=True):
    """A decision that was recorded, undone or redone, with its changes."""

    decision: Annotated[str, doc("Id of the decision.")]
    event: Annotated[int, doc("Sequence number of the event.")]
    identities: Annotated[Sequence[Edited], doc("Changed identities.")]
    created: Annotated[Sequence[str], doc("Ids of newly created identities.")]


class Overridden(Value, kw_only=True):
    """An earlier decision that contradicts the arrangement."""

    decision: str
    kind: str
    action: str
    actor: str
    at: datetime
    reason: str | None
    text: Annotated[str, doc("What it states, with the chain of links.")]


class Decision(Value, kw_only=True):
    """A decision of a curator."""

    id: str
    kind: DecisionKind
    action: DecisionAction
    actor: str
    at: datetime
    reason: str | None
    evidence: Mapping[str, Any] | None
    event_seq: Annotated[int, doc("Sequence number of the event that recorded it.")]
    undone_seq: Annotated[int | None, doc("Sequence number of the event that undid it.")]
    undone_by: str | None
    undone_at: datetime | None


class Decisions(Value, kw_only=True):
    """A page of decisions, newest first."""

    items: Sequence[Decision]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]


class LinkMention(Value, kw_only=True):
    """One author of one work."""

    work: Annotated[str, doc("Id of the work.")]
    position: Annotated[int, doc("Author position, counted from 0.")]


class Link(Value, kw_only=True):
    """A must-link or cannot-link between two mentions."""

    kind: Literal["must", "cannot"]
    a: LinkMention
    b: LinkMention


class DecisionDetails(Decision, kw_only=True):
    """A decision with its links."""

    links: Sequence[Link]
    n_links: Annotated[int, doc("Number of all links, including those beyond the limit.")]


class Applied(Value, kw_only=True):
    """A row of a bulk request that was applied."""

    line: int
    decision: Annotated[str, doc("Id of the decision.")]
    event: Annotated[int, doc("Sequence number of the event.")]
    identities: Annotated[Sequence[Edited], doc("Changed identities.")]
    created: Annotated[Sequence[str], doc("Ids of newly created identities.")]


class Refused(Value, kw_only=True):
    """A row of a bulk request that was rejected, with the reason."""

    line: int
    status: Annotated[int, doc("HTTP status that a single request would have returned.")]
    title: str
    detail: str
    remedy: str
    field: str | None
    details: Annotated[
        Mapping[str, Any], doc("Further details, such as the contradicted decisions.")
    ]


class Bulk(Value, kw_only=True):
    """Result of a bulk request."""

    applied: Sequence[Applied]
    refused: Sequence[Refused]
