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
    _read_work_keys,
    drop_clashes,
    find_followers,
    map_cannot_links,
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
    proposed = _read_proposal(connection, run_key)
    old_memberships = read_memberships(connection, proposed)
    identity_of_cluster = _find_continued_identities(connection, run_key, run_id, proposed)
    target = {
        signature: identity_of_cluster[cluster] for signature, (cluster, _) in proposed.items()
    }
    identity_before = {s: membership.identity for s, membership in old_memberships.items()}
    effects = side_effects(connection, identity_before, target, len(identity_of_cluster))
    effects = _reuse_singleton_ids(connection, run_id, effects, set(target.values()))
    memberships = {
        s: Membership(target[s], confidence, "run", run_key)
        for s, (_, confidence) in proposed.items()
    }
    for signature, identity in effects.separations.items():
        if identity_before.get(signature) == identity:
            memberships[signature] = old_memberships[signature]
        else:
            memberships[signature] = memberships[signature]._replace(identity=identity)
    followers_before = read_memberships(connection, effects.moves)
    for signature, identity in effects.moves.items():
        old = followers_before[signature]
        memberships[signature] = old._replace(identity=identity, since=None)
    return PublicationPlan(memberships, len(proposed))


def side_effects(
    connection: Connection,
    identity_before: Mapping[int, int],
    target: Mapping[int, int],
    first_new: int,
) -> SideEffects:
    """Compute where signatures outside a proposal go, and which proposed ones yield to them.

    Parameters
    ----------
    identity_before : mapping of int to int
        Identity before, by signature key, of the proposed signatures that have one.
    target : mapping of int to int
        Planned identity of each proposed signature.
    first_new : int
        First number that no new identity of ``target`` uses.
    """
    affected = set(identity_before.values()) | {key for key in target.values() if key >= 0}
    members = read_members(connection, affected)
    outside = {s: identity for s, identity in members.items() if s not in target}
    if not outside:
        return SideEffects({}, {}, {})
    links = remove_retired_signatures(connection, read_links_in_force(connection))
    binding = [link for link in links if {link.a, link.b} & outside.keys()]
    moves = find_followers(outside, identity_before, target, binding)
    moves = drop_clashes(connection, moves, {**target, **outside}, binding)
    separations = _separate_works(
        connection, {**outside, **moves}, identity_before, target, links, first_new
    )
    moves |= {s: separations.pop(s) for s in separations.keys() & outside.keys()}
    return SideEffects(moves, separations, outside)


def _separate_works(
    connection: Connection,
    outside: Mapping[int, int],
    identity_before: Mapping[int, int],
    target: Mapping[int, int],
    links: Sequence[Link],
    first_new: int,
) -> dict[int, int]:
    """Separate signatures of one work that would share an identity.

    The proposed signature returns to its identity, or gets a new one, unless a must-link holds it;
    if must-links hold both, both stay. ``outside`` maps the other signatures to their identity.
    """
    work_of = _read_work_keys(connection, outside)
    signatures_of_work: dict[int, set[int]] = defaultdict(set)
    for signature, work in work_of.items():
        signatures_of_work[work].add(signature)
    signatures_at: dict[tuple[int, int], list[int]] = defaultdict(list)
    for signature, identity in outside.items():
        signatures_at[work_of[signature], identity].append(signature)
    must_linked = {end for link in links if link.must for end in (link.a, link.b)}
    cannot_links = map_cannot_links(links)
    separations: dict[int, int] = {}
    for signature in sorted(work_of.keys() & target.keys()):
        conflicting = signatures_at.get((work_of[signature], target[signature]), ())
        yielding = (
            [signature]
            if signature not in must_linked
            else [s for s in conflicting if s not in must_linked]
        )
        for yielding_key in yielding if conflicting else ():
            destination = identity_before.get(yielding_key)
            others = (signatures_of_work[work_of[yielding_key]] | cannot_links[yielding_key]) - {
                yielding_key
            }
            occupied = {separations.get(s, target.get(s, outside.get(s))) for s in others}
            if destination is None or destination == target[signature] or destination in occupied:
                destination = make_placeholder_key(first_new)
                first_new += 1
            separations[yielding_key] = destination
    return separations


