"""Build a work from the fields of a record: clean texts, check ORCID iDs, e-mails and DOIs.

Every change to a field is recorded as a :class:`Repair`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from disambig.decode import decode_text, is_decoded
from disambig.domain import Author, Work
from disambig.ingest import _fast_path
from disambig.ingest._problems import BadRecord, Repair, quote_value
from disambig.names.annotations import may_hold_more, split_email, split_persons
from disambig.orcid import is_orcid, read_orcid

# Controls, bidirectional marks and overrides, zero-width spaces, byte order marks, soft hyphens
# and tags. U+200C and U+200D stay: Persian and Indic names are spelt with them.
_HOSTILE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile("[ \t\n]+")
_DOI_PREFIX = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)(?=10\.)", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s.<>\"]+")
_MAX_EMAIL = 320


def clean_text(text: str, field: str, repairs: list[Repair], *, multiline: bool = False) -> str:
    """Decode (:func:`~disambig.decode.decode_text`), remove invisible characters, compose (NFC).

    Line breaks and tabs become one space unless ``multiline``; blanks at the ends are removed.
    Inner blanks, case and spelling stay as printed. A change is added to ``repairs``.
    """
    if is_clean(text):
        return text
    # TeX of abstracts is mostly formulas
    decoded, encodings = (text, ()) if multiline else decode_text(text)
    composed = unicodedata.normalize("NFC", decoded)
    uniform = _BREAKS.sub("\n", composed)
    lines = uniform if multiline else _BLANKS.sub(_collapse_blanks, uniform)
    visible = _HOSTILE.sub("", lines)
    result = visible.strip()
    if result != text:
        reasons = (
            *((encoding, True) for encoding in encodings),
            ("not in Unicode's composed form", composed != decoded),
            ("line breaks or tabs", lines != composed),
            ("control or invisible characters", visible != lines),
            ("blanks at its ends", result != visible),
        )
        problem = ", ".join(reason for reason, applies in reasons if applies)
        repairs.append(Repair(field, problem, "cleaned"))
    return result


def is_clean(text: str) -> bool:
    """Whether :func:`clean_text` certainly leaves a text unchanged; it may even if False."""
    # all removed characters are unprintable, and the only printable blank is the space
    return (
        text.isprintable()
        and text.strip(" ") == text
        and (text.isascii() or unicodedata.is_normalized("NFC", text))
        and is_decoded(text)
    )


def _collapse_blanks(blanks: re.Match[str]) -> str:
    """Return one space for blanks that include a line break or tab; spaces alone stay."""
    return " " if blanks[0].strip(" ") else blanks[0]


def parse_orcid(text: str, field: str, repairs: list[Repair]) -> str | None:
    """Return a bare ORCID iD such as ``0000-0002-1825-0097``; None if it is not valid."""
    value = read_orcid(text)
    if value is None:
        repairs.append(Repair(field, "not an ORCID iD", "left out; the record was kept"))
        return None
    if not is_orcid(value):
        repairs.append(Repair(field, "wrong check digit", "left out; the record was kept"))
        return None
    if value != text:
        repairs.append(Repair(field, "not a bare ORCID iD", f"read as {value}"))
    return value


def parse_email(text: str, field: str, repairs: list[Repair]) -> str | None:
    """Return an e-mail address; None if the text is not one."""
    value = text.strip()
    if len(value) > _MAX_EMAIL or not _EMAIL.fullmatch(value):
        repairs.append(Repair(field, "not an e-mail address", "left out; the record was kept"))
        return None
    return value


def parse_doi(text: str, repairs: list[Repair]) -> str:
    """Return a DOI without resolver address or ``doi:``."""
    value = _DOI_PREFIX.sub("", text, count=1)
    if value != text:
        repairs.append(Repair("doi", "not a bare DOI", "prefix removed"))
    return value


def split_affiliations(text: str) -> list[str]:
    """Split affiliations that are joined with "+" in one string.

    A "+" separates only if it has spaces on both sides or on neither, and a letter or "(" after
    it. The "+1 505" of a telephone number is not split.

    >>> split_affiliations("University of Oxford+Google")
    ['University of Oxford', 'Google']
    >>> split_affiliations("Los Alamos, Tel.: +1 505 665")
    ['Los Alamos, Tel.: +1 505 665']
    """
    first, *rest = text.split("+")
    affiliations = [first]
    for part in rest:
        if _is_joint(affiliations[-1], part):
            affiliations[-1] = affiliations[-1].rstrip(" ")
            affiliations.append(part.lstrip(" "))
        else:
            affiliations[-1] += f"+{part}"
    return affiliations


def _is_joint(before: str, after: str) -> bool:
    spaced = before.endswith(" ") and after.startswith(" ")
    if spaced:
        before, after = before[:-1], after[1:]
    return before[-1:] not in ("", " ", "+") and (after[:1].isalpha() or after[:1] == "(")


MIN_YEAR = 1000
NAME_REMEDY = "give the author's name or remove the entry"
_Fields = Mapping[str, Any]


def build_work(
    record: _Fields, repairs: list[Repair], *, max_year: int, text_only: bool = False
) -> Work:
    """Build the work of a record. Repairs are added to ``repairs``.

    Parameters
    ----------
    record
        Fields of a :class:`disambig.ingest.NativeWork`, with authors as mappings; a field that
        is not stated may be missing, None or empty.
    text_only
        Whether a work may be without authors.

    Raises
    ------
    BadRecord
        The record cannot be used; it names the field and the remedy.
    """
    get = record.get
    title = clean_text(record["title"], "title", repairs)
    if not title:
        raise BadRecord("title", "is missing", "give the work its title")
    entries = record["authors"]
    if not entries and not text_only:
        raise BadRecord("authors", "is empty", "list at least one author")
    identifier, year = record["id"], get("year")
    if not identifier.isprintable() or identifier.isspace():
        raise BadRecord(
            "id", f"{quote_value(identifier)} is not printable", "use visible characters"
        )
    if year is not None and not MIN_YEAR <= year <= max_year:
        raise _make_year_error(year, max_year)
    authors = tuple([_build_author(entry, at, repairs) for at, entry in enumerate(entries)])
    if any(map(_may_be_joint, authors)):
        authors = _split_joint_authors(authors, repairs)
    abstract, venue, keywords = get("abstract"), get("venue"), get("keywords")
    return _fast_path.make_work(
        identifier,
        title,
        authors,
        clean_text(abstract, "abstract", repairs, multiline=True) or None if abstract else None,
        _build_venue(venue, repairs) if venue else None,
        year,
        _build_keywords(keywords, repairs) if keywords else (),
        _build_ids(record, repairs),
        get("citations"),
        references=tuple(dict.fromkeys(filter(None, get("references") or ()))),
        collaborations=_build_collaborations(get("collaborations") or (), repairs),
    )


def _build_venue(text: str, repairs: list[Repair]) -> str | None:
    return _intern(clean_text(text, "venue", repairs)) or None


def _build_keywords(words: list[str], repairs: list[Repair]) -> tuple[str, ...]:
    clean_words = [clean_text(word, "keywords", repairs) for word in words]
    return tuple([word for word in clean_words if word])


def _build_collaborations(names: Sequence[str], repairs: list[Repair]) -> tuple[str, ...]:
    clean_names = [_intern(clean_text(name, "collaborations", repairs)) for name in names]
    return tuple(dict.fromkeys(filter(None, clean_names)))


@lru_cache(maxsize=8192)
def _intern(text: str) -> str:
    # many records have the same text; it is stored once
    return text


def _build_author(entry: _Fields, at: int, repairs: list[Repair]) -> Author:
    name, get = entry["name"], entry.get
    if not is_clean(name):
        name = clean_text(name, f"authors[{at}].name", repairs)
        if not name:
            raise BadRecord(f"authors[{at}].name", "is empty", NAME_REMEDY)
    if len(entry) == 1:
        return _fast_path.make_author(name)
    affiliation = get("affiliation")
    if affiliation and len(entry) == 2:
        return _fast_path.make_author(
            name, None, None, _build_affiliations(affiliation, None, at, repairs)
        )
    given, family, orcid_text, address = get("given"), get("family"), get("orcid"), get("email")
    suffix = get("suffix")
    if suffix:
        name, family = _append_suffix(name, suffix), family and _append_suffix(family, suffix)
    return _fast_path.make_author(
        name,
        clean_text(given, f"authors[{at}].given", repairs) or None if given else None,
        clean_text(family, f"authors[{at}].family", repairs) or None if family else None,
        _build_affiliations(affiliation, get("affiliations"), at, repairs),
        parse_orcid(orcid_text, f"authors[{at}].orcid", repairs) if orcid_text else None,
        parse_email(address, f"authors[{at}].email", repairs) if address else None,
    )


def _append_suffix(name: str, suffix: str) -> str:
    """Return the name with a suffix that the source states in a field of its own."""
    return name if name.endswith(suffix) else f"{name} {suffix}"


def _may_be_joint(author: Author) -> bool:
    return author.family is None and may_hold_more(author.name)


def _split_joint_authors(authors: tuple[Author, ...], repairs: list[Repair]) -> tuple[Author, ...]:
    """Split names that are certainly several persons, and move e-mail addresses out of names.

    The first person keeps the position; the others follow the last author, so that no other
    author's position changes.
    """
    originals: list[Author] = []
    appended: list[Author] = []
    for at, author in enumerate(authors):
        name, address = split_email(author.name)
        if address and name:
            repairs.append(
                Repair(f"authors[{at}].name", "an e-mail address in the name", "moved to email")
            )
            author = replace(author, name=name, email=author.email or address)
        persons = split_persons(author.name) if author.family is None else ()
        if len(persons) > 1:
            first = len(authors) + len(appended)
            positions = ", ".join(str(first + k) for k in range(len(persons) - 1))
            repairs.append(
                Repair(
                    f"authors[{at}].name",
                    f"{len(persons)} authors in one name",
                    f"split; the first originals its position, the others are at {positions}",
                )
            )
            # whose the e-mail address or ORCID iD is, is unknown
            author = replace(author, name=persons[0], orcid=None, email=None)
            appended += [replace(author, name=person) for person in persons[1:]]
        originals.append(author)
    return (*originals, *appended)


def _build_affiliations(
    affiliation: str | None, affiliations: list[str] | None, at: int, repairs: list[Repair]
) -> tuple[str, ...]:
    if affiliations is None:
        if not affiliation:
            return ()
        clean_texts, problem = _split_affiliation(affiliation)
    else:
        clean_texts, problem = _clean_all(
            (*(split_affiliations(affiliation) if affiliation else ()), *affiliations)
        )
    if problem:
        repairs.append(Repair(f"authors[{at}].affiliations", problem, "cleaned"))
    return clean_texts


@lru_cache(maxsize=8192)
def _split_affiliation(text: str) -> tuple[tuple[str, ...], str]:
    # many colleagues have the same text; it is parsed and stored once
    if "+" not in text and is_clean(text):
        return (text,), ""
    return _clean_all(split_affiliations(text))


def _clean_all(texts: Iterable[str]) -> tuple[tuple[str, ...], str]:
    repairs: list[Repair] = []
    clean_texts = [clean_text(text, "", repairs) for text in texts]
    return tuple(dict.fromkeys(filter(None, clean_texts))), repairs[0].problem if repairs else ""


def _build_ids(record: _Fields, repairs: list[Repair]) -> tuple[tuple[str, str], ...]:
    ids, a_doi, arxiv = record.get("ids"), record.get("doi"), record.get("arxiv")
    if not (ids or a_doi or arxiv):
        return ()
    raw_ids = {clean_text(k, "ids", repairs).lower(): v for k, v in (ids or {}).items()}
    for key, value in (("doi", a_doi), ("arxiv", arxiv)):
        if value:
            raw_ids[key] = value
    clean_ids = {key: clean_text(value, f"ids.{key}", repairs) for key, value in raw_ids.items()}
    if "doi" in clean_ids:
        clean_ids["doi"] = parse_doi(clean_ids["doi"], repairs)
    return tuple(sorted((key, value) for key, value in clean_ids.items() if key and value))


def _make_year_error(year: object, max_year: int) -> BadRecord:
    return BadRecord(
        "year",
        f"{quote_value(year)} is not a year between {MIN_YEAR} and {max_year}",
        "give four digits, or leave it out",
    )
