"""A run on Spark, stage by stage. See :mod:`disambig.spark`."""

from __future__ import annotations

import shutil
import time
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

from disambig import spark_tables as tables
from disambig.constraints import compile_constraints
from disambig.corpus import Corpus
from disambig.domain import Constraint, Signature, Work
from disambig.errors import InputError
from disambig.model import Model
from disambig.output import whole_file
from disambig.spark import STAGES, Kept, SparkRun
from disambig.spark_joins import NO_JOINS, NO_MOVES, held, joined
from disambig.spark_session import run_tasks, with_shared
from disambig.spark_tables import write_parts
from disambig.spark_tasks import (
    Shared,
    cluster,
    compared_file,
    divide,
    render,
    score,
    want,
    write_whole,
    write_works,
)
from disambig.staging import bound_as_json, bound_from_json, bound_part

T = TypeVar("T")

WORKS_AT_ONCE = 20_000
"""Works in one file of records, and in the driver's memory."""
SIGNATURES_PER_SHARD = 50_000
CANDIDATES_PER_PART = 20_000
"""Joins across shards that one task scores, about."""
_LATER = (
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
"""What stages after the clustering of shards leave."""


@dataclass
class _Read:
    """What was read: works with what binds them, and counts; ``texts`` as :class:`Shared`."""

    bound: list[Work] = field(default_factory=list)
    n_works: int = 0
    n_signatures: int = 0
    n_parts: int = 0
    texts: dict[str, int] = field(default_factory=dict)


@dataclass
class Run:
    """One run, stage by stage."""

    spark: SparkSession
    kept: Kept
    model: Model
    advance: Callable[[int], None]
    retried: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def all(
        self,
        works: Iterable[Work],
        out: Path,
        constraints: Sequence[Constraint],
        identifiers: bool,
        n_shards: int | None,
    ) -> SparkRun:
        """Every stage in turn; works are not read where an earlier run has divided them."""
        if self.kept.divided:
            self._again()
            found = self.kept.found()
            read = _Read(**{**found, "bound": bound_from_json(found["bound"])})
        else:
            read = self._divided(works, constraints, n_shards)
        if not read.n_signatures:
            with whole_file(out):
                return SparkRun(read.n_works, 0, 0, 0, 0, 0, 0, (), self.seconds, self.kept.report)
        bound = Corpus.from_works(read.bound)
        compiled = compile_constraints(bound, constraints, identifiers=identifiers, strict=False)
        shared = self.spark.sparkContext.broadcast(Shared(self.model, read.texts, bound, compiled))
        with self._stage("Clustering"):
            considered, scored = self._cluster(shared)
        with self._stage("Holding must-links"):
            self._hold(shared.value)
        with self._stage("Finding joins"):
            candidates = self._candidates()
        with self._stage("Scoring joins"):
            scoring = partial(with_shared, score, self.folder, shared)
            likely = sum(self._map(scoring, _parts(self.folder / "joins" / "candidates")))
        with self._stage("Joining"):
            self._join(shared.value, likely)
        with self._stage("Writing"):
            n_identities = self._write(out)
        return SparkRun(
            read.n_works,
            read.n_signatures,
            n_identities,
            considered,
            scored,
            candidates,
            self.retried,
            compiled.problems,
            self.seconds,
            self.kept.report,
        )

    @property
    def folder(self) -> Path:
        """Where the results of stages are."""
        return self.kept.folder

    def _divided(
        self, works: Iterable[Work], constraints: Sequence[Constraint], n_shards: int | None
    ) -> _Read:
        """Works as shards on disk, with what each needs to know."""
        for name in ("records", "counted", "divided", "signatures", "evidence", "compared"):
            (self.folder / name).mkdir()
        self._make_room()
        named = frozenset(end for c in constraints for end in (c.a, c.b))
        with self._stage("Reading works"):
            read = self._read(works, named)
        if read.n_signatures:
            n_shards = n_shards or -(-read.n_signatures // SIGNATURES_PER_SHARD) or 1
            self._use(n_shards)
            with self._stage("Grouping"):
                read.texts = self._divide(read.n_parts, n_shards)
            with self._stage("Counting"):
                self._count()
        bound = bound_as_json(read.bound)
        self.kept.note({**asdict(replace(read, bound=[])), "bound": bound})
        return read

    def _again(self) -> None:
        """Remove what came after the shards."""
        for name in _LATER:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self._make_room()
        self._use(len(_parts(self.folder / "shards" / "works")))
        self.advance(STAGES.index("Clustering"))

    def _make_room(self) -> None:
        """Folders that tasks after the shards write to."""
        for name in ("likely", "text"):
            (self.folder / name).mkdir()

    def _use(self, n_shards: int) -> None:
        # a task takes 27 ms even if it does nothing, so no more of them than there is work for
        partitions = max(2 * self.spark.sparkContext.defaultParallelism, n_shards)
        self.spark.conf.set("spark.sql.shuffle.partitions", str(partitions))

    def _cluster(self, shared: Broadcast[Shared]) -> tuple[int, int]:
        """Cluster the shards that are not clustered yet; pairs considered and scored in all."""
        every = _parts(self.folder / "shards" / "works")
        todo = [part for part in every if not compared_file(self.folder, part).is_file()]
        self._map(partial(with_shared, cluster, self.folder, shared), todo)
        found = pq.read_table(self.folder / "compared")
        return pc.sum(found["considered"]).as_py(), pc.sum(found["scored"]).as_py()

    def _read(self, works: Iterable[Work], named: frozenset[Signature]) -> _Read:
        """Put works into files, some at a time."""
        found = _Read()
        iterator = iter(works)
        while chunk := list(islice(iterator, WORKS_AT_ONCE)):
            write_works(chunk, self.folder / "records" / f"{found.n_parts:06}.parquet")
            found.bound += [b for work in chunk if (b := bound_part(work, named)) is not None]
            found.n_works += len(chunk)
            found.n_signatures += sum(bool(a.name.strip()) for work in chunk for a in work.authors)
            found.n_parts += 1
        return found

    def _divide(self, n_parts: int, n_shards: int) -> dict[str, int]:
        """Works to the shards of their signatures; number of texts of each kind."""
        ids = self._table("records").groupBy("work").count().where("count > 1")
        for row in ids.orderBy("work").limit(1).collect():
            raise InputError(
                f"two works have the id {row['work']!r}; give each work an id of its own"
            )
        parts = self._map(partial(divide, self.folder, n_shards), range(n_parts))
        write_parts(self._table("divided"), self.folder / "shards" / "works")
        return {kind: sum(texts[kind] for texts in parts) for kind in parts[0]}

    def _count(self) -> None:
        """Add up what was counted, and give each shard its share."""
        total = tables.added_up(self._table("counted"))
        total.write.parquet((self.folder / "counts").as_uri())
        self._tell("shards")

    def _tell(self, stage: str) -> None:
        """Give each part of a stage the statistics that its works call for."""
        folder = self.folder / stage
        (folder / "wanted").mkdir()
        self._map(partial(want, folder), _parts(folder / "works"))
        known = tables.known(self._table(f"{stage}/wanted"), self._table("counts"))
        write_parts(known, folder / "known")

    def _hold(self, shared: Shared) -> None:
        """Move what must-links across blocks move."""
        moves = self.folder / "moves"
        moves.mkdir()
        write_whole(NO_MOVES, moves / "atoms.parquet")
        if not shared.constraints.n_groups:
            return
        signatures = self._table("signatures")
        concerned = self._fetched(tables.spanned(signatures), "spanned")
        if concerned.num_rows:
            blocks = signatures.join(
                self._table("spanned").select("block").distinct(), "block", "left_semi"
            )
            first = self._fetched(tables.firsts(blocks, "block"), "spanned_blocks")
            found = held(concerned, first, shared.bound, shared.constraints)
            write_whole(found, moves / "atoms.parquet")

    def _signatures(self) -> DataFrame:
        """Signatures and their identities after must-links."""
        return tables.moved(self._table("signatures"), self._table("moves/atoms.parquet"))

    def _candidates(self) -> int:
        """Find joins worth scoring, and put what is needed to score them into parts."""
        folder = self.folder / "joins"
        signatures = self._signatures()
        evidence = tables.moved(self._table("evidence"), self._table("moves/atoms.parquet"))
        tables.candidates(evidence, signatures).write.parquet((self.folder / "pairs").as_uri())
        pairs = self._table("pairs")
        n = pairs.count()
        if n:
            write_parts(tables.chunked(pairs, n // CANDIDATES_PER_PART + 1), folder / "candidates")
            chosen = self._table("joins/candidates")
            write_parts(tables.speakers(self.spark, chosen, signatures), folder / "speakers")
            works = tables.only(self._table("shards/works"), self._table("joins/speakers"))
            write_parts(works, folder / "works")
            self._tell("joins")
        return n

    def _join(self, shared: Shared, likely: int) -> None:
        """Join identities, most probable first."""
        moves = NO_JOINS
        if likely:
            found = self._table("likely")
            ends = found.select(F.col("a").alias("identity")).union(found.select("b")).distinct()
            concerned = (
                self._signatures()
                .join(ends, "identity", "left_semi")
                .select("work", "position", "identity", "block")
            )
            moves = joined(
                self._fetched(concerned, "concerned"),
                pq.read_table(self.folder / "likely"),
                shared.bound,
                shared.constraints,
                shared.model,
            )
        write_whole(moves, self.folder / "moves" / "identities.parquet")

    def _write(self, out: Path) -> int:
        """Sort all signatures and write them; number of identities."""
        final = tables.joined(self._signatures(), self._table("moves/identities.parquet"))
        rows = self.folder / "rows"
        tables.output_rows(final).write.parquet(rows.as_uri())
        names = sorted(file.name for file in rows.glob("part-*"))
        begun = self._map(partial(render, self.folder, names), range(len(names)))
        with whole_file(out) as stream:
            for name in names:
                with (self.folder / "text" / f"{name}.jsonl").open(encoding="utf-8") as part:
                    shutil.copyfileobj(part, stream, 1 << 20)
        return sum(begun)

    def _map(self, task: Callable[[int], T], parts: Sequence[int]) -> list[T]:
        found, retried = run_tasks(self.spark, task, parts)
        self.retried += retried
        return found

    def _table(self, name: str) -> DataFrame:
        return self.spark.read.parquet((self.folder / name).as_uri())

    def _fetched(self, table: DataFrame, name: str) -> pa.Table:
        """A table small enough for this process, by way of the folder."""
        table.write.parquet((self.folder / name).as_uri())
        return pq.read_table(self.folder / name)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - started
        self.advance(1)


def _parts(folder: Path) -> list[int]:
    """Numbers of the parts in a folder, the largest first, so that no large one is left at last."""
    size = {
        int(part.name.removeprefix("part=")): sum(f.stat().st_size for f in part.iterdir())
        for part in folder.glob("part=*")
    }
    return sorted(size, key=lambda part: (-size[part], part))
