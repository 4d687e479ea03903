"""What writes over HTTP share: sending again, versions of what is edited, described bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import orjson
from litestar import Request, Response
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.params import BodyKwarg, HeaderParameter
from sqlalchemy import Connection

from service.actors import Actor
from service.api.http.etags import (
    PreconditionRequired,
    etag,
    expected_version,
    require_read,
    unchanged,
)
from service.db.database import Database, Within
from service.events.log import EventLog
from service.idempotency import StoredResponse, parse_idempotency_key, run_once, run_once_in_parts

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="A name that you make up for this write, such as a UUID. Sent again with the "
        "same body within 24 hours, it is answered alike and not done twice.",
    ),
]
IfUnchanged = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="ETag of what you read; the step is refused (412) where it has changed since. "
        "Left out: whatever it is now.",
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="ETag of the identity as you read it; * for whatever it is now. Where several "
        "identities are edited, `versions` in the body says it of each.",
    ),
]


def run_write(
    request: Request[Any, Any, Any],
    database: Database,
    actor: Actor,
    body: bytes,
    act: Callable[[Database], Any],
    *,
    status: int = 200,
    in_parts: bool = False,
    edits: Callable[[Connection], Any] | None = None,
) -> Response[bytes]:
    """Do a write once for each Idempotency-Key, and answer with what it gives as JSON.

    Parameters
    ----------
    body : bytes
        The request's, unpacked.
    act : callable
        Does the write through the database it is given; its result must be JSON for orjson.
    in_parts : bool
        Whether it commits in several transactions; see :mod:`service.idempotency`.
    edits : callable, optional
        What the read of the thing that is edited answers with; where If-Match is sent it must be
        what the client read.

    Raises
    ------
    Stale
        If it is not.
    """
    scope = request.scope
    tried = parse_idempotency_key(
        actor.name,
        request.headers.get("idempotency-key"),
        scope["method"].encode(),
        scope.get("raw_path") or scope["path"].encode(),
        scope["query_string"],
        request.headers.get("if-match", "").encode("latin-1", "replace"),
        body,
    )

    def answering(given: Database) -> StoredResponse:
        if edits is None or "if-match" not in request.headers:
            return StoredResponse(status, orjson.dumps(act(given)))
        with given.write() as connection:
            EventLog.lock(connection)
            require_read(request, etag(orjson.dumps(edits(connection))))
            return StoredResponse(status, orjson.dumps(act(Within(given, connection))))

    done = (run_once_in_parts if in_parts else run_once)(database, tried, answering)
    headers = {"Cache-Control": "private, no-store"}
    if done.is_replay:
        headers["Idempotency-Replayed"] = "true"
    return Response(
        done.body, status_code=done.status, media_type=done.content_type, headers=headers
    )


def respond_with_etag(request: Request[Any, Any, Any], content: Any, version: Any = None) -> Response[bytes]:
    """An answer with an ETag that steps take in If-Match; 304 where the client has it.

    ``version`` is what the ETag is made of, where that is not all of the content.
    """
    current = etag(orjson.dumps(content if version is None else version))
    headers = {"Cache-Control": "private, no-cache", "ETag": current}
    if unchanged(request.headers.get("if-none-match"), current):
        return Response(b"", status_code=304, headers=headers)
    return Response(orjson.dumps(content), media_type="application/json", headers=headers)


def respond_private(content: Any) -> Response[bytes]:
    """An answer that is nobody else's and never kept on the way."""
    headers = {"Cache-Control": "private, no-store"}
    return Response(orjson.dumps(content), media_type="application/json", headers=headers)


def read_versions(
    request: Request[Any, Any, Any], ids: Sequence[str], body_versions: Mapping[str, int] | None
) -> dict[str, int]:
    """The version that the client read of each identity it edits; none after ``If-Match: *``.

    Raises
    ------
    PreconditionRequired
        If one is stated nowhere.
    """
    versions_by_id = {id_: (body_versions or {})[id_] for id_ in ids if id_ in (body_versions or {})}
    missing = [id_ for id_ in dict.fromkeys(ids) if id_ not in versions_by_id]
    if not missing or request.headers.get("if-match", "").strip() == "*":
        return versions_by_id
    if len(set(ids)) == 1:
        version = expected_version(request)
        return {} if version is None else {ids[0]: version}
    raise PreconditionRequired(
        f"versions does not name the version of {missing[0]}",
        "send the version of each identity as you read it (the number in its ETag), or "
        "If-Match: * to edit whatever is there",
        field="versions",
    )


def describe_body(*examples: tuple[str, Any]) -> BodyKwarg:
    """Description of a JSON body by examples: (what it does, the body)."""
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
    """Operation of a handler that reads its body itself; by media type what it holds and how.

    The values are (schema, what the example shows, example).
    """
    return type("RawOperation", (_RawOperation,), {"bodies": dict(bodies)})
