"""Who does something, and what a role may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Roles in rising order; each may do what the ones before it may."""

    PUBLIC = "public"
    REVIEWER = "reviewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether this role may do what ``other`` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something.

    Attributes
    ----------
    name : str
        ``key:ID`` over HTTP, ``cli:USER`` on the command line, ``worker:ID`` in a worker,
        ``anonymous`` without a key.
    role : Role
    request : str or None
        Id of the HTTP request.
    """

    name: str
    role: Role
    request: str | None = None


ANONYMOUS = Actor("anonymous", Role.PUBLIC)
