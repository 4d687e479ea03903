"""The semantic space is extended to the words of all fields."""

from __future__ import annotations

import numpy as np
import pytest

from disambig.corpus.embeddings import SemanticSpace
from labeled.training.field_space import FieldTexts, _fit_ridge, extend_space

COMPUTING = ["neural network training", "network training data", "neural data network", "graph"]
PHYSICS = ["quorkon bozonium decay", "bozonium decay mass", "quorkon mass decay", "bozonium mass"]


@pytest.fixture(scope="module", name="extended")
def extend() -> SemanticSpace:
    texts = FieldTexts.from_texts([COMPUTING * 20, PHYSICS * 20], seed=0)
    return extend_space(SemanticSpace.load(), texts, {"made_by": "a test"})


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


def test_unknown_words_have_vectors(extended: SemanticSpace) -> None:
    assert SemanticSpace.load().find_rows(["quorkon", "bozonium"]).tolist() == [-1, -1]
    vectors = extended.word_vectors[extended.find_rows(["quorkon", "bozonium"])]
    assert (np.linalg.norm(vectors, axis=1) > 0).all()


def test_directions_are_predicted_by_a_linear_map_of_contexts() -> None:
    rng = np.random.default_rng(0)
    X, linear_map = rng.normal(size=(200, 5)), rng.normal(size=(5, 3))
    fitted = _fit_ridge(X.astype(np.float32), (X @ linear_map).astype(np.float32), 0.01)
    assert fitted == pytest.approx(linear_map, abs=1e-3)


def test_the_result_does_not_depend_on_the_run(extended: SemanticSpace) -> None:
    texts = FieldTexts.from_texts([COMPUTING * 20, PHYSICS * 20], seed=0)
    again = extend_space(SemanticSpace.load(), texts, {})
    assert np.array_equal(again.word_vectors, extended.word_vectors)
