"""Printed names folded for the database and cut into words, whatever they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.text import (
    MAX_INDEXED,
    MAX_WORD_LENGTH,
    MAX_WORDS,
    compute_block_text,
    fold_name,
    split_search_words,
    to_indexable,
    to_storable,
)

ANYTHING = st.text(st.characters(), max_size=60)


@pytest.mark.parametrize(
    ("printed", "folded"),
    [
        ("Wei Wang", "wei wang"),
        (" WEI\u00a0 wang\t", "wei wang"),
        ("J. Strauß", "j. strauss"),
        ("Zoe\u0308 Roe", "zo\u00eb roe"),
        ("李伟", "李伟"),
    ],
)
def test_names_equal_but_for_case_and_blanks_fold_to_one(printed: str, folded: str) -> None:
    assert fold_name(printed) == folded


def test_accents_keep_names_apart() -> None:
    assert fold_name("José Gil") != fold_name("Jose Gil")


@given(ANYTHING)
def test_every_name_folds_to_what_both_databases_store_and_index(printed: str) -> None:
    folded = fold_name(printed)
    assert "\0" not in folded
    assert len(folded.encode()) <= 4 * MAX_INDEXED  # raises for half a character
    assert fold_name(folded) == folded


def test_long_names_stay_different_and_short_enough() -> None:
    a, b = fold_name("\U0001f600" * 9_999 + "a"), fold_name("\U0001f600" * 9_999 + "b")
    assert a != b
    assert len(a) == len(b) == MAX_INDEXED
    assert len(a.encode()) < 2_704
    assert fold_name("x" * MAX_INDEXED) == "x" * MAX_INDEXED


def test_what_cannot_be_stored_is_shown_by_a_symbol() -> None:
    assert to_storable("a\0b\ud800c") == "a\u2400b\ufffdc"
    assert to_indexable("x" * 501).startswith("x" * 467 + "…")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Wei Wang", ("wei", "wang")),
        ("Sandström, Erik-Jan", ("sandstrom", "erik", "jan")),
        ("Zoe\u0308 O’Brien", ("zoe", "obrien")),
        ("M.A.S. Łukasz", ("m", "a", "s", "lukasz")),
        ("Wang Wei Wang", ("wang", "wei")),
        ("李伟", ("liwei", "li", "wei")),
        ("이준혁", ("ijunhyeog", "i", "jun", "hyeog")),
        ("Иван", ("ivan",)),
        ("% _ '; --", ()),
        ("", ()),
    ],
)
def test_words_of_a_name_have_no_accents(name: str, words: tuple[str, ...]) -> None:
    assert split_search_words(name) == words


@given(ANYTHING)
def test_words_are_few_short_and_plain(text: str) -> None:
    words = split_search_words(text)
    assert len(words) == len(set(words)) <= MAX_WORDS
    assert all(
        0 < len(word) <= MAX_WORD_LENGTH and word.isascii() and word.isalnum() for word in words
    )


def test_a_name_of_ten_thousand_words_has_some_of_them() -> None:
    assert len(split_search_words(" ".join(map(str, range(10_000))))) == MAX_WORDS
    assert split_search_words("x" * 10_000) == ("x" * MAX_WORD_LENGTH,)


def test_a_block_is_the_engines() -> None:
    assert compute_block_text("Jan van den Bosch") == "j bosch"
    assert compute_block_text("WANG Wei", given="Wei", family="Wang") == "w wang"
    assert compute_block_text("???") == ""
