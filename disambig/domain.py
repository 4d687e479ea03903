"""The nouns of the field, as frozen values: works, authors, signatures, labels, constraints.

Only the standard library is imported here. A *printed name* is what the source shows
(:attr:`Author.name`); what it parses to is :class:`disambig.names.ParsedName`; who it is, is a
*person* in gold labels (:class:`Label`) and an *identity* in our output
(:class:`Assignment`). Labels never ride on works, so what features cannot see cannot leak.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


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
    """One paper. ``authors_complete`` is False where the source cut its list, or may have.

    ``affiliations`` are those printed for the work as a whole, of unknown authors. An author
    without a name holds a place so that others keep their positions; it is no signature.
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


@dataclass(frozen=True, slots=True, order=True)
class Signature:
    """One author mention: a work's id and the author's position on it, counted from 0."""

    work: str
    position: int

    def __str__(self) -> str:
        """``WORK:POSITION``, as commands take it."""
        return f"{self.work}:{self.position}"


@dataclass(frozen=True, slots=True)
class Label:
    """Gold: which person a signature is, with the block and split it is measured in."""

    signature: Signature
    person: str
    name: str = ""
    block: str = ""
    split: str = ""


class ConstraintKind(StrEnum):
    """What a human (or an identifier) says about a pair of signatures."""

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
    """One row of the result: a signature and the identity it was given.

    ``confidence`` is the calibrated probability, in [0, 1], that the signature belongs with
    the rest of its identity.
    """

    signature: Signature
    name: str
    identity: str
    confidence: float
