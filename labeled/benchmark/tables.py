"""Print the results of the benchmark as tables, one row per corpus; corpora are not averaged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from disambig.blocking.blocks import MAX_NEIGHBOURS
from disambig.console import escape_text
from labeled.benchmark.metrics import COMPARISON_STAGES, ECE_LIMIT, TARGETS, Speed, compute_share

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from labeled.benchmark.run import CorpusResult

_MEGABYTE = 1_000_000


def print_tables(out: Console, results: Sequence[CorpusResult]) -> None:
    """Print all tables."""
    for title, note, table in _make_tables(results):
        out.print(title, style="bold")
        out.print(table)
        if note:
            out.print(note, style="dim")
        out.print()


def _make_tables(results: Sequence[CorpusResult]) -> Iterator[tuple[str, str, Table]]:
    yield (
        "Accuracy within blocks (%)",
        "B-cubed averaged over mentions; floor and goal are for B-cubed F1.",
        _make_table(
            ("mentions", "P", "R", "F1", "floor", "goal", "", "pair F1", "exact blocks"),
            [(r.name, *_format_accuracy(r)) for r in results],
        ),
    )
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
    metrics = result.within_blocks
    floor, goal = TARGETS.get(result.name, (float("nan"), float("nan")))
    return [
        f"{metrics.signatures:,}",
        _format_percent(metrics.bcubed_precision),
        _format_percent(metrics.bcubed_recall),
        _format_percent(metrics.bcubed_f1),
        _format_percent(floor),
        _format_percent(goal),
        compare_with_targets(metrics.bcubed_f1, floor, goal),
        _format_percent(metrics.pairwise_f1),
        _format_percent(metrics.exact_blocks),
    ]


def compare_with_targets(f1: float, floor: float, goal: float) -> str:
    """Compare an F1 with its targets, in one word; empty without a target."""
    if math.isnan(floor):
        return ""
    return "goal" if f1 >= goal else "floor" if f1 >= floor else "BELOW"


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


def to_dict(result: CorpusResult) -> dict[str, Any]:
    """Convert the results of a corpus to JSON values: NaN becomes None; errors are omitted."""
    floor, goal = TARGETS.get(result.name, (None, None))
    calibration = result.calibration
    curve = {name: values.tolist() for name, values in asdict(calibration.curve).items()}
    speed = asdict(result.speed)
    speed["pairs_per_second"] = result.speed.pairs / result.speed.seconds
    plain = {
        "corpus": result.name,
        "split": result.split,
        "floor": floor,
        "goal": goal,
        "within_blocks": asdict(result.within_blocks),
        "whole_corpus": asdict(result.whole_corpus),
        "blocking": asdict(result.blocking),
        "calibration": {
            "pairs": calibration.pairs,
            "same": calibration.same,
            "error": calibration.error,
            "limit": ECE_LIMIT,
            "curve": curve,
        },
        "variants": None if result.variants is None else asdict(result.variants),
        "speed": speed,
    }
    document: dict[str, Any] = _replace_nan(plain)
    return document


def _replace_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _replace_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replace_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
