"""``/accuracy``: estimated precision and recall of published profiles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from litestar import Request, Response

from service.web.api_client import ApiError
from service.web.rendering import render_page
from service.web.routes import open_api, page_route

FIGURES = ("precision", "recall", "f1", "pairwise_precision", "pairwise_recall")


@page_route("/accuracy")
async def show_accuracy(request: Request[Any, Any, Any]) -> Response[str]:
    """Show estimates from answered random samples, if there are any."""
    api, who = await open_api(request)
    try:
        estimates = await api.get("/v1/estimates")
    except ApiError as refusal:
        if refusal.status not in (401, 403, 404, 409):
            raise
        estimates = None
    stats = await api.get("/v1/stats")
    slices = [
        {**row, "label": format_slice(row["slice"])}
        for row in (estimates or {}).get("slices", ())
        if row["mentions"]
    ]
    return await render_page(
        "accuracy.html",
        who,
        estimates=estimates,
        slices=slices,
        stats=stats,
        axis_start=axis_minimum([*slices, estimates["overall"]]) if estimates else 0.9,
    )


def format_slice(name: str) -> str:
    """Describe a slice: the frequency of a printed name."""
    if name == "1":
        return "on 1 paper"
    return f"on {name.replace('-', ' to ')} papers"


def axis_minimum(rows: Iterable[Mapping[str, Any]]) -> float:
    """Return the start of the plot axis such that it covers every interval; it ends at 1."""
    lows: list[float] = [row[name]["low"] for row in rows for name in FIGURES if row.get(name)]
    return min([0.9, *(math.floor(low * 10) / 10 for low in lows)])


HANDLERS = (show_accuracy,)
