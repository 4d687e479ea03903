"""``disambig demo``: disambiguate the papers of four author pages and show the evidence."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from disambig.cli import options

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from disambig.domain import Assignment, Label, Work
    from labeled.demo.summary import ClusteringSummary, Contrast, Count, PersonSummary
    from labeled.demo.verdict import Mistake, Verdict
from disambig.console import show_progress

_WIDEST = 100
_SHOWN_PEOPLE = 6
_SHOWN_CONTRASTS = 4
_SHOWN_MISTAKES = 4


@click.command(
    epilog=options.examples(
        "disambig demo",
        "disambig demo --quiet > who-is-who.txt",
    )
)
@options.quiet_option
def demo(quiet: bool) -> None:
    """Disambiguate the papers of four author pages and show the result.

    The pages are bundled, as works without abstracts, and labelled by hand. The demo clusters
    them with the shipped model. For each name it prints the number of people, the evidence that
    connects each person's papers and the evidence that separates people of similar names; then
    people with several printed names, the agreement with the labels, and commands to try next.
    """
    from disambig.console import make_console
    from labeled.demo.sample import (
        LABELS_FILE,
        PAGE_NAMES,
        WORKS_FILE,
        read_sample_labels,
        read_sample_works,
    )

    works = read_sample_works()
    with show_progress("Clustering author mentions", quiet=quiet):
        assignments = _assignments(works)
    out = make_console()
    out.width = min(out.width, _WIDEST)
    print_demo(out, works, assignments, read_sample_labels(), PAGE_NAMES, (WORKS_FILE, LABELS_FILE))


def _assignments(works: list[Work]) -> list[Assignment]:
    from disambig import Corpus, Disambiguator

    return list(Disambiguator().predict(Corpus.from_works(works)).assignments())


def print_demo(
    out: Console,
    works: Iterable[Work],
    assignments: Sequence[Assignment],
    labels: Sequence[Label],
    names: Sequence[str],
    files: tuple[Path, Path],
) -> None:
    """Print the clustering of works.

    Args:
        out: target console; it must not interpret markup.
        works: all works.
        assignments: one for each author mention of the works.
        labels: gold labels; without labels no comparison is shown.
        names: the printed names to show, in this order.
        files: works and labels as files, for the commands to try next.
    """
    from rich.text import Text

    from labeled.demo.summary import ClusteringSummary
    from labeled.demo.verdict import compare_with_labels

    cast = ClusteringSummary(works, assignments)
    verdict = compare_with_labels(assignments, labels)
    for part in _parts(cast, verdict, names, files):
        # Commands are not wrapped, so that they can be copied.
        out.print(part, soft_wrap=isinstance(part, Text) and part.no_wrap is True)


def _parts(
    cast: ClusteringSummary, verdict: Verdict | None, names: Sequence[str], files: tuple[Path, Path]
) -> Iterator[RenderableType]:
    from rich.rule import Rule

    yield ""
    yield _opening(cast)
    yield ""
    for name in names:
        yield from _name_panel(cast, verdict, name)
    spread = [person for person in cast.people.values() if len(person.forms) > 1]
    if spread:
        yield Rule(_line(("One person, several printed names", "bold")), style="dim")
        yield _spread_table(cast, spread)
        yield ""
    if verdict is not None:
        yield Rule(_line(("Comparison with the labels made by hand", "bold")), style="dim")
        yield from _verdict_lines(verdict)
        yield ""
    yield Rule(_line(("Try next", "bold")), style="dim")
    yield from _next_commands(spread, files)


def _opening(cast: ClusteringSummary) -> Text:
    return _line(
        (f"{cast.n_mentions:,}", "bold"),
        " author mentions on ",
        (f"{cast.n_works:,}", "bold"),
        " papers, ",
        (f"{cast.n_printed_names:,}", "bold"),
        " printed names → ",
        (f"{len(cast.people):,} people", "bold green"),
    )


def _name_panel(
    cast: ClusteringSummary, verdict: Verdict | None, name: str
) -> Iterator[RenderableType]:
    from rich.console import Group
    from rich.panel import Panel

    people = cast.list_people_by_name(name)
    if not people:
        return
    papers = cast.count_papers_by_name(name)
    title = _line(
        (name, "bold"),
        f" · {papers} paper{_s(papers)} under this name ",
        "is " if papers == 1 else "are ",
        (f"{len(people)} {_people(len(people))}", "bold green"),
        _gold_note(verdict, name, len(people)),
    )
    blocks: list[RenderableType] = []
    for number, person in enumerate(people[:_SHOWN_PEOPLE], 1):
        if len(people) > 1:
            blocks.append(_line((f"Person {number}", "bold cyan"), f" · {_extent(person)}"))
        blocks.append(_portrait(cast, person, alone=len(people) == 1))
        if number < min(len(people), _SHOWN_PEOPLE):
            blocks.append("")
    if len(people) > _SHOWN_PEOPLE:
        blocks.append(_line((f"… and {len(people) - _SHOWN_PEOPLE} more", "dim")))
    yield Panel(Group(*blocks), title=title, title_align="left", border_style="dim", padding=(0, 1))
    yield ""


def _gold_note(verdict: Verdict | None, name: str, n_people: int) -> tuple[str, str]:
    gold = verdict.gold_people_by_name.get(name.casefold()) if verdict is not None else None
    if gold is None:
        return ("", "")
    return (" ✓", "green") if gold == n_people else (f" ✗ labels say {gold}", "red")


def _portrait(cast: ClusteringSummary, person: PersonSummary, *, alone: bool) -> RenderableType:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    if alone:
        grid.add_row("career", _line(_extent(person)))
    if len(person.forms) > 1:
        grid.add_row("printed as", _line(_counts(person.forms, 5)))
    if person.coauthors:
        grid.add_row("writes with", _line(_counts(person.coauthors, 5)))
    if person.venues:
        grid.add_row("publishes at", _line(_counts(person.venues, 5)))
    if person.topics:
        grid.add_row("about", _line(", ".join(person.topics[:6])))
    grid.add_row("together", _together(cast, person))
    contrasts = cast.list_contrasts(person)
    for at, contrast in enumerate(contrasts[:_SHOWN_CONTRASTS]):
        grid.add_row("" if at else "apart from", _difference(person, contrast))
    if len(contrasts) > _SHOWN_CONTRASTS:
        more = len(contrasts) - _SHOWN_CONTRASTS
        grid.add_row("", _line((f"… and {more} more with a similar name", "dim")))
    return grid


def _together(cast: ClusteringSummary, person: PersonSummary) -> Text:
    if person.papers == 1:
        return _line("one paper only")
    bond = cast.compute_cohesion(person)
    sure = f"{100 * person.confidence:.0f}% sure on average"
    if not bond.group_sizes:
        return _line(f"no two papers share a co-author: joined by name, topic and years; {sure}")
    if bond.group_sizes == (person.papers,):
        return _line(("shared co-authors connect all papers", "bold"), f"; {sure}")
    first, *rest = bond.group_sizes
    groups = f", and {_and([str(size) for size in rest])} more among themselves" if rest else ""
    alone = ""
    if bond.isolated_titles:
        others = len(bond.isolated_titles) - 1
        also = f" and {others} other{_s(others)}" if others else ""
        alone = f"; “{_cut(bond.isolated_titles[0], 48)}”{also} share{'' if others else 's'} none"
    return _line(
        (f"shared co-authors connect {first} of {_papers(person.papers)}", "bold"),
        f"{groups}{alone}; the others are joined by name, topic and years; {sure}",
    )


def _difference(person: PersonSummary, contrast: Contrast) -> Text:
    other = contrast.other
    reasons: list[str] = []
    if contrast.n_shared_papers:
        reasons.append(f"both are on {_papers(contrast.n_shared_papers)}")
    if contrast.differs_in_given_name:
        reasons.append("different given name")
    if contrast.has_same_name and _apart(person.years, other.years):
        reasons.append("disjoint years")
    shared = contrast.shared_coauthors
    if not shared:
        reasons.append("no co-author in common")
    elif not contrast.n_shared_papers:
        more = f" and {len(shared) - 2} more" if len(shared) > 2 else ""
        reasons.append(f"although both wrote with {', '.join(shared[:2])}{more}")
    return _line((other.name, "yellow"), f" ({_extent(other)}): ", ", ".join(reasons))


def _spread_table(cast: ClusteringSummary, people: list[PersonSummary]) -> RenderableType:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold", ratio=3)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", overflow="fold", ratio=2)
    for person in sorted(people, key=lambda p: (-len(p.forms), -p.papers, p.name)):
        forms = " · ".join(form for form, _ in person.forms)
        common_to_forms = cast.list_common_coauthors(person)
        why = "name and topic"
        if common_to_forms:
            why = "each with " + ", ".join(name for name, _ in common_to_forms[:2])
        table.add_row(_line((forms, "bold")), _line(_papers(person.papers)), _line(why))
    return table


def _verdict_lines(verdict: Verdict) -> Iterator[Text]:
    metrics = verdict.metrics
    yield _line(
        (f"{verdict.n_exact} of {verdict.n_people}", "bold green"),
        f" people clustered exactly, over {metrics.signatures:,} labelled mentions. ",
        "B-cubed precision ",
        (_percent(metrics.bcubed_precision), "bold"),
        ", recall ",
        (_percent(metrics.bcubed_recall), "bold"),
        ", F1 ",
        (_percent(metrics.bcubed_f1), "bold"),
        ".",
    )
    joined = sum(len(variant.identities) == 1 for variant in verdict.variants)
    if verdict.variants:
        yield _line(
            (f"{joined} of {len(verdict.variants)}", "bold"),
            " people with several printed names are one identity here, too.",
        )
    yield from _mistake_lines("different people in one identity", verdict.merged)
    yield from _mistake_lines("one person in several identities", verdict.split)


def _mistake_lines(what: str, mistakes: Sequence[Mistake]) -> Iterator[Text]:
    for mistake in mistakes[:_SHOWN_MISTAKES]:
        parts = " + ".join(f"{name} ({count})" for name, count in mistake.parts)
        yield _line(("✗ ", "red"), (f"{what}: ", "dim"), parts)
    if len(mistakes) > _SHOWN_MISTAKES:
        yield _line((f"  … and {len(mistakes) - _SHOWN_MISTAKES} more", "dim"))


def _next_commands(spread: list[PersonSummary], files: tuple[Path, Path]) -> Iterator[Text]:
    works, labels = (shlex.quote(_from_here(path)) for path in files)
    yield _command(f"disambig cluster {works} --out clusters.jsonl", "one row for each mention")
    yield _command(
        f"disambig evaluate clusters.jsonl {labels}", "all metrics, with the labels made by hand"
    )
    if spread:
        person = max(spread, key=lambda p: (len(p.forms), p.papers))
        a, b = person.mentions[0], person.mentions[-1]
        yield _command(
            f"disambig explain {works} --a {shlex.quote(str(a))} --b {shlex.quote(str(b))}",
            f"why two mentions of {person.name} are one person",
        )
    yield _command("disambig cluster YOUR-PAPERS.jsonl --out people.jsonl", "your own papers")


def _command(line: str, what: str) -> Text:
    from rich.text import Text

    text = Text(no_wrap=True)
    return text.append(f"  {line}", "bold").append(f"\n      {what}", "dim")


def _from_here(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


def _extent(person: PersonSummary) -> str:
    """Format papers and years: "43 papers, 2017–2026"."""
    if person.years is None:
        return _papers(person.papers)
    first, last = person.years
    return f"{_papers(person.papers)}, {first if first == last else f'{first}–{last}'}"


def _papers(count: int) -> str:
    return f"{count} paper{_s(count)}"


def _counts(counts: Sequence[Count], shown: int) -> str:
    """Format the first items with their counts, and the number of the others."""
    first = ", ".join(f"{name} {count}" for name, count in counts[:shown])
    return first if len(counts) <= shown else f"{first} and {len(counts) - shown} more"


def _apart(a: tuple[int, int] | None, b: tuple[int, int] | None) -> bool:
    return a is not None and b is not None and (a[1] < b[0] or b[1] < a[0])


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _people(count: int) -> str:
    return "person" if count == 1 else "people"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.1f}%"


def _line(*parts: str | tuple[str, str]) -> Text:
    """Build styled text; escape control characters in each part, since input is untrusted."""
    from rich.text import Text

    from disambig.console import escape_text

    text = Text()
    for part in parts:
        content, style = part if isinstance(part, tuple) else (part, "")
        text.append(escape_text(content), style)
    return text
