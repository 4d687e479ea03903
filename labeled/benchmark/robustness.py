"""Robustness: cluster a corpus again with its works perturbed, and compare with the labels.

A perturbation is a function of a work and a random generator that returns a work. The generator
depends on seed, perturbation and work, so the result does not depend on the order of the works.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from disambig.corpus.corpus import Corpus
from disambig.domain import Author, Signature, Work
from disambig.estimator import Disambiguator
from labeled.benchmark.accuracy import GoldMentions
from labeled.benchmark.intervals import BlockSums, Interval, bootstrap_differences
from labeled.benchmark.run import iterate_works, run_in_fresh_process, show_progress_of
from labeled.corpora import CorpusFolder

#: Shares of names with a typing error, and of works with an author listed twice.
TYPO_SHARE, DOUBLED_AUTHOR_SHARE = 0.05, 0.01

_GENERATIONS = {"jr", "sr", "ii", "iii", "iv"}


def drop_title(work: Work, rng: Random) -> Work:
    """Drop the title."""
    return replace(work, title="")


def drop_abstract(work: Work, rng: Random) -> Work:
    """Drop abstract and keywords."""
    return replace(work, abstract=None, keywords=())


def drop_venue(work: Work, rng: Random) -> Work:
    """Drop the venue."""
    return replace(work, venue=None)


def drop_year(work: Work, rng: Random) -> Work:
    """Drop the year."""
    return replace(work, year=None)


def drop_affiliations(work: Work, rng: Random) -> Work:
    """Drop the affiliations of the authors and of the work."""
    authors = tuple(replace(author, affiliations=()) for author in work.authors)
    return replace(work, authors=authors, affiliations=())


def abbreviate_given_names(work: Work, rng: Random) -> Work:
    """Print initials in place of given names."""
    return replace(work, authors=tuple(abbreviate(author) for author in work.authors))


def mistype_names(work: Work, rng: Random) -> Work:
    """Make one typing error in a share :data:`TYPO_SHARE` of the names."""
    authors = (mistype(a, rng) if rng.random() < TYPO_SHARE else a for a in work.authors)
    return replace(work, authors=tuple(authors))


def print_in_capitals(work: Work, rng: Random) -> Work:
    """Print names, affiliations, title and venue in upper case."""
    authors = tuple(
        replace(
            author,
            name=author.name.upper(),
            given=author.given and author.given.upper(),
            family=author.family and author.family.upper(),
            affiliations=tuple(text.upper() for text in author.affiliations),
        )
        for author in work.authors
    )
    title, venue = work.title.upper(), work.venue and work.venue.upper()
    return replace(work, authors=authors, title=title, venue=venue)


def copy_work(work: Work, rng: Random) -> Work:
    """Copy a work under another id."""
    return replace(work, id=f"{work.id} copy")


def double_author(work: Work, rng: Random) -> Work:
    """Append an author a second time to a share :data:`DOUBLED_AUTHOR_SHARE` of the works."""
    candidates = [author for author in work.authors if author.name.strip()]
    if not candidates or rng.random() >= DOUBLED_AUTHOR_SHARE:
        return work
    return replace(work, authors=(*work.authors, rng.choice(candidates)))


def append_et_al(work: Work, rng: Random) -> Work:
    """Append "et al." as an author."""
    return replace(work, authors=(*work.authors, Author("et al.")))


def separate_authors(work: Work) -> Iterator[Work]:
    """Yield a work without co-authors for each author, see :func:`locate_separated`."""
    for position, author in enumerate(work.authors):
        alone = locate_separated(Signature(work.id, position))
        yield replace(work, id=alone.work, authors=(author,))


def locate_separated(signature: Signature) -> Signature:
    """Return the signature of an author after :func:`separate_authors`."""
    return Signature(f"{signature.work} author {signature.position}", 0)


#: What each work becomes.
_CHANGES: Mapping[str, Callable[[Work, Random], Work]] = {
    "no-title": drop_title,
    "no-abstract": drop_abstract,
    "no-venue": drop_venue,
    "no-year": drop_year,
    "no-affiliation": drop_affiliations,
    "initials": abbreviate_given_names,
    "typos": mistype_names,
    "upper-case": print_in_capitals,
    "doubled-works": copy_work,
    "doubled-authors": double_author,
    "et-al": append_et_al,
}
#: Names of all perturbations, in the order of the tables.
PERTURBATIONS: tuple[str, ...] = (*list(_CHANGES)[:5], "no-coauthors", *list(_CHANGES)[5:])


def perturb_works(works: Iterable[Work], perturbation: str, seed: int = 0) -> Iterator[Work]:
    """Yield the works of a corpus under one of :data:`PERTURBATIONS`.

    Copies follow their originals; without co-authors, every author is on a work of its own.
    """
    for work in works:
        if perturbation == "no-coauthors":
            yield from separate_authors(work)
            continue
        if perturbation == "doubled-works":
            yield work
        yield _CHANGES[perturbation](work, Random(f"{seed} {perturbation} {work.id}"))


@dataclass(frozen=True, slots=True)
class PerturbedResult:
    """Accuracy on one corpus under one perturbation.

    ``printed_names`` is the baseline that one printed name of a block is one person, of the
    perturbed names.
    """

    corpus: str
    perturbation: str
    sums: BlockSums
    printed_names: BlockSums

    def compare(self, unperturbed: BlockSums) -> dict[str, Interval]:
        """Compute the change of every figure by the perturbation, with its interval."""
        return bootstrap_differences(self.sums, unperturbed)


def measure_perturbations(
    folders: Sequence[CorpusFolder],
    split: str,
    model: Path | None,
    workers: int,
    perturbations: Sequence[str],
    seed: int,
    quiet: bool,
) -> list[PerturbedResult]:
    """Measure each corpus under each perturbation, each in a fresh process."""
    tasks = [(folder, name) for folder in folders for name in perturbations]
    results = []
    for number, (folder, name) in enumerate(tasks, 1):
        task = f"{number} of {len(tasks)}, {folder.name} {name}"
        arguments = (folder, split, model, workers, name, seed, task, quiet)
        results.append(run_in_fresh_process(measure_perturbed, *arguments))
    return results


def measure_perturbed(
    folder: CorpusFolder,
    split: str,
    model_file: Path | None,
    workers: int,
    perturbation: str,
    seed: int,
    task: str,
    quiet: bool,
) -> PerturbedResult:
    """Perturb the works of a corpus, cluster them and compare with the labels of one split.

    Parameters are those of :func:`~labeled.benchmark.run.measure_corpus`, and the perturbation.

    Raises
    ------
    InputError
        A label names an unknown signature, or as :meth:`GoldMentions.read`.
    """
    corpus = Corpus.from_works(perturb_works(iterate_works(folder), perturbation, seed))
    show = show_progress_of(task, quiet)
    engine = Disambiguator(model=model_file, workers=workers, progress=show)
    gold = GoldMentions.read(folder, split)
    locate = locate_separated if perturbation == "no-coauthors" else None
    rows = gold.find_rows(corpus, locate)
    return PerturbedResult(
        folder.name,
        perturbation,
        gold.score(engine.predict(corpus).identity[rows]),
        gold.score_printed_names([corpus.printed_name(row) for row in rows.tolist()]),
    )


def abbreviate(author: Author) -> Author:
    """Print initials in place of the given names of an author.

    Without a stated division, the family name is what precedes a comma, or the last word with the
    particles in lower case before it. A name of one word is kept.
    """
    if author.given and author.family:
        given = _abbreviate_words(author.given.split())
        return replace(author, name=f"{given} {author.family}", given=given)
    family, comma, given = author.name.partition(",")
    if comma:
        return replace(author, name=f"{family}, {_abbreviate_words(given.split())}")
    words = author.name.split()
    start = _find_family(words)
    given = _abbreviate_words(words[:start])
    return replace(author, name=" ".join(filter(None, [given, *words[start:]])))


def _find_family(words: Sequence[str]) -> int:
    """Return the index of the first word of the family name."""
    start = len(words) - 1
    while start > 1 and (
        words[start].strip(".,").lower() in _GENERATIONS or words[start].isdigit()
    ):
        start -= 1
    while start > 1 and words[start - 1].islower():
        start -= 1
    return max(start, 0)


def _abbreviate_words(words: Sequence[str]) -> str:
    """Abbreviate "Jean-Luc Marie" to "J.-L. M."; words with a point are abbreviated already."""
    return " ".join(
        word if "." in word else "-".join(f"{part[0].upper()}." for part in word.split("-") if part)
        for word in words
    ).strip()


def mistype(author: Author, rng: Random) -> Author:
    """Make one typing error in a name, in the same part of the stated division."""
    if not author.given or not author.family:
        return replace(author, name=mistype_word(author.name, rng))
    parts = {"given": author.given, "family": author.family}
    part = rng.choices(list(parts), [len(text) for text in parts.values()])[0]
    parts[part] = mistype_word(parts[part], rng)
    given, family = parts["given"], parts["family"]
    return replace(author, name=f"{given} {family}", given=given, family=family)


def mistype_word(text: str, rng: Random) -> str:
    """Drop, double, replace or swap one letter; the result differs unless there is no letter."""
    letters = [i for i, character in enumerate(text) if character.isalpha()]
    if not letters:
        return text
    i = rng.choice(letters)
    kind = rng.choice(("drop", "double", "replace", "swap"))
    if kind == "double":
        return text[: i + 1] + text[i:]
    if kind == "drop" and len(letters) > 1:
        return text[:i] + text[i + 1 :]
    if kind == "swap" and text[i + 1 : i + 2].isalpha() and text[i + 1] != text[i]:
        return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    other = rng.choice([c for c in string.ascii_lowercase if c != text[i].lower()])
    return text[:i] + (other.upper() if text[i].isupper() else other) + text[i + 1 :]
