"""First-level scores of labelled pairs."""

from __future__ import annotations

import numpy as np
import pytest

from disambig import Author, Corpus, InputError, Label, Model, Signature, Work
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.evaluation.pair_scores import score_labelled_pairs
from disambig.explain.explain import explain

WORKS = [
    Work(f"W{n}", f"Deep {topic}", (Author("Ann Lee"), Author(friend)), year=2000 + n)
    for n, (topic, friend) in enumerate(
        [("graphs", "Bo Fox"), ("graphs", "Bo Fox"), ("soil", "Cy Ray"), ("seas", "Di Moor")]
    )
]
LABELS = [Label(Signature(f"W{n}", 0), person) for n, person in enumerate(("p", "p", "q"))]


def index() -> CorpusIndex:
    return CorpusIndex.from_corpus(
        Corpus.from_works(WORKS), SemanticSpace.load(), Model.load().frequency
    )


def test_labelled_pairs_of_a_block_are_scored_and_no_others() -> None:
    found = score_labelled_pairs(index(), Model.load(), LABELS)
    # (W0, W1) is one person, (W0, W2) and (W1, W2) are two; W3 has no label
    assert found.same.tolist() == [True, False, False]
    assert (found.left.tolist(), found.right.tolist()) == ([0, 0, 2], [2, 4, 4])
    assert found.probability.shape == (3,)


def test_scores_are_those_that_explain_takes_apart() -> None:
    probability = score_labelled_pairs(index(), Model.load(), LABELS).probability
    pairs = [(0, 1), (0, 2), (1, 2)]
    taken_apart = [
        explain(Corpus.from_works(WORKS), Model.load(), LABELS[i].signature, LABELS[j].signature)
        for i, j in pairs
    ]
    assert probability == pytest.approx([e.pair.probability for e in taken_apart], abs=1e-5)


def test_labels_of_different_blocks_make_no_pair() -> None:
    labels = [Label(Signature("W0", 0), "p"), Label(Signature("W2", 1), "p")]
    found = score_labelled_pairs(index(), Model.load(), labels)
    assert (len(found.probability), len(found.same)) == (0, 0)
    assert (found.probability.dtype, found.same.dtype) == (np.float32, np.bool_)


def test_pairs_whose_names_could_not_be_one_persons_have_no_chance() -> None:
    works = [
        Work(f"W{n}", "T", (Author(name),))
        for n, name in enumerate(["Ann Lee", "A. Lee", "Alan Lee"])
    ]
    index = CorpusIndex.from_corpus(
        Corpus.from_works(works), SemanticSpace.load(), Model.load().frequency
    )
    labels = [Label(Signature(f"W{n}", 0), "p") for n in range(3)]
    found = score_labelled_pairs(index, Model.load(), labels)
    # Ann and A., Ann and Alan, A. and Alan
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [
        (0, 1),
        (0, 2),
        (1, 2),
    ]
    assert (found.probability == 0).tolist() == [False, True, False]
    assert found.same.all()


def test_a_label_of_an_unknown_work_is_an_error() -> None:
    with pytest.raises(InputError, match="'W9'"):
        score_labelled_pairs(index(), Model.load(), [Label(Signature("W9", 0), "p")])


def test_progress_counts_all_pairs_of_the_blocks() -> None:
    done: list[int] = []
    score_labelled_pairs(index(), Model.load(), LABELS, done.append)
    assert sum(done) == 6  # four mentions of Ann Lee
