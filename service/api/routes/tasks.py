"""``/v1/tasks``: questions for people, listed by urgency, taken, answered and closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RawBody
from sqlalchemy import Connection

from service.actors import Actor, Role
from service.api.examples import review as examples
from service.api.http import paging
from service.api.http.bodies import Filled, Unpacked
from service.api.http.openapi import answers
from service.api.http.paging import Cursor, Limit, next_page, read_cursor
from service.api.http.responses import IdempotencyKey, IfUnchanged, describe_body, respond_with_etag, respond_private, run_write
from service.api.middleware.auth import requires
from service.api.routes.decisions import told
from service.api.schemas import edit as edit_schemas
from service.api.schemas import review as schemas
from service.db.database import Database
from service.review import answers as task_answers
from service.review import reviewers
from service.settings import Settings
from service.tasks import leases
from service.tasks import queries as task_queries
from service.text import fold_name

REVIEWER = [requires(Role.REVIEWER)]
_PLACE = (int, float, int)

Kind = Annotated[
    Literal["conflict", "merge", "split", "assign", "sample"] | None,
    QueryParameter(description="Only tasks of this kind."),
]
PrintedName = Annotated[
    str | None,
    QueryParameter(max_length=10_000, description="Only tasks about this printed name."),
]
Held = Annotated[
    Literal["me", "others", "nobody"] | None,
    QueryParameter(description="Only tasks that you, or others, or nobody works on now."),
]
Least = Annotated[
    int | None,
    QueryParameter(ge=0, le=2**31 - 1, description="Only tasks that bear on so many mentions."),
]
Most = Annotated[
    int | None,
    QueryParameter(ge=0, le=2**31 - 1, description="Only tasks that bear on no more mentions."),
]


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
    actor: NamedDependency[Actor],
    kind: Kind = None,
    task_state: Annotated[
        Literal["open", "closed", "all"],
        QueryParameter(name="state", description="Open ones, unless told."),
    ] = "open",
    name: PrintedName = None,
    least: Least = None,
    most: Most = None,
    held: Held = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[bytes]:
    """Conflicts first, then by priority; of equals the oldest first.

    Open tasks that you have answered, and that wait for another person, are left out.
    """
    list_id = f"tasks {kind} {task_state} {least} {most} {held}"
    after = read_cursor(list_id, cursor, _PLACE)
    wanted = task_queries.TaskFilter(
        kind,
        None if task_state == "all" else task_state,
        None if name is None else fold_name(name),
        least,
        most,
        held,
        actor.name,
    )
    with database.read() as connection:
        begin = None if after is None else task_queries.TaskCursor(*after)
        found, more = task_queries.get_task_page(connection, wanted, limit, begin)
    following = (
        None if more is None else paging.cursor(list_id, more.first, more.priority, more.key)
    )
    items = [asdict(task) for task in found]
    return respond_private({"items": items, "next": next_page(request, following)})


@get(
    "/tasks/counts",
    guards=REVIEWER,
    tags=["review"],
    summary="Open questions in numbers, and who works on how many",
    sync_to_thread=True,
    responses=answers(schemas.TaskCounts, examples.COUNTS, problems=(400, 401, 403)),
)
def count_tasks(
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    name: PrintedName = None,
    least: Least = None,
    most: Most = None,
    held: Held = None,
) -> Response[bytes]:
    """By kind, of those that the list with the same filters shows."""
    folded = None if name is None else fold_name(name)
    wanted = task_queries.TaskFilter(None, "open", folded, least, most, held, actor.name)
    with database.read() as connection:
        return respond_private(reviewers.counts(connection, wanted))


@get(
    "/tasks/{id:str}",
    guards=REVIEWER,
    tags=["review"],
    summary="One question",
    sync_to_thread=True,
    responses=answers(schemas.TaskDetails, examples.DETAILS, problems=(401, 403, 404)),
)
def read_task(
    request: Request[Any, Any, Any], database: NamedDependency[Database], id: FromPath[str]
) -> Response[bytes]:
    """With the evidence it was asked on, and what was answered."""
    with database.read() as connection:
        task = task_queries.get_task(connection, id)
        found = {**asdict(task), "given": task_answers.of_task(connection, task)}
        return respond_with_etag(request, found, _task(id)(connection))


def _task(task_id: str) -> Callable[[Connection], dict[str, Any]]:
    """What changes of a task: its version, and whether it is open."""

    def found(connection: Connection) -> dict[str, Any]:
        task = task_queries.get_task(connection, task_id)
        return {"id": task.id, "state": task.state, "version": task.version}

    return found


@post(
    "/tasks/{id:str}/lease",
    guards=REVIEWER,
    tags=["review"],
    summary="Take a question, or keep it for longer",
    status_code=200,
    sync_to_thread=True,
    request_class=Unpacked,
    responses=answers(schemas.Task, examples.TASK, problems=(400, 401, 403, 404, 409, 422)),
)
def take_task(
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    data: Annotated[schemas.Lease | None, describe_body(("For a quarter", examples.LEASE))] = None,
) -> Response[bytes]:
    """Others see that you work on it; it is free again when the time is over.

    Refused (409) with the name of whoever has it.
    """
    minutes = leases.DEFAULT_MINUTES if data is None else data.minutes
    return respond_private(asdict(leases.acquire_lease(database, actor, id, minutes)))


@delete(
    "/tasks/{id:str}/lease",
    guards=REVIEWER,
    tags=["review"],
    summary="Give a question back",
    status_code=200,
    sync_to_thread=True,
    responses=answers(schemas.Task, examples.FREE, problems=(401, 403, 404)),
)
def release_task(
    database: NamedDependency[Database], actor: NamedDependency[Actor], id: FromPath[str]
) -> Response[bytes]:
    """Your own; an admin gives back anybody's."""
    return respond_private(asdict(leases.release_lease(database, actor, id)))


