"""Questions about a clustering: what they are worth, and what is never asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from disambig.active_learning.questions import (
    MIN_ERROR,
    ClusteredBlocks,
    Question,
    QuestionKind,
    find_weakest_division,
)
from disambig.blocking.blocks import make_blocks
from disambig.blocking.pairs import NamePairs
from disambig.clustering.constraints import compile_constraints
from disambig.clustering.two_level import ScoredPairs, predict_pairs
from disambig.corpus.corpus import Corpus
from disambig.corpus.index import CorpusIndex
from disambig.model.model import Model
from tests.support.invented import space, work


def question(kind: QuestionKind, left: int, right: int, probability: float) -> Question:
    rows = np.arange(left + right, dtype=np.int32)
    return Question(kind, 0, rows[:left], rows[left:], probability)


def symmetric(n: int, pairs: dict[tuple[int, int], float]) -> np.ndarray:
    found = np.zeros((n, n))
    for (a, b), value in pairs.items():
        found[a, b] = found[b, a] = value
    return found


FREE = np.full(4, -1, dtype=np.int32)


def sides(similarity: np.ndarray, must: np.ndarray) -> set[frozenset[int]]:
    side = find_weakest_division(similarity, must)
    return {frozenset(np.flatnonzero(side == k).tolist()) for k in (0, 1)} - {frozenset()}


def test_the_weakest_division_undoes_the_last_merge() -> None:
    # 0-1 at .9 and 2-3 at .8 merge first; the two pairs are .2 apart from each other on average
    near = symmetric(4, {(0, 1): 0.9, (2, 3): 0.8, (0, 2): 0.4, (1, 3): 0.4})
    assert sides(near, FREE) == {frozenset({0, 1}), frozenset({2, 3})}


def test_what_people_put_together_is_not_divided() -> None:
    # 1 and 2 are one atom, 0 is .9/2 from it, 3 is .8/2: the last to join is 3
    near = symmetric(4, {(0, 1): 0.9, (2, 3): 0.8})
    must = np.array([-1, 7, 7, -1], dtype=np.int32)
    assert sides(near, must) == {frozenset({0, 1, 2}), frozenset({3})}
    assert sides(near, np.array([3, 3, 3, 3], dtype=np.int32)) == {frozenset({0, 1, 2, 3})}


def test_one_mention_has_no_division() -> None:
    assert find_weakest_division(np.zeros((1, 1)), np.array([-1], dtype=np.int32)).tolist() == [0]


def test_joining_is_worth_what_recall_would_gain() -> None:
    # 3 and 1 of a person of 4: each of the 3 gains 1/4, the 1 gains 3/4: 1.5, at probability .4
    assert question(QuestionKind.MERGE, 3, 1, 0.4).gain == pytest.approx(0.4 * 1.5)
    assert question(QuestionKind.MERGE, 3, 1, 0.4).n_moved == 1


def test_parting_is_worth_what_precision_would_gain() -> None:
    asked = question(QuestionKind.SPLIT, 2, 2, 0.9)
    assert asked.error == pytest.approx(0.1)
    assert asked.gain == pytest.approx(0.1 * 2)


@pytest.fixture(scope="module")
def block() -> tuple[ScoredPairs, Model]:
    """Nine papers by people called Wei Wang, in speech, in robots and in genes."""
    topics = (
        ("speech recognition acoustic speaker voice", "Otto Brandt", "Interspeech", 1991),
        ("robot grasping arm gripper", "Lei Zhang", "Robotics: Science and Systems", 2001),
        ("protein genome folding enzyme", "Ana Sousa", "Bioinformatics", 2011),
    )
    works = [
        work(f"{topic[0]}{k}", f"{topic} {k}", "Wei Wang", friend, venue=venue, year=year + k)
        for topic, friend, venue, year in topics
        for k in range(3)
    ]
    corpus = Corpus.from_works(works)
    model = Model.load()
    index = CorpusIndex.from_corpus(corpus, space(), model.frequency)
    rows = next(b for b in make_blocks(corpus) if len(b) == 9)
    batch = NamePairs.compare(index, [rows]).make_batch(0, 1)
    constraints = compile_constraints(corpus, ())

    def score(columns):
        return predict_pairs(model, columns, index.doublings)

    return ScoredPairs.score(index, batch, constraints, score), model


def test_questions_come_with_the_most_valuable_first_and_about_what_is_there(block) -> None:
    scored, model = block
    settled = ClusteredBlocks.of(scored, model)
    asked = settled.list_questions(model)
    assert asked
    assert [q.gain for q in asked] == sorted((q.gain for q in asked), reverse=True)
    for q in asked:
        left, right = set(settled.group[q.left].tolist()), set(settled.group[q.right].tolist())
        assert len(left) == len(right) == 1
        assert (left == right) == (q.kind is QuestionKind.SPLIT)
        assert q.error >= MIN_ERROR * 0.999


def test_a_denied_merge_is_not_asked_again(block) -> None:
    scored, model = block
    merges = [
        q for q in ClusteredBlocks.of(scored, model).list_questions(model) if q.kind == "merge"
    ]
    asked = merges[0]
    cannot = np.concatenate(
        [
            scored.constraints.cannot,
            [[min(asked.left[0], asked.right[0]), max(asked.left[0], asked.right[0])]],
        ]
    ).astype(np.int32)
    told = replace(scored, constraints=replace(scored.constraints, cannot=cannot))
    sides = frozenset((frozenset(asked.left.tolist()), frozenset(asked.right.tolist())))
    again = {
        frozenset((frozenset(q.left.tolist()), frozenset(q.right.tolist())))
        for q in ClusteredBlocks.of(told, model).list_questions(model)
    }
    assert sides not in again


def test_a_merge_of_two_orcids_is_not_asked(block) -> None:
    scored, model = block
    asked = next(
        q for q in ClusteredBlocks.of(scored, model).list_questions(model) if q.kind == "merge"
    )
    orcid = scored.constraints.orcid.copy()
    orcid[[asked.left[-1], asked.right[-1]]] = 0, 1
    told = replace(scored, constraints=replace(scored.constraints, orcid=orcid))
    assert (scored.constraints.orcid == -1).all()
    settled = ClusteredBlocks.of(told, model)
    for q in settled.list_questions(model):
        if q.kind == "merge":
            assert len(set(orcid[np.concatenate([q.left, q.right])].tolist()) - {-1}) < 2


def test_what_is_decided_to_be_one_is_not_asked_about(block) -> None:
    scored, model = block
    together = np.zeros(len(scored.batch.rows), dtype=np.int32)
    told = replace(scored, constraints=replace(scored.constraints, must=together))
    settled = ClusteredBlocks.of(told, model)
    assert len(set(settled.group.tolist())) == 1
    assert settled.list_questions(model) == []
