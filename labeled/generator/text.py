"""Text of generated papers: names with printing habits and typos, affiliations, titles, venues."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from anyascii import anyascii

from disambig.arrays import Bool, Float64, Int64
from labeled.generator.parameters import NameParts, Parameters, hash_keys, to_uniform
from labeled.generator.people import MIDDLE_FULL, NO_MIDDLE, NOT_COMPOSED, World
from labeled.generator.works import Papers, draw_words

INITIALS, MIDDLE, PLAIN, HYPHEN, SWAPPED, SLIP = 1, 2, 4, 8, 16, 32
"""Styles of a printed name: initials only, middle name, no accents, different hyphenation, family
name first, typo."""
_STYLE_BITS = (INITIALS, MIDDLE, PLAIN, HYPHEN, SWAPPED, SLIP)
_AFFILIATION_FORMS = (0.25, 0.25, 0.12, 0.2, 0.12, 0.06)
FAVOURED_VENUE_SHARE = 0.75
"""Share of papers in a venue preferred by their group."""
LOCAL_VENUE_SHARE = 0.2
"""Share of papers in a venue of one community instead of the whole subject."""
GROUPS_PER_COMMUNITY = 60
STAY_YEARS, ELSEWHERE_SHARE = 6, 0.22
"""Period in years after which people may change to a place outside their group, and its
probability.

