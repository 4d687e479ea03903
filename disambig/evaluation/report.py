"""Self-contained HTML report on the accuracy of clusters and their errors.

:func:`build_report` is pure: plain values in, text out. The page loads nothing, runs no
script and works from a file. Names and titles are untrusted: control and bidirectional
characters are made visible (:func:`disambig.console.escape_text`), Jinja escapes the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from disambig.arrays import Bool, Float32
from disambig.console import escape_text
from disambig.evaluation.metrics import (
    Metrics,
    ReliabilityCurve,
    expected_calibration_error,
    reliability_curve,
)
from disambig.evaluation.plots import draw_distribution, draw_reliability
from disambig.evaluation.slices import Slice

_UNDEFINED = "–"


@dataclass(frozen=True, eq=False)
class PairScores:
    """Scored pairs of labelled signatures.

    ``probability`` float32[n] in [0, 1] that a pair is one person; ``same`` bool[n] whether
    it is according to the labels.
    """

    probability: Float32
    same: Bool


@dataclass(frozen=True, slots=True)
class SliceTable:
    """Slices of one kind; ``column`` is the heading of their labels, ``note`` defines them."""

    title: str
    column: str
    note: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class SampledMention:
    """An author mention of a wrong cluster, as the report shows it."""

    name: str
    title: str
    venue: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorPart:
    """Part of a wrong cluster; ``size`` mentions, of which ``mentions`` are shown."""

    label: str
    size: int
    mentions: tuple[SampledMention, ...]


@dataclass(frozen=True, slots=True)
class ErrorCase:
    """A cluster of several parts: ``n_parts`` in all, of which ``parts`` are shown."""

    label: str
    names: tuple[str, ...]
    size: int
    n_parts: int
    parts: tuple[ErrorPart, ...]


@dataclass(frozen=True, eq=False)
class Section:
    """Results of one labels file. ``within`` is None when its labels have no blocks."""

    name: str
    within: Metrics | None
    whole: Metrics
    missing: int = 0
    pair_scores: PairScores | None = None
    slices: tuple[SliceTable, ...] = ()
    overmerges: tuple[ErrorCase, ...] = ()
    oversplits: tuple[ErrorCase, ...] = ()


@dataclass(frozen=True, slots=True)
class _Calibration:
    error: float
    pairs: int
    curve: ReliabilityCurve
    reliability: Markup
    distribution: Markup


def build_report(
    sections: Sequence[Section], *, title: str, facts: Sequence[tuple[str, str]] = ()
) -> str:
    """Render the page.

    Parameters
    ----------
    sections : one for each labels file
    title : str
        Heading and title of the page.
    facts : pairs of term and text
        Shown under the heading, such as input files and date.

    Returns
    -------
    str
        A complete HTML document, the same for the same arguments.
    """
    template = _make_environment().get_template("report.html")
    return template.render(
        title=title,
        facts=facts,
        sections=[(f"s{number}", section) for number, section in enumerate(sections, 1)],
        calibrations=[_draw_calibration(section) for section in sections],
    )


def _make_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("disambig"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_escape_controls,
    )
    environment.filters.update(
        percent=_format_percent, count=_format_count, width=_format_width, plural=_format_plural
    )
    return environment


def _escape_controls(value: Any) -> Any:
    """Apply :func:`escape_text` to every string of the template; SVG markup is unchanged."""
    return escape_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _draw_calibration(section: Section) -> _Calibration | None:
    scores = section.pair_scores
    if scores is None or len(scores.probability) == 0:
        return None
    curve = reliability_curve(scores.probability, scores.same)
    error = expected_calibration_error(scores.probability, scores.same)
    pairs = len(scores.probability)
    name = escape_text(section.name)
    reliability = draw_reliability(
        curve,
        f"Reliability, {name}",
        "Observed share of pairs that are the same person, by predicted probability. "
        f"Expected calibration error {error:.3f} over {pairs:,} pairs.",
    )
    distribution = draw_distribution(
        scores.probability.astype(np.float64),
        scores.same,
        f"Score distributions, {name}",
        "Share of pairs by predicted probability, for pairs of the same person "
        f"({int(scores.same.sum()):,}) and of different persons ({int((~scores.same).sum()):,}).",
    )
    return _Calibration(error, pairs, curve, Markup(reliability), Markup(distribution))


def _format_percent(value: float, digits: int = 1) -> str:
    """Format a share in per cent; NaN as a dash."""
    return _UNDEFINED if math.isnan(value) else f"{100 * value:.{digits}f}"


def _format_width(value: float) -> str:
    """Format a share as the CSS width of a bar."""
    return "0%" if math.isnan(value) else f"{100 * value:.1f}%"


def _format_count(value: int) -> str:
    return f"{value:,}"


def _format_plural(value: int, singular: str, plural: str) -> str:
    return f"{value:,} {singular if value == 1 else plural}"
