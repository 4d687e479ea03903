"""Fast path of reading: create authors and works, and validate canonical records without pydantic.

The ``__init__`` of a frozen dataclass sets each field through ``object.__setattr__``, which takes
three times as long as the rest of creating it, for hundreds of thousands of authors. Here a plain
object with the same slots is filled, and then its class is changed to the frozen one.

A record is canonical if :class:`disambig.ingest.NativeWork` accepts it unchanged; the limits below
are those of the model. Nearly every record of a good file is canonical. Any other record goes to
the model, which also reports what is wrong with it.
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
        references: tuple[str, ...],
        collaborations: tuple[str, ...],
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
        self.references = references
        self.collaborations = collaborations


def make_author(
    name: str,
    given: str | None = None,
    family: str | None = None,
    affiliations: tuple[str, ...] = (),
    orcid: str | None = None,
    email: str | None = None,
) -> Author:
    """Create ``Author(...)`` of the same arguments."""
    instance = _Author(name, given, family, affiliations, orcid, email)
    instance.__class__ = Author  # type: ignore[assignment]
    return cast(Author, instance)


def make_work(
    id: str,
    title: str,
    authors: tuple[Author, ...] = (),
    abstract: str | None = None,
    venue: str | None = None,
    year: int | None = None,
    keywords: tuple[str, ...] = (),
    ids: tuple[tuple[str, str], ...] = (),
    citations: int | None = None,
    *,
    references: tuple[str, ...] = (),
    collaborations: tuple[str, ...] = (),
) -> Work:
    """Create ``Work(...)`` of the same arguments."""
    instance = _Work(
        id,
        title,
        authors,
        abstract,
        venue,
        year,
        keywords,
        ids,
        citations,
        references,
        collaborations,
    )
    instance.__class__ = Work  # type: ignore[assignment]
    return cast(Work, instance)


MAX_ID = 512
MAX_NAME = 2_000
MAX_LINE = 10_000
MAX_KEYWORD = 1_000
MAX_ABSTRACT = 1_000_000
MAX_AUTHORS = 10_000
MAX_AFFILIATIONS = 100
MAX_KEYWORDS = 1_000
MAX_IDS = 100
MAX_REFERENCES = 10_000
MAX_COLLABORATIONS = 100
MAX_CITATIONS = 10**12
#: Keys for the number of citations; the first one that is present counts.
CITATION_KEYS = ("citations", "citation_count", "n_citation")


def decode_canonical(line: bytes) -> dict[str, Any] | None:
    """Decode a record; None if it is not canonical, or not JSON.

    ``citations`` is the number of citations, whichever key states it. An unknown key may only have
    a text, a number, a boolean or null: the decoders differ in how deep other values may nest.
    """
    try:
        row: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if type(row) is not dict or not _are_values_valid(row, _TEXT_LIMITS, _CHECKS):
        return None
    if not row.get("id") or row.get("title") is None or row.get("authors") is None:
        return None
    if "citations" not in row:
        for key in CITATION_KEYS:
            if key in row:
                row["citations"] = row[key]
                break
    return row


def _are_values_valid(
    row: dict[str, Any], text_limits: Mapping[str, int], checks: Mapping[str, Callable[[Any], bool]]
) -> bool:
    """Whether each value is null, a text that is not too long, or passes the check of its key.

    ``texts`` gives the maximum length of the text of each known key, -1 if it must not be a text.
    """
    for key, value in row.items():
        if type(value) is str:
            if len(value) > text_limits.get(key, len(value)):
                return False
        elif value is not None:
            check = checks.get(key)
            if check is None:
                if key in text_limits or type(value) not in _SCALAR_TYPES:
                    return False
            elif not check(value):
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
    if len(entry) == 2:  # in nearly all records that state more than names
        affiliation = entry.get("affiliation")
        if type(affiliation) is str and len(affiliation) <= MAX_LINE:
            return True
    return _are_values_valid(entry, _AUTHOR_TEXT_LIMITS, _AUTHOR_CHECKS)


def _are_texts(value: Any, max_texts: int, max_length: int) -> bool:
    return (
        type(value) is list
        and len(value) <= max_texts
        and all(type(text) is str and len(text) <= max_length for text in value)
    )


def _are_keywords(value: Any) -> bool:
    return _are_texts(value, MAX_KEYWORDS, MAX_KEYWORD)


def _are_affiliations(value: Any) -> bool:
    return _are_texts(value, MAX_AFFILIATIONS, MAX_LINE)


def _are_references(value: Any) -> bool:
    return _are_texts(value, MAX_REFERENCES, MAX_ID)


def _are_collaborations(value: Any) -> bool:
    return _are_texts(value, MAX_COLLABORATIONS, MAX_KEYWORD)


def _are_ids(value: Any) -> bool:
    return (
        type(value) is dict
        and len(value) <= MAX_IDS
        and all(
            type(text) is str and 0 < len(key) <= MAX_ID and 0 < len(text) <= MAX_ID
            for key, text in value.items()
        )
    )


_SCALAR_TYPES = (int, float, bool)
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "authors": _are_authors,
    "year": _is_year,
    "keywords": _are_keywords,
    "ids": _are_ids,
    "references": _are_references,
    "collaborations": _are_collaborations,
    **dict.fromkeys(CITATION_KEYS, _is_count),
}
_TEXT_LIMITS = {
    "id": MAX_ID,
    "title": MAX_LINE,
    "abstract": MAX_ABSTRACT,
    "venue": MAX_LINE,
    "doi": MAX_KEYWORD,
    "arxiv": MAX_KEYWORD,
    **dict.fromkeys(_CHECKS, -1),
}
_AUTHOR_CHECKS: dict[str, Callable[[Any], bool]] = {"affiliations": _are_affiliations}
_AUTHOR_TEXT_LIMITS = {
    "name": MAX_NAME,
    "given": MAX_NAME,
    "family": MAX_NAME,
    "suffix": MAX_NAME,
    "affiliation": MAX_LINE,
    "orcid": MAX_KEYWORD,
    "email": MAX_KEYWORD,
    "affiliations": -1,
}
