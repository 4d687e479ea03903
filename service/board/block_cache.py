"""Blocks as the engine sees them, kept in memory while somebody works on them.

What the engine compares does not depend on what people decide: features and probabilities of
pairs are computed once, and each arrangement only groups them anew under its constraints.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection, func, select

from disambig.arrays import Int32, Int64
from service.db.bulk import is_in
from service.db.tables import Block, Membership, Signature, Work

if TYPE_CHECKING:
    from disambig import domain
    from disambig.clustering.two_level import ScoredPairs
    from disambig.corpus.corpus import Corpus
    from disambig.corpus.index import CorpusIndex
    from disambig.model.model import Model
    from service.assignment.assign import WorkAssigner


MAX_MENTIONS = 800
"""Mentions that are compared with each other for one board."""
MAX_WARM_UP = 1_000
"""Mentions of which some are compared to warm up."""
MAX_PAIRS = 1_000_000
"""Pairs that are kept in memory for all boards of a process, at about 250 bytes each."""


@dataclass(frozen=True, eq=False)
class BlockView:
    """Some mentions, scored; rows of ``scored.batch`` are counted as *places*.

    Attributes
    ----------
    index : CorpusIndex
        Of all works of the mentions, weighed with the statistics of the last full run.
    model : Model
    scored : Scored
        Under no constraints but those of identifiers.
    signature : int64[R]
        Key of the mention at each place.
    row_of : dict of int to int
        Row of the corpus, by signature key, of all mentions of these works that were looked up.
    """

    index: CorpusIndex
    model: Model
    scored: ScoredPairs
    signature: Int64
    row_of: Mapping[int, int]

    @property
    def corpus(self) -> Corpus:
        """Of all works of the mentions."""
        return self.index.corpus

    def apply_constraints(self, constraints: Iterable[domain.Constraint]) -> ScoredPairs:
        """The same pairs under what people state; statements that cannot hold are left out."""
        from disambig.clustering.constraints import compile_constraints
        from disambig.clustering.two_level import BatchConstraints

        known = set(self.corpus.work_ids)
        stated = [c for c in constraints if c.a.work in known and c.b.work in known]
        compiled = compile_constraints(self.corpus, stated, strict=False)
        return replace(self.scored, bonds=BatchConstraints.of(self.scored.batch, compiled))

    def group_first_level(self, scored: ScoredPairs) -> Int32:
        """Group of the first level at each place: mentions that surely belong together."""
        return scored.first_level(self.model.first_level(self.index.doublings))

    def cluster(self, scored: ScoredPairs) -> Int32:
        """Identity at each place, as a run finds them; int32[R]."""
        from disambig.clustering.two_level import grouped

        return grouped(scored, self.model)


class BlockViews:
    """The views of a process, the least recently used given up first; safe between threads."""

    def __init__(self, placer: WorkAssigner, pairs: int = MAX_PAIRS) -> None:
        """``placer`` holds the model and the statistics."""
        self.placer = placer
        self._pairs = pairs
        self._kept: OrderedDict[bytes, BlockView] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, connection: Connection, signatures: Sequence[int]) -> BlockView | None:
        """The mentions, compared with each other block by block.

        Parameters
        ----------
        signatures : sequence of int
            Keys, the most relevant first; :data:`MOST` are compared.

        Returns
        -------
        BlockView or None
            None where no run was published yet, or no two of them are of one block.
        """
        known = self.placer.known(connection)
        if known is None:
            return None
        block = _blocks(connection, signatures)
        chosen = sorted([s for s in signatures if s in block][:MAX_MENTIONS])
        if len(chosen) < 2:
            return None
        touched = connection.scalar(
            select(func.max(Block.touched)).where(
                is_in(connection, Block.key, {block[s] for s in chosen})
            )
        )
        told = f"{known.run_id} {touched} {known.model.digest} {chosen}".encode()
        name = hashlib.sha256(told).digest()
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        view = _view(connection, known, chosen, block)
        with self._lock:
            self._kept[name] = view
            while sum(v.scored.batch.n_pairs for v in self._kept.values()) > self._pairs:
                if len(self._kept) == 1:
                    break
                self._kept.popitem(last=False)
        return view


def warm_up(connection: Connection, placer: WorkAssigner) -> bool:
    """Compare and group a few mentions, and forget them: what is compiled is loaded by the first
    use of it, which takes longer than any board; whether there was anything to compare."""
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
    view = BlockViews(placer).get(connection, max(by_block.values(), key=len, default=[]))
    if view is not None:
        view.cluster(view.apply_constraints(()))
    return view is not None


def expand_to_blocks(
    connection: Connection, signatures: Collection[int], most: int = MAX_MENTIONS
) -> list[int]:
    """These mentions, and others of their blocks as far as there is room for them."""
    blocks = set(_blocks(connection, signatures).values())
    query = (
        select(Signature.key)
        .join(Membership, Membership.signature_key == Signature.key)
        .where(is_in(connection, Signature.block_key, blocks), Signature.retired_version.is_(None))
        .order_by(Signature.key)
        .limit(most + len(signatures))
    )
    found = list(signatures)
    others = [key for key in connection.scalars(query) if key not in set(found)]
    # a part of a block is compared otherwise than all of it; then only these are
    return found + others if len(found) + len(others) <= most else found


def _blocks(connection: Connection, signatures: Iterable[int]) -> dict[int, int]:
    """Block of each mention that is in one."""
    query = select(Signature.key, Signature.block_key).where(
        is_in(connection, Signature.key, signatures), Signature.retired_version.is_(None)
    )
    return {row[0]: row[1] for row in connection.execute(query) if row[1] is not None}


def _view(
    connection: Connection, known: object, chosen: Sequence[int], block: Mapping[int, int]
) -> BlockView:
    from disambig.blocking.pairs import NamePairs
    from disambig.clustering.constraints import compile_constraints
    from disambig.clustering.two_level import ScoredPairs, pair_probabilities
    from disambig.corpus.corpus import Corpus
    from service.runs.full_run import index_corpus
    from service.works.read import read_works

    places = {
        row[0]: (row[1], row[2])
        for row in connection.execute(
            select(Signature.key, Work.id, Signature.position)
            .join(Work, Work.key == Signature.work_key)
            .where(is_in(connection, Signature.key, chosen))
        )
    }
    work_keys = connection.scalars(
        select(Signature.work_key).where(is_in(connection, Signature.key, chosen)).distinct()
    )
    works = read_works(connection, work_keys)
    corpus = Corpus.from_works(works.values())
    number = {work: n for n, work in enumerate(corpus.work_ids)}
    start = corpus.author_start
    row_of = {}
    for key, (work, position) in places.items():
        n = number[work]
        here = corpus.signature_position[start[n] : start[n + 1]]
        at = int(np.searchsorted(here, position))
        row_of[key] = int(start[n]) + at
    by_block: dict[int, list[int]] = {}
    for key in chosen:
        by_block.setdefault(block[key], []).append(row_of[key])
    blocks = [np.array(sorted(rows), dtype=np.int32) for _, rows in sorted(by_block.items())]
    model = known.model  # type: ignore[attr-defined]
    index, _ = index_corpus(corpus, model, known.space, [known.statistics])  # type: ignore[attr-defined]
    batch = NamePairs.of(index, blocks).batch(0, len(blocks))
    scored = ScoredPairs.of(
        index,
        batch,
        compile_constraints(corpus, (), strict=False),
        lambda columns: pair_probabilities(model, columns, index.doublings),
    )
    key_of = {row: key for key, row in row_of.items()}
    signature = np.array([key_of[row] for row in batch.rows.tolist()], dtype=np.int64)
    return BlockView(index, model, scored, signature, row_of)
