"""Queries for readers: lists of works, and a work with its authors, versions and sources."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from service.db.tables import Identity, Membership, Signature, Source, Work, WorkVersion
from service.errors import NotFound
from service.works.results import (
    IdentityShort,
    SourceShown,
    WorkAuthor,
    WorkEntry,
    WorkPage,
    WorkVersionShown,
)

WorkOrder = Literal["added", "-added", "year", "-year", "citations", "-citations"]


def list_works(
    connection: Connection,
    limit: int,
    order: WorkOrder,
    *,
    after: str | None = None,
    year: int | None = None,
    venue: str | None = None,
) -> list[WorkEntry]:
    """List works in order; works without the value come last.

    Parameters
    ----------
    after : str or None
        Id of the last work on the previous page.
    """
    value, descending = _sort_value(order), order.startswith("-")
    query = select(
        Work.id, Work.title, Work.venue, Work.year, Work.citations, Work.n_authors, Work.version
    )
    if year is not None:
        query = query.where(Work.year == year)
    if venue is not None:
        query = query.where(Work.venue == venue)
    if after is not None:
        last = select(value).where(Work.id == after).correlate(None).scalar_subquery()
        further = value < last if descending else value > last
        query = query.where(or_(further, and_(value == last, Work.id > after)))
    query = query.order_by(value.desc() if descending else value.asc(), Work.id).limit(limit)
    return [
        WorkEntry(
            id=row.id,
            title=row.title,
            venue=row.venue,
            year=row.year,
            citations=row.citations,
            authors=row.n_authors,
            version=row.version,
        )
        for row in connection.execute(query)
    ]


def get_work(connection: Connection, work_id: str, version: int | None = None) -> WorkPage:
    """Return a work with its authors, versions and sources.

    ``version`` selects an earlier record, whose authors have no identities.

    Raises
    ------
    NotFound
        If there is no such work or version.
    """
    work = connection.execute(select(Work).where(Work.id == work_id)).one_or_none()
    if work is None:
        raise NotFound(
            f"no work {work_id[:100]!r}", "ids are those of the loaded records", field="id"
        )
    shown_version = work.version if version is None else version
    versions = _list_versions(connection, work.key)
    record_query = select(WorkVersion.record).where(
        WorkVersion.work_key == work.key, WorkVersion.version == shown_version
    )
    text = connection.scalars(record_query).one_or_none()
    if text is None:
        raise NotFound(
            f"work {work_id[:100]!r} has no version {shown_version}",
            f"it has the versions 1 to {work.version}",
            field="version",
        )
    record = orjson.loads(text)
    current = shown_version == work.version
    authors = _list_authors(connection, work.key) if current else _parse_authors(record)
    return WorkPage(
        id=work.id,
        version=shown_version,
        current=work.version,
        title=record["title"],
        abstract=record.get("abstract"),
        venue=record.get("venue"),
        year=record.get("year"),
        keywords=record.get("keywords", []),
        ids=record.get("ids", {}),
        citations=record.get("citations"),
        affiliations=record.get("affiliations", []),
        authors_complete=record.get("authors_complete", True),
        authors=authors,
        versions=versions,
    )


def _list_authors(connection: Connection, work_key: int) -> list[WorkAuthor]:
    query = (
        select(
            Signature.position,
            Signature.printed,
            Signature.affiliation,
            Signature.orcid,
            Identity.id,
            Identity.name,
            Membership.confidence,
            Membership.origin,
        )
        .select_from(Signature)
        .outerjoin(Membership, Membership.signature_key == Signature.key)
        .outerjoin(Identity, Identity.key == Membership.identity_key)
        .where(Signature.work_key == work_key, Signature.retired_version.is_(None))
        .order_by(Signature.position)
    )
    return [
        WorkAuthor(
            position=position,
            name=printed,
            affiliation=affiliation,
            orcid=orcid,
            identity=None if public is None else IdentityShort(id=public, name=name),
            confidence=confidence,
            origin=origin,
        )
        for position, printed, affiliation, orcid, public, name, confidence, origin in (
            connection.execute(query)
        )
    ]


def _parse_authors(record: dict[str, Any]) -> list[WorkAuthor]:
    return [
        WorkAuthor(
            position=position,
            name=author["name"],
            affiliation="; ".join(author.get("affiliations", ())) or None,
            orcid=author.get("orcid"),
            identity=None,
            confidence=None,
            origin=None,
        )
        for position, author in enumerate(record.get("authors", ()))
        if author.get("name")
    ]


def _list_versions(connection: Connection, work_key: int) -> list[WorkVersionShown]:
    query = (
        select(
            WorkVersion.version,
            WorkVersion.received_at,
            WorkVersion.line,
            Source.kind,
            Source.label,
            Source.format,
        )
        .join(Source, Source.key == WorkVersion.source_key)
        .where(WorkVersion.work_key == work_key)
        .order_by(WorkVersion.version.desc())
        .limit(100)
    )
    return [
        WorkVersionShown(
            version=row.version,
            received_at=row.received_at,
            source=SourceShown(kind=row.kind, label=row.label, format=row.format),
            line=row.line,
        )
        for row in connection.execute(query)
    ]


def _sort_value(order: str) -> ColumnElement[Any]:
    if order.endswith("added"):
        return Work.key.expression
    unknown = -1 if order.startswith("-") else 2**31
    return func.coalesce(Work.year if order.endswith("year") else Work.citations, unknown)
