"""Measure one labelled corpus: cluster it in a fresh process, then compare with labels."""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from disambig.arrays import Int32
from disambig.blocking.blocks import make_blocks
from disambig.cli.works_options import open_works
from disambig.console import show_progress as draw
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.domain import Work
from disambig.estimator import Disambiguator
from disambig.evaluation.metrics import Metrics, evaluate
from disambig.evaluation.pair_scores import score_labelled_pairs
from disambig.model.model import Model
from disambig.output import write_assignments
from disambig.partition import Partition
from disambig.progress import Progress
from labeled.benchmark.accuracy import Accuracy, GoldMentions, encode_names, measure_accuracy
from labeled.benchmark.errata import Erratum
from labeled.benchmark.errors import ErrorCase, make_error_cases, sample_wrong_pairs
from labeled.benchmark.metrics import (
    STAGES,
    BlockingLoss,
    Speed,
    VariantRecall,
    measure_blocking_loss,
    measure_variant_recall,
)
from labeled.benchmark.pairs import (
    CalibrationFigures,
    count_compared_pairs,
    count_linked_pairs,
    find_probabilities,
    measure_calibration,
)
from labeled.corpora import CorpusFolder, _to_bytes, read_peak_memory, read_split_labels

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class CorpusResult:
    """All results of one corpus, on the labels of one split."""

    name: str
    split: str
    accuracy: Accuracy
    whole_corpus: Metrics
    blocking: BlockingLoss
    calibration: CalibrationFigures
    variants: VariantRecall | None
    speed: Speed
    errors: tuple[ErrorCase, ...]


def iterate_works(folder: CorpusFolder) -> Iterator[Work]:
    """Iterate over all works of a corpus; rejected records are reported on standard error."""
    with open_works([folder.works], quiet=True) as reader:
        yield from reader


def read_corpus(folder: CorpusFolder) -> Corpus:
    """Read all works of a corpus, as columns."""
    return Corpus.from_works(iterate_works(folder))


