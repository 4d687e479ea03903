"""Partition metrics: hand-worked partitions, an independent implementation, properties."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.cluster import pair_confusion_matrix

from disambig.evaluation.metrics import Metrics, bcubed_by_signature, evaluate

# Signatures a b c d: predicted {a b c} {d}, true {a b} {c d}.
PREDICTED = np.array([7, 7, 7, 9])
TRUTH = np.array([1, 1, 2, 2])


def test_bcubed_precision_of_the_worked_partition_is_two_thirds() -> None:
    # a: 2/3, b: 2/3, c: 1/3, d: 1
    assert evaluate(PREDICTED, TRUTH).bcubed_precision == pytest.approx(2 / 3)


def test_bcubed_recall_of_the_worked_partition_is_three_quarters() -> None:
    # a: 1, b: 1, c: 1/2, d: 1/2
    assert evaluate(PREDICTED, TRUTH).bcubed_recall == pytest.approx(3 / 4)


def test_bcubed_f1_is_the_harmonic_mean_of_the_two_averages() -> None:
    # 2 · (2/3 · 3/4) / (2/3 + 3/4) = 1 / (17/12)
    assert evaluate(PREDICTED, TRUTH).bcubed_f1 == pytest.approx(12 / 17)


def test_pairwise_figures_of_the_worked_partition() -> None:
    # predicted pairs ab ac bc, true pairs ab cd, in both ab
    metrics = evaluate(PREDICTED, TRUTH)
    figures = (metrics.pairwise_precision, metrics.pairwise_recall, metrics.pairwise_f1)
    assert figures == pytest.approx((1 / 3, 1 / 2, 2 / 5))


def test_labels_are_counted_as_distinct_codes() -> None:
    metrics = evaluate(np.array([0, 0, 1, 2]), np.array([5, 5, 5, 6]), np.array([0, 0, 0, 3]))
    assert (metrics.signatures, metrics.identities, metrics.people, metrics.blocks) == (4, 3, 2, 2)


def test_an_identity_spanning_two_blocks_counts_within_each() -> None:
    # One identity over two blocks, each block one person: perfect within, half across.
    predicted, truth, block = np.zeros(4, int), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])
    assert evaluate(predicted, truth, block).bcubed_precision == 1.0
    assert evaluate(predicted, truth).bcubed_precision == 0.5


def test_a_person_split_only_across_blocks_is_complete_within_them() -> None:
    predicted, truth, block = np.array([0, 0, 1, 1]), np.zeros(4, int), np.array([0, 0, 1, 1])
    assert evaluate(predicted, truth, block).bcubed_recall == 1.0
    assert evaluate(predicted, truth).bcubed_recall == 0.5


def test_a_block_is_exact_when_its_partition_is_the_true_one() -> None:
    # block 0: {0 1} against {0 1}; block 1: {2} {3} against {2 3}; block 2: {4 5} against {4} {5}
    predicted = np.array([0, 0, 1, 2, 3, 3])
    truth = np.array([8, 8, 9, 9, 10, 11])
    assert evaluate(predicted, truth, np.array([0, 0, 1, 1, 2, 2])).exact_blocks == 1 / 3


def test_a_block_stays_exact_when_its_identity_reaches_into_another_block() -> None:
    predicted, truth, block = np.array([0, 0, 0]), np.array([0, 0, 1]), np.array([0, 0, 1])
    assert evaluate(predicted, truth, block).exact_blocks == 1.0


def test_without_blocks_the_share_of_exact_blocks_is_undefined() -> None:
    assert math.isnan(evaluate(PREDICTED, TRUTH).exact_blocks)


def test_singletons_on_both_sides_are_perfect_in_bcubed() -> None:
    assert evaluate(np.arange(5), np.arange(5)).bcubed_f1 == 1.0


def test_singletons_on_both_sides_leave_pairwise_undefined() -> None:
    metrics = evaluate(np.arange(5), np.arange(5))
    assert math.isnan(metrics.pairwise_precision)
    assert math.isnan(metrics.pairwise_recall)
    assert math.isnan(metrics.pairwise_f1)


def test_predicting_no_pair_where_there_are_some_is_no_precision_but_zero_recall() -> None:
    metrics = evaluate(np.arange(3), np.zeros(3, int))
    assert math.isnan(metrics.pairwise_precision)
    assert (metrics.pairwise_recall, metrics.pairwise_f1) == (0.0, 0.0)


def test_nothing_to_compare_is_undefined_not_perfect() -> None:
    empty = np.array([], dtype=np.int64)
    metrics = evaluate(empty, empty, empty)
    assert math.isnan(metrics.bcubed_f1)
    assert metrics.signatures == 0


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same length"):
        evaluate(np.zeros(3, int), np.zeros(2, int))


def test_float_codes_are_refused() -> None:
    with pytest.raises(ValueError, match="must be integers"):
        evaluate(np.zeros(3), np.zeros(3))  # type: ignore[arg-type]


def test_labels_far_apart_give_the_same_figures_as_dense_ones() -> None:
    spread = np.array([-(2**60), -(2**60), -(2**60), 2**62])
    assert_same(evaluate(spread, TRUTH), evaluate(PREDICTED, TRUTH))


def test_three_million_clusters_in_three_million_blocks_do_not_overflow() -> None:
    # A key over block × identity × person would need 2.7e19 values.
    each = np.arange(3_000_000)
    metrics = evaluate(each, each, each)
    assert (metrics.bcubed_f1, metrics.exact_blocks) == (1.0, 1.0)


def test_the_path_for_huge_corpora_gives_the_same_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    predicted, truth, block = rng.integers(0, 20, (3, 200))
    usual = evaluate(predicted, truth, block)
    monkeypatch.setattr("disambig.evaluation.metrics._LARGEST_KEY", 1)
    assert evaluate(predicted, truth, block) == usual


Triples = list[tuple[int, int, int]]
triples = st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=1, max_size=40)


def columns(rows: Sequence[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    predicted, truth, block = np.array(rows).T
    return predicted, truth, block


def brute_bcubed(rows: Triples) -> tuple[float, float]:
    """B-cubed within blocks by sets of indices, one signature at a time."""
    precision = recall = 0.0
    for predicted, truth, block in rows:
        mine = {i for i, row in enumerate(rows) if row[0] == predicted and row[2] == block}
        real = {i for i, row in enumerate(rows) if row[1] == truth and row[2] == block}
        precision += len(mine & real) / len(mine)
        recall += len(mine & real) / len(real)
    return precision / len(rows), recall / len(rows)


def brute_exact(rows: Triples) -> float:
    blocks = {block for _, _, block in rows}

    def partition(block: int, column: int) -> set[frozenset[int]]:
        inside = [(i, row[column]) for i, row in enumerate(rows) if row[2] == block]
        return {frozenset(i for i, c in inside if c == code) for code in dict(inside).values()}

    return sum(partition(b, 0) == partition(b, 1) for b in blocks) / len(blocks)


@given(triples)
def test_bcubed_within_blocks_agrees_with_counting_by_sets(rows: Triples) -> None:
    metrics = evaluate(*columns(rows))
    assert (metrics.bcubed_precision, metrics.bcubed_recall) == pytest.approx(brute_bcubed(rows))


@given(triples)
def test_exact_blocks_agree_with_comparing_sets(rows: Triples) -> None:
    assert evaluate(*columns(rows)).exact_blocks == pytest.approx(brute_exact(rows))


@given(triples)
def test_pairwise_agrees_with_the_confusion_matrix_of_scikit_learn(rows: Triples) -> None:
    predicted, truth, _ = columns(rows)
    (_, false_positive), (false_negative, true_positive) = pair_confusion_matrix(truth, predicted)
    metrics = evaluate(predicted, truth)
    for figure, wrong in (
        (metrics.pairwise_precision, false_positive),
        (metrics.pairwise_recall, false_negative),
    ):
        total = true_positive + wrong
        expected = true_positive / total if total else math.nan
        assert figure == pytest.approx(expected, nan_ok=True)


@given(triples)
def test_figures_per_signature_average_to_the_whole(rows: Triples) -> None:
    precision, recall = bcubed_by_signature(*columns(rows))
    metrics = evaluate(*columns(rows))
    assert (precision.mean(), recall.mean()) == pytest.approx(
        (metrics.bcubed_precision, metrics.bcubed_recall)
    )


def assert_same(one: Metrics, other: Metrics) -> None:
    for field in Metrics.__dataclass_fields__:
        assert getattr(one, field) == pytest.approx(getattr(other, field), nan_ok=True)


@given(triples, st.randoms())
def test_order_of_signatures_does_not_matter(rows: Triples, random: Sequence[int]) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert_same(evaluate(*columns(rows)), evaluate(*columns(shuffled)))


@given(triples, st.permutations(range(6)), st.integers(-(2**40), 2**40))
def test_names_of_clusters_do_not_matter(rows: Triples, names: list[int], shift: int) -> None:
    predicted, truth, block = columns(rows)
    renamed = np.array(names)[predicted] * 1000 + shift
    assert_same(evaluate(predicted, truth, block), evaluate(renamed, truth, block))


@given(triples)
def test_swapping_the_partitions_swaps_precision_and_recall(rows: Triples) -> None:
    predicted, truth, block = columns(rows)
    one, other = evaluate(predicted, truth, block), evaluate(truth, predicted, block)
    assert one.bcubed_precision == pytest.approx(other.bcubed_recall)
    assert one.pairwise_precision == pytest.approx(other.pairwise_recall, nan_ok=True)


@given(triples)
def test_the_truth_is_perfect_against_itself(rows: Triples) -> None:
    _, truth, block = columns(rows)
    metrics = evaluate(truth, truth, block)
    assert (metrics.bcubed_f1, metrics.exact_blocks) == (1.0, 1.0)


@given(triples)
def test_identities_and_people_are_the_distinct_labels(rows: Triples) -> None:
    predicted, truth, block = columns(rows)
    metrics = evaluate(predicted, truth, block)
    distinct = tuple(len(Counter(column.tolist())) for column in (predicted, truth, block))
    assert (metrics.identities, metrics.people, metrics.blocks) == distinct
