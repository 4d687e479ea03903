"""Summary of an identity from its members: display name, counts, years, ORCID iDs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from service.db.bulk import is_in
from service.db.tables import Membership, Signature, Work

FULL_SCAN_MIN_KEYS = 20_000
"""Number of keys from which reading a whole table is faster than looking up each key."""

MemberRow = tuple[int, int, int, str, int | None, str | None]
"""Identity key (or UNASSIGNED), signature key, work key, printed name, year, ORCID iD as printed.
"""


@dataclass(frozen=True, slots=True)
class IdentitySummary:
    """Summary of one identity. ``orcids`` are as printed on its members, ascending."""

    name: str
    mentions: int
    n_works: int
    first_year: int | None
    last_year: int | None
    orcids: tuple[str, ...]


def summarize_identities(mentions: Iterable[MemberRow]) -> dict[int, IdentitySummary]:
    """Summarize every identity among the members."""
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
        identity: IdentitySummary(
            choose_display_name(counts),
            sum(counts.values()),
            len(works[identity]),
            min(years[identity]) if identity in years else None,
            max(years[identity]) if identity in years else None,
            tuple(sorted(orcids.get(identity, ()))),
        )
        for identity, counts in names.items()
    }


def choose_display_name(printed: dict[str, int]) -> str:
    """Return the most frequent printed form; of equals the one with most letters.

    >>> display_name({"W. Wang": 2, "Wei Wang": 2, "Wang": 1})
    'Wei Wang'
    """
    if len(printed) == 1:
        return next(iter(printed))
    best = max(printed.values())
    forms = [form for form, n in Counter(printed).items() if n == best]
    return min(forms, key=lambda form: (-sum(map(str.isalpha, form)), form))


def read_identity_members(connection: Connection, identities: Collection[int]) -> list[MemberRow]:
    """Read all published members of identities."""
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
    if len(identities) < FULL_SCAN_MIN_KEYS:
        query = query.where(is_in(connection, Membership.identity_key, identities))
        return [tuple(row) for row in connection.execute(query)]  # type: ignore[misc]
    return [tuple(row) for row in connection.execute(query) if row[0] in identities]  # type: ignore[misc]


def read_signature_members(
    connection: Connection, signatures: dict[int, int] | dict[int, int | None]
) -> list[MemberRow]:
    """Read signatures by key, each with the identity that ``signatures`` maps it to."""
    query = select(
        Signature.key, Signature.work_key, Signature.printed, Work.year, Signature.orcid
    ).join(Work, Work.key == Signature.work_key)
    if len(signatures) < FULL_SCAN_MIN_KEYS:
        query = query.where(is_in(connection, Signature.key, signatures))
    rows = connection.execute(query)
    return [(signatures[row[0]], *row) for row in rows if row[0] in signatures]  # type: ignore[misc]
