"""How often names, words and venues occur in a corpus, and who has published with whom.

Counted per part and added up, so that no step needs the whole corpus: the features of a block
need these numbers and the works of the block, nothing else. All counts are integers and all
keys are hashes of strings, so the sums do not depend on how the corpus was divided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from disambig._key_kernel import among, directory, members
from disambig.company import Company
from disambig.terms import Terms

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]
Float32 = npt.NDArray[np.float32]

EDGE_UNIT = 1 << 20
"""An edge of weight 1, in the integers that edges are counted in."""

EDGES_AT_ONCE = 500_000
"""Bounds the memory of looking for edges (about 50 bytes each)."""

KINDS = ("full", "initial", "title", "text", "affiliation", "venue")
"""What is counted: works of a full key and of an initial key; titles, whole texts and
affiliations with a word; works at a venue."""


@dataclass(frozen=True, eq=False)
class Counts:
    """``count`` int64[n] of each of some ``keys`` uint64[n], ascending and distinct."""

    keys: UInt64
    count: Int64

    @classmethod
    def of(cls, keys: UInt64, weight: Int64 | None = None) -> Counts:
        """Count keys; ``weight`` is how often each occurrence counts."""
        if weight is None:
            ordered, each = np.sort(keys), np.ones(len(keys), np.int64)
        else:
            order = np.argsort(keys, kind="stable")
            ordered, each = keys[order], weight[order]
        first = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] ^ np.uint64(1)) != 0)
        total = np.add.reduceat(each, first) if len(first) else each[:0]
        return cls(ordered[first], total)

    @classmethod
    def sum(cls, parts: Iterable[Counts]) -> Counts:
        """Counts of several parts of a corpus together."""
        found = list(parts)
        keys = np.concatenate([p.keys for p in found])
        return cls.of(keys, np.concatenate([p.count for p in found]))

    def lookup(self, keys: UInt64) -> Int64:
        """Count of each key, 0 where it was never seen; int64[len(keys)]."""
        place, found = find(self.keys, keys)
        return np.where(found, self.count[place] if len(self.count) else 0, 0)


@dataclass(frozen=True, eq=False)
class Edges:
    """Co-publication among full keys: ``weight`` int64[E] of ``a < b`` uint64[E], sorted.

    A work of n authors adds ``1 / (n - 1)`` to each pair of them, in :data:`EDGE_UNIT`.
    """

    a: UInt64
    b: UInt64
    weight: Int64

    @classmethod
    def of(cls, company: Company) -> Edges:
        """Edges of the works of one part of a corpus."""
        work, key = company.members(company.full)
        start = np.searchsorted(work, np.arange(len(company.size) + 1))
        end = start[1:][work]
        partners = end - 1 - np.arange(len(work))
        left = np.repeat(np.arange(len(work)), partners)
        first = np.cumsum(partners) - partners
        right = np.arange(len(left)) - np.repeat(first, partners) + left + 1
        weight = EDGE_UNIT // np.maximum(company.size[work[left]] - 1, 1)
        return cls._summed(key[left], key[right], weight)

    @classmethod
    def sum(cls, parts: Iterable[Edges]) -> Edges:
        """Edges of several parts of a corpus together."""
        found = list(parts)
        return cls._summed(
            np.concatenate([p.a for p in found]),
            np.concatenate([p.b for p in found]),
            np.concatenate([p.weight for p in found]),
        )

    @classmethod
    def _summed(cls, a: UInt64, b: UInt64, weight: Int64) -> Edges:
        order = np.lexsort((b, a))
        a, b, weight = a[order], b[order], weight[order]
        new = np.ones(len(a), dtype=bool)
        new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
        first = np.flatnonzero(new)
        total = np.add.reduceat(weight, first) if len(first) else weight
        return cls(a[first], b[first], total)

    def among(self, keys: UInt64) -> tuple[Int32, Int32, Int64]:
        """Edges both of whose ends are among ``keys`` (ascending): places of a, of b, weights.

        Sorted by a, then b. Looks at :data:`EDGES_AT_ONCE` edges at a time.
        """
        low = np.searchsorted(self.a, keys)
        high = np.searchsorted(self.a, keys, side="right")
        total = np.concatenate([[0], np.cumsum(high - low)])
        ends, (starts, shift) = np.asarray(self.b), directory(keys)
        a, b = [np.empty(0, dtype=np.int32)], [np.empty(0, dtype=np.int32)]
        weight = [np.empty(0, dtype=np.int64)]
        first = 0
        while first < len(keys):
            last = int(np.searchsorted(total, total[first] + EDGES_AT_ONCE, side="right")) - 1
            some = slice(first, max(last, first + 1))
            row, place = np.empty((2, total[some.stop] - total[first]), dtype=np.int32)
            edge = np.empty(len(row), dtype=np.int64)
            n = among(keys, starts, shift, low[some], high[some], ends, row, place, edge)
            a.append(row[:n] + np.int32(first))
            b.append(place[:n].copy())
            weight.append(self.weight[edge[:n]])
            first = some.stop
        return np.concatenate(a), np.concatenate(b), np.concatenate(weight)


@dataclass(frozen=True, eq=False)
class Statistics:
    """Everything a feature needs to know of the corpus beyond the works of a block.

    Attributes
    ----------
    counts : mapping of kind to Counts
        By :data:`KINDS`.
    texts : mapping of kind to int
        Texts that are not empty: ``title``, ``text`` and ``affiliation``.
    edges : Edges
    """

    counts: Mapping[str, Counts]
    texts: Mapping[str, int]
    edges: Edges

    @classmethod
    def of(cls, company: Company, terms: Terms) -> Statistics:
        """Count a corpus, or a part of one that shares no work with another part."""
        counts = {
            "full": Counts.of(company_keys(company, company.full)),
            "initial": Counts.of(company_keys(company, company.initial)),
            **{kind: Counts.of(*terms.occurrences(kind)) for kind in KINDS[2:]},
        }
        texts = {kind: terms.n_texts(kind) for kind in ("title", "text", "affiliation")}
        return cls(counts, texts, Edges.of(company))

    @classmethod
    def sum(cls, parts: Iterable[Statistics]) -> Statistics:
        """Statistics of several parts together."""
        found = list(parts)
        return cls(
            {kind: Counts.sum(p.counts[kind] for p in found) for kind in KINDS},
            {kind: sum(p.texts[kind] for p in found) for kind in found[0].texts},
            Edges.sum(p.edges for p in found),
        )

    def idf(self, kind: str, keys: UInt64) -> Float32:
        """Inverse document frequency of words (natural log of texts per text), float32[n].

        The number of texts is taken to the nearest power of two: it would else move every
        weight a little whenever a work arrives, and with them decisions that the work has
        nothing to do with.
        """
        n = 2.0 ** np.round(np.log2(max(self.texts[kind], 1)))
        df = self.counts[kind].lookup(keys)
        found: Float32 = np.log(np.maximum((1.0 + n) / (1.0 + df), 1.0)).astype(np.float32)
        return found


def company_keys(company: Company, keys: UInt64) -> UInt64:
    """Keys of every author with a legible name, each once for each work that bears it."""
    return members(company.start, keys, len(keys))[1]


def find(ordered: UInt64, keys: UInt64) -> tuple[Int64, npt.NDArray[np.bool_]]:
    """Place of each key in ``ordered`` (ascending), and whether it is there."""
    if not len(ordered):
        return np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=bool)
    place = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return place, ordered[place] == keys
