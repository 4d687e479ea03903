"""Where publishing a proposal would put every mention that it bears on: the plan.

Mentions that a proposal does not speak of (newer than it, or of other blocks) stay in their
identity as long as that goes on. Where it does not, they go where most of it goes, staying being
one of the choices; a mention that a decision binds to another follows that one. None follows
into an identity that has a mention of its work already. Nor is a mention published where another
of its work stays that the proposal does not speak of: it stays itself, or is alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection, select

from service.consequences import new_identity
from service.facts import MANY
from service.identity_rows import ACTIVE, identity_rows
from service.link_rows import links_in_force, without_retired
from service.links import Groups, Link
from service.matching import match
from service.memberships import Place, placed_at
from service.sets import among
from service.standing import PUBLISHED
from service.tables import (
    Event,
    IdentityVersion,
    Membership,
    Move,
    Proposal,
    ProposalGroup,
    Signature,
)


@dataclass(frozen=True)
class Plan:
    """Where mentions shall be, by signature key, and how many of them the proposal spoke of."""

    places: dict[int, Place]
    proposed: int


@dataclass(frozen=True)
class Beside:
    """What publishing a proposal does beside what the proposal says.

    Attributes
    ----------
    moved : dict of int to int
        Where mentions go that it does not speak of; those that stay are left out.
    apart : dict of int to int
        Where proposed mentions go that would be with one of their own work otherwise.
    outside : dict of int to int
        Identity, before, of every mention that it does not speak of, of the identities that it
        bears on.
    """

    moved: dict[int, int]
    apart: dict[int, int]
    outside: dict[int, int]


def plan_of(connection: Connection, run_key: int, run_id: str) -> Plan:
    """The plan of publishing a run, in a write that holds the ledger."""
    rows = _proposal(connection, run_key)
    before = placed_at(connection, rows)
    continues = _continued(connection, run_key, run_id, rows)
    target = {signature: continues[cluster] for signature, (cluster, _) in rows.items()}
    inside = {s: place.identity for s, place in before.items()}
    found = beside(connection, inside, target, len(continues))
    found = _alone_as_before(connection, run_id, found, set(target.values()))
    places = {s: Place(target[s], sure, "run", run_key) for s, (_, sure) in rows.items()}
    for signature, identity in found.apart.items():
        if inside.get(signature) == identity:
            places[signature] = before[signature]
        else:
            places[signature] = places[signature]._replace(identity=identity)
    staying = placed_at(connection, found.moved)
    for signature, identity in found.moved.items():
        old = staying[signature]
        places[signature] = old._replace(identity=identity, since=None)
    return Plan(places, len(rows))


def beside(
    connection: Connection, inside: Mapping[int, int], target: Mapping[int, int], fresh: int
) -> Beside:
    """What becomes of mentions that a proposal does not speak of, and what yields to them.

    Parameters
    ----------
    inside : mapping of int to int
        Identity before, by signature key, of the proposed mentions that are in one.
    target : mapping of int to int
        Identity that each proposed mention shall be in.
    fresh : int
        Number that no new identity of ``target`` has, nor any number above.
    """
    touched = set(inside.values()) | {key for key in target.values() if key >= 0}
    members = members_of(connection, touched)
    outside = {s: identity for s, identity in members.items() if s not in target}
    if not outside:
        return Beside({}, {}, {})
    links = without_retired(connection, links_in_force(connection))
    binding = [link for link in links if {link.a, link.b} & outside.keys()]
    moved = followers(outside, inside, target, binding)
    moved = without_clashes(connection, moved, {**target, **outside}, binding)
    apart = _apart(connection, {**outside, **moved}, inside, target, links, fresh)
    moved |= {s: apart.pop(s) for s in apart.keys() & outside.keys()}
    return Beside(moved, apart, outside)


def _apart(
    connection: Connection,
    outside: Mapping[int, int],
    inside: Mapping[int, int],
    target: Mapping[int, int],
    links: Sequence[Link],
    fresh: int,
) -> dict[int, int]:
    """Where mentions go that cannot be with another of their work: back, or into one of their own.

    The proposed one yields, unless a decision put it there; who are bound by decisions both stay.
    ``outside`` tells where the others will be.
    """
    work_of = _on_works_of(connection, outside)
    on: dict[int, set[int]] = defaultdict(set)
    for signature, work in work_of.items():
        on[work].add(signature)
    there: dict[tuple[int, int], list[int]] = defaultdict(list)
    for signature, identity in outside.items():
        there[work_of[signature], identity].append(signature)
    bound = {end for link in links if link.must for end in (link.a, link.b)}
    barred = _barred(links)
    found: dict[int, int] = {}
    for signature in sorted(work_of.keys() & target.keys()):
        met = there.get((work_of[signature], target[signature]), ())
        yielding = [signature] if signature not in bound else [s for s in met if s not in bound]
        for one in yielding if met else ():
            back = inside.get(one)
            others = (on[work_of[one]] | barred[one]) - {one}
            now = {found.get(s, target.get(s, outside.get(s))) for s in others}
            if back is None or back == target[signature] or back in now:
                back = new_identity(fresh)
                fresh += 1
            found[one] = back
    return found


def _on_works_of(connection: Connection, signatures: Collection[int]) -> dict[int, int]:
    """Key of the work of these mentions and of all others on the same works."""
    works = select(Signature.work_key).where(among(connection, Signature.key, signatures))
    query = select(Signature.key, Signature.work_key).where(
        Signature.work_key.in_(works), Signature.retired_version.is_(None)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _barred(links: Iterable[Link]) -> defaultdict[int, set[int]]:
    """Mentions that each mention cannot be with, by decisions about just these two."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for link in links:
        if not link.must:
            found[link.a].add(link.b)
            found[link.b].add(link.a)
    return found


