"""Convert results of the benchmark to JSON values."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from labeled.benchmark.comparison import Comparison
from labeled.benchmark.intervals import bootstrap_intervals
from labeled.benchmark.metrics import ECE_LIMIT, TARGETS

if TYPE_CHECKING:
    from labeled.benchmark.robustness import PerturbedResult
    from labeled.benchmark.run import CorpusResult


def result_to_dict(result: CorpusResult) -> dict[str, Any]:
    """Convert the results of a corpus to JSON values: NaN becomes None; errors are omitted."""
    target, accuracy = TARGETS.get(result.name), result.accuracy
    intervals = bootstrap_intervals(accuracy.sums)
    calibration = result.calibration
    curve = {name: values.tolist() for name, values in asdict(calibration.curve).items()}
    speed = asdict(result.speed)
    speed["pairs_per_second"] = result.speed.pairs / result.speed.seconds
    plain = {
        "corpus": result.name,
        "split": result.split,
        "floor": None if target is None else target.floor,
        "goal": None if target is None else target.goal,
        "target_figure": None if target is None else target.figure,
        "within_blocks": {
            **{name: interval.value for name, interval in intervals.items()},
            "signatures": int(accuracy.sums.signatures.sum()),
            "others": int(accuracy.sums.others.sum()),
            "blocks": len(accuracy.sums.blocks),
        },
        "intervals": {name: [i.low, i.high] for name, i in intervals.items()},
        "printed_names": accuracy.printed_names.compute_figures(),
        "with_errata": None if accuracy.corrected is None else accuracy.corrected.compute_figures(),
        "labels_changed_by_errata": accuracy.n_errata,
        "persons": [asdict(part) for part in accuracy.persons],
        "blocks": [asdict(part) for part in accuracy.blocks],
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
        "block_sums": accuracy.sums.to_dict(),
    }
    document: dict[str, Any] = _replace_nan(plain)
    return document


def comparison_to_dict(comparison: Comparison) -> dict[str, Any]:
    """Convert a comparison to JSON values."""
    plain = asdict(comparison)
    plain["differences"] = {k: list(v) for k, v in comparison.differences.items()}
    document: dict[str, Any] = _replace_nan(plain)
    return document


def perturbed_to_dict(result: PerturbedResult, unperturbed: CorpusResult) -> dict[str, Any]:
    """Convert the results under a perturbation, and their change, to JSON values."""
    changes = result.compare(unperturbed.accuracy.sums)
    document: dict[str, Any] = _replace_nan(
        {
            "corpus": result.corpus,
            "perturbation": result.perturbation,
            "within_blocks": result.sums.compute_figures(),
            "change": {name: list(interval) for name, interval in changes.items()},
            "printed_names": result.printed_names.compute_figures(),
        }
    )
    return document


def _replace_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _replace_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replace_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
