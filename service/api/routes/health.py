"""``/health/live``, ``/health/ready`` and ``/metrics``: probes and metrics for operators.

``/v1/stats``: counts of works, mentions and identities.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency

from service.actors import ANONYMOUS, Actor
from service.api.examples import read as examples
from service.api.http.openapi import describe_responses
from service.api.http.responses import Json
from service.api.middleware.cache import ReadResult, respond_cached
from service.db import overview
from service.db.database import Database
from service.errors import NotFound, Unauthenticated
from service.observability.health import Check, check_readiness
from service.settings import Settings

CHECK_TIMEOUT = 4.0
"""Seconds after which an unfinished check counts as failed."""
CACHE_SECONDS = 1.0
"""Seconds for which check results are reused, so that frequent probes are cheap."""
OPEN = {"open": True}


class Readiness:
    """Readiness checks, run once for concurrent probes."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Store the settings and the database; checks run on request."""
        self._settings, self._database = settings, database
        self._running: asyncio.Task[list[Check]] | None = None
        self._last_checks: tuple[float, list[Check]] = (float("-inf"), [])

    async def run_checks(self) -> list[Check]:
        """Return the results of the checks, at most :data:`CACHE_SECONDS` old."""
        if time.monotonic() - self._last_checks[0] < CACHE_SECONDS:
            return self._last_checks[1]
        if self._running is None or self._running.done():
            checking = asyncio.to_thread(check_readiness, self._settings, self._database)
            self._running = asyncio.create_task(checking)
        try:
            checks = await asyncio.wait_for(asyncio.shield(self._running), CHECK_TIMEOUT)
        except TimeoutError:
            problem = f"no response within {CHECK_TIMEOUT:g} s; check the database and the disk"
            return [Check("database", problem, CHECK_TIMEOUT * 1000)]
        self._last_checks = (time.monotonic(), checks)
        return checks


@get("/health/live", opt=OPEN, include_in_schema=False)
async def read_liveness() -> dict[str, str]:
    """Return 200 while the process is alive; restart it otherwise."""
    return {"status": "ok"}


@get("/health/ready", opt=OPEN, include_in_schema=False)
async def read_readiness(state: State) -> Response[dict[str, Any]]:
    """Return 200 if requests would succeed, 503 otherwise."""
    checks: list[Check] = await state.readiness.run_checks()
    all_passed = all(check.problem is None for check in checks)
    content = {
        "status": "ready" if all_passed else "not ready",
        "checks": {
            check.name: {"ok": check.problem is None, "problem": check.problem, "ms": check.ms}
            for check in checks
        },
    }
    headers = {"Cache-Control": "no-store"} | ({} if all_passed else {"Retry-After": "1"})
    return Response(content, status_code=200 if all_passed else 503, headers=headers)


@get("/metrics", opt=OPEN, include_in_schema=False, sync_to_thread=True)
def read_metrics(
    state: State, settings: NamedDependency[Settings], actor: NamedDependency[Actor]
) -> Response[bytes]:
    """Return metrics for Prometheus; needs a key if reading does."""
    if state.metrics is None:
        raise NotFound("metrics are disabled", "set metrics = true")
    if not settings.public_read and actor.name == ANONYMOUS.name:
        raise Unauthenticated(
            "reading metrics needs a key", "send Authorization: Bearer with a key"
        )
    body, media_type = state.metrics.render()
    return Response(body, media_type=media_type, headers={"Cache-Control": "no-store"})


@get(
    "/stats",
    opt={"hot": True},
    tags=["feed"],
    summary="Read counts of works, mentions and identities",
    sync_to_thread=True,
    responses=describe_responses(overview.Stats, examples.STATS, problems=()),
)
def read_stats(
    request: Request[Any, Any, Any], database: NamedDependency[Database]
) -> Json[overview.Stats]:
    """Return counts of works, names, mentions and identities, and the current publication."""
    return respond_cached(request, database, lambda c: ReadResult(overview.count_records(c)))


PROBES = (read_liveness, read_readiness, read_metrics)
HANDLERS = (read_stats,)
