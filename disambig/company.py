"""Who signs a work with whom, as keys that mean the same in every process and on every machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from disambig._key_kernel import members
from disambig.names import ParsedName
from disambig.text import word_keys

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

MAX_TEAM = 100
"""Authors of a work above which it says nothing about who works with whom.

A collaboration of thousands knows its members from one list, and listing its pairs would cost
the square of it.
"""


def full_key(name: ParsedName) -> str:
    """The whole normalised name, as one co-author key."""
    return f"{name.given_joined}|{name.family}"


def initial_key(name: ParsedName) -> str:
    """First initial and family name, as one co-author key."""
    return f"{name.given_joined[:1]}|{name.family}"


@dataclass(frozen=True, eq=False)
class Company:
    """All authors of each work by the keys of their names.

    Attributes
    ----------
    start : int64[W + 1]
        Authors of work ``w`` are rows ``start[w]:start[w + 1]``.
    full, initial : uint64[A]
        Keys of :func:`full_key` and :func:`initial_key`; 0 for a name without letters.
    """

    start: Int64
    full: UInt64
    initial: UInt64

    @classmethod
    def of(cls, author_start: Int32, signature_name: Int32, keys: tuple[UInt64, UInt64]) -> Company:
        """The authors of works whose every author is a signature; ``keys`` of the names."""
        full, initial = keys
        return cls(author_start.astype(np.int64), full[signature_name], initial[signature_name])

    @property
    def size(self) -> Int64:
        """Authors of each work, int64[W]."""
        return np.diff(self.start)

    def members(self, keys: UInt64) -> tuple[Int64, UInt64]:
        """Work and key of every author who counts as company, none twice on a work.

        Works of more than :data:`MAX_TEAM` authors and names without letters are left out.
        Sorted by work, then key.

        Parameters
        ----------
        keys : uint64[A]
            ``full`` or ``initial``.
        """
        return members(self.start, keys, MAX_TEAM)


def name_keys(names: list[ParsedName]) -> tuple[UInt64, UInt64]:
    """Full and initial key of each name, uint64[n] each; 0 for a name without letters."""
    legible = np.array([bool(n.given or n.family_tokens) for n in names], dtype=bool)
    full = np.where(legible, word_keys([full_key(n) for n in names]), np.uint64(0))
    initial = np.where(legible, word_keys([initial_key(n) for n in names]), np.uint64(0))
    return full, initial
