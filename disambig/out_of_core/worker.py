"""Tasks of the worker processes of an out-of-core run, and the order of its signatures on disk.

Each task reads files of the run's folder and writes its result there.
"""

from __future__ import annotations

import ctypes
import json
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from disambig.arrays import Float32, Int32, Int64
from disambig.blocking.cross_block import count_common_keys
from disambig.clustering.constraints import Constraints
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.domain import POSITION_BITS
from disambig.model.model import Model
from disambig.out_of_core.cluster_shard import ShardContext, cluster_shard, score_across
from disambig.out_of_core.shards import (
    SCHEMA,
    divide_signatures,
    list_printed_names,
    list_signatures,
)
from disambig.out_of_core.staging import load_statistics, rank_works, read_shard, to_record_batch
from disambig.processes import end_with_parent


@dataclass(frozen=True, eq=False)
class StoredSignatures:
    """All signatures in order of work id and position, with their locations in the shards.

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
        Its index there in :func:`disambig.out_of_core.shards.list_signatures`.
    """

    folder: Path
    key: Int64
    ids: pa.Array
    in_shard: list[Int32]
    shard: Int32
    element: Int32

    @classmethod
    def of(cls, folder: Path, n_shards: int) -> StoredSignatures:
        """Sort the signatures of all shards."""
        rank, ids = rank_works(folder)
        keys, order = [], []
        for shard in range(n_shards):
            _, number, position = list_signatures(read_shard(folder, shard))
            key = rank[number] << POSITION_BITS | position
            order.append(np.argsort(key, kind="stable").astype(np.int32))
            keys.append(key[order[-1]])
        all_keys = np.sort(np.concatenate(keys))
        in_shard = [np.searchsorted(all_keys, key).astype(np.int32) for key in keys]
        del keys
        shard_of, element = np.empty(len(all_keys), np.int32), np.empty(len(all_keys), np.int32)
        for shard, (rows, elements) in enumerate(zip(in_shard, order, strict=True)):
            shard_of[rows], element[rows] = shard, elements
        return cls(folder, all_keys, ids, in_shard, shard_of, element)

    @property
    def work(self) -> Int32:
        """Rank of the work of each signature, int32[S]."""
        return (self.key >> POSITION_BITS).astype(np.int32)

    def merge_numbers(self, parts: list[Int32]) -> Int32:
        """Merge numbers that count from 0 in each shard into unique ones, in order, int32[S]."""
        out = np.empty(len(self.key), dtype=np.int32)
        next_number = 0
        for rows, part in zip(self.in_shard, parts, strict=True):
            out[rows] = part + next_number
            next_number += int(part.max(initial=-1)) + 1
        return out

    def merge_values(self, parts: list[Float32]) -> Float32:
        """Merge values of the signatures of each shard, in order, float32[S]."""
        out = np.empty(len(self.key), dtype=np.float32)
        for rows, part in zip(self.in_shard, parts, strict=True):
            out[rows] = part
        return out

    def locate(self, corpus: Corpus) -> tuple[Int64, Int64, Int32]:
        """Return row of each signature of a corpus, rank of each of its works, work of each row."""
        indices = pc.index_in(pa.array(corpus.work_ids, pa.large_string()), self.ids)
        rank = np.asarray(indices.fill_null(-1)).astype(np.int64)
        key = rank[corpus.signature_work] << POSITION_BITS | corpus.signature_position
        return np.searchsorted(self.key, key), rank, self.work

    def encode_names(self) -> tuple[Int32, pa.Array]:
        """Return the code of each signature's printed name, int32[S], and the names by code.

        A name occurs once for each shard that has it.
        """
        code = np.empty(len(self.key), dtype=np.int32)
        names = [pa.array([], pa.large_string())]
        next_code = 0
        for shard, rows in enumerate(self.in_shard):
            printed = list_printed_names(read_shard(self.folder, shard)).dictionary_encode()
            code[rows] = printed.indices.to_numpy()[self.element[rows]] + next_code
            names.append(printed.dictionary.cast(pa.large_string()))
            next_code += len(printed.dictionary)
        return code, pa.concat_arrays(names)


_state: tuple[Path, ShardContext] | None = None


def init_worker(
    folder: Path, model: Path | None, constrained: Corpus, constraints: Constraints
) -> None:
    """Initialise a worker process."""
    global _state
    end_with_parent()
    statistics = partial(load_statistics, folder / "statistics")
    context = ShardContext(
        Model.load(model), SemanticSpace.load(), statistics, constrained, constraints
    )
    _state = (folder, context)


def _get_state() -> tuple[Path, ShardContext]:
    if _state is None:
        raise RuntimeError("worker started without its folder")
    return _state


