"""What the features read, derived from a corpus."""

from __future__ import annotations

import numpy as np
import pytest

from disambig.corpus.coauthors import MAX_AUTHORS
from disambig.corpus.index import CorpusIndex, list_coauthors
from disambig.corpus.sparse import SparseRows
from disambig.domain import Author, Work
from tests.support.invented import indexed, population, rows, work


def n_coauthors(index: CorpusIndex, signature: tuple[str, int]) -> int:
    return int(list_coauthors(index, rows(index, signature)).lengths[0])


def codes(index: CorpusIndex) -> dict[str, int]:
    return {n.printed: int(index.full[i]) for i, n in enumerate(index.corpus.names)}


def entry(index: CorpusIndex, one: str, other: str) -> float:
    row = index.graph.take(np.array([codes(index)[one]]))
    return float(row.value[row.column == codes(index)[other]].sum())


def test_a_signatures_coauthors_are_the_others_on_its_work() -> None:
    index = indexed([work("a", "T", "Ada Byron", "Bo Li", "Cy Ito"), work("b", "T", "Ada Byron")])
    assert [n_coauthors(index, s) for s in [("a", 0), ("a", 1), ("b", 0)]] == [2, 2, 0]


def test_a_name_printed_twice_on_a_work_is_one_coauthor() -> None:
    index = indexed([work("a", "T", "Ada Byron", "Bo Li", "Bo Li")])
    assert n_coauthors(index, ("a", 0)) == 1


def test_coauthors_by_initial_are_those_with_another_initial_or_family_name() -> None:
    index = indexed([work("a", "T", "Ada Byron", "Bo Li", "B. Li", "A. Byron")])
    team = list_coauthors(index, rows(index, ("a", 0)), initials=True)
    assert team.lengths.tolist() == [1]


def test_works_that_carry_a_key_are_counted_once_each() -> None:
    index = indexed([work("a", "T", "Bo Li", "Bo Li"), work("b", "T", "B. Li")])
    full = {n.printed: index.full_works[index.full[i]] for i, n in enumerate(index.corpus.names)}
    initial = index.initial_works[index.initial[0]]
    assert full == {"Bo Li": 1, "B. Li": 1}
    assert initial == 2


def test_codes_stand_for_the_keys_of_names_in_ascending_order() -> None:
    index = indexed([work("a", "T", "Ada Byron", "Bo Li", "B. Li")])
    for keys, code in ((index.full_keys, index.full), (index.initial_keys, index.initial)):
        assert sorted(set(keys.tolist())) == keys.tolist()
        assert code.max() < len(keys)
    assert index.initial[1] == index.initial[2]


def test_an_edge_of_the_graph_is_shared_works_per_team_damped_by_the_works_of_both() -> None:
    # Ada and Bo are on a (team of two: 1/1) and on b (team of three: 1/2), and on two works each:
    # 1.5 * (1/2 + 1/2). Ada and Cy: 1/2 * (1/2 + 1/1).
    index = indexed(
        [work("a", "T", "Ada Byron", "Bo Li"), work("b", "T", "Ada Byron", "Bo Li", "Cy Ito")]
    )
    assert entry(index, "Ada Byron", "Bo Li") == pytest.approx(1.5)
    assert entry(index, "Ada Byron", "Cy Ito") == pytest.approx(0.75)
    assert entry(index, "Bo Li", "Bo Li") == 0


def test_the_graph_is_symmetric_with_neighbours_in_ascending_order() -> None:
    graph = indexed(list(population(3)[0])).graph
    edges = dict(
        zip(
            zip(graph.get_entry_rows().tolist(), graph.column.tolist(), strict=True),
            graph.value.tolist(),
            strict=True,
        )
    )
    assert edges == {(b, a): value for (a, b), value in edges.items()}
    assert list(edges) == sorted(edges)


def crowd(size: int) -> Work:
    return Work(
        "a", "T", tuple(Author(f"{chr(97 + k % 26)}{'o' * (k // 26)}x Ba") for k in range(size))
    )


def test_a_work_of_too_many_authors_says_nothing_about_who_works_with_whom() -> None:
    allowed, crowded = indexed([crowd(MAX_AUTHORS)]), indexed([crowd(MAX_AUTHORS + 1)])
    assert n_coauthors(allowed, ("a", 0)) == MAX_AUTHORS - 1
    assert n_coauthors(crowded, ("a", 0)) == 0
    assert len(crowded.graph.value) == 0


