"""What works state, before the statistics of a corpus weigh it. Parts are taken and joined.

Columns go by 64-bit keys, so that parts fit together whatever corpora they come from. A part is
weighed like a whole corpus (:meth:`disambig.index.CorpusIndex.weighed`) and gives the features
that the whole gives, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from disambig.company import Company
from disambig.corpus import Corpus
from disambig.name_frequency import NameFrequency
from disambig.semantic import SemanticSpace
from disambig.sparse_rows import SparseRows
from disambig.statistics import Counts, Edges, Statistics
from disambig.terms import Terms

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
UInt64 = npt.NDArray[np.uint64]
_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Contents:
    """Arrays over the signatures (S rows) and works (W rows) of a corpus, or of a part of one.

    Attributes
    ----------
    corpus : Corpus
    company : Company
        All authors of each work.
    full, initial : uint64[n_names]
        Keys of ``corpus.names``, see :func:`disambig.company.name_keys`.
    given_rarity, family_rarity : float32[n_names]
    words : uint64[n_words]
        Keys of the columns of ``title`` and ``text``, ascending.
    title, text : SparseRows of W rows
        How often each content word occurs.
    meaning, title_meaning : float32[W, d]
    venue : int32[W]
        Row of ``venue_key``, uint64[n], and of ``venue_meaning``, float32[n, d].
    affiliation_words : uint64[n]
    affiliation : SparseRows
        How often each word occurs in each distinct affiliation.
    affiliation_of : int32[S]
        Row of ``affiliation``, -1 for none.
    """

    corpus: Corpus
    company: Company
    full: UInt64
    initial: UInt64
    given_rarity: Float32
    family_rarity: Float32
    words: UInt64
    title: SparseRows
    text: SparseRows
    meaning: Float32
    title_meaning: Float32
    venue: Int32
    venue_key: UInt64
    venue_meaning: Float32
    affiliation_words: UInt64
    affiliation: SparseRows
    affiliation_of: Int32

    @classmethod
    def of(
        cls,
        corpus: Corpus,
        company: Company,
        terms: Terms,
        space: SemanticSpace,
        frequency: NameFrequency,
    ) -> Contents:
        """Read a corpus whose authors and words are known."""
        full, initial = corpus.name_keys
        given_rarity, family_rarity = frequency.rarity(corpus.names)
        title, words = terms.matrix("title")
        text, _ = terms.matrix("text")
        affiliation, affiliation_words = terms.matrix("affiliation")
        known = space.rows_of(terms.works.words)
        return cls(
            corpus,
            company,
            full,
            initial,
            given_rarity,
            family_rarity,
            words,
            SparseRows.of(title),
            SparseRows.of(text),
            space.vectors_of(terms.works, *terms.span("text"), known),
            space.vectors_of(terms.works, *terms.span("title"), known),
            terms.venue,
            terms.venue_key,
            space.venue_vectors(terms.venues),
            affiliation_words,
            SparseRows.of(affiliation),
            terms.affiliation,
        )

    def part(self, rows: Int32) -> Contents:
        """Some signatures and the works they are on; columns are those that occur.

        Parameters
        ----------
        rows : int32[R]
            Signature rows, rising and distinct; they keep their order.
        """
        corpus = self.corpus
        works, signature_work = _coded(corpus.signature_work[rows])
        names, signature_name = _coded(corpus.signature_name[rows])
        venues, venue = _coded(self.venue[works])
        own = self.affiliation_of[rows]
        texts, place = _coded(own[own >= 0])
        affiliation_of = np.full(len(rows), -1, dtype=np.int32)
        affiliation_of[own >= 0] = place
        company = _company_part(self.company, works)
        words, (title, text) = _compact(self.words, self.title.take(works), self.text.take(works))
        affiliation_words, (affiliation,) = _compact(
            self.affiliation_words, self.affiliation.take(texts)
        )
        return Contents(
            corpus=_corpus_part(
                corpus, works, rows, names, signature_work, signature_name, company
            ),
            company=company,
            full=self.full[names],
            initial=self.initial[names],
            given_rarity=self.given_rarity[names],
            family_rarity=self.family_rarity[names],
            words=words,
            title=title,
            text=text,
            meaning=self.meaning[works],
            title_meaning=self.title_meaning[works],
            venue=venue,
            venue_key=self.venue_key[venues],
            venue_meaning=self.venue_meaning[venues],
            affiliation_words=affiliation_words,
            affiliation=affiliation,
            affiliation_of=affiliation_of,
        )

    def followed_by(self, other: Contents) -> Contents:
        """These works, then those of another part; no work may be in both.

        A name, venue or affiliation that both parts state is listed twice, which no feature sees.
        """
        a, b = self, other
        words, (a_title, a_text), (b_title, b_text) = _aligned(
            (a.words, a.title, a.text), (b.words, b.title, b.text)
        )
        affiliation_words, (a_told,), (b_told,) = _aligned(
            (a.affiliation_words, a.affiliation), (b.affiliation_words, b.affiliation)
        )
        company = _companies_joined(a.company, b.company)
        told = np.where(b.affiliation_of >= 0, b.affiliation_of + len(a.affiliation), -1)
        return Contents(
            corpus=_corpora_joined(a.corpus, b.corpus, company),
            company=company,
            full=np.concatenate([a.full, b.full]),
            initial=np.concatenate([a.initial, b.initial]),
            given_rarity=np.concatenate([a.given_rarity, b.given_rarity]),
            family_rarity=np.concatenate([a.family_rarity, b.family_rarity]),
            words=words,
            title=a_title.followed_by(b_title),
            text=a_text.followed_by(b_text),
            meaning=np.concatenate([a.meaning, b.meaning]),
            title_meaning=np.concatenate([a.title_meaning, b.title_meaning]),
            venue=np.concatenate([a.venue, b.venue + np.int32(len(a.venue_key))]),
            venue_key=np.concatenate([a.venue_key, b.venue_key]),
            venue_meaning=np.concatenate([a.venue_meaning, b.venue_meaning]),
            affiliation_words=affiliation_words,
            affiliation=a_told.followed_by(b_told),
            affiliation_of=np.concatenate([a.affiliation_of, told.astype(np.int32)]),
        )

    def statistics(self, known: Statistics) -> Statistics:
        """What the statistics of a larger corpus say of these names, words and venues alone."""
        names = np.unique(np.concatenate([self.full, self.company.full]))
        keys = {
            "full": names,
            "initial": np.unique(np.concatenate([self.initial, self.company.initial])),
            "title": self.words,
            "text": self.words,
            "affiliation": self.affiliation_words,
            "venue": np.unique(self.venue_key),
        }
        counts = {kind: Counts(k, known.counts[kind].lookup(k)) for kind, k in keys.items()}
        a, b, weight = known.edges.among(names)
        return Statistics(counts, known.texts, Edges(names[a], names[b], weight))


def _coded(values: npt.NDArray[np.integer]) -> tuple[Int64, Int32]:
    """Distinct values, rising, and the place of each value among them."""
    distinct, place = np.unique(values, return_inverse=True)
    return distinct, place.astype(np.int32)


def _compact(keys: UInt64, *rows: SparseRows) -> tuple[UInt64, tuple[SparseRows, ...]]:
    """Rows over the columns that occur in any of them, and the keys of these."""
    used = np.unique(np.concatenate([r.column for r in rows]))
    return keys[used], tuple(
        SparseRows(r.start, np.searchsorted(used, r.column).astype(np.int32), r.value) for r in rows
    )


_Keyed = tuple[UInt64, SparseRows] | tuple[UInt64, SparseRows, SparseRows]


def _aligned(a: _Keyed, b: _Keyed) -> tuple[UInt64, tuple[SparseRows, ...], tuple[SparseRows, ...]]:
    """Rows of two parts over the columns of both."""
    keys = np.union1d(a[0], b[0])
    found = []
    for own, *rows in (a, b):
        place = np.searchsorted(keys, own).astype(np.int32)
        found.append(tuple(SparseRows(r.start, place[r.column], r.value) for r in rows))
    return keys, found[0], found[1]


def _corpus_part(
    corpus: Corpus,
    works: Int64,
    rows: Int32,
    names: Int64,
    signature_work: Int32,
    signature_name: Int32,
    company: Company,
) -> Corpus:
    start = np.searchsorted(signature_work, np.arange(len(works) + 1)).astype(np.int32)
    w, r, n = works.tolist(), rows.tolist(), names.tolist()
    return Corpus(
        _taken(corpus.work_ids, w),
        _taken(corpus.titles, w),
        _taken(corpus.abstracts, w),
        _taken(corpus.venues, w),
        _taken(corpus.keywords, w),
        corpus.years[works],
        start,
        signature_work,
        corpus.signature_position[rows],
        signature_name,
        _taken(corpus.stated, n),
        _taken(corpus.affiliations, r),
        _taken(corpus.orcids, r),
        _taken(corpus.emails, r),
        company,
        _taken(corpus.names, n),
    )


def _company_part(company: Company, works: Int64) -> Company:
    low, size = company.start[works], company.start[works + 1] - company.start[works]
    start = np.concatenate([[0], np.cumsum(size)])
    place = np.arange(start[-1]) + np.repeat(low - start[:-1], size)
    return Company(start, company.full[place], company.initial[place])


def _companies_joined(a: Company, b: Company) -> Company:
    return Company(
        np.concatenate([a.start, b.start[1:] + a.start[-1]]),
        np.concatenate([a.full, b.full]),
        np.concatenate([a.initial, b.initial]),
    )


def _corpora_joined(a: Corpus, b: Corpus, company: Company) -> Corpus:
    return Corpus(
        a.work_ids + b.work_ids,
        a.titles + b.titles,
        a.abstracts + b.abstracts,
        a.venues + b.venues,
        a.keywords + b.keywords,
        np.concatenate([a.years, b.years]),
        np.concatenate([a.author_start[:-1], b.author_start + a.author_start[-1]]),
        np.concatenate([a.signature_work, b.signature_work + np.int32(a.n_works)]),
        np.concatenate([a.signature_position, b.signature_position]),
        np.concatenate([a.signature_name, b.signature_name + np.int32(len(a.names))]),
        a.stated + b.stated,
        a.affiliations + b.affiliations,
        a.orcids + b.orcids,
        a.emails + b.emails,
        company,
        a.names + b.names,
    )


def _taken(values: Sequence[_T], places: list[int]) -> list[_T]:
    return [values[i] for i in places]
