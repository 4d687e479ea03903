"""Split JSON lines, a JSON array or a JSON object into records, from a file or from memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import orjson

from disambig.ingest._fast_path import MAX_ID
from disambig.ingest._json_scanner import Entry, scan_entries
from disambig.ingest._native import make_encoding_error, parse_json
from disambig.ingest._problems import BadRecord, Repair
from disambig.ingest._serialise import ReceivedWork, decode_raw
from disambig.ingest._source import OpenFile, Source, read_document, read_lines

RawRecord = tuple[int, bytes | BadRecord, bytes]
"""Line, the JSON of the record or the error of reading it, and its original bytes."""


def read_raw_records(source: Source, file: OpenFile) -> Iterator[RawRecord]:
    """Yield the records of a JSONL file or of one JSON array; skip blank lines."""
    if file.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
        for entry in read_entries(source, file):
            data = entry.text.encode("utf-8", "surrogatepass")
            yield entry.line, entry.error or data, data
        return
    for line, record, raw in read_lines(file.stream):
        if isinstance(record, BadRecord) or record.strip():
            yield line, record, raw


def read_entries(source: Source, file: OpenFile) -> Iterator[Entry]:
    """Yield the entries of a JSON document; if reading stops early, the last one is the error."""
    data, read_error = read_document(source, file.stream)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        read_error = make_encoding_error(
            f"byte {data[error.start]:#04x} at byte {error.start + 1} of the file"
        )
        text = data[: error.start].decode("utf-8-sig")
    del data
    for entry in scan_entries(text):
        # the broken entry at the end of a truncated document is that truncation
        if entry.error is None or read_error is None:
            yield entry
    if read_error is not None:
        yield Entry(text.count("\n") + 1, "", None, "", read_error)


_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the work with the repairs it needed, or the problem.

    Attributes
    ----------
    line : int
        Its first line, counted from 1.
    id : str or None
        Id of the work, if it can be read.
    received : ReceivedWork or None
    repairs : tuple of Repair
        Harmless fixes.
    field, problem, remedy : str
        What is wrong with a record that cannot be used.
    """

    line: int
    id: str | None
    received: ReceivedWork | None
    repairs: tuple[Repair, ...] = ()
    field: str = ""
    problem: str = ""
    remedy: str = ""


def read_records(data: bytes, *, file: str = "") -> Iterator[Row]:
    """Read native records one by one; a bad one does not stop the rest.

    Data that begin with ``[`` are one array; one JSON value that is not an array is one record, on
    any number of lines; anything else is JSON lines, whose blank lines are skipped.
    """
    max_year = date.today().year + 2
    for line, record in _split_body(data.removeprefix(_BOM)):
        try:
            if isinstance(record, BadRecord):
                raise record
            parsed = parse_json(record, max_year=max_year)
        except BadRecord as error:
            identifier = None if isinstance(record, BadRecord) else _find_id(record)
            yield Row(line, identifier, None, (), error.field, error.problem, error.remedy)
        else:
            received = ReceivedWork(parsed.work, line, decode_raw(record), file)
            yield Row(line, parsed.work.id, received, parsed.repairs)


def _split_body(data: bytes) -> Iterator[tuple[int, bytes | BadRecord]]:
    start = data.lstrip(b" \t\r\n")
    if start[:1] == b"[":
        yield from _scan_array(data)
        return
    if b"\n" in start.rstrip(b" \t\r\n") and _is_one_value(start):
        yield 1 + data[: len(data) - len(start)].count(b"\n"), start
        return
    for line, record, _ in read_lines(io.BytesIO(data)):
        if isinstance(record, BadRecord) or record.strip():
            yield line, record


def _is_one_value(data: bytes) -> bool:
    first, _, _ = data.partition(b"\n")
    if first.rstrip().endswith(b"}"):  # the first line of JSON lines
        return False
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True


def _scan_array(data: bytes) -> Iterator[tuple[int, bytes | BadRecord]]:
    read_error: BadRecord | None = None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        read_error = make_encoding_error(
            f"byte {data[error.start]:#04x} at byte {error.start + 1} of the body"
        )
        text = data[: error.start].decode("utf-8")
    for entry in scan_entries(text):
        if entry.error is None or read_error is None:
            yield entry.line, entry.error or entry.text.encode("utf-8", "surrogatepass")
    if read_error is not None:
        yield text.count("\n") + 1, read_error


def _find_id(record: bytes) -> str | None:
    """Return the id that a rejected record states, to identify it by."""
    try:
        row = orjson.loads(record)
    except orjson.JSONDecodeError:
        return None
    identifier = row.get("id") if isinstance(row, dict) else None
    return identifier if isinstance(identifier, str) and len(identifier) <= MAX_ID else None
