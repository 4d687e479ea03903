"""From clusters, labels and works to the sections of the report."""

from __future__ import annotations

import pytest

from disambig.domain import Assignment, Author, Label, Signature, Work
from disambig.errors import InputError
from disambig.evaluation.compare import compare
from disambig.evaluation.report import SampledMention, Section
from disambig.evaluation.report_data import Contexts, build_section, read_contexts

ANN, BOB = Author("Ann Lee", affiliations=("MIT",)), Author("Bob Ray")
WORKS = [
    Work("W1", "Alpha", (ANN, BOB), abstract="About alpha.", venue="ACL", year=1999),
    Work("W2", "Beta", (Author("ANN LEE"),)),
    Work("W3", "Gamma", (ANN, BOB), abstract="About gamma.", venue="ACL", year=2005),
]
#: Two persons named Ann Lee: W1 and W2 are one, W3 another; the clusters join W2 and W3.
PEOPLE = {"W1": "ann-1", "W2": "ann-1", "W3": "ann-2"}
IDENTITIES = {"W1": "p1", "W2": "p2", "W3": "p2"}


def contexts(works: list[Work] = WORKS) -> Contexts:
    return read_contexts(works, {(work, 0) for work in PEOPLE})


def made(block: str = "a lee") -> Section:
    found = {(w, 0): Assignment(Signature(w, 0), "", i, 1.0) for w, i in IDENTITIES.items()}
    labels = [Label(Signature(w, 0), p, block=block) for w, p in PEOPLE.items()]
    return build_section("lee", compare(found, labels), contexts())


def test_names_are_counted_over_all_mentions_whatever_their_case() -> None:
    counts = contexts().name_counts
    assert (counts["ann lee"], counts["bob ray"]) == (3, 2)


def test_only_wanted_mentions_are_kept() -> None:
    assert set(contexts().by_key) == {("W1", 0), ("W2", 0), ("W3", 0)}


def test_a_mention_shows_what_its_work_states() -> None:
    assert contexts().by_key["W1", 0].mention == SampledMention("Ann Lee", "Alpha", "ACL", 1999)


def test_missing_metadata_is_told_apart_from_stated() -> None:
    missing = next(table for table in made().slices if table.title == "Missing metadata")
    assert [(s.label, s.signatures) for s in missing.slices] == [
        ("no abstract", 1),
        ("no co-authors", 1),
        ("no venue", 1),
        ("no affiliation", 1),
        ("no year", 1),
        ("all of these", 2),
    ]


def test_an_over_merge_names_identity_persons_and_titles() -> None:
    (merge,) = made().overmerges
    assert (merge.label, merge.n_parts, merge.size) == ("p2", 2, 2)
    assert {part.label: part.mentions[0].title for part in merge.parts} == {
        "ann-1": "Beta",
        "ann-2": "Gamma",
    }


def test_an_over_split_names_person_and_identities() -> None:
    (split,) = made().oversplits
    assert (split.label, {part.label for part in split.parts}) == ("ann-1", {"p1", "p2"})


def test_a_large_part_shows_its_first_middle_and_last_year() -> None:
    years = range(2000, 2021)
    works = [Work(f"V{year}", "T", (ANN,), year=year) for year in reversed(years)]
    works.append(Work("other", "T", (ANN,), year=1980))
    keys = [(work.id, 0) for work in works]
    found = {key: Assignment(Signature(*key), "", "p", 1.0) for key in keys}
    labels = [Label(Signature(*key), "x" if key[0] == "other" else "y") for key in keys]
    (merge,) = build_section(
        "s", compare(found, labels), read_contexts(works, set(keys))
    ).overmerges
    assert [mention.year for mention in merge.parts[0].mentions] == [2000, 2010, 2020]


def test_blocks_are_sliced_where_labels_state_them() -> None:
    titles = [table.title for table in made().slices]
    assert titles == ["Block size", "Name frequency", "Missing metadata"]
    assert "Block size" not in [table.title for table in made(block="").slices]


def test_labelled_mentions_in_no_work_are_refused() -> None:
    found = {("W9", 0): Assignment(Signature("W9", 0), "", "p", 1.0)}
    comparison = compare(found, [Label(Signature("W9", 0), "x")])
    with pytest.raises(InputError, match=r"1 labelled mentions are in no work .*W9:0"):
        build_section("s", comparison, contexts())
