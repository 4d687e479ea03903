"""Accuracy of growing corpora, by how many mentions agree in name."""

from __future__ import annotations

import math

import numpy as np
import pytest

from disambig.evaluation.slices import Slice
from labeled.benchmark.scaling import ScalingRun, count_namesakes, standardise_f1


def test_an_initial_agrees_with_all_of_its_block_and_a_first_name_with_its_like() -> None:
    names = ["Wei Wang", "Wen Wang", "W. Wang", "Wei X. Wang", "Wei Wu", "Wang"]
    block = np.array([0, 0, 0, 0, 1, 2])
    assert count_namesakes(names, block).tolist() == [2, 1, 3, 2, 0, 0]


def part(label: str, n: int, precision: float, recall: float) -> Slice:
    f1 = 2 * precision * recall / (precision + recall)
    return Slice(label, n, precision, recall, f1, 0.0)


def size(*parts: Slice) -> ScalingRun:
    return ScalingRun("x", 1, 1, 1, 1, 1, 1.0, 1.0, 1, None, parts, ())


def test_a_corpus_of_more_namesakes_is_told_in_the_proportions_of_the_first() -> None:
    few, many = ("0–9", 1.0, 1.0), ("10–29", 0.8, 0.8)
    first = size(part(few[0], 90, *few[1:]), part(many[0], 10, *many[1:]))
    later = size(
        part(few[0], 10, *few[1:]), part(many[0], 90, *many[1:]), part("30–99", 5, 0.1, 0.1)
    )
    assert standardise_f1([first, later]) == pytest.approx([0.98, 0.98])


def test_what_others_lack_cannot_be_told() -> None:
    first = size(part("0–9", 1, 1.0, 1.0), part("10–29", 1, 1.0, 1.0))
    assert math.isnan(standardise_f1([first, size(part("0–9", 1, 1.0, 1.0))])[1])
    assert standardise_f1([]) == []
