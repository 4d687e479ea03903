"""Thinned copies of labelled corpora lack whole fields and keep everything else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from disambig.corpus.corpus import Corpus
from disambig.corpus.index import get_coauthor_keys
from disambig.domain import Author, Work
from disambig.names import parse_name
from disambig.training.fit import LabelledCorpus, make_thinned_copy
from disambig.training.thinning import (
    ABSENT_FIELDS,
    Field,
    abbreviate_name,
    choose_fields,
    select_works,
    thin_corpus,
)
from tests.support.invented import population

WORKS = [
    Work(
        "a",
        "Weaving numbers",
        (Author("Ada Mary Byron", affiliations=("London",)), Author("Charles Babbage")),
        abstract="An engine that weaves.",
        venue="Notes",
        year=1843,
        keywords=("engine",),
    ),
    Work("b", "Lace", (Author("Ada Byron"),), year=1840),
]


@pytest.fixture(name="corpus")
def make_corpus() -> Corpus:
    return Corpus.from_works(WORKS)


def test_a_field_is_missing_on_every_work_and_the_others_stay(corpus: Corpus) -> None:
    thin = thin_corpus(corpus, frozenset({Field.TITLE, Field.YEAR}))
    assert set(thin.titles) | set(thin.keywords) == {""}
    assert np.isnan(thin.years).all()
    assert (thin.abstracts, thin.venues) == (corpus.abstracts, corpus.venues)
    assert (thin.affiliations, thin.names) == (corpus.affiliations, corpus.names)


@pytest.mark.parametrize(
    ("field", "column"),
    [
        (Field.ABSTRACT, "abstracts"),
        (Field.VENUE, "venues"),
        (Field.AFFILIATION, "affiliations"),
    ],
)
def test_a_text_field_is_empty(corpus: Corpus, field: Field, column: str) -> None:
    assert any(getattr(corpus, column))
    assert not any(getattr(thin_corpus(corpus, frozenset({field})), column))


def test_without_coauthors_no_signature_has_any(corpus: Corpus) -> None:
    thin = thin_corpus(corpus, frozenset({Field.COAUTHORS}))
    assert thin.n_signatures == corpus.n_signatures
    assert get_coauthor_keys(corpus).n_authors.tolist() == [2, 1]
    assert not get_coauthor_keys(thin).n_authors.any()


def test_references_and_collaborations_follow_their_works() -> None:
    works = [replace(w, references=(f"{w.id}1", f"{w.id}2"), collaborations=("X",)) for w in WORKS]
    corpus = Corpus.from_works(works)
    copy = select_works(corpus, np.array([1], dtype=np.int32))
    assert copy.references.key.tolist() == corpus.references.take(np.array([1])).key.tolist()
    assert len(copy.collaborations) == 1
    assert not thin_corpus(copy, frozenset({Field.REFERENCES})).references.key.size


def test_initials_replace_given_names(corpus: Corpus) -> None:
    thin = thin_corpus(corpus, frozenset({Field.GIVEN_NAME}))
    printed = [thin.printed_name(row) for row in range(thin.n_signatures)]
    assert printed == ["A. M. Byron", "C. Babbage", "A. Byron"]


def test_a_stated_division_is_kept() -> None:
    name = parse_name("Silva Santos Maria", given="Maria", family="Silva Santos")
    assert abbreviate_name(name, ("", "Maria", "Silva Santos")) == (
        "M. Silva Santos",
        "M.",
        "Silva Santos",
    )


def test_selected_works_keep_their_signatures_and_coauthors(corpus: Corpus) -> None:
    copy = select_works(corpus, np.array([1], dtype=np.int32))
    assert (copy.work_ids, copy.titles, copy.years.tolist()) == (["b"], ["Lace"], [1840])
    assert [copy.printed_name(row) for row in range(copy.n_signatures)] == ["Ada Byron"]


@pytest.mark.parametrize("absent", ABSENT_FIELDS)
def test_a_copy_never_lacks_titles_and_coauthors_at_once(absent: Field) -> None:
    rng = np.random.default_rng(0)
    choices = [choose_fields(absent, rng) for _ in range(200)]
    assert all(absent in fields for fields in choices)
    assert not any({Field.TITLE, Field.COAUTHORS} <= fields for fields in choices)
    assert len(set(choices)) > 10


def test_a_copy_has_labels_of_its_own_works_only() -> None:
    works, labels = population(1, families=16)
    corpus = LabelledCorpus("invented", Corpus.from_works(works), labels)
    copy = make_thinned_copy(corpus, Field.TITLE, np.random.default_rng(0))
    assert copy.labels
    for label in copy.labels:
        row = copy.corpus.row_of(label.signature)
        assert copy.corpus.titles[copy.corpus.signature_work[row]] == ""
    assert copy.weight < corpus.weight
