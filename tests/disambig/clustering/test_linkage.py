"""Average linkage: hand-worked cases, scipy and a plain loop as oracles, properties."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from disambig.arrays import Float32, Int32
from disambig.clustering.linkage import average_linkage
from disambig.errors import ConstraintError

seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True, eq=False)
class Case:
    """What :func:`average_linkage` takes, without the threshold."""

    block: Int32
    left: Int32
    right: Int32
    similarity: Float32
    absent: float
    weight: Float32
    cannot: Int32
    must: Int32
    orcid: Int32

    def labels(self, threshold: float) -> list[int]:
        found = average_linkage(
            self.block,
            self.left,
            self.right,
            self.similarity,
            threshold,
            absent=self.absent,
            weight=self.weight,
            cannot=self.cannot,
            must=self.must,
            orcid=self.orcid,
        )
        return listed(found)

    def labels_from_lists(self, threshold: float) -> list[int]:
        """The labels, with every component's clusters held as lists of neighbours."""
        with patch.multiple("disambig.clustering.linkage", FULL_ROWS=0, CELLS_PER_PAIR=0):
            return self.labels(threshold)

    def labels_from_matrices(self, threshold: float) -> list[int]:
        """The labels, with every component's clusters held as a full matrix."""
        with patch.multiple("disambig.clustering.linkage", FULL_ROWS=10**6):
            return self.labels(threshold)

    def with_bans(self) -> Case:
        """The same with every pair of two ORCID iDs listed as a ban."""
        parted = [p for p in combinations(range(len(self.orcid)), 2) if self.parted(*p)]
        cannot = np.concatenate([self.cannot, pairs(*parted)])
        return replace(self, cannot=cannot, orcid=np.full_like(self.orcid, -1))

    def parted(self, i: int, j: int) -> bool:
        """Whether two rows of one block have different ORCID iDs."""
        one, other = int(self.orcid[i]), int(self.orcid[j])
        return bool(self.block[i] == self.block[j]) and one != other and min(one, other) >= 0


def listed(labels: Int32) -> list[int]:
    return [int(x) for x in labels]


def ints(values: list[int]) -> Int32:
    return np.array(values, dtype=np.int32)


def floats(values: list[float]) -> Float32:
    return np.array(values, dtype=np.float32)


def pairs(*found: tuple[int, int]) -> Int32:
    return np.array(found, dtype=np.int32).reshape(-1, 2)


def complete(*sizes: int) -> tuple[Int32, Int32, Int32]:
    """Blocks of these sizes: block of each row, and all pairs within blocks."""
    block = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    left, right = np.nonzero(np.triu(block[:, None] == block[None, :], 1))
    return block, left.astype(np.int32), right.astype(np.int32)


def linked(
    n: int,
    similarity: dict[tuple[int, int], float],
    threshold: float,
    *,
    absent: float = 0.0,
    weight: list[float] | None = None,
    cannot: Int32 | None = None,
    must: list[int] | None = None,
    orcid: list[int] | None = None,
) -> list[int]:
    """Clusters of one block of n rows whose listed pairs are those of ``similarity``."""
    given = pairs(*sorted(similarity))
    found = average_linkage(
        np.zeros(n, dtype=np.int32),
        given[:, 0].copy(),
        given[:, 1].copy(),
        floats([similarity[p] for p in sorted(similarity)]),
        threshold,
        absent=absent,
        weight=None if weight is None else floats(weight),
        cannot=cannot,
        must=None if must is None else ints(must),
        orcid=None if orcid is None else ints(orcid),
    )
    return listed(found)


def renumbered(labels: npt.NDArray[np.integer]) -> list[int]:
    """Labels counted from 0 in order of first appearance."""
    seen: dict[int, int] = {}
    return [seen.setdefault(x, len(seen)) for x in labels.tolist()]


