"""Values that queries and use cases of fitted models return."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from service.values import Value, doc, field

ModelState = Literal["queued", "running", "candidate", "promoted", "failed", "cancelled"]
FitMethod = Literal["corrected", "fitted"]


class ComparedModel(Value, kw_only=True):
    """The model with which a candidate was compared."""

    model: Annotated[str | None, doc("Id; null: the model of the settings.")]
    digest: str


class TrainingSummary(Value, kw_only=True):
    """Training data of a model."""

    how: Annotated[
        FitMethod,
        doc(
            "corrected: the model in use, recalibrated on answers; fitted: a model fitted "
            "on labels and decisions."
        ),
    ]
    decisions: int
    answers: Annotated[int, doc("Tasks that these decisions answered.")]
    same: Annotated[int, doc("Answers stating one person.")]
    different: int
    labels: int
    held_back: Annotated[int, doc("Decisions held out for evaluation.")]


class OldAndNew(Value, kw_only=True):
    """A value for the model in use and for the candidate."""

    old: float
    new: float


class OldAndNewCount(Value, kw_only=True):
    """A count for the model in use and for the candidate."""

    old: int
    new: int


class HeldOutComparison(Value, kw_only=True):
    """Both models evaluated on held-out decisions."""

    decisions: Annotated[int, doc("Held-out decisions that are not implied by the others.")]
    right: Annotated[OldAndNewCount, doc("Decisions that each model reproduces completely.")]
    mended: Annotated[int, doc("Decisions that only the candidate has right.")]
    broken: Annotated[int, doc("Decisions that only the model in use has right.")]
    questions: Annotated[int, doc("Tasks answered by held-out decisions.")]
    sureness: Annotated[
        OldAndNew | None,
        doc("Mean probability that each model gives to the answers; null without any."),
    ]


class Figures(Value, kw_only=True):
    """B-cubed figures, averaged over mentions."""

    precision: float
    recall: float
    f1: float


class GoldComparison(Value, kw_only=True):
    """Both models evaluated on labels that the candidate was not trained on."""

    labels: int
    old: Figures
    new: Figures


class ModelComparison(Value, kw_only=True):
    """Comparison of a candidate with the model in use."""

    with_: ComparedModel = field(name="with")
    learned: TrainingSummary
    held_back: HeldOutComparison
    gold: GoldComparison | None
    mentions: int
    changed: Annotated[int, doc("Mentions that would be grouped differently.")]
    identities: OldAndNewCount


class Model(Value, kw_only=True):
    """A model: queued, running, candidate, promoted, failed or cancelled."""

    id: str
    state: ModelState
    digest: Annotated[str | None, doc("SHA-256 of its content.")]
    actor: Annotated[str | None, doc("Actor who requested it.")]
    reason: str | None
    added_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    attempts: int
    stage: Annotated[str | None, doc("Current stage.")]
    done: int
    total: int | None
    error: str | None
    comparison: ModelComparison | None
    promoted_seq: Annotated[int | None, doc("Sequence number of the event that last promoted it.")]
    in_use: Annotated[bool, doc("Whether runs currently use it.")]
    outdated: Annotated[
        bool,
        doc(
            "Whether it was compared with a model that is no longer in use; it cannot be "
            "promoted then."
        ),
    ]


class Models(Value, kw_only=True):
    """A page of models."""

    items: Sequence[Model]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]
    in_use: Annotated[
        str | None, doc("Id of the model that runs use; null: the model of the settings.")
    ]
