"""Size shift: the weight of evidence in corpora larger than those the forests were fitted on.

Two works of one name are by one person or by namesakes. The larger the corpus, the more namesakes
there are: the prior odds of record linkage are inverse to the number of records (Fellegi & Sunter,
"A theory for record linkage", 1969), and the author model of MEDLINE puts the same odds as a
falling power of the number of works that have a name (Torvik & Smalheiser, "Author name
disambiguation in MEDLINE", 2009). On the other hand there are more co-authors, venues,
institutions and subjects, so namesakes share one less often, and sharing one is stronger evidence.

The forests of the two levels cannot learn either effect: no labelled corpus has that size. So a
model may have a second forest for each level, fitted on generated corpora of a million signatures
and more with known identities (:mod:`labeled.training.size_shift`). Its inputs are the features of
the level, the log-odds of the first forest and the size of the corpus; its output replaces the
probability of the first.

Up to the size that the first forests were fitted on, nothing changes, to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from disambig.arrays import Float32, Int64
from disambig.corpus.statistics import LOG2_FITTED_WORKS
from disambig.model.forest import Forest

PROBABILITY_MARGIN = 1e-6
"""Distance from 0 and 1 that probabilities are clipped to, so that log-odds are finite."""
MIN_PROBABILITY = 0.003
"""Probability of the first forest of a level below which the second is not evaluated. For none of
1.3 million such pairs of signatures in generated corpora was its probability above 1/2, and for
none of 1.4 million pairs of groups was it enough to join them."""
SIZE_FEATURES = ("log_odds", "doublings")
"""Inputs of the second forest of a level in addition to the features of the level."""
LEAD_FEATURES = {
    "initials": "initials_rarity",
    "meaning": "profile_meaning",
    "title": "profile_title",
    "affiliation": "profile_affiliation",
    "venues": "venues_cosine",
}
"""Features of two groups that are compared with those of rival pairs."""
SIZE_SHIFT_FEATURES = (
    "initials_shared",
    "initials_rarity",
    "initials_rarest",
    "initials_fewer",
    "initials_more",
    "title_rarity",
    "title_rarest",
    "affiliation_rarity",
    *(f"lead_{name}_{end}" for name in LEAD_FEATURES for end in ("low", "high")),
)
"""Further inputs of the second forest of groups: how surprising it would be for namesakes to share
what two groups share, and how far the two are ahead of their rivals. Where hundreds share a name,
some of them are always similar."""


def compute_surprise(works: Float32, doublings: int) -> Float32:
    """Return the surprise, in bits, of a second occurrence of a person with so many works,
    float32[n].

    It is the logarithm to base 2 of the works of the corpus per work of the person, at least 0.
    """
    bits: Float32 = np.maximum(LOG2_FITTED_WORKS + doublings - np.log2(works), 0).astype(np.float32)
    return bits


def add_size_features(
    probability: Float32,
    columns: Mapping[str, Float32],
    doublings: int,
    rows: Int64 | slice = slice(None),
) -> Float32:
    """Append :data:`SIZE_FEATURES` to the features of some rows.

    Returns float32[n, n_features + 2] in Fortran order.
    """
    probability = probability[rows]
    out = np.empty((len(probability), len(columns) + 2), dtype=np.float32, order="F")
    for place, column in enumerate(columns.values()):
        out[:, place] = column[rows]
    clipped = np.clip(probability.astype(np.float64), PROBABILITY_MARGIN, 1 - PROBABILITY_MARGIN)
    out[:, -2] = np.log(clipped / (1 - clipped))
    out[:, -1] = doublings
    return out


def apply_size_shift(
    forest: Forest | None, probability: Float32, columns: Mapping[str, Float32], doublings: int
) -> Float32:
    """Return the probabilities with the size shift, float32[n].

    Parameters
    ----------
    forest : Forest or None
        Second forest of the level; with None nothing changes.
    probability : float32[n]
        From the first forest of the level, inside (0, 1).
    columns : mapping of str to float32[n]
        Features of the level.
    doublings : int
        From :func:`~disambig.corpus.statistics.count_doublings`.
    """
    if forest is None or not doublings:
        return probability
    rows = np.flatnonzero(probability >= MIN_PROBABILITY)
    shifted = probability.copy()
    level_columns = {name: columns[name] for name in forest.features[: -len(SIZE_FEATURES)]}
    shifted[rows] = forest.predict_probability(
        add_size_features(probability, level_columns, doublings, rows)
    )
    return shifted
