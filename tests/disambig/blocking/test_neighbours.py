"""The pairs of crowded blocks, against plain loops over all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.arrays import Float64, Int32
from disambig.blocking.neighbours import (
    INITIAL_PENALTY,
    MEANING_WEIGHT,
    VOTE_DECAY,
    YEAR_PENALTY,
    NeighbourPairs,
    make_evidence_matrix,
    vote_labels,
)
from disambig.blocking.pairs import NamePairs
from disambig.corpus.index import CorpusIndex
from disambig.kernels.neighbours import MAX_DECAYS
from tests.support.invented import indexed, rows, work

GIVEN = ("Yi", "Yan", "Y.", "Yi M.", "Yi K.")
TITLES = ("Speech recognition", "Robot arms", "Protein folding", "?!")
TOWNS = ("Graz", "University of Bern", "")


def block_of(choices: Sequence[tuple[int, int, int, int]], prefix: str) -> list[object]:
    return [
        work(
            f"{prefix}{k:03}",
            TITLES[title],
            f"{GIVEN[name]} Wang",
            f"Q{'abcd'[colleague]}x Ru",
            year=None if colleague == 3 else 1990 + 3 * k % 25,
            affiliations=(TOWNS[town],),
        )
        for k, (name, title, colleague, town) in enumerate(choices)
    ]


def likeness(index: CorpusIndex, block: Int32) -> Float64:
    """How like each two signatures of a block are, by dense matrices."""
    has = make_evidence_matrix(index, block).toarray().astype(np.float64)
    at = index.corpus.signature_work[block]
    meaning, year = np.nan_to_num(index.meaning[at]).astype(np.float64), index.corpus.years[at]
    gap = np.nan_to_num(np.abs(year[:, None] - year))
    written = index.names.given_length[index.corpus.signature_name[block]] > 0
    found: Float64 = has @ has.T + MEANING_WEIGHT * (meaning @ meaning.T) - YEAR_PENALTY * gap
    return found - INITIAL_PENALTY * (written[:, None] != written)


def listed(near: NeighbourPairs, first: int, last: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Signature rows of the pairs of some blocks, and their two names."""
    batch = near.make_batch(first, last)
    left, right = batch.rows[batch.left].tolist(), batch.rows[batch.right].tolist()
    names = batch.names[batch.name_pair].tolist()
    return {(a, b): tuple(n) for a, b, n in zip(left, right, names, strict=True)}


