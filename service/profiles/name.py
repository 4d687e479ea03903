"""Build the exact-name page: all identities of one printed name, with the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from service.db.bulk import is_in
from service.db.tables import Identity, Membership, Name, Signature, Work
from service.errors import NotFound
from service.profiles import aggregates
from service.profiles import identity as identity_profile
from service.profiles.aggregates import CoauthorKey, SignatureRow
from service.profiles.contrast import IdentityEvidence, contrast_similar, list_common_evidence
from service.profiles.results import (
    CoauthorShown,
    Contrast,
    ExternalIdShown,
    NamePerson,
    Paper,
    Reason,
)
from service.text import fold_name
from service.values import asdict

SAMPLE = 5
"""Works shown of each identity."""


@dataclass(frozen=True, slots=True)
class NameSummary:
    """An exact-name cluster and its counts."""

    key: int
    printed: str
    folded: str
    mentions: int
    papers: int
    people: int
    unassigned: int


def find_name(connection: Connection, text: str) -> NameSummary:
    """Return the cluster of a printed name; ignore case.

    Raises
    ------
    NotFound
        If no work prints the name.
    """
    query = select(Name.key, Name.printed, Name.folded).where(Name.folded == fold_name(text))
    row = connection.execute(query).one_or_none()
    totals = None
    if row is not None:
        counts = (
            select(
                func.count().label("mentions"),
                func.count(func.distinct(Signature.work_key)).label("papers"),
                func.count(func.distinct(Membership.identity_key)).label("people"),
                (func.count() - func.count(Membership.signature_key)).label("unplaced"),
            )
            .select_from(Signature)
            .outerjoin(Membership, Membership.signature_key == Signature.key)
            .where(Signature.name_key == row.key, Signature.retired_version.is_(None))
        )
        totals = connection.execute(counts).one()
    if row is None or totals is None or totals.mentions == 0:
        raise NotFound(
            f"no work prints the name {text[:100]!r}",
            "search for similar ones with /v1/names?q=NAME",
            field="name",
        )
    return NameSummary(
        row.key,
        row.printed,
        row.folded,
        totals.mentions,
        totals.papers,
        totals.people,
        totals.unplaced,
    )


def list_identities(
    connection: Connection, name: NameSummary, limit: int, after: tuple[int, str] | None = None
) -> list[NamePerson]:
    """List the identities of a name, those with most signatures of it first.

    Parameters
    ----------
    after : (int, str) or None
        Number of signatures and id of the last identity on the previous page.
    """
    rows = _read_identities(connection, name.key, limit, after)
    keys = [row.key for row in rows]
    if not keys:
        return []
    mentions = aggregates.read_signatures(
        connection,
        Signature.name_key == name.key,
        is_in(connection, Membership.identity_key, keys),
    )
    signatures_of: dict[int, list[SignatureRow]] = {key: [] for key in keys}
    for mention in mentions:
        signatures_of[mention.identity or 0].append(mention)
    authors = aggregates.read_coauthors(connection, mentions)
    identities = [
        IdentityEvidence.build((True, row.key), row.id, signatures_of[row.key], authors)
        for row in rows
    ]
    coauthor_names = aggregates.read_coauthor_names(connection, _select_coauthors(identities))
    external = identity_profile.read_external_ids(connection, keys)
    labels = {other: name for other, (_, name) in coauthor_names.items()}
    contrasts = contrast_similar(identities, labels)
    return [
        _to_person(
            row,
            identity,
            coauthor_names,
            external.get(row.key, []),
            together=list_common_evidence(identity, labels),
            apart=contrasts[identity.id],
        )
        for row, identity in zip(rows, identities, strict=True)
    ]


def list_unassigned(
    connection: Connection, name: NameSummary, limit: int, after: tuple[str, int] | None = None
) -> list[Paper]:
    """List the unassigned signatures of a name by work and position."""
    conditions = [Signature.name_key == name.key, Membership.signature_key.is_(None)]
    if after is not None:
        work, position = after
        later = and_(Work.id == work, Signature.position > position)
        conditions.append(or_(Work.id > work, later))
    query = aggregates.select_signatures().where(*conditions)
    rows = connection.execute(query.order_by(Work.id, Signature.position).limit(limit))
    return [aggregates.to_paper(SignatureRow._make(row)) for row in rows]


def _read_identities(
    connection: Connection, name_key: int, limit: int, after: tuple[int, str] | None
) -> Sequence[Any]:
    grouped = (
        select(Membership.identity_key.label("key"), func.count().label("mentions"))
        .join(Signature, Signature.key == Membership.signature_key)
        .where(Signature.name_key == name_key, Signature.retired_version.is_(None))
        .group_by(Membership.identity_key)
        .subquery()
    )
    query = (
        select(
            Identity.key,
            Identity.id,
            Identity.name,
            Identity.n_works,
            Identity.first_year,
            Identity.last_year,
            Identity.curated,
            grouped.c.mentions,
        )
        .join(grouped, grouped.c.key == Identity.key)
        .order_by(grouped.c.mentions.desc(), Identity.id)
        .limit(limit)
    )
    if after is not None:
        n, public = after
        same = and_(grouped.c.mentions == n, Identity.id > public)
        query = query.where(or_(grouped.c.mentions < n, same))
    return connection.execute(query).all()


def _select_coauthors(identities: Sequence[IdentityEvidence]) -> set[CoauthorKey]:
    """Return the co-authors whose names the page shows."""
    coauthors: set[CoauthorKey] = set()
    for identity in identities:
        coauthors.update(
            other for other, _ in aggregates.take_most_frequent(identity.coauthors, 10)
        )
    n_identities = Counter(other for identity in identities for other in identity.coauthors)
    coauthors.update(other for other, n in n_identities.items() if n > 1)
    return coauthors


def _to_person(
    row: Any,
    identity: IdentityEvidence,
    coauthor_names: dict[CoauthorKey, tuple[str | None, str]],
    external: list[ExternalIdShown],
    *,
    together: list[Reason],
    apart: list[Contrast],
) -> NamePerson:
    return NamePerson(
        **asdict(identity_profile.to_entry(row)),
        mentions=row.mentions,
        papers=len(identity.papers),
        confidence=aggregates.average_confidence(identity.mentions),
        years={str(year): n for year, n in aggregates.count_years(identity.papers).items()},
        venues=aggregates.count_venues(identity.papers, 5),
        coauthors=[
            CoauthorShown(id=coauthor_names[other][0], name=coauthor_names[other][1], works=n)
            for other, n in aggregates.take_most_frequent(identity.coauthors, 10)
        ],
        affiliations=aggregates.summarize_affiliations(identity.mentions, 5),
        topics=aggregates.count_topics(identity.papers, 8),
        external_ids=external,
        sample=[aggregates.to_paper(p) for p in identity.papers[:SAMPLE]],
        profile=f"/v1/identities/{row.id}",
        works=f"/v1/identities/{row.id}/works",
        together=together,
        apart=apart,
    )
