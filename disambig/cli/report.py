"""``disambig report``: one page that shows how good clusters are and where they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from disambig.cli import common
from disambig.cli.group import version

if TYPE_CHECKING:
    from disambig.domain import Work


@click.command(
    epilog=common.examples(
        "disambig report clusters.jsonl labels.jsonl --works works.jsonl.gz --out report.html",
        "disambig report clusters.jsonl dblp/labels.jsonl acl/labels.jsonl --split dev \\",
        "    --works dblp/works.jsonl.gz --works acl/works.jsonl.gz --out report.html",
    )
)
@click.argument("clusters", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument(
    "labels", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--works",
    multiple=True,
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Works that CLUSTERS were made from: a file or folder; may be given again.",
)
@common.out_option("the page")
@click.option("--split", help="Show only labels of this split, such as dev.")
@click.option("--title", default="Identity report", show_default=True, help="Heading of the page.")
@click.option(
    "--allow-missing",
    is_flag=True,
    help="Leave out labelled mentions that CLUSTERS has no row for, instead of failing.",
)
@common.quiet_option
def report(
    clusters: Path,
    labels: tuple[Path, ...],
    works: tuple[Path, ...],
    out: Path,
    split: str | None,
    title: str,
    allow_missing: bool,
    quiet: bool,
) -> None:
    """Write one HTML page on how good CLUSTERS are against gold LABELS, and where they fail.

    The page holds the figures of disambig evaluate for each labels file, error slices by block
    size, name frequency and missing metadata, and the largest over-merges and over-splits with
    their titles, years and names. It is a single file that loads nothing and runs no script.
    """
    from disambig.evaluation import refuse_missing
    from disambig.ingest import read_works
    from disambig.report import build_report
    from disambig.report_data import read_contexts, section

    compared = common.compare_files(clusters, labels, split, quiet=quiet)
    for path, comparison in compared:
        if not allow_missing:
            refuse_missing(comparison, clusters, str(path))
    wanted = {(x.signature.work, x.signature.position) for _, c in compared for x in c.labels}
    with common.progress("Reading works", unit="works", quiet=quiet) as advance:
        contexts = read_contexts(_counted(read_works(works), advance), wanted)
    now = datetime.now(UTC)
    page = build_report(
        [section(str(path), comparison, contexts) for path, comparison in compared],
        title=title,
        facts=[
            ("clusters", str(clusters)),
            *([("split", split)] if split else []),
            ("made", f"{now.day} {now:%B %Y, %H:%M} UTC"),
            ("with", f"disambig {version()}"),
        ],
    )
    out.write_text(page, encoding="utf-8")
    if not quiet:
        click.echo(f"Report written to {out}; open it in a browser.", err=True)


def _counted(works: Iterable[Work], advance: Callable[[int], None]) -> Iterator[Work]:
    for work in works:
        yield work
        advance(1)
