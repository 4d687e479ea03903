"""``/v1/decisions``: what people say about mentions; listed, made one by one or in bulk, undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import FromPath, QueryParameter, RawBody
from pydantic import ValidationError
from sqlalchemy import Connection

from disambig.console import safe
from service.actors import Actor, Role
from service.api.examples import edit as examples
from service.api.http import paging
from service.api.http.bodies import BadBody, BodyTooLarge, Filled, Unpacked, decoded
from service.api.http.openapi import answers
from service.api.http.paging import Cursor, Limit, next_page, read_cursor
from service.api.http.responses import IdempotencyKey, IfUnchanged, describe_body, describe_raw_body, respond_with_etag, respond_private, run_write
from service.api.middleware.auth import requires
from service.api.schemas import edit as schemas
from service.db.database import Database
from service.decisions import queries as decision_queries
from service.errors import ServiceError, Unavailable

if TYPE_CHECKING:
    from service.decisions.actions import Statement
    from service.decisions.draft import DecisionResult
from service.decisions import undo as undoing
from service.decisions.draft import SignatureRef

REVIEWER = [requires(Role.REVIEWER)]
PROBLEMS = (400, 401, 403, 404, 409, 412, 422)
MOST_ROWS = 1_000
_LINES = Schema(type=OpenAPIType.STRING, description="One decision in each line.")


@get(
    "/decisions",
    guards=REVIEWER,
    tags=["curation"],
    summary="Decisions",
    sync_to_thread=True,
    responses=answers(schemas.Decisions, examples.DECISIONS, problems=(400, 401, 403)),
)
def list_decisions(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    kind: Annotated[
        Literal["same", "different", "unsure"] | None, QueryParameter(description="Only these.")
    ] = None,
    action: Annotated[
        Literal["merge", "split", "move", "review", "arrange"] | None,
        QueryParameter(description="Only those made this way."),
    ] = None,
    by: Annotated[
        str | None,
        QueryParameter(max_length=200, description="Only those of an actor: key:k-3k9x0f7q2m1b."),
    ] = None,
    standing: Annotated[
        bool | None, QueryParameter(description="Only those in force, or only those undone.")
    ] = None,
    identity: Annotated[
        str | None,
        QueryParameter(max_length=100, description="Only those that changed this identity."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[bytes]:
    """The newest first, undone ones too."""
    wanted = decision_queries.DecisionFilter(kind, action, by, standing, identity)
    before = read_cursor("decisions", cursor, (int,))
    with database.read() as connection:
        begin = None if before is None else before[0]
        found = decision_queries.listed(connection, wanted, limit + 1, begin)
    page = found[:limit]
    more = len(found) > limit
    following = paging.cursor("decisions", page[-1]["event_seq"]) if more else None
    return respond_private({"items": page, "next": next_page(request, following)})


@get(
    "/decisions/{id:str}",
    guards=REVIEWER,
    tags=["curation"],
    summary="One decision and what it states",
    sync_to_thread=True,
    responses=answers(
        schemas.DecisionDetails, examples.DECISION_DETAILS, problems=(400, 401, 403, 404)
    ),
)
def read_decision(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    id: FromPath[str],
    limit: Limit = 100,
) -> Response[bytes]:
    """Links between mentions that every run, placement and publication obeys."""
    with database.read() as connection:
        found, version = decision_queries.found(connection, id, limit), _decision(id)(connection)
    return respond_with_etag(request, found, version)


def _decision(decision_id: str) -> Callable[[Connection], dict[str, Any]]:
    """What changes of a decision: whether it is in force."""
    return lambda connection: decision_queries.found(connection, decision_id, 1)


@post(
    "/decisions",
    guards=REVIEWER,
    tags=["curation"],
    summary="State that two mentions are the same person, different ones, or not to be told",
    status_code=201,
    sync_to_thread=True,
    request_class=Filled,
    responses=answers(schemas.DecisionMade, examples.MADE, status=201, problems=PROBLEMS),
)
def decide(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    data: Annotated[schemas.Judgement, describe_body(("The same person", examples.JUDGEMENT))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[bytes]:
    """What is published changes at once where it says otherwise.

    Refused (409) with the chain when it contradicts earlier decisions.
    """
    return run_write(
        request, database, actor, body, lambda given: told(_judged(given, actor, data)), status=201
    )


@post(
    "/decisions/bulk",
    guards=REVIEWER,
    tags=["curation"],
    summary="State many decisions; those without conflict are applied",
    status_code=200,
    sync_to_thread=True,
    request_class=Filled,
    operation_class=describe_raw_body(
        {"application/x-ndjson": (_LINES, "Two decisions", examples.BULK_NDJSON)}
    ),
    responses=answers(schemas.Bulk, examples.BULK, problems=(400, 401, 403, 413, 422)),
)
def decide_in_bulk(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[bytes]:
    """One decision a line, as `POST /v1/decisions` takes them; at most 1,000.

    Each is applied or refused by itself, in order; a refused one leaves nothing.
    """
    rows = list(_lines(body))

    def act(given: Database) -> dict[str, Any]:
        applied, refused = [], []
        for line, text in rows:
            try:
                made = _judged(given, actor, _read(text))
            except Unavailable:
                raise
            except ServiceError as error:
                refused.append({"line": line, **_refusal(error)})
            else:
                applied.append({"line": line, **told(made)})
        return {"applied": applied, "refused": refused}

    return run_write(request, database, actor, body, act)


def _turn(path: str, summary: str) -> Callable[[Any], Any]:
    return post(
        f"/decisions/{{id:str}}/{path}",
        guards=REVIEWER,
        tags=["curation"],
        summary=summary,
        status_code=200,
        sync_to_thread=True,
        request_class=Unpacked,
        responses=answers(schemas.DecisionMade, examples.MADE, problems=PROBLEMS),
    )


Why = Annotated[schemas.Why | None, describe_body(("Why", {"reason": "mistaken for a namesake"}))]


@_turn("undo", "Take a decision back")
def undo(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: Why = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Response[bytes]:
    """Mentions, ids and redirects are as they were before it; refused where something depends.

    Reviewers take back their own decisions, editors anybody's.
    """

    reason = None if data is None else data.reason
    return run_write(
        request,
        database,
        actor,
        body,
        lambda given: told(undoing.undo(given, actor, id, reason)),
        edits=_decision(id),
    )


@_turn("redo", "Make a decision again that was undone")
def redo(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: Why = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Response[bytes]:
    """As it was, ids included; refused where what it changed has changed since.

    Reviewers make their own decisions again, editors anybody's.
    """

    reason = None if data is None else data.reason
    return run_write(
        request,
        database,
        actor,
        body,
        lambda given: told(undoing.redo(given, actor, id, reason)),
        edits=_decision(id),
    )


def statement(data: schemas.Edit, versions: Mapping[str, int] | None) -> Statement:
    """What an edit states besides what it does."""
    from service.decisions.actions import Statement

    return Statement(data.reason, data.evidence, versions, data.same_work)


def told(made: DecisionResult) -> dict[str, Any]:
    """A decision that was made as the API shows it."""
    return {
        "decision": made.id,
        "event": made.event,
        "identities": [{"id": id_, "version": v} for id_, v in sorted(made.identities.items())],
        "created": made.created,
    }


def _judged(database: Database, actor: Actor, data: schemas.Judgement) -> DecisionResult:
    from service.decisions import actions as decision_actions

    a, b = (SignatureRef(m.work, m.position) for m in (data.a, data.b))
    why = statement(data, data.versions)
    if data.kind == "unsure":
        return decision_actions.unsure(database, actor, [a, b], why)
    return decision_actions.judge(database, actor, data.kind, a, b, why)


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    n = 0
    for line, text in enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not text.strip():
            continue
        n += 1
        if n > MOST_ROWS:
            raise BodyTooLarge(
                f"there are more than {MOST_ROWS:,} decisions",
                "send them in several requests",
                field="body",
                line=line,
            )
        yield line, text


def _read(text: bytes) -> schemas.Judgement:
    value = decoded(text)
    try:
        return schemas.Judgement.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "record"
        raise BadBody(first["msg"], "see /schema for the fields", field=field) from error


def _refusal(error: ServiceError) -> dict[str, Any]:
    details = {k: v for k, v in error.details.items() if k not in ("headers", "line")}
    return {
        "status": error.status,
        "title": error.title,
        "detail": safe(error.problem),
        "remedy": safe(error.remedy),
        "field": error.field,
        "details": orjson.loads(orjson.dumps(details, default=str)),
    }


HANDLERS = (list_decisions, read_decision, decide, decide_in_bulk, undo, redo)
