"""Open a Spark session and run Python functions as its tasks."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from disambig.errors import DisambigError
from disambig.spark.tasks import SharedInputs

if TYPE_CHECKING:
    from pyspark import Broadcast
    from pyspark.sql import SparkSession

T = TypeVar("T")

MAX_TRIES = 4
"""Attempts per task; Spark's default on a cluster, whereas on one machine it would be 1."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def open_session(master: str | None, memory: str | None) -> Iterator[SparkSession]:
    """Provide the active session, which stays open, or a new one, which is stopped at the end.

    Parameters
    ----------
    master : str or None
        URL of a cluster; None is the master of ``spark-submit``, else this machine.
    memory : str or None
        Of the driver and of each executor.

    Raises
    ------
    DisambigError
        If pyspark or Java is missing.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise DisambigError(
            "--engine spark needs pyspark; install it with: pip install 'disambig[spark]'"
        ) from error
    active = SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    java = Path(os.environ.get("JAVA_HOME", "/nowhere")) / "bin" / "java"
    if not java.is_file() and not shutil.which("java"):
        raise DisambigError(
            "Spark needs Java 17 or later and none was found; install it, for example with: "
            "apt-get install openjdk-17-jre-headless, or set JAVA_HOME"
        )
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("disambig")
    for name, value in _make_settings(master, memory).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    finally:
        spark.stop()


def _make_settings(master: str | None, memory: str | None) -> dict[str, str]:
    settings = {"spark.log.level": "ERROR", "spark.ui.showConsoleProgress": "false"}
    # one task per core: threads inside a task would compete for the cores
    settings |= {f"spark.executorEnv.{name}": "1" for name in _ONE_THREAD}
    is_submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    if master or not is_submitted:
        settings["spark.master"] = re.sub(
            r"^local\[(\*|\d+)\]$", rf"local[\1,{MAX_TRIES}]", master or "local[*]"
        )
    if memory:
        settings |= {"spark.driver.memory": memory, "spark.executor.memory": memory}
    return settings


def run_tasks(
    spark: SparkSession, task: Callable[[int], T], parts: Sequence[int]
) -> tuple[list[T], int]:
    """Run a task for each part; return the results and the number of tasks that needed a retry.

    Parameters
    ----------
    task : callable
        A function of an importable module, since it is sent by name, with its arguments.
    """
    if not parts:
        return [], 0
    tasks = spark.sparkContext.parallelize(parts, len(parts))
    outcomes = tasks.map(partial(_run_attempt, task)).collect()
    return [result for _, result in outcomes], sum(attempt > 0 for attempt, _ in outcomes)


def check_machines(spark: SparkSession, folder: Path) -> None:
    """Check that all machines can access the folder and have this version of the package.

    Raises
    ------
    DisambigError
        Names the machine and the problem.
    """
    n = 2 * spark.sparkContext.defaultParallelism
    problems, _ = run_tasks(spark, partial(_find_problem, folder, version("disambig")), range(n))
    for problem in filter(None, problems):
        raise DisambigError(problem)


def call_with_shared(
    task: Callable[[Path, SharedInputs, int], T],
    folder: Path,
    shared: Broadcast[SharedInputs],
    part: int,
) -> T:
    """Call a task with the broadcast value."""
    return task(folder, shared.value, part)


def _run_attempt(task: Callable[[int], T], part: int) -> tuple[int, T]:
    from pyspark import TaskContext

    context = TaskContext.get()
    if context is None:
        raise RuntimeError("not called in a Spark task")
    return context.attemptNumber(), task(part)


def _find_problem(folder: Path, driver_version: str, number: int) -> str | None:
    host, installed_version = os.uname().nodename, version("disambig")
    if installed_version != driver_version:
        return (
            f"{host} has disambig {installed_version}, the driver {driver_version}; install the "
            "same version on all machines"
        )
    if not folder.is_dir():
        return (
            f"{host} cannot access {folder}; choose a folder at the same path on all machines "
            "(a shared file system)"
        )
    return None
