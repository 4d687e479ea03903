"""Words of works, affiliations and venues."""

from __future__ import annotations

import pytest

from disambig.corpus.terms import Terms, strip_edition
from disambig.corpus.tokenise import hash_words

TERMS = Terms.from_texts(
    titles=["Speech graph", "Graph graph", ""],
    keywords=["zebra", "", ""],
    abstracts=["speech", "", ""],
    affiliations=["Leiden", "", "Tokyo", "Leiden"],
    venues=["VLDB 1999", "", "VLDB 2001"],
)


def counted(kind: str) -> list[dict[str, int]]:
    """Words of each text of a kind and how often they stand in it."""
    matrix, keys = TERMS.count_words(kind)
    names = ("speech", "graph", "zebra", "leiden", "tokyo")
    word = {int(key): name for key, name in zip(hash_words(names), names, strict=True)}
    rows: list[dict[str, int]] = [{} for _ in range(matrix.shape[0])]
    found = matrix.tocoo()
    for row, column, value in zip(found.row, found.col, found.data, strict=True):
        rows[row][word[int(keys[column])]] = int(value)
    return rows


def test_a_text_is_title_keywords_and_abstract_together() -> None:
    assert counted("title") == [{"speech": 1, "graph": 1}, {"graph": 2}, {}]
    assert counted("text") == [{"speech": 2, "graph": 1, "zebra": 1}, {"graph": 2}, {}]


def test_each_affiliation_is_read_once() -> None:
    assert TERMS.affiliation.tolist() == [0, -1, 1, 0]
    assert counted("affiliation") == [{"leiden": 1}, {"tokyo": 1}]


def test_columns_of_words_rise_with_their_keys() -> None:
    _, keys = TERMS.count_words("text")
    assert sorted(set(keys.tolist())) == keys.tolist()


def test_a_word_counts_once_for_each_text_that_holds_it() -> None:
    graph = hash_words(["graph"])[0]
    keys, weight = TERMS.list_occurrences("title")
    assert ((keys == graph).sum(), weight) == (2, None)


def test_a_word_of_an_affiliation_counts_for_every_signature_with_it() -> None:
    keys, weight = TERMS.list_occurrences("affiliation")
    assert weight is not None
    known = dict(zip(keys.tolist(), weight.tolist(), strict=True))
    leiden, tokyo = hash_words(["leiden", "tokyo"]).tolist()
    assert known == {leiden: 2, tokyo: 1}


def test_a_series_counts_for_every_work_at_it_and_no_venue_for_none() -> None:
    keys, weight = TERMS.list_occurrences("venue")
    assert (keys.tolist(), weight) == ([int(hash_words(["vldb"])[0])] * 2, None)


def test_texts_that_hold_nothing_are_not_counted() -> None:
    assert [TERMS.count_texts(kind) for kind in ("title", "text", "affiliation")] == [2, 2, 3]


def test_venues_are_kept_as_printed_and_known_by_their_series() -> None:
    assert TERMS.venues == ["VLDB 1999", "", "VLDB 2001"]
    assert TERMS.venue.tolist() == [0, 1, 2]
    assert TERMS.venue_key[0] == TERMS.venue_key[2] != 0
    assert TERMS.venue_key[1] == 0


@pytest.mark.parametrize(
    ("venue", "series"),
    [
        ("Proc. of the 12th ICML, 1995", "proc of the icml"),
        ("ACL-IJCNLP 2009", "acl ijcnlp"),
        ("1999", ""),
        ("", ""),
    ],
)
def test_a_series_is_a_venue_without_years_and_ordinals(venue: str, series: str) -> None:
    assert strip_edition(venue) == series


def test_no_texts_have_no_words() -> None:
    none = Terms.from_texts([], [], [], [], [])
    assert none.count_words("text")[0].shape[0] == none.count_words("affiliation")[0].shape[0] == 0
    assert [none.count_texts(kind) for kind in ("title", "text", "affiliation")] == [0, 0, 0]
