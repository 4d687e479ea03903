"""Decisions as labels: what is learned from them, and how two models are compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from disambig.corpus.corpus import Corpus
from disambig.corpus.index import CorpusIndex
from disambig.domain import Constraint, ConstraintKind, Label, Signature
from disambig.model.model import Model
from disambig.training import fit
from disambig.training.examples import Gold
from service.decisions import undo as undoing
from service.errors import Invalid
from service.training import examples as training_examples
from service.training.comparison import ModelComparer
from service.training.examples import Answer, IndexCache
from service.training.results import ComparedModel, TrainingSummary
from service.values import to_dict
from tests.support.invented import space
from tests.support.run_world import published_wangs, wangs
from tests.support.teaching_world import REVIEWER, answered, taught_wangs, two_are_enough


def said(source: str, kind: str, a: str, b: str) -> Constraint:
    return Constraint(ConstraintKind(kind), Signature(a, 0), Signature(b, 0), source)


def answer(decision: str, same: float, a: str, b: str) -> Answer:
    return Answer(((Signature(a, 0),), (Signature(b, 0),)), same, decision)


pytestmark = pytest.mark.usefixtures("one_space")


@pytest.fixture
def eager() -> Model:
    """The model that ships, joining groups with another threshold."""
    shipped = Model.load()
    return replace(shipped, settings={**shipped.settings, "second_level": 0.5})


def test_joined_mentions_are_one_person_and_only_stated_pairs_differ() -> None:
    decided = [
        said("d1", "must", "a", "b"),
        said("d2", "must", "b", "c"),
        said("d3", "cannot", "c", "x"),
        said("d4", "must", "y", "z"),
    ]
    found = training_examples.build_training_set(decided, [], 0.0, 0)
    person = {label.signature.work: label.person for label in found.labels}
    assert person["a"] == person["b"] == person["c"]
    assert len(set(person.values())) == 3
    assert [set(pair) for pair in found.different_persons] == [{person["a"], person["x"]}]
    assert (found.n_decisions, found.n_held_back, found.held_back) == (4, 0, ())


def test_whole_decisions_are_held_back_and_what_follows_from_others_is_not_asked() -> None:
    decided = [said(f"d{k}", "must", f"a{k}", f"b{k}") for k in range(10)]
    decided += [said(f"d{k}", "must", f"a{k}", f"c{k}") for k in range(10)]
    answers = [answer(f"d{k}", 1.0, f"a{k}", f"b{k}") for k in range(10)]
    found = training_examples.build_training_set(decided, answers, 0.3, 1)
    n = found.n_held_back
    assert (found.n_decisions, len(found.held_back)) == (10 - n, 2 * n)
    assert 0 < n < 10
    learned = {label.signature for label in found.labels}
    assert not learned & {end for c in found.held_back for end in (c.a, c.b)}
    held = {c.source for c in found.held_back}
    assert {a.decision for a in found.held_back_answers} == held
    assert {a.decision for a in found.answers} == {f"d{k}" for k in range(10)} - held
    twice = [said("d1", "must", "a", "b"), said("d2", "must", "a", "b")]
    assert training_examples.build_training_set(twice, [], 0.5, 0).held_back == ()


def test_about_the_share_is_held_back_and_the_same_again_when_more_was_decided() -> None:
    decided = [said(f"d{k}", "must", f"a{k}", f"b{k}") for k in range(600)]
    few, all_ = (
        training_examples.build_training_set(some, [], 0.2, 5) for some in (decided[:300], decided)
    )
    held = [{c.source for c in found.held_back} for found in (few, all_)]
    assert held[0] == {source for source in held[1] if int(source[1:]) < 300}
    assert 90 < all_.n_held_back < 150
    other = training_examples.build_training_set(decided, [], 0.2, 6)
    assert {c.source for c in other.held_back} != held[1]


def test_a_single_decision_is_learned_from() -> None:
    found = training_examples.build_training_set([said("d1", "must", "a", "b")], [], 0.9, 0)
    assert (found.n_decisions, found.n_held_back) == (1, 0)
    assert training_examples.build_training_set([], [], 0.2, 0).labels == ()


def test_pairs_of_persons_of_whom_nothing_was_said_are_not_known() -> None:
    corpus = Corpus.from_works(wangs())
    index = CorpusIndex.from_corpus(corpus, space(), Model.load().frequency)
    decided = [said("d1", "cannot", "s0", "r0"), said("d2", "must", "s1", "s2")]
    found = training_examples.build_training_set(decided, [], 0.0, 0)
    gold = Gold.of(index, found.labels, found.different_persons)
    row = [corpus.row_of(Signature(work, 0)) for work in ("s0", "r0", "s1", "s2", "s3")]
    s0, r0, s1, s2, s3 = gold.person[row]
    a, b = np.array([s0, s1, s0, s0, s3]), np.array([r0, s2, s1, s3, s3])
    assert gold.is_known(a, b).tolist() == [True, True, False, False, False]


def test_the_answers_are_those_that_decisions_in_force_gave_to_questions(copy_of) -> None:
    database = copy_of(taught_wangs)
    _, decided, found = training_examples.read_training_data(database)
    assert [a.same for a in found] == [0.0, 1.0]
    assert {a.decision for a in found} == {c.source for c in decided}
    assert [[s.work for s in side] for side in found[1].sides] == [["s0", "s1"], ["s2", "s3", "s4"]]
    undoing.undo_decision(database, REVIEWER, found[0].decision.removeprefix("decision "))
    assert [a.same for a in training_examples.read_training_data(database)[2]] == [1.0]


def test_what_nobody_can_tell_is_no_answer(copy_of) -> None:
    database = copy_of(published_wangs)
    answered(database, "unsure", "unsure")
    assert training_examples.read_training_data(database)[1:] == ([], [])


def test_too_few_answers_say_how_many_more_of_which_kind_are_needed() -> None:
    decided = [said(f"d{k}", "cannot", f"a{k}", f"b{k}") for k in range(20)]
    answers = [answer(f"d{k}", float(k < 2), f"a{k}", f"b{k}") for k in range(20)]
    told = "10 more and 3 more that say one person, or give labelled works"
    with pytest.raises(Invalid, match=told):
        training_examples.check_enough_answers(
            training_examples.build_training_set(decided, answers, 0.0, 0)
        )
    with pytest.raises(Invalid, match="no decisions"):
        training_examples.check_enough_answers(training_examples.build_training_set([], [], 0.2, 0))
    more = [answer(f"e{k}", 1.0, "a", "b") for k in range(20)]
    training_examples.check_enough_answers(
        training_examples.build_training_set(decided, [*answers, *more], 0.0, 0)
    )


def test_a_corrected_model_keeps_its_forests_and_leans_to_what_was_answered(
    copy_of, monkeypatch
) -> None:
    two_are_enough(monkeypatch)
    corpus, decided, answers = training_examples.read_training_data(copy_of(taught_wangs))
    answers = [answers[0]] * 20 + [answers[1]]
    taught = training_examples.build_training_set(decided, answers, 0.0, 0)
    shipped, indexes = Model.load(), IndexCache(corpus)
    found = training_examples.correct_model(indexes, taught, shipped)
    assert found.group is shipped.group
    assert found.pair is shipped.pair
    assert found.metadata["correction"]["answers"] == 21
    before, after = (indexes.score_answers(m, answers[:1]).probability[0] for m in (shipped, found))
    assert after < before


TRAINED = (
    ComparedModel(model=None, digest="0" * 64),
    TrainingSummary(
        how="corrected", decisions=3, answers=3, same=1, different=2, labels=0, held_back=1
    ),
)
"""The model in use and the training data of a candidate, as a comparison repeats them."""


def test_two_models_are_compared_by_decisions_held_back_and_by_what_would_change(eager) -> None:
    corpus = Corpus.from_works(wangs())
    decided = [
        said("d1", "must", "s0", "s1"),
        said("d2", "cannot", "s0", "r0"),
        said("d3", "cannot", "s2", "r2"),
    ]
    answers = [
        answer("d3", 0.0, "s2", "r2"),
        answer("d1", 1.0, "s0", "s1"),
        answer("d2", 0.0, "s0", "r0"),
    ]
    taught = training_examples.build_training_set(decided, answers, 0.3, 0)
    labels = [Label(Signature(f"{topic}{k}", 0), topic) for topic in "sr" for k in range(5)]
    comparing = ModelComparer({"old": Model.load(), "new": eager})
    found = to_dict(
        comparing.compare(IndexCache(corpus), decided, taught, *TRAINED, gold=(corpus, labels))
    )
    perfect = {"precision": 1, "recall": 1, "f1": 1}
    assert found["gold"] == {"labels": 10, "old": perfect, "new": perfect}
    held = found["held_back"]
    assert (held["decisions"], held["right"]) == (1, {"old": 1, "new": 1})
    assert (held["mended"], held["broken"], held["questions"]) == (0, 0, 1)
    assert held["sureness"]["old"] == held["sureness"]["new"] > 0.5
    assert (found["mentions"], found["changed"]) == (23, 0)
    assert found["identities"] == {"old": 5, "new": 5}


def test_a_decision_held_back_is_right_only_if_all_that_it_says_holds(eager) -> None:
    corpus = Corpus.from_works(wangs())
    never = replace(eager, settings={"first_level": 0.9999, "second_level": 0.9999, "across": 1})
    decided = [
        said("d1", "cannot", "x0", "s4"),
        said("d2", "must", "s0", "s1"),
        said("d2", "cannot", "s0", "r0"),
    ]
    taught = replace(
        training_examples.build_training_set(decided, [], 0.0, 0),
        held_back=tuple(decided[1:]),
        n_held_back=1,
    )
    comparing = ModelComparer({"old": Model.load(), "new": never})
    comparison = comparing.compare(IndexCache(corpus), decided, taught, *TRAINED)
    held = to_dict(comparison)["held_back"]
    assert (held["right"], held["broken"]) == ({"old": 1, "new": 0}, 1)
    assert held["sureness"] is None


def test_a_model_learns_from_decisions_and_labels_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = {}

    def fit_model(corpora, *, metadata, seed, progress):
        seen.update(metadata, corpora=[(c.labels, c.different_persons) for c in corpora])
        return Model.load()

    monkeypatch.setattr(fit, "fit_model", fit_model)
    corpus = Corpus.from_works(wangs())
    decided = [said(f"d{k}", "cannot", f"s{k}", f"r{k}") for k in range(5)]
    taught = training_examples.build_training_set(decided, [], 0.2, 0)
    labels = [Label(Signature("s0", 0), "one")]
    training_examples.fit_new_model(corpus, taught, (corpus, labels), seed=3)
    assert seen["decisions"] == 4
    assert seen["held_back"] == 1
    assert seen["corpora"] == [(taught.labels, taught.different_persons), (labels, None)]
    assert len(taught.different_persons) == 4


def test_mixed_sides_are_one_person_by_the_share_of_the_pairs_that_are() -> None:
    a, b, c, x, y = (Signature(work, 0) for work in "abcxy")
    person = {a: "one", b: "one", c: "one", x: "two", y: "three"}
    apart = {("one", "two")}
    assert training_examples.compute_share_same([a, b], [c], person, apart) == 1
    assert training_examples.compute_share_same([a, b], [x], person, apart) == 0
    assert training_examples.compute_share_same([a, b, x], [c], person, apart) == pytest.approx(
        2 / 3
    )
    # of one and three, and of whoever nothing was said about, nothing is told
    assert (
        training_examples.compute_share_same([a, b], [c, y, Signature("z", 0)], person, apart) == 1
    )
    assert training_examples.compute_share_same([a], [y], person, apart) is None
