"""Lists of texts as 64-bit keys, equal in every process and on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from disambig.arrays import Int64, Integer, UInt64
from disambig.corpus.tokenise import hash_words
from disambig.kernels.keys import list_distinct_keys

_TEXTS_PER_HASH = 1 << 20
"""Texts that a builder keeps before it hashes them."""


@dataclass(frozen=True, eq=False)
class KeyLists:
    """List ``r`` is ``key[start[r]:start[r + 1]]``.

    Attributes
    ----------
    start : int64[n + 1]
    key : uint64[m]
        Hashes of texts, see :func:`disambig.corpus.tokenise.hash_words`.
    """

    start: Int64
    key: UInt64

    def __len__(self) -> int:
        """Number of lists."""
        return len(self.start) - 1

    def take(self, rows: Integer) -> KeyLists:
        """Return some lists, in the order of ``rows``."""
        length = self.start[rows + 1] - self.start[rows]
        start = np.concatenate([[0], np.cumsum(length)])
        place = np.arange(start[-1]) + np.repeat(self.start[rows] - start[:-1], length)
        return KeyLists(start, self.key[place])

    def list_entries(self) -> tuple[Int64, UInt64]:
        """List the distinct keys of each list with its number, sorted by list, then key."""
        return list_distinct_keys(self.start, self.key, len(self.key))

    def concatenate(self, other: KeyLists) -> KeyLists:
        """Append the lists of ``other``."""
        return KeyLists(
            np.concatenate([self.start, other.start[1:] + self.start[-1]]),
            np.concatenate([self.key, other.key]),
        )


@dataclass(slots=True)
class KeyListsBuilder:
    """Collect lists of texts one by one; the texts are not kept."""

    _sizes: list[int] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _keys: list[UInt64] = field(default_factory=list)

    def append(self, texts: Sequence[str]) -> None:
        """Add one list."""
        self._sizes.append(len(texts))
        self._texts.extend(texts)
        if len(self._texts) >= _TEXTS_PER_HASH:
            self._hash_texts()

    def build(self) -> KeyLists:
        """Return the lists in the order in which they were added."""
        self._hash_texts()
        start = np.concatenate([[0], np.cumsum(np.asarray(self._sizes, dtype=np.int64))])
        return KeyLists(start, np.concatenate(self._keys))

    def _hash_texts(self) -> None:
        self._keys.append(hash_words(self._texts))
        self._texts.clear()
