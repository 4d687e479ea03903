"""S2AND: eight labelled corpora in one format, read by :mod:`disambig.ingest`.

Source: https://github.com/allenai/S2AND, for its JSON format
``aws s3 sync --no-sign-request s3://ai2-s2-research-public/s2and-release .``. The data are under
ODC-BY 1.0; cite S. Subramanian, D. King, D. Downey and S. Feldman, "S2AND: A Benchmark and
Evaluation System for Author Name Disambiguation", JCDL 2021.

Format: a folder for each corpus with ``*_signatures.json``, ``*_papers.json`` and
``*_clusters.json``. A cluster is a person; blocks are S2AND's own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from disambig.domain import Label
from disambig.ingest import Problem, Severity, read_s2and_labels, read_works
from labeled.gold.goldset import LabelledWork, Problems


def read_s2and(path: Path, problems: Problems) -> Iterator[LabelledWork]:
    """Read works and labels of the S2AND corpora in a folder; labels are held in memory.

    Raises
    ------
    InputError
        The folder is missing or holds no S2AND data.
    """

    def report_problem(problem: Problem) -> None:
        record = problems.reject if problem.severity is Severity.REJECTED else problems.warn
        if problem.severity in (Severity.REJECTED, Severity.WARNING):
            record(problem.file, problem.line, problem.field, problem.problem, problem.remedy)

    labels: dict[str, list[Label]] = defaultdict(list)
    for label in read_s2and_labels(path, strict=False):
        labels[label.signature.work].append(label)
    with read_works([path], format="s2and", on_problem=report_problem) as works:
        for work in works:
            yield LabelledWork(work, tuple(labels.pop(work.id, ())))
