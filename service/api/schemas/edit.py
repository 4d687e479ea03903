"""What writes are asked with and answer with, as pydantic models.

Declarations alone, in one file however long: they are read beside each other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from service.api.schemas.read import Page, Shape

MOST_EVIDENCE = 100_000
DEEPEST_EVIDENCE = 20


def _whole(value: Any) -> Any:
    if isinstance(value, (bool, str, float)):
        raise ValueError("it is no whole number")
    return value


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("it holds the character U+0000; leave it out")
    return value


def _bounded(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is too large or too deep to keep, or holds U+0000."""
    size = 0
    left: list[tuple[Any, int]] = [(value, 0)]
    while left:
        item, depth = left.pop()
        size += len(item) if isinstance(item, str) else 8
        if size > MOST_EVIDENCE or depth > DEEPEST_EVIDENCE:
            raise ValueError(
                f"it has more than {MOST_EVIDENCE:,} characters or {DEEPEST_EVIDENCE} levels"
            )
        if isinstance(item, str):
            _storable(item)
        elif isinstance(item, dict):
            left += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            left += [(part, depth + 1) for part in item]
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Id = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_storable)]
WorkId = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_storable)]
Reason = Annotated[
    Annotated[str, Field(max_length=2_000), AfterValidator(_storable)] | None,
    Field(description="Why, for the log of events."),
]
Evidence = Annotated[
    Annotated[dict[str, Any], AfterValidator(_bounded)] | None,
    Field(description="What the person who decided was shown; kept as it is."),
]
Versions = Annotated[
    dict[Id, Annotated[Whole, Field(ge=0, le=2**63 - 1)]] | None,
    Field(description="Version of each identity as it was read: the number in its ETag."),
]


class Asked(BaseModel):
    """Base of all bodies: no field that is not described here."""

    model_config = ConfigDict(extra="forbid")


class Mention(Asked):
    """One author of one work."""

    work: WorkId = Field(description="Id of the work.")
    position: Annotated[Whole, Field(ge=0, le=100_000)] = Field(
        description="Place among its authors, counted from 0."
    )


class Why(Asked):
    """A reason, for operations that need nothing else."""

    reason: Reason = None


class NewKey(Asked):
    """A key to make."""

    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_storable)] = Field(
        description="Whose it is or what it is for."
    )
    role: Literal["public", "reviewer", "editor", "admin"]
    expires_at: AwareDatetime | None = Field(
        default=None, description="When it ends to be good; null: never."
    )
    per_minute: Annotated[Whole, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="Requests a minute; 0: any number, null: as the settings say."
    )


class Key(Shape):
    """A key of the API, without its secret."""

    id: str = Field(description="Public part of the key.")
    name: str
    role: Literal["public", "reviewer", "editor", "admin"]
    state: Literal["active", "expired", "revoked"]
    per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None = Field(description="When it was last used, to the minute.")


class ShownKey(Key):
    """A key that was just made; ``key`` is told this once."""

    key: str | None = Field(
        description="The whole key, to be sent as Authorization: Bearer KEY; null where the "
        "request was sent again."
    )


class Keys(Shape):
    """All keys, the newest first."""

    items: list[Key]


class NewRun(Asked):
    """A run to ask for."""

    scope: Literal["full", "touched"] = Field(
        default="touched", description="All works, or only the blocks touched since the last run."
    )
    reason: Reason = None


class Run(Shape):
    """One re-clustering and how far it is."""

    id: str
    state: Literal[
        "queued",
        "running",
        "proposed",
        "published",
        "failed",
        "cancelled",
        "superseded",
        "rolled-back",
    ]
    scope: Literal["full", "touched"]
    actor: str
    reason: str | None
    model: str | None
    based_on: int | None = Field(description="Number of the event whose state it was read at.")
    rebases: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    attempts: int
    stage: str | None = Field(description="What it is doing now.")
    done: int
    total: int | None
    error: str | None
    summary: dict[str, Any] | None = Field(description="Totals of what publishing would change.")
    event_seq: int | None = Field(description="Number of the event that published it.")
    claimed_by: str | None = Field(description="Worker that does it.")
    heartbeat_at: datetime | None


