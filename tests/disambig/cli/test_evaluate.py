"""``disambig evaluate`` from files to figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from disambig.cli import main

# Ann wrote W1 W2, Bob W3 W4 in block x; the clusters hold {W1 W2 W3} {W4}.
# In block y, split dev, Cy wrote W5 and W6, and they are together.
PEOPLE = {"W1": "ann", "W2": "ann", "W3": "bob", "W4": "bob", "W5": "cy", "W6": "cy"}
IDENTITIES = {"W1": "p1", "W2": "p1", "W3": "p1", "W4": "p2", "W5": "p3", "W6": "p3"}


def cluster_rows(identities: dict[str, str] = IDENTITIES) -> list[dict[str, Any]]:
    return [
        {"work": w, "position": 0, "name": "A Lee", "identity": i, "confidence": 0.9}
        for w, i in identities.items()
    ]


def label_rows(people: dict[str, str] = PEOPLE, **more: str) -> list[dict[str, Any]]:
    def where(person: str) -> dict[str, str]:
        dev = person == "cy"
        return {"block": "y" if dev else "x", "split": "dev" if dev else "train"}

    return [
        {"work": w, "position": 0, "name": "A Lee", "person": p, **where(p), **more}
        for w, p in people.items()
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def clusters(tmp_path: Path) -> str:
    return write(tmp_path / "clusters.jsonl", cluster_rows())


@pytest.fixture
def labels(tmp_path: Path) -> str:
    return write(tmp_path / "labels.jsonl", label_rows())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["evaluate", *arguments])


def figures(*arguments: str) -> list[dict[str, Any]]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_figures_of_the_worked_partition(clusters: str, labels: str) -> None:
    # precision: 2/3 2/3 1/3 1 1 1; recall: 1 1 1/2 1/2 1 1
    (found,) = figures(clusters, labels)
    assert found["within_blocks"]["bcubed_precision"] == pytest.approx(14 / 18)
    assert found["within_blocks"]["bcubed_recall"] == pytest.approx(5 / 6)
    assert found["within_blocks"]["exact_blocks"] == 0.5


def test_a_split_measures_only_its_labels(clusters: str, labels: str) -> None:
    (found,) = figures(clusters, labels, "--split", "dev")
    assert (found["within_blocks"]["signatures"], found["within_blocks"]["bcubed_f1"]) == (2, 1.0)


def test_each_labels_file_has_its_own_figures(clusters: str, labels: str, tmp_path: Path) -> None:
    other = write(tmp_path / "other.jsonl", label_rows({"W1": "ann"}))
    found = figures(clusters, labels, other)
    assert [(f["labels"], f["whole_corpus"]["signatures"]) for f in found] == [
        (labels, 6),
        (other, 1),
    ]


def test_undefined_figures_are_null_in_json(clusters: str, tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", label_rows({"W1": "ann"}))
    (found,) = figures(clusters, one)
    assert found["whole_corpus"]["pairwise_f1"] is None


def test_labels_without_blocks_have_no_figures_within(clusters: str, tmp_path: Path) -> None:
    rows = [{k: v for k, v in row.items() if k != "block"} for row in label_rows()]
    (found,) = figures(clusters, write(tmp_path / "bare.jsonl", rows))
    assert found["within_blocks"] is None


def test_the_table_shows_per_cent_for_both_scopes(clusters: str, labels: str) -> None:
    text = run(clusters, labels).stdout
    assert "within blocks" in text
    assert "whole corpus" in text
    assert "77.78" in text


def test_the_table_fits_eighty_columns(clusters: str, labels: str) -> None:
    lines = run(clusters, labels).stdout.splitlines()
    assert max(len(line) for line in lines if labels not in line) <= 80


def test_a_missing_mention_is_an_error_that_names_it(labels: str, tmp_path: Path) -> None:
    partial = {w: i for w, i in IDENTITIES.items() if w != "W2"}
    clusters = write(tmp_path / "partial.jsonl", cluster_rows(partial))
    result = run(clusters, labels)
    assert result.exit_code == 1
    assert "1 of 6 signatures" in result.stderr
    assert "W2:0" in result.stderr
    assert "--allow-missing" in result.stderr


def test_allowed_missing_mentions_are_left_out_and_stated(labels: str, tmp_path: Path) -> None:
    partial = {w: i for w, i in IDENTITIES.items() if w != "W2"}
    clusters = write(tmp_path / "partial.jsonl", cluster_rows(partial))
    assert "1 labelled mentions are missing" in run(clusters, labels, "--allow-missing").stdout
    (found,) = figures(clusters, labels, "--allow-missing")
    assert (found["missing"], found["whole_corpus"]["signatures"]) == (1, 5)


def test_a_mention_with_two_rows_is_an_error(labels: str, tmp_path: Path) -> None:
    clusters = write(tmp_path / "twice.jsonl", cluster_rows() + cluster_rows({"W4": "p9"}))
    result = run(clusters, labels)
    assert result.exit_code == 1
    assert "repeat a signature (first: W4:0)" in result.stderr


def test_a_broken_row_is_named_by_file_and_line(labels: str, tmp_path: Path) -> None:
    clusters = tmp_path / "broken.jsonl"
    clusters.write_text('{"work": "W1", "position": 0, "identity": "p"}\n{"work"\n')
    result = run(str(clusters), labels)
    assert result.exit_code == 1
    assert f"{clusters}:2" in result.stderr


def test_an_unknown_split_names_the_known_ones(clusters: str, labels: str) -> None:
    result = run(clusters, labels, "--split", "test")
    assert result.exit_code == 1
    assert "its splits are dev, train" in result.stderr


def test_hostile_ids_cannot_reach_the_terminal(clusters: str, tmp_path: Path) -> None:
    labels = write(tmp_path / "evil.jsonl", label_rows({"W\x1b[2J\u202e": "ann"}))
    result = run(clusters, labels)
    assert "\x1b" not in result.stderr
    assert "W\\x1b[2J\\u202e:0" in result.stderr


def test_a_file_that_does_not_exist_is_a_usage_error(labels: str) -> None:
    assert run("nowhere.jsonl", labels).exit_code == 2
