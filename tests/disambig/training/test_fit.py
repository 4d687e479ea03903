"""Fitting a model on invented people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from disambig.corpus.corpus import Corpus
from disambig.domain import Label, Signature, Work
from disambig.errors import InputError
from disambig.estimator import Disambiguator
from disambig.evaluation.metrics import evaluate
from disambig.features.group import GROUP_FEATURES
from disambig.features.pair import PAIR_FEATURES
from disambig.model.model import Model
from disambig.training import fit
from disambig.training.fit import LabelledCorpus, fit_model
from tests.support.invented import model, population, space, work


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAIR_FOREST", "GROUP_FOREST"):
        small = replace(getattr(fit, name), n_trees=5, min_leaf=10)
        monkeypatch.setattr(fit, name, small)
    monkeypatch.setattr(fit, "THINNED_COPIES", 1)


def fitted(works: list[Work], labels: list[Label], seed: int = 0) -> Model:
    corpus = LabelledCorpus("invented", Corpus.from_works(works), labels)
    return fit_model([corpus], space=space(), seed=seed)


@pytest.mark.usefixtures("_small")
def test_equal_seeds_and_another_order_of_works_and_labels_give_equal_models() -> None:
    works, labels = map(list, population(1, families=16))
    assert fitted(works, labels).digest == fitted(works[::-1], labels[::-1]).digest


def test_a_model_carries_the_features_it_was_fitted_on() -> None:
    assert model().pair.features == PAIR_FEATURES
    assert model().group.features == GROUP_FEATURES


def test_a_model_says_what_it_was_made_from() -> None:
    works, labels = population(1, families=16)
    (said,) = model().metadata["training"]
    assert said["corpus"] == "invented"
    assert said["works"] == len(works)
    assert said["labelled_signatures"] == len(labels)
    assert said["people"] == len({label.person for label in labels})


def test_a_fitted_model_tells_unseen_people_apart_better_than_their_names_do() -> None:
    works, labels = population(2)
    corpus = Corpus.from_works(works)
    rows = [corpus.row_of(label.signature) for label in labels]
    people = np.unique([label.person for label in labels], return_inverse=True)[1]
    names = np.unique([label.person.split("-")[0] for label in labels], return_inverse=True)[1]
    found = Disambiguator(model=model()).predict(corpus).identity[rows]
    assert evaluate(people, found).bcubed_f1 > evaluate(people, names).bcubed_f1 + 0.1


def test_a_model_fitted_saved_and_loaded_gives_the_same_identities(tmp_path: Path) -> None:
    works, _ = population(2)
    corpus = Corpus.from_works(works)
    model().save(tmp_path / "m.npz")
    own = Disambiguator(model=model()).predict(corpus)
    loaded = Disambiguator(model=tmp_path / "m.npz").predict(corpus)
    assert own.identity.tolist() == loaded.identity.tolist()
    assert own.confidence.tolist() == loaded.confidence.tolist()


@pytest.mark.usefixtures("_small")
def test_fit_on_the_estimator_keeps_the_model() -> None:
    works, labels = population(1, families=16)
    estimator = Disambiguator().fit(Corpus.from_works(works), labels)
    assert estimator.predict(Corpus.from_works(works)).n_identities > 16


def test_no_labels_are_an_error() -> None:
    with pytest.raises(InputError, match="label"):
        fitted([work("a", "T", "Ada Byron")], [])


def test_a_label_of_an_unknown_signature_is_an_error_that_names_it() -> None:
    with pytest.raises(InputError, match="nowhere"):
        fitted([work("a", "T", "Ada Byron")], [Label(Signature("nowhere", 0), "ada")])


def test_labels_without_a_pair_to_learn_from_are_an_error() -> None:
    works = [work("a", "T", "Ada Byron"), work("b", "T", "Bo Li")]
    labels = [Label(Signature("a", 0), "ada"), Label(Signature("b", 0), "bo")]
    with pytest.raises(InputError, match="label"):
        fitted(works, labels)
