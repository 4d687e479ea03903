"""Counts, keys and vectors of works, before they are weighted by the statistics of a corpus.

Columns are identified by 64-bit keys, so parts of different corpora can be concatenated. A part
is weighted like a whole corpus (:meth:`disambig.corpus.index.CorpusIndex.from_contents`) and gives
the same features as the whole, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from disambig.arrays import Float32, Int32, Int64, UInt64
from disambig.corpus.coauthors import CoauthorKeys
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.sparse import SparseRows
from disambig.corpus.statistics import Counts, Edges, Statistics
from disambig.corpus.terms import Terms
from disambig.names.frequency import NameFrequency

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Contents:
    """Arrays over the signatures (S rows) and works (W rows) of a corpus, or of a part of one.

    Attributes
    ----------
    corpus : Corpus
    coauthors : CoauthorKeys
        All authors of each work.
    full, initial : uint64[n_names]
        Keys of ``corpus.names``, see :func:`disambig.corpus.coauthors.hash_names`.
    given_rarity, family_rarity : float32[n_names]
    words : uint64[n_words]
        Keys of the columns of ``title`` and ``text``, ascending.
    title, text : SparseRows of W rows
        Counts of content words.
    meaning, title_meaning : float32[W, d]
    venue : int32[W]
        Row of ``venue_key``, uint64[n], and of ``venue_meaning``, float32[n, d].
    affiliation_words : uint64[n]
    affiliation : SparseRows
        Counts of the words of each distinct affiliation.
    affiliation_of : int32[S]
        Row of ``affiliation``, -1 for none.
    """

    corpus: Corpus
    coauthors: CoauthorKeys
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
    def from_corpus(
        cls,
        corpus: Corpus,
        coauthors: CoauthorKeys,
        terms: Terms,
        space: SemanticSpace,
        frequency: NameFrequency,
    ) -> Contents:
        """Build the contents of a corpus from its co-authors and tokenised texts."""
        full, initial = corpus.name_keys
        given_rarity, family_rarity = frequency.compute_rarity(corpus.names)
        title, words = terms.count_words("title")
        text, _ = terms.count_words("text")
        affiliation, affiliation_words = terms.count_words("affiliation")
        word_rows = space.find_rows(terms.works.words)
        return cls(
            corpus,
            coauthors,
            full,
            initial,
            given_rarity,
            family_rarity,
            words,
            SparseRows.from_matrix(title),
            SparseRows.from_matrix(text),
            space.embed_spans(terms.works, *terms.get_spans("text"), word_rows),
            space.embed_spans(terms.works, *terms.get_spans("title"), word_rows),
            terms.venue,
            terms.venue_key,
            space.embed_venues(terms.venues),
            affiliation_words,
            SparseRows.from_matrix(affiliation),
            terms.affiliation,
        )

    def select(self, rows: Int32) -> Contents:
        """Return some signatures and their works, with the columns that occur in them.

        Parameters
        ----------
        rows : int32[R]
            Signature rows, ascending and distinct; their order is kept.
        """
        corpus = self.corpus
        works, signature_work = _encode(corpus.signature_work[rows])
        names, signature_name = _encode(corpus.signature_name[rows])
        venues, venue = _encode(self.venue[works])
        affiliation_codes = self.affiliation_of[rows]
        texts, affiliation_place = _encode(affiliation_codes[affiliation_codes >= 0])
        affiliation_of = np.full(len(rows), -1, dtype=np.int32)
        affiliation_of[affiliation_codes >= 0] = affiliation_place
        coauthors = _select_coauthors(self.coauthors, works)
        words, (title, text) = _drop_empty_columns(
            self.words, self.title.take(works), self.text.take(works)
        )
        affiliation_words, (affiliation,) = _drop_empty_columns(
            self.affiliation_words, self.affiliation.take(texts)
        )
        return Contents(
            corpus=_select_corpus(
                corpus, works, rows, names, signature_work, signature_name, coauthors
            ),
            coauthors=coauthors,
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

    def concatenate(self, other: Contents) -> Contents:
        """Append the works of another part; no work may be in both.

        A name, venue or affiliation of both parts is listed twice, which changes no feature.
        """
        a, b = self, other
        words, (a_title, a_text), (b_title, b_text) = _align_columns(
            (a.words, a.title, a.text), (b.words, b.title, b.text)
        )
        affiliation_words, (a_affiliation,), (b_affiliation,) = _align_columns(
            (a.affiliation_words, a.affiliation), (b.affiliation_words, b.affiliation)
        )
        coauthors = _concatenate_coauthors(a.coauthors, b.coauthors)
        b_affiliation_of = np.where(
            b.affiliation_of >= 0, b.affiliation_of + len(a.affiliation), -1
        )
        return Contents(
            corpus=_concatenate_corpora(a.corpus, b.corpus, coauthors),
            coauthors=coauthors,
            full=np.concatenate([a.full, b.full]),
            initial=np.concatenate([a.initial, b.initial]),
            given_rarity=np.concatenate([a.given_rarity, b.given_rarity]),
            family_rarity=np.concatenate([a.family_rarity, b.family_rarity]),
            words=words,
            title=a_title.concatenate(b_title),
            text=a_text.concatenate(b_text),
            meaning=np.concatenate([a.meaning, b.meaning]),
            title_meaning=np.concatenate([a.title_meaning, b.title_meaning]),
            venue=np.concatenate([a.venue, b.venue + np.int32(len(a.venue_key))]),
            venue_key=np.concatenate([a.venue_key, b.venue_key]),
            venue_meaning=np.concatenate([a.venue_meaning, b.venue_meaning]),
            affiliation_words=affiliation_words,
            affiliation=a_affiliation.concatenate(b_affiliation),
            affiliation_of=np.concatenate([a.affiliation_of, b_affiliation_of.astype(np.int32)]),
        )

    def select_statistics(self, corpus_statistics: Statistics) -> Statistics:
        """Restrict the statistics of a larger corpus to these names, words and venues."""
        names = np.unique(np.concatenate([self.full, self.coauthors.full]))
        keys = {
            "full": names,
            "initial": np.unique(np.concatenate([self.initial, self.coauthors.initial])),
            "title": self.words,
            "text": self.words,
            "affiliation": self.affiliation_words,
            "venue": np.unique(self.venue_key),
            "reference": self.corpus.list_reference_keys(),
            "collaboration": np.unique(self.corpus.collaborations.key),
        }
        counts = {
            kind: Counts(k, corpus_statistics.counts[kind].look_up(k)) for kind, k in keys.items()
        }
        a, b, weight = corpus_statistics.edges.select(names)
        return Statistics(counts, corpus_statistics.texts, Edges(names[a], names[b], weight))


def _encode(values: npt.NDArray[np.integer]) -> tuple[Int64, Int32]:
    """Return the distinct values, ascending, and the position of each value among them."""
    distinct, place = np.unique(values, return_inverse=True)
    return distinct, place.astype(np.int32)


def _drop_empty_columns(keys: UInt64, *rows: SparseRows) -> tuple[UInt64, tuple[SparseRows, ...]]:
    """Drop the columns that occur in none of the matrices; return the keys of the others."""
    used = np.unique(np.concatenate([r.column for r in rows]))
    return keys[used], tuple(
        SparseRows(r.start, np.searchsorted(used, r.column).astype(np.int32), r.value) for r in rows
    )


_KeyedRows = tuple[UInt64, SparseRows] | tuple[UInt64, SparseRows, SparseRows]


def _align_columns(
    a: _KeyedRows, b: _KeyedRows
) -> tuple[UInt64, tuple[SparseRows, ...], tuple[SparseRows, ...]]:
    """Express the rows of two parts over the union of their columns."""
    keys = np.union1d(a[0], b[0])
    aligned_rows = []
    for part_keys, *rows in (a, b):
        place = np.searchsorted(keys, part_keys).astype(np.int32)
        aligned_rows.append(tuple(SparseRows(r.start, place[r.column], r.value) for r in rows))
    return keys, aligned_rows[0], aligned_rows[1]


def _select_corpus(
    corpus: Corpus,
    works: Int64,
    rows: Int32,
    names: Int64,
    signature_work: Int32,
    signature_name: Int32,
    coauthors: CoauthorKeys,
) -> Corpus:
    start = np.searchsorted(signature_work, np.arange(len(works) + 1)).astype(np.int32)
    w, r, n = works.tolist(), rows.tolist(), names.tolist()
    return Corpus(
        _take(corpus.work_ids, w),
        _take(corpus.titles, w),
        _take(corpus.abstracts, w),
        _take(corpus.venues, w),
        _take(corpus.keywords, w),
        corpus.years[works],
        start,
        signature_work,
        corpus.signature_position[rows],
        signature_name,
        _take(corpus.stated_names, n),
        _take(corpus.affiliations, r),
        _take(corpus.orcids, r),
        _take(corpus.emails, r),
        corpus.references.take(works),
        corpus.collaborations.take(works),
        coauthors,
        _take(corpus.names, n),
    )


def _select_coauthors(coauthors: CoauthorKeys, works: Int64) -> CoauthorKeys:
    low, size = coauthors.start[works], coauthors.start[works + 1] - coauthors.start[works]
    start = np.concatenate([[0], np.cumsum(size)])
    place = np.arange(start[-1]) + np.repeat(low - start[:-1], size)
    return CoauthorKeys(start, coauthors.full[place], coauthors.initial[place])


def _concatenate_coauthors(a: CoauthorKeys, b: CoauthorKeys) -> CoauthorKeys:
    return CoauthorKeys(
        np.concatenate([a.start, b.start[1:] + a.start[-1]]),
        np.concatenate([a.full, b.full]),
        np.concatenate([a.initial, b.initial]),
    )


def _concatenate_corpora(a: Corpus, b: Corpus, coauthors: CoauthorKeys) -> Corpus:
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
        a.stated_names + b.stated_names,
        a.affiliations + b.affiliations,
        a.orcids + b.orcids,
        a.emails + b.emails,
        a.references.concatenate(b.references),
        a.collaborations.concatenate(b.collaborations),
        coauthors,
        a.names + b.names,
    )


def _take(values: Sequence[_T], positions: list[int]) -> list[_T]:
    return [values[i] for i in positions]
