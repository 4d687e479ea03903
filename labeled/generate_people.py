"""The world behind a generated corpus: research groups, people, and who was where when.

People are drawn into groups; each has a productivity (heavy tail), a career, a name of the naming
culture of the group's institution, and habits of printing it. Some move to another group of the
same subject. The number of groups and people grows with the corpus and the size of a group does
not, so the neighbourhood of a person looks the same in a corpus of any size, while the people
behind a common name grow linearly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labeled.generate_parameters import Floats, Ints, Parameters, Tables, mixed, uniform_of

Int32 = npt.NDArray[np.int32]
Int16 = npt.NDArray[np.int16]
UInt8 = npt.NDArray[np.uint8]
UInt16 = npt.NDArray[np.uint16]

PEOPLE_PER_SIGNATURE = 0.55
"""People in the tables; some of low productivity never come to print."""
GROUP_SIZE = 16.0
"""Mean number of people who ever belong to a group."""
PRODUCTIVITY = (-0.35, 1.35)
"""Mean and deviation of the logarithm of a person's expected works."""
COMPOSED = 0xFFFF
NO_MIDDLE, MIDDLE_INITIAL, MIDDLE_FULL = 0, 1, 2
# span of a career in years by expected number of works: measured quartiles
_WORKS = np.array([0.5, 1, 2, 3, 5, 8, 15, 35, 100])
_SPAN = np.array([1.5, 2, 2.5, 3.5, 5, 7, 10.5, 14, 18])


@dataclass(frozen=True, eq=False)
class People:
    """A row for each person, 12 bytes.

    Attributes
    ----------
    family, family_end, given, given_end : uint16[n]
        Listed name, or first half of one; the second half's name, or ``COMPOSED`` for none.
    middle : uint16[n]
        Given name that is the middle name; meaningless without one.
    middle_habit, form_habit : uint8[n]
        Kind of middle name; random byte that decides how the person prints the name.
    """

    family: UInt16
    family_end: UInt16
    given: UInt16
    given_end: UInt16
    middle: UInt16
    middle_habit: UInt8
    form_habit: UInt8


@dataclass(frozen=True, eq=False)
class World:
    """Groups, people and memberships.

    Attributes
    ----------
    topic, institution, unit : int32[g]
        Subject, institution (numbers past the measured ones are composed names), department.
    start : int64[g + 1]
        Memberships of group ``i`` are ``start[i]`` to ``start[i + 1]``.
    person : int32[m]
    first, last : int16[m]
        Years of a membership, counted from the first year of the corpus.
    lead, join : float64[m]
        Cumulative weight with which a member starts a paper, and joins one.
    """

    topic: Int32
    institution: Int32
    unit: Int32
    start: Ints
    person: Int32
    first: Int16
    last: Int16
    lead: Floats
    join: Floats
    people: People


def build_world(parameters: Parameters, signatures: int, seed: int) -> World:
    """The world for a corpus of about ``signatures`` author mentions."""
    rng = np.random.default_rng([seed, signatures, 1])
    topic, institution, unit = _groups(parameters, signatures, rng)
    count = len(topic)
    size = 1 + rng.geometric(1 / (GROUP_SIZE - 1), count)
    home = np.repeat(np.arange(count, dtype=np.int32), size)
    n = len(home)
    expected = np.exp(rng.normal(*PRODUCTIVITY, n))
    first, last, born = _careers(parameters, home, expected, count, rng)
    people = _people(parameters, institution[home], rng)
    person = np.arange(n, dtype=np.int32)
    moved, away, leave = _moves(home, first, last, topic, born, rng)
    group = np.concatenate([home, away])
    begin = np.concatenate([first, leave])
    end = np.concatenate([last, last[moved]])
    end[moved] = leave - 1
    who = np.concatenate([person, person[moved]])
    order = np.argsort(group, kind="stable")
    rate = (expected / (last - first + 1))[who]
    begin, end, who, rate = begin[order], end[order], who[order], rate[order]
    return World(
        topic, institution, unit,
        np.concatenate([[0], np.cumsum(np.bincount(group, minlength=count))]),
        who, begin, end,
        _cumulative(rate * (end - begin + 1)),
        _cumulative(rate),
        people,
    )  # fmt: skip


def _cumulative(weights: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(weights)])


