"""Plan memory: run in memory, or out-of-core with how many shards and workers."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_GZIP = 4
"""Bytes of JSON lines per byte of their gzip file; 3.5 to 4.9 on the labelled corpora."""
_IN_MEMORY = 14
"""Bytes of memory per byte of works in an in-memory run, all processes together."""
_IN_SHARD = 30
"""Bytes of memory per byte of works in a shard; a shard contains a work for any of its authors."""
_PROCESS = 300 * 10**6
"""Memory of a process before it reads works."""
_SHORT = 250 * 10**6
"""Bytes of works above which a run takes more than about three minutes on two cores; it is then
out-of-core, so that it can be resumed after an interruption."""
_LEAST_SHARDS = 32
"""With fewer shards, an interrupted run would lose more."""
_SHARE = 0.75
_LEAST = 10**9


@dataclass(frozen=True, slots=True)
class Plan:
    """Number of ``workers``, and of ``shards`` on disk (None: all in memory)."""

    workers: int
    shards: int | None


def parse(context: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """Parse a size such as ``2GB``, ``500 MB`` or ``1.5G`` to bytes."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text, re.IGNORECASE)
    if not found:
        raise click.BadParameter(f"{text!r} is not a size; write for example 2GB or 500MB")
    size = int(float(found[1]) * _UNITS[found[2].lower()])
    if size < _LEAST:
        raise click.BadParameter(f"{text} is too small; give at least {_LEAST / 10**9:.0f}GB")
    return size


def plan(works: Sequence[Path], memory: int | None, workers: int) -> Plan:
    """Plan a run by the size of its input.

    Parameters
    ----------
    works : sequence of Path
        Files, folders, or ``-`` for standard input, whose size is unknown: if ``memory`` is given,
        it is treated as large, out-of-core.
    memory : int or None
        Bytes; None is :data:`_SHARE` of what is free.
    """
    limit = memory or int(_free() * _SHARE)
    if any(str(path) == "-" for path in works):
        return Plan(workers, None if memory is None else 64)
    return fitting(sum(_plain_size(path) for path in works), limit, workers)


def fitting(size: int, limit: int | None, workers: int) -> Plan:
    """Decide for ``size`` bytes of works as JSON; ``limit`` as ``memory`` of :func:`plan`."""
    if size <= _SHORT and fits(size, limit):
        return Plan(workers, None)
    limit = limit or int(_free() * _SHARE)
    # more than half is for the process that orders all signatures and joins across shards
    for_shards = limit * 0.4
    workers = max(1, min(workers, int(for_shards / _PROCESS)))
    each = max(for_shards / workers - _PROCESS, _PROCESS / 4)
    return Plan(workers, max(_LEAST_SHARDS, -(-int(size * _IN_SHARD) // int(each))))


def fits(size: int, limit: int | None) -> bool:
    """Whether ``size`` bytes of works fit in memory; ``limit`` as ``memory`` of :func:`plan`."""
    return size * _IN_MEMORY + _PROCESS <= (limit or int(_free() * _SHARE))


def _plain_size(path: Path) -> int:
    files = (file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return sum(f.stat().st_size * (_GZIP if f.suffix == ".gz" else 1) for f in files)


def _free() -> int:
    """Return the bytes of memory that are free or can be freed."""
    status = Path("/proc/meminfo")
    if status.is_file():
        found = re.search(r"^MemAvailable:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
