"""Block-disjoint splits of labels, and the leaks a split can have.

A model that has seen a block in training knows its people, so a block belongs to one split as a
whole. A person who appears in several blocks (a changed name, swapped order) ties them together:
the blocks of one connected group go to one split, and no person straddles splits either.

Which split a group goes to depends on a hash of one of its blocks and on nothing else, so adding
works leaves the others where they were. Two groups that a new label joins move together, which
is the only move there is.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from disambig.domain import Label
from labeled.gold.goldset import gold_block

#: Shares of the groups in each split, in the order in which the hash is cut.
DEFAULT_SHARES: Mapping[str, float] = {"train": 0.6, "dev": 0.2, "test": 0.2}


def assign_splits(
    labels: Iterable[Label],
    shares: Mapping[str, float] = DEFAULT_SHARES,
    seed: int = 0,
) -> list[Label]:
    """The labels in their order, each with its split. A label without a block is given one.

    Args:
        labels: gold labels; their ``split`` is replaced.
        shares: share of the groups of blocks for each split, positive; they are scaled to
            sum to 1. The shares of *signatures* vary with the sizes of the blocks.
        seed: another seed gives another split.

    Raises
    ------
    ValueError
        There are no shares, or one is not positive.
    """
    if not shares or any(not share > 0 for share in shares.values()):
        raise ValueError(f"shares must be positive and at least one, not {dict(shares)}")
    blocked = [label if label.block else replace(label, block=_block(label)) for label in labels]
    group = _groups(blocked, seed)
    split = {name: _split(name, shares, seed) for name in set(group.values())}
    return [replace(label, split=split[group[label.block]]) for label in blocked]


class LeakKind(StrEnum):
    """What is wrong with a set of labels."""

    BLOCK = "block in several splits"
    PERSON = "person in several splits"
    SIGNATURE = "signature with several persons"
    WORK = "person twice on one work"


@dataclass(frozen=True, slots=True)
class Leak:
    """One leak: the block, person or signature concerned, and what it is in or has."""

    kind: LeakKind
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        """One line: kind, key and values."""
        return f"{self.kind}: {self.key} ({', '.join(self.values)})"


def check_leakage(labels: Iterable[Label]) -> list[Leak]:
    """Every way in which labels could flatter or mislead a measurement, in a stable order.

    Blocks and persons that straddle splits leak training into measurement. A signature labelled
    as two persons, or one person at two positions of a work, is a contradiction in the gold.
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
        *_several(LeakKind.BLOCK, by_block),
        *_several(LeakKind.PERSON, by_person),
        *_several(LeakKind.SIGNATURE, by_signature),
        *_several(LeakKind.WORK, {f"{p} on {w}": values for (p, w), values in by_work.items()}),
    ]


def _several(kind: LeakKind, found: Mapping[str, set[str]]) -> list[Leak]:
    return [
        Leak(kind, key, tuple(sorted(found[key]))) for key in sorted(found) if len(found[key]) > 1
    ]


def _block(label: Label) -> str:
    return gold_block(label.name) or f"person {label.person}"


def _groups(labels: Sequence[Label], seed: int) -> dict[str, str]:
    """Block to the block that speaks for its group: the one with the lowest hash."""
    parent: dict[str, str] = {}

    def root(block: str) -> str:
        while parent[block] != block:
            parent[block] = block = parent[parent[block]]
        return block

    home: dict[str, str] = {}
    for label in labels:
        parent.setdefault(label.block, label.block)
        other = home.setdefault(label.person, label.block)
        a, b = root(label.block), root(other)
        if a != b:
            # The lower hash leads, whatever the order of the labels.
            low, high = sorted((a, b), key=lambda block: _hash("lead", block, seed))
            parent[high] = low
    return {block: root(block) for block in parent}


def _split(leader: str, shares: Mapping[str, float], seed: int) -> str:
    # A second hash: the leader has its group's lowest first hash, which would send large
    # groups to the first split.
    at = _hash("split", leader, seed) / 2**64 * sum(shares.values())
    for name, share in shares.items():
        at -= share
        if at < 0:
            return name
    return list(shares)[-1]


def _hash(purpose: str, block: str, seed: int) -> int:
    data = f"{purpose}\0{seed}\0{block}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
