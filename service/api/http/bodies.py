"""Decompress and decode request bodies; reject invalid ones with the location of the error.

Litestar's own decoder fails on invalid UTF-8 and on deep nesting; this one reports both as
client errors.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import orjson
from litestar import Request
from litestar.types import Empty

from service.errors import ServiceError

NO_LIMIT = 2**40
_THREAD_THRESHOLD = 64 * 2**10
"""Bodies of at least this many bytes are decoded in a worker thread."""


class BadBody(ServiceError):
    """A body that cannot be decoded."""

    status, title = 400, "Invalid body"


class BodyTooLarge(ServiceError):
    """A body larger than the limit."""

    status, title = 413, "Request too large"


class UnknownCoding(ServiceError):
    """A body in a content coding other than gzip."""

    status, title = 415, "Unsupported media type"


class DecodedRequest(Request[Any, Any, Any]):
    """A request whose body may be compressed with gzip, and whose JSON may be any value."""

    async def body(self) -> bytes:
        """Return the decompressed body."""
        content = self._connection_state.body
        if content is Empty:
            raw = await super().body()
            coding = self.headers.get("content-encoding", "").strip().lower()
            limit = self.route_handler.resolve_request_max_body_size() or NO_LIMIT
            content = await _run_sized(len(raw), decompress_body, raw, coding, limit)
            self._body = self._connection_state.body = content
        else:
            self._body = content
        return content

    async def json(self) -> Any:
        """Return the body parsed as JSON."""
        value = self._connection_state.json
        if value is Empty:
            body = await self.body()
            value = await _run_sized(len(body), parse_json, body)
            self._connection_state.json = value
        return value


class NonEmptyRequest(DecodedRequest):
    """As :class:`DecodedRequest`, for operations that require a body."""

    async def body(self) -> bytes:
        """Return the decompressed body; reject an empty one."""
        content = await super().body()
        if not content.strip():
            raise BadBody("the body is empty", "see /schema for the fields to send", field="body")
        return content


async def _run_sized(size: int, function: Any, *arguments: Any) -> Any:
    if size < _THREAD_THRESHOLD:
        return function(*arguments)
    return await asyncio.to_thread(function, *arguments)


def decompress_body(body: bytes, coding: str, limit: int) -> bytes:
    """Decompress a body.

    Raises
    ------
    BadBody
        If it is not valid gzip, or truncated.
    BodyTooLarge
        If it decompresses to more than ``limit`` bytes.
    UnknownCoding
        If the coding is neither gzip nor identity.
    """
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip"):
        raise UnknownCoding(
            "the content coding of the body is not supported",
            "send it uncompressed or with Content-Encoding: gzip",
            field="Content-Encoding",
        )
    parts: list[bytes] = []
    size = 0
    remaining = body
    try:
        while remaining:  # a gzip file may have several members
            member = zlib.decompressobj(wbits=31)
            parts.append(member.decompress(remaining, limit + 1 - size))
            size += len(parts[-1])
            if size > limit:
                raise BodyTooLarge(
                    f"the body decompresses to more than {limit:,} bytes",
                    "send it in several requests",
                )
            if not member.eof:
                raise BadBody(
                    "the gzip body is truncated", "compress and send it again", field="body"
                )
            remaining = member.unused_data
    except zlib.error as error:
        raise BadBody(
            f"the body is not valid gzip ({error})",
            "compress it with gzip, or omit Content-Encoding",
            field="body",
        ) from error
    return b"".join(parts)


def parse_json(body: bytes) -> Any:
    """Parse a body as JSON.

    Raises
    ------
    BadBody
        If it is empty, not UTF-8, or not JSON; the error names the line.
    """
    if not body.strip():
        raise BadBody("the body is empty", "send a JSON object", field="body")
    try:
        return orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise BadBody(
            f"the body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})",
            "send one JSON value in UTF-8",
            field="body",
            line=error.lineno,
        ) from error
