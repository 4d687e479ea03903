"""What a name is worth in a corpus larger than the forests know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from disambig.blocking.blocks import make_blocks
from disambig.blocking.pairs import NamePairs, PairBatch
from disambig.clustering.batch import check_model, cluster_batch
from disambig.clustering.constraints import Constraints, compile_constraints
from disambig.clustering.two_level import (
    MIN_GROUP_PROBABILITY,
    ScoredPairs,
    predict_groups,
    predict_pairs,
)
from disambig.corpus.index import CorpusIndex
from disambig.corpus.statistics import count_doublings
from disambig.evaluation.pair_scores import score_labelled_pairs
from disambig.features.group import GROUP_FEATURES
from disambig.features.pair import PAIR_FEATURES
from disambig.model.forest import Forest
from disambig.model.model import Model
from disambig.model.size_shift import (
    MIN_PROBABILITY,
    SIZE_FEATURES,
    SIZE_SHIFT_FEATURES,
    add_size_features,
    apply_size_shift,
)
from tests.support.invented import indexed, model, population

HALF = np.array([0.5], dtype=np.float32)


def stump(
    features: Sequence[str], tested: str, threshold: float, below: float, above: float
) -> Forest:
    """One test: log-odds ``below`` up to the threshold, ``above`` beyond it."""
    return Forest(
        features=tuple(features),
        feature=np.array([list(features).index(tested), -1, -1], np.int32),
        threshold=np.array([threshold, 0, 0], np.float32),
        missing_left=np.array([True, False, False]),
        left=np.array([1, -1, -1], np.int32),
        right=np.array([2, -1, -1], np.int32),
        value=np.array([0.0, below, above]),
        tree_start=np.array([0, 3], np.int32),
        baseline=0.0,
    )


@pytest.mark.parametrize(
    ("works", "times"),
    [(0, 0), (1, 0), (95_465, 0), (2**17, 0), (185_000, 0), (186_000, 1), (2**20, 3), (2**30, 13)],
)
def test_doublings_are_counted_from_130_thousand_works_on(works: int, times: int) -> None:
    assert count_doublings(works) == times


def test_no_larger_corpus_changes_no_bit() -> None:
    given = np.array([0.1, 0.9], dtype=np.float32)
    forest = stump(("x", *SIZE_FEATURES), "x", 0, -5, 5)
    assert apply_size_shift(forest, given, {"x": given}, 0) is given
    assert apply_size_shift(None, given, {"x": given}, 7) is given


def test_the_second_forest_sees_the_features_the_log_odds_and_the_size() -> None:
    given = np.array([0.5, 0.9], dtype=np.float32)
    X = add_size_features(
        given, {"a": np.array([1, 2], np.float32), "b": np.array([3, 4], np.float32)}, 5
    )
    np.testing.assert_allclose(X, [[1, 3, 0, 5], [2, 4, np.log(9), 5]], atol=1e-6)


@pytest.mark.parametrize(
    ("tested", "threshold"), [("log_odds", 1.0), ("doublings", 2.0), ("x", 0.0)]
)
def test_the_second_forest_has_the_last_word(tested: str, threshold: float) -> None:
    forest = stump(("x", *SIZE_FEATURES), tested, threshold, -1.0, 2.0)
    columns = {"x": np.array([-1, 1], np.float32)}
    found = apply_size_shift(forest, np.array([0.5, 0.9], np.float32), columns, 2)
    low, high = (1 / (1 + np.exp(-v)) for v in (-1.0, 2.0))
    expected = {"log_odds": [low, high], "doublings": [low, low], "x": [low, high]}[tested]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_pair_of_certain_log_odds_stays_finite() -> None:
    sure = np.array([0, 1], dtype=np.float32)
    assert np.isfinite(add_size_features(sure, {}, 1)).all()


def test_the_shipped_model_knows_larger_corpora() -> None:
    shipped = Model.load()
    assert shipped.pair_size_shift is not None
    assert shipped.group_size_shift is not None
    check_model(shipped)


@cache
def invented() -> tuple[CorpusIndex, Constraints]:
    index = indexed(list(population(7, families=4)[0]))
    return index, compile_constraints(index.corpus, ())


def batch_of(index: CorpusIndex) -> PairBatch:
    """The pairs of all blocks."""
    blocks = make_blocks(index.corpus)
    return NamePairs.compare(index, blocks).make_batch(0, len(blocks))


def growing() -> Model:
    """A model that takes pairs and groups in a larger corpus for two people each."""
    pair, group = (
        (*PAIR_FEATURES, *SIZE_FEATURES),
        (
            *GROUP_FEATURES,
            *SIZE_SHIFT_FEATURES,
            *SIZE_FEATURES,
        ),
    )
    return replace(
        model(),
        pair_size_shift=stump(pair, "log_odds", 3.0, -4.0, 4.0),
        group_size_shift=stump(group, "log_odds", 50.0, -4.0, 4.0),
    )


def test_a_run_over_a_larger_corpus_asks_the_second_forests() -> None:
    index, constraints = invented()
    larger = replace(index, doublings=2)
    people = [
        int(cluster_batch(i, m, constraints, batch_of(index)).group.max())
        for i, m in ((index, model()), (index, growing()), (larger, model()), (larger, growing()))
    ]
    assert people[0] == people[1] == people[2] < people[3]


def test_both_levels_grow_and_group_features_are_as_the_first_forest_knows_them() -> None:
    index, constraints = invented()
    fitted = growing()

    def scored(times: int) -> ScoredPairs:
        return ScoredPairs.score(
            replace(index, doublings=times),
            batch_of(index),
            constraints,
            lambda c: predict_pairs(fitted, c, times),
        )

    small, large = scored(0), scored(3)
    np.testing.assert_array_equal(small.shifted_probability, small.probability)
    np.testing.assert_array_equal(small.probability, large.probability)
    asked = small.probability >= MIN_PROBABILITY
    assert 0 < asked.sum() < len(asked)
    np.testing.assert_allclose(
        np.unique(large.shifted_probability[asked]), [0.018, 0.982], atol=1e-3
    )
    np.testing.assert_array_equal(large.shifted_probability[~asked], small.probability[~asked])
    group = small.cluster(0.8)
    _, before = small.compute_group_features(group)
    _, after = large.compute_group_features(group)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    found, first = (predict_groups(fitted, after, times) for times in (3, 0))
    asked = first >= MIN_PROBABILITY
    np.testing.assert_allclose(found[asked], 1 / (1 + np.exp(4)), atol=1e-6)
    np.testing.assert_array_equal(found[~asked], first[~asked])


def test_groups_far_apart_are_not_compared_in_a_large_corpus() -> None:
    index, constraints = invented()
    for times in (0, 3):
        scored = ScoredPairs.score(
            replace(index, doublings=times),
            batch_of(index),
            constraints,
            lambda c: predict_pairs(model(), c, 0),
        )
        group = scored.cluster(0.8)
        found = scored.score_groups(group, lambda c: c["score_mean"]).groups
        every, _ = scored.compute_group_features(group)
        near = every.compute_greatest(scored.shifted_probability) >= MIN_GROUP_PROBABILITY
        assert 0 < near.sum() < every.n_pairs
        assert found.n_pairs == (near.sum() if times else every.n_pairs)


def test_pair_scores_that_are_told_are_those_a_run_groups_by() -> None:
    _, labels = population(7, families=4)
    index = replace(invented()[0], doublings=3)
    fitted = growing()
    told = score_labelled_pairs(index, fitted, labels)
    batch = batch_of(index)
    scored = ScoredPairs.score(index, batch, invented()[1], lambda c: predict_pairs(fitted, c, 3))
    ends = np.sort(np.column_stack([batch.rows[batch.left], batch.rows[batch.right]]), axis=1)
    ours = dict(zip(map(tuple, ends.tolist()), scored.shifted_probability.tolist(), strict=True))
    listed = [
        (ours[pair], p)
        for pair, p in zip(
            zip(told.left.tolist(), told.right.tolist(), strict=True),
            told.probability.tolist(),
            strict=True,
        )
        if pair in ours
    ]
    assert len(listed) > 100
    assert all(a == b for a, b in listed)
