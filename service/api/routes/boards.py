"""``/v1/boards``: read, preview and commit name boards; ``/v1/compare``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RawBody

from disambig.domain import Signature
from service.actors import Actor, Role
from service.api.examples import board as examples
from service.api.http.bodies import NonEmptyRequest
from service.api.http.openapi import describe_responses
from service.api.http.responses import (
    IdempotencyKey,
    Json,
    describe_body,
    respond_private,
    run_write,
)
from service.api.middleware.auth import require_role
from service.api.schemas import board as schemas
from service.api.schemas.edit import Mention
from service.board import results
from service.db.database import Database
from service.errors import Invalid

if TYPE_CHECKING:
    from service.api.routes.assigner import SharedAssigner
    from service.board.block_cache import BlockViews
    from service.board.request import BoardRequest

REVIEWER = [require_role(Role.REVIEWER)]
MAX_MENTION_LENGTH = 1_000
"""Maximum characters of a mention in a query parameter."""


def _get_views(request: Request[Any, Any, Any]) -> BlockViews:
    from service.board.block_cache import get_block_views

    state = request.app.state
    assigner: SharedAssigner = state["assigner"]
    return get_block_views(state, assigner.get)


def _parse_arrangement(
    name: str, data: schemas.Arrangement, versions: dict[str, int] | None = None
) -> BoardRequest:
    from service.board.request import ArrangementRequest, BoardRequest, ColumnRequest

    columns = [
        ColumnRequest(_list_mentions(c.mentions), c.identity, c.confirmed, c.nowhere)
        for c in data.columns
    ]
    arrangement = ArrangementRequest(
        columns, _list_mentions(data.unsure), versions=versions or {}, same_work=data.same_work
    )
    return BoardRequest(data.name or name, arrangement, data.task, data.also)


def _list_mentions(items: Iterable[Mention]) -> tuple[Signature, ...]:
    return tuple(Signature(item.work, item.position) for item in items)


@get(
    "/boards/{name:str}",
    guards=REVIEWER,
    tags=["review"],
    summary="Read the board of a name",
    sync_to_thread=True,
    responses=describe_responses(results.Board, examples.BOARD, problems=(400, 401, 403, 404, 422)),
)
def read_board(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    name: FromPath[str],
    task: Annotated[
        str | None, QueryParameter(max_length=40, description="The task to answer.")
    ] = None,
    text: Annotated[
        str | None,
        QueryParameter(
            name="name",
            max_length=10_000,
            description="The name, if it cannot be written in the path (it contains a slash).",
        ),
    ] = None,
) -> Json[results.Board]:
    """Return a column for each identity with all its mentions, and one of unassigned mentions.

    A board has at most 2,000 mentions; those of the task come first. `hidden` and `left_out`
    count what is omitted.
    """
    from service.board.view import build_board

    with database.read() as connection:
        return respond_private(build_board(connection, _get_views(request), text or name, task))


@post(
    "/boards/{name:str}/preview",
    guards=REVIEWER,
    tags=["review"],
    summary="Preview an arrangement",
    status_code=200,
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    responses=describe_responses(
        results.Preview, examples.PREVIEW, problems=(400, 401, 403, 404, 409, 415, 422)
    ),
)
def preview_board(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    name: FromPath[str],
    data: Annotated[
        schemas.Arrangement, describe_body(("Separate two papers", examples.ARRANGEMENT))
    ],
) -> Json[results.Preview]:
    """Nothing is stored. `rescored` lists what the next clustering would change under it."""
    from service.board.commit import preview_board_request

    arrangement = _parse_arrangement(name, data)
    return respond_private(preview_board_request(database, _get_views(request), arrangement))


@post(
    "/boards/{name:str}/commit",
    guards=REVIEWER,
    tags=["review"],
    summary="Publish an arrangement",
    status_code=201,
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    responses=describe_responses(
        results.Committed,
        examples.COMMITTED,
        status=201,
        problems=(400, 401, 403, 404, 409, 415, 422),
    ),
)
def commit_board(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    name: FromPath[str],
    data: Annotated[schemas.Commit, describe_body(("Separate two papers", examples.COMMIT))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Json[results.Committed]:
    """Record one event and one decision, undone by `POST /v1/decisions/{id}/undo`.

    Rejected (409) if an identity changed since the board was read, with the changes; if
    earlier decisions contradict it, unless `override` revokes them; and if it would answer a
    blind task, even with `override`.
    """
    from service.board.commit import commit_board_request

    arrangement = _parse_arrangement(name, data, data.versions)

    def commit(db: Database) -> results.Committed:
        return commit_board_request(
            db,
            actor,
            arrangement,
            reason=data.reason,
            evidence=data.evidence,
            override=data.override,
        )

    return run_write(request, database, actor, body, commit, status=201)


@get(
    "/compare",
    guards=REVIEWER,
    tags=["review"],
    summary="Explain whether two mentions are one person",
    sync_to_thread=True,
    responses=describe_responses(
        results.MentionComparison, examples.COMPARISON, problems=(400, 401, 403, 404, 409, 422)
    ),
)
def compare(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    a: Annotated[str, QueryParameter(max_length=MAX_MENTION_LENGTH, description="WORK:POSITION")],
    b: Annotated[str, QueryParameter(max_length=MAX_MENTION_LENGTH, description="WORK:POSITION")],
) -> Json[results.MentionComparison]:
    """Log-odds are additive: bias, contribution of each feature, and calibration."""
    from service.board.evidence import compare_mentions

    mention_a, mention_b = _parse_mention(a, "a"), _parse_mention(b, "b")
    with database.read() as connection:
        return respond_private(
            compare_mentions(connection, _get_views(request), mention_a, mention_b)
        )


def _parse_mention(text: str, field: str) -> Signature:
    from disambig.errors import InputError
    from disambig.explain.explain import parse_mention
    from service.text import to_storable

    try:
        mention = parse_mention(text)
    except InputError as error:
        raise Invalid(str(error), "write WORK:POSITION", field=field) from error
    # stored works have normalised ids
    return Signature(to_storable(mention.work), mention.position)


HANDLERS = (read_board, preview_board, commit_board, compare)