def followers(
    outside: Mapping[int, int],
    inside: Mapping[int, int],
    target: Mapping[int, int],
    links: Collection[Link],
    *,
    leaving: Collection[int] | None = None,
) -> dict[int, int]:
    """Where mentions go that nothing was said about; those that stay are left out.

    Parameters
    ----------
    outside : mapping of int to int
        Identity of each of these mentions, by signature key.
    inside, target : mapping of int to int
        Identity, before and after, of the mentions that something was said about.
    links : collection of Link
        Decisions; a mention goes where one that it must be with goes.
    leaving : collection of int, optional
        Identities that shall not stay if any of their mentions has somewhere to go.
    """
    parts: dict[int, Counter[int]] = defaultdict(Counter)
    for signature, identity in inside.items():
        if signature in target:
            parts[identity][target[signature]] += 1
    staying = Counter(outside.values())
    way: dict[int, int] = {}
    for identity, n in staying.items():
        if identity in parts and identity not in parts[identity]:
            to, most = min(parts[identity].items(), key=lambda part: (-part[1], abs(part[0])))
            if most > n or (leaving is not None and identity in leaving):
                way[identity] = to
    if leaving is None:
        # an identity that a cluster continues goes on, though none of its own may be in it
        way = {key: to for key, to in way.items() if key not in set(target.values())}
    found = {s: way[identity] for s, identity in outside.items() if identity in way}
    groups = Groups(links)
    bound = {
        groups.of(end): target[end]
        for link in links
        if link.must
        for end in (link.a, link.b)
        if end in target
    }
    for signature, identity in outside.items():
        wanted = bound.get(groups.of(signature))
        if wanted == identity:
            found.pop(signature, None)
        elif wanted is not None:
            found[signature] = wanted
    return found


def without_clashes(
    connection: Connection,
    moved: Mapping[int, int],
    target: Mapping[int, int],
    links: Sequence[Link],
) -> dict[int, int]:
    """Without mentions that would meet one of their own work, or one they cannot be with."""
    if not moved:
        return {}
    must = {s for link in links if link.must for s in (link.a, link.b)}
    barred = _barred(links)
    work_of = _on_works_of(connection, moved)
    on: dict[int, list[int]] = defaultdict(list)
    for signature, work in work_of.items():
        on[work].append(signature)
    found: dict[int, int] = {}
    for signature in sorted(moved):
        to = moved[signature]
        others = {s for s in on[work_of[signature]] if s != signature} | barred[signature]
        now = {found.get(s, target.get(s)) for s in others}
        if signature in must or to not in now:
            found[signature] = to
    return found


