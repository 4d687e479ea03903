"""Bodies of requests: unpacked, decoded, and refused with the place where they are wrong.

Litestar's own decoder fails on bytes that are no UTF-8 and on deep nesting; this one tells them as
the client's mistakes.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import orjson
from litestar import Request
from litestar.types import Empty

from service.errors import ServiceError

UNLIMITED = 2**40
_ASIDE = 64 * 2**10
"""Bodies from this many bytes on are unpacked and decoded in a thread of their own."""


class BadBody(ServiceError):
    """A body that cannot be read at all."""

    status, title = 400, "Invalid body"


class BodyTooLarge(ServiceError):
    """A body that is larger than the service takes."""

    status, title = 413, "Request too large"


class UnknownCoding(ServiceError):
    """A body in a content coding other than gzip."""

    status, title = 415, "Unsupported media type"


class Unpacked(Request[Any, Any, Any]):
    """A request whose body may be packed with gzip, and whose JSON may be anything."""

    async def body(self) -> bytes:
        """The body, unpacked."""
        kept = self._connection_state.body
        if kept is Empty:
            sent = await super().body()
            coding = self.headers.get("content-encoding", "").strip().lower()
            limit = self.route_handler.resolve_request_max_body_size() or UNLIMITED
            kept = await _run(len(sent), unpacked, sent, coding, limit)
            self._body = self._connection_state.body = kept
        else:
            self._body = kept
        return kept

    async def json(self) -> Any:
        """The body as JSON."""
        kept = self._connection_state.json
        if kept is Empty:
            body = await self.body()
            kept = await _run(len(body), decoded, body)
            self._connection_state.json = kept
        return kept


class Filled(Unpacked):
    """As :class:`Unpacked`, for operations that cannot do without a body."""

    async def body(self) -> bytes:
        """The body, unpacked; refused where it is empty."""
        found = await super().body()
        if not found.strip():
            raise BadBody("the body is empty", "/schema shows what to send", field="body")
        return found


async def _run(size: int, function: Any, *arguments: Any) -> Any:
    if size < _ASIDE:
        return function(*arguments)
    return await asyncio.to_thread(function, *arguments)


def unpacked(body: bytes, coding: str, limit: int) -> bytes:
    """A body without its content coding.

    Raises
    ------
    BadBody
        It is no gzip, or breaks off.
    BodyTooLarge
        It unpacks to more than ``limit`` bytes.
    UnknownCoding
        The coding is neither gzip nor none.
    """
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip"):
        raise UnknownCoding(
            "the body is in a content coding that is not known here",
            "send it plain or with Content-Encoding: gzip",
            field="Content-Encoding",
        )
    parts: list[bytes] = []
    size = 0
    left = body
    try:
        while left:  # a gzip file may have several members
            member = zlib.decompressobj(wbits=31)
            parts.append(member.decompress(left, limit + 1 - size))
            size += len(parts[-1])
            if size > limit:
                raise BodyTooLarge(
                    f"the body unpacks to more than {limit:,} bytes", "send it in several parts"
                )
            if not member.eof:
                raise BadBody("the gzip body breaks off", "pack and send it again", field="body")
            left = member.unused_data
    except zlib.error as error:
        raise BadBody(
            f"the body is no gzip ({error})",
            "pack it with gzip, or leave out Content-Encoding",
            field="body",
        ) from error
    return b"".join(parts)


def decoded(body: bytes) -> Any:
    """A body as JSON.

    Raises
    ------
    BadBody
        It is empty, no UTF-8, or no JSON; the error tells the line.
    """
    if not body.strip():
        raise BadBody("the body is empty", "send a JSON object", field="body")
    try:
        return orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise BadBody(
            f"the body is no JSON: {error.msg} (line {error.lineno}, column {error.colno})",
            "send one JSON value in UTF-8",
            field="body",
            line=error.lineno,
        ) from error
