"""Which signatures are compared."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import indexed, work

from disambig.blocking import blocks_of, cross_pairs, primary_key, split_oversized
from disambig.corpus import Corpus
from disambig.domain import Work
from disambig.index import CorpusIndex
from disambig.names import parse_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jose L. Pons", "J.L. Pons"),
        ("Jan HAJIC", "Jan Hajič"),
        ("Wei-Nan Zhang", "Weinan Zhang"),
        ("Antal van den Bosch", "A. Bosch"),
        ("Robert Smith Jr.", "R. Smith"),
        ("Kibok Lee 0003", "Kibok Lee"),
        ("Pons, Jose", "Jose Pons"),
    ],
)
def test_printed_forms_of_one_name_share_a_block(one: str, other: str) -> None:
    assert primary_key(parse_name(one)) == primary_key(parse_name(other))


@pytest.mark.parametrize(("one", "other"), [("Ada Byron", "Bea Byron"), ("Ada Byron", "Ada Li")])
def test_another_initial_or_family_name_is_another_block(one: str, other: str) -> None:
    assert primary_key(parse_name(one)) != primary_key(parse_name(other))


NAMES = st.lists(st.sampled_from(["Ada Byron", "A. Byron", "Bo Li", "???", "Plato"]), max_size=12)


@given(NAMES)
def test_every_signature_is_in_exactly_one_block(names: list[str]) -> None:
    corpus = Corpus.from_works([work(f"{k:02}", "T", name) for k, name in enumerate(names)])
    rows = [row for block in blocks_of(corpus) for row in block.tolist()]
    assert sorted(rows) == list(range(len(names)))


def test_names_without_letters_are_compared_with_nothing() -> None:
    corpus = Corpus.from_works([work(k, "T", "???") for k in "abc"])
    assert sorted(map(len, blocks_of(corpus))) == [1, 1, 1]


def test_the_order_of_blocks_is_that_of_their_keys() -> None:
    corpus = Corpus.from_works([work("a", "T", "Zoe Li"), work("b", "T", "Ada Byron")])
    assert [block.tolist() for block in blocks_of(corpus)] == [[1], [0]]


def wangs(n: int, seed: int, given_names: tuple[str, ...], colleagues: int) -> CorpusIndex:
    """Works of people called Wang, each with one colleague of a few."""
    random = Random(seed)
    return indexed(
        [
            work(
                f"{k:04}",
                random.choice(["speech", "robot", "protein", "graph xqz"]),
                f"{random.choice(given_names)} Wang",
                f"Q{random.choice('abcdefghij'[:colleagues])}x Ru",
            )
            for k in range(n)
        ]
    )


def wang_rows(index: CorpusIndex) -> np.ndarray:
    return np.flatnonzero(index.corpus.signature_position == 0).astype(np.int32)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 60), st.integers(1, 20), st.integers(1, 10))
def test_a_split_block_keeps_every_row_once_in_parts_of_at_most_the_limit(
    seed: int, n: int, limit: int, colleagues: int
) -> None:
    index = wangs(n, seed, ("Yi", "Yan", "Y."), colleagues)
    parts = split_oversized(index, wang_rows(index), limit)
    assert sorted(np.concatenate(parts).tolist()) == wang_rows(index).tolist()
    assert max(map(len, parts)) <= limit


def test_a_block_within_the_limit_is_not_split() -> None:
    index = wangs(10, 0, ("Yi", "Yan"), 3)
    assert len(split_oversized(index, wang_rows(index), 10)) == 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_a_split_keeps_together_one_name_with_shared_coauthors(seed: int) -> None:
    index = wangs(40, seed, ("Yi",), 8)
    rows = wang_rows(index)
    colleague = {int(row): int(index.coauthors[[row]].indices[0]) for row in rows}
    largest = max(list(colleague.values()).count(c) for c in colleague.values())
    parts = split_oversized(index, rows, largest)
    part_of = {int(row): number for number, part in enumerate(parts) for row in part}
    for c in set(colleague.values()):
        assert len({part_of[row] for row in colleague if colleague[row] == c}) == 1


def test_a_split_keeps_a_written_out_first_name_together() -> None:
    index = wangs(40, 3, ("Yi", "Yan", "Yong"), 1)
    rows = wang_rows(index)
    named = [index.corpus.printed_name(int(row)) for row in rows]
    largest = max(named.count(name) for name in named)
    parts = split_oversized(index, rows, largest)
    for name in set(named):
        holding = [p for p in parts if any(index.corpus.printed_name(int(r)) == name for r in p)]
        assert len(holding) == 1


def proposed(works: list[Work]) -> set[tuple[str, str]]:
    """Printed names of the first authors of proposed pairs; every signature an identity."""
    index = indexed(works)
    corpus = index.corpus
    identity = np.arange(corpus.n_signatures, dtype=np.int32)
    block = np.empty(corpus.n_signatures, dtype=np.int32)
    for number, rows in enumerate(blocks_of(corpus)):
        block[rows] = number
    return {
        (corpus.printed_name(a), corpus.printed_name(b))
        for a, b in cross_pairs(index, identity, block).tolist()
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Wang Yi", "Yi Wang"),
        ("Maria Garcia Marquez", "Maria Garcia"),
        ("Robert Miller", "Bob Miller"),
        ("Hans Müller", "Hans Mueller"),
    ],
)
def test_another_reading_of_a_name_is_proposed_with_a_coauthor_in_common(
    one: str, other: str
) -> None:
    works = [work("a", "T", one, "Otto Quist"), work("b", "T", other, "O. Quist")]
    assert (one, other) in proposed(works)


def test_another_reading_of_a_name_is_not_proposed_without_a_coauthor_in_common() -> None:
    works = [work("a", "T", "Wang Yi", "Otto Quist"), work("b", "T", "Yi Wang", "Ada Byron")]
    assert proposed(works) == set()


def test_a_changed_family_name_is_proposed_with_two_coauthors_in_common() -> None:
    works = [work("a", "T", "Haoyue Shi", "Otto Quist", "Ada Byron"),
             work("b", "T", "Haoyue Bell", "Otto Quist", "Ada Byron")]  # fmt: skip
    assert proposed(works) == {("Haoyue Shi", "Haoyue Bell")}


def test_a_changed_family_name_is_not_proposed_with_one_coauthor_in_common() -> None:
    works = [work("a", "T", "Haoyue Shi", "Otto Quist", "Ada Byron"),
             work("b", "T", "Haoyue Bell", "Otto Quist")]  # fmt: skip
    assert proposed(works) == set()


def test_identities_of_one_block_are_not_proposed() -> None:
    works = [work(k, "T", "Haoyue Shi", "Otto Quist", "Ada Byron") for k in "ab"]
    assert proposed(works) == set()


def test_names_without_letters_are_not_proposed() -> None:
    works = [work(k, "T", "???", "Otto Quist", "Ada Byron") for k in "ab"]
    assert proposed(works) == set()


def test_an_empty_corpus_has_no_blocks_and_no_pairs() -> None:
    assert blocks_of(Corpus.from_works([])) == []
    assert proposed([]) == set()
