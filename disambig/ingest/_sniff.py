"""Detect the kind of a file from its first bytes, never from its name."""

from __future__ import annotations

import json
import re
from enum import StrEnum

from disambig.ingest._author_pages import detect_page_kind
from disambig.ingest._json_scanner import decode_value
from disambig.ingest._problems import BadRecord

#: Names of the input formats for works.
FORMATS = ("native", "s2and", "page")


class Kind(StrEnum):
    """Kind of content of a file. The value is its name in messages."""

    NATIVE = "native works"
    ARRAY = "native works in one JSON array"
    PAGE = "a page"
    PAPERS = "S2AND papers"
    SIGNATURES = "S2AND signatures"
    CLUSTERS = "S2AND clusters"
    LABELS = "labels"
    CONSTRAINTS = "constraints"
    ASSIGNMENTS = "clusters written by this program"
    REJECTS = "rejected records"
    EMPTY = "nothing"
    UNKNOWN = "an unknown format"


FORMAT_OF = {
    Kind.NATIVE: "native",
    Kind.ARRAY: "native",
    Kind.EMPTY: "native",
    Kind.PAGE: "page",
    Kind.PAPERS: "s2and",
    Kind.SIGNATURES: "s2and",
    Kind.CLUSTERS: "s2and",
}

_BOM = b"\xef\xbb\xbf"
_OBJECT_OF_OBJECTS = re.compile(r'\{\s*"(?:[^"\\]|\\.)*+"\s*:\s*\{')
_KEY = re.compile(r'"([A-Za-z_]{1,40})"\s*:')
_MAGIC_BYTES = (
    (b"\xff\xfe", "UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file; unpack it first"),
    (b"BZh", "a bzip2 file; unpack it first"),
    (b"\xfd7zXZ", "an xz file; unpack it first"),
    (b"%PDF", "a PDF; give its bibliographic record"),
    (b"PAR1", "a Parquet file; write its rows as JSONL"),
    (b"<!doctype html", "an HTML file; open it in a browser and copy the page as text"),
    (b"<html", "an HTML file; open it in a browser and copy the page as text"),
    (b"<?xml", "an XML file; write its records as JSONL"),
)


def detect_kind(head: bytes) -> Kind:
    """Return the kind of a file that begins with these bytes (uncompressed, up to 64 KB)."""
    text = head.removeprefix(_BOM).decode("utf-8", "replace").lstrip(" \t\r\n")
    if not text:
        return Kind.EMPTY
    if text.startswith("{"):
        return _detect_object_kind(text)
    if text.startswith("["):
        start = text[1:].lstrip(" \t\r\n")
        if start.startswith("{"):
            kind = _detect_row_kind(start)
            return Kind.ARRAY if kind is Kind.NATIVE else kind
        if start.startswith("]"):
            return Kind.ARRAY
    if detect_page_kind(_drop_partial_line(text)) is not None:
        return Kind.PAGE
    # a damaged first line does not make the others unreadable
    rows = [line for line in text.split("\n")[1:] if line.startswith("{")]
    return _detect_row_kind(rows[0]) if any(map(_is_object, rows)) else Kind.UNKNOWN


def describe_head(head: bytes) -> str:
    """Describe a file of unknown format, with a remedy for the known ones."""
    lower_head = head[:64].removeprefix(_BOM).lstrip().lower()
    for magic, description in _MAGIC_BYTES:
        if head.startswith(magic) or lower_head.startswith(magic.lower()):
            return description
    if b"\0" in head:
        return "binary data"
    start = head[:200].decode("utf-8", "replace").strip().split("\n")[0]
    return f'text that begins "{start[:50]}"'


def _drop_partial_line(text: str) -> str:
    return text[: text.rfind("\n")] if "\n" in text else text


def _detect_object_kind(text: str) -> Kind:
    if _OBJECT_OF_OBJECTS.match(text):
        keys = set(_KEY.findall(text))
        if "author_info" in keys:
            return Kind.SIGNATURES
        if "signature_ids" in keys:
            return Kind.CLUSTERS
        if "paper_id" in keys:
            return Kind.PAPERS
    return _detect_row_kind(text)


def _detect_row_kind(text: str) -> Kind:
    try:
        row, _ = decode_value(text)
    except BadRecord:
        return Kind.NATIVE
    keys = set(row)
    if keys & {"title", "authors"}:
        return Kind.NATIVE
    for required_keys, kind in (
        ({"work", "position", "person"}, Kind.LABELS),
        ({"work", "position", "identity"}, Kind.ASSIGNMENTS),
        ({"kind", "a", "b"}, Kind.CONSTRAINTS),
        ({"record", "problem", "remedy"}, Kind.REJECTS),
    ):
        if required_keys <= keys:
            return kind
    return Kind.NATIVE


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
