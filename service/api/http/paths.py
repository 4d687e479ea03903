"""Read the last part of a path, which may contain any characters, including slashes."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from litestar.connection import Request

from service.errors import Invalid

MAX_LENGTH = 12_000
"""Maximum characters of a name or id in a path."""


def read_path_tail(request: Request[Any, Any, Any], prefix: str) -> str:
    """Return the percent-decoded text after ``prefix`` in the path.

    The raw path is read because the router collapses double slashes, which occur in work ids
    that are URLs.

    Raises
    ------
    Invalid
        If it is empty or too long.
    """
    raw = request.scope.get("raw_path") or request.scope["path"].encode("utf-8", "replace")
    path = raw.split(b"?")[0].decode("latin-1")
    _, _, rest = path.partition(prefix)
    text = unquote_to_bytes(rest).decode("utf-8", "replace")
    if not text.strip() or len(text) > MAX_LENGTH:
        raise Invalid(
            f"the last part of the path has {len(text)} characters",
            f"use a name or id of 1 to {MAX_LENGTH} characters",
            field="path",
        )
    return text
