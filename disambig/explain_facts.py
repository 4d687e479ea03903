"""What stands behind the numbers of a pair: the names, papers and words that are shared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from disambig.index import CorpusIndex
from disambig.names import ParsedName
from disambig.text import token_matrix

Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Shared:
    """One thing that both sides have: as printed, and on how many works it is in the corpus."""

    name: str
    works: int


@dataclass(frozen=True, eq=False)
class Facts:
    """Two sets of signature rows of one index, looked at side by side."""

    index: CorpusIndex
    a: Int32
    b: Int32

    @cached_property
    def names(self) -> tuple[ParsedName, ParsedName]:
        """Name of the first mention of each side."""
        names, code = self.index.corpus.names, self.index.corpus.signature_name
        return names[code[self.a[0]]], names[code[self.b[0]]]

    @cached_property
    def coauthors(self) -> tuple[Shared, ...]:
        """Co-authors whose whole names both sides have, the rarest first."""
        return self._shared(self.index.full, self.index.full_works)

    @cached_property
    def coauthors_abbreviated(self) -> tuple[Shared, ...]:
        """Co-authors whose family name and first initial both sides have, the rarest first."""
        return self._shared(self.index.initial, self.index.initial_works)

    @cached_property
    def venues(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Distinct venues of each side as printed, in row order."""
        return self._venues(self.a), self._venues(self.b)

    @cached_property
    def venues_shared(self) -> tuple[str, ...]:
        """Venues both sides have, as the first side prints them; editions of a series are one."""
        index = self.index
        theirs = set(index.venue[index.corpus.signature_work[self.b]].tolist()) - {-1}
        ours: dict[int, str] = {}
        for work in index.corpus.signature_work[self.a].tolist():
            code = int(index.venue[work])
            if code in theirs:
                ours.setdefault(code, index.corpus.venues[work])
        return tuple(ours.values())

    @cached_property
    def years(self) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """First and last year of each side; None where no year is known."""
        return self._span(self.a), self._span(self.b)

    @cached_property
    def title_words(self) -> tuple[str, ...]:
        """Words in titles of both sides, in order of appearance, without stop words."""
        titles, work = self.index.corpus.titles, self.index.corpus.signature_work
        return self._words(
            [titles[w] for w in work[self.a].tolist()], [titles[w] for w in work[self.b].tolist()]
        )

    @cached_property
    def affiliation_words(self) -> tuple[str, ...]:
        """Words in affiliations of both sides, in order of appearance."""
        printed = self.index.corpus.affiliations
        return self._words(
            [printed[s] for s in self.a.tolist()], [printed[s] for s in self.b.tolist()]
        )

    def _shared(self, key: Int32, works: npt.NDArray[np.float32]) -> tuple[Shared, ...]:
        ours, theirs = self._coauthor_keys(self.a, key), self._coauthor_keys(self.b, key)
        both = [code for code in ours if code in theirs]
        both.sort(key=lambda code: (works[code], ours[code]))
        return tuple(Shared(ours[code], int(works[code])) for code in both)

    def _coauthor_keys(self, rows: Int32, key: Int32) -> dict[int, str]:
        """Code to printed name of everyone else on the works of some signatures."""
        corpus = self.index.corpus
        found: dict[int, str] = {}
        for row in rows.tolist():
            work = corpus.signature_work[row]
            for other in range(*corpus.author_start[work : work + 2].tolist()):
                if other != row:
                    code = int(key[corpus.signature_name[other]])
                    found.setdefault(code, corpus.printed_name(other))
        return found

    def _venues(self, rows: Int32) -> tuple[str, ...]:
        venues = self.index.corpus.venues
        printed = (venues[w] for w in self.index.corpus.signature_work[rows].tolist())
        return tuple(dict.fromkeys(v for v in printed if v))

    def _span(self, rows: Int32) -> tuple[int, int] | None:
        years = self.index.corpus.years[self.index.corpus.signature_work[rows]]
        known = years[~np.isnan(years)]
        return (int(known.min()), int(known.max())) if len(known) else None

    @staticmethod
    def _words(ours: list[str], theirs: list[str]) -> tuple[str, ...]:
        matrix, words = token_matrix([" ".join(ours), " ".join(theirs)])
        both = np.asarray((matrix > 0).sum(axis=0)).ravel() == 2
        return tuple(word for word, shared in zip(words, both, strict=True) if shared)