def get_result_folder(folder: Path, shard: int) -> Path:
    """Return the folder of a shard's result, which exists once it is complete."""
    return folder / f"done-{shard:04}"


def get_identity_file(folder: Path, shard: int) -> Path:
    """Return the file of the identities of a shard's signatures, numbered over all shards."""
    return folder / "identity" / f"{shard:04}.npy"


def get_block_file(folder: Path) -> Path:
    """Return the file of the block of each identity."""
    return folder / "identity" / "blocks.npy"


def get_representatives_file(folder: Path, shard: int) -> Path:
    """Return the file of the representatives among a shard's signatures, one batch per part."""
    return folder / "speakers" / f"{shard:04}.arrow"


def cluster(shard: int) -> int:
    """Cluster one shard; its result is written atomically."""
    folder, context = _get_state()
    result = cluster_shard(read_shard(folder, shard), context)
    final = get_result_folder(folder, shard)
    part = final.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    np.save(part / "identity.npy", result.identity)
    np.save(part / "block.npy", result.block)
    np.save(part / "confidence.npy", result.confidence)
    for kind, (key, row) in (("reading", result.reading), ("circle", result.coauthors)):
        order = np.argsort(key, kind="stable")
        np.save(part / f"{kind}-key.npy", key[order])
        np.save(part / f"{kind}-row.npy", row[order])
    counts = {"considered": result.considered, "scored": result.scored, "doubled": result.doubled}
    (part / "pairs.json").write_text(json.dumps(counts), encoding="utf-8")
    part.rename(final)
    del result
    _release_memory()
    return shard


def _release_memory() -> None:
    """Return freed memory to the system, since fragmentation would add to the next shard."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
    if trim is not None:
        trim(0)


def count_shared_keys(task: tuple[str, int, int, int]) -> tuple[Int64, Int64]:
    """Count shared keys of one range for pairs of identities of different blocks.

    Parameters
    ----------
    task : (str, int, int, int)
        Kind of evidence, number of the range, number of ranges, number of shards.

    Returns
    -------
    code, count : int64[K], int64[K]
        ``low * n_identities + high``, ascending, and the number of shared keys.
    """
    folder, _ = _get_state()
    kind, number, n_ranges, n_shards = task
    width = (1 << 64) // n_ranges
    keys, identity_parts = [np.empty(0, np.uint64)], [np.empty(0, np.int32)]
    for shard in range(n_shards):
        key = np.load(get_result_folder(folder, shard) / f"{kind}-key.npy", mmap_mode="r")
        row = np.load(get_result_folder(folder, shard) / f"{kind}-row.npy", mmap_mode="r")
        identity = np.load(get_identity_file(folder, shard), mmap_mode="r")
        end = len(key)
        if number + 1 < n_ranges:
            end = int(np.searchsorted(key, np.uint64((number + 1) * width)))
        part = slice(int(np.searchsorted(key, np.uint64(number * width))), end)
        keys.append(np.array(key[part]))
        identity_parts.append(identity[row[part]])
    block_of = np.load(get_block_file(folder), mmap_mode="r")
    identities = np.concatenate(identity_parts)
    rows = np.arange(len(identities), dtype=np.int32)
    pairs, count = count_common_keys(np.concatenate(keys), rows, identities, block_of)
    return pairs[:, 0] * np.int64(max(len(block_of), 1)) + pairs[:, 1], count


def write_representatives(task: tuple[int, Int32, Int32, int]) -> int:
    """Write the representatives among the signatures of a shard.

    Parameters
    ----------
    task : (int, int32[n], int32[n], int)
        Shard, places in :func:`disambig.out_of_core.shards.list_signatures`, part that each is
        wanted in, number of parts.
    """
    folder, _ = _get_state()
    shard, element, part, n_parts = task
    tables = divide_signatures(read_shard(folder, shard), element, part, n_parts)
    with pa.ipc.new_file(str(get_representatives_file(folder, shard)), SCHEMA) as writer:
        for table in tables:
            writer.write_batch(to_record_batch(table))
    return shard


def score_part(task: tuple[int, int, Int32, Int64]) -> Float32:
    """Score the candidates of one part.

    Parameters
    ----------
    task : (int, int, int32[n], int64[K, 2])
        Part, number of shards, identity of each representative in the part, in order of work id
        and position, and pairs of identities.
    """
    folder, context = _get_state()
    part, n_shards, identity, candidates = task
    if not len(candidates):
        return np.empty(0, dtype=np.float32)
    files = [get_representatives_file(folder, shard) for shard in range(n_shards)]
    batches = [pa.ipc.open_file(pa.memory_map(str(f))).get_batch(part) for f in files]
    table = pa.Table.from_batches([b for b in batches if b.num_rows], SCHEMA)
    return score_across(table, identity.astype(np.int64), candidates, context)
