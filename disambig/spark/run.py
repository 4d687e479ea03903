"""Cluster on Spark: stages of Spark jobs over Parquet in a folder that all machines share.

Spark sums, groups, joins, sorts, and retries failed tasks. Blocks are processed by
the functions of a local run (:mod:`disambig.out_of_core.cluster_shard`), so the clusters are the
same.

The process that starts the run (the driver) reads the works once, in chunks, and decides
constraints and likely joins; it never holds the whole corpus.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from disambig.clustering.batch import check_model
from disambig.corpus.embeddings import SemanticSpace
from disambig.domain import Constraint, Work
from disambig.model.model import Model
from disambig.progress import Progress, no_progress
from disambig.spark.checkpoint import STAGES, RunFolder, SparkRun, get_run_folder
from disambig.spark.session import check_machines, open_session


@contextmanager
def _open_run_folder(
    out: Path,
    folder: Path | None,
    fingerprint: str | None,
    get_report: Callable[[], Mapping[str, int]],
) -> Iterator[RunFolder]:
    """Provide the folder of a run; delete it at the end unless the run can resume from it."""
    if fingerprint is None:
        parent = (folder or out.parent).resolve()
        with tempfile.TemporaryDirectory(
            prefix=f".{out.name}.", suffix=".spark", dir=parent
        ) as name:
            yield RunFolder(Path(name), None, get_report)
        return
    run_folder = RunFolder(get_run_folder(out, folder), fingerprint, get_report)
    run_folder.require_same_run()
    if not run_folder.is_divided:
        shutil.rmtree(run_folder.folder, ignore_errors=True)
        run_folder.folder.mkdir()
    try:
        yield run_folder
    except BaseException:
        if not run_folder.is_divided:
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
    progress: Progress = no_progress,
) -> SparkRun:
    """Cluster works on Spark and write one JSON row for each signature to ``out``.

    The file is byte for byte that of :class:`disambig.estimator.Disambiguator` and
    :func:`disambig.output.write_assignments`.

    Parameters
    ----------
    works : iterable of Work
        Read once, in chunks, by this process.
    master : str or None
        URL of a cluster (``spark://host:7077``, ``yarn``, ``local[4]``). None takes the active
        session or the master of ``spark-submit``, else all cores of this machine.
    folder : Path or None
        A folder that every machine has at this path, for works and results of stages; needs about
        six times the size of the works as JSON lines. None is the folder of ``out``. Its files are
        deleted at the end, except those that an interrupted run needs to resume.
    model : Model, path or None
        None is the shipped model.
    constraints, identifiers
        As for :class:`disambig.estimator.Disambiguator`.
    n_shards : int or None
        Number of shards, each clustered by one task; None is one for each 50,000 signatures.
    memory : str or None
        Of the driver and of each executor, in Spark's notation (``4g``); None is Spark's
        configuration. The Python processes need about 1 GB each in addition.
    fingerprint : str or None
        Digest of the inputs from :func:`disambig.out_of_core.run.compute_fingerprint`. If the
        driver is interrupted, the next call with the same value resumes from the shards already
        clustered, and does not read ``works`` if they are divided
        (:func:`~disambig.spark.checkpoint.can_resume`). None makes the run not resumable.
    get_report : callable
        Returns counts of accepted and rejected records once they have been read; stored with them.
    progress : Progress

    Raises
    ------
    DisambigError
        pyspark or Java is missing, or a machine cannot access the folder or has another version.
    InputError
        If two works have one id, or the folder belongs to another run.
    ConstraintError
        If must-links contradict cannot-links.
    ModelError
        If the model does not fit this version.
    """
    loaded = model if isinstance(model, Model) else Model.load(model)
    check_model(loaded)
    loaded.check_space(SemanticSpace.load().fingerprint)
    with (
        open_session(master, memory) as spark,
        _open_run_folder(out, folder, fingerprint, get_report) as run_folder,
        progress("Running on Spark", len(STAGES), "stages") as advance,
    ):
        from disambig.spark.stages import Run  # needs pyspark, which open_session has checked

        run_folder.folder.chmod(0o755)
        check_machines(spark, run_folder.folder)
        return Run(spark, run_folder, loaded, advance).run_stages(
            works, out, constraints, identifiers, n_shards
        )
