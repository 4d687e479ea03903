"""Records held in memory: where each begins, and what is wrong with it."""

from __future__ import annotations

import json

import pytest

from disambig.ingest import Row, read_records

GOOD = b'{"id": "w1", "title": "On rats", "authors": [{"name": "Ada Byron"}]}'


def told(data: bytes) -> list[tuple[int, str | None, str]]:
    """Line, id and bad field of each record."""
    return [(row.line, row.id, row.field) for row in read_records(data)]


def test_lines_are_counted_and_blank_ones_are_nothing() -> None:
    data = b"\n" + GOOD + b"\r\n\n" + GOOD.replace(b"w1", b"w2") + b"\n"
    assert told(data) == [(2, "w1", ""), (4, "w2", "")]
    assert next(read_records(data)).received.raw == GOOD.decode()


def test_an_array_tells_the_line_of_each_entry() -> None:
    data = b"[" + GOOD + b",\n\n " + GOOD.replace(b"w1", b"w2") + b"]"
    assert told(data) == [(1, "w1", ""), (3, "w2", "")]


@pytest.mark.parametrize("indent", [None, 2])
def test_one_object_may_be_on_many_lines(indent: int | None) -> None:
    data = b"\n\n" + json.dumps(json.loads(GOOD), indent=indent).encode() + b"\n"
    assert told(data) == [(3, "w1", "")]


@pytest.mark.parametrize(
    ("bad", "id_", "field"),
    [
        (b'{"id": "w9", "title": 7}', "w9", "title"),
        (b'{"id": "w9"', None, "record"),
        (b'{"title": "no id"}', None, "id"),
        (b"7", None, "record"),
        (b'{"id": "\xff"}', None, "encoding"),
        (b"[" * 100_000, None, "record"),
        (b'{"id": "w9", "title": "t", "authors": ["A"], "year": 1e22}', "w9", "year"),
        (b'{"id": "w9", "title": "t", "authors": [{"name": ""}]}', "w9", "authors[0].name"),
    ],
)
def test_a_bad_record_costs_only_itself(bad: bytes, id_: str | None, field: str) -> None:
    rows = list(read_records(GOOD + b"\n" + bad + b"\n" + GOOD.replace(b"w1", b"w2")))
    assert [row.received is not None for row in rows] == [True, False, True]
    assert (rows[1].line, rows[1].id, rows[1].field) == (2, id_, field)
    assert rows[1].remedy


def test_of_a_broken_array_the_entries_before_the_break_are_kept() -> None:
    assert told(b"[" + GOOD + b",\n" + GOOD[:20]) == [(1, "w1", ""), (2, None, "record")]
    assert told(b"[" + GOOD + b',\n{"id": "\xff"}]')[-1] == (2, None, "encoding")


def test_what_was_mended_is_told() -> None:
    (row,) = read_records(b'{"id": 7, "title": "t", "authors": ["Ada"]}')
    assert isinstance(row, Row)
    assert row.id == "7"
    assert [repair.field for repair in row.repairs] == ["id", "authors"]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"[]", b"\xef\xbb\xbf"])
def test_nothing_is_no_record(data: bytes) -> None:
    assert told(data) == []
