from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from disambig.domain import Author, Label, Signature, Work
from disambig.errors import FormatError
from labeled.gold.goldset import LabelledWork, Problems
from labeled.gold.openreview import read_openreview

CONTENT: dict[str, Any] = {
    "title": "On Barns",
    "authors": ["Ada Moore", "Bo Li"],
    "authorids": ["~Ada_Moore1", "bo@example.org"],
    "venue": "BARN 2024 poster",
    "keywords": ["barn"],
    "abstract": "We build barns.",
}


def note(identifier: str = "n1", **content: Any) -> dict[str, Any]:
    merged = {**CONTENT, **content}
    return {"id": identifier, "content": {k: v for k, v in merged.items() if v is not None}}


def wrapped(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "content": {key: {"value": value} for key, value in one["content"].items()}}


def read(path: Path) -> tuple[list[LabelledWork], list[str]]:
    problems = Problems()
    found = list(read_openreview(path, problems))
    return found, [f"{e.line}: {e.field}: {e.problem}" for e in problems.errors]


def of(tmp_path: Path, *notes: Any) -> tuple[list[LabelledWork], list[str]]:
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in notes))
    return read(path)


EXPECTED = LabelledWork(
    Work(
        "openreview:n1",
        "On Barns",
        (Author("Ada Moore"), Author("Bo Li", email="bo@example.org")),
        abstract="We build barns.",
        venue="BARN 2024 poster",
        year=2024,
        keywords=("barn",),
        ids=(("openreview", "n1"),),
    ),
    (Label(Signature("openreview:n1", 0), "~Ada_Moore1", "Ada Moore", "a moore"),),
)


def test_a_profile_id_is_a_person_and_an_address_is_not(tmp_path: Path) -> None:
    assert of(tmp_path, note()) == ([EXPECTED], [])


def test_values_wrapped_by_api_2_read_the_same(tmp_path: Path) -> None:
    assert of(tmp_path, wrapped(note())) == ([EXPECTED], [])


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "shape",
    [
        lambda notes: notes,
        lambda notes: {"notes": notes},
        lambda notes: {"notes": notes, "count": 2},
        lambda notes: {"count": 2, "notes": notes},
        lambda notes: {"limit": 9, "notes": notes},
    ],
)
def test_every_shape_of_file_gives_the_same_notes(
    tmp_path: Path, shape: Any, indent: int | None
) -> None:
    path = tmp_path / "notes.json"
    path.write_text(json.dumps(shape([note("n1"), note("n2")]), indent=indent))
    found, problems = read(path)
    assert [entry.work.id for entry in found] == ["openreview:n1", "openreview:n2"]
    assert problems == []


def test_a_problem_in_a_pretty_printed_list_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text(
        '{"notes": [\n {"id": "n0",\n  "content": {"title": "", "authors": []}},\n 7\n]}'
    )
    _, problems = read(path)
    assert problems == ["2: content.title: is empty", "4: content: missing"]


def test_gzipped_files_of_a_folder_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(json.dumps(note("n2")).encode()))
    (tmp_path / "a.json").write_text(json.dumps([note("n1")]))
    (tmp_path / "readme.txt").write_text("not notes")
    found, _ = read(tmp_path)
    assert [entry.work.id for entry in found] == ["openreview:n1", "openreview:n2"]


def test_authors_as_objects_are_read(tmp_path: Path) -> None:
    authors = [{"fullname": "Ada Moore", "username": "~Ada_Moore1"}, {"fullname": "Bo Li"}]
    found, problems = of(tmp_path, note(authors=authors, authorids=None))
    assert [author.name for author in found[0].work.authors] == ["Ada Moore", "Bo Li"]
    assert ([label.person for label in found[0].labels], problems) == (["~Ada_Moore1"], [])


