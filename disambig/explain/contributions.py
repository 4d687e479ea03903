"""Decompose a forest's probability of one pair into the contributions of its features."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from disambig.explain.facts import Facts
from disambig.explain.phrases import BLOCK, THEMES, Phrase
from disambig.model.calibration import Calibration, sigmoid
from disambig.model.forest import Forest
from disambig.model.size_shift import apply_size_shift


@dataclass(frozen=True, slots=True)
class Contribution:
    """Contribution of one feature to the log-odds; ``value`` is None where it is missing."""

    feature: str
    theme: str
    value: float | None
    log_odds: float
    words: str


@dataclass(frozen=True, slots=True)
class Score:
    """A probability and its decomposition.

    ``log_odds`` is the logit of ``probability``, and the sum of ``bias`` (before any feature), the
    contributions and ``calibration`` (the shift from the forest's log-odds to those of a calibrated
    probability in a corpus of this size). Contributions are ordered from strongest to weakest.
    """

    probability: float
    log_odds: float
    bias: float
    contributions: tuple[Contribution, ...]
    calibration: float

    def sum_themes(self) -> tuple[tuple[str, float], ...]:
        """Return the sum of contributions of each theme that has any, in order of display."""
        sums: dict[str, float] = {}
        for part in self.contributions:
            sums[part.theme] = sums.get(part.theme, 0.0) + part.log_odds
        ranked = sorted(sums, key=lambda theme: THEMES.index(theme))
        return tuple((theme, sums[theme]) for theme in ranked)


def decompose_score(
    forest: Forest,
    calibration: Calibration | None,
    row: Mapping[str, float],
    get_phrase: Callable[[str], Phrase],
    facts: Facts,
    size_forest: Forest | None,
) -> Score:
    """Decompose the score of one row of features.

    Parameters
    ----------
    row : mapping of feature to value
        At least the features of the forests; NaN where a value is missing.
    get_phrase : callable
        Phrase of a feature, such as :func:`~disambig.explain.phrases.get_pair_phrase`.
    size_forest : Forest or None
        The second forest of the level, see :mod:`disambig.model.size_shift`.
    """
    values = {name: row[name] for name in forest.features}
    X = np.array([list(values.values())], dtype=np.float32)
    parts = forest.compute_contributions(X)[0].astype(np.float64)
    raw = forest.compute_log_odds(X)
    level_probability = sigmoid(raw) if calibration is None else calibration(raw)
    columns = {name: np.array([value], dtype=np.float32) for name, value in row.items()}
    probability = float(
        apply_size_shift(size_forest, level_probability, columns, facts.index.doublings)[0]
    )
    log_odds = math.log(probability / (1 - probability))
    contributions = [
        _make_contribution(name, value, part, get_phrase, facts)
        for (name, value), part in zip(values.items(), parts[:-1].tolist(), strict=True)
    ]
    contributions.sort(key=lambda part: -abs(part.log_odds))
    bias = float(parts[-1])
    return Score(probability, log_odds, bias, tuple(contributions), log_odds - float(parts.sum()))


def _make_contribution(
    name: str, value: float, log_odds: float, get_phrase: Callable[[str], Phrase], facts: Facts
) -> Contribution:
    known_value = None if math.isnan(value) else float(value)
    try:
        phrase = get_phrase(name)
    except KeyError:  # a model with another feature list: show the name of the feature
        return Contribution(name, BLOCK, known_value, log_odds, f"{name}: {value:.3g}")
    return Contribution(name, phrase.theme, known_value, log_odds, phrase.to_text(value, facts))
