"""Author entries that a work lists twice, and the evidence that two entries are two people."""

from __future__ import annotations

import numpy as np
import pytest

from disambig.blocking.pairs import PairBatch
from disambig.clustering.constraints import compile_constraints
from disambig.clustering.doubled_entries import (
    describe_doubled_entries,
    find_doubled_entries,
    summarise_doubled_entries,
)
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.domain import Author, Constraint, Work
from disambig.model.model import Model
from tests.support.constraint_cases import ONE, TWO, cannot, must, works


@pytest.fixture(scope="module")
def shipped() -> Model:
    return Model.load(None)


def doubled(model: Model, corpus: Corpus, constraints: tuple[Constraint, ...] = ()) -> list[str]:
    """Doubled entries, where all signatures are one block."""
    index = CorpusIndex.from_corpus(corpus, SemanticSpace.load(), model.frequency)
    batch = PairBatch.without_pairs([np.arange(corpus.n_signatures, dtype=np.int32)])
    rows = find_doubled_entries(index, batch, compile_constraints(corpus, constraints))
    return describe_doubled_entries(corpus, batch.rows[rows])


ADA, INITIAL = Author("Ada Byron"), Author("A. Byron")
BERN, LAGOS = "University of Bern", "Lagos Polytechnic"


@pytest.mark.parametrize(
    ("authors", "entries"),
    [
        ((ADA, ADA), ["a:1 (Ada Byron, as a:0)"]),
        ((INITIAL, ADA), ["a:0 (A. Byron, as a:1)"]),
        ((ADA, Author("Ada M. Byron")), ["a:1 (Ada M. Byron, as a:0)"]),
        ((ADA, ADA, ADA), ["a:1 (Ada Byron, as a:0)", "a:2 (Ada Byron, as a:0)"]),
        ((ADA, Author("Ada Byron", orcid=ONE)), ["a:0 (Ada Byron, as a:1)"]),
        ((Author("Ada Byron", affiliations=(BERN,)), ADA), ["a:1 (Ada Byron, as a:0)"]),
        ((ADA, Author("Bo Byron")), []),
        ((ADA, Author("Ada Maria Byron")), []),
        ((INITIAL, Author("A. M. Byron")), []),
        ((ADA, Author("Ada Byron, Jr.")), []),
        ((Author("Ada Byron", orcid=ONE), Author("Ada Byron", orcid=TWO)), []),
        (tuple(Author("Ada Byron", affiliations=(a,)) for a in (BERN, LAGOS)), []),
    ],
)
def test_the_less_informative_entry_of_a_name_is_the_doubled_one(
    shipped: Model, authors: tuple[Author, ...], entries: list[str]
) -> None:
    assert doubled(shipped, works(authors)) == entries


@pytest.mark.parametrize("stated", [must("a:0", "a:1"), cannot("a:0", "a:1")])
def test_what_people_state_about_two_entries_decides(shipped: Model, stated: Constraint) -> None:
    assert doubled(shipped, works((ADA, ADA)), (stated,)) == []


@pytest.mark.parametrize(("alone", "n_entries"), [(6, 0), (7, 2)])
def test_a_circle_that_often_lists_both_has_two_people(
    shipped: Model, alone: int, n_entries: int
) -> None:
    # both on 2 works of 8, a quarter, or of 9
    both, one = (ADA, ADA, Author("Bo Fox")), (ADA, Author("Bo Fox"))
    corpus = Corpus.from_works(
        Work(f"w{k}", "A title", both if k < 2 else one) for k in range(2 + alone)
    )
    assert len(doubled(shipped, corpus)) == n_entries


def test_works_of_other_co_authors_say_nothing_about_two_entries(shipped: Model) -> None:
    corpus = works((ADA, ADA, Author("Bo Fox")), (ADA, ADA, Author("Cy Ray")))
    assert len(doubled(shipped, corpus)) == 2


def test_one_warning_counts_all_doubled_entries() -> None:
    (line,) = summarise_doubled_entries(f"w{k}:1 (Ada Byron, as w{k}:0)" for k in range(7))
    assert line.startswith("7 author entries look like a person listed twice")
    assert "w4:1 (Ada Byron, as w4:0) and 2 more" in line
    assert summarise_doubled_entries([]) == ()
