"""Compute the identities and links that a requested arrangement of mentions implies; pure.

A column lists the mentions of one person. Unlisted mentions keep their identity: they stay with the
column that continues it, or else with each other. As in a publication
(:mod:`service.identities.continuity`), ids are continued so that the fewest mentions change their
identity.

The arrangement is stored as links that bind later clusterings. Must-links join the mentions moved
into a column with a few that were already there; with all of the column if it was confirmed as a
whole, or if a whole identity was merged into it. Cannot-links separate the edited columns from each
other, and moved mentions from those that they left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from service.constraints.links import (
    MAX_CANNOT_LINKS,
    N_REPRESENTATIVES,
    Link,
    make_cannot_link,
    make_must_links,
)
from service.identities.lifecycle import UNASSIGNED, make_placeholder_key


@dataclass(frozen=True, slots=True)
class ArrangedColumn:
    """Signature keys of one person, as requested.

    Attributes
    ----------
    mentions : tuple of int
    identity : int or None
        Key of the identity that the column continues, including its unlisted mentions.
    is_confirmed : bool
        Whether all ``mentions`` are stated to be one person, not only the moved ones.
    """

    mentions: tuple[int, ...]
    identity: int | None = None
    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Sides:
    """The two sides of a task that asks whether they are one person."""

    left: tuple[int, ...]
    right: tuple[int, ...]


@dataclass(frozen=True)
class ArrangedIdentity:
    """An identity after the arrangement.

    Attributes
    ----------
    key : int
        Key, or :func:`service.identities.lifecycle.make_placeholder_key` of a number.
    incoming, remaining : list of int
        Mentions moved here, and mentions that were here before; most confident first.
    confirmed_members : list of int
        Mentions stated to be one person.
    loses_members : bool
        Whether mentions of this identity move to another.
    absorbs_identity : bool
        Whether a whole identity of more than one mention is merged into it.
    """

    key: int
    incoming: list[int]
    remaining: list[int]
    confirmed_members: list[int]
    loses_members: bool
    absorbs_identity: bool = False

    @property
    def is_edited(self) -> bool:
        """Whether the arrangement changes or confirms it."""
        return bool(self.incoming or self.confirmed_members or self.loses_members)

    @property
    def linked_members(self) -> list[int]:
        """Mentions that get must-links."""
        if self.confirmed_members:
            unconfirmed = [m for m in self.incoming if m not in set(self.confirmed_members)]
            return [*self.confirmed_members, *unconfirmed]
        if self.absorbs_identity and not self.loses_members:  # as in a merge
            return [*self.remaining, *self.incoming]
        return [*self.remaining[:N_REPRESENTATIVES], *self.incoming] if self.incoming else []

    @property
    def representative(self) -> int:
        """The representative mention in cannot-links."""
        return (self.linked_members or self.remaining)[0]


@dataclass(frozen=True)
class Arrangement:
    """Result of an arrangement.

    Attributes
    ----------
    identities : list of ArrangedIdentity
        Affected identities that have mentions afterwards.
    target : dict of int to int
        New identity by signature key.
    current : dict of int to int
        Previous identity by signature key; UNASSIGNED if none.
    """

    identities: list[ArrangedIdentity]
    target: dict[int, int]
    current: dict[int, int]

    @property
    def moves(self) -> dict[int, int]:
        """New identity of each mention that changes its identity."""
        return {m: to for m, to in self.target.items() if self.current[m] != to}

    @property
    def n_created(self) -> int:
        """Number of new identities."""
        return sum(1 for identity in self.identities if identity.key < UNASSIGNED)

    def curated_flags(self) -> dict[int, bool]:
        """Return a curated flag for every identity affected, including those that end."""
        affected_keys = {identity.key for identity in self.identities if identity.is_edited}
        affected_keys |= {self.current[m] for m in self.moves} - {UNASSIGNED}
        return dict.fromkeys(sorted(affected_keys), True)


@dataclass
class _Clusters:
    """Cluster of each mention while the arrangement is computed."""

    cluster_of: dict[int, int] = field(default_factory=dict)
    confirmed_members: set[int] = field(default_factory=set)


def compute_arrangement(
    columns: Sequence[ArrangedColumn],
    members: Mapping[int, Sequence[int]],
    confidence: Mapping[int, float],
    decided_members: Collection[int] = (),
) -> Arrangement:
    """Compute the identities that result from a requested arrangement.

    Parameters
    ----------
    columns : sequence of Column
        Without duplicate mentions or identities.
    members : mapping of int to sequence of int
        All mentions of every identity that a column continues or takes mentions from.
    confidence : mapping of int to float
        Confidence by signature key; the most confident become representatives.
    decided_members : collection of int
        Mentions with links of curators.
    """
    current = {m: key for key, mentions in members.items() for m in mentions}
    clusters = _assign_clusters(columns, members)
    for mention in clusters.cluster_of:
        current.setdefault(mention, UNASSIGNED)
    identity_of_cluster = _match_identities(clusters.cluster_of, current, decided_members)
    target = {m: identity_of_cluster[c] for m, c in clusters.cluster_of.items()}
    order = sorted(target, key=lambda m: (-confidence.get(m, 0.0), m))
    members_of: dict[int, list[int]] = defaultdict(list)
    for mention in order:
        members_of[target[mention]].append(mention)
    losing_keys = {current[m] for m, to in target.items() if current[m] != to}
    targets_of = {
        key: {target[m] for m in mentions} for key, mentions in members.items() if len(mentions) > 1
    }
    absorbing_keys = {
        next(iter(targets))
        for key, targets in targets_of.items()
        if len(targets) == 1 and key not in targets
    }
    identities = [
        ArrangedIdentity(
            key,
            [m for m in members_of[key] if current[m] != key],
            [m for m in members_of[key] if current[m] == key],
            [m for m in members_of[key] if m in clusters.confirmed_members],
            key in losing_keys,
            key in absorbing_keys,
        )
        for key in dict.fromkeys(identity_of_cluster[c] for c in sorted(identity_of_cluster))
    ]
    return Arrangement(identities, target, current)


def _assign_clusters(
    columns: Sequence[ArrangedColumn], members: Mapping[int, Sequence[int]]
) -> _Clusters:
    clusters = _Clusters()
    column_of_identity = {c.identity: k for k, c in enumerate(columns) if c.identity is not None}
    for k, column in enumerate(columns):
        clusters.cluster_of.update(dict.fromkeys(column.mentions, k))
        if column.is_confirmed:
            clusters.confirmed_members.update(column.mentions)
    for number, (key, mentions) in enumerate(sorted(members.items())):
        default_cluster = column_of_identity.get(key, len(columns) + number)
        for mention in mentions:
            clusters.cluster_of.setdefault(mention, default_cluster)
    return clusters


def _match_identities(
    cluster: Mapping[int, int], current: Mapping[int, int], decided_members: Collection[int]
) -> dict[int, int]:
    """Return the identity that each cluster continues, or a new one."""
    import numpy as np

    from service.identities.continuity import match_identities

    order = sorted(cluster)
    confirmed_members = set(decided_members)
    continued_identity = match_identities(
        np.array([current[m] for m in order], dtype=np.int64),
        np.array([cluster[m] for m in order], dtype=np.int64),
        confirmed=np.array([m in confirmed_members for m in order], dtype=bool),
    )
    number = 0
    identity_of_cluster = {}
    for c in sorted(set(cluster.values())):
        if c in continued_identity:
            identity_of_cluster[c] = continued_identity[c]
        else:
            identity_of_cluster[c] = make_placeholder_key(number)
            number += 1
    return identity_of_cluster


def build_links(
    arrangement: Arrangement, decision: str, answers: Sequence[Sides] = ()
) -> list[Link]:
    """Return the links that an arrangement states, without duplicate pairs.

    Parameters
    ----------
    arrangement : Arrangement
    decision : str
        Id of the decision.
    answers : sequence of Sides
        Sides of the tasks it answers: sides in one identity get must-links, sides in two
        identities cannot-links.
    """
    edited_identities = [identity for identity in arrangement.identities if identity.is_edited]
    links = [
        link
        for identity in edited_identities
        if identity.linked_members
        for link in make_must_links(identity.linked_members, decision)
    ]
    for k, identity in enumerate(edited_identities):
        for other in edited_identities[:k]:
            links.append(make_cannot_link(identity.representative, other.representative, decision))
            for near, far in ((identity, other), (other, identity)):
                if _has_taken_from(arrangement, near, far.key):
                    links += [
                        make_cannot_link(near.representative, m, decision)
                        for m in far.remaining[:MAX_CANNOT_LINKS]
                    ]
    for sides in answers:
        links += _link_answer(arrangement, sides, decision)
    return list({(link.a, link.b): link for link in links}.values())


def _has_taken_from(arrangement: Arrangement, identity: ArrangedIdentity, source: int) -> bool:
    return any(arrangement.current[m] == source for m in identity.incoming)


def _link_answer(arrangement: Arrangement, sides: Sides, decision: str) -> list[Link]:
    left, right = (_group_by_target(arrangement, side) for side in (sides.left, sides.right))
    if left.keys() == right.keys() and len(left) == 1:
        return make_must_links(
            [m for side in (left, right) for mentions in side.values() for m in mentions], decision
        )
    if not left or not right or left.keys() & right.keys():
        return []
    return [
        link
        for mentions in left.values()
        for others in right.values()
        for link in _link_apart(mentions, others, decision)
    ]


def _group_by_target(arrangement: Arrangement, side: Sequence[int]) -> dict[int, list[int]]:
    mentions_by_target: dict[int, list[int]] = defaultdict(list)
    for mention in side:
        if mention in arrangement.target:
            mentions_by_target[arrangement.target[mention]].append(mention)
    return mentions_by_target


def _link_apart(left: Sequence[int], right: Sequence[int], decision: str) -> list[Link]:
    cannot_links = [make_cannot_link(left[0], m, decision) for m in right[:MAX_CANNOT_LINKS]]
    return cannot_links + [
        make_cannot_link(m, right[0], decision) for m in left[1:MAX_CANNOT_LINKS]
    ]
