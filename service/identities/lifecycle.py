"""Identity lifecycle: derive created, merged and split identities from moved mentions (pure).

An identity with mentions is active. An identity without mentions is *redirected* if all of them
moved to one other identity, and *split* if they moved to several or became unassigned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.events.log import NewChange

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
    created_keys : list of int
        Identities that did not exist before.
    revived_keys : list of int
        Identities that were redirected or split and have mentions again.
    kept_keys : list of int
        Identities that stay active with other mentions than before.
    merges : list of (int, int, int)
        Redirected identity, its target, and the number of mentions that moved there.
    splits : list of SplitIdentity
        Identities of which parts became new identities, or that ended without a single successor.
    moves : list of Flow
        Mentions that moved between two identities that both stay active.
    """

    created_keys: list[int]
    revived_keys: list[int]
    kept_keys: list[int]
    merges: list[tuple[int, int, int]]
    splits: list[SplitIdentity]
    moves: list[Flow]

    def to_change_entries(
        self, ids: Mapping[int, str], mentions: Mapping[int, int], *, is_revert: bool = False
    ) -> list[NewChange]:
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

        def make_reference(key: int, n: int) -> dict[str, str | int]:
            return {"id": ids[key], "mentions": n}

        kept_kind = "restore" if is_revert else "keep"
        changes = [NewChange("create", ids[key], mentions[key]) for key in self.created_keys]
        changes += [NewChange("restore", ids[key], mentions[key]) for key in self.revived_keys]
        changes += [NewChange(kept_kind, ids[key], mentions.get(key, 0)) for key in self.kept_keys]
        changes += [
            NewChange("merge", ids[a], n, (make_reference(b, n),)) for a, b, n in self.merges
        ]
        for parent in self.splits:
            others = tuple(make_reference(key, n) for key, n in parent.children)
            changes.append(
                NewChange("split", ids[parent.key], sum(n for _, n in parent.children), others)
            )
        changes += [
            NewChange("move", ids[f.source], f.mentions, (make_reference(f.target, f.mentions),))
            for f in self.moves
        ]
        return changes


def derive_lifecycle(
    flows: Iterable[Flow],
    n_remaining: Mapping[int, int],
    was_active: Mapping[int, bool],
    successors: Mapping[int, int] | None = None,
    *,
    is_revert: bool = False,
) -> LifecycleChanges:
    """Derive the lifecycle changes of identities from the mentions that move between them.

    Parameters
    ----------
    flows : iterable of Flow
        Each pair of identities once, source and target distinct.
    n_remaining : mapping of int to int
        Number of mentions of each identity after the event; missing means none.
    was_active : mapping of int to bool
        For each identity that existed before, whether it was active.
    successors : mapping of int to int, optional
        Predetermined successors of identities without mentions; UNASSIGNED for no successor.
    is_revert : bool
        Whether an earlier event is reverted: a revived identity is then no child of a split.
    """
    outflows: dict[int, dict[int, int]] = defaultdict(dict)
    keys: set[int] = set(was_active)
    for flow in flows:
        outflows[flow.source][flow.target] = flow.mentions
        keys |= {flow.source, flow.target}
    keys.discard(UNASSIGNED)
    flow_keys = {key for key in keys if key in outflows} | {
        k for to in outflows.values() for k in to
    }
    changes = LifecycleChanges([], [], [], [], [], [])
    for key in sorted(keys):
        if n_remaining.get(key, 0):
            if key not in was_active:
                changes.created_keys.append(key)
            elif not was_active[key]:
                changes.revived_keys.append(key)
            elif key in flow_keys:
                changes.kept_keys.append(key)
        if was_active.get(key):
            targets = {to: n for to, n in sorted(outflows.get(key, {}).items()) if to != UNASSIGNED}
            if n_remaining.get(key, 0):
                _add_continuing(changes, key, targets, was_active, is_revert)
            else:
                _add_ended(changes, key, targets, successors or {})
    return changes


def _add_continuing(
    changes: LifecycleChanges,
    key: int,
    targets: Mapping[int, int],
    was_active: Mapping[int, bool],
    is_revert: bool,
) -> None:
    """Add the moves and splits of an identity that keeps some of its mentions."""
    is_continuing = {target: was_active.get(target, False) or is_revert for target in targets}
    children = tuple((target, n) for target, n in targets.items() if not is_continuing[target])
    if children:
        changes.splits.append(SplitIdentity(key, children, is_ended=False))
    changes.moves.extend(
        Flow(key, target, n) for target, n in targets.items() if is_continuing[target]
    )


def _add_ended(
    changes: LifecycleChanges, key: int, targets: Mapping[int, int], successors: Mapping[int, int]
) -> None:
    """Add the merge or split of an identity that has no mentions left."""
    successor = successors.get(key, next(iter(targets)) if len(targets) == 1 else UNASSIGNED)
    if successor == UNASSIGNED:
        changes.splits.append(SplitIdentity(key, tuple(targets.items()), is_ended=True))
    else:
        changes.merges.append((key, successor, sum(targets.values())))
