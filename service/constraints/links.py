"""Must-links and cannot-links: transitive closure, contradictions and their description (pure).

"The same person" is transitive, also through a retired signature: a decision about three
signatures still binds two of them when a new version of a work drops the third.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Link:
    """A must-link or cannot-link between two signature keys, stated by ``decision``."""

    a: int
    b: int
    must: bool
    decision: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A cannot-link that must-links contradict, and the chain of these between its ends."""

    cannot: Link
    chain: tuple[Link, ...]

    def describe(self, name: Callable[[int], str]) -> str:
        """Describe the chain for a message; ``name`` returns the text for a signature."""
        steps = [
            f"{name(link.a)} and {name(link.b)} are the same person ({link.decision})"
            for link in self.chain
        ]
        ends = f"{name(self.cannot.a)} and {name(self.cannot.b)}"
        return f"{', '.join(steps)}, but {ends} are different persons ({self.cannot.decision})"

    @property
    def decisions(self) -> list[str]:
        """Ids of the decisions involved, each once."""
        return sorted({self.cannot.decision, *(link.decision for link in self.chain)})

    @property
    def signatures(self) -> list[int]:
        """Signatures along the chain."""
        return list(dict.fromkeys(k for link in self.chain for k in (link.a, link.b)))


class SignatureGroups:
    """Groups of signatures that must be one person (union-find)."""

    def __init__(self, links: Iterable[Link] = ()) -> None:
        """Join the ends of the must-links among ``links``."""
        self._parent: dict[int, int] = {}
        for link in links:
            if link.must:
                self.join(link.a, link.b)

    def find_root(self, signature: int) -> int:
        """Return the root of a signature's group: its lowest member."""
        root = signature
        while (above := self._parent.get(root, root)) != root:
            root = above
        while (above := self._parent.get(signature, root)) != root:
            self._parent[signature] = root
            signature = above
        return root

    def join(self, a: int, b: int) -> bool:
        """Join the groups of two signatures; return False if they are already one group."""
        low, high = sorted((self.find_root(a), self.find_root(b)))
        self._parent[high] = self._parent[low] = low
        return low != high

    def group_signatures(self, signatures: Iterable[int]) -> dict[int, list[int]]:
        """Return signatures by the root of their group, ascending."""
        groups: dict[int, list[int]] = defaultdict(list)
        for signature in sorted(set(signatures)):
            groups[self.find_root(signature)].append(signature)
        return groups


def make_must_links(signatures: Sequence[int], decision: str) -> list[Link]:
    """Return the fewest must-links that state that all signatures are one person (a star)."""
    hub = signatures[0]
    return [Link(min(hub, k), max(hub, k), True, decision) for k in signatures[1:]]


def remove_retired(links: Sequence[Link], retired: Collection[int]) -> list[Link]:
    """Return equivalent links without retired signatures.

    Signatures that were linked through a retired one are linked directly; a cannot-link of a
    retired signature is transferred to another of its group.
    """
    gone = set(retired)
    if not gone:
        return list(links)
    groups, direct = SignatureGroups(links), SignatureGroups()
    current_links: list[Link] = []
    lost: dict[int, Link] = {}
    for link in links:
        if link.must and not {link.a, link.b} & gone:
            direct.join(link.a, link.b)
            current_links.append(link)
        elif link.must:
            lost[groups.find_root(link.a)] = link
    ends = {end for link in links for end in (link.a, link.b)} - gone
    members = groups.group_signatures(ends)
    for root, link in lost.items():
        alive = members.get(root, [])
        current_links += [
            replace(link, a=alive[0], b=other)
            for other in alive[1:]
            if direct.join(alive[0], other)
        ]
    for link in links:
        if link.must:
            continue
        a, b = (
            end if end not in gone else next(iter(members.get(groups.find_root(end), ())), None)
            for end in (link.a, link.b)
        )
        if a is not None and b is not None and a != b:
            current_links.append(replace(link, a=min(a, b), b=max(a, b)))
    return list(dict.fromkeys(current_links))


def find_contradictions(links: Sequence[Link]) -> list[Contradiction]:
    """Return cannot-links between one person's signatures, with a shortest chain of must-links."""
    groups = SignatureGroups(links)
    bad = [
        link
        for link in links
        if not link.must and groups.find_root(link.a) == groups.find_root(link.b)
    ]
    if not bad:
        return []
    near: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        if link.must:
            near[link.a].append(link)
            near[link.b].append(link)
    return [Contradiction(link, _find_shortest_chain(near, link.a, link.b)) for link in bad]


def _find_shortest_chain(near: Mapping[int, list[Link]], start: int, end: int) -> tuple[Link, ...]:
    """Return a shortest path of must-links, with consecutive links of a decision as one step."""
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


def find_violated(links: Iterable[Link], identity: Mapping[int, int]) -> list[Link]:
    """Return links that published identities violate; unassigned signatures are ignored."""
    return [
        link
        for link in links
        if link.a in identity
        and link.b in identity
        and (identity[link.a] == identity[link.b]) != link.must
    ]
