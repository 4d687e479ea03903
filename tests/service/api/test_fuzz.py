"""Anything for every parameter and body of every operation: a clear answer, never a 500."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from service.db.database import Database
from service.db.tables import Signature
from tests.support.api_clients import bearer, key_of, serving
from tests.support.identity_world import add_run, published

ROUNDS = 12
VALUES: list[Any] = [
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\u202egnp.exe",
    "<script>",
    "'; drop table work--",
    "%",
    "x" * 5_000,
    "0",
    "-1",
    "1e400",
    "NaN",
    "true",
    "null",
    "[]",
    "{}",
    "*",
    '"17"',
    'W/"x"',
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "2026-02-30",
    "../../etc",
    "w0",
    0,
    -1,
    1,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63),
    2**64,
    10**400,
    0.5,
    1e308,
    True,
    None,
    [],
    {},
    [[]],
    ["x"],
    {"a": {"b": []}},
    [None] * 200,
]
BODIES = [
    b"",
    b"{",
    b"[",
    b"null",
    b"7",
    b'"x"',
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"[" * 5_000,
    b'{"a":' * 3_000,
    b'{"\\ud800": 1}',
    b'{"a": 1e999}',
    b"\n\n\n",
    b"{}\n{}\n[1]\n",
    b'{"id": "\\u0000"}',
    gzip.compress(b"{}"),
]


def sent(value: Any) -> str:
    """A value as it goes into an address."""
    text = value if isinstance(value, str) else json.dumps(value)
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


class Fuzz:
    """Requests made from the OpenAPI document, with ids that exist among those that do not."""

    def __init__(self, client: TestClient[Any], known: list[str], seed: int) -> None:
        self.document = client.get("/schema").json()
        self.known, self.random = known, Random(seed)

    def requests(self) -> Iterator[tuple[str, str, dict[str, str], bytes | None]]:
        """Method, address, headers and body."""
        for path, operations in self.document["paths"].items():
            if not path.startswith("/v1"):
                continue
            for method, operation in operations.items():
                for _ in range(ROUNDS):
                    yield self.request(method, path, operation)

    def request(
        self, method: str, path: str, operation: dict[str, Any]
    ) -> tuple[str, str, dict[str, str], bytes | None]:
        query, headers = [], {}
        for parameter in operation.get("parameters", ()):
            name, value = parameter["name"], self.value()
            if parameter["in"] == "path":
                chosen = self.random.choice([*self.known, value])
                path = path.replace(f"{{{name}}}", sent(chosen) or "x")
            elif parameter["in"] == "query" and (
                parameter.get("required") or self.random.random() < 0.4
            ):
                query.append(f"{name}={sent(value)}")
            elif parameter["in"] == "header" and self.random.random() < 0.5:
                text = self.random.choice(["*", str(value)])
                headers[name] = "".join(c for c in text if " " <= c <= "~")[:500]
        content = operation.get("requestBody", {}).get("content", {})
        body = None
        if content:
            kind, media = self.random.choice(sorted(content.items()))
            headers["Content-Type"] = kind
            body = self.body(media)
            if self.random.random() < 0.1:
                headers["Content-Encoding"] = self.random.choice(["gzip", "br", "\xff"[:0]])
        address = path + ("?" + "&".join(query) if query else "")
        return method.upper(), address, headers, body

    def value(self) -> Any:
        return self.random.choice([*VALUES, self.random.choice(self.known)])

    def body(self, media: dict[str, Any]) -> bytes:
        """Something wrong altogether, or an example with some of it changed."""
        if self.random.random() < 0.25:
            return self.random.choice(BODIES)
        shown = media.get("examples") or media["schema"]["examples"]
        example = shown[0] if isinstance(shown, list) else next(iter(shown.values()))["value"]
        lines = [example] if not isinstance(example, str) else map(json.loads, example.splitlines())
        changed = [self.changed(copy.deepcopy(line)) for line in lines]
        return "\n".join(map(json.dumps, changed)).encode("utf-8", "surrogatepass")

    def changed(self, value: Any) -> Any:
        if self.random.random() < 0.12:
            return self.value()
        if isinstance(value, dict):
            return {k: self.changed(v) for k, v in value.items() if self.random.random() > 0.05}
        if isinstance(value, list):
            return [self.changed(item) for item in value] * self.random.choice([1, 1, 1, 0, 3])
        if isinstance(value, str) and self.random.random() < 0.5:
            return self.random.choice(self.known)
        return value


@pytest.fixture
def known(database: Database) -> list[str]:
    """Ids of things that are there."""
    works = [
        {"id": f"w{k}", "title": "On rats", "authors": [{"name": name} for name in names]}
        for k, names in enumerate((("Ada", "Bo"), ("Ada", "Cy"), ("Bo",)))
    ]
    admin = bearer(key_of(database, "admin"))
    with serving(database) as client:
        assert client.post("/v1/works", json=works, headers=admin).json()["counts"]["created"] == 3
        with database.read() as connection:
            keys = list(connection.scalars(select(Signature.key).order_by(Signature.key)))
        add_run(database, "r-one", dict(zip(keys, [0, 1, 0, 2, 1], strict=True)))
        assert client.post("/v1/runs/r-one/publish", headers=admin).status_code == 200
        a, b = ({"work": work, "position": 0} for work in ("w0", "w1"))
        wish = {"kind": "unsure", "a": a, "b": b}
        made = client.post("/v1/decisions", json=wish, headers=admin).json()["decision"]
    with database.read() as connection:
        return ["r-one", made, "w0", "w1", *published(connection)]


def test_no_request_makes_the_server_fail(database: Database, known: list[str]) -> None:
    wrong = []
    with serving(database) as client:
        admin = bearer(key_of(database, "admin"))
        for method, address, headers, body in Fuzz(client, known, seed=7).requests():
            told = client.request(
                method, address, headers={**headers, **admin}, content=body, follow_redirects=False
            )
            problem = told.headers["content-type"] == "application/problem+json"
            if told.status_code >= 500 or (told.status_code >= 400 and not problem):
                wrong.append((method, address[:300], headers, (body or b"")[:300], told.text[:300]))
        assert client.get("/v1/stats").status_code == 200
    assert not wrong, "\n".join(map(repr, wrong))
