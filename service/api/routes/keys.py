"""``/v1/keys``: API keys, for administrators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, RawBody

from service import api_keys
from service.actors import Actor, Role
from service.api.examples import edit as examples
from service.api.http.bodies import DecodedRequest, NonEmptyRequest
from service.api.http.openapi import describe_responses
from service.api.http.responses import (
    IdempotencyKey,
    Json,
    describe_body,
    respond_private,
    run_write,
)
from service.api.middleware.auth import KeyCache, require_role
from service.api.schemas import edit as schemas
from service.api_keys import Key, Keys, ShownKey
from service.db.database import Database
from service.values import asdict, replace, to_json

ADMIN = [require_role(Role.ADMIN)]


@get(
    "/keys",
    guards=ADMIN,
    tags=["keys"],
    summary="List keys",
    sync_to_thread=True,
    responses=describe_responses(Keys, examples.KEYS, problems=(401, 403)),
)
def list_keys(database: NamedDependency[Database]) -> Json[Keys]:
    """Return keys without secrets, newest first, including expired and revoked ones."""
    now = datetime.now(UTC)
    with database.read() as connection:
        infos = api_keys.list_keys(connection)
    return respond_private(Keys(items=[info.to_response(now) for info in infos]))


@post(
    "/keys",
    guards=ADMIN,
    tags=["keys"],
    summary="Create a key",
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    responses=describe_responses(
        ShownKey, examples.KEY_WITH_SECRET, status=201, problems=(400, 401, 403, 415, 422)
    ),
)
def make_key(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    data: Annotated[schemas.NewKey, describe_body(("A key for a year", examples.NEW_KEY))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Json[ShownKey]:
    """The key is returned only in this response: only its digest is stored.

    Repeated with the same Idempotency-Key, the request creates no second key, and `key` is null.
    """
    new_keys: list[ShownKey] = []

    def act(db: Database) -> ShownKey:
        info, text = api_keys.create_key(
            db,
            actor,
            name=data.name,
            role=Role(data.role),
            expires_at=data.expires_at,
            per_minute=data.per_minute,
        )
        new_key = ShownKey(**asdict(info.to_response(datetime.now(UTC))), key=text)
        new_keys.append(new_key)
        return replace(new_key, key=None)  # this is stored, so it must not contain the secret

    response = run_write(request, database, actor, body, act, status=201)
    if new_keys:
        response.content = to_json(new_keys[0])
    return response


@delete(
    "/keys/{id:str}",
    guards=ADMIN,
    tags=["keys"],
    summary="Revoke a key",
    sync_to_thread=True,
    status_code=200,
    request_class=DecodedRequest,
    responses=describe_responses(
        Key,
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
) -> Json[Key]:
    """The key is rejected from now on, permanently (by other server processes within seconds)."""
    info = api_keys.revoke_key(database, actor, id, reason)
    key_cache: KeyCache = request.app.state["keys"]
    key_cache.clear()
    return respond_private(info.to_response(datetime.now(UTC)))


HANDLERS = (list_keys, make_key, revoke_key)
