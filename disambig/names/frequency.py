"""Frequency of names: how strong the evidence is that two signatures share one.

Frequencies are learned once from the training corpora and ship with the model, so that a
decision about one block never moves because unrelated works arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from disambig.arrays import Float32
from disambig.names import ParsedName


@dataclass(frozen=True, eq=False)
class NameFrequency:
    """Shares of family names, given names and initials among distinct full names.

    Attributes
    ----------
    family, given, initial : dict of str to int
        Number of distinct full names with the part. Parts that occur once are omitted.
    total : int
        Number of distinct full names.
    """

    family: dict[str, int]
    given: dict[str, int]
    initial: dict[str, int]
    total: int

    @classmethod
    def fit(cls, names: Iterable[ParsedName]) -> NameFrequency:
        """Count distinct full names; a name printed a thousand times counts once."""
        distinct = {(n.given_joined, n.family) for n in names if n.family}
        family = Counter(f for _, f in distinct)
        given_counts = Counter(g for g, _ in distinct if len(g) > 1)
        initial = Counter(g[:1] for g, _ in distinct if g)
        return cls(
            {k: v for k, v in sorted(family.items()) if v > 1},
            {k: v for k, v in sorted(given_counts.items()) if v > 1},
            dict(sorted(initial.items())),
            max(len(distinct), 1),
        )

    def compute_rarity(self, names: Iterable[ParsedName]) -> tuple[Float32, Float32]:
        """Compute minus log10 of the share of people with each given name and each family name.

        Returns
        -------
        given, family : float32[n]
            A name of initials only is as rare as its first initial; NaN for an empty part.
        """
        given_counts, family = [], []
        for name in names:
            first, last = name.given_joined, name.family
            if not first:
                given_counts.append(0)
            elif len(name.given[0]) == 1:
                given_counts.append(self.initial.get(first[:1], 1))
            else:
                given_counts.append(self.given.get(first, 1))
            family.append(self.family.get(last, 1) if last else 0)
        return self._compute_rarity(given_counts), self._compute_rarity(family)

    def _compute_rarity(self, counts: list[int]) -> Float32:
        """Compute the rarity of parts from the number of names that have them; NaN for 0."""
        n_names = np.asarray(counts, dtype=np.float64)
        n_names[n_names == 0] = np.nan
        rarity: Float32 = (-np.log10(n_names / self.total)).astype(np.float32)
        return rarity
