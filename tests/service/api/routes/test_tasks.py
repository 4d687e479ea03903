"""Tasks over HTTP: taken, answered, counted; who reviews and how far they agree."""

from __future__ import annotations

import pytest

from tests.support.api_clients import bearer, key_of, serving
from tests.support.review_world import ask, identities, merge_question, split_question


@pytest.fixture
def ids(database, editor) -> dict[int, str]:
    return identities(database, editor)


def test_a_task_is_taken_answered_and_undone(database, ids) -> None:
    asked, _ = ask(
        database,
        merge_question(ids[1], ids[4], error=0.4, effort=5),
        split_question(ids[1], [1, 2], [3]),
    )
    ann, bo = (bearer(key_of(database, "reviewer")) for _ in range(2))
    editor = bearer(key_of(database, "editor"))
    with serving(database) as client:
        taken = client.post(f"/v1/tasks/{asked}/lease", headers=ann).json()
        assert taken["leased_by"].startswith("key:k-")
        told = client.post(f"/v1/tasks/{asked}/lease", headers=bo)
        assert (told.status_code, told.json()["held_by"]) == (409, taken["leased_by"])
        assert client.delete(f"/v1/tasks/{asked}/lease", headers=bo).status_code == 403
        counts = client.get("/v1/tasks/counts", headers=bo).json()
        assert (counts["open"], counts["kinds"]["merge"], counts["kinds"]["split"]) == (2, 1, 1)
        assert [h["reviewer"] for h in counts["held"]] == [taken["leased_by"]]
        assert client.get("/v1/tasks/counts?name=nobody", headers=bo).json()["open"] == 0
        mine = client.get("/v1/tasks", params={"held": "me"}, headers=ann).json()["items"]
        assert [task["id"] for task in mine] == [asked]
        large = client.get("/v1/tasks", params={"least": 4}, headers=bo).json()["items"]
        assert [task["id"] for task in large] == [asked]

        answer = {"answer": "same", "seconds": 30, "version": taken["version"]}
        path = f"/v1/tasks/{asked}/answers"
        assert client.post(path, json=answer, headers=bo).status_code == 409
        headers = {**ann, "Idempotency-Key": "one"}
        done = client.post(path, json=answer, headers=headers)
        assert (done.status_code, done.json()["task"]["state"]) == (201, "closed")
        assert client.post(path, json=answer, headers=headers).json() == done.json()
        decision = done.json()["decision"]["decision"]
        read = client.get(f"/v1/tasks/{asked}", headers=bo).json()
        assert [(g["answer"], g["decision"]) for g in read["given"]] == [("same", decision)]
        told = client.get("/v1/reviewers", headers=bo).json()
        assert [(r["answers"], r["median_seconds"]) for r in told["reviewers"]] == [(1, 30.0)]
        undone = client.post(f"/v1/decisions/{decision}/undo", json={}, headers=editor)
        assert undone.status_code == 200, undone.text
        read = client.get(f"/v1/tasks/{asked}", headers=bo).json()
        assert (read["state"], read["answers"]) == ("open", 0)


def test_blind_answers_are_shown_to_nobody_before_the_task_is_settled(database, ids) -> None:
    (asked,) = ask(database, merge_question(ids[4], ids[6], blind="share"))
    ann, bo = (bearer(key_of(database, "reviewer")) for _ in range(2))
    path = f"/v1/tasks/{asked}"
    with serving(database) as client:
        first = client.post(f"{path}/answers", json={"answer": "different"}, headers=ann).json()
        assert (first["decision"], first["task"]["state"]) == (None, "open")
        read = client.get(path, headers=bo).json()
        assert (read["blind"], read["answers"], read["given"]) == (True, 1, [])
        assert client.get("/v1/tasks", headers=ann).json()["items"] == []
        assert client.get("/v1/tasks/counts", headers=ann).json()["answered_once"] == 1
        second = client.post(f"{path}/answers", json={"answer": "different"}, headers=bo).json()
        assert second["decision"] is not None
        (pair,) = client.get("/v1/reviewers", headers=ann).json()["agreement"]
        assert (pair["questions"], pair["percent"], pair["kappa"]) == (1, 100.0, None)


def test_a_task_that_has_changed_since_it_was_read_is_not_closed(database, ids) -> None:
    (asked,) = ask(database, merge_question(ids[4], ids[6]))
    ann = bearer(key_of(database, "reviewer"))
    path = f"/v1/tasks/{asked}"
    with serving(database) as client:
        tag = client.get(path, headers=ann).headers["ETag"]
        assert client.get(path, headers={**ann, "If-None-Match": tag}).status_code == 304
        old = client.post(f"{path}/close", json={}, headers={**ann, "If-Match": '"other"'})
        assert (old.status_code, client.get(path, headers=ann).json()["state"]) == (412, "open")
        done = client.post(f"{path}/close", json={}, headers={**ann, "If-Match": tag})
        assert (done.status_code, done.json()["state"]) == (200, "closed")


def test_what_cannot_be_meant_is_refused_with_the_field(database, ids) -> None:
    (asked,) = ask(database, merge_question(ids[4], ids[6]))
    ann = bearer(key_of(database, "reviewer"))
    with serving(database) as client:
        for wrong in ({}, {"answer": "maybe"}, {"answer": "same", "seconds": -1}, {"answer": 1}):
            told = client.post(f"/v1/tasks/{asked}/answers", json=wrong, headers=ann)
            assert told.status_code in (400, 422), told.text
        told = client.post(f"/v1/tasks/{asked}/lease", json={"minutes": 10**9}, headers=ann)
        assert told.status_code in (400, 422)
        assert client.get("/v1/tasks?held=x", headers=ann).status_code in (400, 422)


def test_a_board_that_answers_a_task_closes_it_unless_somebody_else_has_it(database, ids) -> None:
    # one side of the question alone is moved: what is decided follows from nothing else
    (asked,) = ask(database, split_question(ids[1], [1, 2], [3]))
    ann, bo = (bearer(key_of(database, "reviewer")) for _ in range(2))
    with serving(database) as client:
        client.post(f"/v1/tasks/{asked}/lease", headers=bo)
        seen = client.get(f"/v1/identities/{ids[1]}", headers=ann).json()["version"]
        moved = {"identity": None, "mentions": [{"work": "w2", "position": 0}]}
        body = {"columns": [moved], "versions": {ids[1]: seen}, "task": asked, "reason": "two"}
        path = "/v1/boards/Wei Wang/commit"
        told = client.post(path, json=body, headers=ann)
        assert told.status_code == 409, told.text
        assert "held_by" in told.json()
        made = client.post(path, json=body, headers=bo)
        assert made.status_code == 201, made.text
        read = client.get(f"/v1/tasks/{asked}", headers=ann).json()
        assert (read["state"], len(read["given"])) == ("closed", 1)
        assert read["given"][0]["decision"] == made.json()["decision"]
        again = client.post(path, json=body, headers=bo)
        assert (again.status_code, "closed_by" in again.json()) == (409, True)
