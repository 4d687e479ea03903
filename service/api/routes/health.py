"""``/health/live``, ``/health/ready`` and ``/metrics``: for those who run the service.

``/v1/stats``: how much there is.
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
from service.api.http.openapi import answers
from service.api.middleware.cache import Answer, answer
from service.api.schemas import read as schemas
from service.db import overview
from service.db.database import Database
from service.errors import NotFound, Unauthenticated
from service.observability.health import Check, check_readiness
from service.settings import Settings

PATIENCE = 4.0
"""Seconds after which what has not answered counts as not ready."""
REMEMBERED = 1.0
"""Seconds for which a finding is told again: asking often must not cost much."""
OPEN = {"open": True}


class Readiness:
    """The checks, run once for all who ask at the same time."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Nothing is checked before somebody asks."""
        self._settings, self._database = settings, database
        self._running: asyncio.Task[list[Check]] | None = None
        self._found: tuple[float, list[Check]] = (float("-inf"), [])

    async def checks(self) -> list[Check]:
        """What the checks find, at most :data:`REMEMBERED` old."""
        if time.monotonic() - self._found[0] < REMEMBERED:
            return self._found[1]
        if self._running is None or self._running.done():
            checking = asyncio.to_thread(check_readiness, self._settings, self._database)
            self._running = asyncio.create_task(checking)
        try:
            found = await asyncio.wait_for(asyncio.shield(self._running), PATIENCE)
        except TimeoutError:
            problem = f"no answer within {PATIENCE:g} s; see to the database and the disk"
            return [Check("database", problem, PATIENCE * 1000)]
        self._found = (time.monotonic(), found)
        return found


@get("/health/live", opt=OPEN, include_in_schema=False)
async def live() -> dict[str, str]:
    """Whether the process answers at all; restart it if not."""
    return {"status": "ok"}


@get("/health/ready", opt=OPEN, include_in_schema=False)
async def is_ready(state: State) -> Response[dict[str, Any]]:
    """Whether requests would succeed; send them elsewhere if not."""
    checks: list[Check] = await state.readiness.checks()
    fine = all(check.problem is None for check in checks)
    content = {
        "status": "ready" if fine else "not ready",
        "checks": {
            check.name: {"ok": check.problem is None, "problem": check.problem, "ms": check.ms}
            for check in checks
        },
    }
    headers = {"Cache-Control": "no-store"} | ({} if fine else {"Retry-After": "1"})
    return Response(content, status_code=200 if fine else 503, headers=headers)


@get("/metrics", opt=OPEN, include_in_schema=False, sync_to_thread=True)
def metrics(
    state: State, settings: NamedDependency[Settings], actor: NamedDependency[Actor]
) -> Response[bytes]:
    """Figures for Prometheus; with a key where reading needs one."""
    if state.metrics is None:
        raise NotFound("metrics are not served", "set metrics = true")
    if not settings.public_read and actor.name == ANONYMOUS.name:
        raise Unauthenticated(
            "metrics are read with a key", "send Authorization: Bearer with a key"
        )
    body, media_type = state.metrics.render()
    return Response(body, media_type=media_type, headers={"Cache-Control": "no-store"})


@get(
    "/stats",
    opt={"hot": True},
    tags=["feed"],
    summary="Counts of what the service holds",
    sync_to_thread=True,
    responses=answers(schemas.Stats, examples.STATS, problems=()),
)
def read_stats(
    request: Request[Any, Any, Any], database: NamedDependency[Database]
) -> Response[bytes]:
    """Works, names, mentions, identities, and the publication that readers see."""
    return answer(request, database, lambda c: Answer(overview.count_records(c)))


PROBES = (live, is_ready, metrics)
HANDLERS = (read_stats,)
