"""Summary of a clustering: the people, and evidence that a reader can check.

Everything is derived from works and assignments, without a model or a terminal. A person is an
identity of the clustering, and so is a co-author: "Misha Laskin" and "Michael Laskin" are one
co-author if they are in one identity.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from disambig.domain import Assignment, Signature, Work
from labeled.gold.goldset import compute_gold_block, split_name, strip_homonym_number

#: A name or word with its number of papers.
Count = tuple[str, int]

_WORD = re.compile(r"[^\W\d_][\w-]{2,}")
_STOP_WORDS = re.compile(
    "the|and|for|with|from|via|using|towards?|into|are|can|not|all|its|has|how|what|one|that|this"
    "|their|through|over|under|beyond|without|based|new|say"
)


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """An identity summarised from its papers. Counts are papers, in descending order."""

    identity: str
    name: str
    forms: tuple[Count, ...]
    papers: int
    years: tuple[int, int] | None
    coauthors: tuple[Count, ...]
    venues: tuple[Count, ...]
    topics: tuple[str, ...]
    confidence: float
    mentions: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Cohesion:
    """How shared co-authors connect a person's papers.

    ``group_sizes`` are the sizes, largest first, of the groups of papers connected by shared
    co-authors; ``isolated_titles`` are the titles of papers that share none with any other.
    """

    group_sizes: tuple[int, ...]
    isolated_titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contrast:
    """Evidence that separates two people with similar names."""

    other: PersonSummary
    n_shared_papers: int
    has_same_name: bool
    differs_in_given_name: bool
    shared_coauthors: tuple[str, ...]


class ClusteringSummary:
    """The people of a clustering of works."""

    def __init__(self, works: Iterable[Work], assignments: Iterable[Assignment]) -> None:
        """Index the works and one assignment for each of their author mentions."""
        self._works = {work.id: work for work in works}
        self._rows_by_identity: dict[str, list[Assignment]] = defaultdict(list)
        self._identities_by_work: dict[str, set[str]] = defaultdict(set)
        for row in assignments:
            self._rows_by_identity[row.identity].append(row)
            self._identities_by_work[row.signature.work].add(row.identity)

    @property
    def n_works(self) -> int:
        """Number of works."""
        return len(self._works)

    @property
    def n_mentions(self) -> int:
        """Number of author mentions."""
        return sum(len(rows) for rows in self._rows_by_identity.values())

    @cached_property
    def people(self) -> dict[str, PersonSummary]:
        """All people by identity, most papers first."""
        order = sorted(
            self._rows_by_identity,
            key=lambda i: (-len(self._rows_by_identity[i]), self._name_by_identity[i], i),
        )
        return {identity: self._summarise_person(identity) for identity in order}

    @cached_property
    def n_printed_names(self) -> int:
        """Number of distinct printed names, ignoring case."""
        return len(
            {row.name.casefold() for rows in self._rows_by_identity.values() for row in rows}
        )

    def list_people_by_name(self, name: str) -> list[PersonSummary]:
        """List the people with mentions of a printed name, most mentions first."""
        folded_name = name.casefold()
        identity_counts = Counter(
            identity
            for identity, rows in self._rows_by_identity.items()
            for row in rows
            if row.name.casefold() == folded_name
        )
        return [self.people[identity] for identity, _ in _sort_counts(identity_counts)]

    def count_papers_by_name(self, name: str) -> int:
        """Count the works with a printed name."""
        rows = (row for rows in self._rows_by_identity.values() for row in rows)
        return len({row.signature.work for row in rows if row.name.casefold() == name.casefold()})

    def compute_cohesion(self, person: PersonSummary) -> Cohesion:
        """Group a person's papers by shared co-authors."""
        works = sorted(self._list_works(person.identity))
        chain = {work: {work} for work in works}
        for a, b in combinations(works, 2):
            if chain[a] is not chain[b] and self._list_coauthors(a, person) & self._list_coauthors(
                b, person
            ):
                chain[a] |= chain[b]
                for work in chain[b]:
                    chain[work] = chain[a]
        isolated = tuple(self._works[work].title for work in works if len(chain[work]) == 1)
        groups = {
            id(component): len(component) for component in chain.values() if len(component) > 1
        }
        return Cohesion(tuple(sorted(groups.values(), reverse=True)), isolated)

    def list_contrasts(self, person: PersonSummary) -> list[Contrast]:
        """Compare a person with the others of the same family name and initial."""
        blocks = {compute_gold_block(form) for form, _ in person.forms}
        differences = {
            other
            for block in blocks
            for other in self._identities_by_block.get(block, ())
            if other != person.identity
        }
        contrasts = [self._compare_people(person, self.people[other]) for other in differences]
        return sorted(
            contrasts,
            key=lambda c: (not c.has_same_name, -c.n_shared_papers, -c.other.papers, c.other.name),
        )

    def list_common_coauthors(self, person: PersonSummary) -> tuple[Count, ...]:
        """List co-authors with whom a person appears under two or more printed names."""
        forms: dict[str, set[str]] = defaultdict(set)
        for row in self._rows_by_identity[person.identity]:
            for other in self._identities_by_work[row.signature.work] - {person.identity}:
                forms[other].add(row.name)
        n_forms = {other: len(names) for other, names in forms.items() if len(names) > 1}
        counts = dict(self._count_coauthors(person.identity))
        return tuple(
            (self._name_by_identity[other], counts[other])
            for other in sorted(
                n_forms, key=lambda o: (-n_forms[o], -counts[o], self._name_by_identity[o])
            )
        )

    @cached_property
    def _name_by_identity(self) -> dict[str, str]:
        """Name of each identity: its most frequent form, without homonym number."""
        names = {}
        for identity, rows in self._rows_by_identity.items():
            forms = Counter(strip_homonym_number(row.name) for row in rows)
            names[identity] = max(forms, key=lambda form: (forms[form], len(form), form))
        return names

    @cached_property
    def _identities_by_block(self) -> dict[str, list[str]]:
        identities_by_block: dict[str, set[str]] = defaultdict(set)
        for identity, rows in self._rows_by_identity.items():
            for row in rows:
                identities_by_block[compute_gold_block(row.name)].add(identity)
        return {block: sorted(identities) for block, identities in identities_by_block.items()}

    @cached_property
    def _papers_by_word(self) -> Counter[str]:
        return Counter(word for work in self._works.values() for word in _split_title(work.title))

    def _list_works(self, identity: str) -> set[str]:
        return {row.signature.work for row in self._rows_by_identity[identity]}

    def _list_coauthors(self, work: str, person: PersonSummary) -> set[str]:
        return self._identities_by_work[work] - {person.identity}

    def _count_coauthors(self, identity: str) -> list[Count]:
        counts = Counter(
            other for work in self._list_works(identity) for other in self._identities_by_work[work]
        )
        del counts[identity]
        return _sort_counts(counts)

    def _summarise_person(self, identity: str) -> PersonSummary:
        rows = self._rows_by_identity[identity]
        works = [self._works[work] for work in sorted(self._list_works(identity))]
        years = [work.year for work in works if work.year is not None]
        return PersonSummary(
            identity=identity,
            name=self._name_by_identity[identity],
            forms=tuple(_sort_counts(Counter(row.name for row in rows))),
            papers=len(works),
            years=(min(years), max(years)) if years else None,
            coauthors=tuple(
                (self._name_by_identity[other], count)
                for other, count in self._count_coauthors(identity)
            ),
            venues=tuple(_sort_counts(Counter(work.venue for work in works if work.venue))),
            topics=self._rank_topics(works),
            confidence=sum(row.confidence for row in rows) / len(rows),
            mentions=tuple(sorted(row.signature for row in rows)),
        )

    def _rank_topics(self, works: Sequence[Work]) -> tuple[str, ...]:
        """Rank title words that are frequent in these papers and rare in all papers."""
        word_counts = Counter(word for work in works for word in _split_title(work.title))
        weight = {
            word: count * math.log((1 + self.n_works) / self._papers_by_word[word])
            for word, count in word_counts.items()
            if count > 1 or len(works) == 1
        }
        return tuple(sorted(weight, key=lambda word: (-weight[word], word)))

    def _compare_people(self, person: PersonSummary, other: PersonSummary) -> Contrast:
        shared = self._find_shared_coauthors(person.identity, other.identity)
        own_forms, other_forms = ({form.casefold() for form, _ in p.forms} for p in (person, other))
        return Contrast(
            other,
            n_shared_papers=len(
                self._list_works(person.identity) & self._list_works(other.identity)
            ),
            has_same_name=bool(own_forms & other_forms),
            differs_in_given_name=not any(
                _are_compatible(a, b) for a, _ in person.forms for b, _ in other.forms
            ),
            shared_coauthors=tuple(self._name_by_identity[identity] for identity in shared),
        )

    def _find_shared_coauthors(self, a: str, b: str) -> list[str]:
        counts_a, counts_b = dict(self._count_coauthors(a)), dict(self._count_coauthors(b))
        both = (counts_a.keys() & counts_b.keys()) - {a, b}
        return sorted(both, key=lambda o: (-counts_a[o] - counts_b[o], self._name_by_identity[o]))


def _sort_counts(counts: Mapping[str, int]) -> list[Count]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _split_title(title: str) -> set[str]:
    """Return the informative words of a title in lower case."""
    return {word for word in _WORD.findall(title.lower()) if not _STOP_WORDS.fullmatch(word)}


def _are_compatible(a: str, b: str) -> bool:
    """Return whether the given names of two names of one block are compatible."""
    given_a, given_b = split_name(a)[:-1], split_name(b)[:-1]
    if not given_a or not given_b:
        return True
    short, long = sorted((given_a[0], given_b[0]), key=len)
    return long.startswith(short) or "".join(given_a) == "".join(given_b)