def _read_proposal(connection: Connection, run_key: int) -> dict[int, tuple[int, float]]:
    """Read cluster and confidence of each current proposed signature, by signature key."""
    query = (
        select(Proposal.signature_key, Proposal.cluster, Proposal.confidence)
        .join(Signature, Signature.key == Proposal.signature_key)
        .where(Proposal.run_key == run_key, Signature.retired_version.is_(None))
        .order_by(Proposal.signature_key)
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _find_continued_identities(
    connection: Connection, run_key: int, run_id: str, proposed: Mapping[int, tuple[int, float]]
) -> dict[int, int]:
    """Return the identity that each cluster continues, or a code for a new one."""
    stored = select(ProposalGroup.cluster, ProposalGroup.identity_key).where(
        ProposalGroup.run_key == run_key, ProposalGroup.identity_key.is_not(None)
    )
    identity_of_cluster = {
        row[0]: row[1] for row in connection.execute(stored) if row[1] is not None
    }
    identities = read_identities(connection, set(identity_of_cluster.values()))
    identity_of_cluster = {
        c: key for c, key in identity_of_cluster.items() if identities[key].status == ACTIVE
    }
    unmatched = {s: c for s, (c, _) in proposed.items() if c not in identity_of_cluster}
    used_keys = set(identity_of_cluster.values())
    earlier_ids = _find_earlier_ids(connection, run_id, unmatched)
    identity_of_cluster |= {c: key for c, key in earlier_ids.items() if key not in used_keys}
    new_clusters = sorted({c for c in unmatched.values() if c not in identity_of_cluster})
    return identity_of_cluster | {
        cluster: make_placeholder_key(k) for k, cluster in enumerate(new_clusters)
    }


def _reuse_singleton_ids(
    connection: Connection, run_id: str, effects: SideEffects, used_keys: Collection[int]
) -> SideEffects:
    """Reuse ids of new identities that an earlier, rolled-back publication of the run created.

    ``used_keys`` are the identities of clusters.
    """
    new_codes = {
        s: -identity
        for s, identity in (effects.separations | effects.moves).items()
        if identity < 0 and identity not in used_keys
    }
    earlier_ids = _find_earlier_ids(connection, run_id, new_codes)
    reused = {-code: key for code, key in earlier_ids.items() if key not in used_keys}
    moves, separations = (
        {s: reused.get(identity, identity) for s, identity in targets.items()}
        for targets in (effects.moves, effects.separations)
    )
    return replace(effects, moves=moves, separations=separations)


def _find_earlier_ids(
    connection: Connection, run_id: str, cluster_of: Mapping[int, int]
) -> dict[int, int]:
    """Return keys that an earlier, rolled-back publication of the run gave to clusters."""
    events = select(Event.seq).where(Event.kind == RUN_PUBLISHED, Event.subject == run_id)
    seqs = list(connection.scalars(events.order_by(Event.seq)))
    if not seqs or not cluster_of:
        return {}
    query = select(IdentityVersion.identity_key, IdentityVersion.before).where(
        is_in(connection, IdentityVersion.event_seq, seqs)
    )
    created_keys = {key for key, before in connection.execute(query) if before is None}
    rows = read_identities(connection, created_keys)
    inactive = {key for key, row in rows.items() if row.status != ACTIVE}
    moves = select(Move.signature_key, Move.to_identity).where(
        is_in(connection, Move.event_seq, seqs), is_in(connection, Move.to_identity, inactive)
    )
    earlier_identity = {
        row[0]: row[1] for row in connection.execute(moves.order_by(Move.event_seq))
    }
    common = [s for s in sorted(cluster_of) if s in earlier_identity]
    columns = ([source[s] for s in common] for source in (earlier_identity, cluster_of))
    old, new = (np.array(column, dtype=np.int64) for column in columns)
    return match_identities(old, new)
