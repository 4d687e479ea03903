"""Which identities of different blocks are proposed for a join."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.blocking.blocks import make_blocks
from disambig.blocking.cross_block import (
    MAX_SHARING,
    coauthor_evidence,
    count_common_keys,
    find_cross_block_pairs,
    find_sharing_pairs,
    get_identity_blocks,
    reading_evidence,
)
from disambig.corpus.index import CorpusIndex
from disambig.domain import Work
from tests.support.invented import indexed, population, work


def blocks(index: CorpusIndex) -> np.ndarray:
    """Block of each signature."""
    block = np.empty(index.corpus.n_signatures, dtype=np.int32)
    for number, rows in enumerate(make_blocks(index.corpus)):
        block[rows] = number
    return block


def proposed(works: list[Work], *, divided: bool = False) -> set[tuple[str, str]]:
    """Printed names of the first authors of proposed pairs; every signature an identity.

    ``divided``: as if every block had been, each signature a part of its own.
    """
    index = indexed(works)
    corpus = index.corpus
    identity = np.arange(corpus.n_signatures, dtype=np.int32)
    part = identity if divided else blocks(index)
    pairs = find_cross_block_pairs(index, identity, part, np.full(len(identity), divided))
    return {(corpus.printed_name(a), corpus.printed_name(b)) for a, b in pairs.tolist()}


def test_parts_of_a_divided_block_are_proposed_for_two_coauthors_not_for_an_initial() -> None:
    one = [work("a", "T", "Wei Wang", "Otto Quist"), work("b", "T", "Wei Wang", "O. Quist")]
    two = [work(k, "T", "Wei Wang", "Otto Quist", "Pia Rask") for k in ("a", "b")]
    assert ("Wei Wang", "Wei Wang") not in proposed(one, divided=True)
    assert ("Wei Wang", "Wei Wang") in proposed(two, divided=True)


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
    works = [
        work("a", "T", "Haoyue Shi", "Otto Quist", "Ada Byron"),
        work("b", "T", "Haoyue Bell", "Otto Quist", "Ada Byron"),
    ]
    assert proposed(works) == {("Haoyue Shi", "Haoyue Bell")}


def test_a_changed_family_name_is_not_proposed_with_one_coauthor_in_common() -> None:
    works = [
        work("a", "T", "Haoyue Shi", "Otto Quist", "Ada Byron"),
        work("b", "T", "Haoyue Bell", "Otto Quist"),
    ]
    assert proposed(works) == set()


def test_identities_of_one_block_are_not_proposed() -> None:
    works = [work(k, "T", "Haoyue Shi", "Otto Quist", "Ada Byron") for k in "ab"]
    assert proposed(works) == set()


def test_names_without_letters_are_not_proposed() -> None:
    works = [work(k, "T", "???", "Otto Quist", "Ada Byron") for k in "ab"]
    assert proposed(works) == set()


def test_an_empty_corpus_has_no_candidates() -> None:
    assert proposed([]) == set()


def test_a_short_first_name_is_no_sign_of_a_changed_family_name() -> None:
    works = [
        work("a", "T", "Yi Shi", "Otto Quist", "Ada Byron"),
        work("b", "T", "Yi Bell", "Otto Quist", "Ada Byron"),
    ]
    assert proposed(works) == set()


def test_a_coauthor_by_initial_is_enough_for_a_reading_and_not_for_a_changed_name() -> None:
    works = [
        work("a", "T", "Haoyue Shi", "Otto Quist", "Ada Byron"),
        work("b", "T", "Haoyue Bell", "O. Quist", "A. Byron"),
    ]
    assert proposed(works) == set()


def test_the_block_of_an_identity_is_its_first() -> None:
    identity, block = np.array([1, 0, 1], dtype=np.int32), np.array([5, 4, 3], dtype=np.int32)
    assert get_identity_blocks(identity, block).tolist() == [4, 3]


EVIDENCE = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), max_size=30)


@settings(deadline=None)
@given(
    EVIDENCE,
    st.lists(st.integers(0, 4), min_size=9, max_size=9),
    st.lists(st.integers(0, 2), min_size=5, max_size=5),
    st.integers(2, 4),
)
def test_pairs_of_identities_are_counted_by_the_keys_they_share(
    evidence: list[tuple[int, int]], identity: list[int], block: list[int], limit: int
) -> None:
    bearers = defaultdict(set)
    for key, row in evidence:
        bearers[key].add(identity[row])
    expected = Counter(
        pair
        for who in bearers.values()
        if len(who) <= limit
        for pair in combinations(sorted(who), 2)
        if block[pair[0]] != block[pair[1]]
    )
    arguments = (
        np.array([key for key, _ in evidence], dtype=np.uint64),
        np.array([row for _, row in evidence], dtype=np.int32),
        np.array(identity, dtype=np.int32),
        np.array(block, dtype=np.int64),
    )
    pairs, count = count_common_keys(*arguments, limit)
    assert [tuple(p) for p in pairs.tolist()] == sorted(expected)
    assert count.tolist() == [expected[pair] for pair in sorted(expected)]
    often = find_sharing_pairs(*arguments, least=2, limit=limit)
    assert [tuple(p) for p in often.tolist()] == sorted(p for p in expected if expected[p] >= 2)


def test_what_too_many_identities_share_proposes_none() -> None:
    random = Random(0)  # family names with nothing in common, not even a typing error apart
    families = ["".join(random.choices("abdeghiklmnoprstuz", k=7)) for _ in range(MAX_SHARING + 1)]
    works = [
        work(family, "T", f"Haoyue {family.title()}", "Otto Quist", "Ada Byron")
        for family in families
    ]
    assert proposed(works) == set()
    assert len(proposed(works[:3])) == 3


@pytest.mark.parametrize("evidence_of", [reading_evidence, coauthor_evidence])
def test_evidence_of_parts_is_that_of_the_whole_whatever_their_codes(evidence_of) -> None:  # type: ignore[no-untyped-def]
    index = indexed(list(population(6, families=3)[0]))
    rows = np.arange(index.corpus.n_signatures, dtype=np.int32)
    whole = set(zip(*(x.tolist() for x in evidence_of(index, rows)), strict=True))
    parts = [evidence_of(index, part) for part in np.array_split(rows, 3)]
    assert whole == {pair for k, r in parts for pair in zip(k.tolist(), r.tolist(), strict=True)}
    assert whole
