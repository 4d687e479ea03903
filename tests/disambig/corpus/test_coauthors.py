"""Who signs a work with whom, as keys."""

from __future__ import annotations

import numpy as np

from disambig.corpus.coauthors import (
    MAX_AUTHORS,
    CoauthorKeys,
    hash_names,
    make_full_key,
    make_initial_key,
)
from disambig.corpus.corpus import Corpus
from disambig.corpus.index import get_coauthor_keys
from disambig.corpus.tokenise import hash_words
from disambig.domain import Work
from disambig.names import parse_name
from tests.support.invented import work


def company(*works: Work) -> CoauthorKeys:
    return get_coauthor_keys(Corpus.from_works(works))


def members(found: CoauthorKeys) -> list[tuple[int, int]]:
    work, key = found.list_members(found.full)
    return list(zip(work.tolist(), key.tolist(), strict=True))


def key_of(name: str) -> int:
    return int(hash_names([parse_name(name)])[0][0])


def test_keys_are_the_whole_name_and_the_initial() -> None:
    name = parse_name("Wei-Nan van den Berg")
    assert make_full_key(name) == "weinan|vandenberg"
    assert make_initial_key(name) == "w|vandenberg"


def test_keys_of_names_are_hashes_of_them() -> None:
    full, initial = hash_names([parse_name("Ada Byron")])
    assert full.tolist() == hash_words(["ada|byron"]).tolist()
    assert initial.tolist() == hash_words(["a|byron"]).tolist()


def test_names_without_letters_have_the_key_0() -> None:
    full, initial = hash_names([parse_name("???"), parse_name("Bo Li"), parse_name("***")])
    assert (full == 0).tolist() == (initial == 0).tolist() == [True, False, True]


def test_printed_forms_of_a_name_share_a_key_and_its_initial_shares_the_other() -> None:
    full, initial = hash_names([parse_name(n) for n in ("Jan Hajič", "Jan HAJIC", "J. Hajic")])
    assert (full[0] == full[1]) & (full[0] != full[2])
    assert len(set(initial.tolist())) == 1


def test_all_authors_of_a_work_are_its_company() -> None:
    found = company(work("a", "T", "Ada Byron", "Bo Li"), work("b", "T"), work("c", "T", "Bo Li"))
    assert found.n_authors.tolist() == [2, 0, 1]
    expected = [key_of("Ada Byron"), key_of("Bo Li"), key_of("Bo Li")]
    assert found.full.tolist() == expected


def test_members_are_sorted_by_key_and_none_stands_twice_on_a_work() -> None:
    found = company(work("a", "T", "Bo Li", "Ada Byron", "Bo Li", "???"))
    assert members(found) == [(0, key) for key in sorted([key_of("Ada Byron"), key_of("Bo Li")])]


def test_members_of_works_of_too_many_authors_are_left_out() -> None:
    crowd = [f"{chr(97 + k % 26)}{'o' * (k // 26)}x Ba" for k in range(MAX_AUTHORS + 1)]
    found = company(work("a", "T", *crowd[:-1]), work("b", "T", *crowd))
    works, counts = np.unique([w for w, _ in members(found)], return_counts=True)
    assert (works.tolist(), counts.tolist()) == ([0], [MAX_AUTHORS])
