"""Tokenised titles, keywords, abstracts, affiliations and venues of a corpus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from disambig.arrays import Int32, Int64, UInt64
from disambig.corpus.tokenise import Tokens, count_terms, hash_words, mask_content_words, tokenise


@dataclass(frozen=True, eq=False)
class Terms:
    """Tokens of the texts of a corpus, and codes of its affiliations and venues.

    Attributes
    ----------
    works : Tokens
        Title, keywords and abstract of each work, three texts a work.
    affiliations : Tokens
        Of each distinct affiliation.
    affiliation : int32[S]
        Affiliation of each signature, -1 for none.
    venues : list of str
        Distinct venues as printed.
    venue : int32[W]
        Venue of each work.
    venue_key : uint64[n_venues]
        Editions of one series have one key; 0 for no venue.
    """

    works: Tokens
    affiliations: Tokens
    affiliation: Int32
    venues: list[str]
    venue: Int32
    venue_key: UInt64

    @classmethod
    def from_texts(
        cls,
        titles: list[str],
        keywords: list[str],
        abstracts: list[str],
        affiliations: list[str],
        venues: list[str],
    ) -> Terms:
        """Tokenise the texts of works (length W) and the affiliations of signatures (length S)."""
        interleaved = [""] * (3 * len(titles))
        interleaved[0::3], interleaved[1::3], interleaved[2::3] = titles, keywords, abstracts
        distinct, affiliation = _encode(affiliations)
        printed_venues, venue = _encode(venues, keep_empty=True)
        series = [strip_edition(v) for v in printed_venues]
        key = np.where([bool(s) for s in series], hash_words(series), np.uint64(0))
        return cls(
            tokenise(interleaved),
            tokenise(distinct),
            affiliation,
            printed_venues,
            venue,
            key.astype(np.uint64),
        )

    def get_spans(self, kind: str) -> tuple[Int64, Int64]:
        """Return the start and end token of each ``title``, ``text`` or ``affiliation``."""
        if kind == "affiliation":
            return self.affiliations.start[:-1], self.affiliations.start[1:]
        start = self.works.start
        return start[:-1:3], start[1::3] if kind == "title" else start[3::3]

    def count_words(self, kind: str) -> tuple[sparse.csr_array, UInt64]:
        """Count the content words of each text of a kind; return the key of each column, too.

        Columns ascend by key, so that sums over them run in one order whatever the division of
        the corpus. Columns are those of the corpus; many may be empty.
        """
        tokens = self.affiliations if kind == "affiliation" else self.works
        counts = count_terms(tokens, *self.get_spans(kind), mask_content_words(tokens))
        return counts, tokens.keys

    def list_occurrences(self, kind: str) -> tuple[UInt64, Int64 | None]:
        """List a key for each occurrence that counts in a document frequency, and the weights."""
        if kind == "venue":
            key = self.venue_key[self.venue]
            return key[key != 0], None
        counts, keys = self.count_words(kind)
        weight = None
        if kind == "affiliation":
            times = np.bincount(self.affiliation[self.affiliation >= 0], minlength=counts.shape[0])
            weight = np.repeat(times, np.diff(counts.indptr)).astype(np.int64)
        return keys[counts.indices], weight

    def count_texts(self, kind: str) -> int:
        """Count the texts of a kind that are not empty."""
        if kind == "affiliation":
            return int((self.affiliation >= 0).sum())
        first, last = self.get_spans(kind)
        return int((last > first).sum())


def strip_edition(venue: str) -> str:
    """Remove years and ordinals from a venue: editions of one series are one venue."""
    words = [
        word
        for word in venue.lower().replace("-", " ").split()
        if word.isalpha() or not any(c.isdigit() for c in word)  # the first test is much faster
    ]
    return " ".join(w.strip(".,()'\"") for w in words)


def _encode(texts: list[str], *, keep_empty: bool = False) -> tuple[list[str], Int32]:
    """Return distinct texts in order of appearance, and the code of each; -1 for an empty one."""
    code: dict[str, int] = {}
    codes = [code.setdefault(t, len(code)) if t or keep_empty else -1 for t in texts]
    return list(code), np.array(codes, dtype=np.int32)
