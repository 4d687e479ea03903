"""``disambig cluster``: an identity for each author mention."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from disambig.cli import common
from disambig.cli.reading import finish, reading_options, works_argument, works_of
from disambig.console import safe


@click.command(
    epilog=common.examples(
        "disambig cluster works.jsonl.gz --out clusters.jsonl",
        "disambig cluster folder/ more.jsonl --out clusters.jsonl --constraints decisions.jsonl",
        "zcat works.jsonl.gz | disambig cluster - --out clusters.jsonl --quiet",
    )
)
@works_argument
@common.out_option("one JSON row for each author mention")
@click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A model made by disambig train; left out, the one that ships.",
)
@click.option(
    "--constraints",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='Pairs that must or cannot be one person: {"kind":"must"|"cannot","a":{"work",'
    '"position"},"b":{…}} in JSON lines.',
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes to use; all cores when left out. The clusters are the same.",
)
@reading_options
@common.quiet_option
def cluster(
    works: tuple[Path, ...],
    out: Path,
    model: Path | None,
    constraints: Path | None,
    workers: int | None,
    format: str,
    strict: bool,
    rejects: Path | None,
    quiet: bool,
) -> None:
    """Find out which author mentions in WORKS are one person.

    Reads files, folders or standard input (-) and writes a row for each author mention:

    {"work", "position", "name", "identity", "confidence"}

    Mentions with one identity are one person as far as the evidence goes; confidence is the
    probability that a mention belongs with the rest of its identity. Records that cannot be
    read go, with what is wrong and what to do, to OUT with .rejects.jsonl added.
    """
    from disambig.corpus import Corpus
    from disambig.estimator import Disambiguator
    from disambig.ingest import read_constraints
    from disambig.output import write_assignments

    rejects = rejects or out.with_name(out.name + ".rejects.jsonl")
    common.refuse_input(out, (*works, *filter(None, (model, constraints))))
    decisions = list(read_constraints(constraints)) if constraints else []
    with works_of(works, format=format, strict=strict, rejects=rejects, quiet=quiet) as reader:
        corpus = Corpus.from_works(reader)
    if not reader.report.rejected:
        rejects.unlink(missing_ok=True)  # what an earlier run rejected is no news of this one
    people = Disambiguator(
        model=model,
        constraints=decisions,
        workers=workers or os.cpu_count() or 1,
        progress=partial(common.progress, quiet=quiet),
    ).predict(corpus)
    for problem in people.problems:
        click.echo(f"warning: {safe(problem)}", err=True)
    write_assignments(out, people.assignments())
    if not quiet:
        click.echo(
            f"{people.n_identities:,} people behind {corpus.n_signatures:,} author mentions of "
            f"{corpus.n_works:,} works ({people.scored:,} of {people.considered:,} pairs compared): {safe(str(out))}",
            err=True,
        )
    finish(reader.report, rejects=rejects, quiet=quiet)