def test_reviews_and_deleted_notes_are_passed_over_silently(tmp_path: Path) -> None:
    review = {"id": "r1", "replyto": "n1", "content": {"review": "good"}}
    comment = {"id": "r2", "replyto": "n1", "content": {"title": "Thanks", "comment": "!"}}
    deleted = {**note("n3"), "ddate": 1700000000000}
    assert of(tmp_path, review, comment, deleted, note()) == ([EXPECTED], [])


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (note(title=" "), "1: content.title: is empty"),
        (note(authors=None), "1: content.authors: is not a list of names"),
        (note(authors="Ada Moore, Bo Li"), "1: content.authors: is not a list of names"),
        (note(authors=[]), "1: content.authors: is not a list of names"),
        (note(authors=["Ada Moore", " "]), "1: content.authors: holds an empty name"),
        ({"content": CONTENT}, "1: id: missing"),
        ({"id": "n1"}, "1: content: missing"),
        ({"id": "n1", "content": "x"}, "1: content: missing"),
    ],
)
def test_an_unusable_note_is_rejected_with_its_reason(tmp_path: Path, bad: Any, said: str) -> None:
    found, problems = of(tmp_path, bad, note("n2"))
    assert [entry.work.id for entry in found] == ["openreview:n2"]
    assert problems == [said]


def test_a_line_that_is_not_json_costs_itself_only(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text(json.dumps(note("n1")) + '\n{"id": \n\n' + json.dumps(note("n2")) + "\n")
    found, problems = read(path)
    assert [entry.work.id for entry in found] == ["openreview:n1", "openreview:n2"]
    assert problems[0].startswith("2: note: not JSON")


def test_ids_that_do_not_match_the_authors_leave_the_work_unlabelled(tmp_path: Path) -> None:
    found, problems = of(tmp_path, note(authorids=["~Ada_Moore1"]))
    assert found[0].labels == ()
    assert problems == ["1: content.authorids: missing, or not one for each author"]


def test_a_profile_twice_on_a_work_is_labelled_once(tmp_path: Path) -> None:
    found, problems = of(tmp_path, note(authorids=["~Ada_Moore1", "~Ada_Moore1"]))
    assert [label.signature.position for label in found[0].labels] == [0]
    assert problems == ["1: content.authorids: ~Ada_Moore1 is listed twice"]


def test_links_to_dblp_are_neither_persons_nor_addresses(tmp_path: Path) -> None:
    link = "https://dblp.org/search/pid/api?q=author:Ada_Moore:"
    found, _ = of(tmp_path, note(authorids=[link, ""]))
    assert found[0].labels == ()
    assert [author.email for author in found[0].work.authors] == [None, None]


def test_a_note_met_again_is_given_once(tmp_path: Path) -> None:
    found, problems = of(tmp_path, note(), wrapped(note()))
    assert (found, problems) == ([EXPECTED], [])


def test_one_id_with_other_content_is_rejected(tmp_path: Path) -> None:
    found, problems = of(tmp_path, note(), note(title="On Sheds"))
    assert found == [EXPECTED]
    assert problems == ["2: id: openreview:n1 is a duplicate with different content"]


@pytest.mark.parametrize(
    ("venue", "dates", "year"),
    [
        ("BARN 2024 poster", {"pdate": 0}, 2024),
        (None, {"pdate": 1740009600000, "cdate": 1600000000000}, 2025),
        (None, {"cdate": 1600000000000}, 2020),
        ("Submitted to BARN", {}, None),
        (["BARN 2021", "x"], {}, 2021),
        ("id 120241", {"cdate": "soon"}, None),
    ],
)
def test_the_year_is_the_venue_s_else_that_of_the_first_date(
    tmp_path: Path, venue: Any, dates: dict[str, Any], year: int | None
) -> None:
    found, _ = of(tmp_path, {**note(venue=venue), **dates})
    assert found[0].work.year == year


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[{]", "not JSON"),
        (b'{"notes": 3}', "holds no notes"),
        (b'[{"id": "n1"', "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe[", "not UTF-8"),
        (gzip.compress(b"[]" * 99, mtime=0)[:20], "damaged gzip"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_holds_no_notes_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "notes.json"
    path.write_bytes(data)
    with pytest.raises(FormatError, match=said):
        read(path)


def test_a_folder_without_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no \.json or \.jsonl file"):
        read(tmp_path)
