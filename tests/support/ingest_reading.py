"""Reading in one step: works, report and the problems that were told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disambig.domain import Work
from disambig.ingest import Problem, ReadReport, read_works

PAGES = Path(__file__).parent.parent / "data" / "pages"


@dataclass(frozen=True)
class Result:
    works: list[Work]
    report: ReadReport
    problems: list[Problem]

    @property
    def work(self) -> Work:
        (only,) = self.works
        return only

    @property
    def problem(self) -> Problem:
        (only,) = self.problems
        return only


def read(*paths: str | Path, **options: Any) -> Result:
    problems: list[Problem] = []
    reader = read_works(paths, on_problem=problems.append, **options)
    works = list(reader)
    return Result(works, reader.report, problems)


def record(**fields: Any) -> dict[str, Any]:
    """A good native record, with other fields or without those given as ``...``."""
    whole = {"id": "w1", "title": "On Names", "year": 2020, "authors": [{"name": "Ada Byron"}]}
    return {key: value for key, value in (whole | fields).items() if value is not ...}
