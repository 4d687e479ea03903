"""Every group feature on groups small enough to work it out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from disambig.blocking.name_comparison import compute_name_evidence
from disambig.blocking.pairs import NamePairs, PairBatch
from disambig.corpus.index import CorpusIndex
from disambig.domain import Work
from disambig.features.group import (
    GREATEST_FEATURES,
    GROUP_FEATURES,
    LEAST_FEATURES,
    GroupEvidence,
    compare_name_sets,
    compute_group_features,
)
from disambig.features.groups import UNLISTED_PROBABILITY, GroupBatch
from disambig.features.pair import PAIR_FEATURES, compute_pair_features
from disambig.model.size_shift import SIZE_SHIFT_FEATURES
from disambig.names import compare_names
from tests.support.invented import indexed, rows, space, work

WORKS = [
    work(
        "a",
        "Speech graph",
        "Ada Byron",
        "Bo Li",
        "Cy Ito",
        venue="VLDB",
        year=2000,
        affiliations=("Leiden University",),
        references=("x", "y"),
        collaborations=("ATLAS",),
    ),
    work(
        "b",
        "Speech",
        "Ada Byron",
        "Bo Li",
        venue="ICML",
        year=2004,
        affiliations=("", "Tokyo"),
        references=("x",),
        collaborations=("CMS",),
    ),
    work(
        "c",
        "Graph zebra",
        "A. Byron",
        "Bo Li",
        "Di Mo",
        venue="VLDB",
        year=2010,
        affiliations=("Leiden University",),
        references=("a", "x"),
        collaborations=("ATLAS",),
    ),
    work("d", "Xqzzt", "A. Byron"),
]
GROUPS = [0, 0, 1, 2]  # {a, b}, {c}, {d}
# pairs ab, ac, ad, bc, bd, cd
PROBABILITY = [0.9, 0.6, 0.1, 0.8, 0.3, 0.4]

GRAPH, ZEBRA = np.log(5 / 3), np.log(5 / 2)  # in 2 and in 1 of 4 titles
# unit titles of a (.707 speech, .707 graph) and b (1 speech), summed, scaled to one
GRAPH_OF_AB = np.sqrt(0.5) / np.hypot(1 + np.sqrt(0.5), np.sqrt(0.5))
TITLES = GRAPH_OF_AB * GRAPH / np.hypot(GRAPH, ZEBRA)
X, Y = np.log(5 / 4), np.log(5 / 2)  # x has 3 of 5 references, taken for 4; y and a have one
# unit references of a (x and y) and b (x), summed, scaled to one
X_OF_AB = (1 + X / np.hypot(X, Y)) / np.hypot(1 + X / np.hypot(X, Y), Y / np.hypot(X, Y))


def unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector))


def meaning_of_ab_and_c() -> float:
    a, b, c = space().embed_texts(["Speech graph", "Speech", "Graph zebra"])
    return float(unit(a + b) @ c)


def venue_meaning_of_ab_and_c() -> float:
    vldb, icml = space().embed_venues(["VLDB", "ICML"])
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
    "title_rarest_mean": GRAPH,
    "text_rarest": GRAPH,
    "affiliation_rarest": np.log(5 / 3),  # two of 3 affiliations, taken for 4
    "affiliation_closest": 1,  # a in 2000 and c in 2010
    "affiliation_nearest": 1,
    "venues_rarest": 1 / 2,
    "citations_between": 1,  # c cites a
    "citations_lift": np.log((1 + 0.5) / (2 * 1 / 4 + 0.5)),  # two references, one citation
    "citations_share": 1,  # of {c}
    "references_shared": 1,
    "references_rarest": X,
    "references_rarest_mean": X,
    "references_cosine": X_OF_AB * X / np.hypot(X, Y),
    "collaborations_rarest": np.log(5 / 3),  # ATLAS: two of 3 works, taken for 4
    "collaborations_share": 1 / 2,  # ATLAS of ATLAS and CMS
    "years_pace": 3 / 11,
    "years_within": 0,
}
UNKNOWN_OF_AB_AND_D = {
    "coauthors_shared",
    "coauthors_rarity",
    "coauthors_weight",
    "coauthors_share",
    "coauthors_covered_low",
    "coauthors_covered_high",
    "profile_title_meaning",
    "profile_meaning",
    "profile_venue_meaning",
    "profile_affiliation",
    "venues_shared",
    "venues_rarity",
    "venues_cosine",
    "years_gap",
    "years_overlap",
    "years_span",
    "affiliation_rarest",
    "affiliation_closest",
    "affiliation_nearest",
    "venues_rarest",
    "references_shared",
    "references_rarest",
    "references_rarest_mean",
    "references_cosine",
    "collaborations_rarest",
    "collaborations_share",
    "years_pace",
    "years_within",
}


def block_of(works: list[Work]) -> tuple[CorpusIndex, np.ndarray]:
    """An index of works, and the rows of their first authors."""
    index = indexed(works)
    return index, rows(index, *[(w.id, 0) for w in works])


def of_batch(
    index: CorpusIndex,
    batch: PairBatch,
    groups: list[int],
    probability: list[float],
    **columns: list[float],
) -> dict[str, np.ndarray]:
    """Group features of a batch; ``columns`` replace pair features."""
    pairs = compute_pair_features(index, batch)
    pairs |= {k: np.array(v, dtype=np.float32) for k, v in columns.items()}
    grouped = GroupBatch.from_groups(batch, np.array(groups, dtype=np.int32))
    score = np.array(probability, dtype=np.float32)
    return compute_group_features(index, batch, grouped, pairs, score)


def features(
    works: list[Work], groups: list[int], probability: list[float], **columns: list[float]
) -> dict[str, np.ndarray]:
    """Group features of the works' first authors, each compared with each."""
    index, block = block_of(works)
    batch = PairBatch.from_blocks(index, [block])
    return of_batch(index, batch, groups, probability, **columns)


