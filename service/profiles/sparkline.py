"""Sparkline of works per year (SVG, without scripts)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

BAR, GAP, HEIGHT, FOOT = 8, 2, 40, 14
MAX_YEARS = 120
"""Most bars: the latest years, if there are more."""


def draw_years(name: str, works: Mapping[int, int]) -> bytes:
    """Draw ``works`` (year → number) as bars, with an accessible title and description.

    Years without works between the first and the last are gaps.
    """
    years = sorted(works)
    if not years:
        return _render_svg(120, name, "No years are known.", "")
    last = years[-1]
    first = max(years[0], last - MAX_YEARS + 1)
    peak = max(works[year] for year in years if year >= first)
    width = max(60, (last - first + 1) * (BAR + GAP))
    bars = []
    for year in (y for y in years if y >= first):
        bar_height = max(2, round(HEIGHT * works[year] / peak))
        bars.append(
            f'<rect x="{(year - first) * (BAR + GAP)}" y="{HEIGHT - bar_height}" width="{BAR}" '
            f'height="{bar_height}"><title>{year}: {works[year]}</title></rect>'
        )
    foot = HEIGHT + FOOT - 2
    labels = f'<text x="0" y="{foot}">{first}</text>'
    if last > first:
        labels += f'<text x="{width}" y="{foot}" text-anchor="end">{last}</text>'
    total = sum(works.values())
    description = f"{total} works from {years[0]} to {last}; most in a year: {peak}."
    return _render_svg(width, name, description, "".join(bars) + labels)


def _render_svg(width: int, name: str, description: str, content: str) -> bytes:
    # control characters are not allowed in XML at all, not even escaped
    clean = "".join(c if c.isprintable() else " " for c in name[:200])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT + FOOT}" '
        f'viewBox="0 0 {width} {HEIGHT + FOOT}" role="img" aria-labelledby="t d" '
        f'fill="#4a7ebb" font-family="sans-serif" font-size="10">'
        f'<title id="t">Works per year of {escape(clean)}</title>'
        f'<desc id="d">{escape(description)}</desc>{content}</svg>'
    ).encode("utf-8", "replace")
