"""Average linkage: hand-worked cases, scipy and a plain loop as oracles, properties."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from disambig.errors import ConstraintError
from disambig.linkage import average_linkage
from disambig.pairs import PairBatch

Array = npt.NDArray[np.float32]

seeds = st.integers(0, 2**32 - 1)


def one_block(n: int) -> PairBatch:
    return PairBatch.of([np.arange(n, dtype=np.int32)])


def batch_of(*sizes: int) -> PairBatch:
    return PairBatch.of([np.arange(n, dtype=np.int32) for n in sizes])


def similarities(values: list[float]) -> Array:
    return np.array(values, dtype=np.float32)


def pairs(*found: tuple[int, int]) -> npt.NDArray[np.int32]:
    return np.array(found, dtype=np.int32).reshape(-1, 2)


def renumbered(labels: npt.NDArray[np.integer]) -> list[int]:
    """Labels counted from 0 in order of first appearance."""
    seen: dict[int, int] = {}
    return [seen.setdefault(x, len(seen)) for x in labels.tolist()]


def by_hand(
    n: int,
    similarity: Array,
    threshold: float,
    weight: list[int],
    cannot: set[tuple[int, int]],
    must: list[int],
) -> list[int]:
    """The definition, as a loop over clusters: merge the most similar permitted pair."""
    at = dict(zip(combinations(range(n), 2), similarity.astype(float).tolist(), strict=True))
    starts: dict[int, set[int]] = {}
    for i in range(n):
        starts.setdefault(must[i] if must[i] >= 0 else -1 - i, set()).add(i)
    clusters = sorted(starts.values(), key=min)

    def average(a: set[int], b: set[int]) -> float:
        cross = [(min(i, j), max(i, j)) for i in a for j in b]
        if any(p in cannot for p in cross):
            return -np.inf
        mass = [weight[i] * weight[j] for i, j in cross]
        return float(np.average([at[p] for p in cross], weights=mass))

    while len(clusters) > 1:
        best, a, b = max(
            ((average(a, b), a, b) for a, b in combinations(clusters, 2)), key=lambda x: x[0]
        )
        if best < threshold:
            break
        clusters = sorted([c for c in clusters if c is not a and c is not b] + [a | b], key=min)
    return [next(k for k, c in enumerate(clusters) if i in c) for i in range(n)]


def test_no_rows_give_no_labels() -> None:
    labels = average_linkage(PairBatch.of([]), similarities([]), 0.5)
    assert labels.dtype == np.int32
    assert labels.tolist() == []


def test_rows_without_a_likely_partner_stay_alone() -> None:
    assert average_linkage(batch_of(1, 2), similarities([0.4]), 0.5).tolist() == [0, 1, 2]


def test_a_similarity_at_the_threshold_joins() -> None:
    assert average_linkage(one_block(2), similarities([0.7]), 0.7).tolist() == [0, 0]


def test_a_chain_is_cut_where_the_average_falls_below_the_threshold() -> None:
    # 0-1 .9 joins first; {0,1}-2 is then (.1 + .8) / 2 = .45
    similarity = similarities([0.9, 0.1, 0.8])
    assert average_linkage(one_block(3), similarity, 0.5).tolist() == [0, 0, 1]


def test_an_average_at_the_threshold_joins() -> None:
    # 0-1 .875 joins first; {0,1}-2 is then (.25 + .75) / 2 = .5 exactly
    similarity = similarities([0.875, 0.25, 0.75])
    assert average_linkage(one_block(3), similarity, 0.5).tolist() == [0, 0, 0]


def test_heavy_rows_count_for_more_in_an_average() -> None:
    # {0,1}-2 is (3 * .1 + 1 * .8) / 4 = .275 or, the other way round, (.1 + 3 * .8) / 4 = .625
    similarity = similarities([0.9, 0.1, 0.8])
    heavy_first = np.array([3, 1, 1], dtype=np.float32)
    heavy_second = np.array([1, 3, 1], dtype=np.float32)
    first = average_linkage(one_block(3), similarity, 0.5, weight=heavy_first)
    second = average_linkage(one_block(3), similarity, 0.5, weight=heavy_second)
    assert (first.tolist(), second.tolist()) == ([0, 0, 1], [0, 0, 0])


def test_cannot_keeps_the_most_similar_rows_apart() -> None:
    found = average_linkage(one_block(2), similarities([1.0]), 0.5, cannot=pairs((0, 1)))
    assert found.tolist() == [0, 1]


def test_cannot_holds_for_clusters_its_rows_have_joined() -> None:
    # 1-2 .95 joins; 0 cannot be 2, so 0 stays out although 0-1 is .9
    similarity = similarities([0.9, 0.9, 0.95])
    found = average_linkage(one_block(3), similarity, 0.5, cannot=pairs((2, 0)))
    assert found.tolist() == [0, 1, 1]


def test_cannot_across_blocks_changes_nothing() -> None:
    found = average_linkage(
        batch_of(2, 2), similarities([0.9, 0.9]), 0.5, cannot=pairs((0, 2), (3, 1))
    )
    assert found.tolist() == [0, 0, 1, 1]


def test_must_joins_the_least_similar_rows() -> None:
    must = np.array([7, -1, 7], dtype=np.int32)
    found = average_linkage(one_block(3), similarities([0.0, 0.0, 0.0]), 0.5, must=must)
    assert found.tolist() == [0, 1, 0]


def test_a_must_group_is_averaged_as_a_whole() -> None:
    # {0,1} must be one; 2 is .9 like 0 and .0 like 1, on average .45
    similarity = similarities([0.0, 0.9, 0.0])
    must = np.array([0, 0, -1], dtype=np.int32)
    assert average_linkage(one_block(3), similarity, 0.5, must=must).tolist() == [0, 0, 1]


def test_a_must_code_in_two_blocks_joins_within_each_only() -> None:
    must = np.array([3, 3, 3, 3], dtype=np.int32)
    found = average_linkage(batch_of(2, 2), similarities([0.0, 0.0]), 0.5, must=must)
    assert found.tolist() == [0, 0, 1, 1]


def test_a_pair_that_must_and_cannot_is_an_error() -> None:
    with pytest.raises(ConstraintError, match="rows 0 and 1 must and cannot"):
        average_linkage(
            one_block(2),
            similarities([0.5]),
            0.5,
            cannot=pairs((0, 1)),
            must=np.zeros(2, dtype=np.int32),
        )


def test_the_similarities_passed_in_are_not_changed() -> None:
    similarity = similarities([0.9, 0.1, 0.8])
    average_linkage(one_block(3), similarity, 0.5, cannot=pairs((0, 1)))
    assert similarity.tolist() == similarities([0.9, 0.1, 0.8]).tolist()


def test_equal_similarities_join_the_lowest_rows_first() -> None:
    # a path 0-1-2-3 of equal similarities with all other pairs at 0
    similarity = similarities([0.8, 0.0, 0.0, 0.8, 0.0, 0.8])
    assert average_linkage(one_block(4), similarity, 0.5).tolist() == [0, 0, 1, 1]


@given(seed=seeds, n=st.integers(2, 30), threshold=st.floats(0.2, 0.95))
def test_without_constraints_it_is_scipys_average_linkage(
    seed: int, n: int, threshold: float
) -> None:
    similarity = np.random.default_rng(seed).random(n * (n - 1) // 2, dtype=np.float32)
    found = average_linkage(one_block(n), similarity, threshold)
    tree = linkage(1 - similarity.astype(np.float64), "average")
    assert found.tolist() == renumbered(fcluster(tree, 1 - threshold, "distance"))


def test_hundreds_of_rows_of_a_few_persons_are_as_in_scipy() -> None:
    rng = np.random.default_rng(5)
    batch = one_block(400)
    person = rng.integers(0, 25, 400)
    mean = np.where(person[batch.left] == person[batch.right], 0.65, 0.35)
    similarity = np.clip(rng.normal(mean, 0.2), 0, 0.9).astype(np.float32)
    # distinct, so that no tie is left to chance
    similarity += rng.random(len(similarity), dtype=np.float32) * np.float32(1e-3)
    tree = linkage(1 - similarity.astype(np.float64), "average")
    expected = renumbered(fcluster(tree, 0.5, "distance"))
    assert average_linkage(batch, similarity, 0.5).tolist() == expected


@st.composite
def constrained(draw: st.DrawFn) -> tuple[int, Array, list[int], set[tuple[int, int]], list[int]]:
    """A block: its size, similarities, weights, cannot pairs and must codes without conflict."""
    n = draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(seeds))
    similarity = rng.random(n * (n - 1) // 2, dtype=np.float32)
    must = draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n))
    if draw(st.booleans()):
        must = [-1] * n
    every = [p for p in combinations(range(n), 2) if must[p[0]] < 0 or must[p[0]] != must[p[1]]]
    cannot = draw(st.sets(st.sampled_from(every), max_size=n)) if every else set()
    weight = draw(st.lists(st.integers(1, 5), min_size=n, max_size=n))
    return n, similarity, weight, cannot, must


@given(case=constrained(), threshold=st.floats(0.2, 0.9))
def test_constrained_results_are_those_of_the_definition(
    case: tuple[int, Array, list[int], set[tuple[int, int]], list[int]], threshold: float
) -> None:
    n, similarity, weight, cannot, must = case
    found = average_linkage(
        one_block(n),
        similarity,
        threshold,
        weight=np.array(weight, dtype=np.float32),
        cannot=pairs(*cannot),
        must=np.array(must, dtype=np.int32),
    )
    assert found.tolist() == by_hand(n, similarity, threshold, weight, cannot, must)


@given(case=constrained(), levels=st.integers(1, 4))
def test_ties_break_no_constraint(
    case: tuple[int, Array, list[int], set[tuple[int, int]], list[int]], levels: int
) -> None:
    n, similarity, weight, cannot, must = case
    found = average_linkage(
        one_block(n),
        np.round(similarity * levels) / np.float32(levels),
        0.5,
        weight=np.array(weight, dtype=np.float32),
        cannot=pairs(*cannot),
        must=np.array(must, dtype=np.int32),
    )
    together = {p for p in combinations(range(n), 2) if found[p[0]] == found[p[1]]}
    bound = {p for p in combinations(range(n), 2) if must[p[0]] == must[p[1]] >= 0}
    assert not together & cannot
    assert bound <= together


@given(seed=seeds, sizes=st.lists(st.integers(0, 8), min_size=1, max_size=5))
def test_labels_are_contiguous_in_order_of_first_row(seed: int, sizes: list[int]) -> None:
    batch = batch_of(*sizes)
    similarity = np.random.default_rng(seed).random(batch.n_pairs, dtype=np.float32)
    labels = average_linkage(batch, similarity, 0.6)
    assert labels.tolist() == renumbered(labels)


@given(seed=seeds, sizes=st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_a_block_is_clustered_as_if_it_were_alone(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    batch = batch_of(*sizes)
    # few levels, so that ties are common
    similarity = np.round(rng.random(batch.n_pairs, dtype=np.float32) * 8) / np.float32(8)
    code = rng.integers(-1, 6, len(batch.rows)).astype(np.int32)
    free = np.flatnonzero((code[batch.left] < 0) | (code[batch.left] != code[batch.right]))
    banned = free[rng.random(len(free)) < 0.2]
    cannot = np.stack([batch.left[banned], batch.right[banned]], axis=1)
    together = average_linkage(batch, similarity, 0.6, cannot=cannot, must=code)
    alone: list[int] = []
    for b, size in enumerate(sizes):
        low, high = int(batch.start[b]), int(batch.start[b + 1])
        inside = cannot[(cannot[:, 0] >= low) & (cannot[:, 0] < high)] - low
        part = similarity[batch.pair_start[b] : batch.pair_start[b + 1]]
        found = average_linkage(
            one_block(size), part, 0.6, cannot=inside.astype(np.int32), must=code[low:high]
        )
        alone += (found + len(set(alone))).tolist()
    assert together.tolist() == alone


@given(case=constrained(), order_seed=seeds, threshold=st.floats(0.2, 0.9))
def test_the_order_of_rows_does_not_matter(
    case: tuple[int, Array, list[int], set[tuple[int, int]], list[int]],
    order_seed: int,
    threshold: float,
) -> None:
    n, similarity, weight, cannot, must = case
    order = np.random.default_rng(order_seed).permutation(n)
    back = np.argsort(order)
    batch = one_block(n)
    i, j = order[batch.left], order[batch.right]
    shuffled = similarity[batch.place(np.minimum(i, j), np.maximum(i, j))]
    masses, codes = np.array(weight, dtype=np.float32), np.array(must, dtype=np.int32)
    straight = average_linkage(
        batch, similarity, threshold, weight=masses, cannot=pairs(*cannot), must=codes
    )
    other = average_linkage(
        batch,
        shuffled,
        threshold,
        weight=masses[order],
        cannot=back[pairs(*cannot)].astype(np.int32).reshape(-1, 2),
        must=codes[order],
    )
    assert renumbered(other[back]) == straight.tolist()


@given(case=constrained(), threshold=st.floats(0.2, 0.9))
def test_a_weight_is_as_many_rows_that_must_be_one(
    case: tuple[int, Array, list[int], set[tuple[int, int]], list[int]], threshold: float
) -> None:
    n, similarity, weight, cannot, _ = case
    weighted = average_linkage(
        one_block(n),
        similarity,
        threshold,
        weight=np.array(weight, dtype=np.float32),
        cannot=pairs(*cannot),
    )
    copies = np.repeat(np.arange(n, dtype=np.int32), weight)
    batch = one_block(len(copies))
    i, j = copies[batch.left], copies[batch.right]
    # copies of one row get similarity 0: they are together because they must be
    repeated = np.zeros(batch.n_pairs, dtype=np.float32)
    repeated[i != j] = similarity[one_block(n).place(i[i != j], j[i != j])]
    first_copy = np.searchsorted(copies, np.arange(n))
    found = average_linkage(
        batch,
        repeated,
        threshold,
        cannot=first_copy[pairs(*cannot)].astype(np.int32).reshape(-1, 2),
        must=copies,
    )
    assert found.tolist() == weighted[copies].tolist()
