"""``disambig cluster``: assign an identity to each author mention."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import click

from disambig import console
from disambig.cli import options
from disambig.cli.works_options import finish_reading, open_works, reading_options, works_argument
from disambig.console import escape_text
from disambig.out_of_core import budget

if TYPE_CHECKING:
    from disambig.domain import Constraint
    from disambig.ingest import ReadReport, WorkReader
    from disambig.names import NameKind
    from disambig.out_of_core.run import LargeRun
    from disambig.progress import Progress


def _parse_engine(
    context: click.Context, option: click.Parameter, text: str
) -> tuple[str, str | None]:
    """Parse ``local``, ``spark`` or ``spark=MASTER`` to engine and address of the master."""
    name, _, master = text.partition("=")
    if name not in ("local", "spark") or (name == "local" and master):
        raise click.BadParameter(f"{text!r} is not local, spark or spark=MASTER")
    return name, master or None


@click.command(
    epilog=options.format_examples(
        "disambig cluster works.jsonl.gz --out clusters.jsonl",
        "disambig cluster folder/ more.jsonl --out clusters.jsonl --constraints decisions.jsonl",
        "zcat works.jsonl.gz | disambig cluster - --out clusters.jsonl --quiet",
    )
)
@works_argument
@options.out_option("one JSON row for each author mention")
@click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A model written by disambig train; default: the bundled model.",
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
    help="Number of worker processes; default: all cores. The clusters do not depend on it.",
)
@click.option(
    "--memory",
    callback=budget.parse_size,
    metavar="SIZE",
    help="Memory of all processes together, such as 2GB; default: three quarters of the free "
    "memory. If works need more, or more than a few minutes, the run is out-of-core, in a folder "
    "next to OUT, and the same command resumes it after an interruption.",
)
@click.option(
    "--engine",
    default="local",
    show_default=True,
    callback=_parse_engine,
    metavar="ENGINE",
    help="local, spark, or spark=MASTER with the address of a Spark master, such as "
    "spark=spark://host:7077 (needs disambig[spark] and Java). The clusters do not depend on it.",
)
@reading_options
@options.quiet_option
def cluster(
    works: tuple[Path, ...],
    out: Path,
    model: Path | None,
    constraints: Path | None,
    workers: int | None,
    memory: int | None,
    engine: tuple[str, str | None],
    format: str,
    strict: bool,
    rejects: Path | None,
    quiet: bool,
) -> None:
    """Cluster the author mentions of WORKS by person.

    Reads files, folders or standard input (-) and writes one row for each author mention:

    {"work", "position", "name", "identity", "confidence"}

    A group ("ATLAS Collaboration") or placeholder ("et al.") among the authors has "kind" instead
    of an identity. Mentions of one identity are one person according to the evidence; confidence is
    the probability that a mention belongs to its identity and, where it is the only one, to no
    other. Records that cannot be read are written, with problem and remedy, to OUT with
    .rejects.jsonl appended.
    """
    from disambig.ingest import read_constraints

    rejects = rejects or out.with_name(out.name + ".rejects.jsonl")
    options.reject_input(out, (*works, *filter(None, (model, constraints))))
    decisions = list(read_constraints(constraints)) if constraints else []
    open_reader = partial(
        open_works, works, format=format, strict=strict, rejects=rejects, quiet=quiet
    )
    show = partial(console.show_progress, quiet=quiet)
    job = ClusterJob(
        works, out, model, decisions, workers or os.cpu_count() or 1, open_reader, show
    )
    report, people, kinds = job.run(engine, memory)
    for problem in people.problems:
        click.echo(f"warning: {escape_text(problem)}", err=True)
    if not report.rejected:
        rejects.unlink(missing_ok=True)  # of an earlier run
    if not quiet:
        n_people, n_mentions = people.n_identities - kinds.total(), people.n_signatures
        click.echo(
            f"{n_people:,} people behind {n_mentions:,} author mentions of "
            f"{report.kept:,} works ({people.scored:,} of {people.considered:,} pairs compared): "
            f"{escape_text(str(out))}",
            err=True,
        )
        if kinds:
            counts = " and ".join(
                f"{n:,} {kind}{'s' if n > 1 else ''}" for kind, n in sorted(kinds.items())
            )
            click.echo(f"without an identity, as no names of persons: {counts}", err=True)
    finish_reading(report, rejects=rejects, quiet=quiet)


class Result(Protocol):
    """Result of a run with any engine."""

    @property
    def n_identities(self) -> int:
        """Number of identities."""

    @property
    def n_signatures(self) -> int:
        """Number of signatures."""

    @property
    def considered(self) -> int:
        """Number of pairs within blocks."""

    @property
    def scored(self) -> int:
        """Number of scored pairs."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Constraints that could not be applied, with the reason."""


