"""The index that features are computed from: keys, weighted words and vectors of works."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from disambig.arrays import Float32, Int32, UInt64
from disambig.corpus.coauthors import CoauthorKeys
from disambig.corpus.contents import Contents
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.key_lists import KeyLists
from disambig.corpus.sparse import SparseRows
from disambig.corpus.statistics import EDGE_UNIT, Statistics, count_doublings, find_keys
from disambig.corpus.terms import Terms
from disambig.kernels.keys import build_adjacency, build_directory, find_places
from disambig.names import NameTable
from disambig.names.frequency import NameFrequency


@dataclass(frozen=True, eq=False)
class CorpusIndex:
    """Arrays over the signatures (S rows) and works (W rows) of a corpus, or of a part of one.

    A part of a corpus with the statistics of the whole gives the same features, to the bit.

    Attributes
    ----------
    corpus : Corpus
    names : NameTable
        Over ``corpus.names``.
    given_rarity, family_rarity : float32[n_names]
        Minus log10 of the share of people with that part, see :class:`NameFrequency`.
    full, initial : int32[n_names]
        Code of each name's full key and of its initial key; codes ascend with the key.
    full_keys, initial_keys : uint64[n_full], uint64[n_initial]
        The key of each code.
    full_works, initial_works : float32[n_full], float32[n_initial]
        Works on which a key appears.
    authors, author_initials : SparseRows of W rows
        Codes of the authors of each work; names without letters and works of too many authors
        are left out.
    graph : SparseRows of n_full rows
        Co-publication graph; an edge weighs less the more works its ends have.
    title, text : SparseRows of W rows
        TF-IDF unit rows over the title and over title, abstract and keywords.
    title_idf : float32[n_words]
    meaning, title_meaning : float32[W, d]
        Unit rows in the semantic space (whole text and title), NaN without a known word.
    venue : int32[W]
        Code of the venue's series, -1 where unknown.
    venue_works : float32[n_venues]
    venue_text : int32[W]
        Row of ``venue_meaning``, float32[n, d], for the venue as it is printed.
    affiliation : SparseRows
        TF-IDF unit rows of the distinct affiliations.
    affiliation_of : int32[S]
        Row of ``affiliation``, -1 for none.
    affiliation_idf : float32[n_affiliation_words]
    references : SparseRows of W rows
        TF-IDF unit rows over the cited works, known or not.
    reference_idf : float32[n_cited]
        Logarithm of the references of the corpus per reference to the cited work.
    cited : int32[W]
        Column of ``references`` that stands for the work itself; -1 where none cites it.
    citations : float32[W]
        References of the whole corpus to the work.
    n_references : float
        References of the whole corpus, rounded; see :meth:`Statistics.round_texts`.
    collaborations : SparseRows of W rows
        Codes of the collaborations.
    collaboration_idf : float32[n_collaborations]
    doublings : int
        How far the corpus is beyond the size that the first forests were fitted on, see
        :mod:`disambig.model.size_shift`.
    """

    corpus: Corpus
    names: NameTable
    given_rarity: Float32
    family_rarity: Float32
    full: Int32
    initial: Int32
    full_keys: UInt64
    initial_keys: UInt64
    full_works: Float32
    initial_works: Float32
    authors: SparseRows
    author_initials: SparseRows
    graph: SparseRows
    title: SparseRows
    title_idf: Float32
    text: SparseRows
    meaning: Float32
    title_meaning: Float32
    venue: Int32
    venue_works: Float32
    venue_text: Int32
    venue_meaning: Float32
    affiliation: SparseRows
    affiliation_of: Int32
    affiliation_idf: Float32
    references: SparseRows
    reference_idf: Float32
    cited: Int32
    citations: Float32
    n_references: float
    collaborations: SparseRows
    collaboration_idf: Float32
    doublings: int

    @classmethod
    def from_corpus(
        cls,
        corpus: Corpus,
        space: SemanticSpace,
        frequency: NameFrequency,
        statistics: Statistics | None = None,
    ) -> CorpusIndex:
        """Build the index from a corpus and a semantic space.

        Parameters
        ----------
        statistics : Statistics or None
            Of the corpus that ``corpus`` is a part of; None if it is the whole.
        """
        terms, coauthors = tokenise_corpus(corpus), get_coauthor_keys(corpus)
        corpus_statistics = statistics or Statistics.count(corpus, coauthors, terms)
        return cls.from_contents(
            Contents.from_corpus(corpus, coauthors, terms, space, frequency), corpus_statistics
        )

    @classmethod
    def from_contents(cls, contents: Contents, statistics: Statistics) -> CorpusIndex:
        """Build the index from the contents of works and the statistics that weight them.

        Parameters
        ----------
        statistics : Statistics
            Of the corpus that ``contents`` is, or is a part of.
        """
        corpus, coauthors = contents.corpus, contents.coauthors
        full, full_codes = _encode_keys(contents.full, coauthors.full)
        initial, initial_codes = _encode_keys(contents.initial, coauthors.initial)
        full_works = np.maximum(statistics.counts["full"].look_up(full_codes), 1).astype(np.float32)
        initial_works = np.maximum(statistics.counts["initial"].look_up(initial_codes), 1)
        title_idf = statistics.compute_idf("title", contents.words)
        affiliation_idf = statistics.compute_idf("affiliation", contents.affiliation_words)
        venue, series = _encode_venues(contents)
        references, cited_keys = _encode_lists(corpus.references)
        reference_idf = statistics.compute_idf("reference", cited_keys)
        cited, citations = _find_own_citations(corpus, cited_keys, statistics)
        collaborations, collaboration_keys = _encode_lists(corpus.collaborations)
        return cls(
            corpus=corpus,
            names=NameTable.from_names(corpus.names),
            given_rarity=contents.given_rarity,
            family_rarity=contents.family_rarity,
            full=full,
            initial=initial,
            full_keys=full_codes,
            initial_keys=initial_codes,
            full_works=full_works,
            initial_works=initial_works.astype(np.float32),
            authors=_list_authors(coauthors, coauthors.full, full_codes),
            author_initials=_list_authors(coauthors, coauthors.initial, initial_codes),
            graph=_build_graph(statistics, full_codes, full_works),
            title=_compute_tfidf(contents.title, title_idf),
            title_idf=title_idf,
            text=_compute_tfidf(contents.text, statistics.compute_idf("text", contents.words)),
            meaning=contents.meaning,
            title_meaning=contents.title_meaning,
            venue=venue,
            venue_works=statistics.counts["venue"].look_up(series).astype(np.float32),
            venue_text=contents.venue,
            venue_meaning=contents.venue_meaning,
            affiliation=_compute_tfidf(contents.affiliation, affiliation_idf),
            affiliation_of=contents.affiliation_of,
            affiliation_idf=affiliation_idf,
            references=references.replace_values(reference_idf[references.column]).normalise(),
            reference_idf=reference_idf,
            cited=cited,
            citations=citations,
            n_references=statistics.round_texts("reference"),
            collaborations=collaborations,
            collaboration_idf=statistics.compute_idf("collaboration", collaboration_keys),
            doublings=count_doublings(statistics.texts["title"]),
        )

    @cached_property
    def full_rarity(self) -> Float32:
        """Weight of a shared co-author, by full key: 1 for one with a single work."""
        return _compute_rarity(self.full_works)

    @cached_property
    def initial_rarity(self) -> Float32:
        """The same by initial key."""
        return _compute_rarity(self.initial_works)


def _compute_rarity(works: Float32) -> Float32:
    weight: Float32 = (1.0 / np.log2(1.0 + works)).astype(np.float32)
    return weight


def tokenise_corpus(corpus: Corpus) -> Terms:
    """Tokenise the texts of a corpus."""
    return Terms.from_texts(
        corpus.titles, corpus.keywords, corpus.abstracts, corpus.affiliations, corpus.venues
    )


def get_coauthor_keys(corpus: Corpus) -> CoauthorKeys:
    """Return the authors of every work: those stored with the corpus, else its signatures."""
    if corpus.coauthors is not None:
        return corpus.coauthors
    return CoauthorKeys.from_signatures(
        corpus.author_start, corpus.signature_name, corpus.name_keys
    )


def _encode_keys(names: UInt64, authors: UInt64) -> tuple[Int32, UInt64]:
    """Return the code of each name's key, and the key of each code, ascending."""
    keys = np.sort(np.concatenate([names, authors]))
    keys = keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]]
    return find_places(keys, *build_directory(keys), names), keys


