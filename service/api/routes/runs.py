"""``/v1/runs``: re-clusterings asked for, followed, compared, published and rolled back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RawBody
from sqlalchemy import Connection

from service.actors import Actor, Role
from service.api.examples import edit as examples
from service.api.http import paging
from service.api.http.bodies import Unpacked
from service.api.http.openapi import answers
from service.api.http.paging import Cursor, Limit, next_page, read_cursor
from service.api.http.responses import IdempotencyKey, IfUnchanged, describe_body, respond_with_etag, respond_private, run_write
from service.api.middleware.auth import requires
from service.api.schemas import edit as schemas
from service.db.database import Database
from service.publication.diff import describe_change
from service.runs import store as run_store

REVIEWER, EDITOR = [requires(Role.REVIEWER)], [requires(Role.EDITOR)]
ADMIN = [requires(Role.ADMIN)]
PROBLEMS = (400, 401, 403, 404, 409, 412, 422)
Why = Annotated[schemas.Why | None, describe_body(("Why", {"reason": "looked through by Ada"}))]
Kind = Literal["conflict", "create", "merge", "split", "move", "grow", "decision"]


@get(
    "/runs",
    guards=REVIEWER,
    tags=["runs"],
    summary="Runs",
    sync_to_thread=True,
    responses=answers(schemas.Runs, examples.RUNS, problems=(400, 401, 403)),
)
def list_runs(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    run_state: Annotated[
        Literal[
            "queued",
            "running",
            "proposed",
            "published",
            "failed",
            "cancelled",
            "superseded",
            "rolled-back",
        ]
        | None,
        QueryParameter(name="state", description="Only runs in this state."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[bytes]:
    """The newest first."""
    begin = read_cursor("runs", cursor, (str,))
    before = None if begin is None else begin[0]
    with database.read() as connection:
        found = run_store.list_runs(
            connection,
            state=run_state,
            before=before,
            limit=limit + 1,
        )
    page = found[:limit]
    following = paging.cursor("runs", page[-1].id) if len(found) > limit else None
    return respond_private({"items": [asdict(run) for run in page], "next": next_page(request, following)})


@get(
    "/runs/{id:str}",
    guards=REVIEWER,
    tags=["runs"],
    summary="One run and how far it is",
    sync_to_thread=True,
    responses=answers(schemas.Run, examples.RUN, problems=(401, 403, 404)),
)
def read_run(
    request: Request[Any, Any, Any], database: NamedDependency[Database], id: FromPath[str]
) -> Response[bytes]:
    """`done` of `total` tells how far its stage is; both change while it runs.

    A step that sends the ETag in If-Match is done only if the run is still as it was read.
    """
    with database.read() as connection:
        found = asdict(run_store.get_run(connection, id))
    return respond_with_etag(request, found)


@get(
    "/runs/{id:str}/diff",
    guards=REVIEWER,
    tags=["runs"],
    summary="What publishing a run would change",
    sync_to_thread=True,
    responses=answers(
        schemas.Differences, examples.DIFFERENCES, problems=(400, 401, 403, 404, 409, 422)
    ),
)
def read_diff(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    id: FromPath[str],
    kind: Annotated[Kind | None, QueryParameter(description="Only changes of this kind.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[bytes]:
    """Identities created, merged, split or grown, mentions moved, decisions touched, and first of
    all those that would have different ORCID iDs, one of which somebody stated."""
    from service.publication import proposals

    list_id = f"diff {id} {kind}"
    after = read_cursor(list_id, cursor, (int,))
    with database.read() as connection:
        run = run_store.get_run(connection, id)
        begin = None if after is None else after[0]
        found = proposals.diff(connection, id, kind, begin, limit + 1)
    page = found[:limit]
    following = paging.cursor(list_id, page[-1].rank) if len(found) > limit else None
    return respond_private(
        {
            "items": [
                {**asdict(line), "text": describe_change(line.kind, line.mentions, line.details)}
                for line in page
            ],
            "next": next_page(request, following),
            "summary": run.summary,
        }
    )


@post(
    "/runs",
    guards=EDITOR,
    tags=["runs"],
    summary="Ask for a run",
    status_code=202,
    sync_to_thread=True,
    request_class=Unpacked,
    responses=answers(schemas.Run, examples.QUEUED, status=202, problems=(400, 401, 403, 422)),
)
def start_run(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    body: RawBody,
    data: Annotated[schemas.NewRun | None, describe_body(("All works", examples.NEW_RUN))] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[bytes]:
    """A worker does it (`disambig worker`); it ends as a proposal, which changes nothing yet."""
    wish = data or schemas.NewRun()

    def act(given: Database) -> dict[str, Any]:
        return asdict(run_store.create_run(given, actor, scope=wish.scope, reason=wish.reason))

    return run_write(request, database, actor, body, act, status=202)


def _step(
    path: str, summary: str, guards: list[Any], example: dict[str, Any], schema: Any = schemas.Run
) -> Callable[[Any], Any]:
    """Route of a step in a run's life."""
    return post(
        f"/runs/{{id:str}}/{path}",
        guards=guards,
        tags=["runs"],
        summary=summary,
        status_code=200,
        sync_to_thread=True,
        request_class=Unpacked,
        responses=answers(schema, example, problems=PROBLEMS),
    )


def _run(run_id: str) -> Callable[[Connection], dict[str, Any]]:
    return lambda connection: asdict(run_store.get_run(connection, run_id))


@_step("cancel", "End a run, or drop its proposal", EDITOR, examples.CANCELLED)
def cancel_run(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: Why = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Response[bytes]:
    """Of a run that is queued, running or proposed. Nothing that is published changes."""
    reason = None if data is None else data.reason
    return run_write(
        request,
        database,
        actor,
        body,
        lambda given: asdict(run_store.cancel_run(given, actor, id, reason)),
        edits=_run(id),
    )


@_step("rebase", "Bring a proposal up to date", EDITOR, examples.REBASED)
def rebase_run(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: Why = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Response[bytes]:
    """It is queued again: a worker clusters anew what was decided or loaded since."""
    from service.publication import proposals

    reason = None if data is None else data.reason
    return run_write(
        request,
        database,
        actor,
        body,
        lambda given: asdict(proposals.rebase(given, actor, id, reason)),
        edits=_run(id),
    )


@_step("publish", "Publish a proposal", EDITOR, examples.PUBLICATION, schemas.Published)
def publish_run(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: Annotated[
        schemas.Publish | None, describe_body(("Why", {"reason": "diff looked through by Ada"}))
    ] = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Response[bytes]:
    """In one transaction: readers see the old or the new.

    Refused (409, telling what intervened) when something was published or decided since the run
    read its works; rebase it then.
    """
    from service.publication import publish as publishing

    wish = data or schemas.Publish()
    return run_write(
        request,
        database,
        actor,
        body,
        lambda given: publishing.publish(given, actor, id, wish.reason, expected=wish.expected),
        edits=_run(id),
    )


@_step("rollback", "Restore what was published before", ADMIN, examples.ROLLBACK, schemas.Published)
def rollback_run(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: Why = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Response[bytes]:
    """Exactly, with all ids; works placed since keep a sensible place.

    Refused (409, telling which) when later publications or decisions touch the same identities.
    """
    from service.publication import publish as publishing

    reason = None if data is None else data.reason
    return run_write(
        request,
        database,
        actor,
        body,
        lambda given: publishing.rollback(given, actor, id, reason),
        edits=_run(id),
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
