"""``/people/{id}``: profile of an identity; ``/names/{name}``: identities of a printed name."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.params import FromPath

from service.api.http.paths import read_path_tail
from service.web.api_client import ApiError, quote_segment
from service.web.formatting import read_next_cursor
from service.web.rendering import redirect, render_page
from service.web.routes import open_api, page_route, read_parameter


@page_route("/people/{id:str}")
async def show_profile(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Show the profile of an identity with works and history, or the successors of a split one."""
    api, who = await open_api(request)
    try:
        reply = await api.read(f"/v1/identities/{quote_segment(id)}")
    except ApiError as refusal:
        if refusal.status != 410:
            raise
        history = await api.get(f"/v1/identities/{quote_segment(id)}/history", limit=50)
        return await render_page(
            "gone.html",
            who,
            status=410,
            identity=refusal.problem,
            history=history,
            page_path=f"/people/{quote_segment(id)}",
        )
    profile = reply.data
    if profile["id"] != id:
        return redirect(f"/people/{quote_segment(profile['id'])}?from={quote_segment(id[:100])}")
    path = f"/v1/identities/{quote_segment(id)}"
    cursor = read_parameter(request, "cursor", 2048)
    works = await api.get(f"{path}/works", limit=50, cursor=cursor)
    history = await api.get(f"{path}/history", limit=50)
    return await render_page(
        "person.html",
        who,
        profile=profile,
        works=works,
        history=history,
        next_cursor=read_next_cursor(works),
        cursor=cursor,
        merged_id=read_parameter(request, "from", 100),
        page_path=f"/people/{quote_segment(id)}",
        done_id=read_parameter(request, "done", 100),
    )


@page_route("/names/{name:path}")
async def show_name(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the identities of a printed name."""
    api, who = await open_api(request)
    printed = read_path_tail(request, "/names/")
    cursor = read_parameter(request, "cursor", 2048)
    name_page = await api.get(f"/v1/names/{quote_segment(printed)}", limit=20, cursor=cursor)
    return await render_page(
        "name.html",
        who,
        name_page=name_page,
        next_cursor=read_next_cursor(name_page),
        cursor=cursor,
    )


HANDLERS = (show_profile, show_name)
