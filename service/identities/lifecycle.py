"""Identity lifecycle: derive created, merged and split identities from moved mentions (pure).

An identity with mentions is active. An identity without mentions is *redirected* if all of them
moved to one other identity, and *split* if they moved to several or became unassigned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.events.log import ChangeEntry

UNASSIGNED = -1
"""In place of an identity key: the mention is in no identity."""


def make_placeholder_key(number: int) -> int:
    """Return a placeholder for the key of the ``number``-th new identity, counted from 0."""
    return -2 - number


@dataclass(frozen=True, slots=True)
class Flow:
    """Number of mentions that move from ``source`` to ``target``; either may be UNASSIGNED."""

    source: int
    target: int
    mentions: int


@dataclass(frozen=True, slots=True)
class SplitIdentity:
    """An identity whose mentions moved to ``children``, with counts; ``is_ended`` if all did."""

    key: int
    children: tuple[tuple[int, int], ...]
    is_ended: bool


@dataclass(frozen=True)
class LifecycleChanges:
    """Lifecycle changes of the identities that an event changes; keys ascending in each list.

    Attributes
    ----------
    created : list of int
        Identities that did not exist before.
    revived : list of int
        Identities that were redirected or split and have mentions again.
    kept : list of int
        Identities that stay active with other mentions than before.
    merged : list of (int, int, int)
        Redirected identity, its target, and the number of mentions that moved there.
    split : list of Parent
        Identities of which parts became new identities, or that ended without a single successor.
    moved : list of Flow
        Mentions that moved between two identities that both stay active.
    """

    created_keys: list[int]
    revived_keys: list[int]
    kept_keys: list[int]
    merges: list[tuple[int, int, int]]
    splits: list[SplitIdentity]
    moves: list[Flow]

    def to_change_entries(
        self, ids: Mapping[int, str], mentions: Mapping[int, int], *, restores: bool = False
    ) -> list[ChangeEntry]:
        """Return entries of the change feed, ordered so that an identity is created before its use.

        Entries ``create``, ``keep`` and ``restore`` give the number of mentions that the identity
        now has; the others give the number that left it and, in ``others``, their targets.

        Parameters
        ----------
        ids : mapping of int to str
            Public id of each key.
        mentions : mapping of int to int
            Number of mentions of each identity after the event.
        is_revert : bool
            Whether the event reverts an earlier one: ``keep`` entries become ``restore`` entries.
        """

        def other(key: int, n: int) -> dict[str, str | int]:
            return {"id": ids[key], "mentions": n}

        kept = "restore" if restores else "keep"
        found = [ChangeEntry("create", ids[key], mentions[key]) for key in self.created_keys]
        found += [ChangeEntry("restore", ids[key], mentions[key]) for key in self.revived_keys]
        found += [ChangeEntry(kept, ids[key], mentions.get(key, 0)) for key in self.kept_keys]
        found += [ChangeEntry("merge", ids[a], n, (other(b, n),)) for a, b, n in self.merges]
        for parent in self.splits:
            others = tuple(other(key, n) for key, n in parent.children)
            found.append(
                ChangeEntry("split", ids[parent.key], sum(n for _, n in parent.children), others)
            )
        found += [
            ChangeEntry("move", ids[f.source], f.mentions, (other(f.target, f.mentions),))
            for f in self.moves
        ]
        return found


def derive_lifecycle(
    flows: Iterable[Flow],
    left: Mapping[int, int],
    existed: Mapping[int, bool],
    settled: Mapping[int, int] | None = None,
    *,
    restores: bool = False,
) -> LifecycleChanges:
    """Derive the lifecycle changes of identities from the mentions that move between them.

    Parameters
    ----------
    flows : iterable of Flow
        Each pair of identities once, source and target distinct.
    left : mapping of int to int
        Number of mentions of each identity after the event; missing means none.
    was_active : mapping of int to bool
        For each identity that existed before, whether it was active.
    successors : mapping of int to int, optional
        Predetermined successors of identities without mentions; UNASSIGNED for no successor.
    is_revert : bool
        Whether an earlier event is reverted: a revived identity is then no child of a split.
    """
    out: dict[int, dict[int, int]] = defaultdict(dict)
    touched: set[int] = set(existed)
    for flow in flows:
        out[flow.source][flow.target] = flow.mentions
        touched |= {flow.source, flow.target}
    touched.discard(UNASSIGNED)
    flowing = {key for key in touched if key in out} | {k for to in out.values() for k in to}
    found = LifecycleChanges([], [], [], [], [], [])
    for key in sorted(touched):
        if left.get(key, 0):
            if key not in existed:
                found.created_keys.append(key)
            elif not existed[key]:
                found.revived_keys.append(key)
            elif key in flowing:
                found.kept_keys.append(key)
        if existed.get(key):
            went = {to: n for to, n in sorted(out.get(key, {}).items()) if to != UNASSIGNED}
            if left.get(key, 0):
                _add_continuing(found, key, went, existed, restores)
            else:
                _add_ended(found, key, went, settled or {})
    return found


def _add_continuing(
    changes: LifecycleChanges,
    key: int,
    went: Mapping[int, int],
    existed: Mapping[int, bool],
    restores: bool,
) -> None:
    """Add the moves and splits of an identity that keeps some of its mentions."""
    goes_on = {target: existed.get(target, False) or restores for target in went}
    parts = tuple((target, n) for target, n in went.items() if not goes_on[target])
    if parts:
        changes.splits.append(SplitIdentity(key, parts, is_ended=False))
    changes.moves.extend(Flow(key, target, n) for target, n in went.items() if goes_on[target])


def _add_ended(
    changes: LifecycleChanges, key: int, went: Mapping[int, int], settled: Mapping[int, int]
) -> None:
    """Add the merge or split of an identity that has no mentions left."""
    successor = settled.get(key, next(iter(went)) if len(went) == 1 else UNASSIGNED)
    if successor == UNASSIGNED:
        changes.splits.append(SplitIdentity(key, tuple(went.items()), is_ended=True))
    else:
        changes.merges.append((key, successor, sum(went.values())))
