"""Joining identities of different blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.clustering import cross_block
from disambig.clustering.constraints import Constraints, compile_constraints
from disambig.clustering.cross_block import (
    MAX_REPRESENTATIVES,
    IdentityMerger,
    Representatives,
    choose_representatives,
    join_must_groups,
    join_probable,
    renumber,
    score_candidates,
    sort_by_identity,
)
from disambig.corpus.corpus import Corpus
from disambig.domain import Author, Constraint, Work
from tests.support.constraint_cases import cannot, must
from tests.support.invented import indexed, model, work

ONE, OTHER = "0000-0002-1825-0097", "0000-0001-5109-3700"


def setting(works: list[Work], *constraints: Constraint) -> Constraints:
    return compile_constraints(Corpus.from_works(works), constraints)


def solo(identifiers: str) -> list[Work]:
    """One work with one author for each letter."""
    return [work(k, "T", "Ada Byron") for k in identifiers]


def held(works: list[Work], identity: list[int], *constraints: Constraint) -> list[int]:
    return join_must_groups(
        setting(works, *constraints), np.array(identity, dtype=np.int32)
    ).tolist()


@given(st.lists(st.integers(0, 5)))
def test_numbers_rise_with_first_appearance_and_keep_what_is_equal(labels: list[int]) -> None:
    found = renumber(np.array(labels, dtype=np.int64)).tolist()
    order = list(dict.fromkeys(labels))
    assert found == [order.index(label) for label in labels]


def test_members_are_listed_identity_by_identity() -> None:
    order, start = sort_by_identity(np.array([1, 0, 1], dtype=np.int32))
    assert order.tolist() == [1, 0, 2]
    assert start.tolist() == [0, 1, 3]


def test_a_large_identity_is_spoken_for_by_some_of_it_from_first_to_last() -> None:
    chosen = choose_representatives(1000).tolist()
    assert len(set(chosen)) == MAX_REPRESENTATIVES
    assert (chosen[0], chosen[-1]) == (0, 999)


@pytest.mark.parametrize("n", [1, 2, MAX_REPRESENTATIVES])
def test_a_small_identity_is_spoken_for_by_all_of_it(n: int) -> None:
    assert choose_representatives(n).tolist() == list(range(n))


def test_speakers_are_rows_of_the_identities_wanted_and_of_no_others() -> None:
    found = Representatives.select(np.array([2, 0, 2, 1, 0], dtype=np.int32), np.array([0, 2]))
    assert [found.get_rows(i).tolist() for i in range(3)] == [[1, 4], [], [0, 2]]


def test_a_must_link_joins_whole_identities() -> None:
    # a and b are one identity, c and d another
    assert held(solo("abcd"), [0, 0, 1, 1], must("a:0", "c:0")) == [0, 0, 0, 0]


def test_without_must_links_identities_stay() -> None:
    assert held(solo("abc"), [0, 1, 0]) == [0, 1, 0]


def test_a_cannot_link_between_followers_of_a_must_link_keeps_the_smaller_identity_behind() -> None:
    # {a, b, e} and {c, d}; a is c by decree, b and d are not: d stays behind
    links = (must("a:0", "c:0"), cannot("b:0", "d:0"))
    assert held(solo("abcde"), [0, 0, 1, 1, 0], *links) == [0, 0, 0, 1, 0]


def test_followers_of_a_must_link_that_share_a_work_stay_apart() -> None:
    # a is c by decree; "x" lists a follower of either
    works = [*solo("ac"), work("x", "T", "Ada Byron", "Ada Lovelace")]
    found = held(works, [0, 1, 0, 1], must("a:0", "c:0"))
    assert found[0] == found[1]
    assert found[2] != found[3]


def test_followers_of_a_must_link_with_different_orcids_stay_apart() -> None:
    works = [
        *solo("ac"),
        Work("x", "T", (Author("Ada Byron", orcid=ONE),)),
        Work("y", "T", (Author("Ada Byron", orcid=OTHER),)),
    ]
    found = held(works, [0, 1, 0, 1], must("a:0", "c:0"))
    assert found[0] == found[1]
    assert found[2] != found[3]


def joins(works: list[Work], *constraints: Constraint) -> IdentityMerger:
    compiled = setting(works, *constraints)
    return IdentityMerger(compiled, np.arange(len(compiled.must), dtype=np.int32))


def test_a_join_of_free_labels_is_done_once() -> None:
    free = joins(solo("abc"))
    assert free.join(0, 2)
    assert not free.join(2, 0)
    assert free.get_labels().tolist() == [0, 1, 0]


def test_a_cannot_link_bars_what_its_ends_have_been_joined_to() -> None:
    barred = joins(solo("abcd"), cannot("a:0", "b:0"))
    assert barred.join(0, 2)
    assert barred.join(1, 3)
    assert not barred.join(2, 3)


def test_labels_that_come_to_share_a_work_are_barred() -> None:
    barred = joins([*solo("ab"), work("x", "T", "Ada Byron", "Bo Li")])
    assert barred.join(0, 2)
    assert barred.join(1, 3)
    assert not barred.join(0, 1)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=6),
)
def test_no_order_of_joins_breaks_a_ban(
    wanted: list[tuple[int, int]], bans: list[tuple[int, int]]
) -> None:
    bans = [(a, b) for a, b in bans if a != b]
    statements = [cannot(f"{'abcdefgh'[a]}:0", f"{'abcdefgh'[b]}:0") for a, b in bans]
    some = joins(solo("abcdefgh"), *statements)
    for a, b in wanted:
        some.join(a, b)
    result = some.get_labels().tolist()
    assert all(result[a] != result[b] for a, b in bans)


def likely(
    block_of: list[int],
    scored: dict[tuple[int, int], float],
    *constraints: Constraint,
    works: list[Work] | None = None,
) -> list[int]:
    """Identities after joining those of ``solo``, an identity each, that are probable enough."""
    works = works or solo("abcdefgh"[: len(block_of)])
    chosen = replace(model(), settings={**model().settings, "across": 0.7})
    return join_probable(
        setting(works, *constraints),
        np.arange(len(block_of), dtype=np.int32),
        np.array(block_of),
        np.array(list(scored), dtype=np.int64).reshape(-1, 2),
        np.array(list(scored.values()), dtype=np.float32),
        chosen,
    ).tolist()


def test_identities_are_joined_from_the_probability_that_the_model_asks_for() -> None:
    assert likely([0, 1, 2], {(0, 1): 0.75, (1, 2): 0.65}) == [0, 0, 1]


def test_the_most_probable_join_with_a_block_goes_first_and_is_the_only_one() -> None:
    # a of block 0 may be b or c, both of block 1; and d of block 2
    scored = {(0, 1): 0.8, (0, 2): 0.9, (0, 3): 0.75}
    assert likely([0, 1, 1, 2], scored) == [0, 1, 0, 0]


def test_a_cannot_link_bars_a_probable_join() -> None:
    assert likely([0, 1], {(0, 1): 0.99}, cannot("a:0", "b:0")) == [0, 1]


def test_a_join_that_is_barred_leaves_the_place_to_the_next() -> None:
    scored = {(0, 1): 0.99, (0, 2): 0.8}
    assert likely([0, 1, 1], scored, cannot("a:0", "b:0")) == [0, 1, 0]


def test_no_candidates_join_nothing() -> None:
    assert likely([0, 1, 2], {}) == [0, 1, 2]


QUISTS = [
    work("a", "Speech recognition", "Wang Yi", "Otto Quist", "Ada Byron"),
    work("b", "Speech recognition", "Yi Wang", "Otto Quist", "Ada Byron"),
    work("c", "Speech recognition", "Daniel Xu", "Otto Quist", "Ada Byron"),
    work("d", "Speech recognition", "Daniel Moor", "Otto Quist", "Ada Byron"),
]


def scores(
    pairs: list[tuple[int, int]], *constraints: Constraint, works: list[Work] | None = None
) -> list[float]:
    """Of pairs of first authors of the works; every signature is an identity."""
    index = indexed(works or QUISTS, counted=("Daniel Xu",) * 9 + ("Yi Wang",))
    compiled = compile_constraints(index.corpus, constraints)
    identity = np.arange(index.corpus.n_signatures, dtype=np.int32)
    first = index.corpus.author_start[np.array(pairs)].astype(np.int64)
    return score_candidates(index, model(), compiled, identity, first).tolist()


def test_a_candidate_is_scored_the_same_alone_and_among_others() -> None:
    one, two = scores([(0, 1), (0, 2)])
    assert one > 0
    assert [scores([(0, 1)]), scores([(0, 2)])] == [[one], [two]]


def test_another_family_name_with_a_common_given_name_is_not_scored() -> None:
    assert scores([(2, 3), (0, 1)])[0] == 0


def test_a_forbidden_candidate_has_no_chance() -> None:
    free, barred = scores([(0, 1)]), scores([(0, 1)], cannot("a:0", "b:0"))
    assert (free[0] > 0, barred) == (True, [0])


@pytest.mark.parametrize(("other", "barred"), [(ONE, False), (OTHER, True)])
def test_candidates_with_different_orcids_have_no_chance(other: str, barred: bool) -> None:
    works = [
        replace(w, authors=(replace(w.authors[0], orcid=orcid), *w.authors[1:]))
        for w, orcid in zip(QUISTS, (ONE, other, None, None), strict=True)
    ]
    assert (scores([(0, 1)], works=works) == [0]) == barred


def test_batches_of_any_size_score_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(0, 1), (0, 2), (1, 2), (1, 3)]
    whole = scores(pairs)
    monkeypatch.setattr(cross_block, "PAIRS_AT_ONCE", 1)
    assert scores(pairs) == whole
