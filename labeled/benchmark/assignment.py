"""Measure accuracy and latency of assigning new works: ``python -m labeled.benchmark.assignment``.

``agreement`` holds out works, clusters the rest, assigns the held-out works and compares each
assignment with a new clustering of the author's whole block. ``latency`` does the same with a
corpus of any size and measures time only.
"""

from __future__ import annotations

import json
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import click
import numpy as np

from disambig.arrays import Bool, Int32, Int64
from disambig.assignment.assign import Assigner, AssignmentVerdict
from disambig.blocking.blocks import make_blocks
from disambig.blocking.pairs import NamePairs
from disambig.clustering.batch import cluster_batch
from disambig.clustering.constraints import Constraints, compile_constraints
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.domain import Label, Work
from disambig.estimator import Disambiguator
from disambig.ingest import read_labels, read_works
from disambig.model.model import Model
from labeled.corpora import CorpusFolder, find_corpora, read_split_labels

MAX_HELD_OUT = 400
"""Maximal number of works held out at once."""
MAX_HELD_OUT_SHARE = 0.02
"""The same as a share of the corpus: more would change its statistics."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Assignment of one author.

    ``expected`` is the majority identity of the author's cluster when its block is clustered again,
    None if it is alone; ``right`` whether the assigned identity is the author's by the labels (None
    if unsure or without labels), ``expected_right`` the same for ``expected``.
    """

    signature: str
    verdict: str
    identity: int | None
    best: int | None
    probability: float
    expected: int | None
    right: bool | None
    expected_right: bool | None
    block: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Results of one corpus; shares in [0, 1].

    ``agreement`` is among the decided, ``never_abstaining`` over all, taking the most probable
    identity if its probability is at least one half. ``accuracy`` and ``expected_accuracy`` compare
    assignments, and the new clustering of the same authors, with the labels where they exist.
    """

    corpus: str
    authors: int
    decided: float
    agreement: float
    never_abstaining: float
    accuracy: float
    expected_accuracy: float

    @classmethod
    def of(cls, corpus: str, trials: Sequence[Trial]) -> Agreement:
        """Compute the results of the trials of one corpus."""
        decided = [t for t in trials if t.verdict != AssignmentVerdict.UNSURE]
        labelled = [t for t in decided if t.right is not None and t.expected_right is not None]
        forced = [(t.best if t.probability >= 0.5 else None) == t.expected for t in trials]
        return cls(
            corpus,
            len(trials),
            _compute_share([t.verdict != AssignmentVerdict.UNSURE for t in trials]),
            _compute_share([t.identity == t.expected for t in decided]),
            _compute_share(forced),
            _compute_share([bool(t.right) for t in labelled]),
            _compute_share([bool(t.expected_right) for t in labelled]),
        )


def _compute_share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else float("nan")


@dataclass(frozen=True, eq=False)
class HeldOutCorpus:
    """A corpus with held-out works: they are in the index, but not in any identity.

    Attributes
    ----------
    whole, index, constraints
        Of all works.
    is_held_out : bool[S]
        Signatures held out.
    identity : int64[S]
        Of the others, from clustering them alone; -1 for those held out.
    block : int32[S]
        Block of each signature, an index into ``blocks``.
    people : mapping of identity to counts of its labelled persons
    """

    whole: Corpus
    index: CorpusIndex
    constraints: Constraints
    is_held_out: Bool
    identity: Int64
    block: Int32
    blocks: list[Int32]
    people: dict[int, Counter[str]]

    @classmethod
    def of(
        cls,
        whole: Corpus,
        index: CorpusIndex,
        identity: Int32,
        is_held_out: Bool,
        labels: list[Label],
    ) -> HeldOutCorpus:
        """Map the identities of the remaining signatures, int32, to rows of the whole corpus."""
        of_row = np.full(whole.n_signatures, -1, dtype=np.int64)
        of_row[~is_held_out] = identity
        people: dict[int, Counter[str]] = defaultdict(Counter)
        for label in labels:
            row = whole.row_of(label.signature)
            if not is_held_out[row]:
                people[int(of_row[row])][label.person] += 1
        blocks = make_blocks(whole)
        block = np.zeros(whole.n_signatures, dtype=np.int32)
        for number, rows in enumerate(blocks):
            block[rows] = number
        constraints = compile_constraints(whole, (), strict=False)
        return cls(whole, index, constraints, is_held_out, of_row, block, blocks, people)

    def find_expected_identity(self, row: int, model: Model) -> int | None:
        """Cluster a signature's block; return the majority identity of its cluster, if any."""
        block = self.blocks[self.block[row]]
        block = block[~self.is_held_out[block] | (block == row)]
        batch = NamePairs.compare(self.index, [block]).make_batch(0, 1)
        result = cluster_batch(self.index, model, self.constraints, batch)
        own = result.group[result.rows == row]
        others = result.rows[(result.group == own) & (result.rows != row)]
        return int(np.bincount(self.identity[others]).argmax()) if len(others) else None

    def is_right(self, row: int, identity: int | None, person: str) -> bool | None:
        """Return whether an identity (None: a new one) is the person's; None without labels."""
        block = self.blocks[self.block[row]]
        identities = set(self.identity[block].tolist()) - {-1}
        if identity is None:
            return not any(self.people[i][person] for i in identities if i in self.people)
        if identity not in self.people:
            return None
        return self.people[identity].most_common(1)[0][0] == person