@pytest.fixture(scope="module")
def byrons() -> dict[str, np.ndarray]:
    return features(WORKS, GROUPS, PROBABILITY)


def test_columns_come_in_the_published_order(byrons: dict[str, np.ndarray]) -> None:
    assert tuple(byrons) == GROUP_FEATURES
    assert {column.dtype for column in byrons.values()} == {np.dtype(np.float32)}


def test_every_column_is_worked_out_in_this_file() -> None:
    from_pairs = {f"{n}_least" for n in LEAST_FEATURES} | {
        f"{n}_greatest" for n in GREATEST_FEATURES
    }
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


def test_a_share_within_the_years_of_the_other_is_of_the_smaller_group() -> None:
    works = [work(f"{y}", "T", "Ada Byron", year=y) for y in (2000, 2003, 2004, 2009, 2010)]
    found = features(works, [0, 0, 0, 1, 1], [0.5] * 10)
    assert found["years_within"][0] == 0
    found = features(works, [0, 1, 0, 1, 1], [0.5] * 10)
    # 2004 of 2000 and 2004 is within 2003 to 2010
    assert found["years_within"][0] == 1 / 2
    assert found["years_pace"][0] == pytest.approx(5 / 11)


def test_groups_of_equal_size_have_the_mean_of_both_shares() -> None:
    works = [work(f"{y}", "T", "Ada Byron", year=y) for y in (2000, 2003, 2004, 2009)]
    # 2003 and 2004 are within 2000 to 2009
    assert features(works, [0, 1, 1, 0], [0.5] * 6)["years_within"][0] == (0 + 1) / 2


def test_affiliations_are_compared_where_the_groups_are_nearest_in_time() -> None:
    places = {2000: "Leiden", 2004: "Tokyo", 2005: "Tokyo", 2009: "Leiden"}
    works = [
        work(f"{y}", "T", "Ada Byron", year=y, affiliations=(place,)) for y, place in places.items()
    ]
    found = features(works, [0, 0, 1, 1], [0.5] * 6)
    assert found["affiliation_closest"][0] == 1  # 2004 and 2005
    works[2] = work("2005", "T", "Ada Byron", year=2005, affiliations=("Leiden",))
    found = features(works, [0, 0, 1, 1], [0.5] * 6)
    assert found["affiliation_closest"][0] == 0
    assert found["affiliation_nearest"][0] == pytest.approx(1 / 2)  # 2000 of 2000 and 2004


