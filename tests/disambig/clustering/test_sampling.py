"""Sampled pairs of crowded blocks represent the pairs that are not compared."""

from __future__ import annotations

import numpy as np
import pytest

from disambig.arrays import Float32, Int32
from disambig.blocking.blocks import Comparisons, make_blocks
from disambig.blocking.pairs import PairBatch
from disambig.clustering.batch import cluster_batch
from disambig.clustering.constraints import compile_constraints
from disambig.clustering.sampling import SAMPLE_SIZE, sample_pairs
from disambig.features.groups import GroupBatch
from disambig.kernels.groups import sample_cross_pairs
from tests.support.invented import indexed, model, work


def make_batch(sizes: list[int], pairs: list[tuple[int, int]]) -> tuple[PairBatch, GroupBatch]:
    """One block whose first rows are the first group, and so on, with some pairs listed."""
    n = sum(sizes)
    left, right = (np.array(x, dtype=np.int32) for x in zip(*sorted(pairs), strict=True))
    batch = PairBatch(
        np.arange(n, dtype=np.int32),
        np.zeros(n, dtype=np.int32),
        np.array([0, n]),
        left,
        right,
        np.zeros(len(left), dtype=np.int32),
        np.zeros((1, 2), dtype=np.int32),
        is_complete=False,
    )
    group = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    return batch, GroupBatch.from_groups(batch, group)


def ones(n: int) -> Float32:
    return np.ones(n, dtype=np.float32)


def sampled(batch: PairBatch, groups: GroupBatch, probability: float) -> tuple[PairBatch, Float32]:
    values = np.full(batch.n_pairs, probability, dtype=np.float32)
    index = indexed([work("a", "Speech", "Ada Byron")])  # read for saturated groups only
    return sample_pairs(index, batch, groups, values, ones(batch.n_pairs))


def test_sampled_and_listed_pairs_represent_all_pairs_of_two_groups() -> None:
    batch, groups = make_batch([100, 200], [(0, 100), (1, 100), (5, 299)])
    sample, weight = sampled(batch, groups, 0.9)
    assert 3 + weight.sum() == pytest.approx(100 * 200)
    assert 0 < sample.n_pairs <= SAMPLE_SIZE
    assert (sample.left < 100).all()
    assert (sample.right >= 100).all()


def test_all_pairs_of_small_groups_are_drawn_once_and_no_listed_one() -> None:
    batch, groups = make_batch([2, 3], [(0, 2), (1, 4)])
    sample, weight = sampled(batch, groups, 0.9)
    pairs = list(zip(sample.left.tolist(), sample.right.tolist(), strict=True))
    assert pairs == [(0, 3), (0, 4), (1, 2), (1, 3)]
    assert weight.tolist() == [1, 1, 1, 1]


def test_groups_whose_nearest_pairs_are_improbable_are_not_sampled() -> None:
    batch, groups = make_batch([10, 10], [(0, 10)])
    assert sampled(batch, groups, 0.01)[0].n_pairs == 0


def test_groups_that_could_be_joined_through_a_third_are_sampled() -> None:
    pairs = [(i, 10 + j) for i in range(10) for j in range(10)]
    pairs += [(10 + i, 20 + j) for i in range(10) for j in range(10)]
    batch, groups = make_batch([10, 10, 10], pairs)
    sample, weight = sampled(batch, groups, 0.5)
    assert sample.n_pairs > 0
    assert (groups.group[sample.left] == 0).all()
    assert (groups.group[sample.right] == 2).all()
    assert weight.sum() == pytest.approx(100)
    assert sampled(batch, groups, 0.2)[0].n_pairs == 0


def test_a_sample_covers_the_rows_of_both_groups_evenly() -> None:
    first, member = np.array([0, 40, 80]), np.arange(80)
    ends = np.zeros(1, dtype=np.int32), np.ones(1, dtype=np.int32)
    low, high, _ = sample_cross_pairs(first, member, *ends, 40)
    assert len(np.unique(low)) > 20
    assert len(np.unique(high)) > 20
    assert abs(low.mean() - 19.5) < 2
    assert abs(high.mean() - 59.5) < 2


@pytest.mark.parametrize("neighbours", [5, 20])
def test_a_person_with_more_papers_than_neighbours_is_one_identity(neighbours: int) -> None:
    colleagues = ["Cy Ito", "Di Roy", "Ed Fox", "Flo Kay"]
    works = [
        work(f"w{k:03}", "Speech recognition of speaker audio", "Ada Byron", colleagues[k % 4])
        for k in range(120)
    ]
    index = indexed(works)
    rows: Int32 = np.flatnonzero(index.corpus.signature_position == 0).astype(np.int32)
    block = next(b for b in make_blocks(index.corpus) if rows[0] in b)
    comparisons = Comparisons.plan(index, [block], crowded_namesakes=10, max_neighbours=neighbours)
    batch = comparisons.make_batch(0)
    constraints = compile_constraints(index.corpus, ())
    result = cluster_batch(index, model(), constraints, batch)
    everything = cluster_batch(index, model(), constraints, PairBatch.from_blocks(index, [block]))
    assert not batch.is_complete
    assert result.scored < everything.scored / 2
    assert result.group.max() == everything.group.max()
