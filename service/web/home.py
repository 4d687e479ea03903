"""``/``: search names and profiles; ``/login`` and ``/logout``."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Request, Response

from service.web.api_client import ApiClient, ApiError
from service.web.rendering import local_path, redirect, render_page
from service.web.routes import form_route, open_api, page_route, read_parameter
from service.web.sessions import (
    KEY,
    identify_visitor,
    make_session_cookie,
    make_sign_out_cookie,
    read_form,
)


@page_route("/")
async def show_home(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the search form with results, or counts of the database."""
    api, who = await open_api(request)
    q = read_parameter(request, "q", 500)
    names: Any = {}
    people: Any = {}
    wrong = None
    if q:
        try:
            names = await api.get("/v1/names", q=q, limit=20)
            people = await api.get("/v1/identities", q=q, limit=20)
        except ApiError as refusal:
            if refusal.status != 422:
                raise
            wrong = refusal.problem
    stats = await api.get("/v1/stats")
    return await render_page(
        "home.html", who, q=q, names=names, identities=people, stats=stats, problem=wrong
    )


@page_route("/login")
async def show_login(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the sign-in form."""
    who = await identify_visitor(request)
    return await render_page(
        "login.html", who, next=local_path(read_parameter(request, "next")), problem=None
    )


@form_route("/login")
async def sign_in(request: Request[Any, Any, Any]) -> Response[str]:
    """Store a valid key in a cookie; failed attempts count against the rate limit."""
    form = await read_form(request, None)
    key, next_path = form.get("key"), local_path(form.get("next"))
    wrong = "That is not a valid key. A key looks like k-3k9x0f7q2m1b.SECRET"
    if KEY.fullmatch(key):
        try:
            await ApiClient(request, key).get("/v1/stats")
        except ApiError as refusal:
            if refusal.status not in (401, 429):
                raise
            wrong = str(refusal)
        else:
            return redirect(next_path, [make_session_cookie(request, key)])
    who = await identify_visitor(request)
    return await render_page("login.html", who, status=403, next=next_path, problem=wrong)


@form_route("/logout")
async def sign_out(request: Request[Any, Any, Any]) -> Response[str]:
    """Delete the cookie with the key."""
    await read_form(request, await identify_visitor(request))
    return redirect("/", [make_sign_out_cookie()])


@page_route("/find")
async def show_board_of_name(request: Request[Any, Any, Any]) -> Response[str]:
    """Redirect to the board of a name."""
    name = read_parameter(request, "name")
    return redirect(f"/review/names/{quote(name, safe='')}" if name else "/review")


HANDLERS = (show_home, show_login, sign_in, sign_out, show_board_of_name)
