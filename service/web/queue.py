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
from service.web.rendering import local, page, see
from service.web.routes import form_route, open_api, page_route, read_parameter
from service.web.sessions import Form, read_form

FILTERS = ("name", "kind", "held", "least", "most")
"""Filters of the queue as they stand in its address; the API has the same."""


@page_route("/review")
async def queue(request: Request[Any, Any, Any]) -> Response[str]:
    """Open questions, conflicts first, then whatever changes the most for the least work."""
    api, who = await open_api(request)
    asked = {name: read_parameter(request, name, 500) for name in FILTERS}
    found = await api.get(
        "/v1/tasks", limit=50, cursor=read_parameter(request, "cursor", 2048), **asked
    )
    wide = {name: value for name, value in asked.items() if name != "kind"}
    counts = await api.get("/v1/tasks/counts", **wide)
    tasks = [{**task, "asks": question(task)} for task in found["items"]]
    return await page(
        "queue.html",
        who,
        tasks=tasks,
        counts=counts,
        kinds=KINDS,
        asked=asked,
        here="/review?" + urlencode({k: v for k, v in asked.items() if v}),
        following=following(found),
        done=read_parameter(request, "done", 100),
    )


@page_route("/review/tasks/{id:str}")
async def task(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """One question with all it was asked on."""
    api, who = await open_api(request)
    found = await api.get(f"/v1/tasks/{segment(id)}")
    return await page("task.html", who, task={**found, "asks": question(found)}, wrong=None)


@form_route("/review/tasks/{id:str}/take")
async def take(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Take a question, so that others see who works on it, and open its board."""
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
    """Give a question back."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    await api.delete(f"/v1/tasks/{segment(id)}/lease")
    return see(local(form.get("next")))


@form_route("/review/tasks/{id:str}/answer")
async def answer(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Answer a question that is answered blindly: it may wait for another person."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    body: dict[str, Any] = {"answer": form.get("answer"), "reason": form.get("reason") or None}
    if body["answer"] == "different":
        body["evidence"] = _counts(form) or None
    made = await api.post(f"/v1/tasks/{segment(id)}/answers", body)
    decided = (made.get("decision") or {}).get("decision") or "your answer is kept"
    return see(f"/review?{urlencode({'done': decided})}")


@form_route("/review/tasks/{id:str}/close")
async def close(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Close a question without a decision."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    await api.post(f"/v1/tasks/{segment(id)}/close", {"reason": form.get("reason") or None})
    return see(local(form.get("next")))


@form_route("/decisions/{id:str}/undo")
async def undo(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Take a decision back; everything is as it was before it."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    reason = form.get("reason") or None
    await api.post(f"/v1/decisions/{segment(id)}/undo", {"reason": reason})
    onward = local(form.get("next"))
    return see(f"{onward}{'&' if '?' in onward else '?'}{urlencode({'undone': id})}")


@page_route("/review/reviewers")
async def reviewers(request: Request[Any, Any, Any]) -> Response[str]:
    """Who reviews, how much, how fast, and how far they agree."""
    api, who = await open_api(request)
    return await page("reviewers.html", who, found=await api.get("/v1/reviewers"))


def _counts(form: Form) -> dict[str, Any]:
    """What is wrong with a sample, in numbers of mentions."""
    found: dict[str, Any] = {}
    for name in ("wrong", "missing"):
        if form.get(name):
            found[name] = _number(form.get(name))
    if form.get("parts"):
        found["parts"] = [_number(text) for text in form.get("parts").split(",") if text.strip()]
    return found


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text.strip()):
        raise Invalid(f"{text[:20]!r} is no number of papers", "go back and write a number")
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
        asked=asked,
        here="/review/by-name?" + urlencode({k: v for k, v in asked.items() if v}),
    )


HANDLERS = (queue, reviewers, task, take, release, answer, close, undo, by_name)
