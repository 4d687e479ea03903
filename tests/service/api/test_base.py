"""What every route has in common: problems, request ids, headers, text of all kinds."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.testing import TestClient
from sqlalchemy import update

from service import api_keys
from service.api.http.problems import render_problem
from service.api.middleware import auth
from service.api.middleware.auth import RateLimits, client_address
from service.app import create_app
from service.db.database import Database
from service.db.tables import Identity
from service.errors import Conflict
from service.settings import Settings, build_sqlite_url
from tests.support.api_clients import MAKER, bearer, key_of, serving
from tests.support.reading_room import Author, Paper, fill, happened

HOSTILE = "<script>alert('x')</script> \u202eevil\u202c"


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """What is tested here does not depend on the database; reads are tested on both elsewhere."""
    file = tmp_path / "base.sqlite"
    shutil.copy(sqlite_template, file)
    found = Database(build_sqlite_url(file))
    yield found
    found.close()


@pytest.fixture(scope="module")
def held(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database for all tests of this file that only read."""
    file = tmp_path_factory.mktemp("held") / "held.sqlite"
    shutil.copy(sqlite_template, file)
    found = Database(build_sqlite_url(file))
    fill(
        found,
        [
            Paper("w1", HOSTILE, [Author(HOSTILE, "a-1"), Author("A/B", "a-2")], 2000),
            Paper("w2", "Long", [Author("x" * 10_000, "a-1")], 2001),
        ],
    )
    yield found
    found.close()


@pytest.fixture(scope="module")
def client(held: Database) -> Iterator[TestClient[Any]]:
    with serving(held) as found:
        yield found


def test_a_request_id_is_made_and_returned(client: TestClient[Any]) -> None:
    first, second = (client.get("/v1/stats").headers["x-request-id"] for _ in range(2))
    assert first
    assert first != second


def test_a_sane_request_id_is_kept_and_an_insane_one_replaced(client: TestClient[Any]) -> None:
    def sent(text: str) -> str:
        return client.get("/v1/nothing", headers={"X-Request-ID": text}).json()["request"]

    assert sent("trace-17.b_2:9") == "trace-17.b_2:9"
    assert sent("a b") != "a b"
    assert sent("x" * 65) != "x" * 65


@pytest.mark.parametrize("path", ["/v1/stats", "/v1/nothing", "/schema", "/v1/stats?x=%ff"])
def test_every_answer_has_the_security_headers(client: TestClient[Any], path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-request-id"]


def test_head_is_get_without_the_body(client: TestClient[Any]) -> None:
    got, headed = client.get("/v1/stats"), client.head("/v1/stats")
    assert headed.status_code == 200
    assert headed.content == b""
    assert headed.headers["etag"] == got.headers["etag"]
    assert headed.headers["content-length"] == got.headers["content-length"]


def test_an_unknown_route_is_a_problem_with_a_remedy(client: TestClient[Any]) -> None:
    found = client.get("/v1/nothing")
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json() == {
        "type": "urn:disambig:no-such-route",
        "title": "No such route",
        "status": 404,
        "detail": "there is no resource at this path",
        "remedy": "/schema lists every route",
        "instance": "/v1/nothing",
        "request": found.headers["x-request-id"],
    }


def test_a_wrong_method_tells_the_right_ones(client: TestClient[Any]) -> None:
    found = client.delete("/v1/stats")
    assert found.status_code == 405
    assert "GET" in found.headers["allow"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=99999999999999999999999999", "limit"),
        ("limit=ten", "limit"),
        ("sort=sideways", "sort"),
        ("since=99999", "since"),
        ("until=-1", "until"),
        ("curated=perhaps", "curated"),
        ("cursor=" + "A" * 3000, "cursor"),
        ("cursor=AAAA", "cursor"),
        ("cursor=%F0%9F%92%A9", "cursor"),
    ],
)
def test_a_wrong_parameter_is_named(client: TestClient[Any], query: str, field: str) -> None:
    found = client.get(f"/v1/identities?{query}")
    assert (found.status_code, found.json()["field"]) == (400, field)


@pytest.mark.parametrize("path", ["/v1/changes?since=9223372036854775808", "/v1/changes?since=-1"])
def test_numbers_that_no_database_stores_are_refused(client: TestClient[Any], path: str) -> None:
    assert client.get(path).json()["field"] == "since"


def test_the_largest_number_is_taken(client: TestClient[Any]) -> None:
    assert client.get("/v1/changes?since=9223372036854775807").json()["items"] == []


@pytest.mark.parametrize("path", ["/v1/names/%ff%fe", "/v1/works/%c3", "/v1/identities/%80"])
def test_a_path_that_is_no_utf_8_is_refused(client: TestClient[Any], path: str) -> None:
    found = client.get(path)
    assert (found.status_code, found.json()["field"]) == (400, "path")


