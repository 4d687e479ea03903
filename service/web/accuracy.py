"""``/accuracy``: how good what is published is, as far as people have checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from litestar import Request, Response

from service.web.api_client import Refused
from service.web.rendering import page
from service.web.routes import open_api, page_route

FIGURES = ("precision", "recall", "f1", "pairwise_precision", "pairwise_recall")


@page_route("/accuracy")
async def accuracy(request: Request[Any, Any, Any]) -> Response[str]:
    """Estimates from questions drawn at random; none where none were answered."""
    api, who = await open_api(request)
    try:
        found = await api.get("/v1/estimates")
    except Refused as refusal:
        if refusal.status not in (401, 403, 404, 409):
            raise
        found = None
    stats = await api.get("/v1/stats")
    slices = [
        {**one, "words": worded(one["slice"])}
        for one in (found or {}).get("slices", ())
        if one["mentions"]
    ]
    return await page(
        "accuracy.html",
        who,
        found=found,
        slices=slices,
        stats=stats,
        least=least([*slices, found["overall"]]) if found else 0.9,
    )


def worded(name: str) -> str:
    """A slice in words: how often a printed name occurs."""
    if name == "1":
        return "on 1 paper"
    return f"on {name.replace('-', ' to ')} papers"


def least(rows: Iterable[Mapping[str, Any]]) -> float:
    """Where the axis of the plots begins, so that every interval is on it; it ends at 1."""
    lows: list[float] = [row[name]["low"] for row in rows for name in FIGURES if row.get(name)]
    return min([0.9, *(math.floor(low * 10) / 10 for low in lows)])


HANDLERS = (accuracy,)
