"""What people decided about pairs of mentions: closed, checked for contradictions, told in words.

"The same person" is transitive, also through a mention that is no more: a decision about three
mentions still binds two of them when a new version of a work drops the third.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Link:
    """Two signatures, by key, that ``decision`` says must be, or cannot be, one person."""

    a: int
    b: int
    must: bool
    decision: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A link that cannot hold, and the musts that lead from one of its ends to the other."""

    cannot: Link
    chain: tuple[Link, ...]

    def words(self, name: Callable[[int], str]) -> str:
        """The chain in words; ``name`` tells what to call a signature."""
        steps = [
            f"{name(link.a)} and {name(link.b)} are the same person ({link.decision})"
            for link in self.chain
        ]
        ends = f"{name(self.cannot.a)} and {name(self.cannot.b)}"
        return f"{', '.join(steps)}, but {ends} are different persons ({self.cannot.decision})"

    @property
    def decisions(self) -> list[str]:
        """Ids of the decisions in it, each once."""
        return sorted({self.cannot.decision, *(link.decision for link in self.chain)})

    @property
    def signatures(self) -> list[int]:
        """The signatures along the chain."""
        return list(dict.fromkeys(k for link in self.chain for k in (link.a, link.b)))


class Groups:
    """Signatures that must be one person, as they are joined (union-find)."""

    def __init__(self, links: Iterable[Link] = ()) -> None:
        """Begin with the musts among ``links``."""
        self._parent: dict[int, int] = {}
        for link in links:
            if link.must:
                self.join(link.a, link.b)

    def of(self, signature: int) -> int:
        """What stands for the group of a signature: its lowest member."""
        root = signature
        while (above := self._parent.get(root, root)) != root:
            root = above
        while (above := self._parent.get(signature, root)) != root:
            self._parent[signature] = root
            signature = above
        return root

    def join(self, a: int, b: int) -> bool:
        """Make one group of two; False if they are one already."""
        low, high = sorted((self.of(a), self.of(b)))
        self._parent[high] = self._parent[low] = low
        return low != high

    def members(self, signatures: Iterable[int]) -> dict[int, list[int]]:
        """Some signatures by group, ascending."""
        found: dict[int, list[int]] = defaultdict(list)
        for signature in sorted(set(signatures)):
            found[self.of(signature)].append(signature)
        return found


def star(signatures: Sequence[int], decision: str) -> list[Link]:
    """Musts that make one person of signatures, as few as possible."""
    hub = signatures[0]
    return [Link(min(hub, k), max(hub, k), True, decision) for k in signatures[1:]]


def living(links: Sequence[Link], retired: Collection[int]) -> list[Link]:
    """The same statements without signatures that are no more.

    What was joined through one of these is joined directly, and what was ruled out for one is
    ruled out for another of its group.
    """
    gone = set(retired)
    if not gone:
        return list(links)
    groups, direct = Groups(links), Groups()
    kept: list[Link] = []
    lost: dict[int, Link] = {}
    for link in links:
        if link.must and not {link.a, link.b} & gone:
            direct.join(link.a, link.b)
            kept.append(link)
        elif link.must:
            lost[groups.of(link.a)] = link
    ends = {end for link in links for end in (link.a, link.b)} - gone
    members = groups.members(ends)
    for root, link in lost.items():
        alive = members.get(root, [])
        kept += [
            replace(link, a=alive[0], b=other)
            for other in alive[1:]
            if direct.join(alive[0], other)
        ]
    for link in links:
        if link.must:
            continue
        a, b = (
            end if end not in gone else next(iter(members.get(groups.of(end), ())), None)
            for end in (link.a, link.b)
        )
        if a is not None and b is not None and a != b:
            kept.append(replace(link, a=min(a, b), b=max(a, b)))
    return list(dict.fromkeys(kept))


def contradictions(links: Sequence[Link]) -> list[Contradiction]:
    """Cannot-links whose ends must be one person, each with a shortest chain of musts."""
    groups = Groups(links)
    bad = [link for link in links if not link.must and groups.of(link.a) == groups.of(link.b)]
    if not bad:
        return []
    near: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        if link.must:
            near[link.a].append(link)
            near[link.b].append(link)
    return [Contradiction(link, _chain(near, link.a, link.b)) for link in bad]


def _chain(near: Mapping[int, list[Link]], start: int, end: int) -> tuple[Link, ...]:
    """Shortest way from one signature to another, one step for each decision on it."""
    came: dict[int, tuple[int, Link] | None] = {start: None}
    waiting = deque([start])
    while waiting and end not in came:
        here = waiting.popleft()
        for link in near[here]:
            there = link.b if link.a == here else link.a
            if there not in came:
                came[there] = (here, link)
                waiting.append(there)
    steps: list[Link] = []
    here = end
    while (step := came[here]) is not None:
        before, link = step
        if steps and steps[-1].decision == link.decision:
            steps[-1] = replace(steps[-1], a=before)
        else:
            steps.append(Link(before, here, must=True, decision=link.decision))
        here = before
    return tuple(reversed(steps))


def broken(links: Iterable[Link], identity: Mapping[int, int]) -> list[Link]:
    """Links that published identities do not obey; mentions that are in none do not count."""
    return [
        link
        for link in links
        if link.a in identity
        and link.b in identity
        and (identity[link.a] == identity[link.b]) != link.must
    ]
