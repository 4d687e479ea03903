"""Turn decisions into training examples, and fit models on them.

Decisions state that pairs of signatures are one person, or two. Decisions that answer a task also
measure the model's calibration, and correct it (:mod:`disambig.training.recalibration`).
Decisions made without a task are biased, since curators act on what looks wrong, and do not enter
the correction. If labels are given too, a new model is fitted on all pairs that decisions and
labels determine: must-linked signatures form one labelled person, and two such persons count as
different only where a decision says so; other pairs are not used. A random share of the
decisions, not of the pairs, is held back, since pairs of one decision are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from disambig.domain import Constraint, ConstraintKind, Label, Signature
from disambig.errors import InputError
from disambig.progress import Progress, no_progress
from service.constraints.links import SignatureGroups
from service.constraints.store import read_constraints
from service.db.database import Database
from service.db.tables import Decision, Task
from service.errors import Invalid

if TYPE_CHECKING:
    from disambig.corpus.corpus import Corpus
    from disambig.corpus.index import CorpusIndex
    from disambig.model.model import Model
    from disambig.names.frequency import NameFrequency
    from disambig.training.recalibrate import QuestionScores

MIN_ANSWERS, MIN_PER_KIND = 30, 5
"""Fewest answers to correct a model: in all, and of each kind."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A task that a decision closed.

    Attributes
    ----------
    sides : (tuple of Signature, tuple of Signature)
        The signatures of the two sides of the task.
    same : float
        1 for one person, 0 for two, or the share of the pairs between the sides that are one.
    decision : str
        The decision, written as the source of a :class:`~disambig.domain.Constraint`.
    """

    sides: tuple[tuple[Signature, ...], tuple[Signature, ...]]
    same: float
    decision: str


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Training examples from decisions, and held-back decisions for evaluation.

    Attributes
    ----------
    labels : tuple of Label
        Signatures with the person that must-links make of them.
    different_persons : tuple of (str, str)
        Persons that cannot-links separate.
    answers : tuple of Answer
        Answers of the training decisions.
    held_back : tuple of Constraint
        Constraints of held-back decisions that the training decisions do not imply.
    held_back_answers : tuple of Answer
    n_decisions, n_held_back : int
    """

    labels: tuple[Label, ...]
    different_persons: tuple[tuple[str, str], ...]
    answers: tuple[Answer, ...]
    held_back: tuple[Constraint, ...]
    held_back_answers: tuple[Answer, ...]
    n_decisions: int
    n_held_back: int

    @property
    def n_same(self) -> int:
        """Number of training answers that say one person."""
        return sum(answer.same >= 0.5 for answer in self.answers)


def build_training_set(
    constraints: Sequence[Constraint], answers: Sequence[Answer], share: float, seed: int
) -> TrainingSet:
    """Split decisions into training examples and held-back ones.

    Parameters
    ----------
    constraints : sequence of Constraint
        Each with its decision as the source.
    share : float
        Share of decisions to hold back: at least one if there are two and it is above 0.
    """
    sources = {c.source for c in constraints}
    held_back = _draw_held_back(sources, share, seed)
    training = [c for c in constraints if c.source not in held_back]
    person_of = _group_persons(training)
    different_persons = _find_different_persons(training, person_of)
    not_implied = [
        c
        for c in constraints
        if c.source in held_back
        and not _is_decided(person_of.get(c.a), person_of.get(c.b), different_persons)
    ]
    labels = [Label(signature, person) for signature, person in person_of.items()]
    labels.sort(key=lambda label: (label.signature.work, label.signature.position))
    return TrainingSet(
        tuple(labels),
        tuple(sorted(different_persons)),
        tuple(answer for answer in answers if answer.decision not in held_back),
        tuple(not_implied),
        tuple(answer for answer in answers if answer.decision in held_back),
        len(sources) - len(held_back),
        len(held_back),
    )


