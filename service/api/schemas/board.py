"""Pydantic models of requests to boards."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from service.api.schemas.edit import (
    Evidence,
    Id,
    Mention,
    Reason,
    RequestBody,
    Versions,
    _require_storable,
)

Name = Annotated[
    Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_require_storable)]
    | None,
    Field(description="The name, if it cannot be written in the path (it contains a slash)."),
]
Task = Annotated[Id | None, Field(description="The task that this answers.")]


class WantedColumn(RequestBody):
    """Mentions to be one identity."""

    identity: Id | None = Field(
        default=None,
        description="The identity that the column continues, including its mentions that are not "
        "listed; null: a new identity.",
    )
    mentions: list[Mention] = Field(max_length=20_000)
    confirmed: bool = Field(
        default=False, description="Whether all listed mentions are stated to be one person."
    )
    nowhere: bool = Field(
        default=False, description="The column of unassigned mentions, which stay unassigned."
    )


class Arrangement(RequestBody):
    """The requested columns; unchanged columns may be omitted."""

    columns: list[WantedColumn] = Field(max_length=200)
    unsure: list[Mention] = Field(
        default=[],
        max_length=2_000,
        description="Reviewed but undecidable mentions; they are not moved.",
    )
    name: Name = None
    task: Task = None
    also: list[Id] = Field(
        default=[],
        max_length=50,
        description="Other open tasks that the final columns answer: two columns are two people, "
        "one column is one person. `settles` on the board marks the tasks allowed here.",
    )
    same_work: bool = Field(
        default=False,
        description="Whether two authors of one work may be merged into one identity.",
    )


class Commit(Arrangement):
    """An arrangement to publish."""

    versions: Versions = None
    reason: Reason = None
    evidence: Evidence = None
    override: bool = Field(
        default=False, description="Revoke earlier decisions that contradict it."
    )
