"""``/review/names/{name}``: the name board with preview and commit.

``/review/compare``: two mentions and every reason for and against, as a waterfall.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
from litestar import Request, Response

from service.api.http.paths import read_path_tail
from service.errors import Invalid
from service.web.api_client import ApiClient, ApiError, quote_segment
from service.web.board_form import parse_board_form
from service.web.formatting import phrase_decision, phrase_question
from service.web.rendering import redirect, render_page
from service.web.routes import form_route, open_api, page_route, read_parameter
from service.web.sessions import Visitor, read_form

PageRequest = Request[Any, Any, Any]


@page_route("/review/names/{name:path}")
async def show_board(request: PageRequest) -> Response[str]:
    """Show the identities of a name as columns of groups of papers."""
    api, who = await open_api(request)
    name, task = read_path_tail(request, "/review/names/"), read_parameter(request, "task", 100)
    messages = {
        key: read_parameter(request, key, 100) for key in ("done", "moved", "undone", "held")
    }
    return await _render_board(api, who, name, task, messages=messages)


@form_route("/review/preview/{name:path}")
async def preview_board(request: PageRequest) -> Response[str]:
    """Show what an arrangement would change; only the panel if the script requests it."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    name, task = read_path_tail(request, "/review/preview/"), form.get("task")
    values: dict[str, Any] = {"name": name, "task": task, "versions": form.get("versions")}
    status = 200
    try:
        arrangement = parse_board_form(form)
        if arrangement.is_empty:
            raise Invalid("nothing is moved yet", "move a group or a paper, or answer the question")
        body = arrangement.to_body()
        changes = await api.post(
            f"{_board_path(name)}/preview", {**body, "name": name, "task": task or None}
        )
        values |= {"preview": changes, "body": orjson.dumps(body).decode()}
    except ApiError as refusal:
        if refusal.status in (401, 403):
            raise
        status, values["problem"] = refusal.status, refusal.problem
    except Invalid as error:
        status = error.status
        values["problem"] = {"title": error.title, "detail": error.problem, "remedy": error.remedy}
    if request.headers.get("x-part"):
        return await render_page("preview.html", who, status=status, **values)
    typed = {k: v for k, v in form.pairs if k[:2] in ("g:", "p:")}
    return await _render_board(api, who, name, task, status=status, panel=values, typed=typed)


@form_route("/review/commit/{name:path}")
async def commit_board(request: PageRequest) -> Response[str]:
    """Commit the previewed arrangement: one decision, one event."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    name, task = read_path_tail(request, "/review/commit/"), form.get("task")
    try:
        body = {**orjson.loads(form.get("body")), "versions": orjson.loads(form.get("versions"))}
    except (ValueError, TypeError):
        raise Invalid("the form data is invalid", "reload the board and try again") from None
    body |= {"name": name, "reason": form.get("reason") or None, "task": task or None}
    body |= {field: True for field in ("override", "same_work") if form.get(field)}
    try:
        decision = await api.post(f"{_board_path(name)}/commit", body)
    except ApiError as refusal:
        if refusal.status not in (409, 412, 422):
            raise
        panel = {"name": name, "task": task, "problem": refusal.problem}
        return await _render_board(api, who, name, task, status=refusal.status, panel=panel)
    query = {
        "task": task,
        "done": decision.get("decision") or "",
        "moved": decision.get("moved", ""),
    }
    return redirect(
        f"/review/names/{quote_segment(name)}?{urlencode({k: v for k, v in query.items() if v})}"
    )


async def _render_board(
    api: ApiClient,
    who: Visitor,
    name: str,
    task: str,
    *,
    status: int = 200,
    panel: dict[str, Any] | None = None,
    typed: dict[str, str] | None = None,
    messages: dict[str, str] | None = None,
) -> Response[str]:
    board = await api.get(_board_path(name), name=name, task=task)
    task_data = await api.get(f"/v1/tasks/{quote_segment(task)}") if task else None
    path = f"/review/names/{quote_segment(name)}"
    return await render_page(
        "board.html",
        who,
        status=status,
        board=board,
        panel=panel,
        field_values=typed or {},
        messages=messages or {},
        task=task_data and {**task_data, "question": phrase_question(task_data)},
        page_path=f"{path}?{urlencode({'task': task})}" if task else path,
        marks=_contradictions_by_column(board),
    )


def _board_path(name: str) -> str:
    """Return the API path of a board; ``-`` if the name must be sent as a parameter."""
    return f"/v1/boards/{quote_segment(name) if '/' not in name and len(name) < 500 else '-'}"


def _contradictions_by_column(board: dict[str, Any]) -> dict[int, list[str]]:
    """Group contradictions by column."""
    marks: dict[int, list[str]] = {}
    for contradiction in board.get("contradictions") or ():
        for column in contradiction["columns"]:
            marks.setdefault(column, []).append(contradiction["text"])
    return marks


@page_route("/review/compare")
async def show_comparison(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the evidence on two mentions as a waterfall of log-odds."""
    api, who = await open_api(request)
    a, b = read_parameter(request, "a", 1000), read_parameter(request, "b", 1000)
    comparison = await api.get("/v1/compare", a=a, b=b)
    return await render_page(
        "compare.html", who, comparison=comparison, decision=phrase_decision(comparison)
    )


HANDLERS = (show_board, preview_board, commit_board, show_comparison)
