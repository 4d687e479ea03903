"""Errors of the service that a caller can act on.

::

    DisambigError
    └── ServiceError            base; ``status`` is the HTTP status of the response
        ├── NotFound            no such work, identity, name, run, task, decision or key     404
        ├── Gone                an identity that was split; holds its successors             410
        ├── Invalid             a request that is well formed but not valid; holds the field 422
        ├── Conflict            the stored state changed or forbids it; holds the details    409
        ├── Stale               If-Match names a version that is not current                 412
        ├── Forbidden           the role does not allow it                                   403
        ├── Unauthenticated     no key, or an unknown, expired or revoked key                401
        └── Unavailable         the database or the disk is not usable now; try again        503
"""

from __future__ import annotations

from typing import Any, ClassVar

from disambig.errors import DisambigError


class ServiceError(DisambigError):
    """Base of the service's errors: what is wrong, where, and what to do next."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(
        self, problem: str, remedy: str = "", *, field: str | None = None, **details: Any
    ) -> None:
        """``field`` names the invalid part of the request; ``details`` are sent to the client."""
        self.problem, self.remedy, self.field, self.details = problem, remedy, field, details
        super().__init__(f"{problem}; {remedy}" if remedy else problem)


class NotFound(ServiceError):
    """No object has that id or name."""

    status, title = 404, "Not found"


class Gone(ServiceError):
    """The identity was split and has no single successor."""

    status, title = 410, "Gone"


class Invalid(ServiceError):
    """The request is well formed but its content is not valid."""

    status, title = 422, "Invalid request"


class Conflict(ServiceError):
    """The stored state contradicts the request, or has changed since it was prepared."""

    status, title = 409, "Conflict"


class Stale(ServiceError):
    """The version named in If-Match is not the current one."""

    status, title = 412, "Stale version"


class Forbidden(ServiceError):
    """The key's role does not allow this."""

    status, title = 403, "Forbidden"


class Unauthenticated(ServiceError):
    """No key was sent, or the key is unknown, expired or revoked."""

    status, title = 401, "Not authenticated"


class Unavailable(ServiceError):
    """The database or the disk is not usable at the moment; nothing was changed."""

    status, title = 503, "Unavailable"
