"""Actors and roles: who performs an action, and what a role permits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Roles in ascending order; each includes the permissions of those before it."""

    PUBLIC = "public"
    REVIEWER = "reviewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Return whether this role has all permissions of ``other``."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who performs an action.

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