class Publish(Why):
    """Terms on which to publish."""

    expected: Annotated[Whole, Field(ge=0, le=2**63 - 1)] | None = Field(
        default=None,
        description="Number of the last publication or decision that you have seen; refused "
        "(412) where it is no longer the last.",
    )


class Published(Shape):
    """What a publication or a rollback did, in numbers."""

    event: int = Field(description="Number of the event.")
    run: str
    mentions: int | None = Field(default=None, description="Mentions that were proposed.")
    moved: int = Field(description="Mentions that changed identity.")
    created: int = Field(description="Identities made.")
    revived: int = Field(description="Identities that are there again.")
    merged: int = Field(description="Identities that redirect to others now.")
    split: int = Field(description="Identities from which others came.")
    changed: int = Field(description="Identities that are not as they were.")
    questions: int | None = Field(
        default=None,
        description="Open questions that were closed, for the identities they were about are no "
        "more, or the parts they asked about have parted.",
    )
    blind: list[str] | None = Field(
        default=None,
        description="Ids of those of them that several people were being asked without seeing each "
        "other's answers, 20 at most. A rollback opens them again, with the answers.",
    )


class Runs(Page):
    """A page of runs, the newest first."""

    items: list[Run]


class Difference(Shape):
    """One line of what publishing a run would change."""

    rank: int = Field(description="Place from 0: conflicts first, then by mentions.")
    kind: Literal["conflict", "decision", "merge", "split", "move", "create", "grow"]
    mentions: int = Field(description="How many change identity, or are in a new one.")
    identity: str | None = Field(description="The identity it is about; null: a new one.")
    text: str = Field(description="What becomes of it, in words.")
    details: dict[str, Any] = Field(
        description="name; others: where mentions go, each with identity (null: a new one), name "
        "and mentions; stays: mentions that it has afterwards; following: mentions among those "
        "that the run did not cluster and that follow the others; decisions that are concerned; "
        "orcids: of a conflict, the different iDs, with the mentions of each."
    )


class Differences(Page):
    """A page of what publishing a run would change, the largest changes first."""

    items: list[Difference]
    summary: dict[str, Any] | None = Field(description="Totals by kind.")


class Event(Shape):
    """Something that was done."""

    seq: int = Field(description="Number on the line of events.")
    kind: str
    at: datetime
    actor: str = Field(description="key:ID over HTTP, cli:USER, or worker:ID.")
    request: str | None = Field(description="Id of the HTTP request.")
    subject: str | None
    reason: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class ChangedIdentity(Shape):
    """An identity before and after an event; ``before`` is null where it was created."""

    id: str
    before: dict[str, Any] | None
    after: dict[str, Any]


class MovedMention(Shape):
    """Where a mention was and is published; null: nowhere."""

    work: str
    position: int
    before: str | None
    after: str | None


class EventDetails(Event):
    """An event with what it changed; lists are cut at the limit, the numbers are not."""

    identities: list[ChangedIdentity]
    n_identities: int
    mentions: list[MovedMention]
    n_mentions: int


class Events(Page):
    """A page of events, the newest first."""

    items: list[Event]


class Rival(Shape):
    """An identity that a mention may be of."""

    identity: str
    name: str
    works: int
    probability: float
    reasons: list[str] = Field(description="For and against, strongest first.")


class Placement(Shape):
    """An author mention of a work, and what was or would be decided of it."""

    position: int = Field(description="Place among the authors, counted from 0.")
    name: str
    verdict: Literal["matched", "new", "unsure", "known", "later"] = Field(
        description="matched: an identity that is there; new: nobody's yet; unsure: left for "
        "review; known: had its identity already; later: left to the next run."
    )
    identity: str | None
    probability: float | None = Field(description="That this is right, from 0 to 1.")
    reasons: list[str] = Field(description="For and against, strongest first.")
    rivals: list[Rival] = Field(description="Other identities, most probable first.")
    task: str | None = Field(description="The question that was asked about it.")


class Repair(Shape):
    """A harmless fix made to a record."""

    field: str
    problem: str
    done: str


class RowError(Shape):
    """Why a record was rejected."""

    field: str
    problem: str
    remedy: str


