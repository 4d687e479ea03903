"""Texts to token matrices."""

from __future__ import annotations

import collections
import itertools
import random
import re

import numpy as np
import pytest
from anyascii import anyascii
from hypothesis import given
from hypothesis import strategies as st

from disambig.corpus.tokenise import (
    MAX_CHARS,
    count_terms,
    count_tokens,
    fold,
    hash_word,
    hash_words,
    mask_content_words,
    tokenise,
)


def counts(*texts: str) -> list[dict[str, float]]:
    matrix, words = count_tokens(texts)
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
    matrix, words = count_tokens([])
    assert matrix.shape == (0, 0)
    assert words == []


@given(st.permutations(["graph theory", "theory of speech", "speech graph", "zebra"]))
def test_columns_do_not_depend_on_the_order_of_texts(texts: list[str]) -> None:
    assert count_tokens(texts)[1] == ["graph", "speech", "theory", "zebra"]


# reading a whole corpus at once


def read(*texts: str) -> list[list[str]]:
    tokens = tokenise(texts)
    words = tokens.words.to_pylist()
    return [
        [words[c] for c in tokens.code[a:b]] for a, b in itertools.pairwise(tokens.start.tolist())
    ]


def fnv_1a_mixed(data: bytes) -> int:
    whole = 2**64 - 1
    key = 0xCBF29CE484222325
    for byte in data:
        key = (key ^ byte) * 0x100000001B3 & whole
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        key = (key ^ key >> 33) * factor & whole
    return key ^ key >> 33


def words_by_regex(text: str) -> list[str]:
    return re.findall("[a-z0-9]+", anyascii(text[:MAX_CHARS]).lower())


def test_words_stand_in_the_order_of_the_text_with_case_folded() -> None:
    assert read("Parsing: the 3D-parsing", "THE") == [["parsing", "the", "3d", "parsing"], ["the"]]


def test_other_scripts_become_ascii_letters() -> None:
    assert read("Müller Straße №5 \ud800x") == [["muller", "strasse", "no5", "x"]]


def test_words_of_neighbouring_texts_do_not_run_together() -> None:
    assert read("graph", "", "theory", "...") == [["graph"], [], ["theory"], []]


def test_no_texts_have_no_words() -> None:
    tokens = tokenise([])
    assert tokens.start.tolist() == [0]
    assert (len(tokens.code), len(tokens.keys), len(tokens.words)) == (0, 0, 0)


def test_only_the_beginning_of_an_endless_text_is_read() -> None:
    assert read("x " * (MAX_CHARS // 2) + "graph", "graph") == [["x"] * (MAX_CHARS // 2), ["graph"]]


@given(st.lists(st.text() | st.text("aAbé中 1-ß\x00"), max_size=8))
def test_words_are_those_a_regular_expression_finds(texts: list[str]) -> None:
    assert read(*texts) == [words_by_regex(t) for t in texts]


@pytest.mark.parametrize("chunk", [1, 1000, 10**9])
def test_many_distinct_words_are_read_whatever_the_chunk(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disambig.corpus.tokenise._CHUNK", chunk)
    rng = np.random.default_rng(1)
    texts = [" ".join(f"w{i:x}" for i in rng.integers(0, 50_000, 1000)) for _ in range(60)]
    assert read(*texts) == [t.split() for t in texts]


def test_a_character_written_out_over_and_over_is_read_as_one_long_word() -> None:
    sign = "\U0001f16d"  # the licence's sign, "CreativeCommons"
    assert read(sign * 2 * MAX_CHARS) == [["creativecommons" * MAX_CHARS]]


@given(st.permutations(["graph theory", "Theory of speech", "speech graph", "zebra é"]))
def test_numbers_of_words_do_not_depend_on_the_order_of_texts(texts: list[str]) -> None:
    expected, found = tokenise(sorted(texts)), tokenise(texts)
    assert found.keys.tolist() == expected.keys.tolist() == sorted(found.keys.tolist())
    assert found.words.to_pylist() == expected.words.to_pylist()


def test_the_key_of_a_word_is_pinned() -> None:
    # keys stand in files: a changed one makes them unreadable without an error
    assert hash_word("graph") == 0x8788F8B73F2F72DC
    assert hash_word("") == 0xEFD01F60BA992926


@given(st.lists(st.text() | st.just("\udfff")))
def test_keys_are_fnv_1a_with_a_final_mix(words: list[str]) -> None:
    expected = [fnv_1a_mixed(w.encode("utf-8", "surrogatepass")) for w in words]
    assert hash_words(words).tolist() == expected


def test_tokens_carry_the_keys_of_their_words() -> None:
    tokens = tokenise(["Graph theory, 2nd"])
    assert tokens.keys.tolist() == hash_words(tokens.words.to_pylist()).tolist()


def test_stop_words_and_single_characters_are_no_content() -> None:
    tokens = tokenise(["A theory of the x in 3D, 7"])
    content = mask_content_words(tokens)
    words = np.array(tokens.words.to_pylist())
    assert sorted(words[content]) == ["3d", "theory"]


def test_kept_words_are_counted_over_any_span_of_texts() -> None:
    tokens = tokenise(["graph theory", "graph", "of graph", "zebra of"])
    keep = mask_content_words(tokens)
    counts = count_terms(tokens, tokens.start[[0, 0, 3]], tokens.start[[1, 3, 3]], keep)
    words = tokens.words.to_pylist()
    held = [{words[c]: n for c, n in enumerate(row) if n} for row in counts.toarray().tolist()]
    assert held == [{"graph": 1, "theory": 1}, {"graph": 3, "theory": 1}, {}]


@given(st.lists(st.text("abcdef ", max_size=40), min_size=1, max_size=8), st.randoms())
def test_counts_are_those_of_a_counter_with_columns_ascending(
    texts: list[str], random: random.Random
) -> None:
    tokens = tokenise(texts)
    keep = np.array([random.random() < 0.7 for _ in tokens.keys], dtype=bool)
    counts = count_terms(tokens, tokens.start[:-1], tokens.start[1:], keep)
    words = tokens.words.to_pylist()
    kept = {w for w, k in zip(words, keep, strict=True) if k}
    for row, text in enumerate(texts):
        columns = counts.indices[counts.indptr[row] : counts.indptr[row + 1]]
        assert columns.tolist() == sorted(set(columns.tolist()))
        expected = collections.Counter(w for w in text.split() if w in kept)
        assert {words[c]: counts[row, c] for c in columns} == dict(expected)


def test_counts_are_float32_with_a_column_for_every_word() -> None:
    tokens = tokenise(["the graph"])
    counts = count_terms(tokens, tokens.start[:-1], tokens.start[1:], mask_content_words(tokens))
    assert (counts.dtype, counts.shape) == (np.float32, (1, 2))