def test_citations_of_both_directions_count_and_connect_works() -> None:
    works = [
        work("a", "T", "Ada Byron", references=("c", "x")),
        work("b", "T", "Ada Byron", references=("y",)),
        work("c", "T", "Ada Byron", references=("y",)),
        work("d", "T", "Ada Byron", references=("a", "b")),
        work("e", "T", "Ada Byron", references=("z",)),
    ]
    found = features(works, [0, 0, 1, 1, 1], [0.5] * 10)
    assert found["citations_between"][0] == 3  # a cites c, d cites a and b
    assert found["citations_share"][0] == 1
    # of 7 references, taken for 8: three to a group of one citation, four to one of two
    assert found["citations_lift"][0] == pytest.approx(np.log(3.5 / ((3 * 1 + 4 * 2) / 8 + 0.5)))
    found = features(works, [0, 1, 0, 0, 1], [0.5] * 10)
    assert found["citations_between"][0] == 1  # d cites b, and e is alone
    assert found["citations_share"][0] == 1 / 2


def test_references_are_unknown_where_one_group_has_none() -> None:
    works = [
        work("a", "T", "Ada Byron", references=("x",)),
        work("b", "T", "Ada Byron"),
        work("c", "T", "Ada Byron"),
    ]
    found = features(works, [0, 1, 2], [0.5] * 3)
    assert np.isnan(found["references_cosine"]).all()
    assert found["citations_between"].tolist() == pytest.approx([0, 0, np.nan], nan_ok=True)


# values of the pairs ab, ac, ad, bc, bd, cd: ac and bc lie between {a, b} and {c}
BETWEEN = [0, 2, 4, 5, np.nan, np.nan]


FROM_PAIRS = [name for name in GREATEST_FEATURES if not name.startswith("name_")]


@pytest.mark.parametrize("name", FROM_PAIRS)
def test_the_greatest_of_a_pair_feature_between_two_groups(name: str) -> None:
    found = features(WORKS, GROUPS, PROBABILITY, **{name: BETWEEN})[f"{name}_greatest"]
    assert found.tolist() == pytest.approx([5, 4, np.nan], nan_ok=True)


def test_the_mean_of_paths_counts_what_is_unknown_as_none() -> None:
    found = features(WORKS, GROUPS, PROBABILITY, coauthors_hop=BETWEEN)["coauthors_hop_mean"]
    # 2 and 5 between {a, b} and {c}; 4 and nothing known between {a, b} and {d}
    assert found.tolist() == [3.5, 2, 0]


def test_the_mean_of_meaning_above_is_over_all_pairs_of_known_meaning() -> None:
    index, block = block_of(WORKS)
    pairs = compute_pair_features(index, PairBatch.from_blocks(index, [block]))[
        "text_meaning_above"
    ]
    found = features(WORKS, GROUPS, PROBABILITY)["text_meaning_above_mean"]
    # ac and bc; d has no meaning
    expected = [(pairs[1] + pairs[3]) / 2, np.nan, np.nan]
    assert found.tolist() == pytest.approx(expected, abs=1e-5, nan_ok=True)


def test_one_group_alone_has_no_pairs() -> None:
    found = features(WORKS[:2], [0, 0], [0.9])
    assert {len(column) for column in found.values()} == {0}


def test_greatest_columns_are_of_pairs_or_of_names() -> None:
    assert set(GREATEST_FEATURES) <= set(PAIR_FEATURES)
    assert {
        name for name in (*LEAST_FEATURES, *GREATEST_FEATURES) if name not in FROM_PAIRS
    } <= set(compute_name_evidence(indexed(WORKS), *np.zeros((2, 1), dtype=np.int32)))


# --- names of whole groups -----------------------------------------------------------------------

NAMED = [
    work(k, "Speech", name)
    for k, name in zip(
        "abcde", ("Ada Byron", "A. Byron", "Ada K. Byron", "Alan Byron", "A. K. Byron"), strict=True
    )
]


