"""Fit a requested model, compare it with the model in use, store it as a candidate.

Workers and ``disambig review train`` share this code. The model in use, all works and all
decisions are read at the start; a promotion in the meantime makes the candidate outdated.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from disambig.progress import Progress
from service.actors import Actor
from service.db.database import Database
from service.errors import Invalid
from service.job_queue import Claim
from service.runs.full_run import measure_works
from service.settings import Settings
from service.training import examples as training_examples
from service.training import promotion, results
from service.training import store as model_store
from service.training.comparison import NEW, OLD, ModelComparer
from service.training.results import ComparedModel, TrainingSummary

if TYPE_CHECKING:
    from disambig.corpus.corpus import Corpus
    from disambig.domain import Label
    from disambig.model.model import Model

TRAIN = "train"
"""Split of labels used for training."""


@dataclass(frozen=True)
class LabelledWorks:
    """Labelled works in addition to decisions: training labels, and labels for comparison."""

    corpus: Corpus
    training_labels: Sequence[Label]
    test_labels: Sequence[Label]

    @classmethod
    def read(
        cls, works: Sequence[Path], labels: Sequence[Path], split: str = TRAIN
    ) -> LabelledWorks:
        """Read from files; the labels of one split are for training."""
        from disambig.corpus.corpus import Corpus
        from disambig.ingest import read_labels, read_works

        all_labels = list(read_labels(labels))
        return cls(
            Corpus.from_works(read_works(works)),
            [label for label in all_labels if label.split == split],
            [label for label in all_labels if label.split != split],
        )


def fit_candidate(
    database: Database,
    settings: Settings,
    actor: Actor,
    claim: Claim,
    progress: Progress,
    labelled: LabelledWorks | None = None,
) -> results.Model:
    """Fit, compare and store the claimed model; return the candidate.

    Parameters
    ----------
    labelled : LabelledWorks, optional
        Default: what the setting ``gold`` names. With training labels, a new model is fitted on
        these and decisions; without, the model in use is corrected by answered tasks.

    Raises
    ------
    Invalid, InputError, ModelError
        Permanent: a retry would fail in the same way.
    LostClaim
        If it was cancelled, or another worker has it.
    """
    from disambig.model.model import Model

    with database.read() as connection:
        _check_memory(settings, *measure_works(connection))
        promoted = promotion.get_promoted(connection)
        options = model_store.read_options(connection, claim.id)
    if promoted is not None:
        settings = promotion.apply_promoted(database, settings, promoted)
    old = Model.load(settings.model)
    with progress("Reading works", None, "works"):
        corpus, constraints, answers = training_examples.read_training_data(database)
        labelled = labelled or _read_gold(settings.gold)
    training_set = training_examples.build_training_set(
        constraints, answers, options.hold_back, options.seed
    )
    index_cache = training_examples.IndexCache(corpus)
    training_labels = labelled.training_labels if labelled else ()
    if labelled and training_labels:
        new = training_examples.fit_new_model(
            corpus,
            training_set,
            (labelled.corpus, training_labels),
            seed=options.seed,
            progress=progress,
        )
    else:
        new = training_examples.correct_model(index_cache, training_set, old, progress)
    gold = (labelled.corpus, labelled.test_labels) if labelled else None
    comparing = ModelComparer({OLD: old, NEW: new}, settings.workers or 1, progress)
    comparison = comparing.compare(
        index_cache,
        constraints,
        training_set,
        ComparedModel(model=None if promoted is None else promoted.id, digest=old.digest),
        _summarize_training(training_set, len(training_labels)),
        gold,
    )
    return model_store.store_candidate(
        database, actor, claim, new.digest, _to_bytes(new), comparison
    )


def _summarize_training(
    training_set: training_examples.TrainingSet, n_labels: int
) -> TrainingSummary:
    n = len(training_set.answers)
    return TrainingSummary(
        how="fitted" if n_labels else "corrected",
        decisions=training_set.n_decisions,
        answers=n,
        same=training_set.n_same,
        different=n - training_set.n_same,
        labels=n_labels,
        held_back=training_set.n_held_back,
    )


def _to_bytes(model: Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.npz"
        model.save(file)
        return file.read_bytes()


def _read_gold(folder: Path | None) -> LabelledWorks | None:
    """Read the labelled works of the settings."""
    if folder is None:
        return None
    return LabelledWorks.read(
        [_find_file(folder, "works.jsonl")], [_find_file(folder, "labels.jsonl")]
    )


def _find_file(folder: Path, name: str) -> Path:
    for file in (folder / name, folder / f"{name}.gz"):
        if file.is_file():
            return file
    raise Invalid(
        f"the folder of the setting gold has no {name}",
        f"put {name} or {name}.gz there",
        field="gold",
    )


def _check_memory(settings: Settings, works: int, characters: int) -> None:
    """Reject more works than fit in memory: models are compared on all of them in memory."""
    from disambig.out_of_core.budget import fits_in_memory

    if not fits_in_memory(characters, settings.memory):
        raise Invalid(
            f"{works:,} works do not fit in the memory that a run may use",
            "raise the setting memory, or train on a machine with more memory",
        )
