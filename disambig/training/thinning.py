"""Thinned copies of a labelled corpus: whole fields missing, as in records of other sources.

A model that has only seen complete records takes what it does not know for evidence of two people.
So it is also fitted on copies of the labelled blocks without titles, venues, years, affiliations,
references, co-authors or written-out given names, several fields of a whole copy at a time: that
is how fields are missing in practice.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np

from disambig.arrays import Int32, UInt64
from disambig.corpus.coauthors import CoauthorKeys
from disambig.corpus.corpus import Corpus, StatedName
from disambig.corpus.key_lists import KeyLists
from disambig.names import ParsedName

DROP_PROBABILITY = 0.3
"""Probability that a copy lacks a field besides the one it is made without."""


class Field(StrEnum):
    """What a thinned copy may lack."""

    TITLE = "title"
    ABSTRACT = "abstract"
    VENUE = "venue"
    YEAR = "year"
    AFFILIATION = "affiliation"
    COAUTHORS = "co-authors"
    GIVEN_NAME = "given name"
    REFERENCES = "references"


ABSENT_FIELDS = (Field.TITLE, Field.COAUTHORS, Field.GIVEN_NAME, Field.AFFILIATION)
"""The field that each copy is made without, in turn: those whose absence costs most."""


def choose_fields(absent: Field, rng: np.random.Generator) -> frozenset[Field]:
    """Choose the fields that a copy lacks: one, and some others at random.

    Title and co-authors carry most evidence, so a copy lacks one of them at most.
    """
    others = {field for field in Field if rng.random() < DROP_PROBABILITY}
    if absent in (Field.TITLE, Field.COAUTHORS):
        others -= {Field.TITLE, Field.COAUTHORS}
    elif {Field.TITLE, Field.COAUTHORS} <= others:
        others -= {Field.COAUTHORS}
    return frozenset({absent, *others})


def thin_corpus(corpus: Corpus, fields: frozenset[Field]) -> Corpus:
    """Return a corpus without some fields; initials replace given names.

    A copy without titles has no keywords either.
    """
    works, mentions = [""] * corpus.n_works, [""] * corpus.n_signatures
    thinned = corpus
    if Field.TITLE in fields:
        thinned = replace(thinned, titles=works, keywords=works)
    if Field.ABSTRACT in fields:
        thinned = replace(thinned, abstracts=works)
    if Field.VENUE in fields:
        thinned = replace(thinned, venues=works)
    if Field.YEAR in fields:
        thinned = replace(thinned, years=np.full_like(corpus.years, np.nan))
    if Field.AFFILIATION in fields:
        thinned = replace(thinned, affiliations=mentions)
    if Field.GIVEN_NAME in fields:
        stated_names = [
            abbreviate_name(name, stated)
            for name, stated in zip(corpus.names, corpus.stated_names, strict=True)
        ]
        thinned = replace(thinned, stated_names=stated_names, parsed_names=None)
    if Field.REFERENCES in fields:
        start = np.zeros(corpus.n_works + 1, dtype=np.int64)
        thinned = replace(thinned, references=KeyLists(start, np.empty(0, dtype=np.uint64)))
    if Field.COAUTHORS in fields:
        none = np.empty(0, dtype=np.uint64)
        start = np.zeros(corpus.n_works + 1, dtype=np.int64)
        thinned = replace(thinned, coauthors=CoauthorKeys(start, none, none))
    return thinned


def abbreviate_name(name: ParsedName, stated: StatedName) -> StatedName:
    """Return a name with initials for its given names: "Ada Mary Byron" is "A. M. Byron"."""
    if not name.given or not name.family_tokens:
        return stated
    initials = " ".join(f"{given[0].upper()}." for given in name.given)
    family = " ".join(token.capitalize() for token in name.family_tokens)
    printed = f"{initials} {family}"
    return (printed, initials, family) if name.is_stated else (printed, None, None)


def select_works(corpus: Corpus, works: Int32) -> Corpus:
    """Return a corpus of some works, int32[n] ascending, with all their signatures."""
    number = np.full(corpus.n_works, -1, dtype=np.int32)
    number[works] = np.arange(len(works), dtype=np.int32)
    rows = np.flatnonzero(number[corpus.signature_work] >= 0)
    size = np.diff(corpus.author_start)[works]
    positions, signatures = works.tolist(), rows.tolist()
    return replace(
        corpus,
        work_ids=[corpus.work_ids[w] for w in positions],
        titles=[corpus.titles[w] for w in positions],
        abstracts=[corpus.abstracts[w] for w in positions],
        venues=[corpus.venues[w] for w in positions],
        keywords=[corpus.keywords[w] for w in positions],
        years=corpus.years[works],
        author_start=np.concatenate([[0], np.cumsum(size)]).astype(np.int32),
        signature_work=number[corpus.signature_work[rows]],
        signature_position=corpus.signature_position[rows],
        signature_name=corpus.signature_name[rows],
        affiliations=[corpus.affiliations[s] for s in signatures],
        orcids=[corpus.orcids[s] for s in signatures],
        emails=[corpus.emails[s] for s in signatures],
        references=corpus.references.take(works),
        collaborations=corpus.collaborations.take(works),
        coauthors=None if corpus.coauthors is None else _select_keys(corpus.coauthors, works),
    )


def _select_keys(coauthors: CoauthorKeys, works: Int32) -> CoauthorKeys:
    size = coauthors.n_authors[works]
    start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    at = np.arange(start[-1]) + np.repeat(coauthors.start[works] - start[:-1], size)
    keys: tuple[UInt64, UInt64] = coauthors.full[at], coauthors.initial[at]
    return CoauthorKeys(start, *keys)
