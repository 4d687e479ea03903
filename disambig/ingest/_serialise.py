"""Serialise a work to one JSON record and back, without loss.

The record is in the native format. In addition to the keys of :class:`disambig.ingest.NativeWork`
it may have ``authors_complete`` (if false) and the ``affiliations`` of the work; an author without
a name keeps its position.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from disambig.domain import Author, Work
from disambig.ingest import _fast_path


@dataclass(frozen=True, slots=True)
class ReceivedWork:
    """A work, and its record as received.

    Attributes
    ----------
    work : Work
    line : int
        First line of the record in ``file``, counted from 1; 0 if unknown.
    raw : str or None
        The record as received; converted to JSON if the source is not JSON lines. None if only
        the work is known.
    file : str
    """

    work: Work
    line: int = 0
    raw: str | None = None
    file: str = ""


def dump_work(work: Work) -> bytes:
    """Serialise a work in UTF-8; equal works have equal records.

    Raises
    ------
    TypeError
        If a text contains a lone surrogate, which UTF-8 cannot encode.
    """
    row: dict[str, Any] = {"id": work.id, "title": work.title}
    for key in ("abstract", "venue", "year"):
        value = getattr(work, key)
        if value is not None:
            row[key] = value
    if work.keywords:
        row["keywords"] = work.keywords
    if work.ids:
        row["ids"] = dict(work.ids)
    if work.citations is not None:
        row["citations"] = work.citations
    if not work.authors_complete:
        row["authors_complete"] = False
    if work.affiliations:
        row["affiliations"] = work.affiliations
    if work.references:
        row["references"] = work.references
    if work.collaborations:
        row["collaborations"] = work.collaborations
    row["authors"] = [_dump_author(author) for author in work.authors]
    return orjson.dumps(row)


def _dump_author(author: Author) -> dict[str, Any]:
    row: dict[str, Any] = {"name": author.name}
    if author.given is not None:
        row["given"] = author.given
    if author.family is not None:
        row["family"] = author.family
    if author.affiliations:
        row["affiliations"] = author.affiliations
    if author.orcid is not None:
        row["orcid"] = author.orcid
    if author.email is not None:
        row["email"] = author.email
    return row


def load_work(record: str | bytes) -> Work:
    """Read a work that :func:`dump_work` serialised."""
    row: Mapping[str, Any] = orjson.loads(record)
    get = row.get
    authors = tuple([_load_author(entry) for entry in row["authors"]])
    if "authors_complete" in row or "affiliations" in row:
        return Work(
            row["id"],
            row["title"],
            authors,
            get("abstract"),
            get("venue"),
            get("year"),
            tuple(get("keywords", ())),
            tuple(get("ids", {}).items()),
            get("citations"),
            get("authors_complete", True),
            tuple(get("affiliations", ())),
            tuple(get("references", ())),
            tuple(get("collaborations", ())),
        )
    return _fast_path.make_work(
        row["id"],
        row["title"],
        authors,
        get("abstract"),
        get("venue"),
        get("year"),
        tuple(get("keywords", ())),
        tuple(get("ids", {}).items()),
        get("citations"),
        references=tuple(get("references", ())),
        collaborations=tuple(get("collaborations", ())),
    )


def _load_author(entry: Mapping[str, Any]) -> Author:
    if len(entry) == 1:
        return _fast_path.make_author(entry["name"])
    get = entry.get
    return _fast_path.make_author(
        entry["name"],
        get("given"),
        get("family"),
        tuple(get("affiliations", ())),
        get("orcid"),
        get("email"),
    )


def decode_raw(raw: object) -> str:
    """Decode a raw record: bytes as UTF-8, the result of a function as JSON."""
    if isinstance(raw, bytes):
        return raw.decode("utf-8", "replace")
    return json.dumps(raw() if callable(raw) else raw, ensure_ascii=False, default=str)
