"""Prometheus metrics: requests of all server processes, and counts in the database.

With several processes each one writes its counters to files in a common folder, and the process
that serves ``/metrics`` adds them up. :func:`enable_multiprocess` must set that folder before the
library is imported.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event, func, select

from disambig.errors import DisambigError
from service.db.database import Database
from service.db.tables import Identity, Run, Signature, State, Task, Work, Worker

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily, Metric

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable of the library that names the folder; set for child processes only."""
DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Bucket bounds of the histogram of response times, in seconds."""
COUNT_CACHE_SECONDS = 60.0
"""Seconds for which counts of large tables are cached."""
UNMATCHED_ROUTE = "(none)"
"""Label of requests that match no route."""


def enable_multiprocess(folder: Path) -> None:
    """Collect the counters of all child processes in ``folder``; call it before they start."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[FOLDER_VARIABLE] = str(folder.absolute())


class Metrics:
    """Metrics of one application."""

    def __init__(self, database: Database) -> None:
        """Register the metrics; the database is read on demand."""
        from prometheus_client import (
            CollectorRegistry,
            Counter,
            Gauge,
            Histogram,
            disable_created_metrics,
        )

        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        self._registry = registry
        self._requests = Counter(
            "disambig_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "disambig_request_seconds",
            "Time to answer.",
            ["route"],
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self._running = Gauge(
            "disambig_requests_running",
            "Requests being answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._pool = Gauge(
            "disambig_connections_used",
            "Connections to the database in use.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        event.listen(database.engine, "checkout", lambda *_: self._pool.inc())
        for end in ("checkin", "detach"):
            event.listen(database.engine, end, lambda *_: self._pool.dec())
        self._collector = DatabaseCollector(database)

    def start_request(self) -> None:
        """Count a request as running."""
        self._running.inc()

    def finish_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record a finished request; ``status`` is 499 if the client disconnected."""
        self._running.dec()
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def render(self) -> tuple[bytes, str]:
        """Return all metrics in Prometheus' text format, and the media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        combined = CollectorRegistry()
        combined.register(self._collector)
        folder = os.environ.get(FOLDER_VARIABLE)
        if folder is None:
            return generate_latest(self._registry) + generate_latest(combined), CONTENT_TYPE_LATEST
        _remove_dead_processes(Path(folder))
        MultiProcessCollector(combined, path=folder)  # type: ignore[no-untyped-call]
        return generate_latest(combined), CONTENT_TYPE_LATEST


class DatabaseCollector:
    """Collector of counts in the database; large tables are counted once a minute."""

    def __init__(self, database: Database) -> None:
        """Create the collector; the database is read on collection."""
        self._database = database
        self._lock = threading.Lock()
        self._cached_counts: tuple[float, dict[str, int]] | None = None

    def describe(self) -> list[Metric]:
        """Return no metrics, so that registration does not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families; only ``disambig_database_up`` if the database is down."""
        try:
            with self._database.read() as connection:
                families = [*_build_queue_gauges(connection), *_build_worker_gauges(connection)]
                families += _build_count_gauges(self._get_counts(connection))
        except DisambigError:
            yield _build_gauge("disambig_database_up", "Whether the database answers.", 0)
            return
        yield _build_gauge("disambig_database_up", "Whether the database answers.", 1)
        yield from families

    def _get_counts(self, connection: Connection) -> dict[str, int]:
        with self._lock:
            if (
                self._cached_counts is None
                or time.monotonic() - self._cached_counts[0] > COUNT_CACHE_SECONDS
            ):
                self._cached_counts = (time.monotonic(), _count_rows(connection))
            return self._cached_counts[1]


def _count_rows(connection: Connection) -> dict[str, int]:
    queries = {
        "works": select(func.count()).select_from(Work),
        "signatures": select(func.count()).where(Signature.retired_version.is_(None)),
        "identities": select(func.count()).where(Identity.status == "active"),
    }
    return {name: connection.scalar(query) or 0 for name, query in queries.items()}


def _build_count_gauges(counts: dict[str, int]) -> Iterator[GaugeMetricFamily]:
    descriptions = {
        "works": "Works.",
        "signatures": "Author mentions of the current versions of works.",
        "identities": "Active identities.",
    }
    for name, n in counts.items():
        yield _build_gauge(f"disambig_{name}", descriptions[name], n)


def _build_queue_gauges(connection: Connection) -> Iterator[GaugeMetricFamily]:
    by_state = select(Run.state, func.count()).group_by(Run.state)
    states = dict(connection.execute(by_state).all())
    yield _build_labelled_gauge("disambig_runs", "Runs by state.", "state", states)
    oldest = connection.scalar(select(func.min(Run.created_at)).where(Run.state == "queued"))
    age = 0.0 if oldest is None else _compute_age(oldest)
    yield _build_gauge("disambig_queue_age_seconds", "Waiting time of the oldest queued run.", age)
    open_tasks = select(Task.kind, func.count()).where(Task.state == "open").group_by(Task.kind)
    kinds = dict(connection.execute(open_tasks).all())
    yield _build_labelled_gauge("disambig_tasks_open", "Open review tasks by kind.", "kind", kinds)
    sequence = connection.scalar(select(State.sequence)) or 0
    yield _build_gauge(
        "disambig_sequence", "Sequence number of the last event or change.", sequence
    )


def _build_worker_gauges(connection: Connection) -> Iterator[GaugeMetricFamily]:
    heartbeats = connection.execute(
        select(Worker.id, Worker.heartbeat_at).where(Worker.stopped_at.is_(None))
    )
    yield _build_labelled_gauge(
        "disambig_worker_heartbeat_age_seconds",
        "Time since the last heartbeat of a worker that has not stopped.",
        "worker",
        {worker: _compute_age(at) for worker, at in heartbeats},
    )


def _compute_age(at: datetime) -> float:
    return max(0.0, (datetime.now(UTC) - at).total_seconds())


def _build_gauge(name: str, description: str, value: float) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, description, value=value)


def _build_labelled_gauge(
    name: str, description: str, label: str, values: dict[str, Any]
) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, description, labels=[label])
    for value, n in sorted(values.items()):
        family.add_metric([value], n)
    return family


def _remove_dead_processes(folder: Path) -> None:
    """Remove the gauges of killed processes; their counters remain."""
    from prometheus_client.multiprocess import mark_process_dead

    for pid in {file.stem.rpartition("_")[2] for file in folder.glob("gauge_live*.db")}:
        if pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc").exists():
            with suppress(OSError):
                mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]