def _draw_held_back(sources: Collection[str], share: float, seed: int) -> set[str]:
    """Draw decisions to hold back by a stable hash: once held back, always held back."""
    if share <= 0:
        return set()
    lots = {s: int.from_bytes(sha256(f"{seed} {s}".encode()).digest()[:6]) for s in sources}
    n = sum(number < share * 2**48 for number in lots.values())
    n = min(max(n, 1), len(sources) - 1)
    return set(sorted(lots, key=lambda source: (lots[source], source))[: max(n, 0)])


def _group_persons(constraints: Iterable[Constraint]) -> dict[Signature, str]:
    """Return a person label for every signature in a decision."""
    number: dict[Signature, int] = {}
    groups = SignatureGroups()
    for constraint in constraints:
        a, b = (number.setdefault(end, len(number)) for end in (constraint.a, constraint.b))
        if constraint.kind is ConstraintKind.MUST:
            groups.join(a, b)
    return {signature: f"decided {groups.find_root(k)}" for signature, k in number.items()}


def _find_different_persons(
    constraints: Iterable[Constraint], person_of: Mapping[Signature, str]
) -> set[tuple[str, str]]:
    return {
        _order_pair(person_of[c.a], person_of[c.b])
        for c in constraints
        if c.kind is ConstraintKind.CANNOT and person_of[c.a] != person_of[c.b]
    }


def _order_pair(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)


def _is_decided(a: str | None, b: str | None, different_persons: set[tuple[str, str]]) -> bool:
    return a is not None and b is not None and (a == b or _order_pair(a, b) in different_persons)


def read_training_data(database: Database) -> tuple[Corpus, list[Constraint], list[Answer]]:
    """Read all works, the constraints in force, and the answers that decisions gave to tasks."""
    from disambig.corpus.corpus import Corpus
    from service.works.read import iterate_works

    with database.read() as connection:
        constraints = read_constraints(connection)
        corpus = Corpus.from_works(work for _, work in iterate_works(connection))
        return corpus, constraints, _read_answers(connection, constraints, corpus)


def _read_answers(
    connection: Connection, constraints: Sequence[Constraint], corpus: Corpus
) -> list[Answer]:
    """Read merge and split tasks with two sides that a decision in force closed.

    Omit tasks whose sides no decision relates.
    """
    query = select(Decision.id, Task.evidence).join(Task, Task.closed_seq == Decision.event_seq)
    query = query.where(
        Decision.undone_seq.is_(None), Task.state == "closed", Task.kind.in_(("merge", "split"))
    )
    person_of = _group_persons(constraints)
    different_persons = _find_different_persons(constraints, person_of)
    answers = []
    for decision, evidence in connection.execute(query.order_by(Decision.key, Task.key)):
        sides = [_read_side(side, corpus) for side in evidence.get("sides", ())]
        if len(sides) != 2:
            continue
        same = compute_share_same(sides[0], sides[1], person_of, different_persons)
        if same is not None:
            answers.append(Answer((sides[0], sides[1]), same, f"decision {decision}"))
    return answers


def compute_share_same(
    left_side: Iterable[Signature],
    right_side: Iterable[Signature],
    person_of: Mapping[Signature, str],
    different_persons: set[tuple[str, str]],
) -> float | None:
    """Return the share of pairs between two sides that are one person; None if undecided.

    Parameters
    ----------
    person_of : mapping
        Person of each signature in a decision.
    different_persons : set of (str, str)
        Pairs of different persons.
    """
    left_persons, right_persons = (
        Counter(person_of[m] for m in side if m in person_of) for side in (left_side, right_side)
    )
    pairs = {
        (a, b): n * m
        for a, n in left_persons.items()
        for b, m in right_persons.items()
        if _is_decided(a, b, different_persons)
    }
    if not pairs:
        return None
    return sum(n for (a, b), n in pairs.items() if a == b) / sum(pairs.values())


def _read_side(side: Mapping[str, Any], corpus: Corpus) -> tuple[Signature, ...]:
    """Return the signatures of a side; omit those that a new version of their work dropped."""
    signatures = [Signature(m["work"], m["position"]) for m in side.get("mentions", ())]
    return tuple(mention for mention in signatures if _find_row(corpus, mention) is not None)


