"""Shapes of what the review is asked and answers, as the OpenAPI document shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from service.api.schemas.edit import Asked, DecisionMade, Evidence, Id, Reason, Whole
from service.api.schemas.read import Page, Shape

Answer = Literal["same", "different", "unsure"]


class Task(Shape):
    """A question for a person."""

    id: str
    kind: Literal["conflict", "merge", "split", "assign", "sample"]
    state: Literal["open", "closed"]
    subject: str
    name: str | None = Field(description="Printed name that it concerns.")
    mentions: int = Field(description="Mentions that the answer bears on.")
    priority: float
    evidence: dict[str, Any]
    created_at: datetime
    created_seq: int = Field(description="Number of the event that it comes from.")
    closed_by: str | None
    closed_at: datetime | None
    reason: str | None = Field(description="Why it was closed.")
    version: int = Field(description="Number of the last event that changed it.")
    leased_by: str | None = Field(description="Who works on it now.")
    leased_until: datetime | None
    error: float | None = Field(description="Probability that what is published is wrong.")
    effort: int | None = Field(description="Papers to look at.")
    blind: bool = Field(description="Whether reviewers do not see each other's answers.")
    answers: int = Field(description="Answers that were given and stand.")


class Tasks(Page):
    """A page of tasks in the order they should be answered."""

    items: list[Task]


class GivenAnswer(Shape):
    """What one person answered to a task."""

    reviewer: str
    answer: Answer
    at: datetime
    seconds: float | None
    reason: str | None
    decision: str | None = Field(description="The decision that it led to.")
    undone: bool = Field(description="Whether that was undone; then the answer does not count.")


class TaskDetails(Task):
    """A task with its answers; without them as long as it is answered blindly."""

    given: list[GivenAnswer]


class NewAnswer(Asked):
    """What a person answers to a task."""

    answer: Answer = Field(
        description="same: one person (merge, conflict: the identities; split: both sides; "
        "assign: the mention and `identity`, or else its most probable rival). different: not. "
        "unsure: nobody can tell; it binds nothing."
    )
    seconds: Annotated[float, Field(ge=0, le=604_800)] | None = Field(
        default=None, description="How long the person had the task."
    )
    reason: Reason = None
    evidence: Evidence = None
    version: Annotated[Whole, Field(ge=0, le=2**63 - 1)] | None = Field(
        default=None, description="The task's version that was read; null: whatever is there."
    )
    identity: Id | None = Field(default=None, description="Whose the mention of an assign task is.")


class Lease(Asked):
    """For how long a task is taken."""

    minutes: Annotated[Whole, Field(ge=1, le=240)] = Field(
        default=15, description="It is free again after so many minutes."
    )


class Judged(Shape):
    """What an answer did; no decision while a blind task waits for another person."""

    task: Task
    decision: DecisionMade | None


class Holder(Shape):
    """Somebody who works on tasks."""

    reviewer: str
    tasks: int
    until: datetime


class TaskCounts(Shape):
    """Open tasks in numbers."""

    open: int
    kinds: dict[str, int]
    mentions: int = Field(description="Mentions that they bear on, together.")
    answered_once: int = Field(description="Blind tasks that wait for another person.")
    held: list[Holder] = Field(description="Who has how many now, and until when.")
    due: bool = Field(description="Whether a worker has yet to ask about what was published last.")


class NameAsked(Shape):
    """A printed name with open questions, as many as are about people that fit one board."""

    name: str
    others: list[str] = Field(
        description="Other names, of the same family name and initial, in some of the questions."
    )
    task: Id = Field(description="Its most urgent question: open the board with it.")
    tasks: int
    kinds: dict[str, int]
    priority: float = Field(description="Sum of theirs: expected mentions for the work asked.")
    papers: int = Field(description="Papers that bear the name.")
    held_by: list[str] = Field(description="Who works on some of them now.")


class NamesAsked(Shape):
    """Names in the order they should be looked at."""

    items: list[NameAsked]


class Reviewer(Shape):
    """Workload and pace of one person."""

    reviewer: str
    answers: int
    by_answer: dict[str, int]
    last_day: int
    last_week: int
    median_seconds: float | None
    last_at: datetime | None
    held: int = Field(description="Tasks that the person has now.")


class PairAgreement(Shape):
    """How far two people agree who answered the same tasks blindly."""

    reviewers: list[str]
    questions: int
    agreed: int
    percent: float | None
    kappa: float | None = Field(
        description="Cohen's kappa, (p - e) / (1 - e): p is the share answered alike, e the share "
        "expected by chance; null where e is 1."
    )


class Reviewers(Shape):
    """Who reviews, how much and how fast, and how far they agree."""

    reviewers: list[Reviewer]
    agreement: list[PairAgreement]
    answers: int = Field(description="Answers that count, of the latest 50,000.")
