from __future__ import annotations

import pytest

from disambig.errors import RecordError
from labeled.gold.goldset import Problems, compute_gold_block, split_name


@pytest.mark.parametrize(
    ("name", "family", "block"),
    [
        ("Jan HAJIC", None, "j hajic"),
        ("Jan Hajič", "Hajič", "j hajic"),
        ("Kees van Deemter", "van Deemter", "k van deemter"),
        ("Kees van Deemter", None, "k deemter"),
        ("E.I. Sicilia-Garcia", "Sicilia-Garcia", "e sicilia garcia"),
        ("Gerard Pons-Moll", None, "g moll"),
        ("Éric Gaussier", "Gaussier", "e gaussier"),
        ("Tim O’Keefe", None, "t okeefe"),
        ("Tim O'Keefe", None, "t okeefe"),
        ("Kibok Lee 0003", None, "k lee"),
        ("lifang", None, "lifang"),
        ("Akilandeswari", "Akilandeswari", "akilandeswari"),
        ("???", None, ""),
    ],
)
def test_block_of_a_gold_name(name: str, family: str | None, block: str) -> None:
    assert compute_gold_block(name, family) == block


def test_a_year_like_single_word_is_not_taken_for_a_homonym_number() -> None:
    assert split_name("0003") == ["0003"]


def test_a_noted_problem_is_told_and_kept_but_counts_no_rejection() -> None:
    told: list[RecordError] = []
    problems = Problems(on_problem=told.append)
    problems.warn("f.xml", 7, "year", "'n.d.' is no year", "left empty")
    assert [str(error) for error in told] == ["f.xml:7: year: 'n.d.' is no year; left empty"]
    assert (problems.errors, problems.rejected) == (told, 0)


def test_a_rejected_record_is_counted() -> None:
    problems = Problems()
    problems.reject("f.xml", 7, "title", "is empty", "give it one")
    assert (len(problems.errors), problems.rejected) == (1, 1)
