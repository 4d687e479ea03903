"""Works as input of a command: options, progress bar, problems, summary, exit status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from disambig.console import show_progress

if TYPE_CHECKING:
    from disambig.ingest import Problem, ReadReport, WorkReader

#: The command succeeded, but some input records were rejected.
EXIT_REJECTED = 3
#: Values of ``--format`` other than auto; a test compares them with ``disambig.ingest.FORMATS``.
FORMATS = ("native", "s2and", "page")

_MAX_SHOWN = 10

F = TypeVar("F", bound=Callable[..., Any])


def works_argument(command: F) -> F:
    """Add ``WORKS…``: files, folders or ``-`` for standard input, passed as ``works``."""
    return click.argument(
        "works",
        nargs=-1,
        required=True,
        type=click.Path(exists=True, allow_dash=True, path_type=Path),
    )(command)


def reading_options(command: F) -> F:
    """Add ``--format``, ``--strict`` and ``--rejects``, passed under these names."""
    for option in reversed(
        (
            click.option(
                "--format",
                type=click.Choice(("auto", *FORMATS)),
                default="auto",
                show_default=True,
                help="Format of the works; auto detects it from the content of each file.",
            ),
            click.option(
                "--strict",
                is_flag=True,
                help="Stop at the first bad record instead of skipping it.",
            ),
            click.option(
                "--rejects",
                type=click.Path(dir_okay=False, path_type=Path),
                help="File for rejected records, each with its problem and remedy.",
            ),
        )
    ):
        command = option(command)
    return command


@contextmanager
def open_works(
    paths: Sequence[Path],
    *,
    format: str = "auto",
    strict: bool = False,
    rejects: Path | None = None,
    quiet: bool = False,
) -> Iterator[WorkReader]:
    """Read works with a progress bar; print problems to standard error, one line each.

    Rejected records are always printed. Of repairs, warnings and notes the first ten of each are
    printed, none if ``quiet``; the summary counts all.

    Raises
    ------
    InputError, FormatError, RecordError
        As :func:`disambig.ingest.read_works`.
    """
    from disambig.ingest import Severity, read_works

    n_shown: Counter[Severity] = Counter()

    def print_problem(problem: Problem) -> None:
        n_shown[problem.severity] += 1
        is_rejected = problem.severity is Severity.REJECTED
        if is_rejected or (not quiet and n_shown[problem.severity] <= _MAX_SHOWN):
            click.echo(f"{problem.severity}: {problem}", err=True)

    with (
        show_progress("Reading works", _count_bytes(paths), unit="B", quiet=quiet) as advance,
        read_works(
            paths,
            format=format,
            strict=strict,
            rejects=rejects,
            on_problem=print_problem,
            progress=advance,
        ) as reader,
    ):
        yield reader


def finish_reading(report: ReadReport, *, rejects: Path | None = None, quiet: bool = False) -> None:
    """Print the summary of the records; exit with status 3 if some were rejected.

    Call it last: it ends the command if a record was rejected.
    """
    location = f" (see {rejects})" if report.rejected and rejects is not None else ""
    if not quiet:
        click.echo(f"Works: {report}{location}", err=True)
    if report.rejected:
        raise click.exceptions.Exit(EXIT_REJECTED)


def _count_bytes(paths: Sequence[Path]) -> int | None:
    """Return the size of all files; None if standard input is among them."""
    if any(str(path) == "-" for path in paths):
        return None
    return sum(
        file.stat().st_size
        for path in paths
        for file in (path.rglob("*") if path.is_dir() else [path])
        if file.is_file()
    )
