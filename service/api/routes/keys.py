"""``/v1/keys``: API keys, for administrators."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, RawBody

from service import api_keys
from service.actors import Actor, Role
from service.api.examples import edit as examples
from service.api.http.bodies import DecodedRequest, NonEmptyRequest
from service.api.http.openapi import describe_responses
from service.api.http.responses import IdempotencyKey, describe_body, respond_private, run_write
from service.api.middleware.auth import KnownKeys, requires
from service.api.schemas import edit as schemas
from service.db.database import Database

ADMIN = [requires(Role.ADMIN)]


@get(
    "/keys",
    guards=ADMIN,
    tags=["keys"],
    summary="List keys",
    sync_to_thread=True,
    responses=describe_responses(schemas.Keys, examples.KEYS, problems=(401, 403)),
)
def list_keys(database: NamedDependency[Database]) -> Response[bytes]:
    """Return keys without secrets, newest first, including expired and revoked ones."""
    with database.read() as connection:
        return respond_private({"items": [told(info) for info in api_keys.list_keys(connection)]})


@post(
    "/keys",
    guards=ADMIN,
    tags=["keys"],
    summary="Create a key",
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    responses=describe_responses(
        schemas.ShownKey, examples.SHOWN_KEY, status=201, problems=(400, 401, 403, 422)
    ),
)
def make_key(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    data: Annotated[schemas.NewKey, describe_body(("A key for a year", examples.NEW_KEY))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[bytes]:
    """The key is returned only in this response: only its digest is stored.

    Repeated with the same Idempotency-Key, the request creates no second key, and `key` is null.
    """
    shown: list[str] = []

    def act(given: Database) -> dict[str, Any]:
        info, text = api_keys.create_key(
            given,
            actor,
            name=data.name,
            role=Role(data.role),
            expires_at=data.expires_at,
            per_minute=data.per_minute,
        )
        shown.append(text)
        return {
            **told(info),
            "key": None,
        }  # the response is stored, so it must not contain the secret

    answer = run_write(request, database, actor, body, act, status=201)
    if shown:
        answer.content = orjson.dumps({**orjson.loads(answer.content), "key": shown[0]})
    return answer


@delete(
    "/keys/{id:str}",
    guards=ADMIN,
    tags=["keys"],
    summary="Revoke a key",
    sync_to_thread=True,
    status_code=200,
    request_class=DecodedRequest,
    responses=describe_responses(
        schemas.Key,
        examples.REVOKED_KEY,
        problems=(401, 403, 404, 409),
    ),
)
def revoke_key(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    reason: FromQuery[schemas.Reason] = None,
) -> Response[bytes]:
    """The key is rejected from now on, permanently (by other server processes within seconds)."""
    info = api_keys.revoke_key(database, actor, id, reason)
    known: KnownKeys = request.app.state["keys"]
    known.forget()
    return respond_private(told(info))


def told(info: api_keys.KeyInfo) -> dict[str, Any]:
    """Return a key as the API renders it."""
    return {**asdict(info), "role": info.role.value, "state": info.get_state(datetime.now(UTC))}


HANDLERS = (list_keys, make_key, revoke_key)
