"""Incremental runs: cluster only the blocks that changed.

A block is included if works or decisions in it were added or changed since a published run; so
are the blocks that published identities, decisions or ORCID iDs link with it, one step away.
These blocks are clustered separately, like the shards of a run, with the statistics of the whole
corpus.

The statistics are those of the last full run plus the works added since. Changes to works that
existed before are not recounted until the next full run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from disambig.arrays import Int64
from disambig.domain import POSITION_BITS
from service.db.bulk import is_in
from service.db.database import Database, split_keys
from service.db.tables import Block, Decision, DecisionLink, Membership, Proposal, Signature, Work
from service.runs import artifacts
from service.runs import store as run_store
from service.runs.full_run import ClusteringResult, Engine, index_corpus, read_last_event
from service.works.read import SignatureKeys, signature_place_key

if TYPE_CHECKING:
    from disambig import domain
    from disambig.clustering.constraints import Constraints
    from disambig.corpus.corpus import Corpus
    from disambig.corpus.index import CorpusIndex
    from disambig.corpus.statistics import Statistics
    from disambig.model.model import Model


MAX_TOUCHED_SHARE = 0.5
"""Largest share of all signatures for an incremental run; above it a full run is due."""
MAX_NEWER_SHARE = 0.2
"""Largest share of works that may be newer than the statistics."""
KEYS_AT_ONCE = 10_000
IDS_AT_ONCE = 500


@dataclass(frozen=True, eq=False)
class BlockSnapshot:
    """What a run over some blocks reads in one snapshot of the database."""

    signature_keys: SignatureKeys
    works: dict[int, domain.Work]
    constrained_works: list[domain.Work]
    decisions: list[domain.Constraint]
    newer_works: list[domain.Work]
    statistics_run: tuple[int, str]
    based_on: int
    n_blocks: int


def cluster_touched(
    database: Database, engine: Engine, since: int, run_key: int | None = None
) -> ClusteringResult | None:
    """Cluster the blocks that changed after an event; return None if a full run is due.

    A full run is due if there are no statistics of a full run, if too many works are newer than
    them (:data:`MAX_NEWER_SHARE`), if most signatures are affected (:data:`MAX_TOUCHED_SHARE`), or
    if the full run to rebase was made with another model.

    Parameters
    ----------
    run_key : int or None
        A run to rebase: blocks that its proposed groups link are included, and its own
        statistics are used if it has stored any.

    Raises
    ------
    ConstraintError, ModelError
        Permanent: a retry would fail in the same way.
    """
    model = engine.load_model()
    with engine.progress("Reading works", None, "works"), database.read() as connection:
        is_compatible = run_key is None or _is_made_with(connection, run_key, model)
        snapshot = _read_touched(connection, since, run_key) if is_compatible else None
    if snapshot is None:
        return None
    index, work_keys, constraints = index_snapshot(database, engine, model, snapshot)
    corpus = index.corpus
    from disambig.estimator import cluster_index

    partition = cluster_index(
        index, model, constraints, workers=engine.workers, progress=engine.progress
    )
    place_key = signature_place_key(work_keys[corpus.signature_work], corpus.signature_position)
    counts = {
        "works": corpus.n_works,
        "blocks": snapshot.n_blocks,
        "since": since,
        "considered": partition.considered,
        "scored": partition.scored,
    }
    return ClusteringResult(
        snapshot.signature_keys.look_up(place_key),
        partition.identity,
        partition.confidence,
        snapshot.based_on,
        model.digest,
        False,
        None,
        constraints.problems,
        counts,
    )


def index_snapshot(
    database: Database, engine: Engine, model: Model, snapshot: BlockSnapshot
) -> tuple[CorpusIndex, Int64, Constraints]:
    """Return the index of a snapshot with corpus-wide statistics, its work keys, constraints."""
    corpus, work_keys = _build_corpus(snapshot)
    constraints = _compile_constraints(snapshot, corpus)
    statistics = [
        artifacts.open_statistics(database, engine.settings.data, *snapshot.statistics_run)
    ]
    if snapshot.newer_works:
        statistics.append(_compute_statistics(snapshot.newer_works))
    with engine.progress("Indexing", None, "words"):
        index, _ = index_corpus(corpus, model, engine.load_space(model), statistics)
    return index, work_keys, constraints


def read_blocks(connection: Connection, blocks: Collection[int]) -> BlockSnapshot | None:
    """Read only these blocks; return None without a full run of recent enough statistics."""
    basis = _find_basis(connection, None)
    if basis is None:
        return None
    signature_keys = SignatureKeys.read(connection, is_in(connection, Signature.block_key, blocks))
    return _read_snapshot(connection, signature_keys, len(blocks), *basis)


def find_blocks_to_cluster(
    connection: Connection, since: int, run_key: int | None = None
) -> set[int]:
    """Return keys of the blocks to cluster again, including the blocks linked with them."""
    touched_blocks = set(connection.scalars(select(Block.key).where(Block.touched > since)))
    touched_blocks |= _find_decided_blocks(connection, since)
    return touched_blocks | _find_linked_blocks(connection, touched_blocks, run_key)


def _read_touched(connection: Connection, since: int, run_key: int | None) -> BlockSnapshot | None:
    basis = _find_basis(connection, run_key)
    if basis is None:
        return None
    blocks = find_blocks_to_cluster(connection, since, run_key)
    in_scope = or_(
        is_in(connection, Signature.block_key, blocks),
        # a name without letters has no candidate pairs, but needs an identity
        and_(
            Signature.block_key.is_(None),
            ~select(Membership.signature_key)
            .where(Membership.signature_key == Signature.key)
            .exists(),
        ),
    )
    signature_keys = SignatureKeys.read(connection, in_scope)
    n_signatures = connection.scalar(
        select(func.count()).select_from(Signature).where(Signature.retired_version.is_(None))
    )
    if len(signature_keys.key) > MAX_TOUCHED_SHARE * (n_signatures or 0):
        return None
    return _read_snapshot(connection, signature_keys, len(blocks), *basis)


def _is_made_with(connection: Connection, run_key: int, model: Model) -> bool:
    """Whether a run was made with a model; True for a run without statistics."""
    row = run_store.get_run_with_statistics(connection, run_key)
    return row is None or row.model == model.digest


def _find_basis(
    connection: Connection, run_key: int | None
) -> tuple[tuple[int, str], list[int]] | None:
    """Return the run whose statistics to use, and newer works; None if these are too many."""
    run = _find_statistics_run(connection, run_key)
    if run is None:
        return None
    key, run_id, last_work = run
    total = connection.scalar(select(func.count()).select_from(Work)) or 0
    newer_keys = list(connection.scalars(select(Work.key).where(Work.key > last_work)))
    return None if len(newer_keys) > MAX_NEWER_SHARE * total else ((key, run_id), newer_keys)


def _read_snapshot(
    connection: Connection,
    signature_keys: SignatureKeys,
    n_blocks: int,
    statistics_run: tuple[int, str],
    newer_keys: list[int],
) -> BlockSnapshot:
    from service.constraints.store import read_constraints
    from service.works.read import read_works

    work_keys = np.unique(signature_keys.place_key >> POSITION_BITS).tolist()
    works: dict[int, domain.Work] = {}
    for key_chunk in split_keys(work_keys, KEYS_AT_ONCE):
        works.update(read_works(connection, key_chunk))
    decisions = read_constraints(connection, signature_keys.key.tolist())
    constrained_works = [*works.values()]
    constrained_ids = {end.work for decision in decisions for end in (decision.a, decision.b)}
    other_ids = sorted(constrained_ids - {work.id for work in constrained_works})
    for low in range(0, len(other_ids), IDS_AT_ONCE):
        ids = other_ids[low : low + IDS_AT_ONCE]
        other_keys = connection.scalars(select(Work.key).where(Work.id.in_(ids)))
        constrained_works += read_works(connection, list(other_keys)).values()
    newer_works = list(read_works(connection, newer_keys).values())
    return BlockSnapshot(
        signature_keys,
        works,
        constrained_works,
        decisions,
        newer_works,
        statistics_run,
        read_last_event(connection),
        n_blocks,
    )


def _find_statistics_run(
    connection: Connection, run_key: int | None
) -> tuple[int, str, int] | None:
    """Return key and id of the run whose statistics to use, and the last work they count."""
    row = None if run_key is None else run_store.get_run_with_statistics(connection, run_key)
    row = row or run_store.get_last_published(connection, full=True)
    if row is None:
        return None
    return row.key, row.id, int((row.summary or {}).get("last_work", 0))


def _find_decided_blocks(connection: Connection, since: int) -> set[int]:
    """Return blocks of the signatures of decisions made or undone after an event."""
    links = (
        select(DecisionLink.a_key, DecisionLink.b_key)
        .join(Decision, Decision.key == DecisionLink.decision_key)
        .where(or_(Decision.event_seq > since, Decision.undone_seq > since))
    )
    signature_keys = {key for row in connection.execute(links) for key in row}
    query = (
        select(Signature.block_key)
        .where(is_in(connection, Signature.key, signature_keys))
        .distinct()
    )
    return {key for key in connection.scalars(query) if key is not None}


def _find_linked_blocks(
    connection: Connection, blocks: Iterable[int], run_key: int | None
) -> set[int]:
    """Return blocks that share an identity, decision, ORCID iD or proposed group with blocks."""
    signature, linked = aliased(Signature), aliased(Signature)
    membership, linked_membership = aliased(Membership), aliased(Membership)
    by_identity = (
        select(linked.block_key)
        .select_from(signature)
        .join(membership, membership.signature_key == signature.key)
        .join(linked_membership, linked_membership.identity_key == membership.identity_key)
        .join(linked, linked.key == linked_membership.signature_key)
    )
    by_orcid = (
        select(linked.block_key)
        .select_from(signature)
        .join(linked, linked.orcid == signature.orcid)
    )
    queries = [by_identity, by_orcid]
    for near_end, far_end in (("a_key", "b_key"), ("b_key", "a_key")):
        queries.append(
            select(linked.block_key)
            .select_from(signature)
            .join(DecisionLink, getattr(DecisionLink, near_end) == signature.key)
            .join(Decision, Decision.key == DecisionLink.decision_key)
            .join(linked, linked.key == getattr(DecisionLink, far_end))
            .where(Decision.undone_seq.is_(None))
        )
    if run_key is not None:
        queries.append(_select_by_group(signature, linked, run_key))
    linked_blocks: set[int] = set()
    for block_chunk in split_keys(sorted(blocks), KEYS_AT_ONCE):
        # most rows of each join lead back into the same block
        for query in queries:
            in_batch = is_in(connection, signature.block_key, block_chunk)
            rows = connection.scalars(
                query.where(in_batch, linked.block_key != signature.block_key).distinct()
            )
            linked_blocks.update(key for key in rows if key is not None)
    return linked_blocks


def _select_by_group(
    signature: type[Signature], linked: type[Signature], run_key: int
) -> Select[Any]:
    proposal, linked_proposal = aliased(Proposal), aliased(Proposal)
    return (
        select(linked.block_key)
        .select_from(signature)
        .join(proposal, and_(proposal.signature_key == signature.key, proposal.run_key == run_key))
        .join(
            linked_proposal,
            and_(linked_proposal.run_key == run_key, linked_proposal.cluster == proposal.cluster),
        )
        .join(linked, linked.key == linked_proposal.signature_key)
    )


def _build_corpus(snapshot: BlockSnapshot) -> tuple[Corpus, Int64]:
    """Build the corpus of a snapshot with all co-authors; return it and its work keys, int64[n]."""
    from disambig.corpus.corpus import Corpus
    from disambig.out_of_core.shards import make_corpus, make_shard_tables

    full_corpus = Corpus.from_works(snapshot.works.values())
    key_of = {work.id: key for key, work in snapshot.works.items()}
    keys = np.array([key_of[i] for i in full_corpus.work_ids], dtype=np.int64)
    place_key = signature_place_key(
        keys[full_corpus.signature_work], full_corpus.signature_position
    )
    outside = (~np.isin(place_key, snapshot.signature_keys.place_key)).astype(np.int64)
    corpus = make_corpus(make_shard_tables(full_corpus, outside, 2)[0])
    return corpus, np.array([key_of[i] for i in corpus.work_ids], dtype=np.int64)


def _compile_constraints(snapshot: BlockSnapshot, corpus: Corpus) -> Constraints:
    """Compile the constraints on the corpus, also those that lead through works outside it."""
    from disambig.clustering.constraints import compile_constraints
    from disambig.corpus.corpus import Corpus
    from disambig.out_of_core.staging import select_constrained_authors

    constrained = frozenset(end for d in snapshot.decisions for end in (d.a, d.b))
    light_works = (
        select_constrained_authors(work, constrained) for work in snapshot.constrained_works
    )
    constrained_corpus = Corpus.from_works(work for work in light_works if work is not None)
    return compile_constraints(constrained_corpus, snapshot.decisions, strict=False).transfer(
        constrained_corpus, corpus
    )


def _compute_statistics(works: Sequence[domain.Work]) -> Statistics:
    from disambig.corpus.corpus import Corpus
    from disambig.corpus.index import get_coauthor_keys, tokenise_corpus
    from disambig.corpus.statistics import Statistics

    corpus = Corpus.from_works(works)
    return Statistics.count(corpus, get_coauthor_keys(corpus), tokenise_corpus(corpus))
