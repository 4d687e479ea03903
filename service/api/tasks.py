"""``/v1/tasks``: questions for people, listed by urgency and closed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RawBody

from service import tasks
from service.actors import Actor, Role
from service.api import edit_examples as examples
from service.api import edit_schemas as schemas
from service.api import paging
from service.api.auth import requires
from service.api.bodies import Unpacked
from service.api.documented import answers
from service.api.paging import Cursor, Limit, next_page, read_cursor
from service.api.writes import IdempotencyKey, asked, shown, written
from service.database import Database
from service.names import fold

REVIEWER = [requires(Role.REVIEWER)]
_PLACE = (int, float, int)


@get(
    "/tasks",
    guards=REVIEWER,
    tags=["review"],
    summary="Questions for people",
    sync_to_thread=True,
    responses=answers(schemas.Tasks, examples.TASKS, problems=(400, 401, 403)),
)
def list_tasks(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    kind: Annotated[
        Literal["conflict", "merge", "split", "assign"] | None,
        QueryParameter(description="Only tasks of this kind."),
    ] = None,
    task_state: Annotated[
        Literal["open", "closed", "all"],
        QueryParameter(name="state", description="Open ones, unless told."),
    ] = "open",
    name: Annotated[
        str | None,
        QueryParameter(max_length=10_000, description="Only tasks about this printed name."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[bytes]:
    """Conflicts first, then by priority; of equals the oldest first."""
    list_id = f"tasks {kind} {task_state}"
    after = read_cursor(list_id, cursor, _PLACE)
    with database.read() as connection:
        found, more = tasks.listed(
            connection,
            kind=kind,
            state=None if task_state == "all" else task_state,
            name=None if name is None else fold(name),
            limit=limit,
            after=None if after is None else tasks.After(*after),
        )
    following = (
        None if more is None else paging.cursor(list_id, more.first, more.priority, more.key)
    )
    items = [asdict(task) for task in found]
    return shown({"items": items, "next": next_page(request, following)})


@get(
    "/tasks/{id:str}",
    guards=REVIEWER,
    tags=["review"],
    summary="One question",
    sync_to_thread=True,
    responses=answers(schemas.Task, examples.TASK, problems=(401, 403, 404)),
)
def read_task(database: NamedDependency[Database], id: FromPath[str]) -> Response[bytes]:
    """With the evidence it was asked on."""
    with database.read() as connection:
        return shown(asdict(tasks.found(connection, id)))


@post(
    "/tasks/{id:str}/close",
    guards=REVIEWER,
    tags=["review"],
    summary="Close a question without a decision",
    status_code=200,
    sync_to_thread=True,
    request_class=Unpacked,
    responses=answers(schemas.Task, examples.CLOSED_TASK, problems=(400, 401, 403, 404, 409, 422)),
)
def close_task(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: Annotated[
        schemas.Why | None, asked(("Not to be told", {"reason": "cannot be told from the paper"}))
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[bytes]:
    """It is not asked again until a run or a placement asks it anew."""
    reason = None if data is None else data.reason

    def act(given: Database) -> dict[str, Any]:
        return asdict(tasks.close(given, actor, id, reason))

    return written(request, database, actor, body, act)


HANDLERS = (list_tasks, read_task, close_task)
