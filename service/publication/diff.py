"""Compute what publishing a proposal would change; pure, by the same rules as publishing.

One line is one change to review: an identity that is created, merged, split, that loses or gains
signatures, that would have different ORCID iDs, or signatures under a decision that would move.

:func:`describe_change` renders a line as text that follows the name of its identity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from disambig.arrays import Bool, Int64
from service.identities.lifecycle import UNASSIGNED, Flow, derive_lifecycle, make_placeholder_key

KINDS = ("conflict", "decision", "merge", "split", "move", "create", "grow")
MAX_LINES = 10_000
"""Most lines of one kind, the largest first; the totals count all."""


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One change. Keys at or below -2 denote new identities (see
    :func:`service.identities.lifecycle.make_placeholder_key`).

    Attributes
    ----------
    kind : str
        One of :data:`KINDS`.
    key : int
        The identity that changes.
    mentions : int
        Number of signatures that change identity, or that are in a new identity.
    others : tuple of (int, int)
        Target identities with the number of signatures; of a conflict, the source identities;
        empty for a new identity.
    n_remaining : int
        Number of signatures that the identity has afterwards.
    orcids : tuple of (str, int)
        Of a conflict: the iDs, with the number of signatures of each.
    """

    kind: str
    key: int
    mentions: int
    others: tuple[tuple[int, int], ...] = ()
    n_remaining: int = 0
    orcids: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Diff:
    """All lines, conflicts first, then by number of signatures; and totals by name."""

    lines: list[DiffLine]
    totals: dict[str, int] = field(default_factory=dict)


def map_to_targets(cluster: Int64, continues: dict[int, int]) -> Int64:
    """Return each signature's target: the continued identity of its cluster, or a new one.

    int64[N].
    """
    n_clusters = int(cluster.max(initial=-1)) + 1
    target_of_cluster = np.array(
        [make_placeholder_key(c) for c in range(n_clusters)], dtype=np.int64
    )
    for number, key in continues.items():
        target_of_cluster[number] = key
    return target_of_cluster[cluster]


def compute_diff(
    identity: Int64,
    target: Int64,
    is_decided: Bool,
    sizes: dict[int, int],
    conflicts: Sequence[DiffLine] = (),
) -> Diff:
    """Compute what changes if signatures move between identities.

    Parameters
    ----------
    identity, target : int64[N]
        Keys before and after; negative before for unassigned signatures.
    is_decided : bool[N]
        Whether a decision concerns the signature.
    sizes : dict of int to int
        Number of signatures of each identity before, including those outside the proposal.
    conflicts : sequence of DiffLine
        ORCID conflicts to include.
    """
    before = np.where(identity < 0, UNASSIGNED, identity)
    flows = _count_flows(before, target)
    changing = [f for f in flows if f.source != f.target]
    sizes_after = dict(sizes)
    for flow in changing:
        sizes_after[flow.target] = sizes_after.get(flow.target, 0) + flow.mentions
        if flow.source != UNASSIGNED:
            sizes_after[flow.source] -= flow.mentions
    effects = derive_lifecycle(changing, sizes_after, dict.fromkeys(sizes, True))
    child_keys = {key for parent in effects.splits for key, _ in parent.children}
    lines = [*conflicts, *(DiffLine("merge", a, n, ((b, n),)) for a, b, n in effects.merges)]
    lines += [
        DiffLine(
            "split", p.key, sum(n for _, n in p.children), p.children, sizes_after.get(p.key, 0)
        )
        for p in effects.splits
    ]
    lines += [
        DiffLine("move", f.source, f.mentions, ((f.target, f.mentions),), sizes_after[f.source])
        for f in effects.moves
    ]
    created = [key for key in effects.created_keys if key not in child_keys]
    lines += [DiffLine("create", key, sizes_after[key], (), sizes_after[key]) for key in created]
    lines += [
        DiffLine("grow", f.target, f.mentions, (), sizes_after[f.target])
        for f in changing
        if f.source == UNASSIGNED and f.target >= 0
    ]
    lines += _list_decided(before[is_decided], target[is_decided], sizes_after)
    totals = {
        "created": len(effects.created_keys),
        "merged": len(effects.merges),
        "split": len(effects.splits),
        "moves": len(effects.moves),
        "kept": len(effects.kept_keys),
        "grown": sum(line.kind == "grow" for line in lines),
        "decisions": sum(line.kind == "decision" for line in lines),
        "conflicts": len(conflicts),
        "mentions": len(target),
        "mentions_new": sum(f.mentions for f in changing if f.source == UNASSIGNED),
        "mentions_moved": sum(f.mentions for f in changing if f.source != UNASSIGNED),
        "identities": sum(n > 0 for n in sizes_after.values()),
    }
    return Diff(_rank_lines(lines), totals)


