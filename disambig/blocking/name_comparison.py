"""Compare the names of candidate pairs, with the rarity of the names; cache the evidence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from disambig.arrays import Float32, Int32, Int64
from disambig.corpus.index import CorpusIndex
from disambig.names import compare_names

NAME_COLUMNS = (
    "given_relation",
    "given_similarity",
    "middle_relation",
    "family_relation",
    "family_similarity",
    "printed_equal",
    "given_min",
    "given_max",
    "order_swapped",
)


def compute_name_evidence(index: CorpusIndex, a: Int32, b: Int32) -> dict[str, Float32]:
    """Compute the evidence of names for pairs of rows of the name table; float32[Q] each."""
    comparison = compare_names(index.names, a, b)
    columns = {f"name_{k}": comparison[k] for k in (*NAME_COLUMNS, "compatible")}
    # the agreement of two names is as common as the less informative of them
    given_rarity = np.minimum(index.given_rarity[a], index.given_rarity[b])
    family = np.minimum(index.family_rarity[a], index.family_rarity[b])
    works = np.maximum(index.full_works[index.full[a]], index.full_works[index.full[b]])
    columns["given_rarity"] = given_rarity
    columns["name_rarity"] = given_rarity + family
    columns["name_family_rarity"] = family
    columns["name_works"] = np.log2(works)
    return columns


class NameEvidenceCache:
    """Evidence about pairs of names, each pair compared once.

    Pairs, groups and groups of groups of one batch need mostly the same names. Uses about 70 bytes
    for each pair of names.
    """

    def __init__(self, index: CorpusIndex) -> None:
        """Start empty."""
        self._index = index
        self._width = max(len(index.names), 1)
        self._key = np.empty(0, dtype=np.int64)
        self._columns: dict[str, Float32] = {}

    def get(self, a: npt.NDArray[np.integer], b: npt.NDArray[np.integer]) -> dict[str, Float32]:
        """Return the evidence as :func:`compute_name_evidence` does; it is symmetric."""
        key = np.minimum(a, b).astype(np.int64) * self._width + np.maximum(a, b)
        index = np.searchsorted(self._key, key)
        is_known = index < len(self._key)
        is_known[is_known] = self._key[index[is_known]] == key[is_known]
        if not is_known.all() or not self._columns:
            self._add(np.unique(key[~is_known]))
            index = np.searchsorted(self._key, key)
        return {name: column[index] for name, column in self._columns.items()}

    def _add(self, key: Int64) -> None:
        """Compare pairs of names that are not in the cache."""
        low, high = np.divmod(key, self._width)
        columns = compute_name_evidence(self._index, low.astype(np.int32), high.astype(np.int32))
        if self._columns:
            index = np.searchsorted(self._key, key)
            key = np.insert(self._key, index, key)
            columns = {
                k: np.insert(self._columns[k], index, column) for k, column in columns.items()
            }
        self._key, self._columns = key, columns
