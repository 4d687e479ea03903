"""Reasons in words: what holds a person's mentions together, what tells two people apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.profiles.aggregates import SignatureRow
from service.profiles.contrast import (
    IdentityEvidence,
    contrast,
    contrast_similar,
    list_common_evidence,
)
from service.profiles.results import Reason

ROE, DOE = (True, 100), (False, 200)
NAMES = {ROE: "Jane Roe", DOE: "John Doe"}


def mention(work: int, **more: Any) -> SignatureRow:
    given: dict[str, Any] = {
        "identity": 1,
        "signature": work,
        "position": 0,
        "printed": "Wei Wang",
        "affiliation": None,
        "orcid": None,
        "confidence": 0.9,
        "origin": "run",
        "work": work,
        "work_id": f"w{work}",
        "title": "On it",
        "venue": None,
        "year": None,
        "citations": None,
        "n_authors": 2,
    }
    return SignatureRow(**{**given, **more})


def person(
    public: str, *mentions: SignatureRow, authors: dict[int, list[Any]] | None = None
) -> IdentityEvidence:
    return IdentityEvidence.build((True, 1), public, list(mentions), authors or {})


def texts(reasons: Sequence[Reason]) -> list[str]:
    return [reason.text for reason in reasons]


def test_nothing_holds_a_single_mention_together() -> None:
    assert list_common_evidence(person("a", mention(1, venue="V", affiliation="U")), NAMES) == []


def test_a_decision_is_a_reason_even_for_a_single_mention() -> None:
    one = person("a", mention(1, origin="decision"))
    assert texts(list_common_evidence(one, NAMES)) == ["people decided 1 mention"]


def test_papers_are_held_together_by_coauthors_that_come_again() -> None:
    authors = {1: [ROE, (True, 1)], 2: [ROE, DOE], 3: [DOE], 4: []}
    them = person("a", *(mention(k) for k in (1, 2, 3, 4)), authors=authors)
    assert texts(list_common_evidence(them, NAMES)) == [
        "3 of 4 papers share a co-author with another: John Doe on 2, Jane Roe on 2"
    ]


def test_the_person_is_no_coauthor_of_their_own() -> None:
    them = person("a", mention(1), authors={1: [(True, 1), ROE]})
    assert dict(them.coauthors) == {ROE: 1}


def test_two_people_on_one_paper_are_told_apart_by_it() -> None:
    a, b = person("a", mention(1)), person("b", mention(1, signature=9, position=1))
    assert texts(contrast(a, b, NAMES).reasons) == ["both are on 1 paper"]


def test_what_is_not_stated_tells_nothing() -> None:
    a, b = person("a", mention(1, venue="V", orcid="x")), person("b", mention(2))
    found = contrast(a, b, NAMES)
    assert (found.reasons, found.shared) == ([], [])


def test_what_two_people_share_is_told_too() -> None:
    a = person("a", mention(1, venue="V", year=1990), authors={1: [ROE]})
    b = person("b", mention(2, venue="V", year=1991), authors={2: [ROE]})
    found = contrast(a, b, NAMES)
    assert texts(found.shared) == ["share 1 co-author: Jane Roe", "share 1 venue: V"]
    assert texts(found.reasons) == ["years do not meet: 1990 and 1991"]


def test_each_is_told_from_the_most_similar_first() -> None:
    a = person("a", mention(1), authors={1: [ROE]})
    b = person("b", mention(2))
    c = person("c", mention(3), authors={3: [ROE]})
    d = person("d", mention(4))
    found = contrast_similar([a, b, c, d], NAMES)
    assert [x.from_ for x in found["a"]] == ["c", "b"]
    assert [x.from_ for x in found["b"]] == ["a", "c"]


def test_a_person_alone_is_told_from_nobody() -> None:
    assert contrast_similar([person("a", mention(1))], NAMES) == {"a": []}


def test_long_text_is_cut() -> None:
    long = "x" * 10_000
    them = person("a", mention(1, venue=long), mention(2, venue=long))
    assert all(len(text) < 200 for text in texts(list_common_evidence(them, NAMES)))
