"""Which signatures are compared: blocks by family name and first initial, and links across them.

A block is filed under the first initial and the last word of the family name ("j pons"), the
coarsest reading of a name, so that "A. van den Bosch" and "A. Bosch" meet whoever divided the
name. Names that another reading files elsewhere (swapped order, double family names, umlauts,
nicknames) are proposed afterwards, between groups of different blocks (:func:`cross_pairs`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from disambig.corpus import Corpus
from disambig.index import CorpusIndex
from disambig.names import ParsedName, block_keys
from disambig.names.parsed import core_tokens

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

MAX_BLOCK = 4000
"""Signatures a block may hold before it is split: 8 million pairs, about 2.5 GB at the peak
(measured on a block put together from abstract-less papers)."""


def primary_key(name: ParsedName) -> str:
    """The block a name belongs to: first initial and last word of the family name.

    Empty for a name without letters.
    """
    if not name.family_tokens:
        return " ".join(name.given)
    last = core_tokens(name.family_tokens)[-1]
    return f"{name.given[0][0]} {last}" if name.given else last


def blocks_of(corpus: Corpus) -> list[Int32]:
    """Signature rows of each block, blocks sorted by key, rows rising; every row once.

    Names without letters ("???") say nothing, so each such signature is a block of its own.
    """
    keys = [primary_key(name) for name in corpus.names]
    code_of = {key: number for number, key in enumerate(sorted(set(keys)))}
    block = np.array([code_of[key] for key in keys], dtype=np.int64)[corpus.signature_name]
    nameless = np.flatnonzero(block == code_of.get("", -1))
    block[nameless] = len(code_of) + np.arange(len(nameless))
    order = np.argsort(block, kind="stable").astype(np.int32)
    cuts = np.flatnonzero(np.diff(block[order])) + 1
    return np.split(order, cuts) if len(order) else []


def split_oversized(index: CorpusIndex, block: Int32, limit: int = MAX_BLOCK) -> list[Int32]:
    """Divide a block above ``limit`` without parting likely pairs.

    Signatures stay together while they share a written-out first name or a co-author;
    connected sets are packed, neighbours in topic together, into parts of at most ``limit``.
    A connected set that is itself too large is divided along its topics: the only case in
    which likely pairs can part, and the benchmark prints the share.
    """
    if len(block) <= limit:
        return [block]
    parts = _by_given_name(index, block)
    parts = [
        p for part in parts for p in (_by_coauthor(index, part) if len(part) > limit else [part])
    ]
    packed: list[Int32] = []
    current: list[Int32] = []
    size = 0
    for part in sorted(parts, key=lambda p: (_topic_order(index, p), int(p[0]))):
        for piece in _along_topic(index, part, limit):
            if size + len(piece) > limit and current:
                packed.append(np.sort(np.concatenate(current)))
                current, size = [], 0
            current.append(piece)
            size += len(piece)
    packed.append(np.sort(np.concatenate(current)))
    return packed


def _groups(labels: Int32, rows: Int32) -> list[Int32]:
    order = np.argsort(labels, kind="stable")
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    return [np.sort(part) for part in np.split(rows[order], cuts)]


def _by_given_name(index: CorpusIndex, block: Int32) -> list[Int32]:
    """Parts by first written-out given name; initials follow the co-author they share most."""
    names = index.corpus.names
    first = []
    for code in index.corpus.signature_name[block]:
        given = names[code].given
        first.append(given[0] if given and len(given[0]) > 1 else "")
    keys, label = np.unique(np.array(first), return_inverse=True)
    initials = np.flatnonzero(label == 0) if keys[0] == "" else np.empty(0, dtype=np.int64)
    if len(initials) and len(keys) > 1:
        coauthors = index.coauthors[block]
        member = sparse.csr_array(
            (np.ones(len(block), np.float32), (label, np.arange(len(block)))),
            shape=(len(keys), len(block)),
        )
        profile = sparse.csr_array(member @ coauthors)
        for some in np.array_split(initials, len(initials) * len(keys) // 10**7 + 1):
            shared = (coauthors[some] @ profile.T).toarray()
            shared[:, 0] = 0
            label[some] = shared.argmax(axis=1)  # 0, those of initials only, where none is shared
    return _groups(label.astype(np.int32), block)


def _by_coauthor(index: CorpusIndex, part: Int32) -> list[Int32]:
    """Connected sets of signatures that share co-authors."""
    coauthors = index.coauthors[part]
    n = len(part)
    links = coauthors.tocoo()
    square = (n + coauthors.shape[1],) * 2
    bipartite = sparse.coo_array((links.data, (links.row, n + links.col)), shape=square)
    _, label = connected_components(bipartite, directed=False)
    return _groups(label[:n].astype(np.int32), part)


def _topic_order(index: CorpusIndex, part: Int32) -> float:
    """Where a set stands along the first axis of the semantic space."""
    values = index.meaning[index.corpus.signature_work[part], 0]
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def _along_topic(index: CorpusIndex, part: Int32, limit: int) -> list[Int32]:
    """Halve a set along its main topic axis until each piece fits."""
    if len(part) <= limit:
        return [part]
    vectors = np.nan_to_num(index.meaning[index.corpus.signature_work[part]])
    centred = vectors - vectors.mean(axis=0)
    axis = np.linalg.svd(centred.T @ centred)[0][:, 0]
    order = np.argsort(centred @ axis, kind="stable")
    half = len(part) // 2
    return [
        piece
        for side in (part[order[:half]], part[order[half:]])
        for piece in _along_topic(index, side, limit)
    ]


def cross_pairs(index: CorpusIndex, identity: Int32, block: Int32, limit: int = 50) -> Int64:
    """Pairs of identities in different blocks that may be one person.

    Proposed are identities one of whose names has another reading or spelling that is filed
    under the other's block, and identities with the same first name and at least two
    co-authors in common (a changed family name).

    Parameters
    ----------
    identity, block : int32[n_signatures]
        Identity and block of each signature.
    limit : int
        A key that more identities share is left out: it says too little.

    Returns
    -------
    int64[K, 2]
        Identity numbers, low < high, sorted, none twice.
    """
    block_of = block_of_identity(identity, block)
    found = np.concatenate(
        [
            _by_other_reading(index, identity, block_of, limit),
            _by_circle(index, identity, block_of, limit),
        ]
    )
    return np.unique(found, axis=0)


def block_of_identity(identity: Int32, block: Int32) -> Int64:
    """Block of each identity, int64[n_identities]; the first one if it spans several."""
    first = np.full(int(identity.max(initial=-1)) + 1, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(first, identity, block)
    return first


def _by_other_reading(index: CorpusIndex, identity: Int32, block_of: Int64, limit: int) -> Int64:
    """Pairs filed under one key by some reading of their names that share a co-author."""
    names = index.corpus.names
    codes: dict[str, int] = {}
    name_row: list[int] = []
    key_of: list[int] = []
    for row, name in enumerate(names):
        for key in sorted({primary_key(name), *block_keys(name)} - {""}):
            name_row.append(row)
            key_of.append(codes.setdefault(key, len(codes)))
    by_name = sparse.csr_array(
        (np.ones(len(name_row), np.int8), (name_row, key_of)), shape=(len(names), len(codes))
    )
    keys = by_name[index.corpus.signature_name].tocoo()
    n = len(block_of)
    owners = sparse.csr_array(
        (np.ones(keys.nnz, np.float32), (identity[keys.row], keys.col)), shape=(n, len(codes))
    )
    pairs = _pairs_apart(owners, block_of, limit=20 * limit, least=1)
    # an identity pair is only worth scoring with a co-author in common
    member = sparse.csr_array(
        (np.ones(len(identity), np.float32), (identity, np.arange(len(identity)))),
        shape=(n, len(identity)),
    )
    circle = sparse.csr_array(member @ index.coauthor_initials)
    kept = [
        some[np.asarray(circle[some[:, 0]].multiply(circle[some[:, 1]]).sum(axis=1)).ravel() > 0]
        for some in np.array_split(pairs, len(pairs) // 100_000 + 1)
    ]
    return np.concatenate(kept)


def _pairs_apart(owners: sparse.csr_array, block_of: Int64, *, limit: int, least: int) -> Int64:
    """Pairs of identities of two blocks that share ``least`` columns.

    Columns which more than ``limit`` identities have are left out.
    """
    owners.sum_duplicates()
    owners.data[:] = 1
    columns = owners.tocsc()
    columns = columns[:, np.flatnonzero(np.diff(columns.indptr) <= limit)]
    product = sparse.coo_array(columns @ columns.T)
    row, column = product.row.astype(np.int64), product.col.astype(np.int64)
    kept = (row < column) & (product.data >= least) & (block_of[row] != block_of[column])
    return np.column_stack([row[kept], column[kept]])


def _by_circle(index: CorpusIndex, identity: Int32, block_of: Int64, limit: int) -> Int64:
    """Pairs with one first name and at least two co-authors in common."""
    names = index.corpus.names
    codes: dict[str, int] = {}
    first = np.array(
        [
            codes.setdefault(n.given[0], len(codes)) if n.given and len(n.given[0]) > 2 else -1
            for n in names
        ],
        dtype=np.int64,
    )[index.corpus.signature_name]
    coauthors = index.coauthors.tocoo()
    known = first[coauthors.row] >= 0
    row, column = coauthors.row[known], coauthors.col[known]
    key = first[row] * index.coauthors.shape[1] + column
    distinct, key = np.unique(key, return_inverse=True)
    owners = sparse.csr_array(
        (np.ones(len(key), np.float32), (identity[row], key)), shape=(len(block_of), len(distinct))
    )
    return _pairs_apart(owners, block_of, limit=limit, least=2)
