"""The pages as HTTP: who gets in, what is refused, what is inert."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from litestar.testing import TestClient

import service.web
from service.db.database import Database
from service.settings import build_sqlite_url
from tests.support.api_clients import bearer, key_of, serving
from tests.support.reading_room import Author, Paper, fill

HOSTILE = "<script>alert('x')</script> \u202eevil"
FIELD = re.compile(r'name="(versions|body)" value="([^"]*)"')
MENTION = re.compile(r'name="m" value="([^"]*)"')
HREF = re.compile(r'href="([^"]*)"')


@pytest.fixture(scope="module")
def held(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    file = tmp_path_factory.mktemp("web") / "web.sqlite"
    shutil.copy(sqlite_template, file)
    found = Database(build_sqlite_url(file))
    papers = [
        Paper("w1", HOSTILE, [Author(HOSTILE, "a-1"), Author("A/B", "a-2")], 2000, HOSTILE),
        Paper("w2", "Long", [Author("x" * 10_000, "a-1")], 2001),
        Paper("w4", "Of A/B too", [Author("A/B", "a-2")], 2003),
        Paper("w3", "Crowd", [Author(f"Author {k}", f"a-c{k}") for k in range(5000)], 2002),
    ]
    fill(found, papers)
    yield found
    found.close()


@pytest.fixture(scope="module")
def client(held: Database) -> Iterator[TestClient[Any]]:
    with serving(held) as found:
        yield found


@pytest.fixture(autouse=True)
def _signed_out(client: TestClient[Any]) -> None:
    client.cookies.clear()


def sign_in(client: TestClient[Any], held: Database, role: str = "reviewer") -> str:
    """Sign in with a new key; the token that forms carry."""
    told = client.post("/login", data={"key": key_of(held, role)}, follow_redirects=False)
    assert told.status_code == 303
    found = re.search(r'name="token" value="([0-9a-f]{64})"', client.get("/").text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    "path", ["/", "/?q=evil", "/login", "/people/a-1", "/names/A/B", "/accuracy"]
)
def test_public_pages_are_shown_to_anybody(client, path: str) -> None:
    told = client.get(path)
    assert told.status_code == 200
    assert told.headers["content-type"].startswith("text/html")
    policy = told.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/review", "/review/names/a%2Fb", "/runs", "/runs/r-1"])
def test_who_is_not_signed_in_is_asked_to_and_comes_back(client, path: str) -> None:
    told = client.get(path, follow_redirects=False)
    assert told.status_code == 303
    assert told.headers["location"].startswith("/login?next=%2F")


def test_a_key_is_kept_where_scripts_and_other_sites_cannot_use_it(client, held) -> None:
    key = key_of(held, "editor")
    told = client.post("/login", data={"key": key, "next": "/runs"}, follow_redirects=False)
    cookie = told.headers["set-cookie"].lower()
    assert told.headers["location"] == "/runs"
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "max-age" not in cookie


@pytest.mark.parametrize("key", ["", "k-1.x", "nonsense", "k-1.x; a=b", "\u202e" * 50])
def test_a_key_that_is_none_is_refused(client, key: str) -> None:
    told = client.post("/login", data={"key": key}, follow_redirects=False)
    assert told.status_code == 403
    assert "set-cookie" not in told.headers
    assert 'role="alert"' in told.text


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example", "/\\evil", "x\r\ny"])
def test_signing_in_leads_to_this_site_only(client, held, onward: str) -> None:
    data = {"key": key_of(held, "reviewer"), "next": onward}
    told = client.post("/login", data=data, follow_redirects=False)
    assert told.headers["location"] == "/review"


def test_a_form_without_its_token_or_of_another_site_does_nothing(client, held) -> None:
    token = sign_in(client, held, "editor")
    path, sent = "/decisions/d-1/undo", {"token": token}
    assert client.post(path, data={}).status_code == 403
    assert client.post(path, data={"token": token[:-1] + "x"}).status_code == 403
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert client.post(path, data=sent, headers=headers).status_code == 403
    assert client.post(path, data=sent).status_code == 404  # the form is good, no such decision


def test_a_reviewer_cannot_do_through_pages_what_the_api_forbids(client, held) -> None:
    token = sign_in(client, held, "reviewer")
    told = client.post("/runs/r-1/publish", data={"token": token})
    assert told.status_code == 403
    assert "editor" in told.text


def test_signing_out_forgets_the_key(client, held) -> None:
    token = sign_in(client, held)
    assert client.get("/review").status_code == 200
    client.post("/logout", data={"token": token})
    assert client.get("/review", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("path", ["/people/a-1", "/?q=evil", "/names/" + "x" * 10_000])
def test_hostile_names_are_text_and_their_controls_are_named(client, path: str) -> None:
    told = client.get(path).text
    assert "<script>alert" not in told
    assert "\u202e" not in told
    if "names" not in path:
        assert "U+202E" in told


def test_links_lead_to_web_addresses_only() -> None:
    from service.web.rendering import safe_url

    assert safe_url("https://doi.org/10.1/x") == "https://doi.org/10.1/x"
    for bad in ("javascript:alert(1)", "data:text/html,x", "JAVASCRIPT:x", "//x", "https://[", 5):
        assert safe_url(bad) == "#"


def test_what_is_not_there_is_told_as_a_page(client) -> None:
    told = client.get("/people/a-none")
    assert told.status_code == 404
    assert "<h1>Not found</h1>" in told.text


@pytest.mark.parametrize(
    "path", ["/nothing", "/review/nothing", "/people/a-1/b", "/names", "/a/b/"]
)
def test_an_unknown_address_is_told_as_a_page_with_what_to_do_next(client, held, path: str) -> None:
    sign_in(client, held)
    told = client.get(path)
    assert told.status_code == 404
    assert told.headers["content-type"].startswith("text/html")
    assert 'href="/static/site.css"' in told.text
    assert 'role="search"' in told.text
    assert 'href="/review"' in told.text, "somebody who is signed in is told so"
    assert "set-cookie" not in told.headers
    assert client.post(path, data={}).status_code == 404


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1", "/health/nothing", "/static/nothing"])
def test_an_unknown_address_for_programs_is_told_as_a_problem(client, path: str) -> None:
    told = client.get(path)
    assert told.status_code == 404
    assert not told.headers["content-type"].startswith("text/html")


def test_the_address_of_a_form_that_is_only_looked_at_is_told_as_a_page(client, held) -> None:
    sign_in(client, held)
    told = client.get("/logout")
    assert told.status_code == 405
    assert "POST" in told.headers["allow"]
    assert "Go back" in told.text
    assert client.get("/review").status_code == 200, "signed out by looking"


def test_slices_are_worded_and_the_axis_holds_every_interval() -> None:
    from service.web.accuracy import axis_minimum, format_slice

    assert format_slice("1") == "on 1 paper"
    assert format_slice("10-99") == "on 10 to 99 papers"
    assert format_slice("1000 and more") == "on 1000 and more papers"
    share = {"estimate": 0.9, "low": 0.64, "high": 0.97}
    assert axis_minimum([{"precision": share, "recall": None}]) == 0.6
    assert axis_minimum([]) == 0.9


def test_every_link_of_a_profile_leads_somewhere(client) -> None:
    links = {link for link in HREF.findall(client.get("/people/a-2").text) if link.startswith("/")}
    assert any(link.startswith("/names/") for link in links)
    assert {link: client.get(link.split("#")[0]).status_code for link in links} == dict.fromkeys(
        links, 200
    )


def test_the_page_asks_nothing_but_the_api() -> None:
    allowed = {
        "service.actors",
        "service.errors",
        "service.api.middleware.auth",
        "service.api.http.paths",
        "service.api.http.problems",
    }
    for file in Path(service.web.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("service") and not module.startswith("service.web"):
                assert module in allowed, f"{file.name} imports {module}"


def test_pages_hold_no_script_or_style_of_their_own() -> None:
    for file in (Path(service.web.__file__).parent / "templates").glob("*.html"):
        text = file.read_text()
        assert not re.search(r"<style|<script(?! type=\"module\" src=)|\son\w+=|\sstyle=", text)
        assert "|safe" not in text, file.name


def test_a_mention_drawn_at_random_is_counted_on_its_board(client, held) -> None:
    admin = bearer(key_of(held, "admin"))
    drawn = client.post("/v1/samples", json={"size": 2, "unit": "mention"}, headers=admin)
    assert drawn.status_code == 201, drawn.text
    token = sign_in(client, held)
    task = client.get("/v1/tasks?kind=sample", headers=admin).json()["items"][0]
    board = client.get(f"/review/names/{quote(task['name'], safe='')}?task={task['id']}").text
    assert "All correct" in board
    assert 'name="missing"' in board
    path = f"/review/tasks/{task['id']}/answer"
    sent = {"token": token, "answer": "different", "missing": "2"}
    assert client.post(path, data={**sent, "missing": "many"}).status_code == 422
    assert "your answer is recorded" in client.post(path, data=sent).text
    assert "key:k-" in client.get("/review/reviewers").text


def test_a_board_works_without_scripts_by_its_forms(client, held) -> None:
    token = sign_in(client, held, "editor")
    path = "/review/names/A%2FB"  # a name with a slash
    fields = dict(FIELD.findall(client.get(path).text))
    mentions = [("m", unescape(v)) for v in MENTION.findall(client.get(path).text)]
    assert len(mentions) == 2
    own = {"token": token, "task": "", "versions": unescape(fields["versions"]), "c:1": "a-2"}
    sent = urlencode([*own.items(), *mentions, ("g:g1", "n")])
    form = {"content-type": "application/x-www-form-urlencoded"}
    told = client.post("/review/preview/A%2FB", content=sent, headers=form)
    assert told.status_code == 200, told.text
    assert "What this would change" in told.text
    assert 'name="g:g1" value="n"' in told.text, "what was typed is gone"
    body = dict(FIELD.findall(told.text))["body"]
    data = {**own, "body": unescape(body), "reason": "by hand"}
    done = client.post("/review/commit/A%2FB", data=data)
    assert "Committed." in done.text
    undo = re.search(r'action="(/decisions/d-[^"]+/undo)"', done.text)
    assert undo is not None
    assert "Undone." in client.post(undo[1], data={"token": token, "next": path}).text
    assert "by hand" in client.get("/people/a-2").text
