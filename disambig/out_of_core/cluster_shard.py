"""Cluster one shard and score joins across shards; the same in every process and machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from disambig.arrays import Float32, Int32, Int64, UInt64
from disambig.blocking.blocks import Comparisons, make_blocks
from disambig.blocking.cross_block import coauthor_evidence, reading_evidence
from disambig.clustering.batch import cluster_batch
from disambig.clustering.constraints import Constraints
from disambig.clustering.cross_block import renumber, score_candidates
from disambig.clustering.doubled_entries import describe_doubled_entries
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.corpus.statistics import Statistics
from disambig.model.model import Model
from disambig.out_of_core.shards import make_corpus


@dataclass(frozen=True, eq=False)
class ShardContext:
    """Read-only inputs that all shards share.

    Attributes
    ----------
    model, space
    open_statistics : callable
        Opens the statistics of the whole corpus. Each part opens them again: the pages of a
        memory-mapped file count as memory as long as it is open.
    constrained : Corpus
        The works with constraints or identifiers.
    constraints : Constraints
        Of the signatures of ``constrained``.
    """

    model: Model
    space: SemanticSpace
    open_statistics: Callable[[], Statistics]
    constrained: Corpus
    constraints: Constraints

    def make_index(self, corpus: Corpus) -> CorpusIndex:
        """Make the index of a part of the corpus, with the statistics of the whole corpus."""
        return CorpusIndex.from_corpus(
            corpus, self.space, self.model.frequency, self.open_statistics()
        )


@dataclass(frozen=True, eq=False)
class ShardResult:
    """Result of clustering one shard.

    Attributes
    ----------
    corpus : Corpus
        Of the shard, with rows in order of work id and position.
    identity, block : int32[n]
        Of each signature, numbered from 0 within the shard.
    confidence : float32[n]
    reading, coauthors : (uint64[N], int32[N])
        Evidence for joins across blocks: keys, and the signature of each key (see
        :mod:`disambig.blocking.cross_block`).
    considered, scored : int
        Number of pairs within blocks, and of those scored.
    doubled : list of str
        Entries listed twice on a work, see :func:`describe_doubled_entries`.
    """

    corpus: Corpus
    identity: Int32
    block: Int32
    confidence: Float32
    reading: tuple[UInt64, Int32]
    coauthors: tuple[UInt64, Int32]
    considered: int
    scored: int
    doubled: list[str]


def cluster_shard(table: pa.Table, context: ShardContext) -> ShardResult:
    """Cluster the blocks of one shard.

    Parameters
    ----------
    table : Table
        Of :data:`disambig.out_of_core.shards.SCHEMA`, rows in any order.
    """
    corpus = make_corpus(table)
    index = context.make_index(corpus)
    constraints = context.constraints.transfer(context.constrained, corpus)
    n = corpus.n_signatures
    comparisons = Comparisons.plan(index, make_blocks(corpus))
    identity = np.zeros(n, dtype=np.int32)
    confidence = np.ones(n, dtype=np.float32)
    doubled = [np.empty((0, 2), dtype=np.int32)]
    next_identity = considered = scored = 0
    for number in range(len(comparisons.batches)):
        result = cluster_batch(index, context.model, constraints, comparisons.make_batch(number))
        identity[result.rows] = result.group + next_identity
        confidence[result.rows] = result.confidence
        doubled.append(result.doubled)
        next_identity += int(result.group.max(initial=-1)) + 1
        considered, scored = considered + result.considered, scored + result.scored
    doubled_rows = np.concatenate(doubled)
    is_kept = np.ones(n, dtype=bool)
    is_kept[doubled_rows[:, 0]] = False
    rows = np.flatnonzero(is_kept).astype(np.int32)
    return ShardResult(
        corpus,
        renumber(identity),
        comparisons.number_blocks(n),
        confidence,
        reading_evidence(index, rows[~comparisons.mask_crowded(n)[rows]]),
        coauthor_evidence(index, rows),
        considered,
        scored,
        describe_doubled_entries(corpus, doubled_rows),
    )


def score_across(
    table: pa.Table,
    identity: Int64,
    candidates: Int64,
    context: ShardContext,
) -> Float32:
    """Return the probability of each join of identities of different shards, float32[K].

    Parameters
    ----------
    table : Table
        Of :data:`disambig.out_of_core.shards.SCHEMA`: representatives of the identities.
    identity : int64[n]
        Identity of each signature in the table, in order of work id and position.
    candidates : int64[K, 2]
        Pairs of identities.
    """
    corpus = make_corpus(table)
    numbers, local = np.unique(identity, return_inverse=True)
    return score_candidates(
        context.make_index(corpus),
        context.model,
        context.constraints.transfer(context.constrained, corpus),
        local.astype(np.int32),
        np.searchsorted(numbers, candidates),
    )
