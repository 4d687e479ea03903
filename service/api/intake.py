"""``POST /v1/works`` and ``POST /v1/assign``: works in the native format, stored or only tried."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import QueryParameter, RawBody

from disambig.console import safe
from service.actors import Actor, Role
from service.api import edit_examples as examples
from service.api import edit_schemas as schemas
from service.api.auth import requires
from service.api.bodies import BodyTooLarge, Filled
from service.api.documented import answers
from service.api.writes import IdempotencyKey, raw_body, shown, written
from service.database import Database
from service.settings import Settings

if TYPE_CHECKING:
    from disambig.ingest import Row
    from service.api.placers import SharedPlacer
    from service.intake import Outcome
    from service.placing import Assigned, Placer
    from service.works import RowResult

MOST_WORKS = 10_000
MOST_TRIED = 20

_LINES = Schema(type=OpenAPIType.STRING, description="One JSON object in each line.")
_JSON = Schema(
    description="One work, or an array of works.",
    one_of=[
        Schema(type=OpenAPIType.OBJECT),
        Schema(type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.OBJECT)),
    ],
)
_BODIES = {
    "application/x-ndjson": (_LINES, "Two works", examples.WORKS_NDJSON),
    "application/json": (_JSON, "One work", examples.WORK),
}


@post(
    "/works",
    guards=[requires(Role.EDITOR)],
    tags=["works"],
    summary="Store works and place their mentions",
    status_code=200,
    sync_to_thread=True,
    request_class=Filled,
    operation_class=raw_body(_BODIES),
    responses=answers(schemas.Intake, examples.INTAKE, problems=(400, 401, 403, 409, 413, 422)),
)
def post_works(
    request: Request[Any, Any, Any],
    settings: NamedDependency[Settings],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    body: RawBody,
    place: Annotated[
        bool, QueryParameter(description="Whether to place the mentions at once.")
    ] = True,
    label: Annotated[
        str | None, QueryParameter(max_length=200, description="What to call the delivery.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[bytes]:
    """Each record is stored or rejected by itself; the answer has a row for each, in order.

    A work that is known is stored as a new version where it differs. Mentions that the model is
    sure of are published at once, the others become review tasks. The body may be packed with
    gzip; at most 10,000 works a request (larger deliveries: `disambig load`).
    """
    rows = _rows(body, MOST_WORKS)
    wanted = _placer(request) if place and settings.place_new else None

    def act(given: Database) -> dict[str, Any]:
        from service.intake import counts, take_in, verdicts

        outcomes = take_in(given, actor, label or "request", rows, wanted)
        return {
            "counts": counts(outcomes),
            "mentions": verdicts(outcomes),
            "rows": [_told(outcome) for outcome in outcomes],
        }

    return written(request, database, actor, body, act, in_parts=True)


@post(
    "/assign",
    guards=[requires(Role.REVIEWER)],
    tags=["works"],
    summary="Where the mentions of works would be placed",
    status_code=200,
    sync_to_thread=True,
    request_class=Filled,
    operation_class=raw_body(_BODIES),
    responses=answers(schemas.DryRun, examples.DRY_RUN, problems=(400, 401, 403, 409, 413)),
)
def post_assign(
    request: Request[Any, Any, Any],
    body: RawBody,
) -> Response[bytes]:
    """A dry run: nothing is stored. At most 20 works a request."""
    from service.placing import assign

    placer = _placer(request)
    told = []
    for row in _rows(body, MOST_TRIED):
        done = None if row.received is None else assign(placer, row.received.work)
        told.append(
            {
                "line": row.line,
                "id": row.id,
                "placements": None if done is None else _placements(done),
                "error": _unreadable(row),
            }
        )
    return shown({"rows": told})


def _placer(request: Request[Any, Any, Any]) -> Placer:
    shared: SharedPlacer = request.app.state["placer"]
    return shared.get()


def _rows(body: bytes, most: int) -> list[Row]:
    from disambig.ingest import read_records

    rows: list[Row] = []
    for row in read_records(body, file="request"):
        if len(rows) == most:
            raise BodyTooLarge(
                f"there are more than {most:,} works",
                "send them in several requests",
                field="body",
                line=row.line,
            )
        rows.append(row)
    return rows


def _told(outcome: Outcome) -> dict[str, Any]:
    row, result = outcome.row, outcome.result
    error = _unreadable(row)
    if result is not None and result.status == "rejected":
        error = _error(result)
    return {
        "line": row.line,
        "id": row.id,
        "outcome": outcome.status,
        "version": None if result is None else result.version,
        "placements": None if outcome.placements is None else _placements(outcome.placements),
        "repairs": [asdict(repair) for repair in row.repairs],
        "error": error,
    }


def _placements(placed: list[Assigned]) -> list[dict[str, Any]]:
    return [asdict(mention) for mention in placed]


def _unreadable(row: Row) -> dict[str, str] | None:
    if row.received is not None:
        return None
    return _error(row)


def _error(wrong: Row | RowResult) -> dict[str, str]:
    return {name: safe(getattr(wrong, name)) for name in ("field", "problem", "remedy")}


HANDLERS = (post_works, post_assign)
