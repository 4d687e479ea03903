"""Join identities of different blocks: changed, misordered or differently divided names.

Candidates come from :func:`disambig.blocking.cross_pairs`; each is scored by the second level
as if its two identities were the only groups of a block.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from disambig.blocking import cross_pairs
from disambig.constraints import Constraints, cannot_pairs
from disambig.engine import probabilities
from disambig.group_features import GroupBatch, group_features
from disambig.index import CorpusIndex
from disambig.model import Model
from disambig.pair_features import pair_features
from disambig.pairs import PairBatch

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]

MEMBERS = 30
"""Signatures of an identity that speak for it, evenly spread over its rows."""
CANDIDATES_PER_BATCH = 400


def members_of(identity: Int32) -> tuple[Int32, Int64]:
    """Rows sorted by identity, and where each identity starts in them."""
    order = np.argsort(identity, kind="stable").astype(np.int32)
    start = np.searchsorted(identity[order], np.arange(int(identity.max(initial=-1)) + 2))
    return order, start


def spokesmen(rows: Int32) -> Int32:
    """At most :data:`MEMBERS` of the rows, evenly spread."""
    if len(rows) <= MEMBERS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MEMBERS).astype(np.int64)]


def score_candidates(
    index: CorpusIndex,
    model: Model,
    constraints: Constraints,
    identity: Int32,
    candidates: Int64,
    progress: Callable[[int], None] = lambda n: None,
) -> Float32:
    """Second-level probability of each candidate, 0 where it is forbidden; float32[K]."""
    order, start = members_of(identity)
    out = np.zeros(len(candidates), dtype=np.float32)
    for first in range(0, len(candidates), CANDIDATES_PER_BATCH):
        chosen = candidates[first : first + CANDIDATES_PER_BATCH]
        blocks, group = [], []
        for k, (a, b) in enumerate(chosen):
            left = spokesmen(order[start[a] : start[a + 1]])
            right = spokesmen(order[start[b] : start[b + 1]])
            blocks.append(np.concatenate([left, right]))
            group += [2 * k] * len(left) + [2 * k + 1] * len(right)
        batch = PairBatch.of(blocks)
        columns = pair_features(index, batch)
        pair = probabilities(model.pair, model.pair_calibration, columns)
        groups = GroupBatch.of(batch, np.array(group, dtype=np.int32))
        found = group_features(index, batch, groups, columns, pair)
        probability = probabilities(model.group, model.group_calibration, found)
        barred = cannot_pairs(constraints, index.corpus, batch)
        probability[batch.block[barred[:, 0]]] = 0.0
        out[first : first + len(chosen)] = probability
        progress(len(chosen))
    return out


def join_across(
    index: CorpusIndex,
    model: Model,
    constraints: Constraints,
    identity: Int32,
    block: Int32,
    progress: Callable[[int], None] = lambda n: None,
) -> Int32:
    """Identities after joining across blocks, int32[n_signatures].

    Most probable first; an identity takes part in one join with each block only, and no join
    breaks a cannot-link. Must-links across blocks hold whatever the probability.
    """
    identity = _apply_must(constraints.must, identity)
    candidates = cross_pairs(index, identity, block)
    probability = score_candidates(index, model, constraints, identity, candidates, progress)
    likely = np.flatnonzero(probability >= model.settings["across"])
    ranked = candidates[likely[np.argsort(-probability[likely], kind="stable")]]
    block_of = np.zeros(int(identity.max(initial=-1)) + 1, dtype=np.int64)
    block_of[identity] = block
    parent = _join_ranked(index, constraints, identity, ranked, block_of)
    return renumber(parent[identity])


def _join_ranked(
    index: CorpusIndex, constraints: Constraints, identity: Int32, ranked: Int64, block_of: Int64
) -> Int64:
    """Root of each identity after joining candidates in order, where nothing forbids it."""
    parent = np.arange(len(block_of))
    order, start = members_of(identity)
    works: dict[int, set[int]] = {}
    for i in np.unique(ranked).tolist():
        works[i] = set(index.corpus.signature_work[order[start[i] : start[i + 1]]].tolist())
    enemies: dict[int, set[int]] = defaultdict(set)
    for a, b in identity[constraints.cannot].reshape(-1, 2).tolist():
        enemies[a].add(b)
        enemies[b].add(a)
    taken: set[tuple[int, int]] = set()
    for a, b in ranked.tolist():
        keys = {(a, int(block_of[b])), (b, int(block_of[a]))}
        low, high = sorted((_root(parent, a), _root(parent, b)))
        if keys & taken or low == high or high in enemies[low] or works[low] & works[high]:
            continue
        taken |= keys
        parent[high] = low
        works[low] |= works[high]
        for enemy in enemies.pop(high, set()):
            enemies[low].add(enemy)
            enemies[enemy].add(low)
    return np.array([_root(parent, i) for i in range(len(parent))], dtype=np.int64)


def _root(parent: Int64, i: int) -> int:
    while parent[i] != i:
        i = int(parent[i])
    return i


def _apply_must(must: Int32, identity: Int32) -> Int32:
    """Join identities that share a must-link group."""
    bound = np.flatnonzero(must >= 0)
    if not len(bound):
        return identity
    n, m = int(identity.max()) + 1, int(must.max()) + 1
    graph = sparse.coo_array(
        (np.ones(len(bound)), (identity[bound], n + must[bound])), shape=(n + m, n + m)
    )
    _, label = connected_components(graph, directed=False)
    return renumber(label[:n][identity])


def renumber(labels: npt.NDArray[np.integer]) -> Int32:
    """Labels numbered from 0 in order of first appearance."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[inverse]
