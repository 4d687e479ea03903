"""Cluster more works than fit in memory: shards on disk, one at a time in each process.

Everything is kept in one folder until the run has ended well. A run that was interrupted finds
there the works that were read and the shards that were finished, and goes on. A folder of
another input, model or constraints is refused.
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
from disambig.blocking.cross_block import block_of_identity
from disambig.blocking.pairs import in_pieces
from disambig.clustering.constraints import Constraints, compile_constraints
from disambig.clustering.cross_block import Representatives, hold_must, join_likely, renumber
from disambig.corpus.corpus import Corpus
from disambig.domain import Assignment, Constraint, Signature, Work
from disambig.errors import InputError
from disambig.ingest import ReadReport
from disambig.model.model import Model
from disambig.out_of_core.staging import (
    constrained_from_json,
    constrained_to_json,
    rank_works,
    stage,
)
from disambig.out_of_core.worker import (
    POSITIONS,
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
from disambig.output import whole_file
from disambig.partition import identity_name
from disambig.processes import in_turn
from disambig.progress import Progress, silent

MIN_EVIDENCE_RANGES = 16
"""Parts of the key space in which evidence for joins is sorted, at the least."""
SIGNATURES_PER_RANGE = 400_000
"""Signatures from which there are more of them, to bound memory."""
CANDIDATES_PER_TASK = 8_000
"""Joins across shards that one task scores."""
ROWS_PER_CHUNK = 200_000
"""Output rows put together at a time."""
MAX_WAITING_TASKS = 32
"""Tasks that wait for a process."""


@dataclass(frozen=True)
class LargeRun:
    """One run over works of any number.

    Attributes
    ----------
    folder : Path
        Where works, shards and results are kept; made if it does not exist.
    fingerprint : str
        What the run depends on; a folder made for another is refused.
    n_shards : int
        More shards take less memory each.
    model : Path or None
        None is the model that ships.
    constraints : sequence of Constraint
    identifiers : bool
    workers : int
        Processes, each with one shard in memory at a time.
    progress : Progress
    """

    folder: Path
    compute_fingerprint: str
    n_shards: int
    model: Path | None = None
    constraints: Sequence[Constraint] = ()
    identifiers: bool = True
    workers: int = 1
    progress: Progress = silent

    def report(self) -> ReadReport:
        """What became of the records that were read."""
        note = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return ReadReport(**note["report"], files=(), pages=())

    def stage(self, works: Iterable[Work], report: Callable[[], ReadReport]) -> None:
        """Read all works to disk, anew.

        Parameters
        ----------
        report : callable
            Called at the end, for what became of the records.

        Raises
        ------
        InputError
            If the folder exists and is not that of a run.
        """
        if self.folder.exists() and not (self.folder / "run.json").is_file():
            raise InputError(
                f"{self.folder} is needed for this run but holds something else; rename it"
            )
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self._note({})
        constrained = frozenset(end for c in self.constraints for end in (c.a, c.b))
        constrained_works = stage(works, self.folder, self.n_shards, constrained)
        (self.folder / "bound.json").write_text(
            constrained_to_json(constrained_works), encoding="utf-8"
        )
        self._note({"report": report().counts()})

    def _note(self, details: dict[str, object]) -> None:
        """Write down whose folder it is; with a report once all works have been read."""
        note = {"fingerprint": self.fingerprint, "n_shards": self.n_shards, **details}
        with whole_file(self.folder / "run.json") as stream:
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
        rank_works(self.folder)  # refuses ids that two works have
        constrained = Corpus.from_works(
            constrained_from_json((self.folder / "bound.json").read_text("utf-8"))
        )
        compiled = compile_constraints(
            constrained, self.constraints, identifiers=self.identifiers, strict=False
        )
        initargs = (self.folder, self.model, constrained, compiled)
        todo = [s for s in range(self.n_shards) if not get_result_folder(self.folder, s).is_dir()]
        context = multiprocessing.get_context("spawn")
        make_pool = partial(ProcessPoolExecutor, self.workers, context, init_worker, initargs)
        try:
            # what the processes hold after shards must not add to what joining needs
            with make_pool() as pool, self.progress("Clustering", len(todo), "shards") as advance:
                for _ in pool.map(cluster, todo):
                    advance(1)
            rows = StoredSignatures.of(self.folder, self.n_shards)
            return self._joined(rows, compiled.carried(*rows.places(constrained)), make_pool)
        except BrokenProcessPool as broken:
            raise InputError(
                "a worker process was killed, most likely for want of memory; run the same "
                "command again with a smaller --memory or fewer --workers: finished shards are "
                f"kept in {self.folder}"
            ) from broken

    def _joined(
        self,
        rows: StoredSignatures,
        constraints: Constraints,
        make_pool: Callable[[], ProcessPoolExecutor],
    ) -> LargeRunResult:
        folders = [get_result_folder(self.folder, s) for s in range(self.n_shards)]
        identity = renumber(rows.gathered([np.load(r / "identity.npy") for r in folders]))
        block = renumber(rows.gathered([np.load(r / "block.npy") for r in folders]))
        identity = hold_must(constraints, identity)
        block_of = block_of_identity(identity, block)
        with make_pool() as pool:
            candidates = self._find_candidates(rows, identity, block_of, pool)
            probability = self._score_candidates(rows, identity, candidates, pool)
        model = Model.load(self.model)
        counts = [json.loads((r / "pairs.json").read_text(encoding="utf-8")) for r in folders]
        return LargeRunResult(
            rows,
            join_likely(constraints, identity, block_of, candidates, probability, model),
            rows.spread([np.load(r / "confidence.npy") for r in folders]),
            sum(c["considered"] for c in counts),
            sum(c["scored"] for c in counts),
            constraints.problems,
        )

    def _find_candidates(
        self, rows: StoredSignatures, identity: Int32, block_of: Int64, pool: ProcessPoolExecutor
    ) -> Int64:
        """Pairs of identities of two blocks worth scoring, int64[K, 2], found by the workers."""
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
                for code, count in in_turn(pool, count_shared_keys, tasks, MAX_WAITING_TASKS):
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
        """Probability of each candidate, scored in parts by the workers.

        The signatures that speak for them are first put together for each part: every part
        has some of nearly every shard.
        """
        parts = np.array_split(candidates, len(candidates) // CANDIDATES_PER_TASK + 1)
        representatives = _choose_representatives(identity, parts)
        get_representatives_file(self.folder, 0).parent.mkdir(exist_ok=True)
        tasks = (
            (number, self.n_shards, identity[own], part)
            for number, (own, part) in enumerate(zip(representatives, parts, strict=True))
        )
        with self.progress("Joining across blocks", len(candidates), "candidates") as advance:
            for _ in in_turn(
                pool,
                write_representatives,
                self._iterate_representative_tasks(rows, representatives),
                MAX_WAITING_TASKS,
            ):
                pass
            score_parts = [np.empty(0, dtype=np.float32)]
            for scores in in_turn(pool, score_part, tasks, MAX_WAITING_TASKS):
                score_parts.append(scores)
                advance(len(scores))
        return np.concatenate(score_parts)

    def _iterate_representative_tasks(
        self, rows: StoredSignatures, representatives: list[Int32]
    ) -> Iterator[tuple[int, Int32, Int32, int]]:
        """For each shard which of its signatures speak, and for which part."""
        all_rows = np.concatenate(representatives)
        part = np.repeat(
            np.arange(len(representatives), dtype=np.int32), [len(c) for c in representatives]
        )
        order = np.argsort(rows.shard[all_rows], kind="stable")
        cuts = np.searchsorted(rows.shard[all_rows[order]], np.arange(1, self.n_shards))
        for shard, selection in enumerate(np.split(order, cuts)):
            yield shard, rows.element[all_rows[selection]], part[selection], len(representatives)


def _choose_representatives(identity: Int32, parts: list[Int64]) -> list[Int32]:
    """Rows of the signatures that speak for the identities of each part, rising."""
    representatives = Representatives.of(identity, np.unique(np.concatenate(parts)))
    length, row_parts = np.diff(representatives.start), []
    for part in parts:
        identities = np.unique(part)
        n = length[identities]
        place = np.arange(n.sum()) + np.repeat(
            representatives.start[identities] - (np.cumsum(n) - n), n
        )
        row_parts.append(np.sort(representatives.rows[place]))
    return row_parts


@dataclass(frozen=True, eq=False)
class LargeRunResult:
    """The result: ``identity`` int32[S], ``confidence`` float32[S] of the signatures in order.

    ``considered`` and ``scored`` count pairs, ``problems`` tells constraints that were not used.
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
        """One row for each signature, sorted by work id and position."""
        key, ids, (code, printed) = self.rows.key, self.rows.ids, self.rows.names()
        _, first = np.unique(self.identity, return_index=True)
        name_parts = [pa.array([], pa.large_string())]
        for piece in in_pieces(len(first), ROWS_PER_CHUNK):
            texts = map(identity_name, _make_signatures(key[first[piece]], ids))
            name_parts.append(pa.array(texts, pa.large_string()))
        names = pa.concat_arrays(name_parts)
        for piece in in_pieces(len(key), ROWS_PER_CHUNK):
            yield from map(
                Assignment,
                _make_signatures(key[piece], ids),
                printed.take(pa.array(code[piece])).to_pylist(),
                names.take(pa.array(self.identity[piece])).to_pylist(),
                [round(c, 4) for c in self.confidence[piece].tolist()],
            )


def _make_signatures(key: Int64, ids: pa.Array) -> Iterator[Signature]:
    works = ids.take(pa.array(key >> POSITIONS)).to_pylist()
    return map(Signature, works, (key & ((1 << POSITIONS) - 1)).tolist())


def find_interrupted_run(folder: Path, fingerprint: str) -> int | None:
    """Number of shards of an interrupted run whose works have all been read; None without one.

    Raises
    ------
    InputError
        If the folder is of another run.
    """
    note = folder / "run.json"
    if not note.is_file():
        return None
    content = json.loads(note.read_text(encoding="utf-8"))
    if content["fingerprint"] != fingerprint:
        raise InputError(
            f"{folder} holds an interrupted run over other works, another model or other "
            "constraints; delete it to start anew, or name the same inputs to go on"
        )
    return int(content["n_shards"]) if "report" in content else None


def compute_fingerprint(
    works: Sequence[Path], model: Path | None, constraints: Sequence[Constraint]
) -> str:
    """Digest of what a run depends on: its files with their sizes and times, model, constraints.

    Standard input has no identity, so its runs are never the same.
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
