"""``/review``: the queue of open questions; lease, answer, close, undo.

``/review/by-name``: names with open questions, each answered on one board.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.params import FromPath

from service.errors import Invalid
from service.web.api_client import ApiError, quote_segment
from service.web.formatting import KINDS, phrase_chance, phrase_question, read_next_cursor
from service.web.rendering import local_path, redirect, render_page
from service.web.routes import form_route, open_api, page_route, read_parameter
from service.web.sessions import Form, read_form

FILTERS = ("name", "kind", "held", "least", "most")
"""Query parameters of the queue, named as in the API."""


@page_route("/review")
async def show_queue(request: Request[Any, Any, Any]) -> Response[str]:
    """Show open questions: conflicts first, then by expected corrections per effort."""
    api, who = await open_api(request)
    filters = {name: read_parameter(request, name, 500) for name in FILTERS}
    listing = await api.get(
        "/v1/tasks", limit=50, cursor=read_parameter(request, "cursor", 2048), **filters
    )
    count_filters = {name: value for name, value in filters.items() if name != "kind"}
    counts = await api.get("/v1/tasks/counts", **count_filters)
    tasks = [
        {**task, "question": phrase_question(task), "chance": phrase_chance(task)}
        for task in listing["items"]
    ]
    return await render_page(
        "queue.html",
        who,
        tasks=tasks,
        counts=counts,
        kinds=KINDS,
        filters=filters,
        page_path="/review?" + urlencode({k: v for k, v in filters.items() if v}),
        next_cursor=read_next_cursor(listing),
        done_id=read_parameter(request, "done", 100),
    )


@page_route("/review/tasks/{id:str}")
async def show_task(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Show a question with its evidence."""
    api, who = await open_api(request)
    task_data = await api.get(f"/v1/tasks/{quote_segment(id)}")
    return await render_page(
        "task.html", who, task={**task_data, "question": phrase_question(task_data)}
    )


@form_route("/review/tasks/{id:str}/take")
async def lease_task(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Lease a question and open its board."""
    api, who = await open_api(request)
    await read_form(request, who)
    is_held = ""
    try:
        await api.post(f"/v1/tasks/{quote_segment(id)}/lease")
    except ApiError as refusal:
        if refusal.status != 409:
            raise
        is_held = "1"
    task_data = await api.get(f"/v1/tasks/{quote_segment(id)}")
    if not task_data.get("name"):
        return redirect(f"/review/tasks/{quote_segment(id)}")
    query = urlencode({"task": id, **({"held": is_held} if is_held else {})})
    return redirect(f"/review/names/{quote_segment(task_data['name'])}?{query}")


@form_route("/review/tasks/{id:str}/release")
async def release_task(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Release the lease of a question."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    await api.delete(f"/v1/tasks/{quote_segment(id)}/lease")
    return redirect(local_path(form.get("next")))


@form_route("/review/tasks/{id:str}/answer")
async def answer_task(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Answer a blind question, which may wait for another reviewer."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    body: dict[str, Any] = {"answer": form.get("answer"), "reason": form.get("reason") or None}
    if body["answer"] == "different":
        body["evidence"] = _parse_counts(form) or None
    result = await api.post(f"/v1/tasks/{quote_segment(id)}/answers", body)
    outcome = (result.get("decision") or {}).get("decision") or "your answer is recorded"
    return redirect(f"/review?{urlencode({'done': outcome})}")


@form_route("/review/tasks/{id:str}/close")
async def close_task(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Close a question without a decision."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    await api.post(f"/v1/tasks/{quote_segment(id)}/close", {"reason": form.get("reason") or None})
    return redirect(local_path(form.get("next")))


@form_route("/decisions/{id:str}/undo")
async def undo_decision(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Undo a decision."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    reason = form.get("reason") or None
    await api.post(f"/v1/decisions/{quote_segment(id)}/undo", {"reason": reason})
    next_path = local_path(form.get("next"))
    return redirect(f"{next_path}{'&' if '?' in next_path else '?'}{urlencode({'undone': id})}")


@page_route("/review/reviewers")
async def show_reviewers(request: Request[Any, Any, Any]) -> Response[str]:
    """Show workload, pace and agreement of reviewers."""
    api, who = await open_api(request)
    return await render_page("reviewers.html", who, overview=await api.get("/v1/reviewers"))


def _parse_counts(form: Form) -> dict[str, Any]:
    """Parse the error counts of a sample question."""
    evidence: dict[str, Any] = {}
    for name in ("wrong", "missing"):
        if form.get(name):
            evidence[name] = _parse_number(form.get(name))
    if form.get("parts"):
        evidence["parts"] = [
            _parse_number(text) for text in form.get("parts").split(",") if text.strip()
        ]
    return evidence


def _parse_number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text.strip()):
        raise Invalid(f"{text[:20]!r} is not a number of papers", "go back and enter a number")
    return int(text)


NAME_FILTERS = ("name", "held", "least", "most")
"""Query parameters of the list of names, named as in the API."""


@page_route("/review/by-name")
async def show_by_name(request: Request[Any, Any, Any]) -> Response[str]:
    """Show names with open questions, by expected corrections per effort."""
    api, who = await open_api(request)
    filters = {name: read_parameter(request, name, 500) for name in NAME_FILTERS}
    names = await api.get("/v1/tasks/names", limit=100, **filters)
    counts = await api.get("/v1/tasks/counts", **filters)
    return await render_page(
        "by_name.html",
        who,
        names=names["items"],
        counts=counts,
        kinds=KINDS,
        filters=filters,
        page_path="/review/by-name?" + urlencode({k: v for k, v in filters.items() if v}),
    )


HANDLERS = (
    show_queue,
    show_reviewers,
    show_task,
    lease_task,
    release_task,
    answer_task,
    close_task,
    undo_decision,
    show_by_name,
)
