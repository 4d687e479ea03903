"""An explanation on the terminal: the verdict in sentences, each score as a chart that adds up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from disambig.console import safe
from disambig.explain import percent
from disambig.explain_words import AFFILIATION, COAUTHORS, NAMES, TIME, TOPIC, VENUE

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from disambig.explain import Explanation, Mention
    from disambig.explain_score import Contribution, Score

_WIDEST, _NARROW = 110, 96
_SHOWN = 2
"""Features told of a theme, besides the one that names the fact."""
_WORTH = 0.1
"""Log-odds from which a feature is worth a line."""

_FACTS = {
    NAMES: ("name_given_relation", "name_given_relation_least"),
    COAUTHORS: ("coauthors_shared",),
    TOPIC: ("title_cosine", "profile_title"),
    VENUE: ("venue_same", "venues_shared"),
    AFFILIATION: ("affiliation_cosine", "profile_affiliation"),
    TIME: ("year_gap", "years_gap"),
}
"""The features that tell the fact behind a theme: shown first, whatever they add."""


def show(out: Console, explanation: Explanation, *, every: bool = False) -> None:
    """Print an explanation.

    Parameters
    ----------
    out : Console
        Where to; it must not interpret markup.
    every : bool
        Whether to show every feature, not only what weighs.
    """
    out.width = min(out.width, _WIDEST)
    for part in _parts(explanation, out.width, every):
        out.print(part)


def _parts(explanation: Explanation, width: int, every: bool) -> Iterator[RenderableType]:
    from rich.padding import Padding

    yield ""
    yield _mentions(explanation)
    yield ""
    yield Padding(_verdict(explanation), (0, 0, 0, 2))
    for sentence in explanation.because:
        yield Padding(_line((sentence, "")), (0, 0, 0, 2))
    yield ""
    groups, pair = explanation.groups, explanation.pair
    yield _heading("These two mentions", pair)
    yield _chart(pair, width, every)
    if groups.score is not None:
        yield ""
        yield _heading(f"Their groups, of {groups.size_a:,} and {groups.size_b:,}", groups.score)
        yield _chart(groups.score, width, every)
    yield ""
    if not every:
        yield _line(("  --all shows every feature, --json all of it for machines.", "dim"))


def _mentions(explanation: Explanation) -> RenderableType:
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for letter, mention in (("a", explanation.a), ("b", explanation.b)):
        grid.add_row(_line((f"  {letter}", "bold cyan")), _line((mention.name, "bold")))
        grid.add_row("", _line((_cut(mention.title), "")))
        grid.add_row("", _line((_source(mention, explanation.same_block), "dim")))
    return grid


def _source(mention: Mention, same_block: bool) -> str:
    where = [mention.venue or "no venue", str(mention.year or "no year")]
    block = "" if same_block else f" · block “{mention.block}”"
    return f"{', '.join(where)} · {mention.work}:{mention.position}{block}"


def _verdict(explanation: Explanation) -> Text:
    chance = percent(explanation.probability)
    if explanation.same:
        what, style = "✓ One person", "bold green"
    else:
        what, style = "✗ Two persons", "bold red"
    return _line(
        (what, style),
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


def _heading(what: str, score: Score) -> RenderableType:
    from rich.rule import Rule

    title = _line((f"{what}: ", "bold"), (f"{percent(score.probability)} one person", "bold"))
    return Rule(title, style="dim", align="left")


def _chart(score: Score, width: int, every: bool) -> RenderableType:
    """Rows of theme, bar, sum, and what each feature adds; start, sums and shift add up."""
    from rich.table import Table

    half = 7 if width < _NARROW else 11
    sums = dict(score.themes())
    steps = [score.bias, *sums.values(), score.calibration]
    scale = max(max(abs(step) for step in steps), 1.0) / half
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True, min_width=13)
    table.add_column(no_wrap=True, width=2 * half + 1)
    table.add_column(no_wrap=True, justify="right", min_width=6)
    table.add_column(no_wrap=True, justify="right", min_width=6)
    table.add_column(overflow="fold")

    def row(name: str, step: float, part: str = "", words: str = "", style: str = "bold") -> None:
        table.add_row(
            _line((f"  {name}", style)),
            _bar(step, scale, half),
            _line((_signed(step), style)),
            _line((part, _colour(part))),
            _line((words, "dim" if style == "dim" else "")),
        )

    row("start", score.bias, words="before anything is looked at", style="dim")
    for theme, total in sums.items():
        first, *more = _lines([c for c in score.contributions if c.theme == theme], theme, every)
        row(theme, total, *first)
        for part, words in more:
            table.add_row("", _axis(half), "", _line((part, _colour(part))), _line((words, "")))
    row("calibration", score.calibration, words="from score to probability", style="dim")
    table.add_row(
        _line(("  sum", "bold")),
        "",
        _line((_signed(score.log_odds), "bold")),
        "",
        _line((f"log-odds, that is {percent(score.probability)}", "bold")),
    )
    return table


def _lines(parts: list[Contribution], theme: str, every: bool) -> list[tuple[str, str]]:
    """(what it adds, words) for the features of a theme: the fact, what weighs, the rest."""
    facts = _FACTS.get(theme, ())
    ordered = sorted(parts, key=lambda part: part.feature not in facts)
    told = [part for part in ordered if part.feature in facts]
    for part in ordered[len(told) :]:
        weighs = abs(part.log_odds) >= _WORTH and len(told) < _SHOWN + 1
        if every or weighs or not told:
            told.append(part)
    lines = [(_part(part), part.words) for part in told]
    rest = [part.log_odds for part in ordered if part not in told]
    if abs(sum(rest)) >= 0.005:
        lines.append((_signed(sum(rest)), f"{len(rest)} more"))
    return lines


def _part(part: Contribution) -> str:
    """What a feature adds; a fact that adds nothing by itself stands without a figure."""
    return _signed(part.log_odds) if abs(part.log_odds) >= 0.005 else ""


def _bar(value: float, scale: float, half: int) -> Text:
    """A bar to the left (two persons) or the right (one person) of an axis."""
    steps = min(round(2 * abs(value) / scale), 2 * half)  # half a cell each
    full, odd = divmod(steps, 2)
    if value < 0:
        left = ("▐" * odd + "█" * full).rjust(half)
        return _line((left, "red"), ("│", "dim"), (" " * half, ""))
    right = ("█" * full + "▌" * odd).ljust(half)
    return _line((" " * half, ""), ("│", "dim"), (right, "green"))


def _axis(half: int) -> Text:
    return _line((" " * half, ""), ("│", "dim"))


def _signed(value: float) -> str:
    """Two decimals with a sign; what rounds to nothing has none."""
    if abs(value) < 0.005:
        return "0.00"
    return f"{value:+.2f}".replace("-", "−")


def _colour(signed: str) -> str:
    return "red" if signed.startswith("−") else "green" if signed.startswith("+") else "dim"


def _cut(text: str, length: int = 160) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _line(*parts: tuple[str, str]) -> Text:
    """Styled text, each part made harmless: names and titles come from anywhere."""
    from rich.text import Text

    text = Text()
    for content, style in parts:
        text.append(safe(content), style)
    return text
