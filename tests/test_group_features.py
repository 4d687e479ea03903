"""Every group feature on groups small enough to work it out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from invented import indexed, rows, space, work

from disambig.domain import Work
from disambig.group_features import (
    GREATEST,
    GROUP_FEATURES,
    LEAST,
    GroupBatch,
    group_features,
)
from disambig.pair_features import PAIR_FEATURES, pair_features
from disambig.pairs import PairBatch

WORKS = [
    work("a", "Speech graph", "Ada Byron", "Bo Li", "Cy Ito", venue="VLDB", year=2000,
         affiliations=("Leiden University",)),
    work("b", "Speech", "Ada Byron", "Bo Li", venue="ICML", year=2004,
         affiliations=("", "Tokyo")),
    work("c", "Graph zebra", "A. Byron", "Bo Li", "Di Mo", venue="VLDB", year=2010,
         affiliations=("Leiden University",)),
    work("d", "Xqzzt", "A. Byron"),
]  # fmt: skip
GROUPS = [0, 0, 1, 2]  # {a, b}, {c}, {d}
# pairs ab, ac, ad, bc, bd, cd
PROBABILITY = [0.9, 0.6, 0.1, 0.8, 0.3, 0.4]

GRAPH, ZEBRA = np.log(5 / 3), np.log(5 / 2)  # in 2 and in 1 of 4 titles
# unit titles of a (.707 speech, .707 graph) and b (1 speech), summed, scaled to one
GRAPH_OF_AB = np.sqrt(0.5) / np.hypot(1 + np.sqrt(0.5), np.sqrt(0.5))
TITLES = GRAPH_OF_AB * GRAPH / np.hypot(GRAPH, ZEBRA)


def unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector))


def meaning_of_ab_and_c() -> float:
    a, b, c = space().vectors(["Speech graph", "Speech", "Graph zebra"])
    return float(unit(a + b) @ c)


def venue_meaning_of_ab_and_c() -> float:
    vldb, icml = space().venue_vectors(["VLDB", "ICML"])
    return float(unit(vldb + icml) @ vldb)


AB_AND_C = {
    "score_mean": 0.7,  # .6 and .8
    "score_logit": (np.log(0.6 / 0.4) + np.log(0.8 / 0.2)) / 2,
    "score_greatest": 0.8,
    "score_least": 0.6,
    "score_half": 1,  # both are above a half
    "score_best_low": 0.7,  # a's best in {c} is .6, b's .8
    "score_best_high": 0.8,  # c's best in {a, b}
    "size_low": 1,
    "size_high": 2,
    "block_size": 4,
    "block_groups": 3,
    "lead_mean_low": 0.7 - 0.4,  # {c} has .4 with {d}
    "lead_mean_high": 0.7 - 0.2,  # {a, b} has .2 with {d}
    "lead_best_low": 0.8 - 0.4,
    "lead_best_high": 0.8 - 0.3,
    "cohesion": 0.9,  # of a and b; {c} has none
    "coauthors_shared": 1,  # Bo
    "coauthors_rarity": 1 / 2,  # Bo is on three works: 1 / log2(4)
    "coauthors_weight": 1,  # twice in {a, b}, once in {c}
    "coauthors_share": 1 / 2,  # Bo and Cy; Bo and Di
    "coauthors_covered_low": 1 / 2,  # one of {c}'s two mentions
    "coauthors_covered_high": 2 / 3,  # two of {a, b}'s three
    "coauthors_fewer": 2,
    "profile_title_meaning": meaning_of_ab_and_c,
    "profile_meaning": meaning_of_ab_and_c,
    "profile_venue_meaning": venue_meaning_of_ab_and_c,
    "profile_title": TITLES,
    "profile_text": TITLES,
    "profile_affiliation": 1,  # Leiden University and nothing else known
    "venues_shared": 1,
    "venues_rarity": 1 / 2,  # VLDB has two works: 1 / log2(4), once in either group
    "venues_cosine": 1 / np.sqrt(2),  # (1, 1) and (1, 0)
    "years_gap": 6,  # 2004 to 2010
    "years_overlap": 0,
    "years_span": 10,  # 2000 to 2010
}
UNKNOWN_OF_AB_AND_D = {
    "coauthors_shared", "coauthors_rarity", "coauthors_weight", "coauthors_share",
    "coauthors_covered_low", "coauthors_covered_high", "profile_title_meaning", "profile_meaning",
    "profile_venue_meaning", "profile_affiliation", "venues_shared", "venues_rarity",
    "venues_cosine", "years_gap", "years_overlap", "years_span",
}  # fmt: skip


def features(
    works: list[Work], groups: list[int], probability: list[float], **columns: list[float]
) -> dict[str, np.ndarray]:
    """Group features of the works' first authors; ``columns`` replace pair features."""
    index = indexed(works)
    batch = PairBatch.of([rows(index, *[(w.id, 0) for w in works])])
    pairs = pair_features(index, batch)
    pairs |= {k: np.array(v, dtype=np.float32) for k, v in columns.items()}
    grouped = GroupBatch.of(batch, np.array(groups, dtype=np.int32))
    score = np.array(probability, dtype=np.float32)
    return group_features(index, batch, grouped, pairs, score)


