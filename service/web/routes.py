"""Declare page routes and render errors as pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.connection import Request
from litestar.datastructures import Cookie

from service.api.http.problems import describe_error, request_id
from service.web.api_client import ApiClient, ApiError
from service.web.rendering import HEADERS, redirect, render_template
from service.web.sessions import (
    COOKIE,
    Visitor,
    get_visitor,
    identify_visitor,
    make_sign_out_cookie,
)

OPT = {"open": True, "page": True}
"""Pages need no key themselves: their API calls are authenticated."""
API_PREFIXES = frozenset({"v1", "schema", "health", "metrics", "static"})
"""First path segments of API routes, whose errors are returned as problems."""

ROUTE_ERRORS = {
    "urn:disambig:no-such-route": {
        "title": "Not found",
        "detail": "There is no page at this address.",
        "remedy": "Search for a name below, or use the links above.",
    },
    "urn:disambig:method-not-allowed": {
        "title": "Not a page",
        "detail": "This address only accepts submitted forms.",
        "remedy": "Go back to the page with the form and submit it again.",
    },
}
"""Texts for people, by type of the problem."""

log = logging.getLogger("service.web")


def page_route(*paths: str) -> Callable[[Any], Any]:
    """Declare a route that shows a page."""
    return get(list(paths), opt=OPT, include_in_schema=False, media_type="text/html")


def form_route(path: str) -> Callable[[Any], Any]:
    """Declare a route to which a form posts."""
    return post(path, opt=OPT, include_in_schema=False, media_type="text/html", status_code=200)


async def open_api(request: Request[Any, Any, Any]) -> tuple[ApiClient, Visitor]:
    """Return an API client for the visitor of a request, and the visitor."""
    who = await identify_visitor(request)
    return ApiClient(request, who.key), who


def read_parameter(request: Request[Any, Any, Any], name: str, max_length: int = 10_000) -> str:
    """Return a query parameter, stripped and truncated."""
    return str(request.query_params.get(name, "")).strip()[:max_length]


class _UnroutedErrorPage(Response[None]):
    """Error page of an unknown path, which identifies the visitor when it is sent.

    No handler has identified the visitor before.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(None)
        self._error = error

    def to_asgi_response(self, *args: Any, **more: Any) -> Any:
        """Return an ASGI application that sends the page."""
        request: Request[Any, Any, Any] = more["request"]

        async def send_page(scope: Any, receive: Any, send: Any) -> None:
            await identify_visitor(request)
            page = render_error_page(request, self._error)
            await page.to_asgi_response(*args, **more)(scope, receive, send)

        return send_page


def render_error_page(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Return the error page of an exception, or redirect to the sign-in form."""
    who = get_visitor(request)
    headers: dict[str, str] = {}
    if isinstance(error, ApiError):
        body: dict[str, Any] = {"status": error.status, **error.problem}
    else:
        body, headers = describe_error(error)
    status = int(body.get("status") or 500)
    stale = COOKIE in request.cookies and not who.is_signed_in
    if status == 401 and not who.is_signed_in:
        path = request.scope.get("raw_path") or b"/"
        query = request.scope["query_string"]
        back = (path.split(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")
        next_page = quote(back, safe="") if request.method == "GET" else ""
        return redirect(f"/login?next={next_page}", [make_sign_out_cookie()] if stale else [])
    if status >= 500:
        log.error("page failed: %s", type(error).__name__, exc_info=error)
    if body.get("type") in ROUTE_ERRORS:
        body |= ROUTE_ERRORS[body["type"]]
    body["request"] = request_id(request.scope)
    cookies: list[Cookie] = [make_sign_out_cookie()] if stale else []
    return Response(
        render_template("error.html", who=who, problem=body),
        status_code=status,
        media_type="text/html",
        headers={**headers, **HEADERS},
        cookies=cookies,
    )
