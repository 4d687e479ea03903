"""Who published together with an identity, most works first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy.orm import aliased

from service.gathered import CROWD
from service.tables import Identity, Membership, Signature, Work


def coauthors(
    connection: Connection,
    identity_key: int,
    limit: int,
    after: tuple[int, str] | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """Co-authors as identities, and how many there are from here on.

    Parameters
    ----------
    after : (int, str) or None
        Works together and id of the co-author that the page before ended with.
    """
    mine, my_mention = aliased(Membership), aliased(Signature)
    other, their_mention = aliased(Membership), aliased(Signature)
    together = func.count(func.distinct(Work.key))
    grouped = (
        select(
            other.identity_key.label("identity_key"),
            together.label("works"),
            func.min(Work.year).label("first_year"),
            func.max(Work.year).label("last_year"),
        )
        .select_from(mine)
        .join(my_mention, my_mention.key == mine.signature_key)
        .join(Work, Work.key == my_mention.work_key)
        .join(their_mention, their_mention.work_key == Work.key)
        .join(other, other.signature_key == their_mention.key)
        .where(
            mine.identity_key == identity_key,
            other.identity_key != identity_key,
            their_mention.retired_version.is_(None),
            Work.n_authors <= CROWD,
        )
        .group_by(other.identity_key)
        .subquery()
    )
    query = (
        select(
            Identity.id, Identity.name, grouped.c.works, grouped.c.first_year,
            grouped.c.last_year, func.count().over().label("left"),
        )
        .join(Identity, Identity.key == grouped.c.identity_key)
        .order_by(grouped.c.works.desc(), Identity.id)
        .limit(limit)
    )  # fmt: skip
    if after is not None:
        works, public = after
        less = grouped.c.works < works
        query = query.where(or_(less, and_(grouped.c.works == works, Identity.id > public)))
    rows = connection.execute(query).all()
    left = rows[0].left if rows else 0
    found = [
        {
            "id": row.id,
            "name": row.name,
            "works": row.works,
            "first_year": row.first_year,
            "last_year": row.last_year,
        }
        for row in rows
    ]
    return found, left
