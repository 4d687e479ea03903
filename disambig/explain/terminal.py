"""Print an explanation on the terminal: verdict, reasons, and each score as a bar chart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from disambig.console import escape_text
from disambig.explain.explain import format_percent
from disambig.explain.phrases import AFFILIATION, COAUTHORS, NAMES, TIME, TOPIC, VENUE

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from disambig.explain.contributions import Contribution, Score
    from disambig.explain.explain import ExplainedMention, Explanation

_MAX_WIDTH, _NARROW_WIDTH = 110, 96
_MAX_SHOWN = 2
"""Features shown for a theme, in addition to those of :data:`_FACT_FEATURES`."""
_MIN_LOG_ODDS = 0.1
"""Minimal absolute log-odds of a feature to be shown on its own line."""

_FACT_FEATURES = {
    NAMES: ("name_given_relation", "name_given_relation_least"),
    COAUTHORS: ("coauthors_shared",),
    TOPIC: ("title_cosine", "profile_title"),
    VENUE: ("venue_same", "venues_shared"),
    AFFILIATION: ("affiliation_cosine", "profile_affiliation"),
    TIME: ("year_gap", "years_gap"),
}
"""The features that state the main fact of a theme: shown first, whatever they contribute."""


def print_explanation(out: Console, explanation: Explanation, *, show_all: bool = False) -> None:
    """Print an explanation.

    Parameters
    ----------
    out : Console
        Output; it must not interpret markup.
    show_all : bool
        Whether to show every feature, not only those with large contributions.
    """
    out.width = min(out.width, _MAX_WIDTH)
    for part in _render_parts(explanation, out.width, show_all):
        out.print(part)


def _render_parts(explanation: Explanation, width: int, show_all: bool) -> Iterator[RenderableType]:
    from rich.padding import Padding

    yield ""
    yield _render_mentions(explanation)
    yield ""
    yield Padding(_format_verdict(explanation), (0, 0, 0, 2))
    for sentence in explanation.because:
        yield Padding(_make_line((sentence, "")), (0, 0, 0, 2))
    yield ""
    groups, pair = explanation.groups, explanation.pair
    yield _make_heading("These two mentions", pair)
    yield _render_chart(pair, width, show_all)
    if groups.score is not None:
        yield ""
        yield _make_heading(
            f"Their groups, of {groups.size_a:,} and {groups.size_b:,}", groups.score
        )
        yield _render_chart(groups.score, width, show_all)
    yield ""
    if not show_all:
        yield _make_line(("  --all shows every feature, --json prints everything as JSON.", "dim"))


def _render_mentions(explanation: Explanation) -> RenderableType:
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for letter, mention in (("a", explanation.a), ("b", explanation.b)):
        grid.add_row(_make_line((f"  {letter}", "bold cyan")), _make_line((mention.name, "bold")))
        grid.add_row("", _make_line((_truncate(mention.title), "")))
        grid.add_row("", _make_line((_format_source(mention, explanation.same_block), "dim")))
    return grid


def _format_source(mention: ExplainedMention, same_block: bool) -> str:
    source = [mention.venue or "no venue", str(mention.year or "no year")]
    block = "" if same_block else f" · block “{mention.block}”"
    return f"{', '.join(source)} · {mention.work}:{mention.position}{block}"


def _format_verdict(explanation: Explanation) -> Text:
    chance = format_percent(explanation.probability)
    if explanation.same:
        verdict, style = "✓ One person", "bold green"
    else:
        verdict, style = "✗ Two persons", "bold red"
    return _make_line(
        (verdict, style),
        (f" · decided by {_DECIDERS[explanation.decided_by]}", ""),
        (f" · evidence for one person: {chance}", ""),
    )


_DECIDERS = {
    "must-link": "a must-link",
    "cannot-link": "a cannot-link",
    "identifier": "an identifier",
    "same work": "the work they share",
    "names": "their names",
    "too little in common": "how little they have in common",
    "first level": "the first level",
    "second level": "the second level",
    "across blocks": "the comparison across blocks",
}


def _make_heading(subject: str, score: Score) -> RenderableType:
    from rich.rule import Rule

    title = _make_line(
        (f"{subject}: ", "bold"), (f"{format_percent(score.probability)} one person", "bold")
    )
    return Rule(title, style="dim", align="left")


def _render_chart(score: Score, width: int, show_all: bool) -> RenderableType:
    """Render rows of theme, bar, sum and contributions; start, sums and calibration add up."""
    from rich.table import Table

    half = 7 if width < _NARROW_WIDTH else 11
    sums = dict(score.sum_themes())
    steps = [score.bias, *sums.values(), score.calibration]
    scale = max(max(abs(step) for step in steps), 1.0) / half
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True, min_width=13)
    table.add_column(no_wrap=True, width=2 * half + 1)
    table.add_column(no_wrap=True, justify="right", min_width=6)
    table.add_column(no_wrap=True, justify="right", min_width=6)
    table.add_column(overflow="fold")

    def add_row(
        name: str, step: float, part: str = "", words: str = "", style: str = "bold"
    ) -> None:
        table.add_row(
            _make_line((f"  {name}", style)),
            _draw_bar(step, scale, half),
            _make_line((_format_signed(step), style)),
            _make_line((part, _choose_colour(part))),
            _make_line((words, "dim" if style == "dim" else "")),
        )

    add_row("start", score.bias, words="before any feature", style="dim")
    for theme, total in sums.items():
        first, *more = _select_lines(
            [c for c in score.contributions if c.theme == theme], theme, show_all
        )
        add_row(theme, total, *first)
        for part, words in more:
            table.add_row(
                "",
                _draw_axis(half),
                "",
                _make_line((part, _choose_colour(part))),
                _make_line((words, "")),
            )
    add_row("calibration", score.calibration, words="from score to probability", style="dim")
    table.add_row(
        _make_line(("  sum", "bold")),
        "",
        _make_line((_format_signed(score.log_odds), "bold")),
        "",
        _make_line((f"log-odds, that is {format_percent(score.probability)}", "bold")),
    )
    return table


def _select_lines(parts: list[Contribution], theme: str, show_all: bool) -> list[tuple[str, str]]:
    """Return (contribution, text) of a theme's features: facts, large contributions, the rest."""
    facts = _FACT_FEATURES.get(theme, ())
    facts_first = sorted(parts, key=lambda part: part.feature not in facts)
    visible = [part for part in facts_first if part.feature in facts]
    for part in facts_first[len(visible) :]:
        weighs = abs(part.log_odds) >= _MIN_LOG_ODDS and len(visible) < _MAX_SHOWN + 1
        if show_all or weighs or not visible:
            visible.append(part)
    lines = [(_format_log_odds(part), part.words) for part in visible]
    rest = [part.log_odds for part in facts_first if part not in visible]
    if abs(sum(rest)) >= 0.005:
        lines.append((_format_signed(sum(rest)), f"{len(rest)} more"))
    return lines


