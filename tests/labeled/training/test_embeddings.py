"""How the semantic space is made, without the transformer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from disambig.corpus.embeddings import SemanticSpace
from disambig.domain import Work
from labeled.training.embeddings import (
    Settings,
    TrainingTexts,
    add_venues,
    build_vocabulary,
    fit_words,
    invent_titles,
)


def works(titles: Sequence[str], abstract: str | None = None) -> list[Work]:
    return [Work(id=str(i), title=title, abstract=abstract) for i, title in enumerate(titles)]


def test_a_word_of_two_titles_is_learned_and_of_one_is_not() -> None:
    assert build_vocabulary(works(["graph parsing", "graph theory"]), []) == ["graph"]


def test_a_word_of_five_abstracts_is_learned() -> None:
    assert "dense" in build_vocabulary(works(["a b"] * 5, abstract="dense"), [])


def test_a_word_given_from_outside_is_learned_unless_it_is_no_word() -> None:
    assert build_vocabulary([], ["protein", "x", "20091231"]) == ["protein"]


def test_invented_titles_depend_on_the_seed_only() -> None:
    assert invent_titles(50, seed=1) == invent_titles(50, seed=1)
    assert invent_titles(50, seed=1) != invent_titles(50, seed=2)


def test_invented_titles_have_every_gap_filled() -> None:
    assert not any("{" in title for title in invent_titles(300, seed=0))


def test_venues_are_placed_by_their_subject() -> None:
    space = SemanticSpace(
        words={"database": 0, "cryptography": 1},
        word_vectors=np.array([[1, 0], [0, 1]], np.float32),
        venues={},
        venue_rows=np.zeros((0, 2), np.float32),
        abbreviations={},
        about={},
    )
    rows = add_venues(space).embed_venues(["SIGMOD Conference", "CRYPTO"])
    assert rows.tolist() == [[1, 0], [0, 1]]


def test_fitted_sums_point_where_the_targets_do() -> None:
    pytest.importorskip("torch", reason="the extra 'space' is not installed")
    import scipy.sparse as sp

    bags = sp.csr_array(np.tile(np.eye(3, dtype=np.float32), (40, 1)))
    targets = np.tile(np.array([[0, 1], [1, 0], [0, -1]], np.float32), (40, 1))
    start = np.array([[1, 0.1], [0.1, 1], [1, 0.1]], np.float32)
    settings = Settings(epochs=100, batch=30, rate=0.05, dropout=0.0)
    found = fit_words(start, TrainingTexts(bags, targets), settings)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    assert (found * targets[:3]).sum(1).min() > 0.95
