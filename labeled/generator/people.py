"""The simulated world of a generated corpus: research groups, people and memberships in time.

People are drawn into groups; each has a productivity (heavy tail), a career, a name from the naming
culture of the group's institution, and habits of printing it. Some move to another group of the
same subject. A corpus larger than the measured ones has more groups and people, but less than
proportionally: it also holds more works of each, as years and venues are added. Group sizes do not
change, so the co-author neighbourhood of a person is similar in a corpus of any size, while more
people share a name.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from disambig.arrays import Bool, Float64, Int16, Int32, Int64, UInt8, UInt16
from labeled.generator.parameters import Parameters, SamplingTables, hash_keys, to_uniform

PEOPLE_PER_SIGNATURE = 0.3
"""People in the tables: those who may publish more than once."""
GROUP_SIZE = (2.8, 0.7)
"""Mean and deviation of the logarithm of the number of people who ever belong to a group."""
LARGE_GROUP_SHARE, LARGE_GROUP_TAIL, LARGE_GROUP_FACTORS = 0.05, 0.9, (3.0, 80.0)
"""Share of large groups, and Pareto exponent and range of the factor on their number of people.

Their heads are on most of their papers: the people with hundreds and thousands of papers that dblp
and INSPIRE have.
"""
LARGE_GROUP_YEARS = 2.0
"""Factor on the years that a large group exists."""
LARGEST_GROUP_SHARE = 0.01
"""Largest share of all people that may belong to one large group of average members."""
PRODUCTIVITY = (-0.1, 1.45)
"""Mean and deviation of the logarithm of a person's expected works."""
HEAD_FACTOR = 3.0
"""Factor of the expected works of a group's head, its most productive person."""
HEAD_LEAD_FACTOR = 0.3
"""Papers that a head starts, relative to a member of equal productivity."""
HEAD_MOVE_FACTOR = 0.3
"""Probability that a head moves, relative to a member of equal career."""
MEASURED_SIGNATURES = 368_238
"""Signatures of the corpus on which most parameters were measured."""
OUTPUT_GROWTH = 0.4
"""Exponent with which the expected works of a person grow with signatures beyond that.

More of the people publish at all then, and their number grows with an exponent of 0.79: 2.5
signatures a person in a corpus of the measured size, 3.1 in one of a million, 4.2 in one of four
million. The measured corpus has 136,859 printed names, 2.7 signatures a name. dblp had 1,425,813
authors in 2014 and 8,649,016 links to records (KONECT, "dblp-author"), of which one per author
leads to the author's home page: 5.1 signatures an author, an exponent of 0.79. In March 2020 it had
almost 2.5 million authors (dblp blog, "Name disambiguation suffixes in dblp", 2020) and 5 million
works, of about three authors each: 6 signatures an author, an exponent of 0.78. Within the measured
corpus, taken in the order of years, names grow from 5,753 signatures on with the exponent 0.88, in
the ACL Anthology from 2,271 on with 0.76.
"""
SUBJECT_GROWTH = 0.75
"""Exponent with which subjects, and with them venues, grow with signatures beyond that.

Two works of a corpus of that size, 91,000 works, are in one venue with probability 0.024. Of
4,168 works of dblp and 3,901 of ArnetMiner, chosen by the names of their authors from the
computer science of up to 2010, two are so with 0.0028 and 0.0026. dblp had 2.5 million works six
years before its 5 millionth in March 2020 (Dagstuhl, "dblp computer science bibliography
surpasses 5 million publications", 2020) and, at that pace, 1.6 million in 2010: nine times as
many venues for eighteen times the works, an exponent of 0.76.
"""
NOT_COMPOSED = 0xFFFF
NO_MIDDLE, MIDDLE_INITIAL, MIDDLE_FULL = 0, 1, 2
# span of a career in years by expected number of works: measured quartiles
_WORKS = np.array([0.5, 1, 2, 3, 5, 8, 15, 35, 100])
_SPAN = np.array([2.2, 3, 4, 5.5, 7.5, 9.5, 12.5, 16, 20])
_SPAN_SPREAD = 0.6


