"""``disambig report``: an HTML page with metrics and errors of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from disambig.cli import options
from disambig.cli.group import get_version
from disambig.cli.works_options import finish_reading, open_works, reading_options
from disambig.console import escape_text, show_progress

if TYPE_CHECKING:
    from disambig.domain import Work
    from disambig.evaluation.compare import Comparison
    from disambig.evaluation.report import PairScores


@click.command(
    epilog=options.format_examples(
        "disambig report clusters.jsonl labels.jsonl --works works.jsonl.gz --out report.html",
        "disambig report clusters.jsonl dblp/labels.jsonl acl/labels.jsonl --split dev \\",
        "    --works dblp/works.jsonl.gz --works acl/works.jsonl.gz --out report.html",
    )
)
@options.comparison_arguments
@click.option(
    "--works",
    multiple=True,
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Works of CLUSTERS: a file or folder; may be repeated.",
)
@click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The model of CLUSTERS; default: the bundled model.",
)
@options.out_option("the page")
@click.option("--title", default="Identity report", show_default=True, help="Heading of the page.")
@reading_options
@options.quiet_option
def report(
    clusters: Path,
    labels: tuple[Path, ...],
    split: str | None,
    allow_missing: bool,
    works: tuple[Path, ...],
    model: Path | None,
    out: Path,
    title: str,
    format: str,
    strict: bool,
    rejects: Path | None,
    quiet: bool,
) -> None:
    """Write an HTML page with the errors of CLUSTERS.

    The page contains the metrics of disambig evaluate for each labels file; calibration and
    distribution of the model's probabilities of labelled pairs; error slices by block size, name
    frequency and missing metadata; and the largest over-merges and over-splits with their titles,
    years and names. It is a single file without external resources and scripts.
    """
    from disambig.evaluation.report import build_report
    from disambig.evaluation.report_data import build_section, read_contexts
    from disambig.output import open_atomically

    comparisons = options.compare_files(
        clusters, labels, split, allow_missing=allow_missing, quiet=quiet
    )
    signatures = {
        (x.signature.work, x.signature.position) for _, c in comparisons for x in c.labels
    }
    with open_works(works, format=format, strict=strict, rejects=rejects, quiet=quiet) as reader:
        all_works = list(reader)
    contexts = read_contexts(all_works, signatures)
    sections = [
        build_section(name, comparison, contexts)
        for name, (_, comparison) in zip(_shorten_paths(labels), comparisons, strict=True)
    ]
    scores = _score_pairs(
        all_works, model, [comparison for _, comparison in comparisons], quiet=quiet
    )
    now = datetime.now(UTC)
    page = build_report(
        [replace(of, pair_scores=scored) for of, scored in zip(sections, scores, strict=True)],
        title=title,
        facts=[
            ("clusters", str(clusters)),
            ("model", str(model) if model else "the default"),
            *([("split", split)] if split else []),
            ("made", f"{now.day} {now:%B %Y, %H:%M} UTC"),
            ("with", f"disambig {get_version()}"),
        ],
    )
    with open_atomically(out) as stream:
        stream.write(page)
    if not quiet:
        click.echo(f"Report written to {escape_text(str(out))}; open it in a browser.", err=True)
    finish_reading(reader.report, rejects=rejects, quiet=quiet)


def _score_pairs(
    works: Sequence[Work], model: Path | None, comparisons: Sequence[Comparison], *, quiet: bool
) -> list[PairScores]:
    """Score the labelled pairs of each labels file with one index of all works."""
    from disambig.corpus.corpus import Corpus
    from disambig.corpus.embeddings import SemanticSpace
    from disambig.corpus.index import CorpusIndex
    from disambig.evaluation.pair_scores import score_labelled_pairs
    from disambig.evaluation.report import PairScores
    from disambig.model.model import Model

    fitted_model = Model.load(model)
    with show_progress("Reading names and words", quiet=quiet):
        index = CorpusIndex.from_corpus(
            Corpus.from_works(works), SemanticSpace.load(), fitted_model.frequency
        )
    with show_progress("Scoring labelled pairs", unit="pairs", quiet=quiet) as advance:
        pair_scores = [
            score_labelled_pairs(index, fitted_model, c.labels, advance) for c in comparisons
        ]
    return [PairScores(pairs.probability, pairs.same) for pairs in pair_scores]


def _shorten_paths(paths: Sequence[Path]) -> list[str]:
    """Return the last two parts of each path, or whole paths if these are not distinct."""
    short = ["/".join(path.parts[-2:]) for path in paths]
    return short if len(set(short)) == len(short) else [str(path) for path in paths]
