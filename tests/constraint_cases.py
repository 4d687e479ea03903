"""Small corpora and constraints that tests write down by hand."""

from __future__ import annotations

import numpy as np

from disambig.constraints import Constraints, cannot_pairs
from disambig.corpus import Corpus
from disambig.domain import Author, Constraint, ConstraintKind, Signature, Work
from disambig.pairs import PairBatch

ONE, TWO, THREE = "0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X"


def works(*authors: tuple[Author, ...]) -> Corpus:
    """Works "a", "b", "c" … with these authors."""
    return Corpus.from_works(
        Work("abcdefghijklmnopqrstuvwxyz"[n], "A title", people) for n, people in enumerate(authors)
    )


def solo(n: int) -> Corpus:
    """n works with one author each, all of one name."""
    return Corpus.from_works(Work(f"w{i}", "A title", (Author("Ada Byron"),)) for i in range(n))


def ada(*, orcid: str | None = None, email: str | None = None) -> Author:
    return Author("Ada Byron", orcid=orcid, email=email)


def signature(text: str) -> Signature:
    work, position = text.split(":")
    return Signature(work, int(position))


def must(a: str, b: str) -> Constraint:
    return Constraint(ConstraintKind.MUST, signature(a), signature(b))


def cannot(a: str, b: str) -> Constraint:
    return Constraint(ConstraintKind.CANNOT, signature(a), signature(b))


def one_block(corpus: Corpus) -> PairBatch:
    return PairBatch.unlisted([np.arange(corpus.n_signatures, dtype=np.int32)])


def barred(constraints: Constraints, corpus: Corpus, *blocks: list[int]) -> list[list[int]]:
    """Cannot pairs of the blocks (one with every signature by default), as signature rows."""
    chosen = [np.array(b, dtype=np.int32) for b in blocks]
    batch = PairBatch.unlisted(chosen) if blocks else one_block(corpus)
    found: list[list[int]] = batch.rows[cannot_pairs(constraints, batch)].tolist()
    return found
