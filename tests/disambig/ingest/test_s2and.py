"""S2AND data sets: signatures placed on papers, clusters as labels."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from disambig.domain import Author, Label, Signature
from disambig.errors import FormatError, RecordError
from disambig.ingest import Problem, read_labels, read_s2and_labels
from tests.support.ingest_reading import read


def paper(number: int, *authors: str, **fields: Any) -> dict[str, Any]:
    first = fields.pop("first", 0)
    return {
        "paper_id": number,
        "title": f"Paper {number}",
        "abstract": "",
        "venue": "",
        "journal_name": "J. Names",
        "year": 2001,
        "references": [1, 2],
        "authors": [{"position": n, "author_name": a} for n, a in enumerate(authors, first)],
    } | fields


def signature(name: str, number: int, position: int, **info: Any) -> dict[str, Any]:
    about = {"position": position, "block": "a byron", "first": "ada", "middle": None}
    about |= {"last": "byron", "suffix": None, "email": None, "affiliations": []}
    return {"signature_id": name, "paper_id": number, "author_info": about | info}


def write(folder: Path, *, prefix: str = "", **files: list[dict[str, Any]]) -> Path:
    keys = {"papers": "paper_id", "signatures": "signature_id", "clusters": "cluster_id"}
    for name, entries in files.items():
        content = {str(entry[keys[name]]): entry for entry in entries}
        (folder / f"{prefix}{name}.json").write_text(json.dumps(content))
    return folder


def test_papers_become_works_with_what_signatures_know(tmp_path: Path) -> None:
    known = signature(
        "s1",
        7,
        1,
        first="Ada",
        middle="K.",
        last="Byron",
        email="ada@example.org",
        affiliations=["London"],
        source_id_source="ORCID",
        source_ids=["0000-0002-1825-0097"],
    )
    result = read(write(tmp_path, papers=[paper(7, "Bob Ox", "Ada K Byron")], signatures=[known]))
    assert result.problems == []
    assert (result.work.id, result.work.venue, result.work.year) == ("7", "J. Names", 2001)
    assert result.work.authors == (
        Author("Bob Ox"),
        Author(
            "Ada K Byron",
            "Ada K.",
            "Byron",
            ("London",),
            "0000-0002-1825-0097",
            "ada@example.org",
        ),
    )


def test_authors_stand_in_the_order_of_their_positions(tmp_path: Path) -> None:
    turned = paper(7, "A", "B", "C")
    turned["authors"].reverse()
    work = read(write(tmp_path, papers=[turned])).work
    assert [author.name for author in work.authors] == ["A", "B", "C"]


def test_positions_may_be_counted_from_one(tmp_path: Path) -> None:
    papers, signatures = [paper(7, "Bob Ox", "Ada Byron", first=1)], [signature("s1", 7, 2)]
    work = read(write(tmp_path, papers=papers, signatures=signatures)).work
    assert [author.family for author in work.authors] == [None, "byron"]


def test_a_signature_counted_otherwise_than_its_paper_is_found_by_name(tmp_path: Path) -> None:
    papers, signatures = [paper(7, "Ada Byron", "Bob Ox")], [signature("s1", 7, 1)]
    work = read(write(tmp_path, papers=papers, signatures=signatures)).work
    assert [author.family for author in work.authors] == ["byron", None]


def test_a_signature_that_is_no_author_is_rejected_and_the_paper_kept(tmp_path: Path) -> None:
    papers, signatures = [paper(7, "Cy Pea", "Bob Ox")], [signature("s1", 7, 1)]
    result = read(write(tmp_path, papers=papers, signatures=signatures))
    assert [author.family for author in result.work.authors] == [None, None]
    assert result.problem.field == "author_info.position"
    assert result.problem.file.endswith("signatures.json")


def test_of_two_authors_with_the_name_none_is_guessed(tmp_path: Path) -> None:
    papers = [paper(7, "Ada Byron", "A. Byron", "Bob Ox")]
    result = read(write(tmp_path, papers=papers, signatures=[signature("s1", 7, 2)]))
    assert (result.report.kept, result.report.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("printed", "first", "last"),
    [
        ("Jean-Luc O'Neill", "jean luc", "oneill"),
        ("María de la Cruz", "maria", "de la cruz"),
        ("A. Byron", "ada", "byron"),
        ("Byron, Ada", "ada", "byron"),
    ],
)
def test_names_agree_beyond_spelling(tmp_path: Path, printed: str, first: str, last: str) -> None:
    signatures = [signature("s1", 7, 0, first=first, last=last)]
    result = read(write(tmp_path, papers=[paper(7, printed)], signatures=signatures))
    assert (result.work.authors[0].family, result.work.authors[0].name) == (last, printed)


def test_a_missing_printed_name_is_taken_from_the_signature(tmp_path: Path) -> None:
    signatures = [signature("s1", 7, 0, suffix="jr")]
    result = read(write(tmp_path, papers=[paper(7, "")], signatures=signatures))
    assert result.work.authors[0].name == "ada byron jr"


BAD_PAPERS: list[tuple[dict[str, Any], str]] = [
    (paper(7, "A", title=None), "title"),
    (paper(7), "authors"),
    (paper(7, "A", ""), "authors[1].name"),
    (paper(7, "A", year="n.d."), "year"),
    (paper(7, "A", "B", first=2), "authors"),
    (paper(7, authors=[{"position": 0, "author_name": "A"}] * 2), "authors"),
    (paper(7, authors=[{"author_name": "A"}]), "authors[0].position"),
    (paper(7, authors="A, B"), "authors"),
]


@pytest.mark.parametrize(("bad", "field"), BAD_PAPERS)
def test_a_bad_paper_is_rejected_and_the_rest_goes_on(
    tmp_path: Path, bad: dict[str, Any], field: str
) -> None:
    result = read(write(tmp_path, papers=[bad, paper(8, "A")]))
    assert [work.id for work in result.works] == ["8"]
    assert result.problem.field == field


BAD_SIGNATURES: list[tuple[dict[str, Any], str]] = [
    (signature("s1", 7, -1), "author_info.position"),
    ({"signature_id": "s1", "paper_id": 7}, "author_info"),
    (signature("s1", 9, 0), "paper_id"),
]


@pytest.mark.parametrize(("bad", "field"), BAD_SIGNATURES)
def test_a_bad_signature_is_rejected_and_counts_as_read(
    tmp_path: Path, bad: dict[str, Any], field: str
) -> None:
    papers, good = [paper(7, "Ada Byron"), paper(8, "Ada Byron")], signature("s2", 8, 0)
    result = read(write(tmp_path, papers=papers, signatures=[good, bad]))
    assert (result.report.read, result.report.kept, result.report.rejected) == (3, 2, 1)
    assert result.problem.field == field


def test_a_file_cut_short_gives_the_papers_before_the_cut(tmp_path: Path) -> None:
    path = write(tmp_path, papers=[paper(7, "A"), paper(8, "B")]) / "papers.json"
    path.write_text(path.read_text()[:-30])
    result = read(tmp_path)
    assert ([work.id for work in result.works], result.report.rejected) == (["7"], 1)


def test_the_line_of_a_bad_paper_is_told(tmp_path: Path) -> None:
    (tmp_path / "papers.json").write_text(
        json.dumps({"7": paper(7, "A"), "8": paper(8, "")}, indent=1)
    )
    line = read(tmp_path).problem.line
    assert (tmp_path / "papers.json").read_text().split("\n")[line - 1] == ' "8": {'


def test_signatures_without_papers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="signatures without papers; give the folder"):
        read(write(tmp_path, signatures=[signature("s1", 7, 0)]))


def test_the_files_may_be_given_one_by_one(tmp_path: Path) -> None:
    write(tmp_path, papers=[paper(7, "Ada Byron")], signatures=[signature("s1", 7, 0)])
    work = read(tmp_path / "signatures.json", tmp_path / "papers.json").work
    assert work.authors[0].family == "byron"


def test_several_data_sets_in_a_folder_are_kept_apart_by_their_prefix(tmp_path: Path) -> None:
    for prefix, number in (("x_", 7), ("y_", 8)):
        papers, signatures = [paper(number, "Ada Byron")], [signature("s1", number, 0)]
        write(tmp_path, prefix=prefix, papers=papers, signatures=signatures)
    result = read(tmp_path)
    assert [work.authors[0].family for work in result.works] == ["byron", "byron"]
    assert result.problems == []


CLUSTERS = [
    {"cluster_id": "p1", "signature_ids": ["s1"]},
    {"cluster_id": "p2", "signature_ids": ["s2"]},
]


def labelled(folder: Path, **files: list[dict[str, Any]]) -> Path:
    papers = [paper(7, "Bob Ox", "Ada Byron"), paper(8, "Ada Byron")]
    signatures = [signature("s1", 7, 1), signature("s2", 8, 0, block="a b")]
    every = {"papers": papers, "signatures": signatures, "clusters": CLUSTERS} | files
    return write(folder, **every)


def test_clusters_are_labels_of_the_works_that_are_read(tmp_path: Path) -> None:
    assert list(read_s2and_labels(labelled(tmp_path))) == [
        Label(Signature("7", 1), "p1", "Ada Byron", "a byron"),
        Label(Signature("8", 0), "p2", "Ada Byron", "a b"),
    ]


def test_clusters_are_not_read_as_works(tmp_path: Path) -> None:
    assert [work.id for work in read(labelled(tmp_path)).works] == ["7", "8"]


def test_packed_data_sets_are_read(tmp_path: Path) -> None:
    for path in list(labelled(tmp_path).iterdir()):
        (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert len(list(read_labels([tmp_path]))) == 2


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"clusters": [{"cluster_id": "p", "signature_ids": ["s9"]}]}, "is not a signature"),
        ({"clusters": [{"cluster_id": "p", "signature_ids": ["s1", "s1"]}]}, "in two clusters"),
        ({"clusters": [{"cluster_id": "p", "signature_ids": [None]}]}, "not a valid string"),
        ({"papers": [paper(7, "Bob Ox", "Ada Byron")]}, "or its paper was rejected"),
    ],
)
def test_a_bad_cluster_entry_stops_or_is_told(
    tmp_path: Path, files: dict[str, list[dict[str, Any]]], problem: str
) -> None:
    labelled(tmp_path, **files)
    with pytest.raises(RecordError, match=problem):
        list(read_s2and_labels(tmp_path))
    problems: list[Problem] = []
    list(read_s2and_labels(tmp_path, strict=False, on_problem=problems.append))
    assert problem in problems[0].problem


def test_labels_need_all_three_files(tmp_path: Path) -> None:
    labelled(tmp_path)
    (tmp_path / "clusters.json").unlink()
    with pytest.raises(FormatError, match=r"papers\.json, signatures\.json and clusters\.json"):
        list(read_s2and_labels(tmp_path))


def test_s2and_from_a_pipe_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (labelled(tmp_path) / "papers.json").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        with pytest.raises(FormatError, match="cannot be read from a pipe"):
            read("-")