def by_hand(case: Case, threshold: float) -> list[int]:
    """The definition, as a loop over clusters: merge the most similar permitted pair."""
    listed = zip(case.left.tolist(), case.right.tolist(), case.similarity.tolist(), strict=True)
    at = {(i, j): s for i, j, s in listed}
    at.update({(min(p), max(p)): -np.inf for p in case.with_bans().cannot.tolist()})
    block, must, weight = case.block.tolist(), case.must.tolist(), case.weight.tolist()
    starts: dict[tuple[int, int], set[int]] = {}
    for i in range(len(block)):
        starts.setdefault((block[i], must[i] if must[i] >= 0 else -1 - i), set()).add(i)
    clusters = sorted(starts.values(), key=min)

    def average(a: set[int], b: set[int]) -> float:
        if block[min(a)] != block[min(b)]:
            return -np.inf
        cross = [(min(i, j), max(i, j)) for i in a for j in b]
        mass = [weight[i] * weight[j] for i, j in cross]
        return float(np.average([at.get(p, case.absent) for p in cross], weights=mass))

    while len(clusters) > 1:
        best, a, b = max(
            ((average(a, b), a, b) for a, b in combinations(clusters, 2)), key=lambda x: x[0]
        )
        if best < threshold:
            break
        clusters = sorted([c for c in clusters if c is not a and c is not b] + [a | b], key=min)
    return [next(k for k, c in enumerate(clusters) if i in c) for i in range(len(block))]


def random_case(
    seed: int, sizes: list[int], share: float, *, constrained: bool = True, levels: int = 0
) -> Case:
    """Blocks with a share of their pairs listed; similarities of a few levels if asked for."""
    rng = np.random.default_rng(seed)
    block, left, right = complete(*sizes)
    listed = rng.random(len(left)) < share
    similarity = rng.random(len(left), dtype=np.float32) ** np.float32(0.5)
    if levels:
        similarity = np.round(similarity * levels) / np.float32(levels)
    n = len(block)
    must = rng.integers(-6, 3, n).clip(-1).astype(np.int32)
    free = np.flatnonzero((must[left] < 0) | (must[left] != must[right]))
    banned = free[rng.random(len(free)) < 0.1]
    cannot = np.stack([right[banned], left[banned]], axis=1)
    none = np.full(n, -1, dtype=np.int32)
    orcid = rng.integers(-4, 4, n).clip(-1).astype(np.int32)
    orcid = np.where(must >= 0, rng.integers(-1, 4, 3)[must], orcid).astype(np.int32)
    return Case(
        block,
        left[listed],
        right[listed],
        similarity[listed],
        float(rng.choice([0.0, 0.05, -0.3])),
        rng.integers(1, 6, n).astype(np.float32),
        cannot if constrained else pairs(),
        must if constrained else none,
        orcid if constrained else none,
    )


def test_no_rows_give_no_labels() -> None:
    labels = average_linkage(ints([]), ints([]), ints([]), floats([]), 0.5)
    assert labels.dtype == np.int32
    assert labels.tolist() == []


def test_rows_without_a_listed_pair_stay_alone() -> None:
    assert linked(3, {}, 0.5) == [0, 1, 2]


def test_rows_without_a_likely_partner_stay_alone() -> None:
    assert linked(3, {(1, 2): 0.4}, 0.5) == [0, 1, 2]


def test_a_similarity_at_the_threshold_joins() -> None:
    assert linked(2, {(0, 1): 0.7}, 0.7) == [0, 0]


def test_a_chain_is_cut_where_the_average_falls_below_the_threshold() -> None:
    # 0-1 .9 joins first; {0,1}-2 is then (.1 + .8) / 2 = .45
    assert linked(3, {(0, 1): 0.9, (0, 2): 0.1, (1, 2): 0.8}, 0.5) == [0, 0, 1]


def test_an_average_at_the_threshold_joins() -> None:
    # 0-1 .875 joins first; {0,1}-2 is then (.25 + .75) / 2 = .5 exactly
    assert linked(3, {(0, 1): 0.875, (0, 2): 0.25, (1, 2): 0.75}, 0.5) == [0, 0, 0]


