"""What the processes of a run that is kept on disk do; each task reads files and leaves some."""

from __future__ import annotations

import ctypes
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from disambig.apart import end_with_parent
from disambig.constraints import Constraints
from disambig.corpus import Corpus
from disambig.cross_pairs import shared_keys
from disambig.model import Model
from disambig.semantic import SemanticSpace
from disambig.shard_run import Knowledge, cluster_shard, score_across
from disambig.shards import SCHEMA, divided_signatures
from disambig.staging import load_statistics, one_batch, read_shard

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

_state: tuple[Path, Knowledge] | None = None


def begin(folder: Path, model: Path | None, constrained: Corpus, constraints: Constraints) -> None:
    """Prepare a process."""
    global _state
    end_with_parent()
    statistics = partial(load_statistics, folder / "statistics")
    context = Knowledge(Model.load(model), SemanticSpace.load(), statistics, constrained, constraints)
    _known = (folder, context)


def _get_state() -> tuple[Path, Knowledge]:
    if _state is None:
        raise RuntimeError("worker started without its folder")
    return _state


def done_folder(folder: Path, shard: int) -> Path:
    """Where the result of a shard is, once it is whole."""
    return folder / f"done-{shard:04}"


def identity_file(folder: Path, shard: int) -> Path:
    """Where the identities of a shard's signatures are, as numbered over all shards."""
    return folder / "identity" / f"{shard:04}.npy"


def block_file(folder: Path) -> Path:
    """Where the block of each identity is."""
    return folder / "identity" / "blocks.npy"


def speakers_file(folder: Path, shard: int) -> Path:
    """Where those of a shard's signatures are that speak for identities, a batch a part."""
    return folder / "speakers" / f"{shard:04}.arrow"


def cluster(shard: int) -> int:
    """Cluster one shard; its results appear at once or not at all."""
    folder, context = _get_state()
    result = cluster_shard(read_shard(folder, shard), context)
    final = done_folder(folder, shard)
    part = final.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    np.save(part / "identity.npy", result.identity)
    np.save(part / "block.npy", result.block)
    np.save(part / "confidence.npy", result.confidence)
    for kind, (key, row) in (("reading", result.reading), ("circle", result.circle)):
        order = np.argsort(key, kind="stable")
        np.save(part / f"{kind}-key.npy", key[order])
        np.save(part / f"{kind}-row.npy", row[order])
    (part / "pairs.json").write_text(
        json.dumps({"considered": result.considered, "scored": result.scored}), encoding="utf-8"
    )
    part.rename(final)
    del result
    _release_memory()
    return shard


def _release_memory() -> None:
    """Let the system have what was freed: the next shard would come on top of its holes."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
    if trim is not None:
        trim(0)


def share(task: tuple[str, int, int, int]) -> tuple[Int64, Int64]:
    """Pairs of identities of two blocks that share keys of one range.

    Parameters
    ----------
    task : (str, int, int, int)
        Kind of evidence, number of the range, number of ranges, number of shards.

    Returns
    -------
    code, count : int64[K], int64[K]
        ``low * n_identities + high``, ascending, and the number of keys that they share.
    """
    folder, _ = _get_state()
    kind, number, n_ranges, n_shards = task
    width = (1 << 64) // n_ranges
    keys, identity_parts = [np.empty(0, np.uint64)], [np.empty(0, np.int32)]
    for shard in range(n_shards):
        key = np.load(done_folder(folder, shard) / f"{kind}-key.npy", mmap_mode="r")
        row = np.load(done_folder(folder, shard) / f"{kind}-row.npy", mmap_mode="r")
        identity = np.load(identity_file(folder, shard), mmap_mode="r")
        end = len(key)
        if number + 1 < n_ranges:
            end = int(np.searchsorted(key, np.uint64((number + 1) * width)))
        part = slice(int(np.searchsorted(key, np.uint64(number * width))), end)
        keys.append(np.array(key[part]))
        identity_parts.append(identity[row[part]])
    block_of = np.load(block_file(folder), mmap_mode="r")
    identities = np.concatenate(identity_parts)
    every = np.arange(len(identities), dtype=np.int32)
    pairs, count = shared_keys(np.concatenate(keys), every, identities, block_of)
    return pairs[:, 0] * np.int64(max(len(block_of), 1)) + pairs[:, 1], count


def speak(task: tuple[int, Int32, Int32, int]) -> int:
    """Put down the signatures of a shard that speak for identities.

    Parameters
    ----------
    task : (int, int32[n], int32[n], int)
        Shard, places in :func:`disambig.shards.own_signatures`, part that each is wanted in,
        number of parts.
    """
    folder, _ = _get_state()
    shard, element, part, n_parts = task
    tables = divided_signatures(read_shard(folder, shard), element, part, n_parts)
    with pa.ipc.new_file(str(speakers_file(folder, shard)), SCHEMA) as writer:
        for table in tables:
            writer.write_batch(one_batch(table))
    return shard


def score(task: tuple[int, int, Int32, Int64]) -> Float32:
    """Score the candidates of one part.

    Parameters
    ----------
    task : (int, int, int32[n], int64[K, 2])
        Part, number of shards, identity of each signature that speaks in the part, in order of
        work id and position, and pairs of identities.
    """
    folder, context = _get_state()
    part, n_shards, identity, candidates = task
    if not len(candidates):
        return np.empty(0, dtype=np.float32)
    files = [speakers_file(folder, shard) for shard in range(n_shards)]
    batches = [pa.ipc.open_file(pa.memory_map(str(f))).get_batch(part) for f in files]
    table = pa.Table.from_batches([b for b in batches if b.num_rows], SCHEMA)
    return score_across(table, identity.astype(np.int64), candidates, context)
