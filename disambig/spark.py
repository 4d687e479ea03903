"""Cluster on Spark: the stages of a run as Spark jobs over Parquet in a folder all machines see.

Spark adds up, groups, joins, sorts, and runs failed tasks again. What is done to a block is done
by the functions of a local run (:mod:`disambig.shard_run`), so the clusters are the same.

The process that starts the run (the driver) reads the works once, some at a time, and decides
constraints and likely joins; it never holds the corpus.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disambig.domain import Constraint, Work
from disambig.errors import InputError
from disambig.group_features import GROUP_FEATURES
from disambig.model import Model
from disambig.output import whole_file
from disambig.pair_features import PAIR_FEATURES
from disambig.progress import Progress, silent
from disambig.semantic import SemanticSpace
from disambig.spark_session import check_machines, session

STAGES = (
    "Reading works",
    "Grouping",
    "Counting",
    "Clustering",
    "Holding must-links",
    "Finding joins",
    "Scoring joins",
    "Joining",
    "Writing",
)


@dataclass(frozen=True)
class SparkRun:
    """What a run did; the assignments are in its output file.

    Attributes
    ----------
    n_works, n_signatures, n_identities : int
    considered, scored : int
        Pairs within blocks, and those that were scored.
    candidates : int
        Joins across blocks that were scored.
    retried : int
        Tasks that succeeded only when they were run again.
    problems : tuple of str
        Constraints that could not be used, and why.
    seconds : dict of str to float
        Wall time of each of :data:`STAGES` that was not done by an earlier run.
    report : mapping of str to int
        What became of the records, as given when they were read.
    """

    n_works: int
    n_signatures: int
    n_identities: int
    considered: int
    scored: int
    candidates: int
    retried: int
    problems: tuple[str, ...]
    seconds: dict[str, float]
    report: Mapping[str, int]


@dataclass(frozen=True)
class Kept:
    """The folder of a run, with what one that goes on needs to know.

    Attributes
    ----------
    folder : Path
    fingerprint : str or None
        What the run depends on; None where nothing is kept.
    told : callable
        What became of the records, once they have been read.
    """

    folder: Path
    fingerprint: str | None
    told: Callable[[], Mapping[str, int]]

    @property
    def divided(self) -> bool:
        """Whether an earlier run has divided the works into shards."""
        return self._note_file.is_file()

    @property
    def report(self) -> Mapping[str, int]:
        """What became of the records."""
        found: Mapping[str, int] = self._read_note()["report"]
        return found

    def note(self, works: Mapping[str, Any]) -> None:
        """Write down that the works are divided, and what is known of them."""
        document = {"fingerprint": self.fingerprint, "report": self.told(), "read": works}
        with whole_file(self._note_file) as stream:
            json.dump(document, stream)

    def found(self) -> dict[str, Any]:
        """What an earlier run knew of its works."""
        works: dict[str, Any] = self._read_note()["read"]
        return works

    def insist(self) -> None:
        """Make sure that what is kept is of this run.

        Raises
        ------
        InputError
            If it is of another.
        """
        if self.divided and self._read_note()["fingerprint"] != self.fingerprint:
            raise InputError(
                f"{self.folder} holds an interrupted run over other works, another model or other "
                "constraints; delete it to start anew, or name the same inputs to go on"
            )

    def _read_note(self) -> dict[str, Any]:
        note: dict[str, Any] = json.loads(self._note_file.read_text(encoding="utf-8"))
        return note

    @property
    def _note_file(self) -> Path:
        return self.folder / "run.json"


def kept_folder(out: Path, folder: Path | None = None) -> Path:
    """Where a run that can go on keeps what it has done."""
    return (folder or out.parent).resolve() / f".{out.name}.run.spark"


def is_divided(out: Path, fingerprint: str) -> bool:
    """Whether an interrupted run can go on without reading the works again.

    Raises
    ------
    InputError
        If one over other works, another model or other constraints was interrupted.
    """
    run_folder = Kept(kept_folder(out), fingerprint, dict)
    run_folder.insist()
    return run_folder.divided


@contextmanager
def _open_run_folder(
    out: Path, folder: Path | None, fingerprint: str | None, get_report: Callable[[], Mapping[str, int]]
) -> Iterator[Kept]:
    """A folder that is gone when the run has ended; or stays, if it can go on from there."""
    if fingerprint is None:
        parent = (folder or out.parent).resolve()
        with tempfile.TemporaryDirectory(
            prefix=f".{out.name}.", suffix=".spark", dir=parent
        ) as name:
            yield Kept(Path(name), None, get_report)
        return
    run_folder = Kept(kept_folder(out, folder), fingerprint, get_report)
    run_folder.insist()
    if not run_folder.divided:
        shutil.rmtree(run_folder.folder, ignore_errors=True)
        run_folder.folder.mkdir()
    try:
        yield run_folder
    except BaseException:
        if not run_folder.divided:
            shutil.rmtree(run_folder.folder, ignore_errors=True)
        raise
    shutil.rmtree(run_folder.folder, ignore_errors=True)


def run_on_spark(
    works: Iterable[Work],
    out: Path,
    *,
    master: str | None = None,
    folder: Path | None = None,
    model: Model | Path | None = None,
    constraints: Sequence[Constraint] = (),
    identifiers: bool = True,
    n_shards: int | None = None,
    memory: str | None = None,
    fingerprint: str | None = None,
    told: Callable[[], Mapping[str, int]] = dict,
    progress: Progress = silent,
) -> SparkRun:
    """Cluster works on Spark and write one JSON row for each signature to ``out``.

    The file is the one that :class:`disambig.estimator.Disambiguator` and
    :func:`disambig.output.write_assignments` give, byte for byte.

    Parameters
    ----------
    works : iterable of Work
        Read once, some at a time, by this process.
    master : str or None
        URL of a cluster (``spark://host:7077``, ``yarn``, ``local[4]``). None takes the session
        that is active or what ``spark-submit`` was told, else all cores of this machine.
    folder : Path or None
        A folder that every machine sees under this path, for works and results of stages; about
        six times the size of the works as JSON lines. None is the folder of ``out``. What is put
        there is removed at the end, but for what an interrupted run needs to go on.
    model : Model, path or None
        None is the model that ships.
    constraints, identifiers
        As for :class:`disambig.estimator.Disambiguator`.
    n_shards : int or None
        Parts that are clustered one in a task; None is one for each
        50,000 signatures.
    memory : str or None
        Of the driver and of each executor, as Spark writes it (``4g``); None is what Spark is
        configured with. The Python processes beside them need about 1 GB each.
    fingerprint : str or None
        What the run depends on, as :func:`disambig.large_run.fingerprint` tells it. When the
        driver ends before its time, the next call with it goes on with the shards that are
        clustered, and does not read ``works`` if they are divided (:func:`is_divided`). None
        keeps nothing.
    told : callable
        What became of the records, once they have been read; kept with them.
    progress : Progress

    Raises
    ------
    DisambigError
        pyspark or Java is missing, or a machine does not see the folder or has another version.
    InputError
        If two works have one id, or what is kept is of another run.
    ConstraintError
        If must-links contradict cannot-links.
    ModelError
        If the model does not fit this version.
    """
    loaded = model if isinstance(model, Model) else Model.load(model)
    loaded.check_features(PAIR_FEATURES, GROUP_FEATURES)
    loaded.check_space(SemanticSpace.load().fingerprint)
    with (
        session(master, memory) as spark,
        _open_run_folder(out, folder, fingerprint, told) as run_folder,
        progress("Running on Spark", len(STAGES), "stages") as advance,
    ):
        from disambig.spark_run import Run  # not before pyspark is known to be there

        run_folder.folder.chmod(0o755)
        check_machines(spark, run_folder.folder)
        return Run(spark, run_folder, loaded, advance).all(works, out, constraints, identifiers, n_shards)
