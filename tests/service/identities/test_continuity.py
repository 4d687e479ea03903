"""Clusters continue identities such that the fewest mentions change id."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.identities import continuity
from service.identities.continuity import match_identities


def matched(
    identity: list[int], cluster: list[int], confirmed: list[int] | None = None
) -> dict[int, int]:
    """The matching of these mentions; ``confirmed`` are positions."""
    sure = np.zeros(len(identity), dtype=bool)
    sure[confirmed or []] = True
    return match_identities(
        np.array(identity, dtype=np.int64), np.array(cluster, dtype=np.int64), confirmed=sure
    )


def test_what_stays_as_it_was_keeps_its_id() -> None:
    assert matched([5, 5, 9], [1, 1, 0]) == {1: 5, 0: 9}


def test_a_merge_keeps_the_id_with_more_mentions() -> None:
    assert matched([5, 9, 9], [0, 0, 0]) == {0: 9}


def test_a_merge_of_equals_keeps_the_older_id() -> None:
    assert matched([9, 9, 5, 5], [0, 0, 0, 0]) == {0: 5}


def test_a_merge_keeps_the_id_with_a_confirmed_mention_though_it_is_smaller() -> None:
    assert matched([5, 9, 9, 9], [0, 0, 0, 0], confirmed=[0]) == {0: 5}


def test_a_split_keeps_the_id_with_the_largest_part() -> None:
    assert matched([5, 5, 5], [0, 1, 1]) == {1: 5}


def test_a_split_of_equal_parts_keeps_the_id_with_the_first() -> None:
    assert matched([5, 5, 5, 5], [1, 1, 0, 0]) == {0: 5}


def test_a_split_keeps_the_id_with_the_part_that_was_confirmed() -> None:
    assert matched([5, 5, 5], [0, 1, 1], confirmed=[0]) == {0: 5}


def test_an_identity_gives_way_where_that_keeps_more_mentions_in_all() -> None:
    # 5 shares 3 with cluster 0 and 2 with cluster 1, 9 shares 2 with cluster 0 and nothing else:
    # 5 → 0 keeps 3, 5 → 1 and 9 → 0 keep 4
    assert matched([5, 5, 5, 5, 5, 9, 9], [0, 0, 0, 1, 1, 0, 0]) == {1: 5, 0: 9}


def test_mentions_of_no_identity_or_no_cluster_do_not_count() -> None:
    assert matched([-1, -1, 5, 5], [0, 0, 0, -1]) == {0: 5}
    assert matched([-1, -1], [0, 1]) == {}
    assert matched([], []) == {}


def test_the_size_of_an_identity_beyond_these_mentions_breaks_ties() -> None:
    identity, cluster = np.array([5, 9]), np.array([0, 0])
    sizes = (np.array([5, 9]), np.array([1, 7]))
    assert match_identities(identity, cluster, mentions=sizes) == {0: 9}


Mentions = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=1, max_size=24
)


def _value(pairs: dict[int, int], rows: list[tuple[int, int, bool]]) -> tuple[int, int, int]:
    """Confirmed mentions kept, mentions kept, and how established the identities are."""
    kept = [(i, c, sure) for i, c, sure in rows if pairs.get(c) == i]
    size = {i: sum(r[0] == i for r in rows) for i, _, _ in rows}
    order = sorted(size, key=lambda i: (size[i], -i))
    ranks = {i: k + 1 for k, i in enumerate(order)}
    return sum(sure for *_, sure in kept), len(kept), sum(ranks[i] for i in pairs.values())


def _best(rows: list[tuple[int, int, bool]]) -> tuple[int, int, int]:
    """Value of the best of all matchings along shared mentions."""
    identities = sorted({i for i, _, _ in rows})
    clusters = sorted({c for _, c, _ in rows})
    shared = {(i, c) for i, c, _ in rows}
    options = [*clusters, *([None] * len(identities))]
    best = (0, 0, 0)
    for chosen in set(itertools.permutations(options, len(identities))):
        pairs = {c: i for i, c in zip(identities, chosen, strict=True) if c is not None}
        if all((i, c) in shared for c, i in pairs.items()):
            best = max(best, _value(pairs, rows))
    return best


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), min_size=1, max_size=20
    )
)
def test_no_matching_is_better_in_the_order_of_the_aims(rows: list[tuple[int, int, bool]]) -> None:
    pairs = match_identities(
        np.array([r[0] for r in rows]),
        np.array([r[1] for r in rows]),
        confirmed=np.array([r[2] for r in rows]),
    )
    assert len(set(pairs.values())) == len(pairs)
    # the ranks are those of one component, so only the first two aims add up over components
    assert _value(pairs, rows)[:2] == _best(rows)[:2]


def test_six_by_six_is_matched_as_well_as_by_trying_everything() -> None:
    rng = np.random.default_rng(3)
    for _ in range(40):
        table = rng.integers(0, 4, (6, 6))
        sure = np.minimum(table, rng.integers(0, 2, (6, 6)))
        rows = [
            (i, c, k < sure[i, c]) for i in range(6) for c in range(6) for k in range(table[i, c])
        ]
        pairs = match_identities(
            *(np.array([r[k] for r in rows]) for k in (0, 1)),
            confirmed=np.array([r[2] for r in rows]),
        )
        best = max(
            (sum(sure[i, p[i]] for i in range(6)), sum(table[i, p[i]] for i in range(6)))
            for p in itertools.permutations(range(6))
        )
        assert _value(pairs, rows)[:2] == best


@settings(max_examples=50, deadline=None)
@given(Mentions, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[tuple[int, int, bool]], random) -> None:
    def of(some: list[tuple[int, int, bool]]) -> dict[int, int]:
        columns = [np.array(column) for column in zip(*some, strict=True)]
        return match_identities(columns[0], columns[1], confirmed=columns[2])

    mixed = list(rows)
    random.shuffle(mixed)
    assert of(mixed) == of(rows)


@settings(max_examples=50, deadline=None)
@given(Mentions)
def test_tables_and_sparse_rows_give_matchings_of_one_value(
    rows: list[tuple[int, int, bool]],
) -> None:
    identity, cluster, sure = (np.array(column) for column in zip(*rows, strict=True))
    tables = match_identities(identity, cluster, confirmed=sure)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(continuity, "MAX_DENSE_CELLS", 0)
        sparse = match_identities(identity, cluster, confirmed=sure)
    assert _value(sparse, rows) == _value(tables, rows)


def test_a_level_is_left_out_before_weights_become_inexact() -> None:
    huge = np.array([10**6, 1]), np.array([10**6, 10**6])
    rank = np.arange(1, 3)
    weights = continuity._combine_weights(*huge, rank, 2)
    assert (weights < 2**53).all()
    assert weights[0] > weights[1]
