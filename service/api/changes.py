"""``/v1/changes``: the feed that consumers follow."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from sqlalchemy import Connection

from service import feed
from service.api import examples, schemas
from service.api.cache import Answer, answer
from service.api.documented import answers
from service.api.paging import BIGGEST
from service.database import Database

MOST = 1000

Kind = Literal["create", "keep", "merge", "split", "move", "restore"]


@get(
    "/changes",
    opt={"hot": True},
    tags=["feed"],
    summary="What became of identities, in order",
    sync_to_thread=True,
    responses=answers(schemas.Changes, examples.CHANGES),
)
def read_changes(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    since: Annotated[
        int,
        QueryParameter(ge=0, le=BIGGEST, description="`since` of the part before; 0: all."),
    ] = 0,
    limit: Annotated[
        int, QueryParameter(ge=1, le=MOST, description=f"Entries at most, 1 to {MOST}.")
    ] = 100,
    kind: Annotated[Kind | None, QueryParameter(description="Only changes of this kind.")] = None,
    identity: Annotated[
        str | None, QueryParameter(max_length=100, description="Only changes of this identity.")
    ] = None,
) -> Response[bytes]:
    """Every create, keep, merge, split, move and restore, each exactly once.

    Keep `since` of the last part you have dealt with and pass it next time: numbers appear in the
    order of commits, so nothing is missed and nothing comes twice.
    """

    def render(connection: Connection) -> Answer:
        items, last = feed.list_changes_since(connection, since, limit, kind=kind, identity=identity)
        kept = {"kind": kind, "identity": identity}
        query = {k: v for k, v in kept.items() if v is not None}
        following = urlencode({"since": last, "limit": limit, **query})
        full = len(items) == limit
        path = request.scope["path"]
        return Answer(
            {"items": items, "since": last, "next": f"{path}?{following}" if full else None}
        )

    return answer(request, database, render)


HANDLERS = (read_changes,)
