"""Versions over HTTP: the ETag of what can be edited, If-Match on edits, If-None-Match on reads.

The ETag of something editable is ``"VERSION-DIGEST"``: its version, which edits name in If-Match,
and a digest of the answer, so that 304 is only told when the whole answer is still the same. A
compressed answer has ``.gz`` before the last quote. In If-Match the version alone will do.
"""

from __future__ import annotations

import re
from hashlib import blake2s
from typing import Any

from litestar.connection import Request

from service.errors import Invalid, ServiceError, Stale

BIGGEST = 2**63 - 1
_TAG = re.compile(r'(?:W/)?"(\d{1,19})(?:-[0-9a-f]{1,32})?(?:\.gz)?"')


class PreconditionRequired(ServiceError):
    """An edit that does not say which version it is of."""

    status, title = 428, "Precondition required"


def etag(body: bytes, version: int | None = None) -> str:
    """ETag of an answer, with the version of what it shows where that can be edited."""
    digest = blake2s(body, digest_size=8).hexdigest()
    return f'"{digest}"' if version is None else f'"{version}-{digest}"'


def unchanged(if_none_match: str | None, current: str) -> bool:
    """Whether a reader that sent If-None-Match has this answer already."""
    if not if_none_match:
        return False
    if if_none_match.strip() == "*":
        return True
    wanted = _bare(current)
    return any(_bare(tag) == wanted for tag in if_none_match.split(","))


def expected_version(request: Request[Any, Any, Any], *, required: bool = True) -> int | None:
    """The version that If-Match names; None where it is ``*``, or left out and not required.

    Raises
    ------
    PreconditionRequired
        If the header is missing though required.
    Invalid
        If it is no ETag of this service.
    """
    text = request.headers.get("if-match")
    if text is None:
        if not required:
            return None
        raise PreconditionRequired(
            "an edit must say which version it changes",
            'send If-Match with the ETag of what you read, such as If-Match: "17"',
            field="If-Match",
        )
    if text.strip() == "*":
        return None
    found = _TAG.fullmatch(text.strip())
    if found is None or int(found[1]) > BIGGEST:
        raise Invalid(
            "If-Match names no version",
            'send one ETag as it was read, such as "17-6f0c9a1e2b3d4c5f"',
            field="If-Match",
        )
    return int(found[1])


def require_read(request: Request[Any, Any, Any], current: str) -> None:
    """Refuse an edit whose If-Match does not name the answer that a read would give now.

    Raises
    ------
    Stale
    """
    wanted = request.headers.get("if-match", "*")
    if not unchanged(wanted, current):
        raise Stale(
            "it has changed since it was read",
            "read it again, and send the step with the new ETag",
            field="If-Match",
            current=current,
        )


def require_current(expected: int | None, current: int) -> None:
    """Refuse an edit of a version that is no longer current.

    Raises
    ------
    Stale
        Telling the current version.
    """
    if expected is not None and expected != current:
        raise Stale(
            f"version {expected} was edited since; the current one is {current}",
            "read it again, and send the edit with the new ETag",
            field="If-Match",
            current=current,
        )


def _bare(tag: str) -> str:
    return tag.strip().removeprefix("W/").replace('.gz"', '"')
