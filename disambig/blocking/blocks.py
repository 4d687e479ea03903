"""Blocking: signatures by first initial and family name, and division of large blocks.

A block key is the first initial and the last word of the family name ("j pons"), the coarsest
reading of a name, so that "A. van den Bosch" and "A. Bosch" share a block however the source
divides the name. Names whose other readings have another key (swapped order, double family names,
umlauts, nicknames) become candidates afterwards, between groups of different blocks
(:func:`disambig.blocking.cross_block.find_cross_block_pairs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from disambig.arrays import Bool, Float32, Int32
from disambig.blocking.neighbours import NeighbourPairs, vote_labels
from disambig.blocking.pairs import NamePairs, PairBatch
from disambig.corpus.corpus import Corpus
from disambig.corpus.index import CorpusIndex, list_coauthors
from disambig.names import ParsedName
from disambig.names.parsed import drop_particles

CROWDED_NAMESAKES = 350
"""Mean number of signatures that agree in name with one, from which its block is crowded: each is
then compared with its nearest neighbours instead of all. No block of the labelled corpora is
crowded; the cost of a crowded block is linear in its signatures instead of quadratic."""

MAX_NEIGHBOURS = 120
"""Neighbours that each signature of a crowded block is compared with. Fewer are faster: with 70,
sixteen million generated mentions take 13 % less time, at a B-cubed F1 .0006 lower."""

PART_SIZE = 2_100
"""Size of the parts that a crowded block is divided into if it has more than twice as many
signatures. Nearest-neighbour search is quadratic in the part, and in a very large one the nearest
are much alike: of generated blocks of 6,000 to 32,000, B-cubed F1 was .957 with parts of
700, .959 with 2,100 and .957 with 4,200."""

PAIRS_PER_BATCH = 250_000
"""Pairs compared together: bounds memory (about 400 bytes a pair)."""

ROWS_PER_BATCH = 60_000
"""Signatures processed together, where few of them agree in name."""


def make_block_key(name: ParsedName) -> str:
    """Return the block key of a name: first initial and last word of the family name.

    Empty for a name without letters.
    """
    if not name.family_tokens:
        return " ".join(name.given)
    last = drop_particles(name.family_tokens)[-1]
    return f"{name.given[0][0]} {last}" if name.given else last


def make_blocks(corpus: Corpus) -> list[Int32]:
    """List the signature rows of each block, blocks sorted by key, rows ascending; every row once.

    A signature whose name has no letters ("???") is a block of its own.
    """
    keys = [make_block_key(name) for name in corpus.names]
    code_of = {key: number for number, key in enumerate(sorted(set(keys)))}
    block = np.array([code_of[key] for key in keys], dtype=np.int64)[corpus.signature_name]
    nameless = np.flatnonzero(block == code_of.get("", -1))
    block[nameless] = len(code_of) + np.arange(len(nameless))
    order = np.argsort(block, kind="stable").astype(np.int32)
    cuts = np.flatnonzero(np.diff(block[order])) + 1
    return np.split(order, cuts) if len(order) else []


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Plan of comparisons: blocks, divided where they are crowded, in batches.

    Attributes
    ----------
    parts : NamePairs, NeighbourPairs
        Ordinary blocks, with all pairs whose names agree; crowded blocks, divided where they are
        very large, with each signature and its nearest neighbours.
    batches : list of (int, int, int)
        Index into ``parts``, first and last (exclusive) block that are processed together.
    """

    parts: tuple[NamePairs, NeighbourPairs]
    batches: list[tuple[int, int, int]]

    @classmethod
    def plan(
        cls,
        index: CorpusIndex,
        blocks: Sequence[Int32],
        *,
        crowded_namesakes: int = CROWDED_NAMESAKES,
        max_neighbours: int = MAX_NEIGHBOURS,
        part: int = PART_SIZE,
        pairs: int = PAIRS_PER_BATCH,
    ) -> Comparisons:
        """Compare the names of each block, and divide those that are crowded."""
        names = NamePairs.compare(index, blocks)
        is_crowded = names.load > crowded_namesakes / 2 * np.diff(names.start)
        large = [blocks[b] for b in np.flatnonzero(is_crowded).tolist()]
        block_parts = [
            block_part for block in large for block_part in divide_block(index, block, part)
        ]
        near = NeighbourPairs(index, NamePairs.compare(index, block_parts), max_neighbours)
        all_parts = np.ones(len(block_parts), dtype=bool)
        batches = [(0, *run) for run in _split_into_runs(names, ~is_crowded, pairs)]
        batches += [(1, *run) for run in _split_into_runs(near, all_parts, pairs)]
        return cls((names, near), batches)

    def with_index(self, index: CorpusIndex) -> Comparisons:
        """Return the same with another index of the same signatures."""
        names, near = self.parts
        return replace(self, parts=(names, replace(near, index=index)))

    def make_batch(self, number: int) -> PairBatch:
        """List the pairs of one batch."""
        part, first, last = self.batches[number]
        return self.parts[part].make_batch(first, last)

    def make_batch_of_row(self, row: int) -> PairBatch:
        """List the pairs of the block, or part of one, that a signature is in."""
        for part, first, last in self.batches:
            pairs = self.parts[part]
            low, high = int(pairs.start[first]), int(pairs.start[last])
            at = np.flatnonzero(pairs.rows[low:high] == row)
            if len(at):
                block = int(np.searchsorted(pairs.start, low + at[0], side="right")) - 1
                return pairs.make_batch(block, block + 1)
        raise ValueError(f"signature {row} is compared with no other")

    def get_load(self, number: int) -> int:
        """Return an upper bound of the pairs of one batch."""
        part, first, last = self.batches[number]
        return int(self.parts[part].load[first:last].sum())

    def mask_crowded(self, n_signatures: int) -> Bool:
        """Mark the signatures whose block is crowded, bool[S]."""
        out = np.zeros(n_signatures, dtype=bool)
        out[self.parts[1].rows] = True
        return out

    def number_blocks(self, n_signatures: int) -> Int32:
        """Return the block or part that each signature is compared in, int32[S]; -1 for none."""
        out = np.full(n_signatures, -1, dtype=np.int32)
        first_number = 0
        for part, first, last in self.batches:
            names = self.parts[part]
            low, high = int(names.start[first]), int(names.start[last])
            size = np.diff(names.start[first : last + 1])
            number = np.repeat(np.arange(last - first, dtype=np.int32), size)
            out[names.rows[low:high]] = first_number + number
            first_number += last - first
        return out


