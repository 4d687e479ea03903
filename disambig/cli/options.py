"""Options and helpers that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from disambig.console import escape_text, show_progress

if TYPE_CHECKING:
    from disambig.domain import Label
    from disambig.evaluation.compare import Comparison

__all__ = [
    "compare_files",
    "comparison_arguments",
    "format_examples",
    "json_option",
    "out_option",
    "quiet_option",
    "reject_input",
    "show_progress",
]

F = TypeVar("F", bound=Callable[..., Any])


def format_examples(*lines: str) -> str:
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
        callback=_check_folder,
        help=f"Where to write {what}.",
    )


def _check_folder(context: click.Context, option: click.Parameter, path: Path) -> Path:
    """Reject a file that cannot be written before hours of work, not after."""
    if not path.parent.is_dir():
        raise click.BadParameter(
            f"the folder {escape_text(str(path.parent))} does not exist; make it"
        )
    if not os.access(path.parent, os.W_OK):
        raise click.BadParameter(f"the folder {escape_text(str(path.parent))} cannot be written to")
    return path


def reject_input(out: Path, inputs: Iterable[Path]) -> None:
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

    labels_by_file = [(path, _read_labels(path, split)) for path in labels]
    signatures = {
        (x.signature.work, x.signature.position) for _, rows in labels_by_file for x in rows
    }
    with show_progress("Reading clusters", unit="rows", quiet=quiet) as advance:
        identities = read_identities(clusters, signatures, advance)
    comparisons = [(path, compare(identities, rows)) for path, rows in labels_by_file]
    if not allow_missing:
        for path, comparison in comparisons:
            refuse_missing(comparison, clusters, str(path))
    return comparisons


def _read_labels(path: Path, split: str | None) -> list[Label]:
    from disambig.errors import InputError
    from disambig.ingest import read_labels

    rows = list(read_labels([path]))
    split_labels = [label for label in rows if split is None or label.split == split]
    if not split_labels:
        splits = sorted({label.split for label in rows if label.split})
        hint = f"its splits are {', '.join(splits)}" if splits else "it states no splits"
        where = f" in split {split}; {hint}" if split is not None and rows else ""
        raise InputError(f"{path}: no labels{where}")
    return split_labels
