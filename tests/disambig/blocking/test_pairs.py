"""Which pairs of blocks are listed, against comparing every two names."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.arrays import Int32
from disambig.blocking import pairs
from disambig.blocking.pairs import NamePairs, PairBatch, count_pairs, find_positions, list_pairs
from disambig.corpus.index import CorpusIndex
from disambig.names import is_compatible, parse_name
from tests.support.invented import indexed, work

PRINTED = (
    "Ada Byron",
    "A. Byron",
    "Ada K. Byron",
    "A. L. Byron",
    "Alan Byron",
    "Byron Ada",
    "Ada van Byron",
    "Bo Li",
    "B. Li",
    "Li Bo",
    "Bob Li",
    "Plato",
    "???",
    "Ada",
)
BLOCKS = st.lists(st.lists(st.sampled_from(PRINTED), max_size=7), max_size=4)


def indexed_blocks(blocks: list[list[str]]) -> tuple[CorpusIndex, list[Int32]]:
    """An index in which a row of each name in turn is in its block."""
    printed = [name for block in blocks for name in block]
    index = indexed([work(f"{k:03}", "T", name) for k, name in enumerate(printed)])
    ends = np.cumsum([len(block) for block in blocks])
    rows = np.arange(len(printed), dtype=np.int32)
    return index, np.split(rows, ends[:-1]) if blocks else []


def listed(batch: PairBatch) -> list[tuple[int, int]]:
    return list(zip(batch.left.tolist(), batch.right.tolist(), strict=True))


def within(blocks: list[list[str]]) -> list[tuple[int, int]]:
    """Every pair of positions in one block."""
    ends = np.cumsum([len(block) for block in blocks]).tolist()
    return [
        pair
        for block, end in zip(blocks, ends, strict=True)
        for pair in combinations(range(end - len(block), end), 2)
    ]


def agreeing(blocks: list[list[str]]) -> list[tuple[int, int]]:
    """Those of them whose names could be one person's."""
    name = [parse_name(printed) for block in blocks for printed in block]
    return [
        (i, j)
        for i, j in within(blocks)
        if name[i].printed == name[j].printed or is_compatible(name[i], name[j])
    ]


def batch_of(blocks: list[list[str]]) -> PairBatch:
    return NamePairs.compare(*indexed_blocks(blocks)).make_batch(0, len(blocks))


@settings(deadline=None)
@given(BLOCKS)
def test_listed_are_the_pairs_of_a_block_whose_names_could_be_one_persons(
    blocks: list[list[str]],
) -> None:
    assert listed(batch_of(blocks)) == agreeing(blocks)


def test_names_of_two_people_are_not_listed() -> None:
    # Ada and A. could be one, A. and Alan too, Ada and Alan not
    assert listed(batch_of([["Ada Byron", "A. Byron", "Alan Byron"]])) == [(0, 1), (1, 2)]


@settings(deadline=None)
@given(BLOCKS)
def test_a_batch_lists_for_each_pair_the_two_names_it_has(blocks: list[list[str]]) -> None:
    index, rows = indexed_blocks(blocks)
    for batch in (
        NamePairs.compare(index, rows).make_batch(0, len(rows)),
        PairBatch.from_blocks(index, rows),
    ):
        name = index.corpus.signature_name[batch.rows]
        own = np.sort(np.column_stack([name[batch.left], name[batch.right]]), axis=1)
        assert np.sort(batch.names[batch.name_pair], axis=1).tolist() == own.tolist()


@settings(deadline=None)
@given(BLOCKS)
def test_a_batch_of_some_blocks_is_that_part_of_all(blocks: list[list[str]]) -> None:
    index, rows = indexed_blocks(blocks)
    names = NamePairs.compare(index, rows)
    whole = names.make_batch(0, len(rows))
    ends = [tuple(sorted(pair)) for pair in whole.rows[np.column_stack([whole.left, whole.right])]]
    apart = []
    for k in range(len(rows)):
        batch = names.make_batch(k, k + 1)
        assert batch.rows.tolist() == rows[k].tolist()
        apart += [tuple(p) for p in batch.rows[np.column_stack([batch.left, batch.right])]]
    assert apart == ends


