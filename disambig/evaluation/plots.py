"""Plots as inline SVG that use the fonts of the page and its colours in light and dark mode.

matplotlib cannot write CSS variables, so plots are drawn in placeholder colours, which
:func:`to_inline_svg` replaces by ``var(--…)``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from html import escape
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from disambig.evaluation.metrics import ReliabilityCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from disambig.arrays import Bool, Float64

INK, MUTED, RULE, ACCENT, WARN = "#010203", "#020304", "#030405", "#040506", "#050607"
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    ACCENT: "var(--accent)",
    WARN: "var(--warn)",
}
_REWRITES = (
    # A style for "*" would apply to the whole page.
    (re.compile(r"<style.*?</style>", re.DOTALL), ""),
    # Only hashed ids are referenced; names such as axes_1 would repeat in the next figure.
    (re.compile(r' id="(?![mp][0-9a-f]{10}")[^"]*"'), ""),
    (re.compile(r"font: ([\d.]+)px [^;\"]*"), r"font-size: \1px"),
    (re.compile(r"font-family: [^;\"]*;? ?"), ""),
)
_WIDTH, _HEIGHT = 5.6, 4.0
_BINS = 40


def draw_reliability(curve: ReliabilityCurve, title: str, description: str) -> str:
    """Draw observed share against predicted probability, and the share of pairs in each bin."""
    figure = _make_figure()
    grid = figure.add_gridspec(2, 1, height_ratios=(4, 1), hspace=0.12)
    upper, lower = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    upper.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, dashes=(4, 3))
    full = curve.weight > 0
    upper.plot(
        curve.predicted[full],
        curve.observed[full],
        color=ACCENT,
        linewidth=1.6,
        marker="o",
        markersize=4.5,
        clip_on=False,
        zorder=3,
    )
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="observed share same person")
    upper.tick_params(labelbottom=False)
    middle = (curve.edges[1:] + curve.edges[:-1]) / 2
    lower.bar(middle, curve.weight, width=0.9 * np.diff(curve.edges), color=ACCENT, alpha=0.55)
    most = float(curve.weight.max()) or 1.0
    lower.set(xlim=(0, 1), ylim=(0, 1.1 * most), yticks=(0, most), ylabel="pairs")
    lower.yaxis.set_major_formatter("{x:.0%}")
    lower.set_xlabel("predicted probability of the same person")
    for axes in (upper, lower):
        _style_axes(axes)
    return to_inline_svg(figure, title, description)


def draw_distribution(probability: Float64, same: Bool, title: str, description: str) -> str:
    """Draw histograms of predicted probability for pairs of one person and of different persons.

    Each histogram sums to 1, on a logarithmic scale, so that the few misjudged pairs stay
    visible. probability is float[n] in [0, 1], same bool[n].
    """
    figure = _make_figure()
    axes = figure.add_subplot()
    edges = np.linspace(0, 1, _BINS + 1)
    smallest = 1.0
    for selection, colour, label in (
        (~same, WARN, "different persons"),
        (same, ACCENT, "same person"),
    ):
        if not selection.any():
            continue
        share = np.histogram(probability[selection], edges)[0] / int(selection.sum())
        smallest = min(smallest, float(share[share > 0].min()))
        axes.stairs(share, edges, fill=True, color=colour, alpha=0.28)
        axes.stairs(share, edges, color=colour, linewidth=1.4, label=label)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
    axes.set(xlim=(0, 1), ylim=(smallest / 2, 1.5))
    axes.set(xlabel="predicted probability of the same person", ylabel="share of pairs")
    axes.legend(loc="upper center", frameon=False, ncols=2, labelcolor=INK)
    _style_axes(axes)
    return to_inline_svg(figure, title, description)


def draw_review(errors: Mapping[str, Float64], title: str, description: str) -> str:
    """Draw the remaining error after each number of decisions, one curve per order of questions.

    ``errors`` float64[decisions + 1] by the name of the order; the first is highlighted.
    """
    figure = _make_figure()
    axes = figure.add_subplot()
    styles = ((ACCENT, "solid"), (ACCENT, "dashed"), (MUTED, "dashdot"), (WARN, "dotted"))
    for (name, error), (colour, style) in zip(errors.items(), cycle(styles), strict=False):
        axes.plot(
            np.arange(len(error)), error, color=colour, linestyle=style, linewidth=1.6, label=name
        )
    most = max(float(error.max()) for error in errors.values())
    axes.set(xlim=(0, None), ylim=(0, 1.05 * most or 1.0))
    axes.set(xlabel="decisions", ylabel="remaining error (1 − B-cubed F1)")
    axes.legend(loc="lower left", frameon=False, labelcolor=INK)
    _style_axes(axes)
    return to_inline_svg(figure, title, description)


def to_inline_svg(figure: Figure, title: str, description: str) -> str:
    """Return a figure as SVG for inclusion in HTML, labelled for screen readers and scalable.

    The result is deterministic and refers to nothing outside of itself. Figures on one page need
    different titles, since their inner ids are derived from them.
    """
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    body = text[text.index("<defs>") : text.rindex("</svg>")]
    box = re.search(r'viewBox="([^"]+)"', text)
    for pattern, replacement in _REWRITES:
        body = pattern.sub(replacement, body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    name, about = escape(title), escape(description)
    return (
        f'<svg role="img" viewBox="{box.group(1) if box else ""}" '
        f'aria-label="{name}. {about}" stroke-linejoin="round">'
        f"<title>{name}</title><desc>{about}</desc>{body}</svg>"
    )


def _make_figure() -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")


def _style_axes(axes: Axes) -> None:
    """Apply the colours of the page to the axes, with few lines."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(RULE)
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=9, length=3, which="both")
    axes.xaxis.label.set(color=INK, size=9.5)
    axes.yaxis.label.set(color=INK, size=9.5)
