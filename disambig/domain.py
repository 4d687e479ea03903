"""Frozen values of the domain: works, authors, signatures, labels, constraints, assignments.

Only the standard library is imported here. A *printed name* is the name that a source shows
(:attr:`Author.name`); :class:`disambig.names.ParsedName` is the same parsed and normalised. The
human being is a *person* in gold labels (:class:`Label`) and an *identity* in the output
(:class:`Assignment`). Works have no labels, so that labels cannot leak into features.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

POSITION_BITS = 20
"""Bits of the position where work and position are packed into one integer: a work has fewer than
a million authors."""


@dataclass(frozen=True, slots=True)
class Author:
    """One author as printed on a work. ``None`` or an empty tuple means not stated."""

    name: str
    given: str | None = None
    family: str | None = None
    affiliations: tuple[str, ...] = ()
    orcid: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """One paper. ``authors_complete`` is False if the source truncated its list, or may have.

    ``affiliations`` are those printed for the work as a whole, of unknown authors. ``references``
    are the ids of the works that it cites, which need not be known; ``collaborations`` the names
    of those that its authors belong to. An author without a name keeps the positions of the
    others; it is not a signature.
    """

    id: str
    title: str
    authors: tuple[Author, ...] = ()
    abstract: str | None = None
    venue: str | None = None
    year: int | None = None
    keywords: tuple[str, ...] = ()
    ids: tuple[tuple[str, str], ...] = ()
    citations: int | None = None
    authors_complete: bool = True
    affiliations: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    collaborations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Signature:
    """One author mention: the id of a work and the position of the author, counted from 0."""

    work: str
    position: int

    def __str__(self) -> str:
        """Return ``WORK:POSITION``, the form that commands accept."""
        return f"{self.work}:{self.position}"


@dataclass(frozen=True, slots=True)
class Label:
    """Gold label: the person of a signature, with the block and split of its evaluation."""

    signature: Signature
    person: str
    name: str = ""
    block: str = ""
    split: str = ""


class ConstraintKind(StrEnum):
    """Must-link or cannot-link between two signatures, by a human or an identifier."""

    MUST = "must"
    CANNOT = "cannot"


@dataclass(frozen=True, slots=True)
class Constraint:
    """Two signatures that must be, or cannot be, one person."""

    kind: ConstraintKind
    a: Signature
    b: Signature
    source: str = field(default="user", compare=False)


@dataclass(frozen=True, slots=True)
class Assignment:
    """One row of the result: a signature and its identity.

    ``confidence`` is the calibrated probability, in [0, 1], that the signature belongs to the
    rest of its identity.
    """

    signature: Signature
    name: str
    identity: str
    confidence: float
