"""Measure the time of the parts of a computation."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Clock:
    """Total time of functions by name, in ``seconds``."""

    def __init__(self) -> None:
        """Start the clock."""
        self.start = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def time_function(self, name: str, function: Callable[P, T]) -> Callable[P, T]:
        """Return the function, with its time added under a name."""

        def run(*args: P.args, **kwargs: P.kwargs) -> T:
            start = time.perf_counter()
            value = function(*args, **kwargs)
            spent = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
            return value

        return run

    def get_seconds(self, name: str) -> dict[str, float]:
        """Return the seconds by name; time outside the functions is added under ``name``."""
        rest = time.perf_counter() - self.start - sum(self.seconds.values())
        return {name: rest, **self.seconds}
