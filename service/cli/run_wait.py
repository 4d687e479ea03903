"""Waiting for a run, with a bar that shows how far it is."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

import click
from sqlalchemy import select

from disambig.console import console, safe, short_count
from service import job_queue
from service.db.database import Database
from service.db.tables import Worker
from service.errors import Unavailable
from service.runs import store as run_store
from service.runs.store import RunView
from service.settings import Settings

LOOK = 0.25
"""Seconds between looks."""


def wait(database: Database, settings: Settings, run_id: str, *, quiet: bool = False) -> RunView:
    """The run once it no longer waits or goes on.

    If no worker is alive this process does the run. Interrupting the command gives the run back,
    or leaves it to the worker that has it.
    """
    here = None if _somebody_works(database, settings) else _Here(database, settings)
    if here is not None and not quiet:
        click.echo("no worker is at work, so this command does the run itself", err=True)
    shown = _bar() if not quiet and sys.stderr.isatty() else nullcontext(lambda run: None)
    try:
        with shown as show:
            while True:
                with database.read() as connection:
                    found = run_store.get(connection, run_id)
                if found.state not in ("queued", "running"):
                    return found
                if here is not None and not here.thread.is_alive():
                    raise Unavailable(
                        f"the worker of this command ended while run {run_id} was {found.state}",
                        "see what disambig worker tells",
                    )
                show(found)
                time.sleep(LOOK)
    except KeyboardInterrupt:
        click.echo(f"run {run_id} is left as it is; disambig run show {run_id} --wait", err=True)
        raise
    finally:
        if here is not None:
            here.end()


def ask_here(database: Database, settings: Settings, *, quiet: bool = False) -> None:
    """Ask about what is published, if no worker is alive who would."""
    from service.worker.worker import Worker as Working

    def told(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    if not _somebody_works(database, settings):
        told("no worker is at work, so this command asks the questions itself")
        Working(database, settings, told).ask()


class _Here:
    """A worker in a thread of this process."""

    def __init__(self, database: Database, settings: Settings) -> None:
        from service.worker.worker import Worker as Working

        self.worker = Working(database, settings, lambda line: None)
        self.thread = threading.Thread(target=self.worker.serve)
        self.thread.start()

    def end(self) -> None:
        """Let it give back what it does, and wait for it."""
        self.worker.stop.set()
        self.thread.join()


def _somebody_works(database: Database, settings: Settings) -> bool:
    with database.read() as connection:
        since = job_queue.read_clock(connection) - timedelta(seconds=settings.heartbeat)
        alive = select(Worker.key).where(Worker.stopped_at.is_(None), Worker.heartbeat_at > since)
        return connection.scalar(alive.limit(1)) is not None


@contextmanager
def _bar() -> Iterator[Callable[[RunView], None]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    layout = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[count]}", markup=False, style="dim"),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
    )
    with layout:
        task = layout.add_task("Waiting for a worker", total=None, count="")

        def show(run: RunView) -> None:
            stage = "Waiting for a worker" if run.state == "queued" else run.stage or "Starting"
            of = "" if run.total is None else f" / {short_count(run.total)}"
            count = f"{short_count(run.done)}{of}" if run.done or run.total else ""
            layout.update(
                task,
                description=safe(stage).ljust(24),
                completed=run.done,
                total=run.total,
                count=count,
            )

        yield show
