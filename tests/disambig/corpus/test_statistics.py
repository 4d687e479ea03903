"""What is counted over a corpus, whole and in parts."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.corpus import statistics
from disambig.corpus.coauthors import CoauthorKeys
from disambig.corpus.corpus import Corpus
from disambig.corpus.index import get_coauthor_keys, tokenise_corpus
from disambig.corpus.statistics import (
    EDGE_UNIT,
    KINDS,
    Counts,
    Edges,
    Statistics,
    find_keys,
    list_author_keys,
)
from disambig.corpus.tokenise import hash_words
from disambig.domain import Work
from tests.support.invented import population, with_references, work

KEYS = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 4))
NAMES = ("Ada Byron", "A. Byron", "Bo Li", "Cy Ito", "???")
TEAMS = st.lists(st.lists(st.sampled_from(NAMES), max_size=5), max_size=8)


def array(keys: list[int]) -> np.ndarray:
    return np.array(keys, dtype=np.uint64)


def counted(works: list[Work]) -> Statistics:
    corpus = Corpus.from_works(works)
    return Statistics.count(corpus, get_coauthor_keys(corpus), tokenise_corpus(corpus))


def company(teams: list[list[str]]) -> CoauthorKeys:
    return get_coauthor_keys(Corpus.from_works(work(f"{k}", "T", *t) for k, t in enumerate(teams)))


def as_dict(counts: Counts) -> dict[int, int]:
    return dict(zip(counts.keys.tolist(), counts.count.tolist(), strict=True))


@given(KEYS)
def test_keys_are_counted_and_stand_in_ascending_order(keys: list[int]) -> None:
    found = Counts.from_keys(array(keys))
    assert as_dict(found) == Counter(keys)
    assert found.keys.tolist() == sorted(set(keys))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9))))
def test_an_occurrence_counts_as_often_as_its_weight_says(pairs: list[tuple[int, int]]) -> None:
    expected: Counter[int] = Counter()
    for key, weight in pairs:
        expected[key] += weight
    found = Counts.from_keys(
        array([k for k, _ in pairs]), np.array([w for _, w in pairs], np.int64)
    )
    assert as_dict(found) == expected


@given(KEYS, KEYS)
def test_counts_of_two_parts_add_up_to_the_counts_of_both(a: list[int], b: list[int]) -> None:
    together = Counts.sum([Counts.from_keys(array(a)), Counts.from_keys(array(b))])
    assert as_dict(together) == as_dict(Counts.from_keys(array(a + b)))


@given(KEYS, KEYS)
def test_a_key_is_looked_up_and_has_0_where_it_was_never_seen(
    keys: list[int], wanted: list[int]
) -> None:
    asked = [*wanted, *keys]
    found = Counts.from_keys(array(keys)).look_up(array(asked))
    assert found.tolist() == [keys.count(key) for key in asked]


@given(st.sets(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_a_key_is_found_at_its_rank(keys: set[int], wanted: list[int]) -> None:
    ordered = sorted(keys)
    place, known = find_keys(array(ordered), array(wanted))
    assert known.tolist() == [key in keys for key in wanted]
    assert place[known].tolist() == [ordered.index(key) for key in wanted if key in keys]


def brute_edges(found: CoauthorKeys) -> dict[tuple[int, int], int]:
    weight: Counter[tuple[int, int]] = Counter()
    for low, high in zip(found.start[:-1].tolist(), found.start[1:].tolist(), strict=True):
        team = sorted({int(key) for key in found.full[low:high]} - {0})
        for pair in combinations(team, 2):
            weight[pair] += EDGE_UNIT // (high - low - 1)
    return dict(weight)


@settings(deadline=None)
@given(TEAMS)
def test_an_edge_is_a_pair_of_names_weighing_a_share_of_each_work(teams: list[list[str]]) -> None:
    found = company(teams)
    edges = Edges.from_coauthors(found)
    assert list(zip(edges.a.tolist(), edges.b.tolist(), strict=True)) == sorted(brute_edges(found))
    assert dict(
        zip(
            zip(edges.a.tolist(), edges.b.tolist(), strict=True), edges.weight.tolist(), strict=True
        )
    ) == brute_edges(found)


@settings(deadline=None)
@given(TEAMS, st.sets(st.sampled_from(NAMES[:4])))
def test_edges_among_some_keys_are_those_with_both_ends_there(
    teams: list[list[str]], chosen: set[str]
) -> None:
    found = company(teams)
    keys = sorted(set(company([list(chosen)]).full.tolist()))
    a, b, weight = Edges.from_coauthors(found).select(array(keys))
    expected = {
        (keys.index(i), keys.index(j)): w
        for (i, j), w in brute_edges(found).items()
        if i in keys and j in keys
    }
    pairs = zip(a.tolist(), b.tolist(), strict=True)
    assert dict(zip(pairs, weight.tolist(), strict=True)) == expected


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 2**64 - 1) | st.integers(0, 9)] * 2), unique=True),
    KEYS,
    st.integers(1, 7),
)
def test_edges_are_found_wherever_keys_lie_and_however_many_are_looked_at_together(
    ends: list[tuple[int, int]], more: list[int], at_once: int
) -> None:
    ordered = sorted(ends)
    edges = Edges(
        array([a for a, _ in ordered]), array([b for _, b in ordered]), np.arange(len(ordered))
    )
    # about half of the ends, so that edges are found at all
    keys = sorted({end for pair in ordered[::2] for end in pair} | set(more))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "EDGES_AT_ONCE", at_once)
        found = edges.select(array(keys))
    expected = [
        (keys.index(a), keys.index(b), number)
        for number, (a, b) in enumerate(ordered)
        if a in keys and b in keys
    ]
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected


@settings(deadline=None)
@given(TEAMS)
def test_a_name_counts_once_for_each_work_that_bears_it(teams: list[list[str]]) -> None:
    found = company(teams)
    expected = Counter(
        key
        for low, high in zip(found.start[:-1].tolist(), found.start[1:].tolist(), strict=True)
        for key in {int(k) for k in found.full[low:high]} - {0}
    )
    assert Counter(list_author_keys(found, found.full).tolist()) == expected


def same(one: Statistics, other: Statistics) -> bool:
    return (
        dict(one.texts) == dict(other.texts)
        and all(as_dict(one.counts[kind]) == as_dict(other.counts[kind]) for kind in KINDS)
        and one.edges.a.tolist() == other.edges.a.tolist()
        and one.edges.b.tolist() == other.edges.b.tolist()
        and one.edges.weight.tolist() == other.edges.weight.tolist()
    )


@pytest.mark.parametrize("n_parts", [1, 2, 7])
def test_statistics_of_parts_add_up_to_those_of_the_whole_to_the_bit(n_parts: int) -> None:
    works = [
        *with_references(population(3)[0]),
        work("x", "Speech", "Ada Byron", venue="VLDB", affiliations=("Leiden",)),
        work("y", "Speech", "Bo Li", "Ada Byron", affiliations=("Leiden", "Tokyo")),
    ]
    Random(n_parts).shuffle(works)
    parts = [counted(works[k::n_parts]) for k in range(n_parts)]
    assert same(Statistics.sum(parts), counted(works))
    assert same(Statistics.sum([Statistics.sum(parts[:1]), *parts[1:]]), counted(works))


def test_a_reference_and_a_collaboration_count_once_a_work() -> None:
    found = counted(
        [
            work("a", "T", "X Y", references=("b", "q", "q"), collaborations=("ATLAS",)),
            work("b", "T", "X Y", references=("q",), collaborations=("the Atlas Collaboration",)),
            work("c", "T", "X Y"),
        ]
    )
    assert found.counts["reference"].look_up(hash_words(["b", "q", "z"])).tolist() == [1, 2, 0]
    assert found.counts["collaboration"].look_up(hash_words(["atlas"])).tolist() == [2]
    assert (found.texts["reference"], found.texts["collaboration"]) == (3, 2)


def test_the_weight_of_a_word_is_the_log_of_texts_per_text_with_it() -> None:
    # graph is in 2 of 2: log(3 / 3); zebra in 1 of 2: log(3 / 2); elk in none: log(3 / 1)
    found = counted([work("a", "graph zebra", "X Y"), work("b", "graph", "X Y")])
    idf = found.compute_idf("title", hash_words(["graph", "zebra", "elk"]))
    assert idf.tolist() == pytest.approx([0, np.log(3 / 2), np.log(3)])
    assert idf.dtype == np.float32


@pytest.mark.parametrize(
    ("texts", "taken_for"), [(1, 1), (2, 2), (3, 4), (5, 4), (6, 8), (11, 8), (12, 16)]
)
def test_the_number_of_texts_is_taken_to_the_nearest_power_of_two(
    texts: int, taken_for: int
) -> None:
    # nearest by ratio: 2 * 2 ** .5 = 2.83, 5.66 and 11.3 part the powers
    found = counted([work(f"{k:02}", "graph", "X Y") for k in range(texts)])
    assert found.compute_idf("title", hash_words(["elk"]))[0] == pytest.approx(
        np.log(1 + taken_for)
    )


def test_a_word_in_every_text_has_no_weight_though_their_number_is_taken_for_less() -> None:
    found = counted([work(k, "graph", "X Y") for k in "abcde"])
    assert found.compute_idf("title", hash_words(["graph"])).tolist() == [0]


def test_an_empty_corpus_has_empty_statistics() -> None:
    found = counted([])
    assert [len(found.counts[kind].keys) for kind in KINDS] == [0] * len(KINDS)
    assert set(found.texts.values()) == {0}
    assert len(found.edges.a) == 0
