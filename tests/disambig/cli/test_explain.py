"""``disambig explain`` from works to words."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from disambig.cli import main

WORKS: list[dict[str, Any]] = [
    {"id": "a:1", "title": "Deep graphs", "year": 2001, "authors": [{"name": "Ann Lee"}]},
    {"id": "a:2", "title": "Deeper graphs", "year": 2002, "authors": [{"name": "Ann Lee"}]},
    {"id": "a:3", "title": "Soil", "year": 1950, "authors": [{"name": "Ann B. Lee"}]},
]


@pytest.fixture
def works(tmp_path: Path) -> Path:
    path = tmp_path / "works.jsonl"
    path.write_text("".join(json.dumps(work) + "\n" for work in WORKS))
    return path


def run(works: Path, *arguments: str, a: str = "a:1:0", b: str = "a:2:0") -> Result:
    return CliRunner().invoke(main, ["explain", str(works), "--a", a, "--b", b, *arguments])


def test_the_verdict_and_both_names_are_shown(works: Path) -> None:
    result = run(works, b="a:3:0")
    assert result.exit_code == 0, result.output
    assert "Ann B. Lee" in result.stdout
    assert "One person" in result.stdout or "Two persons" in result.stdout


def test_nothing_but_the_explanation_is_said_of_good_records(works: Path) -> None:
    assert run(works).stderr == ""


def test_json_adds_up_to_the_printed_probability(works: Path) -> None:
    result = run(works, "--json")
    score = json.loads(result.stdout)["pair"]
    parts = [c["log_odds"] for c in score["contributions"]]
    logit = math.log(score["probability"] / (1 - score["probability"]))
    assert score["bias"] + sum(parts) + score["calibration"] == pytest.approx(logit, abs=1e-4)


def test_constraints_are_heeded(works: Path, tmp_path: Path) -> None:
    decisions = tmp_path / "decisions.jsonl"
    sides = {"a": {"work": "a:1", "position": 0}, "b": {"work": "a:2", "position": 0}}
    decisions.write_text(json.dumps({"kind": "cannot", **sides}) + "\n")
    result = run(works, "--constraints", str(decisions))
    assert "Two persons · decided by a cannot-link" in result.stdout


def test_an_unknown_work_is_an_error_in_one_line(works: Path) -> None:
    result = run(works, b="a:9:0")
    assert result.exit_code == 1
    assert result.stderr == "Error: no work has the id 'a:9'; check the spelling\n"


def test_what_is_no_mention_is_an_error_before_anything_is_read(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    result = run(empty, a="here")
    assert result.exit_code == 1
    assert "write WORK:POSITION" in result.stderr


def test_a_rejected_record_ends_with_status_three(works: Path) -> None:
    works.write_text(works.read_text() + '{"id": "X"}\n')
    result = run(works)
    assert result.exit_code == 3
    assert "1 rejected" in result.stderr
