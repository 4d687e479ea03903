from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from disambig.domain import Assignment, Author, Label, Signature, Work
from labeled.demo.command import print_demo
from labeled.demo.sample import (
    LABELS_FILE,
    PAGE_NAMES,
    WORKS_FILE,
    read_sample_labels,
    read_sample_works,
)

Identify = Callable[[Work, Author, str], str]


def shown(
    works: list[Work],
    labels: list[Label],
    identify: Identify,
    *,
    names: tuple[str, ...] = PAGE_NAMES,
    width: int = 100,
) -> str:
    """The demo's text; ``identify`` gives the identity of (work, author, gold person)."""
    people = {label.signature: label.person for label in labels}
    rows = []
    for work in works:
        for position, author in enumerate(work.authors):
            signature = Signature(work.id, position)
            person = people.get(signature, author.name)
            rows.append(Assignment(signature, author.name, identify(work, author, person), 0.97))
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, emoji=False, highlight=False)
    print_demo(console, works, rows, labels, names, (WORKS_FILE, LABELS_FILE))
    return out.getvalue()


def as_labelled(work: Work, author: Author, person: str) -> str:
    return person


def as_printed(work: Work, author: Author, person: str) -> str:
    return author.name


@pytest.fixture(scope="module")
def perfect() -> str:
    return shown(read_sample_works(), read_sample_labels(), as_labelled)


@pytest.mark.parametrize(
    "line",
    [
        "606 author mentions on 135 papers, 298 printed names → 287 people",
        "Kimin Lee · 43 papers under this name are 1 person ✓",
        "Deepak Pathak · 44 papers under this name are 1 person ✓",
        "Kuang-Huei Lee · 22 papers under this name are 1 person ✓",
        "Junhyuk Oh · 27 papers under this name are 1 person ✓",
        "43 papers, 2017–2026",
        "Kyungmin Lee (1 paper, 2025): both are on 1 paper, different given name",
        "286 of 286 people clustered exactly, over 604 labelled mentions.",
        "9 of 9 people with several printed names are one identity here, too.",
    ],
)
def test_a_perfect_partition_of_the_sample_is_told(perfect: str, line: str) -> None:
    assert line in perfect


def test_forms_of_one_person_stand_in_one_row_with_the_reason(perfect: str) -> None:
    row = next(line for line in perfect.splitlines() if line.startswith("Misha Laskin"))
    assert row.split("  ")[0] == "Misha Laskin · Michael Laskin"
    assert row.rstrip().endswith("7 papers  each with Kimin Lee, Pieter Abbeel")


def test_printed_names_as_people_tear_the_variants_apart() -> None:
    text = shown(read_sample_works(), read_sample_labels(), as_printed)
    assert "277 of 286 people clustered exactly" in text
    assert "✗ one person in several identities: Misha Laskin (4) + Michael Laskin (3)" in text
    assert "… and 5 more" in text
    assert "One person, several printed names" not in text


def test_a_name_torn_apart_is_told_as_several_people_against_the_labels() -> None:
    def early_kimin_apart(work: Work, author: Author, person: str) -> str:
        early = work.year is not None and work.year < 2019
        return "early" if author.name == "Kimin Lee" and early else person

    text = shown(read_sample_works(), read_sample_labels(), early_kimin_apart)
    assert "Kimin Lee · 43 papers under this name are 2 people ✗ labels say 1" in text
    assert "Person 2 · 3 papers, 2017–2018" in text
    assert "Kimin Lee (3 papers, 2017–2018): disjoint years, although both wrote with" in text


def test_people_thrown_together_are_named() -> None:
    def lees_together(work: Work, author: Author, person: str) -> str:
        return "lee" if author.name in ("Kuang-Huei Lee", "Kyungmin Lee") else person

    text = shown(read_sample_works(), read_sample_labels(), lees_together)
    assert "✗ different people in one identity: Kuang-Huei Lee (22) + Kyungmin Lee (1)" in text


def test_without_labels_nothing_is_compared() -> None:
    text = shown(read_sample_works(), [], as_printed)
    assert "Comparison with the labels" not in text
    assert "✓" not in text
    assert "Kimin Lee · 43 papers under this name are 1 person" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_only_commands_to_copy_are_wider_than_the_screen(width: int) -> None:
    text = shown(read_sample_works(), read_sample_labels(), as_labelled, width=width)
    wide = [line for line in text.splitlines() if len(line) > width]
    assert all(line.startswith("  disambig ") for line in wide)


def test_the_next_commands_explain_two_forms_of_the_person_with_most(perfect: str) -> None:
    command = next(line for line in perfect.splitlines() if "disambig explain" in line)
    a, b = command.split(" --a ")[1].split(" --b ")
    people = {str(label.signature): label.person for label in read_sample_labels()}
    assert people[a] == people[b.strip()] == "seed:alexander-cong-li"


def test_hostile_names_and_titles_cannot_act_on_the_terminal() -> None:
    name = "Eve\x1b[2J [red]Moore\u202e"
    works = [Work(str(n), "Boom\x07 [link=x]y", (Author(name),)) for n in range(2)]
    text = shown(works, [], as_printed, names=(name,))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "[red]Moore" in text


def test_a_name_that_is_on_no_paper_is_left_out() -> None:
    text = shown([Work("1", "On Barns", (Author("Ada Moore"),))], [], as_printed, names=("Bo Li",))
    assert "Bo Li" not in text


def test_a_single_paper_is_told_as_one() -> None:
    works = [Work("1", "On Barns", (Author("Ada Moore"),), year=1987)]
    text = shown(works, [], as_printed, names=("Ada Moore",))
    assert "Ada Moore · 1 paper under this name is 1 person" in text
    assert "one paper only" in text