@pytest.mark.parametrize(
    "name", [n for n in (*LEAST_FEATURES, *GREATEST_FEATURES) if n.startswith("name_")]
)
def test_least_and_greatest_of_names_are_over_every_name_of_one_group_and_the_other(
    name: str,
) -> None:
    index, block = block_of(NAMED)
    found = features(NAMED, [0, 0, 1, 1, 2], [0.5] * 10)
    of = index.corpus.signature_name[block]
    sides = {0: of[[0, 1]], 1: of[[2, 3]], 2: of[[4]]}
    for k, (a, b) in enumerate([(0, 1), (0, 2), (1, 2)]):
        left, right = (x.ravel().astype(np.int32) for x in np.meshgrid(sides[a], sides[b]))
        every = compute_name_evidence(index, np.minimum(left, right), np.maximum(left, right))[name]
        for ending, expected in (("least", np.fmin), ("greatest", np.fmax)):
            if f"{name}_{ending}" in found:
                value = found[f"{name}_{ending}"][k]
                assert value == pytest.approx(float(expected.reduce(every)), nan_ok=True)


def test_names_that_could_not_be_one_persons_speak_for_their_groups_all_the_same() -> None:
    # {Ada, A.} and {Ada K., Alan}: Ada is Ada K., and not Alan
    index, block = block_of(NAMED)
    batch = NamePairs.compare(index, [block]).make_batch(0, 1)
    listed = list(zip(batch.left.tolist(), batch.right.tolist(), strict=True))
    assert (0, 2) in listed
    assert (0, 3) not in listed
    found = of_batch(index, batch, [0, 0, 1, 1, 2], [0.5] * batch.n_pairs)
    assert found["name_compatible_least"][0] == 0


def test_names_between_sets_leave_out_sets_that_no_pair_asks_for() -> None:
    index, block = block_of(NAMED)
    name = index.corpus.signature_name[block].astype(np.int64)
    found = compare_name_sets(
        index, np.array([0, 0, 2, 2, 3]), name, 4, np.array([0]), np.array([3])
    )
    least, greatest = found["name_given_relation"]
    one, other = name[[0, 1]].astype(np.int32), np.repeat(name[4], 2).astype(np.int32)
    expected = compare_names(index.names, one, other)["given_relation"]
    assert (least[0], greatest[0]) == (expected.min(), expected.max())


# --- pairs that are not listed -------------------------------------------------------------------

# Ada, A. and Alan: Ada and Alan could not be one person
APART = [
    work("a", "Speech", "Ada Byron", "Bo Li"),
    work("b", "Speech", "A. Byron", "Bo Li"),
    work("c", "Speech", "Alan Byron", "Bo Li"),
]


def unlisted() -> dict[str, np.ndarray]:
    """Features of {a, b} and {c}, of whose pairs ab (.9) and bc (.6) are listed."""
    index, block = block_of(APART)
    batch = NamePairs.compare(index, [block]).make_batch(0, 1)
    assert list(zip(batch.left.tolist(), batch.right.tolist(), strict=True)) == [(0, 1), (1, 2)]
    return of_batch(index, batch, [0, 0, 1], [0.9, 0.6], coauthors_hop=[7, 3])


def test_a_pair_that_is_not_listed_counts_as_two_persons_in_every_mean() -> None:
    found = unlisted()
    assert UNLISTED_PROBABILITY == 0
    assert found["score_mean"][0] == pytest.approx(0.6 / 2)
    # log-odds of no chance are bounded at 1e-4
    expected = (np.log(0.6 / 0.4) + np.log(1e-4 / (1 - 1e-4))) / 2
    assert found["score_logit"][0] == pytest.approx(expected)
    assert found["score_half"][0] == 0.5
    assert found["coauthors_hop_mean"][0] == 3 / 2


def test_a_pair_that_is_not_listed_is_the_least_and_nobodys_best() -> None:
    found = unlisted()
    assert (found["score_least"][0], found["score_greatest"][0]) == pytest.approx((0, 0.6))
    # a's best in {c} is none, b's .6; c's best is .6
    assert found["score_best_low"][0] == pytest.approx(0.3)
    assert found["score_best_high"][0] == pytest.approx(0.6)


def test_cohesion_is_over_all_pairs_within_a_group() -> None:
    # {a, b, c} by way of b: of its three pairs two are listed
    index, block = block_of([*APART, work("d", "Speech", "A. Byron", "Bo Li")])
    batch = NamePairs.compare(index, [block]).make_batch(0, 1)
    ends = zip(batch.left.tolist(), batch.right.tolist(), strict=True)
    score = [{(0, 1): 0.9, (1, 2): 0.6}.get(pair, 0.1) for pair in ends]
    found = of_batch(index, batch, [0, 0, 0, 1], score)
    assert found["cohesion"][0] == pytest.approx((0.9 + 0.6) / 3)


