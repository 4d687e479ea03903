"""Accuracy as sums over blocks, and its bootstrap intervals over blocks.

Blocks, not signatures, are the units that vary independently: one wrong merge in a large block
changes thousands of pairs. Every figure is a function of sums over blocks, so a bootstrap sample
of the blocks (B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, percentile
method) is one matrix product, and two runs are compared on the same samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from disambig.arrays import Bool, Float64, Int64, Integer
from disambig.errors import InputError

#: Bootstrap samples of an interval, and the two percentiles that bound it.
DRAWS, BOUNDS = 2000, (2.5, 97.5)
#: Figures of :meth:`BlockSums.compute_figures`. ``mean_block_…`` is the mean of the blocks' own F1:
#: over the blocks of several mentions, or with a true or predicted pair.
FIGURES = (
    "bcubed_precision",
    "bcubed_recall",
    "bcubed_f1",
    "pairwise_precision",
    "pairwise_recall",
    "pairwise_f1",
    "mean_block_bcubed_f1",
    "mean_block_pairwise_f1",
    "exact_blocks",
)
_COUNTS = ("signatures", "others", "predicted_pairs", "true_pairs", "correct_pairs")
_STORED = ("signatures", "others", "precision", "recall", *_COUNTS[2:])
_DRAWS_AT_ONCE = 250


class Interval(NamedTuple):
    """A figure and the bounds of its 95 % interval; NaN where undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False, slots=True)
class SignatureScores:
    """Agreement of each labelled signature with its person; arrays of shape (n,).

    A pair of labelled signatures counts one half for each, a pair with another mention one.
    """

    precision: Float64
    recall: Float64
    predicted_pairs: Float64
    true_pairs: Float64
    correct_pairs: Float64

    @classmethod
    def of(
        cls, predicted: Integer, truth: Integer, block: Integer, is_other: Bool | None = None
    ) -> SignatureScores:
        """Compare identities with persons within blocks.

        Parameters
        ----------
        predicted, truth, block : integers[m]
            Identity, person and block of each mention.
        is_other : bool[m], optional
            Mentions known to be none of the labelled persons of their block. In an identity they
            lower the precision of its labelled signatures; they are not scored themselves, as two
            of them may be one person. Their ``truth`` is ignored. Scores are of the n mentions
            that are not others, in order.
        """
        is_labelled = np.ones(len(truth), dtype=bool) if is_other is None else ~is_other
        identity = _encode_pairs(block, predicted)
        person = _encode_pairs(block, truth)[is_labelled]
        identity_size, identity = np.bincount(identity), identity[is_labelled]
        n_labelled = np.bincount(identity, minlength=len(identity_size))[identity]
        cell = _encode_pairs(identity, person)
        together, person_size = np.bincount(cell)[cell], np.bincount(person)[person]
        size = identity_size[identity]
        return cls(
            precision=together / size,
            recall=together / person_size,
            predicted_pairs=(n_labelled - 1) / 2 + (size - n_labelled),
            true_pairs=(person_size - 1) / 2,
            correct_pairs=(together - 1) / 2,
        )

    def sum_by(self, group: Integer, names: Sequence[str], others: Integer | None) -> BlockSums:
        """Sum over the groups of the signatures, usually their blocks.

        Parameters
        ----------
        group : integers[n]
            Index into ``names`` for each signature.
        others : integers[len(names)] or None
            Number of other mentions in each group.
        """
        n = len(names)

        def add(values: Float64) -> Float64:
            return np.bincount(group, weights=values, minlength=n).astype(np.float64)

        def count(values: Float64) -> Int64:
            return np.rint(add(values)).astype(np.int64)

        return BlockSums(
            tuple(names),
            signatures=np.bincount(group, minlength=n).astype(np.int64),
            others=np.zeros(n, dtype=np.int64) if others is None else others.astype(np.int64),
            precision=add(self.precision),
            recall=add(self.recall),
            predicted_pairs=count(self.predicted_pairs),
            true_pairs=count(self.true_pairs),
            correct_pairs=count(self.correct_pairs),
        )


