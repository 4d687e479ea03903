"""Confidence: the probability that a signature belongs to its identity."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from disambig.blocking.blocks import make_blocks
from disambig.blocking.pairs import PairBatch
from disambig.clustering.batch import cluster_batch
from disambig.clustering.confidence import CONFIDENCE_FEATURES, compute_confidence_features
from disambig.clustering.constraints import compile_constraints
from disambig.clustering.two_level import ScoredPairs, cluster_scored, predict_pairs
from disambig.corpus.corpus import Corpus
from disambig.estimator import Disambiguator
from disambig.training.examples import judge_identities
from tests.support.invented import indexed, model, population, work

WORKS = [
    work("a", "Speech recognition", "Ada Byron", "Olga Xu", "Piet Yao", year=2001),
    work("b", "Speech audio", "Ada Byron", "Olga Xu", "Piet Yao", year=2002),
    work("c", "Protein folding", "Ada Byron", "Ruth Zorn", year=2002),
]


def codes(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def test_an_identity_is_the_person_of_most_of_its_signatures() -> None:
    right = judge_identities(codes(0, 0, 0, 1), codes(7, 7, 8, 9), codes(0, 0, 0, 0))
    assert right.tolist() == [1, 1, 0, 1]


def test_persons_of_equally_many_signatures_share_the_identity() -> None:
    assert judge_identities(codes(0, 0), codes(1, 2), codes(0, 0)).tolist() == [0.5, 0.5]


def test_a_signature_alone_is_wrong_if_its_person_has_others() -> None:
    right = judge_identities(codes(0, 1, 1, 2), codes(5, 5, 5, 6), codes(0, 0, 0, 0))
    assert right.tolist() == [0, 1, 1, 1]


def test_persons_of_two_blocks_are_judged_by_block() -> None:
    assert judge_identities(codes(0, 1), codes(5, 5), codes(0, 1)).tolist() == [1, 1]


def test_an_identity_with_one_label_among_several_signatures_is_not_judged() -> None:
    right = judge_identities(codes(0, 0, 1), codes(5, -1, 6), codes(0, 0, 0))
    assert np.isnan(right).tolist() == [True, True, False]


def test_rows_alone_have_no_evidence_inside_and_all_have_rivals() -> None:
    index = indexed(WORKS)
    (block,) = (b for b in make_blocks(index.corpus) if len(b) == 3)
    batch = PairBatch.from_blocks(index, [block])
    constraints = compile_constraints(index.corpus, ())
    scored = ScoredPairs.score(
        index, batch, constraints, partial(predict_pairs, model(), doublings=0)
    )
    columns = compute_confidence_features(cluster_scored(scored, model()))
    assert tuple(columns) == CONFIDENCE_FEATURES
    is_alone = columns["identity_size"] == 0
    assert np.isnan(columns["inside_mean"]).tolist() == is_alone.tolist()
    assert columns["coauthors"].tolist() == pytest.approx(np.log2([3, 3, 2]))
    assert columns["block_size"].tolist() == pytest.approx([np.log2(3)] * 3)
    confidence = cluster_batch(index, model(), constraints, batch).confidence
    assert ((confidence > 0) & (confidence < 1)).all()


def test_confidence_is_about_the_share_that_is_right() -> None:
    works, labels = population(2)
    corpus = Corpus.from_works(works)
    result = Disambiguator(model=model()).predict(corpus)
    rows = np.array([corpus.row_of(label.signature) for label in labels])
    person = np.unique([label.person for label in labels], return_inverse=True)[1]
    block = np.unique([label.person[:6] for label in labels], return_inverse=True)[1]
    right = judge_identities(
        np.unique(result.identity[rows], return_inverse=True)[1].astype(np.int32),
        person.astype(np.int32),
        block.astype(np.int32),
    )
    judged = ~np.isnan(right)
    assert judged.mean() > 0.9
    confidence = result.confidence[rows][judged]
    assert confidence.mean() == pytest.approx(right[judged].mean(), abs=0.1)
