"""Parse native records: JSON, one work per line, validated with pydantic.

A canonical record is used as it is (:func:`decode_canonical`). Any other is decoded, repaired
if that loses nothing (:func:`_repair_record`) and validated again; each repair is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from disambig.domain import Work
from disambig.ingest._build_work import NAME_REMEDY, build_work, split_affiliations
from disambig.ingest._fast_path import (
    CITATION_KEYS,
    MAX_ABSTRACT,
    MAX_AFFILIATIONS,
    MAX_AUTHORS,
    MAX_CITATIONS,
    MAX_COLLABORATIONS,
    MAX_ID,
    MAX_IDS,
    MAX_KEYWORD,
    MAX_KEYWORDS,
    MAX_LINE,
    MAX_NAME,
    MAX_REFERENCES,
    decode_canonical,
)
from disambig.ingest._json_scanner import decode_value
from disambig.ingest._problems import BadRecord, Repair, quote_value

_CONFIG = ConfigDict(strict=True, extra="ignore")

_Id = Annotated[str, Field(min_length=1, max_length=MAX_ID)]
_Name = Annotated[str, Field(max_length=MAX_NAME)]
_Line = Annotated[str, Field(max_length=MAX_LINE)]
_Keyword = Annotated[str, Field(max_length=MAX_KEYWORD)]


class NativeAuthor(BaseModel):
    """One entry of ``authors``. ``affiliation`` may be several, joined with "+"."""

    model_config = _CONFIG

    name: Annotated[_Name, Field(min_length=1)]
    given: _Name | None = None
    family: _Name | None = None
    suffix: _Name | None = None
    affiliation: _Line | None = None
    affiliations: Annotated[list[_Line], Field(max_length=MAX_AFFILIATIONS)] | None = None
    orcid: _Keyword | None = None
    email: _Keyword | None = None


class NativeWork(BaseModel):
    """One record. Unknown keys are ignored; ``null`` and ``""`` mean not stated."""

    model_config = _CONFIG

    id: _Id
    title: _Line
    authors: Annotated[list[NativeAuthor], Field(max_length=MAX_AUTHORS)] = []
    abstract: Annotated[str, Field(max_length=MAX_ABSTRACT)] | None = None
    venue: _Line | None = None
    year: int | None = None
    keywords: Annotated[list[_Keyword], Field(max_length=MAX_KEYWORDS)] | None = None
    ids: Annotated[dict[_Id, _Id], Field(max_length=MAX_IDS)] | None = None
    doi: _Keyword | None = None
    arxiv: _Keyword | None = None
    references: (
        Annotated[list[Annotated[str, Field(max_length=MAX_ID)]], Field(max_length=MAX_REFERENCES)]
        | None
    ) = None
    collaborations: Annotated[list[_Keyword], Field(max_length=MAX_COLLABORATIONS)] | None = None
    citations: Annotated[int, Field(ge=0, le=MAX_CITATIONS)] | None = Field(
        default=None, validation_alias=AliasChoices(*CITATION_KEYS)
    )


@dataclass(frozen=True, slots=True)
class ParsedWork:
    """A work, and the repairs that its record needed."""

    work: Work
    repairs: tuple[Repair, ...] = ()


def parse_json(line: bytes, *, max_year: int) -> ParsedWork:
    """Read one work from the bytes of one JSON object.

    Raises
    ------
    BadRecord
        The record cannot be used; it names the field and the remedy.
    """
    fields = decode_canonical(line)
    if fields is None:
        return parse_any(line, max_year=max_year)
    repairs: list[Repair] = []
    work = build_work(fields, repairs, max_year=max_year)
    return ParsedWork(work, tuple(repairs))


def parse_any(line: bytes, *, max_year: int) -> ParsedWork:
    """Read one work as :func:`parse_json` does, slower, from a record of any shape.

    Raises
    ------
    BadRecord
        The record cannot be used; it names the field and the remedy.
    """
    try:
        record = NativeWork.model_validate_json(line)
    except ValidationError:
        raw, repairs = decode_line(line)
        return parse_record(raw, max_year=max_year, repairs=repairs)
    repairs = []
    work = build_work(_get_fields(record), repairs, max_year=max_year)
    return ParsedWork(work, tuple(repairs))


def _get_fields(record: NativeWork) -> dict[str, Any]:
    return {**vars(record), "authors": [vars(author) for author in record.authors]}


def decode_line(line: bytes) -> tuple[Any, list[Repair]]:
    """Decode one line of JSON; remove a byte order mark at its start.

    Raises
    ------
    BadRecord
        It is not UTF-8, or not JSON.
    """
    repairs: list[Repair] = []
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise make_encoding_error(
            f"byte {line[error.start]:#04x} at byte {error.start + 1} of the line"
        ) from (error)
    if text.startswith("\ufeff"):
        repairs.append(Repair("record", "byte order mark", "removed"))
        text = text[1:]
    text = text.strip(" \t\r\n")
    value, end = decode_value(text)
    if end < len(text):
        raise BadRecord(
            "record",
            f"broken JSON: text after the record at character {end + 1}",
            "write one record in each line",
        )
    return value, repairs


def make_encoding_error(where: str) -> BadRecord:
    """Return the error of bytes that are not UTF-8."""
    return BadRecord(
        "encoding",
        f"not UTF-8 ({where})",
        "save the file as UTF-8 or convert it: iconv -f LATIN1 -t UTF-8",
    )


def parse_record(
    raw: object, *, max_year: int, repairs: list[Repair] | None = None, text_only: bool = False
) -> ParsedWork:
    """Build one work from a decoded record. ``text_only`` works may have no authors.

    Raises
    ------
    BadRecord
        The record cannot be used; it names the field and the remedy.
    """
    repairs = [] if repairs is None else repairs
    if not isinstance(raw, dict):
        raise BadRecord(
            "record",
            f"{quote_value(raw)} is not a JSON object",
            "write each work as one JSON object",
        )
    fields = _repair_record(raw, repairs)
    try:
        record = NativeWork.model_validate(fields)
    except ValidationError as error:
        raise explain_validation_error(error) from error
    work = build_work(_get_fields(record), repairs, max_year=max_year, text_only=text_only)
    return ParsedWork(work, tuple(repairs))


def _repair_record(raw: dict[str, Any], repairs: list[Repair]) -> dict[str, Any]:
    """Return the record with canonical values where that loses nothing; the rest unchanged."""
    fields = dict(raw)
    for field, repair in _REPAIRS.items():
        value = fields.get(field)
        if value is None or (value == "" and field != "id"):
            fields.pop(field, None)
        else:
            fields[field] = repair(value, field, repairs)
    return fields


def _repair_id(value: Any, field: str, repairs: list[Repair]) -> Any:
    if type(value) is not int:
        return value
    repairs.append(Repair(field, f"{value} is a number", "read as text"))
    return str(value)


def _repair_number(value: Any, field: str, repairs: list[Repair]) -> Any:
    if type(value) is int:
        return value
    if isinstance(value, str):
        digits = value.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
            return value
        number = int(digits)
    elif isinstance(value, float) and value.is_integer() and abs(value) < 1e12:
        number = int(value)
    else:
        return value
    repairs.append(Repair(field, f"{quote_value(value)} is not an integer", f"read as {number}"))
    return number


def _repair_list(value: Any, field: str, repairs: list[Repair]) -> Any:
    if not isinstance(value, str):
        return value
    repairs.append(Repair(field, "is one text, not a list", "split at semicolons or commas"))
    return [word.strip() for word in value.split(";" if ";" in value else ",")]


def _repair_texts(value: Any, field: str, repairs: list[Repair], limit: int, length: int) -> Any:
    """Return a list of texts; None if it is none, since a work is never rejected for it."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        repairs.append(Repair(field, "is not a list of texts", "left out; the record was kept"))
        return None
    texts = [str(entry) if type(entry) is int else entry for entry in values]
    usable = [text for text in texts if isinstance(text, str) and len(text) <= length][:limit]
    if usable != value:
        problem = f"{len(values) - len(usable):,} of {len(values):,} are not texts of usual length"
        repairs.append(
            Repair(field, problem, "left out; the record was kept")
            if len(usable) < len(values)
            else Repair(field, "is not a list of texts", "read as one")
        )
    return usable