def _format_log_odds(part: Contribution) -> str:
    """Format the contribution of a feature; empty where it rounds to 0."""
    return _format_signed(part.log_odds) if abs(part.log_odds) >= 0.005 else ""


def _draw_bar(value: float, scale: float, half: int) -> Text:
    """Draw a bar to the left (two persons) or to the right (one person) of an axis."""
    steps = min(round(2 * abs(value) / scale), 2 * half)  # half a cell each
    full, odd = divmod(steps, 2)
    if value < 0:
        left = ("▐" * odd + "█" * full).rjust(half)
        return _make_line((left, "red"), ("│", "dim"), (" " * half, ""))
    right = ("█" * full + "▌" * odd).ljust(half)
    return _make_line((" " * half, ""), ("│", "dim"), (right, "green"))


def _draw_axis(half: int) -> Text:
    return _make_line((" " * half, ""), ("│", "dim"))


def _format_signed(value: float) -> str:
    """Format with two decimals and a sign; what rounds to 0 has no sign."""
    if abs(value) < 0.005:
        return "0.00"
    return f"{value:+.2f}".replace("-", "−")


def _choose_colour(signed: str) -> str:
    return "red" if signed.startswith("−") else "green" if signed.startswith("+") else "dim"


def _truncate(text: str, length: int = 160) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _make_line(*parts: tuple[str, str]) -> Text:
    """Make styled text with control characters escaped: names and titles are untrusted."""
    from rich.text import Text

    text = Text()
    for content, style in parts:
        text.append(escape_text(content), style)
    return text
