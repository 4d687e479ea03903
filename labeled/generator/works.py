"""Draw papers of the generated world in chunks: authors, year, group, topic and words, as numbers.

A paper is started by one member of a group; co-authors come from the same group, or from one of
its few partner groups, if they are active in that year. Its words come from the group's subject,
from the words of the group and from those of the person who started it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from disambig.arrays import Bool, Int32, Int64, UInt64
from labeled.generator.parameters import Parameters, hash_keys, to_uniform
from labeled.generator.people import People, World, draw_people

GUEST_MEMBER, NO_MEMBER = -1, -2

GUEST_SHARE = 0.1
"""Share of co-authors with this paper only: most people in a corpus have one paper. Their number
grows with the corpus like that of other people."""
HEAD_SHARE = 0.88
"""Share of papers whose first co-author drawn is the head of the group."""
OUTSIDE_SHARE = 0.12
"""Share of other co-authors drawn from one of ``N_PARTNERS`` other groups."""
N_PARTNERS = 4
CORE_SHARE, CORE_SIZE = 0.8, 3
"""Share of co-authors drawn from the core members of a project, and their number."""
COHORT_SIZE, COHORT_SHARE = 8, 0.7
"""Members of a group at the same time (a cohort), and the share of co-authors drawn from it."""
PROJECT_WORDS, PERSON_WORDS, GROUP_WORDS = 0.52, 0.05, 0.04
"""Shares of title words of the project, of the person who starts it, and of the group."""
PROJECT_YEARS, N_PROJECTS = 4, 1
"""Duration of a project in years, and projects that a cohort and each member run at a time in a
corpus of the measured size; a larger corpus has more projects, not larger ones."""
SIDE_TOPIC_SHARE = 0.3
"""Share of projects on a topic near that of the group."""
SECOND_TOPIC_SHARE = 0.4
"""Share of words from the second topic of a group's subject."""
_N_OWN_WORDS = (7, 20, 40)  # words of a project, a person, a group
_MAX_ATTEMPTS = 10


@dataclass(frozen=True, eq=False)
class Papers:
    """A chunk of ``n`` works with ``s`` signatures.

    Attributes
    ----------
    year : int64[n]
        Years since the first year of the corpus.
    group, topic, second : int32[n]
    lead : int32[n]
        The person who started the work.
    project : uint64[n]
        Works of one project share words.
    authors : int64[n + 1]
        Signatures of work ``i`` are ``authors[i]`` to ``authors[i + 1]``.
    person, person_group : int64[s], int32[s]
        Person, and the group of the person. Guests are numbered after all people of the world, in
        order of appearance.
    people : People
        The person of each signature, s rows.
    words : int32[k]
        Title words.
    word_start : int64[n + 1]
    """

    year: Int64
    group: Int32
    topic: Int32
    second: Int32
    lead: Int32
    project: UInt64
    authors: Int64
    person: Int64
    person_group: Int32
    people: People
    words: Int32
    word_start: Int64

    def __len__(self) -> int:
        """Return the number of works."""
        return len(self.year)

    def take_first(self, works: int) -> Papers:
        """Return the first ``works`` of the chunk, or all of a smaller chunk."""
        if works >= len(self):
            return self
        signatures, words = int(self.authors[works]), int(self.word_start[works])
        return Papers(
            self.year[:works],
            self.group[:works],
            self.topic[:works],
            self.second[:works],
            self.lead[:works],
            self.project[:works],
            self.authors[: works + 1],
            self.person[:signatures],
            self.person_group[:signatures],
            self.people.take(np.arange(signatures)),
            self.words[:words],
            self.word_start[: works + 1],
        )


