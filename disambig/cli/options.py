"""Options and helpers that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from disambig.console import show_progress, escape_text

if TYPE_CHECKING:
    from disambig.domain import Label
    from disambig.evaluation.compare import Comparison

__all__ = [
    "compare_files",
    "comparison_arguments",
    "examples",
    "json_option",
    "out_option",
    "show_progress",
    "quiet_option",
    "refuse_input",
]

F = TypeVar("F", bound=Callable[..., Any])


def examples(*lines: str) -> str:
    """Format the epilog of a command: its examples, one per line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def quiet_option(command: F) -> F:
    """Add ``--quiet``: no progress bars, no summary; errors only."""
    return click.option(
        "-q", "--quiet", is_flag=True, help="No progress bars and no summary, only errors."
    )(command)


def json_option(command: F) -> F:
    """Add ``--json``, passed as ``as_json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON for machines instead of tables."
    )(command)


def out_option(what: str) -> Callable[[F], F]:
    """Add ``--out FILE``, required, in an existing folder; passed as a :class:`Path`."""
    return click.option(
        "-o",
        "--out",
        required=True,
        type=click.Path(dir_okay=False, path_type=Path),
        callback=_in_a_folder,
        help=f"Where to write {what}.",
    )


def _in_a_folder(context: click.Context, option: click.Parameter, path: Path) -> Path:
    """Reject a file that cannot be written before hours of work, not after."""
    if not path.parent.is_dir():
        raise click.BadParameter(
            f"the folder {escape_text(str(path.parent))} does not exist; make it"
        )
    if not os.access(path.parent, os.W_OK):
        raise click.BadParameter(f"the folder {escape_text(str(path.parent))} cannot be written to")
    return path


def refuse_input(out: Path, inputs: Iterable[Path]) -> None:
    """Reject an output file that is also an input.

    Raises
    ------
    InputError
        ``out`` is one of ``inputs``.
    """
    from disambig.errors import InputError

    if out.exists() and any(path.exists() and path.samefile(out) for path in inputs):
        raise InputError(f"{out}: is an input and would be overwritten; name another file")


def comparison_arguments(command: F) -> F:
    """Add ``CLUSTERS LABELS… --split --allow-missing``, passed under these names."""
    for decorate in reversed(
        (
            click.argument(
                "clusters", type=click.Path(exists=True, dir_okay=False, path_type=Path)
            ),
            click.argument(
                "labels",
                nargs=-1,
                required=True,
                type=click.Path(exists=True, path_type=Path),
            ),
            click.option("--split", help="Evaluate only labels of this split, such as dev."),
            click.option(
                "--allow-missing",
                is_flag=True,
                help="Skip labelled mentions without a row in CLUSTERS instead of failing.",
            ),
        )
    ):
        command = decorate(command)
    return command


def compare_files(
    clusters: Path,
    labels: Sequence[Path],
    split: str | None,
    *,
    allow_missing: bool,
    quiet: bool,
) -> list[tuple[Path, Comparison]]:
    """Compare clusters with each labels file, or with one split of it.

    Raises
    ------
    InputError
        A file cannot be read, the split has no labels, or a labelled mention has no cluster and
        ``allow_missing`` is False.
    """
    from disambig.evaluation.compare import compare, read_identities, refuse_missing

    read = [(path, _labels_of(path, split)) for path in labels]
    wanted = {(x.signature.work, x.signature.position) for _, rows in read for x in rows}
    with show_progress("Reading clusters", unit="rows", quiet=quiet) as advance:
        found = read_identities(clusters, wanted, advance)
    compared = [(path, compare(found, rows)) for path, rows in read]
    if not allow_missing:
        for path, comparison in compared:
            refuse_missing(comparison, clusters, str(path))
    return compared


def _labels_of(path: Path, split: str | None) -> list[Label]:
    from disambig.errors import InputError
    from disambig.ingest import read_labels

    rows = list(read_labels([path]))
    kept = [label for label in rows if split is None or label.split == split]
    if not kept:
        splits = sorted({label.split for label in rows if label.split})
        known = f"its splits are {', '.join(splits)}" if splits else "it states no splits"
        where = f" in split {split}; {known}" if split is not None and rows else ""
        raise InputError(f"{path}: no labels{where}")
    return kept
