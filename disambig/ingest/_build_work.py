"""One field at a time: hostile characters, ORCID iDs, DOIs, e-mail, joined affiliations.

From the fields of one record, in canonical shape, to a work: every text cleaned and told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from disambig.domain import Author, Work
from disambig.ingest import _fast_path
from disambig.ingest._problems import BadRecord, Repair, show

# Controls, bidirectional marks and overrides, zero-width spaces, byte order marks, soft hyphens
# and tags. U+200C and U+200D stay: Persian and Indic names are spelt with them.
_HOSTILE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile("[ \t\n]+")
_ORCID = re.compile(
    r"(?:orcid:\s*)?(?:https?://)?(?:(?:www\.)?orcid\.org/)?"
    r"(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dX])/?",
    re.ASCII | re.IGNORECASE,
)
_DOI_PREFIX = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)(?=10\.)", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s.<>\"]+")
_MAX_EMAIL = 320


def clean(text: str, field: str, repairs: list[Repair], *, multiline: bool = False) -> str:
    """Text without what could act on a terminal or page, in Unicode's composed form (NFC).

    Line breaks and tabs become one space unless ``multiline``; blanks at the ends go. Inner
    blanks, case and spelling stay as printed. Whatever changes is added to ``repairs``.
    """
    if is_clean(text):
        return text
    composed = unicodedata.normalize("NFC", text)
    broken = _BREAKS.sub("\n", composed)
    lines = broken if multiline else _BLANKS.sub(_one_space, broken)
    bare = _HOSTILE.sub("", lines)
    result = bare.strip()
    if result != text:
        reasons = (
            ("not in Unicode's composed form", composed != text),
            ("line breaks or tabs", lines != composed),
            ("control or invisible characters", bare != lines),
            ("blanks at its ends", result != bare),
        )
        found = ", ".join(reason for reason, applies in reasons if applies)
        repairs.append(Repair(field, found, "cleaned"))
    return result


def is_clean(text: str) -> bool:
    """Whether :func:`clean` would leave a text as it is; False may be a text it leaves, too."""
    # What clean takes out is all unprintable, and the one printable blank is the space.
    return (
        text.isprintable()
        and text.strip(" ") == text
        and (text.isascii() or unicodedata.is_normalized("NFC", text))
    )


def _one_space(blanks: re.Match[str]) -> str:
    """A space for blanks with a line break or tab among them; spaces alone stay as they are."""
    return " " if blanks[0].strip(" ") else blanks[0]


def orcid(text: str, field: str, repairs: list[Repair]) -> str | None:
    """A bare ORCID iD such as ``0000-0002-1825-0097``; None where its check digit fails.

    The check digit is ISO 7064 MOD 11-2 over the first fifteen digits.
    """
    found = _ORCID.fullmatch(text.strip())
    if found is None:
        repairs.append(Repair(field, "not an ORCID iD", "left out; the record was kept"))
        return None
    value = "-".join(found.groups()).upper()
    if not _check_digit_holds(value.replace("-", "")):
        repairs.append(Repair(field, "wrong check digit", "left out; the record was kept"))
        return None
    if value != text:
        repairs.append(Repair(field, "not a bare ORCID iD", f"read as {value}"))
    return value


def _check_digit_holds(digits: str) -> bool:
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    expected = (12 - total % 11) % 11
    return digits[-1] == ("X" if expected == 10 else str(expected))


def email(text: str, field: str, repairs: list[Repair]) -> str | None:
    """An e-mail address, or None where the text is none."""
    value = text.strip()
    if len(value) > _MAX_EMAIL or not _EMAIL.fullmatch(value):
        repairs.append(Repair(field, "not an e-mail address", "left out; the record was kept"))
        return None
    return value


def doi(text: str, repairs: list[Repair]) -> str:
    """A DOI without resolver address or ``doi:``."""
    value = _DOI_PREFIX.sub("", text, count=1)
    if value != text:
        repairs.append(Repair("doi", "not a bare DOI", "prefix removed"))
    return value


def split_affiliations(text: str) -> list[str]:
    """Affiliations joined with "+" in one string.

    Only a "+" that plainly joins is a joint: tight or spaced on both sides, and a letter or
    "(" after it. A telephone number's "+1 505" stays where it is.

    >>> split_affiliations("University of Oxford+Google")
    ['University of Oxford', 'Google']
    >>> split_affiliations("Los Alamos, Tel.: +1 505 665")
    ['Los Alamos, Tel.: +1 505 665']
    """
    first, *rest = text.split("+")
    found = [first]
    for part in rest:
        if _joins(found[-1], part):
            found[-1] = found[-1].rstrip(" ")
            found.append(part.lstrip(" "))
        else:
            found[-1] += f"+{part}"
    return found


def _joins(before: str, after: str) -> bool:
    spaced = before.endswith(" ") and after.startswith(" ")
    if spaced:
        before, after = before[:-1], after[1:]
    return before[-1:] not in ("", " ", "+") and (after[:1].isalpha() or after[:1] == "(")


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
    return _fast_path.work(
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
        return _fast_path.author(name)
    one = get("affiliation")
    if one and len(entry) == 2:
        return _fast_path.author(name, None, None, _affiliations(one, None, at, repairs))
    given, family, iris, address = get("given"), get("family"), get("orcid"), get("email")
    return _fast_path.author(
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
