"""Pydantic models of requests of the review operations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from service.api.schemas.edit import Evidence, Id, Reason, RequestBody, Whole

Answer = Literal["same", "different", "unsure"]


class NewAnswer(RequestBody):
    """An answer to a task."""

    answer: Answer = Field(
        description="same: one person (merge, conflict: the identities; split: both sides; "
        "assign: the mention and `identity`, or else its most probable candidate). different: "
        "different people. unsure: undecidable; the answer has no effect."
    )
    seconds: Annotated[float, Field(ge=0, le=604_800)] | None = Field(
        default=None, description="Time spent on the task."
    )
    reason: Reason = None
    evidence: Evidence = None
    version: Annotated[Whole, Field(ge=0, le=2**63 - 1)] | None = Field(
        default=None, description="Version of the task as read; null: any version."
    )
    identity: Id | None = Field(
        default=None, description="Identity of the mention of an assign task."
    )


class Lease(RequestBody):
    """Duration of a lease."""

    minutes: Annotated[Whole, Field(ge=1, le=240)] = Field(
        default=15, description="Minutes until the lease expires."
    )
