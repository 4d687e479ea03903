"""``disambig worker``: a process that executes runs."""

from __future__ import annotations

import signal
from types import FrameType

import click

from disambig.cli.options import format_examples, quiet_option
from service.cli import common


@click.command(
    epilog=format_examples(
        "disambig worker",
        "disambig worker --once",
        "disambig worker --database postgresql://disambig@db.example.org/disambig",
    )
)
@click.option("--once", is_flag=True, help="Execute the queued runs, then exit.")
@common.database_option
@quiet_option
def worker(once: bool, database: str | None, quiet: bool) -> None:
    """Execute queued runs until stopped.

    Runs are queued with disambig run start, over HTTP, or by the workers at the interval of the
    setting run_every. Any number of workers may run, on one machine or several; each run is
    executed by one. A stopped worker (Ctrl-C, SIGTERM) releases its run; the run of a worker that
    died is claimed by another after the time of the setting heartbeat. Large runs resume from the
    data folder.
    """
    from service import log as logs
    from service.worker.worker import Worker

    with common.open_service(database) as (settings, db):
        logs.configure(settings.log_format, "error" if quiet else settings.log_level)
        log = logs.get_logger("service.worker").info
        worker_process = Worker(db, settings, log)

        def stop(number: int, frame: FrameType | None) -> None:
            worker_process.stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        address = db.url.render_as_string(hide_password=True)
        log(f"worker {worker_process.id} on {address}" + ("" if once else ", waiting for runs"))
        n_runs = worker_process.serve(once=once)
        log(f"worker {worker_process.id} ends after {n_runs} {'run' if n_runs == 1 else 'runs'}")
