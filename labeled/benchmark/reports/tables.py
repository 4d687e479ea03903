"""Print the results of the benchmark as tables, one row per corpus; corpora are not averaged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from disambig.blocking.blocks import MAX_NEIGHBOURS
from labeled.benchmark.comparison import Comparison
from labeled.benchmark.metrics import COMPARISON_STAGES, ECE_LIMIT, Speed, compute_share
from labeled.benchmark.reports.accuracy_tables import (
    make_accuracy_tables,
    make_comparison_tables,
    make_robustness_tables,
    make_summary,
)
from labeled.benchmark.reports.cells import format_percent, make_table

if TYPE_CHECKING:
    from rich.console import Console

    from disambig.evaluation.metrics import Metrics
    from labeled.benchmark.reports.accuracy_tables import TitledTable
    from labeled.benchmark.robustness import PerturbedResult
    from labeled.benchmark.run import CorpusResult

_MEGABYTE = 1_000_000


def print_tables(
    out: Console,
    results: Sequence[CorpusResult],
    peer: Mapping[str, Metrics] | None = None,
    comparisons: Sequence[Comparison] = (),
    perturbed: Sequence[PerturbedResult] = (),
) -> None:
    """Print all tables; ``peer`` is the accuracy of S2AND by corpus."""
    for title, note, table in (
        make_summary(results, peer),
        *make_accuracy_tables(results),
        *_make_tables(results),
        *make_comparison_tables(comparisons),
        *make_robustness_tables(results, perturbed),
    ):
        out.print(title, style="bold")
        out.print(table)
        if note:
            out.print(note, style="dim")
        out.print()


def _make_tables(results: Sequence[CorpusResult]) -> Iterator[TitledTable]:
    yield (
        "Accuracy over the whole corpus (%)",
        "Includes links missed or made across blocks.",
        make_table(
            ("B-cubed P", "R", "F1", "pair P", "R", "F1"),
            [(r.name, *_format_whole_corpus(r)) for r in results],
        ),
    )
    yield (
        "Candidates: labelled pairs that are one person, before scoring (%)",
        "Compared: of those in one block. Nearest: linked, directly or through others, if each"
        f" mention were compared with its {MAX_NEIGHBOURS} nearest only.",
        make_table(
            ("true pairs", "in two blocks", "linked back", "compared", f"nearest {MAX_NEIGHBOURS}"),
            [(r.name, *_format_blocking(r)) for r in results],
        ),
    )
    yield (
        "Calibration of the pair model",
        f"Expected calibration error in 15 equal bins; the limit is {ECE_LIMIT}.",
        make_table(
            ("labelled pairs", "one person", "ECE", ""),
            [(r.name, *_format_calibration(r)) for r in results],
        ),
    )
    silver = [r for r in results if r.variants is not None]
    if silver:
        yield (
            "Name variants by silver ids: pairs of mentions with one id in one identity (%)",
            "Known apart: two ids on one work, both in one block.",
            make_table(
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
        make_table(
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


def _format_whole_corpus(result: CorpusResult) -> list[str]:
    metrics = result.whole_corpus
    return [
        format_percent(value)
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
        format_percent(compute_share(part, loss.true_pairs))
        for part in (loss.parted, loss.linked_back)
    )
    kept_shares = (
        format_percent(compute_share(part, loss.within)) for part in (loss.compared, loss.linked)
    )
    return [f"{loss.true_pairs:,}", *lost_shares, *kept_shares]


def _format_calibration(result: CorpusResult) -> list[str]:
    calibration = result.calibration
    verdict = (
        "" if math.isnan(calibration.error) else "ok" if calibration.error <= ECE_LIMIT else "ABOVE"
    )
    return [
        f"{calibration.pairs:,}",
        f"{format_percent(compute_share(calibration.same, calibration.pairs))} %",
        f"{calibration.error:.4f}",
        verdict,
    ]


def _format_variants(result: CorpusResult) -> list[str]:
    variants = result.variants
    if variants is None:
        return []
    return [
        f"{variants.pairs:,}",
        format_percent(compute_share(variants.found, variants.pairs)),
        f"{variants.variant_pairs:,}",
        format_percent(compute_share(variants.variants_found, variants.variant_pairs)),
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
