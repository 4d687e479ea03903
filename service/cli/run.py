"""``disambig run``: start runs, follow them, review their changes, publish."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from disambig.cli.options import format_examples, json_option, quiet_option
from service.cli import common

if TYPE_CHECKING:
    from service.db.database import Database
    from service.runs.results import Run
    from service.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


@click.group(
    epilog=format_examples(
        "disambig run start --wait                 propose, and show the progress",
        "disambig run diff r-3k9x0f7q2m1b          what publishing would change, largest first",
        "disambig run publish r-3k9x0f7q2m1b       publish it; identities keep their ids",
        "disambig run rollback r-3k9x0f7q2m1b      roll the publication back, exactly",
    )
)
def run() -> None:
    """Cluster the loaded works and publish the result.

    A run proposes identities; readers see no change before it is published.
    """


def _reason_option(command: F) -> F:
    return click.option("--reason", metavar="TEXT", help="Reason, stored in the event log.")(
        command
    )


_run_id_argument = click.argument("run_id", metavar="ID")
_wait_option = click.option(
    "--wait", is_flag=True, help="Wait for the proposal and show the progress."
)


@run.command(
    epilog=format_examples(
        "disambig run start --wait",
        "disambig run start --touched --wait --publish",
    )
)
@click.option(
    "--touched",
    is_flag=True,
    help="Only blocks with changes since the last published run; default: all.",
)
@_wait_option
@click.option(
    "--publish", is_flag=True, help="Publish the proposal when it is ready (implies --wait)."
)
@_reason_option
@common.database_option
@json_option
@quiet_option
def start(
    touched: bool,
    wait: bool,
    publish: bool,
    reason: str | None,
    database: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Start a run.

    A worker (disambig worker) executes it. With --wait and no live worker, this command executes
    it.
    """
    from service.cli import run_output as views
    from service.runs import store as run_store

    with common.open_service(database) as (settings, db):
        scope = run_store.TOUCHED if touched else run_store.FULL
        run_view = run_store.create_run(db, common.get_actor(), scope=scope, reason=reason)
        if wait or publish:
            run_view = _wait_for_run(db, settings, run_view, quiet=quiet)
        if publish:
            run_view = _publish_run(db, settings, run_view.id, reason, quiet=quiet or as_json)
        if as_json:
            click.echo(views.to_json(run_view))
        elif quiet:
            click.echo(run_view.id)
        else:
            views.print_run(run_view)


@run.command(
    "list", epilog=format_examples("disambig run list", "disambig run list --state proposed")
)
@click.option("--state", metavar="STATE", help="Only runs in this state, such as proposed.")
@click.option(
    "--limit",
    type=click.IntRange(1, 500),
    default=20,
    show_default=True,
    help="Maximum number of runs.",
)
@common.database_option
@json_option
def list_(state: str | None, limit: int, database: str | None, as_json: bool) -> None:
    """List runs, newest first."""
    from service.cli import run_output as views
    from service.runs import store as run_store

    with common.open_service(database) as (_, db), db.read() as connection:
        runs = run_store.list_runs(connection, state=state, limit=limit)
    if as_json:
        click.echo(json.dumps([json.loads(views.to_json(r)) for r in runs], indent=2))
    else:
        views.print_runs(runs)


@run.command(epilog=format_examples("disambig run show r-3k9x0f7q2m1b --wait"))
@_run_id_argument
@_wait_option
@common.database_option
@json_option
@quiet_option
def show(run_id: str, wait: bool, database: str | None, as_json: bool, quiet: bool) -> None:
    """Show one run: its progress, its proposal, its error."""
    from service.cli import run_output as views
    from service.runs import store as run_store

    with common.open_service(database) as (settings, db):
        with db.read() as connection:
            run_view = run_store.get_run(connection, run_id)
        if wait:
            run_view = _wait_for_run(db, settings, run_view, quiet=quiet)
    if as_json:
        click.echo(views.to_json(run_view))
    else:
        views.print_run(run_view)


