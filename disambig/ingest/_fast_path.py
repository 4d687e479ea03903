"""Authors and works made at the speed of plain objects.

The ``__init__`` of a frozen dataclass sets each field through ``object.__setattr__``, which
takes three times as long as the rest of making it, for hundreds of thousands of authors. Here a
plain object of the same layout is filled, and then becomes the frozen one.

Records in canonical shape, told without pydantic: nearly every record of a good file is one.

What :class:`disambig.ingest.NativeWork` would take as it stands, and nothing else: the limits
below are the model's own. A record of any other shape goes to the model, which also says what
is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson

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


MAX_ID = 512
MAX_NAME = 2_000
MAX_LINE = 10_000
MAX_KEYWORD = 1_000
MAX_ABSTRACT = 1_000_000
MAX_AUTHORS = 10_000
MAX_AFFILIATIONS = 100
MAX_KEYWORDS = 1_000
MAX_IDS = 100
MAX_CITATIONS = 10**12
#: Keys that the number of citations may have; the first of them that is there counts.
CITATION_KEYS = ("citations", "citation_count", "n_citation")


def canonical(line: bytes) -> dict[str, Any] | None:
    """A record decoded, or None where it is not in canonical shape (or no JSON at all).

    ``citations`` holds the number of citations under whatever key it came. A key of another
    name may only hold a text, a number, a truth value or null: of deeper values the decoders
    disagree on how deep they may be.
    """
    try:
        row: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if type(row) is not dict or not _values_fit(row, _TEXTS, _OTHERS):
        return None
    if not row.get("id") or row.get("title") is None or row.get("authors") is None:
        return None
    if "citations" not in row:
        for key in CITATION_KEYS:
            if key in row:
                row["citations"] = row[key]
                break
    return row


def _values_fit(
    row: dict[str, Any], texts: Mapping[str, int], others: Mapping[str, Callable[[Any], bool]]
) -> bool:
    """Whether each value is null, a text that is not too long, or what its key may hold else.

    ``texts`` gives the longest text of each known key, -1 where it may not hold one.
    """
    for key, value in row.items():
        if type(value) is str:
            if len(value) > texts.get(key, len(value)):
                return False
        elif value is not None:
            fits = others.get(key)
            if fits is None:
                if key in texts or type(value) not in _PLAIN:
                    return False
            elif not fits(value):
                return False
    return True


def _is_year(value: Any) -> bool:
    return type(value) is int


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_CITATIONS


def _are_authors(value: Any) -> bool:
    return type(value) is list and len(value) <= MAX_AUTHORS and all(map(_is_author, value))


def _is_author(entry: Any) -> bool:
    if type(entry) is not dict:
        return False
    name = entry.get("name")
    if type(name) is not str or not 0 < len(name) <= MAX_NAME:
        return False
    if len(entry) == 1:
        return True
    if len(entry) == 2:  # of nearly all records that state more than names
        affiliation = entry.get("affiliation")
        if type(affiliation) is str and len(affiliation) <= MAX_LINE:
            return True
    return _values_fit(entry, _AUTHOR_TEXTS, _AUTHOR_OTHERS)


def _are_texts(value: Any, most: int, longest: int) -> bool:
    return (
        type(value) is list
        and len(value) <= most
        and all(type(text) is str and len(text) <= longest for text in value)
    )


def _are_keywords(value: Any) -> bool:
    return _are_texts(value, MAX_KEYWORDS, MAX_KEYWORD)


def _are_affiliations(value: Any) -> bool:
    return _are_texts(value, MAX_AFFILIATIONS, MAX_LINE)


def _are_ids(value: Any) -> bool:
    return (
        type(value) is dict
        and len(value) <= MAX_IDS
        and all(
            type(text) is str and 0 < len(key) <= MAX_ID and 0 < len(text) <= MAX_ID
            for key, text in value.items()
        )
    )


_PLAIN = (int, float, bool)
_OTHERS: dict[str, Callable[[Any], bool]] = {
    "authors": _are_authors,
    "year": _is_year,
    "keywords": _are_keywords,
    "ids": _are_ids,
    **dict.fromkeys(CITATION_KEYS, _is_count),
}
_TEXTS = {
    "id": MAX_ID,
    "title": MAX_LINE,
    "abstract": MAX_ABSTRACT,
    "venue": MAX_LINE,
    "doi": MAX_KEYWORD,
    "arxiv": MAX_KEYWORD,
    **dict.fromkeys(_OTHERS, -1),
}
_AUTHOR_OTHERS: dict[str, Callable[[Any], bool]] = {"affiliations": _are_affiliations}
_AUTHOR_TEXTS = {
    "name": MAX_NAME,
    "given": MAX_NAME,
    "family": MAX_NAME,
    "affiliation": MAX_LINE,
    "orcid": MAX_KEYWORD,
    "email": MAX_KEYWORD,
    "affiliations": -1,
}
