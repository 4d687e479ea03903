"""From the fields of one record, in canonical shape, to a work: every text cleaned and told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from disambig.domain import Author, Work
from disambig.ingest import _frozen
from disambig.ingest._fields import clean, doi, email, is_clean, orcid, split_affiliations
from disambig.ingest._problems import BadRecord, Repair, show

MIN_YEAR = 1000
NAME_REMEDY = "give the author's name or remove the entry"
_Fields = Mapping[str, Any]


def work_of(
    record: _Fields, repairs: list[Repair], *, max_year: int, text_only: bool = False
) -> Work:
    """The work that a record says. Repairs are added to ``repairs``.

    Parameters
    ----------
    record
        Fields of a :class:`disambig.ingest.NativeWork`, authors as mappings as well; what is
        not stated may be missing, None or empty.
    text_only
        Whether a work may be without authors.

    Raises
    ------
    BadRecord
        The record cannot be used; it names the field and the remedy.
    """
    get = record.get
    title = clean(record["title"], "title", repairs)
    if not title:
        raise BadRecord("title", "is missing", "give the work its title")
    entries = record["authors"]
    if not entries and not text_only:
        raise BadRecord("authors", "is empty", "list at least one author")
    identifier, year = record["id"], get("year")
    if not identifier.isprintable() or identifier.isspace():
        raise BadRecord("id", f"{show(identifier)} is not printable", "use visible characters")
    if year is not None and not MIN_YEAR <= year <= max_year:
        raise _bad_year(year, max_year)
    authors = tuple([_author(entry, at, repairs) for at, entry in enumerate(entries)])
    abstract, venue, keywords = get("abstract"), get("venue"), get("keywords")
    return _frozen.work(
        identifier,
        title,
        authors,
        clean(abstract, "abstract", repairs, multiline=True) or None if abstract else None,
        _venue(venue, repairs) if venue else None,
        year,
        _keywords(keywords, repairs) if keywords else (),
        _ids(record, repairs),
        get("citations"),
    )


def _venue(text: str, repairs: list[Repair]) -> str | None:
    return _shared(clean(text, "venue", repairs)) or None


def _keywords(words: list[str], repairs: list[Repair]) -> tuple[str, ...]:
    cleaned = [clean(word, "keywords", repairs) for word in words]
    return tuple([word for word in cleaned if word])


@lru_cache(maxsize=8192)
def _shared(text: str) -> str:
    # The same text comes back in record after record; it is stored only once.
    return text


def _author(entry: _Fields, at: int, repairs: list[Repair]) -> Author:
    name, get = entry["name"], entry.get
    if not is_clean(name):
        name = clean(name, f"authors[{at}].name", repairs)
        if not name:
            raise BadRecord(f"authors[{at}].name", "is empty", NAME_REMEDY)
    if len(entry) == 1:
        return _frozen.author(name)
    one = get("affiliation")
    if one and len(entry) == 2:
        return _frozen.author(name, None, None, _affiliations(one, None, at, repairs))
    given, family, iris, address = get("given"), get("family"), get("orcid"), get("email")
    return _frozen.author(
        name,
        clean(given, f"authors[{at}].given", repairs) or None if given else None,
        clean(family, f"authors[{at}].family", repairs) or None if family else None,
        _affiliations(one, get("affiliations"), at, repairs),
        orcid(iris, f"authors[{at}].orcid", repairs) if iris else None,
        email(address, f"authors[{at}].email", repairs) if address else None,
    )


def _affiliations(
    one: str | None, several: list[str] | None, at: int, repairs: list[Repair]
) -> tuple[str, ...]:
    if several is None:
        if not one:
            return ()
        cleaned, problem = _one_affiliation(one)
    else:
        cleaned, problem = _cleaned((*(split_affiliations(one) if one else ()), *several))
    if problem:
        repairs.append(Repair(f"authors[{at}].affiliations", problem, "cleaned"))
    return cleaned


@lru_cache(maxsize=8192)
def _one_affiliation(text: str) -> tuple[tuple[str, ...], str]:
    # The same text comes back for colleague after colleague; it is also stored only once.
    if "+" not in text and is_clean(text):
        return (text,), ""
    return _cleaned(split_affiliations(text))


def _cleaned(texts: Iterable[str]) -> tuple[tuple[str, ...], str]:
    repairs: list[Repair] = []
    cleaned = [clean(text, "", repairs) for text in texts]
    return tuple(dict.fromkeys(filter(None, cleaned))), repairs[0].problem if repairs else ""


def _ids(record: _Fields, repairs: list[Repair]) -> tuple[tuple[str, str], ...]:
    ids, a_doi, arxiv = record.get("ids"), record.get("doi"), record.get("arxiv")
    if not (ids or a_doi or arxiv):
        return ()
    stated = {clean(k, "ids", repairs).lower(): v for k, v in (ids or {}).items()}
    for key, value in (("doi", a_doi), ("arxiv", arxiv)):
        if value:
            stated[key] = value
    cleaned = {key: clean(value, f"ids.{key}", repairs) for key, value in stated.items()}
    if "doi" in cleaned:
        cleaned["doi"] = doi(cleaned["doi"], repairs)
    return tuple(sorted((key, value) for key, value in cleaned.items() if key and value))


def _bad_year(year: object, max_year: int) -> BadRecord:
    return BadRecord(
        "year",
        f"{show(year)} is no year between {MIN_YEAR} and {max_year}",
        "give four digits, or leave it out",
    )
