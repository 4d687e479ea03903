"""Works over HTTP: each record by itself, every mistake told with its line, none of them a 500."""

import gzip
import json

import msgspec
import pytest
from sqlalchemy import func, select

from service.assignment.results import Intake
from service.db import tables
from tests.support.api_clients import bearer, key_of, serving


def line(id_: object, *names: str, **more: object) -> str:
    authors = [{"name": name} for name in names]
    return json.dumps({"id": id_, "title": "On rats", "authors": authors, **more})


@pytest.fixture
def post(database):
    """Posts works as an editor; the answer."""
    headers = bearer(key_of(database, "editor"))
    with serving(database) as client:

        def send(body, **more):
            return client.post("/v1/works", content=body, headers={**headers, **more})

        yield send


def n_works(database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(tables.Work))


def test_good_rows_go_on_and_bad_ones_are_told(database, post) -> None:
    body = "\n".join([line("w1", "Ada"), '{"id": "w2"}', "", "{", line("w3/x y", "Bo", "Cy")])
    answer = post(body)
    assert answer.status_code == 200
    told = msgspec.json.decode(answer.content, type=Intake)
    assert told.counts == {"created": 2, "changed": 0, "unchanged": 0, "rejected": 2}
    assert [(row.line, row.id, row.outcome) for row in told.rows] == [
        (1, "w1", "created"),
        (2, "w2", "rejected"),
        (4, None, "rejected"),
        (5, "w3/x y", "created"),
    ]
    assert (told.rows[1].error.field, told.rows[1].error.problem) == ("title", "is missing")
    assert [p.verdict for p in told.rows[3].placements] == ["later", "later"]
    assert n_works(database) == 2
    again = post(line("w1", "Ada") + "\n" + line("w3/x y", "Bo")).json()
    assert [(row["outcome"], row["version"]) for row in again["rows"]] == [
        ("unchanged", 1),
        ("changed", 2),
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_an_array_an_object_and_gzip_are_taken(database, post, packed: bool) -> None:
    more = {"Content-Encoding": "gzip"} if packed else {}
    for body in (f"[{line('w1', 'Ada')},\n{line('w2', 'Bo')}]", line("w3", "Cy")):
        data = gzip.compress(body.encode()) if packed else body.encode()
        answer = post(data, **more)
        assert {row["outcome"] for row in answer.json()["rows"]} == {"created"}
    assert n_works(database) == 3


def test_sent_again_works_are_answered_alike(database, post) -> None:
    first = post(line("w1", "Ada"), **{"Idempotency-Key": "n1"})
    again = post(line("w1", "Ada"), **{"Idempotency-Key": "n1"})
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert post(line("w2", "Ada"), **{"Idempotency-Key": "n1"}).status_code == 422


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b" \n", {}, 400),
        (b"no gzip", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b"{}", mtime=0)[:-4], {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b" " * 3_000_000, mtime=0), {"Content-Encoding": "gzip"}, 413),
        (b"x" * 2_100_000, {}, 413),
        (b"{}", {"Content-Encoding": "br"}, 415),
        (b"{}\n" * 10_001, {}, 413),
    ],
)
def test_bodies_that_cannot_be_taken_are_problems(database, body, headers, status) -> None:
    editor = bearer(key_of(database, "editor"))
    with serving(database, body_limit=2_000_000) as client:
        answer = client.post("/v1/works", content=body, headers={**editor, **headers})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["remedy"]
    assert n_works(database) == 0


@pytest.mark.parametrize(
    "record",
    [
        "[" * 100_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        '{"id": "w\\ud800", "title": "t", "authors": []}',
        '{"id": "w", "title": "t\\u0000t", "authors": [{"name": "A\\u0000da"}]}',
        '{"id": "w\\u0000", "title": "t", "authors": [{"name": "Ada"}]}',
        '{"id": "w", "title": "t", "authors": [{"name": "Ada"}], "year": 1e300}',
        '{"id": "w", "title": "t", "authors": [], "citations": 99999999999999999999}',
        '{"id": "' + "w" * 600 + '", "title": "t", "authors": [{"name": "Ada"}]}',
        '{"id": "w", "title": "t", "authors": [{"name": "' + "A" * 10_001 + '"}]}',
        '{"id": "w", "title": "<b>", "authors": [{"name": "\\u202eadA \'; drop table work--"}]}',
        "\ud800",
        "NaN",
        "null",
    ],
)
def test_hostile_records_are_rejected_or_stored_but_never_an_error(post, record: str) -> None:
    body = record.encode("utf-8", "surrogatepass") + b"\n" + line("good", "Ada").encode()
    answer = post(body)
    assert answer.status_code == 200, answer.text
    told = msgspec.json.decode(answer.content, type=Intake)
    assert told.rows[-1].outcome in ("created", "unchanged") or record[0] == "["


def test_a_work_of_5000_authors_is_stored(post) -> None:
    told = post(line("big", *(f"Author {n}" for n in range(5_000)))).json()
    assert told["counts"]["created"] == 1
    assert told["mentions"]["later"] == 5_000
