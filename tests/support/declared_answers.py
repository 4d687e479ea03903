"""Check every response of /v1 against the class that its route declares."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx
import msgspec
from litestar.handlers import HTTPRouteHandler

from service.api.routes import V1
from service.values import Value


@cache
def _list_routes() -> list[tuple[re.Pattern[str], HTTPRouteHandler]]:
    """List path patterns with handlers; like the router, prefer those with fewer parameters."""
    patterns = {"{str}": "[^/]+", "{int}": r"\d+", "{path}": ".+"}
    routes = []
    for handler in V1:
        if isinstance(handler, HTTPRouteHandler):
            for path in handler.paths:
                template = re.sub(r"\{\w+:(\w+)\}", r"{\1}", f"/v1{path}")
                for parameter, pattern in patterns.items():
                    template = template.replace(parameter, pattern)
                routes.append((re.compile(template), handler))
    return sorted(routes, key=lambda route: route[0].pattern.count("+"))


def find_declared_class(method: str, path: str, status: int) -> Any:
    """Return the class that a route declares for a status; None for an unknown route."""
    for pattern, handler in _list_routes():
        if method in handler.http_methods and pattern.fullmatch(path):
            spec = (handler.responses or {}).get(status)
            return None if spec is None else spec.data_container
    return None


def check_response(response: httpx.Response) -> None:
    """Raise if a response has an undeclared key, or a value of an undeclared type."""
    request = response.request
    kind = find_declared_class(request.method, request.url.path, response.status_code)
    if isinstance(kind, type) and issubclass(kind, Value):
        msgspec.json.decode(response.read(), type=kind)
