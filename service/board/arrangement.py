"""Compute the identities and links that a wanted arrangement of mentions implies; pure.

A column lists mentions that shall be one person. Mentions that no column lists stay where they are:
with the column that goes on with their identity, or by themselves. Which ids go on is decided as
for a publication (:mod:`service.identities.continuity`): the fewest mentions change their identity.

The arrangement becomes links that bind later clusterings. Must-links join the mentions moved into
a column with a few that were there; with all of the column if it was confirmed as a whole, or if
a whole identity was merged into it. Cannot-links separate the edited columns from each other, and
moved mentions from those they left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from service.constraints.links import Link, make_must_links
from service.identities.lifecycle import UNASSIGNED, make_placeholder_key

ANCHORS = 3
"""Mentions that represent a column in must-links with mentions moved into it."""
WITNESSES = 500
"""Maximum mentions left behind that get a cannot-link to the moved ones."""


@dataclass(frozen=True, slots=True)
class Column:
    """Signature keys of one person, as requested.

    Attributes
    ----------
    mentions : tuple of int
    identity : int or None
        Key of the identity that the column continues, including its unlisted mentions.
    confirmed : bool
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
class Part:
    """An identity after the arrangement.

    Attributes
    ----------
    identity : int
        Key, or :func:`service.identities.lifecycle.make_placeholder_key` of a number.
    arrived, stayed : list of int
        Mentions moved here, and mentions that were here before; most confident first.
    confirmed : list of int
        Mentions stated to be one person.
    gives : bool
        Whether mentions of this identity move to another.
    merges : bool
        Whether a whole identity of more than one mention is merged into it.
    """

    identity: int
    arrived: list[int]
    stayed: list[int]
    confirmed: list[int]
    gives: bool
    merges: bool = False

    @property
    def edited(self) -> bool:
        """Whether the arrangement changes or confirms it."""
        return bool(self.arrived or self.confirmed or self.gives)

    @property
    def bound(self) -> list[int]:
        """Mentions that get must-links."""
        if self.confirmed:
            extra = [m for m in self.arrived if m not in set(self.confirmed)]
            return [*self.confirmed, *extra]
        if self.merges and not self.gives:  # as in a merge
            return [*self.stayed, *self.arrived]
        return [*self.stayed[:ANCHORS], *self.arrived] if self.arrived else []

    @property
    def hub(self) -> int:
        """The representative mention in cannot-links."""
        return (self.bound or self.stayed)[0]


@dataclass(frozen=True)
class Arrangement:
    """Result of an arrangement.

    Attributes
    ----------
    parts : list of Part
        Affected identities that have mentions afterwards.
    target : dict of int to int
        New identity by signature key.
    current : dict of int to int
        Previous identity by signature key; NOWHERE if unassigned.
    """

    parts: list[Part]
    target: dict[int, int]
    current: dict[int, int]

    @property
    def moves(self) -> dict[int, int]:
        """New identity of each mention that changes its identity."""
        return {m: to for m, to in self.target.items() if self.current[m] != to}

    @property
    def created(self) -> int:
        """Number of new identities."""
        return sum(1 for part in self.parts if part.identity < UNASSIGNED)

    @property
    def says_something(self) -> bool:
        """Whether any mention is moved or confirmed."""
        return any(part.edited for part in self.parts)

    def curated(self) -> dict[int, bool]:
        """Return a curated flag for every identity affected, including those that end."""
        on = {part.identity for part in self.parts if part.edited}
        on |= {self.current[m] for m in self.moves} - {UNASSIGNED}
        return dict.fromkeys(sorted(on), True)


@dataclass
class _Gathering:
    """Cluster of each mention while the arrangement is computed."""

    cluster: dict[int, int] = field(default_factory=dict)
    confirmed: set[int] = field(default_factory=set)


