"""``/v1/keys``: keys of the API, for administrators."""

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
from service.api.http.bodies import Filled, Unpacked
from service.api.http.openapi import answers
from service.api.http.responses import IdempotencyKey, describe_body, respond_private, run_write
from service.api.middleware.auth import KnownKeys, requires
from service.api.schemas import edit as schemas
from service.db.database import Database

ADMIN = [requires(Role.ADMIN)]


@get(
    "/keys",
    guards=ADMIN,
    tags=["keys"],
    summary="All keys",
    sync_to_thread=True,
    responses=answers(schemas.Keys, examples.KEYS, problems=(401, 403)),
)
def list_keys(database: NamedDependency[Database]) -> Response[bytes]:
    """The newest first, with those that expired or were revoked; without their secrets."""
    with database.read() as connection:
        return respond_private({"items": [told(info) for info in api_keys.list_keys(connection)]})


@post(
    "/keys",
    guards=ADMIN,
    tags=["keys"],
    summary="Make a key",
    sync_to_thread=True,
    request_class=Filled,
    responses=answers(
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
    """The answer shows the key, this once: only a digest of it is kept.

    Sent again with the same Idempotency-Key it makes no second key, and `key` is null.
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
        return {**told(info), "key": None}  # the answer is stored, and no secret ever is

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
    request_class=Unpacked,
    responses=answers(
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
    """It is refused from now on (by other server processes within seconds), and for good."""
    info = api_keys.revoke_key(database, actor, id, reason)
    known: KnownKeys = request.app.state["keys"]
    known.forget()
    return respond_private(told(info))


def told(info: api_keys.KeyInfo) -> dict[str, Any]:
    """A key as the API shows it."""
    return {**asdict(info), "role": info.role.value, "state": info.get_state(datetime.now(UTC))}


HANDLERS = (list_keys, make_key, revoke_key)
