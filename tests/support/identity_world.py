"""Works and signatures put straight into a database, for tests of what becomes of identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from service.db.database import Database, insert_rows
from service.db.tables import (
    ExternalId,
    Identity,
    Lineage,
    Membership,
    Name,
    Proposal,
    ProposalGroup,
    Run,
    Signature,
    State,
    Work,
)
from service.identities.store import IdentityRow

NOW = datetime(2024, 5, 1, tzinfo=UTC)

Author = str | tuple[str, str | None]
"""Printed name, or that and an ORCID iD."""


def add_works(
    database: Database, works: Sequence[Sequence[Author]], years: Mapping[int, int] | None = None
) -> list[int]:
    """Works ``w0``, ``w1`` … with these authors; the keys of all signatures, in order."""
    with database.write() as connection:
        first = (connection.scalar(select(func.max(Work.key))) or 0) + 1
        signature = (connection.scalar(select(func.max(Signature.key))) or 0) + 1
        names = dict(connection.execute(select(Name.folded, Name.key)).all())
        rows: list[tuple[Any, ...]] = []
        heads: list[tuple[Any, ...]] = []
        new: list[tuple[Any, ...]] = []
        for k, authors in enumerate(works):
            year = (years or {}).get(k)
            number = first + k - 1
            heads.append(
                (first + k, f"w{number}", 1, f"Title {number}", year, len(authors), NOW, NOW)
            )
            for position, author in enumerate(authors):
                printed, orcid = author if isinstance(author, tuple) else (author, None)
                folded = printed.casefold()
                if folded not in names:
                    names[folded] = len(names) + 1
                    new.append((names[folded], folded, printed))
                rows.append(
                    (signature + len(rows), first + k, position, names[folded], printed, orcid)
                )
        columns = ("key", "id", "version", "title", "year", "n_authors", "added_at", "changed_at")
        insert_rows(connection, Work, columns, heads)
        insert_rows(connection, Name, ("key", "folded", "printed"), new)
        columns = ("key", "work_key", "position", "name_key", "printed", "orcid")
        insert_rows(connection, Signature, columns, rows)
        return [row[0] for row in rows]


def add_run(
    database: Database,
    run_id: str,
    clusters: Mapping[int, int],
    *,
    confidence: Mapping[int, float] | None = None,
    groups: Mapping[int, int | None] | None = None,
    based_on: int | None = None,
) -> None:
    """A run whose proposal is ready: signature key to cluster, cluster to identity key."""
    with database.write() as connection:
        now = connection.scalars(select(State.curated)).one()
        connection.execute(
            Run.__table__.insert().values(
                id=run_id,
                state="proposed",
                scope="full",
                actor="worker:test",
                based_on=now if based_on is None else based_on,
                rebases=0,
                created_at=NOW,
                attempts=1,
                done=0,
            )
        )
        key = connection.scalars(select(Run.key).where(Run.id == run_id)).one()
        sure = confidence or {}
        insert_rows(
            connection,
            Proposal,
            ("run_key", "signature_key", "cluster", "confidence"),
            [(key, s, c, sure.get(s, 0.9)) for s, c in clusters.items()],
        )
        insert_rows(
            connection,
            ProposalGroup,
            ("run_key", "cluster", "identity_key"),
            [(key, c, i) for c, i in (groups or {}).items()],
        )


def published(connection: Connection) -> dict[str, set[int]]:
    """Signature keys of each identity that has any, by public id."""
    query = select(Identity.id, Membership.signature_key).join(
        Identity, Identity.key == Membership.identity_key
    )
    found: dict[str, set[int]] = {}
    for identity, signature in connection.execute(query):
        found.setdefault(identity, set()).add(signature)
    return found


def everything(connection: Connection) -> dict[str, Any]:
    """All that undoing must bring back: memberships, identities without version, external ids."""
    columns = [c for c in IdentityRow._fields if c != "version"]
    identities = select(*(Identity.__table__.c[c] for c in columns)).order_by(Identity.key)
    external = select(
        ExternalId.identity_key, ExternalId.scheme, ExternalId.value, ExternalId.source
    ).where(ExternalId.removed_seq.is_(None))
    lineage = select(Lineage.event_seq, Lineage.parent_key, Lineage.child_key, Lineage.mentions)
    return {
        "memberships": sorted(map(tuple, connection.execute(select(*Membership.__table__.c)))),
        "identities": [tuple(row) for row in connection.execute(identities)],
        "external": sorted(map(tuple, connection.execute(external))),
        "lineage": sorted(
            map(tuple, connection.execute(lineage.where(Lineage.undone_seq.is_(None))))
        ),
    }


def row_of(connection: Connection, identity: str) -> IdentityRow:
    """The row of an identity."""
    columns = (Identity.__table__.c[c] for c in IdentityRow._fields)
    return IdentityRow(*connection.execute(select(*columns).where(Identity.id == identity)).one())