def _repair_references(value: Any, field: str, repairs: list[Repair]) -> Any:
    return _repair_texts(value, field, repairs, MAX_REFERENCES, MAX_ID)


def _repair_collaborations(value: Any, field: str, repairs: list[Repair]) -> Any:
    return _repair_texts(value, field, repairs, MAX_COLLABORATIONS, MAX_KEYWORD)


def _repair_ids(value: Any, field: str, repairs: list[Repair]) -> Any:
    if not isinstance(value, dict):
        return value
    nonempty = {key: item for key, item in value.items() if item not in (None, "")}
    return {key: _repair_id(item, f"{field}.{key}", repairs) for key, item in nonempty.items()}


def _repair_authors(value: Any, field: str, repairs: list[Repair]) -> Any:
    if not isinstance(value, list):
        return value
    if value and all(isinstance(entry, str) for entry in value):
        repairs.append(Repair(field, "names only", "read as a list of authors"))
    return [_repair_author(entry, f"{field}[{at}]", repairs) for at, entry in enumerate(value)]


def _repair_author(entry: Any, field: str, repairs: list[Repair]) -> Any:
    if isinstance(entry, str):
        return {"name": entry}
    if not isinstance(entry, dict):
        return entry
    author = dict(entry)
    given, family = author.get("given"), author.get("family")
    has_family = isinstance(family, str) and family and isinstance(given, str | None)
    if author.get("name") in (None, "") and has_family:
        author["name"] = f"{given} {family}" if given else family
        repairs.append(Repair(f"{field}.name", "is missing", "joined from given and family"))
    for key in ("orcid", "email"):
        if not isinstance(author.get(key), str | None):
            del author[key]
            repairs.append(
                Repair(f"{field}.{key}", "is not a text", "left out; the record was kept")
            )
    if isinstance(author.get("affiliations"), str):
        author["affiliations"] = split_affiliations(author["affiliations"])
        repairs.append(Repair(f"{field}.affiliations", "is one text", "read as a list"))
    affiliation, affiliations = author.get("affiliation"), author.get("affiliations")
    if isinstance(affiliation, list) and isinstance(affiliations, list | None):
        del author["affiliation"]
        author["affiliations"] = [*affiliation, *(affiliations or [])]
        repairs.append(Repair(f"{field}.affiliation", "is a list", "read as affiliations"))
    return author


