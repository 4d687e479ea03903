"""Two sets of mentions weighed by the engine: how likely they are one person, and why, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from disambig.console import safe
from disambig.explain_words import BLOCK, SCORES, group_phrase

if TYPE_CHECKING:
    from disambig.engine import Scored
    from service.block_view import BlockView

MAX_REASONS = 3
"""Reasons for, and reasons against."""
MAX_REASON_LENGTH = 300
"""Characters of one."""


@dataclass(frozen=True, slots=True)
class SideComparison:
    """What the engine makes of two sets of mentions.

    Attributes
    ----------
    probability : float
        That they are one person.
    reasons_for, reasons_against : tuple of str
        The strongest first.
    """

    probability: float
    reasons_for: tuple[str, ...]
    reasons_against: tuple[str, ...]


def compare_sides(
    view: BlockView, scored: Scored, left: Collection[int], right: Collection[int]
) -> SideComparison | None:
    """Weigh two sets of mentions, by signature key, amid the others of their block.

    Parameters
    ----------
    scored : Scored
        The view's pairs under the constraints in force.

    Returns
    -------
    Weighed or None
        None where they have no mention in one block, or no two names that could be one person's.
    """
    from disambig.engine import group_probabilities
    from disambig.explain_facts import Facts

    side = _mark_sides(view, left, right)
    common_blocks = set(scored.batch.block[side == 1].tolist())
    common_blocks &= set(scored.batch.block[side == 2].tolist())
    if not common_blocks:
        return None
    block = max(common_blocks, key=lambda b: int(((scored.batch.block == b) & (side > 0)).sum()))
    first_level = view.firsts(scored)
    in_block = scored.batch.block == block
    key = scored.batch.block.astype(np.int64) * (2 * len(first_level) + 3) + np.where(
        in_block & (side > 0), side, 3 + first_level
    )
    _, group = np.unique(key, return_inverse=True)
    is_live = np.arange(len(scored.batch.start) - 1) == block
    groups, columns = scored.between(group.astype(np.int32), is_live)
    side_groups = sorted(int(group[np.flatnonzero(in_block & (side == n))[0]]) for n in (1, 2))
    pair = groups.find(*side_groups)
    if pair < 0:
        return None
    probability = group_probabilities(view.model, columns, view.index.doublings)[pair]
    row = {name: float(columns[name][pair]) for name in view.model.group.features}
    rows = scored.batch.rows
    facts = Facts(view.index, rows[in_block & (side == 1)], rows[in_block & (side == 2)])
    X = np.array([list(row.values())], dtype=np.float32)
    contributions = view.model.group.contributions(X)[0][: len(row)]
    reasons = _phrase_reasons(row, contributions, facts)
    return SideComparison(round(float(probability), 4), *reasons)


def _mark_sides(view: BlockView, left: Collection[int], right: Collection[int]) -> npt.NDArray[np.int64]:
    side = np.zeros(len(view.signature), dtype=np.int64)
    side[np.isin(view.signature, list(left))] = 1
    side[np.isin(view.signature, list(right))] = 2
    return side


def _phrase_reasons(
    row: dict[str, float], contributions: npt.NDArray[np.floating], facts: object
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The themes that count most for each side, each by its strongest feature."""
    names = list(row)
    themes: dict[str, list[int]] = defaultdict(list)
    for column, name in enumerate(names):
        # how large a block is says nothing that a person could look at
        if group_phrase(name).theme not in (BLOCK, SCORES) and not np.isnan(row[name]):
            themes[group_phrase(name).theme].append(column)
    total = {theme: float(contributions[columns].sum()) for theme, columns in themes.items()}
    reasons: dict[int, list[str]] = {1: [], -1: []}
    for theme in sorted(total, key=lambda theme: -abs(total[theme])):
        sign = 1 if total[theme] > 0 else -1
        if abs(total[theme]) < 0.01 or len(reasons[sign]) == MAX_REASONS:
            continue
        best = max(
            themes[theme],
            key=lambda at: (
                contributions[at] * sign > 0,
                group_phrase(names[at]).say is not None,
                contributions[at] * sign,
            ),
        )
        phrase = group_phrase(names[best]).tell(row[names[best]], facts)  # type: ignore[arg-type]
        reasons[sign].append(safe(phrase)[:MAX_REASON_LENGTH])
    return tuple(reasons[1]), tuple(reasons[-1])