def test_ten_thousand_authors_of_a_work_cost_no_pairs_of_them() -> None:
    index = indexed([crowd(10_000)])
    assert len(index.author_initials.value) == len(index.graph.value) == 0


def test_names_without_letters_are_nobodys_coauthor() -> None:
    index = indexed([work("a", "T", "Ada Byron", "???"), work("b", "T", "Bo Li", "***")])
    found = {s: n_coauthors(index, s) for s in [("a", 0), ("a", 1), ("b", 0), ("b", 1)]}
    # of the two nameless: Ada, Bo
    assert found == {("a", 0): 0, ("a", 1): 1, ("b", 0): 0, ("b", 1): 1}


def test_editions_of_a_series_are_one_venue() -> None:
    index = indexed(
        [
            work("a", "T", "X Y", venue="Proc. of the 12th ICML, 1995"),
            work("b", "T", "X Y", venue="proc of the ICML"),
            work("c", "T", "X Y", venue="VLDB"),
            work("d", "T", "X Y"),
        ]
    )
    assert index.venue[0] == index.venue[1] != index.venue[2]
    assert index.venue[3] == -1
    assert index.venue_works[index.venue[0]] == 2


def test_the_rarity_of_a_word_is_the_log_of_texts_per_text_with_it() -> None:
    index = indexed([work("a", "graph zebra", "X Y"), work("b", "graph", "X Y")])
    zebra_and_graph = np.sort(index.title_idf[index.title.take(np.array([0])).column])
    # graph is in 2 of 2: log(3 / 3); zebra in 1 of 2: log(3 / 2)
    assert zebra_and_graph.tolist() == pytest.approx([0, np.log(1.5)])


def test_texts_are_unit_rows_of_damped_counts_times_rarity() -> None:
    index = indexed([work("a", "elk zebra zebra", "X Y"), work("b", "graph", "X Y")])
    # elk once, zebra twice, both in one of two titles
    raw = np.array([1, 1 + np.log(2)]) * np.log(1.5)
    row = index.title.take(np.array([0]))
    assert np.sort(row.value).tolist() == pytest.approx((raw / np.linalg.norm(raw)).tolist())


def weights(index: CorpusIndex) -> list[float]:
    """Of the words of the first work's title."""
    return sorted(index.title_idf[index.title.take(np.array([0])).column].tolist())


def test_an_unrelated_work_does_not_move_the_rarity_of_other_words() -> None:
    works = [work(f"{k:03}", "graph" if k % 2 else "graph zebra", "X Y") for k in range(100)]
    before = weights(indexed(works))
    assert weights(indexed([*works, work("new", "zzpottery", "Q Z")])) == before


def test_a_word_in_every_text_has_no_weight_whatever_their_number() -> None:
    # five texts are taken for four
    assert weights(indexed([work(k, "graph", "X Y") for k in "abcde"])) == [0]


def test_a_text_without_known_words_has_no_meaning() -> None:
    index = indexed([work("a", "xqzzt", "X Y"), work("b", "speech recognition", "X Y")])
    assert np.isnan(index.meaning).all(axis=1).tolist() == [True, False]


def test_an_empty_corpus_has_empty_arrays() -> None:
    index = indexed([])
    assert [len(x) for x in (index.authors, index.graph, index.title, index.meaning)] == [
        0,
        0,
        0,
        0,
    ]


def test_an_index_does_not_depend_on_the_order_of_works() -> None:
    works = [
        work("b", "speech graph", "Bo Li", "Ada Byron", venue="VLDB"),
        work("a", "graph zebra", "Ada Byron", "Cy Ito", venue="ICML"),
    ]
    one, other = indexed(works), indexed(works[::-1])
    for name in ("authors", "author_initials", "graph", "title", "text"):
        first, second = getattr(one, name), getattr(other, name)
        assert isinstance(first, SparseRows)
        assert first.start.tolist() == second.start.tolist()
        assert first.column.tolist() == second.column.tolist()
        assert first.value.tolist() == second.value.tolist()
    assert one.venue.tolist() == other.venue.tolist()
