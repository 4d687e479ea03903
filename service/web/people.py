"""``/people/{id}``: profile of an identity; ``/names/{name}``: identities of a printed name."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.params import FromPath

from service.api.http.paths import tail
from service.web.api_client import Refused, segment
from service.web.formatting import following
from service.web.rendering import page, see
from service.web.routes import open_api, page_route, read_parameter


@page_route("/people/{id:str}")
async def person(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[str]:
    """Show the profile of an identity with works and history, or the successors of a split one."""
    api, who = await open_api(request)
    try:
        found = await api.read(f"/v1/identities/{segment(id)}")
    except Refused as refusal:
        if refusal.status != 410:
            raise
        history = await api.get(f"/v1/identities/{segment(id)}/history", limit=50)
        return await page(
            "gone.html",
            who,
            status=410,
            identity=refusal.problem,
            history=history,
            page_path=f"/people/{segment(id)}",
        )
    profile = found.data
    if profile["id"] != id:
        return see(f"/people/{segment(profile['id'])}?from={segment(id[:100])}")
    at = f"/v1/identities/{segment(id)}"
    cursor = read_parameter(request, "cursor", 2048)
    works = await api.get(f"{at}/works", limit=50, cursor=cursor)
    history = await api.get(f"{at}/history", limit=50)
    return await page(
        "person.html",
        who,
        profile=profile,
        works=works,
        history=history,
        next_cursor=following(works),
        cursor=cursor,
        merged_id=read_parameter(request, "from", 100),
        page_path=f"/people/{segment(id)}",
        done_id=read_parameter(request, "done", 100),
    )


@page_route("/names/{name:path}")
async def name(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the identities of a printed name."""
    api, who = await open_api(request)
    wanted = tail(request, "/names/")
    cursor = read_parameter(request, "cursor", 2048)
    found = await api.get(f"/v1/names/{segment(wanted)}", limit=20, cursor=cursor)
    return await page(
        "name.html", who, name_page=found, next_cursor=following(found), cursor=cursor
    )


HANDLERS = (person, name)
