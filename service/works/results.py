"""Values that queries of works return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from service.values import Value, doc


class WorkEntry(Value, kw_only=True):
    """A work in a list."""

    id: str
    title: str
    venue: str | None
    year: int | None
    citations: int | None
    authors: Annotated[int, doc("Number of authors.")]
    version: int


class Works(Value, kw_only=True):
    """A page of works."""

    items: Sequence[WorkEntry]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]


class IdentityShort(Value, kw_only=True):
    """Id and name of an identity."""

    id: str
    name: str


class WorkAuthor(Value, kw_only=True):
    """An author of a work."""

    position: Annotated[int, doc("Counted from 0; positions of unnamed authors are omitted.")]
    name: Annotated[str, doc("As printed.")]
    affiliation: str | None
    orcid: str | None
    identity: Annotated[IdentityShort | None, doc("null if unassigned or in an old version.")]
    confidence: float | None
    origin: str | None


class SourceShown(Value, kw_only=True):
    """A delivery of works."""

    kind: str
    label: str
    format: str


class WorkVersionShown(Value, kw_only=True):
    """Provenance of a version of a work."""

    version: int
    received_at: datetime
    source: SourceShown
    line: Annotated[int, doc("Line of the source, counted from 1; 0 if unknown.")]


class WorkPage(Value, kw_only=True):
    """A work with the identities of its authors and its provenance."""

    id: str
    version: Annotated[int, doc("The version shown.")]
    current: Annotated[int, doc("The current version.")]
    title: str
    abstract: str | None
    venue: str | None
    year: int | None
    keywords: Sequence[str]
    ids: Annotated[Mapping[str, str], doc("Other ids of the work, such as its DOI.")]
    citations: int | None
    affiliations: Annotated[Sequence[str], doc("Printed for the work as a whole.")]
    authors_complete: Annotated[bool, doc("False if the source truncated the list.")]
    authors: Sequence[WorkAuthor]
    versions: Annotated[Sequence[WorkVersionShown], doc("The latest 100, newest first.")]
