"""Co-authors of works as 64-bit name keys, equal in every process and on every machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disambig.arrays import Int32, Int64, UInt64
from disambig.corpus.tokenise import hash_words
from disambig.kernels.keys import list_distinct_keys
from disambig.names import ParsedName

MAX_AUTHORS = 100
"""Number of authors above which a work is no evidence of co-authorship.

The members of a collaboration of thousands share one author list, and its pairs grow with the
square of their number.
"""


def make_full_key(name: ParsedName) -> str:
    """Return the whole normalised name as one co-author key."""
    return f"{name.given_joined}|{name.family}"


def make_initial_key(name: ParsedName) -> str:
    """Return first initial and family name as one co-author key."""
    return f"{name.given_joined[:1]}|{name.family}"


@dataclass(frozen=True, eq=False)
class CoauthorKeys:
    """All authors of each work, as keys of their names.

    Attributes
    ----------
    start : int64[W + 1]
        Authors of work ``w`` are rows ``start[w]:start[w + 1]``.
    full, initial : uint64[A]
        Hashes of :func:`make_full_key` and :func:`make_initial_key`; 0 for a name without letters.
    """

    start: Int64
    full: UInt64
    initial: UInt64

    @classmethod
    def from_signatures(
        cls, author_start: Int32, signature_name: Int32, keys: tuple[UInt64, UInt64]
    ) -> CoauthorKeys:
        """List the authors of works whose authors are all signatures; ``keys`` are of names."""
        full, initial = keys
        return cls(author_start.astype(np.int64), full[signature_name], initial[signature_name])

    @property
    def n_authors(self) -> Int64:
        """Number of authors of each work, int64[W]."""
        return np.diff(self.start)

    def list_members(self, keys: UInt64) -> tuple[Int64, UInt64]:
        """List the work and key of every author who counts as a co-author, each once a work.

        Works of more than :data:`MAX_AUTHORS` authors and names without letters are left out.
        Sorted by work, then key.

        Parameters
        ----------
        keys : uint64[A]
            ``full`` or ``initial``.
        """
        return list_distinct_keys(self.start, keys, MAX_AUTHORS)


def hash_names(names: list[ParsedName]) -> tuple[UInt64, UInt64]:
    """Return the full and initial key of each name, uint64[n]; 0 for a name without letters."""
    has_letters = np.array([bool(n.given or n.family_tokens) for n in names], dtype=bool)
    full = np.where(has_letters, hash_words([make_full_key(n) for n in names]), np.uint64(0))
    initial = np.where(has_letters, hash_words([make_initial_key(n) for n in names]), np.uint64(0))
    return full, initial
