"""``/v1/works`` and ``/v1/assign``: store works, assign their mentions, preview it; read works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import PathParameter, QueryParameter, RawBody
from sqlalchemy import Connection

from service.actors import Actor, Role
from service.api.examples import edit as edit_examples
from service.api.examples import read as examples
from service.api.http.bodies import BodyTooLarge, NonEmptyRequest
from service.api.http.openapi import describe_responses
from service.api.http.paging import Cursor, Limit, make_cursor, next_page_path, read_cursor
from service.api.http.paths import read_path_tail
from service.api.http.responses import (
    IdempotencyKey,
    Json,
    describe_raw_body,
    respond_private,
    run_write,
)
from service.api.middleware.auth import require_role
from service.api.middleware.cache import ReadResult, respond_cached
from service.assignment.results import DryRun, Intake
from service.db.database import Database
from service.settings import Settings
from service.works import queries as work_queries
from service.works.queries import WorkOrder
from service.works.results import WorkEntry, WorkPage, Works

if TYPE_CHECKING:
    from disambig.ingest import Row
    from service.api.routes.assigner import SharedAssigner
    from service.assignment.assign import WorkAssigner

MAX_WORKS = 10_000
MAX_DRY_RUN_WORKS = 20

_LINES = Schema(type=OpenAPIType.STRING, description="One JSON object per line.")
_JSON = Schema(
    description="One work, or an array of works.",
    one_of=[
        Schema(type=OpenAPIType.OBJECT),
        Schema(type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.OBJECT)),
    ],
)
_BODIES = {
    "application/x-ndjson": (_LINES, "Two works", edit_examples.WORKS_NDJSON),
    "application/json": (_JSON, "One work", edit_examples.WORK),
}


@post(
    "/works",
    guards=[require_role(Role.EDITOR)],
    tags=["works"],
    summary="Store works and assign their mentions",
    status_code=200,
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    operation_class=describe_raw_body(_BODIES),
    responses=describe_responses(
        Intake, edit_examples.INTAKE, problems=(400, 401, 403, 409, 413, 415, 422)
    ),
)
def post_works(
    request: Request[Any, Any, Any],
    settings: NamedDependency[Settings],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    body: RawBody,
    place: Annotated[
        bool, QueryParameter(description="Whether to assign the mentions immediately.")
    ] = True,
    label: Annotated[
        str | None, QueryParameter(max_length=200, description="Label of the delivery.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Json[Intake]:
    """Each record is stored or rejected separately; the response has a row for each, in order.

    A known work is stored as a new version if it differs. Confident assignments are published
    at once, uncertain ones become review tasks. The body may be compressed with gzip; at most
    10,000 works per request (larger deliveries: `disambig load`).
    """
    rows = _read_rows(body, MAX_WORKS)
    assigner = _get_assigner(request) if place and settings.place_new else None

    def act(db: Database) -> Intake:
        from service.assignment.intake import store_and_assign

        return store_and_assign(db, actor, label or "request", rows, assigner)

    return run_write(request, database, actor, body, act, in_parts=True)


@post(
    "/assign",
    guards=[require_role(Role.REVIEWER)],
    tags=["works"],
    summary="Assign the mentions of works without storing them",
    status_code=200,
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    operation_class=describe_raw_body(_BODIES),
    responses=describe_responses(
        DryRun, edit_examples.DRY_RUN, problems=(400, 401, 403, 409, 413, 415)
    ),
)
def post_assign(request: Request[Any, Any, Any], body: RawBody) -> Json[DryRun]:
    """Dry run: nothing is stored. At most 20 works per request."""
    from service.assignment.intake import preview_rows

    return respond_private(
        preview_rows(_get_assigner(request), _read_rows(body, MAX_DRY_RUN_WORKS))
    )


def _get_assigner(request: Request[Any, Any, Any]) -> WorkAssigner:
    shared: SharedAssigner = request.app.state["assigner"]
    return shared.get()


def _read_rows(body: bytes, max_rows: int) -> list[Row]:
    from disambig.ingest import read_records

    rows: list[Row] = []
    for row in read_records(body, file="request"):
        if len(rows) == max_rows:
            raise BodyTooLarge(
                f"there are more than {max_rows:,} works",
                "send them in several requests",
                field="body",
                line=row.line,
            )
        rows.append(row)
    return rows


@get(
    "/works",
    opt={"hot": True},
    tags=["works"],
    summary="List works",
    sync_to_thread=True,
    responses=describe_responses(Works, examples.WORKS),
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
        WorkOrder, QueryParameter(description="Order; unknown values come last.")
    ] = "-added",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Json[Works]:
    """Return current work versions, by default most recently added first."""

    def render(connection: Connection) -> ReadResult[Works]:
        kind = f"all{sort}"
        after = read_cursor(kind, cursor, (str,))
        works = work_queries.list_works(
            connection, limit + 1, sort, after=after[0] if after else None, year=year, venue=venue
        )
        following = _cursor_of(kind, works, limit)
        return ReadResult(Works(items=works[:limit], next=next_page_path(request, following)))

    return respond_cached(request, database, render)


def _cursor_of(kind: str, works: list[WorkEntry], limit: int) -> str | None:
    return make_cursor(kind, works[limit - 1].id) if len(works) > limit else None


@get(
    "/works/{id:path}",
    opt={"hot": True},
    tags=["works"],
    summary="Read a work with the identities of its authors",
    sync_to_thread=True,
    responses=describe_responses(WorkPage, examples.WORK, problems=(400, 404, 422)),
)
def read_work(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    id: Annotated[str, PathParameter(description="Id of the work; slashes need no encoding.")],
    version: Annotated[
        int | None,
        QueryParameter(ge=1, le=2**31 - 1, description="An earlier version of the record."),
    ] = None,
) -> Json[WorkPage]:
    """Return the record, the identity of each author, and the provenance of each version."""
    text = read_path_tail(request, "/v1/works/")

    def render(connection: Connection) -> ReadResult[WorkPage]:
        page = work_queries.get_work(connection, text, version)
        return ReadResult(page, page.current)

    return respond_cached(request, database, render)


HANDLERS = (post_works, post_assign, list_works, read_work)
