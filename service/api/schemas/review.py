"""Pydantic models of requests and responses of the review operations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from service.api.schemas.edit import RequestBody, DecisionMade, Evidence, Id, Reason, Whole
from service.api.schemas.read import Page, Shape

Answer = Literal["same", "different", "unsure"]


class Task(Shape):
    """A review task."""

    id: str
    kind: Literal["conflict", "merge", "split", "assign", "sample"]
    state: Literal["open", "closed"]
    subject: str
    name: str | None = Field(description="Printed name concerned.")
    mentions: int = Field(description="Number of mentions the answer affects.")
    priority: float
    evidence: dict[str, Any]
    created_at: datetime
    created_seq: int = Field(description="Sequence number of the event that opened it.")
    closed_by: str | None
    closed_at: datetime | None
    reason: str | None = Field(description="Reason for closing.")
    version: int = Field(description="Sequence number of the last event that changed it.")
    leased_by: str | None = Field(description="Current lease holder.")
    leased_until: datetime | None
    error: float | None = Field(description="Probability that the published state is wrong.")
    effort: int | None = Field(description="Number of papers to check.")
    blind: bool = Field(description="Whether reviewers answer without seeing each other's answers.")
    answers: int = Field(description="Number of answers in force.")


class Tasks(Page):
    """A page of tasks in the order in which to answer them."""

    items: list[Task]


class TaskAnswer(Shape):
    """An answer of one reviewer."""

    reviewer: str
    answer: Answer
    at: datetime
    seconds: float | None
    reason: str | None
    decision: str | None = Field(description="The resulting decision.")
    undone: bool = Field(
        description="Whether the decision was undone; the answer then does not count."
    )


class TaskDetails(Task):
    """A task with its answers, which are omitted while a blind task is open."""

    given: list[TaskAnswer]


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


class AnswerResult(Shape):
    """Result of an answer; no decision while a blind task waits for another reviewer."""

    task: Task
    decision: DecisionMade | None


class Holder(Shape):
    """A reviewer who holds leases."""

    reviewer: str
    tasks: int
    until: datetime


class TaskCounts(Shape):
    """Numbers of open tasks."""

    open: int
    kinds: dict[str, int]
    mentions: int = Field(description="Total number of mentions affected.")
    answered_once: int = Field(description="Blind tasks waiting for another reviewer.")
    held: list[Holder] = Field(description="Lease holders with their number of tasks.")
    due: bool = Field(
        description="Whether tasks for the latest publication have yet to be generated."
    )


class NameTasks(Shape):
    """A printed name with open tasks, limited to identities that fit on one board."""

    name: str
    others: list[str] = Field(
        description="Other names with the same family name and initial that occur in the tasks."
    )
    task: Id = Field(description="Most urgent task, with which to open the board.")
    tasks: int
    kinds: dict[str, int]
    priority: float = Field(
        description="Sum of task priorities: expected corrected mentions per effort."
    )
    papers: int = Field(description="Papers with the name.")
    held_by: list[str] = Field(description="Current lease holders.")


class NamesWithTasks(Shape):
    """Names in the order in which to review them."""

    items: list[NameTasks]


class Reviewer(Shape):
    """Workload and pace of one reviewer."""

    reviewer: str
    answers: int
    by_answer: dict[str, int]
    last_day: int
    last_week: int
    median_seconds: float | None
    last_at: datetime | None
    held: int = Field(description="Number of tasks currently leased.")


class PairAgreement(Shape):
    """Agreement of two reviewers on the same blind tasks."""

    reviewers: list[str]
    questions: int
    agreed: int
    percent: float | None
    kappa: float | None = Field(
        description="Cohen's kappa, (p - e) / (1 - e): p is the share answered alike, e the share "
        "expected by chance; null if e is 1."
    )


class Reviewers(Shape):
    """Workload, pace and agreement of reviewers."""

    reviewers: list[Reviewer]
    agreement: list[PairAgreement]
    answers: int = Field(description="Number of answers in force among the latest 50,000.")