def _split_into_runs(
    names: NamePairs | NeighbourPairs, is_included: Bool, pairs: int
) -> Iterator[tuple[int, int]]:
    """Split the included blocks into consecutive runs of about ``pairs`` pairs each.

    A larger block is a run of its own.
    """
    first, load, rows = 0, 0, 0
    size = np.diff(names.start)
    for block, (included, block_load, signatures) in enumerate(
        zip(is_included.tolist(), names.load.tolist(), size.tolist(), strict=True)
    ):
        full = load + block_load > pairs or rows + signatures > ROWS_PER_BATCH
        if block > first and (not included or full):
            yield first, block
            first, load, rows = block, 0, 0
        if not included:
            first = block + 1
        else:
            load, rows = load + block_load, rows + signatures
    if first < len(is_included):
        yield first, len(is_included)


def divide_block(index: CorpusIndex, block: Int32, limit: int) -> list[Int32]:
    """Divide a block of more than twice ``limit`` without separating likely pairs.

    Signatures stay together while they share a written-out first name or a co-author; one with
    an initial only follows its nearest neighbours. A first name with more than ``limit``
    signatures is divided by topic, but signatures connected by co-authors stay together;
    connected sets above ``limit`` are divided by topic as well. Small sets are packed into
    parts of at most twice ``limit``. Likely pairs in different parts become candidates again
    when identities are joined across parts
    (:func:`disambig.blocking.cross_block.find_cross_block_pairs`).
    """
    if len(block) <= 2 * limit:
        return [np.sort(block)]
    parts = sorted(
        _divide_by_given_name(index, block),
        key=lambda p: (_get_topic_position(index, p), int(p[0])),
    )
    packed_parts: list[Int32] = []
    current: list[Int32] = []
    size = 0
    for part in parts:
        for piece in _divide_by_topic(index, part, limit) if len(part) > limit else [part]:
            if size + len(piece) > 2 * limit and current:
                packed_parts.append(np.sort(np.concatenate(current)))
                current, size = [], 0
            current.append(piece)
            size += len(piece)
    packed_parts.append(np.sort(np.concatenate(current)))
    return packed_parts