@pytest.mark.parametrize(("absent", "expected"), [(0.0, [0, 0, 1]), (0.25, [0, 0, 0])])
def test_a_pair_that_is_not_listed_counts_as_absent(absent: float, expected: list[int]) -> None:
    # 0-1 joins first; {0,1}-2 is then (absent + .75) / 2, so .375 or .5
    assert linked(3, {(0, 1): 0.875, (1, 2): 0.75}, 0.5, absent=absent) == expected


def test_heavy_rows_count_for_more_in_an_average() -> None:
    # {0,1}-2 is (3 * .1 + 1 * .8) / 4 = .275 or, the other way round, (.1 + 3 * .8) / 4 = .625
    similarity = {(0, 1): 0.9, (0, 2): 0.1, (1, 2): 0.8}
    first = linked(3, similarity, 0.5, weight=[3, 1, 1])
    second = linked(3, similarity, 0.5, weight=[1, 3, 1])
    assert (first, second) == ([0, 0, 1], [0, 0, 0])


def test_cannot_keeps_the_most_similar_rows_apart() -> None:
    assert linked(2, {(0, 1): 1.0}, 0.5, cannot=pairs((0, 1))) == [0, 1]


def test_cannot_holds_for_clusters_its_rows_have_joined() -> None:
    # 1-2 .95 joins; 0 cannot be 2, so 0 stays out although 0-1 is .9
    similarity = {(0, 1): 0.9, (0, 2): 0.9, (1, 2): 0.95}
    assert linked(3, similarity, 0.5, cannot=pairs((2, 0))) == [0, 1, 1]


def test_cannot_holds_for_a_pair_that_is_not_listed() -> None:
    # 1-2 joins; {1,2}-0 is (1 + .25) / 2 = .625 without the ban
    similarity = {(0, 1): 1.0, (1, 2): 1.0}
    free = linked(3, similarity, 0.5, absent=0.25)
    banned = linked(3, similarity, 0.5, absent=0.25, cannot=pairs((0, 2)))
    assert (free, banned) == ([0, 0, 0], [0, 0, 1])


def test_a_ban_given_twice_is_one_ban() -> None:
    found = linked(3, {(0, 1): 0.9, (1, 2): 0.8}, 0.5, cannot=pairs((0, 1), (1, 0)))
    assert found == [0, 1, 1]


def test_cannot_across_blocks_changes_nothing() -> None:
    block, left, right = complete(2, 2)
    found = average_linkage(
        block, left, right, floats([0.9, 0.9]), 0.5, cannot=pairs((0, 2), (3, 1))
    )
    assert found.tolist() == [0, 0, 1, 1]


def test_must_joins_rows_whose_pair_is_not_listed() -> None:
    assert linked(3, {}, 0.5, must=[7, -1, 7]) == [0, 1, 0]


def test_must_joins_rows_of_similarity_minus_infinity() -> None:
    assert linked(2, {(0, 1): -np.inf}, 0.5, must=[0, 0]) == [0, 0]


def test_a_must_group_is_averaged_as_a_whole() -> None:
    # {0,1} must be one; 2 is .9 like 0 and not listed with 1, on average .45
    assert linked(3, {(0, 2): 0.9}, 0.5, must=[0, 0, -1]) == [0, 0, 1]


def test_a_must_code_in_two_blocks_joins_within_each_only() -> None:
    found = average_linkage(
        ints([0, 0, 1, 1]), ints([]), ints([]), floats([]), 0.5, must=ints([3, 3, 3, 3])
    )
    assert found.tolist() == [0, 0, 1, 1]


def test_a_pair_that_must_and_cannot_is_an_error() -> None:
    with pytest.raises(ConstraintError, match="rows 0 and 1 must and cannot"):
        linked(2, {(0, 1): 0.5}, 0.5, cannot=pairs((1, 0)), must=[0, 0])


