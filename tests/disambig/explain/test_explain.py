"""Explanations: they add up, have words for every feature, and tell what decided."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from disambig import (
    Author,
    Constraint,
    ConstraintKind,
    Corpus,
    Disambiguator,
    InputError,
    Model,
    Signature,
    Work,
)
from disambig.arrays import Float32
from disambig.blocking.blocks import Comparisons
from disambig.blocking.pairs import PairBatch
from disambig.clustering.constraints import compile_constraints
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.explain.contributions import Score
from disambig.explain.explain import Decider, Explanation, explain, format_percent, parse_mention
from disambig.explain.facts import Facts
from disambig.explain.phrases import THEMES, get_group_phrase, get_pair_phrase
from disambig.explain.terminal import print_explanation
from disambig.explain.trace import _find_exclusion as barred
from disambig.features.group import GROUP_FEATURES
from disambig.features.groups import GroupBatch
from disambig.features.pair import PAIR_FEATURES
from labeled.demo.sample import read_sample_works

ONE, OTHER = "0000-0002-1825-0097", "0000-0001-5109-3700"
A, B, C, D = (Signature(work, 0) for work in ("W1", "W2", "W3", "W:4"))
FRIENDS = tuple(Author(name) for name in ("Bo Fox", "Cy Ray"))
WORKS = (
    Work("W1", "Deep graph grammars", (Author("Ann Lee"), *FRIENDS), venue="AAAI", year=2006),
    Work("W2", "More graph grammars", (Author("Ann Lee"), *FRIENDS), venue="AAAI", year=2019),
    Work("W3", "Soil of the Alps", (Author("Ann Lee"), Author("Al Moor")), venue="Geo", year=1990),
    Work("W:4", "Grammars", (Author("Ada Stone"), *FRIENDS), year=2008),
)


@cache
def model() -> Model:
    return Model.load()


def told(
    a: Signature, b: Signature, *constraints: Constraint, works: Sequence[Work] = WORKS
) -> Explanation:
    return explain(Corpus.from_works(works), model(), a, b, constraints)


def facts(a: Sequence[Signature], b: Sequence[Signature]) -> Facts:
    corpus = Corpus.from_works(WORKS)
    index = CorpusIndex.from_corpus(corpus, SemanticSpace.load(), model().frequency)
    rows = [np.array([corpus.row_of(s) for s in side], dtype=np.int32) for side in (a, b)]
    return Facts(index, *rows)


def words(explanation: Explanation) -> dict[str, str]:
    return {part.feature: part.words for part in explanation.pair.contributions}


def drawn(explanation: Explanation, width: int = 80, *, every: bool = False) -> str:
    stream = io.StringIO()
    out = Console(file=stream, width=width, markup=False, emoji=False, highlight=False)
    print_explanation(out, explanation, show_all=every)
    return stream.getvalue()


def total(score: Score) -> float:
    return score.bias + sum(c.log_odds for c in score.contributions) + score.calibration


@pytest.mark.parametrize("feature", PAIR_FEATURES)
def test_every_pair_feature_has_words_and_a_theme(feature: str) -> None:
    phrase = get_pair_phrase(feature)
    assert phrase.theme in THEMES
    both = facts([A], [C])
    assert all(phrase.to_text(value, both) for value in (0.0, 1.0, 2.5, math.nan))


@pytest.mark.parametrize("feature", GROUP_FEATURES)
def test_every_group_feature_has_words_and_a_theme(feature: str) -> None:
    phrase = get_group_phrase(feature)
    assert phrase.theme in THEMES
    both = facts([A, B], [C])
    assert all(phrase.to_text(value, both) for value in (0.0, 1.0, 2.5, math.nan))


@pytest.mark.parametrize("b", [B, C, D])
def test_the_parts_of_a_pair_score_add_up_to_its_probability(b: Signature) -> None:
    score = told(A, b).pair
    assert total(score) == pytest.approx(math.log(score.probability / (1 - score.probability)))


@pytest.mark.parametrize("b", [B, C])
def test_calibration_is_all_that_the_forest_does_not_say(b: Signature) -> None:
    score = told(A, b).pair
    row = {c.feature: math.nan if c.value is None else c.value for c in score.contributions}
    X = np.array([[row[name] for name in model().pair.features]], dtype=np.float32)
    raw = float(model().pair.compute_log_odds(X)[0])
    assert total(score) - score.calibration == pytest.approx(raw, abs=1e-4)


def test_the_parts_of_a_group_score_add_up_to_its_probability() -> None:
    score = told(A, C).groups.score
    assert score is not None
    assert total(score) == pytest.approx(math.log(score.probability / (1 - score.probability)))


def test_themes_sum_the_contributions() -> None:
    score = told(A, B).pair
    together = sum(value for _, value in score.sum_themes())
    assert together == pytest.approx(sum(c.log_odds for c in score.contributions))


def test_two_papers_of_one_team_on_one_topic_are_one_person() -> None:
    found = told(A, B)
    assert found.same
    assert found.decided_by in (Decider.FIRST_LEVEL, Decider.SECOND_LEVEL)


def test_words_name_what_is_shared() -> None:
    found = words(told(A, B))
    assert found["coauthors_shared"] == "2 co-authors in common: Bo Fox, Cy Ray"
    assert found["venue_same"] == "same venue (AAAI)"
    assert found["year_gap"] == "years 2006 and 2019, 13 apart"
    assert found["name_given_relation"] == "given names: Ann (the same)"


def test_words_name_what_differs() -> None:
    found = words(told(A, C))
    assert found["coauthors_shared"] == "no co-author in common"
    assert found["venue_same"] == "different venues (AAAI / Geo)"


def test_what_is_not_known_is_told_as_unknown() -> None:
    assert words(told(A, D))["venue_same"] == "venues: unknown"
    unknown = next(c for c in told(A, D).pair.contributions if c.feature == "venue_same")
    assert unknown.value is None


def test_mentions_of_two_blocks_are_compared_all_the_same() -> None:
    found = told(A, D)
    assert not found.same_block
    assert (found.a.block, found.b.block) == ("a lee", "a stone")
    assert found.decided_by is Decider.ACROSS
    assert "different blocks" in found.because[0]


# Ann, A. and Alan: Ann and Alan could not be one person, A. could be either
LEES = tuple(
    Work(f"L{k}", f"Soil and {topic}", (Author(name), Author(friend)))
    for k, (name, topic, friend) in enumerate(
        [("Ann Lee", "graphs", "Bo Fox"), ("Alan Lee", "seas", "Di Moor")]
    )
)
ANN, ALAN = (Signature(work.id, 0) for work in LEES)


def test_names_that_could_not_be_one_persons_decide_alone() -> None:
    found = told(ANN, ALAN, works=LEES)
    assert found.same_block
    assert (found.same, found.decided_by, found.probability) == (False, Decider.NAMES, 0)
    assert found.groups.is_uncompared
    assert found.because == (
        "Their names could not be one person's, so nothing else was compared.",
    )


def test_evidence_beside_names_that_decide_is_shown_all_the_same() -> None:
    found = told(ANN, ALAN, works=LEES)
    assert 0 < found.pair.probability < 1
    assert words(found)["coauthors_shared"] == "no co-author in common"
    assert json.loads(json.dumps(found.to_dict()))["groups"]["score"] is None
    assert "decided by their names" in drawn(found)


@pytest.mark.parametrize("decider", Decider)
def test_every_decider_has_words(decider: Decider) -> None:
    assert "decided by" in drawn(replace(told(A, C), decided_by=decider))


def test_a_must_link_wins_over_names() -> None:
    found = told(ANN, ALAN, Constraint(ConstraintKind.MUST, ANN, ALAN), works=LEES)
    assert (found.same, found.decided_by) == (True, Decider.MUST)


def test_two_mentions_of_a_divided_block_are_explained_within_their_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = partial(Comparisons.plan, crowded_namesakes=1, part=1)
    monkeypatch.setattr(Comparisons, "plan", small)
    found = told(A, B)
    assert found.same_block
    assert not told(A, C).same_block


def sample_nothing(
    index: CorpusIndex, batch: PairBatch, groups: GroupBatch, *_: Float32
) -> tuple[PairBatch, Float32]:
    """Stands for a block too large for a sample between each two of its groups."""
    none = np.empty(0, dtype=np.int32)
    return replace(batch, left=none, right=none, name_pair=none), np.empty(0, dtype=np.float32)


def test_two_of_a_crowded_block_with_too_little_in_common_are_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        Comparisons, "plan", partial(Comparisons.plan, crowded_namesakes=0, max_neighbours=1)
    )
    monkeypatch.setattr("disambig.clustering.two_level.sample_pairs", sample_nothing)
    works = [
        Work(f"{team}{k}", title, (Author("Ann Lee"), Author(f"{team}x Ru")), year=year)
        for team, title, year in (("Q", "Speech recognition", 1990), ("R", "Robot arms", 2020))
        for k in range(3)
    ]
    found = told(Signature("Q0", 0), Signature("R2", 0), works=tuple(works))
    assert (found.same, found.decided_by) == (False, Decider.TOO_LITTLE)
    assert found.probability == 0
    assert "not compared" in found.because[0]
    assert "how little they have in common" in drawn(found)


def test_two_authors_of_one_work_are_two_persons_by_rule() -> None:
    works = (Work("W1", "Twins", (Author("Ann Lee"), Author("Ann Lee"))), *WORKS[1:])
    found = told(A, Signature("W1", 1), works=works)
    assert (found.same, found.decided_by) == (False, Decider.SAME_WORK)


def test_a_cannot_link_decides_against_the_evidence() -> None:
    found = told(A, B, Constraint(ConstraintKind.CANNOT, A, B))
    assert (found.same, found.decided_by) == (False, Decider.CANNOT)
    assert found.pair.probability == told(A, B).pair.probability


def test_a_must_link_decides_within_a_block_and_across_two() -> None:
    for b in (C, D):
        found = told(A, b, Constraint(ConstraintKind.MUST, A, b))
        assert (found.same, found.decided_by) == (True, Decider.MUST)


def test_a_chain_of_must_links_decides() -> None:
    links = (Constraint(ConstraintKind.MUST, A, D), Constraint(ConstraintKind.MUST, D, C))
    assert told(A, C, *links).decided_by is Decider.MUST


def test_a_shared_orcid_decides_as_an_identifier() -> None:
    found = told(A, C, works=with_orcids(ONE, ONE, ONE, None))
    assert (found.same, found.decided_by) == (True, Decider.IDENTIFIER)


def with_orcids(*orcids: str | None) -> tuple[Work, ...]:
    """The works, their first authors with these ORCID iDs."""
    return tuple(
        replace(w, authors=(replace(w.authors[0], orcid=orcid), *w.authors[1:]))
        for w, orcid in zip(WORKS, orcids, strict=True)
    )


@pytest.mark.parametrize("b", [B, D])
def test_different_orcids_decide_within_a_block_and_across_two(b: Signature) -> None:
    works = with_orcids(ONE, *(OTHER if b.work == w.id else None for w in WORKS[1:]))
    found = told(A, b, works=works)
    assert (found.same, found.decided_by) == (False, Decider.IDENTIFIER)


def test_the_members_that_keep_two_groups_apart_are_the_first_that_cannot_be_one() -> None:
    works = with_orcids(None, ONE, None, OTHER)
    corpus = Corpus.from_works(works)
    index = CorpusIndex.from_corpus(corpus, SemanticSpace.load(), model().frequency)
    a, b, c, d = (corpus.row_of(s) for s in (A, B, C, D))
    first, second = (np.array(rows, dtype=np.int32) for rows in ((a, b), (c, d)))
    by_orcid = compile_constraints(corpus, ())
    assert barred(index, by_orcid, first, second) == (b, d)
    also = compile_constraints(corpus, [Constraint(ConstraintKind.CANNOT, A, D)])
    assert barred(index, also, first, second) == (a, d)
    assert barred(index, by_orcid, first[:1], second) is None


def test_two_papers_alone_in_their_block_can_be_explained() -> None:
    assert told(A, B, works=WORKS[:2]).groups.first_a in (1, 2)


def test_an_unknown_work_is_an_error_that_names_it() -> None:
    with pytest.raises(InputError, match="'W9'"):
        told(A, Signature("W9", 0))


def test_one_mention_named_twice_is_an_error() -> None:
    with pytest.raises(InputError, match="given twice"):
        told(A, A)


def test_a_mention_is_divided_at_the_last_colon() -> None:
    assert parse_mention("doi:10.1/x:12") == Signature("doi:10.1/x", 12)


@pytest.mark.parametrize("text", ["W1", "W1:", ":0", "W1:-1", "W1:x", "W1:²", "W1:" + "9" * 5000])
def test_what_is_no_mention_is_an_error(text: str) -> None:
    with pytest.raises(InputError):
        parse_mention(text)


def test_json_holds_every_contribution() -> None:
    document = json.loads(json.dumps(told(A, C).to_dict()))
    assert {c["feature"] for c in document["pair"]["contributions"]} == set(model().pair.features)
    assert document["groups"]["score"]["themes"]


def test_the_verdict_is_that_of_a_full_run() -> None:
    corpus = Corpus.from_works(read_sample_works())
    people = Disambiguator(model=model()).predict(corpus)
    names = np.array([corpus.printed_name(row).split()[-1] for row in range(corpus.n_signatures)])
    chen = np.flatnonzero(names == "Chen").tolist()[:6]
    for a, b in pairwise(chen):
        found = explain(corpus, model(), corpus.signature(a), corpus.signature(b))
        assert found.same == (people.identity[a] == people.identity[b])


@pytest.mark.parametrize("width", [80, 120])
def test_the_chart_fits_the_terminal(width: int) -> None:
    lines = drawn(told(A, C), width).splitlines()
    assert max(map(len, lines)) <= width


def test_all_shows_every_feature() -> None:
    text = drawn(told(A, B), 120, every=True)
    assert "letters of the longer given name" in text
    assert not re.search(r"\d more", text)


def test_hostile_names_and_titles_cannot_act_on_the_terminal() -> None:
    bad = "\x1b[2J\u202e[red]<b>"
    works = tuple(
        Work(w.id, w.title + bad, (Author("Ann" + bad + " Lee"), Author("Bo Fox" + bad)), venue=bad)
        for w in WORKS
    )
    text = drawn(told(A, B, works=works), every=True)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]<b>" in text


@pytest.mark.parametrize(
    ("probability", "text"), [(0.5, "50%"), (0.9996, ">99.9%"), (1e-9, "<0.1%"), (0.123, "12.3%")]
)
def test_a_probability_never_claims_certainty(probability: float, text: str) -> None:
    assert format_percent(probability) == text


@pytest.mark.parametrize(
    ("years", "value", "told"),
    [
        (((2023, 2023), (2015, 2025)), 0.0, "years 2023 and 2015–2025: one year in common"),
        (((2010, 2012), (2015, 2025)), 0.0, "years 2010–2012 and 2015–2025: no overlap"),
        (((2010, 2018), (2015, 2025)), 3.0, "years 2010–2018 and 2015–2025: 3 years of overlap"),
    ],
)
def test_careers_that_meet_in_one_year_do_overlap(years, value, told) -> None:
    facts = SimpleNamespace(years=years)
    assert get_group_phrase("years_overlap").to_text(value, facts) == told