_REPAIRS: dict[str, Callable[[Any, str, list[Repair]], Any]] = {
    "id": _repair_id,
    "year": _repair_number,
    "citations": _repair_number,
    "citation_count": _repair_number,
    "n_citation": _repair_number,
    "keywords": _repair_list,
    "ids": _repair_ids,
    "references": _repair_references,
    "collaborations": _repair_collaborations,
    "doi": lambda value, field, repairs: value,
    "arxiv": _repair_id,
    "authors": _repair_authors,
}

_REMEDIES = {
    "id": "give each work its own id",
    "title": "give the work its title",
    "year": "give four digits, or leave it out",
    "authors": "give a list of objects with name",
    "name": NAME_REMEDY,
    "work": "give the id of the work",
    "position": "give the position of the author on the work, counted from 0",
    "person": "give the person's id",
    "kind": "write must or cannot",
    "a": "give work and position",
    "b": "give work and position",
}


def explain_validation_error(error: ValidationError, within: str = "") -> BadRecord:
    """Return the field, problem and remedy of the first validation error."""
    first = error.errors(include_url=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    field = (within + path).removeprefix(".") or "record"
    keys = [str(part) for part in first["loc"]] or ["record"]
    remedy = _REMEDIES.get(keys[-1], _REMEDIES.get(keys[0], "correct it or leave it out"))
    value = first["input"]
    match first["type"]:
        case "missing":
            return BadRecord(field, "is missing", remedy)
        case "string_too_short":
            return BadRecord(field, "is empty", remedy)
        case "string_too_long" | "too_long":
            limit = first["ctx"]["max_length"]
            return BadRecord(field, f"is longer than {limit:,}", "shorten it; is the file damaged?")
        case "string_unicode":
            return BadRecord(field, "contains a lone surrogate", "write it as UTF-8")
        case _:
            message = first["msg"].removeprefix("Input should be ")
            return BadRecord(field, f"{quote_value(value)} is not {message}", remedy)