@post(
    "/tasks/{id:str}/answers",
    guards=REVIEWER,
    tags=["review"],
    summary="Answer a question",
    status_code=201,
    sync_to_thread=True,
    request_class=Filled,
    responses=answers(
        schemas.Judged, examples.JUDGED, status=201, problems=(400, 401, 403, 404, 409, 412, 422)
    ),
)
def answer_task(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    data: Annotated[schemas.NewAnswer, describe_body(("One person", examples.ANSWER))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Response[bytes]:
    """It becomes one decision, which changes what is published and closes the task.

    A task that is answered blindly waits for a second person, and for a third where the two
    differ; the majority decides. Refused (409) if somebody else works on it, if it has changed
    since `version`, or with the chain if the decision contradicts earlier ones.
    """
    said = task_answers.AnswerRequest(
        data.answer, data.seconds, data.reason, data.evidence, data.version, data.identity
    )

    def act(given: Database) -> dict[str, Any]:
        judged = task_answers.judge(given, actor, id, said)
        decision = None if judged.decision is None else told(judged.decision)
        return {"task": asdict(judged.task), "decision": decision}

    return run_write(request, database, actor, body, act, status=201, edits=_task(id))


@post(
    "/tasks/{id:str}/close",
    guards=REVIEWER,
    tags=["review"],
    summary="Close a question without a decision",
    status_code=200,
    sync_to_thread=True,
    request_class=Unpacked,
    responses=answers(schemas.Task, examples.CLOSED, problems=(400, 401, 403, 404, 409, 412, 422)),
)
def close_task(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: Annotated[
        edit_schemas.Why | None,
        describe_body(("Not to be told", {"reason": "cannot be told from the paper"})),
    ] = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Response[bytes]:
    """It is not asked again until a run or a placement asks it anew."""
    reason = None if data is None else data.reason

    def act(given: Database) -> dict[str, Any]:
        return asdict(task_queries.close_by_hand(given, actor, id, reason))

    return run_write(request, database, actor, body, act, edits=_task(id))


@get(
    "/reviewers",
    guards=REVIEWER,
    tags=["review"],
    summary="Who reviews, how much, how fast, and how far reviewers agree",
    sync_to_thread=True,
    responses=answers(schemas.Reviewers, examples.REVIEWERS, problems=(401, 403)),
)
def list_reviewers(database: NamedDependency[Database]) -> Response[bytes]:
    """Of answers that count: none whose decision was undone. Agreement is that of blind ones."""
    with database.read() as connection:
        return respond_private(reviewers.overview(connection))


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
