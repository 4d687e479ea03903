"""Small corpora and constraints that tests write down by hand."""

from __future__ import annotations

import numpy as np

from disambig.blocking.pairs import PairBatch, list_pairs
from disambig.clustering.constraints import Constraints
from disambig.clustering.linkage import get_first_rows
from disambig.clustering.two_level import BatchConstraints
from disambig.corpus.corpus import Corpus
from disambig.domain import Author, Constraint, ConstraintKind, Signature, Work
from disambig.orcid import is_orcid

ONE, TWO, THREE = "0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X"


def orcid_of(number: int) -> str:
    """A valid ORCID iD for each number below a million."""
    body = f"000000020{number:06}"
    spelled = (f"{body}{c}" for c in "0123456789X")
    grouped = ("-".join(x[k : k + 4] for k in range(0, 16, 4)) for x in spelled)
    return next(x for x in grouped if is_orcid(x))


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
    return PairBatch.without_pairs([np.arange(corpus.n_signatures, dtype=np.int32)])


def barred(constraints: Constraints, corpus: Corpus, *blocks: list[int]) -> list[list[int]]:
    """Pairs in the blocks (one with every signature by default) that cannot be one person, as
    signature rows.
    """
    chosen = [np.array(b, dtype=np.int32) for b in blocks]
    batch = PairBatch.without_pairs(chosen) if blocks else one_block(corpus)
    bonds = BatchConstraints.select(batch, constraints)
    first = get_first_rows(batch.block, bonds.must)
    left, right = list_pairs(batch.start)
    ends = np.sort(np.stack([first[left], first[right]]), axis=0)
    apart = (ends[0] != ends[1]) & bonds.is_excluded(ends[0], ends[1])
    return np.stack([batch.rows[left[apart]], batch.rows[right[apart]]], axis=1).tolist()  # type: ignore[no-any-return]
