"""Records of a file one by one: lines of JSONL, or the entries of one JSON document."""

from __future__ import annotations

from collections.abc import Iterator

from disambig.ingest._jsonscan import Entry, scan
from disambig.ingest._native import not_utf8
from disambig.ingest._problems import BadRecord
from disambig.ingest._source import Opened, Source, document, lines

Row = tuple[int, bytes | BadRecord, bytes]
"""Line, the record's JSON or why it cannot be had, and its bytes as they were."""


def rows(source: Source, file: Opened) -> Iterator[Row]:
    """Records of a JSONL file, or of one JSON array; blank lines are nothing."""
    if file.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
        for entry in entries(source, file):
            data = entry.text.encode("utf-8", "surrogatepass")
            yield entry.line, entry.bad or data, data
        return
    for line, record, raw in lines(file.stream):
        if isinstance(record, BadRecord) or record.strip():
            yield line, record, raw


def entries(source: Source, file: Opened) -> Iterator[Entry]:
    """Entries of a JSON document, then perhaps one more that says why the rest is lost."""
    data, stopped = document(source, file.stream)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        stopped = not_utf8(f"byte {data[error.start]:#04x} at byte {error.start + 1} of the file")
        text = data[: error.start].decode("utf-8-sig")
    del data
    for entry in scan(text):
        # Where the document was cut, the broken entry at its end is the cut.
        if entry.bad is None or stopped is None:
            yield entry
    if stopped is not None:
        yield Entry(text.count("\n") + 1, "", None, "", stopped)
