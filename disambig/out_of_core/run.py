"""Cluster more works than fit in memory: shards on disk, one at a time in each process.

All files are in one folder until the run succeeds. An interrupted run resumes from the works and
finished shards in that folder. A folder of another input, model or constraints is rejected.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa

from disambig.arrays import Float32, Int32, Int64
from disambig.blocking.cross_block import get_identity_blocks
from disambig.blocking.pairs import split_range
from disambig.clustering.constraints import Constraints, compile_constraints
from disambig.clustering.cross_block import (
    Representatives,
    join_must_groups,
    join_probable,
    renumber,
)
from disambig.clustering.doubled_entries import summarise_doubled_entries
from disambig.corpus.corpus import Corpus
from disambig.domain import POSITION_BITS, Assignment, Constraint, Signature, Work
from disambig.errors import InputError
from disambig.ingest import ReadReport
from disambig.model.model import Model
from disambig.out_of_core.staging import (
    parse_constrained,
    rank_works,
    serialise_constrained,
    stage,
)
from disambig.out_of_core.worker import (
    StoredSignatures,
    cluster,
    count_shared_keys,
    get_block_file,
    get_identity_file,
    get_representatives_file,
    get_result_folder,
    init_worker,
    score_part,
    write_representatives,
)
from disambig.output import open_atomically
from disambig.partition import make_identity_name
from disambig.processes import map_in_order
from disambig.progress import Progress, no_progress

MIN_EVIDENCE_RANGES = 16
"""Minimal number of ranges of the key space for sorting evidence for joins."""
SIGNATURES_PER_RANGE = 400_000
"""Maximal number of signatures per range in larger runs, to bound memory."""
CANDIDATES_PER_TASK = 8_000
"""Joins across shards scored per task."""
ROWS_PER_CHUNK = 200_000
"""Output rows assembled at a time."""
MAX_WAITING_TASKS = 32
"""Tasks waiting for a process."""


@dataclass(frozen=True)
class LargeRun:
    """One run over any number of works.

    Attributes
    ----------
    folder : Path
        Folder of works, shards and results; created if it does not exist.
    fingerprint : str
        Digest of the inputs; a folder with another fingerprint is rejected.
    n_shards : int
        More shards need less memory each.
    model : Path or None
        None is the shipped model.
    constraints : sequence of Constraint
    identifiers : bool
    workers : int
        Processes, each with one shard in memory at a time.
    progress : Progress
    """

    folder: Path
    fingerprint: str
    n_shards: int
    model: Path | None = None
    constraints: Sequence[Constraint] = ()
    identifiers: bool = True
    workers: int = 1
    progress: Progress = no_progress

    def read_report(self) -> ReadReport:
        """Read the counts of accepted and rejected records."""
        note = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return ReadReport(**note["report"], files=(), pages=())

    def stage(self, works: Iterable[Work], report: Callable[[], ReadReport]) -> None:
        """Stage all works on disk; discards files of an earlier run.

        Parameters
        ----------
        report : callable
            Called at the end; returns the counts of accepted and rejected records.

        Raises
        ------
        InputError
            If the folder exists and does not belong to a run.
        """
        if self.folder.exists() and not (self.folder / "run.json").is_file():
            raise InputError(
                f"{self.folder} is needed for this run but contains other files; rename it"
            )
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self._write_note({})
        constrained = frozenset(end for c in self.constraints for end in (c.a, c.b))
        constrained_works = stage(works, self.folder, self.n_shards, constrained)
        (self.folder / "bound.json").write_text(
            serialise_constrained(constrained_works), encoding="utf-8"
        )
        self._write_note({"report": report().get_counts()})

    def _write_note(self, details: dict[str, object]) -> None:
        """Write fingerprint and number of shards; with a report once all works are staged."""
        note = {"fingerprint": self.fingerprint, "n_shards": self.n_shards, **details}
        with open_atomically(self.folder / "run.json") as stream:
            json.dump(note, stream)

    def cluster(self) -> LargeRunResult:
        """Cluster the shards, then join across them.

        Raises
        ------
        ConstraintError
            If must-links contradict cannot-links.
        InputError
            If two works have one id, or a worker was killed.
        """
        rank_works(self.folder)  # rejects ids that two works have
        constrained = Corpus.from_works(
            parse_constrained((self.folder / "bound.json").read_text("utf-8"))
        )
        compiled = compile_constraints(
            constrained, self.constraints, identifiers=self.identifiers, strict=False
        )
        initargs = (self.folder, self.model, constrained, compiled)
        todo = [s for s in range(self.n_shards) if not get_result_folder(self.folder, s).is_dir()]
        context = multiprocessing.get_context("spawn")
        make_pool = partial(ProcessPoolExecutor, self.workers, context, init_worker, initargs)
        try:
            # new processes for the joins: memory still held after shards must not add to theirs
            with make_pool() as pool, self.progress("Clustering", len(todo), "shards") as advance:
                for _ in pool.map(cluster, todo):
                    advance(1)
            rows = StoredSignatures.of(self.folder, self.n_shards)
            return self._join_across(rows, compiled.remap(*rows.locate(constrained)), make_pool)
        except BrokenProcessPool as broken:
            raise InputError(
                "a worker process was killed, most likely for lack of memory; run the same "
                "command again with a smaller --memory or fewer --workers: finished shards are "
                f"kept in {self.folder}"
            ) from broken

    def _join_across(
        self,
        rows: StoredSignatures,
        constraints: Constraints,
        make_pool: Callable[[], ProcessPoolExecutor],
    ) -> LargeRunResult:
        folders = [get_result_folder(self.folder, s) for s in range(self.n_shards)]
        identity = renumber(rows.merge_numbers([np.load(r / "identity.npy") for r in folders]))
        block = renumber(rows.merge_numbers([np.load(r / "block.npy") for r in folders]))
        identity = join_must_groups(constraints, identity)
        block_of = get_identity_blocks(identity, block)
        with make_pool() as pool:
            candidates = self._find_candidates(rows, identity, block_of, pool)
            probability = self._score_candidates(rows, identity, candidates, pool)
        model = Model.load(self.model)
        counts = [json.loads((r / "pairs.json").read_text(encoding="utf-8")) for r in folders]
        return LargeRunResult(
            rows,
            join_probable(constraints, identity, block_of, candidates, probability, model),
            rows.merge_values([np.load(r / "confidence.npy") for r in folders]),
            sum(c["considered"] for c in counts),
            sum(c["scored"] for c in counts),
            (
                *constraints.problems,
                *summarise_doubled_entries(entry for c in counts for entry in c["doubled"]),
            ),
        )

    def _find_candidates(
        self, rows: StoredSignatures, identity: Int32, block_of: Int64, pool: ProcessPoolExecutor
    ) -> Int64:
        """Find candidate pairs of identities of different blocks, int64[K, 2], in the workers."""
        get_block_file(self.folder).parent.mkdir(exist_ok=True)
        np.save(get_block_file(self.folder), block_of)
        for shard, own in enumerate(rows.in_shard):
            np.save(get_identity_file(self.folder, shard), identity[own])
        n = max(MIN_EVIDENCE_RANGES, len(identity) // SIGNATURES_PER_RANGE)
        code_parts = []
        with self.progress("Finding joins across blocks", 2 * n, "parts") as advance:
            for kind, min_keys in (("reading", 1), ("circle", 2)):
                codes, counts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
                tasks = [(kind, number, n, self.n_shards) for number in range(n)]
                for code, count in map_in_order(pool, count_shared_keys, tasks, MAX_WAITING_TASKS):
                    codes.append(code)
                    counts.append(count)
                    advance(1)
                unique_codes, inverse = np.unique(np.concatenate(codes), return_inverse=True)
                total = np.bincount(inverse, np.concatenate(counts), len(unique_codes))
                code_parts.append(unique_codes[total >= min_keys])
        code = np.unique(np.concatenate(code_parts))
        width = np.int64(max(len(block_of), 1))
        return np.column_stack([code // width, code % width])

    def _score_candidates(
        self, rows: StoredSignatures, identity: Int32, candidates: Int64, pool: ProcessPoolExecutor
    ) -> Float32:
        """Score the candidates in parts, in the workers; return probabilities, float32[K].

        The representatives of each part are collected first: every part has some of nearly every
        shard.
        """
        parts = np.array_split(candidates, len(candidates) // CANDIDATES_PER_TASK + 1)
        representatives = _choose_representatives(identity, parts)
        get_representatives_file(self.folder, 0).parent.mkdir(exist_ok=True)
        tasks = (
            (number, self.n_shards, identity[own], part)
            for number, (own, part) in enumerate(zip(representatives, parts, strict=True))
        )
        with self.progress("Joining across blocks", len(candidates), "candidates") as advance:
            for _ in map_in_order(
                pool,
                write_representatives,
                self._iterate_representative_tasks(rows, representatives),
                MAX_WAITING_TASKS,
            ):
                pass
            score_parts = [np.empty(0, dtype=np.float32)]
            for scores in map_in_order(pool, score_part, tasks, MAX_WAITING_TASKS):
                score_parts.append(scores)
                advance(len(scores))
        return np.concatenate(score_parts)

    def _iterate_representative_tasks(
        self, rows: StoredSignatures, representatives: list[Int32]
    ) -> Iterator[tuple[int, Int32, Int32, int]]:
        """Yield for each shard its representatives and the part of each."""
        all_rows = np.concatenate(representatives)
        part = np.repeat(
            np.arange(len(representatives), dtype=np.int32), [len(c) for c in representatives]
        )
        order = np.argsort(rows.shard[all_rows], kind="stable")
        cuts = np.searchsorted(rows.shard[all_rows[order]], np.arange(1, self.n_shards))
        for shard, selection in enumerate(np.split(order, cuts)):
            yield shard, rows.element[all_rows[selection]], part[selection], len(representatives)


def _choose_representatives(identity: Int32, parts: list[Int64]) -> list[Int32]:
    """Return the rows of the representatives of the identities of each part, ascending."""
    representatives = Representatives.select(identity, np.unique(np.concatenate(parts)))
    length, row_parts = np.diff(representatives.start), []
    for part in parts:
        identities = np.unique(part)
        n = length[identities]
        positions = np.arange(n.sum()) + np.repeat(
            representatives.start[identities] - (np.cumsum(n) - n), n
        )
        row_parts.append(np.sort(representatives.rows[positions]))
    return row_parts


@dataclass(frozen=True, eq=False)
class LargeRunResult:
    """Result of a run: ``identity`` int32[S], ``confidence`` float32[S] of the signatures in order.

    ``considered`` and ``scored`` count pairs, ``problems`` lists constraints that were ignored.
    """

    rows: StoredSignatures
    identity: Int32
    confidence: Float32
    considered: int
    scored: int
    problems: tuple[str, ...]

    @property
    def n_signatures(self) -> int:
        """Number of signatures."""
        return len(self.identity)

    @property
    def n_identities(self) -> int:
        """Number of identities."""
        return int(self.identity.max(initial=-1)) + 1

    def assignments(self) -> Iterator[Assignment]:
        """Yield one row for each signature, sorted by work id and position."""
        key, ids, (code, printed) = self.rows.key, self.rows.ids, self.rows.encode_names()
        _, first = np.unique(self.identity, return_index=True)
        name_parts = [pa.array([], pa.large_string())]
        for piece in split_range(len(first), ROWS_PER_CHUNK):
            texts = map(make_identity_name, _make_signatures(key[first[piece]], ids))
            name_parts.append(pa.array(texts, pa.large_string()))
        names = pa.concat_arrays(name_parts)
        for piece in split_range(len(key), ROWS_PER_CHUNK):
            yield from map(
                Assignment,
                _make_signatures(key[piece], ids),
                printed.take(pa.array(code[piece])).to_pylist(),
                names.take(pa.array(self.identity[piece])).to_pylist(),
                [round(c, 4) for c in self.confidence[piece].tolist()],
            )


def _make_signatures(key: Int64, ids: pa.Array) -> Iterator[Signature]:
    works = ids.take(pa.array(key >> POSITION_BITS)).to_pylist()
    return map(Signature, works, (key & ((1 << POSITION_BITS) - 1)).tolist())


def find_interrupted_run(folder: Path, fingerprint: str) -> int | None:
    """Return the number of shards of an interrupted run with all works staged; None without one.

    Raises
    ------
    InputError
        If the folder belongs to another run.
    """
    note = folder / "run.json"
    if not note.is_file():
        return None
    content = json.loads(note.read_text(encoding="utf-8"))
    if content["fingerprint"] != fingerprint:
        raise InputError(
            f"{folder} contains an interrupted run with other works, another model or other "
            "constraints; delete it to start over, or pass the same inputs to resume"
        )
    return int(content["n_shards"]) if "report" in content else None


def compute_fingerprint(
    works: Sequence[Path], model: Path | None, constraints: Sequence[Constraint]
) -> str:
    """Return a digest of the inputs of a run: files with size and time, model and constraints.

    Runs over standard input never have the same digest.
    """
    parts = [Model.load(model).digest, version("disambig"), *map(str, constraints)]
    for path in works:
        if str(path) == "-":
            parts.append(os.urandom(16).hex())
            continue
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            status = file.stat()
            parts.append(f"{file.resolve()} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
