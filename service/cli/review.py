"""``disambig review``: samples and estimates, models fitted on decisions, model promotion."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from disambig.cli.options import format_examples, json_option, quiet_option
from disambig.console import escape_text, make_console, show_progress
from service.cli import common

if TYPE_CHECKING:
    from service.review.results import Estimates, SampleUnit, Share
    from service.training.results import ModelComparison

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(
    epilog=format_examples(
        "disambig review sample --size 400",
        "disambig review estimates",
        "disambig review train",
        'disambig review promote m-3k9x0f7q2m1b --reason "better on what we decided"',
    )
)
def review() -> None:
    """Use the answers of reviewers.

    \b
      sample, estimates       estimate precision and recall from random samples
      train, models, promote  fit a model on decisions, compare it, put it to use
    """


@review.command(
    epilog=format_examples(
        "disambig review sample --size 400",
        "disambig review sample --size 200 --unit identity",
    )
)
@click.option("--size", required=True, type=click.IntRange(2, 20_000), help="Number of draws.")
@click.option(
    "--unit",
    type=click.Choice(["mention", "identity"]),
    default="mention",
    show_default=True,
    help="Mentions estimate precision and recall; identities are quicker, precision only.",
)
@click.option("--seed", type=click.IntRange(0), help="Seed of the draw; default: random.")
@click.option("--reason", help="Reason, stored in the event log.")
@common.database_option
@json_option
def sample(
    size: int,
    unit: SampleUnit,
    seed: int | None,
    reason: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Draw a random sample of the published identities and create review tasks for it.

    Rare and common names are separate strata, each with its own estimates. Two reviewers answer
    each task without seeing each other's answers, and a third if they differ. Tasks come in
    random order, so the estimates are unbiased whenever you stop.
    """
    from service.review import sampling
    from service.values import to_dict

    with common.open_service(database) as (_, db):
        drawn_sample = sampling.draw_sample(db, common.get_actor(), size, unit, seed, reason)
    if as_json:
        click.echo(json.dumps(to_dict(drawn_sample)))
        return
    click.echo(f"Sample {drawn_sample.id}: {drawn_sample.tasks:,} open tasks.")
    for stratum in drawn_sample.strata:
        times = "once" if stratum.slice == "1" else f"{stratum.slice} times"
        click.echo(
            f"  {stratum.drawn:>6,} of {stratum.mentions:>11,} mentions whose name occurs {times}"
        )


@review.command(
    epilog=format_examples("disambig review estimates", "disambig review estimates --json")
)
@click.option(
    "--sample", metavar="ID", help="Sample to estimate from; default: the last one drawn."
)
@common.database_option
@json_option
def estimates(sample: str | None, database: str | None, as_json: bool) -> None:
    """Estimate precision and recall of the published identities from a random sample.

    Shows 95 % confidence intervals, by how often a name occurs. The estimates describe the
    identities published when the sample was drawn.
    """
    from service.review import sampling
    from service.values import to_dict

    with common.open_service(database) as (_, db), db.read() as connection:
        quality = sampling.estimate_quality(connection, sample)
    if as_json:
        click.echo(json.dumps(to_dict(quality), default=str))
    else:
        _print_estimates(quality)


