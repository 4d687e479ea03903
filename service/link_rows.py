"""Links of decisions in the database: those in force, those around some mentions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy import Connection, select
from sqlalchemy.orm import aliased

from disambig import domain
from service.database import insert_rows
from service.errors import Conflict
from service.links import Link, broken, living
from service.sets import among
from service.tables import Decision, DecisionLink, Membership, Signature, Work

NAMED = 20
"""Decisions and mentions that one message names."""


def links_in_force(connection: Connection) -> list[Link]:
    """All links of decisions that are not undone."""
    query = select(DecisionLink.a_key, DecisionLink.b_key, DecisionLink.kind, Decision.id).join(
        Decision, Decision.key == DecisionLink.decision_key
    )
    query = query.where(Decision.undone_seq.is_(None))
    query = query.order_by(Decision.key, DecisionLink.a_key, DecisionLink.b_key)
    return [Link(a, b, kind == "must", d) for a, b, kind, d in connection.execute(query)]


def links_around(connection: Connection, signatures: Iterable[int]) -> list[Link]:
    """Links in force of every decision that a chain of decisions connects with signatures."""
    known: set[int] = set()
    reached, waiting = set(signatures), set(signatures)
    links: list[Link] = []
    while waiting:
        ends = (DecisionLink.a_key, DecisionLink.b_key)
        found: set[int] = set()
        for end in ends:
            query = (
                select(DecisionLink.decision_key)
                .join(Decision, Decision.key == DecisionLink.decision_key)
                .where(Decision.undone_seq.is_(None), among(connection, end, waiting))
            )
            found.update(connection.scalars(query.distinct()))
        more = _of_decisions(connection, found - known)
        known |= found
        links += more
        waiting = {end for link in more for end in (link.a, link.b)} - reached
        reached |= waiting
    return links


def _of_decisions(connection: Connection, keys: Collection[int]) -> list[Link]:
    if not keys:
        return []
    query = select(DecisionLink.a_key, DecisionLink.b_key, DecisionLink.kind, Decision.id).join(
        Decision, Decision.key == DecisionLink.decision_key
    )
    query = query.where(among(connection, DecisionLink.decision_key, keys))
    return [Link(a, b, kind == "must", d) for a, b, kind, d in connection.execute(query)]


def add_links(connection: Connection, decision_key: int, links: Collection[Link]) -> None:
    """Store the links of a decision."""
    ends = {(link.a, link.b): "must" if link.must else "cannot" for link in links}
    columns = ("decision_key", "a_key", "b_key", "kind")
    rows = ((decision_key, *pair, kind) for pair, kind in ends.items())
    insert_rows(connection, DecisionLink, columns, rows)


def without_retired(connection: Connection, links: Sequence[Link]) -> list[Link]:
    """The same statements about mentions that still are; see :func:`service.links.living`."""
    ends = {end for link in links for end in (link.a, link.b)}
    query = select(Signature.key).where(
        Signature.retired_version.is_not(None), among(connection, Signature.key, ends)
    )
    return living(links, set(connection.scalars(query)) if ends else set())


def constraints_of(
    connection: Connection, signatures: Collection[int] | None = None
) -> list[domain.Constraint]:
    """What decisions in force demand of a clustering.

    Parameters
    ----------
    connection : Connection
    signatures : collection of int, optional
        Only what a chain of decisions connects with these signature keys.
    """
    links = links_in_force(connection) if signatures is None else None
    links = without_retired(
        connection, links_around(connection, signatures or ()) if links is None else links
    )
    places = places_of(connection, {end for link in links for end in (link.a, link.b)})
    kind = {True: domain.ConstraintKind.MUST, False: domain.ConstraintKind.CANNOT}
    return [
        domain.Constraint(
            kind[link.must], places[link.a], places[link.b], f"decision {link.decision}"
        )
        for link in links
    ]


def places_of(connection: Connection, signatures: Collection[int]) -> dict[int, domain.Signature]:
    """Work and position of signatures, by key."""
    query = select(Signature.key, Work.id, Signature.position)
    query = query.join(Work, Work.key == Signature.work_key)
    rows = connection.execute(query.where(among(connection, Signature.key, signatures)))
    return {row[0]: domain.Signature(row[1], row[2]) for row in rows}


def namer(connection: Connection, signatures: Collection[int]) -> Callable[[int], str]:
    """What to call signatures in messages: ``WORK:POSITION``."""
    places = places_of(connection, signatures)
    names = {key: f"{at.work[:80]}:{at.position}" for key, at in places.items()}
    return lambda key: names.get(key, f"mention {key}")


def same_work_pairs(
    connection: Connection, identities: Collection[int]
) -> list[tuple[int, int, int]]:
    """Two mentions of one work in one identity: its key and theirs, for each such pair."""
    one, other = aliased(Signature), aliased(Signature)
    mine, its = aliased(Membership), aliased(Membership)
    query = (
        select(mine.identity_key, one.key, other.key)
        .join(one, one.key == mine.signature_key)
        .join(other, (other.work_key == one.work_key) & (other.key > one.key))
        .join(
            its,
            (its.signature_key == other.key) & (its.identity_key == mine.identity_key),
        )
        .where(among(connection, mine.identity_key, identities))
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def insist(connection: Connection, links: Iterable[Link], problem: str, remedy: str) -> None:
    """Refuse what is published now if a link does not hold in it.

    Raises
    ------
    Conflict
        Naming the decisions.
    """
    held = list(links)
    ends = {end for link in held for end in (link.a, link.b)}
    query = select(Membership.signature_key, Membership.identity_key)
    rows = connection.execute(query.where(among(connection, Membership.signature_key, ends)))
    bad = broken(held, {row[0]: row[1] for row in rows})
    if not bad:
        return
    name = namer(connection, {end for link in bad[:NAMED] for end in (link.a, link.b)})
    said = [
        f"{name(link.a)} and {name(link.b)} {'must' if link.must else 'cannot'} be one person "
        f"({link.decision})"
        for link in bad[:NAMED]
    ]
    decisions = sorted({link.decision for link in bad})[:NAMED]
    raise Conflict(f"{problem}: {'; '.join(said)}", remedy, decisions=decisions)
