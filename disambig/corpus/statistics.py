"""Frequencies of names, words, venues and references in a corpus, and its co-publication graph.

They are counted per part and summed, so no step needs the whole corpus: the features of a block
need these numbers and the works of the block, nothing else. All counts are integers and all
keys are hashes of strings, so the sums do not depend on how the corpus was divided.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from disambig.arrays import Bool, Float32, Int32, Int64, UInt64
from disambig.corpus.coauthors import CoauthorKeys
from disambig.corpus.corpus import Corpus
from disambig.corpus.terms import Terms
from disambig.kernels.keys import build_directory, list_distinct_keys, select_edges

EDGE_UNIT = 1 << 20
"""Weight 1 of an edge: weights are integers in units of 1 / EDGE_UNIT."""

EDGES_AT_ONCE = 500_000
"""Edges read together; bounds memory (about 50 bytes each)."""

TERM_KINDS = ("title", "text", "affiliation", "venue")
KEY_LIST_KINDS = ("reference", "collaboration")
KINDS = ("full", "initial", *TERM_KINDS, *KEY_LIST_KINDS)
"""Kinds of counts: works of a full key and of an initial key; titles, whole texts and
affiliations with a word; works at a venue; works that cite a work; works of a collaboration."""


@dataclass(frozen=True, eq=False)
class Counts:
    """``count`` int64[n] of each of ``keys`` uint64[n], ascending and distinct."""

    keys: UInt64
    count: Int64

    @classmethod
    def from_keys(cls, keys: UInt64, weight: Int64 | None = None) -> Counts:
        """Count keys; ``weight`` is the multiplicity of each occurrence."""
        if weight is None:
            sorted_keys, occurrence_weight = np.sort(keys), np.ones(len(keys), np.int64)
        else:
            order = np.argsort(keys, kind="stable")
            sorted_keys, occurrence_weight = keys[order], weight[order]
        first = np.flatnonzero(np.diff(sorted_keys, prepend=sorted_keys[:1] ^ np.uint64(1)) != 0)
        total = np.add.reduceat(occurrence_weight, first) if len(first) else occurrence_weight[:0]
        return cls(sorted_keys[first], total)

    @classmethod
    def sum(cls, parts: Iterable[Counts]) -> Counts:
        """Sum the counts of several parts of a corpus."""
        counts = list(parts)
        keys = np.concatenate([p.keys for p in counts])
        return cls.from_keys(keys, np.concatenate([p.count for p in counts]))

    def look_up(self, keys: UInt64) -> Int64:
        """Return the count of each key, 0 for an unknown one; int64[len(keys)]."""
        place, is_known = find_keys(self.keys, keys)
        return np.where(is_known, self.count[place] if len(self.count) else 0, 0)


@dataclass(frozen=True, eq=False)
class Edges:
    """Co-publication among full keys: ``weight`` int64[E] of ``a < b`` uint64[E], sorted.

    A work of n authors adds ``1 / (n - 1)`` to each pair of them, in :data:`EDGE_UNIT`.
    """

    a: UInt64
    b: UInt64
    weight: Int64

    @classmethod
    def from_coauthors(cls, coauthors: CoauthorKeys) -> Edges:
        """Count the edges of the works of one part of a corpus."""
        work, key = coauthors.list_members(coauthors.full)
        start = np.searchsorted(work, np.arange(len(coauthors.n_authors) + 1))
        end = start[1:][work]
        partners = end - 1 - np.arange(len(work))
        left = np.repeat(np.arange(len(work)), partners)
        first = np.cumsum(partners) - partners
        right = np.arange(len(left)) - np.repeat(first, partners) + left + 1
        weight = EDGE_UNIT // np.maximum(coauthors.n_authors[work[left]] - 1, 1)
        return cls._merge(key[left], key[right], weight)

    @classmethod
    def sum(cls, parts: Iterable[Edges]) -> Edges:
        """Sum the edges of several parts of a corpus."""
        edges = list(parts)
        return cls._merge(
            np.concatenate([p.a for p in edges]),
            np.concatenate([p.b for p in edges]),
            np.concatenate([p.weight for p in edges]),
        )

    @classmethod
    def _merge(cls, a: UInt64, b: UInt64, weight: Int64) -> Edges:
        order = np.lexsort((b, a))
        a, b, weight = a[order], b[order], weight[order]
        new = np.ones(len(a), dtype=bool)
        new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
        first = np.flatnonzero(new)
        total = np.add.reduceat(weight, first) if len(first) else weight
        return cls(a[first], b[first], total)

    def select(self, keys: UInt64) -> tuple[Int32, Int32, Int64]:
        """Select the edges both of whose ends are among ``keys`` (ascending).

        Returns the positions of a and of b in ``keys``, and the weights, sorted by a, then b.
        Reads :data:`EDGES_AT_ONCE` edges at a time.
        """
        low = np.searchsorted(self.a, keys)
        high = np.searchsorted(self.a, keys, side="right")
        total = np.concatenate([[0], np.cumsum(high - low)])
        ends, (starts, shift) = np.asarray(self.b), build_directory(keys)
        a, b = [np.empty(0, dtype=np.int32)], [np.empty(0, dtype=np.int32)]
        weight = [np.empty(0, dtype=np.int64)]
        first = 0
        while first < len(keys):
            last = int(np.searchsorted(total, total[first] + EDGES_AT_ONCE, side="right")) - 1
            key_slice = slice(first, max(last, first + 1))
            row, place = np.empty((2, total[key_slice.stop] - total[first]), dtype=np.int32)
            edge = np.empty(len(row), dtype=np.int64)
            n = select_edges(
                keys, starts, shift, low[key_slice], high[key_slice], ends, row, place, edge
            )
            a.append(row[:n] + np.int32(first))
            b.append(place[:n].copy())
            weight.append(self.weight[edge[:n]])
            first = key_slice.stop
        return np.concatenate(a), np.concatenate(b), np.concatenate(weight)


@dataclass(frozen=True, eq=False)
class Statistics:
    """Statistics of a corpus that features need in addition to the works of a block.

    Attributes
    ----------
    counts : mapping of kind to Counts
        By :data:`KINDS`.
    texts : mapping of kind to int
        Number of texts that are not empty: ``title``, ``text`` and ``affiliation``. Besides,
        ``reference`` is the number of references of all works, ``collaboration`` that of works of
        a collaboration.
    edges : Edges
    """

    counts: Mapping[str, Counts]
    texts: Mapping[str, int]
    edges: Edges

    @classmethod
    def count(cls, corpus: Corpus, coauthors: CoauthorKeys, terms: Terms) -> Statistics:
        """Count a corpus, or a part of one that shares no work with another part."""
        references = corpus.references.list_entries()[1]
        collaboration_work, collaborations = corpus.collaborations.list_entries()
        counts = {
            "full": Counts.from_keys(list_author_keys(coauthors, coauthors.full)),
            "initial": Counts.from_keys(list_author_keys(coauthors, coauthors.initial)),
            **{kind: Counts.from_keys(*terms.list_occurrences(kind)) for kind in TERM_KINDS},
            "reference": Counts.from_keys(references),
            "collaboration": Counts.from_keys(collaborations),
        }
        texts = {kind: terms.count_texts(kind) for kind in ("title", "text", "affiliation")}
        texts["reference"] = len(references)
        texts["collaboration"] = len(np.unique(collaboration_work))
        return cls(counts, texts, Edges.from_coauthors(coauthors))

    @classmethod
    def sum(cls, parts: Iterable[Statistics]) -> Statistics:
        """Sum the statistics of several parts."""
        all_parts = list(parts)
        return cls(
            {kind: Counts.sum(p.counts[kind] for p in all_parts) for kind in KINDS},
            {kind: sum(p.texts[kind] for p in all_parts) for kind in all_parts[0].texts},
            Edges.sum(p.edges for p in all_parts),
        )

    def compute_idf(self, kind: str, keys: UInt64) -> Float32:
        """Return the inverse document frequency of words (natural logarithm), float32[n].

        Computed from the rounded number of texts, see :meth:`round_texts`.
        """
        n = self.round_texts(kind)
        df = self.counts[kind].look_up(keys)
        idf: Float32 = np.log(np.maximum((1.0 + n) / (1.0 + df), 1.0)).astype(np.float32)
        return idf

    def round_texts(self, kind: str) -> float:
        """Return the number of texts, rounded to a power of two.

        Otherwise every new work would change every weight a little, and with them assignments
        that the work does not concern.
        """
        return float(2.0 ** np.round(np.log2(max(self.texts[kind], 1))))


def list_author_keys(coauthors: CoauthorKeys, keys: UInt64) -> UInt64:
    """List the key of every author whose name has letters, once for each work that has it."""
    return list_distinct_keys(coauthors.start, keys, len(keys))[1]


def find_keys(ordered: UInt64, keys: UInt64) -> tuple[Int64, Bool]:
    """Return the position of each key in ``ordered`` (ascending), and whether it is there."""
    if not len(ordered):
        return np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=bool)
    place = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return place, ordered[place] == keys


LOG2_FITTED_WORKS = 17
"""Log2 of the works up to which probabilities are taken as the first forests have them. They were
fitted on up to 95,465 works."""


def count_doublings(n_works: int) -> int:
    """Return how many doublings a corpus is beyond :data:`LOG2_FITTED_WORKS`; 0 up to that size.

    Rounded to a power of two, so that a new work hardly ever changes an assignment that it does
    not concern.
    """
    return max(round(math.log2(max(n_works, 1))) - LOG2_FITTED_WORKS, 0)
