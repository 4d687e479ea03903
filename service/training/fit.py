"""Fitting a model that was asked for, comparing it with the one in use, keeping it as a candidate.

Workers and ``disambig review train`` both do it here. What the model in use is, and all works and
decisions, are read when it begins; a model that is promoted meanwhile outdates the candidate.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disambig.progress import Progress
from service.actors import Actor
from service.db.database import Database
from service.errors import Invalid
from service.job_queue import Claim
from service.runs.full_run import size_of
from service.settings import Settings
from service.training import examples as training_examples
from service.training import promotion
from service.training import store as model_store
from service.training.comparison import NEW, OLD, Comparing

if TYPE_CHECKING:
    from disambig.corpus.corpus import Corpus
    from disambig.domain import Label
    from disambig.model.model import Model

CORRECTED, FITTED = "corrected", "fitted"
TRAIN = "train"
"""Split of the labels of the settings that is learned from."""


@dataclass(frozen=True)
class Labelled:
    """Labelled works beside decisions: labels to learn from, and others to compare on."""

    corpus: Corpus
    learned: Sequence[Label]
    others: Sequence[Label]

    @classmethod
    def of(cls, works: Sequence[Path], labels: Sequence[Path], split: str = TRAIN) -> Labelled:
        """Of files; the labels of one split are learned from."""
        from disambig.corpus.corpus import Corpus
        from disambig.ingest import read_labels, read_works

        known = list(read_labels(labels))
        return cls(
            Corpus.from_works(read_works(works)),
            [label for label in known if label.split == split],
            [label for label in known if label.split != split],
        )


def fit(
    database: Database,
    settings: Settings,
    actor: Actor,
    claim: Claim,
    progress: Progress,
    labelled: Labelled | None = None,
) -> model_store.ModelView:
    """Fit, compare and keep the model that a process holds; the candidate.

    Parameters
    ----------
    labelled : Labelled, optional
        Left out, what the setting ``gold`` names. With labels to learn from the model is fitted
        anew on these and decisions; without, the one in use is corrected by answered questions.

    Raises
    ------
    Invalid, InputError, ModelError
        Trying again would find the same.
    LostClaim
        If it was cancelled, or another worker has it.
    """
    from disambig.model.model import Model

    with database.read() as connection:
        _insist_memory(settings, *size_of(connection))
        used = promotion.current(connection)
        wish = model_store.wish(connection, claim.id)
    if used is not None:
        settings = promotion.with_promoted(database, settings, used)
    old = Model.load(settings.model)
    with progress("Reading works", None, "works"):
        corpus, decided, answers = training_examples.read(database)
        labelled = labelled or _gold(settings.gold)
    taught = training_examples.lesson(decided, answers, wish.hold_back, wish.seed)
    space = training_examples.Indexes(corpus)
    learned = labelled.learned if labelled else ()
    if labelled and learned:
        new = training_examples.fitted(
            corpus, taught, (labelled.corpus, learned), seed=wish.seed, progress=progress
        )
    else:
        new = training_examples.corrected(space, taught, old, progress)
    gold = (labelled.corpus, labelled.others) if labelled else None
    comparing = Comparing({OLD: old, NEW: new}, settings.workers or 1, progress)
    told = {
        "with": {"model": None if used is None else used.id, "digest": old.digest},
        "learned": _learned(taught, len(learned)),
        **comparing.compared(space, decided, taught, gold),
    }
    return model_store.store(database, actor, claim, new.digest, _content(new), told)


def _learned(taught: training_examples.Lesson, labels: int) -> dict[str, Any]:
    n = len(taught.answers)
    return {
        "how": FITTED if labels else CORRECTED,
        "decisions": taught.decisions,
        "answers": n,
        "same": taught.same,
        "different": n - taught.same,
        "labels": labels,
        "held_back": taught.held_decisions,
    }


def _content(model: Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.npz"
        model.save(file)
        return file.read_bytes()


def _gold(folder: Path | None) -> Labelled | None:
    """Labelled works of the settings."""
    if folder is None:
        return None
    return Labelled.of([_file(folder, "works.jsonl")], [_file(folder, "labels.jsonl")])


def _file(folder: Path, name: str) -> Path:
    for file in (folder / name, folder / f"{name}.gz"):
        if file.is_file():
            return file
    raise Invalid(
        f"the folder of the setting gold has no {name}",
        f"put {name} or {name}.gz there",
        field="gold",
    )


def _insist_memory(settings: Settings, works: int, characters: int) -> None:
    """Refuse more works than fit in memory: models are compared on all of them at once."""
    from disambig.out_of_core.budget import fits

    if not fits(characters, settings.memory):
        raise Invalid(
            f"{works:,} works do not fit in the memory that a run may use",
            "raise the setting memory, or train where there is more",
        )
