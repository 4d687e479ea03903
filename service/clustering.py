"""From stored works to a proposed partition: all of them, or the blocks that have changed.

Works, decisions and keys of signatures are read in one state of the database. What is found is
plain arrays; :mod:`service.proposals` stores them.
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
import numpy.typing as npt
from sqlalchemy import Connection, func, select

from service.database import Database
from service.places import POSITIONS, Places, place_of
from service.settings import Settings
from service.tables import State, Work, WorkVersion

if TYPE_CHECKING:
    from disambig import domain
    from disambig.corpus import Corpus
    from disambig.index import CorpusIndex
    from disambig.model import Model
    from disambig.progress import Progress
    from disambig.semantic import SemanticSpace
    from disambig.statistics import Statistics

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Found:
    """A proposed partition.

    Attributes
    ----------
    signature : int64[n]
        Keys.
    cluster : int32[n]
        Numbered from 0.
    confidence : float32[n]
    based_on : int
        Number of the last event that was seen.
    model : str
        Digest of the model.
    whole : bool
        Whether these are all signatures there were.
    statistics : Path or None
        Folder of the corpus's statistics, for later runs.
    problems : tuple of str
        Decisions and identifiers that could not be obeyed, and why.
    numbers : dict of str to int
        Counts for the run's summary.
    """

    signature: Int64
    cluster: Int32
    confidence: Float32
    based_on: int
    model: str
    whole: bool
    statistics: Path | None = None
    problems: tuple[str, ...] = ()
    numbers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Engine:
    """What every run needs: the settings, and who is told how far it is."""

    settings: Settings
    progress: Progress

    @property
    def workers(self) -> int:
        """Processes."""
        return self.settings.workers or os.cpu_count() or 1

    def model(self) -> Model:
        """The model of the settings, checked against this version and the space that ships.

        Raises
        ------
        ModelError
        """
        from disambig.group_features import GROUP_FEATURES
        from disambig.model import Model
        from disambig.pair_features import PAIR_FEATURES

        model = Model.load(self.settings.model)
        model.check_features(PAIR_FEATURES, GROUP_FEATURES)
        return model

    def space(self, model: Model) -> SemanticSpace:
        """The semantic space that the model was fitted with.

        Raises
        ------
        ModelError
        """
        from disambig.semantic import SemanticSpace

        space = SemanticSpace.load()
        model.check_space(space.fingerprint)
        return space


def basis(connection: Connection) -> int:
    """Number of the last event that a connection sees."""
    return connection.scalars(select(State.sequence)).one()


def size_of(connection: Connection) -> tuple[int, int]:
    """Number of works, and of characters of their records."""
    row = connection.execute(
        select(func.count(), func.sum(func.length(WorkVersion.record)))
        .select_from(Work)
        .join(
            WorkVersion,
            (WorkVersion.work_key == Work.key) & (WorkVersion.version == Work.version),
        )
    ).one()
    return row[0], int(row[1] or 0)


def cluster_all(database: Database, engine: Engine, folder: Path, name: str) -> Found:
    """Cluster all works: in memory where that is enough, else from disk.

    Parameters
    ----------
    folder : Path
        Of this run alone; made if missing. A run that was interrupted goes on with what it finds
        there.
    name : str
        Of the run; a folder of another is emptied.

    Raises
    ------
    ConstraintError, ModelError
        Trying again would find the same.
    """
    from disambig.cli.budget import fitting

    folder.mkdir(parents=True, exist_ok=True)
    model = engine.model()
    kept = _kept(folder, name, model)
    if kept is not None:
        return _go_on(engine, folder, name, model, kept)
    with database.read() as connection:
        works, characters = size_of(connection)
        plan = fitting(characters, engine.settings.memory, engine.workers)
        if plan.shards is not None:
            _stage(connection, engine, folder, name, model, (works, plan.shards))
        else:
            read = _Reading(connection, engine, works)
            corpus = read.corpus()
            places, based_on, decisions = read.rest()
    if plan.shards is not None:
        return _go_on(engine, folder, name, model, plan.shards)
    return _in_memory(engine, folder, model, corpus, read.work_keys, places, based_on, decisions)


class _Reading:
    """All works of one state of the database, read once; remembers the keys in that order."""

    def __init__(self, connection: Connection, engine: Engine, works: int) -> None:
        self.connection, self.engine, self.works = connection, engine, works
        self.keys: list[int] = []
        self.ids: list[str] = []

    def __iter__(self) -> Iterator[domain.Work]:
        from service.stored import all_works

        with self.engine.progress("Reading works", self.works, "works") as advance:
            for key, work in all_works(self.connection):
                self.keys.append(key)
                self.ids.append(work.id)
                yield work
                advance(1)

    def corpus(self) -> Corpus:
        from disambig.cli.cluster import no_collector
        from disambig.corpus import Corpus

        with no_collector():
            return Corpus.from_works(self)

    @property
    def work_keys(self) -> Int64:
        """Keys of the works, sorted by id as in a corpus."""
        order = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        return np.array(self.keys, dtype=np.int64)[order]

    def rest(self) -> tuple[Places, int, list[domain.Constraint]]:
        """Keys of signatures, number of the last event, decisions."""
        from service.decisions import constraints_of

        places = Places.read(self.connection)
        return places, basis(self.connection), constraints_of(self.connection)


def _in_memory(
    engine: Engine,
    folder: Path,
    model: Model,
    corpus: Corpus,
    work_keys: Int64,
    places: Places,
    based_on: int,
    decisions: list[domain.Constraint],
) -> Found:
    from disambig.constraints import compile_constraints
    from disambig.estimator import cluster_index
    from disambig.staging import save_statistics

    space = engine.space(model)
    constraints = compile_constraints(corpus, decisions, strict=False)
    with engine.progress("Indexing", None, "words"):
        index, statistics = indexed(corpus, model, space, None)
    people = cluster_index(
        index, model, constraints, workers=engine.workers, progress=engine.progress
    )
    kept = folder / "statistics"
    shutil.rmtree(kept, ignore_errors=True)
    save_statistics(statistics, kept)
    place = place_of(work_keys[corpus.signature_work], corpus.signature_position)
    return Found(
        places.keys(place),
        people.identity,
        people.confidence,
        based_on,
        model.digest,
        True,
        kept,
        people.problems,
        _numbers(people, work_keys),
    )


def indexed(
    corpus: Corpus, model: Model, space: SemanticSpace, known: list[Statistics] | None
) -> tuple[CorpusIndex, Statistics]:
    """Index of a corpus, and the statistics it was weighed with.

    Parameters
    ----------
    known : list of Statistics or None
        Of the parts of a larger corpus that this one is a part of; None where it is all.
    """
    from disambig.contents import Contents
    from disambig.index import CorpusIndex, company_of, terms_of
    from disambig.statistics import Statistics

    terms, company = terms_of(corpus), company_of(corpus)
    contents = Contents.of(corpus, company, terms, space, model.frequency)
    if known is None:
        statistics = Statistics.of(company, terms)
    else:
        statistics = Statistics.sum(contents.statistics(part) for part in known)
    return CorpusIndex.weighed(contents, statistics), statistics


def _numbers(people: Any, work_keys: Int64) -> dict[str, int]:
    return {
        "works": len(work_keys),
        "last_work": int(work_keys.max(initial=0)),
        "considered": int(people.considered),
        "scored": int(people.scored),
    }


def _fingerprint(name: str, model: Model) -> str:
    from importlib.metadata import version

    return f"{name} {model.digest} {version('disambig')}"


def _kept(folder: Path, name: str, model: Model) -> int | None:
    """Shards of the run if it was interrupted after its works had been put on disk."""
    from disambig.errors import InputError
    from disambig.large_run import kept_shards

    if not (folder / "snapshot.json").is_file():
        return None
    try:
        return kept_shards(folder / "shards", _fingerprint(name, model))
    except InputError:  # of another model or version; begun anew
        return None


def _stage(
    connection: Connection,
    engine: Engine,
    folder: Path,
    name: str,
    model: Model,
    size: tuple[int, int],
) -> None:
    """Put works, and what else was seen with them, on disk."""
    from disambig.ingest import ReadReport
    from disambig.large_run import LargeRun

    shutil.rmtree(folder)
    folder.mkdir()
    works, shards = size
    read = _Reading(connection, engine, works)
    places, based_on, decisions = read.rest()
    run = LargeRun(
        folder / "shards",
        _fingerprint(name, model),
        shards,
        engine.settings.model,
        decisions,
        workers=engine.workers,
        progress=engine.progress,
    )
    run.stage(read, lambda: ReadReport(works, works, 0, 0, 0, 0, (), ()))
    np.save(folder / "place.npy", places.place)
    np.save(folder / "key.npy", places.key)
    np.save(folder / "work.npy", np.array(read.keys, dtype=np.int64))
    snapshot = {"based_on": based_on, "decisions": [_as_json(d) for d in decisions]}
    part = folder / "snapshot.part"
    part.write_text(json.dumps(snapshot), encoding="utf-8")
    part.rename(folder / "snapshot.json")


def _go_on(engine: Engine, folder: Path, name: str, model: Model, shards: int) -> Found:
    """Cluster works that are on disk; shards that are done are not done again."""
    from disambig.large_run import LargeRun
    from disambig.staging import work_ranks

    snapshot = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    run = LargeRun(
        folder / "shards",
        _fingerprint(name, model),
        shards,
        engine.settings.model,
        [_constraint(d) for d in snapshot["decisions"]],
        workers=engine.workers,
        progress=engine.progress,
    )
    people = run.cluster()
    arrived = np.load(folder / "work.npy")
    work_keys = np.empty_like(arrived)
    work_keys[work_ranks(folder / "shards")[0]] = arrived
    position = people.rows.key & ((1 << POSITIONS) - 1)
    places = Places(np.load(folder / "place.npy"), np.load(folder / "key.npy"))
    return Found(
        places.keys(place_of(work_keys[people.rows.work], position)),
        people.identity,
        people.confidence,
        snapshot["based_on"],
        model.digest,
        True,
        folder / "shards" / "statistics",
        people.problems,
        _numbers(people, work_keys),
    )


def _as_json(decision: domain.Constraint) -> list[Any]:
    a, b = decision.a, decision.b
    return [decision.kind.value, a.work, a.position, b.work, b.position, decision.source]


def _constraint(values: list[Any]) -> domain.Constraint:
    from disambig.domain import Constraint, ConstraintKind, Signature

    kind, a, at, b, bt, source = values
    return Constraint(ConstraintKind(kind), Signature(a, at), Signature(b, bt), source)
