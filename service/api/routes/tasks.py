"""``/v1/tasks``: list review tasks by priority, lease, answer and close them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RawBody
from sqlalchemy import Connection

from service.actors import Actor, Role
from service.api.examples import review as examples
from service.api.http import paging
from service.api.http.bodies import DecodedRequest, NonEmptyRequest
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
from service.api.schemas import edit as edit_schemas
from service.api.schemas import review as schemas
from service.db.database import Database
from service.review import answers as task_answers
from service.review import reviewers
from service.review.results import Judged, Reviewers, TaskCounts, TaskDetails
from service.settings import Settings
from service.tasks import leases
from service.tasks import queries as task_queries
from service.tasks.results import Task, TaskKind, Tasks
from service.text import fold_name

REVIEWER = [require_role(Role.REVIEWER)]
_CURSOR_TYPES = (int, float, int)

Kind = Annotated[
    TaskKind | None,
    QueryParameter(description="Only tasks of this kind."),
]
PrintedName = Annotated[
    str | None,
    QueryParameter(max_length=10_000, description="Only tasks about this printed name."),
]
LeaseHolder = Annotated[
    Literal["me", "others", "nobody"] | None,
    QueryParameter(description="Only tasks leased by you, by others, or by no one."),
]
MinMentions = Annotated[
    int | None,
    QueryParameter(
        ge=0, le=2**31 - 1, description="Only tasks that affect at least this many mentions."
    ),
]
MaxMentions = Annotated[
    int | None,
    QueryParameter(
        ge=0, le=2**31 - 1, description="Only tasks that affect at most this many mentions."
    ),
]


@get(
    "/tasks",
    guards=REVIEWER,
    tags=["review"],
    summary="List review tasks",
    sync_to_thread=True,
    responses=describe_responses(Tasks, examples.TASKS, problems=(400, 401, 403)),
)
def list_tasks(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    kind: Kind = None,
    task_state: Annotated[
        Literal["open", "closed", "all"],
        QueryParameter(name="state", description="State; default: open."),
    ] = "open",
    name: PrintedName = None,
    least: MinMentions = None,
    most: MaxMentions = None,
    held: LeaseHolder = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Json[Tasks]:
    """Return tasks: conflicts first, then by priority, then oldest first.

    Open blind tasks that you have already answered are omitted.
    """
    list_id = f"tasks {kind} {task_state} {least} {most} {held}"
    after = read_cursor(list_id, cursor, _CURSOR_TYPES)
    filters = task_queries.TaskFilter(
        kind,
        None if task_state == "all" else task_state,
        None if name is None else fold_name(name),
        least,
        most,
        held,
        actor.name,
    )
    with database.read() as connection:
        start = None if after is None else task_queries.TaskCursor(*after)
        tasks, next_start = task_queries.get_task_page(connection, filters, limit, start)
    next_cursor = None
    if next_start is not None:
        next_cursor = paging.make_cursor(
            list_id, next_start.first, next_start.priority, next_start.key
        )
    return respond_private(Tasks(items=tasks, next=next_page_path(request, next_cursor)))


@get(
    "/tasks/counts",
    guards=REVIEWER,
    tags=["review"],
    summary="Count open tasks and leases",
    sync_to_thread=True,
    responses=describe_responses(TaskCounts, examples.COUNTS, problems=(400, 401, 403)),
)
def count_tasks(
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    name: PrintedName = None,
    least: MinMentions = None,
    most: MaxMentions = None,
    held: LeaseHolder = None,
) -> Json[TaskCounts]:
    """Return counts by kind of the tasks that the list returns with the same filters."""
    folded = None if name is None else fold_name(name)
    filters = task_queries.TaskFilter(None, "open", folded, least, most, held, actor.name)
    with database.read() as connection:
        return respond_private(reviewers.count_tasks(connection, filters))


@get(
    "/tasks/{id:str}",
    guards=REVIEWER,
    tags=["review"],
    summary="Read a task",
    sync_to_thread=True,
    responses=describe_responses(TaskDetails, examples.DETAILS, problems=(401, 403, 404)),
)
def read_task(
    request: Request[Any, Any, Any], database: NamedDependency[Database], id: FromPath[str]
) -> Json[TaskDetails]:
    """Return a task with its evidence and answers."""
    with database.read() as connection:
        details = task_answers.get_task_details(connection, id)
        return respond_with_etag(request, details, _make_state(details))


def _state_reader(task_id: str) -> Callable[[Connection], dict[str, Any]]:
    """Return a reader of the mutable state of a task."""
    return lambda connection: _make_state(task_queries.get_task(connection, task_id))


def _make_state(task: Task) -> dict[str, Any]:
    """Return the mutable state of a task, from which its ETag is computed."""
    return {"id": task.id, "state": task.state, "version": task.version}


@post(
    "/tasks/{id:str}/lease",
    guards=REVIEWER,
    tags=["review"],
    summary="Lease a task, or renew the lease",
    status_code=200,
    sync_to_thread=True,
    request_class=DecodedRequest,
    responses=describe_responses(Task, examples.TASK, problems=(400, 401, 403, 404, 409, 415, 422)),
)
def take_task(
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    data: Annotated[schemas.Lease | None, describe_body(("15 minutes", examples.LEASE))] = None,
) -> Json[Task]:
    """Others see that you work on the task until the lease expires.

    Rejected (409) with the name of the lease holder if it is already leased.
    """
    minutes = leases.DEFAULT_MINUTES if data is None else data.minutes
    return respond_private(leases.acquire_lease(database, actor, id, minutes))


@delete(
    "/tasks/{id:str}/lease",
    guards=REVIEWER,
    tags=["review"],
    summary="Release a lease",
    status_code=200,
    sync_to_thread=True,
    responses=describe_responses(Task, examples.FREE, problems=(401, 403, 404)),
)
def release_task(
    database: NamedDependency[Database], actor: NamedDependency[Actor], id: FromPath[str]
) -> Json[Task]:
    """Release your own lease; administrators can release any lease."""
    return respond_private(leases.release_lease(database, actor, id))


@post(
    "/tasks/{id:str}/answers",
    guards=REVIEWER,
    tags=["review"],
    summary="Answer a task",
    status_code=201,
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    responses=describe_responses(
        Judged,
        examples.ANSWER_RESULT,
        status=201,
        problems=(400, 401, 403, 404, 409, 412, 415, 422),
    ),
)
def answer_task(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    data: Annotated[schemas.NewAnswer, describe_body(("Same person", examples.ANSWER))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Json[Judged]:
    """The answer becomes one decision, which changes published identities and closes the task.

    A blind task waits for a second reviewer, and for a third if the two differ; the majority
    decides. Rejected (409) if the task is leased by another reviewer, if it changed since
    `version`, or, with the chain of links, if the decision contradicts earlier ones.
    """
    answer_request = task_answers.AnswerRequest(
        data.answer, data.seconds, data.reason, data.evidence, data.version, data.identity
    )

    def act(db: Database) -> Judged:
        return task_answers.answer_task(db, actor, id, answer_request)

    return run_write(request, database, actor, body, act, status=201, edits=_state_reader(id))


@post(
    "/tasks/{id:str}/close",
    guards=REVIEWER,
    tags=["review"],
    summary="Close a task without a decision",
    status_code=200,
    sync_to_thread=True,
    request_class=DecodedRequest,
    responses=describe_responses(
        Task, examples.CLOSED, problems=(400, 401, 403, 404, 409, 412, 415, 422)
    ),
)
def close_task(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: Annotated[
        edit_schemas.Why | None,
        describe_body(("Undecidable", {"reason": "the paper does not show it"})),
    ] = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Json[Task]:
    """The task stays closed until a run or an assignment opens it again."""
    reason = None if data is None else data.reason

    def act(db: Database) -> Task:
        return task_queries.close_by_hand(db, actor, id, reason)

    return run_write(request, database, actor, body, act, edits=_state_reader(id))


@get(
    "/reviewers",
    guards=REVIEWER,
    tags=["review"],
    summary="List reviewers with workload, pace and agreement",
    sync_to_thread=True,
    responses=describe_responses(Reviewers, examples.REVIEWERS, problems=(401, 403)),
)
def list_reviewers(database: NamedDependency[Database]) -> Json[Reviewers]:
    """Based on answers in force, without undone decisions. Agreement covers blind tasks."""
    with database.read() as connection:
        return respond_private(reviewers.summarize_reviewers(connection))


HANDLERS = (
    list_tasks,
    count_tasks,
    read_task,
    take_task,
    release_task,
    answer_task,
    close_task,
    list_reviewers,
)
