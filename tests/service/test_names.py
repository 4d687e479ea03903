"""Printed names folded for the database and cut into words, whatever they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.names import (
    LONGEST,
    MAX_WORD,
    MAX_WORDS,
    block_text,
    fold,
    indexable,
    search_words,
    storable,
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
    assert fold(printed) == folded


def test_accents_keep_names_apart() -> None:
    assert fold("José Gil") != fold("Jose Gil")


@given(ANYTHING)
def test_every_name_folds_to_what_both_databases_store_and_index(printed: str) -> None:
    folded = fold(printed)
    assert "\0" not in folded
    assert len(folded.encode()) <= 4 * LONGEST  # raises for half a character
    assert fold(folded) == folded


def test_long_names_stay_different_and_short_enough() -> None:
    a, b = fold("\U0001f600" * 9_999 + "a"), fold("\U0001f600" * 9_999 + "b")
    assert a != b
    assert len(a) == len(b) == LONGEST
    assert len(a.encode()) < 2_704
    assert fold("x" * LONGEST) == "x" * LONGEST


def test_what_cannot_be_stored_is_shown_by_a_symbol() -> None:
    assert storable("a\0b\ud800c") == "a\u2400b\ufffdc"
    assert indexable("x" * 501).startswith("x" * 467 + "…")


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
    assert search_words(name) == words


@given(ANYTHING)
def test_words_are_few_short_and_plain(text: str) -> None:
    words = search_words(text)
    assert len(words) == len(set(words)) <= MAX_WORDS
    assert all(0 < len(word) <= MAX_WORD and word.isascii() and word.isalnum() for word in words)


def test_a_name_of_ten_thousand_words_has_some_of_them() -> None:
    assert len(search_words(" ".join(map(str, range(10_000))))) == MAX_WORDS
    assert search_words("x" * 10_000) == ("x" * MAX_WORD,)


def test_a_block_is_the_engines() -> None:
    assert block_text("Jan van den Bosch") == "j bosch"
    assert block_text("WANG Wei", given="Wei", family="Wang") == "w wang"
    assert block_text("???") == ""
