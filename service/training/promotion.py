"""Promote models: the model that runs use, and the one that new works are assigned with.

Runs use the model that an admin promoted, or else that of the settings. A promoted model is stored
in the database, so that every worker has it. To undo a promotion, promote the earlier model.

New works are assigned with the model that made the published identities, and with the statistics
of that run: another model would separate people differently, and the next run would undo its
assignments. So a promotion affects assignments only after a full run with the promoted model is
published; every process notices at its next check of the published run.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select, update

from disambig.console import escape_text
from disambig.errors import ModelError
from disambig.progress import no_progress
from service import log as logs
from service.actors import Actor, Role
from service.db.database import Database
from service.db.tables import Event, FittedModel
from service.errors import Conflict, Forbidden, Invalid
from service.events.log import EventLog
from service.ids import new_id
from service.runs.full_run import Engine
from service.settings import Settings
from service.training import store as model_store

if TYPE_CHECKING:
    from disambig.model.model import Model

SHIPPED = "shipped"
PROMOTED = "model-promoted"
MAX_NAMED = 20
"""Most promotions that one error lists."""
MAX_BYTES = 256 * 2**20
"""Most bytes of a model file."""


@dataclass(frozen=True, slots=True)
class PromotedModel:
    """A model that is, or was, in use."""

    id: str
    digest: str
    sequence: int


def promote(
    database: Database,
    actor: Actor,
    model: str,
    reason: str | None = None,
    *,
    expected: int | None = None,
) -> PromotedModel:
    """Make future runs use a model; published identities do not change.

    Parameters
    ----------
    model : str
        Id of a candidate, or of a model that was promoted before, or ``shipped`` for the one
        that comes with the package.
    expected : int, optional
        Event number of the last promotion that the caller has seen, 0 for none.

    Raises
    ------
    Forbidden
        If the actor is not an admin, or is a worker.
    NotFound
        If no model has the id.
    Conflict
        If it is in use already, is neither, was compared with another model than the one in use,
        or does not fit this version; or if another was promoted since ``expected``, with actor
        and time.
    """
    if model == SHIPPED:
        return promote_file(database, actor, _get_shipped_file(), reason, expected=expected)
    _check_admin(actor)
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        candidate = model_store.get_model(connection, model)
        _check_expected(connection, expected)
        if candidate.in_use:
            raise Conflict(f"runs use {candidate.id} already", "nothing needs to be done")
        if candidate.state not in ("candidate", "promoted"):
            raise Conflict(
                f"model {candidate.id} is {candidate.state}",
                "only a candidate can be promoted",
                state=candidate.state,
            )
        if candidate.outdated:
            raise Conflict(
                f"since model {candidate.id} was compared with the one in use, "
                "another was promoted",
                "train again, which compares with that one",
                in_use=model_store.get_id_in_use(connection),
            )
        try:
            digest = _check_and_digest(model_store.read_content(connection, candidate.id))
        except ModelError as error:
            raise Conflict(str(error), "train again with this version") from error
        return _put_in_use(event_log, actor, candidate.id, digest, reason)


def promote_file(
    database: Database,
    actor: Actor,
    file: Path,
    reason: str | None = None,
    *,
    expected: int | None = None,
) -> PromotedModel:
    """Promote a model from a file, which is stored in the database.

    Raises
    ------
    Forbidden, Conflict
        As :func:`promote`.
    Invalid, ModelError
        If the file is no model, or does not fit this version.
    """
    _check_admin(actor)
    content = _read_file(file)
    digest = _check_and_digest(content)
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        _check_expected(connection, expected)
        current_model = get_promoted(connection)
        if current_model is not None and current_model.digest == digest:
            raise Conflict(f"runs use {current_model.id} already", "nothing needs to be done")
        promoted_query = select(FittedModel.id).where(
            FittedModel.digest == digest, FittedModel.promoted_seq.is_not(None)
        )
        id_ = connection.scalar(promoted_query.order_by(FittedModel.key).limit(1))
        if id_ is None:
            id_ = new_id("m")
            connection.execute(
                insert(FittedModel).values(
                    id=id_,
                    digest=digest,
                    content=content,
                    added_at=event_log.at,
                    actor=actor.name,
                    reason=reason,
                    state="promoted",
                )
            )
        return _put_in_use(event_log, actor, id_, digest, reason)


def _put_in_use(
    event_log: EventLog, actor: Actor, id_: str, digest: str, reason: str | None
) -> PromotedModel:
    connection = event_log.connection
    earlier = get_promoted(connection)
    seq = event_log.record(
        PROMOTED,
        actor,
        subject=id_,
        reason=reason,
        before=None if earlier is None else {"model": earlier.id, "digest": earlier.digest},
        after={"model": id_, "digest": digest},
    )
    statement = update(FittedModel).where(FittedModel.id == id_)
    connection.execute(statement.values(promoted_seq=seq, state="promoted"))
    return PromotedModel(id_, digest, seq)


def _check_admin(actor: Actor) -> None:
    if not actor.role.includes(Role.ADMIN) or actor.name.startswith("worker:"):
        raise Forbidden("only an admin can promote a model", "ask an admin")


def _check_expected(connection: Connection, expected: int | None) -> None:
    """Reject a promotion if the caller has not seen the last one."""
    current_model = get_promoted(connection)
    if expected is None or expected == (0 if current_model is None else current_model.sequence):
        return
    query = select(Event.seq, Event.subject, Event.actor, Event.at, Event.reason).where(
        Event.kind == PROMOTED, Event.seq > expected
    )
    later_promotions = connection.execute(query.order_by(Event.seq.desc()).limit(MAX_NAMED)).all()
    descriptions = [
        f"{e.actor} promoted model {e.subject} at {e.at:%Y-%m-%d %H:%M} UTC"
        for e in later_promotions[:3]
    ]
    raise Conflict(
        "another model was promoted meanwhile"
        + (f": {'; before that '.join(descriptions)}" if descriptions else ""),
        "look at the model in use now, then promote",
        in_use=None if current_model is None else current_model.id,
        promotion=0 if current_model is None else current_model.sequence,
        since=[
            {
                "seq": e.seq,
                "model": e.subject,
                "actor": e.actor,
                "at": e.at.isoformat(),
                "reason": e.reason,
            }
            for e in later_promotions
        ],
    )


def get_promoted(connection: Connection) -> PromotedModel | None:
    """Return the model that runs use; None: that of the settings."""
    return next(iter(list_promotions(connection, 1)), None)


def list_promotions(connection: Connection, limit: int = 50) -> list[PromotedModel]:
    """List promoted models, the last promoted first."""
    query = select(FittedModel.id, FittedModel.digest, FittedModel.promoted_seq)
    query = query.where(FittedModel.promoted_seq.is_not(None))
    query = query.order_by(FittedModel.promoted_seq.desc()).limit(limit)
    rows = connection.execute(query).all()
    return [PromotedModel(id_, digest or "", seq or 0) for id_, digest, seq in rows]


def apply_promoted(
    database: Database, settings: Settings, promoted_before: PromotedModel | None = None
) -> Settings:
    """Return settings with the promoted model, as a file in the data folder; else unchanged.

    ``promoted_before`` is a promoted model read before; default: the current one.
    """
    with database.read() as connection:
        promoted = promoted_before or get_promoted(connection)
        if promoted is None:
            return settings
        file = settings.data / "models" / f"{promoted.digest}.npz"
        if not file.is_file():
            _write_atomically(file, model_store.read_content(connection, promoted.id))
    return settings.model_copy(update={"model": file})


def _get_shipped_file() -> Path:
    from importlib.resources import files

    return Path(str(files("disambig"))) / "data" / "model.npz"


def _read_file(model: Path) -> bytes:
    try:
        with model.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Invalid(
            f"{escape_text(str(model)[:200])} cannot be read: {error}",
            "name a file made by disambig train, or the id of a model",
            field="model",
        ) from error
    if len(content) > MAX_BYTES:
        raise Invalid(f"a model of more than {MAX_BYTES:,} bytes", "name another", field="model")
    return content


def _check_and_digest(content: bytes) -> str:
    """Check a model against this version; return its digest."""
    from disambig.clustering.batch import check_model
    from disambig.corpus.embeddings import SemanticSpace
    from disambig.model.model import Model

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.npz"
        file.write_bytes(content)
        model = Model.load(file)
    check_model(model)
    model.check_space(SemanticSpace.load().fingerprint)
    return model.digest


def _write_atomically(file: Path, content: bytes) -> None:
    """Write a file atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "wb") as opened:
        opened.write(content)
    Path(part).replace(file)


log = logs.get_logger("service.assignment.assign")


def load_published_model(database: Database, settings: Settings, digest: str | None) -> Model:
    """Load the model that a published run was made with.

    If it no longer exists (an upgrade of the package replaced it), load the model that the next
    run will use.

    Parameters
    ----------
    digest : str or None
        Digest of the run's model.

    Raises
    ------
    ModelError
        If the model of the next run cannot be loaded either.
    """
    model = _find_model(database, settings, digest)
    if model is not None:
        return model
    log.warning("model of the published run is missing", digest=digest)
    return Engine(apply_promoted(database, settings), no_progress).load_model()


def _find_model(database: Database, settings: Settings, digest: str | None) -> Model | None:
    query = select(FittedModel.id, FittedModel.digest, FittedModel.promoted_seq).where(
        FittedModel.digest == digest, FittedModel.promoted_seq.is_not(None)
    )
    with database.read() as connection:
        row = connection.execute(query.limit(1)).first()
    promoted = None if row is None else PromotedModel(row[0], row[1] or "", row[2] or 0)
    model_settings = settings if promoted is None else apply_promoted(database, settings, promoted)
    try:
        model = Engine(model_settings, no_progress).load_model()
    except ModelError:
        return None
    return model if model.digest == digest else None
