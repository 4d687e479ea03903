"""What the API answers about a small library whose every answer is worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient
from sqlalchemy import insert, update

from service.actors import Actor
from service.db.database import Database
from service.db.overview import Stats
from service.db.tables import Change, ExternalId, Identity, Lineage, Membership, Signature
from service.decisions import actions as decision_actions
from service.decisions.actions import DecisionContext
from service.events import results as event_results
from service.identities.results import History
from service.profiles import aggregates
from service.profiles.results import CoauthorPage, Identities, NamePage, Names, PaperPage, Profile
from service.works.results import WorkPage, Works
from tests.support.api_clients import bearer, key_of, serving
from tests.support.reading_room import AT, Author, Paper, fill, happened, lasting

WEI, OTHER_WEI, ROE, LI = "a-wei", "a-wei2", "a-roe", "a-li"

LIBRARY = [
    Paper(
        "conf/sort/1",
        "Sorting graphs",
        [Author("Wei Wang", WEI, "Uni A"), Author("Jane Roe", ROE)],
        2001,
        "SORT",
        10,
    ),
    Paper(
        "conf/sort/2",
        "Sorting trees quickly",
        [Author("Jane Roe", ROE), Author("WEI WANG", WEI, "Uni A", confidence=0.7)],
        2003,
        "SORT",
        2,
    ),
    Paper("https://doi.org/10.1/x y", "On lists", [Author("W. Wang", WEI)], None, None, None),
    Paper(
        "chem/1",
        "Molecules in water",
        [Author("Wei Wang", OTHER_WEI, "Uni B"), Author("Li Ö", LI, orcid="0000-0001")],
        2019,
        "CHEM",
        0,
    ),
    Paper("loose/1", "Nobody's paper", [Author("Wei Wang")], 2020),
]


@pytest.fixture
def library(database: Database) -> Database:
    """For a test that changes it."""
    fill(database, LIBRARY, curated=[ROE])
    return database


@pytest.fixture
def editing(library: Database) -> Iterator[TestClient[Any]]:
    with serving(library) as found:
        yield found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient[Any]]:
    """Of one library for all tests that only read."""
    with lasting(request, tmp_path_factory.mktemp("library")) as database:
        fill(database, LIBRARY, curated=[ROE])
        with serving(database) as found:
            yield found


def row_of(database: Database, public: str) -> int:
    with database.read() as connection:
        return (
            connection.execute(Identity.__table__.select().where(Identity.id == public)).one().key
        )


def test_a_name_page_counts_papers_and_people_in_any_case(client: TestClient[Any]) -> None:
    page = client.get("/v1/names/wEi  wAnG").json()
    msgspec.convert(page, NamePage)
    assert (page["mentions"], page["papers"], page["people"]) == (4, 4, 2)
    assert [(p["id"], p["mentions"], p["n_works"]) for p in page["items"]] == [
        (WEI, 2, 3),
        (OTHER_WEI, 1, 1),
    ]
    assert page["unplaced"]["mentions"] == 1
    assert [m["work"] for m in page["unplaced"]["items"]] == ["loose/1"]


def test_a_name_page_says_what_holds_a_person_together(client: TestClient[Any]) -> None:
    first = client.get("/v1/names/wei wang").json()["items"][0]
    assert [r["text"] for r in first["together"]] == [
        "2 of 2 papers share a co-author with another: Jane Roe on 2",
        "2 of 2 papers state the affiliation “Uni A”",
        "2 of 2 papers appeared in “SORT”",
        "2 of 2 papers have in the title “sorting”",
    ]


def test_a_name_page_says_what_tells_people_apart(client: TestClient[Any]) -> None:
    first = client.get("/v1/names/wei wang").json()["items"][0]
    assert first["apart"] == [
        {
            "from": OTHER_WEI,
            "reasons": [
                {
                    "kind": "years",
                    "count": 0,
                    "text": "years do not meet: 2001 to 2003 and 2019",
                },
                {"kind": "coauthors", "count": 0, "text": "no co-authors in common"},
                {"kind": "affiliation", "count": 0, "text": "no affiliations in common"},
                {"kind": "venue", "count": 0, "text": "no venues in common"},
                {"kind": "topic", "count": 0, "text": "no words of titles in common"},
            ],
            "shared": [],
        }
    ]


def test_people_of_a_name_come_in_pages_each_once(client: TestClient[Any]) -> None:
    one = client.get("/v1/names/wei wang?limit=1").json()
    two = client.get(one["next"]).json()
    assert [p["id"] for p in one["items"] + two["items"]] == [WEI, OTHER_WEI]
    assert two["next"] is None or client.get(two["next"]).json()["items"] == []


def test_a_name_that_no_work_bears_is_not_found(client: TestClient[Any]) -> None:
    found = client.get("/v1/names/nobody at all")
    assert (found.status_code, found.json()["field"]) == (404, "name")
    assert "/v1/names?q=" in found.json()["remedy"]


def test_a_profile_sums_up_an_identity(client: TestClient[Any]) -> None:
    found = client.get(f"/v1/identities/{WEI}")
    profile = found.json()
    msgspec.convert(profile, Profile)
    assert profile["names"] == [
        {"name": "W. Wang", "mentions": 1},
        {"name": "WEI WANG", "mentions": 1},
        {"name": "Wei Wang", "mentions": 1},
    ]
    assert profile["years"] == {"2001": 1, "2003": 1}
    assert (profile["first_year"], profile["last_year"], profile["n_works"]) == (2001, 2003, 3)
    assert profile["venues"] == [{"venue": "SORT", "works": 2}]
    assert profile["citations"] == {"total": 12, "h_index": 2, "works_known": 2}
    assert profile["coauthors"]["total"] == 1
    assert profile["coauthors"]["items"] == [
        {"id": ROE, "name": "Jane Roe", "works": 2, "first_year": 2001, "last_year": 2003}
    ]
    assert profile["affiliations"] == [
        {"affiliation": "Uni A", "works": 2, "first_year": 2001, "last_year": 2003}
    ]
    assert profile["confidence"] == pytest.approx((0.9 + 0.7 + 0.9) / 3, abs=1e-4)
    assert profile["works"]["total"] == 3


def test_an_etag_of_an_identity_begins_with_its_version(client: TestClient[Any]) -> None:
    found = client.get(f"/v1/identities/{WEI}")
    assert found.headers["etag"].startswith(f'"{found.json()["version"]}-')


def test_an_answer_that_the_reader_has_is_not_sent_again(client: TestClient[Any]) -> None:
    for encoding in ("identity", "gzip"):
        headers = {"accept-encoding": encoding}
        tag = client.get(f"/v1/identities/{WEI}", headers=headers).headers["etag"]
        again = client.get(f"/v1/identities/{WEI}", headers={**headers, "if-none-match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag


@pytest.mark.parametrize("suffix", ["", "/works", "/coauthors", "/years.svg"])
def test_a_merged_identity_redirects_with_its_query(
    editing: TestClient[Any], library: Database, suffix: str
) -> None:
    target = row_of(library, WEI)
    with library.write() as connection:
        connection.execute(
            update(Identity)
            .where(Identity.id == OTHER_WEI)
            .values(status="redirected", redirect_key=target)
        )
    found = editing.get(f"/v1/identities/{OTHER_WEI}{suffix}?limit=5", follow_redirects=False)
    assert found.status_code == 301
    assert found.headers["location"] == f"/v1/identities/{WEI}{suffix}?limit=5"
    assert editing.get(f"/v1/identities/{WEI}").json()["lineage"]["redirects"] == [OTHER_WEI]


@pytest.mark.parametrize("suffix", ["", "/works", "/coauthors", "/years.svg"])
def test_an_identity_that_was_split_away_is_gone_and_names_its_successors(
    editing: TestClient[Any], library: Database, suffix: str
) -> None:
    parent, child = row_of(library, OTHER_WEI), row_of(library, WEI)
    with library.write() as connection:
        connection.execute(update(Identity).where(Identity.id == OTHER_WEI).values(status="split"))
        connection.execute(
            insert(Lineage).values(
                event_seq=1, parent_key=parent, child_key=child, kind="split", mentions=1
            )
        )
    found = editing.get(f"/v1/identities/{OTHER_WEI}{suffix}")
    assert found.status_code == 410
    assert [(x["id"], x["mentions"]) for x in found.json()["successors"]] == [(WEI, 1)]


def test_an_unknown_identity_is_not_found(client: TestClient[Any]) -> None:
    found = client.get("/v1/identities/a-nothing")
    assert (found.status_code, found.json()["field"]) == (404, "id")


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-year", ["conf/sort/2", "conf/sort/1", "https://doi.org/10.1/x y"]),
        ("year", ["conf/sort/1", "conf/sort/2", "https://doi.org/10.1/x y"]),
        ("title", ["https://doi.org/10.1/x y", "conf/sort/1", "conf/sort/2"]),
        ("-title", ["conf/sort/2", "conf/sort/1", "https://doi.org/10.1/x y"]),
        ("citations", ["conf/sort/2", "conf/sort/1", "https://doi.org/10.1/x y"]),
        ("-citations", ["conf/sort/1", "conf/sort/2", "https://doi.org/10.1/x y"]),
    ],
)
def test_works_of_an_identity_are_sorted_and_paged_without_loss(
    client: TestClient[Any], sort: str, expected: list[str]
) -> None:
    whole = client.get(f"/v1/identities/{WEI}/works?sort={sort}").json()
    msgspec.convert(whole, PaperPage)
    assert [p["work"] for p in whole["items"]] == expected
    seen, path = [], f"/v1/identities/{WEI}/works?sort={sort}&limit=1"
    while path:
        page = client.get(path).json()
        seen += [p["work"] for p in page["items"]]
        path = page["next"]
    assert seen == expected


def test_works_of_an_identity_are_filtered(client: TestClient[Any]) -> None:
    of_year = client.get(f"/v1/identities/{WEI}/works?year=2003").json()
    of_venue = client.get(f"/v1/identities/{WEI}/works?venue=SORT&sort=year").json()
    assert [p["work"] for p in of_year["items"]] == ["conf/sort/2"]
    assert [p["work"] for p in of_venue["items"]] == ["conf/sort/1", "conf/sort/2"]


def test_coauthors_come_in_pages(client: TestClient[Any]) -> None:
    page = client.get(f"/v1/identities/{ROE}/coauthors?limit=1").json()
    msgspec.convert(page, CoauthorPage)
    assert [(c["id"], c["works"]) for c in page["items"]] == [(WEI, 2)]
    assert page["next"] is None


def test_the_picture_of_years_is_an_inert_svg(editing: TestClient[Any], library: Database) -> None:
    with library.write() as connection:
        hostile = "<script>alert(1)</script>\x07"
        connection.execute(update(Identity).where(Identity.id == WEI).values(name=hostile))
    found = editing.get(f"/v1/identities/{WEI}/years.svg")
    assert found.headers["content-type"].startswith("image/svg+xml")
    assert "<script" not in found.text
    assert "\x07" not in found.text
    assert "2 works from 2001 to 2003" in found.text
    assert "default-src 'none'" in found.headers["content-security-policy"]


def test_search_forgives_a_typing_error(client: TestClient[Any]) -> None:
    page = client.get("/v1/identities?q=jane reo").json()  # too short a word to be wrong
    assert page["items"] == []
    page = client.get("/v1/identities?q=jnae roe").json()
    msgspec.convert(page, Identities)
    assert [x["id"] for x in page["items"]] == [ROE]
    assert page["items"][0]["closeness"] < 1


def test_search_ranks_the_exact_name_and_then_the_one_with_most_works(
    client: TestClient[Any],
) -> None:
    page = client.get("/v1/identities?q=Wei Wang").json()
    assert [(x["id"], x["closeness"]) for x in page["items"]] == [(WEI, 1.0), (OTHER_WEI, 1.0)]


def test_search_ignores_accents(client: TestClient[Any]) -> None:
    assert [x["id"] for x in client.get("/v1/identities?q=li o").json()["items"]] == [LI]


def test_search_filters_by_years_and_by_decisions(client: TestClient[Any]) -> None:
    def ids(query: str) -> list[str]:
        return [x["id"] for x in client.get(f"/v1/identities?{query}").json()["items"]]

    assert ids("q=wei wang&since=2010") == [OTHER_WEI]
    assert ids("q=wei wang&until=2010") == [WEI]
    assert ids("curated=true") == [ROE]
    assert sorted(ids("curated=false")) == sorted([WEI, OTHER_WEI, LI])


@pytest.mark.parametrize("sort", ["id", "name", "-name", "works", "-works"])
def test_all_identities_come_in_pages_each_once(client: TestClient[Any], sort: str) -> None:
    seen, path = [], f"/v1/identities?sort={sort}&limit=1"
    while path:
        page = client.get(path).json()
        seen += [x["id"] for x in page["items"]]
        path = page["next"]
    whole = [x["id"] for x in client.get(f"/v1/identities?sort={sort}").json()["items"]]
    assert seen == whole
    assert sorted(seen) == sorted([WEI, OTHER_WEI, ROE, LI])


def test_search_results_come_in_pages_each_once(client: TestClient[Any]) -> None:
    one = client.get("/v1/identities?q=wei wang&limit=1").json()
    two = client.get(one["next"]).json()
    assert [x["id"] for x in one["items"] + two["items"]] == [WEI, OTHER_WEI]
    assert two["next"] is None


def test_an_identity_is_found_by_an_external_id(
    editing: TestClient[Any], library: Database
) -> None:
    with library.write() as connection:
        connection.execute(
            insert(ExternalId).values(
                identity_key=row_of(library, ROE),
                scheme="orcid",
                value="0000-0002-1825-0097",
                source="mention",
                actor="cli:x",
                event_seq=1,
            )
        )
    found = editing.get("/v1/identities?external=ORCID:0000-0002-1825-0097").json()
    assert [x["id"] for x in found["items"]] == [ROE]
    assert editing.get("/v1/identities?external=orcid:none").json()["items"] == []
    assert editing.get("/v1/identities?external=nonsense").status_code == 422
    profile = editing.get(f"/v1/identities/{ROE}").json()
    assert profile["external_ids"] == [
        {"scheme": "orcid", "value": "0000-0002-1825-0097", "source": "mention"}
    ]


def test_names_are_searched_and_listed(client: TestClient[Any]) -> None:
    page = client.get("/v1/names?q=wei wnag").json()
    msgspec.convert(page, Names)
    assert [(x["name"], x["mentions"], x["people"]) for x in page["items"]] == [("Wei Wang", 4, 2)]
    seen, path = [], "/v1/names?limit=1"
    while path:
        found = client.get(path).json()
        seen += [x["folded"] for x in found["items"]]
        path = found["next"]
    assert sorted(seen) == ["jane roe", "li ö", "w. wang", "wei wang"]


def test_a_query_without_letters_is_refused(client: TestClient[Any]) -> None:
    found = client.get("/v1/names?q=...")
    assert (found.status_code, found.json()["field"]) == (422, "q")


@pytest.mark.parametrize(
    "path", ["https://doi.org/10.1/x%20y", "https%3A%2F%2Fdoi.org%2F10.1%2Fx%20y"]
)
def test_a_work_is_read_by_an_id_with_slashes(client: TestClient[Any], path: str) -> None:
    found = client.get(f"/v1/works/{path}")
    page = found.json()
    msgspec.convert(page, WorkPage)
    assert (page["id"], page["title"]) == ("https://doi.org/10.1/x y", "On lists")
    assert page["authors"][0]["identity"] == {"id": WEI, "name": "Wei Wang"}
    assert page["versions"][0]["source"]["label"] == "invented.jsonl"
    assert found.headers["etag"].startswith('"1-')


def test_a_work_tells_no_addresses_of_its_authors(client: TestClient[Any]) -> None:
    text = client.get("/v1/works/chem/1").text
    assert "0000-0001" in text
    assert "@" not in text


def test_a_work_without_that_version_is_not_found(client: TestClient[Any]) -> None:
    assert client.get("/v1/works/chem/1?version=1").status_code == 200
    found = client.get("/v1/works/chem/1?version=2")
    assert (found.status_code, found.json()["field"]) == (404, "version")


@pytest.mark.parametrize("sort", ["added", "-added", "year", "-year", "citations", "-citations"])
def test_works_come_in_pages_each_once(client: TestClient[Any], sort: str) -> None:
    seen, path = [], f"/v1/works?sort={sort}&limit=2"
    while path:
        page = client.get(path).json()
        msgspec.convert(page, Works)
        seen += [x["id"] for x in page["items"]]
        path = page["next"]
    assert seen == [x["id"] for x in client.get(f"/v1/works?sort={sort}").json()["items"]]
    assert sorted(seen) == sorted(p.id for p in LIBRARY)


def test_works_of_a_year_or_venue(client: TestClient[Any]) -> None:
    assert [x["id"] for x in client.get("/v1/works?year=2019").json()["items"]] == ["chem/1"]
    assert len(client.get("/v1/works?venue=SORT").json()["items"]) == 2


def test_changes_are_followed_each_exactly_once(
    editing: TestClient[Any], library: Database
) -> None:
    told = [
        {
            "seq": 10 + k,
            "event_seq": 1,
            "kind": kind,
            "identity": WEI,
            "others": [],
            "mentions": k,
            "at": "2025-03-01",
        }
        for k, kind in enumerate(["create", "keep", "merge"])
    ]
    with library.write() as connection:
        connection.execute(insert(Change), [{**row, "at": AT} for row in told])
    happened(library)
    one = editing.get("/v1/changes?limit=2").json()
    msgspec.convert(one, event_results.Changes)
    two = editing.get(one["next"]).json()
    assert [x["sequence"] for x in one["items"] + two["items"]] == [10, 11, 12]
    three = editing.get(f"/v1/changes?since={two['since']}").json()
    assert three == {"items": [], "since": 12, "next": None}
    merges = editing.get("/v1/changes?kind=merge").json()
    assert [x["sequence"] for x in merges["items"]] == [12]


def test_stats_count_what_is_there(client: TestClient[Any]) -> None:
    stats = client.get("/v1/stats").json()
    msgspec.convert(stats, Stats)
    assert {k: stats[k] for k in ("works", "names", "mentions", "placed", "unplaced")} == {
        "works": 5,
        "names": 4,
        "mentions": 8,
        "placed": 7,
        "unplaced": 1,
    }
    assert stats["identities"] == {"active": 4, "redirected": 0, "gone": 0, "curated": 1}


def test_a_mention_that_its_work_dropped_is_nowhere(
    editing: TestClient[Any], library: Database
) -> None:
    with library.write() as connection:
        gone = Signature.__table__.select().where(Signature.printed == "WEI WANG")
        key = connection.execute(gone).one().key
        connection.execute(Membership.__table__.delete().where(Membership.signature_key == key))
        connection.execute(update(Signature).where(Signature.key == key).values(retired_version=2))
    assert editing.get("/v1/names/wei wang").json()["mentions"] == 3
    assert editing.get(f"/v1/identities/{WEI}").json()["mentions"] == 2
    assert len(editing.get("/v1/works/conf/sort/2").json()["authors"]) == 1


def test_the_history_of_a_merge_is_told_and_who_did_it_to_reviewers(
    editing: TestClient[Any], library: Database, editor: Actor
) -> None:
    made = decision_actions.merge_identities(
        library, editor, [WEI, OTHER_WEI], context=DecisionContext(reason="one home page")
    )
    path = f"/v1/identities/{WEI}/history"
    page = editing.get(path).json()
    msgspec.convert(page, History)
    (entry,) = page["items"]
    assert (entry["reason"], entry["actor"], entry["undoable"]) == (
        "one home page",
        None,
        made.id,
    )
    assert (entry["before"]["works"], entry["after"]["works"]) == (3, 4)
    reviewer = key_of(library, "reviewer")
    shown = editing.get(path, headers=bearer(reviewer)).json()["items"]
    assert [e["actor"] for e in shown] == [editor.name]
    gone = editing.get(f"/v1/identities/{OTHER_WEI}/history")
    assert gone.json()["items"][0]["after"]["redirect"] == WEI
    moved = editing.get(f"/v1/identities/{OTHER_WEI}", follow_redirects=False)
    assert moved.headers["location"] == f"/v1/identities/{WEI}"


def test_works_of_crowds_tell_nothing_of_who_works_together(library: Database) -> None:
    with library.read() as connection:
        mentions = aggregates.read_signatures(connection, Signature.printed == "Wei Wang")
        crowded = [m._replace(n_authors=aggregates.MAX_WORK_AUTHORS + 1) for m in mentions]
        assert len(aggregates.read_coauthors(connection, mentions)) == 3
        assert aggregates.read_coauthors(connection, crowded) == {}


def test_the_works_with_fewest_authors_are_looked_at_first(
    library: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregates, "MAX_COAUTHORS", 3)  # room for works of two authors and of one
    with library.read() as connection:
        mentions = aggregates.read_signatures(connection, Signature.printed == "Wei Wang")
        found = aggregates.read_coauthors(connection, mentions)
        ids = {m.work_id for m in mentions if m.work in found}
    assert ids == {"conf/sort/1", "loose/1"}
