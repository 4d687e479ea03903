"""``/review/by-name``: names with open questions, each answered on one board."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response

from service.web.rendering import page
from service.web.routes import open_api, read_parameter, page_route
from service.web.wording import KINDS

FILTERS = ("name", "held", "least", "most")
"""Filters as they stand in the address; the API has the same."""


@page_route("/review/by-name")
async def by_name(request: Request[Any, Any, Any]) -> Response[str]:
    """Names in the order in which a board changes the most for the least work."""
    api, who = await open_api(request)
    asked = {name: read_parameter(request, name, 500) for name in FILTERS}
    found = await api.get("/v1/tasks/names", limit=100, **asked)
    counts = await api.get("/v1/tasks/counts", **asked)
    return await page(
        "by_name.html",
        who,
        names=found["items"],
        counts=counts,
        kinds=KINDS,
        asked=asked,
        here="/review/by-name?" + urlencode({k: v for k, v in asked.items() if v}),
    )


HANDLERS = (by_name,)
