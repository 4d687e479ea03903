"""What a name is worth in a corpus larger than the forests know."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from invented import indexed, model, population

from disambig.blocking import blocks_of
from disambig.constraints import Constraints, compile_constraints
from disambig.engine import Scored, group_probabilities, probabilities, resolve
from disambig.group_features import GROUP_FEATURES
from disambig.growth import GROUP_GAINS, PAIR_GAINS, doublings, lowered
from disambig.index import CorpusIndex
from disambig.pair_features import PAIR_FEATURES
from disambig.pairs import NamePairs, PairBatch
from disambig.scoring import labelled_pairs

HALF = np.array([0.5], dtype=np.float32)


def columns(**known: float) -> dict[str, np.ndarray]:
    """Pair features of one pair; those not named are not known."""
    return {name: np.array([known.get(name, np.nan)], np.float32) for name in PAIR_GAINS}


@pytest.mark.parametrize(
    ("works", "times"),
    [(0, 0), (1, 0), (95_465, 0), (2**18, 0), (370_000, 0), (371_000, 1), (2**20, 2), (2**30, 12)],
)
def test_doublings_are_counted_from_260_thousand_works_on(works: int, times: int) -> None:
    assert doublings(works) == times


def test_no_larger_corpus_changes_no_bit() -> None:
    given = np.array([0.1, 0.9], dtype=np.float32)
    assert lowered(given, {}, PAIR_GAINS, 0) is given


@pytest.mark.parametrize(("times", "expected"), [(1, 1 / 3), (2, 1 / 5), (4, 1 / 17)])
def test_each_doubling_halves_the_odds_of_namesakes(times: int, expected: float) -> None:
    assert lowered(HALF, columns(), PAIR_GAINS, times) == pytest.approx(expected, abs=1e-6)


def test_a_rare_coauthor_in_common_keeps_half_of_what_the_name_loses() -> None:
    # odds of exp(0.34 - log 2) = 0.702 after one doubling
    found = lowered(HALF, columns(coauthors_rarity=1), PAIR_GAINS, 1)
    assert found == pytest.approx(0.702 / 1.702, abs=1e-3)


def test_evidence_never_gains_more_than_the_name_has_lost() -> None:
    everything = columns(**dict.fromkeys(PAIR_GAINS, 100.0))
    assert lowered(HALF, everything, PAIR_GAINS, 5) == pytest.approx(0.5, abs=1e-6)


def test_what_counts_for_growth_is_a_feature() -> None:
    assert set(PAIR_GAINS) <= set(PAIR_FEATURES)
    assert set(GROUP_GAINS) <= set(GROUP_FEATURES)


@cache
def invented() -> tuple[CorpusIndex, Constraints]:
    index = indexed(list(population(7, families=4)[0]))
    return index, compile_constraints(index.corpus, ())


def batch_of(index: CorpusIndex) -> PairBatch:
    """The pairs of all blocks."""
    blocks = blocks_of(index.corpus)
    return NamePairs.of(index, blocks).batch(0, len(blocks))


def test_a_run_over_a_larger_corpus_joins_less() -> None:
    index, constraints = invented()
    people = [
        int(resolve(replace(index, doublings=d), model(), constraints, batch_of(index)).group.max())
        for d in (0, 2, 8)
    ]
    assert people[0] <= people[1] < people[2]


def test_both_levels_are_lowered_and_group_features_are_as_the_forest_knows_them() -> None:
    index, constraints = invented()
    fitted = model()

    def scored(times: int) -> Scored:
        return Scored.of(
            replace(index, doublings=times), batch_of(index), constraints,
            lambda c: probabilities(fitted.pair, fitted.pair_calibration, c),
        )  # fmt: skip

    small, large = scored(0), scored(3)
    assert (large.likely <= small.likely).all()
    assert (large.likely < small.likely).any()
    group = small.first_level(0.8)
    _, before = small.between(group)
    _, after = large.between(group)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    lower = group_probabilities(fitted, after, 3)
    assert (lower <= group_probabilities(fitted, before, 0)).all()


def test_pair_scores_that_are_told_are_those_a_run_groups_by() -> None:
    _, labels = population(7, families=4)
    index = replace(invented()[0], doublings=3)
    told = labelled_pairs(index, model(), labels)
    batch = batch_of(index)
    fitted = model()
    scored = Scored.of(
        index, batch, invented()[1],
        lambda c: probabilities(fitted.pair, fitted.pair_calibration, c),
    )  # fmt: skip
    ends = np.sort(np.column_stack([batch.rows[batch.left], batch.rows[batch.right]]), axis=1)
    ours = dict(zip(map(tuple, ends.tolist()), scored.likely.tolist(), strict=True))
    listed = [
        (ours[pair], p)
        for pair, p in zip(
            zip(told.left.tolist(), told.right.tolist(), strict=True),
            told.probability.tolist(), strict=True,
        )
        if pair in ours
    ]  # fmt: skip
    assert len(listed) > 100
    assert all(a == b for a, b in listed)
