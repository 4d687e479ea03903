"""What decisions say about mentions that are to be placed: where they must be, where never."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from service.database import in_batches
from service.sets import among
from service.tables import Decision, DecisionLink, Membership

MOST = 20_000
"""Mentions of one chain of decisions that are followed."""


@dataclass(frozen=True, slots=True)
class Bond:
    """Keys of the identities that a mention must be of, and of those it cannot be of."""

    must: frozenset[int] = frozenset()
    cannot: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Link:
    """A link between two mentions; ``must`` or else cannot."""

    a: int
    b: int
    must: bool


FREE = Bond()


def bonds_of(connection: Connection, signatures: Collection[int]) -> dict[int, Bond]:
    """What active decisions say of each mention; those they say nothing of are left out."""
    links = _links_around(connection, signatures)
    if not links:
        return {}
    ends = {end for link in links for end in (link.a, link.b)}
    query = select(Membership.signature_key, Membership.identity_key).where(
        among(connection, Membership.signature_key, ends)
    )
    identity = {row[0]: row[1] for row in connection.execute(query)}
    return bonds(signatures, links, identity)


def bonds(
    signatures: Iterable[int], links: Iterable[Link], identity: Mapping[int, int]
) -> dict[int, Bond]:
    """The same from links and the identities of placed mentions.

    Must-links are followed; a cannot-link of any mention on the way counts, and it bars the
    identities of all that the other end must be one with.
    """
    must: dict[int, set[int]] = defaultdict(set)
    cannot: dict[int, set[int]] = defaultdict(set)
    for link in links:
        way = must if link.must else cannot
        way[link.a].add(link.b)
        way[link.b].add(link.a)
    found = {}
    for signature in signatures:
        mine = _reached({signature}, must)
        others = _reached({far for near in mine for far in cannot.get(near, ())}, must)
        bound = frozenset(identity[m] for m in mine if m in identity and m != signature)
        barred = frozenset(identity[m] for m in others if m in identity)
        if bound or barred:
            found[signature] = Bond(bound, barred)
    return found


def _reached(start: set[int], ways: Mapping[int, set[int]]) -> set[int]:
    found, waiting = set(start), list(start)
    while waiting:
        for other in ways.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _links_around(connection: Connection, signatures: Collection[int]) -> set[Link]:
    """Active links of mentions, and of all that these links lead to."""
    links: set[Link] = set()
    known, waiting = set(signatures), set(signatures)
    while waiting and len(known) < MOST:
        seen: set[int] = set()
        for some in in_batches(sorted(waiting)):
            query = (
                select(DecisionLink.a_key, DecisionLink.b_key, DecisionLink.kind)
                .join(Decision, Decision.key == DecisionLink.decision_key)
                .where(
                    Decision.undone_seq.is_(None),
                    or_(DecisionLink.a_key.in_(some), DecisionLink.b_key.in_(some)),
                )
            )
            for a, b, kind in connection.execute(query):
                links.add(Link(a, b, kind == "must"))
                seen |= {a, b}
        waiting = seen - known
        known |= seen
    return links