@run.command(
    epilog=format_examples(
        "disambig run diff r-3k9x0f7q2m1b",
        "disambig run diff r-3k9x0f7q2m1b --kind merge --limit 100",
    )
)
@_run_id_argument
@click.option(
    "--kind",
    type=click.Choice(["conflict", "decision", "merge", "split", "move", "create", "grow"]),
    help="Only changes of one kind.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 500),
    default=30,
    show_default=True,
    help="Maximum number of changes.",
)
@common.database_option
@json_option
def diff(run_id: str, kind: str | None, limit: int, database: str | None, as_json: bool) -> None:
    """Show the changes that publishing a run would make, largest first."""
    from service.cli import run_output as views
    from service.publication import proposals
    from service.runs import store as run_store
    from service.values import to_dict

    with common.open_service(database) as (_, db), db.read() as connection:
        run_view = run_store.get_run(connection, run_id)
        lines = proposals.list_changes(connection, run_id, kind, None, limit)
    if as_json:
        rows = [to_dict(line) for line in lines]
        for row in rows:
            del row["text"]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        views.print_changes(run_view, lines)


@run.command(epilog=format_examples("disambig run publish r-3k9x0f7q2m1b"))
@_run_id_argument
@_reason_option
@common.database_option
@json_option
def publish(run_id: str, reason: str | None, database: str | None, as_json: bool) -> None:
    """Publish the proposal of a run, in one transaction.

    It is rejected if a decision or another publication was made since the proposal; disambig run
    rebase ID updates the proposal.
    """
    with common.open_service(database) as (settings, db):
        run_view = _publish_run(db, settings, run_id, reason, quiet=as_json)
        _print_run(run_view, as_json=as_json)


@run.command(epilog=format_examples('disambig run rollback r-3k9x0f7q2m1b --reason "bad model"'))
@_run_id_argument
@_reason_option
@common.database_option
@json_option
def rollback(run_id: str, reason: str | None, database: str | None, as_json: bool) -> None:
    """Roll a publication back: readers see the identities published before it."""
    from service.cli.run_wait import generate_tasks_here
    from service.publication import publish as publishing

    with common.open_service(database) as (settings, db):
        publishing.roll_back(db, common.get_actor(), run_id, reason)
        generate_tasks_here(db, settings, quiet=as_json)
        _print_run(_get_run(db, run_id), as_json=as_json)


@run.command(epilog=format_examples("disambig run rebase r-3k9x0f7q2m1b --wait"))
@_run_id_argument
@_wait_option
@_reason_option
@common.database_option
@json_option
@quiet_option
def rebase(
    run_id: str, wait: bool, reason: str | None, database: str | None, as_json: bool, quiet: bool
) -> None:
    """Update a proposal for decisions, works and publications since it was made."""
    from service.publication import proposals

    with common.open_service(database) as (settings, db):
        run_view = proposals.rebase(db, common.get_actor(), run_id, reason)
        if wait:
            run_view = _wait_for_run(db, settings, run_view, quiet=quiet)
        _print_run(run_view, as_json=as_json)


@run.command(epilog=format_examples("disambig run cancel r-3k9x0f7q2m1b"))
@_run_id_argument
@_reason_option
@common.database_option
@json_option
def cancel(run_id: str, reason: str | None, database: str | None, as_json: bool) -> None:
    """Cancel a queued or running run, or discard its proposal."""
    from service.runs import store as run_store

    with common.open_service(database) as (_, db):
        _print_run(run_store.cancel_run(db, common.get_actor(), run_id, reason), as_json=as_json)


def _publish_run(
    database: Database, settings: Settings, run_id: str, reason: str | None, *, quiet: bool
) -> Run:
    from service.cli.run_wait import generate_tasks_here
    from service.publication import publish as publishing

    blind_tasks = publishing.publish(database, common.get_actor(), run_id, reason).blind
    if blind_tasks:
        click.echo(
            f"blind tasks that this publication makes obsolete: {', '.join(blind_tasks)}", err=True
        )
    generate_tasks_here(database, settings, quiet=quiet)
    return _get_run(database, run_id)


def _get_run(database: Database, run_id: str) -> Run:
    from service.runs import store as run_store

    with database.read() as connection:
        return run_store.get_run(connection, run_id)


def _print_run(run_view: Run, *, as_json: bool) -> None:
    from service.cli import run_output as views

    if as_json:
        click.echo(views.to_json(run_view))
    else:
        views.print_run(run_view)


def _wait_for_run(database: Database, settings: Settings, run_view: Run, *, quiet: bool) -> Run:
    """Wait for a run to end and return it; raise if it produced no proposal."""
    from service.cli.run_wait import wait_for_run
    from service.errors import Conflict

    ended_run = wait_for_run(database, settings, run_view.id, quiet=quiet)
    if ended_run.state in ("failed", "cancelled"):
        raise Conflict(f"run {ended_run.id} {ended_run.state}: {ended_run.error or 'by request'}")
    return ended_run
