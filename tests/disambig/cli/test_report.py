"""``disambig report`` from files to a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from disambig.cli import main

ANN = [{"name": "Ann Lee"}]
TITLES = {"W1": "On <script>alert(1)</script>", "W2": "Deep \u202eshaders", "W3": "Graphs"}


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def run(folder: Path, *more: str, works: dict[str, str] = TITLES) -> Result:
    """Three papers of two persons, all given one identity."""
    mentions = [{"work": w, "position": 0, "name": "Ann Lee"} for w in TITLES]
    clusters = [{**m, "identity": "p1", "confidence": 0.5} for m in mentions]
    people = ["ann-1", "ann-1", "ann-2"]
    labels = [{**m, "person": p, "block": "a lee"} for m, p in zip(mentions, people, strict=True)]
    papers = [
        {
            "id": w,
            "title": t,
            "abstract": "",
            "venue": "ACL",
            "year": 2001,
            "authors": [{"name": "Ann Lee"}],
        }
        for w, t in works.items()
    ]
    arguments = [
        "report",
        write(folder / "clusters.jsonl", clusters),
        write(folder / "labels.jsonl", labels),
        "--works",
        write(folder / "works.jsonl", papers),
        "--out",
        str(folder / "report.html"),
    ]
    return CliRunner().invoke(main, [*arguments, *more])


def test_the_page_is_written_and_said_so(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 0, result.output
    assert str(tmp_path / "report.html") in result.stderr


def test_the_page_shows_the_over_merge_with_its_titles_escaped(tmp_path: Path) -> None:
    run(tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<strong>2 persons</strong> over 3 mentions" in page
    assert "On &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page
    assert "<script" not in page


def test_quiet_says_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "--quiet").output == ""


def test_works_that_lack_a_labelled_mention_are_an_error(tmp_path: Path) -> None:
    result = run(tmp_path, works={"W1": "Alone"})
    assert result.exit_code == 1
    assert "2 labelled mentions are in no work" in result.stderr
    assert not (tmp_path / "report.html").exists()


def test_the_page_says_how_honest_the_probabilities_are(tmp_path: Path) -> None:
    run(tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Are the probabilities honest?" in page
    assert "over 3 pairs" in page


def test_a_folder_that_does_not_exist_is_refused_before_any_work(tmp_path: Path) -> None:
    result = run(tmp_path, "--out", str(tmp_path / "nowhere" / "report.html"))
    assert result.exit_code == 2
    assert "does not exist" in result.stderr