def test_groups_without_a_listed_pair_are_no_pair() -> None:
    index, block = block_of([APART[0], APART[2]])
    batch = NamePairs.compare(index, [block]).make_batch(0, 1)
    groups = GroupBatch.from_groups(batch, np.array([0, 1], dtype=np.int32))
    assert (groups.n_pairs, groups.find_pair(0, 1)) == (0, -1)
    assert {len(column) for column in of_batch(index, batch, [0, 1], []).values()} == {0}


# --- how pairs fall between groups ---------------------------------------------------------------


def test_pairs_of_groups_hold_the_listed_pairs_between_them() -> None:
    index, block = block_of(WORKS)
    batch = PairBatch.from_blocks(index, [block])
    # pairs ab, ac, ad, bc, bd, cd of {a, c}, {b} and {d}
    groups = GroupBatch.from_groups(batch, np.array([0, 1, 0, 2], dtype=np.int32))
    assert list(zip(groups.left.tolist(), groups.right.tolist(), strict=True)) == [
        (0, 1),
        (0, 2),
        (1, 2),
    ]
    assert np.split(groups.cross, groups.start[1:-1])[0].tolist() == [0, 3]
    assert np.split(groups.cross, groups.start[1:-1])[1].tolist() == [2, 5]
    assert groups.get_cross_pairs().tolist() == [0, 0, 1, 1, 2]
    assert groups.pairs_between.tolist() == [2, 2, 1]
    assert [groups.find_pair(0, 1), groups.find_pair(0, 2), groups.find_pair(1, 2)] == [0, 1, 2]
    values = np.array([1, 2, np.nan, 4, 5, np.nan], dtype=np.float32)
    assert groups.compute_greatest(values).tolist() == pytest.approx([4, np.nan, 5], nan_ok=True)
    assert groups.sum_values(np.arange(6.0)).tolist() == [3, 7, 4]


def test_members_are_the_rows_of_groups_that_are_in_a_pair() -> None:
    # in the second block nothing is listed
    index, block = block_of([*WORKS[:3], work("y", "T", "Ada Byron"), work("z", "T", "Alan Byron")])
    batch = NamePairs.compare(index, [block[:3], block[3:]]).make_batch(0, 2)
    groups = GroupBatch.from_groups(batch, np.array([1, 0, 0, 2, 3], dtype=np.int32))
    member, first = groups.list_members()
    assert member.tolist() == [1, 2, 0]
    assert first.tolist() == [0, 2, 3, 3, 3]


def test_groups_of_some_blocks_alone_have_the_features_they_have_among_all() -> None:
    index, block = block_of([*WORKS, *NAMED_AGAIN])
    batch = PairBatch.from_blocks(index, [block[:4], block[4:]])
    group = np.array([0, 0, 1, 2, 3, 3, 4, 5, 5], dtype=np.int32)
    pairs = compute_pair_features(index, batch)
    score = np.linspace(0.1, 0.9, batch.n_pairs).astype(np.float32)
    every = GroupBatch.from_groups(batch, group)
    some = GroupBatch.from_groups(batch, group, np.array([False, True]))
    whole, part = (compute_group_features(index, batch, g, pairs, score) for g in (every, some))
    assert (every.n_pairs, some.n_pairs) == (6, 3)
    for name in GROUP_FEATURES:
        assert np.array_equal(part[name], whole[name][3:], equal_nan=True)


def test_features_that_go_on_from_the_round_before_are_those_computed_anew() -> None:
    index, block = block_of([*WORKS, *NAMED_AGAIN])
    batch = PairBatch.from_blocks(index, [block[:4], block[4:]])
    pairs = compute_pair_features(index, batch)
    score = np.linspace(0.1, 0.9, batch.n_pairs).astype(np.float32)
    # in the second block groups 4 and 6 are joined
    before = GroupBatch.from_groups(batch, np.array([0, 0, 1, 2, 3, 4, 5, 6, 4], dtype=np.int32))
    known = compute_group_features(index, batch, before, pairs, score)
    after = GroupBatch.from_groups(batch, np.array([0, 0, 1, 2, 3, 4, 5, 4, 4], dtype=np.int32))
    assert after.find_unchanged_pairs(before).tolist() == [0, 1, 2, -1, 4, -1]
    anew = compute_group_features(index, batch, after, pairs, score)
    evidence = GroupEvidence.collect(index, batch, after, pairs, score)
    found = evidence.compute_columns(slice(0, after.n_pairs), (before, known))
    assert list(found) == list(GROUP_FEATURES)
    for name in GROUP_FEATURES:
        assert np.array_equal(found[name], anew[name], equal_nan=True)


