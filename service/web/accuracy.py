"""``/accuracy``: how good what is published is, as far as people have checked."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response

from service.web.calling import Refused
from service.web.rendering import page
from service.web.routes import api_for, shows


@shows("/accuracy")
async def accuracy(request: Request[Any, Any, Any]) -> Response[str]:
    """Estimates from questions drawn at random; none where none were answered."""
    api, who = await api_for(request)
    try:
        found = await api.get("/v1/estimates")
    except Refused as refusal:
        if refusal.status not in (401, 403, 404, 409):
            raise
        found = None
    stats = await api.get("/v1/stats")
    return await page("accuracy.html", who, estimates=found, stats=stats)


HANDLERS = (accuracy,)
