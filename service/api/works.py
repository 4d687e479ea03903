"""``/v1/works``: reading works."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from sqlalchemy import Connection

from service import work_pages
from service.api import examples, schemas
from service.api.cache import Answer, answer
from service.api.documented import answers
from service.api.paging import Cursor, Limit, cursor, next_page, read_cursor
from service.api.paths import tail
from service.database import Database
from service.work_pages import WorkOrder


@get(
    "/works",
    opt={"hot": True},
    tags=["works"],
    summary="List works",
    sync_to_thread=True,
    responses=answers(schemas.Works, examples.WORKS),
)
def list_works(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    year: Annotated[
        int | None, QueryParameter(ge=0, le=9999, description="Only works of this year.")
    ] = None,
    venue: Annotated[
        str | None, QueryParameter(max_length=10_000, description="Only works of this venue.")
    ] = None,
    sort: Annotated[
        WorkOrder, QueryParameter(description="What is not known comes last.")
    ] = "-added",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[bytes]:
    """Works as they are now known, those added last first."""

    def render(connection: Connection) -> Answer:
        kind = f"all{sort}"
        after = read_cursor(kind, cursor, (str,))
        works = work_pages.list_works(
            connection, limit + 1, sort, after=after[0] if after else None, year=year, venue=venue
        )
        following = _cursor_of(kind, works, limit)
        return Answer({"items": works[:limit], "next": next_page(request, following)})

    return answer(request, database, render)


def _cursor_of(kind: str, works: list[dict[str, Any]], limit: int) -> str | None:
    return cursor(kind, works[limit - 1]["id"]) if len(works) > limit else None


@get(
    "/works/{id:path}",
    opt={"hot": True},
    tags=["works"],
    summary="A work with its authors as identities",
    sync_to_thread=True,
    responses=answers(schemas.WorkPage, examples.WORK, problems=(400, 404, 422)),
)
def read_work(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    id: Annotated[str, PathParameter(description="The work's own id; slashes may stand as such.")],
    version: Annotated[
        int | None,
        QueryParameter(ge=1, le=2**31 - 1, description="An earlier record, as it was read."),
    ] = None,
) -> Response[bytes]:
    """The record, the identity of each author, and where each version of it came from."""
    text = tail(request, "/v1/works/")

    def render(connection: Connection) -> Answer:
        page, current = work_pages.get_work(connection, text, version)
        return Answer(page, current)

    return answer(request, database, render)


HANDLERS = (list_works, read_work)
