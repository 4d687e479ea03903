"""``disambig gold``: convert a public gold set to works and labels."""

from __future__ import annotations

import gzip
import json
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from disambig.cli import options
from disambig.console import show_progress

if TYPE_CHECKING:
    from disambig.domain import Label, Work
    from disambig.errors import RecordError
    from labeled.gold.goldset import LabelledWork, Problems

    Reader = Callable[[Path, Problems], Iterator[LabelledWork]]

KINDS = ("aminer", "acl", "openreview", "s2and")
_MAX_PROBLEMS = 10
T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class GoldSet:
    """A gold set: works, labels of their signatures, and problems of its records.

    Both iterators share one pass over the files and may be consumed once, in any order; items
    that one of them has not consumed yet are held in memory. ``problems`` grows during
    iteration.
    """

    works: Iterator[Work]
    labels: Iterator[Label]
    problems: Problems


def load_gold(kind: str, path: str | Path, problems: Problems | None = None) -> GoldSet:
    """Open a public gold set.

    Args:
        kind: one of :data:`KINDS`; the module of each documents its source and format.
        path: file or folder, as documented in that module.
        problems: collects problems; default: a new collection.

    Raises
    ------
    ValueError
        The kind is unknown.
    FormatError
        While iterating: the path does not hold such a gold set.
    """
    from labeled.gold.goldset import Problems

    if kind not in KINDS:
        raise ValueError(f"unknown gold set {kind!r}; choose one of {', '.join(KINDS)}")
    problem_report = Problems() if problems is None else problems
    entries = _get_reader(kind)(Path(path), problem_report)
    works, labels = _unzip((entry.work, entry.labels) for entry in entries)
    return GoldSet(works, (label for of_work in labels for label in of_work), problem_report)


def _get_reader(kind: str) -> Reader:
    if kind == "aminer":
        from labeled.gold.aminer import read_aminer

        return read_aminer
    if kind == "acl":
        from labeled.gold.acl import read_acl

        return read_acl
    if kind == "openreview":
        from labeled.gold.openreview import read_openreview

        return read_openreview
    from labeled.gold.s2and import read_s2and

    return read_s2and


def _unzip(pairs: Iterator[tuple[T, U]]) -> tuple[Iterator[T], Iterator[U]]:
    """Split an iterator of pairs into two; buffer only the unread items."""
    left: deque[T] = deque()
    right: deque[U] = deque()

    def read_pair() -> bool:
        pair = next(pairs, None)
        if pair is None:
            return False
        left.append(pair[0])
        right.append(pair[1])
        return True

    def iterate_left() -> Iterator[T]:
        while left or read_pair():
            yield left.popleft()

    def iterate_right() -> Iterator[U]:
        while right or read_pair():
            yield right.popleft()

    return iterate_left(), iterate_right()


@click.command(
    epilog=options.format_examples(
        "disambig gold acl ~/acl-anthology --out gold/acl",
        "disambig gold aminer rich-author-disambiguation-data --out gold/aminer",
        "disambig gold openreview iclr2024-notes.jsonl --out gold/iclr",
        "disambig train gold/acl/works.jsonl.gz --labels gold/acl/labels.jsonl --out my.model",
    )
)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for works.jsonl.gz, labels.jsonl and, if there are any, problems.jsonl.",
)
@options.quiet_option
def gold(kind: str, path: Path, out: Path, quiet: bool) -> None:
    """Convert a public gold set at PATH to works and labels.

    \b
    KIND        PATH
    aminer      AMiner-2012: folder of XML files, one for each name
    acl         a clone of the ACL Anthology, with its name variants
    openreview  notes of the OpenReview API, JSON or JSONL, file or folder
    s2and       folder with signatures, papers and clusters as JSON

    Labels get a split: 60 % of the blocks train, 20 % dev, 20 % test. No block and no person is
    in two splits, and works added later move no block. Records that cannot be used are reported,
    counted and written to problems.jsonl.
    """
    from disambig.cli.works_options import EXIT_REJECTED
    from labeled.gold.goldset import Problems
    from labeled.gold.splits import assign_splits, check_leakage

    problems = Problems()
    gold_set = load_gold(kind, path, problems)
    out.mkdir(parents=True, exist_ok=True)
    with show_progress(f"Reading {kind}", unit="works", quiet=quiet) as advance:
        count = _write_works(gold_set.works, out / "works.jsonl.gz", advance)
    labels = assign_splits(gold_set.labels)
    _write_labels(labels, out / "labels.jsonl")
    _write_problems(problems, out / "problems.jsonl")
    if not quiet:
        for line in _format_summary(count, labels, problems, out):
            click.echo(line, err=True)
        for leak in check_leakage(labels):
            click.echo(f"contradiction in the labels: {leak}", err=True)
    if problems.rejected:
        raise click.exceptions.Exit(EXIT_REJECTED)


def _write_works(works: Iterator[Work], target: Path, advance: Callable[[int], None]) -> int:
    from labeled.gold.rows import format_work

    part = target.with_name(target.name + ".part")
    count = 0
    # No name and no time in the header: equal works give equal bytes. JSON can hold a lone
    # surrogate, UTF-8 cannot: it becomes a question mark.
    with part.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as gzip_file:
        for work in works:
            gzip_file.write(format_work(work).encode(errors="replace") + b"\n")
            advance(1)
            count += 1
    part.replace(target)
    return count


def _write_labels(labels: list[Label], target: Path) -> None:
    from labeled.gold.rows import format_label

    text = "".join(format_label(label) + "\n" for label in labels)
    target.write_bytes(text.encode(errors="replace"))


def _write_problems(problems: Problems, target: Path) -> None:
    """Write one JSON object a line, in ASCII, so that it holds no control characters."""
    if not problems.errors:
        target.unlink(missing_ok=True)
        return
    with target.open("w", encoding="ascii") as file:
        for error in problems.errors:
            keys = ("file", "line", "field", "problem", "remedy")
            file.write(json.dumps({key: getattr(error, key) for key in keys}) + "\n")


def _format_summary(
    works: int, labels: list[Label], problems: Problems, out: Path
) -> Iterator[str]:
    for error in problems.errors[:_MAX_PROBLEMS]:
        yield _format_error(error)
    n_more = len(problems.errors) - _MAX_PROBLEMS
    if n_more > 0:
        yield f"… and {n_more:,} more in {out / 'problems.jsonl'}"
    people = len({label.person for label in labels})
    splits = Counter(label.split for label in labels)
    shares = ", ".join(f"{name} {splits[name]:,}" for name in sorted(splits))
    yield (
        f"{works:,} works, {len(labels):,} labelled mentions of {people:,} people ({shares}); "
        f"{len(problems.errors):,} problems, {problems.rejected:,} records rejected"
    )


def _format_error(error: RecordError) -> str:
    from disambig.console import escape_text

    return escape_text(str(error))
