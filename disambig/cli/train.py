"""``disambig train``: fit a model to labelled works."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from disambig import console
from disambig.cli import options as common
from disambig.cli.works_options import finish_reading, open_works, reading_options, works_argument
from disambig.console import escape_text

FROM_DECISIONS = "--from-decisions"


class TrainCommand(click.Command):
    """Delegates ``--from-decisions`` to ``disambig review train`` of the service."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Create the context of the command that will run."""
        if FROM_DECISIONS not in args or parent is None:
            return super().make_context(info_name, args, parent, **extra)
        command = parent.command
        for name in ("review", "train"):
            subcommand = (
                command.get_command(parent, name) if isinstance(command, click.Group) else None
            )
            if subcommand is None:
                raise click.UsageError(
                    f"{FROM_DECISIONS} needs the service, which is not installed"
                )
            command = subcommand
        rest = [arg for arg in args if arg != FROM_DECISIONS]
        return command.make_context("review train", rest, parent, **extra)


@click.command(
    cls=TrainCommand,
    epilog=common.format_examples(
        "disambig train works.jsonl.gz --labels labels.jsonl --out my.model",
        "disambig train dblp/ acl/ --labels dblp/labels.jsonl --labels acl/labels.jsonl \\",
        "    --split train --out my.model",
        "disambig cluster works.jsonl.gz --model my.model --out clusters.jsonl",
    ),
)
@works_argument
@click.option(
    "--labels",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='Gold labels: {"work","position","person"} in JSON lines; may be repeated.',
)
@click.option("--split", multiple=True, help="Use only labels of this split; may be repeated.")
@common.out_option("the model")
@click.option(
    "--seed", default=0, show_default=True, help="Random seed; equal seeds give equal models."
)
@reading_options
@common.quiet_option
def train(
    works: tuple[Path, ...],
    labels: tuple[Path, ...],
    split: tuple[str, ...],
    out: Path,
    seed: int,
    format: str,
    strict: bool,
    rejects: Path | None,
    quiet: bool,
) -> None:
    """Fit a model to labelled WORKS.

    Labels state the person of some authors; works and authors may have none. Fits the probability
    that two mentions are one person and, on cross-fitted scores, that two groups of mentions are.
    The file contains numbers and text only: loading a model of another party cannot run code.

    disambig train --from-decisions learns from the decisions of curators in the service: it runs
    disambig review train, see its --help.
    """
    from disambig.corpus.corpus import Corpus
    from disambig.ingest import read_labels
    from disambig.training.fit import LabelledCorpus, fit_model

    common.reject_input(out, (*works, *labels))
    with open_works(works, format=format, strict=strict, rejects=rejects, quiet=quiet) as reader:
        corpus = Corpus.from_works(reader)
    split_labels = [label for label in read_labels(labels) if not split or label.split in split]
    model = fit_model(
        [LabelledCorpus(", ".join(path.name for path in labels), corpus, split_labels)],
        seed=seed,
        progress=partial(console.show_progress, quiet=quiet),
    )
    model.save(out)
    if not quiet:
        click.echo(
            f"Model of {len(split_labels):,} labelled mentions written to {escape_text(str(out))}; "
            f"use it with --model {escape_text(str(out))}",
            err=True,
        )
    finish_reading(reader.report, rejects=rejects, quiet=quiet)
