"""Pages of lists: from the API's next page to the page's own."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit


def following(found: dict[str, Any]) -> str | None:
    """The cursor of the page after this one; None after the last."""
    after: str | None = found.get("next")
    if not after:
        return None
    cursors: list[str] = parse_qs(urlsplit(after).query).get("cursor", [])
    return cursors[0] if cursors else None