def _groups(
    parameters: Parameters, signatures: int, rng: np.random.Generator
) -> tuple[Int32, Int32, Int32]:
    count = max(8, round(signatures * PEOPLE_PER_SIGNATURE / GROUP_SIZE))
    zero = np.zeros(count, dtype=np.int64)
    topic = np.sort(parameters.topic_share.draw(zero, rng.random(count)))
    measured = len(parameters.institutions)
    institution = parameters.institution_share.draw(zero, rng.random(count))
    # less known institutions, more of them in a larger corpus
    tail = rng.random(count) < 0.35
    kinds = max(20, int(count**0.75))
    lesser = measured + (kinds * rng.random(count) ** 2).astype(np.int32)
    unit = (len(parameters.units) * rng.random(count) ** 2).astype(np.int32)
    return topic, np.where(tail, lesser, institution).astype(np.int32), unit


def _careers(
    parameters: Parameters, home: Int32, expected: Floats, count: int, rng: np.random.Generator
) -> tuple[Int16, Int16, Int16]:
    """First and last year of each person, and the year each group begins."""
    years = len(parameters.year_share)
    share = np.concatenate([[0.0], np.cumsum(parameters.year_share)])
    # a group begins some time before most of its papers
    born = np.interp(rng.random(count), share, np.arange(years + 1)) - rng.gamma(2, 3, count)
    dies = born + 4 + rng.gamma(2.5, 6, count)
    low = np.interp(born, np.arange(years + 1), share)
    high = np.maximum(np.interp(dies, np.arange(years + 1), share), low + 1e-6)
    middle = np.interp(
        low[home] + (high - low)[home] * rng.random(len(home)), share, np.arange(years + 1)
    )
    span = np.interp(np.log(expected), np.log(_WORKS), _SPAN) * np.exp(
        rng.normal(0, 0.45, len(home))
    )
    first = np.clip(middle - span / 2, 0, years - 1).astype(np.int16)
    last = np.clip(middle + span / 2, first, years - 1).astype(np.int16)
    return first, last, born.astype(np.int16)


def _moves(
    home: Int32, first: Int16, last: Int16, topic: Int32, born: Int16, rng: np.random.Generator
) -> tuple[Ints, Int32, Int16]:
    """People who change groups, where to, and their first year there."""
    span = last - first
    moved = np.flatnonzero((span >= 2) & (rng.random(len(home)) < np.clip(span / 16, 0, 0.6)))
    leave = (first[moved] + 1 + rng.random(len(moved)) * span[moved]).astype(np.int16)
    leave = np.minimum(leave, last[moved])
    away = home[moved]
    undecided = np.ones(len(moved), dtype=bool)
    for _ in range(6):
        step = (rng.geometric(0.03, len(moved)) * rng.choice([-1, 1], len(moved))).astype(np.int32)
        there = np.clip(home[moved] + step, 0, len(topic) - 1)
        # groups lie in the order of their topic; a new group exists already
        fits = undecided & (np.abs(born[there] + 6 - leave) < 12) & (there != home[moved])
        away = np.where(fits, there, away).astype(np.int32)
        undecided &= ~fits
    kept = ~undecided
    return moved[kept], away[kept], leave[kept]


def _people(parameters: Parameters, institution: Int32, rng: np.random.Generator) -> People:
    n = len(institution)
    measured = len(parameters.institutions)
    # an institution past the measured ones has the people of a measured one
    like = np.where(
        institution < measured,
        institution,
        parameters.institution_share.draw(np.zeros(n), uniform_of(mixed(institution, 11))),
    )
    culture = parameters.institution_culture.draw(like, rng.random(n))
    family, family_end = _parts(parameters.family.common, parameters.family.wide,
                                parameters.family.rare, culture, rng)  # fmt: skip
    given, given_end = _parts(parameters.given.common, parameters.given.wide,
                              parameters.given.rare, culture, rng)  # fmt: skip
    middle = parameters.given.common.draw(culture, rng.random(n)).astype(np.uint16)
    habit = np.where(rng.random(n) < parameters.middle[culture] * 1.2, MIDDLE_INITIAL, NO_MIDDLE)
    habit[(habit == MIDDLE_INITIAL) & (rng.random(n) < 0.2)] = MIDDLE_FULL
    form = rng.integers(0, 256, n, dtype=np.uint8)
    return People(family, family_end, given, given_end, middle, habit.astype(np.uint8), form)


def _parts(
    common: Tables, wide: Tables, rare: Floats, culture: Int32, rng: np.random.Generator
) -> tuple[UInt16, UInt16]:
    """A listed name of each culture, or for a rare one the two names it is composed of."""
    n = len(culture)
    start = common.draw(culture, rng.random(n)).astype(np.uint16)
    end = np.full(n, COMPOSED, dtype=np.uint16)
    composed = np.flatnonzero(rng.random(n) < rare[culture])
    start[composed] = wide.draw(culture[composed], rng.random(len(composed)))
    end[composed] = wide.draw(culture[composed], rng.random(len(composed)))
    return start, end
