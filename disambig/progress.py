"""Progress of long computations: a function that opens a stage and yields ``advance``.

:func:`disambig.console.show_progress` draws a bar; :func:`no_progress` draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Open a stage: its description, total number of units (None: unknown), and the unit."""

    def __call__(
        self, description: str, total: int | None = None, unit: str = ""
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Yield ``advance(n)``, to be called when units are done."""
        ...


@contextmanager
def no_progress(
    description: str, total: int | None = None, unit: str = ""
) -> Iterator[Callable[[int], None]]:
    """Show nothing."""
    yield lambda n: None
