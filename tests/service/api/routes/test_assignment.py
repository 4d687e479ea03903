"""From nothing to placed mentions over HTTP: works, a run, its diff, a publication, more works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from disambig.corpus.embeddings import SemanticSpace
from disambig.domain import Work
from disambig.ingest import dump_work
from service.assignment.results import DryRun, Intake
from service.db.database import Database
from service.publication import results as publication_results
from service.runs import results as run_results
from tests.support.api_clients import bearer, key_of, serving
from tests.support.invented import space, work
from tests.support.run_world import done, people, settings_in, wangs

SPEECH = work(
    "n1", "speech acoustic phoneme", "Wei Wang", "Otto Brandt", venue="Interspeech", year=2006
)
UNCLEAR = work("n2", "speech acoustic robot arm", "Wei Wang", year=2008)


def ndjson(*works: Work) -> bytes:
    return b"\n".join(map(dump_work, works))


@pytest.fixture
def client(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient[Any]]:
    found = space()
    monkeypatch.setattr(SemanticSpace, "load", lambda path=None: found)
    with serving(database, data=tmp_path / "data", workers=1) as client:
        client.headers.update(bearer(key_of(database, "editor")))
        yield client


def test_works_a_run_its_diff_a_publication_and_placed_mentions(
    database: Database, client: TestClient[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client.post("/v1/works", content=ndjson(*wangs())).json()
    assert first["counts"]["created"] == len(wangs())
    assert {v for v, n in first["mentions"].items() if n} == {"later"}
    too_early = client.post("/v1/assign", content=ndjson(SPEECH))
    assert (too_early.status_code, too_early.json()["title"]) == (409, "Conflict")

    run = client.post("/v1/runs", json={"scope": "full"}).json()
    done(database, settings_in(tmp_path), run["id"])
    after = msgspec.json.decode(client.get(f"/v1/runs/{run['id']}").content, type=run_results.Run)
    assert after.state == "proposed"
    diff = client.get(f"/v1/runs/{run['id']}/diff?limit=1")
    page = msgspec.json.decode(diff.content, type=publication_results.Differences)
    rest = client.get(page.next.replace("limit=1", "limit=100")).json()["items"]
    assert [line.rank for line in page.items] + [line["rank"] for line in rest] == list(
        range(1 + len(rest))
    )
    assert client.post(f"/v1/runs/{run['id']}/publish").status_code == 200

    before = people(database)
    answer = client.post("/v1/assign", content=ndjson(SPEECH))
    tried = msgspec.json.decode(answer.content, type=DryRun)
    assert tried.rows[0].placements[0].identity == before["s0", 0]
    assert people(database) == before
    posted = client.post("/v1/works", content=ndjson(SPEECH))
    told = msgspec.json.decode(posted.content, type=Intake)
    assert [p.verdict for p in told.rows[0].placements] == ["matched", "matched"]
    assert told.rows[0].placements[0].identity == before["s0", 0] == people(database)["n1", 0]

    monkeypatch.setattr("disambig.assignment.assign.MARGIN", 0.6)  # nothing is sure
    posted = client.post("/v1/works", content=ndjson(UNCLEAR))
    told = msgspec.json.decode(posted.content, type=Intake)
    (unsure,) = told.rows[0].placements
    assert (unsure.verdict, unsure.identity) == ("unsure", None)
    task = client.get(f"/v1/tasks/{unsure.task}").json()
    assert (task["kind"], task["state"], task["name"]) == ("assign", "open", "Wei Wang")

    again = client.post("/v1/works", content=ndjson(SPEECH)).json()
    assert again["rows"][0]["outcome"] == "unchanged"
    assert {p["verdict"] for p in again["rows"][0]["placements"]} == {"known"}
    unplaced = client.post("/v1/works?place=false", content=ndjson(work("n3", "t", "Wei Wang")))
    assert unplaced.json()["rows"][0]["placements"] is None
