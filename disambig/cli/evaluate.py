"""``disambig evaluate``: metrics of clusters against gold labels."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from disambig.cli import options

if TYPE_CHECKING:
    from disambig.evaluation.compare import Comparison
    from disambig.evaluation.metrics import Metrics

_HEADINGS = ("precision", "recall", "F1") * 2 + ("blocks",)


@click.command(
    epilog=options.format_examples(
        "disambig evaluate clusters.jsonl labels.jsonl",
        "disambig evaluate clusters.jsonl labels.jsonl --split dev",
        "disambig evaluate clusters.jsonl dblp/labels.jsonl acl/labels.jsonl --json",
    )
)
@options.comparison_arguments
@options.json_option
@options.quiet_option
def evaluate(
    clusters: Path,
    labels: tuple[Path, ...],
    split: str | None,
    allow_missing: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Evaluate CLUSTERS against gold LABELS.

    CLUSTERS is the output of disambig cluster; LABELS are rows of work, position and person, with
    block and split if known. Each labels file is evaluated separately. Only labelled mentions
    count. B-cubed is averaged over mentions; pairwise metrics count pairs of mentions. Within
    blocks ignores pairs of mentions of different blocks; the whole corpus includes them.
    """
    comparisons = options.compare_files(
        clusters, labels, split, allow_missing=allow_missing, quiet=quiet
    )
    if as_json:
        click.echo(json.dumps([_to_dict(p, split, c) for p, c in comparisons], indent=2))
    else:
        for path, comparison in comparisons:
            _print_tables(path, split, comparison)


def _to_dict(path: Path, split: str | None, comparison: Comparison) -> dict[str, Any]:
    within = comparison.evaluate_within_blocks()
    return {
        "labels": str(path),
        "split": split,
        "missing": len(comparison.missing),
        "within_blocks": None if within is None else _replace_nan(within),
        "whole_corpus": _replace_nan(comparison.evaluate_whole()),
    }


def _replace_nan(metrics: Metrics) -> dict[str, float | None]:
    """Convert metrics for JSON, which has no NaN: undefined is null."""
    return {key: None if math.isnan(value) else value for key, value in asdict(metrics).items()}


def _print_tables(path: Path, split: str | None, comparison: Comparison) -> None:
    from rich import box
    from rich.table import Table

    from disambig.console import escape_text, make_console

    whole, within = comparison.evaluate_whole(), comparison.evaluate_within_blocks()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    if within is not None:
        table.add_row("within blocks", *_format_metrics(within), style="bold")
    table.add_row("whole corpus", *_format_metrics(whole))
    out = make_console()
    split_note = f", split {split}" if split else ""
    out.print(escape_text(f"{path}{split_note}"), style="bold", soft_wrap=True)
    out.print(_format_counts(whole, within), style="dim")
    out.print(f"{'':15}{'B-cubed':>19}{'pairwise':>27}{'exact':>18}", style="dim")
    out.print(table)
    if within is None:
        out.print("The labels state no blocks: no metrics within blocks.", style="yellow")
    if comparison.missing:
        from disambig.evaluation.compare import format_first

        out.print(
            escape_text(
                f"{len(comparison.missing):,} labelled mentions are missing in the clusters and "
                f"skipped: {format_first(comparison.missing)}"
            ),
            style="bold red",
            soft_wrap=True,
        )
    out.print()


def _format_counts(whole: Metrics, within: Metrics | None) -> str:
    blocks = "" if within is None else f", {within.blocks:,} blocks"
    return (
        f"{whole.signatures:,} mentions of {whole.people:,} people, "
        f"in {whole.identities:,} identities{blocks}"
    )


def _format_metrics(metrics: Metrics) -> list[str]:
    return [
        _format_percent(value)
        for value in (
            metrics.bcubed_precision,
            metrics.bcubed_recall,
            metrics.bcubed_f1,
            metrics.pairwise_precision,
            metrics.pairwise_recall,
            metrics.pairwise_f1,
            metrics.exact_blocks,
        )
    ]


def _format_percent(value: float) -> str:
    """Format a share in per cent with two decimals; undefined is a dash, not 0 or 1."""
    return "–" if math.isnan(value) else f"{100 * value:.2f}"
