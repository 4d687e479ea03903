"""Wait for a run and show a progress bar."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

import click
from sqlalchemy import select

from disambig.console import escape_text, format_count, make_console
from service import job_queue
from service.db.database import Database
from service.db.tables import Worker
from service.errors import Unavailable
from service.runs import store as run_store
from service.runs.results import Run
from service.settings import Settings

POLL_SECONDS = 0.25
"""Seconds between queries of the run."""


def wait_for_run(
    database: Database, settings: Settings, run_id: str, *, quiet: bool = False
) -> Run:
    """Wait until a run is no longer queued or running, and return it.

    If no worker is alive, this process executes the run. Interrupting the command releases the
    run, or leaves it to the worker that claimed it.
    """
    local_worker = (
        None if _is_worker_alive(database, settings) else _LocalWorker(database, settings)
    )
    if local_worker is not None and not quiet:
        click.echo("no worker is alive; this command executes the run", err=True)
    progress_bar = (
        _show_progress_bar() if not quiet and sys.stderr.isatty() else nullcontext(lambda run: None)
    )
    try:
        with progress_bar as show:
            while True:
                with database.read() as connection:
                    run_view = run_store.get_run(connection, run_id)
                if run_view.state not in ("queued", "running"):
                    return run_view
                if local_worker is not None and not local_worker.thread.is_alive():
                    raise Unavailable(
                        f"the worker of this command ended while run {run_id} was {run_view.state}",
                        "run disambig worker and read its log",
                    )
                show(run_view)
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        click.echo(
            f"run {run_id} is unchanged; follow it with disambig run show {run_id} --wait", err=True
        )
        raise
    finally:
        if local_worker is not None:
            local_worker.stop()


def generate_tasks_here(database: Database, settings: Settings, *, quiet: bool = False) -> None:
    """Generate review tasks for the publication if no worker is alive to do it."""
    from service.worker.worker import Worker as Working

    def print_line(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    if not _is_worker_alive(database, settings):
        print_line("no worker is alive; this command generates the review tasks")
        Working(database, settings, print_line).generate_tasks()


class _LocalWorker:
    """A worker in a thread of this process."""

    def __init__(self, database: Database, settings: Settings) -> None:
        from service.worker.worker import Worker as Working

        self.worker = Working(database, settings, lambda line: None)
        self.thread = threading.Thread(target=self.worker.serve)
        self.thread.start()

    def stop(self) -> None:
        """Stop the worker, which releases its run, and wait for its thread."""
        self.worker.stop.set()
        self.thread.join()


def _is_worker_alive(database: Database, settings: Settings) -> bool:
    with database.read() as connection:
        oldest = job_queue.read_clock(connection) - timedelta(seconds=settings.heartbeat)
        live_workers = select(Worker.key).where(
            Worker.stopped_at.is_(None), Worker.heartbeat_at > oldest
        )
        return connection.scalar(live_workers.limit(1)) is not None


@contextmanager
def _show_progress_bar() -> Iterator[Callable[[Run], None]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    layout = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[count]}", markup=False, style="dim"),
        TimeElapsedColumn(),
        console=make_console(stderr=True),
        transient=True,
    )
    with layout:
        task = layout.add_task("Waiting for a worker", total=None, count="")

        def show(run: Run) -> None:
            stage = "Waiting for a worker" if run.state == "queued" else run.stage or "Starting"
            of = "" if run.total is None else f" / {format_count(run.total)}"
            count = f"{format_count(run.done)}{of}" if run.done or run.total else ""
            layout.update(
                task,
                description=escape_text(stage).ljust(24),
                completed=run.done,
                total=run.total,
                count=count,
            )

        yield show
