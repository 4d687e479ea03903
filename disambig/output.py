"""Write result files atomically."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import orjson

from disambig.domain import Assignment


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


def write_assignments(path: Path, assignments: Iterable[Assignment]) -> None:
    """Write one JSON row for each assignment: work, position, name, identity, confidence."""
    with open_atomically(path) as stream:
        for row in assignments:
            stream.write(format_assignment(row))


def format_assignment(row: Assignment) -> str:
    """Format one JSON row with its line end."""
    # a general encoder takes three times as long, and there are millions of rows
    work, name = _quote(row.signature.work), _quote(row.name)
    return (
        f'{{"work": {work}, "position": {row.signature.position}, "name": {name}, '
        f'"identity": "{row.identity}", "confidence": {row.confidence}}}\n'
    )


def _quote(text: str) -> str:
    return orjson.dumps(text).decode()


def _get_umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
