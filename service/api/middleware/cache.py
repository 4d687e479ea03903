"""Cache of rendered responses to frequent reads, valid until the next event.

Every write visible to readers appends to the event log. A response is rendered in one transaction
together with the current sequence number and is reused only while that is still the last one. The
last sequence number is read after each request arrives, with one query for all requests waiting at
that moment. So a cached response is never older than a freshly rendered one.
"""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from litestar.connection import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from service.api.http.etags import make_etag, matches_etag
from service.api.http.responses import Json, Moved
from service.db.database import Database
from service.db.tables import State
from service.errors import Unavailable
from service.values import to_json

T = TypeVar("T")

MAX_BYTES = 64 * 2**20
"""Memory for cached responses per process, in bytes."""
MAX_RESPONSE_BYTES = 4 * 2**20
"""Larger responses are not cached."""
MIN_COMPRESSED_BYTES = 1000
"""Smaller responses are not compressed."""
HEADERS = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding, Authorization, X-API-Key"}

Key = tuple[bytes, bytes, bool]


@dataclass(frozen=True, slots=True)
class ReadResult(Generic[T]):
    """Result of a read, to be rendered.

    Attributes
    ----------
    content : T
        Value that is sent as JSON, or bytes that are sent unchanged.
    version : int or None
        Version of an editable resource.
    """

    content: T
    version: int | None = None
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Redirect:
    """Result of a read that redirects permanently (301) to ``location``."""

    content: Moved
    location: str


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A rendered response with the sequence number of the last event included."""

    sequence: int
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        return len(self.body) + 500


class ResponseCache:
    """Cached responses of a process with least-recently-used eviction."""

    def __init__(self, capacity: int = MAX_BYTES) -> None:
        """``capacity`` in bytes."""
        self._capacity = capacity
        self._size = 0
        self._responses: OrderedDict[Key, CachedResponse] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Approximate size of all cached responses in bytes."""
        return self._size

    def get(self, key: Key) -> CachedResponse | None:
        """Return the cached response, valid or not."""
        with self._lock:
            response = self._responses.get(key)
            if response is not None:
                self._responses.move_to_end(key)
            return response

    def put(self, key: Key, response: CachedResponse) -> None:
        """Cache a response unless it is too large."""
        if response.size > min(MAX_RESPONSE_BYTES, self._capacity):
            return
        with self._lock:
            old = self._responses.pop(key, None)
            self._size += response.size - (old.size if old else 0)
            self._responses[key] = response
            while self._size > self._capacity:
                self._size -= self._responses.popitem(last=False)[1].size


