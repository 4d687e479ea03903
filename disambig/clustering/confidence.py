"""Confidence: the probability that a signature belongs to its identity.

An identity is the person of most of its signatures. A signature that is an identity alone is right
if its person has no other signature in the block. Pair probabilities do not say this by
themselves: their mean within an identity is far below the share of signatures that are right, since
papers of one person need not resemble each other. So a forest maps what is known about a signature
in its identity to that probability, fitted on clusters of blocks that no other forest was fitted
on, and calibrated.
"""

from __future__ import annotations

import numpy as np

from disambig.arrays import Bool, Float32, Float64, Int32
from disambig.clustering.two_level import Linkage, ScoredPairs

CONFIDENCE_FEATURES = (
    "inside_mean",
    "inside_pair_mean",
    "inside_greatest",
    "identity_mean",
    "identity_least",
    "rival_greatest",
    "rival_pair_greatest",
    "rival_sum",
    "identity_size",
    "block_size",
    "namesakes",
    "coauthors",
    "has_title",
    "has_venue",
    "has_year",
    "has_affiliation",
    "given_rarity",
    "family_rarity",
)
"""Names and order of the columns of :func:`compute_confidence_features`."""


def compute_confidence_features(linkage: Linkage) -> dict[str, Float32]:
    """Compute the evidence about each row in its identity.

    Returns
    -------
    dict of str to float32[R]
        In the order of :data:`CONFIDENCE_FEATURES`. Those that only an identity of several rows has
        are NaN for a row alone.
    """
    scored, final, joint = linkage.pairs, linkage.final, linkage.joint
    index, batch, rows = scored.index, scored.batch, scored.rows
    same = final[batch.left] == final[batch.right]
    inside, rival = _Ends(scored, same), _Ends(scored, ~same)
    size = np.bincount(final)
    inside_mean = inside.compute_mean(joint)
    columns = {
        "inside_mean": inside_mean,
        "inside_pair_mean": inside.compute_mean(scored.probability),
        "inside_greatest": inside.compute_greatest(scored.probability),
        "identity_mean": _compute_identity_mean(inside_mean, final),
        "identity_least": _compute_identity_least(inside_mean, final),
        "rival_greatest": rival.compute_greatest(joint),
        "rival_pair_greatest": rival.compute_greatest(scored.probability),
        "rival_sum": np.log1p(rival.compute_sum(joint)),
        "identity_size": np.log2(size)[final],
        "block_size": np.log2(np.diff(batch.start))[batch.block],
        "namesakes": np.log2(1 + inside.compute_weight() + rival.compute_weight()),
        "coauthors": np.log2(1 + rows.coauthors.lengths),
        "has_title": rows.title.lengths > 0,
        "has_venue": rows.venue >= 0,
        "has_year": ~np.isnan(rows.year),
        "has_affiliation": rows.affiliation >= 0,
        "given_rarity": index.given_rarity[rows.name],
        "family_rarity": index.family_rarity[rows.name],
    }
    is_alone = size[final] == 1
    for name in CONFIDENCE_FEATURES[:5]:
        columns[name][is_alone] = np.nan
    return {name: columns[name].astype(np.float32) for name in CONFIDENCE_FEATURES}


class _Ends:
    """Both ends of some pairs, with the number of pairs that each represents."""

    def __init__(self, scored: ScoredPairs, is_selected: Bool) -> None:
        batch = scored.batch
        self.pairs = np.flatnonzero(is_selected)
        self.left, self.right = batch.left[self.pairs], batch.right[self.pairs]
        self.weight = scored.weight[self.pairs]
        self.n_rows = len(batch.rows)

    def compute_weight(self) -> Float64:
        """Compute the number of pairs of each row, float64[R]."""
        return self._add_ends(self.weight)

    def compute_sum(self, values: Float32) -> Float64:
        """Compute the sum over the pairs of each row, float64[R]."""
        return self._add_ends(self.weight * values[self.pairs])

    def compute_mean(self, values: Float32) -> Float64:
        """Compute the mean over the pairs of each row, float64[R]; 0 without pairs."""
        mean: Float64 = self.compute_sum(values) / np.maximum(self.compute_weight(), 1)
        return mean

    def compute_greatest(self, values: Float32) -> Float64:
        """Compute the greatest value of the pairs of each row, float64[R]; 0 without pairs."""
        greatest = np.zeros(self.n_rows)
        np.maximum.at(greatest, self.left, values[self.pairs])
        np.maximum.at(greatest, self.right, values[self.pairs])
        return greatest

    def _add_ends(self, values: Float32) -> Float64:
        ends, values = np.append(self.left, self.right), np.append(values, values)
        total: Float64 = np.bincount(ends, values, self.n_rows).astype(np.float64)
        return total


def _compute_identity_mean(values: Float64, final: Int32) -> Float64:
    """Return the mean over the rows of the identity of each row, float64[R]."""
    mean: Float64 = (np.bincount(final, values) / np.maximum(np.bincount(final), 1))[final]
    return mean


def _compute_identity_least(values: Float64, final: Int32) -> Float64:
    """Return the least value of the rows of the identity of each row, float64[R]."""
    least = np.full(int(final.max(initial=-1)) + 1, np.inf)
    np.minimum.at(least, final, values)
    return least[final]
