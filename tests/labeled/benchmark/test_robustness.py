"""Perturbations of works, one by one."""

from __future__ import annotations

from random import Random

import pytest

from disambig.domain import Author, Signature, Work
from labeled.benchmark.robustness import (
    PERTURBATIONS,
    abbreviate,
    locate_separated,
    mistype,
    mistype_word,
    perturb_works,
)

WORK = Work(
    "w1",
    "Deep nets",
    (Author("Wei Wang", "Wei", "Wang", ("MIT",)), Author(""), Author("Lin, Jian-Guo")),
    abstract="We train nets.",
    venue="ACL",
    year=2001,
    keywords=("nets",),
    affiliations=("CNRS",),
)


def perturb(name: str, *works: Work, seed: int = 0) -> list[Work]:
    return list(perturb_works(works or (WORK,), name, seed))


def many(n: int = 2000) -> list[Work]:
    return [Work(str(k), "t", (Author("Wei Wang"), Author("Ann Lee"))) for k in range(n)]


@pytest.mark.parametrize("name", sorted(set(PERTURBATIONS) - {"typos", "doubled-authors"}))
def test_every_perturbation_changes_the_work(name: str) -> None:
    assert perturb(name) != [WORK]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("no-title", {"title": ""}),
        ("no-abstract", {"abstract": None, "keywords": ()}),
        ("no-venue", {"venue": None}),
        ("no-year", {"year": None}),
    ],
)
def test_a_dropped_field_is_missing(name: str, fields: dict[str, object]) -> None:
    assert {field: getattr(perturb(name)[0], field) for field in fields} == fields


def test_affiliations_of_authors_and_work_are_dropped() -> None:
    (work,) = perturb("no-affiliation")
    assert [a.affiliations for a in work.authors] == [()] * 3
    assert work.affiliations == ()


def test_without_coauthors_each_author_is_found_on_a_work_of_their_own() -> None:
    found = {work.id: work for work in perturb("no-coauthors")}
    assert all(len(work.authors) == 1 for work in found.values())
    for position, author in enumerate(WORK.authors):
        alone = locate_separated(Signature("w1", position))
        assert found[alone.work].authors[alone.position] == author


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Wei Wang", "W. Wang"),
        ("Jean-Luc Marie Picard", "J.-L. M. Picard"),
        ("Ludwig van der Berg", "L. van der Berg"),
        ("Picard, Jean-Luc", "Picard, J.-L."),
        ("John Smith Jr.", "J. Smith Jr."),
        ("Kibok Lee 0003", "K. Lee 0003"),
        ("W.F. Kao", "W.F. Kao"),
        ("J Smith", "J. Smith"),
        ("Madonna", "Madonna"),
        ("", ""),
    ],
)
def test_given_names_become_initials(name: str, short: str) -> None:
    assert abbreviate(Author(name)).name == short


def test_a_stated_given_name_becomes_initials_as_well() -> None:
    author = abbreviate(Author("Ana María López Ruiz", "Ana María", "López Ruiz"))
    assert (author.name, author.given, author.family) == ("A. M. López Ruiz", "A. M.", "López Ruiz")


def count_edits(a: str, b: str) -> int:
    """Length of what differs between a common start and a common end."""
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(min(a, b)))
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    return max(len(a), len(b)) - start - end


def test_a_typing_error_is_one_letter_or_two_swapped() -> None:
    for seed in range(300):
        typed = mistype_word("Wei Wang", Random(seed))
        assert typed != "Wei Wang"
        assert count_edits("Wei Wang", typed) <= 2
        assert typed.count(" ") == 1


def test_a_name_without_letters_has_no_typing_error() -> None:
    assert mistype_word("???", Random(0)) == "???"


def test_a_typing_error_is_in_the_stated_parts_as_well() -> None:
    typed = mistype(WORK.authors[0], Random(0))
    assert typed.name == f"{typed.given} {typed.family}" != "Wei Wang"


def test_a_twentieth_of_the_names_has_a_typing_error() -> None:
    typed = perturb("typos", *many())
    changed = sum(a.name not in ("Wei Wang", "Ann Lee") for w in typed for a in w.authors)
    assert changed / 4000 == pytest.approx(0.05, abs=0.01)


def test_capitals_keep_the_abstract() -> None:
    (work,) = perturb("upper-case")
    assert [a.name for a in work.authors] == ["WEI WANG", "", "LIN, JIAN-GUO"]
    assert (work.title, work.venue, work.abstract) == ("DEEP NETS", "ACL", "We train nets.")


def test_a_doubled_work_keeps_its_original() -> None:
    original, copy = perturb("doubled-works")
    assert original == WORK
    assert (copy.id, copy.authors) == ("w1 copy", WORK.authors)


def test_an_author_is_listed_twice_at_the_end_of_a_hundredth_of_the_works() -> None:
    doubled = [w.authors for w in perturb("doubled-authors", *many()) if len(w.authors) > 2]
    assert len(doubled) / 2000 == pytest.approx(0.01, abs=0.005)
    assert all(authors[2] in authors[:2] for authors in doubled)


def test_et_al_follows_the_authors() -> None:
    assert perturb("et-al")[0].authors == (*WORK.authors, Author("et al."))


def test_a_perturbed_work_does_not_depend_on_the_works_before_it() -> None:
    works = many(50)
    forwards, backwards = perturb("typos", *works), perturb("typos", *works[::-1])
    assert forwards == backwards[::-1]


def test_another_seed_makes_other_errors() -> None:
    works = many(50)
    assert perturb("typos", *works, seed=1) != perturb("typos", *works, seed=2)
