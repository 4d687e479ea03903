"""``disambig benchmark`` from folders to figures, on the bundled sample."""

from __future__ import annotations

import json
import shutil
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from lxml import etree

from disambig.cli import main
from disambig.errors import InputError
from labeled.benchmark.robustness import PERTURBATIONS
from labeled.corpora import find_corpora
from labeled.demo.sample import LABELS_FILE, WORKS_FILE


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def sample(folder: Path, split: Callable[[dict[str, Any]], str] = lambda row: "dev") -> Path:
    """The bundled sample as a corpus folder, its labels in splits of our own."""
    folder.mkdir(parents=True)
    shutil.copy(WORKS_FILE, folder / "works.jsonl")
    rows = [{**row, "split": split(row)} for row in rows_of(LABELS_FILE)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "labels.jsonl").write_text(text, encoding="utf-8")
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["benchmark", *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = sample(tmp_path_factory.mktemp("data") / "pages")
    shutil.copy(folder / "labels.jsonl", folder / "silver_labels.jsonl")
    return folder


@pytest.fixture(scope="module")
def measured(folder: Path) -> tuple[Path, str]:
    """Where the command wrote its files, and what it printed."""
    out = folder.parent
    result = run(
        folder,
        "--workers",
        1,
        "--quiet",
        "--json",
        out / "figures.json",
        "--plots",
        out / "plots",
        "--errors",
        3,
        "--errors-out",
        out / "errors.jsonl",
    )
    assert result.exit_code == 0, result.output
    return out, result.output


@pytest.fixture(scope="module")
def figures(measured: tuple[Path, str]) -> dict[str, Any]:
    document = json.loads((measured[0] / "figures.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = document["corpora"][0]
    return found


@pytest.fixture(scope="module")
def compared(folder: Path, measured: tuple[Path, str]) -> tuple[dict[str, Any], str, str]:
    """A second measurement: its JSON, what it printed, and its Markdown."""
    out, row = measured[0], rows_of(LABELS_FILE)[0]
    erratum = {key: row[key] for key in ("work", "position")}
    erratum |= {"person": "someone else", "reason": "invented"}
    (out / "errata.jsonl").write_text(json.dumps(erratum), encoding="utf-8")
    result = run(
        folder,
        *("--workers", 1, "--quiet", "--compare", out / "figures.json"),
        *("--errata", out / "errata.jsonl", "--robustness", "doubled-works,no-coauthors"),
        *("--json", out / "compared.json", "--markdown", out / "summary.md"),
    )
    assert result.exit_code == 0, result.output
    document = json.loads((out / "compared.json").read_text(encoding="utf-8"))
    return document, result.output, (out / "summary.md").read_text(encoding="utf-8")


def test_a_result_equals_the_earlier_one_of_the_same_model(compared) -> None:
    differences = compared[0]["comparisons"][0]["differences"]
    assert differences["bcubed_f1"] == differences["pairwise_f1"] == [0, 0, 0]


def test_errata_are_applied_beside_the_labels_as_they_are(compared, figures) -> None:
    corpus = compared[0]["corpora"][0]
    assert corpus["labels_changed_by_errata"] == 1
    assert corpus["within_blocks"] == figures["within_blocks"]
    assert corpus["with_errata"]["bcubed_f1"] != figures["within_blocks"]["bcubed_f1"]


def test_every_perturbation_asked_for_is_measured_on_all_labels(compared) -> None:
    names = [row["perturbation"] for row in compared[0]["robustness"]]
    assert names == ["no-coauthors", "doubled-works"]
    assert "Robustness on pages" in compared[1]


def test_dropping_coauthors_loses_accuracy_and_doubling_leaves_names_as_they_are(
    compared, figures
) -> None:
    dropped, doubled = compared[0]["robustness"]
    assert dropped["change"]["bcubed_f1"][0] < 0
    assert doubled["printed_names"] == figures["printed_names"]


def test_intervals_contain_their_figures(figures: dict[str, Any]) -> None:
    for name, (low, high) in figures["intervals"].items():
        assert low <= figures["within_blocks"][name] <= high


def test_the_markdown_has_a_row_for_each_corpus(compared) -> None:
    head, rule, row = compared[2].splitlines()
    assert head.count("|") == rule.count("|") == row.count("|")
    assert row.startswith("| `pages` | 604 | ")


def test_an_earlier_result_of_other_corpora_is_refused(tmp_path: Path, measured) -> None:
    result = run(sample(tmp_path / "other"), "--compare", measured[0] / "figures.json")
    assert "measures pages, none of other" in result.output


def test_an_unknown_perturbation_is_refused_with_those_there_are(folder: Path) -> None:
    result = run(folder, "--robustness", "noise")
    assert "unknown perturbation 'noise'; use all, no-title" in result.output


def test_the_help_names_every_perturbation() -> None:
    text = " ".join(run("--help").output.split()).replace("- ", "-")
    assert [name for name in PERTURBATIONS if name not in text] == []


def true_pairs() -> int:
    sizes = Counter(row["person"] for row in rows_of(LABELS_FILE)).values()
    return sum(n * (n - 1) // 2 for n in sizes)


def test_every_labelled_mention_is_measured(figures: dict[str, Any]) -> None:
    assert figures["within_blocks"]["signatures"] == 604


def test_true_pairs_are_those_of_the_labels(figures: dict[str, Any]) -> None:
    assert figures["blocking"]["true_pairs"] == true_pairs()


def test_silver_pairs_are_those_of_the_silver_labels(figures: dict[str, Any]) -> None:
    assert figures["variants"]["pairs"] == true_pairs()


def test_no_two_ids_of_one_work_end_in_one_identity(figures: dict[str, Any]) -> None:
    assert figures["variants"]["same_work_merged"] == 0


def test_calibration_counts_the_true_pairs_of_one_block(figures: dict[str, Any]) -> None:
    loss = figures["blocking"]
    assert figures["calibration"]["same"] == loss["true_pairs"] - loss["parted"]


def test_of_the_true_pairs_in_one_block_most_are_compared(figures: dict[str, Any]) -> None:
    loss = figures["blocking"]
    within = loss["true_pairs"] - loss["parted"]
    assert 0.9 * within < loss["linked"] <= within


def test_fewer_pairs_are_scored_than_are_in_blocks(figures: dict[str, Any]) -> None:
    assert 0 < figures["speed"]["scored"] < figures["speed"]["pairs"]


def test_stages_add_up_to_the_time_taken(figures: dict[str, Any]) -> None:
    speed = figures["speed"]
    assert sum(speed["stages"].values()) == pytest.approx(speed["seconds"])


def test_a_corpus_without_targets_has_none_in_json(figures: dict[str, Any]) -> None:
    assert (figures["floor"], figures["goal"]) == (None, None)


@pytest.mark.parametrize(
    "heading",
    [
        "Summary: F1 within blocks",
        "Accuracy within blocks",
        "Persons by number of labelled mentions",
        "Blocks by number of mentions",
        "Accuracy over the whole corpus",
        "Candidates: labelled pairs",
        "Calibration of the pair model",
        "Name variants by silver ids",
        "Speed, from process start",
    ],
)
def test_every_table_is_printed(measured: tuple[Path, str], heading: str) -> None:
    assert heading in measured[1]


def test_a_reliability_plot_is_a_complete_svg_file(measured: tuple[Path, str]) -> None:
    root = etree.parse(measured[0] / "plots" / "reliability-pages.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_errors_are_pairs_that_labels_and_kind_agree_on(measured: tuple[Path, str]) -> None:
    cases = rows_of(measured[0] / "errors.jsonl")
    one_person = [case["a"]["person"] == case["b"]["person"] for case in cases]
    assert one_person == [case["kind"] == "over-split" for case in cases]


def test_a_model_fitted_on_one_split_is_measured_on_another(tmp_path: Path) -> None:
    folder = sample(tmp_path / "pages", lambda row: "train" if row["block"] > "j" else "dev")
    labels = rows_of(folder / "labels.jsonl")
    for row in labels:
        # the sample has hardly two people of one name to learn from, so make some
        row["person"] += f"-{zlib.crc32(row['work'].encode()) % 2}"
    text = "".join(json.dumps(row) + "\n" for row in labels)
    (folder / "labels.jsonl").write_text(text, encoding="utf-8")
    model, out = tmp_path / "own.model", tmp_path / "figures.json"
    result = run(
        folder, "--train-on", "train", "--save-model", model, "--json", out, "--workers", 1, "-q"
    )
    assert result.exit_code == 0, result.output
    assert json.loads(out.read_text(encoding="utf-8"))["trained_on"] == "train"
    assert model.stat().st_size > 0


def test_measuring_on_the_split_that_was_learned_is_refused(folder: Path) -> None:
    result = run(folder, "--train-on", "dev")
    assert "would measure on the training data" in result.output


def test_an_unknown_split_is_told_with_those_there_are(folder: Path) -> None:
    result = run(folder, "--split", "test")
    assert "no labels in split 'test'; its splits are dev" in result.output


def test_a_folder_of_corpora_stands_for_each_of_them(tmp_path: Path) -> None:
    for name in ("b", "a"):
        sample(tmp_path / name)
    assert [found.name for found in find_corpora([tmp_path])] == ["a", "b"]


def test_a_folder_without_works_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no works\.jsonl\.gz in it"):
        find_corpora([tmp_path])


def test_works_without_labels_are_refused(tmp_path: Path) -> None:
    folder = sample(tmp_path / "pages")
    (folder / "labels.jsonl").unlink()
    with pytest.raises(InputError, match=r"works without labels\.jsonl"):
        find_corpora([folder])
