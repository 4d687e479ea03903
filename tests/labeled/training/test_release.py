import json
from pathlib import Path

import click
import pytest

from labeled.training.release import read_dev_metrics


def measured(folder: Path, trained_on: str | None) -> Path:
    row = {
        "corpus": "dblp",
        "within_blocks": {"bcubed_f1": 0.9},
        "calibration": {"error": 0.013, "curve": {}},
    }
    file = folder / "bench.json"
    file.write_text(json.dumps({"trained_on": trained_on, "split": "dev", "corpora": [row]}))
    return file


def test_the_model_keeps_accuracy_and_calibration_of_each_corpus(tmp_path: Path) -> None:
    kept = read_dev_metrics(measured(tmp_path, "train"))
    assert kept == {"dblp": {"bcubed_f1": 0.9, "expected_calibration_error": 0.013}}


def test_figures_of_a_model_that_has_seen_dev_are_refused(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="is not of a model fitted on train"):
        read_dev_metrics(measured(tmp_path, None))
