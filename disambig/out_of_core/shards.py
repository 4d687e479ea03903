"""Shards: parts of a corpus that can be clustered independently.

A shard is a table of works. Each row has the texts of the work, the keys of all its authors, and
the full author entries of the shard's own signatures only. Together with the statistics of the
whole corpus this is all that the features read, so a shard can be clustered on any machine with the
same result as in one process.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from disambig.arrays import Int64
from disambig.blocking.blocks import make_block_key
from disambig.corpus.coauthors import CoauthorKeys
from disambig.corpus.corpus import Corpus
from disambig.corpus.index import get_coauthor_keys
from disambig.corpus.key_lists import KeyLists
from disambig.corpus.tokenise import hash_words

_TEXTS = ("title", "keywords", "abstract", "venue")
_KEY_LISTS = ("references", "collaborations")
_OWN = ("name", "given", "family", "affiliation", "orcid", "email")

SCHEMA = pa.schema(
    [
        ("work", pa.string()),
        ("number", pa.int64()),
        *((name, pa.string()) for name in _TEXTS),
        ("year", pa.float32()),
        ("full", pa.list_(pa.int64())),
        ("initial", pa.list_(pa.int64())),
        *((name, pa.list_(pa.int64())) for name in _KEY_LISTS),
        ("position", pa.list_(pa.int32())),
        *((name, pa.list_(pa.string())) for name in _OWN),
    ]
)
"""One row per work, numbered in input order. ``full`` and ``initial`` are the bits of the
keys of :class:`disambig.corpus.coauthors.CoauthorKeys`, ``references`` and ``collaborations`` those
of :class:`disambig.corpus.corpus.Corpus`; the lists from ``position`` on are of the shard's own
signatures, by position."""


def make_shard_tables(
    corpus: Corpus, shard: Int64, n_shards: int, first_number: int = 0
) -> list[pa.Table]:
    """Make the tables of all shards of a corpus.

    Parameters
    ----------
    corpus : Corpus
    shard : int64[n_signatures]
        Shard of each signature.
    first_number : int
        Number of the first work of the corpus.

    Returns
    -------
    list of Table, length n_shards
        Rows in order of work id.
    """
    columns = _make_columns(corpus, first_number)
    key = shard * corpus.n_works + corpus.signature_work
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.diff(key[order], prepend=-1) > 0)
    of_shard, work = key[order][first] // corpus.n_works, key[order][first] % corpus.n_works
    own_start = np.append(first, len(order))
    bounds = np.searchsorted(of_shard, np.arange(n_shards + 1))
    return [
        _make_table(columns, work[low:high], order, own_start[low : high + 1])
        for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]


def assign_shards(corpus: Corpus, n_shards: int) -> Int64:
    """Assign signatures to shards, int64[n_signatures]; a block is never divided."""
    keys = [make_block_key(name) for name in corpus.names]
    hashed = (hash_words(keys) >> np.uint64(33)).astype(np.int64)[corpus.signature_name]
    # a name without letters is a block of its own, in any shard
    nameless = np.array([not key for key in keys], dtype=bool)[corpus.signature_name]
    hashed[nameless] = corpus.signature_position[nameless]
    shard: Int64 = hashed % n_shards
    return shard


def _make_columns(corpus: Corpus, first_number: int) -> dict[str, Any]:
    """Make the columns of works and of signatures as Arrow arrays, once for all shards."""
    coauthors = get_coauthor_keys(corpus)
    start = pa.array(coauthors.start.astype(np.int32))
    names = [corpus.stated_names[n] for n in corpus.signature_name.tolist()]
    columns: dict[str, Any] = {
        "work": pa.array(corpus.work_ids, pa.string()),
        "number": pa.array(np.arange(corpus.n_works) + first_number),
        "title": pa.array(corpus.titles, pa.string()),
        "keywords": pa.array(corpus.keywords, pa.string()),
        "abstract": pa.array(corpus.abstracts, pa.string()),
        "venue": pa.array(corpus.venues, pa.string()),
        "year": pa.array(corpus.years),
        "position": pa.array(corpus.signature_position),
        "affiliation": pa.array(corpus.affiliations, pa.string()),
        "orcid": pa.array(corpus.orcids, pa.string()),
        "email": pa.array(corpus.emails, pa.string()),
    }
    for name, keys in (("full", coauthors.full), ("initial", coauthors.initial)):
        columns[name] = pa.ListArray.from_arrays(start, pa.array(keys.view(np.int64)))
    for name in _KEY_LISTS:
        lists: KeyLists = getattr(corpus, name)
        columns[name] = pa.ListArray.from_arrays(
            pa.array(lists.start.astype(np.int32)), pa.array(lists.key.view(np.int64))
        )
    for index, name in enumerate(("name", "given", "family")):
        columns[name] = pa.array([s[index] for s in names], pa.string())
    return columns


def _make_table(columns: dict[str, Any], work: Int64, order: Int64, own_start: Int64) -> pa.Table:
    """Make the table of one shard; work ``k`` has the signatures ``order[own_start[k]:...]``."""
    works = pa.array(work)
    own = pa.array(order[own_start[0] : own_start[-1]])
    start = pa.array((own_start - own_start[0]).astype(np.int32))
    arrays = []
    for field in SCHEMA:
        if field.name in ("position", *_OWN):
            arrays.append(pa.ListArray.from_arrays(start, columns[field.name].take(own)))
        else:
            arrays.append(columns[field.name].take(works))
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def make_corpus(table: pa.Table) -> Corpus:
    """Make the corpus of a shard. Rows may be in any order; rows of one work are merged."""
    table = table.take(pc.sort_indices(table.column("work"))).combine_chunks()
    ids = table.column("work").to_pylist()
    new = np.array([at == 0 or ids[at] != ids[at - 1] for at in range(len(ids))], dtype=bool)
    row_work = np.cumsum(new) - 1 if len(ids) else np.empty(0, np.int64)
    works = table.filter(pa.array(new))
    lists = _flatten_column(table, "position")
    work = row_work[lists[0]]
    order = np.lexsort((lists[1], work))
    own = {name: _take_strings(_flatten_column(table, name)[1], order) for name in _OWN}
    name_parts = list(zip(own["name"], own["given"], own["family"], strict=True))
    code = {name: number for number, name in enumerate(dict.fromkeys(name_parts))}
    signature_work = work[order].astype(np.int32)
    company_start, full = _flatten_lists(works, "full")
    return Corpus(
        work_ids=works.column("work").to_pylist(),
        titles=works.column("title").to_pylist(),
        abstracts=works.column("abstract").to_pylist(),
        venues=works.column("venue").to_pylist(),
        keywords=works.column("keywords").to_pylist(),
        years=works.column("year").to_numpy().astype(np.float32),
        author_start=np.searchsorted(signature_work, np.arange(works.num_rows + 1)).astype(
            np.int32
        ),
        signature_work=signature_work,
        signature_position=lists[1][order].astype(np.int32),
        signature_name=np.array([code[name] for name in name_parts], dtype=np.int32),
        stated_names=list(code),
        affiliations=own["affiliation"],
        orcids=own["orcid"],
        emails=own["email"],
        references=_read_key_lists(works, "references"),
        collaborations=_read_key_lists(works, "collaborations"),
        coauthors=CoauthorKeys(
            company_start, full.view(np.uint64), _flatten_lists(works, "initial")[1].view(np.uint64)
        ),
    )


def _flatten_column(table: pa.Table, name: str) -> tuple[Int64, Any]:
    """Return the row of each element of a list column, int64[n], and the elements."""
    start, values = _flatten_lists(table, name, as_numpy=name == "position")
    return np.repeat(np.arange(table.num_rows), np.diff(start)), values


def _flatten_lists(table: pa.Table, name: str, *, as_numpy: bool = True) -> tuple[Int64, Any]:
    """Return the start of each list of a column, int64[n + 1], and all elements."""
    column = table.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    length = pc.list_value_length(column).to_numpy(zero_copy_only=False).astype(np.int64)
    values = pc.list_flatten(column)
    return np.concatenate([[0], np.cumsum(length)]), values.to_numpy() if as_numpy else values


def _read_key_lists(works: pa.Table, name: str) -> KeyLists:
    start, key = _flatten_lists(works, name)
    return KeyLists(start, key.view(np.uint64))


def _take_strings(values: pa.Array, order: Int64) -> list[Any]:
    strings: list[Any] = values.take(pa.array(order)).to_pylist()
    return strings


def list_signatures(table: pa.Table) -> tuple[Int64, Int64, Int64]:
    """List the table row, work number and position of each signature of a shard, int64[n] each."""
    row, position = _flatten_column(table, "position")
    return row, table.column("number").to_numpy()[row], position.astype(np.int64)


def select_signatures(table: pa.Table, element: Int64) -> pa.Table:
    """Return a table of only some signatures, with their works.

    Parameters
    ----------
    element : int64[n]
        Indices into :func:`list_signatures`, each at most once.
    """
    return divide_signatures(table, element, np.zeros(len(element), dtype=np.int64), 1)[0]


def divide_signatures(
    table: pa.Table,
    element: npt.NDArray[np.integer],
    part: npt.NDArray[np.integer],
    n_parts: int,
) -> list[pa.Table]:
    """Divide some signatures into parts, each a table of these signatures with their works.

    Parameters
    ----------
    element : int[n]
        Indices into :func:`list_signatures`, each at most once in a part.
    part : int[n]
        From 0, below ``n_parts``.
    """
    order = np.lexsort((element, part))
    element, part = element[order], part[order]
    row = _flatten_column(table, "position")[0][element]
    first = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(part, prepend=-1) != 0))
    start = pa.array(np.append(first, len(row)).astype(np.int32))
    works, elements = pa.array(row[first]), pa.array(element)
    arrays = []
    for field in SCHEMA:
        if field.name in ("position", *_OWN):
            values = _flatten_lists(table, field.name, as_numpy=False)[1].take(elements)
            arrays.append(pa.ListArray.from_arrays(start, values))
        else:
            arrays.append(table.column(field.name).take(works).combine_chunks())
    selection = pa.Table.from_arrays(arrays, schema=SCHEMA)
    cut = np.searchsorted(part[first], np.arange(n_parts + 1)).tolist()
    return [selection.slice(low, high - low) for low, high in pairwise(cut)]


def list_printed_names(table: pa.Table) -> pa.Array:
    """List the printed name of each signature, in the order of :func:`list_signatures`."""
    return _flatten_lists(table, "name", as_numpy=False)[1]
