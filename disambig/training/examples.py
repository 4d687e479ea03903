"""Training examples of the forests: labelled pairs of signatures, and of groups.

Groups are made from cross-fitted scores, by forests not fitted on the block, since scores on
training blocks are far better than on any new block.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from disambig.arrays import Bool, Float32, Int32, Int64
from disambig.blocking.blocks import Comparisons, make_block_key, make_blocks
from disambig.blocking.pairs import PairBatch
from disambig.clustering.confidence import CONFIDENCE_FEATURES, compute_confidence_features
from disambig.clustering.constraints import compile_constraints
from disambig.clustering.two_level import ScoredPairs, join_groups, link_scored, stack_columns
from disambig.corpus.index import CorpusIndex
from disambig.domain import Label
from disambig.errors import InputError
from disambig.features.group import GROUP_FEATURES
from disambig.features.groups import GroupBatch
from disambig.features.pair import compute_pair_features

Columns = dict[str, Float32]

FOLDS = 4
PAIRS_PER_BLOCK = 1500
"""Maximal number of pairs of one block used for fitting: more of the same 300 papers add little."""
FAR_PROBABILITY = 0.02
"""Group pairs whose best signature pair is below this are easy: most pairs, and all similar."""
FAR_SHARE = 0.2
"""Share of these group pairs that is sampled; their weight is increased accordingly."""
CUTS = (0.7, 0.8, 0.9)
"""First-level thresholds whose groups the second level is fitted on."""
ROUND_CUTS = (0.5, 0.7)
"""Second-level thresholds whose groups its later rounds are fitted on."""
MAX_NAMESAKES = 5_000
"""Mean number of agreeing names above which the pairs of a block are not all listed for fitting."""
HALVED_GROUPINGS = 2
"""Groupings of gold people in halves, see :func:`_halve_people`."""
SETTINGS: Mapping[str, float] = {"first_level": 0.8, "second_level": 0.45, "across": 0.7}
"""Linkage thresholds, chosen on the dev split over all corpora together."""


@dataclass(frozen=True, eq=False)
class Gold:
    """A corpus index with the person of each signature.

    ``person`` int32[n_signatures] is -1 without a label; ``blocks`` are those with a labelled
    signature, ``fold`` int64[len(blocks)] the cross-fitting fold of each. ``different_pairs``
    int64[k] are the pairs of persons known to be different, as ``low << 32 | high``; None where
    all persons are. ``weight`` multiplies the weight of all its rows.
    """

    index: CorpusIndex
    person: Int32
    blocks: list[Int32]
    fold: Int64
    different_pairs: Int64 | None = None
    weight: float = 1.0

    def is_known(self, a: Int32, b: Int32) -> Bool:
        """Whether it is known that persons ``a``, ``b`` (-1: no label) are one or two, bool[n]."""
        labelled: Bool = (a >= 0) & (b >= 0)
        if self.different_pairs is None:
            return labelled
        is_known_pair: Bool = labelled & (
            (a == b) | np.isin(_encode_pairs(a, b), self.different_pairs)
        )
        return is_known_pair

    @classmethod
    def of(
        cls,
        index: CorpusIndex,
        labels: Iterable[Label],
        different_persons: Iterable[tuple[str, str]] | None = None,
        weight: float = 1.0,
    ) -> Gold:
        """Match labels to signatures.

        Parameters
        ----------
        different_persons : iterable of (str, str), optional
            Pairs of labelled persons known to be different; None: all of them are.

        Raises
        ------
        InputError
            If there is no label, or a label names an unknown signature.
        """
        corpus = index.corpus
        person = np.full(corpus.n_signatures, -1, dtype=np.int32)
        codes: dict[str, int] = {}
        for label in labels:
            row = corpus.row_of(label.signature)
            person[row] = codes.setdefault(label.person, len(codes))
        if not codes:
            raise InputError("no labels; pass a labels file that matches the works")
        blocks = [b for b in make_blocks(corpus) if (person[b] >= 0).any()]
        keys = [make_block_key(corpus.names[corpus.signature_name[b[0]]]) for b in blocks]
        fold = np.array([zlib.crc32(key.split(" ")[-1].encode()) % FOLDS for key in keys])
        pairs = None
        if different_persons is not None:
            ends = [(codes[a], codes[b]) for a, b in different_persons]
            left, right = np.array(ends, dtype=np.int32).reshape(-1, 2).T
            pairs = _encode_pairs(left, right)
        return cls(index, person, blocks, fold, pairs, weight)


def _encode_pairs(a: Int32, b: Int32) -> Int64:
    """Encode unordered pairs of persons as one number each, int64[n]."""
    low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
    codes: Int64 = low << 32 | high
    return codes


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Training rows: ``X`` float32[n, F], ``y`` float32[n] share of same-person pairs,
    ``weight`` float32[n], ``fold`` int64[n].
    """

    X: Float32
    y: Float32
    weight: Float32
    fold: Int64
    features: tuple[str, ...]

    @classmethod
    def concatenate(cls, parts: Sequence[TrainingRows]) -> TrainingRows:
        """Concatenate the rows of several parts.

        Raises
        ------
        InputError
            If there is no part.
        """
        if not parts:
            raise InputError(
                "no two labelled mentions have compatible names; label people with similar names"
            )
        return cls(
            np.concatenate([p.X for p in parts]),
            np.concatenate([p.y for p in parts]),
            np.concatenate([p.weight for p in parts]),
            np.concatenate([p.fold for p in parts]),
            parts[0].features,
        )

    def add_prior(self) -> TrainingRows:
        """Add to each fold one row of each class, of which nothing is known.

        Labels that are clustered without an error have one class only.
        """
        n, mean = 2 * FOLDS, float(self.weight.mean())
        prior = TrainingRows(
            np.full((n, self.X.shape[1]), np.nan, dtype=np.float32),
            np.tile(np.array([0, 1], dtype=np.float32), FOLDS),
            np.full(n, mean, dtype=np.float32),
            np.repeat(np.arange(FOLDS), 2),
            self.features,
        )
        return TrainingRows.concatenate([self, prior])


