"""Must-links and cannot-links: transitive closure, contradictions and their description (pure).

"The same person" is transitive, also through a retired signature: a decision about three
signatures still binds two of them when a new version of a work drops the third.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from disambig.clustering.components import DisjointSets, find_shortest_path

N_REPRESENTATIVES = 3
"""Number of an identity's signatures that get must-links with signatures moved into it."""
MAX_CANNOT_LINKS = 500
"""Maximum signatures left behind that get a cannot-link to those moved away."""


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


class SignatureGroups(DisjointSets[int]):
    """Groups of signatures that must be one person."""

    def __init__(self, links: Iterable[Link] = ()) -> None:
        """Join the ends of the must-links among ``links``."""
        super().__init__()
        for link in links:
            if link.must:
                self.join(link.a, link.b)

    def group_signatures(self, signatures: Iterable[int]) -> dict[int, list[int]]:
        """Return signatures by the root of their group, ascending."""
        groups: dict[int, list[int]] = defaultdict(list)
        for signature in sorted(set(signatures)):
            groups[self.find_root(signature)].append(signature)
        return groups


def make_must_links(signatures: Sequence[int], decision: str) -> list[Link]:
    """Return the fewest must-links that state that all signatures are one person (a star)."""
    representative = signatures[0]
    return [
        Link(min(representative, k), max(representative, k), True, decision) for k in signatures[1:]
    ]


def make_cannot_link(a: int, b: int, decision: str) -> Link:
    """Return the cannot-link between two signatures."""
    return Link(min(a, b), max(a, b), False, decision)


def remove_retired(links: Sequence[Link], retired: Collection[int]) -> list[Link]:
    """Return equivalent links without retired signatures.

    Signatures that were linked through a retired one are linked directly; a cannot-link of a
    retired signature is transferred to another of its group.
    """
    retired_keys = set(retired)
    if not retired_keys:
        return list(links)
    groups, direct = SignatureGroups(links), SignatureGroups()
    current_links: list[Link] = []
    indirect_links: dict[int, Link] = {}
    for link in links:
        if link.must and not {link.a, link.b} & retired_keys:
            direct.join(link.a, link.b)
            current_links.append(link)
        elif link.must:
            indirect_links[groups.find_root(link.a)] = link
    ends = {end for link in links for end in (link.a, link.b)} - retired_keys
    members = groups.group_signatures(ends)
    for root, link in indirect_links.items():
        members_left = members.get(root, [])
        current_links += [
            replace(link, a=members_left[0], b=other)
            for other in members_left[1:]
            if direct.join(members_left[0], other)
        ]
    for link in links:
        if link.must:
            continue
        a, b = (
            end
            if end not in retired_keys
            else next(iter(members.get(groups.find_root(end), ())), None)
            for end in (link.a, link.b)
        )
        if a is not None and b is not None and a != b:
            current_links.append(replace(link, a=min(a, b), b=max(a, b)))
    return list(dict.fromkeys(current_links))


def find_contradictions(links: Sequence[Link]) -> list[Contradiction]:
    """Return cannot-links between one person's signatures, with a shortest chain of must-links."""
    groups = SignatureGroups(links)
    impossible_links = [
        link
        for link in links
        if not link.must and groups.find_root(link.a) == groups.find_root(link.b)
    ]
    if not impossible_links:
        return []
    neighbours: dict[int, list[int]] = defaultdict(list)
    link_between: dict[tuple[int, int], Link] = {}
    for link in links:
        if link.must:
            neighbours[link.a].append(link.b)
            neighbours[link.b].append(link.a)
            link_between.setdefault((min(link.a, link.b), max(link.a, link.b)), link)
    return [
        Contradiction(
            link, _make_chain(find_shortest_path(neighbours, link.a, link.b), link_between)
        )
        for link in impossible_links
    ]


def _make_chain(
    path: Sequence[int], link_between: Mapping[tuple[int, int], Link]
) -> tuple[Link, ...]:
    """Return the must-links along a path, with consecutive links of a decision as one step."""
    steps: list[Link] = []
    for a, b in pairwise(path):
        decision = link_between[min(a, b), max(a, b)].decision
        if steps and steps[-1].decision == decision:
            steps[-1] = replace(steps[-1], b=b)
        else:
            steps.append(Link(a, b, must=True, decision=decision))
    return tuple(steps)


def find_violated(links: Iterable[Link], identity: Mapping[int, int]) -> list[Link]:
    """Return links that published identities violate; unassigned signatures are ignored."""
    return [
        link
        for link in links
        if link.a in identity
        and link.b in identity
        and (identity[link.a] == identity[link.b]) != link.must
    ]
