from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from disambig.domain import Author, Label, Signature, Work
from disambig.errors import FormatError
from disambig.ingest import read_labels, read_works
from labeled.gold.command import gold, load_gold
from labeled.gold.rows import format_label, format_work
from labeled.gold.splits import check_leakage


def note(identifier: str, *authors: str) -> dict[str, Any]:
    ids = ["~" + name.replace(" ", "_") + "1" for name in authors]
    content = {"title": f"On {identifier}", "authors": list(authors), "authorids": ids}
    return {"id": identifier, "content": content}


def notes(path: Path, *found: Any) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in found))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(gold, [str(argument) for argument in arguments])


def test_a_work_written_as_a_row_is_read_back_the_same(tmp_path: Path) -> None:
    work = Work(
        "w:1",
        "Müller & „Söhne“ <b>",
        (
            Author("Ada Moore", "Ada", "Moore", ("Barn U", "Shed Inc"), "0000-0002-1825-0097"),
            Author("李伟", email="li@example.org"),
        ),
        abstract="Two\nlines",
        venue="BARN",
        year=1987,
        keywords=("barn", "shed"),
        ids=(("doi", "10.1/b"),),
        citations=7,
    )
    (tmp_path / "works.jsonl").write_text(format_work(work) + "\n")
    assert list(read_works([tmp_path / "works.jsonl"])) == [work]


def test_a_row_leaves_out_what_a_work_does_not_state() -> None:
    row = json.loads(format_work(Work("w:1", "On Barns", (Author("Ada Moore"),))))
    assert row == {"id": "w:1", "title": "On Barns", "authors": [{"name": "Ada Moore"}]}


def test_a_label_written_as_a_row_is_read_back_the_same(tmp_path: Path) -> None:
    label = Label(Signature("w:1", 2), "p", "Ada Moore", "a moore", "dev")
    (tmp_path / "labels.jsonl").write_text(format_label(label) + "\n")
    assert list(read_labels([tmp_path / "labels.jsonl"])) == [label]


def test_works_and_labels_can_be_taken_in_either_order(tmp_path: Path) -> None:
    path = notes(tmp_path / "n.jsonl", note("a", "Ada Moore", "Bo Li"), note("b", "Bo Li"))
    works_first = load_gold("openreview", path)
    works, labels = list(works_first.works), list(works_first.labels)
    labels_first = load_gold("openreview", path)
    assert (list(labels_first.labels), list(labels_first.works)) == (labels, works)
    assert [work.id for work in works] == ["openreview:a", "openreview:b"]
    assert [label.person for label in labels] == ["~Ada_Moore1", "~Bo_Li1", "~Bo_Li1"]


def test_works_are_given_before_the_whole_file_is_read(tmp_path: Path) -> None:
    path = notes(tmp_path / "n.jsonl", note("a", "Ada Moore"), 7, 7)
    loaded = load_gold("openreview", path)
    next(loaded.works)
    assert loaded.problems.rejected == 0
    assert list(loaded.works) == []
    assert loaded.problems.rejected == 2


def test_an_unknown_kind_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="aminer, acl, openreview, s2and"):
        load_gold("scopus", tmp_path)


@pytest.mark.parametrize("kind", ["aminer", "acl", "openreview"])
def test_a_folder_without_such_a_set_is_refused_by_each_kind(tmp_path: Path, kind: str) -> None:
    with pytest.raises(FormatError):
        next(load_gold(kind, tmp_path).works)


