"""Which signatures are compared."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.arrays import Int32
from disambig.blocking.blocks import Comparisons, divide_block, make_block_key, make_blocks
from disambig.blocking.pairs import NamePairs
from disambig.corpus.corpus import Corpus
from disambig.corpus.index import CorpusIndex, list_coauthors
from disambig.domain import Author, Work
from disambig.names import parse_name
from tests.support.invented import indexed, population, work


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jose L. Pons", "J.L. Pons"),
        ("Jan HAJIC", "Jan Hajič"),
        ("Wei-Nan Zhang", "Weinan Zhang"),
        ("Antal van den Bosch", "A. Bosch"),
        ("Robert Smith Jr.", "R. Smith"),
        ("Kibok Lee 0003", "Kibok Lee"),
        ("Pons, Jose", "Jose Pons"),
    ],
)
def test_printed_forms_of_one_name_share_a_block(one: str, other: str) -> None:
    assert make_block_key(parse_name(one)) == make_block_key(parse_name(other))


@pytest.mark.parametrize(("one", "other"), [("Ada Byron", "Bea Byron"), ("Ada Byron", "Ada Li")])
def test_another_initial_or_family_name_is_another_block(one: str, other: str) -> None:
    assert make_block_key(parse_name(one)) != make_block_key(parse_name(other))


NAMES = st.lists(st.sampled_from(["Ada Byron", "A. Byron", "Bo Li", "???", "Plato"]), max_size=12)


@given(NAMES)
def test_every_signature_is_in_exactly_one_block(names: list[str]) -> None:
    corpus = Corpus.from_works([work(f"{k:02}", "T", name) for k, name in enumerate(names)])
    rows = [row for block in make_blocks(corpus) for row in block.tolist()]
    assert sorted(rows) == list(range(len(names)))


def test_names_without_letters_are_compared_with_nothing() -> None:
    corpus = Corpus.from_works([work(k, "T", "???") for k in "abc"])
    assert sorted(map(len, make_blocks(corpus))) == [1, 1, 1]


def test_the_order_of_blocks_is_that_of_their_keys() -> None:
    corpus = Corpus.from_works([work("a", "T", "Zoe Li"), work("b", "T", "Ada Byron")])
    assert [block.tolist() for block in make_blocks(corpus)] == [[1], [0]]


def wangs(n: int, seed: int, given_names: tuple[str, ...], colleagues: int) -> CorpusIndex:
    """Works of people called Wang, each with one colleague of a few."""
    random = Random(seed)
    return indexed(
        [
            work(
                f"{k:04}",
                random.choice(["speech", "robot", "protein", "graph xqz"]),
                f"{random.choice(given_names)} Wang",
                f"Q{random.choice('abcdefghij'[:colleagues])}x Ru",
            )
            for k in range(n)
        ]
    )


def wang_rows(index: CorpusIndex) -> Int32:
    return np.flatnonzero(index.corpus.signature_position == 0).astype(np.int32)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 60), st.integers(1, 20), st.integers(1, 10))
def test_a_divided_block_keeps_every_row_once_in_parts_of_at_most_twice_the_limit(
    seed: int, n: int, limit: int, colleagues: int
) -> None:
    index = wangs(n, seed, ("Yi", "Yan", "Y."), colleagues)
    parts = divide_block(index, wang_rows(index), limit)
    assert sorted(np.concatenate(parts).tolist()) == wang_rows(index).tolist()
    assert max(map(len, parts)) <= 2 * limit
    assert all(part.tolist() == sorted(part.tolist()) for part in parts)


def test_a_block_within_the_limit_is_one_part() -> None:
    index = wangs(10, 0, ("Yi", "Yan"), 3)
    assert len(divide_block(index, wang_rows(index), 10)) == 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_one_name_with_a_shared_coauthor_stays_together(seed: int) -> None:
    index = wangs(40, seed, ("Yi",), 8)
    rows = wang_rows(index)
    team = list_coauthors(index, rows)
    colleague = dict(zip(rows.tolist(), team.column.tolist(), strict=True))
    largest = max(list(colleague.values()).count(c) for c in colleague.values())
    parts = divide_block(index, rows, largest)
    part_of = {int(row): number for number, part in enumerate(parts) for row in part}
    for c in set(colleague.values()):
        assert len({part_of[row] for row in colleague if colleague[row] == c}) == 1


def test_a_written_out_first_name_stays_together() -> None:
    index = wangs(40, 3, ("Yi", "Yan", "Yong"), 1)
    rows = wang_rows(index)
    named = [index.corpus.printed_name(int(row)) for row in rows]
    largest = max(named.count(name) for name in named)
    parts = divide_block(index, rows, largest)
    for name in set(named):
        holding = [p for p in parts if any(index.corpus.printed_name(int(r)) == name for r in p)]
        assert len(holding) == 1


def test_an_initial_goes_with_the_first_name_whose_coauthors_it_shares() -> None:
    # ten Yis with Qx, ten Yans with Rx; of the two Y., one is on a work with either
    works = [
        work(f"{k:02}", "T", *((("Yi Wang", "Qx Ru"), ("Yan Wang", "Rx Ru"))[k % 2]))
        for k in range(20)
    ]
    index = indexed(
        [*works, work("y", "T", "Y. Wang", "Qx Ru"), work("z", "T", "Y. Wang", "Rx Ru")]
    )
    parts = divide_block(index, wang_rows(index), 11)
    printed = [
        [
            (index.corpus.printed_name(r), index.corpus.work_ids[index.corpus.signature_work[r]])
            for r in part.tolist()
        ]
        for part in parts
    ]
    with_y = next(part for part in printed if ("Y. Wang", "y") in part)
    assert {name for name, _ in with_y} >= {"Yi Wang"}
    with_z = next(part for part in printed if ("Y. Wang", "z") in part)
    assert {name for name, _ in with_z} >= {"Yan Wang"}


def test_an_initial_goes_with_the_signature_whose_coauthors_or_affiliation_it_shares() -> None:
    # ten Yis, Yans and Yongs, each with a colleague and a town of their own; "a" prints initials
    # of two Yongs' names, "b" has a new colleague but the Yongs' town
    first, last, town = ("Yi", "Yan", "Yong"), ("Qx Ru", "Rx Ru", "Sx Ru"), ("Graz", "Bern", "Lodz")
    works = [
        Work(
            f"k{k:02}",
            "T",
            (Author(f"{first[k % 3]} Wang", affiliations=(town[k % 3],)), Author(last[k % 3])),
        )
        for k in range(30)
    ]
    works += [
        Work("a", "T", (Author("Y. Wang"), Author("S. Ru"))),
        Work("b", "T", (Author("Y. Wang", affiliations=("Lodz",)), Author("Tx Ru"))),
    ]
    index = indexed(works)
    beside = {
        index.corpus.work_ids[index.corpus.signature_work[row]]: {
            index.corpus.printed_name(r) for r in part.tolist()
        }
        for part in divide_block(index, wang_rows(index), 12)
        for row in part.tolist()
    }
    # two parts hold them all; left by themselves, "a" and "b" would be put with Yi and Yan
    assert "Yong Wang" in beside["a"]
    assert "Yong Wang" in beside["b"]


def everyone(index: CorpusIndex, crowd: int, pairs: int) -> Comparisons:
    """Comparisons of all blocks; the more crowded, the fewer are near."""
    return Comparisons.plan(
        index,
        make_blocks(index.corpus),
        crowded_namesakes=crowd,
        max_neighbours=max(crowd // 5, 1),
        part=6 * crowd,
        pairs=pairs,
    )


def listed(index: CorpusIndex, compared: Comparisons) -> list[tuple[int, int]]:
    """Signature rows of all pairs that are compared."""
    found = []
    for number in range(len(compared.batches)):
        batch = compared.make_batch(number)
        ends = zip(batch.rows[batch.left], batch.rows[batch.right], strict=True)
        found += [(int(min(a, b)), int(max(a, b))) for a, b in ends]
    return sorted(found)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 200))
def test_every_signature_is_in_exactly_one_batch(seed: int, crowd: int, pairs: int) -> None:
    index = wangs(40, seed, ("Yi", "Yan", "Y.", "?"), 5)
    compared = everyone(index, crowd, pairs)
    rows = np.concatenate([compared.make_batch(n).rows for n in range(len(compared.batches))])
    assert np.sort(rows).tolist() == list(range(index.corpus.n_signatures))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 200))
def test_the_size_of_batches_changes_neither_pairs_nor_blocks(
    seed: int, crowd: int, pairs: int
) -> None:
    index = wangs(40, seed, ("Yi", "Yan", "Y."), 5)
    small, large = everyone(index, crowd, pairs), everyone(index, crowd, 10**6)
    assert listed(index, small) == listed(index, large)
    n = index.corpus.n_signatures
    assert same_sets(small.number_blocks(n), large.number_blocks(n))


def same_sets(one: Int32, other: Int32) -> bool:
    """Whether two numberings put the same signatures together."""
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


def test_a_batch_has_about_the_pairs_asked_for_and_a_large_block_stands_alone() -> None:
    index = indexed(list(population(5, families=6)[0]))
    compared = everyone(index, 10**6, 400)
    for number, (part, first, last) in enumerate(compared.batches):
        batch = compared.make_batch(number)
        assert compared.get_load(number) == batch.n_pairs
        load = compared.parts[part].load[first:last]
        assert batch.n_pairs <= 400 or (load > 0).sum() == 1 or load.max() > 400
    assert len(compared.batches) > 1


def test_block_of_tells_which_signatures_are_compared_together() -> None:
    index = indexed(list(population(5, families=6)[0]))
    blocks = make_blocks(index.corpus)
    expected = np.empty(index.corpus.n_signatures, dtype=np.int32)
    for number, block in enumerate(blocks):
        expected[block] = number
    assert same_sets(everyone(index, 10**6, 50).number_blocks(len(expected)), expected)


def test_block_of_is_minus_one_for_signatures_that_are_not_compared() -> None:
    index = indexed([work("a", "T", "Ada Byron", "Bo Li"), work("b", "T", "Ada Byron")])
    compared = Comparisons.plan(
        index, [rows for rows in make_blocks(index.corpus) if len(rows) > 1]
    )
    assert compared.number_blocks(3).tolist() == [0, -1, 0]


def test_a_block_is_crowded_where_signatures_agree_in_name_with_too_many() -> None:
    # forty Yis agree with 39 others each, forty people of forty names with none but themselves
    crowded = wangs(40, 0, ("Yi",), 8)
    letters = "abcdefghij"
    spread = wangs(40, 0, tuple(f"Y{a}{b}en" for a in letters[:4] for b in letters), 8)
    for index, many in ((crowded, True), (spread, False)):
        load = NamePairs.compare(index, [wang_rows(index)]).load[0]
        assert (load > 15 / 2 * 40) == many
        compared = everyone(index, 15, 10**6)
        told = compared.mask_crowded(index.corpus.n_signatures)
        assert told[wang_rows(index)].tolist() == [many] * 40
        pairs = [pair for pair in listed(index, compared) if set(pair) <= {*wang_rows(index)}]
        assert (len(pairs) < load) == many
        if many:  # each with the three most like it, and with those that it is among the three of
            assert np.bincount(np.ravel(pairs))[wang_rows(index)].min() >= 3


def test_the_comparisons_of_one_signature_are_those_of_its_block() -> None:
    index = wangs(40, 0, ("Yi", "Yan"), 8)
    for crowd in (5, 10**6):
        compared = everyone(index, crowd, 10**6)
        batches = [compared.make_batch(n) for n in range(len(compared.batches))]
        block = compared.number_blocks(index.corpus.n_signatures)
        for row in range(index.corpus.n_signatures):
            own = compared.make_batch_of_row(row)
            assert own.rows.tolist() == np.flatnonzero(block == block[row]).tolist()
            together = next(b for b in batches if row in b.rows)
            inside = np.isin(together.rows[together.left], own.rows)
            assert own.n_pairs == inside.sum()
    with pytest.raises(ValueError, match="compared with no other"):
        Comparisons.plan(index, []).make_batch_of_row(0)


def test_parts_of_a_divided_block_are_compared_within_themselves_alone() -> None:
    index = wangs(60, 1, ("Yi", "Yan", "Y."), 8)
    compared = everyone(index, 2, 10**6)
    block = compared.number_blocks(index.corpus.n_signatures)
    pairs = np.array(listed(index, compared))
    assert (block[pairs[:, 0]] == block[pairs[:, 1]]).all()
    sizes = np.bincount(block[wang_rows(index)])
    assert len(sizes) > 1
    assert sizes.max() <= 24


def test_an_empty_corpus_has_no_blocks_and_no_batches() -> None:
    index = indexed([])
    assert make_blocks(index.corpus) == []
    assert Comparisons.plan(index, []).batches == []


def test_people_of_a_crowded_first_name_are_divided_among_themselves() -> None:
    index = wangs(400, 3, ("Xiu", "Xin"), 10)
    name = index.corpus.signature_name
    for part in divide_block(index, make_blocks(index.corpus)[-1], 30):
        given = Counter(index.corpus.names[n].given[0] for n in name[part])
        assert given.most_common(1)[0][1] >= 0.8 * len(part)


SPEECH, ROBOTS = "Speech recognition with neural networks", "Grasping objects with robot arms"


@pytest.mark.parametrize(
    ("title", "year", "expected"),
    [
        (SPEECH, 2005, "Yi Wang"),
        (ROBOTS, 2005, "Yan Wang"),
        ("?!", 1990, "Yi Wang"),
        ("?!", 2020, "Yan Wang"),
    ],
)
def test_among_equal_coauthors_meaning_and_year_decide_where_an_initial_goes(
    title: str, year: int, expected: str
) -> None:
    # both have one colleague; Yi wrote on speech about 1990, Yan on robots about 2020
    works = []
    for k in range(10):
        works.append(work(f"i{k}", SPEECH, "Yi Wang", "Qx Ru", year=1990))
        works.append(work(f"k{k}", ROBOTS, "Yan Wang", "Qx Ru", year=2020))
    index = indexed([*works, work("x", title, "Y. Wang", "Qx Ru", year=year)])
    rows = wang_rows(index)
    parts = [
        {index.corpus.printed_name(r) for r in p.tolist()} for p in divide_block(index, rows, 8)
    ]
    assert [part for part in parts if "Y. Wang" in part] == [{"Y. Wang", expected}]


def test_of_those_most_like_it_all_have_a_say_where_an_initial_goes() -> None:
    # one Yi is as like "x" as can be; ten Yans are a year away, the other Yis far from it
    works = [work("i", SPEECH, "Yi Wang", "Qx Ru", year=2005)]
    for k in range(9):
        works.append(work(f"i{k}", ROBOTS, "Yi Wang", "Qx Ru", year=1980))
    for k in range(10):
        works.append(work(f"k{k}", SPEECH, "Yan Wang", "Qx Ru", year=2006))
    index = indexed([*works, work("x", SPEECH, "Y. Wang", "Qx Ru", year=2005)])
    parts = divide_block(index, wang_rows(index), 8)
    printed = [{index.corpus.printed_name(r) for r in p.tolist()} for p in parts]
    assert [part for part in printed if "Y. Wang" in part] == [{"Y. Wang", "Yan Wang"}]
