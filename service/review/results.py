"""Values that queries and use cases of reviews return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from service.decisions.results import DecisionMade
from service.tasks.results import AnswerKind, Holder, Task
from service.values import Value, doc

SampleUnit = Literal["mention", "identity"]


class GivenAnswer(Value, kw_only=True):
    """An answer of one reviewer."""

    reviewer: str
    answer: AnswerKind
    at: datetime
    seconds: float | None
    reason: str | None
    decision: Annotated[str | None, doc("The resulting decision.")]
    undone: Annotated[bool, doc("Whether the decision was undone; the answer then does not count.")]


class TaskDetails(Task, kw_only=True):
    """A task with its answers, which are omitted while a blind task is open."""

    given: Sequence[GivenAnswer]


class Judged(Value, kw_only=True):
    """Result of an answer; no decision while a blind task waits for another reviewer."""

    task: Task
    decision: DecisionMade | None


class TaskCounts(Value, kw_only=True):
    """Numbers of open tasks."""

    open: int
    kinds: Mapping[str, int]
    mentions: Annotated[int, doc("Total number of mentions affected.")]
    answered_once: Annotated[int, doc("Blind tasks waiting for another reviewer.")]
    held: Annotated[Sequence[Holder], doc("Lease holders with their number of tasks.")]
    due: Annotated[bool, doc("Whether tasks for the latest publication have yet to be generated.")]


class NameAsked(Value, kw_only=True):
    """A printed name with open tasks, limited to identities that fit on one board."""

    name: Annotated[str, doc("Name of the most urgent task.")]
    others: Annotated[
        Sequence[str],
        doc("Other names with the same family name and initial that occur in the tasks."),
    ]
    task: Annotated[str, doc("Most urgent task, with which to open the board.")]
    tasks: int
    kinds: Annotated[Mapping[str, int], doc("Number of tasks of each kind.")]
    priority: Annotated[
        float, doc("Sum of task priorities: expected corrected mentions per effort.")
    ]
    papers: Annotated[int, doc("Papers with the name.")]
    held_by: Annotated[Sequence[str], doc("Current lease holders.")]


class NamesAsked(Value, kw_only=True):
    """Names in the order in which to review them."""

    items: Sequence[NameAsked]


class Reviewer(Value, kw_only=True):
    """Workload and pace of one reviewer."""

    reviewer: str
    answers: int
    by_answer: Mapping[str, int]
    last_day: int
    last_week: int
    median_seconds: float | None
    last_at: datetime | None
    held: Annotated[int, doc("Number of tasks currently leased.")]


class PairAgreement(Value, kw_only=True):
    """Agreement of two reviewers on the same blind tasks."""

    reviewers: Sequence[str]
    questions: int
    agreed: int
    percent: float | None
    kappa: Annotated[
        float | None,
        doc(
            "Cohen's kappa, (p - e) / (1 - e): p is the share answered alike, e the share expected "
            "by chance; null if e is 1."
        ),
    ]


class Reviewers(Value, kw_only=True):
    """Workload, pace and agreement of reviewers."""

    reviewers: Sequence[Reviewer]
    agreement: Sequence[PairAgreement]
    answers: Annotated[int, doc("Number of answers in force among the latest 50,000.")]


class Share(Value, kw_only=True):
    """A proportion with its 95 % confidence interval."""

    estimate: float
    low: float
    high: float


class Estimated(Value, kw_only=True):
    """Estimates of a slice; null if the sample does not determine them."""

    slice: Annotated[str, doc("Frequency of the printed name, or everything.")]
    mentions: Annotated[int, doc("Published mentions when the sample was drawn.")]
    drawn: int
    reviewed: Annotated[int, doc("Reviewed draws on which the estimates are based.")]
    precision: Annotated[Share | None, doc("B-cubed precision, averaged over mentions.")]
    recall: Annotated[Share | None, doc("B-cubed recall, averaged over mentions.")]
    f1: Share | None
    pairwise_precision: Share | None
    pairwise_recall: Share | None


class Reviewing(Value, kw_only=True):
    """Tasks of a sample by state."""

    reviewed: int
    open: int
    unsure: int
    unusable: Annotated[int, doc("Answers without the error counts.")]


class Estimates(Value, kw_only=True):
    """Estimates from a sample, for the state published when it was drawn."""

    sample: str
    unit: SampleUnit
    drawn_at: datetime
    drawn_by: str
    sequence: int
    tasks: Reviewing
    overall: Estimated
    slices: Sequence[Estimated]


class Stratum(Value, kw_only=True):
    """Names of one frequency class: number of mentions, and of draws."""

    slice: str
    mentions: int
    drawn: int


class Drawn(Value, kw_only=True):
    """A drawn sample and its strata."""

    id: str
    unit: SampleUnit
    size: int
    seed: int
    sequence: int
    tasks: int
    strata: Sequence[Stratum]
