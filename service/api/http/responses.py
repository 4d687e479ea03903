"""Responses of writes: idempotency keys, conditional edits, documented request bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from litestar import Request, Response
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.params import BodyKwarg, HeaderParameter
from sqlalchemy import Connection

from service.actors import Actor
from service.api.http.etags import (
    PreconditionRequired,
    make_etag,
    matches_etag,
    read_expected_version,
    require_unchanged,
)
from service.db.database import Database, Within
from service.events.log import EventLog
from service.idempotency import StoredResponse, parse_idempotency_key, run_once, run_once_in_parts
from service.values import Value, doc, to_json

T = TypeVar("T")

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="A unique key for this write, such as a UUID. A request repeated with the same "
        "key and body within 24 hours returns the stored response and is not executed again.",
    ),
]
IfUnchanged = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="ETag of the resource as read; the request is rejected (412) if it has changed "
        "since. Omitted: any version.",
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="ETag of the identity as read; * for any version. For edits of several "
        "identities, send `versions` in the body.",
    ),
]


class Json(Response[bytes], Generic[T]):
    """Response with a value of the class ``T`` as its encoded body.

    A handler states what it sends by ``-> Json[T]``; mypy and ``tests/service/api/test_types.py``
    check that against the schema that its route declares.
    """


class Moved(Value, kw_only=True):
    """Redirect from an identity to the one into which it was merged."""

    id: Annotated[str, doc("The requested identity.")]
    redirect: Annotated[str, doc("The identity into which it was merged.")]


def run_write(
    request: Request[Any, Any, Any],
    database: Database,
    actor: Actor,
    body: bytes,
    act: Callable[[Database], T],
    *,
    status: int = 200,
    in_parts: bool = False,
    edits: Callable[[Connection], Any] | None = None,
) -> Json[T]:
    """Execute a write once per Idempotency-Key and return its result as JSON.

    Parameters
    ----------
    body : bytes
        Decompressed request body.
    act : callable
        Executes the write on the given database; its result is sent.
    in_parts : bool
        Whether ``act`` commits in several transactions; see :mod:`service.idempotency`.
    edits : callable, optional
        Reads the edited resource; its ETag must match If-Match, if sent.

    Raises
    ------
    Stale
        If the ETag does not match.
    """
    scope = request.scope
    key = parse_idempotency_key(
        actor.name,
        request.headers.get("idempotency-key"),
        scope["method"].encode(),
        scope.get("raw_path") or scope["path"].encode(),
        scope["query_string"],
        request.headers.get("if-match", "").encode("latin-1", "replace"),
        body,
    )

    def produce_response(db: Database) -> StoredResponse:
        if edits is None or "if-match" not in request.headers:
            return StoredResponse(status, to_json(act(db)))
        with db.write() as connection:
            EventLog.lock(connection)
            require_unchanged(request, make_etag(to_json(edits(connection))))
            return StoredResponse(status, to_json(act(Within(db, connection))))

    stored = (run_once_in_parts if in_parts else run_once)(database, key, produce_response)
    headers = {"Cache-Control": "private, no-store"}
    if stored.is_replay:
        headers["Idempotency-Replayed"] = "true"
    return Json(
        stored.body, status_code=stored.status, media_type=stored.content_type, headers=headers
    )


def respond_with_etag(request: Request[Any, Any, Any], content: T, version: Any = None) -> Json[T]:
    """Return a JSON response with an ETag for If-Match; 304 if the client has it.

    ``version`` is the value from which the ETag is computed; default: the content.
    """
    current = make_etag(to_json(content if version is None else version))
    headers = {"Cache-Control": "private, no-cache", "ETag": current}
    if matches_etag(request.headers.get("if-none-match"), current):
        return Json(b"", status_code=304, headers=headers)
    return Json(to_json(content), media_type="application/json", headers=headers)


def respond_private(content: T) -> Json[T]:
    """Return a JSON response with ``Cache-Control: private, no-store``."""
    headers = {"Cache-Control": "private, no-store"}
    return Json(to_json(content), media_type="application/json", headers=headers)


def read_versions(
    request: Request[Any, Any, Any], ids: Sequence[str], body_versions: Mapping[str, int] | None
) -> dict[str, int]:
    """Return the expected version of each edited identity; none after ``If-Match: *``.

    Raises
    ------
    PreconditionRequired
        If the version of an identity is missing.
    """
    versions_by_id = {
        id_: (body_versions or {})[id_] for id_ in ids if id_ in (body_versions or {})
    }
    missing = [id_ for id_ in dict.fromkeys(ids) if id_ not in versions_by_id]
    if not missing or request.headers.get("if-match", "").strip() == "*":
        return versions_by_id
    if len(set(ids)) == 1:
        version = read_expected_version(request)
        return {} if version is None else {ids[0]: version}
    raise PreconditionRequired(
        f"versions lacks the version of {missing[0]}",
        "send the version of each identity as you read it (the number in its ETag), or "
        "If-Match: * to edit any version",
        field="versions",
    )


def describe_body(*examples: tuple[str, Any]) -> BodyKwarg:
    """Describe a JSON body by examples of (summary, value)."""
    return BodyKwarg(examples=[Example(summary=name, value=value) for name, value in examples])


@dataclass
class _RawOperation(Operation):
    bodies: ClassVar[Mapping[str, tuple[Schema, str, Any]]] = {}

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=True,
            content={
                media_type: OpenAPIMediaType(
                    schema=schema, examples={"example": Example(summary=summary, value=value)}
                )
                for media_type, (schema, summary, value) in self.bodies.items()
            },
        )


def describe_raw_body(bodies: Mapping[str, tuple[Schema, str, Any]]) -> type[Operation]:
    """Return the operation class of a handler that reads its raw body.

    ``bodies`` maps media types to (schema, summary of the example, example).
    """
    return type("RawOperation", (_RawOperation,), {"bodies": dict(bodies)})
