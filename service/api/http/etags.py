"""Conditional requests: ETags, If-Match on edits, If-None-Match on reads.

The ETag of an editable resource is ``"VERSION-DIGEST"``: its version, which edits send in If-Match,
and a digest of the response, so that 304 is returned only if the whole response is unchanged. A
compressed response has ``.gz`` before the last quote. In If-Match the version alone is enough.
"""

from __future__ import annotations

import re
from hashlib import blake2s
from typing import Any

from litestar.connection import Request

from service.errors import Invalid, ServiceError, Stale

MAX_INTEGER = 2**63 - 1
_TAG = re.compile(r'(?:W/)?"(\d{1,19})(?:-[0-9a-f]{1,32})?(?:\.gz)?"')


class PreconditionRequired(ServiceError):
    """An edit without the version it changes."""

    status, title = 428, "Precondition required"


def make_etag(body: bytes, version: int | None = None) -> str:
    """Return the ETag of a response, with the version of an editable resource."""
    digest = blake2s(body, digest_size=8).hexdigest()
    return f'"{digest}"' if version is None else f'"{version}-{digest}"'


def matches_etag(if_none_match: str | None, current: str) -> bool:
    """Return whether If-None-Match, or If-Match, matches the current ETag."""
    if not if_none_match:
        return False
    if if_none_match.strip() == "*":
        return True
    current_tag = _strip_etag(current)
    return any(_strip_etag(tag) == current_tag for tag in if_none_match.split(","))


def read_expected_version(request: Request[Any, Any, Any], *, required: bool = True) -> int | None:
    """Return the version in If-Match; None if it is ``*``, or missing and not required.

    Raises
    ------
    PreconditionRequired
        If the header is required and missing.
    Invalid
        If it is not an ETag of this service.
    """
    text = request.headers.get("if-match")
    if text is None:
        if not required:
            return None
        raise PreconditionRequired(
            "an edit must name the version it changes",
            'send If-Match with the ETag of what you read, such as If-Match: "17"',
            field="If-Match",
        )
    if text.strip() == "*":
        return None
    match = _TAG.fullmatch(text.strip())
    if match is None or int(match[1]) > MAX_INTEGER:
        raise Invalid(
            "If-Match contains no version",
            'send one ETag as you read it, such as "17-6f0c9a1e2b3d4c5f"',
            field="If-Match",
        )
    return int(match[1])


def require_unchanged(request: Request[Any, Any, Any], current: str) -> None:
    """Reject an edit whose If-Match differs from the current ETag.

    Raises
    ------
    Stale
    """
    if_match = request.headers.get("if-match", "*")
    if not matches_etag(if_match, current):
        raise Stale(
            "the resource has changed since it was read",
            "read it again, then send the request with the new ETag",
            field="If-Match",
            current=current,
        )


def _strip_etag(tag: str) -> str:
    return tag.strip().removeprefix("W/").replace('.gz"', '"')
