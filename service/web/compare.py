"""``/review/compare``: two mentions and every reason for and against, as a waterfall."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response

from service.web.rendering import page
from service.web.routes import open_api, read_parameter, page_route


@page_route("/review/compare")
async def compare(request: Request[Any, Any, Any]) -> Response[str]:
    """From what is common among all pairs to what is true of this one, step by step."""
    api, who = await open_api(request)
    a, b = read_parameter(request, "a", 1000), read_parameter(request, "b", 1000)
    found = await api.get("/v1/compare", a=a, b=b)
    return await page("compare.html", who, found=found, a=a, b=b)


HANDLERS = (compare,)
