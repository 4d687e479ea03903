"""In-process client of the API for its own pages.

A call passes the same authentication with the visitor's key, and is rate-limited, logged and
validated like a request over the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

import orjson
from litestar.connection import Request

from service.api.http.problems import request_id

MAX_REDIRECTS = 5
"""Maximum redirects followed in one call."""


class ApiError(Exception):
    """An error response of the API; ``problem`` is its body."""

    def __init__(self, status: int, problem: dict[str, Any], headers: Mapping[str, str]) -> None:
        """Store status, JSON body and headers of the response."""
        self.status, self.problem, self.headers = status, problem, headers
        super().__init__(str(problem.get("detail") or f"status {status}"))


@dataclass(frozen=True, slots=True)
class Reply:
    """A response of the API: ``data`` is its JSON, ``path`` the final path after redirects."""

    status: int
    data: Any
    headers: Mapping[str, str]
    path: str


def quote_segment(text: str) -> str:
    """Percent-encode a text as one path segment."""
    return quote(text, safe="")


class ApiClient:
    """API client with the permissions of one visitor."""

    def __init__(self, request: Request[Any, Any, Any], key: str | None) -> None:
        """``key`` is the API key of the visitor; None if not signed in."""
        self._request, self._key = request, key

    async def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of a GET request; parameters that are None or empty are omitted.

        Raises
        ------
        Refused
        """
        return (await self.read(path, **query)).data

    async def read(self, path: str, **query: Any) -> Reply:
        """Return the response of a GET request, following redirects.

        Raises
        ------
        Refused
        """
        pairs = [(k, str(v)) for k, v in query.items() if v is not None and v != ""]
        reply = await self._call("GET", path, urlencode(pairs), b"")
        for _ in range(MAX_REDIRECTS):
            location = reply.headers.get("location")
            if reply.status != 301 or location is None:
                break
            parts = urlsplit(location)
            reply = await self._call("GET", parts.path, parts.query, b"")
        return reply

    async def post(self, path: str, body: Any = None) -> Any:
        """Return the JSON of a POST request.

        Raises
        ------
        Refused
        """
        content = b"" if body is None else orjson.dumps(body)
        return (await self._call("POST", path, "", content)).data

    async def delete(self, path: str) -> Any:
        """Return the JSON of a DELETE request.

        Raises
        ------
        Refused
        """
        return (await self._call("DELETE", path, "", b"")).data

    async def _call(self, method: str, path: str, query: str, body: bytes) -> Reply:
        exchange = _Exchange(body)
        await self._request.app(
            self._scope(method, path, query, body), exchange.receive, exchange.send
        )
        data = _parse_reply(exchange)
        if exchange.status >= 400:
            raise ApiError(
                exchange.status, data if isinstance(data, dict) else {}, exchange.headers
            )
        return Reply(exchange.status, data, exchange.headers, path)

    def _scope(self, method: str, path: str, query: str, body: bytes) -> Any:
        outer: Any = self._request.scope
        headers = [
            (b"host", b"localhost"),
            (b"x-request-id", request_id(outer).encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        if body:
            headers.append((b"content-type", b"application/json"))
        if self._key is not None:
            headers.append((b"x-api-key", self._key.encode("latin-1", "replace")))
        return {
            "type": "http",
            "asgi": outer.get("asgi", {"version": "3.0"}),
            "http_version": "1.1",
            "method": method,
            "scheme": outer["scheme"],
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": outer.get("client"),
            "server": outer.get("server"),
        }


class _Exchange:
    """ASGI channels of one call: sends the request body, collects the response."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.status = 0
        self.headers: dict[str, str] = {}
        self._parts: list[bytes] = []

    async def receive(self) -> Any:
        if self._body is None:
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers: Sequence[tuple[bytes, bytes]] = message.get("headers", ())
            self.headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in headers}
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))

    @property
    def body(self) -> bytes:
        return b"".join(self._parts)


def _parse_reply(heard: _Exchange) -> Any:
    if not heard.body or "json" not in heard.headers.get("content-type", ""):
        return None
    return orjson.loads(heard.body)
