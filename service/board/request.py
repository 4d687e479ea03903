"""An arrangement as a client requests it, and as planned against the published state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from disambig.domain import Signature
from service.board.arrangement import Arrangement, Sides, build_links
from service.constraints.links import Link
from service.decisions.draft import DecisionScope
from service.decisions.override import find_contradicted
from service.decisions.results import Overridden

DRAFT_ID = "d-"
"""Placeholder id of a decision that is not recorded yet."""


@dataclass(frozen=True, slots=True)
class ColumnRequest:
    """A column as requested by a client.

    Attributes
    ----------
    mentions : tuple of Signature
    identity : str or None
        Id of the identity that it continues; None: a new identity.
    is_confirmed : bool
        See :class:`service.board.arrangement.ArrangedColumn`.
    is_unassigned : bool
        Whether it is the column of unassigned mentions, which stay unassigned.
    """

    mentions: tuple[Signature, ...]
    identity: str | None = None
    is_confirmed: bool = False
    is_unassigned: bool = False


@dataclass(frozen=True)
class ArrangementRequest:
    """An arrangement as requested by a client.

    Attributes
    ----------
    columns : sequence of ColumnRequest
    unsure : sequence of Signature
        Reviewed but undecidable mentions; they are not moved.
    answers : sequence of (sequence of Signature, sequence of Signature)
        Tasks that it answers: the two sides of each.
    versions : mapping of str to int
        Version of each identity as the client read it.
    same_work : bool
        Whether two authors of one work may be merged into one identity.
    """

    columns: Sequence[ColumnRequest]
    unsure: Sequence[Signature] = ()
    answers: Sequence[tuple[Sequence[Signature], Sequence[Signature]]] = ()
    versions: Mapping[str, int] = field(default_factory=dict)
    same_work: bool = False


@dataclass(frozen=True)
class BoardRequest:
    """An arrangement as requested from the board of a name.

    Attributes
    ----------
    name : str
        Printed name of the board.
    arrangement : ArrangementRequest
        Without ``answers``, which the tasks determine.
    task : str or None
        Id of the task for which the board was opened.
    also : sequence of str
        Ids of the other tasks that it answers.
    """

    name: str
    arrangement: ArrangementRequest
    task: str | None = None
    also: Sequence[str] = ()

    @property
    def task_ids(self) -> list[str]:
        """Ids of all tasks that it answers, each once."""
        return list(dict.fromkeys([*([self.task] if self.task else []), *self.also]))


@dataclass(frozen=True)
class ArrangementPlan:
    """An arrangement planned against the published state.

    Attributes
    ----------
    ids : dict of int to str
        Ids of the affected identities, by key.
    """

    arrangement: Arrangement
    scope: DecisionScope
    ids: dict[int, str]
    unsure: list[int]
    sides: list[Sides]

    def build_links(self, decision: str) -> list[Link]:
        """Return the links that the arrangement states, with the id of a decision."""
        return build_links(self.arrangement, decision, self.sides)

    def find_contradicted(self) -> list[Overridden]:
        """Return the decisions in force that contradict it."""
        connection = self.scope.connection
        return find_contradicted(
            connection, self.arrangement.target, self.build_links(DRAFT_ID), DRAFT_ID
        )