@dataclass(frozen=True, eq=False)
class People:
    """Table of people, 12 bytes a row.

    Attributes
    ----------
    family, family_end, given, given_end : uint16[n]
        Listed name, or the name of the first half; name of the second half, or
        ``NOT_COMPOSED``.
    middle : uint16[n]
        Given name used as the middle name; undefined without a middle name.
    middle_habit, form_habit : uint8[n]
        Kind of middle name; random byte that determines how the person prints the name.
    """

    family: UInt16
    family_end: UInt16
    given: UInt16
    given_end: UInt16
    middle: UInt16
    middle_habit: UInt8
    form_habit: UInt8

    def take(self, rows: npt.NDArray[Any]) -> People:
        """Return the people of ``rows``."""
        return People(*(getattr(self, field.name)[rows] for field in fields(self)))

    def concatenate(self, others: People) -> People:
        """Return these people followed by ``others``."""
        pairs = ((getattr(self, f.name), getattr(others, f.name)) for f in fields(self))
        return People(*map(np.concatenate, pairs))


@dataclass(frozen=True, eq=False)
class World:
    """Groups, people and memberships.

    Attributes
    ----------
    topic, second, variant, institution, unit : int32[g]
        Measured topics of the subject (mostly the first), number of the subject among those of
        the first topic (0 for the measured one), institution (numbers beyond the measured ones
        are composed names), department.
    start : int64[g + 1]
        Memberships of group ``i`` are ``start[i]`` to ``start[i + 1]``.
    person : int32[m]
    first, last : int16[m]
        Years of a membership, counted from the first year of the corpus.
    lead, join : float64[m + 1]
        Cumulative weight with which a member starts a paper, and joins one. Members of a group
        are in order of time.
    head : int64[g]
        Membership of the most productive person of each group.
    output : float
        Works of a person, relative to a corpus of the measured size.
    """

    topic: Int32
    second: Int32
    variant: Int32
    institution: Int32
    unit: Int32
    start: Int64
    person: Int32
    first: Int16
    last: Int16
    lead: Float64
    join: Float64
    head: Int64
    people: People
    output: float


def build_world(parameters: Parameters, signatures: int, seed: int) -> World:
    """Build the world for a corpus of about ``signatures`` author mentions."""
    rng = np.random.default_rng([seed, signatures, 1])
    size_ratio = max(1.0, signatures / MEASURED_SIGNATURES)
    output = size_ratio**OUTPUT_GROWTH
    people_in_groups = signatures * PEOPLE_PER_SIGNATURE / output
    topic, second, variant, institution, unit, size, is_large = _draw_groups(
        parameters, people_in_groups, size_ratio**SUBJECT_GROWTH, rng
    )
    count = len(topic)
    home_group = np.repeat(np.arange(count, dtype=np.int32), size)
    n = len(home_group)
    expected = output * np.exp(rng.normal(*PRODUCTIVITY, n))
    heads = _find_largest(home_group, expected)
    expected[heads] *= HEAD_FACTOR
    careers = _draw_careers(parameters, home_group, expected, heads, is_large, rng)
    first, last, group_start = careers
    people = draw_people(parameters, institution[home_group], rng)
    movers, new_group, move_year = _draw_moves(
        home_group, heads, first, last, topic, group_start, rng
    )
    person = np.concatenate([np.arange(n, dtype=np.int32), movers.astype(np.int32)])
    group = np.concatenate([home_group, new_group])
    begin = np.concatenate([first, move_year])
    end = np.concatenate([last, last[movers]])
    end[movers] = move_year - 1
    order = np.lexsort((begin.astype(np.int32) + end, group))
    person, begin, end, group = person[order], begin[order], end[order], group[order]
    rate = (expected / (last - first + 1))[person]
    head = _find_largest(group, expected[person])
    starts = rate * (end - begin + 1)
    starts[head] *= HEAD_LEAD_FACTOR
    start = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=count))])
    return World(
        topic,
        second,
        variant,
        institution,
        unit,
        start,
        person,
        begin,
        end,
        _accumulate(starts),
        _accumulate(rate),
        head,
        people,
        output,
    )


def _find_largest(group: Int32, value: Float64) -> Int64:
    """Find the row of the largest value of each group; groups are numbered without gaps."""
    order = np.lexsort((-value, group))
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    rows: Int64 = order[first]
    return rows