def _print_estimates(report: Estimates) -> None:
    from rich import box
    from rich.table import Table

    from service.values import asdict

    states = ", ".join(f"{n:,} {name}" for name, n in asdict(report.tasks).items())
    click.echo(
        f"Sample {escape_text(report.sample)} of {report.drawn_at:%Y-%m-%d} by "
        f"{escape_text(report.drawn_by)}: {states}"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("name occurs")
    for column in ("reviewed", "precision (%)", "recall (%)"):
        table.add_column(column, justify="right")
    for row in [report.overall, *report.slices]:
        table.add_row(
            row.slice,
            f"{row.reviewed:,}",
            _format_percent(row.precision),
            _format_percent(row.recall),
        )
    make_console().print(table)


def _format_percent(estimate: Share | None) -> str:
    if estimate is None:
        return "–"
    value, low, high = (100 * part for part in (estimate.estimate, estimate.low, estimate.high))
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


@review.command(
    epilog=format_examples(
        "disambig review train",
        "disambig review train --works works.jsonl.gz --labels labels.jsonl --out new.model",
        "disambig review promote m-3k9x0f7q2m1b",
    )
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the model to this file.",
)
@click.option("--works", multiple=True, type=FILE, help="Works of additional training labels.")
@click.option(
    "--labels", multiple=True, type=FILE, help="Labels of --works, as for disambig train."
)
@click.option(
    "--split",
    default="train",
    show_default=True,
    help="Split of --labels to train on; the models are compared on the others.",
)
@click.option(
    "--hold-back",
    type=click.FloatRange(0, 0.9),
    default=0.2,
    show_default=True,
    help="Share of the decisions held back from training, to compare the models on.",
)
@click.option("--seed", default=0, show_default=True, help="The same seed produces the same model.")
@click.option("--reason", help="Reason, stored in the event log.")
@common.database_option
@json_option
@quiet_option
def train(
    out: Path | None,
    works: tuple[Path, ...],
    labels: tuple[Path, ...],
    split: str,
    hold_back: float,
    seed: int,
    reason: str | None,
    database: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fit a model on decisions and compare it with the model in use.

    With --works and --labels (or the setting gold) a new model is trained on these labels and on
    decisions. Without labels, the answered tasks recalibrate the model in use. Both models then
    cluster all works; the report shows which one agrees more with the decisions held back and
    with labels of other splits, and how many mentions would change. The model is stored as a
    candidate; it is not used until it is promoted.
    """
    from disambig.cli.options import reject_input
    from service import job_queue
    from service.training import store as model_store
    from service.training.fit import LabelledWorks
    from service.values import to_dict
    from service.worker.worker import Worker

    if bool(works) != bool(labels):
        raise click.UsageError("--works and --labels go together; give both or neither")
    if out is not None:
        reject_input(out, (*works, *labels))
    labelled = LabelledWorks.read(works, labels, split) if works else None
    if labelled is not None and not labelled.training_labels:
        raise click.UsageError(f"no label has the split {split!r}; name another with --split")
    with common.open_service(database) as (settings, db):
        worker = Worker(db, settings, lambda line: None)
        wish = model_store.FitOptions(hold_back, seed)
        requested_model = model_store.request_model(
            db, common.get_actor(), wish, settings.heartbeat, reason, worker=worker.id
        )
        with db.read() as connection:
            claim = job_queue.get_claim(connection, job_queue.MODEL, requested_model.id, worker.id)
        try:
            worker.fit_model(claim, labelled, partial(show_progress, quiet=quiet))
        except KeyboardInterrupt:
            model_store.cancel_model(db, common.get_actor(), requested_model.id, "interrupted")
            raise
        with db.read() as connection:
            fitted_model = model_store.get_model(connection, requested_model.id)
            content = (
                model_store.read_content(connection, requested_model.id)
                if fitted_model.digest
                else b""
            )
    if fitted_model.state != "candidate":
        raise click.ClickException(
            escape_text(fitted_model.error or f"model {fitted_model.id} is {fitted_model.state}")
        )
    if out is not None:
        out.write_bytes(content)
    if as_json:
        comparison = fitted_model.comparison
        members = {} if comparison is None else to_dict(comparison)
        click.echo(json.dumps({"model": fitted_model.id, **members}))
    elif fitted_model.comparison is not None:
        _print_comparison(fitted_model.id, fitted_model.comparison)


def _print_comparison(model_id: str, comparison: ModelComparison) -> None:
    learned, held_back, gold = comparison.learned, comparison.held_back, comparison.gold
    click.echo(
        f"Learned from {learned.answers:,} answered tasks ({learned.same:,} one person, "
        f"{learned.different:,} different)."
        if learned.how == "corrected"
        else f"Fitted on {learned.labels:,} labels and {learned.decisions:,} decisions."
    )
    lines = [("", "in use", "new")]
    if held_back.decisions:
        right = held_back.right
        name = f"of {held_back.decisions:,} decisions held back, right"
        lines.append((name, f"{right.old:,}", f"{right.new:,}"))
    if held_back.sureness is not None:
        old, new = (100 * value for value in (held_back.sureness.old, held_back.sureness.new))
        lines.append(("confidence in the answers held back (%)", f"{old:.1f}", f"{new:.1f}"))
    if gold is not None:
        for figure in ("precision", "recall", "f1"):
            old, new = (100 * getattr(figures, figure) for figures in (gold.old, gold.new))
            lines.append((f"{figure} on {gold.labels:,} labels (%)", f"{old:.2f}", f"{new:.2f}"))
    identities = comparison.identities
    lines.append(("identities in all works", f"{identities.old:,}", f"{identities.new:,}"))
    for name, old_text, new_text in lines:
        click.echo(f"  {name:<42}{old_text:>10}{new_text:>10}")
    click.echo(
        f"{comparison.changed:,} of {comparison.mentions:,} mentions would be clustered "
        "differently."
    )
    click.echo(f"To use it:  disambig review promote {model_id}")


@review.command("models", epilog=format_examples("disambig review models"))
@common.database_option
@json_option
def list_models(database: str | None, as_json: bool) -> None:
    """List requested and promoted models, newest first."""
    from service.training import store as model_store
    from service.values import to_dict

    with common.open_service(database) as (_, db), db.read() as connection:
        models = model_store.list_models(connection)
    if as_json:
        click.echo(json.dumps([to_dict(model) for model in models], default=str))
        return
    for model in models:
        state = "in use" if model.in_use else model.state + (", outdated" * model.outdated)
        click.echo(f"{model.id}  {model.added_at:%Y-%m-%d}  {state}")
    if not any(model.in_use for model in models):
        click.echo("Runs use the model of the settings.")


@review.command(
    epilog=format_examples(
        "disambig review promote m-3k9x0f7q2m1b",
        "disambig review promote new.model",
        "disambig review promote shipped",
    )
)
@click.argument("model")
@click.option("--reason", help="Reason, stored in the event log.")
@common.database_option
def promote(model: str, reason: str | None, database: str | None) -> None:
    """Let runs use MODEL: the id of a candidate or an earlier model, a file, or "shipped".

    The model is stored in the database. Published identities do not change before the next run is
    published; to revert, promote the previous model.
    """
    from service.training import promotion

    by_id = model == promotion.SHIPPED or (model.startswith("m-") and not Path(model).exists())
    with common.open_service(database) as (_, db):
        with db.read() as connection:
            before = promotion.get_promoted(connection)
        if by_id:
            promoted_model = promotion.promote(db, common.get_actor(), model, reason)
        else:
            promoted_model = promotion.promote_file(db, common.get_actor(), Path(model), reason)
    previous = "the model of the settings" if before is None else before.id
    click.echo(
        f"Runs use model {promoted_model.id} ({promoted_model.digest[:12]}) from now on; "
        f"previously, {previous}."
    )