def test_a_query_that_is_no_utf_8_is_refused(client: TestClient[Any]) -> None:
    found = client.get("/v1/names?q=%ff")
    assert (found.status_code, found.json()["field"]) == (400, "query")


@pytest.mark.parametrize("path", ["/v1/names/a%00b", "/v1/works/%00", "/v1/identities?q=a%00"])
def test_the_character_zero_is_refused(client: TestClient[Any], path: str) -> None:
    assert client.get(path).status_code == 400


def test_a_hostile_name_is_found_and_stays_text(client: TestClient[Any]) -> None:
    from urllib.parse import quote

    found = client.get(f"/v1/names/{quote(HOSTILE)}")
    assert found.status_code == 200
    assert found.headers["content-type"] == "application/json"
    assert found.json()["name"] == HOSTILE
    assert client.get("/v1/names?q=script alert").json()["items"][0]["name"] == HOSTILE


def test_a_name_with_a_slash_is_found(client: TestClient[Any]) -> None:
    assert client.get("/v1/names/a/b").json()["name"] == "A/B"
    assert client.get("/v1/names/a%2Fb").json()["name"] == "A/B"


def test_a_name_of_ten_thousand_characters_is_found(client: TestClient[Any]) -> None:
    found = client.get("/v1/names/" + "x" * 10_000)
    assert found.json()["mentions"] == 1
    assert client.get("/v1/names/" + "y" * 10_000).status_code == 404
    assert client.get("/v1/names/" + "y" * 20_000).status_code == 422


@pytest.mark.parametrize("q", ["' OR 1=1 --", "%25", "_", "a" * 10_000, "\u202e", "=1+1", "*" * 99])
def test_no_query_breaks_the_search(client: TestClient[Any], q: str) -> None:
    for path in ("names", "identities"):
        assert client.get(f"/v1/{path}", params={"q": q}).status_code in (200, 422)


def test_an_internal_error_tells_nothing_but_the_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @get("/broken", sync_to_thread=False)
    def broken() -> None:
        raise RuntimeError("secret of the machine")

    app = Litestar([broken], exception_handlers={Exception: render_problem}, logging_config=None)
    with TestClient(app, raise_server_exceptions=False) as client:
        found = client.get("/broken")
    assert found.status_code == 500
    assert "secret" not in found.text
    assert found.json()["request"] in caplog.text


def test_details_of_an_error_are_told_but_replace_nothing() -> None:
    @get("/conflict", sync_to_thread=False)
    def conflict() -> None:
        raise Conflict("moved on", "read again", field="id", status=200, decisions=["d-1"])

    app = Litestar([conflict], exception_handlers={Exception: render_problem}, logging_config=None)
    with TestClient(app) as client:
        found = client.get("/conflict").json()
    assert (found["status"], found["decisions"], found["field"]) == (409, ["d-1"], "id")


def test_reading_can_be_restricted_to_keys(database: Database) -> None:
    key = key_of(database, "public")
    with serving(database, public_read=False) as client:
        assert client.get("/v1/stats").status_code == 401
        assert client.get("/v1/stats").headers["www-authenticate"].startswith("Bearer")
        assert client.get("/v1/stats", headers=bearer(key)).status_code == 200
        assert client.get("/v1/stats", headers={"X-API-Key": key}).status_code == 200
        assert client.get("/schema").status_code == 200


def test_an_answer_kept_for_one_client_is_not_given_to_one_who_may_not_read(
    database: Database,
) -> None:
    key = key_of(database, "public")
    with serving(database, public_read=False) as client:
        for _ in range(2):
            assert client.get("/v1/stats", headers=bearer(key)).status_code == 200
            assert client.get("/v1/stats").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer " + "x" * 5000},
        {"X-API-Key": "k-000000000000.AAAA"},
        {"X-API-Key": ""},
    ],
)
def test_a_key_that_is_none_is_refused_even_where_none_is_needed(
    client: TestClient[Any], headers: dict[str, str]
) -> None:
    found = client.get("/v1/stats", headers=headers)
    assert (found.status_code, found.json()["title"]) == (401, "Not authenticated")


def test_too_many_requests_are_refused_until_there_is_room_again(database: Database) -> None:
    app = create_app(Settings(rate_public=2), database)
    with TestClient(app) as client:
        first, second, third = (client.get("/v1/stats") for _ in range(3))
        assert [first.status_code, second.status_code, third.status_code] == [200, 200, 429]
        assert first.headers["ratelimit-remaining"] == "1"
        assert third.headers["retry-after"] == "30"
        assert third.headers["ratelimit-limit"] == "2"
        assert third.json()["remedy"].startswith("wait 30 s")


def test_guessing_keys_is_counted(database: Database) -> None:
    app = create_app(Settings(rate_public=2), database)
    with TestClient(app) as client:
        codes = [client.get("/v1/stats", headers=bearer(f"k-{k}.x")).status_code for k in range(3)]
    assert codes == [401, 401, 429]