class LastEvent:
    """Reads the last sequence number, with one query for concurrent requests."""

    def __init__(self, database: Database) -> None:
        """One instance per application; call :meth:`close` when done."""
        self._database = database
        self._errors = (database.engine.dialect.loaded_dbapi.Error, SQLAlchemyError)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="last-event")
        self._connection: Any = None
        self._running: asyncio.Task[int] | None = None
        self._next: asyncio.Task[int] | None = None

    async def get_sequence(self) -> int:
        """Return the last sequence number, read after this call started.

        Raises
        ------
        Unavailable
            If the database cannot be reached.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._run_after(self._running))
        return await asyncio.shield(self._next)

    async def _run_after(self, before: asyncio.Task[int] | None) -> int:
        if before is not None and not before.done():
            await asyncio.wait([before])
        # the query starts now: later callers need a new one
        self._running, self._next = self._next, None
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._query_with_retry
        )

    def _query_with_retry(self) -> int:
        try:
            return self._query()
        except self._errors:  # the connection may be lost: retry with a new one
            self._disconnect()
        try:
            return self._query()
        except self._errors as error:
            self._disconnect()
            raise Unavailable(
                "the database cannot be reached",
                "check that it is running; the next request retries",
            ) from error

    def _query(self) -> int:
        if self._connection is None:
            pooled = self._database.engine.raw_connection()
            # use the driver's own connection for the life of the process: a closed connection
            # of the pool's wrapper raises errors that are not the driver's
            connection: Any = pooled.driver_connection
            pooled.detach()
            if not self._database.is_sqlite:
                connection.autocommit = True
            self._connection = connection
        cursor = self._connection.cursor()
        try:
            cursor.execute("SELECT sequence FROM state WHERE key = 1")
            return int(cursor.fetchone()[0])
        finally:
            cursor.close()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*self._errors):  # already closed
                connection.close()

    def close(self) -> None:
        """Close the connection."""
        self._thread.submit(self._disconnect)
        self._thread.shutdown(wait=True)


class CacheMiddleware(ASGIMiddleware):
    """Serve routes with ``opt={"hot": True}`` from the cache until the next event."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, hot: ResponseCache, last_event: LastEvent) -> None:
        """One instance per application."""
        self.hot, self.last_event = hot, last_event

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve from the cache, or call the next application."""
        if scope["route_handler"].opt.get("hot"):
            response = self.hot.get(_cache_key(scope))
            if response is not None and response.sequence == await self.last_event.get_sequence():
                await _send(response, _get_header(scope, b"if-none-match"), send)
                return
        await next_app(scope, receive, send)


def respond_cached(
    request: Request[Any, Any, Any],
    database: Database,
    render: Callable[[Connection], ReadResult[T] | Redirect],
) -> Json[T]:
    """Render a response in one transaction, and cache it if the route is hot."""
    with database.read() as connection:
        sequence = connection.scalars(select(State.sequence)).one()
        result = render(connection)
    response = _render(result, sequence, _accepts_gzip(request.scope))
    if request.route_handler.opt.get("hot"):
        request.app.state.hot.put(_cache_key(request.scope), response)
    if response.status == 200 and matches_etag(
        request.headers.get("if-none-match"), response.headers["ETag"]
    ):
        return Json(b"", status_code=304, headers=_without_body(response.headers))
    headers = dict(response.headers)
    media_type = headers.pop("Content-Type")
    return Json(response.body, status_code=response.status, headers=headers, media_type=media_type)


def _render(result: ReadResult[Any] | Redirect, sequence: int, compress: bool) -> CachedResponse:
    body = result.content if isinstance(result.content, bytes) else to_json(result.content)
    if isinstance(result, Redirect):
        status = 301
        headers = {**HEADERS, "Content-Type": "application/json", "Location": result.location}
    else:
        status = 200
        etag_ = make_etag(body, result.version)
        headers = {**HEADERS, "Content-Type": result.media_type, "ETag": etag_}
    if compress and len(body) >= MIN_COMPRESSED_BYTES:
        body = gzip.compress(body, 4, mtime=0)
        headers["Content-Encoding"] = "gzip"
        if "ETag" in headers:
            headers["ETag"] = headers["ETag"][:-1] + '.gz"'
    return CachedResponse(sequence, status, body, headers)


async def _send(response: CachedResponse, if_none_match: str | None, send: Send) -> None:
    status, body, headers = response.status, response.body, response.headers
    if status == 200 and matches_etag(if_none_match, headers["ETag"]):
        status, body, headers = 304, b"", _without_body(headers)
    else:
        headers = {**headers, "Content-Length": str(len(body))}
    raw = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _without_body(headers: Mapping[str, str]) -> dict[str, str]:
    body_headers = ("Content-Type", "Content-Encoding")
    return {k: v for k, v in headers.items() if k not in body_headers}


def _cache_key(scope: Any) -> Key:
    path = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
    return path.split(b"?")[0], scope["query_string"], _accepts_gzip(scope)


def _accepts_gzip(scope: Any) -> bool:
    """Return whether the client accepts gzip: listed, with a quality above 0."""
    for part in (_get_header(scope, b"accept-encoding") or "").lower().split(","):
        coding, _, quality = part.strip().partition(";")
        if coding.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _get_header(scope: Any, name: bytes) -> str | None:
    return next((v.decode("latin-1") for k, v in scope["headers"] if k == name), None)
