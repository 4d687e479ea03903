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

MOST = 3
"""Reasons for, and reasons against."""
SHORT = 300
"""Characters of one."""


@dataclass(frozen=True, slots=True)
class Weighed:
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


def weigh(
    view: BlockView, scored: Scored, left: Collection[int], right: Collection[int]
) -> Weighed | None:
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

    side = _sides(view, left, right)
    common = set(scored.batch.block[side == 1].tolist())
    common &= set(scored.batch.block[side == 2].tolist())
    if not common:
        return None
    block = max(common, key=lambda b: int(((scored.batch.block == b) & (side > 0)).sum()))
    first = view.firsts(scored)
    here = scored.batch.block == block
    key = scored.batch.block.astype(np.int64) * (2 * len(first) + 3) + np.where(
        here & (side > 0), side, 3 + first
    )
    _, group = np.unique(key, return_inverse=True)
    live = np.arange(len(scored.batch.start) - 1) == block
    groups, columns = scored.between(group.astype(np.int32), live)
    ends = sorted(int(group[np.flatnonzero(here & (side == n))[0]]) for n in (1, 2))
    place = groups.find(*ends)
    if place < 0:
        return None
    probability = group_probabilities(view.model, columns, view.index.doublings)[place]
    row = {name: float(columns[name][place]) for name in view.model.group.features}
    rows = scored.batch.rows
    facts = Facts(view.index, rows[here & (side == 1)], rows[here & (side == 2)])
    X = np.array([list(row.values())], dtype=np.float32)
    parts = view.model.group.contributions(X)[0][: len(row)]
    told = _in_words(row, parts, facts)
    return Weighed(round(float(probability), 4), *told)


def _sides(view: BlockView, left: Collection[int], right: Collection[int]) -> npt.NDArray[np.int64]:
    found = np.zeros(len(view.signature), dtype=np.int64)
    found[np.isin(view.signature, list(left))] = 1
    found[np.isin(view.signature, list(right))] = 2
    return found


def _in_words(
    row: dict[str, float], parts: npt.NDArray[np.floating], facts: object
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The themes that count most for each side, each by its strongest feature."""
    names = list(row)
    themes: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(names):
        # how large a block is says nothing that a person could look at
        if group_phrase(name).theme not in (BLOCK, SCORES) and not np.isnan(row[name]):
            themes[group_phrase(name).theme].append(at)
    total = {theme: float(parts[places].sum()) for theme, places in themes.items()}
    told: dict[int, list[str]] = {1: [], -1: []}
    for theme in sorted(total, key=lambda theme: -abs(total[theme])):
        sign = 1 if total[theme] > 0 else -1
        if abs(total[theme]) < 0.01 or len(told[sign]) == MOST:
            continue
        best = max(
            themes[theme],
            key=lambda at: (
                parts[at] * sign > 0,
                group_phrase(names[at]).say is not None,
                parts[at] * sign,
            ),
        )
        words = group_phrase(names[best]).tell(row[names[best]], facts)  # type: ignore[arg-type]
        told[sign].append(safe(words)[:SHORT])
    return tuple(told[1]), tuple(told[-1])
