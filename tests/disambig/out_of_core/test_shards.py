"""Parts of a corpus that know of the rest by its statistics alone."""

from __future__ import annotations

from random import Random

import numpy as np
import pyarrow as pa
import pytest

from disambig.arrays import Float32
from disambig.blocking.blocks import make_blocks
from disambig.blocking.cross_block import coauthor_evidence, reading_evidence
from disambig.blocking.pairs import NamePairs, PairBatch
from disambig.corpus.corpus import Corpus
from disambig.corpus.index import CorpusIndex, get_coauthor_keys, tokenise_corpus
from disambig.corpus.statistics import Statistics
from disambig.domain import Author, Signature, Work
from disambig.features.group import GROUP_FEATURES, compute_group_features
from disambig.features.groups import GroupBatch
from disambig.features.pair import PAIR_FEATURES, compute_pair_features
from disambig.names import parse_name
from disambig.names.frequency import NameFrequency
from disambig.out_of_core.shards import (
    SCHEMA,
    assign_shards,
    divide_signatures,
    list_printed_names,
    list_signatures,
    make_corpus,
    make_shard_tables,
    select_signatures,
)
from tests.support.invented import population, space, with_references, work

FULL = Author(
    "Ada Byron",
    given="Ada",
    family="Byron",
    orcid="0000-0002-1825-0097",
    affiliations=("Leiden", "Tokyo"),
    email="a@b.org",
)
WORKS = [
    Work(
        "a",
        "Speech graph",
        (FULL, Author("Bo Li"), Author("Cy Ito")),
        "Words",
        "VLDB",
        2000,
        keywords=("zebra",),
        references=("b", "x"),
        collaborations=("ATLAS",),
    ),
    work("b", "Speech", "Bo Li", "???"),
    work("c", "No authors"),
    # the second author has no name: a hole
    work("d", "Graph", "A. Byron", "", "Bo Li", year=2004),
]


def columns(corpus: Corpus) -> list[tuple[object, ...]]:
    """Everything a corpus says of each of its signatures."""
    found = []
    for row in range(corpus.n_signatures):
        w = corpus.signature_work[row]
        company = get_coauthor_keys(corpus)
        team = slice(int(company.start[w]), int(company.start[w + 1]))
        found.append(
            (
                corpus.signature(row),
                corpus.printed_name(row),
                corpus.stated_names[corpus.signature_name[row]],
                corpus.names[corpus.signature_name[row]],
                corpus.affiliations[row],
                corpus.orcids[row],
                corpus.emails[row],
                corpus.titles[w],
                corpus.abstracts[w],
                corpus.venues[w],
                corpus.keywords[w],
                str(corpus.years[w]),
                company.full[team].tolist(),
                company.initial[team].tolist(),
                corpus.references.take(corpus.signature_work[[row]]).key.tolist(),
                corpus.collaborations.take(corpus.signature_work[[row]]).key.tolist(),
            )
        )
    return found


def divided(corpus: Corpus, shard: list[int], n: int) -> list[Corpus]:
    return [make_corpus(t) for t in make_shard_tables(corpus, np.array(shard, dtype=np.int64), n)]


def test_a_shard_has_its_signatures_and_the_works_they_are_on() -> None:
    # signatures: a:0 a:1 a:2 b:0 b:1 d:0 d:2
    first, second = divided(Corpus.from_works(WORKS), [0, 1, 0, 1, 1, 0, 1], 2)
    assert list(map(str, first.signatures())) == ["a:0", "a:2", "d:0"]
    assert first.work_ids == ["a", "d"]
    assert list(map(str, second.signatures())) == ["a:1", "b:0", "b:1", "d:2"]
    assert second.work_ids == ["a", "b", "d"]


def test_a_shard_tells_of_its_signatures_what_the_whole_does() -> None:
    whole = Corpus.from_works(WORKS)
    every = {entry[0]: entry for entry in columns(whole)}
    for part in divided(whole, [0, 1, 0, 1, 1, 0, 1], 2):
        assert columns(part) == [every[s] for s in part.signatures()]


def test_a_work_brings_the_keys_of_authors_who_are_elsewhere() -> None:
    whole = Corpus.from_works(WORKS)
    (part, _) = divided(whole, [1, 0, 1, 1, 1, 1, 1], 2)
    assert list(map(str, part.signatures())) == ["a:1"]
    assert get_coauthor_keys(part).n_authors.tolist() == [3]
    assert get_coauthor_keys(part).full.tolist() == get_coauthor_keys(whole).full[:3].tolist()


def test_a_signature_keeps_its_position_where_others_of_its_work_are_elsewhere() -> None:
    (part, _) = divided(Corpus.from_works(WORKS), [1, 1, 0, 1, 0, 1, 0], 2)
    assert part.signature_position.tolist() == [2, 1, 2]
    assert part.row_of(Signature("b", 1)) == 1


