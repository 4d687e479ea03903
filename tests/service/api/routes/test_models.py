"""Models over HTTP: asked for once, followed, compared, promoted by an admin, or dropped."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from disambig.corpus.embeddings import SemanticSpace
from service.training import promotion
from service.training.results import Model, Models
from tests.support.api_clients import bearer, key_of, serving
from tests.support.invented import space
from tests.support.teaching_world import candidate, taught_wangs, two_are_enough


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two answers are enough to learn from, and the semantic space is loaded once."""
    found = space()
    monkeypatch.setattr(SemanticSpace, "load", lambda path=None: found)
    two_are_enough(monkeypatch)


@pytest.fixture
def taught(copy_of):
    return copy_of(taught_wangs)


def headers(database, role: str) -> dict[str, str]:
    return bearer(key_of(database, role))


def test_a_model_is_asked_for_once_and_can_be_followed(database) -> None:
    editor = headers(database, "editor")
    with serving(database) as client:
        again = {**editor, "Idempotency-Key": "weekly"}
        first = client.post("/v1/models", json={"reason": "weekly"}, headers=again)
        assert first.status_code == 202
        model = msgspec.json.decode(first.content, type=Model)
        assert (model.state, model.reason, model.in_use) == ("queued", "weekly", False)
        same = client.post("/v1/models", json={"reason": "weekly"}, headers=again)
        assert same.content == first.content
        second = client.post("/v1/models", headers=editor)
        assert (second.status_code, second.json()["model"]) == (409, model.id)
        listed = client.get("/v1/models", headers=editor)
        page = msgspec.json.decode(listed.content, type=Models)
        assert ([m.id for m in page.items], page.in_use) == ([model.id], None)
        read = client.get(f"/v1/models/{model.id}", headers=editor)
        assert read.json() == first.json()
        assert read.headers["ETag"]
        done = client.post(f"/v1/models/{model.id}/cancel", headers=editor)
        assert (done.status_code, done.json()["state"]) == (200, "cancelled")
        other = client.post("/v1/models", headers=editor).json()["id"]
        newest = client.get("/v1/models?limit=1", headers=editor).json()
        assert [m["id"] for m in newest["items"]] == [other]
        rest = client.get(newest["next"], headers=editor).json()
        assert [m["id"] for m in rest["items"]] == [model.id]
        assert client.get("/v1/models?state=failed", headers=editor).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"hold_back": 1}, "hold_back"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"reason": "x\0"}, "reason"),
        ({"works": "/etc/passwd"}, "works"),
    ],
)
def test_a_bad_wish_names_the_field(database, body, field) -> None:
    with serving(database) as client:
        told = client.post("/v1/models", json=body, headers=headers(database, "editor"))
    assert (told.status_code, told.json()["field"]) == (400, field)


def test_a_candidate_tells_how_it_compares_and_nothing_of_its_content(
    taught, admin, tmp_path: Path
) -> None:
    found = candidate(taught, admin, tmp_path)
    with serving(taught) as client:
        told = client.get(f"/v1/models/{found.id}", headers=headers(taught, "reviewer"))
    model = msgspec.json.decode(told.content, type=Model)
    assert model.comparison is not None
    assert model.comparison.learned.answers == 2
    assert model.comparison.mentions == 23
    assert not {"content", "wish", "claimed_by"} & told.json().keys()
    assert str(tmp_path) not in told.text


def test_an_admin_promotes_what_was_read_and_takes_it_back(taught, admin, tmp_path) -> None:
    found = candidate(taught, admin, tmp_path)
    rights = headers(taught, "admin")
    at = f"/v1/models/{found.id}"
    with serving(taught) as client:
        seen = client.get(at, headers=rights).headers["ETag"]
        told = client.post(
            f"{at}/promote", json={"reason": "mends more"}, headers={**rights, "If-Match": seen}
        )
        assert (told.status_code, told.json()["in_use"]) == (200, True)
        assert client.get("/v1/models", headers=rights).json()["in_use"] == found.id
        twice = client.post(f"{at}/promote", headers=rights)
        assert (twice.status_code, "already" in twice.json()["detail"]) == (409, True)
        stale = client.post(f"{at}/promote", headers={**rights, "If-Match": seen})
        assert (stale.status_code, stale.json()["field"]) == (412, "If-Match")
        shipped = "/v1/models/shipped/promote"
        assert client.post(shipped, headers={**rights, "If-Match": seen}).status_code == 412
        back = client.post(shipped, headers={**rights, "If-Match": "*"}).json()
        assert (back["in_use"], back["state"]) == (True, "promoted")
        event = client.get("/v1/events?kind=model-promoted", headers=rights).json()["items"]
    assert {(e["subject"], e["reason"]) for e in event} == {
        (found.id, "mends more"),
        (back["id"], None),
    }


def test_a_promotion_over_one_that_was_not_seen_is_refused_and_tells_who_promoted_what(
    taught, admin, tmp_path
) -> None:
    found = candidate(taught, admin, tmp_path)
    rights = headers(taught, "admin")
    at = f"/v1/models/{found.id}/promote"
    with serving(taught) as client:
        done = client.post(at, json={"expected": 0}, headers=rights)
        seen = done.json()["promoted_seq"]
        other = promotion.promote(taught, admin, promotion.SHIPPED, "it broke many")
        told = client.post(at, json={"expected": seen}, headers=rights)
        assert told.status_code == 409
        problem = told.json()
        assert (problem["in_use"], problem["promotion"]) == (other.id, other.sequence)
        assert [(e["seq"], e["model"], e["actor"], e["reason"]) for e in problem["since"]] == [
            (other.sequence, other.id, admin.name, "it broke many")
        ]
        back = client.post(at, json={"expected": other.sequence}, headers=rights)
        assert (back.status_code, back.json()["in_use"]) == (200, True)


def test_a_candidate_is_refused_when_another_model_was_promoted_since(
    taught, admin, tmp_path
) -> None:
    found = candidate(taught, admin, tmp_path)
    rights = headers(taught, "admin")
    at = f"/v1/models/{found.id}"
    with serving(taught) as client:
        seen = client.get(at, headers=rights).headers["ETag"]
        other = promotion.promote(taught, admin, promotion.SHIPPED)
        assert client.get(at, headers=rights).json()["outdated"]
        stale = client.post(f"{at}/promote", headers={**rights, "If-Match": seen})
        assert stale.status_code == 412
        told = client.post(f"{at}/promote", headers=rights)
    assert told.status_code == 409
    assert "another was promoted" in told.json()["detail"]
    assert told.json()["in_use"] == other.id


@pytest.mark.parametrize("unknown", ["m-000000000000", "%2Fetc%2Fpasswd", "..%2F..", "%00"])
def test_no_file_of_the_server_is_promoted(database, unknown) -> None:
    with serving(database) as client:
        told = client.post(f"/v1/models/{unknown}/promote", headers=headers(database, "admin"))
    assert told.status_code in (400, 404)