@pytest.fixture(scope="module")
def byrons() -> dict[str, np.ndarray]:
    return features(WORKS, GROUPS, PROBABILITY)


def test_columns_come_in_the_published_order(byrons: dict[str, np.ndarray]) -> None:
    assert tuple(byrons) == GROUP_FEATURES
    assert {column.dtype for column in byrons.values()} == {np.dtype(np.float32)}


def test_every_column_is_worked_out_in_this_file() -> None:
    from_pairs = {f"{n}_least" for n in LEAST} | {f"{n}_greatest" for n in GREATEST}
    means = {"coauthors_hop_mean", "text_meaning_above_mean"}
    assert set(AB_AND_C) | from_pairs | means == set(GROUP_FEATURES)


@pytest.mark.parametrize("name", AB_AND_C)
def test_a_column_of_ab_and_c(name: str, byrons: dict[str, np.ndarray]) -> None:
    expected = AB_AND_C[name]
    value = expected() if callable(expected) else expected
    assert byrons[name][0] == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("name", AB_AND_C)
def test_what_is_missing_of_one_group_is_missing_of_the_pair(
    name: str, byrons: dict[str, np.ndarray]
) -> None:
    # d states no co-author, venue, affiliation or year, and its title has no known word
    assert np.isnan(byrons[name][1]) == (name in UNKNOWN_OF_AB_AND_D)


def test_two_single_signatures_have_no_cohesion(byrons: dict[str, np.ndarray]) -> None:
    assert np.isnan(byrons["cohesion"][2])


def test_careers_that_overlap_have_no_gap() -> None:
    works = [work(f"{y}", "T", "Ada Byron", year=y) for y in (2000, 2004, 2003, 2009)]
    works.sort(key=lambda w: w.id)  # 2000, 2003, 2004, 2009
    found = features(works, [0, 1, 0, 1], [0.5] * 6)
    # 2000 to 2004 and 2003 to 2009
    assert found["years_gap"][0] == 0
    assert found["years_overlap"][0] == 1
    assert found["years_span"][0] == 9


# values of the pairs ab, ac, ad, bc, bd, cd: ac and bc lie between {a, b} and {c}
BETWEEN = [0, 2, 4, 5, np.nan, np.nan]


@pytest.mark.parametrize("name", LEAST)
def test_the_least_of_a_pair_feature_between_two_groups(name: str) -> None:
    found = features(WORKS, GROUPS, PROBABILITY, **{name: BETWEEN})[f"{name}_least"]
    assert found.tolist() == pytest.approx([2, 4, np.nan], nan_ok=True)


@pytest.mark.parametrize("name", GREATEST)
def test_the_greatest_of_a_pair_feature_between_two_groups(name: str) -> None:
    found = features(WORKS, GROUPS, PROBABILITY, **{name: BETWEEN})[f"{name}_greatest"]
    assert found.tolist() == pytest.approx([5, 4, np.nan], nan_ok=True)


@pytest.mark.parametrize("name", ["coauthors_hop", "text_meaning_above"])
def test_the_mean_of_a_pair_feature_between_two_groups(name: str) -> None:
    found = features(WORKS, GROUPS, PROBABILITY, **{name: BETWEEN})[f"{name}_mean"]
    assert found[0] == 3.5  # of 2 and 5


def test_one_group_alone_has_no_pairs() -> None:
    found = features(WORKS[:2], [0, 0], [0.9])
    assert {len(column) for column in found.values()} == {0}


def test_least_and_greatest_columns_are_pair_features() -> None:
    assert {*LEAST, *GREATEST} <= set(PAIR_FEATURES)
