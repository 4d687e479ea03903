"""Keyset pagination: opaque cursors, page size limits, the path of the next page.

A cursor encodes the entry after which the page begins. It contains public values only and a
checksum over the list and its order, so that a damaged cursor, or one of another list, is rejected.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from hashlib import blake2s
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

import orjson
from litestar.connection import Request
from litestar.params import QueryParameter

from service.errors import ServiceError

MAX_PAGE_SIZE = 200
"""Default maximum page size."""
MAX_INTEGER = 2**63 - 1
"""Largest integer that both databases can store."""
_MAX_CURSOR_LENGTH = 2048

Limit = Annotated[
    int,
    QueryParameter(ge=1, le=MAX_PAGE_SIZE, description=f"Page size, 1 to {MAX_PAGE_SIZE}."),
]
Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=_MAX_CURSOR_LENGTH,
        description="Start of the page, from `next` of the previous page. Default: the first page.",
    ),
]


class BadCursor(ServiceError):
    """A cursor that does not belong to this list."""

    status, title = 400, "Invalid cursor"


def make_cursor(kind: str, *values: str | int | float) -> str:
    """Return a cursor of the list ``kind`` after the entry with these values."""
    payload = orjson.dumps(values)
    return base64.urlsafe_b64encode(_checksum(kind, payload) + payload).rstrip(b"=").decode()


def read_cursor(kind: str, text: str | None, types: Sequence[type]) -> tuple[Any, ...] | None:
    """Return the values of a cursor; None without a cursor.

    Raises
    ------
    BadCursor
        If it is damaged, of another list, or its values are not of ``types``.
    """
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        check, payload = raw[:8], raw[8:]
        values = orjson.loads(payload)
    except (ValueError, binascii.Error):
        raise _bad_cursor() from None
    if (
        check != _checksum(kind, payload)
        or not isinstance(values, list)
        or len(values) != len(types)
    ):
        raise _bad_cursor()
    if not all(_is_of_type(v, t) for v, t in zip(values, types, strict=True)):
        raise _bad_cursor()
    return tuple(values)


def next_page_path(request: Request[Any, Any, Any], following: str | None) -> str | None:
    """Return path and query of the next page; None after the last."""
    if following is None:
        return None
    parameters = [
        (k, v)
        for k, v in parse_qsl(request.scope["query_string"].decode("latin-1"), True)
        if k != "cursor"
    ]
    path = (request.scope.get("raw_path") or request.scope["path"].encode()).split(b"?")[0]
    return f"{path.decode('latin-1')}?{urlencode([*parameters, ('cursor', following)])}"


def _bad_cursor() -> BadCursor:
    return BadCursor(
        "the cursor is damaged, or of another list or order",
        "follow `next` of the previous page, or omit the cursor to start from the beginning",
        field="cursor",
    )


def _checksum(kind: str, payload: bytes) -> bytes:
    return blake2s(payload, digest_size=8, key=kind.encode()[:32], person=b"cursor").digest()


def _is_of_type(value: object, expected_type: type) -> bool:
    if expected_type is int:
        return type(value) is int and abs(value) <= MAX_INTEGER
    if expected_type is str:
        return isinstance(value, str) and "\0" not in value
    return isinstance(value, (int, float)) and not isinstance(value, bool)
