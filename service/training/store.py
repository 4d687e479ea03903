"""Fitted models: request, cancel, list; a fitted model is a candidate until promoted.

Workers claim requests (:mod:`service.job_queue`). At most one request is queued or running: a
second would train on the same decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from disambig.console import escape_text
from service import job_queue
from service.actors import Actor
from service.db.database import Database
from service.db.tables import FittedModel
from service.errors import Conflict, Invalid, NotFound
from service.events.log import EventLog
from service.ids import new_id, sanitize_id
from service.runs.store import MAX_PAGE, MAX_REASON
from service.training.results import Model, ModelComparison
from service.values import to_dict

HELD_BACK = 0.2
"""Share of the decisions that are held back from training."""


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Options for fitting a model.

    Attributes
    ----------
    hold_back : float
        Share of the decisions held back from training, to compare the models on.
    seed : int
    """

    hold_back: float = HELD_BACK
    seed: int = 0


_NAMES = tuple(n for n in Model.__struct_fields__ if n not in ("in_use", "outdated"))
_VIEW = tuple(getattr(FittedModel, name) for name in _NAMES)
_WAITING = FittedModel.state.in_(("queued", "running"))


def request_model(
    database: Database,
    actor: Actor,
    options: FitOptions,
    patience: float,
    reason: str | None = None,
    *,
    worker: str | None = None,
) -> Model:
    """Queue the fitting of a model for a worker.

    Parameters
    ----------
    patience : float
        Seconds without a heartbeat after which a claim is lost.
    worker : str, optional
        A process that claims the model at once and fits it. If it dies, no other worker takes
        over, since its labels are not in the database.

    Raises
    ------
    Conflict
        If another is queued or running.
    Invalid
        If the reason is too long.
    """
    if reason is not None and len(reason) > MAX_REASON:
        raise Invalid(
            f"the reason has {len(reason):,} characters",
            f"use at most {MAX_REASON:,}",
            field="reason",
        )
    reason = None if reason is None else reason.replace("\0", "\u2400")
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        job_queue.fail_abandoned_jobs(connection, job_queue.MODEL, patience)
        waiting = connection.scalar(select(FittedModel.id).where(_WAITING).limit(1))
        if waiting is not None:
            raise Conflict(
                f"model {waiting} is being made", "wait for it, or cancel it", model=waiting
            )
        id_ = new_id("m")
        claim_values: dict[str, Any] = {"state": "queued"}
        if worker is not None:
            now = job_queue.read_clock(connection)
            claim_values = {
                "state": "running",
                "claimed_by": worker,
                "heartbeat_at": now,
                "started_at": now,
                "attempts": job_queue.MAX_ATTEMPTS,
            }
        connection.execute(
            insert(FittedModel).values(
                id=id_,
                added_at=event_log.at,
                actor=actor.name,
                reason=reason,
                wish={"hold_back": options.hold_back, "seed": options.seed},
                **claim_values,
            )
        )
        event_log.record("model-asked", actor, subject=id_, reason=reason)
        return get_model(connection, id_)


def get_model(connection: Connection, id_: str) -> Model:
    """Return one model.

    Raises
    ------
    NotFound
    """
    row = connection.execute(select(*_VIEW).where(FittedModel.id == sanitize_id(id_))).one_or_none()
    if row is None:
        raise model_not_found(id_)
    return _to_view(row, get_id_in_use(connection))


def list_models(
    connection: Connection, *, state: str | None = None, before: str | None = None, limit: int = 50
) -> list[Model]:
    """List models, newest first; only those requested before the model ``before``."""
    query = select(*_VIEW).order_by(FittedModel.key.desc()).limit(min(max(limit, 1), MAX_PAGE))
    if state is not None:
        query = query.where(FittedModel.state == state)
    if before is not None:
        key = select(FittedModel.key).where(FittedModel.id == sanitize_id(before)).scalar_subquery()
        query = query.where(FittedModel.key < key)
    used_id = get_id_in_use(connection)
    return [_to_view(row, used_id) for row in connection.execute(query)]


def get_id_in_use(connection: Connection) -> str | None:
    """Return the id of the model promoted last; None if runs use that of the settings."""
    query = select(FittedModel.id).where(FittedModel.promoted_seq.is_not(None))
    return connection.scalar(query.order_by(FittedModel.promoted_seq.desc()).limit(1))


def read_content(connection: Connection, id_: str) -> bytes:
    """Return the file of a model; empty if there is none."""
    query = select(FittedModel.content).where(FittedModel.id == id_)
    return connection.scalar(query) or b""


def read_options(connection: Connection, id_: str) -> FitOptions:
    """Return the options that a model was requested with."""
    values = connection.execute(select(FittedModel.wish).where(FittedModel.id == id_)).scalar_one()
    return FitOptions(float(values["hold_back"]), int(values["seed"]))


def cancel_model(database: Database, actor: Actor, id_: str, reason: str | None = None) -> Model:
    """Cancel the fitting of a model, or discard a candidate.

    Raises
    ------
    NotFound
    Conflict
        If it has ended, or was promoted.
    """
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        model = get_model(connection, id_)
        if model.state not in ("queued", "running", "candidate"):
            raise Conflict(
                f"model {model.id} is {model.state}",
                "only one that is queued, running or a candidate can be cancelled",
                state=model.state,
            )
        values = {
            "state": "cancelled",
            "ended_at": event_log.at,
            "claimed_by": None,
            "content": None,
        }
        connection.execute(update(FittedModel).where(FittedModel.id == id_).values(**values))
        event_log.record(
            "model-cancelled", actor, subject=id_, reason=reason, before={"state": model.state}
        )
        return get_model(connection, id_)


def store_candidate(
    database: Database,
    actor: Actor,
    claim: job_queue.Claim,
    digest: str,
    content: bytes,
    comparison: ModelComparison,
) -> Model:
    """Store a fitted model as a candidate.

    Raises
    ------
    LostClaim
        If it was cancelled, or another worker has it.
    """
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        values = {
            "state": "candidate",
            "digest": digest,
            "content": content,
            "comparison": to_dict(comparison),
            "ended_at": event_log.at,
            "claimed_by": None,
            "stage": None,
            "error": None,
        }
        job_queue.lock_claim(connection, claim)
        connection.execute(update(FittedModel).where(FittedModel.key == claim.key).values(**values))
        event_log.record("model-fitted", actor, subject=claim.id, after={"digest": digest})
        return get_model(connection, claim.id)


def model_not_found(id_: str) -> NotFound:
    """Build the error for an unknown id."""
    return NotFound(
        f"there is no model {escape_text(id_[:40])!r}",
        "list the models: disambig review models",
        field="model",
    )


def _to_view(row: Row[Any], used_id: str | None) -> Model:
    values = dict(row._mapping)
    if values["comparison"] is not None:
        values["comparison"] = msgspec.convert(values["comparison"], ModelComparison)
    comparison: ModelComparison | None = values["comparison"]
    compared_with = None if comparison is None else comparison.with_.model
    return Model(
        **values,
        in_use=values["id"] == used_id,
        outdated=values["state"] == "candidate" and compared_with != used_id,
    )