class WorkRow(Shape):
    """What became of one record."""

    line: int = Field(description="Line of the body it begins on, counted from 1.")
    id: str | None
    outcome: Literal["created", "changed", "unchanged", "rejected"]
    version: int | None = Field(description="Version of the work that holds it.")
    placements: list[Placement] | None = Field(
        description="Its author mentions; null where nothing was placed."
    )
    repairs: list[Repair]
    error: RowError | None


class Intake(Shape):
    """What became of posted works."""

    counts: dict[str, int] = Field(description="Records by outcome.")
    mentions: dict[str, int] = Field(description="Author mentions by verdict.")
    rows: list[WorkRow]


class AssignedRow(Shape):
    """What would be decided of one work's authors."""

    line: int
    id: str | None
    placements: list[Placement] | None
    error: RowError | None


class DryRun(Shape):
    """What would be decided of works; nothing was stored."""

    rows: list[AssignedRow]


class Edit(Why):
    """What every edit may state."""

    evidence: Evidence = None
    versions: Versions = None
    same_work: bool = Field(
        default=False, description="Whether two authors of one work may come to be one person."
    )


class Merge(Edit):
    """Identities that are one person."""

    identities: list[Id] = Field(min_length=1, max_length=100)
    into: Id | None = Field(
        default=None, description="The one whose id is kept; null: the best established."
    )


class Split(Edit):
    """An identity that is several persons."""

    identity: Id
    groups: list[Annotated[list[Mention], Field(min_length=1, max_length=20_000)]] = Field(
        min_length=1,
        max_length=100,
        description="Mentions of one person each; what is in none stays under the id.",
    )
    keep: Annotated[Whole, Field(ge=0, le=99)] | None = Field(
        default=None, description="Which group keeps the id; null: the rest, or the largest."
    )


class MoveMentions(Edit):
    """Mentions that are of another person than they are published under."""

    mentions: list[Mention] = Field(min_length=1, max_length=20_000)
    to: Id | None = Field(default=None, description="Whose they are; null: a new identity.")


class Judgement(Edit):
    """What somebody says about two mentions."""

    kind: Literal["same", "different", "unsure"]
    a: Mention
    b: Mention


class Edited(Shape):
    """An identity that changed, with the version to send in If-Match."""

    id: str
    version: int


class DecisionMade(Shape):
    """A decision that was made, undone or redone, and what it changed."""

    decision: str = Field(description="Id of the decision.")
    event: int = Field(description="Number of the event.")
    identities: list[Edited] = Field(description="Identities that changed.")
    created: list[str] = Field(description="Those of them that are new.")


class Decision(Shape):
    """What somebody decided."""

    id: str
    kind: Literal["same", "different", "unsure"]
    action: Literal["merge", "split", "move", "review", "arrange"]
    actor: str
    at: datetime
    reason: str | None
    evidence: dict[str, Any] | None
    event_seq: int = Field(description="Number of the event that made it.")
    undone_seq: int | None = Field(description="Number of the event that undid it.")
    undone_by: str | None
    undone_at: datetime | None


class Link(Shape):
    """Two mentions that must be, or cannot be, one person."""

    kind: Literal["must", "cannot"]
    a: Mention
    b: Mention


class DecisionDetails(Decision):
    """A decision with what it states."""

    links: list[Link]
    n_links: int = Field(description="All links, also those beyond the limit.")


class Decisions(Page):
    """A page of decisions, the newest first."""

    items: list[Decision]


class Applied(DecisionMade):
    """A row of a bulk that was applied."""

    line: int


class Refused(Shape):
    """A row of a bulk that was not applied, and why."""

    line: int
    status: int = Field(description="Status that it would have been told with by itself.")
    title: str
    detail: str
    remedy: str
    field: str | None
    details: dict[str, Any] = Field(description="Such as the decisions that it contradicts.")


class Bulk(Shape):
    """What became of decisions sent in bulk."""

    applied: list[Applied]
    refused: list[Refused]


class NewExternalId(Why):
    """An id that somebody else gave to the person."""

    scheme: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_storable)] = Field(
        description="orcid, dblp, openreview, viaf, isni or wikidata."
    )
    value: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_storable)] = Field(
        description="The id, bare or as an address."
    )
    source: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_storable)] = Field(
        default="editor", description="Who says so."
    )


class ExternalId(Shape):
    """An id in its one form, and the identity's version now."""

    identity: str
    scheme: str
    value: str
    version: int
