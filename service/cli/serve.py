"""``disambig serve``: serve the API over HTTP; create the database if necessary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from disambig.cli.options import format_examples, quiet_option
from disambig.console import escape_text
from service.cli import common

if TYPE_CHECKING:
    from service.settings import Settings


@click.command(
    epilog=format_examples(
        "disambig serve",
        "disambig serve --host 0.0.0.0 --port 80 --processes 4",
        "disambig serve --database postgresql://user:password@db:5432/disambig",
        "DISAMBIG_PUBLIC_READ=false disambig serve",
    )
)
@click.option("--host", help="Address to listen on; 0.0.0.0 is every IPv4 address.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes any free port.")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    help="Server processes. Rate limits apply to each process separately.",
)
@click.option(
    "--migrate/--no-migrate",
    default=True,
    show_default=True,
    help="Upgrade an older database to this version's schema first.",
)
@common.database_option
@quiet_option
def serve(
    host: str | None,
    port: int | None,
    processes: int | None,
    migrate: bool,
    database: str | None,
    quiet: bool,
) -> None:
    """Serve the API until stopped.

    By default it listens on this machine only, at port 8000, and stores everything in an SQLite
    file in the folder disambig-data, which it creates. disambig config shows every setting;
    options override the environment, which overrides disambig.toml.

    Ctrl-C or SIGTERM stops it: running requests are answered first, for 30 seconds at most.
    """
    from service import server
    from service.settings import read_settings

    settings = read_settings(host=host, port=port, processes=processes, database=database)
    state = server.prepare(settings, migrate=migrate)
    with server.bind_socket(settings) as socket:
        address = server.format_address(socket)
        if not quiet:
            _print_welcome(settings, address, state)
        server.run_server(settings, socket)


def _print_welcome(settings: Settings, address: str, state: dict[str, int]) -> None:
    from service.db.migrations import parse_url as parsed

    url = parsed(settings.database_url).render_as_string(hide_password=True)
    click.echo(f"Listening on {escape_text(address)}", err=True)
    click.echo(f"  documentation  {escape_text(address)}/schema/docs", err=True)
    click.echo(f"  database       {escape_text(url)}", err=True)
    if not state["keys"]:
        click.echo('  a first key    disambig key create --role admin --name "me"', err=True)
    if not state["works"]:
        click.echo("  works          disambig load works.jsonl.gz", err=True)
    elif not state["identities"]:
        click.echo("  identities     disambig run --help", err=True)
    click.echo("Ctrl-C stops the server.", err=True)
