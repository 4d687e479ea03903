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
"""Signatures a block may hold before it is split: 8 million pairs, about 1.5 GB of features."""


def primary_key(name: ParsedName) -> str:
    """The block a name belongs to: first initial and last word of the family name."""
    if not name.family_tokens:
        return " ".join(name.given)
    last = core_tokens(name.family_tokens)[-1]
    return f"{name.given[0][0]} {last}" if name.given else last


def blocks_of(corpus: Corpus) -> list[Int32]:
    """Signature rows of each block, blocks sorted by key, rows rising; every row once."""
    keys = [primary_key(name) for name in corpus.names]
    _, code = np.unique(np.array(keys, dtype=object).astype(str), return_inverse=True)
    block = code[corpus.signature_name]
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
    parts = [p for part in parts for p in (_by_coauthor(index, part) if len(part) > limit else [part])]
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
        shared = (coauthors[initials] @ sparse.csr_array(member @ coauthors).T).toarray()
        shared[:, 0] = 0
        best = shared.argmax(axis=1)
        label[initials] = np.where(shared.max(axis=1) > 0, best, 0)
    return _groups(label.astype(np.int32), block)


def _by_coauthor(index: CorpusIndex, part: Int32) -> list[Int32]:
    """Connected sets of signatures that share co-authors."""
    coauthors = index.coauthors[part]
    n = len(part)
    bipartite = sparse.block_array([[None, coauthors], [coauthors.T, None]])
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
    found = np.concatenate(
        [_by_other_reading(index, identity, limit), _by_circle(index, identity, limit)]
    )
    block_of = np.zeros(int(identity.max(initial=-1)) + 1, dtype=np.int64)
    block_of[identity] = block
    apart = block_of[found[:, 0]] != block_of[found[:, 1]]
    return np.unique(found[apart], axis=0)


def _by_other_reading(index: CorpusIndex, identity: Int32, limit: int) -> Int64:
    names = index.corpus.names
    codes: dict[str, int] = {}
    name_row: list[int] = []
    key_of: list[int] = []
    for row, name in enumerate(names):
        for key in {primary_key(name), *block_keys(name)}:
            name_row.append(row)
            key_of.append(codes.setdefault(key, len(codes)))
    by_name = sparse.csr_array(
        (np.ones(len(name_row), np.int8), (name_row, key_of)), shape=(len(names), len(codes))
    )
    keys = by_name[index.corpus.signature_name].tocoo()
    # an identity pair is only worth scoring with a co-author or a whole given name in common
    return _sharing(index, identity, identity[keys.row], keys.col.astype(np.int64), limit)


def _sharing(
    index: CorpusIndex, identity: Int32, owner: Int32, key: Int64, limit: int
) -> Int64:
    """Pairs of owners that share a key and a co-author."""
    n = int(identity.max(initial=-1)) + 1
    owners = sparse.csr_array(
        (np.ones(len(owner), np.float32), (owner, key)), shape=(n, int(key.max(initial=-1)) + 1)
    )
    owners.data[:] = 1
    circle = sparse.csr_array(
        (np.ones(len(identity), np.float32), (identity, np.arange(len(identity)))),
        shape=(n, len(identity)),
    ) @ index.coauthor_initials
    joint = _key_pairs(owners, 20 * limit)
    left, right = joint[:, 0], joint[:, 1]
    shared = np.asarray(circle[left].multiply(circle[right]).sum(axis=1)).ravel()
    return joint[shared > 0]


def _key_pairs(owners: sparse.csr_array, limit: int) -> Int64:
    """Pairs of rows that share a column which at most ``limit`` rows have."""
    columns = owners.tocsc()
    keep = np.flatnonzero(np.diff(columns.indptr) <= limit)
    product = sparse.coo_array(columns[:, keep] @ columns[:, keep].T)
    upper = product.row < product.col
    return np.column_stack([product.row[upper], product.col[upper]]).astype(np.int64)


def _by_circle(index: CorpusIndex, identity: Int32, limit: int) -> Int64:
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
    _, key = np.unique(key, return_inverse=True)
    n = int(identity.max(initial=-1)) + 1
    owners = sparse.csr_array(
        (np.ones(len(key), np.float32), (identity[row], key)),
        shape=(n, int(key.max(initial=-1)) + 1),
    )
    owners.data[:] = 1
    columns = owners.tocsc()
    keep = np.flatnonzero(np.diff(columns.indptr) <= limit)
    product = sparse.coo_array(columns[:, keep] @ columns[:, keep].T)
    two = (product.row < product.col) & (product.data >= 2)
    return np.column_stack([product.row[two], product.col[two]]).astype(np.int64)
