"""A model corrected by answers: as sure as these say, and as it was where they say nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from disambig.active_learning.questions import ClusteredBlocks
from disambig.blocking.blocks import make_blocks
from disambig.blocking.pairs import NamePairs
from disambig.clustering.constraints import compile_constraints
from disambig.clustering.two_level import ScoredPairs, predict_pairs
from disambig.corpus.index import CorpusIndex
from disambig.model.model import Model
from disambig.training.recalibrate import QuestionScores, correct_model, score_questions
from tests.support.invented import indexed, rows, space, work


def asked(log_odds: list[float]) -> QuestionScores:
    return QuestionScores(np.array(log_odds), np.zeros(len(log_odds)))


def calibrated(model: Model, raw: float) -> float:
    return float(model.group_calibration(np.array([raw]))[0])


def test_a_question_is_as_probable_as_the_queue_says_that_asks_it() -> None:
    topics = (
        ("speech recognition acoustic", "Otto Brandt", 1991),
        ("robot grasping arm", "Lei Zhang", 2001),
        ("protein genome folding", "Ana Sousa", 2011),
    )
    works = [
        work(f"{topic[0]}{k}", f"{topic} {k}", "Wei Wang", friend, year=year + k)
        for topic, friend, year in topics
        for k in range(3)
    ]
    model = Model.load()
    index = CorpusIndex.from_corpus(indexed(works).corpus, space(), model.frequency)
    block = next(b for b in make_blocks(index.corpus) if len(b) == 9)
    scored = ScoredPairs.score(
        index,
        NamePairs.compare(index, [block]).make_batch(0, 1),
        compile_constraints(index.corpus, ()),
        lambda columns: predict_pairs(model, columns, index.doublings),
    )
    questions = ClusteredBlocks.of(scored, model).list_questions(model)
    assert {q.kind for q in questions} == {"merge", "split"}
    sides = [(scored.batch.rows[q.left], scored.batch.rows[q.right]) for q in questions]
    found = score_questions(index, model, sides).probability
    for question, probability in zip(questions, found, strict=True):
        # of a split, the queue divides the other identities, too
        near = 1e-4 if question.kind == "merge" else 0.1
        assert probability == pytest.approx(question.probability, abs=near)


def test_mentions_whose_names_are_of_two_people_are_no_question() -> None:
    index = indexed([work("a", "Speech", "Wei Wang"), work("b", "Speech", "Ulf Meyer")])
    one, other = rows(index, ("a", 0), ("b", 0)).astype(np.int64)
    found = score_questions(index, Model.load(), [(np.array([one]), np.array([other]))])
    assert np.isnan(found.probability).all()
    with pytest.raises(ValueError, match="no answer"):
        correct_model(Model.load(), found, np.ones(1))


def test_a_model_that_was_too_sure_becomes_less_sure_where_nothing_was_asked_too() -> None:
    model = Model.load()
    said = np.repeat([0.0, 1.0], [90, 10])  # one of ten, where the model says one of two
    found = correct_model(model, asked([0.0] * 100), said)
    assert calibrated(found, 0.5) < calibrated(model, 0.5)
    assert found.group is model.group
    assert found.metadata["correction"]["of"] == model.digest
    assert -2.2 < found.metadata["correction"]["shift"] < -1.8  # the odds 1 to 9 are -2.2
    assert found.digest != model.digest
    better = np.linspace(-9, 9, 50)
    assert (np.diff(found.group_calibration(better)) >= 0).all()


def test_the_more_answers_there_are_the_more_they_count_against_the_prior() -> None:
    model = Model.load()
    shifts = [
        correct_model(model, asked([0.0] * n), np.zeros(n)).metadata["correction"]["shift"]
        for n in (2, 20, 200)
    ]
    assert 0 > shifts[0] > shifts[1] > shifts[2] > -6


def test_answers_as_the_model_expects_them_change_nothing() -> None:
    z = np.linspace(-3, 3, 60)
    found = correct_model(Model.load(), asked(z.tolist()), 1 / (1 + np.exp(-z)))
    assert found.metadata["correction"]["shift"] == pytest.approx(0, abs=1e-4)
    assert found.metadata["correction"]["stretch"] == pytest.approx(1, abs=1e-4)


def test_better_scores_stay_better_whatever_few_answers_say() -> None:
    z = np.repeat([-3.0, 3.0], 200)
    found = correct_model(Model.load(), asked(z.tolist()), np.repeat([1.0, 0.0], 200))
    assert found.metadata["correction"]["stretch"] == pytest.approx(0.1)
    assert (np.diff(found.group_calibration(np.linspace(-9, 9, 50))) >= 0).all()


def test_what_the_size_of_the_corpus_takes_is_not_learned_twice() -> None:
    n = 400
    z = np.linspace(-3, 3, n)
    growth = np.full(n, -1.5)
    said = 1 / (1 + np.exp(-(z - 1.5)))
    found = correct_model(Model.load(), QuestionScores(z, growth), said)
    assert found.metadata["correction"]["shift"] == pytest.approx(0, abs=1e-4)


def test_a_model_without_calibration_is_not_corrected() -> None:
    bare = replace(Model.load(), group_calibration=None)
    with pytest.raises(ValueError, match="no calibration"):
        correct_model(bare, asked([0.0]), np.ones(1))