def run_in_fresh_process(function: Callable[..., Result], *args: Any) -> Result:
    """Run in a new interpreter, without caches, imports and memory of this one."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def show_progress_of(task: str, quiet: bool) -> Progress:
    """Make a progress display whose bars also name the task, such as the corpus."""

    def show(
        description: str, total: int | None = None, unit: str = ""
    ) -> AbstractContextManager[Callable[[int], None]]:
        return draw(f"{task}: {description}", total, unit, quiet=quiet)

    return show


def measure_corpora(
    folders: Sequence[CorpusFolder],
    split: str,
    model: Path | None,
    workers: int,
    n_errors: int,
    seed: int,
    errata: Sequence[Erratum],
    quiet: bool,
) -> list[CorpusResult]:
    """Measure each corpus in a fresh process, see :func:`measure_corpus`."""
    results = []
    for number, folder in enumerate(folders, 1):
        task = f"{number} of {len(folders)}, {folder.name}"
        arguments = (folder, split, model, workers, n_errors, seed, errata, task, quiet)
        results.append(run_in_fresh_process(measure_corpus, *arguments, time.time()))
    return results


def measure_corpus(
    folder: CorpusFolder,
    split: str,
    model_file: Path | None,
    workers: int,
    n_errors: int,
    seed: int,
    errata: Sequence[Erratum],
    task: str,
    quiet: bool,
    start: float,
) -> CorpusResult:
    """Cluster a whole corpus and compare the result with the labels of one split.

    Parameters
    ----------
    model_file : Path or None
        None is the shipped model.
    n_errors, seed : int
        Number of wrong pairs to draw, and the seed.
    errata : sequence of Erratum
        Wrong labels, to measure without them as well.
    task : str
        Text before each progress bar.
    start : float
        ``time.time()`` at the start of the process.

    Raises
    ------
    InputError
        A label names an unknown signature, or as :meth:`GoldMentions.read`.
    """
    show = show_progress_of(task, quiet)
    corpus, partition, speed = _cluster_with_timing(folder, model_file, workers, show, start)
    gold = GoldMentions.read(folder, split)
    all_rows = gold.find_rows(corpus)
    model = Model.load(model_file)
    index = CorpusIndex.from_corpus(corpus, SemanticSpace.load(), model.frequency)
    n, n_labels = corpus.n_signatures, len(gold.labels)
    rows, person, block = all_rows[:n_labels], gold.person[:n_labels], gold.block[:n_labels]
    identity = partition.identity[rows]
    all_blocks = make_blocks(corpus)
    block_size = np.array([len(b) for b in all_blocks])[_number_blocks(all_blocks, n)]
    is_labelled = np.zeros(n, dtype=bool)
    is_labelled[rows] = True
    blocks = [b for b in all_blocks if is_labelled[b].any()]
    gold_person = np.full(n, -1, dtype=np.int64)
    gold_person[rows] = person
    with show("Measuring calibration", None, "pairs") as advance:
        labelled = score_labelled_pairs(index, model, gold.labels, advance)
    wrong = sample_wrong_pairs(identity, person, block, n_errors, seed)
    person_and_block = [(x.person, x.block) for x in gold.labels]
    return CorpusResult(
        name=folder.name,
        split=split,
        accuracy=measure_accuracy(
            gold,
            partition.identity[all_rows],
            [corpus.printed_name(row) for row in all_rows.tolist()],
            block_size[all_rows],
            errata,
        ),
        whole_corpus=evaluate(identity, person),
        blocking=measure_blocking_loss(
            person,
            identity,
            _number_blocks(blocks, n)[rows],
            count_compared_pairs(index, blocks, gold_person),
            count_linked_pairs(index, blocks, gold_person),
        ),
        calibration=measure_calibration(labelled),
        variants=_measure_variants(folder, corpus, partition, split),
        speed=speed,
        errors=tuple(
            make_error_cases(
                folder.name,
                corpus,
                rows,
                person_and_block,
                wrong,
                find_probabilities(labelled, rows, wrong),
            )
        ),
    )


class Stopwatch:
    """Progress display that also records the duration of each stage, in ``seconds``."""

    def __init__(self, show: Progress) -> None:
        """Display stages with ``show``."""
        self._show = show
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(
        self, description: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Callable[[int], None]]:
        """Time a stage."""
        start = time.perf_counter()
        with self._show(description, total, unit) as advance:
            yield advance
        self.seconds[description] = time.perf_counter() - start


def _cluster_with_timing(
    folder: CorpusFolder, model_file: Path | None, workers: int, show: Progress, start: float
) -> tuple[Corpus, Partition, Speed]:
    """Read, cluster and write as ``disambig cluster`` does, and time the stages."""
    marks = [("start", time.time() - start)]
    watch = Stopwatch(show)
    works = list(iterate_works(folder))
    marks.append(("read", time.time() - start))
    corpus = Corpus.from_works(works)
    del works
    marks.append(("normalise", time.time() - start))
    partition = Disambiguator(model=model_file, workers=workers, progress=watch).predict(corpus)
    marks.append(("predict", time.time() - start))
    with tempfile.TemporaryDirectory() as scratch:
        write_assignments(Path(scratch) / "clusters.jsonl", partition.assignments())
    marks.append(("write", time.time() - start))
    durations = np.diff([0.0, *(mark for _, mark in marks)]).tolist()
    stages = {name: seconds for (name, _), seconds in zip(marks, durations, strict=True)}
    stages |= _divide_prediction_time(watch.seconds, partition.seconds, stages.pop("predict"))
    return (
        corpus,
        partition,
        Speed(
            works=corpus.n_works,
            mentions=corpus.n_signatures,
            pairs=partition.considered,
            scored=partition.scored,
            seconds=marks[-1][1],
            stages={k: stages[k] for k in STAGES},
            peak_memory=read_peak_memory(),
            worker_memory=_to_bytes(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss),
        ),
    )


def _divide_prediction_time(
    watch: Mapping[str, float], stage_seconds: Mapping[str, float], predict: float
) -> dict[str, float]:
    """Divide the time of predict into stages; comparing is split like the time of its processes."""
    compare = watch.get("Comparing", 0.0)
    whole = sum(stage_seconds.values()) or 1.0
    stages = {name: compare * seconds / whole for name, seconds in stage_seconds.items()}
    stages["block"] = watch.get("Blocking", 0.0)
    stages["link"] = watch.get("Joining across blocks", 0.0)
    stages["index"] = predict - sum(stages.values())
    return {"features": 0.0, "classify": 0.0, "cluster": 0.0, **stages}


def _measure_variants(
    folder: CorpusFolder, corpus: Corpus, partition: Partition, split: str
) -> VariantRecall | None:
    if folder.silver is None:
        return None
    labels = read_split_labels(folder.silver, split)
    rows = np.array([corpus.row_of(label.signature) for label in labels], dtype=np.int64)
    return measure_variant_recall(
        encode_names([label.person for label in labels]),
        partition.identity[rows],
        encode_names([corpus.printed_name(int(row)) for row in rows]),
        corpus.signature_work[rows],
        encode_names([label.block for label in labels]),
    )


def _number_blocks(blocks: Sequence[Int32], n: int) -> Int32:
    """Return the block number of each of n rows, -1 for none, int32[n]."""
    block_of = np.full(n, -1, dtype=np.int32)
    for number, rows in enumerate(blocks):
        block_of[rows] = number
    return block_of