def _iterate_batches(gold: Gold, **plan: int) -> Iterator[tuple[PairBatch, int]]:
    """Iterate over batches of one fold each, so that one forest scores a whole batch.

    ``plan`` are limits of :meth:`~disambig.blocking.blocks.Comparisons.plan`.
    """
    for fold in range(FOLDS):
        blocks = [b for b, f in zip(gold.blocks, gold.fold, strict=True) if f == fold]
        comparisons = Comparisons.plan(gold.index, blocks, **plan)
        for number in range(len(comparisons.batches)):
            yield comparisons.make_batch(number), fold


def make_pair_rows(
    gold: Gold, rng: np.random.Generator, progress: Callable[[int], None]
) -> list[TrainingRows]:
    """Make rows of labelled pairs within blocks, at most :data:`PAIRS_PER_BLOCK` of a block.

    Pairs of crowded blocks are drawn from all of theirs, not from those of nearest neighbours: what
    a person of many papers has least alike is what a sample between two groups shows. The weight of
    a block is the square root of its labelled pairs, so that a block of 300 papers does not
    dominate fifty small ones.
    """
    parts: list[TrainingRows] = []
    for batch, fold in _iterate_batches(gold, crowded_namesakes=MAX_NAMESAKES):
        progress(batch.n_pairs)
        person = gold.person[batch.rows]
        a, b = person[batch.left], person[batch.right]
        pairs = np.flatnonzero(gold.is_known(a, b))
        if not len(pairs):
            continue
        block = batch.block[batch.left[pairs]]
        count = np.bincount(block)[block]
        is_sampled = rng.random(len(pairs)) < PAIRS_PER_BLOCK / count
        pairs, count = pairs[is_sampled], count[is_sampled]
        columns = compute_pair_features(gold.index, batch.select_pairs(pairs))
        X = stack_columns(columns, tuple(columns))
        weight = gold.weight * np.maximum(count / PAIRS_PER_BLOCK, 1) / np.sqrt(count)
        y = (a[pairs] == b[pairs]).astype(np.float32)
        folds = np.full(len(pairs), fold)
        parts.append(TrainingRows(X, y, weight.astype(np.float32), folds, tuple(columns)))
    return parts


