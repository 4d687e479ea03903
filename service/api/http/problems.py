"""Exceptions told as ``application/problem+json`` (RFC 9457): the one map of them.

A problem has ``type``, ``title``, ``status``, ``detail`` (what is wrong), ``remedy`` (what to do),
``field`` (where it is wrong), ``errors`` (each wrong field of several), ``instance`` (the path)
and ``request`` (the id of the request, as in the log).
"""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any
from urllib.parse import quote

import orjson
from litestar import Response
from litestar.connection import Request
from litestar.exceptions import HTTPException
from sqlalchemy.exc import DataError

from disambig.errors import DisambigError, RecordError
from service.errors import ServiceError, Unauthenticated, Unavailable

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""What a client may send as X-Request-ID; anything else is replaced."""

_SANE_DETAIL = 2000
_REMEDIES = {
    400: "correct the request; /schema describes every operation",
    404: "/schema lists every route",
    405: "use one of the methods in the Allow header",
    413: "send less at once, in several requests",
    415: "send JSON with Content-Type: application/json",
}

log = logging.getLogger("service.api")


def request_id(scope: Any) -> str:
    """Id of a request: the client's where it sent a sane one, else one made now and kept."""
    state = scope.setdefault("state", {})
    found = state.get("request_id")
    if found is None:
        sent = next((v for k, v in scope.get("headers", ()) if k == b"x-request-id"), b"")
        text = sent.decode("latin-1")
        found = text if REQUEST_ID.fullmatch(text) else secrets.token_hex(8)
        state["request_id"] = found
    return str(found)


def told(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The problem that tells of an exception; Litestar's exception handler."""
    body, headers = describe(error)
    body["instance"] = _shown_path(request.scope)
    body["request"] = request_id(request.scope)
    if body["status"] == 500:
        log.error("request %s failed: %s", body["request"], type(error).__name__, exc_info=error)
    return Response(
        orjson.dumps(body, default=str),
        status_code=body["status"],
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def describe(error: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    """The members of the problem and the headers that go with it."""
    if isinstance(error, ServiceError):
        return _of_service(error)
    if isinstance(error, HTTPException):
        return _of_litestar(error)
    if isinstance(error, RecordError):
        body = _body(422, "Invalid record", error.problem, error.remedy)
        return {**body, "field": error.field, "line": error.line}, {}
    if isinstance(error, DisambigError):
        return _body(422, "Invalid request", str(error), ""), {}
    if isinstance(error, DataError):  # a value that passed every check and PostgreSQL refuses
        remedy = "look for numbers out of range and for the character U+0000"
        return _body(422, "Invalid request", "a value cannot be stored", remedy), {}
    remedy = "try again; if it stays, report the request id to whoever runs the service"
    return _body(500, "Internal error", "the server failed to do this", remedy), {}


def _body(status: int, title: str, detail: str, remedy: str) -> dict[str, Any]:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    body: dict[str, Any] = {
        "type": f"urn:disambig:{slug}",
        "title": title,
        "status": status,
        "detail": _bounded(detail),
    }
    if remedy:
        body["remedy"] = remedy
    return body


def _of_service(error: ServiceError) -> tuple[dict[str, Any], dict[str, str]]:
    body = _body(error.status, error.title, error.problem, error.remedy)
    if error.field is not None:
        body["field"] = error.field
    headers = {str(k): str(v) for k, v in error.details.get("headers", {}).items()}
    body.update((k, v) for k, v in error.details.items() if k not in body and k != "headers")
    if isinstance(error, Unauthenticated):
        headers.setdefault("WWW-Authenticate", 'Bearer realm="disambig"')
    if isinstance(error, Unavailable):
        headers.setdefault("Retry-After", "1")
    return body, headers


def _of_litestar(error: HTTPException) -> tuple[dict[str, Any], dict[str, str]]:
    status = error.status_code
    titles = {400: "Invalid request", 404: "No such route", 413: "Request too large"}
    title = titles.get(status) or _spaced(type(error).__name__.removesuffix("Exception"))
    detail = error.detail or title
    if status == 404:
        detail = "there is nothing at this address"
    elif status >= 500:
        title, detail = "Internal error", "the server failed to do this"
    body = _body(status, title, detail, _REMEDIES.get(status, ""))
    wrong = [_field(e) for e in error.extra or () if isinstance(e, dict)]
    if wrong and status < 500:
        body["detail"] = _bounded("; ".join(f"{e['field']}: {e['detail']}" for e in wrong))
        body["field"] = wrong[0]["field"]
        body["errors"] = wrong
    return body, {k: v for k, v in (error.headers or {}).items() if k.lower() == "allow"}


def _field(error: dict[str, Any]) -> dict[str, str]:
    source = getattr(error.get("source"), "value", error.get("source"))
    found = {
        "field": str(error.get("key") or source or "request"),
        "detail": _bounded(str(error.get("message", "is wrong"))),
    }
    if source:
        found["in"] = str(source)
    return found


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def _bounded(text: str) -> str:
    """Valid Unicode of sane length: half a surrogate pair cannot be sent as UTF-8."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= _SANE_DETAIL else clean[:_SANE_DETAIL] + "…"


def _shown_path(scope: Any) -> str:
    raw = scope.get("raw_path") or quote(scope.get("path", "")).encode()
    return quote(raw.split(b"?")[0][:500], safe="/%:@!$&'()*+,;=-._~")
