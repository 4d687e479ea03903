"""Compare results of the benchmark with an earlier ``--json`` file, over the same blocks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from disambig.errors import InputError
from labeled.benchmark.intervals import BlockSums, Interval, bootstrap_differences, match_blocks


@dataclass(frozen=True, slots=True)
class Comparison:
    """Change of every figure of a corpus since an earlier result, over ``blocks`` common blocks.

    ``unmatched`` blocks are in one of the results only and are left out of both.
    """

    corpus: str
    earlier: Mapping[str, float]
    now: Mapping[str, float]
    differences: Mapping[str, Interval]
    blocks: int
    unmatched: int


def read_earlier_sums(file: Path, split: str) -> dict[str, BlockSums]:
    """Read the sums by block of each corpus from a file that ``--json`` wrote.

    Raises
    ------
    InputError
        The file is no such file, or measures another split.
    """
    remedy = "give a file that disambig benchmark --json wrote"
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        measured, corpora = document["split"], document["corpora"]
        stored = {row["corpus"]: row["block_sums"] for row in corpora}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: holds no sums by block ({error!r}); {remedy}") from error
    if measured != split:
        raise InputError(
            f"{file}: measures split {measured!r}, not {split!r}; measure one split of both"
        )
    return {corpus: BlockSums.from_dict(sums) for corpus, sums in stored.items()}


def compare_sums(corpus: str, sums: BlockSums, earlier: BlockSums, seed: int = 0) -> Comparison:
    """Compare a corpus with an earlier result.

    Raises
    ------
    InputError
        The results have no block in common.
    """
    now, before = match_blocks(sums, earlier)
    return Comparison(
        corpus,
        before.compute_figures(),
        now.compute_figures(),
        bootstrap_differences(sums, earlier, seed=seed),
        blocks=len(now.blocks),
        unmatched=len(sums.blocks) + len(earlier.blocks) - 2 * len(now.blocks),
    )


def judge_difference(difference: Interval) -> str:
    """Return "better", "worse", "equal" or, if the interval contains zero, "noise"."""
    if difference.low == difference.high == 0:
        return "equal"
    return "better" if difference.low > 0 else "worse" if difference.high < 0 else "noise"
