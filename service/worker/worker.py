"""Worker process: claim a run, execute it, store the proposal, repeat.

When no run is queued, the worker fits requested models and generates review tasks.

A separate thread sends heartbeats with the progress of the run, at most once a second. The
computing thread checks at each step whether to continue. When the process is stopped, it releases
its run at once.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert, update

from disambig.errors import ConstraintError, DisambigError, InputError, ModelError
from disambig.progress import Progress, no_progress
from service import job_queue
from service import log as logs
from service.actors import Actor, Role
from service.assignment import store as placed
from service.db.database import Database
from service.db.tables import Worker as WorkerRow
from service.errors import Invalid, Unavailable
from service.ids import new_id
from service.job_queue import Claim, LostClaim
from service.publication import proposals
from service.review import generate as questions
from service.runs import artifacts
from service.runs import store as run_store
from service.runs.full_run import ClusteringResult, Engine, cluster_all
from service.runs.incremental_run import cluster_touched
from service.runs.results import Run
from service.settings import Settings
from service.training import fit as trainer
from service.training.promotion import apply_promoted
from service.worker import housekeeping

HEARTBEAT_TICK = 1.0
"""Seconds between checks for progress to report."""
IDLE_SECONDS = 2.0
"""Seconds between checks for a queued run."""
CLEANUP_SECONDS = 3600.0
"""Seconds between removals of stale data."""

LogLine = Callable[[str], None]
"""Called with one log line."""
PERMANENT_ERRORS = (ConstraintError, InputError, Invalid, ModelError)
"""Errors that a retry would raise again."""
error_log = logs.get_logger("service.worker")


class WorkerStopped(Exception):
    """The worker process was stopped."""


@dataclass
class JobProgress:
    """Progress of a job, and whether to continue; shared with the heartbeat thread.

    ``display`` receives the progress, too.
    """

    stop: threading.Event
    is_lost: bool = False
    stage: str | None = None
    done: int = 0
    total: int | None = None
    log: LogLine = field(default=lambda line: None)
    display: Progress = no_progress

    @contextmanager
    def progress(
        self, description: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Callable[[int], None]]:
        """Open a stage; see :mod:`disambig.progress`."""
        began = time.monotonic()
        self.stage, self.done, self.total = description, 0, total
        self.check_continue()

        with self.display(description, total, unit) as show:

            def advance(n: int) -> None:
                self.done += n
                show(n)
                self.check_continue()

            yield advance
        took = time.monotonic() - began
        if took >= 1:
            self.log(f"  {description.lower()}: {took:,.0f} s")

    def check_continue(self) -> None:
        """Raise if the job must not continue.

        Raises
        ------
        WorkerStopped
            The process was stopped.
        LostClaim
            The job was cancelled or claimed by another worker.
        """
        if self.stop.is_set():
            raise WorkerStopped
        if self.is_lost:
            raise LostClaim("the job was cancelled or claimed by another worker")


class Worker:
    """A worker process; :meth:`serve` is its main loop."""

    def __init__(self, database: Database, settings: Settings, log: LogLine) -> None:
        """Create a worker with a new id; ``log`` receives log lines."""
        self.database, self.settings, self.log = database, settings, log
        self.id = f"{socket.gethostname()}-{os.getpid()}-{new_id('w')[2:8]}"
        self.actor = Actor(f"worker:{self.id}", Role.ADMIN)
        self.stop = threading.Event()
        self._last_heartbeat = time.monotonic()
        self._failed_publication: int | None = None

    def serve(self, *, once: bool = False) -> int:
        """Execute runs until ``stop`` is set, or with ``once`` until none is queued.

        Return the number of runs executed. If the database cannot be reached, retry, unless
        ``once``.
        """
        n_runs, cleaned_at, registered = 0, 0.0, False
        try:
            while not self.stop.is_set():
                try:
                    if not registered:
                        self._register()
                        registered = True
                    if self.settings.run_every is not None:
                        self._schedule_run(self.settings.run_every)
                    has_worked = self.run_next()
                    n_runs += has_worked
                    if not has_worked:
                        has_worked = self.fit_next() or self.generate_tasks()
                    if has_worked or time.monotonic() - cleaned_at > CLEANUP_SECONDS:
                        self.clean_up()
                        cleaned_at = time.monotonic()
                    self._update_heartbeat()
                except Unavailable as error:
                    if once:
                        raise
                    self.log(f"waiting: {error}")
                    has_worked = False
                if not has_worked:
                    if once:
                        break
                    self.stop.wait(IDLE_SECONDS)
        finally:
            if registered:
                self._unregister()
        return n_runs

    def run_next(self) -> bool:
        """Claim and execute a run; return whether one was queued."""
        claim = job_queue.claim_job(self.database, job_queue.RUN, self.id, self.settings.heartbeat)
        if claim is None:
            return False

        def do_run(progress: JobProgress) -> str:
            clustering = self._cluster(claim, progress)
            progress.stage, progress.done, progress.total = "Storing", 0, None
            progress.check_continue()
            proposals.store_proposal(self.database, self.actor, claim, clustering)
            shutil.rmtree(self._get_folder(claim), ignore_errors=True)
            return "proposed"

        self._perform(claim, do_run)
        return True

    def fit_next(self) -> bool:
        """Claim and fit a requested model; return whether one was queued."""
        claim = job_queue.claim_job(
            self.database, job_queue.MODEL, self.id, self.settings.heartbeat
        )
        if claim is not None:
            self.fit_model(claim)
        return claim is not None

    def fit_model(
        self,
        claim: Claim,
        labelled: trainer.LabelledWorks | None = None,
        display: Progress = no_progress,
    ) -> None:
        """Fit a model claimed by this process; its row stores the result."""

        def do_fit(progress: JobProgress) -> str:
            self.log(f"model {claim.id}")
            trainer.fit_candidate(
                self.database, self.settings, self.actor, claim, progress.progress, labelled
            )
            return "is a candidate"

        self._perform(claim, do_fit, display)

    def _perform(
        self, claim: Claim, task: Callable[[JobProgress], str], display: Progress = no_progress
    ) -> None:
        """Execute a claimed job; ``task`` returns the outcome for the log."""
        job = f"{claim.kind.noun} {claim.id}"
        started = time.monotonic()
        progress = JobProgress(self.stop, log=self.log, display=display)
        try:
            with self._send_heartbeats(claim, progress):
                outcome = task(progress)
            self.log(f"{job} {outcome} after {time.monotonic() - started:,.0f} s")
        except WorkerStopped:
            job_queue.release(self.database, claim)
            self.log(f"{job} released: the worker was stopped")
        except LostClaim:
            self.log(f"{job} was cancelled or claimed by another worker; nothing is stored")
        except PERMANENT_ERRORS as error:
            self._record_failure(claim, str(error), permanent=True)
        except (DisambigError, OSError, MemoryError) as error:
            self._record_failure(claim, str(error) or type(error).__name__)
        except Exception as error:  # a failing job must not end the worker
            self._record_failure(claim, f"{type(error).__name__}: {error}")
            error_log.exception(f"a {claim.kind.noun} failed", **{claim.kind.noun: claim.id})

    def generate_tasks(self) -> bool:
        """Generate tasks for the last publication, if due; return whether any work was done."""
        with self.database.read() as connection:
            publication = questions.find_due_publication(connection)
        if publication is None or publication == self._failed_publication:
            return False
        progress = JobProgress(self.stop, log=self.log)
        try:
            with self._keep_alive():
                engine = Engine(apply_promoted(self.database, self.settings), progress.progress)
                n_opened = questions.generate_tasks(self.database, self.actor, engine)
            if n_opened is not None:
                self.log(f"{n_opened} tasks generated for the publication at event {publication}")
        except WorkerStopped:
            return False
        except Unavailable:
            raise
        except Exception as error:  # a failure to generate tasks must not stop the runs
            self._failed_publication = publication
            self.log(f"no tasks generated for the publication at event {publication}: {error}")
            error_log.exception("tasks could not be generated", publication=publication)
        return True

    def clean_up(self) -> None:
        """Close answered tasks; remove stale proposals and folders."""
        placed.close_outdated_assign_tasks(self.database, self.actor)
        n_emptied = housekeeping.remove_stale_proposals(self.database, self.actor)
        if n_emptied:
            self.log(f"removed {n_emptied} stale proposals")
        with self.database.read() as connection:
            run_ids = housekeeping.list_runs_with_statistics(connection)
            active_ids = {
                r.id
                for s in ("queued", "running")
                for r in run_store.list_runs(connection, state=s)
            }
        artifacts.remove_other_copies(self.settings.data, run_ids)
        folder = self.settings.data / "runs"
        if folder.is_dir():
            for run_folder in folder.iterdir():
                if run_folder.name not in active_ids:
                    shutil.rmtree(run_folder, ignore_errors=True)

    def _get_folder(self, claim: Claim) -> Path:
        return self.settings.data / "runs" / claim.id

    def _cluster(self, claim: Claim, progress: JobProgress) -> ClusteringResult:
        engine = Engine(apply_promoted(self.database, self.settings), progress.progress)
        clustering = None
        with self.database.read() as connection:
            run = run_store.get_run(connection, claim.id)
            since, key = _find_base(connection, claim, run)
        attempt_note = f", attempt {claim.attempt}" if claim.attempt > 1 else ""
        self.log(f"run {claim.id} ({run.scope}{attempt_note})")
        if since is not None:
            clustering = cluster_touched(self.database, engine, since, key)
        if clustering is None:
            name = f"{claim.id} {run.rebases}"
            clustering = cluster_all(self.database, engine, self._get_folder(claim), name)
        run_store.record_basis(self.database, claim, clustering.based_on, clustering.model)
        return clustering

    def _record_failure(self, claim: Claim, error: str, *, permanent: bool = False) -> None:
        error = error.replace("\0", "\u2400")[:4000]
        try:
            state = job_queue.record_failure(
                self.database, self.actor, claim, error, permanent=permanent
            )
        except Unavailable:
            state = "still claimed: its heartbeat will expire"
        self.log(
            f"{claim.kind.noun} {claim.id} failed ({state or 'claimed by another worker'}): {error}"
        )

    @contextmanager
    def _keep_alive(self) -> Iterator[None]:
        """Update the worker's heartbeat in a thread until the block ends."""
        ended = threading.Event()

        def send_heartbeats() -> None:
            while not ended.wait(HEARTBEAT_TICK):
                with suppress(Unavailable):
                    self._update_heartbeat()

        thread = threading.Thread(target=send_heartbeats, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(timeout=30)

    @contextmanager
    def _send_heartbeats(self, claim: Claim, progress: JobProgress) -> Iterator[None]:
        """Send heartbeats of a claim in a thread until the block ends."""
        ended = threading.Event()
        thread = threading.Thread(
            target=self._run_heartbeat, args=(claim, progress, ended), daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(timeout=30)

    def _run_heartbeat(self, claim: Claim, progress: JobProgress, ended: threading.Event) -> None:
        reported, sent_at = None, -float("inf")
        while not ended.wait(HEARTBEAT_TICK):
            current_progress = (progress.stage, progress.done, progress.total)
            age = time.monotonic() - sent_at
            if current_progress == reported and age < self.settings.heartbeat / 4:
                continue
            try:
                if (
                    not job_queue.record_heartbeat(self.database, claim, *current_progress)
                    and not ended.is_set()
                ):
                    progress.is_lost = True
                    return
                self._update_heartbeat()
                reported, sent_at = current_progress, time.monotonic()
            except Unavailable:
                continue  # retried with the next tick, which also detects an expired claim

    def _schedule_run(self, hours: float) -> None:
        run = housekeeping.schedule_run(self.database, self.actor, hours)
        if run is not None:
            self.log(f"run {run.id} queued: blocks were touched since the last run")

    def _register(self) -> None:
        now = datetime.now(UTC)
        with self.database.write() as connection:
            connection.execute(
                insert(WorkerRow).values(
                    id=self.id,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    started_at=now,
                    heartbeat_at=now,
                )
            )

    def _update_heartbeat(self) -> None:
        """Update the worker's heartbeat, at most four times per heartbeat timeout."""
        if time.monotonic() - self._last_heartbeat < self.settings.heartbeat / 4:
            return
        self._last_heartbeat = time.monotonic()
        self._update_row(heartbeat_at=datetime.now(UTC))

    def _unregister(self) -> None:
        try:
            self._update_row(stopped_at=datetime.now(UTC))
        except Unavailable as error:
            self.log(f"could not record the end of this worker: {error}")

    def _update_row(self, **values: datetime) -> None:
        with self.database.write() as connection:
            connection.execute(update(WorkerRow).where(WorkerRow.id == self.id).values(**values))


def _find_base(connection: Connection, claim: Claim, run: Run) -> tuple[int | None, int | None]:
    """Return the event since which to recluster (None: everything) and the run to rebase."""
    if run.rebases and run.summary is not None and run.based_on is not None:
        return run.based_on, claim.key
    if run.scope == run_store.TOUCHED:
        publication = run_store.get_last_published(connection)
        return (None if publication is None else publication.based_on), None
    return None, None
