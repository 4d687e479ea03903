"""Which mention of a new version is which of the earlier ones, worked out by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from disambig.domain import Author, Work
from service.works.versions import (
    MAX_AFFILIATION_LENGTH,
    NameForms,
    PrintedAuthor,
    SignatureMatches,
    StoredSignature,
    list_printed_authors,
    match_signatures,
)

ANN, BOB, CY = "ann lee", "bob ray", "cy poe"
IRIS = "0000-0002-1825-0097"


def new(*names: str | tuple[str, str]) -> list[PrintedAuthor]:
    found = []
    for position, name in enumerate(names):
        folded, orcid = name if isinstance(name, tuple) else (name, None)
        found.append(PrintedAuthor(position, NameForms(folded.title(), folded, ""), None, orcid))
    return found


def keys(outcome: SignatureMatches) -> dict[int, int]:
    """Key of the stored mention that each position has."""
    return {mention.position: known.key for known, mention in outcome.matches}


def test_mentions_stay_where_nothing_changes() -> None:
    outcome = match_signatures(
        [StoredSignature(7, 0, ANN), StoredSignature(8, 1, BOB)], new(ANN, BOB)
    )
    assert keys(outcome) == {0: 7, 1: 8}
    assert (outcome.new, outcome.retired) == ((), ())


def test_mentions_follow_their_names_to_other_positions() -> None:
    stored = [StoredSignature(7, 0, ANN), StoredSignature(8, 1, BOB), StoredSignature(9, 2, CY)]
    outcome = match_signatures(stored, new(CY, ANN, BOB))
    assert keys(outcome) == {0: 9, 1: 7, 2: 8}


def test_a_namesake_that_joins_does_not_take_the_others_place() -> None:
    outcome = match_signatures(
        [StoredSignature(7, 0, BOB), StoredSignature(8, 1, ANN)], new(ANN, ANN, BOB)
    )
    assert keys(outcome) == {1: 8, 2: 7}
    assert [m.position for m in outcome.new] == [0]


def test_namesakes_move_in_their_order() -> None:
    stored = [StoredSignature(7, 0, ANN), StoredSignature(8, 1, ANN), StoredSignature(9, 2, BOB)]
    outcome = match_signatures(stored, new(BOB, CY, CY, ANN, ANN))
    assert keys(outcome) == {0: 9, 3: 7, 4: 8}


def test_an_orcid_keeps_a_mention_whose_name_is_printed_otherwise() -> None:
    outcome = match_signatures(
        [StoredSignature(7, 0, "a. lee", IRIS), StoredSignature(8, 1, BOB)], new(BOB, (ANN, IRIS))
    )
    assert keys(outcome) == {0: 8, 1: 7}


def test_a_name_counts_before_an_orcid() -> None:
    outcome = match_signatures(
        [StoredSignature(7, 0, ANN), StoredSignature(8, 1, BOB, IRIS)], new((ANN, IRIS))
    )
    assert keys(outcome) == {0: 7}
    assert [known.key for known in outcome.retired] == [8]


def test_without_name_or_orcid_in_common_one_goes_and_one_comes() -> None:
    outcome = match_signatures([StoredSignature(7, 0, ANN)], new(BOB))
    assert outcome.matches == ()
    assert [m.name.folded for m in outcome.new] == [BOB]
    assert [known.key for known in outcome.retired] == [7]


def test_a_retired_mention_comes_back_and_the_latest_first() -> None:
    stored = [
        StoredSignature(7, 0, ANN, retired=True),
        StoredSignature(9, 1, ANN, retired=True),
        StoredSignature(8, 0, BOB),
    ]
    outcome = match_signatures(stored, new(BOB, ANN))
    assert keys(outcome) == {0: 8, 1: 9}
    assert outcome.retired == ()


def test_an_active_mention_goes_before_a_retired_one() -> None:
    stored = [StoredSignature(7, 1, ANN, retired=True), StoredSignature(8, 0, ANN)]
    assert keys(match_signatures(stored, new(BOB, ANN))) == {1: 8}


KNOWN = st.lists(
    st.tuples(st.sampled_from([ANN, BOB, CY]), st.sampled_from([None, IRIS]), st.booleans()),
    max_size=6,
).map(
    lambda rows: [
        StoredSignature(k, k, name, iris, gone) for k, (name, iris, gone) in enumerate(rows)
    ]
)


@given(KNOWN, st.lists(st.sampled_from([ANN, BOB, CY, (ANN, IRIS)]), max_size=6))
def test_every_mention_is_accounted_for_once(
    stored: list[StoredSignature], names: list[str | tuple[str, str]]
) -> None:
    outcome = match_signatures(stored, new(*names))
    positions = [m.position for _, m in outcome.matches] + [m.position for m in outcome.new]
    assert sorted(positions) == list(range(len(names)))
    used = [known.key for known, _ in outcome.matches] + [known.key for known in outcome.retired]
    assert len(used) == len(set(used))
    assert {known.key for known in stored if not known.retired} <= set(used)
    assert match_signatures(stored[::-1], new(*names)) == outcome


def test_an_author_without_a_name_holds_a_place_and_is_no_mention() -> None:
    work = Work("w", "T", (Author(""), Author("Ann Lee", affiliations=("Home", "Work"))))
    (mention,) = list_printed_authors(work)
    assert (mention.position, mention.name.printed, mention.name.block) == (1, "Ann Lee", "a lee")
    assert mention.affiliation == "Home; Work"


def test_endless_affiliations_are_cut_where_they_are_shown() -> None:
    (mention,) = list_printed_authors(
        Work("w", "T", (Author("Ann Lee", affiliations=("x" * 9_999,)),))
    )
    assert mention.affiliation == "x" * (MAX_AFFILIATION_LENGTH - 1) + "…"
