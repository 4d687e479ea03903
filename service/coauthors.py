"""Who published together with an identity, most works first."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
)
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
    values: dict[str, Any] = {"identity_key": identity_key, "most": limit}
    if after is not None:
        values["works"], values["public"] = after
    rows = connection.execute(_query(after is not None), values).all()
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
    return found, rows[0].left if rows else 0


@cache
def _query(goes_on: bool) -> Select[*tuple[Any, ...]]:
    """The query, made once: aliases take longer to make than small answers to read."""
    grouped = _grouped()
    query = (
        select(
            Identity.id,
            Identity.name,
            grouped.c.works,
            grouped.c.first_year,
            grouped.c.last_year,
            func.count().over().label("left"),
        )
        .join(Identity, Identity.key == grouped.c.identity_key)
        .order_by(grouped.c.works.desc(), Identity.id)
        .limit(bindparam("most", type_=Integer))
    )
    if goes_on:
        works, public = bindparam("works", type_=BigInteger), bindparam("public", type_=Text)
        same = and_(grouped.c.works == works, Identity.id > public)
        query = query.where(or_(grouped.c.works < works, same))
    return query


def _grouped() -> Subquery:
    mine, my_mention = aliased(Membership), aliased(Signature)
    other, their_mention = aliased(Membership), aliased(Signature)
    identity = bindparam("identity_key", type_=BigInteger)
    return (
        select(
            other.identity_key.label("identity_key"),
            func.count(func.distinct(Work.key)).label("works"),
            func.min(Work.year).label("first_year"),
            func.max(Work.year).label("last_year"),
        )
        .select_from(mine)
        .join(my_mention, my_mention.key == mine.signature_key)
        .join(Work, Work.key == my_mention.work_key)
        .join(their_mention, their_mention.work_key == Work.key)
        .join(other, other.signature_key == their_mention.key)
        .where(
            mine.identity_key == identity,
            other.identity_key != identity,
            their_mention.retired_version.is_(None),
            Work.n_authors <= CROWD,
        )
        .group_by(other.identity_key)
        .subquery()
    )
