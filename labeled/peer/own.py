"""Run this package on the same blocks as the peer, measured the same way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from disambig.arrays import Int32, Int64
from disambig.blocking.blocks import Comparisons
from disambig.clustering.batch import cluster_batch
from disambig.clustering.constraints import compile_constraints
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.domain import Work
from disambig.ingest import read_works
from disambig.model.model import Model
from labeled.corpora import read_peak_memory
from labeled.peer.blocks import LabelledBlock

#: Stages in order; the last runs from loaded data to clusters.
STAGES = ("start", "model", "read", "cluster")


@dataclass(frozen=True, slots=True)
class OwnRun:
    """Result of a run: ``clusters[i][j]`` is the cluster of signature ``j`` of block ``i``.

    ``stages`` are seconds; ``cpu_seconds`` is the CPU time of all processes in the last stage;
    ``peak_memory`` is bytes of this process; ``scored`` is the number of scored pairs.
    """

    clusters: tuple[tuple[int, ...], ...]
    stages: dict[str, float]
    cpu_seconds: float
    peak_memory: int
    scored: int


def run(
    works: Mapping[str, Path],
    blocks: Sequence[LabelledBlock],
    model_file: Path | None,
    workers: int,
    started_at: float,
) -> OwnRun:
    """Cluster blocks in this process, which should be a fresh one.

    The input equals that of the peer: the works of the blocks' signatures, and the blocks. Word
    and name statistics are computed from these works.

    Parameters
    ----------
    works : mapping of corpus to its file of works
    model_file : Path or None
        None for the shipped model.
    workers : int
        Processes.
    started_at : float
        ``time.time()`` when the process was requested.
    """
    seconds = {"start": time.time() - started_at}
    stage_start = time.perf_counter()

    def end_stage(stage: str) -> None:
        nonlocal stage_start
        now = time.perf_counter()
        seconds[stage] = seconds.get(stage, 0.0) + now - stage_start
        stage_start = now

    model, space = Model.load(model_file), SemanticSpace.load()
    end_stage("model")
    corpora = {
        name: Corpus.from_works(_read_block_works(name, file, blocks))
        for name, file in works.items()
    }
    rows = {name: _find_rows(corpus, name, blocks) for name, corpus in corpora.items()}
    end_stage("read")
    cpu_start = _read_cpu_seconds()
    clustered = _cluster_all(corpora, rows, model, space, workers)
    end_stage("cluster")
    clusters = [
        tuple(identity[r].tolist()) for name, (identity, _) in clustered.items() for r in rows[name]
    ]
    scored = sum(n for _, n in clustered.values())
    return OwnRun(
        tuple(clusters), seconds, _read_cpu_seconds() - cpu_start, read_peak_memory(), scored
    )


def _find_rows(corpus: Corpus, name: str, blocks: Sequence[LabelledBlock]) -> list[Int32]:
    """Find the signature rows of the blocks of one corpus."""
    corpus_blocks = (block for block in blocks if block.corpus == name)
    return [
        np.array([corpus.row_of(s) for s in b.signatures], dtype=np.int32) for b in corpus_blocks
    ]


_cluster_corpus: Callable[[str], tuple[Int64, int]] | None = None


def _cluster_all(
    corpora: Mapping[str, Corpus],
    rows: Mapping[str, list[Int32]],
    model: Model,
    space: SemanticSpace,
    workers: int,
) -> dict[str, tuple[Int64, int]]:
    """Index and cluster each corpus, the largest first, in forked processes."""
    global _cluster_corpus

    def cluster_one(name: str) -> tuple[Int64, int]:
        index = CorpusIndex.from_corpus(corpora[name], space, model.frequency)
        return _cluster(index, model, rows[name])

    by_size = sorted(corpora, key=lambda name: -corpora[name].n_signatures)
    _cluster_corpus = cluster_one
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        clusters_by_batch = dict(zip(by_size, pool.map(_run_in_worker, by_size), strict=True))
    return {name: clusters_by_batch[name] for name in corpora}


def _run_in_worker(name: str) -> tuple[Int64, int]:
    if _cluster_corpus is None:
        raise RuntimeError("worker started without its corpora")
    return _cluster_corpus(name)


def _read_block_works(corpus: str, file: Path, blocks: Sequence[LabelledBlock]) -> Iterator[Work]:
    work_ids = {s.work for block in blocks if block.corpus == corpus for s in block.signatures}
    with read_works([file]) as reader:
        yield from (work for work in reader if work.id in work_ids)


def _cluster(index: CorpusIndex, model: Model, rows: list[Int32]) -> tuple[Int64, int]:
    """Return the identity of each signature (-1 outside blocks) and the number of scored pairs."""
    comparisons = Comparisons.plan(index, [np.sort(r) for r in rows])
    constraints = compile_constraints(index.corpus, ())
    identity = np.full(index.corpus.n_signatures, -1, dtype=np.int64)
    next_identity = scored = 0
    for number in range(len(comparisons.batches)):
        clustering = cluster_batch(index, model, constraints, comparisons.make_batch(number))
        identity[clustering.rows] = clustering.group + next_identity
        next_identity += int(clustering.group.max(initial=-1)) + 1
        scored += clustering.scored
    return identity, scored


def _read_cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
