"""What mentions that change identity mean for the identities: pure decisions on counts.

An identity that still has mentions is active. One that has none left is *redirected* if all of
them went to one other, and *split* if they went to several or nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.ledger import Told

NOWHERE = -1
"""In place of an identity's key: the mention is in none."""


def new_identity(number: int) -> int:
    """Stands for the key of an identity that is yet to be made; numbers count from 0."""
    return -2 - number


@dataclass(frozen=True, slots=True)
class Flow:
    """``mentions`` that leave the identity ``source`` for ``target``; either may be NOWHERE."""

    source: int
    target: int
    mentions: int


@dataclass(frozen=True, slots=True)
class Parent:
    """An identity from which mentions went to ``children``, with how many; ``ends`` if all did."""

    key: int
    children: tuple[tuple[int, int], ...]
    ends: bool


@dataclass(frozen=True)
class Consequences:
    """What becomes of the identities that an event touches; keys ascending in each list.

    Attributes
    ----------
    created : list of int
        Identities that did not exist before.
    revived : list of int
        Identities that were redirected or split and have mentions again.
    kept : list of int
        Identities that go on with other mentions than before.
    merged : list of (int, int, int)
        Redirected identity, where to, and how many mentions went there.
    split : list of Parent
        Identities parts of which became identities of their own, or of which nothing is left
        that has one successor.
    moved : list of Flow
        Mentions that went from one identity to another, where both go on.
    """

    created: list[int]
    revived: list[int]
    kept: list[int]
    merged: list[tuple[int, int, int]]
    split: list[Parent]
    moved: list[Flow]

    def told(
        self, ids: Mapping[int, str], mentions: Mapping[int, int], *, restores: bool = False
    ) -> list[Told]:
        """Entries of the feed, in an order in which every identity is told of before it is used.

        ``create``, ``keep`` and ``restore`` tell how many mentions the identity now has, the
        others how many left it and, in ``others``, where to.

        Parameters
        ----------
        ids : mapping of int to str
            Public id of each key.
        mentions : mapping of int to int
            Mentions that each identity has afterwards.
        restores : bool
            Whether the event takes back an earlier one: what goes on is told as ``restore``.
        """

        def other(key: int, n: int) -> dict[str, str | int]:
            return {"id": ids[key], "mentions": n}

        kept = "restore" if restores else "keep"
        found = [Told("create", ids[key], mentions[key]) for key in self.created]
        found += [Told("restore", ids[key], mentions[key]) for key in self.revived]
        found += [Told(kept, ids[key], mentions.get(key, 0)) for key in self.kept]
        found += [Told("merge", ids[a], n, (other(b, n),)) for a, b, n in self.merged]
        for parent in self.split:
            others = tuple(other(key, n) for key, n in parent.children)
            found.append(Told("split", ids[parent.key], sum(n for _, n in parent.children), others))
        found += [
            Told("move", ids[f.source], f.mentions, (other(f.target, f.mentions),))
            for f in self.moved
        ]
        return found


def consequences(
    flows: Iterable[Flow],
    left: Mapping[int, int],
    existed: Mapping[int, bool],
    settled: Mapping[int, int] | None = None,
    *,
    restores: bool = False,
) -> Consequences:
    """What becomes of the identities between which mentions flow.

    Parameters
    ----------
    flows : iterable of Flow
        Each pair of identities once, source and target distinct.
    left : mapping of int to int
        Mentions that each identity has afterwards; missing means none.
    existed : mapping of int to bool
        For each identity that existed before, whether it was active.
    settled : mapping of int to int, optional
        Identities without mentions whose successor is settled already, with it; NOWHERE for one
        that is to have none.
    restores : bool
        Whether an earlier event is taken back: what comes to life again is no part of another.
    """
    out: dict[int, dict[int, int]] = defaultdict(dict)
    touched: set[int] = set(existed)
    for flow in flows:
        out[flow.source][flow.target] = flow.mentions
        touched |= {flow.source, flow.target}
    touched.discard(NOWHERE)
    flowing = {key for key in touched if key in out} | {k for to in out.values() for k in to}
    found = Consequences([], [], [], [], [], [])
    for key in sorted(touched):
        if left.get(key, 0):
            if key not in existed:
                found.created.append(key)
            elif not existed[key]:
                found.revived.append(key)
            elif key in flowing:
                found.kept.append(key)
        if existed.get(key):
            went = {to: n for to, n in sorted(out.get(key, {}).items()) if to != NOWHERE}
            if left.get(key, 0):
                _going_on(found, key, went, existed, restores)
            else:
                _ending(found, key, went, settled or {})
    return found


def _going_on(
    found: Consequences,
    key: int,
    went: Mapping[int, int],
    existed: Mapping[int, bool],
    restores: bool,
) -> None:
    """Add what an identity that keeps some of its mentions gave to others."""
    goes_on = {target: existed.get(target, False) or restores for target in went}
    parts = tuple((target, n) for target, n in went.items() if not goes_on[target])
    if parts:
        found.split.append(Parent(key, parts, ends=False))
    found.moved.extend(Flow(key, target, n) for target, n in went.items() if goes_on[target])


def _ending(
    found: Consequences, key: int, went: Mapping[int, int], settled: Mapping[int, int]
) -> None:
    """Add what becomes of an identity that has no mentions left."""
    successor = settled.get(key, next(iter(went)) if len(went) == 1 else NOWHERE)
    if successor == NOWHERE:
        found.split.append(Parent(key, tuple(went.items()), ends=True))
    else:
        found.merged.append((key, successor, sum(went.values())))
