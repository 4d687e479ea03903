"""``disambig key``: create, list and revoke API keys, including the first admin key."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click

from disambig.cli.options import format_examples, json_option, quiet_option
from disambig.console import escape_text, make_console
from service.cli import common

if TYPE_CHECKING:
    from datetime import datetime

    from service.api_keys import KeyInfo

_DAYS = re.compile(r"([1-9][0-9]{0,4})d")


def _parse_expiry(
    context: click.Context, option: click.Parameter, text: str | None
) -> datetime | None:
    """Parse an expiry in UTC: a number of days from now, or a date."""
    from datetime import UTC, datetime, timedelta

    if text is None:
        return None
    days = _DAYS.fullmatch(text)
    if days:
        return datetime.now(UTC) + timedelta(days=int(days[1]))
    try:
        expiry = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is neither a number of days (90d) nor a date (2027-01-31)"
        ) from None
    return expiry.astimezone(UTC) if expiry.tzinfo else expiry.replace(tzinfo=UTC)


@click.group(
    epilog=format_examples(
        'disambig key create --role admin --name "Ada, laptop"',
        "disambig key list",
        "disambig key revoke k-3k9x0f7q2m1b",
    )
)
def key() -> None:
    """Create, list and revoke API keys.

    A role includes the permissions of the roles before it:

    \b
      public    read; needed if reading without a key is disabled
      reviewer  answer tasks: same, different, unsure
      editor    load works, merge, split, move, undo, run and publish
      admin     roll back, manage keys, read the event log
    """


@key.command(
    epilog=format_examples(
        'disambig key create --role admin --name "Ada, laptop"',
        'disambig key create --role editor --name "nightly import" --expires 90d',
        "KEY=$(disambig key create --role reviewer --name tests --quiet)",
    )
)
@click.option(
    "--role",
    required=True,
    type=click.Choice(["public", "reviewer", "editor", "admin"]),
    help="Permissions of the key.",
)
@click.option("--name", required=True, help="Owner or purpose of the key.")
@click.option(
    "--expires",
    callback=_parse_expiry,
    metavar="WHEN",
    help="Days from now (90d) or a date (2027-01-31, UTC); default: never.",
)
@click.option(
    "--per-minute",
    type=click.IntRange(0, 1_000_000),
    help="Requests a minute, 0 for unlimited; default: the limit of the settings.",
)
@common.database_option
@quiet_option
def create(
    role: str,
    name: str,
    expires: datetime | None,
    per_minute: int | None,
    database: str | None,
    quiet: bool,
) -> None:
    """Create a key and print it once; only its digest is stored."""
    from service import api_keys
    from service.actors import Role

    with common.open_service(database) as (_, db):
        info, text = api_keys.create_key(
            db,
            common.get_actor(),
            name=name,
            role=Role(role),
            expires_at=expires,
            per_minute=per_minute,
        )
    click.echo(text)
    if not quiet:
        until = (
            f"until {info.expires_at:%Y-%m-%d %H:%M} UTC"
            if info.expires_at
            else "until it is revoked"
        )
        click.echo(
            f"Key for {escape_text(info.name)}: {info.role} {until}. It is shown only once.\n"
            "Send it as  Authorization: Bearer KEY",
            err=True,
        )


@key.command("list", epilog=format_examples("disambig key list", "disambig key list --json"))
@common.database_option
@json_option
def list_(database: str | None, as_json: bool) -> None:
    """List all keys, newest first, without their secrets."""
    from datetime import UTC, datetime

    from service import api_keys
    from service.values import to_dict

    with common.open_service(database) as (_, db), db.read() as connection:
        keys = api_keys.list_keys(connection)
    now = datetime.now(UTC)
    if as_json:
        for info in keys:
            click.echo(json.dumps(to_dict(info.to_response(now)), default=str))
    elif not keys:
        click.echo("No keys yet; create one with disambig key create.")
    else:
        _print_keys(keys, now)


@key.command(epilog=format_examples('disambig key revoke k-3k9x0f7q2m1b --reason "laptop lost"'))
@click.argument("id")
@click.option("--reason", help="Reason, stored in the event log.")
@common.database_option
def revoke(id: str, reason: str | None, database: str | None) -> None:
    """Revoke the key ID permanently; servers reject it within seconds."""
    from service import api_keys

    with common.open_service(database) as (_, db):
        info = api_keys.revoke_key(db, common.get_actor(), id, reason)
    click.echo(
        f"{info.id} ({escape_text(info.name)}) is revoked since {info.revoked_at:%Y-%m-%d %H:%M}."
    )


def _print_keys(key_infos: list[KeyInfo], now: datetime) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for column in ("id", "role", "name", "state", "used", "until"):
        table.add_column(column, overflow="fold", no_wrap=column != "name")

    def format_day(moment: datetime | None) -> str:
        return "never" if moment is None else f"{moment:%Y-%m-%d}"

    for info in key_infos:
        state = info.get_state(now)
        table.add_row(
            info.id,
            info.role.value,
            escape_text(info.name),
            state,
            format_day(info.used_at),
            format_day(info.expires_at) if info.expires_at else "ever",
            style=None if state == "active" else "dim",
        )
    make_console().print(table)
