"""Matrices derived from a corpus."""

from __future__ import annotations

import numpy as np
import pytest
from invented import indexed, rows, work

from disambig.domain import Author, Work
from disambig.index import MAX_TEAM, CorpusIndex, full_key, initial_key
from disambig.names import parse_name


def coauthors_of(index: CorpusIndex, signature: tuple[str, int]) -> int:
    row = rows(index, signature)
    return int(index.coauthors[row].sum())


def entry(index: CorpusIndex, one: str, other: str) -> float:
    code = {n.printed: int(index.full[i]) for i, n in enumerate(index.corpus.names)}
    return float(index.graph[code[one], code[other]])


def test_keys_are_the_whole_name_and_the_initial() -> None:
    name = parse_name("Wei-Nan van den Berg")
    assert full_key(name) == "weinan|vandenberg"
    assert initial_key(name) == "w|vandenberg"


def test_a_signatures_coauthors_are_the_others_on_its_work() -> None:
    index = indexed([work("a", "T", "Ada Byron", "Bo Li", "Cy Ito"), work("b", "T", "Ada Byron")])
    assert [coauthors_of(index, s) for s in [("a", 0), ("a", 1), ("b", 0)]] == [2, 2, 0]


def test_a_name_printed_twice_on_a_work_is_one_coauthor() -> None:
    index = indexed([work("a", "T", "Ada Byron", "Bo Li", "Bo Li")])
    assert coauthors_of(index, ("a", 0)) == 1


def test_works_that_carry_a_key_are_counted_once_each() -> None:
    index = indexed([work("a", "T", "Bo Li", "Bo Li"), work("b", "T", "B. Li")])
    full = {n.printed: index.full_works[index.full[i]] for i, n in enumerate(index.corpus.names)}
    initial = index.initial_works[index.initial[0]]
    assert full == {"Bo Li": 1, "B. Li": 1}
    assert initial == 2


def test_an_edge_of_the_graph_is_shared_works_per_team_and_works() -> None:
    # Ada is on a and b. With Bo on a (team of two: 1/1) and on b (team of three: 1/2), so
    # 1.5 over Ada's two works; from Cy's side 1/2 over one work.
    index = indexed([work("a", "T", "Ada Byron", "Bo Li"),
                     work("b", "T", "Ada Byron", "Bo Li", "Cy Ito")])  # fmt: skip
    assert entry(index, "Ada Byron", "Bo Li") == pytest.approx(0.75)
    assert entry(index, "Cy Ito", "Ada Byron") == pytest.approx(0.5)
    assert entry(index, "Ada Byron", "Cy Ito") == pytest.approx(0.25)
    assert entry(index, "Bo Li", "Bo Li") == 0


def crowd(size: int) -> Work:
    return Work(
        "a", "T", tuple(Author(f"{chr(97 + k % 26)}{'o' * (k // 26)}x Ba") for k in range(size))
    )


def test_a_work_of_too_many_authors_says_nothing_about_who_works_with_whom() -> None:
    allowed, crowded = indexed([crowd(MAX_TEAM)]), indexed([crowd(MAX_TEAM + 1)])
    assert coauthors_of(allowed, ("a", 0)) == MAX_TEAM - 1
    assert coauthors_of(crowded, ("a", 0)) == 0
    assert crowded.graph.nnz == 0


def test_ten_thousand_authors_of_a_work_cost_no_pairs_of_them() -> None:
    assert indexed([crowd(10_000)]).coauthor_initials.nnz == 0


def test_names_without_letters_are_nobodys_coauthor() -> None:
    index = indexed([work("a", "T", "Ada Byron", "???"), work("b", "T", "Bo Li", "***")])
    assert index.coauthors.nnz == 2  # of the two nameless: Ada, Bo
    assert coauthors_of(index, ("a", 0)) == 0


def test_editions_of_a_series_are_one_venue() -> None:
    index = indexed([work("a", "T", "X Y", venue="Proc. of the 12th ICML, 1995"),
                     work("b", "T", "X Y", venue="proc of the ICML"),
                     work("c", "T", "X Y", venue="VLDB"), work("d", "T", "X Y")])  # fmt: skip
    assert index.venue[0] == index.venue[1] != index.venue[2]
    assert index.venue[3] == -1
    assert index.venue_works[index.venue[0]] == 2


def test_the_rarity_of_a_word_is_the_log_of_texts_per_text_with_it() -> None:
    index = indexed([work("a", "graph zebra", "X Y"), work("b", "graph", "X Y")])
    # graph is in 2 of 2: log(3 / 3); zebra in 1 of 2: log(3 / 2)
    assert index.title_idf.tolist() == pytest.approx([0, np.log(1.5)])


def test_an_unrelated_work_does_not_move_the_rarity_of_other_words() -> None:
    works = [work(f"{k:03}", "graph zebra" if k % 2 else "graph", "X Y") for k in range(100)]
    before = indexed(works).title_idf.tolist()
    after = indexed([*works, work("new", "zzpottery", "Q Z")]).title_idf.tolist()
    assert after[:2] == before


def test_a_word_in_every_text_has_no_weight_whatever_their_number() -> None:
    # five texts are taken for four
    assert indexed([work(k, "graph", "X Y") for k in "abcde"]).title_idf.tolist() == [0]


def test_a_text_without_known_words_has_no_meaning() -> None:
    index = indexed([work("a", "xqzzt", "X Y"), work("b", "speech recognition", "X Y")])
    assert np.isnan(index.meaning).all(axis=1).tolist() == [True, False]


def test_an_empty_corpus_has_empty_matrices() -> None:
    index = indexed([])
    assert index.coauthors.shape == (0, 0)
    assert index.title.shape[0] == index.meaning.shape[0] == 0


def test_an_index_does_not_depend_on_the_order_of_works() -> None:
    works = [work("b", "speech graph", "Bo Li", "Ada Byron", venue="VLDB"),
             work("a", "graph zebra", "Ada Byron", "Cy Ito", venue="ICML")]  # fmt: skip
    one, other = indexed(works), indexed(works[::-1])
    for name in ("coauthors", "coauthor_initials", "graph", "title", "text"):
        first, second = getattr(one, name), getattr(other, name)
        assert np.array_equal(first.toarray(), second.toarray())
        assert np.array_equal(first.indices, second.indices)
    assert one.venue.tolist() == other.venue.tolist()
