"""Rows of identities: read, insert and update them in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from service.db.bulk import is_in, update_rows
from service.db.database import insert_rows
from service.db.tables import Identity
from service.errors import Conflict, NotFound, Stale
from service.identities.summary import FULL_SCAN_MIN_KEYS, IdentitySummary

ACTIVE, REDIRECTED, SPLIT = "active", "redirected", "split"
"""States of an identity; see :class:`service.db.tables.Identity`."""


class IdentityRow(NamedTuple):
    """One row of :class:`service.db.tables.Identity`, in the order of its columns."""

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

    def with_summary(self, facts: IdentitySummary | None) -> IdentityRow:
        """Return the row with the summary of its members; without members it keeps its name."""
        if facts is None:
            return self._replace(n_works=0, first_year=None, last_year=None)
        return self._replace(
            name=facts.name,
            n_works=facts.n_works,
            first_year=facts.first_year,
            last_year=facts.last_year,
        )

    def to_dict(self, ids: Mapping[int, str], mentions: int) -> dict[str, Any]:
        """Return what the identity log stores: public ids only, with the number of mentions."""
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


def read_identities(connection: Connection, keys: Collection[int]) -> dict[int, IdentityRow]:
    """Read rows of identities, by key."""
    return _read_rows(connection, Identity.key, keys)


def read_redirects_to(connection: Connection, keys: Collection[int]) -> dict[int, IdentityRow]:
    """Read rows of the identities that redirect to one of ``keys``, by their own key."""
    return _read_rows(connection, Identity.redirect_key, keys) if keys else {}


def insert_identities(connection: Connection, rows: Iterable[IdentityRow]) -> None:
    """Insert new identities."""
    insert_rows(connection, Identity, IdentityRow._fields, rows)


def update_identities(connection: Connection, rows: Collection[IdentityRow]) -> None:
    """Update rows of existing identities."""
    update_rows(connection, Identity, IdentityRow._fields[2:], [(r[0], *r[2:]) for r in rows])


def _read_rows(
    connection: Connection, column: Any, keys: Collection[int]
) -> dict[int, IdentityRow]:
    query = select(*(Identity.__table__.c[name] for name in IdentityRow._fields))
    if len(keys) < FULL_SCAN_MIN_KEYS:
        query = query.where(is_in(connection, column, keys))
        return {row[0]: IdentityRow(*row) for row in connection.execute(query)}
    wanted_keys, index = set(keys), IdentityRow._fields.index(column.key)
    return {r[0]: IdentityRow(*r) for r in connection.execute(query) if r[index] in wanted_keys}


def read_identities_by_id(connection: Connection, ids: Collection[str]) -> dict[str, IdentityRow]:
    """Read rows of identities, by public id; unknown ids are left out."""
    columns = (Identity.__table__.c[name] for name in IdentityRow._fields)
    query = select(*columns).where(is_in(connection, Identity.id, ids))
    return {row[1]: IdentityRow(*row) for row in connection.execute(query)}


def get_active_identity(
    connection: Connection, identity_id: str, version: int | None = None
) -> IdentityRow:
    """Return the row of an identity that is about to be edited.

    Raises
    ------
    NotFound
        If no identity ever had this id.
    Conflict
        If it was merged into another, or split.
    Stale
        If ``version`` is not None and differs from its version.
    """
    row = read_identities_by_id(connection, [identity_id]).get(identity_id)
    if row is None:
        raise NotFound(
            f"there is no identity {identity_id[:40]!r}", "look it up by name", field="identity"
        )
    if row.status == REDIRECTED:
        target = read_identities(connection, [row.redirect_key or 0])
        target_id = next(iter(target.values())).id
        raise Conflict(
            f"{row.id} was merged into {target_id}", f"edit {target_id}", identity=target_id
        )
    if row.status == SPLIT:
        raise Conflict(
            f"{row.id} was split and is no longer active",
            "read its successors, then edit one of them",
            identity=row.id,
        )
    if version is not None and version != row.version:
        raise Stale(
            f"{row.id} has changed: it is at version {row.version}, not {version}",
            "read it again, then decide",
            identity=row.id,
            version=row.version,
        )
    return row
