"""Must-links and cannot-links of decisions in the database: read, store, check."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy import Connection, select
from sqlalchemy.orm import aliased

from disambig import domain
from service.constraints.links import Link, find_violated, remove_retired
from service.db.bulk import is_in
from service.db.database import insert_rows
from service.db.signatures import read_identity_keys, read_signatures
from service.db.tables import Decision, DecisionLink, Membership, Signature
from service.errors import Conflict

MAX_SHOWN = 20
"""Maximum number of decisions or mentions listed in a message."""


def read_links_in_force(connection: Connection) -> list[Link]:
    """Read all links of decisions that are in force."""
    query = select(DecisionLink.a_key, DecisionLink.b_key, DecisionLink.kind, Decision.id).join(
        Decision, Decision.key == DecisionLink.decision_key
    )
    query = query.where(Decision.undone_seq.is_(None))
    query = query.order_by(Decision.key, DecisionLink.a_key, DecisionLink.b_key)
    return [Link(a, b, kind == "must", d) for a, b, kind, d in connection.execute(query)]


def read_links_around(connection: Connection, signatures: Iterable[int]) -> list[Link]:
    """Read the links in force of all decisions connected with signatures by a chain of links."""
    decision_keys: set[int] = set()
    reached, frontier = set(signatures), set(signatures)
    links: list[Link] = []
    while frontier:
        ends = (DecisionLink.a_key, DecisionLink.b_key)
        new_decisions: set[int] = set()
        for end in ends:
            query = (
                select(DecisionLink.decision_key)
                .join(Decision, Decision.key == DecisionLink.decision_key)
                .where(Decision.undone_seq.is_(None), is_in(connection, end, frontier))
            )
            new_decisions.update(connection.scalars(query.distinct()))
        new_links = _read_links_of(connection, new_decisions - decision_keys)
        decision_keys |= new_decisions
        links += new_links
        frontier = {end for link in new_links for end in (link.a, link.b)} - reached
        reached |= frontier
    return links


def _read_links_of(connection: Connection, keys: Collection[int]) -> list[Link]:
    if not keys:
        return []
    query = select(DecisionLink.a_key, DecisionLink.b_key, DecisionLink.kind, Decision.id).join(
        Decision, Decision.key == DecisionLink.decision_key
    )
    query = query.where(is_in(connection, DecisionLink.decision_key, keys))
    return [Link(a, b, kind == "must", d) for a, b, kind, d in connection.execute(query)]


def add_links(connection: Connection, decision_key: int, links: Collection[Link]) -> None:
    """Store the links of a decision."""
    ends = {(link.a, link.b): "must" if link.must else "cannot" for link in links}
    columns = ("decision_key", "a_key", "b_key", "kind")
    rows = ((decision_key, *pair, kind) for pair, kind in ends.items())
    insert_rows(connection, DecisionLink, columns, rows)


def remove_retired_signatures(connection: Connection, links: Sequence[Link]) -> list[Link]:
    """Return equivalent links without retired signatures.

    See :func:`service.constraints.links.remove_retired`.
    """
    ends = {end for link in links for end in (link.a, link.b)}
    query = select(Signature.key).where(
        Signature.retired_version.is_not(None), is_in(connection, Signature.key, ends)
    )
    return remove_retired(links, set(connection.scalars(query)) if ends else set())


def read_constraints(
    connection: Connection, signatures: Collection[int] | None = None
) -> list[domain.Constraint]:
    """Read decisions in force as constraints on a clustering.

    Parameters
    ----------
    connection : Connection
    signatures : collection of int, optional
        Only constraints that a chain of links connects with these signature keys.
    """
    links = read_links_in_force(connection) if signatures is None else None
    links = remove_retired_signatures(
        connection, read_links_around(connection, signatures or ()) if links is None else links
    )
    signatures_by_key = read_signatures(
        connection, {end for link in links for end in (link.a, link.b)}
    )
    kind = {True: domain.ConstraintKind.MUST, False: domain.ConstraintKind.CANNOT}
    return [
        domain.Constraint(
            kind[link.must],
            signatures_by_key[link.a],
            signatures_by_key[link.b],
            f"decision {link.decision}",
        )
        for link in links
    ]


def make_namer(connection: Connection, signatures: Collection[int]) -> Callable[[int], str]:
    """Return a function that formats signature keys for messages: ``WORK:POSITION``."""
    signatures_by_key = read_signatures(connection, signatures)
    names = {key: f"{at.work[:80]}:{at.position}" for key, at in signatures_by_key.items()}
    return lambda key: names.get(key, f"mention {key}")


def find_same_work_pairs(
    connection: Connection, identities: Collection[int]
) -> list[tuple[int, int, int]]:
    """Find pairs of signatures of one work in one identity: its key and theirs."""
    first, second = aliased(Signature), aliased(Signature)
    first_membership, second_membership = aliased(Membership), aliased(Membership)
    query = (
        select(first_membership.identity_key, first.key, second.key)
        .join(first, first.key == first_membership.signature_key)
        .join(second, (second.work_key == first.work_key) & (second.key > first.key))
        .join(
            second_membership,
            (second_membership.signature_key == second.key)
            & (second_membership.identity_key == first_membership.identity_key),
        )
        .where(is_in(connection, first_membership.identity_key, identities))
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def require_links_hold(
    connection: Connection, links: Iterable[Link], problem: str, remedy: str
) -> None:
    """Check that published identities satisfy links.

    Raises
    ------
    Conflict
        If a link is violated; the error names the decisions.
    """
    all_links = list(links)
    ends = {end for link in all_links for end in (link.a, link.b)}
    violated = find_violated(all_links, read_identity_keys(connection, ends))
    if not violated:
        return
    name = make_namer(
        connection, {end for link in violated[:MAX_SHOWN] for end in (link.a, link.b)}
    )
    statements = [
        f"{name(link.a)} and {name(link.b)} {'must' if link.must else 'cannot'} be one person "
        f"({link.decision})"
        for link in violated[:MAX_SHOWN]
    ]
    decisions = sorted({link.decision for link in violated})[:MAX_SHOWN]
    raise Conflict(f"{problem}: {'; '.join(statements)}", remedy, decisions=decisions)
