"""``/review`` the questions in the order that matters; taking, closing, and undoing.

``/review/by-name``: names with open questions, each answered on one board.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.params import FromPath

from service.errors import Invalid
from service.web.api_client import Refused, segment
from service.web.formatting import KINDS, following, question
from service.web.rendering import local_path, page, see
from service.web.routes import form_route, open_api, page_route, read_parameter
from service.web.sessions import Form, read_form

FILTERS = ("name", "kind", "held", "least", "most")
"""Filters of the queue as they stand in its address; the API has the same."""


@page_route("/review")
async def queue(request: Request[Any, Any, Any]) -> Response[str]:
    """Show open questions: conflicts first, then by expected corrections per effort."""
    api, who = await open_api(request)
    asked = {name: read_parameter(request, name, 500) for name in FILTERS}
    found = await api.get(
        "/v1/tasks", limit=50, cursor=read_parameter(request, "cursor", 2048), **asked
    )
    wide = {name: value for name, value in asked.items() if name != "kind"}
    counts = await api.get("/v1/tasks/counts", **wide)
    tasks = [
        {**task, "question": question(task), "chance": phrase_chance(task)}
        for task in found["items"]
    ]
    return await page(
        "queue.html",
        who,
        tasks=tasks,
        counts=counts,
        kinds=KINDS,
        filters=asked,
        page_path="/review?" + urlencode({k: v for k, v in asked.items() if v}),
        next_cursor=following(found),
        done_id=read_parameter(request, "done", 100),
    )


@page_route("/review/tasks/{id:str}")
async def task(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Show a question with its evidence."""
    api, who = await open_api(request)
    found = await api.get(f"/v1/tasks/{segment(id)}")
    return await page("task.html", who, task={**found, "question": question(found)})


@form_route("/review/tasks/{id:str}/take")
async def take(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Lease a question and open its board."""
    api, who = await open_api(request)
    await read_form(request, who)
    held = ""
    try:
        await api.post(f"/v1/tasks/{segment(id)}/lease")
    except Refused as refusal:
        if refusal.status != 409:
            raise
        held = "1"
    found = await api.get(f"/v1/tasks/{segment(id)}")
    if not found.get("name"):
        return see(f"/review/tasks/{segment(id)}")
    query = urlencode({"task": id, **({"held": held} if held else {})})
    return see(f"/review/names/{segment(found['name'])}?{query}")


@form_route("/review/tasks/{id:str}/release")
async def release(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Release the lease of a question."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    await api.delete(f"/v1/tasks/{segment(id)}/lease")
    return see(local_path(form.get("next")))


@form_route("/review/tasks/{id:str}/answer")
async def answer(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Answer a blind question, which may wait for another reviewer."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    body: dict[str, Any] = {"answer": form.get("answer"), "reason": form.get("reason") or None}
    if body["answer"] == "different":
        body["evidence"] = _counts(form) or None
    made = await api.post(f"/v1/tasks/{segment(id)}/answers", body)
    decided = (made.get("decision") or {}).get("decision") or "your answer is recorded"
    return see(f"/review?{urlencode({'done': decided})}")


@form_route("/review/tasks/{id:str}/close")
async def close(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Close a question without a decision."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    await api.post(f"/v1/tasks/{segment(id)}/close", {"reason": form.get("reason") or None})
    return see(local_path(form.get("next")))


@form_route("/decisions/{id:str}/undo")
async def undo(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Undo a decision."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    reason = form.get("reason") or None
    await api.post(f"/v1/decisions/{segment(id)}/undo", {"reason": reason})
    onward = local_path(form.get("next"))
    return see(f"{onward}{'&' if '?' in onward else '?'}{urlencode({'undone': id})}")


@page_route("/review/reviewers")
async def reviewers(request: Request[Any, Any, Any]) -> Response[str]:
    """Show workload, pace and agreement of reviewers."""
    api, who = await open_api(request)
    return await page("reviewers.html", who, overview=await api.get("/v1/reviewers"))


def _counts(form: Form) -> dict[str, Any]:
    """Parse the error counts of a sample question."""
    found: dict[str, Any] = {}
    for name in ("wrong", "missing"):
        if form.get(name):
            found[name] = _number(form.get(name))
    if form.get("parts"):
        found["parts"] = [_number(text) for text in form.get("parts").split(",") if text.strip()]
    return found


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text.strip()):
        raise Invalid(f"{text[:20]!r} is not a number of papers", "go back and enter a number")
    return int(text)


NAME_FILTERS = ("name", "held", "least", "most")
"""Filters of the names in the page's address, as the API has them."""


@page_route("/review/by-name")
async def by_name(request: Request[Any, Any, Any]) -> Response[str]:
    """Names in the order in which a board changes the most for the least work."""
    api, who = await open_api(request)
    asked = {name: read_parameter(request, name, 500) for name in NAME_FILTERS}
    found = await api.get("/v1/tasks/names", limit=100, **asked)
    counts = await api.get("/v1/tasks/counts", **asked)
    return await page(
        "by_name.html",
        who,
        names=found["items"],
        counts=counts,
        kinds=KINDS,
        filters=asked,
        page_path="/review/by-name?" + urlencode({k: v for k, v in asked.items() if v}),
    )


HANDLERS = (queue, reviewers, task, take, release, answer, close, undo, by_name)
