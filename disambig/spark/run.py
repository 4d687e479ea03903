"""Cluster on Spark: the stages of a run as Spark jobs over Parquet in a folder all machines see.

Spark adds up, groups, joins, sorts, and runs failed tasks again. What is done to a block is done by
the functions of a local run (:mod:`disambig.out_of_core.cluster_shard`), so the clusters are the
same.

The process that starts the run (the driver) reads the works once, some at a time, and decides
constraints and likely joins; it never holds the corpus.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from disambig.corpus.embeddings import SemanticSpace
from disambig.domain import Constraint, Work
from disambig.features.group import GROUP_FEATURES
from disambig.features.pair import PAIR_FEATURES
from disambig.model.model import Model
from disambig.progress import Progress, silent
from disambig.spark.checkpoint import STAGES, RunFolder, SparkRun, get_run_folder
from disambig.spark.session import check_machines, open_session


@contextmanager
def _open_run_folder(
    out: Path,
    folder: Path | None,
    fingerprint: str | None,
    get_report: Callable[[], Mapping[str, int]],
) -> Iterator[RunFolder]:
    """A folder that is gone when the run has ended; or stays, if it can go on from there."""
    if fingerprint is None:
        parent = (folder or out.parent).resolve()
        with tempfile.TemporaryDirectory(
            prefix=f".{out.name}.", suffix=".spark", dir=parent
        ) as name:
            yield RunFolder(Path(name), None, get_report)
        return
    run_folder = RunFolder(get_run_folder(out, folder), fingerprint, get_report)
    run_folder.require_same_run()
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
    get_report: Callable[[], Mapping[str, int]] = dict,
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
        What the run depends on, as :func:`disambig.out_of_core.run.compute_fingerprint` tells it.
        When the driver ends before its time, the next call with it goes on with the shards that are
        clustered, and does not read ``works`` if they are divided (:func:`is_divided`). None keeps
        nothing.
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
        open_session(master, memory) as spark,
        _open_run_folder(out, folder, fingerprint, get_report) as run_folder,
        progress("Running on Spark", len(STAGES), "stages") as advance,
    ):
        from disambig.spark.stages import Run  # not before pyspark is known to be there

        run_folder.folder.chmod(0o755)
        check_machines(spark, run_folder.folder)
        return Run(spark, run_folder, loaded, advance).all(
            works, out, constraints, identifiers, n_shards
        )
