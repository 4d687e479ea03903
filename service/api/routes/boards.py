"""``/v1/boards``: read, preview and commit name boards; ``/v1/compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RawBody

from service.actors import Actor, Role
from service.api.examples import board as examples
from service.api.http.bodies import NonEmptyRequest
from service.api.http.openapi import describe_responses
from service.api.http.responses import IdempotencyKey, describe_body, respond_private, run_write
from service.api.middleware.auth import require_role
from service.api.routes.decisions import decision_to_dict
from service.api.schemas import board as schemas
from service.db.database import Database, Within
from service.errors import Invalid
from service.events.log import EventLog
from service.settings import Settings

if TYPE_CHECKING:
    from service.board.block_cache import BlockViews
    from service.board.request import ArrangementRequest
    from service.decisions.draft import SignatureRef

REVIEWER = [require_role(Role.REVIEWER)]
MAX_MENTION_LENGTH = 1_000
"""Maximum characters of a mention in a query parameter."""


def get_block_views(
    request: Request[Any, Any, Any], database: Database, settings: Settings
) -> BlockViews:
    """Return the cache of scored blocks shared by all requests of this process."""
    from service.assignment.assign import WorkAssigner
    from service.board.block_cache import BlockViews

    state = request.app.state
    if "views" not in state:
        placer = state.get("placer")
        if placer is None:
            placer = state["placer"] = WorkAssigner(database, settings)
        state["views"] = BlockViews(placer if isinstance(placer, WorkAssigner) else placer.get())
    views: BlockViews = state["views"]
    return views


def preview_board_request(
    database: Database, views: BlockViews, name: str, data: schemas.Arrangement
) -> dict[str, Any]:
    """Return the effects of an arrangement, as the API renders them."""
    from service.board import commit as arranging
    from service.board.block_cache import expand_to_blocks
    from service.board.reclustering import preview_reclustering
    from service.board.scope import read_scope
    from service.board.tasks import find_task_effects

    with database.read() as connection:
        scope = read_scope(connection, data.name or name, data.task)
        request = build_arrangement_request(connection, data)
        plan, effects = arranging.preview_arrangement(connection, request)
        view = views.get(connection, expand_to_blocks(connection, list(scope.mentions)))
        overridden_ids = {one["decision"] for one in effects["overridden"]}
        changes = (
            [] if view is None else preview_reclustering(connection, view, plan, overridden_ids)
        )
        compared_keys = set() if view is None else {*view.signature.tolist()}
        task_effects = find_task_effects(connection, plan, data.task)
        effects["conflicts"] += task_effects.obstacles
        return {
            **effects,
            "closes": task_effects.closable_tasks,
            "rescored": changes,
            "compared": sum(1 for s in scope.mentions if s in compared_keys),
            "mentions": len(scope.mentions),
        }


def commit_board_request(
    database: Database, actor: Actor, name: str, data: schemas.Commit
) -> dict[str, Any]:
    """Publish an arrangement and return its result, as the API renders it."""
    from service.board import commit as arranging
    from service.review import answers as task_answers

    with database.read() as connection:
        request = build_arrangement_request(connection, data, data.versions)
    evidence = {**(data.evidence or {}), "board": (data.name or name)[:500]}
    if data.task:
        evidence["task"] = data.task
    if data.also:
        evidence["also"] = list(data.also)
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        for task in _list_task_ids(data):
            task_answers.get_answerable_task(connection, actor, task, None)
        result = arranging.commit_arrangement(
            Within(database, connection),
            actor,
            request,
            reason=data.reason,
            evidence=evidence,
            override=data.override,
        )
        if data.task:
            task_answers.store_decision_answer(
                connection, ledger, actor, data.task, result.decision
            )
    overridden = result.overridden_decisions
    return {
        **decision_to_dict(result.decision),
        "moved": result.n_moved,
        "unsure": result.unsure_decision,
        "overridden": overridden,
    }


def build_arrangement_request(
    connection: Any, data: schemas.Arrangement, versions: dict[str, int] | None = None
) -> ArrangementRequest:
    """Convert a request body to an arrangement request."""
    from service.board.request import ArrangementRequest, ColumnRequest
    from service.board.tasks import read_answer_sides
    from service.decisions.draft import SignatureRef

    def mentions(items: Any) -> tuple[SignatureRef, ...]:
        return tuple(SignatureRef(m.work, m.position) for m in items)

    columns = [
        ColumnRequest(mentions(c.mentions), c.identity, c.confirmed, c.nowhere)
        for c in data.columns
    ]
    unsure = mentions(data.unsure)
    answer_sides = [
        sides
        for task in _list_task_ids(data)
        for sides in read_answer_sides(connection, task, unsure)
    ]
    return ArrangementRequest(columns, unsure, answer_sides, versions or {}, data.same_work)


def _list_task_ids(data: schemas.Arrangement) -> list[str]:
    """List the ids of the tasks that an arrangement answers, without duplicates."""
    return list(dict.fromkeys([*([data.task] if data.task else []), *data.also]))


@get(
    "/boards/{name:str}",
    guards=REVIEWER,
    tags=["review"],
    summary="Read the board of a name",
    sync_to_thread=True,
    responses=describe_responses(schemas.Board, examples.BOARD, problems=(400, 401, 403, 404, 422)),
)
def read_board(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
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
) -> Response[bytes]:
    """Return a column for each identity with all its mentions, and one of unassigned mentions.

    A board has at most 2,000 mentions; those of the task come first. `hidden` and `left_out`
    count what is omitted.
    """
    from service.board.view import build_board

    views = get_block_views(request, database, settings)
    with database.read() as connection:
        return respond_private(build_board(connection, views, text or name, task))


@post(
    "/boards/{name:str}/preview",
    guards=REVIEWER,
    tags=["review"],
    summary="Preview an arrangement",
    status_code=200,
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    responses=describe_responses(
        schemas.Preview, examples.PREVIEW, problems=(400, 401, 403, 404, 409, 415, 422)
    ),
)
def preview_board(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    name: FromPath[str],
    data: Annotated[
        schemas.Arrangement, describe_body(("Separate two papers", examples.ARRANGEMENT))
    ],
) -> Response[bytes]:
    """Nothing is stored. `rescored` lists what the next clustering would change under it."""
    views = get_block_views(request, database, settings)
    return respond_private(preview_board_request(database, views, name, data))


@post(
    "/boards/{name:str}/commit",
    guards=REVIEWER,
    tags=["review"],
    summary="Publish an arrangement",
    status_code=201,
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    responses=describe_responses(
        schemas.CommitResult,
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
) -> Response[bytes]:
    """Record one event and one decision, undone by `POST /v1/decisions/{id}/undo`.

    Rejected (409) if an identity changed since the board was read, with the changes; if
    earlier decisions contradict it, unless `override` revokes them; and if it would answer a
    blind task, even with `override`.
    """
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: commit_board_request(db, actor, name, data),
        status=201,
    )


@get(
    "/compare",
    guards=REVIEWER,
    tags=["review"],
    summary="Explain whether two mentions are one person",
    sync_to_thread=True,
    responses=describe_responses(
        schemas.Comparison, examples.COMPARISON, problems=(400, 401, 403, 404, 409, 422)
    ),
)
def compare(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    a: Annotated[str, QueryParameter(max_length=MAX_MENTION_LENGTH, description="WORK:POSITION")],
    b: Annotated[str, QueryParameter(max_length=MAX_MENTION_LENGTH, description="WORK:POSITION")],
) -> Response[bytes]:
    """Log-odds are additive: bias, contribution of each feature, and calibration."""
    from service.board.evidence import compare_mentions

    views = get_block_views(request, database, settings)
    with database.read() as connection:
        return respond_private(
            compare_mentions(connection, views, _parse_mention(a, "a"), _parse_mention(b, "b"))
        )


def _parse_mention(text: str, field: str) -> SignatureRef:
    from disambig.errors import InputError
    from disambig.explain.explain import parse_mention
    from service.decisions.draft import SignatureRef
    from service.text import to_storable

    try:
        mention = parse_mention(text)
    except InputError as error:
        raise Invalid(str(error), "write WORK:POSITION", field=field) from error
    # stored works have normalised ids
    return SignatureRef(to_storable(mention.work), mention.position)


HANDLERS = (read_board, preview_board, commit_board, compare)
