"""Shards clustered apart, against the corpus clustered at once."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from disambig.blocking.blocks import Comparisons, make_blocks
from disambig.blocking.cross_block import find_cross_block_pairs
from disambig.clustering.batch import cluster_batch
from disambig.clustering.constraints import Constraints, compile_constraints
from disambig.clustering.cross_block import renumber, score_candidates
from disambig.corpus.corpus import Corpus
from disambig.corpus.index import CorpusIndex, get_coauthor_keys, tokenise_corpus
from disambig.corpus.statistics import Statistics
from disambig.domain import Signature
from disambig.out_of_core.cluster_shard import (
    ShardContext,
    ShardResult,
    cluster_shard,
    score_across,
)
from disambig.out_of_core.shards import (
    assign_shards,
    list_signatures,
    make_shard_tables,
    select_signatures,
)
from tests.support.constraint_cases import cannot, must
from tests.support.invented import model, population, space, with_references, work

SHARDS = 3
SAME = ("Speech recognition of audio", "Olga Quist", "Piet Ru")
WORKS = [
    *with_references(population(8, families=5)[0]),
    *(
        work(f"y{k}", SAME[0], name, *SAME[1:], venue="VLDB")
        for k, name in enumerate(("Wang Yi", "Yi Wang", "Anna Vex", "A. Vex", "Alan Vex"))
    ),
]
# one across blocks, one of two names that could not be one person's, one against the evidence
STATED = (must("y0:0", "y1:0"), must("y2:0", "y4:0"), cannot("y2:0", "y3:0"))


@cache
def whole() -> tuple[Corpus, CorpusIndex, Constraints]:
    corpus = Corpus.from_works(WORKS)
    index = CorpusIndex.from_corpus(corpus, space(), model().frequency)
    return corpus, index, compile_constraints(corpus, STATED)


@cache
def knowledge() -> ShardContext:
    corpus, _, constraints = whole()
    counted = Statistics.count(corpus, get_coauthor_keys(corpus), tokenise_corpus(corpus))
    return ShardContext(model(), space(), lambda: counted, corpus, constraints)


@cache
def tables() -> list[pa.Table]:
    corpus = whole()[0]
    return make_shard_tables(corpus, assign_shards(corpus, SHARDS), SHARDS)


@cache
def clustered() -> list[ShardResult]:
    return [cluster_shard(table, knowledge()) for table in tables()]


@cache
def at_once() -> tuple[np.ndarray, np.ndarray]:
    """Identity, before any join across blocks, and confidence of each signature."""
    corpus, index, constraints = whole()
    compared = Comparisons.plan(index, make_blocks(corpus))
    identity = np.zeros(corpus.n_signatures, dtype=np.int32)
    confidence = np.ones(corpus.n_signatures, dtype=np.float32)
    following = 0
    for number in range(len(compared.batches)):
        found = cluster_batch(index, model(), constraints, compared.make_batch(number))
        identity[found.rows] = found.group + following
        confidence[found.rows] = found.confidence
        following += int(found.group.max(initial=-1)) + 1
    return renumber(identity), confidence


def test_shards_together_have_every_signature_once() -> None:
    found = [s for result in clustered() for s in result.corpus.signatures()]
    assert sorted(found) == list(whole()[0].signatures())


def test_identities_of_shards_are_those_of_the_whole() -> None:
    identity, _ = at_once()
    code: dict[Signature, tuple[int, int]] = {}
    for number, result in enumerate(clustered()):
        local = zip(result.corpus.signatures(), result.identity.tolist(), strict=True)
        code |= {signature: (number, own) for signature, own in local}
    pairs = {(code[s], own) for s, own in zip(whole()[0].signatures(), identity, strict=True)}
    assert len(pairs) == len({own for _, own in pairs}) == len({found for found, _ in pairs})


def test_confidences_of_shards_are_those_of_the_whole_to_the_bit() -> None:
    corpus = whole()[0]
    expected = dict(zip(corpus.signatures(), at_once()[1].tolist(), strict=True))
    for result in clustered():
        own = [expected[s] for s in result.corpus.signatures()]
        assert result.confidence.tolist() == own


def test_pairs_of_shards_add_up_to_those_of_the_whole() -> None:
    corpus, index, _ = whole()
    compared = Comparisons.plan(index, make_blocks(corpus))
    batches = [compared.make_batch(number) for number in range(len(compared.batches))]
    assert sum(r.considered for r in clustered()) == sum(b.considered for b in batches)
    assert sum(r.scored for r in clustered()) == sum(b.n_pairs for b in batches)


def test_signatures_share_a_block_of_a_shard_as_they_do_in_the_whole() -> None:
    corpus = whole()[0]
    block = {corpus.signature(r): k for k, rows in enumerate(make_blocks(corpus)) for r in rows}
    for result in clustered():
        pairs = set(
            zip((block[s] for s in result.corpus.signatures()), result.block.tolist(), strict=True)
        )
        assert len(pairs) == len(set(result.block.tolist()))


def test_joins_of_identities_are_scored_from_their_signatures_as_in_the_whole() -> None:
    corpus, index, constraints = whole()
    identity, _ = at_once()
    block = np.empty(corpus.n_signatures, dtype=np.int32)
    for number, rows in enumerate(make_blocks(corpus)):
        block[rows] = number
    candidates = find_cross_block_pairs(index, identity, block, np.zeros(len(block), dtype=bool))
    expected = score_candidates(index, model(), constraints, identity, candidates)
    assert len(candidates) > 2
    wanted = np.isin(identity, candidates)
    parts = []
    for table in tables():
        _, number, position = list_signatures(table)
        # works are numbered as they are sorted, so this is the row in the whole
        row = corpus.author_start[number] + position
        parts.append(select_signatures(table, np.flatnonzero(wanted[row])))
    gathered = identity[np.flatnonzero(wanted)].astype(np.int64)
    found = score_across(pa.concat_tables(parts), gathered, candidates, knowledge())
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("one", [("y2:0", "y4:0"), ("y2:0", "y3:0")])
def test_constraints_hold_within_a_shard(one: tuple[str, str]) -> None:
    found = {
        str(s): (number, own)
        for number, result in enumerate(clustered())
        for s, own in zip(result.corpus.signatures(), result.identity.tolist(), strict=True)
    }
    assert (found[one[0]] == found[one[1]]) == (one == ("y2:0", "y4:0"))
