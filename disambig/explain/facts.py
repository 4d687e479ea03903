"""Names, co-authors, venues, years and words that explain the feature values of a pair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from disambig.arrays import Float32, Int32
from disambig.corpus.index import CorpusIndex
from disambig.corpus.tokenise import count_tokens
from disambig.names import ParsedName


@dataclass(frozen=True, slots=True)
class SharedItem:
    """An item that both sides have, as printed, and its number of works in the corpus."""

    name: str
    works: int


@dataclass(frozen=True, eq=False)
class Facts:
    """Facts shared by two sets of signature rows, ``a`` and ``b``, of one index."""

    index: CorpusIndex
    a: Int32
    b: Int32

    @cached_property
    def names(self) -> tuple[ParsedName, ParsedName]:
        """Names of the first mention of each side."""
        names, code = self.index.corpus.names, self.index.corpus.signature_name
        return names[code[self.a[0]]], names[code[self.b[0]]]

    @cached_property
    def coauthors(self) -> tuple[SharedItem, ...]:
        """Co-authors whose whole names both sides have, the rarest first."""
        return self._list_shared(self.index.full, self.index.full_works)

    @cached_property
    def coauthors_by_initial(self) -> tuple[SharedItem, ...]:
        """Co-authors whose family name and first initial both sides have, the rarest first."""
        return self._list_shared(self.index.initial, self.index.initial_works)

    @cached_property
    def venues(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Distinct venues of each side as printed, in row order."""
        return self._list_venues(self.a), self._list_venues(self.b)

    @cached_property
    def shared_venues(self) -> tuple[str, ...]:
        """Venues of both sides, as printed on side ``a``; editions of a series count as one."""
        index = self.index
        codes_b = set(index.venue[index.corpus.signature_work[self.b]].tolist()) - {-1}
        printed: dict[int, str] = {}
        for work in index.corpus.signature_work[self.a].tolist():
            code = int(index.venue[work])
            if code in codes_b:
                printed.setdefault(code, index.corpus.venues[work])
        return tuple(printed.values())

    @cached_property
    def years(self) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """First and last year of each side; None where no year is known."""
        return self._compute_span(self.a), self._compute_span(self.b)

    @cached_property
    def title_words(self) -> tuple[str, ...]:
        """Words in titles of both sides, in order of appearance, without stop words."""
        titles, work = self.index.corpus.titles, self.index.corpus.signature_work
        return self._list_shared_words(
            [titles[w] for w in work[self.a].tolist()], [titles[w] for w in work[self.b].tolist()]
        )

    @cached_property
    def affiliation_words(self) -> tuple[str, ...]:
        """Words in affiliations of both sides, in order of appearance."""
        affiliations = self.index.corpus.affiliations
        return self._list_shared_words(
            [affiliations[s] for s in self.a.tolist()], [affiliations[s] for s in self.b.tolist()]
        )

    def _list_shared(self, key: Int32, works: Float32) -> tuple[SharedItem, ...]:
        names_a, names_b = (
            self._collect_coauthors(self.a, key),
            self._collect_coauthors(self.b, key),
        )
        codes = [code for code in names_a if code in names_b]
        codes.sort(key=lambda code: (works[code], names_a[code]))
        return tuple(SharedItem(names_a[code], int(works[code])) for code in codes)

    def _collect_coauthors(self, rows: Int32, key: Int32) -> dict[int, str]:
        """Return the printed names of the co-authors of some signatures, by code of ``key``."""
        corpus = self.index.corpus
        names: dict[int, str] = {}
        for row in rows.tolist():
            work = corpus.signature_work[row]
            for other in range(*corpus.author_start[work : work + 2].tolist()):
                if other != row:
                    code = int(key[corpus.signature_name[other]])
                    names.setdefault(code, corpus.printed_name(other))
        return names

    def _list_venues(self, rows: Int32) -> tuple[str, ...]:
        venues = self.index.corpus.venues
        printed = (venues[w] for w in self.index.corpus.signature_work[rows].tolist())
        return tuple(dict.fromkeys(v for v in printed if v))

    def _compute_span(self, rows: Int32) -> tuple[int, int] | None:
        years = self.index.corpus.years[self.index.corpus.signature_work[rows]]
        known_years = years[~np.isnan(years)]
        return (int(known_years.min()), int(known_years.max())) if len(known_years) else None

    @staticmethod
    def _list_shared_words(texts_a: list[str], texts_b: list[str]) -> tuple[str, ...]:
        matrix, words = count_tokens([" ".join(texts_a), " ".join(texts_b)])
        is_in_both = np.asarray((matrix > 0).sum(axis=0)).ravel() == 2
        return tuple(word for word, shared in zip(words, is_in_both, strict=True) if shared)
