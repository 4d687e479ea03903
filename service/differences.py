"""What publishing a proposal would change, decided on arrays: the same rules as for publishing.

One line tells one thing that a person would want to look at: an identity that is new, that goes
into another, that comes apart, that gives mentions away or gains some, one that would have
different ORCID iDs, or mentions that somebody decided about and that would be elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from service.consequences import NOWHERE, Flow, consequences, new_identity

Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

KINDS = ("conflict", "decision", "merge", "split", "move", "create", "grow")
MOST = 10_000
"""Lines of one kind that are kept, the largest; the totals count all."""


@dataclass(frozen=True, slots=True)
class Line:
    """One change. Keys at or below -2 are of new identities (see ``new_identity``).

    Attributes
    ----------
    kind : str
        One of :data:`KINDS`.
    key : int
        The identity it is about.
    mentions : int
        How many change, or are in a new identity.
    others : tuple of (int, int)
        Where they go, or for a new identity nothing; of a conflict, where they come from.
    stays : int
        Mentions that the identity has afterwards.
    orcids : tuple of (str, int)
        Of a conflict: the iDs, with the mentions of each.
    """

    kind: str
    key: int
    mentions: int
    others: tuple[tuple[int, int], ...] = ()
    stays: int = 0
    orcids: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Difference:
    """All lines, conflicts first, then ranked by mentions; and totals by name."""

    lines: list[Line]
    totals: dict[str, int] = field(default_factory=dict)


def targets(cluster: Int64, continues: dict[int, int]) -> Int64:
    """Where each mention goes: the identity its cluster continues, or a new one; int64[N]."""
    last = int(cluster.max(initial=-1)) + 1
    to = np.array([new_identity(c) for c in range(last)], dtype=np.int64)
    for number, key in continues.items():
        to[number] = key
    return to[cluster]


def difference(
    identity: Int64,
    target: Int64,
    decided: Bool,
    size: dict[int, int],
    conflicts: Sequence[Line] = (),
) -> Difference:
    """What changes if mentions go from one identity to another.

    Parameters
    ----------
    identity, target : int64[N]
        Keys before and after; negative before for mentions that are nowhere.
    decided : bool[N]
        Whether a person decided about the mention.
    size : dict of int to int
        All mentions of each identity before, those outside of the proposal too.
    conflicts : sequence of Line
        Told as well.
    """
    before = np.where(identity < 0, NOWHERE, identity)
    flows = _flows(before, target)
    moving = [f for f in flows if f.source != f.target]
    left = dict(size)
    for flow in moving:
        left[flow.target] = left.get(flow.target, 0) + flow.mentions
        if flow.source != NOWHERE:
            left[flow.source] -= flow.mentions
    found = consequences(moving, left, dict.fromkeys(size, True))
    parts = {key for parent in found.split for key, _ in parent.children}
    lines = [*conflicts, *(Line("merge", a, n, ((b, n),)) for a, b, n in found.merged)]
    lines += [
        Line("split", p.key, sum(n for _, n in p.children), p.children, left.get(p.key, 0))
        for p in found.split
    ]
    lines += [
        Line("move", f.source, f.mentions, ((f.target, f.mentions),), left[f.source])
        for f in found.moved
    ]
    created = [key for key in found.created if key not in parts]
    lines += [Line("create", key, left[key], (), left[key]) for key in created]
    lines += [
        Line("grow", f.target, f.mentions, (), left[f.target])
        for f in moving
        if f.source == NOWHERE and f.target >= 0
    ]
    lines += _decided(before[decided], target[decided], left)
    totals = {
        "created": len(found.created),
        "merged": len(found.merged),
        "split": len(found.split),
        "moves": len(found.moved),
        "kept": len(found.kept),
        "grown": sum(line.kind == "grow" for line in lines),
        "decisions": sum(line.kind == "decision" for line in lines),
        "conflicts": len(conflicts),
        "mentions": len(target),
        "mentions_new": sum(f.mentions for f in moving if f.source == NOWHERE),
        "mentions_moved": sum(f.mentions for f in moving if f.source != NOWHERE),
        "identities": sum(n > 0 for n in left.values()),
    }
    return Difference(_ranked(lines), totals)


def _flows(before: Int64, after: Int64) -> list[Flow]:
    """Mentions by where they are and where they go."""
    order = np.lexsort((after, before))
    a, b = before[order], after[order]
    first = np.ones(len(a), dtype=bool)
    first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    start = np.flatnonzero(first)
    count = np.diff(start, append=len(a))
    rows = zip(a[start].tolist(), b[start].tolist(), count.tolist(), strict=True)
    return [Flow(source, target, n) for source, target, n in rows]


def _decided(before: Int64, after: Int64, left: dict[int, int]) -> list[Line]:
    """Mentions that people decided about and that change identity, by where they were."""
    to: dict[int, list[tuple[int, int]]] = {}
    for flow in _flows(before, after):
        if flow.source not in (NOWHERE, flow.target):
            to.setdefault(flow.source, []).append((flow.target, flow.mentions))
    return [
        Line("decision", key, sum(n for _, n in parts), tuple(parts), left.get(key, 0))
        for key, parts in to.items()
    ]


def _ranked(lines: Sequence[Line]) -> list[Line]:
    """The largest lines of each kind together, conflicts first, then the largest first."""
    order = {kind: k for k, kind in enumerate(KINDS)}
    ranked = sorted(
        lines,
        key=lambda line: (line.kind != "conflict", -line.mentions, order[line.kind], line.key),
    )
    kept, seen = [], dict.fromkeys(KINDS, 0)
    for line in ranked:
        if seen[line.kind] < MOST:
            seen[line.kind] += 1
            kept.append(line)
    return kept
