"""Tables of accuracy: summary, slices, comparison with an earlier result, and robustness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from labeled.benchmark.accuracy import Slice
from labeled.benchmark.comparison import Comparison, judge_difference
from labeled.benchmark.intervals import Interval, bootstrap_intervals
from labeled.benchmark.metrics import TARGETS
from labeled.benchmark.reports.cells import (
    format_difference,
    format_interval,
    format_percent,
    make_table,
)

if TYPE_CHECKING:
    from rich.table import Table

    from disambig.evaluation.metrics import Metrics
    from labeled.benchmark.robustness import PerturbedResult
    from labeled.benchmark.run import CorpusResult

    TitledTable = tuple[str, str, Table]

#: Heading of each figure that corpora are compared by.
HEADLINES = {"bcubed_f1": "B-cubed F1", "pairwise_f1": "pair F1"}


def make_summary(
    results: Sequence[CorpusResult], peer: Mapping[str, Metrics] | None
) -> TitledTable:
    """Make the table of one line for each corpus; ``peer`` is the accuracy of S2AND."""
    notes = [
        "In brackets: 95 % bootstrap interval over blocks. By block: mean of the pair F1 of the"
        " blocks that have a pair.",
        "Names: one printed name of a block is one person. Recall: B-cubed, of persons of more"
        " than 150 labelled mentions. *: for pair F1.",
    ]
    if peer is not None:
        notes.append("S2AND clusters the labelled mentions alone, without others.")
    if _has_errata(results):
        counts = ", ".join(f"{r.accuracy.n_errata:,} of {r.name}" for r in results)
        notes.append(f"Errata: with wrong labels corrected or left out: {counts}.")
    return (
        "Summary: F1 within blocks (%)",
        "\n".join(notes),
        make_table(*_list_summary(results, peer)),
    )


def format_markdown(results: Sequence[CorpusResult], peer: Mapping[str, Metrics] | None) -> str:
    """Format the summary as a Markdown table, for a document."""
    headings, rows = _list_summary(results, peer)
    lines = [
        ["corpus", *(heading.replace("\n", " ") for heading in headings)],
        ["---", *["--:"] * len(headings)],
        *([f"`{name}`", *cells] for name, *cells in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _list_summary(
    results: Sequence[CorpusResult], peer: Mapping[str, Metrics] | None
) -> tuple[list[str], list[list[str]]]:
    """List the headings of the summary, and the cells of its rows."""
    headings = ["mentions", "B-cubed F1", "pair F1", "pair F1\nby block"]
    compared = ["names"] + ["S2AND"] * (peer is not None) + ["errata"] * _has_errata(results)
    headings += [f"{name}\n{kind}" for name in compared for kind in ("B-cubed", "pairs")]
    headings += ["recall\n> 150", "floor", "goal", ""]
    return headings, [[r.name, *_format_summary(r, peer, _has_errata(results))] for r in results]


def _has_errata(results: Sequence[CorpusResult]) -> bool:
    return any(r.accuracy.corrected is not None for r in results)


def _format_summary(
    result: CorpusResult, peer: Mapping[str, Metrics] | None, has_errata: bool
) -> list[str]:
    accuracy, target = result.accuracy, TARGETS.get(result.name)
    intervals = bootstrap_intervals(accuracy.sums)
    names = accuracy.printed_names.compute_figures()
    optional: list[float] = []
    if peer is not None:
        optional += [getattr(peer[result.name], key) for key in HEADLINES]
    if has_errata:
        corrected = (accuracy.corrected or accuracy.sums).compute_figures()
        optional += [corrected[key] for key in HEADLINES]
    return [
        f"{accuracy.sums.signatures.sum():,}",
        *(format_interval(intervals[key]) for key in HEADLINES),
        format_percent(intervals["mean_block_pairwise_f1"].value),
        *(format_percent(names[key]) for key in HEADLINES),
        *map(format_percent, optional),
        format_percent(accuracy.find_recall_of_large_persons()),
        *(
            ("–", "–", "")
            if target is None
            else (
                format_percent(target.floor),
                format_percent(target.goal) + "*" * (target.figure == "pairwise_f1"),
                target.compare(intervals[target.figure].value),
            )
        ),
    ]


def make_accuracy_tables(results: Sequence[CorpusResult]) -> Iterator[TitledTable]:
    """Make the tables of precision and recall, in all and by size of person and of block."""
    yield (
        "Accuracy within blocks (%)",
        "B-cubed averaged over mentions; mean: B-cubed F1, averaged over blocks of several"
        " mentions. Others: mentions that belong to no labelled person; they count against"
        " precision.",
        make_table(
            (
                *("mentions", "others", "B-cubed P", "R", "F1", "mean", "pair P", "R", "F1"),
                *("blocks", "exact"),
            ),
            [(r.name, *_format_accuracy(r)) for r in results],
        ),
    )
    yield (
        "Persons by number of labelled mentions (%)",
        "",
        make_table(
            ("mentions each", "persons", "mentions", "B-cubed P", "R", "F1", "pair R"),
            [
                (r.name, *_format_slice(part, "pairwise_recall"))
                for r in results
                for part in r.accuracy.persons
                if part.units
            ],
        ),
    )
    yield (
        "Blocks by number of mentions, labelled or not (%)",
        "Blocks of the run. A labelled block with mentions in several of them counts once a slice.",
        make_table(
            ("mentions each", "blocks", "labelled", "B-cubed P", "R", "F1", "pair F1"),
            [
                (r.name, *_format_slice(part, "pairwise_f1"))
                for r in results
                for part in r.accuracy.blocks
                if part.units
            ],
        ),
    )


def _format_slice(part: Slice, pair_figure: str) -> list[str]:
    keys = ("bcubed_precision", "bcubed_recall", "bcubed_f1", pair_figure)
    return [
        part.name,
        f"{part.units:,}",
        f"{part.signatures:,}",
        *(format_percent(part.figures[key]) for key in keys),
    ]


def make_comparison_tables(comparisons: Sequence[Comparison]) -> Iterator[TitledTable]:
    """Make the table of changes since an earlier result; none without comparisons."""
    if not comparisons:
        return
    unmatched = ", ".join(f"{c.unmatched:,} of {c.corpus}" for c in comparisons if c.unmatched)
    yield (
        "Change since the earlier result (percentage points)",
        "In brackets: 95 % bootstrap interval of the paired difference over the same blocks."
        " Noise: it contains 0."
        + (f"\nBlocks in one result only, left out: {unmatched}." if unmatched else ""),
        make_table(
            ("figure", "earlier", "now", "difference", ""),
            [
                (
                    c.corpus,
                    heading,
                    format_percent(c.earlier[key]),
                    format_percent(c.now[key]),
                    format_difference(c.differences[key]),
                    judge_difference(c.differences[key]),
                )
                for c in comparisons
                for key, heading in HEADLINES.items()
            ],
        ),
    )


def make_robustness_tables(
    results: Sequence[CorpusResult], perturbed: Sequence[PerturbedResult]
) -> Iterator[TitledTable]:
    """Make a table of perturbations for each corpus that was perturbed."""
    for result in results:
        own = [p for p in perturbed if p.corpus == result.name]
        if not own:
            continue
        target = TARGETS.get(result.name)
        key = "bcubed_f1" if target is None else target.figure
        figures = result.accuracy.sums.compute_figures()
        names = result.accuracy.printed_names.compute_figures()
        yield (
            f"Robustness on {result.name}: {HEADLINES[key]} (%)",
            "Names: one printed name of a block is one person, under the same perturbation.",
            make_table(
                ("F1", "change", "names", "lead over names"),
                [
                    (
                        "as is",
                        format_percent(figures[key]),
                        "",
                        format_percent(names[key]),
                        f"{100 * (figures[key] - names[key]):+.2f}",
                    ),
                    *(
                        (
                            p.perturbation,
                            *_format_perturbed(p, key, p.compare(result.accuracy.sums)),
                        )
                        for p in own
                    ),
                ],
            ),
        )


def _format_perturbed(
    result: PerturbedResult, key: str, change: Mapping[str, Interval]
) -> list[str]:
    f1 = result.sums.compute_figures()[key]
    names = result.printed_names.compute_figures()[key]
    return [
        format_percent(f1),
        format_difference(change[key]),
        format_percent(names),
        f"{100 * (f1 - names):+.2f}",
    ]


def _format_accuracy(result: CorpusResult) -> list[str]:
    sums = result.accuracy.sums
    figures = sums.compute_figures()
    keys = (
        *("bcubed_precision", "bcubed_recall", "bcubed_f1", "mean_block_bcubed_f1"),
        *("pairwise_precision", "pairwise_recall", "pairwise_f1"),
    )
    return [
        f"{sums.signatures.sum():,}",
        f"{sums.others.sum():,}",
        *(format_percent(figures[key]) for key in keys),
        f"{len(sums.blocks):,}",
        format_percent(figures["exact_blocks"]),
    ]
