"""All signatures of a run that is kept on disk: their order, and where each one is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from disambig.corpus import Corpus
from disambig.shards import own_signatures, printed_names
from disambig.staging import read_shard, work_ranks

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

POSITIONS = 20
"""Bits of a row's key that hold the position: a work has fewer than a million authors."""


@dataclass(frozen=True, eq=False)
class Rows:
    """All signatures in order of work id and position, and where each is kept.

    Attributes
    ----------
    folder : Path
    key : int64[S]
        Rank of the work among all ids, and position, of each signature; ascending.
    ids : Array
        Work ids by rank.
    in_shard : list of int64[n]
        Row of each signature of a shard, in the shard's order of work id and position.
    element : list of int64[n]
        Place of each of them in :func:`disambig.shards.own_signatures`.
    """

    folder: Path
    key: Int64
    ids: pa.Array
    in_shard: list[Int64]
    element: list[Int64]

    @classmethod
    def of(cls, folder: Path, n_shards: int) -> Rows:
        """Put the signatures of all shards in order."""
        rank, ids = work_ranks(folder)
        keys, element = [], []
        for shard in range(n_shards):
            _, number, position = own_signatures(read_shard(folder, shard))
            key = rank[number] << POSITIONS | position
            element.append(np.argsort(key, kind="stable"))
            keys.append(key[element[-1]])
        every = np.sort(np.concatenate(keys))
        return cls(folder, every, ids, [np.searchsorted(every, k) for k in keys], element)

    @property
    def work(self) -> Int32:
        """Rank of the work of each signature, int32[S]."""
        return (self.key >> POSITIONS).astype(np.int32)

    def gathered(self, parts: list[Int32]) -> Int32:
        """Numbers that shards counted from 0 each, made different and put in order."""
        out = np.empty(len(self.key), dtype=np.int32)
        following = 0
        for rows, part in zip(self.in_shard, parts, strict=True):
            out[rows] = part + following
            following += int(part.max(initial=-1)) + 1
        return out

    def spread(self, parts: list[Float32]) -> Float32:
        """Values of the shards' signatures in order."""
        out = np.empty(len(self.key), dtype=np.float32)
        for rows, part in zip(self.in_shard, parts, strict=True):
            out[rows] = part
        return out

    def places(self, bound: Corpus) -> tuple[Int64, Int64, Int32]:
        """Row of each signature of ``bound``, rank of each of its works, work of each row."""
        found = pc.index_in(pa.array(bound.work_ids, pa.large_string()), self.ids)
        rank = np.asarray(found.fill_null(-1)).astype(np.int64)
        key = rank[bound.signature_work] << POSITIONS | bound.signature_position
        return np.searchsorted(self.key, key), rank, self.work

    def shards_of(self, rows: Int64) -> list[tuple[int, Int64]]:
        """Shard and elements of some rows (ascending)."""
        found = []
        for shard, (own, element) in enumerate(zip(self.in_shard, self.element, strict=True)):
            place = np.searchsorted(own, rows)
            place = place[place < len(own)] if len(own) else place[:0]
            hit = np.unique(place[np.isin(own[place], rows)])
            if len(hit):
                found.append((shard, element[hit]))
        return found

    def names(self) -> pa.Array:
        """Printed name of each signature."""
        found = [
            printed_names(read_shard(self.folder, s)).take(pa.array(element))
            for s, element in enumerate(self.element)
        ]
        place = np.empty(len(self.key), dtype=np.int64)
        place[np.concatenate(self.in_shard)] = np.arange(len(self.key))
        return pa.concat_arrays(found).cast(pa.large_string()).take(pa.array(place))
