"""Errors of the service that a caller can act on.

::

    DisambigError
    └── ServiceError            base; ``status`` is the HTTP status it is told with
        ├── NotFound            no such work, identity, name, run, task, decision or key     404
        ├── Gone                an identity that was split away; holds what it became        410
        ├── Invalid             a request that can be read but not be done; holds the field  422
        ├── Conflict            what is stored has moved on, or forbids it; holds what       409
        ├── Stale               If-Match names a version that is no longer current           412
        ├── Forbidden           the role does not allow it                                   403
        ├── Unauthenticated     no key, or one that is unknown, expired or revoked           401
        └── Unavailable         the database or the disk cannot be used now; try again       503
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
        """``field`` names the part of the request that is wrong; ``details`` go to the client."""
        self.problem, self.remedy, self.field, self.details = problem, remedy, field, details
        super().__init__(f"{problem}; {remedy}" if remedy else problem)


class NotFound(ServiceError):
    """Nothing has that id or name."""

    status, title = 404, "Not found"


class Gone(ServiceError):
    """An identity that is no more and has no single successor."""

    status, title = 410, "Gone"


class Invalid(ServiceError):
    """A request that was understood and cannot be carried out as it stands."""

    status, title = 422, "Invalid request"


class Conflict(ServiceError):
    """What is stored contradicts the request, or has changed since it was prepared."""

    status, title = 409, "Conflict"


class Stale(ServiceError):
    """The version named in If-Match is not the current one."""

    status, title = 412, "Stale version"


class Forbidden(ServiceError):
    """The key's role does not allow this."""

    status, title = 403, "Forbidden"


class Unauthenticated(ServiceError):
    """No key was sent, or one that does not count (any more)."""

    status, title = 401, "Not authenticated"


class Unavailable(ServiceError):
    """The database or the disk cannot be used at the moment; nothing was changed."""

    status, title = 503, "Unavailable"
