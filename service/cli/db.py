"""``disambig db``: schema, contents, integrity and backups of the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from disambig.cli.options import format_examples, json_option, quiet_option
from disambig.console import show_progress
from service.cli import common

if TYPE_CHECKING:
    from service.db.database import Database
    from service.db.overview import Inventory

GROUP_EXAMPLES = format_examples(
    "disambig db info",
    "disambig db upgrade --database postgresql://disambig@localhost/disambig",
    "disambig db backup /backups/disambig-2026-11-21.backup",
    "disambig db restore /backups/disambig-2026-11-21.backup --force",
)


@click.group(epilog=GROUP_EXAMPLES)
def db() -> None:
    """Manage the database: schema, contents, backups.

    SQLite is created and upgraded by any command that opens it. PostgreSQL may be shared by
    processes of several versions: only disambig db upgrade and disambig serve upgrade it.
    """


@db.command(epilog=format_examples("disambig db upgrade"))
@click.argument("revision", default="head")
@common.database_option
def upgrade(revision: str, database: str | None) -> None:
    """Upgrade the schema to this version, or to REVISION."""
    with common.connect_service(database) as (_, opened):
        _migrate(opened, revision, up=True)


@db.command(epilog=format_examples("disambig db downgrade 0001"))
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@common.database_option
def downgrade(revision: str, database: str | None, yes: bool) -> None:
    """Downgrade the schema to REVISION; "base" removes everything.

    Data that only later revisions can hold is lost. Make a backup first.
    """
    with common.connect_service(database) as (_, opened):
        if not yes:
            click.confirm(f"Delete the data that revision {revision} cannot hold?", abort=True)
        _migrate(opened, revision, up=False)


@db.command(epilog=format_examples("disambig db info", "disambig db info --json"))
@common.database_option
@json_option
def info(database: str | None, as_json: bool) -> None:
    """Show the address, the revision and the size of the database."""
    import json
    from dataclasses import asdict

    from service.db.overview import read_inventory
    from service.settings_report import mask_passwords

    with common.connect_service(database) as (settings, opened):
        contents = read_inventory(opened)
    address = mask_passwords(settings.database_url)
    if as_json:
        click.echo(json.dumps({"address": address, **asdict(contents)}, default=str, indent=2))
    else:
        _print_info(address, contents)


@db.command(epilog=format_examples("disambig db check"))
@common.database_option
@quiet_option
def check(database: str | None, quiet: bool) -> None:
    """Check the integrity of all data; exit with status 1 on a violation.

    Checks the schema, the file (SQLite) and the invariants of the service: every mention is in an
    existing identity, redirects lead to one, and the history ends in the published state.
    """
    from disambig.console import escape_text
    from disambig.errors import DisambigError
    from service.db import migrations
    from service.db.integrity import INVARIANTS, find_violations

    with common.connect_service(database) as (_, opened):
        migrations.require_head_revision(opened)
        with show_progress("Checking", len(INVARIANTS), "checks", quiet=quiet) as advance:
            violations = find_violations(opened, advance)
    for violation in violations:
        click.echo(escape_text(str(violation)))
    if violations:
        raise DisambigError(
            f"{len(violations)} of {len(INVARIANTS)} checks failed; restore a backup"
        )
    if not quiet:
        click.echo(f"all {len(INVARIANTS)} checks passed", err=True)


@db.command(epilog=format_examples("disambig db backup /backups/disambig-2026-11-21.backup"))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@common.database_option
@quiet_option
def backup(file: Path, force: bool, database: str | None, quiet: bool) -> None:
    """Write a snapshot of the database to FILE while the service is running.

    FILE appears when the backup is complete and checked. SQLite produces an SQLite file,
    PostgreSQL an archive of pg_dump, which must be installed.
    """
    from service.db import migrations
    from service.db.backup import back_up, count_pages

    if not file.parent.is_dir():
        raise click.BadParameter(f"the folder {file.parent} does not exist; create it")
    with common.connect_service(database) as (_, opened):
        migrations.require_head_revision(opened)
        with show_progress("Backing up", count_pages(opened), "pages", quiet=quiet) as advance:
            back_up(opened, file, force=force, advance=advance)
    if not quiet:
        click.echo(f"{file}: {file.stat().st_size:,} bytes", err=True)


@db.command(epilog=format_examples("disambig db restore /backups/disambig.backup --force"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace the content of the database.")
@common.database_option
@quiet_option
def restore(file: Path, force: bool, database: str | None, quiet: bool) -> None:
    """Restore the database from the backup FILE.

    Stop the server and the workers first. The restore is atomic: if it fails, the database is
    unchanged. A backup of an earlier version is upgraded like any other database.
    """
    from service.db import migrations
    from service.db.backup import restore as restore_from

    with common.connect_service(database) as (_, opened):
        with show_progress("Restoring", unit="pages", quiet=quiet) as advance:
            revision = restore_from(opened, file, force=force, advance=advance)
        if not quiet:
            click.echo(f"restored at revision {revision}", err=True)
            if revision != migrations.get_head_revision() and not opened.is_sqlite:
                click.echo("run disambig db upgrade before the service starts", err=True)


def _migrate(database: Database, revision: str, *, up: bool) -> None:
    from service.db import migrations
    from service.errors import Invalid

    order = ["base", *migrations.list_revisions()]
    target_revision = migrations.get_head_revision() if revision == "head" else revision
    if target_revision not in order:
        raise Invalid(f"there is no revision {revision!r}", f"name one of {', '.join(order)}")
    before = migrations.get_revision(database) or "base"
    if before not in order:
        migrations.require_head_revision(database)  # reports that it is of a later version
    if before == target_revision:
        click.echo(f"already at revision {target_revision}", err=True)
        return
    if (order.index(before) < order.index(target_revision)) != up:
        other_command = "downgrade" if up else "upgrade"
        raise Invalid(
            f"the database is at revision {before}",
            f"use disambig db {other_command} {target_revision}",
        )
    migrations.migrate(database, target_revision)
    click.echo(f"revision {before} → {target_revision}", err=True)


def _print_info(address: str, contents: Inventory) -> None:
    from disambig.console import escape_text, format_count

    click.echo(f"address     {escape_text(address)}")
    click.echo(f"database    {contents.kind}")
    state = (
        "" if contents.revision == contents.newest else f" (this version needs {contents.newest})"
    )
    click.echo(f"revision    {contents.revision or 'none'}{state}")
    click.echo(f"size        {format_count(contents.bytes)}B")
    if contents.free is not None:
        click.echo(f"disk free   {format_count(contents.free)}B")
    for name, rows in contents.rows.items():
        click.echo(f"{name:<11} {rows:,}")
    if contents.last_event is not None:
        click.echo(f"last event  {contents.last_event:%Y-%m-%d %H:%M:%S} UTC")
