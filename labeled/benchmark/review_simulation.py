"""Simulate review: ``python -m labeled.benchmark.review_simulation DATA/aminer …``.

The true labels play the curator. After each answer its block is clustered again under all answers
so far, exactly as a run would, and the remaining error (1 - B-cubed F1 over the labelled mentions)
is recorded. Four orders of questions are compared; each decision is one submission:

``boards``  all questions of one board: the best about at most eight identities of one family name
            and initial (a block); boards with the largest total gain first;
``ranked``  questions about groups one by one, the most valuable first
            (:mod:`disambig.active_learning.questions`);
``random``  the same questions in random order;
``pairs``   single pairs of mentions, the most uncertain first, as in uncertainty sampling
            (Lewis and Gale 1994), without pairs that earlier answers imply.

Only labelled mentions count, both in the error and in the value of a question.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from disambig.active_learning.priority import MAX_BOARD_IDENTITIES, fill_board
from disambig.active_learning.questions import ClusteredBlocks, Question, QuestionKind
from disambig.arrays import Float32, Float64, Int32
from disambig.blocking.blocks import make_blocks
from disambig.blocking.pairs import NamePairs
from disambig.clustering.constraints import compile_constraints
from disambig.clustering.two_level import BatchConstraints, ScoredPairs, predict_pairs
from disambig.console import show_progress as draw
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.domain import Label
from disambig.ingest import read_works
from disambig.model.model import Model
from disambig.progress import Progress
from labeled.corpora import CorpusFolder, find_corpora, read_split_labels

ORDERS = ("boards", "ranked", "random", "pairs")


@dataclass(eq=False)
class ReviewBlock:
    """One block under review.

    Attributes
    ----------
    scored : ScoredPairs
        A batch of this block alone, with the constraints of the corpus.
    person : int32[R]
        True person of each row, -1 without a label.
    answers : list of (rows, rows, bool)
        Answers of the curator: whether the rows are one person.
    """

    scored: ScoredPairs
    person: Int32
    answers: list[tuple[Int32, Int32, bool]] = field(default_factory=list)
    clustered: ClusteredBlocks | None = None

    def cluster(self, model: Model) -> ClusteredBlocks:
        """Cluster the block under all answers so far."""
        self.clustered = ClusteredBlocks.of(
            replace(self.scored, constraints=self._compile_constraints()), model
        )
        return self.clustered

    def _compile_constraints(self) -> BatchConstraints:
        """Compile the transitive closure of the constraints of the corpus and of the answers."""
        corpus_constraints, n = self.scored.constraints, len(self.person)
        codes = np.unique(corpus_constraints.must[corpus_constraints.must >= 0]).tolist()
        chains: list[npt.NDArray[Any]] = [
            np.flatnonzero(corpus_constraints.must == code) for code in codes
        ]
        cannot_parts = [corpus_constraints.cannot]
        for left, right, same in self.answers:
            chains += [np.concatenate([left, right])] if same else [left, right]
            if not same:
                cannot_parts.append(np.array([[left[0], right[0]]], dtype=np.int32))
        a = np.concatenate([rows[:-1] for rows in chains] or [np.empty(0, np.int64)])
        b = np.concatenate([rows[1:] for rows in chains] or [np.empty(0, np.int64)])
        links = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(n, n))
        _, label = connected_components(links, directed=False)
        must = np.where(np.bincount(label)[label] > 1, label, -1).astype(np.int32)
        ends = label[np.concatenate(cannot_parts)].reshape(-1, 2)
        is_excluded = np.zeros((n, n), dtype=bool)
        is_excluded[ends[:, 0], ends[:, 1]] = is_excluded[ends[:, 1], ends[:, 0]] = True
        orcid = np.full(n, -1, dtype=np.int32)
        np.maximum.at(orcid, label, corpus_constraints.orcid)
        is_excluded |= (np.minimum.outer(orcid, orcid) >= 0) & (orcid[:, None] != orcid)
        # a curator's must-link overrides the cannot-link of two mentions on one work
        np.fill_diagonal(is_excluded, False)
        cannot = np.argwhere(np.triu(is_excluded[label][:, label])).astype(np.int32)
        return BatchConstraints(must, cannot, orcid[label])

    def sum_bcubed(self) -> tuple[float, float, int]:
        """Return the sums of B-cubed precision and recall over labelled rows, and their number."""
        assert self.clustered is not None
        labelled = np.flatnonzero(self.person >= 0)
        _, group = np.unique(self.clustered.group[labelled], return_inverse=True)
        _, person = np.unique(self.person[labelled], return_inverse=True)
        counts = np.zeros((group.max(initial=-1) + 1, person.max(initial=-1) + 1))
        np.add.at(counts, (group, person), 1)
        own_counts = counts[group, person]
        return (
            float((own_counts / counts.sum(axis=1)[group]).sum()),
            float((own_counts / counts.sum(axis=0)[person]).sum()),
            len(labelled),
        )


@dataclass(frozen=True, slots=True)
class Curve:
    """Remaining error (1 - B-cubed F1) before and after each decision, and questions answered."""

    corpus: str
    order: str
    error: tuple[float, ...]
    questions: int

    def count_decisions(self, share: float) -> int | None:
        """Count the decisions until at most this share of the first error remains; None: never."""
        for k, error in enumerate(self.error):
            if error <= share * self.error[0]:
                return k
        return None

    def to_text(self) -> str:
        """Format as one line."""
        steps = [n for n in (50, 100, 200, 500, 1000) if n < len(self.error)]
        after = "".join(f", after {n}: {self.error[n]:.4f}" for n in steps)
        half = self.count_decisions(0.5)
        outcome = "never halved" if half is None else f"halved after {half}"
        return (
            f"{self.corpus} {self.order}: error {self.error[0]:.4f}{after}; "
            f"{outcome}, {len(self.error) - 1} decisions made on {self.questions} questions"
        )


def draw_figure(curves: Sequence[Curve]) -> str:
    """Draw the curves of one corpus as inline SVG."""
    from disambig.evaluation.plots import draw_review

    halves = {curve.order: curve.count_decisions(0.5) for curve in curves}
    description = "; ".join(
        f"{order}: {'not halved' if n is None else f'halved after {n:,} decisions'}"
        for order, n in halves.items()
    )
    return draw_review(
        {curve.order: np.array(curve.error) for curve in curves},
        f"Review of {curves[0].corpus}",
        description,
    )


def load_blocks(folder: CorpusFolder, split: str, model: Model) -> list[ReviewBlock]:
    """Load and score the labelled blocks of a split."""
    corpus = Corpus.from_works(read_works([folder.works]))
    index = CorpusIndex.from_corpus(corpus, SemanticSpace.load(), model.frequency)
    constraints = compile_constraints(corpus, (), strict=False)
    person = _number_people(corpus, read_split_labels(folder.labels, split))
    rows = [block for block in make_blocks(corpus) if (person[block] >= 0).sum() > 1]

    def score(columns: dict[str, Float32]) -> tuple[Float32, Float32]:
        return predict_pairs(model, columns, index.doublings)

    review_blocks = []
    for block in rows:
        batch = NamePairs.compare(index, [block]).make_batch(0, 1)
        scored = ScoredPairs.score(index, batch, constraints, score)
        review_blocks.append(ReviewBlock(scored, person[batch.rows]))
    return review_blocks


def _number_people(corpus: Corpus, labels: Sequence[Label]) -> Int32:
    code: dict[str, int] = {}
    person = np.full(corpus.n_signatures, -1, dtype=np.int32)
    for label in labels:
        person[corpus.row_of(label.signature)] = code.setdefault(label.person, len(code))
    return person


@dataclass(frozen=True, eq=False)
class Submission:
    """Questions that one decision answers: pairs of sets of rows that may be one person."""

    worth: float
    questions: list[tuple[Int32, Int32]]


Ask = Callable[[ReviewBlock], Submission | None]
"""Returns the next questions about a block; None if there are none."""


def ask_boards(model: Model, max_identities: int = MAX_BOARD_IDENTITIES) -> Ask:
    """Make a policy that asks the best questions about a limited number of identities at once."""

    def ask(block: ReviewBlock) -> Submission | None:
        assert block.clustered is not None
        group, answerable = block.clustered.group, list(_iterate_answerable(block, model))
        people = ({int(group[q.left[0]]), int(group[q.right[0]])} for q, _, _ in answerable)
        selection = [answerable[k] for k in fill_board(people, max_identities)]
        if not selection:
            return None
        return Submission(sum(q.gain for q, _, _ in selection), [(a, b) for _, a, b in selection])

    return ask


def ask_groups(model: Model, worth: Callable[[Question], float]) -> Ask:
    """Make a policy that asks one question about two groups."""

    def ask(block: ReviewBlock) -> Submission | None:
        answerable = [
            (worth(q), left, right) for q, left, right in _iterate_answerable(block, model)
        ]
        if not answerable:
            return None
        value, left, right = max(answerable, key=lambda one: one[0])
        return Submission(value, [(left, right)])

    return ask


def _iterate_answerable(
    block: ReviewBlock, model: Model
) -> Iterator[tuple[Question, Int32, Int32]]:
    """Yield unanswered questions about labelled rows, the best first.

    With each come the rows of the majority person on either side: what a curator would judge.
    """
    assert block.clustered is not None
    group = block.clustered.group
    earlier_answers = {(a.tobytes(), b.tobytes()) for a, b, _ in block.answers}
    majority_of_identity: dict[int, Int32] = {}  # an identity is in many questions

    def find_majority(question: Question, rows: Int32) -> Int32:
        if question.kind is QuestionKind.SPLIT:
            return _select_majority(block, rows)
        identity = int(group[rows[0]])
        if identity not in majority_of_identity:
            majority_of_identity[identity] = _select_majority(block, rows)
        return majority_of_identity[identity]

    labelled = (
        _restrict_to_labelled(question, block.person)
        for question in block.clustered.list_questions(model)
    )
    for question in sorted(filter(None, labelled), key=lambda q: -q.gain):
        left, right = (find_majority(question, rows) for rows in (question.left, question.right))
        if (left.tobytes(), right.tobytes()) not in earlier_answers:
            yield question, left, right


def _restrict_to_labelled(question: Question, person: Int32) -> Question | None:
    """Restrict a question to the labelled rows of its sides; None if a side has none."""
    left, right = (rows[person[rows] >= 0] for rows in (question.left, question.right))
    return replace(question, left=left, right=right) if len(left) and len(right) else None


def _select_majority(block: ReviewBlock, rows: Int32) -> Int32:
    """Select the rows of the most frequent person among labelled rows."""
    person = Counter(block.person[rows].tolist()).most_common(1)[0][0]
    majority: Int32 = rows[block.person[rows] == person]
    return majority


def ask_pairs(block: ReviewBlock, threshold: float) -> Submission | None:
    """Ask about the pair closest to the threshold that earlier answers do not imply."""
    assert block.clustered is not None
    scored = block.clustered.scored
    batch, must = scored.batch, scored.constraints.must
    left, right = batch.left, batch.right
    is_open = (must[left] < 0) | (must[left] != must[right])
    is_open &= (block.person[left] >= 0) & (block.person[right] >= 0)
    n = len(batch.rows)
    cannot = np.sort(scored.constraints.cannot, axis=1).astype(np.int64)
    is_open &= ~np.isin(left.astype(np.int64) * n + right, cannot[:, 0] * n + cannot[:, 1])
    pairs = np.flatnonzero(is_open)
    if not len(pairs):
        return None
    doubt = np.abs(block.clustered.pair_probability[pairs] - threshold)
    k = pairs[int(doubt.argmin())]
    return Submission(1 - float(doubt.min()), [(left[k : k + 1], right[k : k + 1])])


def simulate(
    blocks: Sequence[ReviewBlock],
    model: Model,
    ask: Ask,
    decisions: int,
    progress: Progress,
    name: tuple[str, str],
    stop_share: float = 0.0,
) -> Curve:
    """Answer questions decision by decision; ``name`` is the corpus and the order.

    Stops when no question is left, or the error is at most ``stop_share`` of the first.
    """
    # all orders start from the same clustering
    blocks = [
        ReviewBlock(b.scored, b.person, clustered=b.clustered or b.cluster(model)) for b in blocks
    ]
    sums = np.array([block.sum_bcubed() for block in blocks])
    total = sums.sum(axis=0)
    queue = []
    for number, block in enumerate(blocks):
        if (submission := ask(block)) is not None:
            queue.append((-submission.worth, number, submission))
    heapq.heapify(queue)
    errors, questions = [_compute_error(total)], 0
    with progress(", ".join(name), decisions, "decisions") as advance:
        while queue and len(errors) <= decisions and errors[-1] > stop_share * errors[0]:
            _, number, submission = heapq.heappop(queue)
            block = blocks[number]
            questions += len(submission.questions)
            for left, right in submission.questions:
                same = bool(block.person[left[0]] == block.person[right[0]])
                block.answers.append((left, right, same))
            block.cluster(model)
            after = np.array(block.sum_bcubed())
            total, sums[number] = total + after - sums[number], after
            errors.append(_compute_error(total))
            if (next_submission := ask(block)) is not None:
                heapq.heappush(queue, (-next_submission.worth, number, next_submission))
            advance(1)
    return Curve(*name, tuple(errors), questions)


def _compute_error(total: Float64) -> float:
    precision, recall = total[0] / total[2], total[1] / total[2]
    return float(1 - 2 * precision * recall / (precision + recall))


def simulate_orders(
    folder: CorpusFolder, split: str, model: Model, decisions: int, progress: Progress
) -> list[Curve]:
    """Simulate all orders on one corpus."""
    blocks = load_blocks(folder, split, model)
    rng = Random(0)
    asks: dict[str, Ask] = {
        "boards": ask_boards(model),
        "ranked": ask_groups(model, lambda q: q.gain),
        "random": ask_groups(model, lambda q: rng.random()),
        "pairs": partial(ask_pairs, threshold=model.settings["second_level"]),
    }
    return [
        simulate(
            blocks, model, asks[order], decisions, progress, (folder.name, order), stop_share=0.45
        )
        for order in ORDERS
    ]


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--model", "model_file", type=click.Path(exists=True, path_type=Path))
@click.option("--split", default="dev", show_default=True)
@click.option("--decisions", default=2000, show_default=True, help="Maximal decisions per order.")
@click.option("--json", "json_file", type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True)
def main(
    folders: tuple[Path, ...],
    model_file: Path | None,
    split: str,
    decisions: int,
    json_file: Path | None,
    quiet: bool,
) -> None:
    """Simulate review with the true labels as the curator."""
    model = Model.load(model_file)

    progress = partial(draw, quiet=quiet)
    rows = []
    for folder in find_corpora(folders):
        for curve in simulate_orders(folder, split, model, decisions, progress):
            click.echo(curve.to_text())
            rows.append(asdict(curve))
    if json_file is not None:
        json_file.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
