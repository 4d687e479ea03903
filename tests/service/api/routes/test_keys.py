"""Keys over HTTP: made by administrators, shown once, revoked at once; the log tells of it."""

import msgspec
import pytest

from service import api_keys
from service.events import results as event_results
from service.events.log import EventLog
from service.tasks import results as task_results
from service.tasks.create import NewTask, open_tasks
from tests.support.api_clients import MAKER, bearer, key_of, serving


def test_a_key_is_made_shown_once_used_and_revoked(database) -> None:
    admin = bearer(key_of(database, "admin"))
    with serving(database) as client:
        made = client.post("/v1/keys", json={"name": "import", "role": "admin"}, headers=admin)
        assert made.status_code == 201
        shown = msgspec.json.decode(made.content, type=api_keys.ShownKey)
        listed = client.get("/v1/keys", headers=admin)
        msgspec.json.decode(listed.content, type=api_keys.Keys)
        assert [k["name"] for k in listed.json()["items"]] == ["import", "a admin"]
        assert shown.key.partition(".")[2] not in listed.text
        with_it = bearer(shown.key)
        assert client.get("/v1/keys", headers=with_it).status_code == 200
        gone = client.delete(f"/v1/keys/{shown.id}?reason=lost", headers=admin)
        assert (gone.status_code, gone.json()["state"]) == (200, "revoked")
        assert client.get("/v1/keys", headers=with_it).status_code == 401
        log = client.get("/v1/events?kind=key-revoked", headers=admin).json()["items"]
        assert [(e["subject"], e["reason"], e["before"]["revoked_at"]) for e in log] == [
            (shown.id, "lost", None)
        ]
        assert log[0]["actor"].startswith("key:k-")
        assert log[0]["request"] == gone.headers["x-request-id"]


def test_sent_again_a_key_is_not_made_twice_and_no_secret_was_kept(database) -> None:
    admin = {**bearer(key_of(database, "admin")), "Idempotency-Key": "once"}
    with serving(database) as client:
        wish = {"name": "import", "role": "editor"}
        first = client.post("/v1/keys", json=wish, headers=admin)
        again = client.post("/v1/keys", json=wish, headers=admin)
        other = client.post("/v1/keys", json={**wish, "name": "x"}, headers=admin)
        assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json() == {**first.json(), "key": None}
        assert other.json()["field"] == "Idempotency-Key"
        assert len(client.get("/v1/keys", headers=admin).json()["items"]) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "admin"}, "name"),
        ({"name": "x", "role": "god"}, "role"),
        ({"name": "x", "role": "admin", "per_minute": 2**70}, "per_minute"),
        ({"name": "x", "role": "admin", "per_minute": True}, "per_minute"),
        ({"name": "x", "role": "admin", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "role": "admin", "expires_at": "2101-01-01T00:00:00"}, "expires_at"),
        ({"name": "x", "role": "admin", "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ({"name": "x\0", "role": "admin"}, "name"),
        ({"name": "x", "role": "admin", "extra": 1}, "extra"),
    ],
)
def test_bad_wishes_name_the_field(database, body, field) -> None:
    with serving(database) as client:
        told = client.post("/v1/keys", json=body, headers=bearer(key_of(database, "admin")))
    assert told.status_code in (400, 422)
    assert told.headers["content-type"] == "application/problem+json"
    assert told.json()["field"] == field


def test_the_log_is_paged_and_filtered(database) -> None:
    admin = bearer(key_of(database, "admin"))
    for role in ("editor", "reviewer", "public"):
        key_of(database, role)
    with serving(database) as client:
        page = client.get("/v1/events?limit=3", headers=admin)
        msgspec.json.decode(page.content, type=event_results.Events)
        rest = client.get(page.json()["next"], headers=admin).json()
        seqs = [e["seq"] for e in page.json()["items"] + rest["items"]]
        assert seqs == [4, 3, 2, 1]
        assert rest["next"] is None
        for query, n in (("actor=cli:maker", 4), ("actor=x", 0), ("until=2001-01-01T00:00:00Z", 0)):
            found = client.get(f"/v1/events?{query}", headers=admin).json()["items"]
            assert len(found) == n
        one = client.get("/v1/events/2", headers=admin)
        assert msgspec.json.decode(one.content, type=event_results.EventDetails).n_mentions == 0
        assert client.get(f"/v1/events/{2**63 - 1}", headers=admin).status_code == 404
        assert client.get(f"/v1/events/{2**64}", headers=admin).status_code == 400
        for moment in ("2001-01-01T00:00:00", "0001-01-01T00:00:00%2B14:00"):
            bad = client.get(f"/v1/events?since={moment}", headers=admin)
            assert (bad.status_code, bad.json()["field"]) == (422, "since")


def test_tasks_are_listed_read_and_closed(database) -> None:
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        seq = ledger.record("run-proposed", MAKER)
        questions = [NewTask("merge", str(n), 1, n, {"n": n}) for n in range(3)]
        open_tasks(connection, ledger, seq, questions)
    reviewer = bearer(key_of(database, "reviewer"))
    with serving(database) as client:
        page = client.get("/v1/tasks?limit=2", headers=reviewer)
        msgspec.json.decode(page.content, type=task_results.Tasks)
        rest = client.get(page.json()["next"], headers=reviewer).json()["items"]
        assert [t["subject"] for t in page.json()["items"] + rest] == ["2", "1", "0"]
        id_ = rest[0]["id"]
        closed = client.post(f"/v1/tasks/{id_}/close", json={"reason": "moot"}, headers=reviewer)
        assert (closed.status_code, closed.json()["reason"]) == (200, "moot")
        again = client.post(f"/v1/tasks/{id_}/close", headers=reviewer)
        assert (again.status_code, again.json()["title"]) == (409, "Conflict")
        other = page.json()["items"][0]["id"]
        assert client.post(f"/v1/tasks/{other}/close", headers=reviewer).status_code == 200
        closed_ones = client.get("/v1/tasks?state=closed", headers=reviewer).json()["items"]
        assert [t["subject"] for t in closed_ones] == ["2", "0"]
        read = client.get(f"/v1/tasks/{id_}", headers=reviewer).json()
        assert read == {**closed.json(), "given": []}
