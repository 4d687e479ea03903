"""Cache of scored blocks, kept in memory while a curator works on them.

Features and probabilities of pairs do not depend on decisions: they are computed once, and each
arrangement only repeats the clustering under its constraints.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, func, select

from disambig.arrays import Int32, Int64
from service.db.bulk import is_in
from service.db.signatures import read_signatures
from service.db.tables import Block, Membership, Signature

if TYPE_CHECKING:
    from disambig import domain
    from disambig.clustering.constraints import Constraints
    from disambig.clustering.two_level import ScoredPairs
    from disambig.corpus.corpus import Corpus
    from disambig.corpus.index import CorpusIndex
    from disambig.model.model import Model
    from service.assignment.assign import PublishedModel, WorkAssigner


MAX_COMPARED = 800
"""Maximum mentions compared for one board."""
MAX_WARM_UP = 1_000
"""Mentions read to choose a block for the warm-up."""
MAX_PAIRS = 1_000_000
"""Pairs cached for all boards of a process, at about 250 bytes each."""


@dataclass(frozen=True, eq=False)
class BlockView:
    """Scored mentions; arrays are indexed by the rows of ``scored.batch``.

    Attributes
    ----------
    index : CorpusIndex
        Of all works of the mentions, weighted with the statistics of the last full run.
    model : Model
    scored : ScoredPairs
        Under no constraints except those of identifiers.
    signature : int64[R]
        Signature key of each row.
    row_of : dict of int to int
        Corpus row by signature key.
    """

    index: CorpusIndex
    model: Model
    scored: ScoredPairs
    signature: Int64
    row_of: Mapping[int, int]

    @property
    def corpus(self) -> Corpus:
        """Corpus of all works of the mentions."""
        return self.index.corpus

    def apply_constraints(self, constraints: Iterable[domain.Constraint]) -> ScoredPairs:
        """Return the same pairs under constraints; inapplicable constraints are omitted."""
        from disambig.clustering.constraints import compile_constraints
        from disambig.clustering.doubled_entries import find_doubled_entries
        from disambig.clustering.two_level import BatchConstraints

        work_ids = set(self.corpus.work_ids)
        applicable = [c for c in constraints if c.a.work in work_ids and c.b.work in work_ids]
        compiled = compile_constraints(self.corpus, applicable, strict=False)
        batch = self.scored.batch
        if not np.array_equal(
            find_doubled_entries(self.index, batch, compiled), self.scored.doubled
        ):
            blocks = np.split(batch.rows, batch.start[1:-1])
            return _score_blocks(self.index, self.model, blocks, compiled)
        suffix = self.scored.constraints.suffix
        return replace(self.scored, constraints=BatchConstraints.select(batch, compiled, suffix))

    def group_first_level(self, scored: ScoredPairs) -> Int32:
        """Return the first-level group of each row; int32[R]."""
        return scored.cluster(self.model.get_first_level_threshold(self.index.doublings))

    def cluster(self, scored: ScoredPairs) -> Int32:
        """Return the cluster of each row, as a run computes it; int32[R]."""
        from disambig.clustering.two_level import cluster_scored

        return cluster_scored(scored, self.model).final


class BlockViews:
    """Thread-safe cache of block views with least-recently-used eviction."""

    def __init__(self, assigner: WorkAssigner, max_pairs: int = MAX_PAIRS) -> None:
        """``assigner`` holds the model and the statistics."""
        self.assigner = assigner
        self._max_pairs = max_pairs
        self._views: OrderedDict[bytes, BlockView] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, connection: Connection, signatures: Sequence[int]) -> BlockView | None:
        """Return the mentions compared with each other, block by block.

        Parameters
        ----------
        signatures : sequence of int
            Keys, most relevant first; at most :data:`MAX_COMPARED` are compared.

        Returns
        -------
        BlockView or None
            None if no run was published yet, or fewer than two have a block.
        """
        published = self.assigner.load_published(connection)
        if published is None:
            return None
        block_of = _read_blocks(connection, signatures)
        signature_keys = sorted([s for s in signatures if s in block_of][:MAX_COMPARED])
        if len(signature_keys) < 2:
            return None
        last_change = connection.scalar(
            select(func.max(Block.touched)).where(
                is_in(connection, Block.key, {block_of[s] for s in signature_keys})
            )
        )
        cache_text = (
            f"{published.run_id} {last_change} {published.model.digest} {signature_keys}".encode()
        )
        cache_key = hashlib.sha256(cache_text).digest()
        with self._lock:
            if cache_key in self._views:
                self._views.move_to_end(cache_key)
                return self._views[cache_key]
        view = _build_view(connection, published, signature_keys, block_of)
        with self._lock:
            self._views[cache_key] = view
            while sum(v.scored.batch.n_pairs for v in self._views.values()) > self._max_pairs:
                if len(self._views) == 1:
                    break
                self._views.popitem(last=False)
        return view


def get_block_views(
    state: MutableMapping[str, Any], get_assigner: Callable[[], WorkAssigner]
) -> BlockViews:
    """Return the cache shared by all requests of a process, which ``state`` holds."""
    if "views" not in state:
        state["views"] = BlockViews(get_assigner())
    views: BlockViews = state["views"]
    return views


def warm_up(connection: Connection, assigner: WorkAssigner) -> bool:
    """Compare and cluster a few mentions to load compiled code before the first board needs it.

    Return whether there was anything to compare.
    """
    query = (
        select(Signature.key, Signature.block_key)
        .where(Signature.block_key.is_not(None), Signature.retired_version.is_(None))
        .order_by(Signature.key)
        .limit(MAX_WARM_UP)
    )
    by_block: dict[int, list[int]] = {}
    for key, block in connection.execute(query):
        if block is not None:
            by_block.setdefault(block, []).append(key)
    view = BlockViews(assigner).get(connection, max(by_block.values(), key=len, default=[]))
    if view is not None:
        view.cluster(view.apply_constraints(()))
    return view is not None


def expand_to_blocks(
    connection: Connection, signatures: Collection[int], max_mentions: int = MAX_COMPARED
) -> list[int]:
    """Return these signatures and, if they fit, all others of their blocks."""
    blocks = set(_read_blocks(connection, signatures).values())
    query = (
        select(Signature.key)
        .join(Membership, Membership.signature_key == Signature.key)
        .where(is_in(connection, Signature.block_key, blocks), Signature.retired_version.is_(None))
        .order_by(Signature.key)
        .limit(max_mentions + len(signatures))
    )
    signature_keys = list(signatures)
    other_keys = [key for key in connection.scalars(query) if key not in set(signature_keys)]
    # a partial block is compared differently from a complete one: then return only these
    return (
        signature_keys + other_keys
        if len(signature_keys) + len(other_keys) <= max_mentions
        else signature_keys
    )


def _read_blocks(connection: Connection, signatures: Iterable[int]) -> dict[int, int]:
    """Return the block of each signature that has one."""
    query = select(Signature.key, Signature.block_key).where(
        is_in(connection, Signature.key, signatures), Signature.retired_version.is_(None)
    )
    return {row[0]: row[1] for row in connection.execute(query) if row[1] is not None}


def _build_view(
    connection: Connection,
    published: PublishedModel,
    signature_keys: Sequence[int],
    block_of: Mapping[int, int],
) -> BlockView:
    from disambig.clustering.constraints import compile_constraints
    from disambig.corpus.corpus import Corpus
    from service.runs.full_run import index_corpus
    from service.works.read import read_works

    work_keys = connection.scalars(
        select(Signature.work_key)
        .where(is_in(connection, Signature.key, signature_keys))
        .distinct()
    )
    works = read_works(connection, work_keys)
    corpus = Corpus.from_works(works.values())
    work_number = {work: n for n, work in enumerate(corpus.work_ids)}
    start = corpus.author_start
    row_of = {}
    for key, signature in read_signatures(connection, signature_keys).items():
        n = work_number[signature.work]
        positions = corpus.signature_position[start[n] : start[n + 1]]
        offset = int(np.searchsorted(positions, signature.position))
        row_of[key] = int(start[n]) + offset
    by_block: dict[int, list[int]] = {}
    for key in signature_keys:
        by_block.setdefault(block_of[key], []).append(row_of[key])
    blocks = [np.array(sorted(rows), dtype=np.int32) for _, rows in sorted(by_block.items())]
    model = published.model
    index, _ = index_corpus(corpus, model, published.space, [published.statistics])
    scored = _score_blocks(index, model, blocks, compile_constraints(corpus, (), strict=False))
    key_of = {row: key for key, row in row_of.items()}
    row_keys = np.array([key_of[row] for row in scored.batch.rows.tolist()], dtype=np.int64)
    return BlockView(index, model, scored, row_keys, row_of)


def _score_blocks(
    index: CorpusIndex, model: Model, blocks: Sequence[Int32], constraints: Constraints
) -> ScoredPairs:
    """Score the pairs of some blocks under constraints."""
    from disambig.blocking.pairs import NamePairs
    from disambig.clustering.two_level import ScoredPairs, predict_pairs

    return ScoredPairs.score(
        index,
        NamePairs.compare(index, blocks).make_batch(0, len(blocks)),
        constraints,
        lambda columns: predict_pairs(model, columns, index.doublings),
    )
