"""What the API answers with, as pydantic models: the source of the OpenAPI schemas.

Reads render plain dictionaries of these shapes for speed; tests hold the answers to the models.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Base of all answers: no field that is not described here."""

    model_config = ConfigDict(extra="forbid")


class FieldProblem(Shape):
    """One wrong field of several."""

    field: str = Field(description="Where in the request.")
    detail: str = Field(description="What is wrong.")
    in_: str | None = Field(default=None, alias="in", description="query, path, header or body.")


class Problem(BaseModel):
    """What went wrong, where, and what to do (RFC 9457)."""

    type: str = Field(description="Kind of problem, as a URN.")
    title: str = Field(description="Kind of problem, for people.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong with this request.")
    remedy: str | None = Field(default=None, description="What to do.")
    field: str | None = Field(default=None, description="The part of the request that is wrong.")
    errors: list[FieldProblem] | None = Field(default=None, description="Each wrong field.")
    instance: str = Field(description="Path of the request.")
    request: str = Field(description="Id of the request, as in the server's log.")


class Page(Shape):
    """A page of a list."""

    items: list[Any] = Field(description="The entries.")
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class ChangeEntry(Shape):
    """What became of an identity."""

    sequence: int = Field(description="Number on the line of events.")
    event: int = Field(description="Number of the event that it belongs to.")
    kind: Literal["create", "keep", "merge", "split", "move", "restore"]
    identity: str = Field(description="Id of the identity.")
    others: list[Any] = Field(description="Other identities involved, with mentions that moved.")
    mentions: int = Field(description="Mentions concerned.")
    at: datetime


class Changes(Shape):
    """A part of the feed of changes, in order."""

    items: list[ChangeEntry]
    since: int = Field(description="What to pass as `since` to go on; stays when nothing is new.")
    next: str | None = Field(description="Path and query of the next part; null where none is yet.")


class IdentityCounts(Shape):
    """Identities by what became of them."""

    active: int
    redirected: int = Field(description="Merged into others.")
    gone: int = Field(description="Split away, or left by all mentions.")
    curated: int = Field(description="Active ones that a human decision bears on.")


class Publication(Shape):
    """The publication that readers see."""

    run: str = Field(description="Id of its run.")
    sequence: int | None = Field(description="Number of the event.")
    at: datetime | None


class Stats(Shape):
    """Counts of what the service holds."""

    works: int
    names: int = Field(description="Printed names, apart from case.")
    mentions: int = Field(description="Author mentions of works as they are now.")
    placed: int = Field(description="Mentions that are published under an identity.")
    unplaced: int
    identities: IdentityCounts
    publication: Publication | None
    sequence: int = Field(description="Number of the last event.")
