"""Works as records and back, and records as they were received."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disambig.domain import Author, Work
from disambig.ingest import dump_work, load_work, read_works
from tests.support.ingest_reading import PAGES, record

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
MAYBE = st.none() | TEXT
AUTHORS = st.builds(Author, TEXT, MAYBE, MAYBE, TEXTS, MAYBE, MAYBE)
WORKS = st.builds(
    Work,
    TEXT,
    TEXT,
    st.lists(AUTHORS, max_size=3).map(tuple),
    MAYBE,
    MAYBE,
    st.none() | st.integers(1000, 2100),
    TEXTS,
    st.dictionaries(TEXT, TEXT, max_size=3).map(lambda ids: tuple(ids.items())),
    st.none() | st.integers(0, 10**12),
    st.booleans(),
    TEXTS,
    TEXTS,
    TEXTS,
)


@given(WORKS)
def test_a_work_survives_its_record(work: Work) -> None:
    again = load_work(dump_work(work))
    assert again == work
    assert dump_work(again) == dump_work(work)


def test_the_record_is_one_the_reader_takes(tmp_path: Path) -> None:
    iris = "0000-0002-1825-0097"
    author = Author("Ada Byron", "Ada", "Byron", ("Home",), iris, "ada@example.org")
    work = Work("w1", "On Names", (author,), "Why.", "J", 1843, ("names",), (("doi", "10.1/x"),), 7)
    work = replace(work, references=("w0", "x9"), collaborations=("ATLAS",))
    (tmp_path / "works.jsonl").write_bytes(dump_work(work) + b"\n")
    assert list(read_works([tmp_path / "works.jsonl"])) == [work]


def test_what_is_not_stated_takes_no_room() -> None:
    work = Work("w1", "On Names", (Author("Ada Byron"),))
    assert dump_work(work) == b'{"id":"w1","title":"On Names","authors":[{"name":"Ada Byron"}]}'


def test_half_a_character_has_no_record() -> None:
    with pytest.raises(TypeError, match="surrogates"):
        dump_work(Work("w1", "\ud800"))


def test_a_line_of_json_is_received_as_it_stands(tmp_path: Path) -> None:
    line = '  {"title": "On\\tNames", "extra": [1],  "id":"w1", "authors": [{"name": "Æ Ø"}]}'
    (tmp_path / "works.jsonl").write_text(f"\n{line}\r\n", encoding="utf-8")
    (got,) = read_works([tmp_path / "works.jsonl"]).iterate_received()
    assert (got.work.title, got.line, got.raw) == ("On Names", 2, line)
    assert got.file == str(tmp_path / "works.jsonl")


def test_an_entry_of_an_array_is_received_as_it_stands(tmp_path: Path) -> None:
    entries = [json.dumps(record(id=name), indent=1) for name in ("w1", "w2")]
    (tmp_path / "works.json").write_text("[" + ",\n".join(entries) + "]")
    found = read_works([tmp_path / "works.json"]).iterate_received()
    assert [got.raw for got in found] == entries


def test_works_already_taken_are_not_received_again(tmp_path: Path) -> None:
    lines = [json.dumps(record(id=name)) + "\n" for name in ("w1", "w2")]
    (tmp_path / "works.jsonl").write_text("".join(lines))
    reader = read_works([tmp_path / "works.jsonl"])
    assert next(reader).id == "w1"
    assert [got.work.id for got in reader.iterate_received()] == ["w2"]


def test_a_paper_of_a_data_set_is_received_with_its_signatures(tmp_path: Path) -> None:
    paper = {
        "paper_id": 7,
        "title": "On Names",
        "references": [1],
        "authors": [{"position": 0, "author_name": "Ada Byron"}],
    }
    about = {"position": 0, "first": "Ada", "last": "Byron"}
    signed = {"signature_id": "s1", "paper_id": 7, "author_info": about}
    (tmp_path / "papers.json").write_text(json.dumps({"7": paper}))
    (tmp_path / "signatures.json").write_text(json.dumps({"s1": signed}))
    (got,) = read_works([tmp_path]).iterate_received()
    signed["paper_id"] = "7"  # ids are read as text
    assert json.loads(got.raw or "") == {"papers": {"7": paper}, "signatures": {"s1": signed}}


def test_a_paper_of_pages_is_received_as_each_page_prints_it(tmp_path: Path) -> None:
    page = PAGES / "kimin-lee.txt"
    copy = tmp_path / "copy.txt"
    copy.write_bytes(page.read_bytes())
    for got in read_works([page, copy]).iterate_received():
        printed = json.loads(got.raw or "")
        assert [entry["file"] for entry in printed] == [str(page), str(copy)]
        assert printed[0]["title"] == printed[1]["title"]
        assert printed[0]["line"] == got.line
