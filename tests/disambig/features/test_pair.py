"""Every pair feature on works small enough to work it out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from disambig.blocking.blocks import make_blocks
from disambig.blocking.pairs import NamePairs, PairBatch
from disambig.corpus.index import CorpusIndex
from disambig.features.pair import PAIR_FEATURES, compute_pair_features
from disambig.names import FamilyRelation, GivenRelation
from tests.support.invented import indexed, population, rows, space, work

WORKS = [
    work(
        "a",
        "Speech graph",
        "Ada Byron",
        "Bo Li",
        venue="VLDB",
        year=2000,
        affiliations=("Leiden University",),
        references=("x", "y"),
        collaborations=("ATLAS",),
    ),
    work(
        "b",
        "Speech zebra",
        "A. Byron",
        "Bo Li",
        "Cy Ito",
        venue="VLDB",
        year=2004,
        affiliations=("Leiden Institute",),
        references=("a", "x"),
        collaborations=("the ATLAS Collaboration",),
    ),
    work("c", "Xqzzt", "A. Byron"),
    work(
        "d",
        "Graph",
        "Bo Li",
        "Cy Ito",
        venue="ICML",
        affiliations=("Tokyo",),
        references=("x",),
        collaborations=("CMS",),
    ),
]
# ten names: two start with A, two are Byrons, and no given name is there twice
COUNTED = (
    "Ada Byron",
    "Alan Byron",
    "Bo Li",
    "Cy Ito",
    "Di Mo",
    "Ed Ro",
    "Fay Su",
    "Guy Tu",
    "Hal Wu",
    "Ian Xu",
)

SPEECH = GRAPH = np.log(5 / 3)  # in 2 of 4 titles
ZEBRA = np.log(5 / 2)  # in 1 of 4 titles
LEIDEN, PLACE = np.log(5 / 3), np.log(5 / 2)  # in 2 and 1 of 3 affiliations, taken for 4
X, Y = np.log(5 / 4), np.log(5 / 2)  # x has 3 of 5 references, taken for 4; y and a have one
TITLES = SPEECH**2 / (np.hypot(SPEECH, GRAPH) * np.hypot(SPEECH, ZEBRA))

A_AND_B = {
    "name_given_relation": GivenRelation.INITIAL,
    "name_given_similarity": np.nan,  # one is an initial
    "name_middle_relation": np.nan,  # neither has one
    "name_family_relation": FamilyRelation.EQUAL,
    "name_family_similarity": 1,
    "name_printed_equal": 0,
    "name_given_min": 0,  # "A." has no written-out letters
    "name_given_max": 3,  # "Ada"
    "name_order_swapped": 0,
    "name_rarity": -2 * np.log10(2 / 10),  # the initial A; Byron
    "name_family_rarity": -np.log10(2 / 10),
    "name_works": 1,  # "A. Byron" is on two works: log2(2)
    "coauthors_shared": 1,  # Bo
    "coauthors_rarity": 1 / 2,  # Bo is on three works: 1 / log2(4)
    "coauthors_rarest": 1 / 2,
    "coauthors_jaccard": 1 / 2,  # Bo of Bo and Cy
    "coauthors_initial_shared": 1,
    "coauthors_initial_rarity": 1 / 2,
    # From Bo to Cy: 1/2 on b and 1 on d, over Bo's three works and over Cy's two: .5 + .75.
    # What Ada and A. Byron themselves carry is left out.
    "coauthors_hop": np.log1p(0.5 + 0.75),
    "coauthors_min": 1,
    "coauthors_max": 2,
    "venue_same": 1,
    "venue_rarity": 1 / 2,  # two works: 1 / log2(4)
    "venue_meaning": 1,
    "title_cosine": TITLES,
    "title_rarest": SPEECH,
    "text_cosine": TITLES,  # there is no more text than titles
    "affiliation_cosine": LEIDEN**2 / (LEIDEN**2 + PLACE**2),
    "affiliation_rarest": LEIDEN,
    "citation": 1,  # b cites a
    "citation_rarity": -np.log(2 * 1 / 4),  # b has two references, a one citation
    "references_shared": 1,
    "references_rarity": X,
    "references_rarest": X,
    "references_cosine": X**2 / (X**2 + Y**2),
    "references_by_name": 0,  # x is no work of a Byron
    "collaboration_rarest": np.log(5 / 3),  # two of three works, taken for 4
    "year_gap": 4,
    "block_size": np.log2(3),
}
UNKNOWN = {
    "coauthors_shared",
    "coauthors_rarity",
    "coauthors_rarest",
    "coauthors_jaccard",
    "coauthors_initial_shared",
    "coauthors_initial_rarity",
    "coauthors_hop",
    "venue_same",
    "venue_rarity",
    "venue_meaning",
    "title_meaning",
    "text_meaning",
    "text_meaning_above",
    "affiliation_cosine",
    "affiliation_rarest",
    "references_shared",
    "references_rarity",
    "references_rarest",
    "references_cosine",
    "references_by_name",
    "collaboration_rarest",
    "year_gap",
    "name_given_similarity",
    "name_middle_relation",
}


def features(index: CorpusIndex, *signatures: tuple[str, int]) -> dict[str, np.ndarray]:
    return compute_pair_features(index, PairBatch.from_blocks(index, [rows(index, *signatures)]))


@pytest.fixture(scope="module")
def byrons() -> dict[str, np.ndarray]:
    return features(indexed(WORKS, COUNTED), ("a", 0), ("b", 0), ("c", 0))


def test_columns_come_in_the_published_order(byrons: dict[str, np.ndarray]) -> None:
    assert tuple(byrons) == PAIR_FEATURES
    assert {column.dtype for column in byrons.values()} == {np.dtype(np.float32)}


def test_every_column_is_worked_out_in_this_file() -> None:
    elsewhere = {"title_meaning", "text_meaning", "text_meaning_above"}
    assert set(A_AND_B) | elsewhere == set(PAIR_FEATURES)


@pytest.mark.parametrize("name", A_AND_B)
def test_a_column_of_a_and_b(name: str, byrons: dict[str, np.ndarray]) -> None:
    assert byrons[name][0] == pytest.approx(A_AND_B[name], abs=1e-5, nan_ok=True)


@pytest.mark.parametrize("name", PAIR_FEATURES)
def test_what_is_missing_of_one_work_is_missing_of_the_pair(
    name: str, byrons: dict[str, np.ndarray]
) -> None:
    # c states no co-author, venue, affiliation or year, and its title has no known word
    assert np.isnan(byrons[name][2]) == (name in UNKNOWN)


def test_a_count_of_nothing_shared_is_zero_when_both_have_coauthors() -> None:
    index = indexed([work("a", "T", "Ada Byron", "Bo Li"), work("b", "T", "Ada Byron", "Cy Ito")])
    found = features(index, ("a", 0), ("b", 0))
    assert found["coauthors_shared"][0] == 0
    assert found["coauthors_hop"][0] == 0


def test_coauthors_abbreviated_on_one_work_are_shared_by_initial_only() -> None:
    index = indexed([work("a", "T", "Ada Byron", "Bo Li"), work("b", "T", "Ada Byron", "B. Li")])
    found = features(index, ("a", 0), ("b", 0))
    assert found["coauthors_shared"][0] == 0
    assert found["coauthors_initial_shared"][0] == 1


def test_different_venues_are_not_the_same_and_not_unknown() -> None:
    index = indexed(
        [
            work("a", "T", "Ada Byron", venue="VLDB"),
            work("b", "T", "Ada Byron", venue="Interspeech"),
        ]
    )
    found = features(index, ("a", 0), ("b", 0))
    assert found["venue_same"][0] == found["venue_rarity"][0] == 0
    assert found["venue_meaning"][0] < 1


def test_keywords_and_abstract_count_as_text_but_not_as_title() -> None:
    index = indexed(
        [
            work("a", "Zebra", "Ada Byron", abstract="speech recognition"),
            work("b", "Graph", "Ada Byron", abstract="speech recognition"),
            work("c", "Tree", "Cy Ito"),
        ]
    )
    found = features(index, ("a", 0), ("b", 0))
    assert found["title_cosine"][0] == found["title_rarest"][0] == 0
    # of 3 texts, taken for 4, shared words are in two, own words in one
    shared, own = 2 * np.log(5 / 3) ** 2, np.log(5 / 2) ** 2
    assert found["text_cosine"][0] == pytest.approx(shared / (shared + own), abs=1e-5)


def test_meanings_are_cosines_in_the_semantic_space() -> None:
    one = work("a", "Speech recognition", "Ada Byron", abstract="acoustic models")
    other = work("b", "Speaker verification", "Ada Byron", abstract="robot arms")
    index = indexed([one, other])
    found = features(index, ("a", 0), ("b", 0))
    title = space().embed_texts(["Speech recognition", "Speaker verification"])
    text = space().embed_texts(
        ["Speech recognition acoustic models", "Speaker verification robot arms"]
    )
    assert found["title_meaning"][0] == pytest.approx(title[0] @ title[1], abs=1e-5)
    assert found["text_meaning"][0] == pytest.approx(text[0] @ text[1], abs=1e-5)


def test_meaning_above_is_measured_against_what_both_usually_have() -> None:
    titles = ["Speech recognition", "Speaker verification", "Robot grasping"]
    index = indexed([work(t[:4] + t[-2:], t, "Ada Byron") for t in titles])
    found = features(index, *[(t[:4] + t[-2:], 0) for t in titles])
    v = space().embed_texts(titles)
    ab, ac, bc = v[0] @ v[1], v[0] @ v[2], v[1] @ v[2]
    # a usually has the mean of ab and ac, b that of ab and bc
    usual = ((ab + ac) / 2 + (ab + bc) / 2) / 2
    assert found["text_meaning_above"][0] == pytest.approx(ab - usual, abs=1e-5)


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        (("x",), (), np.nan),  # what the later work cites is unknown
        ((), ("x",), 0),
        ((), ("e",), 1),
        (("l",), (), 1),  # a preprint that was revised
        ((), (), np.nan),
    ],
)
def test_a_citation_is_unknown_unless_the_later_work_has_references(
    earlier: tuple[str, ...], later: tuple[str, ...], expected: float
) -> None:
    index = indexed(
        [
            work("e", "T", "Ada Byron", year=2000, references=earlier),
            work("l", "T", "Ada Byron", year=2001, references=later),
            work("o", "T", "Cy Ito", references=("p", "q")),
        ]
    )
    found = features(index, ("e", 0), ("l", 0))
    assert found["citation"][0] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(found["citation_rarity"][0]) == np.isnan(expected)
    assert np.isnan(found["references_shared"][0]) == (not (earlier and later))


def test_a_citation_among_many_references_to_a_work_often_cited_is_no_surprise() -> None:
    many = tuple(f"x{k}" for k in range(19))
    index = indexed(
        [
            work("a", "T", "Ada Byron"),
            work("b", "T", "Ada Byron", references=("a", *many)),
            work("c", "T", "Cy Ito", references=("a",)),
            work("d", "T", "Cy Ito", references=("a",)),
        ]
    )
    found = features(index, ("a", 0), ("b", 0))
    # 20 references of 22, taken for 16, and three citations
    assert (found["citation"][0], found["citation_rarity"][0]) == (1, 0)


def test_cited_works_of_the_same_name_are_told_from_others() -> None:
    index = indexed(
        [
            work("a", "T", "Ada Byron", references=("c", "d")),
            work("b", "T", "Ada Byron", references=("c", "d")),
            work("c", "T", "A. Byron"),
            work("d", "T", "Bo Li"),
        ]
    )
    found = features(index, ("a", 0), ("b", 0), ("c", 0))
    rarity = np.log(5 / 3)  # two of 4 references each
    assert found["references_rarity"][0] == pytest.approx(2 * rarity)
    assert found["references_by_name"][0] == pytest.approx(rarity)


def test_different_collaborations_are_not_unknown() -> None:
    index = indexed(
        [
            work("a", "T", "Ada Byron", collaborations=("ATLAS",)),
            work("b", "T", "Ada Byron", collaborations=("CMS",)),
            work("c", "T", "Ada Byron"),
        ]
    )
    found = features(index, ("a", 0), ("b", 0), ("c", 0))
    assert found["collaboration_rarest"].tolist() == pytest.approx([0, np.nan, np.nan], nan_ok=True)


def test_features_of_a_block_do_not_depend_on_the_blocks_beside_it() -> None:
    index = indexed(WORKS, COUNTED)
    own, other = rows(index, ("a", 0), ("b", 0)), rows(index, ("a", 1), ("b", 1), ("d", 0))
    alone = compute_pair_features(index, PairBatch.from_blocks(index, [own]))
    beside = compute_pair_features(index, PairBatch.from_blocks(index, [other, own]))
    for name in PAIR_FEATURES:
        assert beside[name][3:].tolist() == pytest.approx(alone[name].tolist(), nan_ok=True)


def test_features_of_listed_pairs_are_those_among_all_pairs_to_the_bit() -> None:
    others = work("e", "Speech", "Alan Byron", "Bo Li", venue="VLDB")
    index = indexed([*population(4, families=4)[0], *WORKS, others])
    blocks = make_blocks(index.corpus)
    complete = PairBatch.from_blocks(index, blocks)
    listed = NamePairs.compare(index, blocks).make_batch(0, len(blocks))
    some, every = compute_pair_features(index, listed), compute_pair_features(index, complete)
    place = complete.find_pairs(listed.left, listed.right)
    assert 0 < listed.n_pairs < complete.n_pairs
    for name in PAIR_FEATURES:
        assert np.array_equal(some[name], every[name][place], equal_nan=True)


def test_a_single_pair_has_the_features_it_has_among_all_to_the_bit() -> None:
    index = indexed(list(population(4, families=4)[0]))
    block = max(make_blocks(index.corpus), key=len)
    complete = PairBatch.from_blocks(index, [block])
    every = compute_pair_features(index, complete)
    for i, j in ((0, 1), (3, 7), (2, len(block) - 1)):
        alone = compute_pair_features(index, PairBatch.from_pair(index, block, i, j))
        place = complete.find_pairs(np.array([i]), np.array([j]))
        for name in PAIR_FEATURES:
            assert np.array_equal(alone[name], every[name][place], equal_nan=True)
