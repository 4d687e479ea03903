"""Values that queries and use cases of tasks return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from service.values import Value, doc

TaskKind = Literal["conflict", "merge", "split", "assign", "sample"]
TaskState = Literal["open", "closed"]
AnswerKind = Literal["same", "different", "unsure"]


class Task(Value, kw_only=True):
    """A review task."""

    id: str
    kind: TaskKind
    state: TaskState
    subject: str
    name: Annotated[str | None, doc("Printed name concerned.")]
    mentions: Annotated[int, doc("Number of mentions the answer affects.")]
    priority: float
    evidence: Mapping[str, Any]
    created_at: datetime
    created_seq: Annotated[int, doc("Sequence number of the event that opened it.")]
    closed_by: str | None
    closed_at: datetime | None
    reason: Annotated[str | None, doc("Reason for closing.")]
    version: Annotated[int, doc("Sequence number of the last event that changed it.")]
    leased_by: Annotated[str | None, doc("Current lease holder.")]
    leased_until: datetime | None
    error: Annotated[float | None, doc("Probability that the published state is wrong.")]
    effort: Annotated[int | None, doc("Number of papers to check.")]
    blind: Annotated[bool, doc("Whether reviewers answer without seeing each other's answers.")]
    answers: Annotated[int, doc("Number of answers in force.")]


class Tasks(Value, kw_only=True):
    """A page of tasks in the order in which to answer them."""

    items: Sequence[Task]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]


class Holder(Value, kw_only=True):
    """A reviewer who holds leases."""

    reviewer: str
    tasks: int
    until: datetime
