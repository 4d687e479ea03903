"""Every route with every role; a route that is not in the table fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from sqlalchemy import update

from service import api_keys
from service.actors import Role
from service.db.database import Database
from service.db.tables import ApiKey
from tests.support.api_clients import MAKER, bearer, key_of, serving

OPEN = "open"
"""Needs no key even where reading does."""

ROUTES = {
    ("GET", "/health/live"): OPEN,
    ("GET", "/health/ready"): OPEN,
    ("GET", "/metrics"): "public",
    ("GET", "/schema"): OPEN,
    ("GET", "/schema/docs"): OPEN,
    ("GET", "/schema/openapi.json"): OPEN,
    ("GET", "/schema/{path}"): OPEN,
    ("GET", "/v1/changes"): "public",
    ("GET", "/v1/estimates"): "public",
    ("GET", "/v1/identities"): "public",
    ("GET", "/v1/identities/{id}"): "public",
    ("GET", "/v1/identities/{id}/coauthors"): "public",
    ("GET", "/v1/identities/{id}/history"): "public",
    ("GET", "/v1/identities/{id}/works"): "public",
    ("GET", "/v1/identities/{id}/years.svg"): "public",
    ("GET", "/v1/names"): "public",
    ("GET", "/v1/names/{name}"): "public",
    ("GET", "/v1/stats"): "public",
    ("GET", "/v1/works"): "public",
    ("GET", "/v1/works/{id}"): "public",
    ("GET", "/v1/boards/{name}"): "reviewer",
    ("GET", "/v1/compare"): "reviewer",
    ("POST", "/v1/boards/{name}/commit"): "reviewer",
    ("POST", "/v1/boards/{name}/preview"): "reviewer",
    ("GET", "/v1/decisions"): "reviewer",
    ("GET", "/v1/decisions/{id}"): "reviewer",
    ("GET", "/v1/models"): "reviewer",
    ("GET", "/v1/models/{id}"): "reviewer",
    ("GET", "/v1/runs"): "reviewer",
    ("GET", "/v1/runs/{id}"): "reviewer",
    ("GET", "/v1/runs/{id}/diff"): "reviewer",
    ("DELETE", "/v1/tasks/{id}/lease"): "reviewer",
    ("GET", "/v1/reviewers"): "reviewer",
    ("GET", "/v1/tasks"): "reviewer",
    ("GET", "/v1/tasks/counts"): "reviewer",
    ("GET", "/v1/tasks/names"): "reviewer",
    ("GET", "/v1/tasks/{id}"): "reviewer",
    ("POST", "/v1/assign"): "reviewer",
    ("POST", "/v1/decisions"): "reviewer",
    ("POST", "/v1/decisions/bulk"): "reviewer",
    ("POST", "/v1/decisions/{id}/redo"): "reviewer",
    ("POST", "/v1/decisions/{id}/undo"): "reviewer",
    ("POST", "/v1/tasks/{id}/answers"): "reviewer",
    ("POST", "/v1/tasks/{id}/close"): "reviewer",
    ("POST", "/v1/tasks/{id}/lease"): "reviewer",
    ("DELETE", "/v1/identities/{id}/external-ids"): "editor",
    ("POST", "/v1/identities/{id}/external-ids"): "editor",
    ("POST", "/v1/merges"): "editor",
    ("POST", "/v1/moves"): "editor",
    ("POST", "/v1/models"): "editor",
    ("POST", "/v1/models/{id}/cancel"): "editor",
    ("POST", "/v1/runs"): "editor",
    ("POST", "/v1/runs/{id}/cancel"): "editor",
    ("POST", "/v1/runs/{id}/publish"): "editor",
    ("POST", "/v1/runs/{id}/rebase"): "editor",
    ("POST", "/v1/splits"): "editor",
    ("POST", "/v1/works"): "editor",
    ("DELETE", "/v1/keys/{id}"): "admin",
    ("GET", "/v1/events"): "admin",
    ("GET", "/v1/events/{seq}"): "admin",
    ("GET", "/v1/keys"): "admin",
    ("POST", "/v1/keys"): "admin",
    ("POST", "/v1/models/{id}/promote"): "admin",
    ("POST", "/v1/runs/{id}/rollback"): "admin",
    ("POST", "/v1/samples"): "admin",
}
ROLES = ("public", "reviewer", "editor", "admin")


def routes(client: TestClient[Any]) -> Iterator[tuple[str, str]]:
    """Method and path of every route; OPTIONS, which Litestar answers itself, is left out.

    Pages are left out too: they show and do what the API allows; see test_web.py.
    """
    for route in client.app.routes:
        assert isinstance(route, HTTPRoute)
        if not any(handler.opt.get("page") for handler in route.route_handlers):
            yield from ((m, route.path_format) for m in route.methods if m != "OPTIONS")


def address(path: str) -> str:
    values = {"seq": 999_999, "id": "x-1", "name": "nobody", "path": "openapi.json"}
    return path.format(**values)


@pytest.fixture
def headers(database: Database) -> dict[str, dict[str, str]]:
    """What a client of each role sends, and clients whose key is no good (any more)."""
    sent = {role: bearer(key_of(database, role)) for role in ROLES[1:]}
    expired, text = api_keys.create_key(database, MAKER, name="old", role=Role.ADMIN)
    revoked, other = api_keys.create_key(database, MAKER, name="lost", role=Role.ADMIN)
    api_keys.revoke_key(database, MAKER, revoked.id)
    with database.write() as connection:
        past = datetime(2020, 1, 1, tzinfo=UTC)
        changed = update(ApiKey).where(ApiKey.id == expired.id)
        connection.execute(changed.values(expires_at=past))
    bad = {"expired": bearer(text), "revoked": bearer(other), "unknown": bearer("k-1.x")}
    return {"public": {}, **sent, **bad}


def test_the_table_names_every_route(database: Database) -> None:
    with serving(database) as client:
        found = set(routes(client))
    assert found - ROUTES.keys() == set(), "routes without a role in the table"
    assert ROUTES.keys() - found <= {("GET", "/v1/identities/{id}/history")}, "no such route"


def test_each_role_may_do_what_the_table_says_and_no_more(database, headers) -> None:
    wrong = []
    with serving(database) as client:
        for method, path in routes(client):
            needed = ROUTES[method, path]
            for role, sent in headers.items():
                told = client.request(method, address(path), headers=sent)
                if role not in ROLES:
                    allowed, refusal = False, 401
                else:
                    allowed = needed == OPEN or ROLES.index(role) >= ROLES.index(needed)
                    refusal = 401 if role == "public" else 403
                if allowed:
                    right = told.status_code not in (401, 403, 405, 500)
                else:
                    right = told.status_code == refusal and (
                        told.headers["content-type"] == "application/problem+json"
                        and ("www-authenticate" in told.headers) == (refusal == 401)
                    )
                if not right:
                    wrong.append((method, path, role, told.status_code, told.text))
    assert wrong == []


def test_where_reading_is_not_public_only_the_open_routes_need_no_key(database, headers) -> None:
    reader = bearer(key_of(database, "public"))
    with serving(database, public_read=False) as client:
        for method, path in routes(client):
            told = client.request(method, address(path))
            assert (told.status_code == 401) == (ROUTES[method, path] != OPEN), (path, told.text)
            if ROUTES[method, path] == "public":
                with_key = client.request(method, address(path), headers=reader)
                assert with_key.status_code not in (401, 403, 500)


def test_no_route_is_reached_under_another_method_or_spelling(database) -> None:
    with serving(database) as client:
        for method, path in (("PUT", "/v1/keys"), ("PATCH", "/v1/runs/x"), ("DELETE", "/v1/works")):
            assert client.request(method, path).status_code == 405
        for path in ("/v1/Keys", "/v1//keys", "/v1/keys/../keys", "/V1/keys", "/v1/keys%2f"):
            told = client.get(path, headers=bearer(key_of(database, "reviewer")))
            assert told.status_code in (403, 404)
