"""Measure speed and accuracy of S2AND (from PyPI) on the labelled blocks of corpora.

Usage: ``python -m labeled.peer.s2and DATA… --split dev --json peer.json``. It comes with
``pip install 'disambig[peer]'`` for Python 3.11. See S. Subramanian, D. King, D. Downey and
S. Feldman, "S2AND: A Benchmark and Evaluation System for Author Name Disambiguation", JCDL 2021.
"""

from __future__ import annotations

import importlib.util
import json
import math
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from disambig.arrays import Int64
from disambig.errors import DisambigError
from disambig.evaluation.metrics import Metrics, evaluate
from labeled.peer import own as peer_own
from labeled.peer import process as peer_process
from labeled.peer.blocks import LabelledBlock, list_labelled_blocks

if TYPE_CHECKING:
    from labeled.corpora import CorpusFolder

#: Stages from loaded data to clusters; the earlier stages load data.
CLUSTERING_STAGES = ("featurise", "cluster")


@dataclass(frozen=True, slots=True)
class PeerResult:
    """Measurements of one run of S2AND on the blocks of one split.

    ``stages`` and ``seconds_…`` are seconds: ``seconds_load`` from process start to S2AND's input
    tables and a loaded model, ``seconds_cluster`` from these to clusters, ``seconds_whole`` both.
    ``cpu_seconds`` is the CPU time of all threads during ``seconds_cluster``: if it is far below
    ``workers`` times that, other programs used the cores and the speed is not S2AND's.
    ``peak_memory`` is bytes; ``within_blocks`` is accuracy by corpus.
    """

    version: str
    split: str
    workers: int
    blocks: int
    signatures: int
    pairs: int
    seconds_load: float
    seconds_cluster: float
    seconds_whole: float
    cpu_seconds: float
    stages: dict[str, float]
    peak_memory: int
    within_blocks: dict[str, Metrics]

    @property
    def pairs_per_second(self) -> float:
        """Pairs per second from loaded data to clusters."""
        return self.pairs / self.seconds_cluster


def run_peer(folders: Sequence[CorpusFolder], split: str, workers: int) -> PeerResult:
    """Cluster the labelled blocks of one split with S2AND, in a fresh process.

    S2AND runs with its shipped model on ``workers`` threads. Its name counts come from all works
    of all ``folders``, so its accuracy on one corpus benefits from the others.

    Raises
    ------
    DisambigError
        S2AND is not installed.
    InputError
        As :func:`list_labelled_blocks`, or a label names an unknown signature.
    """
    require_peer()
    blocks = list_labelled_blocks(folders, split)
    works = {folder.name: folder.works for folder in folders}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        peer_result = pool.submit(peer_process.run, works, blocks, workers, time.time()).result()
    return summarise_run(peer_result, blocks, split, workers)


