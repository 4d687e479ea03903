"""Which model runs use: one that a person promoted, or else that of the settings.

A promoted model is kept in the database, so that every worker has it. Promoting another, also one
that was in use before, is how a promotion is taken back.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from disambig.console import safe
from service.actors import Actor, Role
from service.database import Database
from service.errors import Conflict, Forbidden, Invalid, NotFound
from service.ids import new_id
from service.ledger import Ledger
from service.settings import Settings
from service.tables import FittedModel

SHIPPED = "shipped"
PROMOTED = "model-promoted"
LARGEST = 256 * 2**20
"""Bytes of a model's file, at most."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """A model that is, or was, in use."""

    id: str
    digest: str
    sequence: int


def promote(database: Database, actor: Actor, model: str, reason: str | None = None) -> Promoted:
    """Let runs use a model from now on; nothing that is published changes.

    Parameters
    ----------
    model : str
        A file, the id of one that was promoted before, or ``shipped`` for the one that comes
        with the package.

    Raises
    ------
    Forbidden
        Unless a person who is an admin does it.
    Invalid, ModelError
        If the file is no model, or does not fit this version.
    NotFound
        If no model has the id.
    Conflict
        If it is in use already.
    """
    if not actor.role.includes(Role.ADMIN) or actor.name.startswith("worker:"):
        raise Forbidden("a model is promoted by a person who is an admin", "ask one")
    content = None if _is_id(model) else _content(model)
    digest = None if content is None else _digest(content)
    with database.write() as connection:
        ledger = Ledger.hold(connection)
        before = current(connection)
        known = _known(connection, model, digest)
        if before is not None and known is not None and known.digest == before.digest:
            raise Conflict(f"runs use {before.id} already", "nothing needs to be done")
        id_ = new_id("m") if known is None else known.id
        digest = digest if known is None else known.digest
        seq = ledger.record(
            PROMOTED, actor, subject=id_, reason=reason,
            before=None if before is None else {"model": before.id, "digest": before.digest},
            after={"model": id_, "digest": digest},
        )  # fmt: skip
        if known is None:
            stored = insert(FittedModel).values(
                id=id_, digest=digest, content=content, added_at=ledger.at, promoted_seq=seq
            )
            connection.execute(stored)
        else:
            changed = update(FittedModel).where(FittedModel.id == id_)
            connection.execute(changed.values(promoted_seq=seq))
        assert digest is not None
        return Promoted(id_, digest, seq)


def current(connection: Connection) -> Promoted | None:
    """The model that runs use; None: that of the settings."""
    return next(iter(history(connection, 1)), None)


def history(connection: Connection, limit: int = 50) -> list[Promoted]:
    """Models that were promoted, the last one first."""
    query = select(FittedModel.id, FittedModel.digest, FittedModel.promoted_seq)
    query = query.order_by(FittedModel.promoted_seq.desc()).limit(limit)
    return [Promoted(*row) for row in connection.execute(query)]


def with_promoted(database: Database, settings: Settings) -> Settings:
    """Settings that name the promoted model, as a file in the data folder; else the same."""
    with database.read() as connection:
        found = current(connection)
        if found is None:
            return settings
        file = settings.data / "models" / f"{found.digest}.npz"
        if not file.is_file():
            query = select(FittedModel.content).where(FittedModel.id == found.id)
            _put(file, connection.scalars(query).one())
    return settings.model_copy(update={"model": file})


def _is_id(model: str) -> bool:
    return model.startswith("m-") and not Path(model).exists()


def _known(connection: Connection, model: str, digest: str | None) -> Promoted | None:
    query = select(FittedModel.id, FittedModel.digest, FittedModel.promoted_seq)
    if digest is not None:
        row = connection.execute(query.where(FittedModel.digest == digest)).first()
        return None if row is None else Promoted(*row)
    sane = model if model.isascii() and model.isprintable() else ""
    row = connection.execute(query.where(FittedModel.id == sane)).first()
    if row is None:
        raise NotFound(
            f"no model {safe(model[:40])}", "name a file, or a model that was promoted before",
            field="model",
        )  # fmt: skip
    return Promoted(*row)


def _content(model: str) -> bytes:
    from importlib.resources import files

    source = files("disambig") / "data" / "model.npz" if model == SHIPPED else Path(model)
    try:
        with source.open("rb") as opened:
            found = opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise Invalid(
            f"{safe(model[:200])} cannot be read: {error}", "name a file made by disambig train",
            field="model",
        ) from error  # fmt: skip
    if len(found) > LARGEST:
        raise Invalid(f"a model of more than {LARGEST:,} bytes", "name another", field="model")
    return found


def _digest(content: bytes) -> str:
    """Digest of a model, checked against this version."""
    from disambig.group_features import GROUP_FEATURES
    from disambig.model import Model
    from disambig.pair_features import PAIR_FEATURES
    from disambig.semantic import SemanticSpace

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.npz"
        file.write_bytes(content)
        model = Model.load(file)
    model.check_features(PAIR_FEATURES, GROUP_FEATURES)
    model.check_space(SemanticSpace.load().fingerprint)
    return model.digest


def _put(file: Path, content: bytes) -> None:
    """Write a file so that others see all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "wb") as opened:
        opened.write(content)
    Path(part).replace(file)
