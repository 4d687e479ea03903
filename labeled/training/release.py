"""Fit the shipped model: ``python -m labeled.training.release CORPORA… --measured bench.json``.

First measure a model fitted on the train split alone, then fit the released model on train and
dev together and store the dev metrics of the first in it; finally fit its size shift
(:mod:`labeled.training.size_shift`)::

    disambig benchmark CORPORA --train-on train --split dev --json bench.json
    python -m labeled.training.release CORPORA --measured bench.json --out first.model
    python -m labeled.training.size_shift first.model --out disambig/data/model.npz
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from disambig import console
from disambig.cli import options


@click.command()
@click.argument("corpora", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--measured",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON of disambig benchmark --train-on train --split dev.",
)
@options.out_option("the model")
@click.option("--seed", default=0, show_default=True)
@options.quiet_option
def release(corpora: tuple[Path, ...], measured: Path, out: Path, seed: int, quiet: bool) -> None:
    """Fit the shipped model on the train and dev labels of CORPORA."""
    from disambig.training.fit import LabelledCorpus, fit_model
    from labeled.benchmark.run import read_corpus
    from labeled.corpora import find_corpora, read_split_labels

    model = fit_model(
        [
            LabelledCorpus(
                folder.name,
                read_corpus(folder),
                [
                    label
                    for split in ("train", "dev")
                    for label in read_split_labels(folder.labels, split)
                ],
            )
            for folder in find_corpora(corpora)
        ],
        metadata={"dev_metrics_when_fitted_on_train_alone": read_dev_metrics(measured)},
        seed=seed,
        progress=partial(console.show_progress, quiet=quiet),
    )
    model.save(out)


def read_dev_metrics(measured: Path) -> dict[str, Any]:
    """Read the metrics of each corpus from the JSON of the benchmark.

    Raises
    ------
    click.UsageError
        If the file is not of a model fitted on train and measured on dev.
    """
    document = json.loads(measured.read_text(encoding="utf-8"))
    if (document.get("trained_on"), document.get("split")) != ("train", "dev"):
        raise click.UsageError(
            f"{measured} is not of a model fitted on train and measured on dev; run disambig "
            "benchmark --train-on train --split dev --json"
        )
    return {
        row["corpus"]: {
            **row["within_blocks"],
            "expected_calibration_error": row["calibration"]["error"],
        }
        for row in document["corpora"]
    }


if __name__ == "__main__":
    release()