def _proposal(connection: Connection, run_key: int) -> dict[int, tuple[int, float]]:
    """Cluster and confidence of each proposed mention that still is, by signature key."""
    query = (
        select(Proposal.signature_key, Proposal.cluster, Proposal.confidence)
        .join(Signature, Signature.key == Proposal.signature_key)
        .where(Proposal.run_key == run_key, Signature.retired_version.is_(None))
        .order_by(Proposal.signature_key)
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def members_of(connection: Connection, identities: Collection[int]) -> dict[int, int]:
    """Identity of every mention of some identities, by signature key."""
    query = select(Membership.signature_key, Membership.identity_key)
    if len(identities) < MANY:
        query = query.where(among(connection, Membership.identity_key, identities))
        return {row[0]: row[1] for row in connection.execute(query)}
    return {row[0]: row[1] for row in connection.execute(query) if row[1] in identities}


def _continued(
    connection: Connection, run_key: int, run_id: str, rows: Mapping[int, tuple[int, float]]
) -> dict[int, int]:
    """The identity that each cluster is published under, or which new one."""
    stored = select(ProposalGroup.cluster, ProposalGroup.identity_key).where(
        ProposalGroup.run_key == run_key, ProposalGroup.identity_key.is_not(None)
    )
    found = {row[0]: row[1] for row in connection.execute(stored) if row[1] is not None}
    known = identity_rows(connection, set(found.values()))
    found = {c: key for c, key in found.items() if known[key].status == ACTIVE}
    fresh = {s: c for s, (c, _) in rows.items() if c not in found}
    taken = set(found.values())
    again = _made_before(connection, run_id, fresh)
    found |= {c: key for c, key in again.items() if key not in taken}
    new = sorted({c for c in fresh.values() if c not in found})
    return found | {cluster: new_identity(k) for k, cluster in enumerate(new)}


def _alone_as_before(
    connection: Connection, run_id: str, found: Beside, taken: Collection[int]
) -> Beside:
    """The same, mentions that are put into an identity of their own under the id that an earlier,
    rolled-back publication of the run gave them; ``taken`` are the identities of clusters.
    """
    new = {
        s: -identity
        for s, identity in (found.apart | found.moved).items()
        if identity < 0 and identity not in taken
    }
    again = _made_before(connection, run_id, new)
    back = {-code: key for code, key in again.items() if key not in taken}
    moved, apart = (
        {s: back.get(identity, identity) for s, identity in places.items()}
        for places in (found.moved, found.apart)
    )
    return replace(found, moved=moved, apart=apart)


def _made_before(connection: Connection, run_id: str, fresh: Mapping[int, int]) -> dict[int, int]:
    """Ids that an earlier, rolled-back publication of the run gave to clusters."""
    events = select(Event.seq).where(Event.kind == PUBLISHED, Event.subject == run_id)
    seqs = list(connection.scalars(events.order_by(Event.seq)))
    if not seqs or not fresh:
        return {}
    query = select(IdentityVersion.identity_key, IdentityVersion.before).where(
        among(connection, IdentityVersion.event_seq, seqs)
    )
    made = {key for key, before in connection.execute(query) if before is None}
    rows = identity_rows(connection, made)
    idle = {key for key, row in rows.items() if row.status != ACTIVE}
    moves = select(Move.signature_key, Move.to_identity).where(
        among(connection, Move.event_seq, seqs), among(connection, Move.to_identity, idle)
    )
    was = {row[0]: row[1] for row in connection.execute(moves.order_by(Move.event_seq))}
    both = [s for s in sorted(fresh) if s in was]
    columns = ([source[s] for s in both] for source in (was, fresh))
    old, new = (np.array(column, dtype=np.int64) for column in columns)
    return match(old, new)