For pairs of works by one bearer of a rare name without a shared co-author, the affiliations share
more than half of their words in 27 % of cases in the measured corpus and in 40 % in a generated
one; with a shared co-author, in 52 % and 50 %."""
_SLIP_RATE, _SWAP_RATE, _OWN_INITIALS = 0.002, 0.002, 0.006
_VENUE_KINDS = (
    "International Conference on",
    "Workshop on",
    "Journal of",
    "Symposium on",
    "Transactions on",
    "Conference on",
    "European Conference on",
    "Letters in",
)
_MIDDLE_OF_WORD = re.compile(r"(?<=[aeiouyäöüáéíóúàèâêôåøı])(?=[^aeiouyäöüáéíóúàèâêôåøı\W])")


@dataclass(frozen=True, eq=False)
class NameHalves:
    """Listed family or given names, whole and in two halves."""

    whole: list[str]
    front: list[str]
    back: list[str]

    @staticmethod
    def of(parts: NameParts) -> NameHalves:
        """Split every listed name at a syllable boundary near its middle."""
        last_words = [name.split()[-1] for name in parts.names]
        cuts = [_find_cut(name) for name in last_words]
        return NameHalves(
            parts.names,
            [n[:c] for n, c in zip(last_words, cuts, strict=True)],
            [n[c:].lower() for n, c in zip(last_words, cuts, strict=True)],
        )

    def compose(self, start: int, end: int) -> str:
        """Return a listed name, or the name composed of two halves."""
        return self.whole[start] if end == NOT_COMPOSED else self.front[start] + self.back[end]


def _find_cut(name: str) -> int:
    boundaries = [
        m.start() for m in _MIDDLE_OF_WORD.finditer(name) if 1 < m.start() < len(name) - 1
    ]
    return (
        min(boundaries, key=lambda p: abs(2 * p - len(name))) if boundaries else len(name) // 2 + 1
    )


@dataclass(frozen=True, eq=False)
class Printer:
    """Renders the papers of a world as text."""

    world: World
    parameters: Parameters

    @cached_property
    def family(self) -> NameHalves:
        """Family names."""
        return NameHalves.of(self.parameters.family)

    @cached_property
    def given(self) -> NameHalves:
        """Given names."""
        return NameHalves.of(self.parameters.given)

    def print_names(self, papers: Papers, rng: np.random.Generator) -> list[str]:
        """Print the name of each signature."""
        people = papers.people
        style = self._draw_styles(papers, rng).tolist()
        dotted = np.repeat(rng.random(len(papers)) < 0.75, np.diff(papers.authors)).tolist()
        columns = (
            people.family.tolist(),
            people.family_end.tolist(),
            people.given.tolist(),
            people.given_end.tolist(),
            people.middle.tolist(),
            people.middle_habit.tolist(),
        )
        family, given = self.family.compose, self.given.compose
        printed_names = []
        for row, (f, fe, g, ge, m, habit) in enumerate(zip(*columns, strict=True)):
            name_style = style[row]
            if name_style:
                middle = self.given.whole[m] if habit != NO_MIDDLE and name_style & MIDDLE else ""
                if habit != MIDDLE_FULL:
                    middle = middle[:1]
                printed_names.append(
                    _apply_style(given(g, ge), middle, family(f, fe), name_style, dotted[row])
                )
            else:
                printed_names.append(f"{given(g, ge)} {family(f, fe)}")
        return printed_names

    def compute_blocks(self, papers: Papers) -> list[str]:
        """Compute the block of each signature: first initial and last word of the family name."""
        people = papers.people
        columns = (people.family.tolist(), people.family_end.tolist(), people.given.tolist())
        return [
            f"{_compute_initial(self.given.whole[g][0])} "
            f"{_get_last_word(self.family.compose(f, e))}"
            for f, e, g in zip(*columns, strict=True)
        ]

    def _draw_styles(self, papers: Papers, rng: np.random.Generator) -> Int64:
        people = papers.people
        size = np.diff(papers.authors)
        habit = people.form_habit.astype(np.int64)
        n = len(papers.person)

        def draw_per_work(share: Float64 | float) -> Bool:
            return np.repeat(rng.random(len(papers)) < share, size)

        initials = draw_per_work(self.parameters.initials[papers.year]) ^ (
            rng.random(n) < _OWN_INITIALS
        )
        # a third of the people with a middle name always print it, a third never
        middle = rng.random(n) < np.interp(
            habit, [0, 90, 91, 165, 166, 255], [1, 1, 0.5, 0.5, 0, 0]
        )
        middle &= people.middle_habit != NO_MIDDLE
        plain = draw_per_work(0.12) | (rng.random(n) < np.where(habit % 8 == 0, 0.8, 0.03))
        hyphen = rng.random(n) < np.where(habit % 16 == 1, 0.4, 0.01)
        swapped, slip = rng.random(n) < _SWAP_RATE, rng.random(n) < _SLIP_RATE
        style = np.zeros(n, dtype=np.int64)
        flags = initials, middle, plain, hyphen, swapped, slip
        for bit, flag in zip(_STYLE_BITS, flags, strict=True):
            style += bit * flag
        return style

    def print_affiliations(self, papers: Papers, rng: np.random.Generator) -> list[str]:
        """Print the affiliation of each signature; "" if the paper prints none."""
        size = np.diff(papers.authors)
        group = papers.person_group
        institution = self.world.institution[group]
        # some people are outside their group for some years, and some in another department
        person_hash = hash_keys(papers.person, 21)
        period = (
            np.repeat(papers.year, size) + (person_hash % np.uint64(STAY_YEARS)).astype(np.int64)
        ) // STAY_YEARS
        stay_hash = hash_keys(papers.person, period, 22)
        other = self.world.institution[
            (stay_hash >> np.uint64(8)) % np.uint64(len(self.world.topic))
        ]
        is_elsewhere = to_uniform(stay_hash) < ELSEWHERE_SHARE
        institution = np.where(is_elsewhere, other, institution)
        unit = np.where(
            person_hash % np.uint64(3) == 1, person_hash % np.uint64(97), self.world.unit[group]
        )
        unit = unit.astype(np.int64) % len(self.parameters.units)
        missing = rng.random(len(papers)) < self.parameters.missing["affiliation_works"]
        form = np.where(missing, 0, 1 + rng.choice(6, len(papers), p=_AFFILIATION_FORMS))
        columns = institution.tolist(), unit.tolist(), np.repeat(form, size).tolist()
        return [self._format_affiliation(i, u, f) for i, u, f in zip(*columns, strict=True)]

    def _format_affiliation(self, institution: int, unit: int, form: int) -> str:
        if not form:
            return ""
        measured = self.parameters.institutions
        if institution < len(measured):
            name = measured[institution]
        else:
            name = _compose_institution(institution, self.family)
        if form == 1:
            return name
        if form == 2:
            return f"{self.parameters.units[unit]}, {name}"
        place = self.family.whole[institution * 7919 % len(self.family.whole)]
        if form == 3:
            return f"{name}, {place}"
        if form == 4:
            return f"{self.parameters.units[unit]}, {name}, {place}"
        short = name.replace("University", "Univ.").replace("Institute", "Inst.")
        unit_short = self.parameters.units[unit].replace("Department", "Dept.")
        return f"{unit_short}, {short}" if form == 5 else f"{name} {1000 + unit * 37}, {place}"

    def print_titles(self, papers: Papers, rng: np.random.Generator) -> list[str]:
        """Print the title of each paper."""
        words, word_start = self.parameters.words, papers.word_start.tolist()
        ids = papers.words.tolist()
        with_prefix = np.flatnonzero(rng.random(len(papers)) < 0.12)
        prefix = {
            int(row): _coin_method_name(int(rng.integers(1 << 40)), words) for row in with_prefix
        }
        titles = []
        for row in range(len(papers)):
            text = " ".join(
                dict.fromkeys([words[i] for i in ids[word_start[row] : word_start[row + 1]]])
            )
            text = text[:1].upper() + text[1:]
            titles.append(f"{prefix[row]}: {text}" if row in prefix else text)
        return titles

    def write_abstracts(self, papers: Papers, length: int, rng: np.random.Generator) -> list[str]:
        """Write an abstract of about ``length`` words for each paper."""
        sizes = rng.integers(length // 2, length + length // 2, len(papers))
        ids = draw_words(self.parameters, papers, sizes, rng)
        text = np.split(np.array(self.parameters.words)[ids], np.cumsum(sizes)[:-1])
        return [" ".join(words).capitalize() + "." for words in text]

    def write_keywords(self, papers: Papers, rng: np.random.Generator) -> list[str]:
        """Write three pairs of words as JSON strings; "" for most papers."""
        sizes = np.where(rng.random(len(papers)) < self.parameters.missing["keywords"], 6, 0)
        ids = draw_words(self.parameters, papers, sizes, rng)
        words = [self.parameters.words[i] for i in ids]
        ends = np.cumsum(sizes).tolist()
        return [
            ",".join(f'"{words[i]} {words[i + 1]}"' for i in range(end - size, end, 2))
            for end, size in zip(ends, sizes.tolist(), strict=True)
        ]

    def list_years(self, papers: Papers, rng: np.random.Generator) -> list[int]:
        """List the year of each paper; 0 if missing."""
        known = rng.random(len(papers)) >= self.parameters.missing["year"]
        years: list[int] = ((papers.year + self.parameters.first_year) * known).tolist()
        return years

    def print_venues(self, papers: Papers, rng: np.random.Generator) -> list[str]:
        """Print the venue of each paper; "" if missing."""
        n = len(papers)
        # a group prefers a few venues of its subject
        favoured = to_uniform(hash_keys(papers.group, np.minimum(rng.geometric(0.5, n), 3), 32))
        draw = np.where(rng.random(n) < FAVOURED_VENUE_SHARE, favoured, rng.random(n))
        general = self.parameters.topic_venues.draw(papers.topic, draw).tolist()
        community = papers.group // GROUPS_PER_COMMUNITY
        local = hash_keys(community, np.minimum(rng.geometric(0.5, n), 5), 31)
        topic = self.world.topic[papers.group // GROUPS_PER_COMMUNITY * GROUPS_PER_COMMUNITY]
        pair = [
            self.parameters.topic_content.draw(topic, to_uniform(hash_keys(local, k)))
            for k in (1, 2)
        ]
        variant = self.world.variant[papers.group].tolist()
        is_local, dated = rng.random(n) < LOCAL_VENUE_SHARE, rng.random(n)
        missing = rng.random(n) < self.parameters.missing["venue"]
        columns = (
            general,
            variant,
            (local % np.uint64(len(_VENUE_KINDS))).tolist(),
            pair[0].tolist(),
            pair[1].tolist(),
            is_local.tolist(),
            dated.tolist(),
            missing.tolist(),
            (papers.year + self.parameters.first_year).tolist(),
        )
        return [self._format_venue(*row) for row in zip(*columns, strict=True)]

    def _format_venue(
        self,
        general: int,
        variant: int,
        kind: int,
        one: int,
        two: int,
        local: bool,
        dated: float,
        missing: bool,
        year: int,
    ) -> str:
        if missing:
            return ""
        words = self.parameters.words
        if local:
            name = f"{_VENUE_KINDS[kind]} {words[one].capitalize()} {words[two].capitalize()}"
        else:
            name = _build_venue(general, variant, self.parameters)
        if dated < 0.07:
            return f"{name} {year}"
        return f"Proceedings of {name}" if dated < 0.1 else name


def _apply_style(given: str, middle: str, family: str, style: int, dotted: bool) -> str:
    """Print a name in a style other than given name and family name."""
    if style & HYPHEN:
        given = given.replace("-", "") if "-" in given else given
        family = family.replace("-", " ")
    if style & INITIALS:
        given = "-".join(f"{part[:1]}." for part in given.split("-") if part)
        middle = middle and f"{middle[0]}."
        first = given + middle if dotted else f"{given} {middle}".rstrip()
    else:
        middle = f"{middle}." if len(middle) == 1 and dotted else middle
        first = f"{given} {middle}" if middle else given
    name = f"{family} {first}" if style & SWAPPED else f"{first} {family}"
    if style & PLAIN and not name.isascii():
        name = _transliterate(name)
    return _add_typo(name) if style & SLIP else name


def _add_typo(name: str) -> str:
    """Swap two neighbouring letters or drop one; the name determines which."""
    positions = [i for i in range(1, len(name) - 2) if name[i].isalpha() and name[i + 1].isalpha()]
    if not positions:
        return name
    position = positions[sum(map(ord, name)) % len(positions)]
    swapped = name[position + 1] + name[position] if len(name) % 2 else name[position]
    return name[:position] + swapped + name[position + 2 :]


@lru_cache(maxsize=50_000)
def _transliterate(name: str) -> str:
    return anyascii(name)


@lru_cache(maxsize=2_000)
def _compute_initial(letter: str) -> str:
    return anyascii(letter).lower()[:1]


@lru_cache(maxsize=50_000)
def _get_last_word(family: str) -> str:
    return re.sub(r"[^a-z]+", " ", anyascii(family).lower().replace("'", "")).split()[-1]


@lru_cache(maxsize=50_000)
def _compose_institution(number: int, family: NameHalves) -> str:
    draw = int(hash_keys(number, 41)[0])
    place = family.whole[draw % len(family.whole)].capitalize()
    return (
        f"University of {place}",
        f"{place} University",
        f"{place} Institute of Technology",
        f"{place} Research Laboratory",
    )[(draw >> 32) % 4]


@lru_cache(maxsize=50_000)
def _build_venue(number: int, variant: int, parameters: Parameters) -> str:
    """Return a measured venue, or its counterpart in an additional subject."""
    name = parameters.venues[number]
    if not variant:
        return name
    draw = hash_keys(number, variant, 34)
    topic = parameters.topic_share.draw(np.zeros(1), to_uniform(draw))
    word = parameters.topic_content.draw(topic, to_uniform(hash_keys(draw)))
    return f"{name} on {parameters.words[int(word[0])].capitalize()}"


def _coin_method_name(number: int, words: list[str]) -> str:
    """Coin the name of a method from the beginnings of two words."""
    first_word, second_word = words[number % len(words)], words[(number >> 20) % len(words)]
    return first_word[:3].capitalize() + second_word[:4].capitalize()
