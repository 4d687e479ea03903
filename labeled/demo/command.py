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
from disambig.console import show_progress

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from disambig.domain import Assignment, Label, Work
    from labeled.demo.comparison import LabelComparison, Mistake
    from labeled.demo.summary import ClusteringSummary, Contrast, Count, PersonSummary

_MAX_WIDTH = 100
_MAX_PEOPLE = 6
_MAX_CONTRASTS = 4
_MAX_MISTAKES = 4


@click.command(
    epilog=options.format_examples(
        "disambig demo",
        "disambig demo --quiet > who-is-who.txt",
    )
)
@options.quiet_option
def demo(quiet: bool) -> None:
    """Disambiguate four bundled author pages and show the result.

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
        assignments = _cluster_works(works)
    out = make_console()
    out.width = min(out.width, _MAX_WIDTH)
    print_demo(out, works, assignments, read_sample_labels(), PAGE_NAMES, (WORKS_FILE, LABELS_FILE))


def _cluster_works(works: list[Work]) -> list[Assignment]:
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

    from labeled.demo.comparison import compare_with_labels
    from labeled.demo.summary import ClusteringSummary

    summary = ClusteringSummary(works, assignments)
    comparison = compare_with_labels(assignments, labels)
    for part in _build_sections(summary, comparison, names, files):
        # Commands are not wrapped, so that they can be copied.
        out.print(part, soft_wrap=isinstance(part, Text) and part.no_wrap is True)


def _build_sections(
    summary: ClusteringSummary,
    comparison: LabelComparison | None,
    names: Sequence[str],
    files: tuple[Path, Path],
) -> Iterator[RenderableType]:
    from rich.rule import Rule

    yield ""
    yield _build_header(summary)
    yield ""
    for name in names:
        yield from _build_name_panel(summary, comparison, name)
    with_variants = [person for person in summary.people.values() if len(person.forms) > 1]
    if with_variants:
        yield Rule(_build_text(("One person, several printed names", "bold")), style="dim")
        yield _build_variants_table(summary, with_variants)
        yield ""
    if comparison is not None:
        yield Rule(_build_text(("Comparison with the labels made by hand", "bold")), style="dim")
        yield from _format_comparison(comparison)
        yield ""
    yield Rule(_build_text(("Try next", "bold")), style="dim")
    yield from _format_next_commands(with_variants, files)


def _build_header(summary: ClusteringSummary) -> Text:
    return _build_text(
        (f"{summary.n_mentions:,}", "bold"),
        " author mentions on ",
        (f"{summary.n_works:,}", "bold"),
        " papers, ",
        (f"{summary.n_printed_names:,}", "bold"),
        " printed names → ",
        (f"{len(summary.people):,} people", "bold green"),
    )


def _build_name_panel(
    summary: ClusteringSummary, comparison: LabelComparison | None, name: str
) -> Iterator[RenderableType]:
    from rich.console import Group
    from rich.panel import Panel

    people = summary.list_people_by_name(name)
    if not people:
        return
    papers = summary.count_papers_by_name(name)
    title = _build_text(
        (name, "bold"),
        f" · {papers} paper{_plural_suffix(papers)} under this name ",
        "is " if papers == 1 else "are ",
        (f"{len(people)} {_person_noun(len(people))}", "bold green"),
        _format_gold_note(comparison, name, len(people)),
    )
    blocks: list[RenderableType] = []
    for number, person in enumerate(people[:_MAX_PEOPLE], 1):
        if len(people) > 1:
            blocks.append(
                _build_text((f"Person {number}", "bold cyan"), f" · {_format_extent(person)}")
            )
        blocks.append(_build_person_table(summary, person, is_only=len(people) == 1))
        if number < min(len(people), _MAX_PEOPLE):
            blocks.append("")
    if len(people) > _MAX_PEOPLE:
        blocks.append(_build_text((f"… and {len(people) - _MAX_PEOPLE} more", "dim")))
    yield Panel(Group(*blocks), title=title, title_align="left", border_style="dim", padding=(0, 1))
    yield ""


def _format_gold_note(
    comparison: LabelComparison | None, name: str, n_people: int
) -> tuple[str, str]:
    gold = comparison.gold_people_by_name.get(name.casefold()) if comparison is not None else None
    if gold is None:
        return ("", "")
    return (" ✓", "green") if gold == n_people else (f" ✗ labels say {gold}", "red")


def _build_person_table(
    summary: ClusteringSummary, person: PersonSummary, *, is_only: bool
) -> RenderableType:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    if is_only:
        grid.add_row("career", _build_text(_format_extent(person)))
    if len(person.forms) > 1:
        grid.add_row("printed as", _build_text(_format_counts(person.forms, 5)))
    if person.coauthors:
        grid.add_row("writes with", _build_text(_format_counts(person.coauthors, 5)))
    if person.venues:
        grid.add_row("publishes at", _build_text(_format_counts(person.venues, 5)))
    if person.topics:
        grid.add_row("about", _build_text(", ".join(person.topics[:6])))
    grid.add_row("together", _describe_cohesion(summary, person))
    contrasts = summary.list_contrasts(person)
    for index, contrast in enumerate(contrasts[:_MAX_CONTRASTS]):
        grid.add_row("" if index else "apart from", _describe_contrast(person, contrast))
    if len(contrasts) > _MAX_CONTRASTS:
        n_more = len(contrasts) - _MAX_CONTRASTS
        grid.add_row("", _build_text((f"… and {n_more} more with a similar name", "dim")))
    return grid


def _describe_cohesion(summary: ClusteringSummary, person: PersonSummary) -> Text:
    if person.papers == 1:
        return _build_text("one paper only")
    cohesion = summary.compute_cohesion(person)
    confidence = f"{100 * person.confidence:.0f}% sure on average"
    if not cohesion.group_sizes:
        return _build_text(
            f"no two papers share a co-author: joined by name, topic and years; {confidence}"
        )
    if cohesion.group_sizes == (person.papers,):
        return _build_text(("shared co-authors connect all papers", "bold"), f"; {confidence}")
    first, *rest = cohesion.group_sizes
    groups = (
        f", and {_join_words([str(size) for size in rest])} more among themselves" if rest else ""
    )
    isolated = ""
    if cohesion.isolated_titles:
        n_others = len(cohesion.isolated_titles) - 1
        others_note = f" and {n_others} other{_plural_suffix(n_others)}" if n_others else ""
        title = _truncate(cohesion.isolated_titles[0], 48)
        isolated = f"; “{title}”{others_note} share{'' if n_others else 's'} none"
    return _build_text(
        (f"shared co-authors connect {first} of {_format_papers(person.papers)}", "bold"),
        f"{groups}{isolated}; the others are joined by name, topic and years; {confidence}",
    )


def _describe_contrast(person: PersonSummary, contrast: Contrast) -> Text:
    other = contrast.other
    reasons: list[str] = []
    if contrast.n_shared_papers:
        reasons.append(f"both are on {_format_papers(contrast.n_shared_papers)}")
    if contrast.differs_in_given_name:
        reasons.append("different given name")
    if contrast.has_same_name and _are_disjoint(person.years, other.years):
        reasons.append("disjoint years")
    shared_coauthors = contrast.shared_coauthors
    if not shared_coauthors:
        reasons.append("no co-author in common")
    elif not contrast.n_shared_papers:
        more_note = f" and {len(shared_coauthors) - 2} more" if len(shared_coauthors) > 2 else ""
        reasons.append(f"although both wrote with {', '.join(shared_coauthors[:2])}{more_note}")
    return _build_text((other.name, "yellow"), f" ({_format_extent(other)}): ", ", ".join(reasons))


def _build_variants_table(
    summary: ClusteringSummary, people: list[PersonSummary]
) -> RenderableType:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold", ratio=3)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", overflow="fold", ratio=2)
    for person in sorted(people, key=lambda p: (-len(p.forms), -p.papers, p.name)):
        forms = " · ".join(form for form, _ in person.forms)
        common_coauthors = summary.list_common_coauthors(person)
        evidence = "name and topic"
        if common_coauthors:
            evidence = "each with " + ", ".join(name for name, _ in common_coauthors[:2])
        table.add_row(
            _build_text((forms, "bold")),
            _build_text(_format_papers(person.papers)),
            _build_text(evidence),
        )
    return table


def _format_comparison(comparison: LabelComparison) -> Iterator[Text]:
    metrics = comparison.metrics
    yield _build_text(
        (f"{comparison.n_exact} of {comparison.n_people}", "bold green"),
        f" people clustered exactly, over {metrics.signatures:,} labelled mentions. ",
        "B-cubed precision ",
        (_format_percent(metrics.bcubed_precision), "bold"),
        ", recall ",
        (_format_percent(metrics.bcubed_recall), "bold"),
        ", F1 ",
        (_format_percent(metrics.bcubed_f1), "bold"),
        ".",
    )
    n_united = sum(len(variant.identities) == 1 for variant in comparison.variants)
    if comparison.variants:
        yield _build_text(
            (f"{n_united} of {len(comparison.variants)}", "bold"),
            " people with several printed names are one identity here, too.",
        )
    yield from _format_mistakes("different people in one identity", comparison.merged)
    yield from _format_mistakes("one person in several identities", comparison.split)


def _format_mistakes(description: str, mistakes: Sequence[Mistake]) -> Iterator[Text]:
    for mistake in mistakes[:_MAX_MISTAKES]:
        parts = " + ".join(f"{name} ({count})" for name, count in mistake.parts)
        yield _build_text(("✗ ", "red"), (f"{description}: ", "dim"), parts)
    if len(mistakes) > _MAX_MISTAKES:
        yield _build_text((f"  … and {len(mistakes) - _MAX_MISTAKES} more", "dim"))


def _format_next_commands(
    with_variants: list[PersonSummary], files: tuple[Path, Path]
) -> Iterator[Text]:
    works, labels = (shlex.quote(_shorten_path(path)) for path in files)
    yield _format_command(
        f"disambig cluster {works} --out clusters.jsonl", "one row for each mention"
    )
    yield _format_command(
        f"disambig evaluate clusters.jsonl {labels}", "all metrics, with the labels made by hand"
    )
    if with_variants:
        person = max(with_variants, key=lambda p: (len(p.forms), p.papers))
        a, b = person.mentions[0], person.mentions[-1]
        yield _format_command(
            f"disambig explain {works} --a {shlex.quote(str(a))} --b {shlex.quote(str(b))}",
            f"why two mentions of {person.name} are one person",
        )
    yield _format_command(
        "disambig cluster YOUR-PAPERS.jsonl --out people.jsonl", "your own papers"
    )


def _format_command(line: str, description: str) -> Text:
    from rich.text import Text

    text = Text(no_wrap=True)
    return text.append(f"  {line}", "bold").append(f"\n      {description}", "dim")


def _shorten_path(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


def _format_extent(person: PersonSummary) -> str:
    """Format papers and years: "43 papers, 2017–2026"."""
    if person.years is None:
        return _format_papers(person.papers)
    first, last = person.years
    return f"{_format_papers(person.papers)}, {first if first == last else f'{first}–{last}'}"


def _format_papers(count: int) -> str:
    return f"{count} paper{_plural_suffix(count)}"


def _format_counts(counts: Sequence[Count], limit: int) -> str:
    """Format the first items with their counts, and the number of the others."""
    first = ", ".join(f"{name} {count}" for name, count in counts[:limit])
    return first if len(counts) <= limit else f"{first} and {len(counts) - limit} more"


def _are_disjoint(a: tuple[int, int] | None, b: tuple[int, int] | None) -> bool:
    return a is not None and b is not None and (a[1] < b[0] or b[1] < a[0])


def _truncate(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _join_words(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _plural_suffix(count: int) -> str:
    return "" if count == 1 else "s"


def _person_noun(count: int) -> str:
    return "person" if count == 1 else "people"


def _format_percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.1f}%"


def _build_text(*parts: str | tuple[str, str]) -> Text:
    """Build styled text; escape control characters in each part, since input is untrusted."""
    from rich.text import Text

    from disambig.console import escape_text

    text = Text()
    for part in parts:
        content, style = part if isinstance(part, tuple) else (part, "")
        text.append(escape_text(content), style)
    return text
