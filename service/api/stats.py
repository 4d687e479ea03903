"""``/v1/stats``: how much there is."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from service import statistics
from service.api import examples, schemas
from service.api.cache import Answer, answer
from service.api.documented import answers
from service.database import Database


@get(
    "/stats",
    opt={"hot": True},
    tags=["feed"],
    summary="Counts of what the service holds",
    sync_to_thread=True,
    responses=answers(schemas.Stats, examples.STATS, problems=()),
)
def read_stats(
    request: Request[Any, Any, Any], database: NamedDependency[Database]
) -> Response[bytes]:
    """Works, names, mentions, identities, and the publication that readers see."""
    return answer(request, database, lambda c: Answer(statistics.count_records(c)))


HANDLERS = (read_stats,)