def _find_row(corpus: Corpus, mention: Signature) -> int | None:
    try:
        return corpus.row_of(mention)
    except InputError:
        return None


def check_enough_answers(training_set: TrainingSet) -> None:
    """Reject answers that are too few or all of one kind.

    Raises
    ------
    Invalid
        States how many more answers of which kind are needed.
    """
    if not training_set.n_decisions:
        raise Invalid("there are no decisions to learn from", "answer tasks of the queue first")
    same, n = training_set.n_same, len(training_set.answers)
    missing = [
        f"{MIN_PER_KIND - count} more that say {kind}"
        for kind, count in (("one person", same), ("different people", n - same))
        if count < MIN_PER_KIND
    ]
    if n < MIN_ANSWERS:
        missing.insert(0, f"{MIN_ANSWERS - n} more")
    if missing:
        raise Invalid(
            f"{n} answered tasks are available for training ({same} say one person, {n - same} "
            f"different people), {len(training_set.held_back_answers)} are held back",
            f"answer tasks of the queue, {' and '.join(missing)}, or give labelled works too "
            "(disambig review train --works … --labels …)",
        )


def correct_model(
    index_cache: IndexCache,
    training_set: TrainingSet,
    model: Model,
    progress: Progress = no_progress,
) -> Model:
    """Recalibrate the model in use on the answers.

    Raises
    ------
    Invalid
        If answers are too few or all of one kind, or none can be scored.
    """
    import numpy as np

    from disambig.training import recalibrate

    check_enough_answers(training_set)
    scores = index_cache.score_answers(model, training_set.answers, progress)
    if model.group_calibration is None or not np.isfinite(scores.log_odds).any():
        raise Invalid(
            "the model in use cannot be corrected by these answers", "give labelled works too"
        )
    same = np.array([answer.same for answer in training_set.answers])
    corrected = recalibrate.correct_model(model, scores, same)
    return replace(corrected, metadata={**corrected.metadata, **_to_metadata(training_set)})


def fit_new_model(
    corpus: Corpus,
    training_set: TrainingSet,
    gold: tuple[Corpus, Sequence[Label]],
    *,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Model:
    """Fit a new model on labels and decisions.

    Raises
    ------
    InputError
        If there are too few labels.
    """
    from disambig.training.fit import LabelledCorpus, fit_model

    corpora = [LabelledCorpus("labels", *gold)]
    if training_set.labels:
        corpora.insert(
            0,
            LabelledCorpus(
                "decisions", corpus, training_set.labels, training_set.different_persons
            ),
        )
    return fit_model(corpora, metadata=_to_metadata(training_set), seed=seed, progress=progress)


def _to_metadata(training_set: TrainingSet) -> dict[str, int]:
    return {"decisions": training_set.n_decisions, "held_back": training_set.n_held_back}


class IndexCache:
    """A corpus and its index, cached for models of equal name frequencies."""

    def __init__(self, corpus: Corpus) -> None:
        """Store the corpus; the index is built on first use."""
        self.corpus = corpus
        self._cached: tuple[NameFrequency, CorpusIndex] | None = None

    def get_index(self, model: Model) -> CorpusIndex:
        """Return the index for a model; cache the last one."""
        from disambig.corpus.embeddings import SemanticSpace
        from disambig.corpus.index import CorpusIndex

        if self._cached is None or self._cached[0] is not model.frequency:
            index = CorpusIndex.from_corpus(self.corpus, SemanticSpace.load(), model.frequency)
            self._cached = model.frequency, index
        return self._cached[1]

    def score_answers(
        self, model: Model, answers: Sequence[Answer], progress: Progress = no_progress
    ) -> QuestionScores:
        """Score the two sides of answered tasks with a model."""
        import numpy as np

        from disambig.training import recalibrate

        rows = [
            tuple(
                np.array([self.corpus.row_of(m) for m in side], dtype=np.int64) for side in a.sides
            )
            for a in answers
        ]
        return recalibrate.score_questions(
            self.get_index(model), model, [(a, b) for a, b in rows], progress
        )
