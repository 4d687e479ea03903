"""Lists of texts as keys."""

from __future__ import annotations

import numpy as np
import pytest

from disambig.corpus import key_lists
from disambig.corpus.key_lists import KeyLists, KeyListsBuilder
from disambig.corpus.tokenise import hash_words

TEXTS = [("a", "b"), (), ("c",)]


def build(lists: list[tuple[str, ...]]) -> KeyLists:
    builder = KeyListsBuilder()
    for texts in lists:
        builder.append(texts)
    return builder.build()


def rows(lists: KeyLists) -> list[list[int]]:
    return [lists.key[a:b].tolist() for a, b in zip(lists.start, lists.start[1:], strict=False)]


def expected(*lists: tuple[str, ...]) -> list[list[int]]:
    return [hash_words(texts).tolist() for texts in lists]


@pytest.mark.parametrize("per_hash", [1, 2, 100])
def test_a_list_has_the_keys_of_its_texts_however_many_are_hashed_at_once(
    per_hash: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_lists, "_TEXTS_PER_HASH", per_hash)
    assert rows(build(TEXTS)) == expected(*TEXTS)


def test_lists_are_taken_in_any_order_and_number() -> None:
    lists = build(TEXTS)
    assert rows(lists.take(np.array([2, 0, 0]))) == expected(TEXTS[2], TEXTS[0], TEXTS[0])


def test_lists_are_appended_to_lists() -> None:
    assert rows(build(TEXTS).concatenate(build([("d",), ()]))) == expected(*TEXTS, ("d",), ())


def test_no_lists_have_no_keys() -> None:
    assert rows(build([])) == []


def test_entries_are_the_distinct_keys_of_each_list_in_ascending_order() -> None:
    lists = KeyLists(np.array([0, 3, 3, 4]), np.array([7, 5, 7, 5], dtype=np.uint64))
    row, key = lists.list_entries()
    assert (row.tolist(), key.tolist()) == ([0, 0, 2], [5, 7, 5])
