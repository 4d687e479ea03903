"""Plan a publication: the membership of every signature that a proposal affects.

Signatures outside the proposal (newer than it, or of other blocks) keep their identity as long as
that continues. If it does not, they follow the majority of its signatures, those that stay
included; a signature with a must-link follows the signature that it is linked to. No signature
follows into an identity that has a signature of the same work. A proposed signature is not
published where another signature of its work remains that the proposal does not include: it
keeps its identity, or gets an identity of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection, select

from service.constraints.links import Link
from service.constraints.store import read_links_in_force, remove_retired_signatures
from service.db.bulk import is_in
from service.db.tables import Event, IdentityVersion, Move, Proposal, ProposalGroup, Signature
from service.events.history import RUN_PUBLISHED
from service.identities.continuity import match_identities
from service.identities.lifecycle import make_placeholder_key
from service.identities.store import ACTIVE, read_identities
from service.memberships.change import read_memberships
from service.memberships.effects import Membership
from service.memberships.followers import (
    _map_cannot_links,
    _on_works_of,
    drop_clashes,
    find_followers,
    read_members,
)


@dataclass(frozen=True)
class PublicationPlan:
    """Planned memberships by signature key, and the number of proposed signatures."""

    memberships: dict[int, Membership]
    n_proposed: int


@dataclass(frozen=True)
class SideEffects:
    """Changes that publishing makes beyond the proposal; dicts by signature key.

    Attributes
    ----------
    moves : dict of int to int
        New identity of signatures outside the proposal; omits those that stay.
    separations : dict of int to int
        Identity of proposed signatures that would share one with a signature of their work.
    identity_before : dict of int to int
        Identity before of all signatures outside the proposal, of the affected identities.
    """

    moves: dict[int, int]
    separations: dict[int, int]
    identity_before: dict[int, int]


def plan_publication(connection: Connection, run_key: int, run_id: str) -> PublicationPlan:
    """Plan the publication of a run, in a write that holds the event log."""
    rows = _proposal(connection, run_key)
    before = read_memberships(connection, rows)
    continues = _find_continued_identities(connection, run_key, run_id, rows)
    target = {signature: continues[cluster] for signature, (cluster, _) in rows.items()}
    inside = {s: place.identity for s, place in before.items()}
    found = side_effects(connection, inside, target, len(continues))
    found = _alone_as_before(connection, run_id, found, set(target.values()))
    places = {s: Membership(target[s], sure, "run", run_key) for s, (_, sure) in rows.items()}
    for signature, identity in found.separations.items():
        if inside.get(signature) == identity:
            places[signature] = before[signature]
        else:
            places[signature] = places[signature]._replace(identity=identity)
    staying = read_memberships(connection, found.moves)
    for signature, identity in found.moves.items():
        old = staying[signature]
        places[signature] = old._replace(identity=identity, since=None)
    return PublicationPlan(places, len(rows))


def side_effects(
    connection: Connection, inside: Mapping[int, int], target: Mapping[int, int], fresh: int
) -> SideEffects:
    """Compute where signatures outside a proposal go, and which proposed ones yield to them.

    Parameters
    ----------
    inside : mapping of int to int
        Identity before, by signature key, of the proposed signatures that have one.
    target : mapping of int to int
        Planned identity of each proposed signature.
    fresh : int
        First number that no new identity of ``target`` uses.
    """
    touched = set(inside.values()) | {key for key in target.values() if key >= 0}
    members = read_members(connection, touched)
    outside = {s: identity for s, identity in members.items() if s not in target}
    if not outside:
        return SideEffects({}, {}, {})
    links = remove_retired_signatures(connection, read_links_in_force(connection))
    binding = [link for link in links if {link.a, link.b} & outside.keys()]
    moved = find_followers(outside, inside, target, binding)
    moved = drop_clashes(connection, moved, {**target, **outside}, binding)
    apart = _apart(connection, {**outside, **moved}, inside, target, links, fresh)
    moved |= {s: apart.pop(s) for s in apart.keys() & outside.keys()}
    return SideEffects(moved, apart, outside)


def _apart(
    connection: Connection,
    outside: Mapping[int, int],
    inside: Mapping[int, int],
    target: Mapping[int, int],
    links: Sequence[Link],
    fresh: int,
) -> dict[int, int]:
    """Separate signatures of one work that would share an identity.

    The proposed signature returns to its identity, or gets a new one, unless a must-link holds it;
    if must-links hold both, both stay. ``outside`` maps the other signatures to their identity.
    """
    work_of = _on_works_of(connection, outside)
    on: dict[int, set[int]] = defaultdict(set)
    for signature, work in work_of.items():
        on[work].add(signature)
    there: dict[tuple[int, int], list[int]] = defaultdict(list)
    for signature, identity in outside.items():
        there[work_of[signature], identity].append(signature)
    bound = {end for link in links if link.must for end in (link.a, link.b)}
    barred = _map_cannot_links(links)
    found: dict[int, int] = {}
    for signature in sorted(work_of.keys() & target.keys()):
        met = there.get((work_of[signature], target[signature]), ())
        yielding = [signature] if signature not in bound else [s for s in met if s not in bound]
        for one in yielding if met else ():
            back = inside.get(one)
            others = (on[work_of[one]] | barred[one]) - {one}
            now = {found.get(s, target.get(s, outside.get(s))) for s in others}
            if back is None or back == target[signature] or back in now:
                back = make_placeholder_key(fresh)
                fresh += 1
            found[one] = back
    return found


def _proposal(connection: Connection, run_key: int) -> dict[int, tuple[int, float]]:
    """Read cluster and confidence of each current proposed signature, by signature key."""
    query = (
        select(Proposal.signature_key, Proposal.cluster, Proposal.confidence)
        .join(Signature, Signature.key == Proposal.signature_key)
        .where(Proposal.run_key == run_key, Signature.retired_version.is_(None))
        .order_by(Proposal.signature_key)
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _find_continued_identities(
    connection: Connection, run_key: int, run_id: str, rows: Mapping[int, tuple[int, float]]
) -> dict[int, int]:
    """Return the identity that each cluster continues, or a code for a new one."""
    stored = select(ProposalGroup.cluster, ProposalGroup.identity_key).where(
        ProposalGroup.run_key == run_key, ProposalGroup.identity_key.is_not(None)
    )
    found = {row[0]: row[1] for row in connection.execute(stored) if row[1] is not None}
    known = read_identities(connection, set(found.values()))
    found = {c: key for c, key in found.items() if known[key].status == ACTIVE}
    fresh = {s: c for s, (c, _) in rows.items() if c not in found}
    taken = set(found.values())
    again = _made_before(connection, run_id, fresh)
    found |= {c: key for c, key in again.items() if key not in taken}
    new = sorted({c for c in fresh.values() if c not in found})
    return found | {cluster: make_placeholder_key(k) for k, cluster in enumerate(new)}


def _alone_as_before(
    connection: Connection, run_id: str, found: SideEffects, taken: Collection[int]
) -> SideEffects:
    """Reuse ids of new identities that an earlier, rolled-back publication of the run created.

    ``used_keys`` are the identities of clusters.
    """
    new = {
        s: -identity
        for s, identity in (found.separations | found.moves).items()
        if identity < 0 and identity not in taken
    }
    again = _made_before(connection, run_id, new)
    back = {-code: key for code, key in again.items() if key not in taken}
    moved, apart = (
        {s: back.get(identity, identity) for s, identity in places.items()}
        for places in (found.moves, found.separations)
    )
    return replace(found, moves=moved, separations=apart)


def _made_before(connection: Connection, run_id: str, fresh: Mapping[int, int]) -> dict[int, int]:
    """Return keys that an earlier, rolled-back publication of the run gave to clusters."""
    events = select(Event.seq).where(Event.kind == RUN_PUBLISHED, Event.subject == run_id)
    seqs = list(connection.scalars(events.order_by(Event.seq)))
    if not seqs or not fresh:
        return {}
    query = select(IdentityVersion.identity_key, IdentityVersion.before).where(
        is_in(connection, IdentityVersion.event_seq, seqs)
    )
    made = {key for key, before in connection.execute(query) if before is None}
    rows = read_identities(connection, made)
    idle = {key for key, row in rows.items() if row.status != ACTIVE}
    moves = select(Move.signature_key, Move.to_identity).where(
        is_in(connection, Move.event_seq, seqs), is_in(connection, Move.to_identity, idle)
    )
    was = {row[0]: row[1] for row in connection.execute(moves.order_by(Move.event_seq))}
    both = [s for s in sorted(fresh) if s in was]
    columns = ([source[s] for s in both] for source in (was, fresh))
    old, new = (np.array(column, dtype=np.int64) for column in columns)
    return match_identities(old, new)
