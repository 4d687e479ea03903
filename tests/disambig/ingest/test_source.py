"""Where bytes come from: folders, gzip, pipes; and what happens where they break off."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from disambig.errors import FormatError, InputError
from disambig.ingest import _source
from tests.support.ingest_reading import PAGES, read, record

Write = Callable[..., Path]


def packed(path: Path) -> Path:
    """Gzip a file under a name that does not tell."""
    target = path.with_suffix(".data")
    target.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return target


def incompressible(count: int) -> list[dict[str, Any]]:
    noise = random.Random(0)
    return [record(id=str(n), abstract=noise.randbytes(500).hex()) for n in range(count)]


def test_gzip_is_told_by_content_not_by_name(jsonl: Write) -> None:
    assert len(read(packed(jsonl(record()))).works) == 1


def test_several_gzip_members_are_one_file(jsonl: Write, tmp_path: Path) -> None:
    parts = [json.dumps(record(id=name)).encode() + b"\n" for name in ("a", "b")]
    path = tmp_path / "works.gz"
    path.write_bytes(b"".join(map(gzip.compress, parts)))
    assert [work.id for work in read(path).works] == ["a", "b"]


def test_a_gzip_stream_cut_short_keeps_the_rows_before_the_cut(jsonl: Write) -> None:
    rows = incompressible(2_000)
    path = packed(jsonl(*rows))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    result = read(path)
    assert 500 < len(result.works) < 1500
    assert result.report.rejected == 1
    assert result.problem.line == len(result.works) + 1
    assert result.problem.problem == "the gzip stream is truncated"


def test_a_damaged_gzip_stream_keeps_the_rows_before_the_damage(jsonl: Write) -> None:
    rows = incompressible(2_000)
    path = packed(jsonl(*rows))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 50] = bytes(50)
    path.write_bytes(content)
    result = read(path)
    assert len(result.works) > 500
    assert "gzip stream is damaged" in result.problems[-1].problem


def test_a_file_that_only_claims_to_be_gzip_is_no_works(tmp_path: Path) -> None:
    path = tmp_path / "works.gz"
    path.write_bytes(b"\x1f\x8bnothing")
    assert read(path).works == []


def test_a_folder_is_read_through_and_through_in_order_without_hidden_files(
    tmp_path: Path,
) -> None:
    for name in ("b/2.jsonl", "a.jsonl", "b/1.jsonl", ".hidden.jsonl", ".git/x.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(record(id=name)))
    assert [work.id for work in read(tmp_path).works] == ["a.jsonl", "b/1.jsonl", "b/2.jsonl"]


def test_an_empty_folder_holds_no_works(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no works found; give files or folders"):
        read(tmp_path)


def test_a_path_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"works\.jsonl: no such file or folder"):
        read(tmp_path / "works.jsonl")


def test_progress_counts_the_bytes_of_the_packed_file(jsonl: Write) -> None:
    path = packed(jsonl(*(record(id=str(n)) for n in range(3_000))))
    consumed: list[int] = []
    read(path, progress=consumed.append)
    assert sum(consumed) == path.stat().st_size


class OneWay(io.RawIOBase):
    """Standard input as a pipe is: no seeking, and few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self.rest = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data, self.rest = self.rest[: min(7, len(buffer))], self.rest[min(7, len(buffer)) :]
        buffer[: len(data)] = data
        return len(data)


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    def put(content: bytes) -> None:
        stream = io.TextIOWrapper(io.BufferedReader(OneWay(content)))
        monkeypatch.setattr(sys, "stdin", stream)

    return put


def test_standard_input_is_read_without_seeking(stdin: Callable[[bytes], None]) -> None:
    stdin(json.dumps(record()).encode())
    assert [work.id for work in read("-").works] == ["w1"]


def test_standard_input_may_be_packed(stdin: Callable[[bytes], None]) -> None:
    stdin(gzip.compress(json.dumps(record()).encode()))
    assert [work.id for work in read("-").works] == ["w1"]


def test_standard_input_may_be_a_page(stdin: Callable[[bytes], None]) -> None:
    stdin((PAGES / "kimin-lee.txt").read_bytes())
    assert len(read("-").works) == 43


def test_problems_on_standard_input_are_named_so(stdin: Callable[[bytes], None]) -> None:
    stdin(json.dumps(record(year="n.d.")).encode())
    assert str(read("-").problem).startswith("<stdin>:1: year: ")


def test_an_unknown_standard_input_is_refused(stdin: Callable[[bytes], None]) -> None:
    stdin(b"Dear reader,")
    with pytest.raises(FormatError, match="<stdin>: has an unknown format"):
        read("-")


def test_a_named_pipe_is_opened_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(json.dumps(record())))
    writer.start()
    works = read(pipe).works
    writer.join()
    assert [work.id for work in works] == ["w1"]


def test_an_over_long_line_is_rejected_without_being_held(
    jsonl: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_source, "MAX_LINE_BYTES", 1024 * 1024)
    path = jsonl(record(id="a"), record(id="b", abstract="x" * 3_000_000), record(id="c"))
    result = read(path)
    assert [work.id for work in result.works] == ["a", "c"]
    assert (result.problem.line, result.problem.problem) == (2, "its line is longer than 1 MB")


def test_windows_line_ends_and_blank_lines_are_nothing(tmp_path: Path) -> None:
    path = tmp_path / "works.jsonl"
    rows = [json.dumps(record(id=name)) for name in ("a", "b")]
    path.write_bytes("\r\n\r\n  \r\n".join(rows).encode() + b"\r\n")
    result = read(path)
    assert ([work.id for work in result.works], result.problems) == (["a", "b"], [])