def test_one_shard_of_all_is_the_corpus_less_works_without_authors() -> None:
    whole = Corpus.from_works(WORKS)
    (part,) = divided(whole, [0] * 7, 1)
    assert part.work_ids == ["a", "b", "d"]
    assert columns(part) == columns(whole)


def test_a_shard_without_signatures_is_an_empty_corpus() -> None:
    _, empty = divided(Corpus.from_works(WORKS), [0] * 7, 2)
    assert (empty.n_works, empty.n_signatures) == (0, 0)
    none = divided(Corpus.from_works([]), [], 3)
    assert [part.n_signatures for part in none] == [0, 0, 0]


def test_tables_have_one_schema_and_number_the_works_as_told() -> None:
    tables = make_shard_tables(Corpus.from_works(WORKS), np.array([0, 1, 0, 1, 1, 0, 1]), 2, 40)
    assert [table.schema for table in tables] == [SCHEMA, SCHEMA]
    # a, b, c and d are 40 to 43
    assert [table.column("number").to_pylist() for table in tables] == [[40, 43], [40, 41, 43]]


def test_rows_of_one_work_are_put_together_whatever_their_order() -> None:
    whole = Corpus.from_works(WORKS)
    tables = make_shard_tables(whole, np.array([0, 1, 2, 1, 2, 0, 1]), 3)
    (expected,) = divided(whole, [0] * 7, 1)
    for order in ([0, 1, 2], [2, 0, 1]):
        joined = make_corpus(pa.concat_tables([tables[k] for k in order]))
        assert joined.work_ids == ["a", "b", "d"]
        assert columns(joined) == columns(expected)
        assert joined.author_start.tolist() == expected.author_start.tolist()


def test_rows_of_a_table_may_be_in_any_order() -> None:
    (table,) = make_shard_tables(Corpus.from_works(WORKS), np.zeros(7, dtype=np.int64), 1)
    assert columns(make_corpus(table.take(pa.array([2, 0, 1])))) == columns(make_corpus(table))


def test_signatures_of_one_block_share_a_shard_in_any_corpus() -> None:
    works = list(population(3)[0])
    corpus = Corpus.from_works(works)
    shard = assign_shards(corpus, 5)
    assert set(shard.tolist()) == set(range(5))
    assert all(len(set(shard[block].tolist())) == 1 for block in make_blocks(corpus))
    half = Corpus.from_works(works[::2])
    known = dict(zip(corpus.signatures(), shard.tolist(), strict=True))
    assert assign_shards(half, 5).tolist() == [known[s] for s in half.signatures()]


def test_names_without_letters_may_be_in_any_shard() -> None:
    corpus = Corpus.from_works([work("a", "T", "???", "???", "???")])
    assert assign_shards(corpus, 2).tolist() == [0, 1, 0]


# --- the same evidence as in the whole -----------------------------------------------------------


def evidence(index: CorpusIndex) -> dict[tuple[Signature, Signature], list[float]]:
    """Features of every listed pair, by signatures."""
    blocks = make_blocks(index.corpus)
    batch = NamePairs.compare(index, blocks).make_batch(0, len(blocks))
    return by_pair(
        index, batch, np.column_stack(list(compute_pair_features(index, batch).values()))
    )


def by_pair(
    index: CorpusIndex, batch: PairBatch, table: Float32
) -> dict[tuple[Signature, Signature], list[float]]:
    signature = [index.corpus.signature(row) for row in batch.rows.tolist()]
    ends = zip(batch.left.tolist(), batch.right.tolist(), strict=True)
    bits = table.view(np.int32).tolist()
    return {(signature[i], signature[j]): bits[p] for p, (i, j) in enumerate(ends)}


