"""Metrics of the benchmark that depend on arrays only, and their value types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from disambig.arrays import Integer


@dataclass(frozen=True, slots=True)
class Target:
    """Floor and goal of a figure of one corpus on its split ``dev``."""

    floor: float
    goal: float
    figure: str = "bcubed_f1"

    def compare(self, value: float) -> str:
        """Compare a value with floor and goal, in one word."""
        return "goal" if value >= self.goal else "floor" if value >= self.floor else "BELOW"


#: Targets of the corpora that have one. In ``crossref`` and ``plants`` few persons have two works,
#: so that B-cubed is high whatever is joined: pairs tell more.
TARGETS: Mapping[str, Target] = {
    "aminer": Target(0.885, 0.92),
    "dblp": Target(0.905, 0.94),
    "acl": Target(0.99, 0.993),
    "ml": Target(0.991, 0.995),
    "hep": Target(0.92, 0.97),
    "patents": Target(0.95, 0.985),
    "economics": Target(0.998, 0.999),
    "crossref": Target(0.945, 0.97, "pairwise_f1"),
    "plants": Target(0.981, 0.995, "pairwise_f1"),
}
#: Maximal expected calibration error of the pair model.
ECE_LIMIT = 0.02
#: Stages of a run in order; ``normalise`` parses names and makes columns, ``index`` words, keys
#: and vectors; ``link`` joins across blocks.
STAGES = (
    "start",
    "read",
    "normalise",
    "index",
    "block",
    "features",
    "classify",
    "cluster",
    "link",
    "write",
)
#: Those that score pairs and group by the scores.
COMPARISON_STAGES = ("features", "classify", "cluster")


@dataclass(frozen=True, slots=True)
class BlockingLoss:
    """How many true pairs of labelled signatures (one person) blocking keeps and loses.

    ``parted`` are in two blocks, ``linked_back`` those of them that end in one identity
    nevertheless; ``compared`` are in one block and are scored; ``linked`` would be linked, directly
    or through others of the person, if every block were crowded and each signature compared with
    its nearest neighbours only.
    """

    true_pairs: int
    parted: int
    linked_back: int
    compared: int
    linked: int

    @property
    def within(self) -> int:
        """True pairs that are in one block."""
        return self.true_pairs - self.parted


@dataclass(frozen=True, slots=True)
class VariantRecall:
    """Agreement of identities with silver ids, which are reliable for positive pairs only.

    ``pairs`` of mentions have the same id, ``found`` of them also the same identity;
    ``variant_pairs`` and ``variants_found`` count those whose printed names differ. Two ids on one
    work are two persons: ``rivals`` are such pairs of ids in one block, ``rivals_merged`` those
    with an identity in common, ``same_work_merged`` the works on which two ids share an identity.
    """

    mentions: int
    people: int
    pairs: int
    found: int
    variant_pairs: int
    variants_found: int
    rivals: int
    rivals_merged: int
    same_work_merged: int


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds from process start to written identities, and memory.

    ``pairs`` are those within blocks, ``scored`` those of them that the first level scored.

    ``stages`` are seconds by stage and sum to ``seconds``. ``peak_memory`` is that of the
    process and ``worker_memory`` the largest worker's, in bytes; a worker shares most of its
    memory with the process. ``worker_memory`` is 0 without workers.
    """

    works: int
    mentions: int
    pairs: int
    scored: int
    seconds: float
    stages: dict[str, float]
    peak_memory: int
    worker_memory: int


def count_agreeing_pairs(*codes: Integer) -> int:
    """Count the pairs of rows that agree in every one of the codes (integers[n] each)."""
    _, count = np.unique(np.column_stack(codes), axis=0, return_counts=True)
    return int((count * (count - 1) // 2).sum())


def measure_blocking_loss(
    person: Integer, identity: Integer, block: Integer, compared: int, linked: int
) -> BlockingLoss:
    """Count the true pairs that survive blocking, comparing and linking.

    Parameters
    ----------
    person, identity : integers[n]
        Gold person and final identity of each labelled signature.
    block : integers[n]
        Block of each.
    compared, linked : int
        See :class:`BlockingLoss`.
    """
    true = count_agreeing_pairs(person)
    within = count_agreeing_pairs(person, block)
    return BlockingLoss(
        true_pairs=true,
        parted=true - within,
        linked_back=count_agreeing_pairs(person, identity)
        - count_agreeing_pairs(person, identity, block),
        compared=compared,
        linked=linked,
    )


def measure_variant_recall(
    person: Integer, identity: Integer, name: Integer, work: Integer, block: Integer
) -> VariantRecall:
    """Compare identities with silver ids, see :class:`VariantRecall`; integers[n] each."""
    pairs, same_identity_pairs = (
        count_agreeing_pairs(person),
        count_agreeing_pairs(person, identity),
    )
    rivals = _list_rivals(_collect_values(work, person).values())
    blocks_of = _collect_values(person, block)
    rivals_in_block = {(a, b) for a, b in rivals if blocks_of[a] & blocks_of[b]}
    merged_rivals = _list_rivals(_collect_values(identity, person).values(), among=rivals_in_block)
    on_work = np.unique(np.column_stack([work, identity, person]), axis=0)
    _, ids = np.unique(on_work[:, :2], axis=0, return_counts=True)
    return VariantRecall(
        mentions=len(person),
        people=len(np.unique(person)),
        pairs=pairs,
        found=same_identity_pairs,
        variant_pairs=pairs - count_agreeing_pairs(person, name),
        variants_found=same_identity_pairs - count_agreeing_pairs(person, identity, name),
        rivals=len(rivals_in_block),
        rivals_merged=len(merged_rivals),
        same_work_merged=int((ids > 1).sum()),
    )


def _collect_values(key: Integer, value: Integer) -> dict[int, set[int]]:
    values: dict[int, set[int]] = defaultdict(set)
    for k, v in zip(key.tolist(), value.tolist(), strict=True):
        values[k].add(v)
    return values


def _list_rivals(
    groups: Iterable[set[int]], among: set[tuple[int, int]] | None = None
) -> set[tuple[int, int]]:
    """List the pairs, low < high, that occur together in a group."""
    pairs = {pair for group in groups for pair in combinations(sorted(group), 2)}
    return pairs if among is None else pairs & among


def compute_share(part: int, whole: int) -> float:
    """Return the share of ``part`` in ``whole``; NaN if ``whole`` is 0."""
    return part / whole if whole else float("nan")
