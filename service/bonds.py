"""What decisions say about mentions that are to be placed: where they must be, where never."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from service.link_rows import read_links_around, remove_retired_signatures
from service.links import Link
from service.sets import is_in
from service.tables import Membership


@dataclass(frozen=True, slots=True)
class Bond:
    """Keys of the identities that a mention must be of, and of those it cannot be of."""

    must: frozenset[int] = frozenset()
    cannot: frozenset[int] = frozenset()


FREE = Bond()


def bonds_of(connection: Connection, signatures: Collection[int]) -> dict[int, Bond]:
    """What active decisions say of each mention; those they say nothing of are left out."""
    links = remove_retired_signatures(connection, read_links_around(connection, signatures))
    if not links:
        return {}
    ends = {end for link in links for end in (link.a, link.b)}
    query = select(Membership.signature_key, Membership.identity_key).where(
        is_in(connection, Membership.signature_key, ends)
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
