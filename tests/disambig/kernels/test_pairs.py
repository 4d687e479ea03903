"""Compiled loops over pairs, against plain loops over the same arrays."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.arrays import Float32, Int32, Int64
from disambig.corpus.sparse import SparseRows
from disambig.kernels.groups import (
    aggregate_cross_scores,
    compute_bounds,
    compute_leads,
    compute_spans,
    find_crossing_pairs,
    find_distinct,
    list_name_pairs,
)
from disambig.kernels.pairs import (
    compute_cosines,
    compute_dots,
    compute_overlaps,
    expand_class_pairs,
    sum_paths,
    sum_rows,
    sum_vectors,
)
from disambig.kernels.vectors import LANES

SEED = st.integers(0, 2**32 - 1)


def rows_of(table: Float32) -> SparseRows:
    """Every entry of a table that is not 0."""
    row, column = np.nonzero(table)
    start = np.searchsorted(row, np.arange(len(table) + 1))
    return SparseRows(start, column.astype(np.int32), table[row, column])


def all_pairs(n: int) -> tuple[Int32, Int32]:
    """Each row with each, itself too."""
    left, right = np.divmod(np.arange(n * n, dtype=np.int32), max(n, 1))
    return left.astype(np.int32), right.astype(np.int32)


def table(rng: np.random.Generator, n: int, width: int) -> Float32:
    """Rows of which some are empty and none shares all with another."""
    found = rng.uniform(0.1, 2, (n, width)) * (rng.random((n, width)) < 0.4)
    found[rng.random(n) < 0.2] = 0
    return found.astype(np.float32)


@settings(deadline=None)
@given(SEED)
def test_classes_expand_to_the_pairs_of_their_members(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, low = int(rng.integers(1, 12)), int(rng.integers(0, 5))
    label = np.unique(rng.integers(0, 4, n), return_inverse=True)[1]
    classes = [np.flatnonzero(label == c) + low for c in range(label.max() + 1)]
    start = np.cumsum([0, *map(len, classes)])
    member = np.concatenate(classes).astype(np.int32)
    chosen = [
        (a, b) for a in range(len(classes)) for b in range(a, len(classes)) if rng.random() < 0.7
    ]
    expected = sorted(
        (min(i, j), max(i, j), q)
        for q, (a, b) in enumerate(chosen)
        for i, j in (
            combinations((classes[a] - low).tolist(), 2)
            if a == b
            else [(i, j) for i in (classes[a] - low).tolist() for j in (classes[b] - low).tolist()]
        )
    )
    ends = np.array(chosen, dtype=np.int32).reshape(-1, 2)
    found = expand_class_pairs(
        ends[:, 0].copy(), ends[:, 1].copy(), start, member, low, n, len(expected)
    )
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected


@settings(deadline=None)
@given(SEED)
def test_what_two_rows_share_is_summed_over_their_common_columns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dense, weight = table(rng, 7, 6), rng.uniform(0, 3, 6).astype(np.float32)
    rows = rows_of(dense)
    left, right = all_pairs(7)
    found = compute_overlaps(rows.start, rows.column, rows.value, weight, left, right)
    for p, (a, b) in enumerate(zip(dense[left], dense[right], strict=True)):
        both = (a > 0) & (b > 0)
        w, u, v = weight[both].astype(float), a[both].astype(float), b[both].astype(float)
        expected = [
            both.sum(),
            w.sum(),
            w.max(initial=0),
            (u * v).sum(),
            (w * np.minimum(u, v)).sum(),
            u.sum(),
            v.sum(),
            np.minimum(u, v).sum(),
        ]
        assert found[:, p].tolist() == pytest.approx(expected, rel=1e-5)


def test_rows_without_a_common_column_share_nothing() -> None:
    rows = rows_of(np.array([[1, 0], [0, 1], [0, 0]], dtype=np.float32))
    left, right = all_pairs(3)
    apart = left != right
    found = compute_overlaps(
        rows.start, rows.column, rows.value, np.ones(2, np.float32), left[apart], right[apart]
    )
    assert not found.any()


@settings(deadline=None)
@given(SEED, st.sampled_from([LANES, 4 * LANES]))
def test_a_cosine_is_the_product_of_two_rows_and_missing_where_one_is(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(6, d)).astype(np.float32)
    vectors[rng.random(6) < 0.3] = np.nan
    left, right = all_pairs(6)
    expected = [float(vectors[i] @ vectors[j]) for i, j in zip(left, right, strict=True)]
    found = compute_cosines(vectors, left, right)
    assert found.tolist() == pytest.approx(expected, abs=1e-4, nan_ok=True)


def test_a_cosine_is_the_same_to_the_bit_from_either_side_and_among_other_pairs() -> None:
    vectors = np.random.default_rng(0).normal(size=(20, 64)).astype(np.float32)
    left, right = all_pairs(20)
    found = compute_cosines(vectors, left, right)
    assert found.tolist() == compute_cosines(vectors, right, left).tolist()
    assert found[7:8].tolist() == compute_cosines(vectors, left[7:8], right[7:8]).tolist()


@settings(deadline=None)
@given(SEED)
def test_paths_sum_the_edges_from_every_node_of_one_row_to_every_node_of_the_other(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    nodes, edges = table(rng, 6, 9), table(rng, 9, 9)
    rows, graph = rows_of(nodes), rows_of(edges)
    left, right = all_pairs(6)
    found = sum_paths(rows.start, rows.column, graph.start, graph.column, graph.value, left, right)
    held = (nodes > 0).astype(float)
    expected = [held[i] @ edges @ held[j] for i, j in zip(left, right, strict=True)]
    assert found.tolist() == pytest.approx(expected, rel=1e-5, abs=1e-6)


@settings(deadline=None)
@given(SEED)
def test_pairs_between_groups_come_to_what_their_table_of_scores_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, 9)
    tables = []
    left, right, scores, weights, start = [], [], [], [], [0]
    weight_tables = []
    for a, b in combinations(range(4), 2):
        own, other = np.flatnonzero(group == a), np.flatnonzero(group == b)
        score = np.full((len(own), len(other)), -1.0, dtype=np.float32)
        weight = np.zeros((len(own), len(other)), dtype=np.float32)
        for x, i in enumerate(own.tolist()):
            for y, j in enumerate(other.tolist()):
                if rng.random() < 0.6:
                    score[x, y] = rng.choice([0.0, 1.0, rng.random()])
                    left.append(i)
                    right.append(j)
                    scores.append(score[x, y])
                    weight[x, y] = rng.integers(1, 5)
                    weights.append(weight[x, y])
        if (score >= 0).any():
            tables.append(score)
            weight_tables.append(weight)
            start.append(len(scores))
    found = aggregate_cross_scores(
        np.array(start, dtype=np.int64),
        np.array(left, dtype=np.int32),
        np.array(right, dtype=np.int32),
        np.array(scores, dtype=np.float32),
        np.array(weights, dtype=np.float32),
        9,
    )
    assert found.shape == (10, len(tables))
    for k, (score, weight) in enumerate(zip(tables, weight_tables, strict=True)):
        listed = score[score >= 0].astype(float)
        of_listed = weight[score >= 0]
        bounded = np.clip(listed, 1e-4, 1 - 1e-4)
        best = np.maximum(score, 0).astype(float)
        expected = [
            (of_listed * listed).sum(),
            (of_listed * np.log(bounded / (1 - bounded))).sum(),
            listed.max(),
            listed.min(),
            of_listed[listed > 0.5].sum(),
            best.max(axis=1).sum(),
            best.max(axis=0).sum(),
            of_listed.sum(),
            (score >= 0).any(axis=1).sum(),
            (score >= 0).any(axis=0).sum(),
        ]
        assert found[:, k].tolist() == pytest.approx(expected, rel=1e-5, abs=1e-5)


def grouped(rng: np.random.Generator, n: int) -> tuple[list[Int64], Int64, Int64]:
    """Rows of five groups, of which some are empty; all of them, and where each group starts."""
    groups = [rng.choice(n, rng.integers(0, 4), replace=False) for _ in range(5)]
    return groups, np.concatenate(groups).astype(np.int64), np.cumsum([0, *map(len, groups)])


@settings(deadline=None)
@given(SEED)
def test_rows_of_each_group_are_summed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dense = table(rng, 8, 6)
    groups, member, first = grouped(rng, 8)
    rows = rows_of(dense)
    start, column, value = sum_rows(rows.start, rows.column, rows.value, member, first, 6)
    for g, group in enumerate(groups):
        expected = dense[group].sum(axis=0)
        own = slice(start[g], start[g + 1])
        assert column[own].tolist() == np.flatnonzero(expected).tolist()
        assert value[own].tolist() == pytest.approx(expected[expected > 0].tolist(), rel=1e-6)


@settings(deadline=None)
@given(SEED)
def test_known_vectors_of_each_group_are_summed_and_counted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(8, 3)).astype(np.float32)
    vectors[rng.random(8) < 0.3] = np.nan
    groups, member, first = grouped(rng, 8)
    total, count = sum_vectors(vectors, member, first)
    for g, group in enumerate(groups):
        known = [row for row in group if not np.isnan(vectors[row, 0])]
        assert count[g] == len(known)
        assert total[g].tolist() == pytest.approx(vectors[known].sum(axis=0).tolist(), abs=1e-5)


@settings(deadline=None)
@given(SEED)
def test_each_row_is_multiplied_with_the_one_chosen_for_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, others = rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(4, 3))
    vectors[rng.random(8) < 0.3] = np.nan
    which = rng.integers(0, 4, 8).astype(np.int32)
    expected = (vectors * others[which]).sum(axis=1)
    assert compute_dots(vectors, others, which).tolist() == pytest.approx(
        expected.tolist(), nan_ok=True
    )


@settings(deadline=None)
@given(SEED)
def test_the_span_of_a_group_is_from_its_least_known_value_to_its_greatest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(8) < 0.4, np.nan, rng.integers(-3, 3, 8)).astype(np.float32)
    groups, member, first = grouped(rng, 8)
    found = compute_spans(values, member, first)
    for g, group in enumerate(groups):
        known = [v for v in values[group].tolist() if not np.isnan(v)] or [np.nan]
        ends = found[0][g], found[1][g]
        assert ends == pytest.approx((min(known), max(known)), nan_ok=True)


def test_no_pairs_have_no_scores() -> None:
    none = np.empty(0, dtype=np.int32)
    rows = rows_of(np.zeros((2, 3), dtype=np.float32))
    graph = rows_of(np.zeros((3, 3), dtype=np.float32))
    weight = np.ones(3, dtype=np.float32)
    assert compute_overlaps(rows.start, rows.column, rows.value, weight, none, none).shape == (8, 0)
    assert compute_cosines(np.zeros((0, LANES), np.float32), none, none).shape == (0,)
    found = sum_paths(rows.start, rows.column, graph.start, graph.column, graph.value, none, none)
    assert found.shape == (0,)
    nothing = np.zeros(1, dtype=np.int64)
    empty = none.astype(np.float32)
    assert aggregate_cross_scores(nothing, none, none, empty, empty, 0).shape == (10, 0)


@settings(deadline=None)
@given(SEED)
def test_pairs_of_rows_are_sorted_by_the_groups_they_lie_in(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group, live = rng.integers(0, 4, 9).astype(np.int32), rng.random(9) < 0.7
    left, right = all_pairs(9)
    expected: dict[tuple[int, int], list[int]] = {}
    for p, (i, j) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if group[i] != group[j] and live[i]:
            ends = sorted((int(group[i]), int(group[j])))
            expected.setdefault((ends[0], ends[1]), []).append(p)
    low, high, cross, start = find_crossing_pairs(group, left, right, live, 4)
    assert list(zip(low.tolist(), high.tolist(), strict=True)) == sorted(expected)
    runs = [cross[a:b].tolist() for a, b in pairwise(start.tolist())]
    assert runs == [expected[ends] for ends in sorted(expected)]


@settings(deadline=None)
@given(SEED)
def test_bounds_are_the_least_and_greatest_known_value_of_each_run(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(8) < 0.4, np.nan, rng.integers(-3, 3, 8)).astype(np.float32)
    runs, entry, start = grouped(rng, 8)
    found = compute_bounds(values, entry, start)
    for k, run in enumerate(runs):
        known = [v for v in values[run].tolist() if not np.isnan(v)] or [np.nan]
        ends = found[0][k], found[1][k]
        assert ends == pytest.approx((min(known), max(known)), nan_ok=True)


@settings(deadline=None)
@given(SEED)
def test_a_lead_is_over_the_best_other_pair_of_either_group(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ends = [pair for pair in combinations(range(5), 2) if rng.random() < 0.6]
    left, right = np.array(ends, dtype=np.int32).reshape(-1, 2).T
    value = rng.choice([0.0, 0.5, 1.0, rng.random()], len(ends))

    def rival(k: int, group: int) -> float:
        of_group = [v for v, pair in zip(value.tolist(), ends, strict=True) if group in pair]
        best = max(of_group)
        return best if value[k] < best else max((v for v in of_group if v < best), default=0.0)

    low, high = compute_leads(np.ascontiguousarray(left), np.ascontiguousarray(right), value, 5)
    for k, (a, b) in enumerate(ends):
        rivals = sorted((rival(k, a), rival(k, b)))
        assert (low[k], high[k]) == (value[k] - rivals[1], value[k] - rivals[0])


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**62) | st.integers(0, 3)))
def test_distinct_keys_stand_in_order_of_appearance(keys: list[int]) -> None:
    found, place = find_distinct(np.array(keys, dtype=np.int64))
    assert found.tolist() == list(dict.fromkeys(keys))
    assert found[place].tolist() == keys


@settings(deadline=None)
@given(SEED)
def test_each_name_of_one_set_meets_each_of_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sets, name, start = grouped(rng, 8)
    left, right = all_pairs(5)
    key, between = list_name_pairs(start, name, left, right, 10)
    for k, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        expected = [min(x, y) * 10 + max(x, y) for x in sets[a] for y in sets[b]]
        assert key[between[k] : between[k + 1]].tolist() == expected
