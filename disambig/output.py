"""Write result files atomically."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO

import orjson

from disambig.domain import Assignment
from disambig.names import NameKind, classify_name

find_kind = lru_cache(maxsize=1 << 16)(classify_name)
""":func:`~disambig.names.classify_name` with a cache: names repeat."""


@contextmanager
def open_atomically(path: Path) -> Iterator[IO[str]]:
    """Open a temporary text file that replaces ``path`` if the block ends without an error."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_get_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_assignments(path: Path, assignments: Iterable[Assignment]) -> Counter[NameKind]:
    """Write one JSON row for each assignment: work, position, name, identity, confidence.

    A group or placeholder among the authors has a ``kind`` and no identity. Return how many there
    are of each.
    """
    kinds: Counter[NameKind] = Counter()
    with open_atomically(path) as stream:
        for row in assignments:
            kind = find_kind(row.name)
            if kind is not None:
                kinds[kind] += 1
            stream.write(format_assignment(row, kind))
    return kinds


def format_assignment(row: Assignment, kind: NameKind | None) -> str:
    """Format one JSON row with its line end; ``kind`` is that of a name that is no person's."""
    # a general encoder takes three times as long, and there are millions of rows
    work, name = _quote(row.signature.work), _quote(row.name)
    start = f'{{"work": {work}, "position": {row.signature.position}, "name": {name}, '
    if kind is not None:
        return f'{start}"kind": "{kind}", "identity": null, "confidence": null}}\n'
    return f'{start}"identity": "{row.identity}", "confidence": {row.confidence}}}\n'


def _quote(text: str) -> str:
    return orjson.dumps(text).decode()


def _get_umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