# --- what only the second forest sees ------------------------------------------------------------


def larger(works: list[Work]) -> tuple[CorpusIndex, PairBatch, dict[str, np.ndarray]]:
    """An index of a part of a corpus of a million works, and the pairs of the first authors."""
    index, block = block_of(works)
    index = replace(index, doublings=3)
    batch = PairBatch.from_blocks(index, [block])
    return index, batch, compute_pair_features(index, batch)


def test_what_groups_share_is_the_more_surprising_the_rarer_it_is_and_ahead_of_rivals() -> None:
    index, batch, pairs = larger(WORKS)
    groups = GroupBatch.from_groups(batch, np.array(GROUPS, dtype=np.int32))
    found = compute_group_features(
        index, batch, groups, pairs, np.array(PROBABILITY, dtype=np.float32)
    )
    assert tuple(found) == GROUP_FEATURES + SIZE_SHIFT_FEATURES
    # pairs of {a, b} and {c}, {a, b} and {d}, {c} and {d}; d has no co-author, title or place
    bits = 20 - np.log2(3)  # B. Li is on three of 2 ** 20 works
    leiden = index.affiliation.take(index.affiliation_of[batch.rows[:1]]).column
    place = index.affiliation_idf[leiden]
    expected = {
        "initials_shared": [1, np.nan, np.nan],
        "initials_rarity": [bits, np.nan, np.nan],
        "initials_rarest": [bits, np.nan, np.nan],
        "initials_fewer": [2, 0, 0],
        "initials_more": [2, 2, 2],
        "title_rarity": [GRAPH, 0, 0],
        "title_rarest": [GRAPH, 0, 0],
        "affiliation_rarity": [place.sum(), np.nan, np.nan],
        "lead_initials_low": [bits, -bits, -bits],
        "lead_initials_high": [bits, 0, 0],
        "lead_title_low": [TITLES, -TITLES, -TITLES],
        "lead_title_high": [TITLES, 0, 0],
        "lead_venues_low": [np.sqrt(0.5), -np.sqrt(0.5), -np.sqrt(0.5)],
        "lead_venues_high": [np.sqrt(0.5), 0, 0],
        "lead_affiliation_low": [1, -1, -1],
        "lead_affiliation_high": [1, 0, 0],
        "lead_meaning_high": [meaning_of_ab_and_c(), 0, 0],
    }
    assert set(expected) | {"lead_meaning_low"} == set(SIZE_SHIFT_FEATURES)
    for name, values in expected.items():
        assert found[name].tolist() == pytest.approx(values, abs=1e-5, nan_ok=True), name


def test_pairs_of_groups_looked_at_in_pieces_know_all_their_rivals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index, batch, pairs = larger([*WORKS, *NAMED_AGAIN])
    groups = GroupBatch.from_groups(batch, np.array([0, 0, 1, 2, 3, 4, 5, 6, 7], dtype=np.int32))
    score = np.linspace(0.1, 0.9, batch.n_pairs).astype(np.float32)
    whole = GroupEvidence.collect(index, batch, groups, pairs, score).compute_columns(
        slice(0, groups.n_pairs)
    )
    monkeypatch.setattr("disambig.features.group.GROUP_PAIRS_AT_ONCE", 5)
    evidence = GroupEvidence.collect(index, batch, groups, pairs, score)
    for low in range(0, groups.n_pairs, 5):
        part = slice(low, min(low + 5, groups.n_pairs))
        for name, column in evidence.compute_columns(part).items():
            assert np.array_equal(column, whole[name][part], equal_nan=True), name


NAMED_AGAIN = [
    work(f"n{k}", w.title, w.authors[0].name, "Cy Ito", venue="VLDB") for k, w in enumerate(NAMED)
]
