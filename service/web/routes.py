"""What all page routes share: how they are declared, and errors told as pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.connection import Request
from litestar.datastructures import Cookie

from service.api.problems import describe, request_id
from service.web.calling import Api, Refused
from service.web.rendering import HEADERS, rendered, see
from service.web.sessions import COOKIE, Visitor, signed_out, visitor, visitor_so_far

OPT = {"open": True, "page": True}
"""Pages are open themselves: what they show passes the gate when they ask the API for it."""

log = logging.getLogger("service.web")


def shows(*paths: str) -> Callable[[Any], Any]:
    """A route that shows a page."""
    return get(list(paths), opt=OPT, include_in_schema=False, media_type="text/html")


def does(path: str) -> Callable[[Any], Any]:
    """A route that a form posts to."""
    return post(
        path, opt=OPT, include_in_schema=False, media_type="text/html", status_code=200
    )  # fmt: skip


async def api_for(request: Request[Any, Any, Any]) -> tuple[Api, Visitor]:
    """The API as this request's visitor may use it, and the visitor."""
    who = await visitor(request)
    return Api(request, who.key), who


def part(request: Request[Any, Any, Any], name: str, longest: int = 10_000) -> str:
    """A query parameter, stripped, bounded."""
    return str(request.query_params.get(name, "")).strip()[:longest]


def told_as_page(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The page that tells of an exception; somebody who is not signed in is asked to."""
    who = visitor_so_far(request)
    if isinstance(error, Refused):
        body: dict[str, Any] = {"status": error.status, **error.problem}
    else:
        body, _ = describe(error)
    status = int(body.get("status") or 500)
    stale = COOKIE in request.cookies and not who.signed_in
    if status == 401 and not who.signed_in:
        wanted = request.scope.get("raw_path") or b"/"
        query = request.scope["query_string"]
        back = (wanted.split(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")
        asked = quote(back, safe="") if request.method == "GET" else ""
        return see(f"/login?next={asked}", [signed_out()] if stale else [])
    if status >= 500:
        log.error("page failed: %s", type(error).__name__, exc_info=error)
    body["request"] = request_id(request.scope)
    cookies: list[Cookie] = [signed_out()] if stale else []
    return Response(
        rendered("error.html", who=who, problem=body),
        status_code=status, media_type="text/html", headers=HEADERS,
        cookies=cookies,
    )  # fmt: skip
