"""Small invented works, and a model fitted on them, for tests of the engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from random import Random

import numpy as np
import pytest

from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.domain import Author, Label, Signature, Work
from disambig.model.model import Model
from disambig.names import parse_name
from disambig.names.frequency import NameFrequency
from disambig.training import fit
from disambig.training.fit import LabelledCorpus

FIELDS = (
    ("speech", "recognition", "acoustic", "phoneme", "speaker", "audio", "prosody", "voice"),
    ("robot", "grasping", "manipulation", "locomotion", "gripper", "planning", "motion", "arm"),
    ("protein", "genome", "sequence", "cell", "biology", "mutation", "enzyme", "folding"),
    ("database", "query", "index", "transaction", "storage", "join", "relational", "schema"),
)
VENUES = ("Interspeech", "Robotics: Science and Systems", "Bioinformatics", "VLDB")


def work(
    identifier: str,
    title: str,
    *names: str,
    venue: str | None = None,
    year: int | None = None,
    abstract: str | None = None,
    affiliations: tuple[str, ...] = (),
    references: tuple[str, ...] = (),
    collaborations: tuple[str, ...] = (),
) -> Work:
    """A work; ``affiliations`` are those of its authors, in order, "" where none is stated."""
    stated = [*affiliations, *[""] * len(names)]
    authors = tuple(
        Author(name, affiliations=(place,) if place else ())
        for name, place in zip(names, stated, strict=False)
    )
    return Work(
        identifier,
        title,
        authors,
        abstract,
        venue,
        year,
        references=references,
        collaborations=collaborations,
    )


@cache
def space() -> SemanticSpace:
    """The space that ships."""
    return SemanticSpace.load()


def indexed(works: list[Work], counted: tuple[str, ...] = ()) -> CorpusIndex:
    """An index of works, with name frequencies counted over ``counted``."""
    frequency = NameFrequency.fit(parse_name(name) for name in counted)
    return CorpusIndex.from_corpus(Corpus.from_works(works), space(), frequency)


def rows(index: CorpusIndex, *signatures: tuple[str, int]) -> np.ndarray:
    """Signature rows of (work, position)."""
    found = [index.corpus.row_of(Signature(*s)) for s in signatures]
    return np.array(found, dtype=np.int32)


@cache
def population(seed: int, families: int = 12) -> tuple[tuple[Work, ...], tuple[Label, ...]]:
    """Works of invented people, four behind each name, each with a field and colleagues."""
    random = Random(seed)
    works, labels = [], []
    for f in range(families):
        family = "".join(random.choice("bdfgklmnprstvz") + random.choice("aeiou") for _ in range(3))
        for p in range(4):
            field = (p + f) % len(FIELDS)
            # colleagues of two people have names more than a typing error apart
            colleague = ("bak", "cuzo", "demel", "folk")[p] + family
            circle = [f"{g} {colleague}".title() for g in ("olga", "piet", "quentin")]
            for k in range(6):
                printed = random.choice([f"Anna {family}", f"A. {family}"]).title()
                identifier = f"{seed}-{family}-{p}-{k}"
                names = [printed, *random.sample(circle, random.choice([0, 1, 2]))]
                now = random.choice([field, field, random.randrange(len(FIELDS))])
                title = " ".join(random.sample(FIELDS[now], 3))
                venue = random.choice([VENUES[now], None])
                works.append(work(identifier, title, *names, venue=venue, year=2000 + k + 3 * p))
                labels.append(Label(Signature(identifier, 0), f"{family}-{p}"))
    return tuple(works), tuple(labels)


def with_references(works: Iterable[Work], seed: int = 0) -> list[Work]:
    """The same works, most of which cite some of the others and some that are unknown; some state
    collaborations.
    """
    random, known = Random(seed), list(works)
    out = []
    for one in known:
        cited = [f"unknown-{random.randrange(40)}" for _ in range(random.choice([0, 2, 5]))]
        cited += [w.id for w in random.sample(known, min(len(known), random.choice([0, 1, 3])))]
        own = [w.id for w in known if w.id[:-1] == one.id[:-1] and w.id < one.id]
        cited += [identifier for identifier in own if random.random() < 0.5]
        teams = [("ATLAS",), ("CMS", "LHCb Collaboration"), (), ()]
        out.append(replace(one, references=tuple(cited), collaborations=random.choice(teams)))
    return out


@cache
def model() -> Model:
    """A model of small forests, fitted on an invented population."""
    works, labels = population(1, families=16)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PAIR_FOREST", "GROUP_FOREST"):
            patch.setattr(fit, name, replace(getattr(fit, name), n_trees=24, min_leaf=10))
        corpus = LabelledCorpus("invented", Corpus.from_works(with_references(works)), labels)
        return fit.fit_model([corpus], space=space(), n_copies=2)
