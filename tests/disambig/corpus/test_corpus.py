"""Works to columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disambig.corpus.corpus import Corpus
from disambig.domain import Author, Signature, Work
from disambig.errors import InputError
from tests.support.invented import work

THREE = [
    Work("c", "Third", (Author("Ada Byron", orcid="0000-0002-1825-0097"),), year=2001),
    Work("a", "First", (Author("Ada Byron"), Author(" "), Author("Bo Li", email="Bo@X.org"))),
    Work("b", "Second"),
]


def test_works_are_sorted_by_id() -> None:
    corpus = Corpus.from_works(THREE)
    assert corpus.work_ids == ["a", "b", "c"]
    assert corpus.titles == ["First", "Second", "Third"]
    assert corpus.author_start.tolist() == [0, 2, 2, 3]


def test_an_author_without_a_name_keeps_the_positions_of_others_and_is_no_signature() -> None:
    corpus = Corpus.from_works(THREE)
    assert list(corpus.signatures()) == [Signature("a", 0), Signature("a", 2), Signature("c", 0)]


def test_a_name_printed_twice_is_kept_once() -> None:
    corpus = Corpus.from_works(THREE)
    assert [name.printed for name in corpus.names] == ["Ada Byron", "Bo Li"]
    assert corpus.signature_name.tolist() == [0, 1, 0]


def test_what_is_not_stated_is_empty_or_nan() -> None:
    corpus = Corpus.from_works(THREE)
    assert np.isnan(corpus.years).tolist() == [True, True, False]
    assert corpus.orcids == ["", "", "0000-0002-1825-0097"]
    assert corpus.emails == ["", "bo@x.org", ""]
    assert corpus.venues == ["", "", ""]


def test_a_signature_and_its_row_lead_to_each_other() -> None:
    corpus = Corpus.from_works(THREE)
    assert [corpus.row_of(s) for s in corpus.signatures()] == [0, 1, 2]
    assert corpus.signature(1) == Signature("a", 2)


@pytest.mark.parametrize("missing", [Signature("z", 0), Signature("a", 1), Signature("b", 0)])
def test_a_signature_that_is_not_there_is_an_error_that_names_it(missing: Signature) -> None:
    with pytest.raises(InputError, match=missing.work):
        Corpus.from_works(THREE).row_of(missing)


def test_two_works_with_one_id_are_an_error() -> None:
    with pytest.raises(InputError, match="'a'"):
        Corpus.from_works([work("a", "One"), work("b", "Two"), work("a", "One")])


def test_no_works_make_an_empty_corpus() -> None:
    corpus = Corpus.from_works([])
    assert (corpus.n_works, corpus.n_signatures) == (0, 0)
    assert corpus.author_start.tolist() == [0]


def test_a_reference_has_the_key_of_the_work_that_it_names() -> None:
    corpus = Corpus.from_works([Work("b", "Second", references=("a", "x")), Work("a", "First")])
    assert corpus.references.start.tolist() == [0, 0, 2]
    assert corpus.references.key[0] == corpus.work_keys[0]
    assert corpus.references.key[1] not in corpus.work_keys


@given(st.permutations(THREE))
def test_the_order_of_works_does_not_matter(works: list[Work]) -> None:
    one, other = Corpus.from_works(THREE), Corpus.from_works(works)
    assert one.work_ids == other.work_ids
    assert one.names == other.names
    assert one.signature_name.tolist() == other.signature_name.tolist()
    assert (one.orcids, one.emails) == (other.orcids, other.emails)
