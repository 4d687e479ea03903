"""Compare two models: on held-back decisions, on gold labels, and by the changes they make.

Changes are counted under the constraints of all decisions, as in a run. Held-back decisions do
not constrain the clusterings that are evaluated on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from disambig.domain import Constraint, ConstraintKind, Label
from disambig.progress import Progress, no_progress
from service.training.examples import IndexCache, TrainingSet
from service.training.results import (
    ComparedModel,
    Figures,
    GoldComparison,
    HeldOutComparison,
    ModelComparison,
    OldAndNew,
    OldAndNewCount,
    TrainingSummary,
)

if TYPE_CHECKING:
    from disambig.corpus.corpus import Corpus
    from disambig.model.model import Model
    from disambig.partition import Partition

OLD, NEW = "old", "new"


class ModelComparer:
    """Compares an ``old`` and a ``new`` model on one corpus; stores nothing."""

    def __init__(
        self, models: Mapping[str, Model], workers: int = 1, progress: Progress = no_progress
    ) -> None:
        """Store the arguments; the keys of ``models`` are ``old`` and ``new``."""
        self.models, self.workers, self.progress = models, workers, progress

    def compare(
        self,
        index_cache: IndexCache,
        constraints: Sequence[Constraint],
        training_set: TrainingSet,
        compared_with: ComparedModel,
        learned: TrainingSummary,
        gold: tuple[Corpus, Sequence[Label]] | None = None,
    ) -> ModelComparison:
        """Compare the models."""
        partitions, correct, certainty = {}, {}, {}
        held_back = {(c.a, c.b, c.kind) for c in training_set.held_back}
        training_constraints = [c for c in constraints if (c.a, c.b, c.kind) not in held_back]
        for name, model in self.models.items():
            partitions[name] = self._cluster(index_cache, model, constraints)
            if held_back:
                correct[name] = _check_held_back(
                    self._cluster(index_cache, model, training_constraints), training_set.held_back
                )
            if training_set.held_back_answers:
                certainty[name] = _measure_certainty(index_cache, model, training_set)
        return ModelComparison(
            with_=compared_with,
            learned=learned,
            held_back=_summarize_held_back(correct, certainty),
            gold=self._measure_on_gold(gold),
            mentions=index_cache.corpus.n_signatures,
            changed=_count_changed(partitions[OLD], partitions[NEW]),
            identities=OldAndNewCount(
                old=partitions[OLD].n_identities, new=partitions[NEW].n_identities
            ),
        )

    def _cluster(
        self, index_cache: IndexCache, model: Model, constraints: Sequence[Constraint] = ()
    ) -> Partition:
        from disambig.clustering.constraints import compile_constraints
        from disambig.estimator import cluster_index

        compiled = compile_constraints(index_cache.corpus, constraints, strict=False)
        return cluster_index(
            index_cache.get_index(model),
            model,
            compiled,
            workers=self.workers,
            progress=self.progress,
        )

    def _measure_on_gold(
        self, gold: tuple[Corpus, Sequence[Label]] | None
    ) -> GoldComparison | None:
        if gold is None or not gold[1]:
            return None
        index_cache = IndexCache(gold[0])
        old, new = (
            _evaluate(self._cluster(index_cache, self.models[name]), gold[1]) for name in (OLD, NEW)
        )
        return GoldComparison(labels=len(gold[1]), old=old, new=new)


def _check_held_back(partition: Partition, held_back: Sequence[Constraint]) -> dict[str, bool]:
    """Return whether a clustering satisfies each held-back decision, by decision."""
    row, identity = partition.corpus.row_of, partition.identity
    correct: dict[str, bool] = defaultdict(lambda: True)
    for c in held_back:
        is_same = identity[row(c.a)] == identity[row(c.b)]
        correct[c.source] &= bool(is_same) == (c.kind is ConstraintKind.MUST)
    return dict(correct)


def _measure_certainty(
    index_cache: IndexCache, model: Model, training_set: TrainingSet
) -> tuple[int, float]:
    """Return the number of scored held-back answers, and their mean probability."""
    import numpy as np

    probability = index_cache.score_answers(model, training_set.held_back_answers).probability
    same = np.array([answer.same for answer in training_set.held_back_answers])
    is_scored = np.isfinite(probability)
    certainty = (same * probability + (1 - same) * (1 - probability))[is_scored]
    return int(is_scored.sum()), float(certainty.mean()) if is_scored.any() else 0.0


def _summarize_held_back(
    correct: Mapping[str, Mapping[str, bool]],
    certainty: Mapping[str, tuple[int, float]],
) -> HeldOutComparison:
    old, new = correct.get(OLD, {}), correct.get(NEW, {})
    n_questions = min((n for n, _ in certainty.values()), default=0)
    sureness = {name: round(mean, 4) for name, (_, mean) in certainty.items()}
    return HeldOutComparison(
        decisions=len(old),
        right=OldAndNewCount(old=sum(old.values()), new=sum(new.values())),
        mended=sum(new[source] and not old[source] for source in old),
        broken=sum(old[source] and not new[source] for source in old),
        questions=n_questions,
        sureness=OldAndNew(old=sureness[OLD], new=sureness[NEW]) if n_questions else None,
    )


def _evaluate(partition: Partition, labels: Sequence[Label]) -> Figures:
    import numpy as np

    from disambig.evaluation.metrics import evaluate

    rows = np.array([partition.corpus.row_of(label.signature) for label in labels], dtype=np.int64)
    person = np.unique([label.person for label in labels], return_inverse=True)[1]
    block = None
    if all(label.block for label in labels):
        block = np.unique([label.block for label in labels], return_inverse=True)[1]
    scores = evaluate(partition.identity[rows], person.astype(np.int64), block)
    return Figures(
        precision=scores.bcubed_precision, recall=scores.bcubed_recall, f1=scores.bcubed_f1
    )


def _count_changed(old: Partition, new: Partition) -> int:
    import numpy as np

    from disambig.evaluation.metrics import bcubed_by_signature

    precision, recall = bcubed_by_signature(new.identity, old.identity)
    return int(np.count_nonzero((precision < 1) | (recall < 1)))
