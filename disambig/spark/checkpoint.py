"""TODO docstring."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disambig.errors import InputError
from disambig.output import whole_file

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
    """What a run did; the assignments are in its output file.

    Attributes
    ----------
    n_works, n_signatures, n_identities : int
    considered, scored : int
        Pairs within blocks, and those that were scored.
    candidates : int
        Joins across blocks that were scored.
    retried : int
        Tasks that succeeded only when they were run again.
    problems : tuple of str
        Constraints that could not be used, and why.
    seconds : dict of str to float
        Wall time of each of :data:`STAGES` that was not done by an earlier run.
    report : mapping of str to int
        What became of the records, as given when they were read.
    """

    n_works: int
    n_signatures: int
    n_identities: int
    considered: int
    scored: int
    candidates: int
    retried: int
    problems: tuple[str, ...]
    seconds: dict[str, float]
    report: Mapping[str, int]


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run, with what one that goes on needs to know.

    Attributes
    ----------
    folder : Path
    fingerprint : str or None
        What the run depends on; None where nothing is kept.
    told : callable
        What became of the records, once they have been read.
    """

    folder: Path
    fingerprint: str | None
    get_report: Callable[[], Mapping[str, int]]

    @property
    def divided(self) -> bool:
        """Whether an earlier run has divided the works into shards."""
        return self._note_file.is_file()

    @property
    def report(self) -> Mapping[str, int]:
        """What became of the records."""
        content: Mapping[str, int] = self._read_note()["report"]
        return content

    def write_note(self, works: Mapping[str, Any]) -> None:
        """Write down that the works are divided, and what is known of them."""
        document = {"fingerprint": self.fingerprint, "report": self.get_report(), "read": works}
        with whole_file(self._note_file) as stream:
            json.dump(document, stream)

    def read_works_note(self) -> dict[str, Any]:
        """What an earlier run knew of its works."""
        works: dict[str, Any] = self._read_note()["read"]
        return works

    def require_same_run(self) -> None:
        """Make sure that what is kept is of this run.

        Raises
        ------
        InputError
            If it is of another.
        """
        if self.divided and self._read_note()["fingerprint"] != self.fingerprint:
            raise InputError(
                f"{self.folder} holds an interrupted run over other works, another model or other "
                "constraints; delete it to start anew, or name the same inputs to go on"
            )

    def _read_note(self) -> dict[str, Any]:
        note: dict[str, Any] = json.loads(self._note_file.read_text(encoding="utf-8"))
        return note

    @property
    def _note_file(self) -> Path:
        return self.folder / "run.json"


def get_run_folder(out: Path, folder: Path | None = None) -> Path:
    """Where a run that can go on keeps what it has done."""
    return (folder or out.parent).resolve() / f".{out.name}.run.spark"


def is_divided(out: Path, fingerprint: str) -> bool:
    """Whether an interrupted run can go on without reading the works again.

    Raises
    ------
    InputError
        If one over other works, another model or other constraints was interrupted.
    """
    run_folder = RunFolder(get_run_folder(out), fingerprint, dict)
    run_folder.require_same_run()
    return run_folder.divided
