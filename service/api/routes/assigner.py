"""The application's placer: made when it is first needed, or beforehand and kept up to date."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

from disambig.errors import DisambigError
from service import log as logs
from service.db.database import Database
from service.settings import Settings

if TYPE_CHECKING:
    from service.assignment.assign import Placer

LOOKS = 30.0
"""Seconds between two looks whether a newer full run was published."""
log = logs.get_logger("service.assignment.assign")


class SharedPlacer:
    """One placer for all requests of a process; what it imports takes time."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Nothing is loaded yet."""
        self.database, self.settings = database, settings
        self._lock = threading.Lock()
        self._placer: Placer | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def get(self) -> Placer:
        """The placer."""
        from service.assignment.assign import Placer

        with self._lock:
            if self._placer is None:
                self._placer = Placer(self.database, self.settings)
            return self._placer

    def keep_warm(self) -> None:
        """Load what placing needs in the background, now and after each full publication."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._keeping_warm, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the background work."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _compare(self) -> None:
        """Load what boards need as well."""
        from service.board import commit, reclustering, tasks, view  # noqa: F401
        from service.board.block_cache import warm_up

        with self.database.read() as connection:
            warm_up(connection, self.get())

    def _keeping_warm(self) -> None:
        while not self._ended.is_set():
            try:
                before = self.get().loaded
                if self.get().warm() and self.get().loaded != before:
                    self._compare()
                    # what was loaded stays: the collector need not look at it again and again
                    gc.collect()
                    gc.freeze()
                    log.info("ready to place", run=self.get().loaded)
            except (DisambigError, OSError) as error:
                if not self._ended.is_set():
                    log.warning("not ready to place", error=str(error))
            self._ended.wait(LOOKS)
