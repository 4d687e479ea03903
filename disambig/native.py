"""Compiled kernels: where the compiler is named, but for :mod:`disambig._vectors`.

Kernels are compiled on first use and kept beside the package (or in the user's cache folder), so
that only the first run after an installation waits for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile ``function`` for the types it is called with, without the interpreter lock.

    Division by zero gives infinity or NaN, as in numpy; sums keep the order they are written
    in, so that a result does not depend on the machine's vector width.
    """
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
