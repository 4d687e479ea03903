"""Values that queries and use cases of the name board return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from service.decisions.results import DecisionMade, Overridden
from service.external_ids.results import Address
from service.values import UNSET, UnsetType, Value, doc, field

ChangeKind = Literal["merge", "split", "move"]


class Companion(Value, kw_only=True):
    """A co-author of a paper."""

    identity: Annotated[str | None, doc("null: unassigned.")]
    name: str


class BoardPaper(Value, kw_only=True):
    """A mention with its work."""

    work: str
    position: int
    printed: Annotated[str, doc("Name as printed.")]
    title: str
    venue: str | None
    year: int | None
    affiliation: str | None
    authors: Annotated[int, doc("Number of authors, of whom some are listed.")]
    coauthors: Sequence[Companion]
    links: Sequence[Address]
    confidence: float | None
    origin: Annotated[str | None, doc("run, decision, placement or import; null: unassigned.")]


class Group(Value, kw_only=True):
    """A first-level group: mentions that almost certainly belong together."""

    id: str
    mentions: Sequence[BoardPaper]
    why: Sequence[str]


class Common(Value, kw_only=True):
    """A co-author, venue, title word or affiliation of a column."""

    name: str
    identity: Annotated[
        str | UnsetType | None, doc("Identity of a co-author; absent for other kinds.")
    ] = UNSET
    papers: int
    shared: Annotated[Sequence[int], doc("Indexes of other columns that share it, from 0.")]


class Column(Value, kw_only=True):
    """An identity, or the unassigned mentions, on a board."""

    identity: Annotated[str | None, doc("null: unassigned mentions.")]
    nowhere: bool
    title: str
    curated: bool
    papers: int
    mentions: int
    hidden: Annotated[int, doc("Number of mentions omitted.")]
    years: Mapping[str, int]
    groups: Sequence[Group]
    coauthors: Sequence[Common]
    venues: Sequence[Common]
    topics: Sequence[Common]
    affiliations: Sequence[Common]


class Contradiction(Value, kw_only=True):
    """Evidence that a column, or a pair of columns, is not one person."""

    columns: Sequence[int]
    text: str


class AskedOf(Value, kw_only=True):
    """The task for which the board was opened."""

    task: str
    kind: str
    blind: Annotated[
        bool,
        doc(
            "Whether reviewers answer without seeing each other's answers; a blind task is "
            "answered by `POST /v1/tasks/{id}/answers`, not by a commit."
        ),
    ]
    columns: Annotated[Sequence[int], doc("Columns concerned.")]
    groups: Annotated[Sequence[str], doc("Groups of the side in question.")]
    probability: Annotated[float | None, doc("Probability that the two sides are one person.")]
    for_: Sequence[str] = field(name="for")
    against: Sequence[str]
    compare: Annotated[Sequence[str], doc("Representative mentions for /v1/compare.")]


class Other(Value, kw_only=True):
    """Another open task about these identities."""

    id: str
    kind: str
    question: str
    columns: Annotated[Sequence[int], doc("Columns concerned, of those shown.")]
    settles: Annotated[
        bool,
        doc(
            "Whether a commit can answer it as well: all its identities are shown, and it is not "
            "blind."
        ),
    ]


class Board(Value, kw_only=True):
    """All identities of a name, side by side."""

    name: str
    folded: str
    sequence: Annotated[int, doc("Sequence number of the last event included.")]
    versions: Annotated[
        Mapping[str, int], doc("Versions of the identities, to be sent with a commit.")
    ]
    mentions: Annotated[int, doc("Number of mentions of the name.")]
    hidden: Annotated[int, doc("Number of mentions omitted.")]
    left_out: Annotated[int, doc("Number of identities omitted.")]
    compared: Annotated[
        int,
        doc(
            "Number of shown mentions that the engine compares; 0: none yet. The others form "
            "groups of one, and `rescored` of a preview does not cover them."
        ),
    ]
    columns: Sequence[Column]
    contradictions: Sequence[Contradiction]
    question: AskedOf | None
    tasks: Sequence[Other]


class Redirection(Value, kw_only=True):
    """An id that would redirect to another."""

    from_: str = field(name="from")
    to: str


class Closed(Value, kw_only=True):
    """A task that the arrangement answers."""

    id: str
    kind: str


class Hindrance(Value, kw_only=True):
    """A reason, other than decisions, that prevents a commit."""

    kind: Annotated[
        Literal["same-work", "blind"],
        doc(
            "same-work: two authors of one work, which `same_work` permits; blind: a blind task "
            "that the commit would answer."
        ),
    ]
    text: str
    mentions: Sequence[str]


class Rescored(Value, kw_only=True):
    """A change that the next clustering would make."""

    kind: ChangeKind
    text: str
    mentions: int
    new: Annotated[bool, doc("Whether it results from the arrangement.")]


class Preview(Value, kw_only=True):
    """Effects of an arrangement."""

    moved: Annotated[int, doc("Mentions that change identity.")]
    kept: Sequence[str]
    created: int
    redirected: Sequence[Redirection]
    gone: Annotated[Sequence[str], doc("Ids that end without a unique successor.")]
    overridden: Sequence[Overridden]
    conflicts: Sequence[Hindrance]
    closes: Sequence[Closed]
    rescored: Sequence[Rescored]
    compared: Annotated[int, doc("Number of mentions on the board covered by `rescored`.")]
    mentions: Annotated[int, doc("Number of mentions on the board.")]


class Committed(DecisionMade, kw_only=True):
    """A published arrangement: one event, undone like any decision."""

    moved: Annotated[int, doc("Mentions that changed identity.")]
    unsure: Annotated[str | None, doc("Decision that records the undecidable mentions.")]
    overridden: Sequence[Overridden]


class MentionComparison(Value, kw_only=True):
    """Evidence whether two mentions are one person: contributions of each feature."""

    a: Mapping[str, Any]
    b: Mapping[str, Any]
    same: bool
    probability: float
    decided_by: str
    because: Sequence[str]
    same_block: bool
    pair: Mapping[str, Any]
    groups: Mapping[str, Any]