def group_evidence(index: CorpusIndex) -> dict[tuple[Signature, Signature], list[float]]:
    """Features of every pair of groups of two neighbours in a block, by their first signatures."""
    blocks = make_blocks(index.corpus)
    batch = NamePairs.compare(index, blocks).make_batch(0, len(blocks))
    place = np.arange(len(batch.rows)) - batch.start[batch.block]
    _, group = np.unique(batch.block * 1000 + place // 2, return_inverse=True)
    groups = GroupBatch.from_groups(batch, group.astype(np.int32))
    pairs = compute_pair_features(index, batch)
    score = np.random.default_rng(0).random(1).astype(np.float32)
    probability = np.nan_to_num(pairs["text_cosine"]) * score
    found = compute_group_features(index, batch, groups, pairs, probability)
    first = [index.corpus.signature(batch.rows[r]) for r in np.unique(group, return_index=True)[1]]
    bits = np.column_stack(list(found.values())).view(np.int32).tolist()
    ends = zip(groups.left.tolist(), groups.right.tolist(), strict=True)
    return {(first[a], first[b]): bits[k] for k, (a, b) in enumerate(ends)}


def whole_and_parts(n_shards: int) -> tuple[CorpusIndex, list[CorpusIndex]]:
    """An invented corpus, and its shards with the summed statistics of four other parts."""
    works = with_references([*population(3)[0], *population(4, families=5)[0], *WORKS])
    Random(0).shuffle(works)
    corpus = Corpus.from_works(works)
    frequency = NameFrequency.fit(parse_name(w.authors[0].name) for w in works if w.authors)
    quarters = [Corpus.from_works(works[k::4]) for k in range(4)]
    counted = Statistics.sum(
        Statistics.count(q, get_coauthor_keys(q), tokenise_corpus(q)) for q in quarters
    )
    tables = make_shard_tables(corpus, assign_shards(corpus, n_shards), n_shards)
    parts = [CorpusIndex.from_corpus(make_corpus(t), space(), frequency, counted) for t in tables]
    return CorpusIndex.from_corpus(corpus, space(), frequency), parts


@pytest.mark.parametrize("n_shards", [1, 3])
def test_pairs_have_the_features_they_have_in_the_whole_to_the_bit(n_shards: int) -> None:
    whole, parts = whole_and_parts(n_shards)
    expected = evidence(whole)
    found = {pair: row for part in parts for pair, row in evidence(part).items()}
    assert found.keys() == expected.keys()
    differing = {
        name
        for pair, row in expected.items()
        for name, one, other in zip(PAIR_FEATURES, row, found[pair], strict=True)
        if one != other
    }
    assert differing == set()


def test_groups_have_the_features_they_have_in_the_whole_to_the_bit() -> None:
    whole, parts = whole_and_parts(3)
    expected = group_evidence(whole)
    found = {pair: row for part in parts for pair, row in group_evidence(part).items()}
    assert found.keys() == expected.keys()
    differing = {
        name
        for pair, row in expected.items()
        for name, one, other in zip(GROUP_FEATURES, row, found[pair], strict=True)
        if one != other
    }
    assert differing == set()


@pytest.mark.parametrize("evidence_of", [reading_evidence, coauthor_evidence])
def test_evidence_for_joins_is_that_of_the_whole(evidence_of) -> None:  # type: ignore[no-untyped-def]
    def keys(index: CorpusIndex) -> set[tuple[int, Signature]]:
        rows = np.arange(index.corpus.n_signatures, dtype=np.int32)
        key, row = evidence_of(index, rows)
        return {(k, index.corpus.signature(r)) for k, r in zip(key.tolist(), row, strict=True)}

    whole, parts = whole_and_parts(3)
    assert keys(whole) == set().union(*map(keys, parts))


# --- some signatures of a shard ------------------------------------------------------------------


def table_of(shard: list[int]) -> pa.Table:
    return make_shard_tables(Corpus.from_works(WORKS), np.array(shard, dtype=np.int64), 2, 10)[0]


def test_signatures_of_a_shard_are_told_by_row_work_number_and_position() -> None:
    row, number, position = list_signatures(table_of([0, 1, 0, 1, 1, 0, 0]))
    # a:0, a:2, d:0 and d:2 of works a (number 10) and d (13)
    assert row.tolist() == [0, 0, 1, 1]
    assert number.tolist() == [10, 10, 13, 13]
    assert position.tolist() == [0, 2, 0, 2]


def test_names_are_listed_in_the_order_of_signatures() -> None:
    found = list_printed_names(table_of([0, 1, 0, 1, 1, 0, 0])).to_pylist()
    assert found == ["Ada Byron", "Cy Ito", "A. Byron", "Bo Li"]


def test_some_signatures_of_a_shard_are_a_shard_of_theirs() -> None:
    chosen = select_signatures(table_of([0, 1, 0, 1, 1, 0, 0]), np.array([3, 1]))
    assert chosen.schema == SCHEMA
    (expected, _) = divided(Corpus.from_works(WORKS), [1, 1, 0, 1, 1, 1, 0], 2)
    assert columns(make_corpus(chosen)) == columns(expected)


def test_signatures_are_divided_into_parts_and_may_be_in_several() -> None:
    table = table_of([0, 1, 0, 1, 1, 0, 0])
    element, part = np.array([3, 1, 0, 1]), np.array([2, 0, 2, 2])
    parts = divide_signatures(table, element, part, 4)
    for found, expected in zip(parts, ([1], [], [0, 1, 3], []), strict=True):
        alone = select_signatures(table, np.array(expected, dtype=np.int64))
        assert found.schema == SCHEMA
        assert found.to_pylist() == alone.to_pylist()


def test_no_signatures_of_a_shard_are_an_empty_shard() -> None:
    none = select_signatures(table_of([0] * 7), np.empty(0, dtype=np.int64))
    assert make_corpus(none).n_works == 0
