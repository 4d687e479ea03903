"""What the features read: token matrices and vectors derived once from a corpus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from disambig.corpus import Corpus
from disambig.name_frequency import NameFrequency
from disambig.names import NameTable, ParsedName
from disambig.semantic import SemanticSpace
from disambig.text import document_frequency, token_matrix, unit_rows

Int32 = npt.NDArray[np.int32]
Float32 = npt.NDArray[np.float32]


MAX_TEAM = 100
"""Authors of a work above which it says nothing about who works with whom.

A collaboration of thousands knows its members from one list, and listing its pairs would cost
the square of it.
"""


def _codes(keys: list[str]) -> tuple[Int32, int]:
    """Number distinct strings in sorted order; returns codes and how many there are.

    Sorted, so that sums over columns run in one order whatever order the works came in.
    """
    code = {key: number for number, key in enumerate(sorted(set(keys)))}
    return np.fromiter((code[k] for k in keys), np.int32, len(keys)), len(code)


def full_key(name: ParsedName) -> str:
    """The whole normalised name, as one co-author key."""
    return f"{name.given_joined}|{name.family}"


def initial_key(name: ParsedName) -> str:
    """First initial and family name, as one co-author key."""
    return f"{name.given_joined[:1]}|{name.family}"


@dataclass(frozen=True, eq=False)
class CorpusIndex:
    """Matrices over the signatures (S rows) and works (W rows) of one corpus.

    Attributes
    ----------
    corpus : Corpus
    names : NameTable
        Over ``corpus.names``.
    given_rarity, family_rarity : float32[n_names]
        Minus log10 of the share of people with that part, see :class:`NameFrequency`.
    full, initial : int32[n_names]
        Code of each name's full key and of its initial key.
    full_works, initial_works : float32
        Works that carry each key.
    coauthors, coauthor_initials : csr_array of shape (S, n_keys)
        1 where a *co-author* of the signature carries the key. Empty for works of more than
        :data:`MAX_TEAM` authors; co-authors whose names have no letters are left out.
    graph : csr_array of shape (n_full, n_full)
        Who has published with whom, rows scaled to sum to 1 at the most, common names damped.
    title, text : csr_array of shape (W, n_words)
        TF-IDF unit rows over the title and over title, abstract and keywords.
    title_idf : float32[n_title_words]
    meaning, title_meaning : float32[W, d]
        Unit rows in the semantic space (whole text and title), NaN without a known word.
    venue : int32[W]
        Venue code, -1 where unknown.
    venue_works : float32[n_venues]
    venue_meaning : float32[W, d]
    affiliation : csr_array of shape (S, n_words)
        TF-IDF unit rows.
    affiliation_idf : float32[n_affiliation_words]
    """

    corpus: Corpus
    names: NameTable
    given_rarity: Float32
    family_rarity: Float32
    full: Int32
    initial: Int32
    full_works: Float32
    initial_works: Float32
    coauthors: sparse.csr_array
    coauthor_initials: sparse.csr_array
    graph: sparse.csr_array
    title: sparse.csr_array
    title_idf: Float32
    text: sparse.csr_array
    meaning: Float32
    title_meaning: Float32
    venue: Int32
    venue_works: Float32
    venue_meaning: Float32
    affiliation: sparse.csr_array
    affiliation_idf: Float32

    @classmethod
    def of(cls, corpus: Corpus, space: SemanticSpace, frequency: NameFrequency) -> CorpusIndex:
        """Derive every matrix from the corpus and a semantic space."""
        full, n_full = _codes([full_key(n) for n in corpus.names])
        initial, n_initial = _codes([initial_key(n) for n in corpus.names])
        sig_full, sig_initial = full[corpus.signature_name], initial[corpus.signature_name]
        legible = np.array([bool(n.given or n.family_tokens) for n in corpus.names], dtype=bool)
        usable = legible[corpus.signature_name] & (_team_size(corpus) <= MAX_TEAM)
        coauthors = _coauthor_matrix(corpus, sig_full, n_full, usable)
        initials = _coauthor_matrix(corpus, sig_initial, n_initial, usable)
        full_works = _works_of(corpus, sig_full, n_full)
        given_rarity, family_rarity = frequency.rarity(corpus.names)
        title, title_idf = _tfidf(corpus.titles)
        whole = [
            f"{t} {k} {a}"
            for t, k, a in zip(corpus.titles, corpus.keywords, corpus.abstracts, strict=True)
        ]
        text, _ = _tfidf(whole)
        affiliation, affiliation_idf = _tfidf(corpus.affiliations)
        venue_key = [_venue_key(v) for v in corpus.venues]
        codes, n_venues = _codes(venue_key)
        venue = np.where(np.array([bool(k) for k in venue_key], dtype=bool), codes, -1)
        return cls(
            corpus=corpus,
            names=NameTable.from_names(corpus.names),
            given_rarity=given_rarity,
            family_rarity=family_rarity,
            full=full,
            initial=initial,
            full_works=full_works,
            initial_works=_works_of(corpus, sig_initial, n_initial),
            coauthors=coauthors,
            coauthor_initials=initials,
            graph=_graph(corpus, sig_full, full_works, usable),
            title=title,
            title_idf=title_idf,
            text=text,
            meaning=space.vectors(whole),
            title_meaning=space.vectors(corpus.titles),
            venue=venue.astype(np.int32),
            venue_works=np.bincount(codes, minlength=n_venues).astype(np.float32),
            venue_meaning=space.venue_vectors(corpus.venues),
            affiliation=affiliation,
            affiliation_idf=affiliation_idf,
        )


def _venue_key(venue: str) -> str:
    """A venue without its years and ordinals: editions of one series are one venue."""
    words = [w for w in venue.lower().replace("-", " ").split() if not any(c.isdigit() for c in w)]
    return " ".join(w.strip(".,()'\"") for w in words)


def _team_size(corpus: Corpus) -> Int32:
    """Authors of each signature's work, int32[S]."""
    return np.diff(corpus.author_start)[corpus.signature_work]


