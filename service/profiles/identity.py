"""Build the profile of an identity: aggregates, works, lineage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from service import values
from service.db.bulk import is_in
from service.db.tables import ExternalId, Identity, Lineage, Membership, Signature, Work
from service.errors import Gone, NotFound
from service.identities.resolve import resolve_identity
from service.identities.store import ACTIVE
from service.profiles import aggregates
from service.profiles.aggregates import SignatureRow, list_coauthors, select_signatures
from service.profiles.results import (
    Coauthors,
    ExternalIdShown,
    IdentityEntry,
    LineageShown,
    Paper,
    Profile,
    Related,
    WorksShown,
)

MAX_SHOWN = 20
"""Most entries of each list within a profile."""

WorksOrder = Literal["year", "-year", "title", "-title", "citations", "-citations"]


@dataclass(frozen=True, slots=True)
class ResolvedIdentity:
    """The row of an identity; ``redirect`` is the id to use instead, if any."""

    key: int
    id: str
    status: str
    name: str
    n_works: int
    first_year: int | None
    last_year: int | None
    curated: bool
    version: int
    redirect: str | None = None


_IDENTITY_QUERY = select(
    Identity.key,
    Identity.id,
    Identity.status,
    Identity.name,
    Identity.n_works,
    Identity.first_year,
    Identity.last_year,
    Identity.curated,
    Identity.version,
).where(Identity.id == bindparam("public_id", type_=Text))


def find_identity(connection: Connection, public_id: str) -> ResolvedIdentity:
    """Return the identity of an id, active or redirected.

    Raises
    ------
    NotFound
        If the id was never assigned.
    Gone
        If the identity was split up; lists the identities that hold its signatures.
    """
    row = connection.execute(_IDENTITY_QUERY, {"public_id": public_id}).one_or_none()
    if row is None:
        raise NotFound(
            f"no identity {public_id[:60]}",
            "ids begin with a-; search with /v1/identities?q=NAME",
            field="id",
        )
    identity = ResolvedIdentity(**row._mapping)
    if identity.status == ACTIVE:
        return identity
    resolved = resolve_identity(connection, public_id)
    if not resolved.is_gone:
        return replace(identity, redirect=resolved.row.id)
    raise Gone(
        f"{identity.id} was split up; its mentions went to "
        f"{len(resolved.successors)} other identities",
        "use the identities under successors",
        field="id",
        id=identity.id,
        name=identity.name,
        successors=[asdict(part) for part in resolved.successors[:1000]],
    )


def _select_lineage(own_key: Any, other_key: Any) -> Select[*tuple[Any, ...]]:
    other = aliased(Identity)
    return (
        select(
            other.id, other.status, other.name, Lineage.kind, Lineage.mentions, Lineage.event_seq
        )
        .join(other, other.key == other_key)
        .where(own_key == bindparam("key", type_=BigInteger), Lineage.undone_seq.is_(None))
        .order_by(Lineage.event_seq.desc(), other.id)
        .limit(100)
    )


_PARENTS = _select_lineage(Lineage.child_key, Lineage.parent_key)
_CHILDREN = _select_lineage(Lineage.parent_key, Lineage.child_key)


def read_lineage(connection: Connection, key: int) -> LineageShown:
    """Return the identities that one came from and went to, and ids that redirect to it."""

    def read(query: Select[*tuple[Any, ...]]) -> list[Related]:
        return [
            Related(
                id=row.id,
                status=row.status,
                name=row.name,
                kind=row.kind,
                mentions=row.mentions,
                sequence=row.event_seq,
            )
            for row in connection.execute(query, {"key": key})
        ]

    merged = select(Identity.id).where(Identity.redirect_key == key).order_by(Identity.id)
    return LineageShown(
        redirects=list(connection.scalars(merged.limit(100))),
        came_from=read(_PARENTS),
        went_to=read(_CHILDREN),
    )


def build_profile(connection: Connection, identity: ResolvedIdentity) -> Profile:
    """Build the profile of an active identity."""
    mentions = aggregates.read_signatures(connection, Membership.identity_key == identity.key)
    papers = aggregates.list_papers(mentions)
    coauthors, total = list_coauthors(connection, identity.key, MAX_SHOWN)
    path = f"/v1/identities/{identity.id}"
    return Profile(
        **values.asdict(to_entry(identity)),
        mentions=len(mentions),
        names=aggregates.count_names(mentions, MAX_SHOWN),
        confidence=aggregates.average_confidence(mentions),
        years={str(year): n for year, n in aggregates.count_years(papers).items()},
        picture=f"{path}/years.svg",
        venues=aggregates.count_venues(papers, MAX_SHOWN),
        topics=aggregates.count_topics(papers, MAX_SHOWN),
        affiliations=aggregates.summarize_affiliations(mentions, MAX_SHOWN),
        coauthors=Coauthors(total=total, items=coauthors, more=f"{path}/coauthors"),
        external_ids=read_external_ids(connection, [identity.key]).get(identity.key, []),
        citations=aggregates.summarize_citations(papers),
        lineage=read_lineage(connection, identity.key),
        works=WorksShown(
            total=len(papers),
            items=[aggregates.to_paper(p) for p in papers[:10]],
            more=f"{path}/works",
        ),
        history=f"{path}/history",
        version=identity.version,
    )


def to_entry(identity: Any) -> IdentityEntry:
    """Return the entry of an identity from a row or a :class:`ResolvedIdentity`."""
    return IdentityEntry(
        id=identity.id,
        name=identity.name,
        n_works=identity.n_works,
        first_year=identity.first_year,
        last_year=identity.last_year,
        curated=identity.curated,
    )


def read_external_ids(
    connection: Connection, keys: Iterable[int]
) -> dict[int, list[ExternalIdShown]]:
    """Read the external ids in force of these identities."""
    query = (
        select(ExternalId.identity_key, ExternalId.scheme, ExternalId.value, ExternalId.source)
        .where(is_in(connection, ExternalId.identity_key, keys), ExternalId.removed_seq.is_(None))
        .order_by(ExternalId.scheme, ExternalId.value, ExternalId.key)
    )
    by_identity: dict[int, list[ExternalIdShown]] = {}
    for key, scheme, value, source in connection.execute(query):
        shown = ExternalIdShown(scheme=scheme, value=value, source=source)
        by_identity.setdefault(key, []).append(shown)
    return by_identity


def count_years(connection: Connection, key: int) -> dict[int, int]:
    """Count the works of an identity by year."""
    query = (
        select(Work.year, func.count(func.distinct(Work.key)))
        .join(Signature, Signature.work_key == Work.key)
        .join(Membership, Membership.signature_key == Signature.key)
        .where(Membership.identity_key == key, Work.year.is_not(None))
        .where(Signature.retired_version.is_(None))
        .group_by(Work.year)
    )
    return {int(year or 0): works for year, works in connection.execute(query).all()}


def list_works(
    connection: Connection,
    key: int,
    limit: int,
    order: WorksOrder,
    *,
    after: tuple[str, int] | None = None,
    year: int | None = None,
    venue: str | None = None,
) -> list[Paper]:
    """List the works of an identity in order; unknown values come last.

    Parameters
    ----------
    after : (str, int) or None
        Work id and position of the last entry on the previous page.
    """
    value = _sort_value(order)
    descending = order.startswith("-")
    query = select_signatures().where(Membership.identity_key == key)
    if year is not None:
        query = query.where(Work.year == year)
    if venue is not None:
        query = query.where(Work.venue == venue)
    if after is not None:
        query = query.where(_is_after(value, descending, after))
    sort_key = value.desc() if descending else value.asc()
    query = query.order_by(sort_key, Work.id, Signature.position).limit(limit)
    rows = connection.execute(query)
    return [aggregates.to_paper(SignatureRow._make(row)) for row in rows]


def _sort_value(order: str) -> ColumnElement[Any]:
    """Return a sort value that is never NULL, so that paging works from any row."""
    unknown = -1 if order.startswith("-") else 2**31
    if order.endswith("title"):
        return func.lower(Work.title)
    return func.coalesce(Work.year if order.endswith("year") else Work.citations, unknown)


def _is_after(
    value: ColumnElement[Any], descending: bool, after: tuple[str, int]
) -> ColumnElement[bool]:
    work_id, position = after
    # look up the value of the last work of the previous page
    last = select(value).where(Work.id == work_id).correlate(None).scalar_subquery()
    further = value < last if descending else value > last
    same = and_(
        value == last,
        or_(Work.id > work_id, and_(Work.id == work_id, Signature.position > position)),
    )
    return or_(further, same)
