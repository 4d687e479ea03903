"""``/runs`` and ``/runs/{id}``: start runs, show their diffs, publish or discard them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.params import FromPath

from service.web.api_client import ApiClient, ApiError, quote_segment
from service.web.formatting import read_next_cursor
from service.web.rendering import redirect, render_page
from service.web.routes import form_route, open_api, page_route, read_parameter
from service.web.sessions import read_form

KINDS = {
    "conflict": "conflicting ORCID iDs",
    "create": "new profiles",
    "merge": "merges",
    "split": "splits",
    "move": "moves",
    "grow": "new entries",
    "decision": "decisions",
}
"""Labels of the kinds of changes."""
MAX_TASKS = 20
"""Maximum tasks listed on one page."""
_TASK = re.compile(r"t-[0-9a-z]{12}")
STEPS = ("publish", "rebase", "cancel", "rollback")
MESSAGES = {
    "publish": "Published.",
    "rebase": "Queued again to be rebased.",
    "cancel": "Discarded.",
    "rollback": "Rolled back.",
}


@page_route("/runs")
async def show_runs(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the runs, newest first."""
    api, who = await open_api(request)
    listing = await api.get("/v1/runs", limit=50, cursor=read_parameter(request, "cursor", 2048))
    return await render_page(
        "runs.html", who, runs=listing["items"], next_cursor=read_next_cursor(listing)
    )


@form_route("/runs")
async def start_run(request: Request[Any, Any, Any]) -> Response[str]:
    """Start a run, which a worker executes."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    options = {"scope": form.get("scope") or "touched", "reason": form.get("reason") or None}
    run_data = await api.post("/v1/runs", options)
    return redirect(f"/runs/{quote_segment(run_data['id'])}")


@page_route("/runs/{id:str}")
async def show_run(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Show a run and its diff, largest changes first."""
    api, who = await open_api(request)
    return await render_page("run.html", who, **await _read_run(request, api, id))


@form_route("/runs/{id:str}/{step:str}")
async def run_step(
    request: Request[Any, Any, Any], id: FromPath[str], step: FromPath[str]
) -> Response[str]:
    """Publish a run, or execute another step."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    name = step if step in STEPS else "publish"
    try:
        result = await api.post(
            f"/v1/runs/{quote_segment(id)}/{name}", {"reason": form.get("reason") or None}
        )
    except ApiError as refusal:
        if refusal.status not in (409, 422):
            raise
        values = await _read_run(request, api, id)
        return await render_page(
            "run.html", who, status=refusal.status, **{**values, "problem": refusal.problem}
        )
    blind = urlencode([("blind", task) for task in result.get("blind") or ()])
    return redirect(f"/runs/{quote_segment(id)}?done={name}{blind and '&' + blind}")


async def _read_run(request: Request[Any, Any, Any], api: ApiClient, id: str) -> dict[str, Any]:
    kind = read_parameter(request, "kind", 20)
    kind = kind if kind in KINDS else ""
    run_data = await api.get(f"/v1/runs/{quote_segment(id)}")
    diff: dict[str, Any] = {"items": []}
    if run_data["state"] not in ("queued", "running", "failed"):
        cursor = read_parameter(request, "cursor", 2048)
        try:
            diff = await api.get(
                f"/v1/runs/{quote_segment(id)}/diff", kind=kind, cursor=cursor, limit=50
            )
        except ApiError as refusal:
            if refusal.status not in (404, 409):
                raise
    blind = request.query_params.getall("blind", [])[:MAX_TASKS]
    return {
        "run": run_data,
        "diff": diff,
        "kinds": KINDS,
        "kind": kind,
        "problem": None,
        "next_cursor": read_next_cursor(diff),
        "message": MESSAGES.get(read_parameter(request, "done", 20)),
        "blind_tasks": [task for task in blind if _TASK.fullmatch(task)],
    }


HANDLERS = (show_runs, start_run, show_run, run_step)