def _works_of(corpus: Corpus, key: Int32, n_keys: int) -> Float32:
    """Works on which each key appears, float32[n_keys]."""
    on_work = np.unique(corpus.signature_work.astype(np.int64) * max(n_keys, 1) + key)
    return np.bincount(on_work % max(n_keys, 1), minlength=n_keys).astype(np.float32)


def _coauthor_matrix(
    corpus: Corpus, key: Int32, n_keys: int, usable: npt.NDArray[np.bool_]
) -> sparse.csr_array:
    """Keys of each signature's usable co-authors, csr_array of shape (S, n_keys)."""
    n = len(key)
    partners = np.where(_team_size(corpus) <= MAX_TEAM, _team_size(corpus), 0)
    row = np.repeat(np.arange(n, dtype=np.int32), partners)
    first = np.cumsum(partners) - partners
    other = np.arange(len(row)) - np.repeat(first, partners)
    other += np.repeat(corpus.author_start[corpus.signature_work], partners)
    kept = (other != row) & usable[other]
    row, column = row[kept], key[other[kept]]
    matrix = sparse.csr_array((np.ones(len(row), np.float32), (row, column)), shape=(n, n_keys))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def _graph(
    corpus: Corpus, key: Int32, works: Float32, usable: npt.NDArray[np.bool_]
) -> sparse.csr_array:
    """Co-publication among name keys; an edge weighs less the more works its ends have."""
    incidence = sparse.csr_array(
        (np.ones(int(usable.sum())), (corpus.signature_work[usable], key[usable])),
        shape=(corpus.n_works, len(works)),
    )
    incidence.sum_duplicates()
    incidence.data[:] = 1.0
    size = np.maximum(np.diff(corpus.author_start) - 1, 1)
    graph = sparse.csr_array(incidence.T @ incidence.multiply(1.0 / size[:, None]).tocsr())
    graph.setdiag(0)
    graph.eliminate_zeros()
    graph.sort_indices()
    scale = 1.0 / np.maximum(works, 1.0)
    scaled: sparse.csr_array = sparse.csr_array(graph.multiply(scale[:, None])).astype(np.float32)
    return scaled


def _tfidf(texts: list[str]) -> tuple[sparse.csr_array, Float32]:
    """TF-IDF unit rows and the idf of each word (natural log of texts per text).

    The number of texts is taken to the nearest power of two: it would else move every weight a
    little whenever a work arrives, and with them decisions that the work has nothing to do with.
    """
    matrix, _ = token_matrix(texts)
    df = document_frequency(matrix)
    n = 2.0 ** np.round(np.log2(max(sum(1 for t in texts if t), 1)))
    idf = np.log(np.maximum((1.0 + n) / (1.0 + df), 1.0)).astype(np.float32)
    matrix.data = (1.0 + np.log(matrix.data)) * idf[matrix.indices]
    return unit_rows(matrix), idf
