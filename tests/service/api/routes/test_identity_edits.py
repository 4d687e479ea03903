"""Edits over HTTP: published, merged, split, moved, decided, undone, and rolled back again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from service.db.database import Database
from service.decisions import results as decision_results
from service.events import results as event_results
from service.external_ids import results as external_id_results
from service.publication import results as publication_results
from tests.support.api_clients import bearer, key_of, serving
from tests.support.identity_world import add_run, add_works, everything, published


class World:
    """Three works by Ada and Bo each, published as two identities of Ada and one of Bo."""

    def __init__(self, database: Database, client: TestClient[Any]) -> None:
        self.database, self.client = database, client
        self.keys = {
            role: bearer(key_of(database, role)) for role in ("reviewer", "editor", "admin")
        }
        # w0:0 w0:1 w1:0 w1:1 w2:0 w2:1
        self.signatures = add_works(database, [["Ada", "Bo"]] * 3)
        a0, b0, a1, b1, a2, b2 = self.signatures
        add_run(database, "r-one", {a0: 0, a1: 0, a2: 1, b0: 2, b1: 2, b2: 2})

    def post(self, path: str, body: Any = None, role: str = "editor", **headers: str) -> Any:
        return self.client.post(f"/v1{path}", json=body, headers={**self.keys[role], **headers})

    def publish(self) -> None:
        assert self.post("/runs/r-one/publish", {"reason": "first"}).status_code == 200

    def identity(self, place: int) -> str:
        """Id of the identity that a signature is published under."""
        with self.database.read() as connection:
            held = published(connection)
        return next(i for i, s in held.items() if self.signatures[place] in s)

    def version(self, identity: str) -> int:
        found = self.client.get(f"/v1/identities/{identity}")
        return int(found.headers["etag"].strip('"').split("-")[0])

    def now(self) -> dict[str, Any]:
        with self.database.read() as connection:
            return everything(connection)


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    with serving(database) as client:
        found = World(database, client)
        found.publish()
        yield found


def mention(work: int, position: int) -> dict[str, Any]:
    return {"work": f"w{work}", "position": position}


def test_a_publication_is_told_in_numbers_and_rolled_back_by_administrators(database) -> None:
    with serving(database) as client:
        world = World(database, client)
        before = world.now()
        stale = world.post("/runs/r-one/publish", {"expected": 99})
        assert (stale.status_code, stale.json()["title"]) == (412, "Stale version")
        again = {"Idempotency-Key": "p1"}
        first = world.post("/runs/r-one/publish", {"reason": "first"}, **again)
        told = msgspec.json.decode(first.content, type=publication_results.Published)
        assert (told.mentions, told.created, told.moved) == (6, 3, 6)
        assert (
            world.post("/runs/r-one/publish", {"reason": "first"}, **again).json() == first.json()
        )
        assert world.post("/runs/r-one/publish").status_code == 409
        back = world.post("/runs/r-one/rollback", {"reason": "too early"}, "admin")
        assert back.status_code == 200
        msgspec.json.decode(back.content, type=publication_results.Published)
        assert world.now()["memberships"] == before["memberships"] == []


def test_a_merge_needs_versions_redirects_and_is_undone_exactly(world) -> None:
    one, other = world.identity(0), world.identity(4)
    before = world.now()
    blind = world.post("/merges", {"identities": [one, other]})
    assert (blind.status_code, blind.json()["field"]) == (428, "versions")
    versions = {one: world.version(one), other: world.version(other)}
    wish = {"identities": [one, other], "into": other, "versions": versions, "reason": "same page"}
    stale = world.post("/merges", {**wish, "versions": {**versions, one: 1}})
    assert stale.status_code == 412
    made = world.post("/merges", wish, **{"Idempotency-Key": "m1"})
    assert made.status_code == 201
    told = msgspec.json.decode(made.content, type=decision_results.DecisionMade)
    assert {i.id for i in told.identities} == {one, other}
    assert world.post("/merges", wish, **{"Idempotency-Key": "m1"}).json() == made.json()
    moved = world.client.get(f"/v1/identities/{one}", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (301, f"/v1/identities/{other}")
    undone = world.post(f"/decisions/{told.decision}/undo", {"reason": "no"})
    assert undone.status_code == 200
    assert world.now() == before
    assert world.post(f"/decisions/{told.decision}/undo").status_code == 409
    assert world.post(f"/decisions/{told.decision}/redo").status_code == 200
    listed = world.client.get("/v1/decisions?standing=true", headers=world.keys["reviewer"])
    assert [
        d.id for d in msgspec.json.decode(listed.content, type=decision_results.Decisions).items
    ] == [told.decision]
    one_of = world.client.get(f"/v1/decisions/{told.decision}", headers=world.keys["reviewer"])
    assert msgspec.json.decode(one_of.content, type=decision_results.DecisionDetails).n_links == 2
    by_id = world.client.get(f"/v1/decisions?identity={one}", headers=world.keys["reviewer"])
    assert len(by_id.json()["items"]) == 1
    for query in ("kind=unsure", "action=split", "by=nobody", "standing=false", "identity=a-x"):
        none = world.client.get(f"/v1/decisions?{query}", headers=world.keys["reviewer"])
        assert none.json()["items"] == []


def test_a_split_takes_if_match_and_a_move_brings_back(world) -> None:
    bo = world.identity(1)
    tag = world.client.get(f"/v1/identities/{bo}").headers["etag"]
    split = world.post(
        "/splits", {"identity": bo, "groups": [[mention(2, 1)]]}, **{"If-Match": tag}
    )
    assert split.status_code == 201
    (new,) = split.json()["created"]
    assert world.identity(5) == new
    assert world.identity(1) == bo
    stale = world.post(
        "/splits", {"identity": bo, "groups": [[mention(1, 1)]]}, **{"If-Match": tag}
    )
    assert stale.status_code == 412
    against = world.post("/moves", {"mentions": [mention(2, 1)], "to": bo}, **{"If-Match": "*"})
    assert against.status_code == 409  # the split says that it is somebody else
    assert against.json()["decisions"] == [split.json()["decision"]]
    gone = world.post("/moves", {"mentions": [mention(0, 0)]})
    assert (gone.status_code, len(gone.json()["created"])) == (201, 1)


def test_two_authors_of_one_work_are_merged_only_when_that_is_meant(world) -> None:
    wish = {"identities": [world.identity(0), world.identity(1)]}
    refused = world.post("/merges", wish, **{"If-Match": "*"})
    assert refused.status_code == 409
    assert "same_work" in refused.json()["remedy"]
    meant = world.post("/merges", {**wish, "same_work": True}, **{"If-Match": "*"})
    assert meant.status_code == 201


def test_bulk_applies_the_clean_rows_and_tells_the_conflicts(world) -> None:
    rows = [
        {"kind": "same", "a": mention(0, 0), "b": mention(2, 0)},
        {"kind": "different", "a": mention(0, 0), "b": mention(2, 0)},
        {"kind": "unsure", "a": mention(0, 1), "b": mention(1, 1)},
        {"kind": "same", "a": mention(0, 0), "b": mention(99, 0)},
        {"kind": "same", "a": mention(0, 0)},
        {"kind": "different", "a": mention(0, 1), "b": mention(1, 1), "reason": "a chemist"},
    ]
    lines = [json.dumps(row).encode() for row in rows]
    body = b"\n".join([*lines[:3], b"", b"{", *lines[3:], b"\xff"])
    headers = {**world.keys["reviewer"], "Content-Type": "application/x-ndjson"}
    for n in range(2):
        more = {"Idempotency-Key": "bulk"}
        answer = world.client.post("/v1/decisions/bulk", content=body, headers={**headers, **more})
        assert answer.status_code == 200, answer.text
        told = msgspec.json.decode(answer.content, type=decision_results.Bulk)
        assert [row.line for row in told.applied] == [1, 3, 8]
        assert [(row.line, row.status, row.field) for row in told.refused] == [
            (2, 409, None),
            (5, 400, "body"),
            (6, 404, "mentions[1]"),
            (7, 400, "b"),
            (9, 400, "body"),
        ]
        assert told.refused[0].details["decisions"] == [told.applied[0].decision]
        assert answer.headers.get("idempotency-replayed") == ("true" if n else None)
    assert world.identity(0) == world.identity(4)
    assert world.identity(1) != world.identity(3)


def test_an_external_id_is_attached_checked_and_taken_off(world) -> None:
    ada, path = world.identity(0), f"/identities/{world.identity(0)}/external-ids"
    wish = {"scheme": "orcid", "value": "https://orcid.org/0000-0002-1825-0097", "source": "page"}
    assert world.post(path, wish).status_code == 428
    bad = world.post(path, {**wish, "value": "0000-0002-1825-0098"}, **{"If-Match": "*"})
    assert bad.status_code == 422
    assert bad.json()["field"] == "value"
    made = world.post(path, wish, **{"If-Match": f'"{world.version(ada)}"'})
    assert made.status_code == 201
    told = msgspec.json.decode(made.content, type=external_id_results.ExternalId)
    assert (told.value, told.version) == ("0000-0002-1825-0097", world.version(ada))
    query = "scheme=orcid&value=0000-0002-1825-0097&reason=wrong"
    headers = {**world.keys["editor"], "If-Match": f'"{told.version}"'}
    off = world.client.delete(f"/v1{path}?{query}", headers=headers)
    assert off.status_code == 200
    assert world.client.delete(f"/v1{path}?{query}", headers=headers).status_code == 412
    headers["If-Match"] = "*"
    assert world.client.delete(f"/v1{path}?{query}", headers=headers).status_code == 404


def test_every_write_is_in_the_log_with_who_when_why_before_and_after(world) -> None:
    one, other = world.identity(0), world.identity(4)
    made = world.post(
        "/merges", {"identities": [one, other], "reason": "same page"}, **{"If-Match": "*"}
    )
    seq = made.json()["event"]
    answer = world.client.get(f"/v1/events/{seq}", headers=world.keys["admin"])
    event = msgspec.json.decode(answer.content, type=event_results.EventDetails)
    assert (event.reason, event.request) == ("same page", made.headers["x-request-id"])
    assert event.actor.startswith("key:k-")
    assert (event.n_identities, event.n_mentions) == (2, 1)
    assert [(m.work, m.before, m.after) for m in event.mentions] == [("w2", other, one)]
    changed = {i.id: (i.before["status"], i.after["status"]) for i in event.identities}
    assert changed == {one: ("active", "active"), other: ("active", "redirected")}


def test_every_kind_of_write_leaves_an_event_of_who_asked(database) -> None:
    seen = []

    def event_of(world: World, answer: Any) -> dict[str, Any]:
        assert answer.status_code < 300, answer.text
        request = answer.headers["x-request-id"]
        log = world.client.get(f"/v1/events?request={request}", headers=world.keys["admin"])
        (*_, event) = log.json()["items"]
        assert event["actor"].startswith("key:k-")
        seen.append(event["kind"])
        return answer.json()

    with serving(database) as client:
        world = World(database, client)
        client.headers["If-Match"] = "*"
        work = {"id": "new", "title": "t", "authors": [{"name": "Ada"}]}
        event_of(world, world.post("/works", work))
        event_of(world, world.post("/runs/r-one/publish"))
        run = event_of(world, world.post("/runs", {"scope": "full"}))
        event_of(world, world.post(f"/runs/{run['id']}/cancel"))
        ada, bo = world.identity(0), world.identity(1)
        wish = {"identities": [ada, world.identity(4)]}
        merged = event_of(world, world.post("/merges", wish))
        event_of(world, world.post(f"/decisions/{merged['decision']}/undo"))
        event_of(world, world.post(f"/decisions/{merged['decision']}/redo"))
        event_of(world, world.post(f"/decisions/{merged['decision']}/undo"))
        wish = {"identity": bo, "groups": [[mention(2, 1)]]}
        event_of(world, world.post("/splits", wish))
        event_of(world, world.post("/moves", {"mentions": [mention(1, 1)]}))
        wish = {"kind": "unsure", "a": mention(0, 0), "b": mention(1, 0)}
        event_of(world, world.post("/decisions", wish, "reviewer"))
        value = {"scheme": "orcid", "value": "0000-0002-1825-0097"}
        event_of(world, world.post(f"/identities/{ada}/external-ids", value))
        event_of(
            world,
            client.delete(
                f"/v1/identities/{ada}/external-ids?scheme=orcid&value=0000-0002-1825-0097",
                headers=world.keys["editor"],
            ),
        )
        key = event_of(world, world.post("/keys", {"name": "x", "role": "public"}, "admin"))
        event_of(world, client.delete(f"/v1/keys/{key['id']}", headers=world.keys["admin"]))
    assert seen == [
        "works-loaded",
        "run-published",
        "run-created",
        "run-cancelled",
        "decision-made",
        "decision-undone",
        "decision-redone",
        "decision-undone",
        "decision-made",
        "decision-made",
        "decision-made",
        "external-id-attached",
        "external-id-detached",
        "key-created",
        "key-revoked",
    ]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/merges", {"identities": ["a-1"] * 101}, "identities"),
        ("/merges", {"identities": ["a-1", "a-2"], "versions": {"a-1": 2**63}}, "versions.a-1"),
        ("/splits", {"identity": "a-1", "groups": []}, "groups"),
        ("/splits", {"identity": "a-1", "groups": [[mention(0, 0)]], "keep": -1}, "keep"),
        ("/moves", {"mentions": [{"work": "w0", "position": 2**40}]}, "mentions.0.position"),
        ("/moves", {"mentions": [{"work": "w\0", "position": 0}]}, "mentions.0.work"),
        ("/decisions", {"kind": "maybe", "a": mention(0, 0), "b": mention(1, 0)}, "kind"),
        ("/decisions", {"kind": "same", "a": mention(0, 0), "b": 7}, "b"),
    ],
)
def test_bad_edits_name_the_field(database, path, body, field) -> None:
    with serving(database) as client:
        headers = {**bearer(key_of(database, "editor")), "If-Match": "*"}
        told = client.post(f"/v1{path}", json=body, headers=headers)
    assert told.status_code in (400, 422)
    assert told.json()["field"] == field


def test_evidence_is_kept_within_bounds(world) -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"a": deep}
    row = {"kind": "unsure", "a": mention(0, 0), "b": mention(1, 0)}
    for evidence in (deep, {"a": "x" * 100_001}, {"a": ["\0"]}):
        told = world.post("/decisions", {**row, "evidence": evidence}, "reviewer")
        assert (told.status_code, told.json()["field"]) == (400, "evidence")
    kept = world.post("/decisions", {**row, "evidence": {"shown": ["x", 1]}}, "reviewer")
    id_ = kept.json()["decision"]
    found = world.client.get(f"/v1/decisions/{id_}", headers=world.keys["reviewer"]).json()
    assert found["evidence"]["shown"] == ["x", 1]
