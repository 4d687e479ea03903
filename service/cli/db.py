"""``disambig db``: the schema of the database, what is in it, backups."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli import common

if TYPE_CHECKING:
    from service.db.database import Database
    from service.db.overview import Inventory
from disambig.cli.options import examples, json_option, quiet_option
from disambig.console import progress

GROUP_EXAMPLES = examples(
    "disambig db info",
    "disambig db upgrade --database postgresql://disambig@localhost/disambig",
    "disambig db backup /backups/disambig-2026-11-21.backup",
    "disambig db restore /backups/disambig-2026-11-21.backup --force",
)


@click.group(epilog=GROUP_EXAMPLES)
def db() -> None:
    """Look after the database: schema, contents, backups.

    SQLite is made and upgraded by whatever opens it. PostgreSQL may be shared by processes of
    several versions: only disambig db upgrade and disambig serve upgrade it.
    """


@db.command(epilog=examples("disambig db upgrade"))
@click.argument("revision", default="head")
@common.database_option
def upgrade(revision: str, database: str | None) -> None:
    """Bring the schema up to this version, or to REVISION."""
    with common.connected(database) as (_, found):
        _migrate(found, revision, up=True)


@db.command(epilog=examples("disambig db downgrade 0001"))
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask before what is lost is lost.")
@common.database_option
def downgrade(revision: str, database: str | None, yes: bool) -> None:
    """Bring the schema back to REVISION; "base" removes everything.

    What only later revisions can hold is lost. Make a backup first.
    """
    with common.connected(database) as (_, found):
        if not yes:
            click.confirm(f"Lose what revision {revision} cannot hold?", abort=True)
        _migrate(found, revision, up=False)


@db.command(epilog=examples("disambig db info", "disambig db info --json"))
@common.database_option
@json_option
def info(database: str | None, as_json: bool) -> None:
    """Show where the database is, its revision, and how much it holds."""
    import json
    from dataclasses import asdict

    from service.db.overview import read_inventory
    from service.settings_report import mask_passwords

    with common.connected(database) as (settings, found):
        held = read_inventory(found)
    address = mask_passwords(settings.database_url)
    if as_json:
        click.echo(json.dumps({"address": address, **asdict(held)}, default=str, indent=2))
    else:
        _print_info(address, held)


@db.command(epilog=examples("disambig db check"))
@common.database_option
@quiet_option
def check(database: str | None, quiet: bool) -> None:
    """Read everything and check that it fits together; status 1 when something does not.

    The schema, the file (SQLite), and what the service promises: every mention under one
    identity that exists, redirects that lead somewhere, history that ends in what is published.
    """
    from disambig.console import safe
    from disambig.errors import DisambigError
    from service.db import migrations
    from service.db.integrity import INVARIANTS, find_violations

    with common.connected(database) as (_, found):
        migrations.check(found)
        with progress("Checking", len(INVARIANTS), "checks", quiet=quiet) as advance:
            broken = find_violations(found, advance)
    for violation in broken:
        click.echo(safe(str(violation)))
    if broken:
        raise DisambigError(f"{len(broken)} of {len(INVARIANTS)} checks failed; restore a backup")
    if not quiet:
        click.echo(f"all {len(INVARIANTS)} checks passed", err=True)


@db.command(epilog=examples("disambig db backup /backups/disambig-2026-11-21.backup"))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@common.database_option
@quiet_option
def backup(file: Path, force: bool, database: str | None, quiet: bool) -> None:
    """Write everything, as of one moment, to FILE while the service goes on.

    The file is complete and checked when it appears. SQLite gives an SQLite file, PostgreSQL an
    archive of pg_dump, which must be installed.
    """
    from service.db import migrations
    from service.db.backup import back_up, pages

    if not file.parent.is_dir():
        raise click.BadParameter(f"the folder {file.parent} does not exist; make it")
    with common.connected(database) as (_, found):
        migrations.check(found)
        with progress("Backing up", pages(found), "pages", quiet=quiet) as advance:
            back_up(found, file, force=force, advance=advance)
    if not quiet:
        click.echo(f"{file}: {file.stat().st_size:,} bytes", err=True)


@db.command(epilog=examples("disambig db restore /backups/disambig.backup --force"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace what the database holds.")
@common.database_option
@quiet_option
def restore(file: Path, force: bool, database: str | None, quiet: bool) -> None:
    """Make the database what it was when FILE was written.

    Stop the server and the workers first. All or nothing: when it fails, the database is what it
    was. A backup of an earlier version is upgraded as any database is.
    """
    from service.db import migrations
    from service.db.backup import restore as restore_from

    with common.connected(database) as (_, found):
        with progress("Restoring", unit="pages", quiet=quiet) as advance:
            revision = restore_from(found, file, force=force, advance=advance)
        if not quiet:
            click.echo(f"restored at revision {revision}", err=True)
            if revision != migrations.newest() and not found.is_sqlite:
                click.echo("run disambig db upgrade before the service starts", err=True)


def _migrate(database: Database, revision: str, *, up: bool) -> None:
    from service.db import migrations
    from service.errors import Invalid

    known = ["base", *migrations.revisions()]
    wanted = migrations.newest() if revision == "head" else revision
    if wanted not in known:
        raise Invalid(f"there is no revision {revision!r}", f"name one of {', '.join(known)}")
    before = migrations.current(database) or "base"
    if before not in known:
        migrations.check(database)  # says that it is of a later version
    if before == wanted:
        click.echo(f"already at revision {wanted}", err=True)
        return
    if (known.index(before) < known.index(wanted)) != up:
        other = "downgrade" if up else "upgrade"
        raise Invalid(f"the database is at revision {before}", f"use disambig db {other} {wanted}")
    migrations.migrate(database, wanted)
    click.echo(f"revision {before} → {wanted}", err=True)


def _print_info(address: str, held: Inventory) -> None:
    from disambig.console import safe, short_count

    click.echo(f"address     {safe(address)}")
    click.echo(f"database    {held.kind}")
    state = "" if held.revision == held.newest else f" (this version needs {held.newest})"
    click.echo(f"revision    {held.revision or 'none'}{state}")
    click.echo(f"size        {short_count(held.bytes)}B")
    if held.free is not None:
        click.echo(f"disk free   {short_count(held.free)}B")
    for name, rows in held.rows.items():
        click.echo(f"{name:<11} {rows:,}")
    if held.last_event is not None:
        click.echo(f"last event  {held.last_event:%Y-%m-%d %H:%M:%S} UTC")
