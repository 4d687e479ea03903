"""``disambig load``: load works into the database of the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from disambig.cli.options import format_examples, quiet_option
from disambig.cli.works_options import (
    EXIT_REJECTED,
    finish_reading,
    open_works,
    reading_options,
    works_argument,
)
from disambig.console import escape_text
from service.cli import common

if TYPE_CHECKING:
    from service.works.load import Delivery, LoadReport

_MAX_LABEL = 500


@click.command(
    epilog=format_examples(
        "disambig load works.jsonl.gz",
        "disambig load folder/ more.jsonl --database postgresql://me@host:5432/names",
        "zcat works.jsonl.gz | disambig load - --rejects rejects.jsonl --quiet",
    )
)
@works_argument
@common.database_option
@reading_options
@quiet_option
def load(
    works: tuple[Path, ...],
    database: str | None,
    format: str,
    strict: bool,
    rejects: Path | None,
    quiet: bool,
) -> None:
    """Store WORKS in the database of the service.

    Reads files, folders or standard input (-) in the formats that disambig cluster reads. A work
    with a known id and different content becomes a new version; an unchanged work changes
    nothing, so a delivery may be loaded again and an interrupted load repeated. New mentions have
    no identity until the next run is published; mentions that a new version removes leave their
    identity at once.
    """
    from disambig.processes import no_collector
    from service.works.load import load_works

    with (
        common.open_service(database) as (_, opened),
        open_works(works, format=format, strict=strict, rejects=rejects, quiet=quiet) as reader,
        no_collector(),
    ):
        delivery = _build_delivery(works, format)
        report = load_works(opened, common.get_actor(), delivery, reader.iterate_received())
    for row in report.rejects:
        click.echo(
            f"rejected: work {escape_text(row.id[:80])}: {row.field}: {row.problem}; {row.remedy}",
            err=True,
        )
    if not quiet:
        click.echo(_format_summary(report), err=True)
    finish_reading(reader.report, rejects=rejects, quiet=quiet)
    if report.rejected:
        raise click.exceptions.Exit(EXIT_REJECTED)


def _build_delivery(works: tuple[Path, ...], format: str) -> Delivery:
    from service.works.load import Delivery

    kind = "files" if len(works) > 1 else "folder" if works[0].is_dir() else "file"
    label = ", ".join("standard input" if str(path) == "-" else str(path) for path in works)
    return Delivery(
        kind, label if len(label) <= _MAX_LABEL else label[: _MAX_LABEL - 1] + "…", format
    )


def _format_summary(report: LoadReport) -> str:
    rejected = f", {report.rejected:,} rejected" if report.rejected else ""
    counts = (
        f"Stored: {report.created:,} works created, {report.changed:,} changed, "
        f"{report.unchanged:,} unchanged{rejected}"
    )
    if report.created or report.changed:
        return f"{counts}\nNext: disambig run start clusters them, with a disambig worker running."
    return counts
