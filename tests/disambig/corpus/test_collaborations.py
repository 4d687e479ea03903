"""Collaborations by the keys of their names."""

from __future__ import annotations

import pytest

from disambig.corpus.collaborations import list_collaboration_keys, make_collaboration_key
from disambig.corpus.corpus import Corpus
from disambig.domain import Author, Work


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ATLAS", "The ATLAS Collaboration"),
        ("CMS Collaboration", "on behalf of the CMS collaboration"),
        ("Tibet ASgamma", "TIBET AS-Gamma Collab."),
        ("TPC/Two Gamma", "TPC-Two-Gamma"),
    ],
)
def test_spellings_of_one_collaboration_have_one_key(one: str, other: str) -> None:
    assert make_collaboration_key(one) == make_collaboration_key(other) != ""


def test_different_collaborations_have_different_keys() -> None:
    names = ["E866", "E802", "BES", "BESIII", "Fermi LAT", "Fermi GBM"]
    assert len(set(map(make_collaboration_key, names))) == len(names)


def test_a_name_in_the_plural_states_several_collaborations_each_once() -> None:
    assert list_collaboration_keys(["H1 and ZEUS Collaborations", "ZEUS"]) == ["h1", "zeus"]
    assert list_collaboration_keys(["Search and Rescue Collaboration"]) == ["searchandrescue"]


def test_a_name_of_generic_words_only_has_no_key() -> None:
    assert list_collaboration_keys(["the Collaboration", "--"]) == []


def test_a_group_among_the_authors_is_a_collaboration_of_the_work() -> None:
    stated = Work("a", "T", (Author("Ada Byron"),), collaborations=("ATLAS",))
    listed = Work("b", "T", (Author("Ada Byron"), Author("ATLAS Collaboration")))
    corpus = Corpus.from_works([stated, listed])
    assert corpus.collaborations.key[0] == corpus.collaborations.key[1]
