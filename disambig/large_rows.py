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
    in_shard : list of int32[n]
        Row of each signature of a shard, in the shard's order of work id and position.
    shard : int32[S]
        Shard of each signature.
    element : int32[S]
        Its place there in :func:`disambig.shards.own_signatures`.
    """

    folder: Path
    key: Int64
    ids: pa.Array
    in_shard: list[Int32]
    shard: Int32
    element: Int32

    @classmethod
    def of(cls, folder: Path, n_shards: int) -> Rows:
        """Put the signatures of all shards in order."""
        rank, ids = work_ranks(folder)
        keys, order = [], []
        for shard in range(n_shards):
            _, number, position = own_signatures(read_shard(folder, shard))
            key = rank[number] << POSITIONS | position
            order.append(np.argsort(key, kind="stable").astype(np.int32))
            keys.append(key[order[-1]])
        all_keys = np.sort(np.concatenate(keys))
        in_shard = [np.searchsorted(all_keys, key).astype(np.int32) for key in keys]
        del keys
        shard_of, element = np.empty(len(all_keys), np.int32), np.empty(len(all_keys), np.int32)
        for shard, (rows, places) in enumerate(zip(in_shard, order, strict=True)):
            shard_of[rows], element[rows] = shard, places
        return cls(folder, all_keys, ids, in_shard, shard_of, element)

    @property
    def work(self) -> Int32:
        """Rank of the work of each signature, int32[S]."""
        return (self.key >> POSITIONS).astype(np.int32)

    def gathered(self, parts: list[Int32]) -> Int32:
        """Numbers that shards counted from 0 each, made different and put in order."""
        out = np.empty(len(self.key), dtype=np.int32)
        next_number = 0
        for rows, part in zip(self.in_shard, parts, strict=True):
            out[rows] = part + next_number
            next_number += int(part.max(initial=-1)) + 1
        return out

    def spread(self, parts: list[Float32]) -> Float32:
        """Values of the shards' signatures in order."""
        out = np.empty(len(self.key), dtype=np.float32)
        for rows, part in zip(self.in_shard, parts, strict=True):
            out[rows] = part
        return out

    def places(self, corpus: Corpus) -> tuple[Int64, Int64, Int32]:
        """Row of each signature of ``bound``, rank of each of its works, work of each row."""
        indices = pc.index_in(pa.array(corpus.work_ids, pa.large_string()), self.ids)
        rank = np.asarray(indices.fill_null(-1)).astype(np.int64)
        key = rank[corpus.signature_work] << POSITIONS | corpus.signature_position
        return np.searchsorted(self.key, key), rank, self.work

    def names(self) -> tuple[Int32, pa.Array]:
        """Place of each signature's printed name, int32[S], among the names that follow.

        A name is kept once for each shard that has it.
        """
        code = np.empty(len(self.key), dtype=np.int32)
        names = [pa.array([], pa.large_string())]
        next_code = 0
        for shard, rows in enumerate(self.in_shard):
            printed = printed_names(read_shard(self.folder, shard)).dictionary_encode()
            code[rows] = printed.indices.to_numpy()[self.element[rows]] + next_code
            names.append(printed.dictionary.cast(pa.large_string()))
            next_code += len(printed.dictionary)
        return code, pa.concat_arrays(names)
