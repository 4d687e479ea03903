"""``/models``: the model in use, candidates with their comparison, and former models."""

from __future__ import annotations

import re
from typing import Any

from litestar import Request, Response
from litestar.params import FromPath

from service.errors import Invalid
from service.web.api_client import Api, Refused, segment
from service.web.formatting import following
from service.web.rendering import page, see
from service.web.routes import form_route, open_api, page_route, read_parameter
from service.web.sessions import read_form

UNDER_WAY = ("queued", "running")
DONE = {
    "trained": "A worker trains a new model now.",
    "promote": "Runs use this model from now on.",
    "cancel": "Cancelled.",
}


@page_route("/models")
async def models(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the model in use, candidates and former models."""
    api, who = await open_api(request)
    return await page("models.html", who, **await _about(request, api))


@form_route("/models")
async def train(request: Request[Any, Any, Any]) -> Response[str]:
    """Start training on the decisions of curators."""
    return await _do(request, "/v1/models", "trained")


@form_route("/models/{id:str}/{step:str}")
async def act(
    request: Request[Any, Any, Any], id: FromPath[str], step: FromPath[str]
) -> Response[str]:
    """Promote or discard a model."""
    path = f"/v1/models/{segment(id)}/{segment(step)}"
    return await _do(request, path, step, seen=step == "promote")


async def _do(
    request: Request[Any, Any, Any], path: str, done: str, *, seen: bool = False
) -> Response[str]:
    """Post a step; optionally with the last promotion that the page showed."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    body: dict[str, Any] = {"reason": form.get("reason") or None}
    if seen:
        body["expected"] = _promotion(form.get("expected"))
    try:
        await api.post(path, body)
    except Refused as refusal:
        if refusal.status not in (409, 422):
            raise
        about = await _about(request, api)
        return await page(
            "models.html", who, status=refusal.status, **{**about, "problem": refusal.problem}
        )
    return see(f"/models?done={segment(done)}")


async def _about(request: Request[Any, Any, Any], api: Api) -> dict[str, Any]:
    found = await api.get("/v1/models", limit=50, cursor=read_parameter(request, "cursor", 2048))
    items = found["items"]
    used = next((model for model in items if model["in_use"]), None)
    if used is None and found["in_use"] is not None:
        used = await api.get(f"/v1/models/{segment(found['in_use'])}")
    return {
        "model_in_use": used,
        "candidates": [model for model in items if model["state"] == "candidate"],
        "models_in_progress": [model for model in items if model["state"] in UNDER_WAY],
        "earlier_models": [
            model
            for model in items
            if model["state"] not in ("candidate", *UNDER_WAY) and not model["in_use"]
        ],
        "next_cursor": following(found),
        "problem": None,
        "message": DONE.get(read_parameter(request, "done", 20)),
    }


def _promotion(text: str) -> int:
    """Parse the sequence number of the last promotion that the page showed."""
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise Invalid("the form does not name the model in use", "reload the page and try again")
    return int(text)


HANDLERS = (models, train, act)