def _accumulate(weights: Float64) -> Float64:
    return np.concatenate([[0.0], np.cumsum(weights)])


def _draw_groups(
    parameters: Parameters, people: float, variants: float, rng: np.random.Generator
) -> tuple[Int32, Int32, Int32, Int32, Int32, Int64, Bool]:
    """Draw topic, second topic, variant, institution, department and size of each group.

    Groups are in topic order. The last array is whether a group is large.
    """
    usual_size = np.exp(GROUP_SIZE[0] + GROUP_SIZE[1] ** 2 / 2)
    low, high = LARGE_GROUP_FACTORS
    high = max(low, min(high, LARGEST_GROUP_SHARE * people / usual_size))
    count = max(8, round(people / usual_size / _compute_mean_factor(low, high)))
    factor = _draw_size_factors(count, low, high, rng)
    size = np.maximum((np.exp(rng.normal(*GROUP_SIZE, count)) * factor).round(), 1).astype(np.int64)
    zero = np.zeros(count, dtype=np.int64)
    topic, second, variant = _draw_subjects(parameters, count, variants, rng)
    n_measured = len(parameters.institutions)
    institution = parameters.institution_share.draw(zero, rng.random(count))
    # lesser-known institutions, more of them in a larger corpus
    is_lesser = rng.random(count) < 0.35
    n_lesser = max(20, int(count**0.75))
    lesser = n_measured + (n_lesser * rng.random(count) ** 2).astype(np.int32)
    unit = (len(parameters.units) * rng.random(count) ** 2).astype(np.int32)
    chosen_institution = np.where(is_lesser, lesser, institution).astype(np.int32)
    return topic, second, variant, chosen_institution, unit, size, factor > 1


def _draw_size_factors(count: int, low: float, high: float, rng: np.random.Generator) -> Float64:
    """Draw the factor on the size of each group: 1, or from a truncated Pareto distribution."""
    below = 1 - (low / high) ** LARGE_GROUP_TAIL
    factor = low * (1 - rng.random(count) * below) ** (-1 / LARGE_GROUP_TAIL)
    return np.where(rng.random(count) < LARGE_GROUP_SHARE, factor, 1.0)


def _compute_mean_factor(low: float, high: float) -> float:
    """Compute the mean of :func:`_draw_size_factors`."""
    if low == high:
        return 1 + LARGE_GROUP_SHARE * (low - 1)
    tail, ratio = LARGE_GROUP_TAIL, low / high
    mean = tail / (tail - 1) * low * (1 - ratio ** (tail - 1)) / (1 - ratio**tail)
    return float(1 + LARGE_GROUP_SHARE * (mean - 1))


def _draw_subjects(
    parameters: Parameters, count: int, variants: float, rng: np.random.Generator
) -> tuple[Int32, Int32, Int32]:
    """Draw two measured topics and a variant for each group; groups are sorted by subject.

    In a corpus no larger than the measured ones a subject is a measured topic. A larger corpus
    has more subjects: pairs of topics.
    """
    topic = np.sort(parameters.topic_share.draw(np.zeros(count), rng.random(count)))
    variant = (variants * rng.random(count)).astype(np.int64)
    variant = variant[np.lexsort((variant, topic))]
    other = parameters.topic_share.draw(np.zeros(count), to_uniform(hash_keys(topic, variant, 14)))
    second = np.where(variant > 0, other, topic).astype(np.int32)
    return topic, second, variant.astype(np.int32)


def _draw_careers(
    parameters: Parameters,
    home_group: Int32,
    expected: Float64,
    head: Int64,
    is_large: Bool,
    rng: np.random.Generator,
) -> tuple[Int16, Int16, Int16]:
    """Draw the first and last year of each person, and the first year of each group."""
    years, count = len(parameters.year_share), len(head)
    share = np.concatenate([[0.0], np.cumsum(parameters.year_share)])
    # a group starts some time before most of its papers
    group_start = np.interp(rng.random(count), share, np.arange(years + 1)) - rng.gamma(
        2, 2.5, count
    )
    duration = 4 + rng.gamma(2, 5, count)
    group_end = group_start + np.where(is_large, LARGE_GROUP_YEARS, 1) * duration
    low = np.interp(group_start, np.arange(years + 1), share)
    high = np.maximum(np.interp(group_end, np.arange(years + 1), share), low + 1e-6)
    middle = np.interp(
        low[home_group] + (high - low)[home_group] * rng.random(len(home_group)),
        share,
        np.arange(years + 1),
    )
    span = np.interp(np.log(expected), np.log(_WORKS), _SPAN) * np.exp(
        rng.normal(0, _SPAN_SPREAD, len(home_group))
    )
    # the head stays as long as the group exists
    span[head] = np.maximum(span[head], 0.8 * (group_end - group_start))
    middle[head] = (group_start + group_end) / 2
    first = np.clip(middle - span / 2, 0, years - 1).astype(np.int16)
    last = np.clip(middle + span / 2, first, years - 1).astype(np.int16)
    return first, last, group_start.astype(np.int16)


