"""Cluster all stored works into a proposed partition.

Works, decisions and signature keys are read in one snapshot of the database. The result is plain
arrays; :mod:`service.publication.proposals` stores them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, func, select

from disambig.arrays import Float32, Int32, Int64
from disambig.domain import POSITION_BITS
from service.db.database import Database
from service.db.tables import State, Work, WorkVersion
from service.settings import Settings
from service.works.read import SignatureKeys, signature_place_key

if TYPE_CHECKING:
    from disambig import domain
    from disambig.corpus.corpus import Corpus
    from disambig.corpus.embeddings import SemanticSpace
    from disambig.corpus.index import CorpusIndex
    from disambig.corpus.statistics import Statistics
    from disambig.model.model import Model
    from disambig.progress import Progress


@dataclass(frozen=True, eq=False)
class ClusteringResult:
    """A proposed partition.

    Attributes
    ----------
    signature : int64[n]
        Signature keys.
    cluster : int32[n]
        Numbered from 0.
    confidence : float32[n]
    based_on : int
        Sequence number of the last event in the snapshot that was read.
    model : str
        Digest of the model.
    is_complete : bool
        Whether the partition covers all signatures.
    statistics : Path or None
        Folder of the corpus statistics, for later runs.
    problems : tuple of str
        Decisions and identifiers that could not be applied, with the reason.
    counts : dict of str to int
        Counts for the run's summary.
    """

    signature: Int64
    cluster: Int32
    confidence: Float32
    based_on: int
    model: str
    is_complete: bool
    statistics: Path | None = None
    problems: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Engine:
    """What every run needs: the settings, and the progress report."""

    settings: Settings
    progress: Progress

    @property
    def workers(self) -> int:
        """Number of worker processes."""
        return self.settings.workers or os.cpu_count() or 1

    def load_model(self) -> Model:
        """Load the model of the settings; check its features against this version.

        Raises
        ------
        ModelError
        """
        from disambig.clustering.batch import check_model
        from disambig.model.model import Model

        model = Model.load(self.settings.model)
        check_model(model)
        return model

    def load_space(self, model: Model) -> SemanticSpace:
        """Load the semantic space that the model was fitted with.

        Raises
        ------
        ModelError
        """
        from disambig.corpus.embeddings import SemanticSpace

        space = SemanticSpace.load()
        model.check_space(space.fingerprint)
        return space


def read_last_event(connection: Connection) -> int:
    """Return the sequence number of the last event that a connection sees."""
    return connection.scalars(select(State.sequence)).one()


def measure_works(connection: Connection) -> tuple[int, int]:
    """Return the number of works, and of characters of their records."""
    row = connection.execute(
        select(func.count(), func.sum(func.length(WorkVersion.record)))
        .select_from(Work)
        .join(
            WorkVersion,
            (WorkVersion.work_key == Work.key) & (WorkVersion.version == Work.version),
        )
    ).one()
    return row[0], int(row[1] or 0)


def cluster_all(database: Database, engine: Engine, folder: Path, name: str) -> ClusteringResult:
    """Cluster all works: in memory if they fit, else out-of-core.

    Parameters
    ----------
    folder : Path
        Folder of this run alone; created if missing. An interrupted run resumes from its files.
    name : str
        Id of the run; the folder of another run is emptied.

    Raises
    ------
    ConstraintError, ModelError
        Permanent: a retry would fail in the same way.
    """
    from disambig.out_of_core.budget import plan_for_size

    folder.mkdir(parents=True, exist_ok=True)
    model = engine.load_model()
    staged_shards = _find_staged_shards(folder, name, model)
    if staged_shards is not None:
        return _resume(engine, folder, name, model, staged_shards)
    with database.read() as connection:
        works, characters = measure_works(connection)
        plan = plan_for_size(characters, engine.settings.memory, engine.workers)
        if plan.shards is not None:
            _stage_works(connection, engine, folder, name, model, (works, plan.shards))
        else:
            reader = _WorkReader(connection, engine, works)
            corpus = reader.read_corpus()
            signature_keys, based_on, decisions = reader.read_keys_and_decisions()
    if plan.shards is not None:
        return _resume(engine, folder, name, model, plan.shards)
    return _cluster_in_memory(
        engine, folder, model, corpus, reader.work_keys, signature_keys, based_on, decisions
    )


class _WorkReader:
    """Iterate all works of one database snapshot once; record keys and ids in that order."""

    def __init__(self, connection: Connection, engine: Engine, works: int) -> None:
        self.connection, self.engine, self.works = connection, engine, works
        self.keys: list[int] = []
        self.ids: list[str] = []

    def __iter__(self) -> Iterator[domain.Work]:
        from service.works.read import iterate_works

        with self.engine.progress("Reading works", self.works, "works") as advance:
            for key, work in iterate_works(self.connection):
                self.keys.append(key)
                self.ids.append(work.id)
                yield work
                advance(1)

    def read_corpus(self) -> Corpus:
        from disambig.corpus.corpus import Corpus
        from disambig.processes import no_collector

        with no_collector():
            return Corpus.from_works(self)

    @property
    def work_keys(self) -> Int64:
        """Keys of the works, sorted by id as in a corpus; int64[n]."""
        order = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        return np.array(self.keys, dtype=np.int64)[order]

    def read_keys_and_decisions(self) -> tuple[SignatureKeys, int, list[domain.Constraint]]:
        """Read signature keys, the last event, and the constraints of decisions."""
        from service.constraints.store import read_constraints

        signature_keys = SignatureKeys.read(self.connection)
        return signature_keys, read_last_event(self.connection), read_constraints(self.connection)


def _cluster_in_memory(
    engine: Engine,
    folder: Path,
    model: Model,
    corpus: Corpus,
    work_keys: Int64,
    signature_keys: SignatureKeys,
    based_on: int,
    decisions: list[domain.Constraint],
) -> ClusteringResult:
    from disambig.clustering.constraints import compile_constraints
    from disambig.estimator import cluster_index
    from disambig.out_of_core.staging import save_statistics

    space = engine.load_space(model)
    constraints = compile_constraints(corpus, decisions, strict=False)
    with engine.progress("Indexing", None, "words"):
        index, statistics = index_corpus(corpus, model, space, None)
    partition = cluster_index(
        index, model, constraints, workers=engine.workers, progress=engine.progress
    )
    statistics_folder = folder / "statistics"
    shutil.rmtree(statistics_folder, ignore_errors=True)
    save_statistics(statistics, statistics_folder)
    place_key = signature_place_key(work_keys[corpus.signature_work], corpus.signature_position)
    return ClusteringResult(
        signature_keys.look_up(place_key),
        partition.identity,
        partition.confidence,
        based_on,
        model.digest,
        True,
        statistics_folder,
        partition.problems,
        _count(partition, work_keys),
    )


def index_corpus(
    corpus: Corpus, model: Model, space: SemanticSpace, part_statistics: list[Statistics] | None
) -> tuple[CorpusIndex, Statistics]:
    """Index a corpus; return the index and the statistics that weigh it.

    Parameters
    ----------
    part_statistics : list of Statistics or None
        Statistics of the parts of the larger corpus that contains this one; None if it is whole.
    """
    from disambig.corpus.contents import Contents
    from disambig.corpus.index import CorpusIndex, get_coauthor_keys, tokenise_corpus
    from disambig.corpus.statistics import Statistics

    terms, coauthors = tokenise_corpus(corpus), get_coauthor_keys(corpus)
    contents = Contents.from_corpus(corpus, coauthors, terms, space, model.frequency)
    if part_statistics is None:
        statistics = Statistics.count(corpus, coauthors, terms)
    else:
        statistics = Statistics.sum(contents.select_statistics(part) for part in part_statistics)
    return CorpusIndex.from_contents(contents, statistics), statistics


def _count(partition: Any, work_keys: Int64) -> dict[str, int]:
    return {
        "works": len(work_keys),
        "last_work": int(work_keys.max(initial=0)),
        "considered": int(partition.considered),
        "scored": int(partition.scored),
    }


def _fingerprint(name: str, model: Model) -> str:
    from importlib.metadata import version

    return f"{name} {model.digest} {version('disambig')}"


def _find_staged_shards(folder: Path, name: str, model: Model) -> int | None:
    """Return the number of shards if the run was interrupted after staging its works."""
    from disambig.errors import InputError
    from disambig.out_of_core.run import find_interrupted_run

    if not (folder / "snapshot.json").is_file():
        return None
    try:
        return find_interrupted_run(folder / "shards", _fingerprint(name, model))
    except InputError:  # staged by another model or version: start again
        return None


def _stage_works(
    connection: Connection,
    engine: Engine,
    folder: Path,
    name: str,
    model: Model,
    size: tuple[int, int],
) -> None:
    """Write works, signature keys and decisions of one snapshot to disk."""
    from disambig.ingest import ReadReport
    from disambig.out_of_core.run import LargeRun

    shutil.rmtree(folder)
    folder.mkdir()
    works, shards = size
    reader = _WorkReader(connection, engine, works)
    signature_keys, based_on, decisions = reader.read_keys_and_decisions()
    run = LargeRun(
        folder / "shards",
        _fingerprint(name, model),
        shards,
        engine.settings.model,
        decisions,
        workers=engine.workers,
        progress=engine.progress,
    )
    run.stage(reader, lambda: ReadReport(works, works, 0, 0, 0, 0, (), ()))
    np.save(folder / "place.npy", signature_keys.place_key)
    np.save(folder / "key.npy", signature_keys.key)
    np.save(folder / "work.npy", np.array(reader.keys, dtype=np.int64))
    snapshot = {"based_on": based_on, "decisions": [_to_json(d) for d in decisions]}
    temporary_file = folder / "snapshot.part"
    temporary_file.write_text(json.dumps(snapshot), encoding="utf-8")
    temporary_file.rename(folder / "snapshot.json")


def _resume(engine: Engine, folder: Path, name: str, model: Model, shards: int) -> ClusteringResult:
    """Cluster staged works; skip shards that are done."""
    from disambig.out_of_core.run import LargeRun
    from disambig.out_of_core.staging import rank_works

    snapshot = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    run = LargeRun(
        folder / "shards",
        _fingerprint(name, model),
        shards,
        engine.settings.model,
        [_from_json(d) for d in snapshot["decisions"]],
        workers=engine.workers,
        progress=engine.progress,
    )
    partition = run.cluster()
    keys_as_staged = np.load(folder / "work.npy")
    work_keys = np.empty_like(keys_as_staged)
    work_keys[rank_works(folder / "shards")[0]] = keys_as_staged
    position = partition.rows.key & ((1 << POSITION_BITS) - 1)
    signature_keys = SignatureKeys(np.load(folder / "place.npy"), np.load(folder / "key.npy"))
    return ClusteringResult(
        signature_keys.look_up(signature_place_key(work_keys[partition.rows.work], position)),
        partition.identity,
        partition.confidence,
        snapshot["based_on"],
        model.digest,
        True,
        folder / "shards" / "statistics",
        partition.problems,
        _count(partition, work_keys),
    )


def _to_json(decision: domain.Constraint) -> list[Any]:
    a, b = decision.a, decision.b
    return [decision.kind.value, a.work, a.position, b.work, b.position, decision.source]


def _from_json(values: list[Any]) -> domain.Constraint:
    from disambig.domain import Constraint, ConstraintKind, Signature

    kind, a, at, b, bt, source = values
    return Constraint(ConstraintKind(kind), Signature(a, at), Signature(b, bt), source)
