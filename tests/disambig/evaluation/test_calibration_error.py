"""Reliability and expected calibration error on hand-worked bins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disambig.evaluation.metrics import expected_calibration_error, reliability_curve


def test_two_bins_worked_by_hand() -> None:
    # [0, .5): .1 .3 → mean .2, none positive, gap .2; [.5, 1]: .6 .8 → mean .7, one of two, gap .2
    error = expected_calibration_error([0.1, 0.3, 0.6, 0.8], [0, 0, 1, 0], bins=2)
    assert error == pytest.approx(0.2)


def test_bins_weigh_by_the_number_of_pairs_in_them() -> None:
    # three pairs at .9 all positive: gap .1; one pair at .1 positive: gap .9
    error = expected_calibration_error([0.9, 0.9, 0.9, 0.1], [1, 1, 1, 1], bins=2)
    assert error == pytest.approx(0.75 * 0.1 + 0.25 * 0.9)


def test_a_weight_of_two_is_the_same_as_stating_the_pair_twice() -> None:
    weighted = expected_calibration_error([0.2, 0.9], [1, 1], weights=[2, 1])
    assert weighted == pytest.approx(expected_calibration_error([0.2, 0.2, 0.9], [1, 1, 1]))


def test_certain_and_right_has_no_error() -> None:
    assert expected_calibration_error([0.0, 1.0], [0, 1]) == 0.0


def test_certain_and_wrong_has_error_one() -> None:
    assert expected_calibration_error([0.0, 1.0], [1, 0]) == 1.0


def test_gaps_of_opposite_sign_in_one_bin_cancel() -> None:
    # Both pairs fall into [.4, .6): mean .5, one of two positive.
    assert expected_calibration_error([0.45, 0.55], [1, 0], bins=5) == pytest.approx(0.0)


def test_nothing_to_calibrate_is_undefined() -> None:
    assert math.isnan(expected_calibration_error([], []))


def test_an_empty_bin_of_the_curve_is_missing_not_zero() -> None:
    curve = reliability_curve([0.9], [1], bins=2)
    assert math.isnan(curve.observed[0])
    assert curve.observed[1] == 1.0


def test_probability_one_falls_into_the_last_bin() -> None:
    assert reliability_curve([1.0], [1], bins=4).weight.tolist() == [0, 0, 0, 1]


def test_a_probability_on_an_inner_edge_falls_into_the_bin_above() -> None:
    assert reliability_curve([0.5], [1], bins=2).weight.tolist() == [0, 1]


@pytest.mark.parametrize("bad", [-0.01, 1.01, math.nan])
def test_what_is_no_probability_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        expected_calibration_error([bad], [1])


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="same length"):
        reliability_curve([0.5, 0.5], [1])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_error_agrees_with_a_loop_over_bins(pairs: list[tuple[float, bool]]) -> None:
    error, bins = 0.0, 15
    for b in range(bins):
        inside = [(p, y) for p, y in pairs if min(int(p * bins), bins - 1) == b]
        if inside:
            mean = sum(p for p, _ in inside) / len(inside)
            share = sum(y for _, y in inside) / len(inside)
            error += len(inside) / len(pairs) * abs(share - mean)
    p, y = zip(*pairs, strict=True)
    assert expected_calibration_error(np.array(p), np.array(y)) == pytest.approx(error)