def run_trials(
    folder: CorpusFolder, split: str, model: Model, folds: int, works: int
) -> list[Trial]:
    """Hold out and assign works ``folds`` times; return trials of authors labelled in ``split``."""
    all_works = {work.id: work for work in read_works([folder.works])}
    labels, all_labels = read_split_labels(folder.labels, split), list(read_labels([folder.labels]))
    of_work: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        of_work[label.signature.work].append(label)
    order = sorted(of_work)
    Random(0).shuffle(order)
    size = min(works, int(MAX_HELD_OUT_SHARE * len(all_works)))
    space = SemanticSpace.load()
    whole = Corpus.from_works(all_works.values())
    index = CorpusIndex.from_corpus(whole, space, model.frequency)
    trials: list[Trial] = []
    for fold in range(folds):
        held_out = order[fold * size : (fold + 1) * size]
        rest = Corpus.from_works(w for w in all_works.values() if w.id not in set(held_out))
        identity = Disambiguator(model=model).predict(rest).identity
        is_held_out = np.isin(np.array(whole.work_ids), held_out)[whole.signature_work]
        corpus = HeldOutCorpus.of(whole, index, identity, is_held_out, all_labels)
        assigner = Assigner.of(rest, identity, model, space)
        for work in held_out:
            trials += _make_trials(all_works[work], of_work[work], assigner, corpus, model)
    return trials


def _make_trials(
    work: Work, labels: list[Label], assigner: Assigner, corpus: HeldOutCorpus, model: Model
) -> list[Trial]:
    assignments = {p.position: p for p in assigner.assign(work)}
    trials = []
    for label in labels:
        assignment, row = (
            assignments[label.signature.position],
            corpus.whole.row_of(label.signature),
        )
        expected = corpus.find_expected_identity(row, model)
        matched = (
            [(assignment.identity, assignment.probability)]
            if assignment.identity is not None
            else []
        )
        best = [*matched, *assignment.rivals]
        is_decided = assignment.verdict != AssignmentVerdict.UNSURE
        trials.append(
            Trial(
                str(label.signature),
                assignment.verdict,
                assignment.identity,
                best[0][0] if best else None,
                assignment.probability,
                expected,
                corpus.is_right(row, assignment.identity, label.person) if is_decided else None,
                corpus.is_right(row, expected, label.person),
                len(corpus.blocks[corpus.block[row]]),
            )
        )
    return trials


@click.group()
def main() -> None:
    """Measure the assignment of new works."""


@main.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--model", "model_file", type=click.Path(exists=True, path_type=Path))
@click.option("--split", default="dev", show_default=True)
@click.option("--folds", default=1, show_default=True, help="Number of held-out sets.")
@click.option("--works", default=MAX_HELD_OUT, show_default=True, help="Works held out at once.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Output file of all assignments, JSON lines."
)
def agreement(
    folders: tuple[Path, ...],
    model_file: Path | None,
    split: str,
    folds: int,
    works: int,
    out: Path | None,
) -> None:
    """Compare assignments with a new clustering of the whole block."""
    model = Model.load(model_file)
    for folder in find_corpora(folders):
        trials = run_trials(folder, split, model, folds, works)
        figures = asdict(Agreement.of(folder.name, trials))
        click.echo(
            json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in figures.items()})
        )
        if out is not None:
            with out.open("a") as file:
                file.writelines(
                    json.dumps({"corpus": folder.name} | asdict(t)) + "\n" for t in trials
                )


