"""``disambig train`` from labelled works to a model that clusters."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from disambig import Model
from disambig.cli import main
from disambig.training import fit
from labeled.demo.sample import WORKS_FILE

FAMILIES = ("Lee", "Chen", "Novak", "Garcia", "Mori", "Okafor", "Larsen", "Rossi")
FIELDS = ("graphs", "robots", "grammar", "vision", "proteins", "markets")
SYLLABLES = ("bar", "den", "fos", "gil", "hum", "kep", "lor", "mas")
PEOPLE, PAPERS = 3, 7


def people() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Works and labels: three people behind each name, who leave their field now and then."""
    rng = random.Random(1)
    for number, family in enumerate(FAMILIES):
        for person in range(PEOPLE):
            for paper in range(PAPERS):
                strays = rng.random() < 0.4
                field = rng.choice(FIELDS) if strays else FIELDS[(number + 2 * person) % 6]
                friend = rng.randrange(40) if strays else 3 * number + person
                work = f"{family}{person}{paper}"
                yield (
                    {
                        "id": work,
                        "title": f"On {field} and {rng.choice(FIELDS)}",
                        "venue": f"Journal of {field}",
                        "year": 2000 + 5 * person + rng.randrange(8),
                        "authors": [
                            {"name": f"Ann {family}"},
                            {"name": f"Paul {SYLLABLES[friend % 8]}{SYLLABLES[friend // 8]}"},
                        ],
                    },
                    {
                        "work": work,
                        "position": 0,
                        "person": f"{family}-{person}",
                        "split": "train" if number < 7 else "dev",
                    },
                )


@pytest.fixture(scope="module", autouse=True)
def small_forests() -> Iterator[None]:
    """Forests of a few trees: what is tested here does not hang on how good they are."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PAIR_FOREST", "GROUP_FOREST"):
            patch.setattr(fit, name, replace(getattr(fit, name), n_trees=8))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An invented corpus with labels, and a model trained on it."""
    here = tmp_path_factory.mktemp("train")
    works, labels = zip(*people(), strict=True)
    (here / "works.jsonl").write_text("".join(json.dumps(row) + "\n" for row in works))
    (here / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labels))
    result = train(here, "my.model")
    assert result.exit_code == 0, result.output
    return here


def train(folder: Path, name: str, *more: str) -> Result:
    works, labels = folder / "works.jsonl", folder / "labels.jsonl"
    arguments = [str(works), "--labels", str(labels), "--out", str(folder / name), *more]
    return CliRunner().invoke(main, ["train", *arguments])


def test_the_same_seed_makes_the_same_bytes(folder: Path) -> None:
    train(folder, "again.model")
    assert (folder / "again.model").read_bytes() == (folder / "my.model").read_bytes()


def test_the_model_says_what_it_was_made_from(folder: Path) -> None:
    metadata = Model.load(folder / "my.model").metadata
    (corpus,) = metadata["training"]
    assert corpus["corpus"] == "labels.jsonl"
    assert corpus["labelled_signatures"] == 8 * 3 * 7
    assert corpus["people"] == 24
    assert metadata["seed"] == 0


def test_the_model_clusters_the_sample(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "clusters.jsonl"
    arguments = [str(WORKS_FILE), "--out", str(out), "--model", str(folder / "my.model")]
    result = CliRunner().invoke(main, ["cluster", *arguments])
    assert result.exit_code == 0, result.output
    assert len(out.read_text(encoding="utf-8").splitlines()) == 606


def test_a_split_uses_only_its_labels(folder: Path) -> None:
    result = train(folder, "split.model", "--split", "train")
    assert result.exit_code == 0, result.output
    assert "Model of 147 labelled mentions" in result.stderr
    assert Model.load(folder / "split.model").metadata["training"][0]["splits"] == ["train"]


def test_a_split_without_labels_is_an_error(folder: Path) -> None:
    result = train(folder, "none.model", "--split", "test")
    assert result.exit_code == 1
    assert "no labels" in result.stderr
    assert not (folder / "none.model").exists()


def test_labels_of_other_works_are_an_error_that_names_one(folder: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"work": "elsewhere", "position": 0, "person": "p"}\n')
    arguments = [str(WORKS_FILE), "--labels", str(labels), "--out", str(tmp_path / "m")]
    result = CliRunner().invoke(main, ["train", *arguments])
    assert result.exit_code == 1
    assert "'elsewhere'" in result.stderr


def test_a_model_never_overwrites_its_labels(folder: Path) -> None:
    before = (folder / "labels.jsonl").read_bytes()
    assert "would be overwritten" in train(folder, "labels.jsonl").stderr
    assert (folder / "labels.jsonl").read_bytes() == before
