"""Result of a run on Spark, and the folder from which an interrupted run resumes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disambig.errors import InputError
from disambig.names import NameKind
from disambig.output import open_atomically

STAGES = (
    "Reading works",
    "Grouping",
    "Counting",
    "Clustering",
    "Holding must-links",
    "Finding joins",
    "Scoring joins",
    "Joining",
    "Writing",
)


@dataclass(frozen=True)
class SparkRun:
    """Result of a run; the assignments are in its output file.

    Attributes
    ----------
    n_works, n_signatures, n_identities : int
    kinds : Counter of NameKind
        Number of groups and placeholders among the author names.
    considered, scored : int
        Number of pairs within blocks, and of those scored.
    candidates : int
        Number of joins across blocks that were scored.
    retried : int
        Tasks that succeeded only after a retry.
    problems : tuple of str
        Constraints that were ignored, with the reason.
    seconds : dict of str to float
        Wall time of each of :data:`STAGES` that an earlier run had not finished.
    report : mapping of str to int
        Counts of accepted and rejected records.
    """

    n_works: int
    n_signatures: int
    n_identities: int
    kinds: Counter[NameKind]
    considered: int
    scored: int
    candidates: int
    retried: int
    problems: tuple[str, ...]
    seconds: dict[str, float]
    report: Mapping[str, int]


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run, with the state needed to resume it.

    Attributes
    ----------
    folder : Path
    fingerprint : str or None
        Digest of the inputs; None if the run is not resumable.
    get_report : callable
        Returns counts of accepted and rejected records once they have been read.
    """

    folder: Path
    fingerprint: str | None
    get_report: Callable[[], Mapping[str, int]]

    @property
    def is_divided(self) -> bool:
        """Whether the works are already divided into shards."""
        return self._note_file.is_file()

    @property
    def report(self) -> Mapping[str, int]:
        """Counts of accepted and rejected records."""
        content: Mapping[str, int] = self._read_note()["report"]
        return content

    def write_note(self, works: Mapping[str, Any]) -> None:
        """Store that the works are divided, with their counts."""
        document = {"fingerprint": self.fingerprint, "report": self.get_report(), "read": works}
        with open_atomically(self._note_file) as stream:
            json.dump(document, stream)

    def read_works_note(self) -> dict[str, Any]:
        """Read what the earlier run stored about its works."""
        works: dict[str, Any] = self._read_note()["read"]
        return works

    def require_same_run(self) -> None:
        """Check that the folder belongs to this run.

        Raises
        ------
        InputError
            If it belongs to another.
        """
        if self.is_divided and self._read_note()["fingerprint"] != self.fingerprint:
            raise InputError(
                f"{self.folder} contains an interrupted run with other works, another model or "
                "other constraints; delete it to start over, or pass the same inputs to resume"
            )

    def _read_note(self) -> dict[str, Any]:
        note: dict[str, Any] = json.loads(self._note_file.read_text(encoding="utf-8"))
        return note

    @property
    def _note_file(self) -> Path:
        return self.folder / "run.json"


def get_run_folder(out: Path, folder: Path | None = None) -> Path:
    """Return the folder of a resumable run."""
    return (folder or out.parent).resolve() / f".{out.name}.run.spark"


def can_resume(out: Path, fingerprint: str) -> bool:
    """Whether an interrupted run can resume without reading the works again.

    Raises
    ------
    InputError
        If the interrupted run had other works, another model or other constraints.
    """
    run_folder = RunFolder(get_run_folder(out), fingerprint, dict)
    run_folder.require_same_run()
    return run_folder.is_divided
