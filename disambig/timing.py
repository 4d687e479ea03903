"""How long parts of a computation take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Clock:
    """How long some functions took together, by name, in ``seconds``."""

    def __init__(self) -> None:
        """Start."""
        self.began = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def time_function(self, name: str, function: Callable[P, T]) -> Callable[P, T]:
        """The same function, timed under a name."""

        def run(*args: P.args, **kwargs: P.kwargs) -> T:
            began = time.perf_counter()
            found = function(*args, **kwargs)
            spent = time.perf_counter() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
            return found

        return run

    def get_seconds(self, name: str) -> dict[str, float]:
        """All seconds so far; those that were not timed under ``name``."""
        rest = time.perf_counter() - self.began - sum(self.seconds.values())
        return {name: rest, **self.seconds}
