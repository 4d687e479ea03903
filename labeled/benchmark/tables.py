"""Print the results of the benchmark as tables, one row per corpus; corpora are not averaged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from disambig.blocking.blocks import MAX_NEIGHBOURS
from disambig.console import escape_text
from labeled.benchmark.accuracy import Slice
from labeled.benchmark.comparison import Comparison, judge_difference
from labeled.benchmark.intervals import Interval, bootstrap_intervals
from labeled.benchmark.metrics import COMPARISON_STAGES, ECE_LIMIT, TARGETS, Speed, compute_share

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from disambig.evaluation.metrics import Metrics
    from labeled.benchmark.robustness import PerturbedResult
    from labeled.benchmark.run import CorpusResult

    TitledTable = tuple[str, str, Table]

_MEGABYTE = 1_000_000
#: Heading of each figure that corpora are compared by.
HEADLINES = {"bcubed_f1": "B-cubed F1", "pairwise_f1": "pair F1"}


def print_tables(
    out: Console,
    results: Sequence[CorpusResult],
    peer: Mapping[str, Metrics] | None = None,
    comparisons: Sequence[Comparison] = (),
    perturbed: Sequence[PerturbedResult] = (),
) -> None:
    """Print all tables; ``peer`` is the accuracy of S2AND by corpus."""
    for title, note, table in (
        _make_summary(results, peer),
        *_make_accuracy_tables(results),
        *_make_tables(results),
        *_make_comparison_tables(comparisons),
        *_make_robustness_tables(results, perturbed),
    ):
        out.print(title, style="bold")
        out.print(table)
        if note:
            out.print(note, style="dim")
        out.print()


def _make_summary(
    results: Sequence[CorpusResult], peer: Mapping[str, Metrics] | None
) -> TitledTable:
    notes = [
        "In brackets: 95 % bootstrap interval over blocks. By block: mean of the pair F1 of the"
        " blocks that have a pair.",
        "Names: one printed name of a block is one person. Recall: B-cubed, of persons of more"
        " than 150 labelled mentions. *: for pair F1.",
    ]
    if peer is not None:
        notes.append("S2AND clusters the labelled mentions alone, without others.")
    if _has_errata(results):
        notes.append("Errata: with corrected labels.")
    return (
        "Summary: F1 within blocks (%)",
        "\n".join(notes),
        _make_table(*_list_summary(results, peer)),
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
        *(_format_interval(intervals[key]) for key in HEADLINES),
        _format_percent(intervals["mean_block_pairwise_f1"].value),
        *(_format_percent(names[key]) for key in HEADLINES),
        *map(_format_percent, optional),
        _format_percent(accuracy.find_recall_of_large_persons()),
        *(
            ("–", "–", "")
            if target is None
            else (
                _format_percent(target.floor),
                _format_percent(target.goal) + "*" * (target.figure == "pairwise_f1"),
                target.compare(intervals[target.figure].value),
            )
        ),
    ]


def _make_accuracy_tables(results: Sequence[CorpusResult]) -> Iterator[TitledTable]:
    yield (
        "Accuracy within blocks (%)",
        "B-cubed averaged over mentions; mean: B-cubed F1, averaged over blocks of several"
        " mentions. Others: mentions that belong to no labelled person; they count against"
        " precision.",
        _make_table(
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
        _make_table(
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
        _make_table(
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
        *(_format_percent(part.figures[key]) for key in keys),
    ]


def _make_comparison_tables(comparisons: Sequence[Comparison]) -> Iterator[TitledTable]:
    if not comparisons:
        return
    unmatched = ", ".join(f"{c.unmatched:,} of {c.corpus}" for c in comparisons if c.unmatched)
    yield (
        "Change since the earlier result (percentage points)",
        "In brackets: 95 % bootstrap interval of the paired difference over the same blocks."
        " Noise: it contains 0."
        + (f"\nBlocks in one result only, left out: {unmatched}." if unmatched else ""),
        _make_table(
            ("figure", "earlier", "now", "difference", ""),
            [
                (
                    c.corpus,
                    heading,
                    _format_percent(c.earlier[key]),
                    _format_percent(c.now[key]),
                    _format_difference(c.differences[key]),
                    judge_difference(c.differences[key]),
                )
                for c in comparisons
                for key, heading in HEADLINES.items()
            ],
        ),
    )


def _make_robustness_tables(
    results: Sequence[CorpusResult], perturbed: Sequence[PerturbedResult]
) -> Iterator[TitledTable]:
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
            _make_table(
                ("F1", "change", "names", "lead over names"),
                [
                    (
                        "as is",
                        _format_percent(figures[key]),
                        "",
                        _format_percent(names[key]),
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
        _format_percent(f1),
        _format_difference(change[key]),
        _format_percent(names),
        f"{100 * (f1 - names):+.2f}",
    ]


def _make_tables(results: Sequence[CorpusResult]) -> Iterator[TitledTable]:
    yield (
        "Accuracy over the whole corpus (%)",
        "Includes links missed or made across blocks.",
        _make_table(
            ("B-cubed P", "R", "F1", "pair P", "R", "F1"),
            [(r.name, *_format_whole_corpus(r)) for r in results],
        ),
    )
    yield (
        "Candidates: labelled pairs that are one person, before scoring (%)",
        "Compared: of those in one block. Nearest: linked, directly or through others, if each"
        f" mention were compared with its {MAX_NEIGHBOURS} nearest only.",
        _make_table(
            ("true pairs", "in two blocks", "linked back", "compared", f"nearest {MAX_NEIGHBOURS}"),
            [(r.name, *_format_blocking(r)) for r in results],
        ),
    )
    yield (
        "Calibration of the pair model",
        f"Expected calibration error in 15 equal bins; the limit is {ECE_LIMIT}.",
        _make_table(
            ("labelled pairs", "one person", "ECE", ""),
            [(r.name, *_format_calibration(r)) for r in results],
        ),
    )
    silver = [r for r in results if r.variants is not None]
    if silver:
        yield (
            "Name variants by silver ids: pairs of mentions with one id in one identity (%)",
            "Known apart: two ids on one work, both in one block.",
            _make_table(
                (
                    "all pairs",
                    "found",
                    "names differ",
                    "found",
                    "known apart",
                    "merged",
                    "on a work",
                ),
                [(r.name, *_format_variants(r)) for r in silver],
            ),
        )
    yield (
        "Speed, from process start to written rows",
        "Seconds per stage; index: columns and blocks; link: across blocks; memory in MB.",
        _make_table(
            (
                "mentions",
                "pairs",
                "scored",
                "pairs/s",
                "scored/s",
                "total s",
                *results[0].speed.stages,
                "peak",
                "worker",
            ),
            [(name, *_format_speed(speed)) for name, speed in _list_speeds(results)],
        ),
    )


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
        *(_format_percent(figures[key]) for key in keys),
        f"{len(sums.blocks):,}",
        _format_percent(figures["exact_blocks"]),
    ]


def _format_whole_corpus(result: CorpusResult) -> list[str]:
    metrics = result.whole_corpus
    return [
        _format_percent(value)
        for value in (
            metrics.bcubed_precision,
            metrics.bcubed_recall,
            metrics.bcubed_f1,
            metrics.pairwise_precision,
            metrics.pairwise_recall,
            metrics.pairwise_f1,
        )
    ]


def _format_blocking(result: CorpusResult) -> list[str]:
    loss = result.blocking
    lost_shares = (
        _format_percent(compute_share(part, loss.true_pairs))
        for part in (loss.parted, loss.linked_back)
    )
    kept_shares = (
        _format_percent(compute_share(part, loss.within)) for part in (loss.compared, loss.linked)
    )
    return [f"{loss.true_pairs:,}", *lost_shares, *kept_shares]


def _format_calibration(result: CorpusResult) -> list[str]:
    calibration = result.calibration
    verdict = (
        "" if math.isnan(calibration.error) else "ok" if calibration.error <= ECE_LIMIT else "ABOVE"
    )
    return [
        f"{calibration.pairs:,}",
        f"{_format_percent(compute_share(calibration.same, calibration.pairs))} %",
        f"{calibration.error:.4f}",
        verdict,
    ]


def _format_variants(result: CorpusResult) -> list[str]:
    variants = result.variants
    if variants is None:
        return []
    return [
        f"{variants.pairs:,}",
        _format_percent(compute_share(variants.found, variants.pairs)),
        f"{variants.variant_pairs:,}",
        _format_percent(compute_share(variants.variants_found, variants.variant_pairs)),
        f"{variants.rivals:,}",
        f"{variants.rivals_merged:,}",
        f"{variants.same_work_merged:,}",
    ]


def _list_speeds(results: Sequence[CorpusResult]) -> Iterator[tuple[str, Speed]]:
    """List the speed of each corpus and, if there are several, their sum."""
    yield from ((r.name, r.speed) for r in results)
    if len(results) > 1:
        yield "all", sum_speeds([r.speed for r in results])


def sum_speeds(speeds: Sequence[Speed]) -> Speed:
    """Sum counts and seconds; take the maximum of each memory."""
    return Speed(
        works=sum(s.works for s in speeds),
        mentions=sum(s.mentions for s in speeds),
        pairs=sum(s.pairs for s in speeds),
        scored=sum(s.scored for s in speeds),
        seconds=sum(s.seconds for s in speeds),
        stages={k: sum(s.stages[k] for s in speeds) for k in speeds[0].stages},
        peak_memory=max(s.peak_memory for s in speeds),
        worker_memory=max(s.worker_memory for s in speeds),
    )


def _format_speed(speed: Speed) -> list[str]:
    compare = sum(speed.stages[name] for name in COMPARISON_STAGES)
    return [
        f"{speed.mentions:,}",
        f"{speed.pairs:,}",
        f"{speed.scored:,}",
        f"{speed.pairs / speed.seconds:,.0f}",
        f"{speed.scored / compare:,.0f}" if compare else "–",
        f"{speed.seconds:.1f}",
        *(f"{seconds:.1f}" for seconds in speed.stages.values()),
        f"{speed.peak_memory / _MEGABYTE:,.0f}",
        f"{speed.worker_memory / _MEGABYTE:,.0f}",
    ]


def _make_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, *cells in rows:
        table.add_row(escape_text(name), *cells)
    return table


def _format_percent(value: float) -> str:
    """Format a share in per cent with two decimals; NaN as a dash."""
    return "–" if math.isnan(value) else f"{100 * value:.2f}"


def _format_interval(interval: Interval) -> str:
    """Format a share with its interval in per cent."""
    if math.isnan(interval.value):
        return "–"
    low, high = (f"{100 * bound:.1f}" for bound in interval[1:])
    return f"{100 * interval.value:.2f} [{low}–{high}]"


def _format_difference(interval: Interval) -> str:
    """Format a difference with its interval in percentage points."""
    if math.isnan(interval.value):
        return "–"
    low, high = (f"{100 * bound:+.2f}" for bound in interval[1:])
    return f"{100 * interval.value:+.2f} [{low} {high}]"