Outcome: TypeAlias = "tuple[ReadReport, Result, Counter[NameKind]]"
"""Report of the records, result, and number of groups and placeholders among the author names."""


@dataclass(frozen=True)
class ClusterJob:
    """Arguments of one call; run in memory, out-of-core or on Spark, with the same result."""

    works: tuple[Path, ...]
    out: Path
    model: Path | None
    decisions: list[Constraint]
    workers: int
    open_reader: Callable[[], AbstractContextManager[WorkReader]]
    progress: Progress

    @property
    def folder(self) -> Path:
        """Folder of an out-of-core run."""
        return self.out.with_name(self.out.name + ".run")

    def run(self, engine: tuple[str, str | None], memory: int | None) -> Outcome:
        """Choose the way to run, and write the clusters."""
        if engine[0] == "spark":
            return self.run_on_spark(engine[1], memory)
        plan = budget.plan_memory(self.works, memory, self.workers)
        n_stored_shards = self.find_interrupted()
        if plan.shards is None and n_stored_shards is None:
            return self.run_in_memory()
        return self.run_on_disk(plan, n_stored_shards)

    def run_in_memory(self) -> Outcome:
        """Run in the memory of this process and its workers."""
        from disambig.corpus.corpus import Corpus
        from disambig.estimator import Disambiguator
        from disambig.output import write_assignments
        from disambig.processes import no_collector

        with self.open_reader() as reader, no_collector():
            corpus = Corpus.from_works(reader)
        people = Disambiguator(
            model=self.model,
            constraints=self.decisions,
            workers=self.workers,
            progress=self.progress,
        ).predict(corpus)
        return reader.report, people, write_assignments(self.out, people.assignments())

    def find_interrupted(self) -> int | None:
        """Return the number of shards of an interrupted run over the same works, or None."""
        if not self.folder.exists():
            return None
        from disambig.out_of_core.run import compute_fingerprint, find_interrupted_run

        return find_interrupted_run(
            self.folder, compute_fingerprint(self.works, self.model, self.decisions)
        )

    def run_on_disk(self, plan: budget.MemoryPlan, n_stored_shards: int | None) -> Outcome:
        """Run out-of-core: works on disk, some blocks at a time in memory."""
        from disambig.estimator import compile_kernels
        from disambig.out_of_core.run import LargeRun, compute_fingerprint
        from disambig.output import write_assignments
        from disambig.processes import run_in_process

        compile_kernels(self.progress)
        n_shards = plan.shards or 1
        can_resume = n_stored_shards is not None and n_stored_shards >= n_shards
        run = LargeRun(
            self.folder,
            compute_fingerprint(self.works, self.model, self.decisions),
            n_stored_shards if n_stored_shards is not None and can_resume else n_shards,
            self.model,
            self.decisions,
            workers=plan.workers,
            progress=self.progress,
        )
        if can_resume:
            click.echo(f"resuming the run in {escape_text(str(self.folder))}", err=True)
        else:
            run_in_process(partial(self._stage_works, run))
        report, people = run.read_report(), run.cluster()
        kinds = write_assignments(self.out, people.assignments())
        shutil.rmtree(self.folder, ignore_errors=True)
        return report, people, kinds

    def _stage_works(self, run: LargeRun) -> None:
        """Read the works to disk."""
        from disambig.processes import no_collector

        with self.open_reader() as reader, no_collector():
            run.stage(reader, lambda: reader.report)

    def run_on_spark(self, master: str | None, memory: int | None) -> Outcome:
        """Run on a Spark cluster, or on Spark on this machine."""
        from disambig.ingest import ReadReport
        from disambig.out_of_core.run import compute_fingerprint
        from disambig.spark.checkpoint import can_resume
        from disambig.spark.run import run_on_spark

        fingerprint = compute_fingerprint(self.works, self.model, self.decisions)
        run = partial(
            run_on_spark,
            out=self.out,
            master=master,
            model=self.model,
            constraints=self.decisions,
            memory=None if memory is None else f"{memory // 2**20}m",
            fingerprint=fingerprint,
            progress=self.progress,
        )
        if can_resume(self.out, fingerprint):
            click.echo(f"resuming the run in {escape_text(str(self.out.parent))}", err=True)
            people = run(())
        else:
            with self.open_reader() as reader:
                people = run(reader, get_report=lambda: reader.report.get_counts())
        return ReadReport(**people.report, files=(), pages=()), people, people.kinds
