"""Result of a run: the identity of each signature."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from disambig.arrays import Float32, Int32
from disambig.corpus.corpus import Corpus
from disambig.domain import Assignment, Signature


@dataclass(frozen=True, eq=False)
class Partition:
    """Every signature of a corpus in exactly one identity.

    Attributes
    ----------
    corpus : Corpus
    identity : int32[n_signatures]
        Number of the identity, counted from 0 in order of first appearance.
    confidence : float32[n_signatures]
        Probability, in [0, 1], that the signature belongs with the rest of its identity.
    considered, scored : int
        Signature pairs within blocks, and those of them that were scored.
    problems : tuple of str
        Constraints that could not be used, and why.
    seconds : mapping of str to float
        Time of the stages of the comparison, summed over all processes.
    """

    corpus: Corpus
    identity: Int32
    confidence: Float32
    considered: int = 0
    scored: int = 0
    problems: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def n_signatures(self) -> int:
        """Number of signatures."""
        return len(self.identity)

    @property
    def n_identities(self) -> int:
        """Number of identities."""
        return int(self.identity.max(initial=-1)) + 1

    def names(self) -> list[str]:
        """Return the public name of each identity: a digest of its smallest signature.

        It depends neither on the order of works nor on unrelated works.
        """
        # rows are sorted by work id and position, so the first one is the smallest
        _, first = np.unique(self.identity, return_index=True)
        return [make_identity_name(self.corpus.signature(row)) for row in first.tolist()]

    def assignments(self) -> Iterator[Assignment]:
        """Yield one row for each signature, sorted by work id and position."""
        names = self.names()
        for row, signature in enumerate(self.corpus.signatures()):
            yield Assignment(
                signature,
                self.corpus.printed_name(row),
                names[self.identity[row]],
                round(float(self.confidence[row]), 4),
            )


def make_identity_name(smallest: Signature) -> str:
    """Return the name of the identity whose smallest signature, by work id and position, it is."""
    text = f"{smallest.work}\0{smallest.position}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