def compute_arrangement(
    columns: Sequence[Column],
    members: Mapping[int, Sequence[int]],
    confidence: Mapping[int, float],
    decided: Collection[int] = (),
) -> Arrangement:
    """Compute the identities that result from a wanted arrangement.

    Parameters
    ----------
    columns : sequence of Column
        Without duplicate mentions or identities.
    members : mapping of int to sequence of int
        All mentions of every identity that a column continues or takes mentions from.
    confidence : mapping of int to float
        Confidence by signature key; the most confident become representatives.
    decided : collection of int
        Mentions with links of curators.
    """
    current = {m: key for key, some in members.items() for m in some}
    gathered = _gathered(columns, members)
    for mention in gathered.cluster:
        current.setdefault(mention, UNASSIGNED)
    names = _names(gathered.cluster, current, decided)
    target = {m: names[c] for m, c in gathered.cluster.items()}
    order = sorted(target, key=lambda m: (-confidence.get(m, 0.0), m))
    inside: dict[int, list[int]] = defaultdict(list)
    for mention in order:
        inside[target[mention]].append(mention)
    gone = {current[m] for m, to in target.items() if current[m] != to}
    homes = {key: {target[m] for m in some} for key, some in members.items() if len(some) > 1}
    merging = {
        next(iter(home)) for key, home in homes.items() if len(home) == 1 and key not in home
    }
    parts = [
        Part(
            key,
            [m for m in inside[key] if current[m] != key],
            [m for m in inside[key] if current[m] == key],
            [m for m in inside[key] if m in gathered.confirmed],
            key in gone,
            key in merging,
        )
        for key in dict.fromkeys(names[c] for c in sorted(names))
    ]
    return Arrangement(parts, target, current)


def _gathered(columns: Sequence[Column], members: Mapping[int, Sequence[int]]) -> _Gathering:
    found = _Gathering()
    continues = {c.identity: k for k, c in enumerate(columns) if c.identity is not None}
    for k, column in enumerate(columns):
        found.cluster.update(dict.fromkeys(column.mentions, k))
        if column.is_confirmed:
            found.confirmed.update(column.mentions)
    for number, (key, some) in enumerate(sorted(members.items())):
        rest = continues.get(key, len(columns) + number)
        for mention in some:
            found.cluster.setdefault(mention, rest)
    return found


def _names(
    cluster: Mapping[int, int], current: Mapping[int, int], decided: Collection[int]
) -> dict[int, int]:
    """Return the identity that each cluster continues, or a new one."""
    import numpy as np

    from service.identities.continuity import match_identities

    order = sorted(cluster)
    confirmed = set(decided)
    found = match_identities(
        np.array([current[m] for m in order], dtype=np.int64),
        np.array([cluster[m] for m in order], dtype=np.int64),
        confirmed=np.array([m in confirmed for m in order], dtype=bool),
    )
    number = 0
    names = {}
    for c in sorted(set(cluster.values())):
        if c in found:
            names[c] = found[c]
        else:
            names[c] = make_placeholder_key(number)
            number += 1
    return names


def links_of(plan: Arrangement, decision: str, answers: Sequence[Sides] = ()) -> list[Link]:
    """Return the links that an arrangement states, without duplicate pairs.

    Parameters
    ----------
    plan : Arranged
    decision : str
        Id of the decision.
    answers : sequence of Sides
        Sides of the tasks it answers: sides in one identity get must-links, sides in two
        identities cannot-links.
    """
    edited = [part for part in plan.parts if part.edited]
    found = [
        link for part in edited if part.bound for link in make_must_links(part.bound, decision)
    ]
    for k, one in enumerate(edited):
        for other in edited[:k]:
            found.append(_cannot(one.hub, other.hub, decision))
            for near, far in ((one, other), (other, one)):
                if _took(plan, near, far.identity):
                    found += [_cannot(near.hub, m, decision) for m in far.stayed[:WITNESSES]]
    for sides in answers:
        found += _answer(plan, sides, decision)
    return list({(link.a, link.b): link for link in found}.values())


def _took(plan: Arrangement, part: Part, source: int) -> bool:
    return any(plan.current[m] == source for m in part.arrived)


def _answer(plan: Arrangement, sides: Sides, decision: str) -> list[Link]:
    left, right = (_by_home(plan, side) for side in (sides.left, sides.right))
    if left.keys() == right.keys() and len(left) == 1:
        return make_must_links(
            [m for side in (left, right) for some in side.values() for m in some], decision
        )
    if not left or not right or left.keys() & right.keys():
        return []
    return [
        link
        for some in left.values()
        for others in right.values()
        for link in _apart(some, others, decision)
    ]


def _by_home(plan: Arrangement, side: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for mention in side:
        if mention in plan.target:
            found[plan.target[mention]].append(mention)
    return found


def _apart(left: Sequence[int], right: Sequence[int], decision: str) -> list[Link]:
    near = [_cannot(left[0], m, decision) for m in right[:WITNESSES]]
    return near + [_cannot(m, right[0], decision) for m in left[1:WITNESSES]]


def _cannot(a: int, b: int, decision: str) -> Link:
    return Link(min(a, b), max(a, b), False, decision)
