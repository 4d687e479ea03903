"""Functions that run as Spark tasks, each in its own Python process on any machine.

The arguments of a task are the number of its part and the folder, never the works themselves: it
reads Parquet, calls the functions of a local run, and writes Parquet. Files are written atomically
and their content is deterministic, so a task can be retried, and even run twice at the same time.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from disambig.arrays import Int64, UInt64
from disambig.clustering.constraints import Constraints
from disambig.clustering.cross_block import renumber
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import get_coauthor_keys, tokenise_corpus
from disambig.corpus.statistics import KINDS, Counts, Edges, Statistics
from disambig.corpus.terms import Terms
from disambig.corpus.tokenise import hash_words
from disambig.domain import Assignment, Author, Signature, Work
from disambig.model.model import Model
from disambig.names import NameKind
from disambig.out_of_core.cluster_shard import (
    ShardContext,
    ShardResult,
    cluster_shard,
    score_across,
)
from disambig.out_of_core.shards import SCHEMA, assign_shards, make_shard_tables
from disambig.output import find_kind, format_assignment
from disambig.partition import make_identity_name

EDGE = len(KINDS)
"""Kind of a co-author edge among the rows of counts; the other kinds are indices into KINDS."""
READING, COAUTHORS = 0, 1
"""Kinds of evidence for joins, see :mod:`disambig.blocking.cross_block`."""
NUMBER_BITS = 32
"""Bits of a number within a shard; the shard is in the bits above."""


@dataclass(frozen=True)
class SharedInputs:
    """Inputs of all tasks that cluster or score, sent to each machine once.

    Attributes
    ----------
    model : Model
    texts : mapping of kind to int
        Number of non-empty texts, see :class:`disambig.corpus.statistics.Statistics`.
    constrained : Corpus
        The works with constraints or identifiers.
    constraints : Constraints
        Of the signatures of ``constrained``.
    """

    model: Model
    texts: Mapping[str, int]
    constrained: Corpus
    constraints: Constraints


def write_works(works: list[Work], file: Path) -> None:
    """Write works as rows of id and JSON record."""
    table = pa.table({"work": [w.id for w in works], "record": [orjson.dumps(w) for w in works]})
    write_atomically(table, file)


def get_part_folder(folder: Path, part: int) -> Path:
    """Return the folder where Spark writes the rows of one part."""
    return folder / f"part={part}"


def get_compared_file(folder: Path, part: int) -> Path:
    """Return the file that exists once a shard is clustered."""
    return folder / "compared" / f"{part:06}.parquet"


def divide_works(folder: Path, n_shards: int, part: int) -> dict[str, int]:
    """Compute the statistics of some works and divide their signatures among shards.

    Reads ``records/``, writes ``counted/`` (kind, a, b, count) and ``divided/`` (part and the
    columns of a shard).

    Returns
    -------
    dict of kind to int
        Number of non-empty texts.
    """
    records = pq.read_table(folder / "records" / f"{part:06}.parquet").column("record").to_pylist()
    corpus = Corpus.from_works(map(_parse_work, records))
    statistics = Statistics.count(corpus, get_coauthor_keys(corpus), tokenise_corpus(corpus))
    write_atomically(_make_counts_table(statistics), folder / "counted" / f"{part:06}.parquet")
    tables = [
        table.append_column("part", pa.array(np.full(table.num_rows, shard, dtype=np.int32)))
        for shard, table in enumerate(
            make_shard_tables(corpus, assign_shards(corpus, n_shards), n_shards)
        )
    ]
    write_atomically(pa.concat_tables(tables), folder / "divided" / f"{part:06}.parquet")
    return dict(statistics.texts)


def list_statistics_keys(stage: Path, part: int) -> int:
    """List the keys whose counts the works of a part need; return their number.

    Reads ``works/``, writes ``wanted/`` (part, kind, a).
    """
    table = _read_works_table(stage, part)

    def read_strings(name: str) -> list[str]:
        column = table.column(name)
        flat = pc.list_flatten(column) if pa.types.is_list(column.type) else column
        strings: list[str] = flat.to_pylist()
        return strings

    terms = Terms.from_texts(
        read_strings("title"),
        read_strings("keywords"),
        read_strings("abstract"),
        read_strings("affiliation"),
        read_strings("venue"),
    )
    keys = {name: np.unique(_flatten_keys(table, name)) for name in ("full", "initial")}
    keys |= {"title": terms.works.keys, "text": terms.works.keys}
    keys |= {"affiliation": terms.affiliations.keys, "venue": np.unique(terms.venue_key)}
    references = _flatten_keys(table, "references")
    own_keys = hash_words(read_strings("work")) if len(references) else references
    keys["reference"] = np.union1d(references, own_keys)
    keys["collaboration"] = np.unique(_flatten_keys(table, "collaborations"))
    all_keys = np.concatenate([keys[kind] for kind in KINDS])
    kind = np.repeat(np.arange(len(KINDS), dtype=np.int8), [len(keys[kind]) for kind in KINDS])
    columns = {
        "part": np.full(len(all_keys), part, np.int32),
        "kind": kind,
        "a": _to_signed(all_keys),
    }
    write_atomically(pa.table(columns), stage / "wanted" / f"{part:06}.parquet")
    return len(all_keys)


def cluster(folder: Path, shared: SharedInputs, part: int) -> None:
    """Cluster one shard, with the function of a local run.

    Reads ``shards/``, writes ``signatures/`` (work, position, name, atom, identity, block, must,
    confidence), ``evidence/`` (kind, key, atom, identity, block) and at the end ``compared/``
    (considered, scored: pairs; doubled: entries listed twice). An atom is the unit that later
    stages move: the signatures of one identity that are in the same must-group, or in none.
    """
    stage = folder / "shards"
    result = cluster_shard(_read_works_table(stage, part), _make_context(stage, shared, part))
    must = shared.constraints.transfer(shared.constrained, result.corpus).must.astype(np.int64)
    atom = renumber(result.identity * (shared.constraints.n_groups + 1) + must + 1).astype(np.int64)
    _, first = np.unique(result.identity, return_index=True)
    base = np.int64(part) << NUMBER_BITS
    numbers = {
        "atom": base + atom,
        "identity": base + atom[first][result.identity],
        "block": base + result.block,
    }
    write_atomically(
        pa.table(
            {
                **_make_name_columns(result.corpus),
                **numbers,
                "must": must,
                "confidence": result.confidence,
            }
        ),
        folder / "signatures" / f"{part:06}.parquet",
    )
    write_atomically(
        _make_evidence_table(result, numbers), folder / "evidence" / f"{part:06}.parquet"
    )
    compared = {
        "considered": [result.considered],
        "scored": [result.scored],
        "doubled": pa.array([result.doubled], pa.list_(pa.string())),
    }
    write_atomically(pa.table(compared), get_compared_file(folder, part))


def score_part(folder: Path, shared: SharedInputs, part: int) -> int:
    """Score some joins across shards, with the function of a local run; return how many are likely.

    Reads ``joins/``, writes ``likely/`` (a, b, probability): joins above the model's threshold.
    """
    stage = folder / "joins"
    candidates = pq.read_table(get_part_folder(stage / "candidates", part), partitioning=None)
    representatives = pq.read_table(get_part_folder(stage / "speakers", part), partitioning=None)
    representatives = representatives.sort_by([("work", "ascending"), ("position", "ascending")])
    pairs = np.column_stack([candidates.column(c).to_numpy() for c in ("a", "b")])
    probability = score_across(
        _read_works_table(stage, part),
        representatives.column("identity").to_numpy(),
        pairs,
        _make_context(stage, shared, part),
    )
    is_likely = probability >= shared.model.settings["across"]
    columns = {
        "a": pairs[is_likely, 0],
        "b": pairs[is_likely, 1],
        "probability": probability[is_likely],
    }
    write_atomically(pa.table(columns), folder / "likely" / f"{part:06}.parquet")
    return int(is_likely.sum())


def render_rows(folder: Path, names: Sequence[str], number: int) -> tuple[int, Counter[NameKind]]:
    """Write output rows of one Parquet file of ``rows/`` as JSON lines in ``text/``.

    Return the number of identities whose first signature is among them, and that of groups and
    placeholders among the names.
    """
    name = names[number]
    rows = pq.read_table(folder / "rows" / name)
    columns = ("work", "position", "name", "confidence", "first_work", "first_position")
    n_identities = 0
    kinds: Counter[NameKind] = Counter()
    final = folder / "text" / f"{name}.jsonl"
    part = _make_temporary_path(final)
    with part.open("w", encoding="utf-8") as stream:
        for row in zip(*(rows.column(c).to_pylist() for c in columns), strict=True):
            work, position, printed, confidence, *first = row
            n_identities += first == [work, position]
            identity = make_identity_name(Signature(*first))
            assignment = Assignment(
                Signature(work, position), printed, identity, round(confidence, 4)
            )
            kind = find_kind(printed)
            if kind is not None:
                kinds[kind] += 1
            stream.write(format_assignment(assignment, kind))
    part.replace(final)
    return n_identities, kinds


def write_atomically(table: pa.Table, file: Path) -> None:
    """Write a Parquet file atomically."""
    part = _make_temporary_path(file)
    pq.write_table(table, part, compression="zstd")
    part.replace(file)


def _make_temporary_path(file: Path) -> Path:
    """Make a unique hidden file name in the same folder, which readers of the folder ignore."""
    return file.with_name(f".{file.name}.{uuid.uuid4().hex}")


def _parse_work(record: bytes) -> Work:
    """Parse the fields of a work that features read from a record of :func:`write_works`."""
    fields: dict[str, Any] = orjson.loads(record)
    authors = tuple(
        Author(a["name"], a["given"], a["family"], tuple(a["affiliations"]), a["orcid"], a["email"])
        for a in fields["authors"]
    )
    return Work(
        fields["id"],
        fields["title"],
        authors,
        fields["abstract"],
        fields["venue"],
        fields["year"],
        tuple(fields["keywords"]),
        references=tuple(fields["references"]),
        collaborations=tuple(fields["collaborations"]),
    )


_COUNTS = pa.schema(
    [("kind", pa.int8()), ("a", pa.int64()), ("b", pa.int64()), ("count", pa.int64())]
)


@cache
def _load_space() -> SemanticSpace:
    return SemanticSpace.load()


def _make_context(stage: Path, shared: SharedInputs, part: int) -> ShardContext:
    """Make the context of a part: its statistics, and the inputs that all parts share."""
    # works without a legible name and without words need no statistics
    folder = get_part_folder(stage / "known", part)
    table = pq.read_table(folder, partitioning=None) if folder.is_dir() else _COUNTS.empty_table()
    kind, a, b, count = (table.column(c).to_numpy() for c in ("kind", "a", "b", "count"))
    a, b = a.view(np.uint64), b.view(np.uint64)
    order = np.lexsort((b, a, kind))
    start = np.searchsorted(kind[order], np.arange(EDGE + 2))
    rows = [order[low:high] for low, high in pairwise(start.tolist())]
    counts = {name: Counts(a[r], count[r]) for name, r in zip(KINDS, rows[:EDGE], strict=True)}
    edges = Edges(a[rows[EDGE]], b[rows[EDGE]], count[rows[EDGE]])
    statistics = Statistics(counts, shared.texts, edges)
    return ShardContext(
        shared.model, _load_space(), lambda: statistics, shared.constrained, shared.constraints
    )


def _read_works_table(stage: Path, part: int) -> pa.Table:
    folder = get_part_folder(stage / "works", part)
    return pq.read_table(folder, columns=SCHEMA.names, partitioning=None).cast(SCHEMA)


def _flatten_keys(table: pa.Table, name: str) -> UInt64:
    keys: Int64 = pc.list_flatten(table.column(name)).to_numpy()
    return keys.view(np.uint64)


def _to_signed(keys: UInt64) -> Int64:
    """Reinterpret the bits as signed, since Spark has no unsigned integers."""
    return keys.view(np.int64)


def _make_counts_table(statistics: Statistics) -> pa.Table:
    counts = [statistics.counts[kind] for kind in KINDS]
    edges = statistics.edges
    sizes = [*(len(c.keys) for c in counts), len(edges.a)]
    zeros = np.zeros(sum(sizes[:EDGE]), dtype=np.int64)
    return pa.table(
        {
            "kind": np.repeat(np.arange(EDGE + 1, dtype=np.int8), sizes),
            "a": _to_signed(np.concatenate([*(c.keys for c in counts), edges.a])),
            "b": np.concatenate([zeros, _to_signed(edges.b)]),
            "count": np.concatenate([*(c.count for c in counts), edges.weight]),
        },
        schema=_COUNTS,
    )


def _make_name_columns(corpus: Corpus) -> dict[str, Any]:
    """Make the columns work, position and printed name of the signatures."""
    printed = pa.array([name.printed for name in corpus.names], pa.string())
    return {
        "work": pa.array(corpus.work_ids, pa.string()).take(pa.array(corpus.signature_work)),
        "position": corpus.signature_position,
        "name": printed.take(pa.array(corpus.signature_name)),
    }


def _make_evidence_table(result: ShardResult, numbers: Mapping[str, Int64]) -> pa.Table:
    """Make a table of distinct pairs of key and atom."""
    kinds, keys, rows = [], [], []
    for kind, (key, row) in ((READING, result.reading), (COAUTHORS, result.coauthors)):
        order = np.lexsort((numbers["atom"][row], key))
        key, row = key[order], row[order]
        atom = numbers["atom"][row]
        is_first = np.ones(len(key), dtype=bool)
        is_first[1:] = (key[1:] != key[:-1]) | (atom[1:] != atom[:-1])
        kinds.append(np.full(int(is_first.sum()), kind, dtype=np.int8))
        keys.append(_to_signed(key[is_first]))
        rows.append(row[is_first])
    row = np.concatenate(rows)
    columns = {"kind": np.concatenate(kinds), "key": np.concatenate(keys)}
    return pa.table({**columns, **{name: values[row] for name, values in numbers.items()}})
