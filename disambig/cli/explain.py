"""``disambig explain``: explain why two author mentions are, or are not, one person."""

from __future__ import annotations

import json
from pathlib import Path

import click

from disambig.cli import options
from disambig.cli.works_options import finish_reading, open_works, reading_options, works_argument
from disambig.console import show_progress


@click.command(
    epilog=options.format_examples(
        "disambig explain works.jsonl --a W1:0 --b W2:3",
        "disambig explain works.jsonl --a W1:0 --b W2:3 --all | less",
        "disambig explain works.jsonl --a W1:0 --b W2:3 --json | jq .pair.themes",
    )
)
@works_argument
@click.option("--a", required=True, metavar="WORK:POSITION", help="One author mention.")
@click.option("--b", required=True, metavar="WORK:POSITION", help="The other.")
@click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The model of the clusters; default: the bundled model.",
)
@click.option(
    "--constraints",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The constraints of the clusters, if any.",
)
@click.option("--all", "every", is_flag=True, help="Show all features, not only those with weight.")
@options.json_option
@reading_options
@options.quiet_option
def explain(
    works: tuple[Path, ...],
    a: str,
    b: str,
    model: Path | None,
    constraints: Path | None,
    every: bool,
    as_json: bool,
    format: str,
    strict: bool,
    rejects: Path | None,
    quiet: bool,
) -> None:
    """Explain why two mentions are, or are not, one person.

    A mention is the id of a work in WORKS, a colon, and the position of the author, counted from
    0. Give the works, model and constraints of the clusters: the frequency of names and words
    matters.

    The chart starts from the prior log-odds of a pair. Each feature moves the log-odds towards
    one person (right, +) or two (left, −), and the sum gives the probability. The first chart
    compares the two mentions; the second, if any, compares the groups that contain them after
    the first level.
    """
    from disambig.console import make_console
    from disambig.corpus.corpus import Corpus
    from disambig.explain.explain import explain as explained
    from disambig.explain.explain import parse_mention
    from disambig.explain.terminal import print_explanation
    from disambig.ingest import read_constraints
    from disambig.model.model import Model

    first, second = parse_mention(a), parse_mention(b)
    decisions = list(read_constraints(constraints)) if constraints else []
    with open_works(works, format=format, strict=strict, rejects=rejects, quiet=quiet) as reader:
        corpus = Corpus.from_works(reader)
    with show_progress("Comparing", quiet=quiet):
        explanation = explained(corpus, Model.load(model), first, second, decisions)
    if as_json:
        click.echo(json.dumps(explanation.to_dict(), indent=2))
    else:
        print_explanation(make_console(), explanation, show_all=every)
    # print the summary only if a record was rejected
    finish_reading(reader.report, rejects=rejects, quiet=quiet or not reader.report.rejected)
