"""Cluster on Spark: the stages of a run as Spark jobs over Parquet in a folder all machines see.

Spark adds up, groups, joins, sorts, and runs failed tasks again. What is done to a block is done
by the functions of a local run (:mod:`disambig.shard_run`), so the clusters are the same.

The process that starts the run (the driver) reads the works once, some at a time, and decides
constraints and likely joins; it never holds the corpus.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from disambig.domain import Constraint, Work
from disambig.group_features import GROUP_FEATURES
from disambig.model import Model
from disambig.pair_features import PAIR_FEATURES
from disambig.progress import Progress, silent
from disambig.semantic import SemanticSpace
from disambig.spark_session import check_machines, session

STAGES = (
    "Reading works", "Grouping", "Counting", "Clustering", "Holding must-links",
    "Finding joins", "Scoring joins", "Joining", "Writing",
)  # fmt: skip


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
        Wall time of each of :data:`STAGES`.
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
        there is removed at the end.
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
    progress : Progress

    Raises
    ------
    DisambigError
        pyspark or Java is missing, or a machine does not see the folder or has another version.
    InputError
        If two works have one id.
    ConstraintError
        If must-links contradict cannot-links.
    ModelError
        If the model does not fit this version.
    """
    fitted = model if isinstance(model, Model) else Model.load(model)
    fitted.check_features(PAIR_FEATURES, GROUP_FEATURES)
    fitted.check_space(SemanticSpace.load().fingerprint)
    place = (folder or out.parent).resolve()
    with (
        session(master, memory) as spark,
        tempfile.TemporaryDirectory(prefix=f".{out.name}.", suffix=".spark", dir=place) as name,
        progress("Running on Spark", len(STAGES), "stages") as advance,
    ):
        from disambig.spark_run import Run  # not before pyspark is known to be there

        Path(name).chmod(0o755)
        check_machines(spark, Path(name))
        return Run(spark, Path(name), fitted, advance).all(
            works, out, constraints, identifiers, n_shards
        )
