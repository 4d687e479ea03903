"""The assigner shared by all requests: created on first use, or warmed up in the background."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

from disambig.errors import DisambigError
from service import log as logs
from service.db.database import Database
from service.settings import Settings

if TYPE_CHECKING:
    from service.assignment.assign import WorkAssigner

POLL_SECONDS = 30.0
"""Seconds between checks for a newly published full run."""
log = logs.get_logger("service.assignment.assign")


class SharedAssigner:
    """One work assigner for all requests of a process, because its imports are slow."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Store database and settings; nothing is loaded yet."""
        self.database, self.settings = database, settings
        self._lock = threading.Lock()
        self._assigner: WorkAssigner | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def get(self) -> WorkAssigner:
        """Return the assigner, creating it on first use."""
        from service.assignment.assign import WorkAssigner

        with self._lock:
            if self._assigner is None:
                self._assigner = WorkAssigner(self.database, self.settings)
            return self._assigner

    def keep_warm(self) -> None:
        """Load model and statistics in the background, now and after each full publication."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._warm_loop, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the background thread."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _warm_boards(self) -> None:
        """Import and compile what boards need as well."""
        from service.board import commit, reclustering, tasks, view  # noqa: F401
        from service.board.block_cache import warm_up

        with self.database.read() as connection:
            warm_up(connection, self.get())

    def _warm_loop(self) -> None:
        while not self._ended.is_set():
            try:
                before = self.get().loaded_run_id
                if self.get().warm_up() and self.get().loaded_run_id != before:
                    self._warm_boards()
                    # loaded objects are permanent: exclude them from garbage collection
                    gc.collect()
                    gc.freeze()
                    log.info("ready to place", run=self.get().loaded_run_id)
            except (DisambigError, OSError) as error:
                if not self._ended.is_set():
                    log.warning("not ready to place", error=str(error))
            self._ended.wait(POLL_SECONDS)
