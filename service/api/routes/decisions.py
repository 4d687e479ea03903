"""``/v1/decisions``: list decisions, record them singly or in bulk, undo and redo them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import FromPath, QueryParameter, RawBody
from pydantic import ValidationError
from sqlalchemy import Connection

from disambig.domain import Signature
from service.actors import Actor, Role
from service.api.examples import edit as examples
from service.api.http import paging
from service.api.http.bodies import (
    BadBody,
    BodyTooLarge,
    DecodedRequest,
    NonEmptyRequest,
    parse_json,
)
from service.api.http.openapi import describe_responses
from service.api.http.paging import Cursor, Limit, next_page_path, read_cursor
from service.api.http.responses import (
    IdempotencyKey,
    IfUnchanged,
    Json,
    describe_body,
    describe_raw_body,
    respond_private,
    respond_with_etag,
    run_write,
)
from service.api.middleware.auth import require_role
from service.api.schemas import edit as schemas
from service.db.database import Database
from service.decisions import queries as decision_queries
from service.decisions.results import (
    Bulk,
    DecisionAction,
    DecisionDetails,
    DecisionKind,
    DecisionMade,
    Decisions,
)
from service.decisions.undo import redo_decision, undo_decision

if TYPE_CHECKING:
    from service.decisions.actions import DecisionContext
    from service.decisions.bulk import PairDecision

REVIEWER = [require_role(Role.REVIEWER)]
PROBLEMS = (400, 401, 403, 404, 409, 412, 415, 422)
MAX_ROWS = 1_000
_LINES = Schema(type=OpenAPIType.STRING, description="One decision per line.")


@get(
    "/decisions",
    guards=REVIEWER,
    tags=["curation"],
    summary="List decisions",
    sync_to_thread=True,
    responses=describe_responses(Decisions, examples.DECISIONS, problems=(400, 401, 403)),
)
def list_decisions(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    kind: Annotated[
        DecisionKind | None,
        QueryParameter(description="Only decisions of this kind."),
    ] = None,
    action: Annotated[
        DecisionAction | None,
        QueryParameter(description="Only decisions of this action."),
    ] = None,
    by: Annotated[
        str | None,
        QueryParameter(
            max_length=200, description="Only decisions of this actor, such as key:k-3k9x0f7q2m1b."
        ),
    ] = None,
    standing: Annotated[
        bool | None,
        QueryParameter(description="true: only those in force; false: only undone ones."),
    ] = None,
    identity: Annotated[
        str | None,
        QueryParameter(max_length=100, description="Only decisions that changed this identity."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Json[Decisions]:
    """Return decisions, newest first, including undone ones."""
    filters = decision_queries.DecisionFilter(kind, action, by, standing, identity)
    before = read_cursor("decisions", cursor, (int,))
    with database.read() as connection:
        begin = None if before is None else before[0]
        decisions = decision_queries.list_decisions(connection, filters, limit + 1, begin)
    page = decisions[:limit]
    more = len(decisions) > limit
    following = paging.make_cursor("decisions", page[-1].event_seq) if more else None
    return respond_private(Decisions(items=page, next=next_page_path(request, following)))


@get(
    "/decisions/{id:str}",
    guards=REVIEWER,
    tags=["curation"],
    summary="Read a decision with its links",
    sync_to_thread=True,
    responses=describe_responses(
        DecisionDetails, examples.DECISION_DETAILS, problems=(400, 401, 403, 404)
    ),
)
def read_decision(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    id: FromPath[str],
    limit: Limit = 100,
) -> Json[DecisionDetails]:
    """Links are must-links and cannot-links that bind all runs, assignments and publications."""
    with database.read() as connection:
        decision = decision_queries.get_decision(connection, id, limit)
        version = _read_state(id)(connection)
    return respond_with_etag(request, decision, version)


def _read_state(decision_id: str) -> Callable[[Connection], DecisionDetails]:
    """Return a reader of the mutable state of a decision: whether it is in force."""
    return lambda connection: decision_queries.get_decision(connection, decision_id, 1)


@post(
    "/decisions",
    guards=REVIEWER,
    tags=["curation"],
    summary="State that two mentions are the same person, different people, or undecidable",
    status_code=201,
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    responses=describe_responses(
        DecisionMade, examples.DECISION_RESULT, status=201, problems=PROBLEMS
    ),
)
def decide(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    data: Annotated[schemas.Judgement, describe_body(("The same person", examples.JUDGEMENT))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Json[DecisionMade]:
    """Published identities that contradict it change at once.

    Rejected (409) with the chain of links if it contradicts earlier decisions.
    """
    from service.decisions.bulk import record_pair_decision

    pair = _make_pair_decision(data)
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: record_pair_decision(db, actor, pair).to_response(),
        status=201,
    )


@post(
    "/decisions/bulk",
    guards=REVIEWER,
    tags=["curation"],
    summary="Record many decisions; those without conflict are applied",
    status_code=200,
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    operation_class=describe_raw_body(
        {"application/x-ndjson": (_LINES, "Two decisions", examples.BULK_NDJSON)}
    ),
    responses=describe_responses(Bulk, examples.BULK, problems=(400, 401, 403, 413, 415, 422)),
)
def decide_in_bulk(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Json[Bulk]:
    """One decision per line, in the format of `POST /v1/decisions`; at most 1,000.

    Each is applied or rejected separately, in order; a rejected one has no effect.
    """
    from service.decisions.bulk import record_in_bulk

    lines = list(_split_lines(body))
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: record_in_bulk(db, actor, lines, _parse_pair_decision),
    )


def _reversal_route(path: str, summary: str) -> Callable[[Any], Any]:
    return post(
        f"/decisions/{{id:str}}/{path}",
        guards=REVIEWER,
        tags=["curation"],
        summary=summary,
        status_code=200,
        sync_to_thread=True,
        request_class=DecodedRequest,
        responses=describe_responses(DecisionMade, examples.DECISION_RESULT, problems=PROBLEMS),
    )


OptionalReason = Annotated[
    schemas.Why | None,
    describe_body(("With a reason", {"reason": "mistaken for a namesake"})),
]


@_reversal_route("undo", "Undo a decision")
def undo(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: OptionalReason = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Json[DecisionMade]:
    """Restore mentions, ids and redirects; rejected if later changes depend on it.

    Reviewers can undo their own decisions, editors all decisions.
    """

    reason = None if data is None else data.reason
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: undo_decision(db, actor, id, reason).to_response(),
        edits=_read_state(id),
    )


@_reversal_route("redo", "Redo an undone decision")
def redo(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: OptionalReason = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Json[DecisionMade]:
    """Reapply the decision, ids included; rejected if what it changed has changed since.

    Reviewers can redo their own decisions, editors all decisions.
    """

    reason = None if data is None else data.reason
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: redo_decision(db, actor, id, reason).to_response(),
        edits=_read_state(id),
    )


def make_context(data: schemas.Edit, versions: Mapping[str, int] | None) -> DecisionContext:
    """Return the reason, evidence and versions of an edit."""
    from service.decisions.actions import DecisionContext

    return DecisionContext(data.reason, data.evidence, versions, data.same_work)


def _make_pair_decision(data: schemas.Judgement) -> PairDecision:
    from service.decisions.bulk import PairDecision

    a, b = (Signature(mention.work, mention.position) for mention in (data.a, data.b))
    return PairDecision(data.kind, a, b, make_context(data, data.versions))


def _split_lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    n = 0
    for line, text in enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not text.strip():
            continue
        n += 1
        if n > MAX_ROWS:
            raise BodyTooLarge(
                f"there are more than {MAX_ROWS:,} decisions",
                "send them in several requests",
                field="body",
                line=line,
            )
        yield line, text


def _parse_pair_decision(text: bytes) -> PairDecision:
    value = parse_json(text)
    try:
        return _make_pair_decision(schemas.Judgement.model_validate(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "record"
        raise BadBody(first["msg"], "see /schema for the fields", field=field) from error


HANDLERS = (list_decisions, read_decision, decide, decide_in_bulk, undo, redo)