def draw_papers(
    world: World, parameters: Parameters, count: int, chunk: int, rng: np.random.Generator
) -> Papers:
    """Draw ``count`` papers of ``world``; ``chunk`` numbers the call, to keep guests distinct."""
    lead = np.searchsorted(world.lead, rng.random(count) * world.lead[-1], side="right") - 1
    lead = np.minimum(lead, len(world.person) - 1)
    first, last = world.first[lead].astype(np.int64), world.last[lead].astype(np.int64)
    year = first + (rng.random(count) * (last - first + 1)).astype(np.int64)
    group = _find_groups(world, lead)
    project, topic = _draw_projects(world, parameters, lead, group, year, rng)
    members = _order_authors(_draw_members(world, parameters, lead, project, year, rng), rng)
    size = (members != NO_MEMBER).sum(axis=1)
    memberships = members[members != NO_MEMBER]
    person, person_group, people = _find_people(
        world, parameters, memberships, np.repeat(group, size), chunk, rng
    )
    length = parameters.title_length.draw(np.zeros(count), rng.random(count)).astype(np.int64)
    papers = Papers(
        year,
        group,
        topic,
        world.second[group],
        world.person[lead],
        project,
        np.concatenate([[0], np.cumsum(size)]),
        person,
        person_group,
        people,
        np.empty(0, np.int32),
        np.concatenate([[0], np.cumsum(length)]),
    )
    return replace(papers, words=draw_words(parameters, papers, length, rng))


def _find_groups(world: World, membership: npt.NDArray[Any]) -> Int32:
    return (np.searchsorted(world.start, membership, side="right") - 1).astype(np.int32)


def _find_people(
    world: World,
    parameters: Parameters,
    membership: Int64,
    group: Int32,
    chunk: int,
    rng: np.random.Generator,
) -> tuple[Int64, Int32, People]:
    """Return person, group and name of each membership; guests are new people."""
    guest = np.flatnonzero(membership == GUEST_MEMBER)
    regular = np.where(membership == GUEST_MEMBER, 0, membership)
    person_group = np.where(membership == GUEST_MEMBER, group, _find_groups(world, regular)).astype(
        np.int32
    )
    person = world.person[regular].astype(np.int64)
    person[guest] = len(world.people.family) + (chunk << 32) + guest
    people = world.people.take(world.person[regular])
    guests = draw_people(parameters, world.institution[group[guest]], rng)
    row = np.arange(len(membership))
    row[guest] = len(membership) + np.arange(len(guest))
    return person, person_group, people.concatenate(guests).take(row)


