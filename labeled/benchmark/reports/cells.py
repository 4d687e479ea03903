"""Tables on a terminal, and the form of figures in their cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from disambig.console import escape_text
from labeled.benchmark.intervals import Interval

if TYPE_CHECKING:
    from rich.table import Table


def make_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Make a table of a name and cells in each row."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, *cells in rows:
        table.add_row(escape_text(name), *cells)
    return table


def format_percent(value: float) -> str:
    """Format a share in per cent with two decimals; NaN as a dash."""
    return "–" if math.isnan(value) else f"{100 * value:.2f}"


def format_interval(interval: Interval) -> str:
    """Format a share with its interval in per cent."""
    if math.isnan(interval.value):
        return "–"
    low, high = (f"{100 * bound:.1f}" for bound in interval[1:])
    return f"{100 * interval.value:.2f} [{low}–{high}]"


def format_difference(interval: Interval) -> str:
    """Format a difference with its interval in percentage points."""
    if math.isnan(interval.value):
        return "–"
    low, high = (f"{100 * bound:+.2f}" for bound in interval[1:])
    return f"{100 * interval.value:+.2f} [{low} {high}]"
