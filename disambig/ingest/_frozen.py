"""Authors and works made at the speed of plain objects.

The ``__init__`` of a frozen dataclass sets each field through ``object.__setattr__``, which
takes three times as long as the rest of making it, for hundreds of thousands of authors. Here a
plain object of the same layout is filled, and then becomes the frozen one.
"""

from __future__ import annotations

from typing import cast

from disambig.domain import Author, Work


class _Author:
    __slots__ = Author.__slots__

    def __init__(
        self,
        name: str,
        given: str | None,
        family: str | None,
        affiliations: tuple[str, ...],
        orcid: str | None,
        email: str | None,
    ) -> None:
        self.name = name
        self.given = given
        self.family = family
        self.affiliations = affiliations
        self.orcid = orcid
        self.email = email


class _Work:
    __slots__ = Work.__slots__

    def __init__(
        self,
        id: str,
        title: str,
        authors: tuple[Author, ...],
        abstract: str | None,
        venue: str | None,
        year: int | None,
        keywords: tuple[str, ...],
        ids: tuple[tuple[str, str], ...],
        citations: int | None,
    ) -> None:
        self.id = id
        self.title = title
        self.authors = authors
        self.abstract = abstract
        self.venue = venue
        self.year = year
        self.keywords = keywords
        self.ids = ids
        self.citations = citations
        self.authors_complete = True
        self.affiliations = ()


def author(
    name: str,
    given: str | None = None,
    family: str | None = None,
    affiliations: tuple[str, ...] = (),
    orcid: str | None = None,
    email: str | None = None,
) -> Author:
    """``Author(...)`` of the same arguments."""
    made = _Author(name, given, family, affiliations, orcid, email)
    made.__class__ = Author  # type: ignore[assignment]
    return cast(Author, made)


def work(
    id: str,
    title: str,
    authors: tuple[Author, ...] = (),
    abstract: str | None = None,
    venue: str | None = None,
    year: int | None = None,
    keywords: tuple[str, ...] = (),
    ids: tuple[tuple[str, str], ...] = (),
    citations: int | None = None,
) -> Work:
    """``Work(...)`` of the same arguments."""
    made = _Work(id, title, authors, abstract, venue, year, keywords, ids, citations)
    made.__class__ = Work  # type: ignore[assignment]
    return cast(Work, made)
