"""Sums over blocks and their bootstrap intervals, on partitions worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from disambig.arrays import Bool, Int64
from disambig.errors import InputError
from disambig.evaluation.metrics import evaluate
from labeled.benchmark.comparison import compare_sums, judge_difference, read_earlier_sums
from labeled.benchmark.intervals import (
    BlockSums,
    Interval,
    bootstrap_difference,
    bootstrap_interval,
    match_blocks,
)


def codes(*values: int) -> Int64:
    return np.array(values, dtype=np.int64)


# Block x: Ann is {0 1 2}, Bob {3}; identities are {0 1} and {2 3}. Block y: Cid is {4 5}, found
# whole. Block z: Dan alone.
TRUTH, FOUND = codes(0, 0, 0, 1, 2, 2, 3), codes(0, 0, 1, 1, 2, 2, 3)
BLOCK, NAMES = codes(0, 0, 0, 0, 1, 1, 2), ("x", "y", "z")
SUMS = BlockSums.of(FOUND, TRUTH, BLOCK, NAMES)


def test_precision_and_recall_are_summed_by_block() -> None:
    assert SUMS.precision.tolist() == [3, 2, 1]
    assert SUMS.recall == pytest.approx([8 / 3, 2, 1])


def test_pairs_are_counted_by_block() -> None:
    pairs = [SUMS.predicted_pairs, SUMS.true_pairs, SUMS.correct_pairs]
    assert [p.tolist() for p in pairs] == [[2, 1, 0], [3, 1, 0], [1, 1, 0]]


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("bcubed_precision", 6 / 7),
        ("bcubed_recall", 17 / 21),
        ("bcubed_f1", 2 * 6 / 7 * 17 / 21 / (6 / 7 + 17 / 21)),
        ("pairwise_precision", 2 / 3),
        ("pairwise_recall", 2 / 4),
        ("pairwise_f1", 4 / 7),
        ("mean_block_pairwise_f1", (0.4 + 1) / 2),  # z has no pair
        ("mean_block_bcubed_f1", (12 / 17 + 1) / 2),  # z has one mention
        ("exact_blocks", 2 / 3),
    ],
)
def test_figures_follow_from_the_sums(figure: str, value: float) -> None:
    assert SUMS.compute_figures()[figure] == pytest.approx(value)


def test_figures_equal_those_of_the_engine_on_random_partitions() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        predicted, truth, block = rng.integers(0, 8, size=(3, 60))
        expected = evaluate(predicted, truth, block)
        found = BlockSums.of(predicted, truth, block, [str(n) for n in range(8)])
        figures = found.compute_figures()
        for name in ("bcubed_precision", "bcubed_f1", "pairwise_recall", "pairwise_f1"):
            assert figures[name] == pytest.approx(getattr(expected, name))


def with_others(found: Int64) -> BlockSums:
    """Ann's mentions 0 and 1, and the others 2 and 3, in one block."""
    is_other: Bool = np.array([False, False, True, True])
    return BlockSums.of(found, codes(0, 0, 1, 2), codes(0, 0, 0, 0), ["x"], is_other)


def test_others_in_an_identity_count_against_its_precision() -> None:
    sums = with_others(codes(0, 0, 0, 0))
    assert (sums.precision[0], sums.recall[0], sums.signatures[0]) == (1.0, 2.0, 2)
    # Ann's pair, and each of her mentions with each other
    assert (sums.predicted_pairs[0], sums.correct_pairs[0]) == (5, 1)


def test_others_joined_with_each_other_are_no_error() -> None:
    assert with_others(codes(0, 0, 7, 7)).compute_figures()["bcubed_f1"] == 1.0


def test_without_a_pair_pairwise_figures_are_undefined() -> None:
    alone = BlockSums.of(codes(0), codes(0), codes(0), ["x"])
    assert np.isnan(bootstrap_interval(alone, "pairwise_f1")).all()


