"""``/v1/models``: train models on decisions, compare them with the one in use, promote them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RawBody
from pydantic import Field
from sqlalchemy import Connection

from service.actors import Actor, Role
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
from service.api.schemas.edit import Reason, RequestBody, Whole, Why
from service.db.database import Database
from service.settings import Settings
from service.training import promotion
from service.training import store as model_store
from service.training.results import Model, Models, ModelState

REVIEWER, EDITOR = [require_role(Role.REVIEWER)], [require_role(Role.EDITOR)]
ADMIN = [require_role(Role.ADMIN)]
PROBLEMS = (400, 401, 403, 404, 409, 412, 415)


class NewModel(RequestBody):
    """A model to train."""

    hold_back: Annotated[float, Field(ge=0, le=0.9)] = Field(
        default=model_store.HELD_BACK,
        description="Share of the decisions held out to compare the models.",
    )
    seed: Annotated[Whole, Field(ge=0, le=2**31 - 1)] = 0
    reason: Reason = None


class Promote(Why):
    """Options of a promotion."""

    expected: Annotated[Whole, Field(ge=0, le=2**63 - 1)] | None = Field(
        default=None,
        description="Sequence number of the last promotion you have read (`promoted_seq` of the "
        "model in use), 0 for none; rejected (409, with actor and model) if there is a later one.",
    )


_ID = "m-3k9x0f7q2m1b"
_AT = "2026-05-01T09:00:00Z"
QUEUED: dict[str, Any] = {
    "id": _ID,
    "state": "queued",
    "digest": None,
    "actor": "key:k-3k9x0f7q2m1b",
    "reason": "500 more answers",
    "added_at": _AT,
    "started_at": None,
    "ended_at": None,
    "attempts": 0,
    "stage": None,
    "done": 0,
    "total": None,
    "error": None,
    "comparison": None,
    "promoted_seq": None,
    "in_use": False,
    "outdated": False,
}
_FIGURES = {"precision": 0.948, "recall": 0.833, "f1": 0.887}
CANDIDATE: dict[str, Any] = {
    **QUEUED,
    "state": "candidate",
    "digest": "9f2b" * 16,
    "started_at": _AT,
    "ended_at": _AT,
    "attempts": 1,
    "comparison": {
        "with": {"model": None, "digest": "03ac" * 16},
        "learned": {
            "how": "corrected",
            "decisions": 251,
            "answers": 233,
            "same": 28,
            "different": 205,
            "labels": 0,
            "held_back": 63,
        },
        "held_back": {
            "decisions": 61,
            "right": {"old": 39, "new": 52},
            "mended": 15,
            "broken": 2,
            "questions": 59,
            "sureness": {"old": 0.618, "new": 0.819},
        },
        "gold": {"labels": 2_255, "old": _FIGURES, "new": _FIGURES},
        "mentions": 14_333,
        "changed": 1_748,
        "identities": {"old": 6_146, "new": 6_548},
    },
}
PROMOTED = {**CANDIDATE, "state": "promoted", "promoted_seq": 4_712, "in_use": True}
CANCELLED = {**QUEUED, "state": "cancelled", "ended_at": _AT}
MODELS = {"items": [CANDIDATE], "next": None, "in_use": None}
OptionalReason = Annotated[
    Why | None, describe_body(("With a reason", {"reason": "15 decisions mended, 2 broken"}))
]


@get(
    "/models",
    guards=REVIEWER,
    tags=["models"],
    summary="List models",
    sync_to_thread=True,
    responses=describe_responses(Models, MODELS, problems=(400, 401, 403)),
)
def list_models(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    model_state: Annotated[
        ModelState | None, QueryParameter(name="state", description="Only models in this state.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Json[Models]:
    """Return models, newest first, and the id of the one in use."""
    begin = read_cursor("models", cursor, (str,))
    before = None if begin is None else begin[0]
    with database.read() as connection:
        found_models = model_store.list_models(
            connection, state=model_state, before=before, limit=limit + 1
        )
        id_in_use = model_store.get_id_in_use(connection)
    page = found_models[:limit]
    following = paging.make_cursor("models", page[-1].id) if len(found_models) > limit else None
    return respond_private(
        Models(items=page, next=next_page_path(request, following), in_use=id_in_use)
    )


@get(
    "/models/{id:str}",
    guards=REVIEWER,
    tags=["models"],
    summary="Read a model with its progress and comparison",
    sync_to_thread=True,
    responses=describe_responses(Model, CANDIDATE, problems=(401, 403, 404)),
)
def read_model(
    request: Request[Any, Any, Any], database: NamedDependency[Database], id: FromPath[str]
) -> Json[Model]:
    """A step that sends the ETag in If-Match is executed only if the model is unchanged."""
    with database.read() as connection:
        model = model_store.get_model(connection, id)
    return respond_with_etag(request, model)


@post(
    "/models",
    guards=EDITOR,
    tags=["models"],
    summary="Train a model on decisions",
    status_code=202,
    sync_to_thread=True,
    request_class=DecodedRequest,
    responses=describe_responses(
        Model, QUEUED, status=202, problems=(400, 401, 403, 409, 415, 422)
    ),
)
def train_model(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    actor: NamedDependency[Actor],
    body: RawBody,
    data: Annotated[
        NewModel | None, describe_body(("With a reason", {"reason": "500 more answers"}))
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Json[Model]:
    """A worker (`disambig worker`) trains a candidate, which has no effect until it is promoted.

    Rejected (409) while another model is being trained.
    """
    options = data or NewModel()
    request_ = model_store.FitOptions(options.hold_back, options.seed)
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: model_store.request_model(
            db, actor, request_, settings.heartbeat, options.reason
        ),
        status=202,
    )


def _read_state(id_: str) -> Callable[[Connection], Model | dict[str, str | None]]:
    if (
        id_ == promotion.SHIPPED
    ):  # it may not be stored yet, so there is no earlier state to compare
        return lambda connection: {"in_use": model_store.get_id_in_use(connection)}
    return lambda connection: model_store.get_model(connection, id_)


@post(
    "/models/{id:str}/promote",
    guards=ADMIN,
    tags=["models"],
    summary="Promote a model",
    status_code=200,
    sync_to_thread=True,
    request_class=DecodedRequest,
    responses=describe_responses(Model, PROMOTED, problems=PROBLEMS),
)
def promote_model(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: Annotated[
        Promote | None,
        describe_body(("With a reason", {"reason": "15 decisions mended, 2 broken"})),
    ] = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Json[Model]:
    """Use a candidate, or a former model, in later runs; `shipped` is the one of this release.

    Published identities change only with the next published run. Rejected (409) if another model
    was promoted since the candidate was compared, or since the promotion in `expected`.
    """
    options = data or Promote()

    def act(db: Database) -> Model:
        used = promotion.promote(db, actor, id, options.reason, expected=options.expected)
        with db.read() as connection:
            return model_store.get_model(connection, used.id)

    return run_write(request, database, actor, body, act, edits=_read_state(id))


@post(
    "/models/{id:str}/cancel",
    guards=EDITOR,
    tags=["models"],
    summary="Cancel training, or discard a candidate",
    status_code=200,
    sync_to_thread=True,
    request_class=DecodedRequest,
    responses=describe_responses(Model, CANCELLED, problems=PROBLEMS),
)
def cancel_model(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    body: RawBody,
    data: OptionalReason = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfUnchanged = None,
) -> Json[Model]:
    """Applies to queued or running models and candidates. The model in use does not change."""
    reason = None if data is None else data.reason
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: model_store.cancel_model(db, actor, id, reason),
        edits=_read_state(id),
    )


HANDLERS = (list_models, read_model, train_model, promote_model, cancel_model)