@dataclass(frozen=True, eq=False)
class Scorers:
    """Scoring functions that make the groups which the second level is fitted on.

    Attributes
    ----------
    pair : callable
        From the fold of a block and the features of pairs to probabilities, as
        :func:`disambig.clustering.two_level.predict_pairs`, by a forest not fitted on it.
    group : callable or None
        The same for pairs of groups, once the second level exists.
    """

    pair: Callable[[int, Columns], tuple[Float32, Float32]]
    group: Callable[[int, Columns], Float32] | None = None

    def get_group_scorer(self) -> Callable[[int, Columns], Float32]:
        """Return ``group``.

        Raises
        ------
        ValueError
            The second level does not exist yet.
        """
        if self.group is None:
            raise ValueError("the second level has no forests yet")
        return self.group


def make_group_rows(
    gold: Gold,
    scorers: Scorers,
    rng: np.random.Generator,
    progress: Callable[[int], None],
    features: Sequence[str] = GROUP_FEATURES,
) -> list[TrainingRows]:
    """Make rows of pairs of groups, with the share of their labelled pairs that are one person.

    Without group forests the groups are those of the first level at several cuts. With them they
    are those of later rounds of the second level.
    """
    constraints = compile_constraints(gold.index.corpus, ())
    parts: list[TrainingRows] = []
    for batch, fold in _iterate_batches(gold):
        progress(batch.n_pairs)
        if batch.n_pairs:
            scored = ScoredPairs.score(gold.index, batch, constraints, partial(scorers.pair, fold))
            person = gold.person[batch.rows]
            for pairs, groups, columns in _iterate_groupings(scored, person, scorers, fold, rng):
                parts += _make_labelled_rows(gold, pairs, groups, columns, fold, rng, features)
    return parts


def _make_labelled_rows(
    gold: Gold,
    scored: ScoredPairs,
    groups: GroupBatch,
    columns: dict[str, Float32],
    fold: int,
    rng: np.random.Generator,
    features: Sequence[str],
) -> list[TrainingRows]:
    """Make rows of the labelled group pairs; an empty list without labels."""
    person = gold.person[scored.batch.rows]
    a, b = person[scored.batch.left], person[scored.batch.right]
    n = groups.n_pairs
    is_known = gold.is_known(a, b)
    labelled = groups.sum_values(is_known.astype(np.float32))
    positive = groups.sum_values((is_known & (a == b)).astype(np.float32))
    far = ~(groups.compute_greatest(scored.probability) > FAR_PROBABILITY)
    usable = np.flatnonzero((labelled > 0) & (~far | (rng.random(n) < FAR_SHARE)))
    if not len(usable):
        return []
    count = labelled[usable]
    weight = np.sqrt(count) * np.where(far[usable], 1 / FAR_SHARE, 1)
    block = groups.block[groups.left[usable]]
    total = np.bincount(block, weight)[block]
    return [
        TrainingRows(
            stack_columns(columns, features)[usable],
            (positive[usable] / count).astype(np.float32),
            (gold.weight * weight / np.sqrt(total)).astype(np.float32),
            np.full(len(usable), fold),
            tuple(features),
        )
    ]


def _iterate_groupings(
    scored: ScoredPairs, person: Int32, scorers: Scorers, fold: int, rng: np.random.Generator
) -> Iterator[tuple[ScoredPairs, GroupBatch, dict[str, Float32]]]:
    """Iterate over groupings to fit the second level on, with the features of their pairs.

    ``person`` int32[R] is that of each row of the batch, -1 without a label.
    """
    if scorers.group is None:
        for cut in CUTS:
            pairs, group = scored.run_first_level(cut)
            yield _compute_group_features(pairs, group)
        return
    first, first_group = scored.run_first_level(SETTINGS["first_level"])
    first_features = _compute_group_features(first, first_group)
    for cut in ROUND_CUTS:
        pairs, groups, columns = first_features
        for _ in range(2):
            group = join_groups(groups, scorers.group(fold, columns), scored.constraints, cut)
            pairs, groups, columns = _compute_group_features(pairs, group)
            yield pairs, groups, columns
    for _ in range(HALVED_GROUPINGS):
        group = _halve_people(first_group, person, scored.batch.block, rng)
        yield _compute_group_features(first, group)


