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
from dataclasses import dataclass, field
from typing import Any

import orjson
from litestar import Response
from litestar.connection import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from service.api.http.etags import etag, unchanged
from service.db.database import Database
from service.db.tables import State
from service.errors import Unavailable

BYTES = 64 * 2**20
"""Memory for cached responses per process, in bytes."""
BIGGEST = 4 * 2**20
"""Larger responses are not cached."""
WORTH_PACKING = 1000
"""Smaller responses are not compressed."""
HEADERS = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding, Authorization, X-API-Key"}

Key = tuple[bytes, bytes, bool]


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of a read, to be rendered.

    Attributes
    ----------
    content : Any
        Value that orjson serialises, or bytes that are sent unchanged.
    version : int or None
        Version of an editable resource.
    """

    content: Any
    version: int | None = None
    status: int = 200
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A rendered response with the sequence number of the last event included."""

    sequence: int
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        return len(self.body) + 500


class HotReads:
    """Cached responses of a process with least-recently-used eviction."""

    def __init__(self, capacity: int = BYTES) -> None:
        """``capacity`` in bytes."""
        self._capacity = capacity
        self._size = 0
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Approximate size of all cached responses in bytes."""
        return self._size

    def get(self, key: Key) -> Kept | None:
        """Return the cached response, valid or not."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: Key, kept: Kept) -> None:
        """Cache a response unless it is too large."""
        if kept.size > min(BIGGEST, self._capacity):
            return
        with self._lock:
            old = self._kept.pop(key, None)
            self._size += kept.size - (old.size if old else 0)
            self._kept[key] = kept
            while self._size > self._capacity:
                self._size -= self._kept.popitem(last=False)[1].size


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

    async def number(self) -> int:
        """Return the last sequence number, read after this call started.

        Raises
        ------
        Unavailable
            If the database cannot be reached.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        return await asyncio.shield(self._next)

    async def _after(self, before: asyncio.Task[int] | None) -> int:
        if before is not None and not before.done():
            await asyncio.wait([before])
        # the query starts now: later callers need a new one
        self._running, self._next = self._next, None
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask)

    def _ask(self) -> int:
        try:
            return self._asked()
        except self._errors:  # the connection may be lost: retry with a new one
            self._forget()
        try:
            return self._asked()
        except self._errors as error:
            self._forget()
            raise Unavailable(
                "the database cannot be reached",
                "check that it is running; the next request retries",
            ) from error

    def _asked(self) -> int:
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

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*self._errors):  # already closed
                connection.close()

    def close(self) -> None:
        """Close the connection."""
        self._thread.submit(self._forget)
        self._thread.shutdown(wait=True)


class KeptAnswers(ASGIMiddleware):
    """Serve routes with ``opt={"hot": True}`` from the cache until the next event."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, hot: HotReads, last_event: LastEvent) -> None:
        """One instance per application."""
        self.hot, self.last_event = hot, last_event

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve from the cache, or call the next application."""
        if scope["route_handler"].opt.get("hot"):
            kept = self.hot.get(_key(scope))
            if kept is not None and kept.sequence == await self.last_event.number():
                await _send(kept, _header(scope, b"if-none-match"), send)
                return
        await next_app(scope, receive, send)


def answer(
    request: Request[Any, Any, Any],
    database: Database,
    render: Callable[[Connection], Answer],
) -> Response[bytes]:
    """Render a response in one transaction, and cache it if the route is hot."""
    with database.read() as connection:
        sequence = connection.scalars(select(State.sequence)).one()
        made = render(connection)
    kept = _rendered(made, sequence, _packs(request.scope))
    if request.route_handler.opt.get("hot"):
        request.app.state.hot.keep(_key(request.scope), kept)
    if kept.status == 200 and unchanged(request.headers.get("if-none-match"), kept.headers["ETag"]):
        return Response(b"", status_code=304, headers=_without_body(kept.headers))
    headers = dict(kept.headers)
    media_type = headers.pop("Content-Type")
    return Response(kept.body, status_code=kept.status, headers=headers, media_type=media_type)


def _rendered(made: Answer, sequence: int, packed: bool) -> Kept:
    body = made.content if isinstance(made.content, bytes) else orjson.dumps(made.content)
    headers = {**HEADERS, "Content-Type": made.media_type, **made.headers}
    if made.status == 200:
        headers["ETag"] = etag(body, made.version)
    if packed and len(body) >= WORTH_PACKING:
        body = gzip.compress(body, 4, mtime=0)
        headers["Content-Encoding"] = "gzip"
        if "ETag" in headers:
            headers["ETag"] = headers["ETag"][:-1] + '.gz"'
    return Kept(sequence, made.status, body, headers)


async def _send(kept: Kept, if_none_match: str | None, send: Send) -> None:
    status, body, headers = kept.status, kept.body, kept.headers
    if status == 200 and unchanged(if_none_match, headers["ETag"]):
        status, body, headers = 304, b"", _without_body(headers)
    else:
        headers = {**headers, "Content-Length": str(len(body))}
    raw = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _without_body(headers: Mapping[str, str]) -> dict[str, str]:
    left_out = ("Content-Type", "Content-Encoding")
    return {k: v for k, v in headers.items() if k not in left_out}


def _key(scope: Any) -> Key:
    path = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
    return path.split(b"?")[0], scope["query_string"], _packs(scope)


def _packs(scope: Any) -> bool:
    """Return whether the client accepts gzip: listed, with a quality above 0."""
    for part in (_header(scope, b"accept-encoding") or "").lower().split(","):
        coding, _, quality = part.strip().partition(";")
        if coding.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _header(scope: Any, name: bytes) -> str | None:
    return next((v.decode("latin-1") for k, v in scope["headers"] if k == name), None)