def _count_flows(before: Int64, after: Int64) -> list[Flow]:
    """Count signatures by identity before and after."""
    order = np.lexsort((after, before))
    a, b = before[order], after[order]
    first = np.ones(len(a), dtype=bool)
    first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    start = np.flatnonzero(first)
    count = np.diff(start, append=len(a))
    rows = zip(a[start].tolist(), b[start].tolist(), count.tolist(), strict=True)
    return [Flow(source, target, n) for source, target, n in rows]


def _list_decided(before: Int64, after: Int64, sizes_after: dict[int, int]) -> list[DiffLine]:
    """List signatures under a decision that change identity, by identity before."""
    targets_by_source: dict[int, list[tuple[int, int]]] = {}
    for flow in _count_flows(before, after):
        if flow.source not in (UNASSIGNED, flow.target):
            targets_by_source.setdefault(flow.source, []).append((flow.target, flow.mentions))
    return [
        DiffLine(
            "decision", key, sum(n for _, n in targets), tuple(targets), sizes_after.get(key, 0)
        )
        for key, targets in targets_by_source.items()
    ]


def _rank_lines(lines: Sequence[DiffLine]) -> list[DiffLine]:
    """Return the largest lines of each kind in one list: conflicts first, then by size."""
    order = {kind: k for k, kind in enumerate(KINDS)}
    ranked = sorted(
        lines,
        key=lambda line: (line.kind != "conflict", -line.mentions, order[line.kind], line.key),
    )
    top_lines, counts = [], dict.fromkeys(KINDS, 0)
    for line in ranked:
        if counts[line.kind] < MAX_LINES:
            counts[line.kind] += 1
            top_lines.append(line)
    return top_lines


MAX_SHOWN = 3
"""Most other identities, decisions or iDs in the text of one line."""


def describe_change(kind: str, mentions: int, details: Mapping[str, Any]) -> str:
    """Describe a :class:`service.publication.results.Difference` as text.

    Parameters
    ----------
    kind : str
        One of :data:`service.publication.diff.KINDS`.
    mentions : int
        Number of signatures that change identity.
    details : mapping
        ``others``, ``stays``, ``following``, ``decisions`` and ``orcids`` of the line. Names are
        as printed.

    Examples
    --------
    >>> others = [{"identity": "a-2", "name": "Wei Wang", "mentions": 2}]
    >>> describe_change("move", 2, {"others": others, "stays": 5})
    'moves 2 to a-2 Wei Wang; keeps 5'
    """
    others, stays = details.get("others") or [], details.get("stays", 0)
    if kind == "create":
        return f"is a new identity of {_count_mentions(mentions)}"
    if kind == "grow":
        return f"gains {_count_mentions(mentions)} without an identity; has {stays:,} afterwards"
    if kind == "conflict":
        orcids = [
            f"{entry['orcid']} ({entry['mentions']:,})" for entry in details.get("orcids") or []
        ]
        return f"has different ORCID iDs: {', '.join(orcids[:MAX_SHOWN])}" + (
            f" and {len(orcids) - MAX_SHOWN:,} more" if len(orcids) > MAX_SHOWN else ""
        )
    if kind == "merge":
        text = f"merges into {_format_identity(others[0])}; its id redirects there"
    elif kind == "split":
        text = f"splits: {_format_targets(others)}; {_format_remaining(stays)}"
    elif kind == "decision":
        text = (
            f"loses {_count_mentions(mentions)} under decisions{_format_decisions(details)}: "
            f"{_format_targets(others)}; "
        )
        text += _format_remaining(stays)
    else:
        text = f"moves {_format_targets(others)}; {_format_remaining(stays)}"
    following = details.get("following", 0)
    return text + (f"; {following:,} of them outside the proposal" if following else "")


def _format_targets(others: Sequence[Mapping[str, Any]]) -> str:
    parts = [f"{other['mentions']:,} to {_format_identity(other)}" for other in others[:MAX_SHOWN]]
    if len(others) > MAX_SHOWN:
        rest = sum(other["mentions"] for other in others[MAX_SHOWN:])
        parts.append(f"{rest:,} to {len(others) - MAX_SHOWN:,} more")
    return ", ".join(parts)


def _count_mentions(n: int) -> str:
    return f"{n:,} mention" if n == 1 else f"{n:,} mentions"


def _format_remaining(stays: int) -> str:
    return f"keeps {stays:,}" if stays else "keeps none"


def _format_decisions(details: Mapping[str, Any]) -> str:
    decisions = details.get("decisions") or []
    more = f" and {len(decisions) - MAX_SHOWN:,} more" if len(decisions) > MAX_SHOWN else ""
    return f" ({', '.join(decisions[:MAX_SHOWN])}{more})" if decisions else ""


def _format_identity(other: Mapping[str, Any]) -> str:
    if other.get("identity"):
        return f"{other['identity']} {other.get('name') or ''}".rstrip()
    return f"a new identity {other.get('name') or ''}".rstrip()
