"""Parts of an address that may hold anything, slashes too."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from litestar.connection import Request

from service.errors import Invalid

LONGEST = 12_000
"""Characters of a name or an id in an address at most."""


def tail(request: Request[Any, Any, Any], prefix: str) -> str:
    """What follows ``prefix`` in the path, as the client wrote it before percent-encoding.

    The router unites double slashes, which a work's id (that may be an address itself) needs.

    Raises
    ------
    Invalid
        If it is empty or too long.
    """
    raw = request.scope.get("raw_path") or request.scope["path"].encode("utf-8", "replace")
    path = raw.split(b"?")[0].decode("latin-1")
    _, _, rest = path.partition(prefix)
    text = unquote_to_bytes(rest).decode("utf-8", "replace")
    if not text.strip() or len(text) > LONGEST:
        raise Invalid(
            f"the last part of the address has {len(text)} characters",
            f"write a name or an id of 1 to {LONGEST} characters",
            field="path",
        )
    return text