def s2and_folder(path: Path) -> Path:
    path.mkdir()
    names = [("s1", "p1", 0, "Ada", "Moore"), ("s2", "p2", 1, "A.", "Moore")]
    signatures = {
        sid: {
            "signature_id": sid,
            "paper_id": paper,
            "author_info": {
                "position": at,
                "block": "a moore",
                "first": first,
                "middle": None,
                "last": last,
                "suffix": None,
                "email": None,
                "affiliations": [],
            },
        }
        for sid, paper, at, first, last in names
    }
    papers = {
        "p1": {"authors": [{"position": 0, "author_name": "Ada Moore"}]},
        "p2": {
            "authors": [
                {"position": 0, "author_name": "Bo Li"},
                {"position": 1, "author_name": "A. Moore"},
            ]
        },
    }
    for pid, paper in papers.items():
        paper |= {"paper_id": pid, "title": f"On {pid}", "abstract": None, "year": 1987}  # type: ignore[dict-item]
    clusters = {"c1": {"cluster_id": "c1", "signature_ids": ["s1", "s2"]}}
    for name, value in (("signatures", signatures), ("papers", papers), ("clusters", clusters)):
        (path / f"barn_{name}.json").write_text(json.dumps(value))
    return path


def test_s2and_clusters_become_persons(tmp_path: Path) -> None:
    loaded = load_gold("s2and", s2and_folder(tmp_path / "barn"))
    works, labels = list(loaded.works), list(loaded.labels)
    assert [work.title for work in works] == ["On p1", "On p2"]
    assert [(label.signature, label.block) for label in labels] == [
        (Signature(works[0].id, 0), "a moore"),
        (Signature(works[1].id, 1), "a moore"),
    ]
    assert len({label.person for label in labels}) == 1


def test_the_command_writes_files_that_read_back_with_splits(tmp_path: Path) -> None:
    authors = [f"Ada {chr(65 + i)}oore" for i in range(26)]
    path = notes(tmp_path / "n.jsonl", *(note(str(i), name) for i, name in enumerate(authors)))
    result = run("openreview", path, "--out", tmp_path / "gold")
    assert result.exit_code == 0, result.output
    works = list(read_works([tmp_path / "gold" / "works.jsonl.gz"]))
    labels = list(read_labels([tmp_path / "gold" / "labels.jsonl"]))
    assert len(works) == len(labels) == 26
    assert {label.split for label in labels} == {"train", "dev", "test"}
    assert check_leakage(labels) == []
    assert "26 works, 26 labelled mentions of 26 people" in result.stderr
    assert not (tmp_path / "gold" / "problems.jsonl").exists()


def test_the_command_writes_the_same_bytes_every_time(tmp_path: Path) -> None:
    path = notes(tmp_path / "n.jsonl", note("a", "Ada Moore"))
    for out in ("one", "two"):
        run("openreview", path, "--out", tmp_path / out)
    first, second = (tmp_path / out / "works.jsonl.gz" for out in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_rejected_records_are_told_kept_and_set_the_exit_status(tmp_path: Path) -> None:
    bad = {"id": "x\x1b[2J", "content": {"title": "", "authors": ["A"]}}
    path = notes(tmp_path / "n\x1b.jsonl", bad, note("a", "Ada Moore"))
    result = run("openreview", path, "--out", tmp_path / "gold")
    assert result.exit_code == 3
    assert "1: content.title: is empty; give the note its title" in result.stderr
    assert "\x1b" not in result.stderr
    rows = (tmp_path / "gold" / "problems.jsonl").read_text().splitlines()
    assert [json.loads(row)["field"] for row in rows] == ["content.title"]


def test_quiet_says_nothing(tmp_path: Path) -> None:
    path = notes(tmp_path / "n.jsonl", note("a", "Ada Moore"))
    assert run("openreview", path, "--out", tmp_path / "gold", "--quiet").output == ""


def test_half_a_surrogate_pair_does_not_stop_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    path.write_text(json.dumps(note("a", "Ada \ud800Moore")) + "\n")
    assert run("openreview", path, "--out", tmp_path / "gold").exit_code == 0
    with gzip.open(tmp_path / "gold" / "works.jsonl.gz", "rt", encoding="utf-8") as file:
        assert json.loads(file.read())["authors"] == [{"name": "Ada ?Moore"}]


def test_the_command_is_registered_and_explains_itself() -> None:
    from disambig.cli import main

    result = CliRunner().invoke(main, ["gold", "--help"])
    assert result.exit_code == 0
    assert "AMiner-2012" in result.output
    assert "Examples:" in result.output
