"""Rows of identities: reading them, telling what they were, writing many at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from service.database import insert_rows
from service.errors import Conflict, NotFound, Stale
from service.facts import MANY, Facts
from service.sets import among, update_rows
from service.tables import Identity

ACTIVE, REDIRECTED, SPLIT = "active", "redirected", "split"
"""States of an identity; see :class:`service.tables.Identity`."""


class IdentityRow(NamedTuple):
    """One row of :class:`service.tables.Identity`, in the order of its columns."""

    key: int
    id: str
    status: str
    redirect_key: int | None
    name: str
    n_works: int
    first_year: int | None
    last_year: int | None
    curated: bool
    version: int

    def with_facts(self, facts: Facts | None) -> IdentityRow:
        """The same with the facts of its mentions; without mentions it keeps its name."""
        if facts is None:
            return self._replace(n_works=0, first_year=None, last_year=None)
        return self._replace(
            name=facts.name,
            n_works=facts.n_works,
            first_year=facts.first_year,
            last_year=facts.last_year,
        )

    def to_dict(self, ids: Mapping[int, str], mentions: int) -> dict[str, Any]:
        """What the log of identities keeps: public ids only, and ``mentions`` besides."""
        return {
            "id": self.id,
            "status": self.status,
            "redirect": None if self.redirect_key is None else ids[self.redirect_key],
            "name": self.name,
            "mentions": mentions,
            "works": self.n_works,
            "first_year": self.first_year,
            "last_year": self.last_year,
            "curated": self.curated,
            "version": self.version,
        }


def identity_rows(connection: Connection, keys: Collection[int]) -> dict[int, IdentityRow]:
    """Rows of identities by key."""
    return _read(connection, Identity.key, keys)


def redirected_to(connection: Connection, keys: Collection[int]) -> dict[int, IdentityRow]:
    """Rows of the identities that are redirected to some, by their own key."""
    return _read(connection, Identity.redirect_key, keys) if keys else {}


def insert_identities(connection: Connection, rows: Iterable[IdentityRow]) -> None:
    """Add new identities."""
    insert_rows(connection, Identity, IdentityRow._fields, rows)


def update_identities(connection: Connection, rows: Collection[IdentityRow]) -> None:
    """Write rows of identities that exist."""
    update_rows(connection, Identity, IdentityRow._fields[2:], [(r[0], *r[2:]) for r in rows])


def _read(connection: Connection, column: Any, keys: Collection[int]) -> dict[int, IdentityRow]:
    query = select(*(Identity.__table__.c[name] for name in IdentityRow._fields))
    if len(keys) < MANY:
        query = query.where(among(connection, column, keys))
        return {row[0]: IdentityRow(*row) for row in connection.execute(query)}
    wanted, place = set(keys), IdentityRow._fields.index(column.key)
    return {r[0]: IdentityRow(*r) for r in connection.execute(query) if r[place] in wanted}


def rows_by_id(connection: Connection, ids: Collection[str]) -> dict[str, IdentityRow]:
    """Rows of identities by public id; unknown ones are left out."""
    columns = (Identity.__table__.c[name] for name in IdentityRow._fields)
    query = select(*columns).where(among(connection, Identity.id, ids))
    return {row[1]: IdentityRow(*row) for row in connection.execute(query)}


def active_identity(
    connection: Connection, identity_id: str, version: int | None = None
) -> IdentityRow:
    """The row of an identity that is to be edited.

    Raises
    ------
    NotFound
        If there never was such an identity.
    Conflict
        If it was merged into another, or split.
    Stale
        If ``version`` is given and not its version.
    """
    row = rows_by_id(connection, [identity_id]).get(identity_id)
    if row is None:
        raise NotFound(
            f"there is no identity {identity_id[:40]!r}", "look it up by name", field="identity"
        )
    if row.status == REDIRECTED:
        target = identity_rows(connection, [row.redirect_key or 0])
        into = next(iter(target.values())).id
        raise Conflict(f"{row.id} was merged into {into}", f"edit {into}", identity=into)
    if row.status == SPLIT:
        raise Conflict(f"{row.id} is no more", "see what it became", identity=row.id)
    if version is not None and version != row.version:
        raise Stale(
            f"{row.id} has changed: it is at version {row.version}, not {version}",
            "read it again, then decide",
            identity=row.id,
            version=row.version,
        )
    return row
