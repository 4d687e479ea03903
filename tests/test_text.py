"""Texts to token matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disambig.text import document_frequency, fold, token_matrix, unit_rows


def counts(*texts: str) -> list[dict[str, float]]:
    matrix, words = token_matrix(texts)
    return [{words[c]: float(row[c]) for c in np.flatnonzero(row)} for row in matrix.toarray()]


def test_words_are_counted_without_case_and_punctuation() -> None:
    assert counts("Parsing: parsing, and re-parsing!") == [{"parsing": 3}]


def test_stop_words_and_single_letters_are_left_out() -> None:
    assert counts("A theory of the x") == [{"theory": 1}]


def test_accents_and_scripts_are_transliterated() -> None:
    assert fold(["Müller Straße"]).to_pylist() == ["muller strasse"]


def test_a_text_without_words_has_an_empty_row() -> None:
    assert counts("", "?! \u202e", "graph") == [{}, {}, {"graph": 1}]


def test_no_texts_make_an_empty_matrix() -> None:
    matrix, words = token_matrix([])
    assert matrix.shape == (0, 0)
    assert words == []


@given(st.permutations(["graph theory", "theory of speech", "speech graph", "zebra"]))
def test_columns_do_not_depend_on_the_order_of_texts(texts: list[str]) -> None:
    assert token_matrix(texts)[1] == ["graph", "speech", "theory", "zebra"]


def test_document_frequency_counts_texts_not_mentions() -> None:
    matrix, words = token_matrix(["graph graph", "graph zebra"])
    assert dict(zip(words, document_frequency(matrix).tolist(), strict=True)) == {
        "graph": 2,
        "zebra": 1,
    }


def test_unit_rows_have_length_one_or_are_empty() -> None:
    matrix, _ = token_matrix(["graph graph graph zebra zebra zebra zebra", ""])
    # counts 3 and 4: length 5
    assert unit_rows(matrix).toarray().tolist() == [pytest.approx([0.6, 0.8]), [0, 0]]
