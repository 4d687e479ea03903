"""The result of a run."""

from __future__ import annotations

import numpy as np

from disambig.corpus.corpus import Corpus
from disambig.domain import Signature, Work
from disambig.partition import Partition
from tests.support.invented import work

WORKS = [work("a", "T", "Ada Byron", "Bo Li"), work("b", "T", "A. Byron"), work("c", "T", "Bo Li")]


def partition(works: list[Work], people: dict[str, str]) -> Partition:
    """A partition where "a:0" is the person ``people["a:0"]``."""
    corpus = Corpus.from_works(works)
    code: dict[str, int] = {}
    said = [code.setdefault(people[str(s)], len(code)) for s in corpus.signatures()]
    confidence = np.full(len(said), 0.123456, dtype=np.float32)
    return Partition(corpus, np.array(said, dtype=np.int32), confidence)


PEOPLE = {"a:0": "ada", "a:1": "bo", "b:0": "ada", "c:0": "bo"}


def test_each_signature_is_assigned_once_with_its_printed_name() -> None:
    rows = list(partition(WORKS, PEOPLE).assignments())
    assert [(str(r.signature), r.name) for r in rows] == [
        ("a:0", "Ada Byron"),
        ("a:1", "Bo Li"),
        ("b:0", "A. Byron"),
        ("c:0", "Bo Li"),
    ]


def test_signatures_share_an_identity_when_they_are_one_person() -> None:
    ada, bo, ada_again, bo_again = (r.identity for r in partition(WORKS, PEOPLE).assignments())
    assert ada == ada_again
    assert bo == bo_again
    assert ada != bo


def test_confidence_is_rounded_to_four_places() -> None:
    assert next(partition(WORKS, PEOPLE).assignments()).confidence == 0.1235


def test_identities_are_counted() -> None:
    assert partition(WORKS, PEOPLE).n_identities == 2
    assert partition([], {}).n_identities == 0


def test_the_name_of_an_identity_stays_when_an_unrelated_work_arrives() -> None:
    more = partition([work("0", "T", "Zoe Nix"), *WORKS], {**PEOPLE, "0:0": "zoe"})
    before = {r.signature: r.identity for r in partition(WORKS, PEOPLE).assignments()}
    after = {r.signature: r.identity for r in more.assignments()}
    assert {s: after[s] for s in before} == before
    assert after[Signature("0", 0)] not in before.values()
