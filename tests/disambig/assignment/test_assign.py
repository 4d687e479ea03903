"""Placing the authors of one new work in a clustered corpus."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from disambig.assignment import assign, candidates
from disambig.assignment.assign import Assigner, AssignmentVerdict
from disambig.assignment.candidates import BlockIndex, select_signatures
from disambig.blocking.blocks import make_block_key
from disambig.blocking.pairs import PairBatch
from disambig.corpus.contents import Contents
from disambig.corpus.corpus import Corpus
from disambig.corpus.index import CorpusIndex, get_coauthor_keys, tokenise_corpus
from disambig.corpus.statistics import Statistics
from disambig.domain import Author, Signature, Work
from disambig.estimator import Disambiguator
from disambig.features.pair import PAIR_FEATURES, compute_pair_features
from disambig.names import parse_name
from disambig.names.frequency import NameFrequency
from tests.support.invented import model, population, space, work

SPEECH = [
    work(f"s{k}", title, "Nora Quist", "Otto Brandt", venue="Interspeech", year=2001 + k)
    for k, title in enumerate(
        [
            "speech recognition acoustic",
            "speaker prosody voice",
            "phoneme acoustic audio",
            "voice speech prosody",
            "recognition speaker audio",
        ]
    )
]
ROBOTS = [
    work(
        f"r{k}",
        title,
        "Nora Quist",
        "Zoe Adler",
        venue="Robotics: Science and Systems",
        year=2011 + k,
    )
    for k, title in enumerate(
        [
            "robot grasping arm",
            "gripper manipulation planning",
            "motion planning locomotion",
            "arm motion gripper",
            "robot locomotion planning",
        ]
    )
]
OTHERS = [
    work("x0", "protein genome folding", "Ulf Meyer", "Ada Ito"),
    work("x1", "enzyme mutation cell", "Ulf Meyer"),
]


@cache
def corpus() -> Corpus:
    return Corpus.from_works([*SPEECH, *ROBOTS, *OTHERS])


def by_hand(corpus: Corpus) -> np.ndarray:
    """Identities: one for each name, but two for Nora Quist, by field."""
    said = {}
    out = []
    for row in range(corpus.n_signatures):
        name, identifier = corpus.printed_name(row), corpus.signature(row).work
        key = (name, identifier[0] if name == "Nora Quist" else "")
        out.append(said.setdefault(key, len(said)))
    return np.array(out, dtype=np.int32)


@cache
def assigner() -> Assigner:
    return Assigner.of(corpus(), by_hand(corpus()), model(), space())


def identity_of(identifier: str, position: int) -> int:
    return int(by_hand(corpus())[corpus().row_of(Signature(identifier, position))])


def test_an_author_is_placed_with_colleague_and_field() -> None:
    new = work("n", "speech acoustic phoneme", "Nora Quist", "Otto Brandt", venue="Interspeech")
    first, second = assigner().assign(new)
    assert (first.verdict, first.identity) == (AssignmentVerdict.MATCHED, identity_of("s0", 0))
    assert (second.verdict, second.identity) == (AssignmentVerdict.MATCHED, identity_of("s0", 1))


def test_the_other_person_of_the_name_is_a_rival_and_less_probable() -> None:
    new = work(
        "n",
        "robot arm motion",
        "Nora Quist",
        "Zoe Adler",
        venue="Robotics: Science and Systems",
        year=2013,
    )
    first = assigner().assign(new)[0]
    match = [] if first.identity is None else [(first.identity, first.probability)]
    (best, probability), (rival, rival_probability) = *match, *first.rivals
    assert (best, rival) == (identity_of("r0", 0), identity_of("s0", 0))
    assert rival_probability < probability == first.probability


def test_an_unseen_name_is_new() -> None:
    (found,) = assigner().assign(work("n", "speech", "Bea Zimmer"))
    assert (found.verdict, found.identity, found.probability) == (AssignmentVerdict.NEW, None, 0.0)


def test_a_name_that_only_shares_the_block_is_new() -> None:
    # Ulrike Meyer is filed with Ulf Meyer and is another person by name
    (found,) = assigner().assign(work("n", "protein genome folding", "Ulrike Meyer"))
    assert (found.verdict, found.rivals) == (AssignmentVerdict.NEW, ())


def test_a_name_without_letters_is_new() -> None:
    (found,) = assigner().assign(work("n", "speech", "???"))
    assert found.verdict == AssignmentVerdict.NEW


def test_an_author_without_a_name_is_no_placement() -> None:
    found = assigner().assign(work("n", "speech acoustic", "", "Otto Brandt"))
    assert [p.position for p in found] == [1]


def test_a_work_without_authors_has_no_placements() -> None:
    assert assigner().assign(work("n", "speech acoustic")) == ()


def test_two_equally_near_identities_are_not_told_apart() -> None:
    # the same works are said to be of two persons: nothing tells them apart
    twins = [
        work(
            f"{a}{k}",
            "speech acoustic",
            "Nora Quist",
            "Otto Brandt",
            venue="Interspeech",
            year=2001,
        )
        for a in "st"
        for k in range(4)
    ]
    twofold = Corpus.from_works(twins)
    identity = by_hand(twofold)
    placed = Assigner.of(twofold, identity, model(), space()).assign(
        work("n", "speech acoustic", "Nora Quist", "Otto Brandt", venue="Interspeech", year=2001)
    )[0]
    assert placed.identity is None
    assert {i for i, _ in placed.rivals} == {identity[0], identity[8]}


@pytest.mark.parametrize(
    ("probability", "mate", "verdict"),
    [
        (0.9, 7, AssignmentVerdict.MATCHED),
        (0.9, 8, AssignmentVerdict.UNSURE),  # clustered afresh, it goes elsewhere
        (0.9, None, AssignmentVerdict.UNSURE),
        (0.52, 7, AssignmentVerdict.UNSURE),  # too near the threshold, 0.5
        (0.48, None, AssignmentVerdict.UNSURE),
        (0.2, None, AssignmentVerdict.NEW),
        (0.2, 7, AssignmentVerdict.UNSURE),
    ],
)
def test_it_is_decided_where_both_readings_agree(
    probability: float, mate: int | None, verdict: AssignmentVerdict
) -> None:
    half = replace(model(), settings={**model().settings, "second_level": 0.5})
    found = replace(assigner(), model=half)._decide_author(0, [(7, probability), (8, 0.1)], mate)
    assert found.verdict == verdict


def test_a_rival_close_behind_makes_it_unsure() -> None:
    found = assigner()._decide_author(0, [(7, 0.98), (8, 0.9)], 7)
    assert found.verdict == AssignmentVerdict.UNSURE


def test_two_authors_never_get_one_identity() -> None:
    new = work(
        "n",
        "speech acoustic",
        "Otto Brandt",
        "O. Brandt",
        "Otto Brandt",
        "Nora Quist",
        venue="Interspeech",
    )
    given = [p.identity for p in assigner().assign(new) if p.identity is not None]
    assert len(given) == len(set(given))


def test_an_identity_already_on_a_work_of_the_same_id_is_excluded() -> None:
    again = replace(SPEECH[0], title="speech recognition acoustic")
    for placed in assigner().assign(again):
        assert placed.identity is None
        assert identity_of("s0", placed.position) not in {i for i, _ in placed.rivals}


def test_placing_changes_nothing() -> None:
    new = work("n", "speech acoustic phoneme", "Nora Quist", "Otto Brandt", venue="Interspeech")
    assert assigner().assign(new) == assigner().assign(new)


def test_an_identifier_binds_and_another_parts() -> None:
    orcid, other = "0000-0002-1825-0097", "0000-0001-5109-3700"
    known = Work("a", "speech acoustic", (Author("Nora Quist", orcid=orcid),), None, None, 2001)
    one = Corpus.from_works([known])
    small = Assigner.of(one, np.zeros(1, dtype=np.int32), model(), space())
    same = Work("b", "enzyme mutation", (Author("N. Quist", orcid=orcid),))
    apart = Work("b", "speech acoustic", (Author("Nora Quist", orcid=other),), None, None, 2001)
    (bound,), (parted,) = small.assign(same), small.assign(apart)
    assert (bound.verdict, bound.identity, bound.probability) == (AssignmentVerdict.MATCHED, 0, 1.0)
    assert (parted.verdict, parted.rivals) == (AssignmentVerdict.NEW, ())


def test_unrelated_blocks_are_not_scored() -> None:
    compared = assigner().compare(work("n", "speech", "Ulf Meyer"))
    batch, index = compared.scored.batch, compared.scored.index
    blocks = {
        make_block_key(index.corpus.names[c]) for c in index.corpus.signature_name[batch.rows]
    }
    assert blocks == {"u meyer"}
    # the two of the corpus and the new one: three pairs
    assert batch.n_pairs == 3
    assert index.corpus.work_ids == ["x0", "x1", "n"]


def test_pairs_stay_bounded_whatever_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assign, "MAX_CANDIDATES", 6)
    monkeypatch.setattr(assign, "MAX_PAIRS", 30)
    many = [work(f"m{k:03}", "speech acoustic", "Ann Lee", "Bob Ray") for k in range(120)]
    large = Corpus.from_works(many)
    identity = np.arange(large.n_signatures, dtype=np.int32) % 14
    batch = (
        Assigner.of(large, identity, model(), space())
        .compare(work("n", "voice", "Ann Lee", "Bob Ray"))
        .scored.batch
    )
    # 30 pairs or less among what is taken of two blocks of n: 5 each, and the new ones
    assert np.diff(batch.start).tolist() == [6, 6]


def test_a_whole_run_and_a_placement_agree() -> None:
    works, _ = population(5)
    held = works[::29]
    rest = Corpus.from_works(w for w in works if w not in held)
    whole = Corpus.from_works(works)
    identity = Disambiguator(model=model()).predict(rest).identity
    anew = Disambiguator(model=model()).predict(whole).identity
    placing = Assigner.of(rest, identity, model(), space())
    same = total = 0
    for new in held:
        for placed in placing.assign(new):
            if placed.verdict == AssignmentVerdict.UNSURE:
                continue
            row = whole.row_of(Signature(new.id, placed.position))
            mates = [
                m
                for m in np.flatnonzero(anew == anew[row]).tolist()
                if whole.signature(m).work not in {w.id for w in held}
            ]
            theirs = [int(identity[rest.row_of(whole.signature(m))]) for m in mates]
            expected = max(set(theirs), key=theirs.count) if theirs else None
            same += placed.identity == expected
            total += 1
    assert total >= 10
    assert same == total


# --- the part of a corpus that is scored


def contents_of(corpus: Corpus, frequency: NameFrequency) -> tuple[Contents, Statistics]:
    terms, company = tokenise_corpus(corpus), get_coauthor_keys(corpus)
    return Contents.from_corpus(corpus, company, terms, space(), frequency), Statistics.count(
        corpus, company, terms
    )


@pytest.mark.parametrize("seed", [2, 3])
def test_a_part_and_a_new_work_give_the_features_of_the_union_to_the_bit(seed: int) -> None:
    works = [
        replace(
            w,
            abstract=f"on {w.title} and more {w.title}",
            authors=tuple(
                replace(a, affiliations=(f"University of {w.title.split()[0]}",)) for a in w.authors
            ),
        )
        for w in population(seed)[0]
    ]
    new = replace(works.pop(40), id="~last")  # sorts after the others
    frequency = NameFrequency.fit(parse_name(a.name) for w in works for a in w.authors)
    known, statistics = contents_of(Corpus.from_works(works), frequency)
    fresh, added = contents_of(Corpus.from_works([new]), frequency)
    whole = CorpusIndex.from_corpus(Corpus.from_works([*works, new]), space(), frequency)
    rows = BlockIndex.build(known.corpus.names, known.corpus.signature_name).find_block(
        fresh.corpus.names[fresh.corpus.signature_name[0]]
    )
    joined = known.select(rows).concatenate(fresh)
    part = CorpusIndex.from_contents(
        joined, Statistics.sum([joined.select_statistics(statistics), added])
    )
    own = whole.corpus.row_of(Signature("~last", 0))
    expected = compute_pair_features(whole, PairBatch.from_blocks(whole, [np.append(rows, own)]))
    beside = np.append(np.arange(len(rows)), len(rows)).astype(np.int32)
    found = compute_pair_features(part, PairBatch.from_blocks(part, [beside]))
    assert len(rows) >= 20
    for name in PAIR_FEATURES:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_a_block_is_found_by_the_name_of_a_new_author() -> None:
    names = [parse_name(n) for n in ("Ann Lee", "Bo Ray", "A. Lee", "???")]
    shelves = BlockIndex.build(names, np.array([0, 1, 3, 2, 0], dtype=np.int32))
    assert shelves.find_block(parse_name("Alice Lee")).tolist() == [0, 3, 4]
    assert shelves.find_block(parse_name("B. Ray")).tolist() == [1]
    assert shelves.find_block(parse_name("Zoe Ray")).tolist() == []
    assert shelves.find_block(parse_name("???")).tolist() == []


def test_identities_with_most_evidence_are_chosen_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MAX_REPRESENTATIVES", 4)
    # identity 0: rows 0-9 without evidence; 1: rows 10-19, row 12 with most; 2: row 20 with some
    identity = np.repeat([0, 1, 2], [10, 10, 1]).astype(np.int32)
    evidence = np.zeros(21)
    evidence[[12, 15, 20]] = 3, 1, 2
    rows = np.arange(21, dtype=np.int32)
    # of identity 1 the best two, and two evenly spread of the rest; then identity 2
    assert select_signatures(identity, rows, evidence, 5).tolist() == [10, 12, 15, 19, 20]
    assert select_signatures(identity, rows, evidence, 21).tolist() == rows.tolist()
