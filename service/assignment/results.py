"""Values that assigning and receiving works return.

The API calls an assignment *placement*; its component names are public and stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from service.values import Value, doc

VerdictName = Literal["matched", "new", "unsure", "known", "later"]
Outcome = Literal["created", "changed", "unchanged", "rejected"]


class Rival(Value, kw_only=True):
    """A candidate identity of a mention; reasons are given only for an unsure verdict."""

    identity: str
    name: str
    works: int
    probability: float
    reasons: Annotated[Sequence[str], doc("Evidence for and against, strongest first.")]


class Placement(Value, kw_only=True):
    """An author mention of a work with its assignment."""

    position: Annotated[int, doc("Author position, counted from 0.")]
    name: str
    verdict: Annotated[
        VerdictName,
        doc(
            "matched: assigned to an existing identity; new: no identity matches; unsure: "
            "left for review; known: already had its identity; later: left to the next run."
        ),
    ]
    identity: str | None
    probability: Annotated[
        float | None, doc("Probability that the verdict is correct, from 0 to 1.")
    ]
    reasons: Annotated[Sequence[str], doc("Evidence for and against, strongest first.")]
    rivals: Annotated[Sequence[Rival], doc("Other candidate identities, most probable first.")]
    task: Annotated[str | None, doc("The review task opened for it.")]


class Repair(Value, kw_only=True):
    """A harmless correction made to a record."""

    field: str
    problem: str
    done: str


class RowError(Value, kw_only=True):
    """Why a record was rejected."""

    field: str
    problem: str
    remedy: str


class WorkRow(Value, kw_only=True):
    """Result for one record."""

    line: Annotated[int, doc("Line of the body where it begins, counted from 1.")]
    id: str | None
    outcome: Outcome
    version: Annotated[int | None, doc("Version of the work that stores it.")]
    placements: Annotated[
        Sequence[Placement] | None,
        doc("Its author mentions; null if assignment was not requested."),
    ]
    repairs: Sequence[Repair]
    error: RowError | None


class Intake(Value, kw_only=True):
    """Result of posting works."""

    counts: Annotated[Mapping[str, int], doc("Records by outcome.")]
    mentions: Annotated[Mapping[str, int], doc("Author mentions by verdict.")]
    rows: Sequence[WorkRow]


class AssignedRow(Value, kw_only=True):
    """Assignments of one work's authors in a dry run."""

    line: int
    id: str | None
    placements: Sequence[Placement] | None
    error: RowError | None


class DryRun(Value, kw_only=True):
    """Result of a dry run; nothing is stored."""

    rows: Sequence[AssignedRow]