@settings(deadline=None)
@given(BLOCKS)
def test_the_load_of_a_block_is_the_number_of_its_pairs(blocks: list[list[str]]) -> None:
    names = NamePairs.compare(*indexed_blocks(blocks))
    counted = [names.make_batch(k, k + 1).n_pairs for k in range(len(blocks))]
    assert names.load.tolist() == counted


@settings(deadline=None)
@given(BLOCKS)
def test_comparing_few_names_at_a_time_finds_the_same(blocks: list[list[str]]) -> None:
    whole = listed(batch_of(blocks))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "NAME_PAIRS_AT_ONCE", 3)
        assert listed(batch_of(blocks)) == whole


@settings(deadline=None)
@given(BLOCKS)
def test_a_complete_batch_lists_every_pair_of_a_block(blocks: list[list[str]]) -> None:
    batch = PairBatch.from_blocks(*indexed_blocks(blocks))
    assert listed(batch) == within(blocks)
    assert batch.considered == len(within(blocks))


@settings(deadline=None)
@given(BLOCKS)
def test_an_unlisted_batch_has_rows_and_blocks_but_no_pairs(blocks: list[list[str]]) -> None:
    _, rows = indexed_blocks(blocks)
    batch = PairBatch.without_pairs(rows)
    assert batch.n_pairs == 0
    assert batch.considered == len(within(blocks))
    assert batch.block.tolist() == [k for k, block in enumerate(blocks) for _ in block]


def test_a_single_pair_is_that_of_the_complete_batch() -> None:
    index, (rows,) = indexed_blocks([["Bo Li", "Ada Byron", "Alan Byron", "B. Li"]])
    found = PairBatch.from_pair(index, rows, 1, 3)
    assert listed(found) == [(1, 3)]
    assert found.rows.tolist() == rows.tolist()
    complete = PairBatch.from_blocks(index, [rows])
    place = complete.name_pair[complete.find_pairs(np.array([1]), np.array([3]))]
    assert found.names.tolist() == complete.names[place].tolist()


def test_the_place_of_a_pair_is_where_it_is_listed_and_minus_one_elsewhere() -> None:
    batch = batch_of([["Ada Byron", "A. Byron", "Alan Byron"], ["Bo Li", "B. Li"]])
    # listed are (0, 1), (1, 2) and (3, 4)
    i, j = np.array([0, 0, 1, 0, 3]), np.array([1, 2, 2, 3, 4])
    assert batch.find_pairs(i, j).tolist() == [0, -1, 1, -1, 2]
    assert PairBatch.without_pairs([batch.rows]).find_pairs(i, j).tolist() == [-1] * 5


def test_complete_pairs_are_listed_block_by_block_in_row_major_order() -> None:
    # positions 0 to 2 are the first block, none the second, 3 and 4 the third
    left, right = list_pairs(np.array([0, 3, 3, 5]))
    assert left.tolist() == [0, 0, 1, 3]
    assert right.tolist() == [1, 2, 2, 4]
    assert count_pairs(np.array([3, 0, 2])) == 4


@given(st.sets(st.integers(0, 20)), st.lists(st.integers(0, 20)))
def test_the_place_of_a_key_is_its_rank_and_minus_one_if_it_is_not_there(
    keys: set[int], wanted: list[int]
) -> None:
    ordered = sorted(keys)
    found = find_positions(np.array(ordered, dtype=np.int64), np.array(wanted, dtype=np.int64))
    assert found.tolist() == [ordered.index(k) if k in keys else -1 for k in wanted]


def test_no_blocks_have_no_pairs() -> None:
    assert batch_of([]).n_pairs == 0
    assert batch_of([[]]).n_pairs == 0
