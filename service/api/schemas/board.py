"""Shapes of boards, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from service.api.schemas.edit import (
    Asked,
    DecisionMade,
    Evidence,
    Id,
    Mention,
    Reason,
    Versions,
    _storable,
)
from service.api.schemas.read import Shape

Name = Annotated[
    Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_storable)] | None,
    Field(description="The name, where it cannot be written in the address (it has a slash)."),
]
Task = Annotated[Id | None, Field(description="The question that this answers.")]


class Companion(Shape):
    """A co-author of a paper."""

    name: str
    identity: str | None = Field(description="Null: nowhere yet.")


class Address(Shape):
    """A link to somewhere else."""

    label: str
    url: str


class Paper(Shape):
    """A mention with its paper."""

    work: str
    position: int
    printed: str = Field(description="Name as printed.")
    title: str
    venue: str | None
    year: int | None
    affiliation: str | None
    authors: int = Field(description="Authors of the paper, of whom some are shown.")
    coauthors: list[Companion]
    links: list[Address]
    confidence: float | None
    origin: str | None = Field(description="run, decision, placement or import; null: nowhere.")


class Group(Shape):
    """Papers that surely belong together."""

    id: str
    mentions: list[Paper]
    why: list[str]


class Common(Shape):
    """A co-author, venue, word of titles or affiliation of a column."""

    name: str
    identity: str | None = Field(default=None, description="Of a co-author.")
    papers: int
    shared: list[int] = Field(description="Other columns that have it, counted from 0.")


class Column(Shape):
    """An identity, or what is nowhere, on a board."""

    identity: str | None = Field(description="Null: mentions that are published under nobody.")
    nowhere: bool
    title: str
    curated: bool
    papers: int
    mentions: int
    hidden: int = Field(description="Mentions of it that are not shown.")
    years: dict[str, int]
    groups: list[Group]
    coauthors: list[Common]
    venues: list[Common]
    topics: list[Common]
    affiliations: list[Common]


class Contradiction(Shape):
    """What speaks against one column, or two, being one person."""

    columns: list[int]
    text: str


class AskedOf(Shape):
    """The question that the board was opened for."""

    task: str
    kind: str
    blind: bool = Field(
        description="Whether reviewers do not see each other's answers: then it is answered by "
        "`POST /v1/tasks/{id}/answers`, not by a commit."
    )
    columns: list[int] = Field(description="Columns it is about.")
    groups: list[str] = Field(description="Groups of the part that might be elsewhere.")
    probability: float | None = Field(description="That the two sides are one person.")
    reasons_for: list[str] = Field(alias="for")
    against: list[str]
    compare: list[str] = Field(description="Mentions to take apart with /v1/compare.")


class Other(Shape):
    """Another open question about these people."""

    id: str
    kind: str
    question: str
    columns: list[int] = Field(description="Columns it is about, of those shown.")
    settles: bool = Field(
        description="Whether a commit can answer it besides another: it is of people shown, and "
        "not asked blind."
    )


class Board(Shape):
    """Everyone behind a name, side by side."""

    name: str
    folded: str
    sequence: int = Field(description="Number of the last event that it knows of.")
    versions: dict[str, int] = Field(description="To be sent back when committing.")
    mentions: int = Field(description="Mentions of the name.")
    hidden: int = Field(description="Mentions that are not shown.")
    left_out: int = Field(description="Identities that are not shown.")
    compared: int = Field(
        description="Mentions shown that the engine compares with each other; 0: none yet. The "
        "others are each a group of their own, and `rescored` of a preview leaves them out."
    )
    columns: list[Column]
    contradictions: list[Contradiction]
    question: AskedOf | None
    tasks: list[Other]


class WantedColumn(Asked):
    """Mentions that shall be one person."""

    identity: Id | None = Field(
        default=None,
        description="The identity that it goes on with, unnamed mentions of it included; null: "
        "somebody of their own.",
    )
    mentions: list[Mention] = Field(max_length=20_000)
    confirmed: bool = Field(
        default=False, description="Whether you say of all of them that they are one person."
    )
    nowhere: bool = Field(
        default=False, description="The column of mentions that are nowhere: they stay so."
    )


class Arrangement(Asked):
    """Columns as they shall be; those that did not change may be left out."""

    columns: list[WantedColumn] = Field(max_length=200)
    unsure: list[Mention] = Field(
        default=[], max_length=2_000, description="Looked at and not to be told; they stay."
    )
    name: Name = None
    task: Task = None
    also: list[Id] = Field(
        default=[],
        max_length=50,
        description="Other open questions that the columns answer as they then stand: people in "
        "two columns are two, a column is one. The board tells which can be named (`settles`).",
    )
    same_work: bool = Field(
        default=False, description="Whether two authors of one work may come to be one person."
    )


class Commit(Arrangement):
    """An arrangement to be published."""

    versions: Versions = None
    reason: Reason = None
    evidence: Evidence = None
    override: bool = Field(
        default=False, description="Take back the decisions that stand against it."
    )


class Redirection(Shape):
    """An id that would lead to another."""

    from_id: str = Field(alias="from")
    to: str


class Overridden(Shape):
    """A decision that stands against the arrangement."""

    decision: str
    kind: str
    action: str
    actor: str
    at: str
    reason: str | None
    text: str = Field(description="What it states, with the chain that leads there.")


class Closed(Shape):
    """A question that the arrangement answers."""

    id: str
    kind: str


class Hindrance(Shape):
    """What stands in the way of a commit, besides decisions."""

    kind: Literal["same-work", "blind"] = Field(
        description="Two authors of one work, which `same_work` allows; or a blind question that "
        "it would settle."
    )
    text: str
    mentions: list[str]


class Rescored(Shape):
    """What the engine would change next."""

    kind: Literal["merge", "split", "move"]
    text: str
    mentions: int
    new: bool = Field(description="Whether it follows from the arrangement.")


class Preview(Shape):
    """What an arrangement would do."""

    moved: int = Field(description="Mentions that change identity.")
    kept: list[str]
    created: int
    redirected: list[Redirection]
    gone: list[str] = Field(description="Ids that end without a single successor.")
    overridden: list[Overridden]
    closes: list[Closed]
    conflicts: list[Hindrance]
    rescored: list[Rescored]
    compared: int = Field(description="Mentions of the board that `rescored` looked at.")
    mentions: int = Field(description="Mentions of the board.")


class Committed(DecisionMade):
    """An arrangement that was published: one event, undone like any decision."""

    moved: int = Field(description="Mentions that changed identity.")
    unsure: str | None = Field(description="Decision that notes what could not be told.")
    overridden: list[Overridden]


class Comparison(Shape):
    """Why two mentions are one person, or are two: the sum of what each feature adds."""

    a: dict[str, Any]
    b: dict[str, Any]
    same: bool
    probability: float
    decided_by: str
    because: list[str]
    same_block: bool
    pair: dict[str, Any]
    groups: dict[str, Any]
