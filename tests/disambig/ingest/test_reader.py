"""The reader as a whole: formats, duplicates, rejects file, strict mode, counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from disambig.errors import FormatError, InputError, RecordError
from disambig.ingest import FORMATS, FileReport, Severity, read_works
from tests.support.ingest_reading import PAGES, read, record

Write = Callable[..., Path]


def test_the_formats_are_these() -> None:
    assert FORMATS == ("native", "s2and", "page")


def test_an_unknown_format_name_is_refused_with_the_choices(jsonl: Write) -> None:
    with pytest.raises(FormatError, match="choose auto, native, s2and, page"):
        read_works([jsonl(record())], format="bibtex")


def test_the_same_record_again_is_dropped_and_counted(jsonl: Write) -> None:
    result = read(jsonl(record(), record()))
    assert (len(result.works), result.report.duplicates, result.problems) == (1, 1, [])


def test_key_order_makes_no_difference_between_records(jsonl: Write) -> None:
    turned = dict(reversed(record().items()))
    assert read(jsonl(record(), turned)).report.duplicates == 1


def test_the_same_id_with_other_content_is_rejected_naming_the_first(jsonl: Write) -> None:
    result = read(jsonl(record(), record(title="Another")))
    assert [work.title for work in result.works] == ["On Names"]
    assert str(result.problem).endswith(
        "works.jsonl:2: id: w1 is the id of another record (line 1); "
        "give each work its own id, or remove the outdated record"
    )


def test_a_clash_across_files_names_the_other_file(jsonl: Write) -> None:
    first = jsonl(record(id="w0"), record(), name="a.jsonl")
    second = jsonl(record(title="Another"), name="b.jsonl")
    assert f"({first}:2)" in read(first, second).problem.problem


def test_rejected_records_go_whole_to_the_rejects_file(jsonl: Write, tmp_path: Path) -> None:
    bad = record(year="n.d.", note="kept too")
    works, rejects = jsonl(record(id="w0"), bad), tmp_path / "rejects.jsonl"
    read(works, rejects=rejects)
    (row,) = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert row == {
        "file": str(works),
        "line": 2,
        "field": "year",
        "problem": '"n.d." is not a valid integer',
        "remedy": "give four digits, or leave it out",
        "record": bad,
    }


def test_bytes_that_are_no_text_are_escaped_in_the_rejects_file(
    jsonl: Write, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.jsonl"
    read(jsonl(record(), b"{\xff\x1b[2J"), rejects=rejects)
    content = rejects.read_bytes()
    assert content.isascii()
    assert json.loads(content)["record"] == "{\\xff\x1b[2J"


def test_no_rejects_file_is_made_when_nothing_is_rejected(jsonl: Write, tmp_path: Path) -> None:
    read(jsonl(record(year="2006")), rejects=tmp_path / "rejects.jsonl")
    assert not (tmp_path / "rejects.jsonl").exists()


def test_an_input_is_never_overwritten_by_rejects(jsonl: Write) -> None:
    works = jsonl(record())
    with pytest.raises(InputError, match="is an input; name another file"):
        read(works, rejects=works)


def test_a_rejects_file_that_cannot_be_made_is_told(jsonl: Write, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write rejects"):
        read(jsonl(record(), record(title="")), rejects=tmp_path / "no" / "such.jsonl")


def test_strict_stops_at_the_first_rejected_record(jsonl: Write) -> None:
    reader = read_works([jsonl(record(), record(id="w2", year="n.d."))], strict=True)
    assert next(reader).id == "w1"
    with pytest.raises(RecordError) as caught:
        next(reader)
    assert (caught.value.line, caught.value.field) == (2, "year")


def test_strict_goes_on_over_repairs(jsonl: Write) -> None:
    assert len(read(jsonl(record(year="2006")), strict=True).works) == 1


def test_counts_add_up(jsonl: Write) -> None:
    report = read(
        jsonl(
            record(),
            record(),
            record(title="Another"),
            record(id="w2", year="2006"),
            record(id="w3", authors=[]),
        )
    ).report
    assert (report.read, report.kept, report.repaired, report.rejected, report.duplicates) == (
        5,
        2,
        1,
        2,
        1,
    )


def test_a_record_with_two_flaws_is_repaired_once(jsonl: Write) -> None:
    result = read(jsonl(record(year="2006", title=" On Names")))
    assert (result.report.repaired, len(result.problems)) == (1, 2)


def test_the_report_prints_as_the_closing_summary(jsonl: Write) -> None:
    report = read(jsonl(record(), record(), record(id="w3", authors=[]))).report
    assert str(report) == "3 read, 1 kept, 0 repaired, 1 rejected, 1 duplicates"


def test_works_come_before_the_file_is_read_to_its_end(jsonl: Write) -> None:
    path = jsonl(*(record(id=str(n), abstract="x" * 1000) for n in range(10_000)))
    consumed: list[int] = []
    with read_works([path], progress=consumed.append) as reader:
        assert len(list(islice(reader, 10))) == 10
        assert sum(consumed) < path.stat().st_size / 2


def test_an_array_of_records_is_read_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "works.json"
    path.write_text(json.dumps([record(), record(id="w2", title=""), record(id="w3")], indent=1))
    result = read(path)
    assert [work.id for work in result.works] == ["w1", "w3"]
    assert path.read_text().split("\n")[result.problem.line] == '  "id": "w2",'


def test_a_broken_array_gives_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "works.json"
    path.write_text(json.dumps([record(), record(id="w2")])[:-20])
    result = read(path)
    assert [work.id for work in result.works] == ["w1"]
    assert (result.report.rejected, result.problem.field) == (1, "record")


def test_an_empty_array_holds_no_works(tmp_path: Path) -> None:
    path = tmp_path / "works.json"
    path.write_text("[ ]")
    assert read(path).report.read == 0


@pytest.mark.parametrize(
    ("row", "holds"),
    [
        ({"work": "w1", "position": 0, "person": "p"}, "labels"),
        ({"kind": "must", "a": {}, "b": {}}, "constraints"),
        ({"work": "w1", "position": 0, "identity": "p"}, "clusters written by this"),
        ({"record": {}, "problem": "", "remedy": ""}, "rejected records"),
    ],
)
def test_other_rows_are_left_out_with_a_note(
    jsonl: Write, row: dict[str, object], holds: str
) -> None:
    result = read(jsonl(record()), jsonl(row, name="other.jsonl"))
    assert (len(result.works), result.report.rejected) == (1, 0)
    assert result.problem.severity is Severity.NOTE
    assert result.problem.problem.startswith(f"contains {holds}")


def test_labels_alone_are_no_works(jsonl: Write) -> None:
    with pytest.raises(FormatError, match=r"no works found .*contains labels"):
        read(jsonl({"work": "w1", "position": 0, "person": "p"}))


@pytest.mark.parametrize(
    ("content", "looks"),
    [
        (b"Dear reader,\nno works here.\n", 'text that begins "Dear reader,"'),
        (b"PK\x03\x04rest", "a zip archive; unpack it first"),
        (b"%PDF-1.4", "a PDF"),
        (b"<!DOCTYPE html><p>", "an HTML file"),
        ("{}".encode("utf-16"), "UTF-16 text"),
        (b"\x00\x01\x02", "binary data"),
    ],
)
def test_an_unknown_file_is_refused_with_what_was_seen(
    tmp_path: Path, content: bytes, looks: str
) -> None:
    path = tmp_path / "works.jsonl"
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        read(path)
    assert looks in str(caught.value)
    assert "the formats are native, s2and, page" in str(caught.value)


def test_an_unknown_file_in_a_folder_is_left_out_with_a_note(jsonl: Write) -> None:
    path = jsonl(record())
    (path.parent / "README.md").write_text("# About\n\nText.\n")
    result = read(path.parent)
    assert (len(result.works), result.problem.severity) == (1, Severity.NOTE)


def test_an_empty_file_is_warned_of(jsonl: Write, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    result = read(jsonl(record()), empty)
    assert (len(result.works), result.problem.severity) == (1, Severity.WARNING)


def test_a_damaged_first_line_does_not_hide_the_format(jsonl: Write) -> None:
    result = read(jsonl(b'd": 1}', record()))
    assert (len(result.works), result.problem.line) == (1, 1)


def test_a_declared_format_is_taken_at_its_word(jsonl: Write) -> None:
    result = read(jsonl(b"no record at all"), format="native")
    assert (result.report.read, result.report.rejected) == (1, 1)


def test_a_file_that_is_not_as_declared_is_refused(jsonl: Write) -> None:
    with pytest.raises(FormatError, match=r"is not in the format page; it looks like native works"):
        read(jsonl(record()), format="page")


def test_each_file_is_reported_with_its_format(jsonl: Write) -> None:
    works, page = jsonl(record()), PAGES / "kimin-lee.txt"
    assert read(works, page).report.files == (
        FileReport(str(works), "native", "native works"),
        FileReport(str(page), "page", "a page"),
    )
