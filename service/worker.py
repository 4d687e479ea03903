"""A process that does runs: claims one, does it, stores what it found, and again.

When no run waits it fits the model that was asked for, if there is one.

A thread of its own gives signs of life and tells how far the run is, at most once a second; the
thread that computes looks, whenever it advances, whether it still may. When the process is told
to stop it gives its run back at once.
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
from disambig.progress import Progress, silent
from service import (
    artifacts,
    claims,
    housekeeping,
    logs,
    placed,
    proposals,
    questions,
    runs,
    trainer,
)
from service.actors import Actor, Role
from service.claims import Claim, LostClaim
from service.clustering import Engine, Found, cluster_all
from service.database import Database
from service.errors import Invalid, Unavailable
from service.ids import new_id
from service.promotion import with_promoted
from service.settings import Settings
from service.tables import Worker as WorkerRow
from service.touched import cluster_touched

TICK = 1.0
"""Seconds between looks at whether there is something to tell."""
PAUSE = 2.0
"""Seconds between looks for a run when there is none."""
TIDY_EVERY = 3600.0
"""Seconds between removals of what nobody needs any more."""

Log = Callable[[str], None]
"""Takes one line for people."""
FINAL = (ConstraintError, InputError, Invalid, ModelError)
"""What trying again would find the same."""
broken = logs.get("service.worker")


class Stopped(Exception):
    """The process was told to stop."""


@dataclass
class Pulse:
    """How far a run is, and whether to go on; shared by the thread that computes and the one
    that tells. ``shown`` is told too."""

    stop: threading.Event
    lost: bool = False
    stage: str | None = None
    done: int = 0
    total: int | None = None
    log: Log = field(default=lambda line: None)
    shown: Progress = silent

    @contextmanager
    def progress(
        self, description: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Callable[[int], None]]:
        """Open a stage; see :mod:`disambig.progress`."""
        began = time.monotonic()
        self.stage, self.done, self.total = description, 0, total
        self.check()

        with self.shown(description, total, unit) as show:

            def advance(n: int) -> None:
                self.done += n
                show(n)
                self.check()

            yield advance
        took = time.monotonic() - began
        if took >= 1:
            self.log(f"  {description.lower()}: {took:,.0f} s")

    def check(self) -> None:
        """Go on, or not.

        Raises
        ------
        Stopped, LostClaim
        """
        if self.stop.is_set():
            raise Stopped
        if self.lost:
            raise LostClaim("another worker has it, or it was cancelled")


class Worker:
    """One worker process; :meth:`serve` is its life."""

    def __init__(self, database: Database, settings: Settings, log: Log) -> None:
        """``log`` is told what happens, a line at a time."""
        self.database, self.settings, self.log = database, settings, log
        self.id = f"{socket.gethostname()}-{os.getpid()}-{new_id('w')[2:8]}"
        self.actor = Actor(f"worker:{self.id}", Role.ADMIN)
        self.stop = threading.Event()
        self._signed = time.monotonic()
        self._asked_in_vain: int | None = None

    def serve(self, *, once: bool = False) -> int:
        """Do runs until told to stop (``stop``); with ``once`` until none waits. Runs done.

        A database that cannot be reached is waited for, unless ``once``.
        """
        done, tidied, registered = 0, 0.0, False
        try:
            while not self.stop.is_set():
                try:
                    if not registered:
                        self._register()
                        registered = True
                    if self.settings.run_every is not None:
                        self._schedule(self.settings.run_every)
                    found = self.one()
                    done += found
                    if not found:
                        found = self.train() or self.ask()
                    if found or time.monotonic() - tidied > TIDY_EVERY:
                        self.tidy()
                        tidied = time.monotonic()
                    self._sign()
                except Unavailable as error:
                    if once:
                        raise
                    self.log(f"waiting: {error}")
                    found = False
                if not found:
                    if once:
                        break
                    self.stop.wait(PAUSE)
        finally:
            if registered:
                self._leave()
        return done

    def one(self) -> bool:
        """Claim a run and do it; whether there was one."""
        claim = claims.take(self.database, claims.RUN, self.id, self.settings.heartbeat)
        if claim is None:
            return False

        def act(pulse: Pulse) -> str:
            found = self._cluster(claim, pulse)
            pulse.stage, pulse.done, pulse.total = "Storing", 0, None
            pulse.check()
            proposals.store(self.database, self.actor, claim, found)
            shutil.rmtree(self._folder(claim), ignore_errors=True)
            return "proposed"

        self._do(claim, act)
        return True

    def train(self) -> bool:
        """Fit the model that was asked for; whether there was one."""
        claim = claims.take(self.database, claims.MODEL, self.id, self.settings.heartbeat)
        if claim is not None:
            self.fit(claim)
        return claim is not None

    def fit(
        self, claim: Claim, labelled: trainer.Labelled | None = None, shown: Progress = silent
    ) -> None:
        """Fit a model that this process holds; how it ended stands in its row."""

        def act(pulse: Pulse) -> str:
            self.log(f"model {claim.id}")
            trainer.fit(self.database, self.settings, self.actor, claim, pulse.progress, labelled)
            return "is a candidate"

        self._do(claim, act, shown)

    def _do(self, claim: Claim, act: Callable[[Pulse], str], shown: Progress = silent) -> None:
        """Do a job that this process holds; ``act`` tells what became of it."""
        job = f"{claim.kind.noun} {claim.id}"
        began = time.monotonic()
        pulse = Pulse(self.stop, log=self.log, shown=shown)
        try:
            with self._beating(claim, pulse):
                became = act(pulse)
            self.log(f"{job} {became} after {time.monotonic() - began:,.0f} s")
        except Stopped:
            claims.give_back(self.database, claim)
            self.log(f"{job} given back: told to stop")
        except LostClaim:
            self.log(f"{job} was cancelled or taken over; nothing is stored")
        except FINAL as error:
            self._failed(claim, str(error), for_good=True)
        except (DisambigError, OSError, MemoryError) as error:
            self._failed(claim, str(error) or type(error).__name__)
        except Exception as error:  # a job that breaks must not take the worker with it
            self._failed(claim, f"{type(error).__name__}: {error}")
            broken.exception(f"a {claim.kind.noun} broke", **{claim.kind.noun: claim.id})

    def ask(self) -> bool:
        """Ask about what was published last, if that is due; whether something was done."""
        with self.database.read() as connection:
            publication = questions.due(connection)
        if publication is None or publication == self._asked_in_vain:
            return False
        pulse = Pulse(self.stop, log=self.log)
        try:
            with self._signing():
                engine = Engine(with_promoted(self.database, self.settings), pulse.progress)
                asked = questions.ask(self.database, self.actor, engine)
            if asked is not None:
                self.log(f"{asked} questions about event {publication} are asked")
        except Stopped:
            return False
        except Unavailable:
            raise
        except Exception as error:  # questions that cannot be asked must not stop the runs
            self._asked_in_vain = publication
            self.log(f"nothing is asked about event {publication}: {error}")
            broken.exception("questions could not be asked", publication=publication)
        return True

    def tidy(self) -> None:
        """Close what is answered; remove proposals and folders that nobody needs any more."""
        placed.close_answered(self.database, self.actor)
        emptied = housekeeping.tidy(self.database, self.actor)
        if emptied:
            self.log(f"removed {emptied} proposals that nobody can publish any more")
        with self.database.read() as connection:
            useful = housekeeping.statistics_in_use(connection)
            going_on = {r.id for s in ("queued", "running") for r in runs.page(connection, state=s)}
        artifacts.forget_others(self.settings.data, useful)
        folder = self.settings.data / "runs"
        if folder.is_dir():
            for left in folder.iterdir():
                if left.name not in going_on:
                    shutil.rmtree(left, ignore_errors=True)

    def _folder(self, claim: Claim) -> Path:
        return self.settings.data / "runs" / claim.id

    def _cluster(self, claim: Claim, pulse: Pulse) -> Found:
        engine = Engine(with_promoted(self.database, self.settings), pulse.progress)
        found = None
        with self.database.read() as connection:
            run = runs.get(connection, claim.id)
            since, key = _since(connection, claim, run)
        again = f", attempt {claim.attempt}" if claim.attempt > 1 else ""
        self.log(f"run {claim.id} ({run.scope}{again})")
        if since is not None:
            found = cluster_touched(self.database, engine, since, key)
        if found is None:
            name = f"{claim.id} {run.rebases}"
            found = cluster_all(self.database, engine, self._folder(claim), name)
        runs.note_basis(self.database, claim, found.based_on, found.model)
        return found

    def _failed(self, claim: Claim, error: str, *, for_good: bool = False) -> None:
        error = error.replace("\0", "\u2400")[:4000]
        try:
            state = claims.fail(self.database, self.actor, claim, error, for_good=for_good)
        except Unavailable:
            state = "left: its heartbeat will run out"
        self.log(f"{claim.kind.noun} {claim.id} went wrong ({state or 'taken over'}): {error}")

    @contextmanager
    def _signing(self) -> Iterator[None]:
        """A thread that tells that this process is alive until the block ends."""
        ended = threading.Event()

        def sign() -> None:
            while not ended.wait(TICK):
                with suppress(Unavailable):
                    self._sign()

        thread = threading.Thread(target=sign, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(timeout=30)

    @contextmanager
    def _beating(self, claim: Claim, pulse: Pulse) -> Iterator[None]:
        """A thread that gives signs of life until the block ends."""
        ended = threading.Event()
        thread = threading.Thread(target=self._beat, args=(claim, pulse, ended), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(timeout=30)

    def _beat(self, claim: Claim, pulse: Pulse, ended: threading.Event) -> None:
        told, at = None, -float("inf")
        while not ended.wait(TICK):
            now = (pulse.stage, pulse.done, pulse.total)
            if now == told and time.monotonic() - at < self.settings.heartbeat / 4:
                continue
            try:
                if not claims.beat(self.database, claim, *now) and not ended.is_set():
                    pulse.lost = True
                    return
                self._sign()
                told, at = now, time.monotonic()
            except Unavailable:
                continue  # tried again with the next tick; a claim that ran out is found out then

    def _schedule(self, hours: float) -> None:
        run = housekeeping.schedule(self.database, self.actor, hours)
        if run is not None:
            self.log(f"run {run.id} queued: something was touched since the last one")

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

    def _sign(self) -> None:
        """Tell that this process is alive, at most four times within a heartbeat."""
        if time.monotonic() - self._signed < self.settings.heartbeat / 4:
            return
        self._signed = time.monotonic()
        self._told(heartbeat_at=datetime.now(UTC))

    def _leave(self) -> None:
        try:
            self._told(stopped_at=datetime.now(UTC))
        except Unavailable as error:
            self.log(f"could not sign off: {error}")

    def _told(self, **values: datetime) -> None:
        with self.database.write() as connection:
            connection.execute(update(WorkerRow).where(WorkerRow.id == self.id).values(**values))


def _since(
    connection: Connection, claim: Claim, run: runs.RunView
) -> tuple[int | None, int | None]:
    """The event after which to look for changes, None for all; the run to bring up to date."""
    if run.rebases and run.summary is not None and run.based_on is not None:
        return run.based_on, claim.key
    if run.scope == runs.TOUCHED:
        last = runs.last_published(connection)
        return (None if last is None else last.based_on), None
    return None, None
