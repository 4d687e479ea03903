"""A Spark cluster on this machine: a master and workers, each a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyspark.find_spark_home import _find_spark_home

# short-lived processes: compiling less is faster than compiled code would be
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss4m"
DEFAULTS = f"""
spark.ui.enabled false
spark.sql.codegen.wholeStage false
spark.driver.memory 700m
spark.executor.memory 500m
spark.executor.cores 1
spark.driver.extraJavaOptions {QUICK}
spark.executor.extraJavaOptions {QUICK}
"""


@dataclass
class Cluster:
    """``url`` for ``--engine spark=``; the processes of ``workers`` lead groups of their own."""

    url: str
    conf: Path
    workers: list[subprocess.Popen[bytes]]

    def freeze(self, worker: int) -> None:
        """Stop a worker and its executors for a while, so that what they are doing stays undone."""
        os.killpg(self.workers[worker].pid, signal.SIGSTOP)

    def kill(self, worker: int) -> None:
        """End a worker and its executors at once, as a power failure would."""
        os.killpg(self.workers[worker].pid, signal.SIGKILL)


@contextmanager
def cluster(folder: Path, n_workers: int) -> Iterator[Cluster]:
    """Start a master and workers of one core each, and end them."""
    conf = folder / "conf"
    conf.mkdir()
    (conf / "spark-defaults.conf").write_text(DEFAULTS)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"spark://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "SPARK_HOME": _find_spark_home(),
        "SPARK_CONF_DIR": str(conf),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": QUICK,
    }

    def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [f"{environment['SPARK_HOME']}/bin/spark-class"]
        command += [f"org.apache.spark.deploy.{name}", "--webui-port", "0", *arguments]
        with (folder / f"{len(started)}.log").open("wb") as log:
            return subprocess.Popen(
                command, env=environment, start_new_session=True, stdout=log, stderr=log
            )

    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(start("master.Master", "--host", "127.0.0.1", "--port", str(port)))
        until(lambda: b"I have been elected leader" in (folder / "0.log").read_bytes())
        for _ in range(n_workers):
            work = ("--cores", "1", "--memory", "600m", "--work-dir", str(folder / "work"))
            started.append(start("worker.Worker", *work, url))
        for number in range(n_workers):
            log = folder / f"{number + 1}.log"
            until(lambda log=log: b"Successfully registered" in log.read_bytes())
        yield Cluster(url, conf, started[1:])
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(done: Callable[[], bool], seconds: float = 300.0) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("what was waited for did not come")
        time.sleep(0.01)
