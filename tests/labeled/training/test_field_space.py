"""The semantic space is extended to the words of all fields."""

from __future__ import annotations

import numpy as np
import pytest

from disambig.corpus.embeddings import SemanticSpace
from labeled.training.field_space import FieldTexts, extend_space

COMPUTING = ["neural network training", "network training data", "neural data network", "graph"]
PHYSICS = ["quorkon bozonium decay", "bozonium decay mass", "quorkon mass decay", "bozonium mass"]


@pytest.fixture(scope="module", name="extended")
def extend() -> SemanticSpace:
    texts = FieldTexts.from_texts([COMPUTING * 20, PHYSICS * 20], seed=0)
    return extend_space(SemanticSpace.load(), texts, {"made_by": "a test"})


def compute_cosine(space: SemanticSpace, a: str, b: str) -> float:
    x, y = space.embed_texts([a, b])
    return float(x @ y)


def test_words_are_those_of_enough_texts() -> None:
    texts = FieldTexts.from_texts([["alpha beta 12", "alpha beta 12", "alpha gamma 12"]], seed=0)
    assert texts.words == ["alpha"]
    assert texts.measure_shares().tolist() == [1.0]


def test_corpora_count_alike_whatever_their_size() -> None:
    texts = FieldTexts.from_texts([["alpha"] * 4, ["beta"] * 40], seed=0)
    weight = texts.weigh_texts()
    assert weight[:4].sum() == pytest.approx(0.5)
    assert texts.measure_shares().tolist() == pytest.approx([0.5, 0.5])


def test_words_of_the_present_space_stay_and_new_ones_are_added(extended: SemanticSpace) -> None:
    present = SemanticSpace.load()
    assert present.words.keys() <= extended.words.keys()
    assert extended.dimension == present.dimension
    assert len(extended.venues) == len(present.venues)


def test_unknown_words_are_like_those_of_their_contexts(extended: SemanticSpace) -> None:
    assert SemanticSpace.load().find_rows(["quorkon", "bozonium"]).tolist() == [-1, -1]
    for other in ("bozonium", "decay"):
        same = compute_cosine(extended, "quorkon", other)
        assert same > compute_cosine(extended, "quorkon", "network") + 0.2


def test_the_result_does_not_depend_on_the_run(extended: SemanticSpace) -> None:
    texts = FieldTexts.from_texts([COMPUTING * 20, PHYSICS * 20], seed=0)
    again = extend_space(SemanticSpace.load(), texts, {})
    assert np.array_equal(again.word_vectors, extended.word_vectors)