def test_different_orcids_keep_the_most_similar_rows_apart() -> None:
    assert linked(2, {(0, 1): 1.0}, 0.5, orcid=[0, 1]) == [0, 1]


@pytest.mark.parametrize("orcid", [[3, 3], [3, -1], [-1, -1]])
def test_one_orcid_at_most_lets_rows_join(orcid: list[int]) -> None:
    assert linked(2, {(0, 1): 1.0}, 0.5, orcid=orcid) == [0, 0]


def test_a_cluster_has_the_orcid_of_its_rows() -> None:
    # 1-2 joins and has the iD of 2 then; 0 has another, and stays out although 0-1 is .9
    similarity = {(0, 1): 0.9, (1, 2): 0.95}
    assert linked(3, similarity, 0.4, orcid=[0, -1, 1]) == [0, 1, 1]


def test_an_orcid_reaches_a_cluster_through_two_merges() -> None:
    # 1-2 joins, then {1,2}-3, which brings the iD of 3: 0, .9 like all, stays out
    similarity = {(0, 1): 0.9, (0, 2): 0.9, (1, 2): 0.99, (1, 3): 0.95, (2, 3): 0.95}
    assert linked(4, similarity, 0.4, orcid=[0, -1, -1, 1]) == [0, 1, 1, 1]


def test_a_must_group_has_the_orcid_of_any_of_its_rows() -> None:
    assert linked(3, {(0, 2): 1.0}, 0.2, must=[0, 0, -1], orcid=[-1, 4, 5]) == [0, 0, 1]


def test_two_orcids_in_one_must_group_are_an_error() -> None:
    with pytest.raises(ConstraintError, match="rows 0 and 2 must and cannot"):
        linked(3, {}, 0.5, must=[0, -1, 0], orcid=[1, -1, 2])


def test_absent_pairs_at_the_threshold_are_an_error() -> None:
    with pytest.raises(ValueError, match="not below the threshold"):
        linked(3, {(0, 1): 0.5}, 0.5, absent=0.5)


def test_with_every_pair_listed_the_threshold_may_be_as_low_as_absent() -> None:
    assert linked(3, {(0, 1): 0.0, (0, 2): 0.1, (1, 2): 0.2}, 0.0) == [0, 0, 0]


def test_the_similarities_passed_in_are_not_changed() -> None:
    block, left, right = complete(3)
    similarity = floats([0.9, 0.1, 0.8])
    average_linkage(block, left, right, similarity, 0.5, cannot=pairs((0, 1)))
    assert similarity.tolist() == floats([0.9, 0.1, 0.8]).tolist()


def test_equal_similarities_join_the_lowest_rows_first() -> None:
    # a path 0-1-2-3
    assert linked(4, {(0, 1): 0.8, (1, 2): 0.8, (2, 3): 0.8}, 0.5) == [0, 0, 1, 1]


def test_an_average_rounded_below_the_threshold_joins() -> None:
    # .7 / 7 + .7 * 6 / 7 is less than .7 in float64; 3 is (.7 + 0 + 0) / 8 like the others
    similarity = {(0, 1): 0.7, (0, 2): 0.7, (0, 3): 0.7, (1, 2): 0.7}
    assert linked(4, similarity, 0.7, weight=[1, 6, 1, 1]) == [0, 0, 0, 1]


def test_an_average_rounded_up_is_a_tie_still() -> None:
    # 1-2 joins; 3 is then .7 like {1,2} and like 0, though .7 / 6 + .7 * 5 / 6 is more in float64.
    # 0-3 joins, and {0,3}-{1,2} is (.8 * 1 + 0 * 5 + .7 * 6) / 12 = .42
    similarity = {(0, 1): 0.8, (0, 3): 0.7, (1, 2): 0.95, (1, 3): 0.7, (2, 3): 0.7}
    assert linked(4, similarity, 0.6, weight=[1, 1, 5, 1]) == [0, 1, 1, 0]


