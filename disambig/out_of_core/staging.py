"""Stream works to disk as shards and statistics, in bounded memory."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from disambig.arrays import Int64, UInt64
from disambig.corpus.corpus import Corpus
from disambig.corpus.identifiers import is_personal
from disambig.corpus.index import get_coauthor_keys, tokenise_corpus
from disambig.corpus.statistics import KINDS, Counts, Edges, Statistics
from disambig.domain import Author, Signature, Work
from disambig.errors import DisambigError, InputError
from disambig.orcid import is_orcid
from disambig.out_of_core.shards import SCHEMA, assign_shards, make_shard_tables
from disambig.processes import end_with_parent, map_in_order, start_context

WORKS_PER_PART = 40_000
"""Works in memory before they are written to disk; with abstracts, about 300 MB."""
WRITERS = 2
"""Processes that write works to disk while the parent reads more."""
KEY_RANGES = 16
"""Ranges of the key space whose counts are summed one at a time."""
_COLUMNS: dict[str, type[np.generic]] = {
    **{f"{kind}-keys": np.uint64 for kind in KINDS},
    **{f"{kind}-count": np.int64 for kind in KINDS},
    **{"edges-a": np.uint64, "edges-b": np.uint64, "edges-weight": np.int64},
}


def stage(
    works: Iterable[Work],
    folder: Path,
    n_shards: int,
    constrained: frozenset[Signature] = frozenset(),
    advance: Callable[[int], None] = lambda n: None,
) -> list[Work]:
    """Write works to ``folder`` as shards, with the statistics of all of them.

    Parameters
    ----------
    works : iterable of Work
        Read once, :data:`WORKS_PER_PART` at a time.
    folder : Path
        Empty. Receives ``parts/``, whose files have one record batch per shard (see
        :data:`disambig.out_of_core.shards.SCHEMA`), and ``statistics/``.
    constrained : set of Signature
        Signatures with constraints.
    advance : callable
        Called with the number of works written since the last call.

    Returns
    -------
    list of Work
        Works with constraints or identifiers, reduced to the authors concerned and without texts.

    Raises
    ------
    DisambigError
        If a file cannot be written.
    """
    parts = folder / "parts"
    parts.mkdir()
    constrained_works: list[Work] = []

    def read_parts() -> Iterator[tuple[Corpus, Path, int, int, int]]:
        n_works = 0
        for number, chunk in enumerate(_iterate_chunks(works)):
            constrained_works.extend(
                light
                for work in chunk
                if (light := select_constrained_authors(work, constrained)) is not None
            )
            corpus = Corpus.from_works(chunk)
            yield corpus, folder, number, n_shards, n_works
            n_works += corpus.n_works
            advance(corpus.n_works)

    try:
        with ProcessPoolExecutor(WRITERS, start_context(), end_with_parent) as pool:
            for _ in map_in_order(pool, _write_part, read_parts(), WRITERS - 1):
                pass
    except BrokenProcessPool as broken:
        raise DisambigError(
            "a process that writes works to disk was killed, most likely for lack of memory; "
            "run the same command again with a smaller --memory"
        ) from broken
    part_folders = sorted(p for p in parts.iterdir() if p.is_dir())
    with _report_write_errors(folder):
        sum_statistics(part_folders, folder / "statistics")
    for part in part_folders:
        shutil.rmtree(part)
    return constrained_works


def _write_part(part: tuple[Corpus, Path, int, int, int]) -> None:
    """Write one part: its works (one record batch per shard), their ids and their statistics.

    Parameters
    ----------
    part : (Corpus, Path, int, int, int)
        The works, folder, number of the part, number of shards, and number of the first work.
    """
    corpus, folder, number, n_shards, first = part
    tables = make_shard_tables(corpus, assign_shards(corpus, n_shards), n_shards, first)
    statistics = Statistics.count(corpus, get_coauthor_keys(corpus), tokenise_corpus(corpus))
    name = folder / "parts" / f"{number:06}"
    with _report_write_errors(folder):
        with pa.ipc.new_file(f"{name}.arrow", SCHEMA) as writer:
            for table in tables:
                writer.write_batch(to_record_batch(table))
        with pa.ipc.new_file(f"{name}.ids", _IDS) as writer:
            writer.write_table(pa.table([pa.array(corpus.work_ids, pa.string())], schema=_IDS))
        save_statistics(statistics, name)


@contextmanager
def _report_write_errors(folder: Path) -> Iterator[None]:
    """Convert write errors to errors that name the folder and a remedy."""
    try:
        yield
    except OSError as error:
        raise DisambigError(
            f"cannot write to {folder} ({error}); is the disk full? Free some space and run the "
            "same command again"
        ) from error


def to_record_batch(table: pa.Table) -> pa.RecordBatch:
    """Convert a table of :data:`disambig.out_of_core.shards.SCHEMA` to one record batch."""
    batches = table.combine_chunks().to_batches()
    if batches:
        return batches[0]
    return pa.RecordBatch.from_pylist([], schema=SCHEMA)


_IDS = pa.schema([("work", pa.string())])


def read_shard(folder: Path, shard: int) -> pa.Table:
    """Open the works of a shard, memory-mapped: only columns in use are read."""
    files = sorted((folder / "parts").glob("*.arrow"))
    batches = [pa.ipc.open_file(pa.memory_map(str(f))).get_batch(shard) for f in files]
    return pa.Table.from_batches(batches, SCHEMA)


def rank_works(folder: Path) -> tuple[Int64, pa.Array]:
    """Return the rank of each work's id by work number, int64[n], and the ids in ascending order.

    Raises
    ------
    InputError
        If two works have one id.
    """
    empty = pa.array([], pa.large_string())
    chunks = [
        chunk.cast(pa.large_string())
        for file in sorted((folder / "parts").glob("*.ids"))
        for chunk in pa.ipc.open_file(pa.memory_map(str(file))).read_all().column("work").chunks
    ]
    ids = pa.concat_arrays(chunks or [empty])
    order = pc.sort_indices(ids).to_numpy().astype(np.int64)
    ids = ids.take(pa.array(order))
    if len(ids) > 1:
        is_repeated = pc.equal(ids[1:], ids[:-1])
        if pc.any(is_repeated).as_py():
            repeated_id = ids[pc.index(is_repeated, True).as_py()].as_py()
            raise InputError(
                f"two works have the id {repeated_id!r}; give each work an id of its own"
            )
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank, ids


def _iterate_chunks(works: Iterable[Work]) -> Iterator[list[Work]]:
    iterator = iter(works)
    # without works there is one empty part: statistics are a sum over parts
    yield list(islice(iterator, WORKS_PER_PART))
    while chunk := list(islice(iterator, WORKS_PER_PART)):
        yield chunk


def select_constrained_authors(work: Work, constrained: frozenset[Signature]) -> Work | None:
    """Reduce a work to its authors with constraints or identifiers; None without any.

    Other authors become empty, so that positions are unchanged.
    """
    authors = []
    for position, author in enumerate(work.authors):
        orcid = author.orcid if author.orcid and is_orcid(author.orcid) else None
        email = author.email if author.email and is_personal(author.email.lower()) else None
        if orcid or email or (constrained and Signature(work.id, position) in constrained):
            authors.append(replace(author, affiliations=(), orcid=orcid, email=email))
        else:
            authors.append(_EMPTY_AUTHOR)
    if all(author is _EMPTY_AUTHOR for author in authors):
        return None
    return Work(work.id, "", tuple(authors))


_EMPTY_AUTHOR = Author("")


def serialise_constrained(works: list[Work]) -> str:
    """Serialise works of :func:`select_constrained_authors` as JSON."""
    return json.dumps(
        [(w.id, [(a.name, a.given, a.family, a.orcid, a.email) for a in w.authors]) for w in works]
    )


def parse_constrained(text: str) -> list[Work]:
    """Parse the JSON of :func:`serialise_constrained`."""
    return [
        Work(
            identifier,
            "",
            tuple(Author(n, given=g, family=f, orcid=o, email=e) for n, g, f, o, e in authors),
        )
        for identifier, authors in json.loads(text)
    ]


def save_statistics(statistics: Statistics, folder: Path) -> None:
    """Write statistics as plain arrays that can be memory-mapped."""
    folder.mkdir()
    for kind in KINDS:
        np.save(folder / f"{kind}-keys.npy", statistics.counts[kind].keys)
        np.save(folder / f"{kind}-count.npy", statistics.counts[kind].count)
    for name in ("a", "b", "weight"):
        np.save(folder / f"edges-{name}.npy", getattr(statistics.edges, name))
    (folder / "texts.json").write_text(json.dumps(dict(statistics.texts)), encoding="utf-8")


def load_statistics(folder: Path) -> Statistics:
    """Open statistics as memory-mapped arrays."""

    def map_array(name: str) -> Any:
        return np.load(folder / f"{name}.npy", mmap_mode="r")

    return Statistics(
        {k: Counts(map_array(f"{k}-keys"), map_array(f"{k}-count")) for k in KINDS},
        json.loads((folder / "texts.json").read_text(encoding="utf-8")),
        Edges(map_array("edges-a"), map_array("edges-b"), map_array("edges-weight")),
    )


def sum_statistics(parts: list[Path], folder: Path) -> None:
    """Sum the statistics of parts, one range of keys at a time, in memory for one range."""
    folder.mkdir()
    with ExitStack() as files:
        column = {
            name: files.enter_context(_Column(folder / f"{name}.npy", dtype))
            for name, dtype in _COLUMNS.items()
        }
        for bounds in _iterate_key_ranges():
            # mapped again for each range: pages that were read count as memory while mapped
            statistics = [load_statistics(part) for part in parts]
            for kind in KINDS:
                counts = Counts.sum(_select_counts(p.counts[kind], *bounds) for p in statistics)
                column[f"{kind}-keys"].extend(counts.keys)
                column[f"{kind}-count"].extend(counts.count)
            edges = Edges.sum(_select_edges(p.edges, *bounds) for p in statistics)
            for name in ("a", "b", "weight"):
                column[f"edges-{name}"].extend(getattr(edges, name))
    texts: Counter[str] = Counter()
    for part in parts:
        texts.update(json.loads((part / "texts.json").read_text(encoding="utf-8")))
    (folder / "texts.json").write_text(json.dumps(texts), encoding="utf-8")


class _Column:
    """An array on disk, written piece by piece; a context manager."""

    def __init__(self, file: Path, dtype: type[np.generic]) -> None:
        self._dtype, self._length = np.dtype(dtype), 0
        self._file = file.open("wb")

    def __enter__(self) -> _Column:
        self._write_header()
        return self

    def extend(self, values: npt.NDArray[np.generic]) -> None:
        """Append values."""
        self._file.write(values.astype(self._dtype, copy=False).tobytes())
        self._length += len(values)

    def __exit__(self, *error: object) -> None:
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def _write_header(self) -> None:
        # numpy pads the header so that the length can grow: both headers have the same size
        shape = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._length,)}
        np.lib.format.write_array_header_1_0(self._file, shape)


def _iterate_key_ranges() -> Iterator[tuple[np.uint64, np.uint64 | None]]:
    width = (1 << 64) // KEY_RANGES
    for k in range(KEY_RANGES):
        last = k == KEY_RANGES - 1
        yield np.uint64(k * width), None if last else np.uint64((k + 1) * width)


def _slice_keys(keys: UInt64, low: np.uint64, high: np.uint64 | None) -> slice:
    end = len(keys) if high is None else int(np.searchsorted(keys, high))
    return slice(int(np.searchsorted(keys, low)), end)


def _select_counts(counts: Counts, low: np.uint64, high: np.uint64 | None) -> Counts:
    part = _slice_keys(counts.keys, low, high)
    return Counts(np.array(counts.keys[part]), np.array(counts.count[part]))


def _select_edges(edges: Edges, low: np.uint64, high: np.uint64 | None) -> Edges:
    part = _slice_keys(edges.a, low, high)
    return Edges(np.array(edges.a[part]), np.array(edges.b[part]), np.array(edges.weight[part]))