def make_confidence_rows(
    gold: Gold, scorers: Scorers, progress: Callable[[int], None]
) -> list[TrainingRows]:
    """Make a row of each labelled signature in its identity, clustered by forests not fitted on it.

    The label is whether the signature belongs to its identity, see :func:`judge_identities`. The
    rows of a corpus have a mean weight of ``gold.weight`` / ``len(rows)``, so that corpora count
    alike, and those of a block weigh the square root of their number.
    """
    constraints = compile_constraints(gold.index.corpus, ())
    parts: list[TrainingRows] = []
    for batch, fold in _iterate_batches(gold):
        progress(batch.n_pairs)
        scored = ScoredPairs.score(gold.index, batch, constraints, partial(scorers.pair, fold))
        linkage = link_scored(
            scored,
            partial(scorers.get_group_scorer(), fold),
            SETTINGS["first_level"],
            SETTINGS["second_level"],
        )
        right = judge_identities(linkage.final, gold.person[batch.rows], batch.block)
        right[scored.doubled[:, 0]] = np.nan
        judged = np.flatnonzero(~np.isnan(right))
        columns = compute_confidence_features(linkage)
        block = batch.block[judged]
        parts.append(
            TrainingRows(
                stack_columns(columns, CONFIDENCE_FEATURES)[judged],
                right[judged],
                (1 / np.sqrt(np.bincount(block)[block])).astype(np.float32),
                np.full(len(judged), fold),
                CONFIDENCE_FEATURES,
            )
        )
    total = sum(part.weight.sum() for part in parts)
    return [replace(part, weight=gold.weight * part.weight / total) for part in parts]


def judge_identities(identity: Int32, person: Int32, block: Int32) -> Float32:
    """Return whether each signature belongs to its identity, float32[n]; NaN where unknown.

    An identity is the person of most of its labelled signatures; of k persons with equally many,
    each is right by 1/k. A signature alone is right if its person has no other. An identity with
    other signatures but no other label is not judged.

    Parameters
    ----------
    identity, person, block : int32[n]
        Identities are of one block each; persons are -1 without a label.
    """
    right = np.full(len(person), np.nan, dtype=np.float32)
    labelled = np.flatnonzero(person >= 0)
    identity_size = np.bincount(identity)
    is_alone = identity_size[identity[labelled]] == 1
    _, owner, works = np.unique(
        block[labelled].astype(np.int64) << 32 | person[labelled],
        return_inverse=True,
        return_counts=True,
    )
    right[labelled[is_alone]] = works[owner[is_alone]] == 1
    joint = labelled[~is_alone]
    parts, part, count = np.unique(
        identity[joint].astype(np.int64) << 32 | owner[~is_alone],
        return_inverse=True,
        return_counts=True,
    )
    whole, n = parts >> 32, len(identity_size)  # identity of each part, one person of it
    most = np.zeros(n, dtype=np.int64)
    np.maximum.at(most, whole, count)
    is_most = count == most[whole]
    share = np.where(is_most, 1 / np.bincount(whole, is_most, n)[whole], 0)
    n_labelled = np.bincount(whole, count, n)[whole]
    right[joint] = np.where(n_labelled > 1, share, np.nan)[part]
    return right


def _compute_group_features(
    scored: ScoredPairs, group: Int32
) -> tuple[ScoredPairs, GroupBatch, dict[str, Float32]]:
    """Return the pairs with a sample between the groups, the groups, and their features."""
    pairs = scored.compare_sample(group)
    return pairs, *pairs.compute_group_features(group)


def _halve_people(group: Int32, person: Int32, block: Int32, rng: np.random.Generator) -> Int32:
    """Join the first-level groups of each person of a block to two groups at random, int32[R].

    Clustering rarely leaves two large groups of one person apart, or two large groups of namesakes
    unjoined but for one pair, so the second level would learn about large groups from a handful.
    A group belongs to the person of most of its labelled rows; groups without labels stay.
    """
    n_groups, labelled = int(group.max(initial=-1)) + 1, person >= 0
    owner = np.full(n_groups, -1, dtype=np.int64)
    key, count = np.unique(
        group[labelled].astype(np.int64) << 32 | person[labelled], return_counts=True
    )
    by_count = key[np.argsort(count, kind="stable")]
    owner[by_count >> 32] = by_count & 0xFFFFFFFF
    half = 2 * owner + rng.integers(0, 2, n_groups)
    label = np.where(owner >= 0, half, -1 - np.arange(n_groups))[group]
    label = block.astype(np.int64) << 34 | label + n_groups
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[inverse]