@given(seed=seeds, n=st.integers(2, 30), threshold=st.floats(0.2, 0.95))
def test_without_constraints_it_is_scipys_average_linkage(
    seed: int, n: int, threshold: float
) -> None:
    block, left, right = complete(n)
    similarity = np.random.default_rng(seed).random(len(left), dtype=np.float32)
    found = average_linkage(block, left, right, similarity, threshold)
    tree = linkage(1 - similarity.astype(np.float64), "average")
    assert found.tolist() == renumbered(fcluster(tree, 1 - threshold, "distance"))


def persons(n: int, count: int, share: float) -> tuple[Case, list[int]]:
    """A block of some persons with a share of its pairs listed, and scipy's clusters at .5."""
    rng = np.random.default_rng(5)
    block, left, right = complete(n)
    person = rng.integers(0, count, n)
    mean = np.where(person[left] == person[right], 0.65, 0.35)
    similarity = np.clip(rng.normal(mean, 0.2), 0, 0.9).astype(np.float32)
    # distinct, so that no tie is left to chance
    similarity += rng.random(len(similarity), dtype=np.float32) * np.float32(1e-3)
    listed = rng.random(len(left)) < np.where(person[left] == person[right], 1, share)
    tree = linkage(1 - np.where(listed, similarity, 0.01).astype(np.float64), "average")
    weight, none = np.ones(n, dtype=np.float32), np.full(n, -1, dtype=np.int32)
    given = left[listed], right[listed], similarity[listed]
    case = Case(block, *given, 0.01, weight, pairs(), none, none)
    return case, renumbered(fcluster(tree, 0.5, "distance"))


@pytest.mark.parametrize("share", [1.0, 0.3, 0.02])
def test_hundreds_of_rows_of_a_few_persons_are_as_in_scipy(share: float) -> None:
    case, expected = persons(400, 25, share)
    assert case.labels_from_lists(0.5) == case.labels_from_matrices(0.5) == expected


def test_two_rows_that_neighbour_all_others_fit_their_list() -> None:
    # rows 0 and 1 are alike; the 298 others are .9 like them and unlike each other, so the
    # first joins and the next is (.9 + .9 + 0) / 3 = .6
    hubs = {(a, k): 0.9 for a in (0, 1) for k in range(2, 300)}
    with patch.multiple("disambig.clustering.linkage", FULL_ROWS=0, CELLS_PER_PAIR=0):
        assert linked(300, {(0, 1): 1.0, **hubs}, 0.7) == [0, 0, 0, *range(1, 298)]


shares = st.sampled_from([0.15, 0.4, 1.0])


@given(
    seed=seeds,
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=3),
    share=shares,
    threshold=st.floats(0.2, 0.9),
)
def test_constrained_results_are_those_of_the_definition(
    seed: int, sizes: list[int], share: float, threshold: float
) -> None:
    case = random_case(seed, sizes, share)
    assert case.labels(threshold) == by_hand(case, threshold)


@given(
    seed=seeds,
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=3),
    share=shares,
    levels=st.sampled_from([0, 1, 2, 5, 20]),
    threshold=st.floats(0.1, 0.9),
)
def test_lists_give_what_matrices_give_ties_included(
    seed: int, sizes: list[int], share: float, levels: int, threshold: float
) -> None:
    case = random_case(seed, sizes, share, levels=levels)
    assert case.labels_from_lists(threshold) == case.labels_from_matrices(threshold)


@given(
    seed=seeds,
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=3),
    share=shares,
    levels=st.sampled_from([0, 1, 2, 5, 20]),
    threshold=st.floats(0.1, 0.9),
)
def test_orcids_part_as_if_every_pair_of_them_were_banned(
    seed: int, sizes: list[int], share: float, levels: int, threshold: float
) -> None:
    case = random_case(seed, sizes, share, levels=levels)
    expected = case.with_bans().labels(threshold)
    assert case.labels_from_lists(threshold) == expected
    assert case.labels_from_matrices(threshold) == expected


