"""Pydantic models of requests of the writing operations.

Declarations only, kept in one file so that related models are next to each other.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

MAX_EVIDENCE = 100_000
MAX_EVIDENCE_DEPTH = 20


def _require_integer(value: Any) -> Any:
    if isinstance(value, (bool, str, float)):
        raise ValueError("is not a whole number")
    return value


def _require_storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("contains the character U+0000; remove it")
    return value


def _require_bounded(value: dict[str, Any]) -> dict[str, Any]:
    """Reject a value that is too large, nested too deeply, or contains U+0000."""
    size = 0
    remaining: list[tuple[Any, int]] = [(value, 0)]
    while remaining:
        item, depth = remaining.pop()
        size += len(item) if isinstance(item, str) else 8
        if size > MAX_EVIDENCE or depth > MAX_EVIDENCE_DEPTH:
            raise ValueError(
                f"has more than {MAX_EVIDENCE:,} characters or {MAX_EVIDENCE_DEPTH} levels"
            )
        if isinstance(item, str):
            _require_storable(item)
        elif isinstance(item, dict):
            remaining += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            remaining += [(part, depth + 1) for part in item]
    return value


Whole = Annotated[int, BeforeValidator(_require_integer)]
Id = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_require_storable)]
WorkId = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_require_storable)]
Reason = Annotated[
    Annotated[str, Field(max_length=2_000), AfterValidator(_require_storable)] | None,
    Field(description="Reason, stored in the event log."),
]
Evidence = Annotated[
    Annotated[dict[str, Any], AfterValidator(_require_bounded)] | None,
    Field(description="What the curator was shown; stored unchanged."),
]
Versions = Annotated[
    dict[Id, Annotated[Whole, Field(ge=0, le=2**63 - 1)]] | None,
    Field(description="Version of each identity as read: the number in its ETag."),
]


class RequestBody(BaseModel):
    """Base of all request bodies; unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid")


class Mention(RequestBody):
    """One author of one work."""

    work: WorkId = Field(description="Id of the work.")
    position: Annotated[Whole, Field(ge=0, le=100_000)] = Field(
        description="Author position, counted from 0."
    )


class Why(RequestBody):
    """An optional reason, for operations without other fields."""

    reason: Reason = None


class NewKey(RequestBody):
    """An API key to create."""

    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_require_storable)] = (
        Field(description="Owner or purpose of the key.")
    )
    role: Literal["public", "reviewer", "editor", "admin"]
    expires_at: AwareDatetime | None = Field(
        default=None, description="Time of expiry; null: never."
    )
    per_minute: Annotated[Whole, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        description="Requests per minute; 0: no limit, null: the limit of the settings.",
    )


class NewRun(RequestBody):
    """A run to start."""

    scope: Literal["full", "touched"] = Field(
        default="touched",
        description="full: all works; touched: only blocks changed since the last run.",
    )
    reason: Reason = None


class Publish(Why):
    """Options of a publication."""

    expected: Annotated[Whole, Field(ge=0, le=2**63 - 1)] | None = Field(
        default=None,
        description="Sequence number of the last publication or decision you have read; the "
        "request is rejected (412) if a later one exists.",
    )


class Edit(Why):
    """Fields shared by all edits."""

    evidence: Evidence = None
    versions: Versions = None
    same_work: bool = Field(
        default=False,
        description="Whether two authors of one work may be merged into one identity.",
    )


class Merge(Edit):
    """Identities to merge."""

    identities: list[Id] = Field(min_length=1, max_length=100)
    into: Id | None = Field(
        default=None, description="The identity whose id is kept; null: the best established one."
    )


class Split(Edit):
    """An identity to split."""

    identity: Id
    groups: list[Annotated[list[Mention], Field(min_length=1, max_length=20_000)]] = Field(
        min_length=1,
        max_length=100,
        description="Mentions of one person each; mentions in no group keep the id.",
    )
    keep: Annotated[Whole, Field(ge=0, le=99)] | None = Field(
        default=None,
        description="Index of the group that keeps the id; null: the rest, or the largest.",
    )


class MoveMentions(Edit):
    """Mentions to move to another identity."""

    mentions: list[Mention] = Field(min_length=1, max_length=20_000)
    to: Id | None = Field(default=None, description="Target identity; null: a new one.")


class Judgement(Edit):
    """A statement about two mentions."""

    kind: Literal["same", "different", "unsure"]
    a: Mention
    b: Mention


class NewExternalId(Why):
    """An external id to attach to an identity."""

    scheme: Annotated[
        str, Field(min_length=1, max_length=40), AfterValidator(_require_storable)
    ] = Field(description="orcid, dblp, openreview, viaf, isni or wikidata.")
    value: Annotated[
        str, Field(min_length=1, max_length=500), AfterValidator(_require_storable)
    ] = Field(description="The id, bare or as a URL.")
    source: Annotated[
        str, Field(min_length=1, max_length=500), AfterValidator(_require_storable)
    ] = Field(default="editor", description="Source of the id.")