@dataclass(frozen=True, eq=False, slots=True)
class BlockSums:
    """Sums by block of the labelled signatures of one corpus; arrays of shape (len(blocks),).

    ``precision`` and ``recall`` are summed B-cubed precision and recall of the signatures;
    ``others`` counts mentions known to be none of the labelled persons. Pairs are unordered, each
    with at least one labelled signature.
    """

    blocks: tuple[str, ...]
    signatures: Int64
    others: Int64
    precision: Float64
    recall: Float64
    predicted_pairs: Int64
    true_pairs: Int64
    correct_pairs: Int64

    @classmethod
    def of(
        cls,
        predicted: Integer,
        truth: Integer,
        block: Integer,
        names: Sequence[str],
        is_other: Bool | None = None,
    ) -> BlockSums:
        """Compare identities with persons; ``names[b]`` is the name of block ``b``.

        The other arguments are those of :meth:`SignatureScores.of`.
        """
        scores = SignatureScores.of(predicted, truth, block, is_other)
        if is_other is None:
            return scores.sum_by(block, names, None)
        others = np.bincount(block[is_other], minlength=len(names))
        return scores.sum_by(block[~is_other], names, others)

    def compute_figures(self) -> dict[str, float]:
        """Compute all :data:`FIGURES` over all blocks; NaN where undefined."""
        totals = self.make_columns().sum(axis=0, keepdims=True)
        return {name: float(values[0]) for name, values in _compute_figures(totals).items()}

    def compute_figures_by_block(self) -> dict[str, Float64]:
        """Compute all :data:`FIGURES` of each block alone, float64[len(blocks)] each."""
        return _compute_figures(self.make_columns())

    def make_columns(self) -> Float64:
        """Return the columns whose sums over blocks determine every figure, float64[blocks, 12]."""
        stored = np.column_stack([getattr(self, name).astype(np.float64) for name in _STORED])
        signatures, others, precision, recall, predicted, true, correct = stored.T
        several, paired = signatures + others > 1, predicted + true > 0
        exact = (correct == predicted) & (correct == true)
        bcubed_f1 = _divide(2 * precision * recall, (precision + recall) * signatures)
        return np.column_stack(
            [
                stored,
                np.where(several, bcubed_f1, 0),
                several,
                np.where(paired, _divide(2 * correct, predicted + true), 0),
                paired,
                np.stack([exact, np.ones_like(exact)]).T,
            ]
        )

    def select(self, rows: Integer) -> BlockSums:
        """Return the sums of some blocks, by index."""
        arrays = {name: getattr(self, name)[rows] for name in _STORED}
        return BlockSums(tuple(self.blocks[row] for row in rows.tolist()), **arrays)

    def to_dict(self) -> dict[str, Any]:
        """Return the sums as JSON values: names of the columns, and a row for each block."""
        columns = [getattr(self, name).tolist() for name in _STORED]
        rows = map(list, zip(*columns, strict=True))
        return {"columns": list(_STORED), "blocks": dict(zip(self.blocks, rows, strict=True))}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> BlockSums:
        """Restore the sums from the values of :meth:`to_dict`.

        Raises
        ------
        InputError
            The values are not of this form.
        """
        try:
            at = [document["columns"].index(name) for name in _STORED]
            rows = np.array(list(document["blocks"].values()), dtype=np.float64)
            columns = rows.reshape(len(rows), len(document["columns"]))[:, at]
            blocks = tuple(document["blocks"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"the sums by block are damaged ({error}); measure again") from error
        arrays = {
            name: column.astype(np.int64) if name in _COUNTS else column
            for name, column in zip(_STORED, columns.T, strict=True)
        }
        return cls(blocks, **arrays)


def bootstrap_intervals(sums: BlockSums, draws: int = DRAWS, seed: int = 0) -> dict[str, Interval]:
    """Compute every figure with its 95 % bootstrap interval over blocks."""
    figures = sums.compute_figures()
    sampled = _compute_figures(_resample(sums.make_columns(), draws, seed))
    return {name: _make_interval(figures[name], sampled[name]) for name in FIGURES}


def bootstrap_interval(sums: BlockSums, figure: str, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Compute one of :data:`FIGURES` with its 95 % bootstrap interval over blocks."""
    return bootstrap_intervals(sums, draws, seed)[figure]


def bootstrap_differences(
    sums: BlockSums, earlier: BlockSums, draws: int = DRAWS, seed: int = 0
) -> dict[str, Interval]:
    """Compute the change of every figure since an earlier result, with its 95 % interval.

    Both are sampled at the same blocks, so that what is hard for both cancels. Only the blocks
    that both have count (:func:`match_blocks`).

    Raises
    ------
    InputError
        They have no block in common.
    """
    now, before = match_blocks(sums, earlier)
    figures, earlier_figures = now.compute_figures(), before.compute_figures()
    columns = np.hstack([now.make_columns(), before.make_columns()])
    width = columns.shape[1] // 2
    totals = _resample(columns, draws, seed)
    sampled = _compute_figures(totals[:, :width])
    sampled_earlier = _compute_figures(totals[:, width:])
    return {
        name: _make_interval(
            figures[name] - earlier_figures[name], sampled[name] - sampled_earlier[name]
        )
        for name in FIGURES
    }


def bootstrap_difference(
    sums: BlockSums, earlier: BlockSums, figure: str, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """Compute the change of one of :data:`FIGURES`, see :func:`bootstrap_differences`."""
    return bootstrap_differences(sums, earlier, draws, seed)[figure]


def match_blocks(a: BlockSums, b: BlockSums) -> tuple[BlockSums, BlockSums]:
    """Return the sums of the blocks that both have, in the order of ``a``.

    Raises
    ------
    InputError
        They have no block in common.
    """
    row_of = {name: row for row, name in enumerate(b.blocks)}
    pairs = [(row, row_of[name]) for row, name in enumerate(a.blocks) if name in row_of]
    if not pairs:
        raise InputError("the two results have no block in common; measure the same split of both")
    rows, other_rows = np.array(pairs, dtype=np.int64).T
    return a.select(rows), b.select(other_rows)


def _resample(columns: Float64, draws: int, seed: int) -> Float64:
    """Sum the columns over bootstrap samples of the rows, float64[draws, columns]."""
    rng, n = np.random.default_rng(seed), len(columns)
    totals = []
    for start in range(0, draws, _DRAWS_AT_ONCE):
        size = min(_DRAWS_AT_ONCE, draws - start)
        drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        totals.append(counts.astype(np.float64) @ columns)
    return np.concatenate(totals)


def _compute_figures(totals: Float64) -> dict[str, Float64]:
    """Compute the figures from sums over blocks of the columns, float64[n] from float64[n, 12]."""
    (signatures, _, precision, recall, predicted, true, correct) = totals.T[:7]
    bcubed, several, pairwise, paired, exact, blocks = totals.T[7:]
    p, r = _divide(precision, signatures), _divide(recall, signatures)
    values = (
        p,
        r,
        _divide(2 * p * r, p + r),
        _divide(correct, predicted),
        _divide(correct, true),
        _divide(2 * correct, predicted + true),
        _divide(bcubed, several),
        _divide(pairwise, paired),
        _divide(exact, blocks),
    )
    return dict(zip(FIGURES, values, strict=True))


def _make_interval(value: float, sampled: Float64) -> Interval:
    defined = sampled[~np.isnan(sampled)]
    if not len(defined):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.percentile(defined, BOUNDS).tolist()
    return Interval(value, low, high)


def _divide(numerator: Float64, denominator: Float64) -> Float64:
    """Divide arrays; NaN where the denominator is 0."""
    quotient = np.full(np.shape(denominator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient


def _encode_pairs(a: Integer, b: Integer) -> Int64:
    """Number the distinct (a, b), int64[n]."""
    codes: Int64 = np.unique(np.column_stack([a, b]), axis=0, return_inverse=True)[1].ravel()
    return codes
