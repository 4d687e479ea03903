"""``disambig benchmark``: accuracy, calibration and speed on labelled corpora."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from disambig import console
from disambig.cli import options

if TYPE_CHECKING:
    from disambig.model.model import Model
    from labeled.benchmark.comparison import Comparison
    from labeled.benchmark.intervals import BlockSums
    from labeled.benchmark.review_simulation import Curve
    from labeled.benchmark.robustness import PerturbedResult
    from labeled.benchmark.run import CorpusResult
    from labeled.corpora import CorpusFolder
    from labeled.peer.s2and import PeerComparison

_PATH = click.Path(dir_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _parse_perturbations(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[str, ...]:
    """Split names at commas; "all" is every perturbation."""
    if value is None:
        return ()
    from labeled.benchmark.robustness import PERTURBATIONS

    names = tuple(value.split(","))
    unknown = next((name for name in names if name not in (*PERTURBATIONS, "all")), None)
    if unknown is not None:
        raise click.BadParameter(
            f"unknown perturbation {unknown!r}; use all, {', '.join(PERTURBATIONS)}, several with "
            "commas, and name CORPORA before the option"
        )
    return PERTURBATIONS if "all" in names else tuple(n for n in PERTURBATIONS if n in names)


@click.command(
    epilog=options.format_examples(
        "disambig benchmark DATA/aminer DATA/dblp",
        "disambig benchmark DATA --train-on train --save-model train.model --json figures.json",
        "disambig benchmark DATA/acl --model train.model --plots plots --errors 50",
        "disambig benchmark DATA --model new.model --compare figures.json",
        "disambig benchmark DATA/hep --errata errata.jsonl --robustness typos,initials",
    )
)
@click.argument(
    "corpora",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--split", default="dev", show_default=True, help="Labels to measure on.")
@click.option(
    "--train-on",
    help="First fit one model on this split of all CORPORA, so that the measured split is unseen.",
)
@click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A model made by disambig train; the shipped model by default.",
)
@click.option("--save-model", type=_PATH, help="Output file for the model of --train-on.")
@click.option("--seed", default=0, show_default=True, help="For fitting and sampling errors.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes; all cores by default.")
@click.option(
    "--errors", default=0, type=click.IntRange(min=0), help="Wrong pairs of each corpus to show."
)
@click.option("--errors-out", type=_PATH, help="Write them to this file as JSON lines instead.")
@click.option(
    "--json",
    "json_out",
    type=_PATH,
    help="Output file for all figures as JSON, and for the sums by block that --compare reads.",
)
@click.option("--markdown", type=_PATH, help="Output file for the summary as a Markdown table.")
@click.option(
    "--compare",
    "earlier",
    type=_FILE,
    metavar="JSON",
    help="Also print the paired difference to an earlier --json file, with its interval over the "
    "same blocks. Without it, differences below 2 points on aminer and dblp are noise.",
)
@click.option(
    "--errata",
    "errata_files",
    type=_FILE,
    multiple=True,
    help="Wrong labels, to give figures with them and without: JSON lines of work, position, "
    "person (the right one, or null if it cannot be decided) and reason. Repeatable.",
)
@click.option(
    "--robustness",
    "perturbations",
    is_flag=False,
    flag_value="all",
    metavar="[NAME,…]",
    callback=_parse_perturbations,
    help="Also cluster each corpus again with its works perturbed, and print the change. Names: "
    "no-title, no-abstract, no-venue, no-year, no-affiliation, no-coauthors, initials, typos (an "
    "error in 5 % of the names), upper-case, doubled-works, doubled-authors (on 1 % of the works), "
    "et-al (as an author); all by default.",
)
@click.option(
    "--plots",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for one reliability plot per corpus, as SVG.",
)
@click.option(
    "--peer",
    is_flag=True,
    help="Also run S2AND (pip install 'disambig[peer]') and this package on the same labelled "
    "blocks, and print the ratio.",
)
@click.option(
    "--review",
    default=0,
    type=click.IntRange(min=0),
    metavar="N",
    help="Also simulate review: labels answer up to N decisions, in each of four orders.",
)
@options.quiet_option
def benchmark(
    corpora: tuple[Path, ...],
    split: str,
    train_on: str | None,
    model: Path | None,
    save_model: Path | None,
    seed: int,
    workers: int | None,
    errors: int,
    errors_out: Path | None,
    json_out: Path | None,
    markdown: Path | None,
    earlier: Path | None,
    errata_files: tuple[Path, ...],
    perturbations: tuple[str, ...],
    plots: Path | None,
    peer: bool,
    review: int,
    quiet: bool,
) -> None:
    """Measure accuracy and speed on labelled CORPORA.

    Prints for each corpus a line with B-cubed and pairwise F1, their 95 % intervals over blocks,
    the baseline that one printed name is one person, floor and goal; then precision and recall, by
    size of person and of block, pairs lost by blocking, calibration, recall on name variants,
    speed and memory.

    A folder contains works.jsonl.gz and labels.jsonl (rows of work, position, person, block and
    split), or folders that do. Two more files may be there: silver_labels.jsonl.gz (ids that are
    reliable for positive pairs only) and others.jsonl.gz (mentions known to be none of the
    labelled persons of their block, which count against precision). Whole corpora are clustered,
    each in a fresh process, and measured on the labels of one split. The shipped model was fitted
    on train and dev: use --train-on train to measure unseen blocks of dev.
    """
    from labeled.benchmark.accuracy import GoldMentions
    from labeled.benchmark.errata import read_errata
    from labeled.benchmark.robustness import measure_perturbations
    from labeled.benchmark.run import measure_corpora
    from labeled.corpora import find_corpora, read_split_labels

    _check_options(model, train_on, split, save_model)
    if peer:
        from labeled.peer.s2and import require_peer

        require_peer()
    folders, errata = find_corpora(corpora), read_errata(errata_files)
    earlier_sums = _read_earlier(earlier, split, [folder.name for folder in folders])
    for folder in folders:  # report bad labels before the clustering
        GoldMentions.read(folder, split)
        if folder.silver is not None:
            read_split_labels(folder.silver, split)
    with _provide_model_file(folders, model, train_on, save_model, seed, quiet) as file:
        about = _describe_run(file, split, train_on, workers or os.cpu_count() or 1)
        n = about["workers"]
        results = measure_corpora(folders, split, file, n, errors, seed, errata, quiet)
        perturbed = measure_perturbations(folders, split, file, n, perturbations, seed, quiet)
        duel = _run_duel(folders, split, file, n) if peer else None
        reviews = _simulate_reviews(folders, split, file, review, quiet)
    comparisons = _compare_results(results, earlier_sums, seed)
    _print_results(results, about, duel, comparisons, perturbed)
    if duel is not None:
        click.echo("\n".join(("", *duel.format_lines())))
        about["peer"] = duel.to_dict()
    if reviews:
        about["review"] = _print_reviews(reviews, plots)
    if markdown is not None:
        _write_markdown(results, duel, markdown)
    _write_results(results, about, comparisons, perturbed, json_out, plots)
    _print_errors(results, errors_out)


def _read_earlier(file: Path | None, split: str, corpora: Sequence[str]) -> dict[str, BlockSums]:
    """Read the earlier sums of the corpora to measure; empty without a file.

    Raises
    ------
    InputError
        It holds none of the corpora, or as :func:`labeled.benchmark.comparison.read_earlier_sums`.
    """
    if file is None:
        return {}
    from disambig.errors import InputError
    from labeled.benchmark.comparison import read_earlier_sums

    sums = read_earlier_sums(file, split)
    if not sums.keys() & set(corpora):
        raise InputError(
            f"{file}: measures {', '.join(sums) or 'no corpus'}, none of {', '.join(corpora)}; "
            "compare with a result of the same corpora"
        )
    return {corpus: sums[corpus] for corpus in corpora if corpus in sums}


def _compare_results(
    results: Sequence[CorpusResult], earlier: Mapping[str, BlockSums], seed: int
) -> list[Comparison]:
    """Compare the corpora that have an earlier result with it."""
    from labeled.benchmark.comparison import compare_sums

    return [
        compare_sums(r.name, r.accuracy.sums, earlier[r.name], seed)
        for r in results
        if r.name in earlier
    ]


def _check_options(
    model: Path | None, train_on: str | None, split: str, save_model: Path | None
) -> None:
    if model is not None and train_on is not None:
        raise click.UsageError("--model and --train-on exclude each other; choose one")
    if save_model is not None and train_on is None:
        raise click.UsageError("--save-model needs --train-on SPLIT")
    if train_on == split:
        raise click.UsageError(
            f"--train-on {split} would measure on the training data; choose another --split"
        )


@contextmanager
def _provide_model_file(
    folders: Sequence[CorpusFolder],
    model: Path | None,
    train_on: str | None,
    save_model: Path | None,
    seed: int,
    quiet: bool,
) -> Iterator[Path | None]:
    """Provide the model to measure as a file for other processes; None: the shipped model."""
    if train_on is None:
        yield model
        return
    with tempfile.TemporaryDirectory() as scratch:
        file = save_model or Path(scratch) / "benchmark.model"
        _fit_model(folders, train_on, seed, quiet).save(file)
        yield file


def _run_duel(
    folders: Sequence[CorpusFolder], split: str, model: Path | None, workers: int
) -> PeerComparison:
    from labeled.peer.s2and import compare_with_peer

    return compare_with_peer(folders, split, model, workers)


def _simulate_reviews(
    folders: Sequence[CorpusFolder], split: str, file: Path | None, decisions: int, quiet: bool
) -> list[list[Curve]]:
    """Simulate review on each corpus and return its curves; empty without decisions."""
    if not decisions:
        return []
    from disambig.model.model import Model
    from labeled.benchmark.review_simulation import simulate_orders

    model, progress = Model.load(file), partial(console.show_progress, quiet=quiet)
    return [simulate_orders(folder, split, model, decisions, progress) for folder in folders]


def _print_reviews(reviews: Sequence[Sequence[Curve]], plots: Path | None) -> list[dict[str, Any]]:
    """Print and plot curves; return all of them as JSON values."""
    from dataclasses import asdict

    from labeled.benchmark.reports.svg import to_svg_file
    from labeled.benchmark.review_simulation import draw_figure

    click.echo("\nReview: remaining error (1 - B-cubed F1) as the labels answer questions")
    for corpus_curves in reviews:
        click.echo("\n".join(f"  {curve.to_text()}" for curve in corpus_curves))
        if plots is not None:
            plots.mkdir(parents=True, exist_ok=True)
            file = plots / f"review-{corpus_curves[0].corpus}.svg"
            file.write_text(to_svg_file(draw_figure(corpus_curves)), encoding="utf-8")
    return [asdict(curve) for corpus_curves in reviews for curve in corpus_curves]


def _fit_model(folders: Sequence[CorpusFolder], split: str, seed: int, quiet: bool) -> Model:
    from disambig.training.fit import LabelledCorpus, fit_model
    from labeled.benchmark.run import read_corpus
    from labeled.corpora import read_split_labels

    return fit_model(
        [
            LabelledCorpus(f.name, read_corpus(f), read_split_labels(f.labels, split))
            for f in folders
        ],
        seed=seed,
        progress=partial(console.show_progress, quiet=quiet),
    )


def _describe_run(
    file: Path | None, split: str, train_on: str | None, workers: int
) -> dict[str, Any]:
    """Describe model, data and machine of the measurement."""
    from disambig.cli.group import get_version
    from disambig.model.model import Model

    model = Model.load(file)
    return {
        "disambig": get_version(),
        "split": split,
        "trained_on": train_on,
        "model": None if file is None or train_on is not None else str(file),
        "model_digest": model.digest,
        "model_metadata": dict(model.metadata),
        "workers": workers,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _print_results(
    results: Sequence[CorpusResult],
    about: dict[str, Any],
    duel: PeerComparison | None,
    comparisons: Sequence[Comparison],
    perturbed: Sequence[PerturbedResult],
) -> None:
    from disambig.console import escape_text, make_console
    from labeled.benchmark.reports.tables import print_tables

    trained = about["trained_on"]
    model_name = f"fitted on split {trained} of these corpora" if trained else about["model"]
    out = make_console()
    out.width = max(out.width, 180)  # a table cut by a narrow pipe would lose figures
    out.print(
        escape_text(
            f"Split {about['split']}; model {about['model_digest'][:12]}, "
            f"{model_name or 'the shipped model'}; {about['workers']} of {about['cores']} cores"
        ),
        style="bold",
    )
    out.print()
    peer = None if duel is None else duel.peer.within_blocks
    print_tables(out, results, peer, comparisons, perturbed)


def _write_markdown(
    results: Sequence[CorpusResult], duel: PeerComparison | None, file: Path
) -> None:
    from labeled.benchmark.reports.accuracy_tables import format_markdown

    peer = None if duel is None else duel.peer.within_blocks
    file.write_text(format_markdown(results, peer), encoding="utf-8")


def _write_results(
    results: Sequence[CorpusResult],
    about: dict[str, Any],
    comparisons: Sequence[Comparison],
    perturbed: Sequence[PerturbedResult],
    json_out: Path | None,
    plots: Path | None,
) -> None:
    from labeled.benchmark.reports.json_values import (
        comparison_to_dict,
        perturbed_to_dict,
        result_to_dict,
    )

    if json_out is not None:
        by_name = {result.name: result for result in results}
        document = {
            **about,
            "corpora": [result_to_dict(result) for result in results],
            "comparisons": [comparison_to_dict(comparison) for comparison in comparisons],
            "robustness": [perturbed_to_dict(p, by_name[p.corpus]) for p in perturbed],
        }
        json_out.write_text(json.dumps(document) + "\n", encoding="utf-8")
    if plots is not None:
        from labeled.benchmark.reports.svg import draw_reliability_figure

        plots.mkdir(parents=True, exist_ok=True)
        for result in results:
            file = plots / f"reliability-{result.name}.svg"
            file.write_text(draw_reliability_figure(result), encoding="utf-8")


def _print_errors(results: Sequence[CorpusResult], errors_out: Path | None) -> None:
    from labeled.benchmark.errors import format_lines, to_json_line

    cases = [case for result in results for case in result.errors]
    if errors_out is not None:
        errors_out.write_text("".join(f"{to_json_line(c)}\n" for c in cases), encoding="ascii")
        return
    for number, case in enumerate(cases, 1):
        for at, line in enumerate(format_lines(case)):
            click.echo(f"{number:3}  {line}" if at == 0 else f"     {line}")
