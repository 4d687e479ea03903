"""The benchmark's figures as tables, one line a corpus: corpora are never averaged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from disambig.blocking.blocks import NEAREST
from disambig.console import safe
from labeled.benchmark.metrics import COMPARING, ECE_LIMIT, TARGETS, Speed, share

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from labeled.benchmark.run import CorpusResult

_MEGABYTE = 1_000_000


def show(out: Console, results: Sequence[CorpusResult]) -> None:
    """Print every table."""
    for title, note, table in _tables(results):
        out.print(title, style="bold")
        out.print(table)
        if note:
            out.print(note, style="dim")
        out.print()


def _tables(results: Sequence[CorpusResult]) -> Iterator[tuple[str, str, Table]]:
    yield (
        "Accuracy within blocks (%)",
        "B-cubed averaged over mentions; floor and goal are for B-cubed F1.",
        _table(
            ("mentions", "P", "R", "F1", "floor", "goal", "", "pair F1", "exact blocks"),
            [(r.name, *_accuracy(r)) for r in results],
        ),
    )
    yield (
        "Accuracy over the whole corpus (%)",
        "Links missed or made across blocks count, too.",
        _table(
            ("B-cubed P", "R", "F1", "pair P", "R", "F1"),
            [(r.name, *_whole(r)) for r in results],
        ),
    )
    yield (
        "Candidates: labelled pairs that are one person, before anything is scored (%)",
        "Compared: of those in one block. Nearest: linked, directly or by way of others, were each"
        f" mention compared with the {NEAREST} most like it alone.",
        _table(
            ("true pairs", "in two blocks", "linked back", "compared", f"nearest {NEAREST}"),
            [(r.name, *_blocking(r)) for r in results],
        ),
    )
    yield (
        "Calibration of the pair model",
        f"Expected calibration error in 15 equal bins; at most {ECE_LIMIT} is asked for.",
        _table(
            ("labelled pairs", "one person", "ECE", ""),
            [(r.name, *_calibration(r)) for r in results],
        ),
    )
    silver = [r for r in results if r.variants is not None]
    if silver:
        yield (
            "Name variants by silver ids: pairs of mentions with one id, found to be one (%)",
            "Known apart: two ids that are together on a work; both are in one block.",
            _table(
                (
                    "all pairs",
                    "found",
                    "names differ",
                    "found",
                    "known apart",
                    "merged",
                    "on a work",
                ),
                [(r.name, *_silver(r)) for r in silver],
            ),
        )
    yield (
        "Speed, from starting the process to written rows",
        "Seconds a stage; index: columns and blocks; link: across blocks; memory in MB.",
        _table(
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
            [(name, *_speed(speed)) for name, speed in _speeds(results)],
        ),
    )


def _accuracy(result: CorpusResult) -> list[str]:
    found = result.within_blocks
    floor, goal = TARGETS.get(result.name, (float("nan"), float("nan")))
    return [
        f"{found.signatures:,}",
        _percent(found.bcubed_precision),
        _percent(found.bcubed_recall),
        _percent(found.bcubed_f1),
        _percent(floor),
        _percent(goal),
        standing(found.bcubed_f1, floor, goal),
        _percent(found.pairwise_f1),
        _percent(found.exact_blocks),
    ]


def standing(f1: float, floor: float, goal: float) -> str:
    """In one word, where a figure stands; nothing where there is no target."""
    if math.isnan(floor):
        return ""
    return "goal" if f1 >= goal else "floor" if f1 >= floor else "BELOW"


def _whole(result: CorpusResult) -> list[str]:
    found = result.whole_corpus
    return [
        _percent(value)
        for value in (
            found.bcubed_precision,
            found.bcubed_recall,
            found.bcubed_f1,
            found.pairwise_precision,
            found.pairwise_recall,
            found.pairwise_f1,
        )
    ]


def _blocking(result: CorpusResult) -> list[str]:
    loss = result.blocking
    lost = (_percent(share(part, loss.true_pairs)) for part in (loss.parted, loss.linked_back))
    kept = (_percent(share(part, loss.within)) for part in (loss.compared, loss.linked))
    return [f"{loss.true_pairs:,}", *lost, *kept]


def _calibration(result: CorpusResult) -> list[str]:
    found = result.calibration
    verdict = "" if math.isnan(found.error) else "ok" if found.error <= ECE_LIMIT else "ABOVE"
    return [
        f"{found.pairs:,}",
        f"{_percent(share(found.same, found.pairs))} %",
        f"{found.error:.4f}",
        verdict,
    ]


def _silver(result: CorpusResult) -> list[str]:
    found = result.variants
    if found is None:
        return []
    return [
        f"{found.pairs:,}",
        _percent(share(found.found, found.pairs)),
        f"{found.variant_pairs:,}",
        _percent(share(found.variants_found, found.variant_pairs)),
        f"{found.rivals:,}",
        f"{found.rivals_merged:,}",
        f"{found.same_work_merged:,}",
    ]


def _speeds(results: Sequence[CorpusResult]) -> Iterator[tuple[str, Speed]]:
    """Speed of each corpus and, where there are several, of all, one after the other."""
    yield from ((r.name, r.speed) for r in results)
    if len(results) > 1:
        yield "all", one_after_the_other([r.speed for r in results])


def one_after_the_other(speeds: Sequence[Speed]) -> Speed:
    """Counts and seconds in sum; the largest of each memory."""
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


def _speed(speed: Speed) -> list[str]:
    compare = sum(speed.stages[name] for name in COMPARING)
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


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, *cells in rows:
        table.add_row(safe(name), *cells)
    return table


def _percent(value: float) -> str:
    """A share in per cent with two decimals; undefined is a dash."""
    return "–" if math.isnan(value) else f"{100 * value:.2f}"


def as_json(result: CorpusResult) -> dict[str, Any]:
    """All figures of a corpus, as JSON knows them: undefined is null; errors are left out."""
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
    found: dict[str, Any] = _finite(plain)
    return found


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
