"""Estimates from reviewed samples: by hand, and how often the intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from disambig.estimation import Reviewed, allocate
from disambig.metrics import bcubed_by_signature, evaluate

SIMULATED = 1000


def one_stratum(published: list[int], person: list[int], shared: list[int], size: int) -> Reviewed:
    columns = (np.array(values) for values in (published, person, shared))
    return Reviewed.mentions(np.zeros(len(shared), int), np.array([size]), *columns)


def test_a_census_gives_the_figures_themselves_without_an_interval_to_speak_of() -> None:
    predicted, truth = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 1])
    known = evaluate(predicted, truth)
    found = one_stratum([3, 3, 3, 2, 2, 1], [2, 2, 4, 4, 4, 4], [2, 2, 1, 2, 2, 1], 6).quality()
    assert found.bcubed_precision.value == pytest.approx(known.bcubed_precision)
    assert found.bcubed_recall.value == pytest.approx(known.bcubed_recall)
    assert found.bcubed_f1.value == pytest.approx(known.bcubed_f1)
    assert found.pairwise_precision.value == pytest.approx(known.pairwise_precision)
    assert found.pairwise_recall.value == pytest.approx(known.pairwise_recall)


def test_strata_weigh_by_their_mentions_not_by_what_was_drawn() -> None:
    # 90 mentions whose precision is 1, 10 where it is 1/2: 0.95 over all, 2/3 over those drawn
    stratum, size = np.array([0, 0, 1, 1, 1, 1]), np.array([90, 10])
    two, one = np.full(6, 2), np.array([2, 2, 1, 1, 1, 1])
    found = Reviewed.mentions(stratum, size, two, one, one)
    assert found.quality().bcubed_precision.value == pytest.approx(0.95)
    assert found.of(np.array([1])).quality().bcubed_precision.value == pytest.approx(0.5)
    assert found.of(np.array([1])).quality().bcubed_precision.reviewed == 4


def test_a_mean_has_the_variance_of_the_textbook() -> None:
    # precision 1, 1/2, 1, 1/2 of 4 out of 100: s² = 1/12, standard error² = 0.96 / 48 = 0.02
    found = one_stratum([1, 2, 1, 2], [1, 1, 1, 1], [1, 1, 1, 1], 100)
    e = found.quality().bcubed_precision
    answers, z = 0.75 * 0.25 / 0.02, 3.18245
    middle = (0.75 + z * z / (2 * answers)) / (1 + z * z / answers)
    half = z / (1 + z * z / answers) * np.sqrt(0.02 + z * z / (4 * answers**2))
    assert (e.low, e.high) == pytest.approx((middle - half, middle + half), abs=1e-5)


def test_a_sample_without_errors_does_not_claim_that_there_are_none() -> None:
    found = one_stratum([1] * 50, [1] * 50, [1] * 50, 10_000).quality()
    assert (found.bcubed_precision.value, found.bcubed_precision.high) == (1, 1)
    # Wilson: 50 / (50 + 2.01²)
    assert found.bcubed_precision.low == pytest.approx(50 / (50 + 2.00958**2), abs=1e-4)


def test_without_pairs_and_without_reviews_nothing_is_claimed() -> None:
    found = one_stratum([1, 1], [1, 1], [1, 1], 9).quality().pairwise_precision
    assert np.isnan(found.value)
    assert (found.low, found.high) == (0, 1)
    none = one_stratum([], [], [], 9).quality()
    assert np.isnan(none.bcubed_precision.value)
    assert none.bcubed_precision.reviewed == 0
    single = one_stratum([2], [1], [1], 9).quality().bcubed_precision
    assert (single.low, single.high) == (0, 1)


def test_an_identity_of_parts_has_the_precision_of_its_mentions() -> None:
    # of 3 and 1: (3·3/4 + 1·1/4) / 4 = 10/16; pairs: 3 of 6
    found = Reviewed.identities(np.array([0, 0]), np.array([9]), [[3, 1], [1, 3]]).quality()
    assert found.bcubed_precision.value == pytest.approx(10 / 16)
    assert found.pairwise_precision.value == pytest.approx(3 / 6)
    assert found.bcubed_recall is None


@pytest.mark.parametrize(("published", "person", "shared"), [(1, 2, 2), (2, 1, 2), (1, 1, 0)])
def test_counts_that_cannot_be_are_refused(published: int, person: int, shared: int) -> None:
    with pytest.raises(ValueError, match="shares itself"):
        one_stratum([published], [person], [shared], 5)


def test_more_reviews_than_mentions_are_refused() -> None:
    with pytest.raises(ValueError, match="than it has"):
        one_stratum([1, 1], [1, 1], [1, 1], 1)


def test_identities_need_parts() -> None:
    with pytest.raises(ValueError, match="one mention or more"):
        Reviewed.identities(np.array([0]), np.array([3]), [[]])


def test_draws_go_by_the_root_of_the_size() -> None:
    assert allocate([400, 100, 25], 70) == [39, 20, 11]
    assert allocate([400, 0, 1], 10) == [9, 0, 1]
    assert allocate([3, 2], 100) == [3, 2]
    assert sum(allocate([10**6, 10**5, 10**3, 7], 500)) == 500


class World:
    """Names, people and what is published of them: sizes with heavy tails, errors of all sizes."""

    def __init__(self, seed: int = 5) -> None:
        rng = np.random.default_rng(seed)
        sizes = np.minimum(rng.zipf(1.7, 9000), 400)
        self.truth = np.repeat(np.arange(len(sizes)), sizes)
        # people in their order share names: few names have many people
        crowd = np.minimum(rng.zipf(1.6, 9000), 60)
        name = np.repeat(np.arange(len(crowd)), crowd)[: len(sizes)]
        self.name = name[self.truth]
        # one in five people is published in two parts, one in five parts is of the one before
        part = (
            rng.random(len(self.truth))
            < np.where(rng.random(len(sizes)) < 0.2, 0.35, 0)[self.truth]
        )
        codes = 2 * self.truth + part
        _, codes = np.unique(codes, return_inverse=True)
        first = np.unique(codes, return_index=True)[1]
        same_name = np.r_[False, self.name[first][1:] == self.name[first][:-1]]
        joined = same_name & (rng.random(len(first)) < 0.2)
        self.predicted = np.cumsum(~joined)[codes] - 1
        count = np.bincount(self.name)[self.name]
        self.stratum = np.searchsorted([2, 10, 100], count, side="right")
        self.population = np.bincount(self.stratum, minlength=4)
        self.published = np.bincount(self.predicted)[self.predicted]
        self.person = np.bincount(self.truth)[self.truth]
        _, cell, sizes = np.unique(
            self.predicted * (self.truth.max() + 1) + self.truth,
            return_inverse=True, return_counts=True,
        )  # fmt: skip
        self.cell, self.shared = cell, sizes[cell]
        self.parts: list[list[int]] = [[] for _ in range(self.predicted.max() + 1)]
        for at, size in zip(np.unique(cell, return_index=True)[1], sizes, strict=True):
            self.parts[self.predicted[at]].append(int(size))
        self.rows = [np.flatnonzero(self.stratum == h) for h in range(4)]


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def covered(world: World, drawn: list[Reviewed], of: list[int] | None = None) -> dict[str, float]:
    """How often the interval of each figure holds the truth."""
    strata = np.array(of if of is not None else range(4))
    inside = np.isin(world.stratum, strata)
    p, r = bcubed_by_signature(world.predicted, world.truth)
    P, R = p[inside].mean(), r[inside].mean()
    pairs = (world.shared - 1)[inside].sum()
    truth = {
        "bcubed_precision": P, "bcubed_recall": R, "bcubed_f1": 2 * P * R / (P + R),
        "pairwise_precision": pairs / (world.published - 1)[inside].sum(),
        "pairwise_recall": pairs / (world.person - 1)[inside].sum(),
    }  # fmt: skip
    held = dict.fromkeys(truth, 0)
    for reviewed in drawn:
        quality = reviewed.of(strata).quality()
        for name, value in truth.items():
            estimate = getattr(quality, name)
            if estimate is not None:
                held[name] += estimate.low <= value <= estimate.high
    return {name: n / len(drawn) for name, n in held.items() if n}


def draw_mentions(world: World, size: int) -> list[Reviewed]:
    rng = np.random.default_rng(1)
    takes = allocate(world.population.tolist(), size)
    found = []
    for _ in range(SIMULATED):
        rows = np.concatenate(
            [rng.choice(world.rows[h], takes[h], replace=False) for h in range(4)]
        )
        found.append(
            Reviewed.mentions(
                world.stratum[rows], world.population, world.published[rows], world.person[rows],
                world.shared[rows],
            )
        )  # fmt: skip
    return found


def test_intervals_from_sampled_mentions_cover_the_truth(world: World) -> None:
    found = covered(world, draw_mentions(world, 400))
    assert set(found) == {"bcubed_precision", "bcubed_recall", "bcubed_f1",
                          "pairwise_precision", "pairwise_recall"}  # fmt: skip
    assert all(0.93 <= share <= 0.97 for share in found.values()), found


def test_intervals_of_one_slice_cover_its_truth(world: World) -> None:
    found = covered(world, draw_mentions(world, 1000), [2])
    assert all(0.93 <= share <= 0.97 for share in found.values()), found


def test_intervals_from_sampled_identities_cover_the_precision(world: World) -> None:
    rng = np.random.default_rng(2)
    takes = allocate(world.population.tolist(), 400)
    drawn = []
    for _ in range(SIMULATED):
        rows = np.concatenate([rng.choice(world.rows[h], takes[h]) for h in range(4)])
        parts = [world.parts[k] for k in world.predicted[rows]]
        drawn.append(Reviewed.identities(world.stratum[rows], world.population, parts))
    found = covered(world, drawn)
    assert set(found) == {"bcubed_precision", "pairwise_precision"}
    assert all(0.93 <= share <= 0.97 for share in found.values()), found
