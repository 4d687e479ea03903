from __future__ import annotations

from collections import Counter

import pytest

from labeled.demo.sample import PAGE_NAMES, WORKS_FILE, read_sample_labels, read_sample_works
from labeled.gold.splits import check_leakage


@pytest.mark.parametrize(("name", "papers"), [*zip(PAGE_NAMES, (43, 44, 22, 27), strict=True)])
def test_each_page_s_name_is_on_as_many_works_as_its_page_lists(name: str, papers: int) -> None:
    found = [a.name for work in read_sample_works() for a in work.authors]
    assert found.count(name) == papers


def test_every_mention_is_labelled_but_those_of_a_team() -> None:
    labelled = {label.signature for label in read_sample_labels()}
    unlabelled = Counter(
        author.name
        for work in read_sample_works()
        for position, author in enumerate(work.authors)
        if (work.id, position) not in {(s.work, s.position) for s in labelled}
    )
    assert unlabelled == {"Gemini Team": 2}


def test_every_label_names_the_mention_as_it_is_printed() -> None:
    names = {
        (work.id, position): author.name
        for work in read_sample_works()
        for position, author in enumerate(work.authors)
    }
    labels = read_sample_labels()
    assert [names[x.signature.work, x.signature.position] for x in labels] == [
        x.name for x in labels
    ]


def test_the_labels_contradict_themselves_nowhere() -> None:
    assert check_leakage(read_sample_labels()) == []


def test_the_forms_of_one_person_are_labelled_as_one() -> None:
    people = {label.name: label.person for label in read_sample_labels()}
    forms = ["Alexander Cong Li", "Alexander C. Li", "Alex Li", "Alexander Li"]
    assert len({people[form] for form in forms}) == 1


def test_namesakes_of_one_block_are_labelled_as_different() -> None:
    people = {label.name: label.person for label in read_sample_labels()}
    lees = ["Kimin Lee", "Kuang-Huei Lee", "Kibok Lee", "Kyungmin Lee"]
    assert len({people[lee] for lee in lees}) == 4


def test_the_sample_holds_facts_only() -> None:
    assert all(work.abstract is None for work in read_sample_works())
    assert '"abstract"' not in WORKS_FILE.read_text(encoding="utf-8")
