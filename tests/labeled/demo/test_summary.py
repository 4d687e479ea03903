from __future__ import annotations

import pytest

from disambig.domain import Assignment, Author, Signature, Work
from labeled.demo.summary import ClusteringSummary, Cohesion


def work(
    identifier: str, authors: str, *, title: str = "On Barns", year: int | None = 2000
) -> Work:
    names = tuple(Author(name.strip()) for name in authors.split(","))
    return Work(identifier, title, names, venue="BARN", year=year)


def cast(works: list[Work], identities: dict[str, str] | None = None) -> ClusteringSummary:
    """By default a printed name is a person; ``identities`` maps "work:position" to another."""
    rows = []
    for each in works:
        for position, author in enumerate(each.authors):
            signature = Signature(each.id, position)
            identity = (identities or {}).get(str(signature), author.name)
            rows.append(Assignment(signature, author.name, identity, 0.5 + position / 10))
    return ClusteringSummary(works, rows)


def test_a_person_s_facts_are_counted_in_papers() -> None:
    found = cast(
        [
            work("1", "Ada Moore, Bo Li", year=1999),
            work("2", "Bo Li, Ada Moore, Cy Poe", year=2003),
            work("3", "Cy Poe", year=None),
        ]
    ).people["Ada Moore"]
    assert (found.papers, found.years) == (2, (1999, 2003))
    assert found.coauthors == (("Bo Li", 2), ("Cy Poe", 1))
    assert found.venues == (("BARN", 2),)
    assert found.confidence == pytest.approx(0.55)


def test_coauthors_are_people_not_printed_names() -> None:
    works = [work("1", "Ada Moore, Misha Li"), work("2", "Ada Moore, Michael Li")]
    found = cast(works, {"1:1": "li", "2:1": "li"})
    assert found.people["Ada Moore"].coauthors == (("Michael Li", 2),)


def test_a_person_without_years_has_none() -> None:
    assert cast([work("1", "Ada Moore", year=None)]).people["Ada Moore"].years is None


def test_topics_are_words_of_several_titles_that_are_rare_elsewhere() -> None:
    works = [
        work("1", "Ada Moore", title="Learning the Roofs of Barns"),
        work("2", "Ada Moore", title="Learning Roofs"),
        *(work(str(i), "Bo Li", title="Learning Fences") for i in range(3, 9)),
    ]
    assert cast(works).people["Ada Moore"].topics == ("roofs", "learning")


def test_mentions_of_one_name_are_told_by_person_and_case_does_not_count() -> None:
    works = [work("1", "Ada Moore"), work("2", "ADA MOORE"), work("3", "Ada Moore")]
    found = cast(works, {"1:0": "x", "2:0": "x", "3:0": "y"})
    assert [person.identity for person in found.list_people_by_name("ada moore")] == ["x", "y"]
    assert found.count_papers_by_name("Ada Moore") == 3
    assert found.n_printed_names == 1


def test_papers_hang_together_through_a_third_paper() -> None:
    works = [
        work("1", "Ada Moore, Bo Li"),
        work("2", "Ada Moore, Bo Li, Cy Poe"),
        work("3", "Ada Moore, Cy Poe"),
        work("4", "Ada Moore, Di Orr", title="On Sheds"),
    ]
    found = cast(works)
    assert found.compute_cohesion(found.people["Ada Moore"]) == Cohesion((3,), ("On Sheds",))


def test_papers_without_a_shared_coauthor_are_each_alone() -> None:
    found = cast([work("1", "Ada Moore", title="A"), work("2", "Ada Moore, Bo Li", title="B")])
    assert found.compute_cohesion(found.people["Ada Moore"]) == Cohesion((), ("A", "B"))


def test_people_of_a_like_name_are_contrasted_by_what_keeps_them_apart() -> None:
    works = [
        work("1", "Kimin Lee, Kibok Lee 0003, Bo Li"),
        work("2", "Kimin Lee"),
        work("3", "K. Lee, Bo Li"),
        work("4", "Kimin Lee"),
        work("5", "Ada Moore"),
    ]
    found = cast(works, {"4:0": "other kimin"})
    contrasts = found.list_contrasts(found.people["Kimin Lee"])
    assert [
        (
            c.other.name,
            c.has_same_name,
            c.n_shared_papers,
            c.differs_in_given_name,
            c.shared_coauthors,
        )
        for c in contrasts
    ] == [
        ("Kimin Lee", True, 0, False, ()),
        ("Kibok Lee", False, 1, True, ("Bo Li",)),
        ("K. Lee", False, 0, False, ("Bo Li",)),
    ]


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ("K. Lee", False),
        ("Kim Lee", False),
        ("Ki-Min Lee", False),
        ("Ki Min Lee", False),
        ("Kibok Lee", True),
        ("Kuang-Huei Lee", True),
    ],
)
def test_given_names_differ_unless_one_could_be_short_for_the_other(
    other: str, differs: bool
) -> None:
    found = cast([work("1", "Kimin Lee"), work("2", other)])
    assert [c.differs_in_given_name for c in found.list_contrasts(found.people["Kimin Lee"])] == [
        differs
    ]


def test_common_coauthors_are_those_of_two_forms_of_the_name() -> None:
    works = [
        work("1", "Alex Li, Bo Orr, Cy Poe"),
        work("2", "Alexander Li, Bo Orr"),
        work("3", "Alex Li, Cy Poe"),
    ]
    found = cast(works, {"1:0": "li", "2:0": "li", "3:0": "li"})
    assert found.list_common_coauthors(found.people["li"]) == (("Bo Orr", 2),)


def test_a_name_is_shown_in_its_most_frequent_form_without_its_homonym_number() -> None:
    works = [work("1", "Alex Li"), work("2", "Alexander Li 0003"), work("3", "Alexander Li")]
    found = cast(works, {"1:0": "li", "2:0": "li", "3:0": "li"})
    assert found.people["li"].name == "Alexander Li"
    assert found.people["li"].forms == (
        ("Alex Li", 1),
        ("Alexander Li", 1),
        ("Alexander Li 0003", 1),
    )