@given(seed=seeds, n=st.integers(2, 9), share=shares, levels=st.integers(1, 4))
def test_ties_break_no_constraint(seed: int, n: int, share: float, levels: int) -> None:
    case = random_case(seed, [n], share, levels=levels)
    found, must = case.labels(0.5), case.must
    together = {p for p in combinations(range(n), 2) if found[p[0]] == found[p[1]]}
    bound = {p for p in combinations(range(n), 2) if must[p[0]] == must[p[1]] >= 0}
    assert not together & {(min(p), max(p)) for p in case.cannot.tolist()}
    assert not any(case.parted(*p) for p in together)
    assert bound <= together


@given(seed=seeds, sizes=st.lists(st.integers(0, 8), min_size=1, max_size=5), share=shares)
def test_labels_are_contiguous_in_order_of_first_row(
    seed: int, sizes: list[int], share: float
) -> None:
    labels = random_case(seed, sizes, share).labels(0.6)
    assert labels == renumbered(np.array(labels))


@given(seed=seeds, sizes=st.lists(st.integers(0, 9), min_size=1, max_size=5), share=shares)
def test_a_block_is_clustered_as_if_it_were_alone(
    seed: int, sizes: list[int], share: float
) -> None:
    # few levels, so that ties are common
    case = random_case(seed, sizes, share, levels=8)
    alone: list[int] = []
    for b in range(len(sizes)):
        rows = np.flatnonzero(case.block == b)
        low = int(rows[0]) if len(rows) else 0
        mine = case.block[case.left] == b
        part = Case(
            np.zeros(len(rows), dtype=np.int32),
            case.left[mine] - np.int32(low),
            case.right[mine] - np.int32(low),
            case.similarity[mine],
            case.absent,
            case.weight[rows],
            case.cannot[case.block[case.cannot[:, 0]] == b] - np.int32(low),
            case.must[rows],
            case.orcid[rows],
        )
        alone += (np.array(part.labels(0.6), dtype=int) + len(set(alone))).tolist()
    assert case.labels(0.6) == alone


@given(seed=seeds, n=st.integers(2, 40), share=shares, threshold=st.floats(0.2, 0.9))
def test_the_order_of_rows_does_not_matter(
    seed: int, n: int, share: float, threshold: float
) -> None:
    case = random_case(seed, [n], share)
    order = np.random.default_rng(seed).permutation(n).astype(np.int32)
    back = np.argsort(order).astype(np.int32)
    i, j = back[case.left], back[case.right]
    low, high = np.minimum(i, j), np.maximum(i, j)
    sort = np.lexsort((high, low))
    shuffled = Case(
        case.block,
        low[sort],
        high[sort],
        case.similarity[sort],
        case.absent,
        case.weight[order],
        back[case.cannot],
        case.must[order],
        case.orcid[order],
    )
    other = np.array(shuffled.labels(threshold))
    assert renumbered(other[back]) == case.labels(threshold)


@given(seed=seeds, n=st.integers(2, 12), share=shares, threshold=st.floats(0.2, 0.9))
def test_a_weight_is_as_many_rows_that_must_be_one(
    seed: int, n: int, share: float, threshold: float
) -> None:
    case = random_case(seed, [n], share, constrained=False)
    copies = np.repeat(np.arange(n, dtype=np.int32), case.weight.astype(int))
    block, left, right = complete(len(copies))
    at = dict(zip(zip(case.left, case.right, strict=True), case.similarity, strict=True))
    # copies of one row are not listed: they are together because they must be
    listed = np.array([(i, j) in at for i, j in zip(copies[left], copies[right], strict=True)])
    left, right = left[listed], right[listed]
    repeated = [at[i, j] for i, j in zip(copies[left], copies[right], strict=True)]
    found = average_linkage(
        block, left, right, floats(repeated), threshold, absent=case.absent, must=copies
    )
    assert found.tolist() == np.array(case.labels(threshold))[copies].tolist()