@dataclass(frozen=True, slots=True)
class PeerComparison:
    """Runs of S2AND and of this package on the same blocks and number of cores, in sequence.

    ``own`` is this package's run, ``accuracy`` its agreement with the labels by corpus.
    """

    peer: PeerResult
    own: peer_own.OwnRun
    accuracy: dict[str, Metrics]

    @property
    def own_pairs_per_second(self) -> float:
        """Pairs per second from loaded data to clusters."""
        return self.peer.pairs / self.own.stages["cluster"]

    @property
    def ratio(self) -> float:
        """Ratio of pairs per second from loaded data to clusters, this package over S2AND."""
        return self.own_pairs_per_second / self.peer.pairs_per_second

    @property
    def ratio_whole(self) -> float:
        """Ratio of total time including process start, S2AND over this package."""
        return self.peer.seconds_whole / sum(self.own.stages.values())

    def format_lines(self) -> list[str]:
        """Format the comparison as a few lines of text."""
        own, whole = self.own, sum(self.own.stages.values())
        return [
            *format_result(self.peer),
            f"disambig on the same blocks: {self.own_pairs_per_second:,.0f} pairs a second: "
            f"{own.stages['cluster']:.2f} s from loaded data to clusters (on "
            f"{own.cpu_seconds / own.stages['cluster']:.2f} cores, {own.scored:,} pairs scored), "
            f"{whole:.1f} s in all; {own.peak_memory / 1e6:,.0f} MB",
            *_format_accuracy(self.accuracy),
            f"{self.ratio:.0f} times S2AND's pairs a second from loaded data to clusters, "
            f"{self.ratio_whole:.1f} times with start and reading",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return all measurements as JSON-compatible values."""
        own = asdict(self.own)
        del own["clusters"]
        own["within_blocks"] = _metrics_to_dict(self.accuracy)
        own["pairs_per_second"] = self.own_pairs_per_second
        return {
            "s2and": result_to_dict(self.peer),
            "disambig": own,
            "ratio": self.ratio,
            "ratio_whole": self.ratio_whole,
        }


def compare_with_peer(
    folders: Sequence[CorpusFolder], split: str, model: Path | None, workers: int
) -> PeerComparison:
    """Cluster the labelled blocks of one split with S2AND and with this package.

    Raises
    ------
    DisambigError
        S2AND is not installed.
    """
    peer = run_peer(folders, split, workers)
    blocks = list_labelled_blocks(folders, split)
    works = {folder.name: folder.works for folder in folders}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        own = pool.submit(peer_own.run, works, blocks, model, workers, time.time()).result()
    return PeerComparison(peer, own, compute_accuracy(own.clusters, blocks))


def require_peer() -> None:
    """Check that S2AND can be imported.

    Raises
    ------
    DisambigError
        S2AND or its Rust extension is not installed.
    """
    for module in ("s2and", "s2and_rust"):
        if importlib.util.find_spec(module) is None:
            raise DisambigError(
                f"{module} is not installed; run pip install 'disambig[peer]' with Python 3.11, "
                "the only one S2AND supports"
            )


def summarise_run(
    run: peer_process.PeerRun, blocks: Sequence[LabelledBlock], split: str, workers: int
) -> PeerResult:
    """Summarise a run on the given blocks."""
    total = sum(run.stages.values())
    cluster = sum(run.stages[stage] for stage in CLUSTERING_STAGES)
    return PeerResult(
        version=run.version,
        split=split,
        workers=workers,
        blocks=len(blocks),
        signatures=sum(len(block.signatures) for block in blocks),
        pairs=sum(block.n_pairs for block in blocks),
        seconds_load=total - cluster,
        seconds_cluster=cluster,
        seconds_whole=total,
        cpu_seconds=run.cpu_seconds,
        stages=run.stages,
        peak_memory=run.peak_memory,
        within_blocks=compute_accuracy(run.clusters, blocks),
    )


def compute_accuracy(
    clusters: Sequence[Sequence[int]], blocks: Sequence[LabelledBlock]
) -> dict[str, Metrics]:
    """Compute agreement with the labels within blocks, by corpus.

    ``clusters[i][j]`` is the cluster of signature ``j`` of block ``i``.
    """
    metrics_by_corpus = {}
    for corpus in dict.fromkeys(block.corpus for block in blocks):
        corpus_blocks = [
            (c, b) for c, b in zip(clusters, blocks, strict=True) if b.corpus == corpus
        ]
        sizes = [len(block.signatures) for _, block in corpus_blocks]
        metrics_by_corpus[corpus] = evaluate(
            np.array([code for codes, _ in corpus_blocks for code in codes], dtype=np.int64),
            _encode([person for _, block in corpus_blocks for person in block.people]),
            np.repeat(np.arange(len(corpus_blocks)), sizes),
        )
    return metrics_by_corpus


def result_to_dict(result: PeerResult) -> dict[str, Any]:
    """Return all measurements as JSON-compatible values; undefined is null."""
    plain = {**asdict(result), "pairs_per_second": result.pairs_per_second}
    plain["within_blocks"] = _metrics_to_dict(result.within_blocks)
    return plain


def _metrics_to_dict(within_blocks: dict[str, Metrics]) -> dict[str, dict[str, float | None]]:
    return {
        corpus: {name: _nan_to_none(value) for name, value in asdict(metrics).items()}
        for corpus, metrics in within_blocks.items()
    }


def format_result(result: PeerResult) -> list[str]:
    """Format speed, memory and accuracy of each corpus as lines of text."""
    lines = [
        f"S2AND {result.version} on split {result.split} with {result.workers} threads: "
        f"{result.pairs:,} pairs of {result.signatures:,} signatures in {result.blocks:,} blocks",
        f"{result.pairs_per_second:,.0f} pairs a second: {result.seconds_cluster:.1f} s from "
        f"loaded data to clusters (on {result.cpu_seconds / result.seconds_cluster:.2f} cores), "
        f"{result.seconds_whole:.1f} s in all; {result.peak_memory / 1e6:,.0f} MB",
    ]
    return [*lines, *_format_accuracy(result.within_blocks)]


def _format_accuracy(within_blocks: dict[str, Metrics]) -> list[str]:
    return [
        f"{corpus}: B-cubed F1 {metrics.bcubed_f1:.4f} (precision {metrics.bcubed_precision:.4f}, "
        f"recall {metrics.bcubed_recall:.4f}), pairwise F1 {metrics.pairwise_f1:.4f}"
        for corpus, metrics in within_blocks.items()
    ]


def _encode(names: Sequence[str]) -> Int64:
    """Encode names in order of first appearance, int64[n]."""
    codes: dict[str, int] = {}
    return np.array([codes.setdefault(name, len(codes)) for name in names], dtype=np.int64)


def _nan_to_none(value: float) -> float | None:
    return None if math.isnan(value) else value


@click.command()
@click.argument(
    "corpora",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--split", default="dev", show_default=True, help="Split of the labels to evaluate.")
@click.option("--workers", type=click.IntRange(min=1), help="Threads; default: all cores.")
@click.option(
    "--json",
    "json_out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for all measurements as JSON.",
)
def main(corpora: tuple[Path, ...], split: str, workers: int | None, json_out: Path | None) -> None:
    """Measure S2AND on the labelled blocks of CORPORA; folders as for disambig benchmark."""
    from labeled.corpora import find_corpora

    try:
        result = run_peer(find_corpora(corpora), split, workers or os.cpu_count() or 1)
    except DisambigError as error:
        raise click.ClickException(str(error)) from error
    for line in format_result(result):
        click.echo(line)
    if json_out is not None:
        json_out.write_text(json.dumps(result_to_dict(result), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
