"""Runs over HTTP: asked for, listed, ended; steps that cannot be taken are told, not tried."""

import msgspec
import pytest

from service.runs import results as run_results
from tests.support.api_clients import bearer, key_of, serving


@pytest.fixture
def editor(database):
    return bearer(key_of(database, "editor"))


def test_a_run_is_asked_for_once_and_listed(database, editor) -> None:
    with serving(database) as client:
        again = {**editor, "Idempotency-Key": "monthly-2025-03"}
        first = client.post("/v1/runs", json={"scope": "full", "reason": "monthly"}, headers=again)
        assert first.status_code == 202
        run = msgspec.json.decode(first.content, type=run_results.Run)
        assert (run.state, run.scope, run.reason) == ("queued", "full", "monthly")
        same = client.post("/v1/runs", json={"scope": "full", "reason": "monthly"}, headers=again)
        assert same.content == first.content
        client.post("/v1/runs", headers=editor)
        listed = client.get("/v1/runs?limit=1", headers=editor)
        page = msgspec.json.decode(listed.content, type=run_results.Runs)
        assert page.items[0].scope == "touched"
        rest = client.get(page.next, headers=editor).json()
        assert [r["id"] for r in rest["items"]] == [run.id]
        assert rest["next"] is None
        assert client.get("/v1/runs?state=failed", headers=editor).json()["items"] == []
        assert client.get(f"/v1/runs/{run.id}", headers=editor).json() == first.json()


def test_a_run_is_cancelled_once(database, editor) -> None:
    with serving(database) as client:
        id_ = client.post("/v1/runs", headers=editor).json()["id"]
        done = client.post(f"/v1/runs/{id_}/cancel", json={"reason": "too soon"}, headers=editor)
        assert (done.status_code, done.json()["state"]) == (200, "cancelled")
        again = client.post(f"/v1/runs/{id_}/cancel", headers=editor)
        assert (again.status_code, again.json()["state"]) == (409, "cancelled")


@pytest.mark.parametrize("step", ["publish", "rebase", "rollback"])
def test_what_is_not_proposed_is_not_published_nor_rolled_back(database, editor, step) -> None:
    admin = bearer(key_of(database, "admin"))
    with serving(database) as client:
        id_ = client.post("/v1/runs", headers=editor).json()["id"]
        refused = client.post(f"/v1/runs/{id_}/{step}", json={"reason": "x"}, headers=admin)
        assert (refused.status_code, refused.json()["title"]) == (409, "Conflict")
        assert client.get(f"/v1/runs/{id_}/diff", headers=editor).status_code == 409
        for unknown in ("r-000000000000", "%C3%BC", "x" * 3000, "'; drop table run--"):
            told = client.post(f"/v1/runs/{unknown}/{step}", headers=admin)
            assert (told.status_code, told.json()["status"]) == (404, 404)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"scope": "half"}, 400, "scope"),
        ({"reason": "x" * 2_001}, 400, "reason"),
        ({"reason": "x\0"}, 400, "reason"),
        ([], 400, None),
    ],
)
def test_a_bad_wish_names_the_field(database, editor, body, status, field) -> None:
    with serving(database) as client:
        told = client.post("/v1/runs", json=body, headers=editor)
    assert told.status_code == status
    if field:
        assert told.json()["field"] == field


def test_a_step_that_names_what_was_read_is_refused_when_that_has_changed(database, editor) -> None:
    with serving(database) as client:
        id_ = client.post("/v1/runs", headers=editor).json()["id"]
        seen = client.get(f"/v1/runs/{id_}", headers=editor).headers["ETag"]
        again = client.get(f"/v1/runs/{id_}", headers={**editor, "If-None-Match": seen})
        assert (again.status_code, again.content) == (304, b"")
        client.post(f"/v1/runs/{id_}/cancel", headers=editor)
        for sent in (seen, '"0123456789abcdef"', "nonsense"):
            late = client.post(f"/v1/runs/{id_}/cancel", headers={**editor, "If-Match": sent})
            assert (late.status_code, late.json()["field"]) == (412, "If-Match")
        other = client.post("/v1/runs", headers=editor).json()["id"]
        now = client.get(f"/v1/runs/{other}", headers=editor).headers["ETag"]
        both = {**editor, "If-Match": now, "Idempotency-Key": "one"}
        done = client.post(f"/v1/runs/{other}/cancel", headers=both)
        assert (done.status_code, done.json()["state"]) == (200, "cancelled")
        # sent again it is the same request, though the run is no longer as it was read
        assert client.post(f"/v1/runs/{other}/cancel", headers=both).json() == done.json()
