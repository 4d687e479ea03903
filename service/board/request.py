"""TODO docstring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.board.arrangement import Arrangement, Sides, links_of
from service.decisions.draft import DecisionScope, SignatureRef
from service.decisions.override import Overridden, find_contradicted

DRAFT_ID = "d-"
"""What a decision is called that is not made yet."""


@dataclass(frozen=True, slots=True)
class ColumnRequest:
    """A column as a client sends it.

    Attributes
    ----------
    mentions : tuple of Mention
    identity : str or None
        Id of the identity that it goes on with; None: somebody of their own.
    confirmed : bool
        See :class:`service.board.arrangement.Column`.
    nowhere : bool
        The column of mentions that are published under nobody: they stay so.
    """

    mentions: tuple[SignatureRef, ...]
    identity: str | None = None
    is_confirmed: bool = False
    is_unassigned: bool = False


@dataclass(frozen=True)
class ArrangementRequest:
    """What a client wants.

    Attributes
    ----------
    columns : sequence of WantedColumn
    unsure : sequence of Mention
        Looked at, and not to be told; they stay where they are.
    answers : sequence of (sequence of Mention, sequence of Mention)
        Questions that this answers: sides of which it was asked whether they are one person.
    versions : mapping of str to int
        Version of each identity as the client read it.
    same_work : bool
        Whether two authors of one work may come to be one person.
    """

    columns: Sequence[ColumnRequest]
    unsure: Sequence[SignatureRef] = ()
    answers: Sequence[tuple[Sequence[SignatureRef], Sequence[SignatureRef]]] = ()
    versions: Mapping[str, int] = field(default_factory=dict)
    same_work: bool = False


@dataclass(frozen=True)
class ArrangementPlan:
    """An arrangement held against what is published.

    Attributes
    ----------
    ids : dict of int to str
        Ids of the identities it touches, by key.
    links : list of Link
        What it states, under the name :data:`DRAFT`.
    """

    arrangement: Arrangement
    scope: DecisionScope
    ids: dict[int, str]
    unsure: list[int]
    sides: list[Sides]

    def build_links(self, decision: str) -> list[Any]:
        """What the arrangement states as links of a decision."""
        return links_of(self.arrangement, decision, self.sides)

    def find_contradicted(self) -> list[Overridden]:
        """Decisions in force that stand against it."""
        connection = self.scope.connection
        return find_contradicted(
            connection, self.arrangement.target, self.build_links(DRAFT_ID), DRAFT_ID
        )