def _list_authors(coauthors: CoauthorKeys, keys: UInt64, codes: UInt64) -> SparseRows:
    work, key = coauthors.list_members(keys)
    return SparseRows.from_lists(
        work, find_places(codes, *build_directory(codes), key), len(coauthors.n_authors)
    )


def _build_graph(statistics: Statistics, codes: UInt64, works: Float32) -> SparseRows:
    """Build the co-publication graph, edges in both directions.

    An edge of a name with many works is damped: such a name is shared by several people or
    belongs to a hub, and is weak evidence either way.
    """
    a, b, weight = statistics.edges.select(codes)
    value = (weight / EDGE_UNIT * (1 / works[a] + 1 / works[b])).astype(np.float32)
    return SparseRows(*build_adjacency(len(codes), a, b, value))


def _compute_tfidf(counts: SparseRows, idf: Float32) -> SparseRows:
    """Return TF-IDF unit rows from word counts and the ``idf`` of each word."""
    return counts.replace_values((1 + np.log(counts.value)) * idf[counts.column]).normalise()


def _encode_lists(lists: KeyLists) -> tuple[SparseRows, UInt64]:
    """Return the codes of the keys of each list, and the key of each code, ascending."""
    row, keys = lists.list_entries()
    distinct, code = np.unique(keys, return_inverse=True)
    return SparseRows.from_lists(row, code, len(lists)), distinct


def _find_own_citations(
    corpus: Corpus, cited_keys: UInt64, statistics: Statistics
) -> tuple[Int32, Float32]:
    """Return the position of each work among the cited, -1 if absent, and its citations."""
    if not len(cited_keys):
        return np.full(corpus.n_works, -1, np.int32), np.zeros(corpus.n_works, np.float32)
    place, is_cited = find_keys(cited_keys, corpus.work_keys)
    citations = statistics.counts["reference"].look_up(corpus.work_keys)
    return np.where(is_cited, place, -1).astype(np.int32), citations.astype(np.float32)


def _encode_venues(contents: Contents) -> tuple[Int32, UInt64]:
    """Return the code of each work's venue series, -1 for none, and the key of each code."""
    key = contents.venue_key
    series = np.unique(key[key != 0])
    code = np.searchsorted(series, key).astype(np.int32)
    code[key == 0] = -1
    return code[contents.venue].astype(np.int32), series


def list_coauthors(index: CorpusIndex, rows: Int32, *, initials: bool = False) -> SparseRows:
    """List the co-authors of some signatures: the authors of their works except themselves."""
    corpus = index.corpus
    authors, key = (
        (index.author_initials, index.initial) if initials else (index.authors, index.full)
    )
    work_authors = authors.take(corpus.signature_work[rows])
    own_key = key[corpus.signature_name[rows]]
    return work_authors.filter_entries(
        work_authors.column != own_key[work_authors.get_entry_rows()]
    )
