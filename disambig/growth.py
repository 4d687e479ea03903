"""What a name is worth in a corpus larger than any the forests were fitted on.

Two works of one name are by one person or by namesakes. With twice the people there are twice the
namesakes, while a person has written no more, so the odds that a pair is of one person halve:
the prior odds of record linkage are inverse to the number of records (Fellegi & Sunter, "A theory
for record linkage", 1969), and the author model of MEDLINE puts the same odds as a falling power
of the number of works that bear a name (Torvik & Smalheiser, "Author name disambiguation in
MEDLINE", 2009). The forests cannot know: how rare a name is was counted when they were fitted,
and beyond the counts they have seen they go on flat.

Some evidence gains what the name loses. There are more co-authors, institutions and subjects to
draw from, so namesakes share one less often, in proportion; those who do share it are as likely
one person as before. How much each kind gains for a doubling was fitted by logistic regression on
generated corpora of 250,000, 1,000,000 and 4,000,000 signatures, with the log-odds of the forests
as an offset and what does not change with size apart. It never gains more than the name has lost.

Up to the size the forests are right at, nothing changes, to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from disambig.calibration import sigmoid

Float32 = npt.NDArray[np.float32]

FITTED = 18
"""Log2 of the works up to which the forests' probabilities are taken as they are. They were fitted
on up to 95,465 works, and found neither too high nor too low at 260,000."""
NAMESAKES = math.log(2)
"""What the name loses, in log-odds, with each doubling beyond."""
PAIR_GAINS: Mapping[str, tuple[float, float]] = {
    "coauthors_rarity": (0.34, 1.0),
    "coauthors_hop": (1.05, 0.5),
    "affiliation_cosine": (0.33, 1.0),
    "text_meaning_above": (0.72, 1.0),
    "venue_same": (0.12, 1.0),
}
"""What pair features gain for each unit, in log-odds and for each doubling, and up to which value
they count."""
GROUP_GAINS: Mapping[str, tuple[float, float]] = {
    "coauthors_rarity": (0.60, 1.0),
    "coauthors_hop_mean": (0.72, 0.5),
    "profile_affiliation": (0.14, 1.0),
    "profile_meaning": (0.76, 1.0),
    "text_meaning_above_mean": (0.28, 1.0),
    "venues_shared": (0.16, 1.0),
}
"""The same for pairs of groups."""


def doublings(n_works: int) -> int:
    """How many times a corpus is twice as large as :data:`FITTED`; 0 for all up to that.

    To the nearest power of two, so that a work that arrives hardly ever moves a decision it has
    nothing to do with.
    """
    return max(round(math.log2(max(n_works, 1))) - FITTED, 0)


def lowered(
    probability: Float32,
    columns: Mapping[str, Float32],
    gains: Mapping[str, tuple[float, float]],
    times: int,
) -> Float32:
    """Probabilities in a corpus that has doubled ``times`` times, float32[n]; never higher.

    Parameters
    ----------
    probability : float32[n]
        As the forests have it, inside (0, 1).
    columns : mapping of str to float32[n]
        Features, those of ``gains`` among them. What is not known gains nothing.
    gains : mapping of str to (float, float)
        :data:`PAIR_GAINS` or :data:`GROUP_GAINS`.
    times : int
        From :func:`doublings`.
    """
    if not times:
        return probability
    change = np.full(len(probability), -NAMESAKES)
    for name, (gain, most) in gains.items():
        change += gain * np.minimum(np.nan_to_num(columns[name]), most).astype(np.float64)
    before = probability.astype(np.float64)
    return sigmoid(np.log(before / (1 - before)) + times * np.minimum(change, 0))
