from __future__ import annotations

import pytest

from disambig.domain import Assignment, Label, Signature
from labeled.demo.comparison import Mistake, NameVariants, compare_with_labels


def rows(
    *triples: tuple[str, str, str],
) -> tuple[list[Assignment], list[Label]]:
    """Assignments and labels from (name, identity, person), one for each work."""
    signatures = [Signature(f"w{number}", 0) for number in range(len(triples))]
    return (
        [
            Assignment(s, name, identity, 1.0)
            for s, (name, identity, _) in zip(signatures, triples, strict=True)
        ],
        [Label(s, person, name) for s, (name, _, person) in zip(signatures, triples, strict=True)],
    )


def test_people_with_one_identity_all_of_it_theirs_are_found() -> None:
    comparison = compare_with_labels(
        *rows(
            ("Ada Moore", "i1", "ada"),
            ("Bo Li", "i2", "bo"),
            ("Bo Li", "i3", "bo"),
            ("Cy Poe", "i4", "cy"),
            ("C. Poe", "i4", "other cy"),
        )
    )
    assert comparison is not None
    assert (comparison.n_exact, comparison.n_people) == (1, 4)
    assert comparison.merged == (Mistake((("C. Poe", 1), ("Cy Poe", 1))),)
    assert comparison.split == (Mistake((("Bo Li", 1), ("Bo Li", 1))),)


def test_b_cubed_is_that_of_the_labelled_mentions() -> None:
    comparison = compare_with_labels(
        *rows(("A", "i", "a"), ("A", "i", "a"), ("A", "i", "b"), ("B", "j", "b"))
    )
    assert comparison is not None
    # Precision: 2/3, 2/3, 1/3, 1; recall: 1, 1, 1/2, 1/2.
    assert comparison.metrics.bcubed_precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4)
    assert comparison.metrics.bcubed_recall == pytest.approx(0.75)


def test_forms_of_one_person_are_listed_with_their_identities() -> None:
    comparison = compare_with_labels(
        *rows(("Alex Li", "i", "li"), ("A. Li", "i", "li"), ("Alex Li", "j", "li"))
    )
    assert comparison is not None
    assert comparison.variants == (NameVariants("li", ("A. Li", "Alex Li"), ("i", "j"), 3),)


def test_the_people_under_a_name_are_counted_without_case() -> None:
    comparison = compare_with_labels(*rows(("Ada Moore", "i", "a"), ("ADA MOORE", "j", "b")))
    assert comparison is not None
    assert comparison.gold_people_by_name == {"ada moore": 2}


def test_unlabelled_mentions_do_not_count() -> None:
    assignments, labels = rows(("Ada Moore", "i", "a"), ("Bo Li", "i", "b"))
    comparison = compare_with_labels(assignments, labels[:1])
    assert comparison is not None
    assert (comparison.n_exact, comparison.n_people, comparison.merged) == (1, 1, ())


def test_without_labels_there_is_no_comparison() -> None:
    assignments, _ = rows(("Ada Moore", "i", "a"))
    assert compare_with_labels(assignments, []) is None
