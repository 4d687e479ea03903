"""Block-disjoint splits of labels, and a check for leakage between splits.

A model trained on a block has seen its people, so a block belongs to one split as a whole. A
person in several blocks (a changed name, swapped order) connects them: the blocks of a connected
component go to one split, so no person is in two splits either.

The split of a component depends only on a hash of one of its blocks, so adding works moves no
other block. Only when a new label connects two components may one of them change its split.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from disambig.clustering.components import DisjointSets
from disambig.domain import Label
from labeled.gold.goldset import compute_gold_block

#: Shares of the components in each split, in the order of the hash thresholds.
DEFAULT_SHARES: Mapping[str, float] = {"train": 0.6, "dev": 0.2, "test": 0.2}


def assign_splits(
    labels: Iterable[Label],
    shares: Mapping[str, float] = DEFAULT_SHARES,
    seed: int = 0,
) -> list[Label]:
    """Return the labels in order, each with its split and, if missing, its block.

    Args:
        labels: gold labels; their ``split`` is replaced.
        shares: share of the components of blocks for each split, positive; they are scaled to
            sum to 1. The shares of *signatures* vary with the sizes of the blocks.
        seed: another seed gives another split.

    Raises
    ------
    ValueError
        There are no shares, or one is not positive.
    """
    if not shares or any(not share > 0 for share in shares.values()):
        raise ValueError(f"shares must be positive and at least one, not {dict(shares)}")
    with_blocks = [
        label if label.block else replace(label, block=_compute_block(label)) for label in labels
    ]
    leaders = _group_blocks(with_blocks, seed)
    split_by_leader = {name: _choose_split(name, shares, seed) for name in set(leaders.values())}
    return [replace(label, split=split_by_leader[leaders[label.block]]) for label in with_blocks]


class LeakKind(StrEnum):
    """Kinds of leaks and contradictions in a set of labels."""

    BLOCK = "block in several splits"
    PERSON = "person in several splits"
    SIGNATURE = "signature with several persons"
    WORK = "person twice on one work"


@dataclass(frozen=True, slots=True)
class Leak:
    """A leak: the block, person or signature concerned, and its conflicting values."""

    kind: LeakKind
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        """Format as one line: kind, key and values."""
        return f"{self.kind}: {self.key} ({', '.join(self.values)})"


def check_leakage(labels: Iterable[Label]) -> list[Leak]:
    """List leaks between splits and contradictions in the labels, in a stable order.

    Blocks and persons in several splits leak training data into the evaluation. A signature
    labelled as two persons, or one person at two positions of a work, is a contradiction.
    """
    by_block: dict[str, set[str]] = defaultdict(set)
    by_person: dict[str, set[str]] = defaultdict(set)
    by_signature: dict[str, set[str]] = defaultdict(set)
    by_work: dict[tuple[str, str], set[str]] = defaultdict(set)
    for label in labels:
        if label.block:
            by_block[label.block].add(label.split)
        by_person[label.person].add(label.split)
        by_signature[str(label.signature)].add(label.person)
        by_work[label.person, label.signature.work].add(str(label.signature))
    return [
        *_find_leaks(LeakKind.BLOCK, by_block),
        *_find_leaks(LeakKind.PERSON, by_person),
        *_find_leaks(LeakKind.SIGNATURE, by_signature),
        *_find_leaks(LeakKind.WORK, {f"{p} on {w}": values for (p, w), values in by_work.items()}),
    ]


def _find_leaks(kind: LeakKind, values_by_key: Mapping[str, set[str]]) -> list[Leak]:
    return [
        Leak(kind, key, tuple(sorted(values_by_key[key])))
        for key in sorted(values_by_key)
        if len(values_by_key[key]) > 1
    ]


def _compute_block(label: Label) -> str:
    return compute_gold_block(label.name) or f"person {label.person}"


def _group_blocks(labels: Sequence[Label], seed: int) -> dict[str, str]:
    """Map each block to the representative of its component: the block with the lowest hash."""
    # The lower hash leads, independent of the order of the labels.
    node_of = {
        block: (_compute_hash("lead", block, seed), block)
        for block in dict.fromkeys(label.block for label in labels)
    }
    components = DisjointSets[tuple[int, str]]()
    first_block: dict[str, str] = {}
    for label in labels:
        other = first_block.setdefault(label.person, label.block)
        components.join(node_of[label.block], node_of[other])
    return {block: components.find_root(node)[1] for block, node in node_of.items()}


def _choose_split(leader: str, shares: Mapping[str, float], seed: int) -> str:
    # A second hash: the leader has the lowest first hash of its component, which would send
    # large components to the first split.
    threshold = _compute_hash("split", leader, seed) / 2**64 * sum(shares.values())
    for name, share in shares.items():
        threshold -= share
        if threshold < 0:
            return name
    return list(shares)[-1]


def _compute_hash(purpose: str, block: str, seed: int) -> int:
    data = f"{purpose}\0{seed}\0{block}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
