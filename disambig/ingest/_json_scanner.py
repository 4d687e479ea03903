"""Scan a JSON array or object entry by entry, with the line on which each entry starts.

The standard decoder returns a whole document or nothing, without lines. This scanner yields the
entries before a broken one, and an error with its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from disambig.ingest._problems import BadRecord

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its key ("" in an array), value, text and first line; or the error."""

    line: int
    key: str
    value: Any
    text: str
    error: BadRecord | None = None


def decode_value(text: str, start: int = 0) -> tuple[Any, int]:
    """Decode one JSON value at ``start``; return it and its end.

    Raises
    ------
    BadRecord
        There is no JSON value.
    """
    try:
        return _DECODER.raw_decode(text, start)
    except RecursionError:
        raise make_json_error("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise make_json_error(f"{error.msg} at character {error.pos - start + 1}") from None
    except ValueError as error:  # an integer of thousands of digits
        raise make_json_error(str(error).partition(";")[0]) from None


def make_json_error(what: str) -> BadRecord:
    """Return the error of text that is not JSON."""
    return BadRecord(
        "record",
        f"broken JSON: {what}",
        "write each record as one complete JSON object, in JSONL on one line",
    )


def scan_entries(text: str) -> Iterator[Entry]:
    """Yield the entries of the array or object in ``text``; stop after a broken one."""
    scanner = _Scanner(text)
    try:
        yield from scanner.iterate_entries()
    except BadRecord as error:
        yield Entry(scanner.get_line(), "", None, text[scanner.at : scanner.at + 1000], error)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self._counted, self._line = 0, 1

    def get_line(self) -> int:
        """Return the line of the current position, counted from 1."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def iterate_entries(self) -> Iterator[Entry]:
        opening = self._expect("[{")
        closing = "]" if opening == "[" else "}"
        if self._skip_blanks() == closing:
            self.at += 1
            self._expect_end()
            return
        while True:
            yield self._read_entry(keyed=opening == "{")
            if self._expect("," + closing) == closing:
                break
        self._expect_end()

    def _read_entry(self, *, keyed: bool) -> Entry:
        key = ""
        self._skip_blanks()
        line = self.get_line()
        if keyed:
            value, self.at = decode_value(self.text, self.at)
            if not isinstance(value, str):
                raise make_json_error("a key is not a string")
            key = value
            self._expect(":")
            self._skip_blanks()
        start = self.at
        value, self.at = decode_value(self.text, start)
        return Entry(line, key, value, self.text[start : self.at])

    def _skip_blanks(self) -> str:
        match = _BLANK.match(self.text, self.at)
        assert match is not None  # the pattern matches the empty string
        self.at = match.end()
        return self.text[self.at : self.at + 1]

    def _expect(self, marks: str) -> str:
        mark = self._skip_blanks()
        if not mark or mark not in marks:
            choices = " or ".join(marks)
            raise make_json_error(f"expected {choices}, found {mark or 'the end of the file'}")
        self.at += 1
        return mark

    def _expect_end(self) -> None:
        if self._skip_blanks():
            raise make_json_error("text after the end of the document")