@main.command()
@click.argument("works", type=click.Path(exists=True, path_type=Path))
@click.option("--model", "model_file", type=click.Path(exists=True, path_type=Path))
@click.option("--held", default=2000, show_default=True, help="Works held out and assigned.")
@click.option("--workers", default=2, show_default=True)
@click.option(
    "--identities",
    type=click.Path(path_type=Path),
    help="File of the clustering of the other works (.npy); read if it exists, else written.",
)
def latency(
    works: Path, model_file: Path | None, held: int, workers: int, identities: Path | None
) -> None:
    """Time the assignment of works held out from a corpus."""
    model = Model.load(model_file)
    all_works = list(read_works([works]))
    held_out_ids = choose_held_out(all_works, held)
    rest = Corpus.from_works(work for work in all_works if work.id not in held_out_ids)
    held_out = [work for work in all_works if work.id in held_out_ids]
    Random(1).shuffle(held_out)
    del all_works
    identity = _load_identities(rest, model, workers, identities)
    before = _read_resident_memory()
    start = time.perf_counter()
    assigner = Assigner.of(rest, identity, model, SemanticSpace.load())
    click.echo(
        f"{rest.n_signatures:,} signatures, {int(identity.max()) + 1:,} identities; loaded in "
        f"{time.perf_counter() - start:.0f} s, {_read_resident_memory() - before:,.0f} MB more, "
        f"{_read_resident_memory():,.0f} MB in all"
    )
    for work in held_out[:20]:
        assigner.assign(work)
    timings = [_time_work(assigner, work) for work in held_out]
    _print_quantiles("all", timings)
    for low, high in ((1, 5), (6, 15), (16, 30), (31, 100), (101, 10**6)):
        _print_quantiles(
            f"{low} to {high} authors", [t for t in timings if low <= t.authors <= high]
        )


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall time and CPU time of one work, in seconds, and the verdicts on its authors."""

    authors: int
    wall: float
    processor: float
    verdicts: tuple[str, ...]


def _time_work(assigner: Assigner, work: Work) -> Timing:
    wall, processor = time.perf_counter(), time.process_time()
    assignments = assigner.assign(work)
    return Timing(
        len(work.authors),
        time.perf_counter() - wall,
        time.process_time() - processor,
        tuple(p.verdict for p in assignments),
    )


def _print_quantiles(name: str, timings: Sequence[Timing]) -> None:
    if not timings:
        return
    levels = [0.5, 0.95, 0.99, 1.0]
    wall = np.quantile([t.wall for t in timings], levels) * 1e3
    processor = np.quantile([t.processor for t in timings], levels) * 1e3
    verdicts = Counter(v for t in timings for v in t.verdicts)
    click.echo(
        f"{name} ({len(timings):,} works): p50/p95/p99/max ms: processor "
        f"{'/'.join(f'{v:.1f}' for v in processor)}, wall {'/'.join(f'{v:.1f}' for v in wall)}; "
        f"{', '.join(f'{k} {n:,}' for k, n in sorted(verdicts.items()))}"
    )


def choose_held_out(works: Sequence[Work], n: int) -> set[str]:
    """Choose about n works: a random sample, and every second of the 100 with most authors."""
    ids = sorted(work.id for work in works)
    Random(0).shuffle(ids)
    large = sorted(works, key=lambda work: (-len(work.authors), work.id))[:100:2]
    return set(ids[:n]) | {work.id for work in large}


def _load_identities(rest: Corpus, model: Model, workers: int, file: Path | None) -> Int32:
    if file is not None and file.exists():
        stored: Int32 = np.load(file)
        return stored
    start = time.perf_counter()
    identity = Disambiguator(model=model, workers=workers).predict(rest).identity
    click.echo(f"clustered in {time.perf_counter() - start:.0f} s")
    if file is not None:
        np.save(file, identity)
    return identity


def _read_resident_memory() -> float:
    """Return the resident memory of this process, MB; its peak where /proc does not exist."""
    status = Path("/proc/self/statm")
    if status.is_file():
        return int(status.read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
