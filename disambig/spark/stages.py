"""Run the stages of clustering on Spark. See :mod:`disambig.spark.run`."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from disambig.clustering.constraints import compile_constraints
from disambig.clustering.doubled_entries import summarise_doubled_entries
from disambig.corpus.corpus import Corpus
from disambig.domain import Constraint, Signature, Work
from disambig.errors import InputError
from disambig.model.model import Model
from disambig.names import NameKind
from disambig.out_of_core.staging import (
    parse_constrained,
    select_constrained_authors,
    serialise_constrained,
)
from disambig.output import open_atomically
from disambig.spark import tables
from disambig.spark.checkpoint import STAGES, RunFolder, SparkRun
from disambig.spark.joins import NO_JOINS, NO_MOVES, compute_joins, compute_moves
from disambig.spark.session import call_with_shared, run_tasks
from disambig.spark.tables import write_parts
from disambig.spark.tasks import (
    SharedInputs,
    cluster,
    divide_works,
    get_compared_file,
    list_statistics_keys,
    render_rows,
    score_part,
    write_atomically,
    write_works,
)

T = TypeVar("T")

WORKS_PER_FILE = 20_000
"""Works in one file of records, and in the driver's memory."""
SIGNATURES_PER_SHARD = 50_000
CANDIDATES_PER_PART = 20_000
"""Approximate number of joins across shards scored per task."""
_LATER_FOLDERS = (
    "moves",
    "spanned",
    "spanned_blocks",
    "pairs",
    "joins",
    "likely",
    "concerned",
    "rows",
    "text",
)
"""Results of the stages after the clustering of shards."""


@dataclass
class _ReadWorks:
    """Works with constraints or identifiers (``bound``), and counts of all works.

    ``texts`` is that of :class:`disambig.spark.tasks.SharedInputs`. The fields are stored.
    """

    bound: list[Work] = field(default_factory=list)
    n_works: int = 0
    n_signatures: int = 0
    n_parts: int = 0
    texts: dict[str, int] = field(default_factory=dict)


