"""Clustering only the blocks in which something has changed.

A block is taken if works in it were added, changed or decided about since a run that was
published; with it the blocks that published identities, decisions or ORCID iDs link it with, one
step far. These blocks are clustered as shards of a run are: by themselves, with the statistics of
the whole corpus.

The statistics are those of the last full run and of the works added since. What has changed in
works that were there before is not counted again; the next full run does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from service import artifacts, runs
from service.clustering import Engine, Found, basis, indexed
from service.database import Database, in_batches
from service.places import POSITIONS, Places, place_of
from service.sets import among
from service.tables import (
    Block,
    Decision,
    DecisionLink,
    Membership,
    Proposal,
    Signature,
    Work,
)

if TYPE_CHECKING:
    from disambig import domain
    from disambig.constraints import Constraints
    from disambig.corpus import Corpus
    from disambig.index import CorpusIndex
    from disambig.model import Model
    from disambig.statistics import Statistics

Int64 = npt.NDArray[np.int64]

MOST = 0.5
"""Share of all signatures from which on a full run is made instead."""
OUTDATED = 0.2
"""Share of works that may be newer than the statistics."""
KEYS_AT_ONCE = 10_000
IDS_AT_ONCE = 500


@dataclass(frozen=True, eq=False)
class Part:
    """What a run over some blocks reads in one state of the database."""

    places: Places
    works: dict[int, domain.Work]
    bound: list[domain.Work]
    decisions: list[domain.Constraint]
    newer: list[domain.Work]
    statistics_of: tuple[int, str]
    based_on: int
    blocks: int


def cluster_touched(
    database: Database, engine: Engine, since: int, run_key: int | None = None
) -> Found | None:
    """Cluster what has changed after an event; None where a full run is due instead.

    That is so if there are no statistics of a full run, if too many works are newer than them
    (:data:`OUTDATED`), if most signatures are concerned (:data:`MOST`), or if a full run is brought
    up to date that another model made.

    Parameters
    ----------
    run_key : int or None
        A run whose proposal is brought up to date: blocks that its groups link count too, and
        its own statistics are used if it has left any.

    Raises
    ------
    ConstraintError, ModelError
        Trying again would find the same.
    """
    model = engine.model()
    with engine.progress("Reading works", None, "works"), database.read() as connection:
        fits = run_key is None or _made_with(connection, run_key, model)
        part = _read(connection, since, run_key) if fits else None
    if part is None:
        return None
    index, work_keys, constraints = index_of(database, engine, model, part)
    corpus = index.corpus
    from disambig.estimator import cluster_index

    people = cluster_index(
        index, model, constraints, workers=engine.workers, progress=engine.progress
    )
    place = place_of(work_keys[corpus.signature_work], corpus.signature_position)
    numbers = {
        "works": corpus.n_works,
        "blocks": part.blocks,
        "since": since,
        "considered": people.considered,
        "scored": people.scored,
    }
    return Found(
        part.places.keys(place),
        people.identity,
        people.confidence,
        part.based_on,
        model.digest,
        False,
        None,
        constraints.problems,
        numbers,
    )


def index_of(
    database: Database, engine: Engine, model: Model, part: Part
) -> tuple[CorpusIndex, Int64, Constraints]:
    """Index of a part with the statistics of the whole, keys of its works, and what binds it."""
    corpus, work_keys = _corpus(part)
    constraints = _constraints(part, corpus)
    known = [artifacts.statistics(database, engine.settings.data, *part.statistics_of)]
    if part.newer:
        known.append(_counted(part.newer))
    with engine.progress("Indexing", None, "words"):
        index, _ = indexed(corpus, model, engine.space(model), known)
    return index, work_keys, constraints


def read_blocks(connection: Connection, blocks: Collection[int]) -> Part | None:
    """Read some blocks by themselves; None without a full run whose statistics are new enough."""
    known = _known(connection, None)
    if known is None:
        return None
    places = Places.read(connection, among(connection, Signature.block_key, blocks))
    return _part(connection, places, len(blocks), *known)


def touched_blocks(connection: Connection, since: int, run_key: int | None = None) -> set[int]:
    """Keys of the blocks to cluster again, those that are linked with them included."""
    found = set(connection.scalars(select(Block.key).where(Block.touched > since)))
    found |= _decided(connection, since)
    return found | _linked(connection, found, run_key)


def _read(connection: Connection, since: int, run_key: int | None) -> Part | None:
    known = _known(connection, run_key)
    if known is None:
        return None
    blocks = touched_blocks(connection, since, run_key)
    here = or_(
        among(connection, Signature.block_key, blocks),
        # a name without letters is compared with nothing, but has to be somewhere
        and_(
            Signature.block_key.is_(None),
            ~select(Membership.signature_key)
            .where(Membership.signature_key == Signature.key)
            .exists(),
        ),
    )
    places = Places.read(connection, here)
    signatures = connection.scalar(
        select(func.count()).select_from(Signature).where(Signature.retired_version.is_(None))
    )
    if len(places.key) > MOST * (signatures or 0):
        return None
    return _part(connection, places, len(blocks), *known)


def _made_with(connection: Connection, run_key: int, model: Model) -> bool:
    """Whether a full run was made with a model; others are no matter of one model."""
    row = runs.with_statistics(connection, run_key)
    return row is None or row.model == model.digest


def _known(connection: Connection, run_key: int | None) -> tuple[tuple[int, str], list[int]] | None:
    """The run whose statistics to use, and works that are newer; None where too many are."""
    statistics_of = _statistics_of(connection, run_key)
    if statistics_of is None:
        return None
    key, run_id, last_work = statistics_of
    total = connection.scalar(select(func.count()).select_from(Work)) or 0
    newer = list(connection.scalars(select(Work.key).where(Work.key > last_work)))
    return None if len(newer) > OUTDATED * total else ((key, run_id), newer)


def _part(
    connection: Connection,
    places: Places,
    blocks: int,
    statistics_of: tuple[int, str],
    newer: list[int],
) -> Part:
    from service.decisions import constraints_of
    from service.stored import works_by_key

    work_keys = np.unique(places.place >> POSITIONS).tolist()
    works: dict[int, domain.Work] = {}
    for some in in_batches(work_keys, KEYS_AT_ONCE):
        works.update(works_by_key(connection, some))
    decisions = constraints_of(connection, places.key.tolist())
    bound = [*works.values()]
    named = {end.work for decision in decisions for end in (decision.a, decision.b)}
    others = sorted(named - {work.id for work in bound})
    for low in range(0, len(others), IDS_AT_ONCE):
        ids = others[low : low + IDS_AT_ONCE]
        further = connection.scalars(select(Work.key).where(Work.id.in_(ids)))
        bound += works_by_key(connection, list(further)).values()
    added = list(works_by_key(connection, newer).values())
    return Part(places, works, bound, decisions, added, statistics_of, basis(connection), blocks)


def _statistics_of(connection: Connection, run_key: int | None) -> tuple[int, str, int] | None:
    """Key and id of the run whose statistics to use, and the last work they count."""
    row = None if run_key is None else runs.with_statistics(connection, run_key)
    row = row or runs.last_published(connection, full=True)
    if row is None:
        return None
    return row.key, row.id, int((row.summary or {}).get("last_work", 0))


def _decided(connection: Connection, since: int) -> set[int]:
    """Blocks of the mentions that decisions made or undone after an event are about."""
    links = (
        select(DecisionLink.a_key, DecisionLink.b_key)
        .join(Decision, Decision.key == DecisionLink.decision_key)
        .where(or_(Decision.event_seq > since, Decision.undone_seq > since))
    )
    ends = {key for row in connection.execute(links) for key in row}
    query = select(Signature.block_key).where(among(connection, Signature.key, ends)).distinct()
    return {key for key in connection.scalars(query) if key is not None}


def _linked(connection: Connection, blocks: Iterable[int], run_key: int | None) -> set[int]:
    """Blocks that share an identity, a decision, an ORCID iD or a proposed group with some."""
    here, there = aliased(Signature), aliased(Signature)
    mine, theirs = aliased(Membership), aliased(Membership)
    by_identity = (
        select(there.block_key)
        .select_from(here)
        .join(mine, mine.signature_key == here.key)
        .join(theirs, theirs.identity_key == mine.identity_key)
        .join(there, there.key == theirs.signature_key)
    )
    by_orcid = select(there.block_key).select_from(here).join(there, there.orcid == here.orcid)
    queries = [by_identity, by_orcid]
    for one, other in (("a_key", "b_key"), ("b_key", "a_key")):
        queries.append(
            select(there.block_key)
            .select_from(here)
            .join(DecisionLink, getattr(DecisionLink, one) == here.key)
            .join(Decision, Decision.key == DecisionLink.decision_key)
            .join(there, there.key == getattr(DecisionLink, other))
            .where(Decision.undone_seq.is_(None))
        )
    if run_key is not None:
        queries.append(_by_group(here, there, run_key))
    found: set[int] = set()
    for some in in_batches(sorted(blocks), KEYS_AT_ONCE):
        # every join leads through what is in these blocks, most of it back into them
        for query in queries:
            held = among(connection, here.block_key, some)
            rows = connection.scalars(
                query.where(held, there.block_key != here.block_key).distinct()
            )
            found.update(key for key in rows if key is not None)
    return found


def _by_group(here: type[Signature], there: type[Signature], run_key: int) -> Select[Any]:
    mine, theirs = aliased(Proposal), aliased(Proposal)
    return (
        select(there.block_key)
        .select_from(here)
        .join(mine, and_(mine.signature_key == here.key, mine.run_key == run_key))
        .join(theirs, and_(theirs.run_key == run_key, theirs.cluster == mine.cluster))
        .join(there, there.key == theirs.signature_key)
    )


def _corpus(part: Part) -> tuple[Corpus, Int64]:
    """The signatures of the part with all company of theirs, and keys of its works in order."""
    from disambig.corpus import Corpus
    from disambig.shards import corpus_of, shard_tables

    whole = Corpus.from_works(part.works.values())
    key_of = {work.id: key for key, work in part.works.items()}
    keys = np.array([key_of[i] for i in whole.work_ids], dtype=np.int64)
    place = place_of(keys[whole.signature_work], whole.signature_position)
    outside = (~np.isin(place, part.places.place)).astype(np.int64)
    corpus = corpus_of(shard_tables(whole, outside, 2)[0])
    return corpus, np.array([key_of[i] for i in corpus.work_ids], dtype=np.int64)


def _constraints(part: Part, corpus: Corpus) -> Constraints:
    """Decisions and identifiers, from wherever they are, as they bear on the corpus."""
    from disambig.constraints import compile_constraints
    from disambig.corpus import Corpus
    from disambig.staging import bound_part

    named = frozenset(end for d in part.decisions for end in (d.a, d.b))
    light = (bound_part(work, named) for work in part.bound)
    bound = Corpus.from_works(work for work in light if work is not None)
    return compile_constraints(bound, part.decisions, strict=False).on(bound, corpus)


def _counted(works: Sequence[domain.Work]) -> Statistics:
    from disambig.corpus import Corpus
    from disambig.index import company_of, terms_of
    from disambig.statistics import Statistics

    corpus = Corpus.from_works(works)
    return Statistics.of(company_of(corpus), terms_of(corpus))