def _draw_moves(
    home_group: Int32,
    head: Int64,
    first: Int16,
    last: Int16,
    topic: Int32,
    group_start: Int16,
    rng: np.random.Generator,
) -> tuple[Int64, Int32, Int16]:
    """Draw the people who change groups, their new group, and their first year there."""
    span = last - first
    chance = np.where(span >= 2, np.clip(span / 16, 0, 0.6), 0)
    chance[head] *= HEAD_MOVE_FACTOR
    movers = np.flatnonzero(rng.random(len(home_group)) < chance)
    move_year = (first[movers] + 1 + rng.random(len(movers)) * span[movers]).astype(np.int16)
    move_year = np.minimum(move_year, last[movers])
    new_group = home_group[movers]
    is_pending = np.ones(len(movers), dtype=bool)
    for _ in range(6):
        step = (rng.geometric(0.03, len(movers)) * rng.choice([-1, 1], len(movers))).astype(
            np.int32
        )
        candidate = np.clip(home_group[movers] + step, 0, len(topic) - 1)
        # groups are in topic order; the new group must exist by then
        fits = (
            is_pending
            & (np.abs(group_start[candidate] + 6 - move_year) < 12)
            & (candidate != home_group[movers])
        )
        new_group = np.where(fits, candidate, new_group).astype(np.int32)
        is_pending &= ~fits
    has_moved = ~is_pending
    return movers[has_moved], new_group[has_moved], move_year[has_moved]


def draw_people(parameters: Parameters, institution: Int32, rng: np.random.Generator) -> People:
    """Draw a new person at each institution, int32[n]."""
    n = len(institution)
    n_measured = len(parameters.institutions)
    # an institution beyond the measured ones has the cultures of a measured one
    source = np.where(
        institution < n_measured,
        institution,
        parameters.institution_share.draw(np.zeros(n), to_uniform(hash_keys(institution, 11))),
    )
    culture = parameters.institution_culture.draw(source, rng.random(n))
    family, family_end = _draw_parts(
        parameters.family.common, parameters.family.wide, parameters.family.rare, culture, rng
    )
    given, given_end = _draw_parts(
        parameters.given.common, parameters.given.wide, parameters.given.rare, culture, rng
    )
    middle = parameters.given.common.draw(culture, rng.random(n)).astype(np.uint16)
    habit = np.where(rng.random(n) < parameters.middle[culture] * 1.2, MIDDLE_INITIAL, NO_MIDDLE)
    habit[(habit == MIDDLE_INITIAL) & (rng.random(n) < 0.2)] = MIDDLE_FULL
    form = rng.integers(0, 256, n, dtype=np.uint8)
    return People(family, family_end, given, given_end, middle, habit.astype(np.uint8), form)


def _draw_parts(
    common: SamplingTables,
    wide: SamplingTables,
    rare: Float64,
    culture: Int32,
    rng: np.random.Generator,
) -> tuple[UInt16, UInt16]:
    """Draw a listed name of each culture, or the two names of a composed rare name."""
    n = len(culture)
    start = common.draw(culture, rng.random(n)).astype(np.uint16)
    end = np.full(n, NOT_COMPOSED, dtype=np.uint16)
    rare_rows = np.flatnonzero(rng.random(n) < rare[culture])
    start[rare_rows] = wide.draw(culture[rare_rows], rng.random(len(rare_rows)))
    end[rare_rows] = wide.draw(culture[rare_rows], rng.random(len(rare_rows)))
    return start, end
