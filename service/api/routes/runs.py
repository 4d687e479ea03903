"""``/v1/runs``: start clustering runs, follow, compare, publish and roll them back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RawBody
from sqlalchemy import Connection

from service.actors import Actor, Role
from service.api.examples import edit as examples
from service.api.http import paging
from service.api.http.bodies import DecodedRequest
from service.api.http.openapi import describe_responses
from service.api.http.paging import Cursor, Limit, next_page_path, read_cursor
from service.api.http.responses import (
    IdempotencyKey,
    IfUnchanged,
    Json,
    describe_body,
    respond_private,
    respond_with_etag,
    run_write,
)
from service.api.middleware.auth import require_role
from service.api.schemas import edit as schemas
from service.db.database import Database
from service.publication.results import DifferenceKind, Differences, Published
from service.runs import store as run_store
from service.runs.results import Run, Runs, RunState

REVIEWER, EDITOR = [require_role(Role.REVIEWER)], [require_role(Role.EDITOR)]
ADMIN = [require_role(Role.ADMIN)]
PROBLEMS = (400, 401, 403, 404, 409, 412, 415, 422)
OptionalReason = Annotated[
    schemas.Why | None, describe_body(("With a reason", {"reason": "checked by Ada"}))
]


@get(
    "/runs",
    guards=REVIEWER,
    tags=["runs"],
    summary="List runs",
    sync_to_thread=True,
    responses=describe_responses(Runs, examples.RUNS, problems=(400, 401, 403)),
)
def list_runs(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    run_state: Annotated[
        RunState | None,
        QueryParameter(name="state", description="Only runs in this state."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Json[Runs]:
    """Return runs, newest first."""
    begin = read_cursor("runs", cursor, (str,))
    before = None if begin is None else begin[0]
    with database.read() as connection:
        found_runs = run_store.list_runs(
            connection,
            state=run_state,
            before=before,
            limit=limit + 1,
        )
    page = found_runs[:limit]
    following = paging.make_cursor("runs", page[-1].id) if len(found_runs) > limit else None
    return respond_private(Runs(items=page, next=next_page_path(request, following)))


@get(
    "/runs/{id:str}",
    guards=REVIEWER,
    tags=["runs"],
    summary="Read a run with its progress",
    sync_to_thread=True,
    responses=describe_responses(Run, examples.RUN, problems=(401, 403, 404)),
)
def read_run(
    request: Request[Any, Any, Any], database: NamedDependency[Database], id: FromPath[str]
) -> Json[Run]:
    """`done` of `total` is the progress of the current stage.

    A step that sends the ETag in If-Match is executed only if the run is unchanged.
    """
    with database.read() as connection:
        run = run_store.get_run(connection, id)
    return respond_with_etag(request, run)


@get(
    "/runs/{id:str}/diff",
    guards=REVIEWER,
    tags=["runs"],
    summary="Read the diff of a run",
    sync_to_thread=True,
    responses=describe_responses(
        Differences, examples.DIFFERENCES, problems=(400, 401, 403, 404, 409, 422)
    ),
)
def read_diff(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    id: FromPath[str],
    kind: Annotated[
        DifferenceKind | None, QueryParameter(description="Only changes of this kind.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Json[Differences]:
    """Return what publishing the run would change, conflicts first.

    Conflicts are identities that would have different ORCID iDs, one of them stated by a
    curator; then identities created, merged, split or grown, moved mentions, and affected
    decisions.
    """
    from service.publication import proposals

    list_id = f"diff {id} {kind}"
    after = read_cursor(list_id, cursor, (int,))
    with database.read() as connection:
        run = run_store.get_run(connection, id)
        begin = None if after is None else after[0]
        lines = proposals.list_changes(connection, id, kind, begin, limit + 1)
    page = lines[:limit]
    following = paging.make_cursor(list_id, page[-1].rank) if len(lines) > limit else None
    return respond_private(
        Differences(items=page, next=next_page_path(request, following), summary=run.summary)
    )


@post(
    "/runs",
    guards=EDITOR,
    tags=["runs"],
    summary="Start a run",
    status_code=202,
    sync_to_thread=True,
    request_class=DecodedRequest,
    responses=describe_responses(
        Run, examples.QUEUED, status=202, problems=(400, 401, 403, 415, 422)
    ),
)
def start_run(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    body: RawBody,
    data: Annotated[schemas.NewRun | None, describe_body(("All works", examples.NEW_RUN))] = None,
    idempotency_key: IdempotencyKey = None,
) -> Json[Run]:
    """A worker (`disambig worker`) executes it; the result is a proposal without effect yet."""
    options = data or schemas.NewRun()

    def act(db: Database) -> Run:
        return run_store.create_run(db, actor, scope=options.scope, reason=options.reason)

    return run_write(request, database, actor, body, act, status=202)


def _step_route(
    path: str, summary: str, guards: list[Any], example: dict[str, Any], schema: Any = Run
) -> Callable[[Any], Any]:
    """Declare the route of a step in the life of a run."""
    return post(
        f"/runs/{{id:str}}/{path}",
        guards=guards,
        tags=["runs"],
        summary=summary,
        status_code=200,
        sync_to_thread=True,
        request_class=DecodedRequest,
        responses=describe_responses(schema, example, problems=PROBLEMS),
    )


def _read_state(run_id: str) -> Callable[[Connection], Run]:
    return lambda connection: run_store.get_run(connection, run_id)


@_step_route("cancel", "Cancel a run, or discard its proposal", EDITOR, examples.CANCELLED)
def cancel_run(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: OptionalReason = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Json[Run]:
    """Applies to queued, running or proposed runs. Published identities do not change."""
    reason = None if data is None else data.reason
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: run_store.cancel_run(db, actor, id, reason),
        edits=_read_state(id),
    )


@_step_route("rebase", "Rebase a proposal", EDITOR, examples.REBASED)
def rebase_run(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: OptionalReason = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Json[Run]:
    """Queue the run again: a worker clusters what was decided or loaded since."""
    from service.publication import proposals

    reason = None if data is None else data.reason
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: proposals.rebase(db, actor, id, reason),
        edits=_read_state(id),
    )


@_step_route("publish", "Publish a proposal", EDITOR, examples.PUBLICATION, Published)
def publish_run(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: Annotated[
        schemas.Publish | None, describe_body(("With a reason", {"reason": "diff checked by Ada"}))
    ] = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Json[Published]:
    """Publish in one transaction: readers see the old or the new state.

    Rejected (409, with the intervening events) if something was published or decided since the
    run read its works; rebase it then.
    """
    from service.publication import publish as publishing

    options = data or schemas.Publish()
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: publishing.publish(db, actor, id, options.reason, expected=options.expected),
        edits=_read_state(id),
    )


@_step_route("rollback", "Roll back a publication", ADMIN, examples.ROLLBACK, Published)
def rollback_run(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: OptionalReason = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Json[Published]:
    """Restore the previous state exactly, ids included; works assigned since stay assigned.

    Rejected (409, with their ids) if later publications or decisions affect the same identities.
    """
    from service.publication import publish as publishing

    reason = None if data is None else data.reason
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: publishing.roll_back(db, actor, id, reason),
        edits=_read_state(id),
    )


HANDLERS = (
    list_runs,
    read_run,
    read_diff,
    start_run,
    cancel_run,
    rebase_run,
    publish_run,
    rollback_run,
)
