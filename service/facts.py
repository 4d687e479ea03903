"""What an identity's mentions say about it: its name, its works and years, its ORCID iDs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from service.sets import among
from service.tables import Membership, Signature, Work

MANY = 20_000
"""Keys from which on it is faster to read a whole table than to look each of them up."""

Mention = tuple[int, int, int, str, int | None, str | None]
"""Identity (or NOWHERE), signature key, work key, printed name, year, ORCID iD as printed."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one identity. ``orcids`` are as printed on its mentions, ascending."""

    name: str
    mentions: int
    n_works: int
    first_year: int | None
    last_year: int | None
    orcids: tuple[str, ...]


def facts_of(mentions: Iterable[Mention]) -> dict[int, Facts]:
    """Facts of every identity that the mentions are of."""
    names: dict[int, dict[str, int]] = {}
    works: dict[int, set[int]] = {}
    years: dict[int, list[int]] = {}
    orcids: dict[int, set[str]] = {}
    for identity, _, work, printed, year, orcid in mentions:
        if identity in names:
            counts = names[identity]
            counts[printed] = counts.get(printed, 0) + 1
            works[identity].add(work)
        else:
            names[identity] = {printed: 1}
            works[identity] = {work}
        if year is not None:
            years.setdefault(identity, []).append(year)
        if orcid:
            orcids.setdefault(identity, set()).add(orcid)
    return {
        identity: Facts(
            display_name(counts),
            sum(counts.values()),
            len(works[identity]),
            min(years[identity]) if identity in years else None,
            max(years[identity]) if identity in years else None,
            tuple(sorted(orcids.get(identity, ()))),
        )
        for identity, counts in names.items()
    }


def display_name(printed: dict[str, int]) -> str:
    """The most frequent printed form; among equals the fullest, then the first by letter.

    >>> display_name({"W. Wang": 2, "Wei Wang": 2, "Wang": 1})
    'Wei Wang'
    """
    if len(printed) == 1:
        return next(iter(printed))
    best = max(printed.values())
    forms = [form for form, n in Counter(printed).items() if n == best]
    return min(forms, key=lambda form: (-sum(map(str.isalpha, form)), form))


def mentions_of_identities(connection: Connection, identities: Collection[int]) -> list[Mention]:
    """All published mentions of some identities."""
    query = (
        select(
            Membership.identity_key,
            Signature.key,
            Signature.work_key,
            Signature.printed,
            Work.year,
            Signature.orcid,
        )
        .join(Signature, Signature.key == Membership.signature_key)
        .join(Work, Work.key == Signature.work_key)
    )
    if len(identities) < MANY:
        query = query.where(among(connection, Membership.identity_key, identities))
        return [tuple(row) for row in connection.execute(query)]  # type: ignore[misc]
    return [tuple(row) for row in connection.execute(query) if row[0] in identities]  # type: ignore[misc]


def mentions_of_signatures(
    connection: Connection, signatures: dict[int, int] | dict[int, int | None]
) -> list[Mention]:
    """Mentions by signature key, each under the identity that ``signatures`` tells."""
    query = select(
        Signature.key, Signature.work_key, Signature.printed, Work.year, Signature.orcid
    ).join(Work, Work.key == Signature.work_key)
    if len(signatures) < MANY:
        query = query.where(among(connection, Signature.key, signatures))
    rows = connection.execute(query)
    return [(signatures[row[0]], *row) for row in rows if row[0] in signatures]  # type: ignore[misc]
