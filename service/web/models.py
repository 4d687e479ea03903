"""``/models``: the model in use, candidates with their comparison, and former models."""

from __future__ import annotations

import re
from typing import Any

from litestar import Request, Response
from litestar.params import FromPath

from service.errors import Invalid
from service.web.api_client import ApiClient, ApiError, quote_segment
from service.web.formatting import read_next_cursor
from service.web.rendering import redirect, render_page
from service.web.routes import form_route, open_api, page_route, read_parameter
from service.web.sessions import read_form

IN_PROGRESS = ("queued", "running")
MESSAGES = {
    "trained": "A worker trains a new model now.",
    "promote": "Runs use this model from now on.",
    "cancel": "Cancelled.",
}


@page_route("/models")
async def show_models(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the model in use, candidates and former models."""
    api, who = await open_api(request)
    return await render_page("models.html", who, **await _read_models(request, api))


@form_route("/models")
async def train_model(request: Request[Any, Any, Any]) -> Response[str]:
    """Start training on the decisions of curators."""
    return await _post_step(request, "/v1/models", "trained")


@form_route("/models/{id:str}/{step:str}")
async def run_step(
    request: Request[Any, Any, Any], id: FromPath[str], step: FromPath[str]
) -> Response[str]:
    """Promote or discard a model."""
    path = f"/v1/models/{quote_segment(id)}/{quote_segment(step)}"
    return await _post_step(request, path, step, expects_promotion=step == "promote")


async def _post_step(
    request: Request[Any, Any, Any], path: str, step_name: str, *, expects_promotion: bool = False
) -> Response[str]:
    """Post a step; optionally with the last promotion that the page showed."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    body: dict[str, Any] = {"reason": form.get("reason") or None}
    if expects_promotion:
        body["expected"] = _parse_promotion(form.get("expected"))
    try:
        await api.post(path, body)
    except ApiError as refusal:
        if refusal.status not in (409, 422):
            raise
        values = await _read_models(request, api)
        return await render_page(
            "models.html", who, status=refusal.status, **{**values, "problem": refusal.problem}
        )
    return redirect(f"/models?done={quote_segment(step_name)}")


async def _read_models(request: Request[Any, Any, Any], api: ApiClient) -> dict[str, Any]:
    listing = await api.get("/v1/models", limit=50, cursor=read_parameter(request, "cursor", 2048))
    items = listing["items"]
    model_in_use = next((model for model in items if model["in_use"]), None)
    if model_in_use is None and listing["in_use"] is not None:
        model_in_use = await api.get(f"/v1/models/{quote_segment(listing['in_use'])}")
    return {
        "model_in_use": model_in_use,
        "candidates": [model for model in items if model["state"] == "candidate"],
        "models_in_progress": [model for model in items if model["state"] in IN_PROGRESS],
        "earlier_models": [
            model
            for model in items
            if model["state"] not in ("candidate", *IN_PROGRESS) and not model["in_use"]
        ],
        "next_cursor": read_next_cursor(listing),
        "problem": None,
        "message": MESSAGES.get(read_parameter(request, "done", 20)),
    }


def _parse_promotion(text: str) -> int:
    """Parse the sequence number of the last promotion that the page showed."""
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise Invalid("the form does not name the model in use", "reload the page and try again")
    return int(text)


HANDLERS = (show_models, train_model, run_step)