def _divide_by_topic(index: CorpusIndex, part: Int32, limit: int) -> list[Int32]:
    """Divide a set by topic into parts of at most twice ``limit``.

    Signatures connected by co-authors stay together unless more than ``limit`` are connected.
    """
    sets = [
        p for s in _divide_by_coauthor(index, part) for p in _halve_along_topic(index, s, limit)
    ]
    return _halve(sets, [_compute_centre(index, s) for s in sets], 2 * limit)


def _halve(sets: list[Int32], centres: list[Float32], most: int) -> list[Int32]:
    """Concatenate sets; halve them along the main axis of their centres until each half fits."""
    size = np.array([len(s) for s in sets])
    if size.sum() <= most:
        return [np.concatenate(sets)]
    points = np.array(centres)
    centred = points - np.average(points, axis=0, weights=size)
    axis = np.linalg.svd((centred * size[:, None]).T @ centred)[0][:, 0]
    order = np.argsort(centred @ axis, kind="stable")
    middle = int(np.searchsorted(np.cumsum(size[order]), size.sum() / 2))
    cut = min(max(middle, 1), len(sets) - 1)
    return [
        piece
        for side in (order[:cut], order[cut:])
        for piece in _halve([sets[k] for k in side], [centres[k] for k in side], most)
    ]


def _compute_centre(index: CorpusIndex, rows: Int32) -> Float32:
    """Return the mean embedding of the works of some signatures."""
    centre: Float32 = np.nan_to_num(index.meaning[index.corpus.signature_work[rows]]).mean(axis=0)
    return centre


def _split_by_label(labels: Int32, rows: Int32) -> list[Int32]:
    order = np.argsort(labels, kind="stable")
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    return [np.sort(part) for part in np.split(rows[order], cuts)]


def _divide_by_given_name(index: CorpusIndex, block: Int32) -> list[Int32]:
    """Divide by first written-out given name; initials follow their nearest neighbours.

    A work that prints one author as an initial prints all authors so; therefore co-authors are
    compared by initial as well. Among works with much the same authors, meaning and year decide.
    A vote of the nearest neighbours is better than the mean likeness to a name: the many people
    of a common name have, together, something in common with everyone.
    """
    names = index.corpus.names
    given_names = []
    for code in index.corpus.signature_name[block]:
        given_parts = names[code].given
        given_names.append(given_parts[0] if given_parts and len(given_parts[0]) > 1 else "")
    keys, label = np.unique(np.array(given_names), return_inverse=True)
    initials = np.flatnonzero(label == 0) if keys[0] == "" else np.empty(0, dtype=np.int64)
    if len(initials) and len(keys) > 1:
        with_given_name = np.flatnonzero(label)
        label[initials] = vote_labels(
            index, block[initials], block[with_given_name], label[with_given_name]
        )
    return _split_by_label(label.astype(np.int32), block)


def _make_coauthor_matrix(index: CorpusIndex, rows: Int32) -> sparse.csr_array:
    """Return the co-author keys of each signature, csr_array of ones."""
    coauthors = list_coauthors(index, rows)
    shape = (len(rows), len(index.full_works))
    return sparse.csr_array((coauthors.value, coauthors.column, coauthors.start), shape=shape)


def _divide_by_coauthor(index: CorpusIndex, part: Int32) -> list[Int32]:
    """Divide into connected components of signatures that share co-authors."""
    coauthors = _make_coauthor_matrix(index, part)
    n = len(part)
    links = coauthors.tocoo()
    square = (n + coauthors.shape[1],) * 2
    bipartite = sparse.coo_array((links.data, (links.row, n + links.col)), shape=square)
    _, label = connected_components(bipartite, directed=False)
    return _split_by_label(label[:n].astype(np.int32), part)


def _get_topic_position(index: CorpusIndex, part: Int32) -> float:
    """Return the mean coordinate of a set on the first axis of the semantic space."""
    values = index.meaning[index.corpus.signature_work[part], 0]
    known_values = values[~np.isnan(values)]
    return float(known_values.mean()) if len(known_values) else 0.0


def _halve_along_topic(index: CorpusIndex, part: Int32, limit: int) -> list[Int32]:
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
        for piece in _halve_along_topic(index, side, limit)
    ]
