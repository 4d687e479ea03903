"""Answers to reads that are asked again and again, kept as bytes while nothing has happened.

Every write that a reader could notice takes a number on the line of events. An answer is made in
one transaction together with the number it belongs to, and is given again only while that is still
the last number: the number is asked for each request after it came in, one question for all
requests that wait at that moment. So no reader gets an older answer than one asked anew.
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
"""Memory for kept answers in each process."""
BIGGEST = 4 * 2**20
"""An answer larger than this is not kept."""
WORTH_PACKING = 1000
"""Answers of fewer bytes are sent as they are."""
HEADERS = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding, Authorization, X-API-Key"}

Key = tuple[bytes, bytes, bool]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a read answers with.

    Attributes
    ----------
    content : Any
        Something that orjson renders, or bytes that are sent as they are.
    version : int or None
        Version of what is shown, where it can be edited.
    """

    content: Any
    version: int | None = None
    status: int = 200
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A rendered answer and the number of the last event that it knows of."""

    sequence: int
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def size(self) -> int:
        """Bytes it takes, about."""
        return len(self.body) + 500


class HotReads:
    """The kept answers of a process, the least recently used given up first."""

    def __init__(self, capacity: int = BYTES) -> None:
        """``capacity`` in bytes."""
        self._capacity = capacity
        self._size = 0
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes that kept answers take, about."""
        return self._size

    def get(self, key: Key) -> Kept | None:
        """The answer that is kept, whether or not it still holds."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: Key, kept: Kept) -> None:
        """Keep an answer unless it is too big."""
        if kept.size > min(BIGGEST, self._capacity):
            return
        with self._lock:
            old = self._kept.pop(key, None)
            self._size += kept.size - (old.size if old else 0)
            self._kept[key] = kept
            while self._size > self._capacity:
                self._size -= self._kept.popitem(last=False)[1].size


class LastEvent:
    """The number of the last event, asked for those that wait for it together."""

    def __init__(self, database: Database) -> None:
        """One for each application; close it when done."""
        self._database = database
        self._errors = (database.engine.dialect.loaded_dbapi.Error, SQLAlchemyError)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="last-event")
        self._connection: Any = None
        self._running: asyncio.Task[int] | None = None
        self._next: asyncio.Task[int] | None = None

    async def number(self) -> int:
        """The number as it is after this call began.

        Raises
        ------
        Unavailable
            If the database cannot be asked.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        return await asyncio.shield(self._next)

    async def _after(self, before: asyncio.Task[int] | None) -> int:
        if before is not None and not before.done():
            await asyncio.wait([before])
        # from here on the question is on its way: who comes later must not share it
        self._running, self._next = self._next, None
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask)

    def _ask(self) -> int:
        try:
            return self._asked()
        except self._errors:  # a connection that was lost: a new one tells whether all is
            self._forget()
        try:
            return self._asked()
        except self._errors as error:
            self._forget()
            raise Unavailable(
                "the database cannot be reached", "it is tried anew with the next request"
            ) from error

    def _asked(self) -> int:
        if self._connection is None:
            pooled = self._database.engine.raw_connection()
            # the driver's own connection, held as long as the process lives: of the pool's
            # wrapper, one that was closed fails with errors that are no driver's
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
            with suppress(*self._errors):  # it is gone already, which is what closing is for
                connection.close()

    def close(self) -> None:
        """Close the connection."""
        self._thread.submit(self._forget)
        self._thread.shutdown(wait=True)


class KeptAnswers(ASGIMiddleware):
    """Answers from memory on routes with ``opt={"hot": True}`` while nothing has happened."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, hot: HotReads, last_event: LastEvent) -> None:
        """One for each application."""
        self.hot, self.last_event = hot, last_event

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer from memory, or go on."""
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
    """Make an answer in one transaction, and keep it where the route is hot."""
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
    """Whether the client takes gzip: named, and not with a quality of 0."""
    for part in (_header(scope, b"accept-encoding") or "").lower().split(","):
        coding, _, quality = part.strip().partition(";")
        if coding.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _header(scope: Any, name: bytes) -> str | None:
    return next((v.decode("latin-1") for k, v in scope["headers"] if k == name), None)