CHOICES = st.lists(
    st.tuples(*(st.integers(0, n - 1) for n in (len(GIVEN), len(TITLES), 4, len(TOWNS)))),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(CHOICES, st.integers(1, 12))
def test_each_is_compared_with_those_most_like_it_of_those_that_agree_in_name(
    choices: list[tuple[int, int, int, int]], most: int
) -> None:
    works = block_of(choices, "w")
    index = indexed(works)
    block = rows(index, *[(w.id, 0) for w in works])
    names = NamePairs.compare(index, [block])
    all_pairs = names.make_batch(0, 1)
    agree = np.zeros((len(block), len(block)), dtype=bool)
    agree[all_pairs.left, all_pairs.right] = agree[all_pairs.right, all_pairs.left] = True
    like = likeness(index, block)
    found = listed(NeighbourPairs(index, names, most), 0, 1)
    chosen = np.zeros_like(agree)
    for (a, b), _ in found.items():
        i, j = (int(np.flatnonzero(block == row)[0]) for row in (a, b))
        assert agree[i, j]
        chosen[i, j] = chosen[j, i] = True
    for i in range(len(block)):
        others = np.flatnonzero(agree[i])
        assert chosen[i].sum() >= min(most, len(others))
        if len(others) > most:
            # what is clearly among the nearest is there; what is not, only as another's nearest
            limit = np.sort(like[i, others])[-most]
            assert chosen[i, others[like[i, others] > limit + 1e-4]].all()
            for j in np.flatnonzero(chosen[i] & (like[i] < limit - 1e-4)):
                theirs = np.flatnonzero(agree[j])
                assert len(theirs) <= most or like[i, j] > np.sort(like[j, theirs])[-most] - 1e-4


@settings(max_examples=30, deadline=None)
@given(CHOICES, CHOICES, st.integers(1, 8))
def test_blocks_are_compared_together_as_they_are_alone(
    one: list[tuple[int, int, int, int]], other: list[tuple[int, int, int, int]], most: int
) -> None:
    works = [block_of(one, "a"), block_of(other, "b")]
    index = indexed([*works[0], *works[1]])
    blocks = [rows(index, *[(w.id, 0) for w in some]) for some in works]
    near = NeighbourPairs(index, NamePairs.compare(index, blocks), most)
    together = near.make_batch(0, 2)
    order = np.lexsort((together.right, together.left))
    assert (order == np.arange(together.n_pairs)).all()
    assert listed(near, 0, 2) == listed(near, 0, 1) | listed(near, 1, 2)
    assert (np.array([len(listed(near, b, b + 1)) for b in (0, 1)]) <= near.load).all()


@settings(max_examples=30, deadline=None)
@given(CHOICES)
def test_with_room_for_all_every_pair_that_agrees_in_name_is_listed_with_its_names(
    choices: list[tuple[int, int, int, int]],
) -> None:
    works = block_of(choices, "w")
    index = indexed(works)
    names = NamePairs.compare(index, [rows(index, *[(w.id, 0) for w in works])])
    every = names.make_batch(0, 1)
    left, right = every.rows[every.left].tolist(), every.rows[every.right].tolist()
    expected = dict(
        zip(
            zip(left, right, strict=True),
            map(tuple, every.names[every.name_pair].tolist()),
            strict=True,
        )
    )
    assert listed(NeighbourPairs(index, names, len(choices)), 0, 1) == expected


@settings(max_examples=60, deadline=None)
@given(CHOICES, st.data())
def test_a_signature_goes_with_those_most_like_it(
    choices: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    works = block_of(choices, "w")
    index = indexed(works)
    block = rows(index, *[(w.id, 0) for w in works])
    leads = np.array(data.draw(st.lists(st.booleans(), min_size=len(block), max_size=len(block))))
    if not leads.any():
        return
    label = np.array([data.draw(st.integers(1, 3)) for _ in range(leads.sum())])
    found = vote_labels(index, block[~leads], block[leads], label)
    names = index.corpus.signature_name[block]
    written = index.names.given_length[names] > 0
    like = likeness(index, block) + INITIAL_PENALTY * (written[:, None] != written)
    has = make_evidence_matrix(index, block).toarray()
    for i, goes_with in zip(np.flatnonzero(~leads), found.tolist(), strict=True):
        near = [
            (like[i, j], k)
            for j, k in zip(np.flatnonzero(leads), label.tolist(), strict=True)
            if has[i] @ has[j] > 0
        ]
        if not near:
            assert goes_with == 0
            continue
        first = max(near)[0]
        votes = dict.fromkeys((1, 2, 3), 0.0)
        for s, k in near:
            votes[k] += (
                np.exp((s - first) / VOTE_DECAY) if s > first - MAX_DECAYS * VOTE_DECAY else 0
            )
        # one that is at the limit of having a vote may have it or not
        limit = first - MAX_DECAYS * VOTE_DECAY
        doubtful = sum(abs(s - limit) < 1e-4 for s, _ in near) * np.exp(-MAX_DECAYS)
        assert votes[goes_with] >= max(votes.values()) - doubtful - 1e-3


@pytest.mark.parametrize(("year", "expected"), [(1991, "early"), (2014, "late"), (None, "early")])
def test_of_two_alike_in_all_but_the_year_the_nearer_is_compared(
    year: int | None, expected: str
) -> None:
    works = [
        work("early", "Speech recognition", "Yi Wang", year=1990),
        work("late", "Speech recognition", "Yi Wang", year=2015),
        work("x", "Speech recognition", "Yi Wang", year=year),
    ]
    index = indexed(works)
    block = rows(index, *[(w.id, 0) for w in works])
    found = listed(NeighbourPairs(index, NamePairs.compare(index, [block]), 1), 0, 1)
    beside = {a if b == block[2] else b for a, b in found if block[2] in (a, b)}
    names = {index.corpus.work_ids[index.corpus.signature_work[row]] for row in beside}
    assert expected in names