def many(exact: int, wrong: int) -> BlockSums:
    """Blocks of one person of two mentions, found whole in the first ``exact`` blocks."""
    n = exact + wrong
    truth = np.repeat(np.arange(n), 2)
    found = np.arange(2 * n)
    found[1 : 2 * exact : 2] -= 1
    return BlockSums.of(found, truth, truth, [f"b{k}" for k in range(n)])


def test_blocks_that_are_alike_have_an_interval_without_width() -> None:
    assert bootstrap_interval(many(0, 9), "bcubed_recall") == Interval(0.5, 0.5, 0.5)


def test_the_interval_of_a_share_is_two_standard_errors_wide() -> None:
    # the standard error of a share of 0.5 among 100 blocks is 0.05
    value, low, high = bootstrap_interval(many(50, 50), "exact_blocks")
    assert (value, low, high) == pytest.approx((0.5, 0.402, 0.598), abs=0.015)


def test_a_seed_gives_one_interval() -> None:
    sums = many(50, 50)
    first, again, other = (bootstrap_interval(sums, "bcubed_f1", 30, seed) for seed in (1, 1, 2))
    assert first == again != other


def test_a_result_does_not_differ_from_itself() -> None:
    assert bootstrap_difference(SUMS, SUMS, "bcubed_f1") == Interval(0, 0, 0)


def test_what_is_hard_for_both_cancels_in_a_paired_difference() -> None:
    # the results differ in one of a hundred blocks: far less than either varies alone
    alone = bootstrap_interval(many(51, 49), "exact_blocks")
    value, low, high = bootstrap_difference(many(51, 49), many(50, 50), "exact_blocks")
    assert value == pytest.approx(0.01)
    assert high - low < (alone.high - alone.low) / 3


def test_blocks_are_matched_by_name() -> None:
    reversed_sums = SUMS.select(codes(2, 1, 0))
    now, before = match_blocks(SUMS, reversed_sums)
    assert now.blocks == before.blocks == NAMES
    assert before.precision.tolist() == SUMS.precision.tolist()


def test_blocks_of_one_result_only_are_left_out_and_counted() -> None:
    comparison = compare_sums("c", SUMS, SUMS.select(codes(1, 2)))
    assert (comparison.blocks, comparison.unmatched) == (2, 1)
    assert comparison.now["exact_blocks"] == 1.0


def test_results_without_a_common_block_are_refused() -> None:
    with pytest.raises(InputError, match="no block in common"):
        match_blocks(SUMS.select(codes(0)), SUMS.select(codes(1)))


def test_sums_survive_json() -> None:
    restored = BlockSums.from_dict(json.loads(json.dumps(SUMS.to_dict())))
    assert restored.blocks == SUMS.blocks
    assert restored.compute_figures() == pytest.approx(SUMS.compute_figures())


def test_damaged_sums_are_refused() -> None:
    with pytest.raises(InputError, match="damaged"):
        BlockSums.from_dict({"columns": ["signatures"], "blocks": {"x": [1]}})


@pytest.mark.parametrize(
    ("bounds", "word"),
    [((0.01, 0.02), "better"), ((-2, -1), "worse"), ((-1, 1), "noise"), ((0, 0), "equal")],
)
def test_a_difference_is_judged_by_its_interval(bounds: tuple[float, float], word: str) -> None:
    assert judge_difference(Interval(sum(bounds) / 2, *bounds)) == word


def test_an_earlier_result_of_another_split_is_refused(tmp_path) -> None:
    file = tmp_path / "earlier.json"
    document = {"split": "train", "corpora": [{"corpus": "c", "block_sums": SUMS.to_dict()}]}
    file.write_text(json.dumps(document), encoding="utf-8")
    assert read_earlier_sums(file, "train")["c"].blocks == NAMES
    with pytest.raises(InputError, match="measures split 'train', not 'dev'"):
        read_earlier_sums(file, "dev")


def test_a_file_without_sums_by_block_is_refused(tmp_path) -> None:
    file = tmp_path / "earlier.json"
    file.write_text('{"split": "dev", "corpora": [{"corpus": "c"}]}', encoding="utf-8")
    with pytest.raises(InputError, match="holds no sums by block"):
        read_earlier_sums(file, "dev")
