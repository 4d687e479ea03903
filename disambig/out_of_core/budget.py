"""Plan memory: run in memory, or out-of-core with how many shards and workers."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_GZIP_RATIO = 4
"""Bytes of JSON lines per byte of their gzip file; 3.5 to 4.9 on the labelled corpora."""
_MEMORY_RATIO = 14
"""Bytes of memory per byte of works in an in-memory run, all processes together."""
_SHARD_RATIO = 30
"""Bytes of memory per byte of works in a shard; a shard contains a work for any of its authors."""
_PROCESS_BYTES = 300 * 10**6
"""Memory of a process before it reads works."""
_SHORT_RUN_BYTES = 250 * 10**6
"""Bytes of works above which a run takes more than about three minutes on two cores; it is then
out-of-core, so that it can be resumed after an interruption."""
_MIN_SHARDS = 32
"""With fewer shards, an interrupted run would lose more."""
_FREE_SHARE = 0.75
_MIN_BYTES = 10**9


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Number of ``workers``, and of ``shards`` on disk (None: all in memory)."""

    workers: int
    shards: int | None


def parse_size(context: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """Parse a size such as ``2GB``, ``500 MB`` or ``1.5G`` to bytes."""
    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text, re.IGNORECASE)
    if not match:
        raise click.BadParameter(f"{text!r} is not a size; write for example 2GB or 500MB")
    size = int(float(match[1]) * _UNITS[match[2].lower()])
    if size < _MIN_BYTES:
        raise click.BadParameter(f"{text} is too small; give at least {_MIN_BYTES / 10**9:.0f}GB")
    return size


def plan_memory(works: Sequence[Path], memory: int | None, workers: int) -> MemoryPlan:
    """Plan a run by the size of its input.

    Parameters
    ----------
    works : sequence of Path
        Files, folders, or ``-`` for standard input, whose size is unknown: if ``memory`` is given,
        it is treated as large, out-of-core.
    memory : int or None
        Bytes; None is :data:`_FREE_SHARE` of what is free.
    """
    limit = memory or int(_get_free_memory() * _FREE_SHARE)
    if any(str(path) == "-" for path in works):
        return MemoryPlan(workers, None if memory is None else 64)
    return plan_for_size(sum(_estimate_size(path) for path in works), limit, workers)


def plan_for_size(size: int, limit: int | None, workers: int) -> MemoryPlan:
    """Plan a run for ``size`` bytes of works as JSON and ``limit`` bytes of memory (None: free)."""
    if size <= _SHORT_RUN_BYTES and fits_in_memory(size, limit):
        return MemoryPlan(workers, None)
    limit = limit or int(_get_free_memory() * _FREE_SHARE)
    # more than half is for the process that orders all signatures and joins across shards
    for_shards = limit * 0.4
    workers = max(1, min(workers, int(for_shards / _PROCESS_BYTES)))
    each = max(for_shards / workers - _PROCESS_BYTES, _PROCESS_BYTES / 4)
    return MemoryPlan(workers, max(_MIN_SHARDS, -(-int(size * _SHARD_RATIO) // int(each))))


def fits_in_memory(size: int, limit: int | None) -> bool:
    """Whether ``size`` bytes of works fit in ``limit`` bytes of memory (None: free)."""
    return size * _MEMORY_RATIO + _PROCESS_BYTES <= (limit or int(_get_free_memory() * _FREE_SHARE))


def _estimate_size(path: Path) -> int:
    files = (file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return sum(f.stat().st_size * (_GZIP_RATIO if f.suffix == ".gz" else 1) for f in files)


def _get_free_memory() -> int:
    """Return the bytes of memory that are free or can be freed."""
    status = Path("/proc/meminfo")
    if status.is_file():
        match = re.search(r"^MemAvailable:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        if match:
            return int(match[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