def test_an_answer_is_kept_until_something_happens(client: TestClient[Any], held: Database) -> None:
    def name() -> str:
        return str(client.get("/v1/identities/a-2").json()["name"])

    assert name() == "A/B"
    with held.write() as connection:
        connection.execute(update(Identity).where(Identity.id == "a-2").values(name="changed"))
    assert name() == "A/B"  # no event: nothing a reader is told of has happened
    happened(held)
    assert name() == "changed"


def test_an_event_of_another_process_is_noticed_at_once(
    client: TestClient[Any], held: Database
) -> None:
    other = Database(held.url)
    try:
        for k in range(5):
            with other.write() as connection:
                changed = update(Identity).where(Identity.id == "a-2").values(name=f"name {k}")
                connection.execute(changed)
            happened(other)
            assert client.get("/v1/identities/a-2").json()["name"] == f"name {k}"
            assert client.get("/v1/identities/a-2").json()["name"] == f"name {k}"
    finally:
        other.close()


def test_kept_and_new_answers_are_the_same(client: TestClient[Any]) -> None:
    for encoding in ("identity", "gzip"):
        path = "/v1/names/a/b?limit=200"
        first, second = (client.get(path, headers={"accept-encoding": encoding}) for _ in range(2))
        different = ("x-request-id", "date")
        assert first.content == second.content
        assert [(k, v) for k, v in sorted(first.headers.items()) if k not in different] == [
            (k, v) for k, v in sorted(second.headers.items()) if k not in different
        ]


def test_long_answers_are_packed_for_who_takes_them(client: TestClient[Any]) -> None:
    path = "/v1/identities/a-1"
    packed = client.get(path, headers={"accept-encoding": "br, gzip;q=0.5"})
    plain = client.get(path, headers={"accept-encoding": "gzip;q=0, identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert packed.headers["etag"] != plain.headers["etag"]


READS = {"names", "identities", "works", "feed"}
"""Tags of what is read."""


def test_every_read_is_described_with_an_example(client: TestClient[Any]) -> None:
    document = client.get("/schema").json()
    assert document["openapi"].startswith("3.1")
    described = 0
    for path, operations in document["paths"].items():
        operation = operations.get("get")
        if operation is None or not READS & {*operation.get("tags", ())}:
            continue
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["responses"]["429"]["content"]["application/problem+json"]["examples"]
        (media,) = operation["responses"]["200"]["content"].values()
        assert media["examples"], path
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), f"{path} {parameter['name']}"
        described += 1
    assert described >= 12


def test_the_documentation_page_needs_nothing_from_elsewhere(client: TestClient[Any]) -> None:
    page = client.get("/schema/docs")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "http" not in page.text.replace("https://doi.org", "").split("</style>")[0]
    assert "/v1/names/{name}" in page.text


class TestLimits:
    def test_a_bucket_is_refilled_evenly(self) -> None:
        now = [0.0]
        limits = RateLimits(lambda: now[0])
        for _ in range(60):
            limits.take("a", 60)
        with pytest.raises(Exception, match="more than 60"):
            limits.take("a", 60)
        now[0] += 1.0
        assert limits.take("a", 60)["RateLimit-Remaining"] == "0"

    def test_clients_are_counted_apart(self) -> None:
        limits = RateLimits(lambda: 0.0)
        limits.take("a", 1)
        limits.take("b", 1)
        with pytest.raises(Exception, match="more than 1"):
            limits.take("a", 1)

    def test_no_limit_is_no_headers(self) -> None:
        assert RateLimits().take("a", 0) == {}


def test_one_client_has_one_network_of_ipv6() -> None:
    def of(host: str) -> str:
        return client_address({"client": (host, 1)})  # type: ignore[arg-type,typeddict-item]

    assert of("2001:db8::1") == of("2001:db8::ffff")
    assert of("2001:db8::1") != of("2001:db8:0:1::1")
    assert of("192.0.2.1") != of("192.0.2.2")


def test_a_key_that_this_process_revoked_is_refused_at_once(database: Database) -> None:
    text = key_of(database, "public")
    app = create_app(Settings(), database)
    with TestClient(app) as client:
        assert client.get("/v1/stats", headers=bearer(text)).status_code == 200
        api_keys.revoke_key(database, MAKER, text.partition(".")[0])
        app.state["keys"].clear()
        assert client.get("/v1/stats", headers=bearer(text)).status_code == 401


def test_a_key_that_another_process_revoked_is_refused_within_five_seconds(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert auth.KEY_CACHE_SECONDS <= 5
    monkeypatch.setattr(auth, "KEY_CACHE_SECONDS", 0.05)
    text = key_of(database, "public")
    with serving(database) as client:
        assert client.get("/v1/stats", headers=bearer(text)).status_code == 200
        api_keys.revoke_key(database, MAKER, text.partition(".")[0])
        time.sleep(0.06)
        assert client.get("/v1/stats", headers=bearer(text)).status_code == 401
