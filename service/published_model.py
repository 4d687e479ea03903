"""The model that new works are placed with: the one that made the published identities.

What was published is a model's work, and its statistics are those of that run; another model
would draw the lines between people elsewhere, and the next run would take back what it had
placed. So a promotion changes placements when a full run with the promoted model is published,
in every process at its next look at what is published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from disambig.errors import ModelError
from disambig.progress import silent
from service import logs
from service.clustering import Engine
from service.database import Database
from service.promotion import Promoted, with_promoted
from service.settings import Settings
from service.tables import FittedModel

if TYPE_CHECKING:
    from disambig.model import Model

log = logs.get_logger("service.placing")


def published_model(database: Database, settings: Settings, digest: str | None) -> Model:
    """The model that a published run was made with.

    Where it is no more, for another version of the package came with another model, it is the
    one that the next run will use.

    Parameters
    ----------
    digest : str or None
        Of the run's model.

    Raises
    ------
    ModelError
        If the next run could not be made either.
    """
    made = _made_with(database, settings, digest)
    if made is not None:
        return made
    log.warning("the model of the published run is no more", digest=digest)
    return Engine(with_promoted(database, settings), silent).model()


def _made_with(database: Database, settings: Settings, digest: str | None) -> Model | None:
    query = select(FittedModel.id, FittedModel.digest, FittedModel.promoted_seq).where(
        FittedModel.digest == digest, FittedModel.promoted_seq.is_not(None)
    )
    with database.read() as connection:
        row = connection.execute(query.limit(1)).first()
    used = None if row is None else Promoted(row[0], row[1] or "", row[2] or 0)
    own = settings if used is None else with_promoted(database, settings, used)
    try:
        found = Engine(own, silent).model()
    except ModelError:
        return None
    return found if found.digest == digest else None
