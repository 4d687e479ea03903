"""Pydantic models of requests and responses of boards."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from service.api.schemas.edit import (
    RequestBody,
    DecisionMade,
    Evidence,
    Id,
    Mention,
    Reason,
    Versions,
    _require_storable,
)
from service.api.schemas.read import Shape

Name = Annotated[
    Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_require_storable)]
    | None,
    Field(description="The name, if it cannot be written in the path (it contains a slash)."),
]
Task = Annotated[Id | None, Field(description="The task that this answers.")]


class PaperCoauthor(Shape):
    """A co-author of a paper."""

    name: str
    identity: str | None = Field(description="null: unassigned.")


class PaperLink(Shape):
    """An external link."""

    label: str
    url: str


class Paper(Shape):
    """A mention with its work."""

    work: str
    position: int
    printed: str = Field(description="Name as printed.")
    title: str
    venue: str | None
    year: int | None
    affiliation: str | None
    authors: int = Field(description="Number of authors, of whom some are listed.")
    coauthors: list[PaperCoauthor]
    links: list[PaperLink]
    confidence: float | None
    origin: str | None = Field(description="run, decision, placement or import; null: unassigned.")


class Group(Shape):
    """A first-level group: mentions that almost certainly belong together."""

    id: str
    mentions: list[Paper]
    why: list[str]


class ColumnFact(Shape):
    """A co-author, venue, title word or affiliation of a column."""

    name: str
    identity: str | None = Field(default=None, description="Identity of a co-author.")
    papers: int
    shared: list[int] = Field(description="Indexes of other columns that share it, from 0.")


class Column(Shape):
    """An identity, or the unassigned mentions, on a board."""

    identity: str | None = Field(description="null: unassigned mentions.")
    nowhere: bool
    title: str
    curated: bool
    papers: int
    mentions: int
    hidden: int = Field(description="Number of mentions omitted.")
    years: dict[str, int]
    groups: list[Group]
    coauthors: list[ColumnFact]
    venues: list[ColumnFact]
    topics: list[ColumnFact]
    affiliations: list[ColumnFact]


class Contradiction(Shape):
    """Evidence that a column, or a pair of columns, is not one person."""

    columns: list[int]
    text: str


class BoardQuestion(Shape):
    """The task for which the board was opened."""

    task: str
    kind: str
    blind: bool = Field(
        description="Whether reviewers answer without seeing each other's answers; a blind task is "
        "answered by `POST /v1/tasks/{id}/answers`, not by a commit."
    )
    columns: list[int] = Field(description="Columns concerned.")
    groups: list[str] = Field(description="Groups of the side in question.")
    probability: float | None = Field(description="Probability that the two sides are one person.")
    reasons_for: list[str] = Field(alias="for")
    against: list[str]
    compare: list[str] = Field(description="Representative mentions for /v1/compare.")


class OtherTask(Shape):
    """Another open task about these identities."""

    id: str
    kind: str
    question: str
    columns: list[int] = Field(description="Columns concerned, of those shown.")
    settles: bool = Field(
        description="Whether a commit can answer it as well: all its identities are shown, and it "
        "is not blind."
    )


class Board(Shape):
    """All identities of a name, side by side."""

    name: str
    folded: str
    sequence: int = Field(description="Sequence number of the last event included.")
    versions: dict[str, int] = Field(
        description="Versions of the identities, to be sent with a commit."
    )
    mentions: int = Field(description="Number of mentions of the name.")
    hidden: int = Field(description="Number of mentions omitted.")
    left_out: int = Field(description="Number of identities omitted.")
    compared: int = Field(
        description="Number of shown mentions that the engine compares; 0: none yet. The others "
        "form groups of one, and `rescored` of a preview does not cover them."
    )
    columns: list[Column]
    contradictions: list[Contradiction]
    question: BoardQuestion | None
    tasks: list[OtherTask]


class ColumnRequest(RequestBody):
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
    """The wanted columns; unchanged columns may be omitted."""

    columns: list[ColumnRequest] = Field(max_length=200)
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


class Redirection(Shape):
    """An id that would redirect to another."""

    from_id: str = Field(alias="from")
    to: str


class Overridden(Shape):
    """An earlier decision that contradicts the arrangement."""

    decision: str
    kind: str
    action: str
    actor: str
    at: str
    reason: str | None
    text: str = Field(description="What it states, with the chain of links.")


class ClosedTask(Shape):
    """A task that the arrangement answers."""

    id: str
    kind: str


class Obstacle(Shape):
    """A reason, other than decisions, that prevents a commit."""

    kind: Literal["same-work", "blind"] = Field(
        description="same-work: two authors of one work, which `same_work` permits; blind: a blind "
        "task that the commit would answer."
    )
    text: str
    mentions: list[str]


class EngineChange(Shape):
    """A change that the next clustering would make."""

    kind: Literal["merge", "split", "move"]
    text: str
    mentions: int
    new: bool = Field(description="Whether it results from the arrangement.")


class Preview(Shape):
    """Effects of an arrangement."""

    moved: int = Field(description="Mentions that change identity.")
    kept: list[str]
    created: int
    redirected: list[Redirection]
    gone: list[str] = Field(description="Ids that end without a unique successor.")
    overridden: list[Overridden]
    closes: list[ClosedTask]
    conflicts: list[Obstacle]
    rescored: list[EngineChange]
    compared: int = Field(description="Number of mentions on the board covered by `rescored`.")
    mentions: int = Field(description="Number of mentions on the board.")


class CommitResult(DecisionMade):
    """A published arrangement: one event, undone like any decision."""

    moved: int = Field(description="Mentions that changed identity.")
    unsure: str | None = Field(description="Decision that records the undecidable mentions.")
    overridden: list[Overridden]


class Comparison(Shape):
    """Evidence whether two mentions are one person: contributions of each feature."""

    a: dict[str, Any]
    b: dict[str, Any]
    same: bool
    probability: float
    decided_by: str
    because: list[str]
    same_block: bool
    pair: dict[str, Any]
    groups: dict[str, Any]
