"""``/review/names/{name}``: the name board with preview and commit.

``/review/compare``: two mentions and every reason for and against, as a waterfall.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
from litestar import Request, Response

from service.api.http.paths import tail
from service.errors import Invalid
from service.web.api_client import Api, Refused, segment
from service.web.board_form import wanted
from service.web.formatting import question
from service.web.rendering import page, see
from service.web.routes import form_route, open_api, page_route, read_parameter
from service.web.sessions import Visitor, read_form

Asked = Request[Any, Any, Any]


@page_route("/review/names/{name:path}")
async def board(request: Asked) -> Response[str]:
    """Show the identities of a name as columns of groups of papers."""
    api, who = await open_api(request)
    name, task = tail(request, "/review/names/"), read_parameter(request, "task", 100)
    told = {key: read_parameter(request, key, 100) for key in ("done", "moved", "undone", "held")}
    return await _shown(api, who, name, task, told=told)


@form_route("/review/preview/{name:path}")
async def preview(request: Asked) -> Response[str]:
    """Show what an arrangement would change; only the panel if the script requests it."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    name, task = tail(request, "/review/preview/"), form.get("task")
    values: dict[str, Any] = {"name": name, "task": task, "versions": form.get("versions")}
    status = 200
    try:
        arrangement = wanted(form)
        if arrangement.empty:
            raise Invalid("nothing is moved yet", "move a group or a paper, or answer the question")
        body = arrangement.body()
        found = await api.post(f"{_at(name)}/preview", {**body, "name": name, "task": task or None})
        values |= {"preview": found, "body": orjson.dumps(body).decode()}
    except Refused as refusal:
        if refusal.status in (401, 403):
            raise
        status, values["problem"] = refusal.status, refusal.problem
    except Invalid as error:
        status = error.status
        values["problem"] = {"title": error.title, "detail": error.problem, "remedy": error.remedy}
    if request.headers.get("x-part"):
        return await page("preview.html", who, status=status, **values)
    typed = {k: v for k, v in form.pairs if k[:2] in ("g:", "p:")}
    return await _shown(api, who, name, task, status=status, panel=values, typed=typed)


@form_route("/review/commit/{name:path}")
async def commit(request: Asked) -> Response[str]:
    """Commit the previewed arrangement: one decision, one event."""
    api, who = await open_api(request)
    form = await read_form(request, who)
    name, task = tail(request, "/review/commit/"), form.get("task")
    try:
        body = {**orjson.loads(form.get("body")), "versions": orjson.loads(form.get("versions"))}
    except (ValueError, TypeError):
        raise Invalid("the form data is invalid", "reload the board and try again") from None
    body |= {"name": name, "reason": form.get("reason") or None, "task": task or None}
    body |= {field: True for field in ("override", "same_work") if form.get(field)}
    try:
        made = await api.post(f"{_at(name)}/commit", body)
    except Refused as refusal:
        if refusal.status not in (409, 412, 422):
            raise
        panel = {"name": name, "task": task, "problem": refusal.problem}
        return await _shown(api, who, name, task, status=refusal.status, panel=panel)
    query = {"task": task, "done": made.get("decision") or "", "moved": made.get("moved", "")}
    return see(f"/review/names/{segment(name)}?{urlencode({k: v for k, v in query.items() if v})}")


async def _shown(
    api: Api,
    who: Visitor,
    name: str,
    task: str,
    *,
    status: int = 200,
    panel: dict[str, Any] | None = None,
    typed: dict[str, str] | None = None,
    told: dict[str, str] | None = None,
) -> Response[str]:
    found = await api.get(_at(name), name=name, task=task)
    asked = await api.get(f"/v1/tasks/{segment(task)}") if task else None
    path = f"/review/names/{segment(name)}"
    return await page(
        "board.html",
        who,
        status=status,
        board=found,
        panel=panel,
        field_values=typed or {},
        messages=told or {},
        task=asked and {**asked, "question": question(asked)},
        page_path=f"{path}?{urlencode({'task': task})}" if task else path,
        marks=_marks(found),
    )


def _at(name: str) -> str:
    """Return the API path of a board; ``-`` if the name must be sent as a parameter."""
    return f"/v1/boards/{segment(name) if '/' not in name and len(name) < 500 else '-'}"


def _marks(found: dict[str, Any]) -> dict[int, list[str]]:
    """Group contradictions by column."""
    marks: dict[int, list[str]] = {}
    for one in found.get("contradictions") or ():
        for column in one["columns"]:
            marks.setdefault(column, []).append(one["text"])
    return marks


@page_route("/review/compare")
async def compare(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the evidence on two mentions as a waterfall of log-odds."""
    api, who = await open_api(request)
    a, b = read_parameter(request, "a", 1000), read_parameter(request, "b", 1000)
    found = await api.get("/v1/compare", a=a, b=b)
    return await page("compare.html", who, comparison=found, decision=phrase_decision(found))


HANDLERS = (board, preview, commit, compare)
