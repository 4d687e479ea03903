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
import numpy.typing as npt
import pyarrow as pa

from disambig.across import Speakers, hold_must, join_likely, renumber
from disambig.constraints import Constraints, compile_constraints
from disambig.corpus import Corpus
from disambig.cross_pairs import block_of_identity, shared_keys
from disambig.domain import Assignment, Author, Constraint, Signature, Work
from disambig.errors import InputError
from disambig.ingest import ReadReport
from disambig.large_rows import POSITIONS, Rows
from disambig.model import Model
from disambig.output import whole_file
from disambig.partition import identity_name
from disambig.progress import Progress, silent
from disambig.semantic import SemanticSpace
from disambig.shard_run import Knowledge, cluster_shard, score_across
from disambig.shards import only_signatures
from disambig.staging import load_statistics, read_shard, stage

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

EVIDENCE_RANGES = 16
"""Parts of the key space in which evidence for joins is sorted, one after the other."""
CANDIDATES_AT_ONCE = 20_000
"""Joins across shards that one task scores."""
ROWS_AT_ONCE = 200_000
"""Output rows put together at a time."""


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
    fingerprint: str
    n_shards: int
    model: Path | None = None
    constraints: Sequence[Constraint] = ()
    identifiers: bool = True
    workers: int = 1
    progress: Progress = silent

    def report(self) -> ReadReport:
        """What became of the records that were read."""
        found = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return ReadReport(**found["report"], files=(), pages=())

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
        named = frozenset(end for c in self.constraints for end in (c.a, c.b))
        bound = stage(works, self.folder, self.n_shards, named)
        (self.folder / "bound.json").write_text(_as_json(bound), encoding="utf-8")
        self._note({"report": report().counts()})

    def _note(self, more: dict[str, object]) -> None:
        """Write down whose folder it is; with a report once all works have been read."""
        note = {"fingerprint": self.fingerprint, "n_shards": self.n_shards, **more}
        with whole_file(self.folder / "run.json") as stream:
            json.dump(note, stream)

    def cluster(self) -> Clustered:
        """Cluster the shards, then join across them.

        Raises
        ------
        ConstraintError
            If must-links contradict cannot-links.
        InputError
            If two works have one id, or a worker was killed.
        """
        rows = Rows.of(self.folder, self.n_shards)
        bound = Corpus.from_works(_from_json((self.folder / "bound.json").read_text("utf-8")))
        compiled = compile_constraints(
            bound, self.constraints, identifiers=self.identifiers, strict=False
        )
        start = (self.folder, self.model, bound, compiled)
        todo = [s for s in range(self.n_shards) if not done_folder(self.folder, s).is_dir()]
        context = multiprocessing.get_context("spawn")
        processes = partial(ProcessPoolExecutor, self.workers, context, _begin, start)
        try:
            # what the processes hold after shards must not add to what joining needs
            with processes() as pool, self.progress("Clustering", len(todo), "shards") as advance:
                for _ in pool.map(_cluster, todo):
                    advance(1)
            return self._joined(rows, compiled.carried(*rows.places(bound)), processes)
        except BrokenProcessPool as broken:
            raise InputError(
                "a worker process was killed, most likely for want of memory; run the same "
                "command again with a smaller --memory or fewer --workers: finished shards are "
                f"kept in {self.folder}"
            ) from broken

    def _joined(
        self, rows: Rows, constraints: Constraints, processes: Callable[[], ProcessPoolExecutor]
    ) -> Clustered:
        results = [done_folder(self.folder, s) for s in range(self.n_shards)]
        identity = renumber(rows.gathered([np.load(r / "identity.npy") for r in results]))
        block = renumber(rows.gathered([np.load(r / "block.npy") for r in results]))
        confidence = rows.spread([np.load(r / "confidence.npy") for r in results])
        identity = hold_must(constraints, identity)
        block_of = block_of_identity(identity, block)
        with self.progress("Finding joins across blocks", 2 * EVIDENCE_RANGES, "parts") as advance:
            found = np.concatenate(
                [
                    _sharing(kind, least, results, rows, identity, block_of, advance)
                    for kind, least in (("reading", 1), ("circle", 2))
                ]
            )
        candidates = np.unique(found, axis=0)
        with processes() as pool:
            probability = self._scored(rows, identity, candidates, pool)
        model = Model.load(self.model)
        counts = [json.loads((r / "pairs.json").read_text(encoding="utf-8")) for r in results]
        return Clustered(
            rows,
            join_likely(constraints, identity, block_of, candidates, probability, model),
            confidence,
            sum(c["considered"] for c in counts),
            sum(c["scored"] for c in counts),
            constraints.problems,
        )

    def _scored(
        self, rows: Rows, identity: Int32, candidates: Int64, pool: ProcessPoolExecutor
    ) -> Float32:
        """Probability of each candidate, scored in chunks by the workers."""
        speakers = Speakers.of(identity, np.unique(candidates))
        tasks = []
        for chunk in np.array_split(candidates, len(candidates) // CANDIDATES_AT_ONCE + 1):
            wanted = np.concatenate(
                [speakers.rows[:0], *(speakers.of_identity(i) for i in np.unique(chunk))]
            )
            chosen = np.sort(wanted.astype(np.int64))
            tasks.append((rows.shards_of(chosen), identity[chosen].astype(np.int64), chunk))
        with self.progress("Joining across blocks", len(candidates), "candidates") as advance:
            scored = [np.empty(0, dtype=np.float32)]
            for part in pool.map(_score, tasks):
                scored.append(part)
                advance(len(part))
        return np.concatenate(scored)


@dataclass(frozen=True, eq=False)
class Clustered:
    """The result: ``identity`` int32[S], ``confidence`` float32[S] of the signatures in order.

    ``considered`` and ``scored`` count pairs, ``problems`` tells constraints that were not used.
    """

    rows: Rows
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
        key, ids, printed = self.rows.key, self.rows.ids, self.rows.names()
        _, first = np.unique(self.identity, return_index=True)
        names: list[str] = []
        for some in _slices(len(first)):
            names += map(identity_name, _signatures(key[first[some]], ids))
        for some in _slices(len(key)):
            yield from map(
                Assignment,
                _signatures(key[some], ids),
                printed[some.start : some.stop].to_pylist(),
                [names[i] for i in self.identity[some].tolist()],
                [round(c, 4) for c in self.confidence[some].tolist()],
            )


def _slices(n: int) -> Iterator[slice]:
    for low in range(0, n, ROWS_AT_ONCE):
        yield slice(low, min(low + ROWS_AT_ONCE, n))


def _signatures(key: Int64, ids: pa.Array) -> Iterator[Signature]:
    works = ids.take(pa.array(key >> POSITIONS)).to_pylist()
    return map(Signature, works, (key & ((1 << POSITIONS) - 1)).tolist())


def kept_shards(folder: Path, fingerprint: str) -> int | None:
    """Number of shards of an interrupted run whose works have all been read; None without one.

    Raises
    ------
    InputError
        If the folder is of another run.
    """
    note = folder / "run.json"
    if not note.is_file():
        return None
    found = json.loads(note.read_text(encoding="utf-8"))
    if found["fingerprint"] != fingerprint:
        raise InputError(
            f"{folder} holds an interrupted run over other works, another model or other "
            "constraints; delete it to start anew, or name the same inputs to go on"
        )
    return int(found["n_shards"]) if "report" in found else None


def fingerprint(
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


def done_folder(folder: Path, shard: int) -> Path:
    """Where the result of a shard is, once it is whole."""
    return folder / f"done-{shard:04}"


def _sharing(
    kind: str, least: int, results: list[Path], rows: Rows, identity: Int32, block_of: Int64,
    advance: Callable[[int], None],
) -> Int64:  # fmt: skip
    """Pairs of identities of two blocks that share ``least`` keys of a kind, sorted."""
    width = np.int64(max(len(block_of), 1))
    codes, counts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for number in range(EVIDENCE_RANGES):
        low = np.uint64(number * ((1 << 64) // EVIDENCE_RANGES))
        keys, bearers = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
        for result, own in zip(results, rows.in_shard, strict=True):
            key = np.load(result / f"{kind}-key.npy", mmap_mode="r")
            row = np.load(result / f"{kind}-row.npy", mmap_mode="r")
            end = len(key)
            if number + 1 < EVIDENCE_RANGES:
                end = int(np.searchsorted(key, low + np.uint64((1 << 64) // EVIDENCE_RANGES)))
            part = slice(int(np.searchsorted(key, low)), end)
            keys.append(np.array(key[part]))
            bearers.append(own[row[part]])
        pairs, count = shared_keys(
            np.concatenate(keys), np.concatenate(bearers), identity, block_of
        )
        codes.append(pairs[:, 0] * width + pairs[:, 1])
        counts.append(count)
        advance(1)
    code, inverse = np.unique(np.concatenate(codes), return_inverse=True)
    total = np.bincount(inverse, np.concatenate(counts), len(code))
    code = code[total >= least]
    return np.column_stack([code // width, code % width])


_known: tuple[Path, Knowledge] | None = None


def _begin(folder: Path, model: Path | None, bound: Corpus, constraints: Constraints) -> None:
    """Prepare a worker process."""
    global _known
    statistics = load_statistics(folder / "statistics")
    known = Knowledge(Model.load(model), SemanticSpace.load(), statistics, bound, constraints)
    _known = (folder, known)


def _begun() -> tuple[Path, Knowledge]:
    if _known is None:
        raise RuntimeError("worker started without its folder")
    return _known


def _cluster(shard: int) -> int:
    """Cluster one shard; its results appear at once or not at all."""
    folder, known = _begun()
    found = cluster_shard(read_shard(folder, shard), known)
    final = done_folder(folder, shard)
    part = final.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    np.save(part / "identity.npy", found.identity)
    np.save(part / "block.npy", found.block)
    np.save(part / "confidence.npy", found.confidence)
    for kind, (key, row) in (("reading", found.reading), ("circle", found.circle)):
        order = np.argsort(key, kind="stable")
        np.save(part / f"{kind}-key.npy", key[order])
        np.save(part / f"{kind}-row.npy", row[order])
    (part / "pairs.json").write_text(
        json.dumps({"considered": found.considered, "scored": found.scored}), encoding="utf-8"
    )
    part.rename(final)
    return shard


def _score(task: tuple[list[tuple[int, Int64]], Int64, Int64]) -> Float32:
    """Score some candidates; the task names signatures, the worker reads them."""
    folder, known = _begun()
    where, identity, candidates = task
    if not len(candidates):
        return np.empty(0, dtype=np.float32)
    parts = [only_signatures(read_shard(folder, s), element) for s, element in where]
    return score_across(pa.concat_tables(parts), identity, candidates, known)


def _as_json(works: list[Work]) -> str:
    return json.dumps(
        [(w.id, [(a.name, a.given, a.family, a.orcid, a.email) for a in w.authors]) for w in works]
    )


def _from_json(text: str) -> list[Work]:
    return [
        Work(
            identifier, "",
            tuple(Author(n, given=g, family=f, orcid=o, email=e) for n, g, f, o, e in authors),
        )
        for identifier, authors in json.loads(text)
    ]  # fmt: skip
