"""``disambig config``: every setting with its value, source and meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from disambig.cli.options import format_examples, json_option

if TYPE_CHECKING:
    from service.settings_report import SettingReport


@click.command(
    epilog=format_examples(
        "disambig config",
        "disambig config --toml > disambig.toml",
        "DISAMBIG_PORT=9000 disambig config --json",
    )
)
@click.option("--toml", "as_toml", is_flag=True, help="Print a commented file to start from.")
@json_option
def config(as_toml: bool, as_json: bool) -> None:
    """Show every setting, its value and its source.

    A setting is read from the environment (DISAMBIG_ and its name in capitals), else from
    disambig.toml in the working directory or the file that DISAMBIG_CONFIG names, else it has its
    default. Passwords are never shown.
    """
    import json
    from dataclasses import asdict

    from service.errors import Invalid
    from service.settings_report import explain_defaults, explain_settings, to_toml

    if as_toml and as_json:
        raise click.UsageError("--toml and --json exclude each other")
    try:
        explained_settings = explain_settings()
    except Invalid:
        if not (as_toml or as_json):
            _print_settings(explain_defaults())  # shows the valid settings above the error message
        raise
    if as_toml:
        click.echo(to_toml(explained_settings), nl=False)
    elif as_json:
        click.echo(json.dumps([asdict(setting) for setting in explained_settings], indent=2))
    else:
        _print_settings(explained_settings)


def _print_settings(reports: list[SettingReport]) -> None:
    from disambig.console import escape_text

    for report in reports:
        value = "(not set)" if report.value is None else str(report.value)
        click.echo(f"{report.name} = {escape_text(value)}")
        click.echo(f"    {escape_text(report.meaning)}")
        click.echo(f"    {report.variable}, {report.takes}; from {escape_text(report.source)}")
