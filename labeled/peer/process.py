"""Run S2AND 0.51.2 with its production model in a separate process.

It uses the fast path of S2AND: Arrow tables, its Rust featuriser, its clusterer on all blocks at
once. S2AND does not ship its name counts, without which its model joins nearly all signatures of a
block; they are counted here from the works of the corpora, with the keys that its code looks up.
Its SPECTER vectors and its fastText model are not shipped either and stay missing.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import pickle
import re
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disambig.ingest import read_works
from labeled.peer.blocks import LabelledBlock
from labeled.peer.tables import (
    NameParts,
    PeerTables,
    build_block_members,
    build_signature_id,
    build_tables,
)

#: Stages of a run in order; the last two run from loaded data to clusters.
STAGES = ("start", "model", "read", "tables", "featurise", "cluster")

_BATCH_ROWS = 16_384  # the maximum that its index of record batches accepts


@dataclass(frozen=True, slots=True)
class PeerRun:
    """Result of a run: ``clusters[i][j]`` is the cluster of signature ``j`` of block ``i``.

    ``stages`` are seconds; ``cpu_seconds`` is the CPU time of all threads in the last two stages;
    ``peak_memory`` is bytes of this process.
    """

    version: str
    clusters: tuple[tuple[int, ...], ...]
    stages: dict[str, float]
    cpu_seconds: float
    peak_memory: int


def run(
    works: Mapping[str, Path], blocks: Sequence[LabelledBlock], workers: int, started_at: float
) -> PeerRun:
    """Cluster blocks with S2AND in this process, which should be a fresh one.

    Parameters
    ----------
    works : mapping of corpus to its file of works
    workers : int
        Threads of S2AND.
    started_at : float
        ``time.time()`` when the process was requested.

    Raises
    ------
    ImportError
        S2AND is not installed.
    InputError
        As :func:`labeled.peer.tables.build_tables`.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        _configure_environment(scratch, workers)
        marks = [time.time() - started_at]
        clusterer = _load_model(workers)
        marks.append(time.time() - started_at)
        tables = build_tables({name: read_works([file]) for name, file in works.items()}, blocks)
        marks.append(time.time() - started_at)
        paths = _write_tables(tables, scratch)
        del tables
        marks.append(time.time() - started_at)
        block_signatures, cpu = build_block_members(blocks), time.process_time()
        featuriser = _build_featuriser(paths, block_signatures, workers)
        marks.append(time.time() - started_at)
        predicted, _ = clusterer.predict_from_rust_featurizer(block_signatures, featuriser)
        marks.append(time.time() - started_at)
        cpu = time.process_time() - cpu
    seconds = [after - before for before, after in zip([0.0, *marks], marks, strict=False)]
    return PeerRun(
        version=importlib.metadata.version("s2and"),
        clusters=encode_clusters(predicted.values(), blocks),
        stages=dict(zip(STAGES, seconds, strict=True)),
        cpu_seconds=cpu,
        peak_memory=_read_peak_memory(),
    )


def count_names(
    names: Mapping[NameParts, int],
) -> tuple[dict[str, int], dict[str, int], dict[str, int], dict[str, int]]:
    """Count mentions of each first name, last name, both, and last name with first initial.

    Keys equal those that S2AND looks up (``ANDData._compute_signature_name_counts``): the parts of
    a hyphenated name are joined.
    """
    from s2and.text import has_name_dash, normalize_text, split_first_middle_hyphen_aware

    counts: tuple[Counter[str], ...] = (Counter(), Counter(), Counter(), Counter())
    for (given, middle, family), mentions in names.items():
        first, _ = split_first_middle_hyphen_aware(given or "", middle or "")
        first = first.replace(" ", "") if has_name_dash(given or "") else first.split(" ")[0]
        last = normalize_text(family or "")
        last = last.replace(" ", "") if has_name_dash(family or "") else last
        keys = (first, last, f"{first} {last}".strip(), f"{last} {first[:1]}".strip())
        for counter, key in zip(counts, keys, strict=True):
            counter[key] += mentions
    first_names, last_names, full_names, initials = map(dict, counts)
    return first_names, last_names, full_names, initials


def encode_clusters(
    clusters: Iterable[Sequence[str]], blocks: Sequence[LabelledBlock]
) -> tuple[tuple[int, ...], ...]:
    """Return the cluster number of each signature of each block.

    Raises
    ------
    KeyError
        A signature is in no cluster.
    """
    number = {member: code for code, members in enumerate(clusters) for member in members}
    return tuple(
        tuple(number[build_signature_id(block.corpus, s)] for s in block.signatures)
        for block in blocks
    )


def _configure_environment(scratch: Path, workers: int) -> None:
    """Set the environment that S2AND reads on import."""
    config = scratch / "paths.json"
    config.write_text(json.dumps({"main_data_dir": str(scratch)}), encoding="utf-8")
    os.environ.update(
        S2AND_BACKEND="rust",
        S2AND_CACHE=str(scratch / "cache"),
        S2AND_PATH_CONFIG=str(config),
        S2AND_SKIP_FASTTEXT="1",
        OMP_NUM_THREADS=str(workers),
        RAYON_NUM_THREADS=str(workers),
    )
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")  # from hyperopt


def _load_model(workers: int) -> Any:
    from s2and.production_model import load_production_model

    clusterer = load_production_model()
    clusterer.n_jobs = workers
    return clusterer


def _write_tables(tables: PeerTables, scratch: Path) -> dict[str, str]:
    """Write the tables, their indexes and the name counts; return the files by S2AND's names."""
    from s2and.incremental_linking.feature_block import (
        write_arrow_ipc_table,
        write_name_counts_index,
        write_raw_arrow_batch_lookup_indexes,
    )

    files = {
        name: write_arrow_ipc_table(
            table, scratch / f"{name}.arrow", max_record_batch_rows=_BATCH_ROWS
        )
        for name, table in (
            ("signatures", tables.signatures),
            ("papers", tables.papers),
            ("paper_authors", tables.paper_authors),
        )
    }
    # A checksum of the new files would take longer than everything else here.
    indexed_files, _ = write_raw_arrow_batch_lookup_indexes(files, fingerprint_source=False)
    # S2AND looks for its counts under this name in its data folder, which is ``scratch``.
    (scratch / "name_counts.pickle").write_bytes(pickle.dumps(count_names(tables.names)))
    index, _ = write_name_counts_index(scratch)
    return {**indexed_files, "name_counts_index": index}


def _build_featuriser(
    paths: Mapping[str, str], blocks: Mapping[str, Sequence[str]], workers: int
) -> object:
    from s2and.feature_port import build_rust_featurizer_from_arrow_paths

    featuriser: object = build_rust_featurizer_from_arrow_paths(
        paths,
        signature_ids=[member for members in blocks.values() for member in members],
        load_name_counts=True,
        num_threads=workers,
    )
    return featuriser


def _read_peak_memory() -> int:
    """Return the peak resident memory of this process in bytes.

    On Linux ``ru_maxrss`` is inherited from the parent process; VmHWM is not.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        match = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        if match:
            return int(match.group(1)) * 1024
    maxrss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return maxrss if sys.platform == "darwin" else maxrss * 1024
