"""Which work ids were met, where, and with what content."""

from __future__ import annotations

from array import array
from enum import Enum

from disambig.domain import Work
from disambig.ingest._problems import BadRecord


class Met(Enum):
    """Whether a work's id was met before."""

    NEW = 0
    SAME = 1
    OTHER = 2


class Registry:
    """Ids of accepted works. Memory: the ids and about 120 bytes for each."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._hashes, self._lines, self._files = array("q"), array("q"), array("l")
        self._names: list[str] = []

    def meet(self, work: Work, file: str, line: int) -> Met:
        """Register a work, or tell that its id was met with the same or with other content.

        Contents are compared by a 64-bit hash of the whole work.
        """
        row = self._rows.setdefault(work.id, len(self._hashes))
        content = hash(work)
        if row < len(self._hashes):
            return Met.SAME if self._hashes[row] == content else Met.OTHER
        if not self._names or self._names[-1] != file:
            self._names.append(file)
        self._hashes.append(content)
        self._lines.append(line)
        self._files.append(len(self._names) - 1)
        return Met.NEW

    def clash(self, work: Work, file: str) -> BadRecord:
        """The problem of a work whose id was met with other content."""
        row = self._rows[work.id]
        first = self._names[self._files[row]]
        place = f"line {self._lines[row]}" if first == file else f"{first}:{self._lines[row]}"
        return BadRecord(
            "id",
            f"{work.id} was given to another record ({place})",
            "give each work its own id, or remove the outdated record",
        )
