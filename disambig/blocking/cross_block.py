"""Candidate pairs of identities in different blocks that may be one person.

They cover names whose other readings have another block key (swapped order, double family names,
umlauts, nicknames), changed family names and the parts of a divided block. Two identities are a
candidate pair for a name *and* a co-author that they share, never for a name alone, so the cost is
linear in the co-authors printed and not quadratic in a common name.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from disambig.arrays import Bool, Int32, Int64, UInt64
from disambig.blocking.blocks import make_block_key
from disambig.corpus.index import CorpusIndex, list_coauthors
from disambig.corpus.tokenise import hash_words
from disambig.names import make_block_keys, make_loose_keys

MAX_SHARING = 50
"""Most identities that may share a (name, co-author) key; a more common key is weak evidence."""


def find_cross_block_pairs(
    index: CorpusIndex, identity: Int32, block: Int32, crowded: Bool, left_out: Bool | None = None
) -> Int64:
    """List pairs of identities in different blocks that may be one person.

    These are identities one of whose names has a reading or spelling with a block key of the
    other's, with a co-author in common (by first initial and family name), and identities with
    the same first name and two co-authors in common. In crowded blocks only the latter count: a
    co-author's initial is too weak there.

    Parameters
    ----------
    identity, block : int32[n_signatures]
        Identity and block, or part of a divided one, of each signature.
    crowded : bool[n_signatures]
        Whether its block is crowded.
    left_out : bool[n_signatures] or None
        Signatures that are not joined: entries listed twice on their work.

    Returns
    -------
    int64[K, 2]
        Identity numbers, low < high, sorted, none twice.
    """
    block_of = get_identity_blocks(identity, block)
    is_kept = np.ones(len(identity), dtype=bool) if left_out is None else ~left_out
    rows = np.flatnonzero(is_kept).astype(np.int32)
    pairs = np.concatenate(
        [
            find_sharing_pairs(
                *reading_evidence(index, rows[~crowded[rows]]), identity, block_of, least=1
            ),
            find_sharing_pairs(*coauthor_evidence(index, rows), identity, block_of, least=2),
        ]
    )
    return np.unique(pairs, axis=0)


def get_identity_blocks(identity: Int32, block: Int32) -> Int64:
    """Return the block of each identity, int64[n_identities]; the first if it spans several."""
    first = np.full(int(identity.max(initial=-1)) + 1, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(first, identity, block)
    return first


def reading_evidence(index: CorpusIndex, rows: Int32) -> tuple[UInt64, Int32]:
    """Return a key for each (reading of a name, co-author's initial key) of some signatures.

    Returns
    -------
    key, row : uint64[N], int32[N]
        Keys, and the signature that has each.
    """
    name_row: list[int] = []
    keys: list[str] = []
    for row, name in enumerate(index.corpus.names):
        block_key_set = {
            make_block_key(name),
            *make_block_keys(name),
            *make_loose_keys(name),
        } - {""}
        name_row += [row] * len(block_key_set)
        keys += block_key_set
    reading = hash_words(keys)
    order = np.lexsort((reading, np.array(name_row, dtype=np.int64)))
    owner, reading = np.array(name_row, dtype=np.int64)[order], reading[order]
    start = np.searchsorted(owner, np.arange(len(index.corpus.names) + 1))
    return _combine_with_coauthors(index, rows, start, reading, initials=True)


def coauthor_evidence(index: CorpusIndex, rows: Int32) -> tuple[UInt64, Int32]:
    """Return a key for each (written-out first name, co-author), like :func:`reading_evidence`."""
    given_names = [
        n.given[0] if n.given and len(n.given[0]) > 2 else "" for n in index.corpus.names
    ]
    has_given_name = np.array([bool(f) for f in given_names], dtype=np.int64)
    start = np.concatenate([[0], np.cumsum(has_given_name)])
    return _combine_with_coauthors(
        index, rows, start, hash_words([f for f in given_names if f]), initials=False
    )


def _combine_with_coauthors(
    index: CorpusIndex, rows: Int32, start: Int64, key: UInt64, *, initials: bool
) -> tuple[UInt64, Int32]:
    """Combine each key of a signature's name with each of its co-authors."""
    coauthors = list_coauthors(index, rows, initials=initials)
    row = rows[coauthors.get_entry_rows()]
    name = index.corpus.signature_name[row]
    times = np.diff(start)[name]
    entry = np.repeat(np.arange(len(row)), times)
    within = np.arange(len(entry)) - np.repeat(np.cumsum(times) - times, times)
    name_key = key[start[name[entry]] + within]
    coauthor_key = (index.initial_keys if initials else index.full_keys)[coauthors.column[entry]]
    # mix the two keys so that neither can cancel the other
    pair_key = (name_key * np.uint64(0x9E3779B97F4A7C15)) ^ (
        coauthor_key + (name_key >> np.uint64(29))
    )
    return pair_key, row[entry]


def find_sharing_pairs(
    key: UInt64,
    row: Int32,
    identity: npt.NDArray[np.integer],
    block_of: Int64,
    *,
    least: int,
    limit: int = MAX_SHARING,
) -> Int64:
    """List pairs of identities of two blocks that share ``least`` keys or more, int64[K, 2] sorted.

    Parameters
    ----------
    key, row : uint64[N], int32[N]
        Evidence, and the signature that has it.
    identity, block_of : int[n_signatures], int64[n_identities]
    limit : int
        Keys of more identities are ignored.
    """
    pairs, count = count_common_keys(key, row, identity, block_of, limit)
    return pairs[count >= least]


def count_common_keys(
    key: UInt64,
    row: Int32,
    identity: npt.NDArray[np.integer],
    block_of: Int64,
    limit: int = MAX_SHARING,
) -> tuple[Int64, Int64]:
    """Return pairs of identities of two blocks that share keys, int64[K, 2], and how many,
    int64[K].
    """
    key_identity = identity[row].astype(np.int64)
    order = np.lexsort((key_identity, key))
    key, key_identity = key[order], key_identity[order]
    is_first = np.ones(len(key), dtype=bool)
    is_first[1:] = (key[1:] != key[:-1]) | (key_identity[1:] != key_identity[:-1])
    key, key_identity = key[is_first], key_identity[is_first]
    end = np.searchsorted(key, key, side="right")
    size = end - np.searchsorted(key, key)
    discriminative = np.flatnonzero((size <= limit) & (size > 1))
    partners = end[discriminative] - 1 - discriminative
    a = np.repeat(discriminative, partners)
    begin = np.cumsum(partners) - partners
    b = np.arange(len(a)) - np.repeat(begin, partners) + a + 1
    a, b = key_identity[a], key_identity[b]
    different_blocks = block_of[a] != block_of[b]
    width = np.int64(max(len(block_of), 1))
    pair_code, count = np.unique(
        a[different_blocks] * width + b[different_blocks], return_counts=True
    )
    return np.column_stack([pair_code // width, pair_code % width]), count
