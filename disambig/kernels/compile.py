"""Compilation of kernels, and the cache of their compiled code.

Kernels are compiled at their first call and stored in ``__pycache__`` (or in numba's cache folder,
where that cannot be written), so that only the first run after an installation waits for them.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import event
from numba.core.caching import FunctionCache, IndexDataCacheFile

F = TypeVar("F", bound=Callable[..., object])


class _CacheFile(IndexDataCacheFile):
    """File of compiled code that counts as empty if it names a class that exists no more."""

    def _load_index(self) -> dict[Any, str]:
        # numba reads the types of all arguments before it compares the stamp
        try:
            index: dict[Any, str] = super()._load_index()  # type: ignore[no-untyped-call]
        except (AttributeError, ImportError):
            return {}
        return index


class KernelCache(FunctionCache):
    """Compiled code of one kernel, valid for one state of the sources that it is made of.

    numba discards compiled code when the file of the kernel changes, but keeps it when another
    file changes whose kernels, intrinsics or constants are compiled into it. Here the stamp is a
    digest of all these files, see :func:`digest_sources`.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        """Choose the folder as numba does, and the stamp by all sources."""
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._cache_file = _CacheFile(  # type: ignore[no-untyped-call]
            self.cache_path, self._impl.filename_base, digest_sources(inspect.getfile(function))
        )

    def is_empty(self) -> bool:
        """Whether no compiled code of these sources is stored."""
        return not cast(_CacheFile, self._cache_file)._load_index()


_kernels: list[Any] = []


def kernel(function: F) -> F:
    """Compile ``function`` for the types it is called with, without the interpreter lock.

    Division by zero gives infinity or NaN, as in numpy; sums keep the order they are written
    in, so that a result does not depend on the machine's vector width.
    """
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    dispatcher._cache = KernelCache(function)
    _kernels.append(dispatcher)
    return cast(F, dispatcher)


@cache
def digest_sources(file: str) -> str:
    """Digest of a source file and of the files of this project that it imports, directly or not.

    Only imports at the top level of a file count: what a kernel uses has been imported there.
    """
    digest = hashlib.sha256()
    for path in sorted(_list_sources(Path(file))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _list_sources(file: Path) -> set[Path]:
    """A source file and those that it imports from packages that have kernels or serve them."""
    sources, unread = {file}, [file]
    while unread:
        for name in _list_imports(unread.pop()):
            imported = _find_source(name)
            if imported is not None and imported not in sources:
                sources.add(imported)
                unread.append(imported)
    return sources


@cache
def _list_imports(file: Path) -> tuple[str, ...]:
    """Names of modules, and of what may be modules, imported at the top level of a file."""
    names: list[str] = []
    for statement in ast.parse(file.read_bytes()).body:
        if isinstance(statement, ast.Import):
            names += (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            names += (statement.module, *(f"{statement.module}.{a.name}" for a in statement.names))
    return tuple(names)


_ROOT = __name__.partition(".")[0]


def _find_source(name: str) -> Path | None:
    """File of a module of this package; None for anything else."""
    if name.partition(".")[0] != _ROOT:
        return None
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:  # a function or constant of a module
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def is_cold() -> bool:
    """Whether no kernel that has been imported has stored code, as before the first run."""
    return all(dispatcher._cache.is_empty() for dispatcher in _kernels)


def count_kernels() -> int:
    """Number of kernels that have been imported."""
    return len(_kernels)


class _Listener(event.Listener):
    """Counts kernels as they are compiled."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance

    def on_start(self, compilation: Any) -> None:
        """Do nothing: a kernel counts once it is compiled."""

    def on_end(self, compilation: Any) -> None:
        """Count a kernel; parts of numba that are compiled with it do not count."""
        if isinstance(compilation.data["dispatcher"]._cache, KernelCache):
            self._advance(1)


@contextmanager
def watch_compilation(advance: Callable[[int], None]) -> Iterator[None]:
    """Call ``advance(1)`` for each kernel that is compiled within the context."""
    with event.install_listener("numba:compile", _Listener(advance)):
        yield
