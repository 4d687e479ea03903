"""Problems of records: count and report them, and write rejected records to a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from disambig.console import escape_text
from disambig.errors import InputError, RecordError

_MAX_SHOWN = 60


class Severity(StrEnum):
    """Consequence of a problem for its record."""

    REJECTED = "rejected"
    REPAIRED = "repaired"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of one record: file, line, field, what is wrong and what to do.

    ``line`` counts from 1; 0 means the file as a whole. ``str()`` is safe to print: control and
    bidirectional characters of the input are escaped.
    """

    file: str
    line: int
    field: str
    problem: str
    remedy: str
    severity: Severity

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return escape_text(f"{place}: {self.field}: {self.problem}; {self.remedy}")


class BadRecord(Exception):
    """A record cannot be used; the reader adds file and line."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        self.field, self.problem, self.remedy = field, problem, remedy
        super().__init__(f"{field}: {problem}; {remedy}")


@dataclass(frozen=True, slots=True)
class Repair:
    """A harmless fix made to a field of a record that was kept."""

    field: str
    problem: str
    fix: str


class ProblemLog:
    """Counts records by outcome, reports each problem, and writes the rejects file.

    The rejects file is created at the first rejected record. Each line is one JSON object with
    ``file``, ``line``, ``field``, ``problem``, ``remedy`` and the whole ``record``, in ASCII, so
    that it cannot control a terminal.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        rejects: str | Path | None = None,
        on_problem: Callable[[Problem], None] | None = None,
    ) -> None:
        self.read = self.kept = self.repaired = self.rejected = self.duplicates = 0
        self.warnings = 0
        self._strict, self._on_problem = strict, on_problem
        self._rejects = Path(rejects) if rejects is not None else None
        self._file: IO[str] | None = None

    def reject(self, file: str, line: int, error: BadRecord, record: object) -> None:
        """Count, report and store a rejected record; raise :class:`RecordError` when strict."""
        self.rejected += 1
        problem = Problem(file, line, error.field, error.problem, error.remedy, Severity.REJECTED)
        self._write(problem, record)
        if self._strict:
            raise RecordError(
                escape_text(file),
                line,
                escape_text(error.field),
                escape_text(error.problem),
                escape_text(error.remedy),
            ) from error
        self._report(problem)

    def report_repairs(self, file: str, line: int, repairs: Sequence[Repair]) -> None:
        """Report the repairs of one kept record, which counts once."""
        self.repaired += 1
        for fix in repairs:
            self._report(Problem(file, line, fix.field, fix.problem, fix.fix, Severity.REPAIRED))

    def warn(self, file: str, line: int, field: str, problem: str, remedy: str) -> None:
        """Report an inconsistency that changes no record."""
        self.warnings += 1
        self._report(Problem(file, line, field, problem, remedy, Severity.WARNING))

    def note(self, file: str, problem: str, remedy: str) -> None:
        """Report how a whole file was treated, such as skipped."""
        self._report(Problem(file, 0, "file", problem, remedy, Severity.NOTE))

    def close(self) -> None:
        """Close the rejects file, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _report(self, problem: Problem) -> None:
        if self._on_problem is not None:
            self._on_problem(problem)

    def _write(self, problem: Problem, record: object) -> None:
        if self._rejects is None:
            return
        if self._file is None:
            try:
                self._file = self._rejects.open("w", encoding="ascii")
            except OSError as error:
                raise InputError(
                    f"{self._rejects}: cannot write rejects ({error.strerror}); name another file"
                ) from error
        row = asdict(problem)
        del row["severity"]
        row["record"] = _decode_record(record) if isinstance(record, bytes) else record
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()


def _decode_record(record: bytes) -> object:
    """Decode a record as JSON, else as text with invalid bytes escaped."""
    try:
        return json.loads(record)
    except (ValueError, RecursionError):
        return record.decode(errors="backslashreplace")


def quote_value(value: object) -> str:
    """Quote a value of the input, truncated to fit a line."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
    return f'"{text}"' if isinstance(value, str) else text
