"""Time, count and log every request."""

from __future__ import annotations

import time
from typing import Any

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Send

from service import log as logs
from service.api.http.problems import request_id
from service.observability.metrics import UNMATCHED_ROUTE, Metrics

log = logs.get_logger("service.requests")
QUIET_ROUTES = ("/health/live", "/health/ready", "/metrics")
"""Routes of frequent automatic probes; logged at level debug."""
CLIENT_CLOSED = 499
"""Status logged if the client disconnected before the response started."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


async def observe_request(
    app: ASGIApp, metrics: Metrics | None, scope: HTTPScope, receive: Receive, send: Send
) -> None:
    """Serve an HTTP request with ``app``, then log it and update the metrics."""
    started_at = time.perf_counter()
    status = CLIENT_CLOSED

    async def record_status(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        await send(message)

    if metrics is not None:
        metrics.start_request()
    try:
        await app(scope, receive, record_status)
    except Exception:  # only recorded here, then re-raised
        status = 500 if status == CLIENT_CLOSED else status
        raise
    finally:
        seconds = time.perf_counter() - started_at
        # set by Litestar once the route is resolved
        route = str(scope.get("path_template") or UNMATCHED_ROUTE)
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        if metrics is not None:
            metrics.finish_request(method, route, status, seconds)
        _log_request(scope, method, route, status, seconds)


def _log_request(scope: Any, method: str, route: str, status: int, seconds: float) -> None:
    level = "debug" if route in QUIET_ROUTES else "warning" if status >= 500 else "info"
    actor = scope.get("state", {}).get("actor")
    getattr(log, level)(
        "request",
        method=method,
        route=route,
        path=scope["path"],
        status=status,
        ms=round(seconds * 1000, 1),
        request=request_id(scope),
        actor=actor.name if actor is not None else None,
    )