@dataclass
class Run:
    """One run, stage by stage."""

    spark: SparkSession
    run_folder: RunFolder
    model: Model
    advance: Callable[[int], None]
    retried: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def run_stages(
        self,
        works: Iterable[Work],
        out: Path,
        constraints: Sequence[Constraint],
        identifiers: bool,
        n_shards: int | None,
    ) -> SparkRun:
        """Run all stages; works are not read if an earlier run has divided them."""
        if self.run_folder.is_divided:
            self._reset_later_stages()
            note = self.run_folder.read_works_note()
            read = _ReadWorks(**{**note, "bound": parse_constrained(note["bound"])})
        else:
            read = self._read_and_divide(works, constraints, n_shards)
        if not read.n_signatures:
            with open_atomically(out):
                return SparkRun(
                    read.n_works,
                    0,
                    0,
                    Counter(),
                    0,
                    0,
                    0,
                    0,
                    (),
                    self.seconds,
                    self.run_folder.report,
                )
        constrained = Corpus.from_works(read.bound)
        compiled = compile_constraints(
            constrained, constraints, identifiers=identifiers, strict=False
        )
        shared = self.spark.sparkContext.broadcast(
            SharedInputs(self.model, read.texts, constrained, compiled)
        )
        with self._time_stage("Clustering"):
            considered, scored, doubled = self._cluster(shared)
        with self._time_stage("Holding must-links"):
            self._apply_must_links(shared.value)
        with self._time_stage("Finding joins"):
            candidates = self._find_candidates()
        with self._time_stage("Scoring joins"):
            scoring = partial(call_with_shared, score_part, self.folder, shared)
            likely = sum(
                self._run_tasks(scoring, _list_parts(self.folder / "joins" / "candidates"))
            )
        with self._time_stage("Joining"):
            self._join(shared.value, likely)
        with self._time_stage("Writing"):
            n_identities, kinds = self._write(out)
        return SparkRun(
            read.n_works,
            read.n_signatures,
            n_identities,
            kinds,
            considered,
            scored,
            candidates,
            self.retried,
            (*compiled.problems, *summarise_doubled_entries(doubled)),
            self.seconds,
            self.run_folder.report,
        )

    @property
    def folder(self) -> Path:
        """Folder of the results of stages."""
        return self.run_folder.folder

    def _read_and_divide(
        self, works: Iterable[Work], constraints: Sequence[Constraint], n_shards: int | None
    ) -> _ReadWorks:
        """Read works and write them as shards, each with the statistics that it needs."""
        for name in ("records", "counted", "divided", "signatures", "evidence", "compared"):
            (self.folder / name).mkdir()
        self._make_folders()
        constrained_signatures = frozenset(end for c in constraints for end in (c.a, c.b))
        with self._time_stage("Reading works"):
            read = self._read_works(works, constrained_signatures)
        if read.n_signatures:
            n_shards = n_shards or -(-read.n_signatures // SIGNATURES_PER_SHARD) or 1
            self._set_partitions(n_shards)
            with self._time_stage("Grouping"):
                read.texts = self._divide(read.n_parts, n_shards)
            with self._time_stage("Counting"):
                self._count()
        constrained_json = serialise_constrained(read.bound)
        self.run_folder.write_note({**asdict(replace(read, bound=[])), "bound": constrained_json})
        return read

    def _reset_later_stages(self) -> None:
        """Delete the results of stages after the shards."""
        for name in _LATER_FOLDERS:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self._make_folders()
        self._set_partitions(len(_list_parts(self.folder / "shards" / "works")))
        self.advance(STAGES.index("Clustering"))

    def _make_folders(self) -> None:
        """Make the folders that tasks after the shards write to."""
        for name in ("likely", "text"):
            (self.folder / name).mkdir()

    def _set_partitions(self, n_shards: int) -> None:
        # an empty task takes 27 ms, so there are no more tasks than needed
        partitions = max(2 * self.spark.sparkContext.defaultParallelism, n_shards)
        self.spark.conf.set("spark.sql.shuffle.partitions", str(partitions))

    def _cluster(self, shared: Broadcast[SharedInputs]) -> tuple[int, int, list[str]]:
        """Cluster the remaining shards; return the pairs considered and scored in total, and the
        entries listed twice on a work.
        """
        shards = _list_parts(self.folder / "shards" / "works")
        todo = [part for part in shards if not get_compared_file(self.folder, part).is_file()]
        self._run_tasks(partial(call_with_shared, cluster, self.folder, shared), todo)
        counts = pq.read_table(self.folder / "compared")
        return (
            pc.sum(counts["considered"]).as_py(),
            pc.sum(counts["scored"]).as_py(),
            pc.list_flatten(counts["doubled"]).to_pylist(),
        )

    def _read_works(
        self, works: Iterable[Work], constrained_signatures: frozenset[Signature]
    ) -> _ReadWorks:
        """Write works to files, in chunks."""
        read = _ReadWorks()
        iterator = iter(works)
        while chunk := list(islice(iterator, WORKS_PER_FILE)):
            write_works(chunk, self.folder / "records" / f"{read.n_parts:06}.parquet")
            read.bound += [
                b
                for work in chunk
                if (b := select_constrained_authors(work, constrained_signatures)) is not None
            ]
            read.n_works += len(chunk)
            read.n_signatures += sum(bool(a.name.strip()) for work in chunk for a in work.authors)
            read.n_parts += 1
        return read

    def _divide(self, n_parts: int, n_shards: int) -> dict[str, int]:
        """Divide works among shards; return the number of texts of each kind."""
        ids = self._read_table("records").groupBy("work").count().where("count > 1")
        for row in ids.orderBy("work").limit(1).collect():
            raise InputError(
                f"two works have the id {row['work']!r}; give each work an id of its own"
            )
        parts = self._run_tasks(partial(divide_works, self.folder, n_shards), range(n_parts))
        write_parts(self._read_table("divided"), self.folder / "shards" / "works")
        return {kind: sum(texts[kind] for texts in parts) for kind in parts[0]}

    def _count(self) -> None:
        """Sum the counts of all works, and write for each shard those it needs."""
        total = tables.sum_counts(self._read_table("counted"))
        total.write.parquet((self.folder / "counts").as_uri())
        self._distribute_statistics("shards")

    def _distribute_statistics(self, stage: str) -> None:
        """Write for each part of a stage the statistics that its works need."""
        folder = self.folder / stage
        (folder / "wanted").mkdir()
        self._run_tasks(partial(list_statistics_keys, folder), _list_parts(folder / "works"))
        counts = tables.select_counts(
            self._read_table(f"{stage}/wanted"), self._read_table("counts")
        )
        write_parts(counts, folder / "known")

    def _apply_must_links(self, shared: SharedInputs) -> None:
        """Move the atoms that must-links across blocks unite."""
        moves = self.folder / "moves"
        moves.mkdir()
        write_atomically(NO_MOVES, moves / "atoms.parquet")
        if not shared.constraints.n_groups:
            return
        signatures = self._read_table("signatures")
        members = self._collect_table(tables.find_split_must_groups(signatures), "spanned")
        if members.num_rows:
            blocks = signatures.join(
                self._read_table("spanned").select("block").distinct(), "block", "left_semi"
            )
            first = self._collect_table(
                tables.find_first_signatures(blocks, "block"), "spanned_blocks"
            )
            atoms = compute_moves(members, first, shared.constrained, shared.constraints)
            write_atomically(atoms, moves / "atoms.parquet")

    def _read_signatures(self) -> DataFrame:
        """Read the signatures with their identities after must-links."""
        return tables.apply_moves(
            self._read_table("signatures"), self._read_table("moves/atoms.parquet")
        )

    def _find_candidates(self) -> int:
        """Find candidate joins and write the inputs for scoring in parts; return their number."""
        folder = self.folder / "joins"
        signatures = self._read_signatures()
        evidence = tables.apply_moves(
            self._read_table("evidence"), self._read_table("moves/atoms.parquet")
        )
        tables.find_candidates(evidence, signatures).write.parquet((self.folder / "pairs").as_uri())
        pairs = self._read_table("pairs")
        n = pairs.count()
        if n:
            write_parts(
                tables.assign_parts(pairs, n // CANDIDATES_PER_PART + 1), folder / "candidates"
            )
            candidates = self._read_table("joins/candidates")
            write_parts(
                tables.select_representatives(self.spark, candidates, signatures),
                folder / "speakers",
            )
            works = tables.select_signatures(
                self._read_table("shards/works"), self._read_table("joins/speakers")
            )
            write_parts(works, folder / "works")
            self._distribute_statistics("joins")
        return n

    def _join(self, shared: SharedInputs, likely: int) -> None:
        """Join identities, the most probable first."""
        moves = NO_JOINS
        if likely:
            likely_pairs = self._read_table("likely")
            ends = (
                likely_pairs.select(F.col("a").alias("identity"))
                .union(likely_pairs.select("b"))
                .distinct()
            )
            members = (
                self._read_signatures()
                .join(ends, "identity", "left_semi")
                .select("work", "position", "identity", "block")
            )
            moves = compute_joins(
                self._collect_table(members, "concerned"),
                pq.read_table(self.folder / "likely"),
                shared.constrained,
                shared.constraints,
                shared.model,
            )
        write_atomically(moves, self.folder / "moves" / "identities.parquet")

    def _write(self, out: Path) -> tuple[int, Counter[NameKind]]:
        """Sort all signatures and write them; return the number of identities, and that of groups
        and placeholders.
        """
        final = tables.apply_joins(
            self._read_signatures(), self._read_table("moves/identities.parquet")
        )
        rows = self.folder / "rows"
        tables.make_output_rows(final).write.parquet(rows.as_uri())
        names = sorted(file.name for file in rows.glob("part-*"))
        counts = self._run_tasks(partial(render_rows, self.folder, names), range(len(names)))
        with open_atomically(out) as stream:
            for name in names:
                with (self.folder / "text" / f"{name}.jsonl").open(encoding="utf-8") as part:
                    shutil.copyfileobj(part, stream, 1 << 20)
        return sum(n for n, _ in counts), sum((kinds for _, kinds in counts), Counter())

    def _run_tasks(self, task: Callable[[int], T], parts: Sequence[int]) -> list[T]:
        outcomes, retried = run_tasks(self.spark, task, parts)
        self.retried += retried
        return outcomes

    def _read_table(self, name: str) -> DataFrame:
        return self.spark.read.parquet((self.folder / name).as_uri())

    def _collect_table(self, table: DataFrame, name: str) -> pa.Table:
        """Collect a small table in this process, through a file in the folder."""
        table.write.parquet((self.folder / name).as_uri())
        return pq.read_table(self.folder / name)

    @contextmanager
    def _time_stage(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - started
        self.advance(1)


def _list_parts(folder: Path) -> list[int]:
    """List the parts in a folder, the largest first, so that no large one runs last."""
    size = {
        int(part.name.removeprefix("part=")): sum(f.stat().st_size for f in part.iterdir())
        for part in folder.glob("part=*")
    }
    return sorted(size, key=lambda part: (-size[part], part))