def _draw_projects(
    world: World,
    parameters: Parameters,
    lead: Int64,
    group: Int32,
    year: Int64,
    rng: np.random.Generator,
) -> tuple[UInt64, Int32]:
    """Draw the project of each paper, and its topic."""
    is_personal = rng.random(len(group)) < 0.35
    cohort = (lead - world.start[group]) // COHORT_SIZE
    owner = np.where(is_personal, hash_keys(world.person[lead], 12), hash_keys(group, cohort, 13))
    phase = (owner % np.uint64(PROJECT_YEARS)).astype(np.int64)
    number = (N_PROJECTS * world.output * rng.random(len(group))).astype(np.int64)
    project = hash_keys(owner, (year + phase) // PROJECT_YEARS, number)
    near_topic = parameters.near_topics[
        world.topic[group], (project >> np.uint64(7)) % np.uint64(parameters.near_topics.shape[1])
    ]
    is_side_topic = to_uniform(hash_keys(project, 8)) < SIDE_TOPIC_SHARE
    return project, np.where(is_side_topic, near_topic, world.topic[group]).astype(np.int32)


def _draw_members(
    world: World,
    parameters: Parameters,
    lead: Int64,
    project: UInt64,
    year: Int64,
    rng: np.random.Generator,
) -> Int64:
    """Draw the memberships of each paper, int64[n, largest]; GUEST_MEMBER, NO_MEMBER for none."""
    n = len(lead)
    group = _find_groups(world, lead)
    size = parameters.team.draw(np.zeros(n), rng.random(n)).astype(np.int64)
    members = np.full((n, int(size.max())), NO_MEMBER, dtype=np.int64)
    persons = np.full(members.shape, -1, dtype=np.int32)
    members[:, 0], persons[:, 0] = lead, world.person[lead]
    for slot in range(1, members.shape[1]):
        rows = np.flatnonzero(size > slot)
        members[rows, slot] = GUEST_MEMBER
        rows = rows[rng.random(len(rows)) >= GUEST_SHARE / world.output * (slot > 1)]
        is_head = rng.random(len(rows)) < (HEAD_SHARE if slot == 1 else 0)
        is_outside = (rng.random(len(rows)) < OUTSIDE_SHARE) & ~is_head
        for attempt in range(_MAX_ATTEMPTS):
            if not len(rows):
                break
            # a group without another active member that year draws from its partners
            source_group = _draw_partner(
                group[rows], is_outside | (attempt > 7), len(world.topic), rng
            )
            from_core = rng.random(len(rows)) < (CORE_SHARE if attempt < 4 else 0)
            core_draw = hash_keys(project[rows], rng.integers(0, CORE_SIZE, len(rows)), 9)
            new_draw = rng.integers(0, 1 << 63, len(rows), dtype=np.uint64) << np.uint64(1)
            draw = np.where(from_core, core_draw, new_draw)
            candidate = _draw_member(
                world,
                source_group,
                lead[rows],
                source_group == group[rows],
                draw,
                equal_weights=attempt > 2,
            )
            if attempt == 0:
                candidate = np.where(is_head, world.head[source_group], candidate)
            is_valid = (world.first[candidate] <= year[rows]) & (
                year[rows] <= world.last[candidate]
            )
            is_valid &= ~(persons[rows, :slot] == world.person[candidate][:, None]).any(axis=1)
            members[rows[is_valid], slot] = candidate[is_valid]
            persons[rows[is_valid], slot] = world.person[candidate[is_valid]]
            rows, is_outside, is_head = rows[~is_valid], is_outside[~is_valid], is_head[~is_valid]
    return members


def _draw_partner(group: Int32, is_outside: Bool, groups: int, rng: np.random.Generator) -> Int32:
    """Draw one of the group's permanent partners if ``is_outside``, else the group itself."""
    partner_index = rng.integers(0, N_PARTNERS, len(group))
    draw = hash_keys(group, partner_index, 5)
    distance = 1 + (draw % np.uint64(12)).astype(np.int64)
    step = np.where(draw >> np.uint64(63), distance, -distance)
    return np.where(is_outside, np.clip(group + step, 0, groups - 1), group).astype(np.int32)


def _draw_member(
    world: World,
    group: Int32,
    lead: Int64,
    is_own_group: Bool,
    draw: UInt64,
    *,
    equal_weights: bool,
) -> Int64:
    """Draw a member of each group from ``draw``; in the own group often from the lead's cohort.

    Members are drawn by weight, or uniformly if ``equal_weights``.
    """
    low, high = world.start[group], world.start[group + 1]
    in_cohort = is_own_group & (to_uniform(hash_keys(draw, 10)) < COHORT_SHARE)
    low = np.where(in_cohort, low + (lead - low) // COHORT_SIZE * COHORT_SIZE, low)
    high = np.where(in_cohort, np.minimum(high, low + COHORT_SIZE), high)
    uniform = to_uniform(draw)
    if equal_weights:
        return low + (uniform * (high - low)).astype(np.int64)
    weight = world.join[low] + uniform * (world.join[high] - world.join[low])
    return np.clip(np.searchsorted(world.join, weight, "right") - 1, low, high - 1)


def _order_authors(members: Int64, rng: np.random.Generator) -> Int64:
    """Order authors: the lead is often first, the others are in random order."""
    key = rng.random(members.shape)
    key[:, 0] *= 0.3
    key[members == NO_MEMBER] = 2
    return np.take_along_axis(members, np.argsort(key, axis=1, kind="stable"), axis=1)


def draw_words(
    parameters: Parameters, papers: Papers, length: Int64, rng: np.random.Generator
) -> Int32:
    """Draw the words of a text of ``length`` words for each paper, concatenated."""
    paper_row = np.repeat(np.arange(len(papers)), length)
    # an additional subject has words of two topics
    uses_second = rng.random(len(paper_row)) < SECOND_TOPIC_SHARE
    topic = np.where(uses_second, papers.second[paper_row], papers.topic[paper_row])
    source = rng.random(len(paper_row))
    words = parameters.topic_words.draw(topic, rng.random(len(paper_row)))
    # a project, person or group reuses the words that a hash of it draws
    high = 0.0
    owners: tuple[npt.NDArray[Any], ...] = (papers.project, papers.lead, papers.group)
    shares = (PROJECT_WORDS, PERSON_WORDS, GROUP_WORDS)
    for owner, n_words, share in zip(owners, _N_OWN_WORDS, shares, strict=True):
        low, high = high, high + share
        word_row = np.flatnonzero((source >= low) & (source < high))
        rank = (n_words * rng.random(len(word_row)) ** 2).astype(np.int64)
        draw = to_uniform(hash_keys(owner[paper_row[word_row]], rank, n_words))
        words[word_row] = parameters.topic_content.draw(topic[word_row], draw)
    return words
