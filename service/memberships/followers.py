"""Decide where signatures follow that a proposal or a request does not name.

A signature follows its must-links, else the majority of its identity, and never joins a signature
of the same work or one with a cannot-link.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection, select

from service.constraints.links import Link, SignatureGroups
from service.db import tables
from service.db.bulk import is_in
from service.db.tables import Signature
from service.identities.summary import FULL_SCAN_MIN_KEYS


def _read_work_keys(connection: Connection, signatures: Collection[int]) -> dict[int, int]:
    """Return the work key of these signatures and of all others on the same works."""
    works = select(Signature.work_key).where(is_in(connection, Signature.key, signatures))
    query = select(Signature.key, Signature.work_key).where(
        Signature.work_key.in_(works), Signature.retired_version.is_(None)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def map_cannot_links(links: Iterable[Link]) -> defaultdict[int, set[int]]:
    """Return the signatures that each signature has a direct cannot-link with."""
    cannot_links: defaultdict[int, set[int]] = defaultdict(set)
    for link in links:
        if not link.must:
            cannot_links[link.a].add(link.b)
            cannot_links[link.b].add(link.a)
    return cannot_links


def find_followers(
    outside: Mapping[int, int],
    identity_before: Mapping[int, int],
    target: Mapping[int, int],
    links: Collection[Link],
    *,
    leaving: Collection[int] | None = None,
) -> dict[int, int]:
    """Compute where unmentioned signatures follow to; omit those that stay.

    Parameters
    ----------
    outside : mapping of int to int
        Identity of each of these signatures, by signature key.
    identity_before, target : mapping of int to int
        Identity before and after of the signatures that a proposal or request names.
    links : collection of Link
        Decisions; a signature follows one that it has a must-link with.
    leaving : collection of int, optional
        Identities to empty if any of their signatures has a target.
    """
    targets_of: dict[int, Counter[int]] = defaultdict(Counter)
    for signature, identity in identity_before.items():
        if signature in target:
            targets_of[identity][target[signature]] += 1
    staying = Counter(outside.values())
    destination: dict[int, int] = {}
    for identity, n in staying.items():
        if identity in targets_of and identity not in targets_of[identity]:
            to, most = min(targets_of[identity].items(), key=lambda part: (-part[1], abs(part[0])))
            if most > n or (leaving is not None and identity in leaving):
                destination[identity] = to
    if leaving is None:
        # an identity that a cluster continues stays, even without signatures of its own
        destination = {
            key: to for key, to in destination.items() if key not in set(target.values())
        }
    moves = {s: destination[identity] for s, identity in outside.items() if identity in destination}
    groups = SignatureGroups(links)
    must_target = {
        groups.find_root(end): target[end]
        for link in links
        if link.must
        for end in (link.a, link.b)
        if end in target
    }
    for signature, identity in outside.items():
        required = must_target.get(groups.find_root(signature))
        if required == identity:
            moves.pop(signature, None)
        elif required is not None:
            moves[signature] = required
    return moves


def drop_clashes(
    connection: Connection,
    moves: Mapping[int, int],
    target: Mapping[int, int],
    links: Sequence[Link],
) -> dict[int, int]:
    """Drop moves that would join a signature of the same work, or one with a cannot-link."""
    if not moves:
        return {}
    must_linked = {s for link in links if link.must for s in (link.a, link.b)}
    cannot_links = map_cannot_links(links)
    work_of = _read_work_keys(connection, moves)
    signatures_of_work: dict[int, list[int]] = defaultdict(list)
    for signature, work in work_of.items():
        signatures_of_work[work].append(signature)
    kept_moves: dict[int, int] = {}
    for signature in sorted(moves):
        to = moves[signature]
        others = {
            s for s in signatures_of_work[work_of[signature]] if s != signature
        } | cannot_links[signature]
        occupied = {kept_moves.get(s, target.get(s)) for s in others}
        if signature in must_linked or to not in occupied:
            kept_moves[signature] = to
    return kept_moves


def read_members(connection: Connection, identities: Collection[int]) -> dict[int, int]:
    """Return the identity of every signature of some identities, by signature key."""
    query = select(tables.Membership.signature_key, tables.Membership.identity_key)
    if len(identities) < FULL_SCAN_MIN_KEYS:
        query = query.where(is_in(connection, tables.Membership.identity_key, identities))
        return {row[0]: row[1] for row in connection.execute(query)}
    return {row[0]: row[1] for row in connection.execute(query) if row[1] in identities}
