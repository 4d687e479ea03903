"""Convert exceptions to ``application/problem+json`` (RFC 9457).

A problem has ``type``, ``title``, ``status``, ``detail`` (what is wrong), ``remedy`` (what to do),
``field`` (the invalid field), ``errors`` (each of several invalid fields), ``instance`` (the path)
and ``request`` (the id of the request, as in the log).
"""

from __future__ import annotations

import logging
import re
import secrets
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Response
from litestar.connection import Request
from litestar.exceptions import HTTPException
from sqlalchemy.exc import DataError

from disambig.errors import DisambigError, RecordError
from service.errors import ServiceError, Unauthenticated, Unavailable
from service.values import UNSET, UnsetType, Value, doc, to_json

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""What a client may send as X-Request-ID; anything else is replaced."""

_MAX_DETAIL = 2000
_REMEDIES = {
    400: "correct the request; /schema describes every operation",
    404: "/schema lists every route",
    405: "use one of the methods in the Allow header",
    413: "send less at once, in several requests",
    415: "send JSON with Content-Type: application/json",
}

log = logging.getLogger("service.api")


class FieldProblem(Value, kw_only=True, rename={"in_": "in"}):
    """One of several invalid fields."""

    field: Annotated[str, doc("Location in the request.")]
    detail: Annotated[str, doc("What is wrong.")]
    in_: Annotated[str | UnsetType, doc("query, path, header or body.")] = UNSET


class Problem(Value, kw_only=True, forbid_unknown_fields=False):
    """What went wrong, where, and what to do (RFC 9457); details of the error are added."""

    type: Annotated[str, doc("Kind of problem, as a URN.")]
    title: Annotated[str, doc("Kind of problem, as text.")]
    status: Annotated[int, doc("The HTTP status.")]
    detail: Annotated[str, doc("What is wrong with this request.")]
    remedy: Annotated[str | UnsetType, doc("What to do.")] = UNSET
    field: Annotated[str | UnsetType, doc("The invalid part of the request.")] = UNSET
    errors: Annotated[list[FieldProblem] | UnsetType, doc("Each invalid field.")] = UNSET
    instance: Annotated[str, doc("Path of the request.")]
    request: Annotated[str, doc("Id of the request, as in the server's log.")]


def request_id(scope: Any) -> str:
    """Return the id of a request: the client's if valid, otherwise a generated one."""
    state = scope.setdefault("state", {})
    identifier = state.get("request_id")
    if identifier is None:
        header = next((v for k, v in scope.get("headers", ()) if k == b"x-request-id"), b"")
        text = header.decode("latin-1")
        identifier = text if REQUEST_ID.fullmatch(text) else secrets.token_hex(8)
        state["request_id"] = identifier
    return str(identifier)


def render_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Return the response for an exception; used as Litestar's exception handler."""
    body, headers = describe_error(error)
    body["instance"] = _format_path(request.scope)
    body["request"] = request_id(request.scope)
    if body["status"] == 500:
        log.error("request %s failed: %s", body["request"], type(error).__name__, exc_info=error)
    return Response(
        to_json(body, convert=str),
        status_code=body["status"],
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def describe_error(error: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the members of the :class:`Problem`, with details of the error, and its headers."""
    if isinstance(error, ServiceError):
        return _describe_service_error(error)
    if isinstance(error, HTTPException):
        return _describe_http_error(error)
    if isinstance(error, RecordError):
        body = _build_body(422, "Invalid record", error.problem, error.remedy)
        return {**body, "field": error.field, "line": error.line}, {}
    if isinstance(error, DisambigError):
        return _build_body(422, "Invalid request", str(error), ""), {}
    if isinstance(error, DataError):  # a value that passed validation but PostgreSQL rejects
        remedy = "look for numbers out of range and for the character U+0000"
        return _build_body(422, "Invalid request", "a value cannot be stored", remedy), {}
    remedy = "try again; if the error persists, report the request id to the operator"
    return _build_body(
        500, "Internal error", "the server failed to process the request", remedy
    ), {}


def _build_body(status: int, title: str, detail: str, remedy: str) -> dict[str, Any]:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    body: dict[str, Any] = {
        "type": f"urn:disambig:{slug}",
        "title": title,
        "status": status,
        "detail": _truncate(detail),
    }
    if remedy:
        body["remedy"] = remedy
    return body


def _describe_service_error(error: ServiceError) -> tuple[dict[str, Any], dict[str, str]]:
    body = _build_body(error.status, error.title, error.problem, error.remedy)
    if error.field is not None:
        body["field"] = error.field
    headers = {str(k): str(v) for k, v in error.details.get("headers", {}).items()}
    body.update((k, v) for k, v in error.details.items() if k not in body and k != "headers")
    if isinstance(error, Unauthenticated):
        headers.setdefault("WWW-Authenticate", 'Bearer realm="disambig"')
    if isinstance(error, Unavailable):
        headers.setdefault("Retry-After", "1")
    return body, headers


def _describe_http_error(error: HTTPException) -> tuple[dict[str, Any], dict[str, str]]:
    status = error.status_code
    titles = {400: "Invalid request", 404: "No such route", 413: "Request too large"}
    title = titles.get(status) or _split_words(type(error).__name__.removesuffix("Exception"))
    detail = error.detail or title
    if status == 404:
        detail = "there is no resource at this path"
    elif status >= 500:
        title, detail = "Internal error", "the server failed to process the request"
    body = _build_body(status, title, detail, _REMEDIES.get(status, ""))
    field_errors = [_build_field_problem(e) for e in error.extra or () if isinstance(e, dict)]
    if field_errors and status < 500:
        body["detail"] = _truncate("; ".join(f"{e.field}: {e.detail}" for e in field_errors))
        body["field"] = field_errors[0].field
        body["errors"] = field_errors
    return body, {k: v for k, v in (error.headers or {}).items() if k.lower() == "allow"}


def _build_field_problem(error: dict[str, Any]) -> FieldProblem:
    source = getattr(error.get("source"), "value", error.get("source"))
    return FieldProblem(
        field=str(error.get("key") or source or "request"),
        detail=_truncate(str(error.get("message", "is invalid"))),
        in_=str(source) if source else UNSET,
    )


def _split_words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def _truncate(text: str) -> str:
    """Return valid, bounded Unicode: a lone surrogate cannot be encoded as UTF-8."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= _MAX_DETAIL else clean[:_MAX_DETAIL] + "…"


def _format_path(scope: Any) -> str:
    raw = scope.get("raw_path") or quote(scope.get("path", "")).encode()
    return quote(raw.split(b"?")[0][:500], safe="/%:@!$&'()*+,;=-._~")
