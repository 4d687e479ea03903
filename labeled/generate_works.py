"""Papers of the generated world, a chunk at a time: who, when, where and about what, as numbers.

A paper is started by one member of a group; co-authors join from the same group, or from one of
a few groups it works with, if they are active in that year. Its words come from the group's
subject, from the words of the group and from those of the person who started it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labeled.generate_parameters import Ints, Parameters, mixed, uniform_of
from labeled.generate_people import Int32, World

OUTSIDE = 0.2
"""Share of co-authors sought in another group."""
PARTNERS = 4
PERSON_WORDS, GROUP_WORDS, NEAR_WORDS = 0.18, 0.2, 0.06
"""Shares of title words from the person, from the group, and from a neighbouring subject."""
LOCAL_VENUES = 0.25
"""Share of papers in a venue of one community instead of one of the whole subject."""
GROUPS_PER_COMMUNITY = 60
_TRIES = 8


@dataclass(frozen=True, eq=False)
class Papers:
    """A chunk of ``n`` works with ``s`` signatures.

    Attributes
    ----------
    year : int64[n]
        From the first year of the corpus.
    group, topic : int32[n]
    lead : int32[n]
        The person who started the work.
    authors : int64[n + 1]
        Signatures of work ``i`` are ``authors[i]`` to ``authors[i + 1]``.
    person, person_group : int32[s]
        Who, and the group the person belonged to.
    words : int32[k]
        Title words.
    word_start : int64[n + 1]
    """

    year: Ints
    group: Int32
    topic: Int32
    lead: Int32
    authors: Ints
    person: Int32
    person_group: Int32
    words: Int32
    word_start: Ints

    def __len__(self) -> int:
        return len(self.year)

    def first(self, works: int) -> Papers:
        """Only the first ``works`` of the chunk, or all if it has no more."""
        if works >= len(self):
            return self
        signatures, words = int(self.authors[works]), int(self.word_start[works])
        return Papers(
            self.year[:works], self.group[:works], self.topic[:works], self.lead[:works],
            self.authors[: works + 1], self.person[:signatures], self.person_group[:signatures],
            self.words[:words], self.word_start[: works + 1],
        )  # fmt: skip


def draw_papers(
    world: World, parameters: Parameters, count: int, rng: np.random.Generator
) -> Papers:
    """``count`` papers of ``world``."""
    lead = np.searchsorted(world.lead, rng.random(count) * world.lead[-1], side="right") - 1
    lead = np.minimum(lead, len(world.person) - 1)
    first, last = world.first[lead].astype(np.int64), world.last[lead].astype(np.int64)
    year = first + (rng.random(count) * (last - first + 1)).astype(np.int64)
    group = _group_of(world, lead)
    team = _teams(world, parameters, lead, group, year, rng)
    member = team >= 0
    of_team = team[member]
    size = member.sum(axis=1)
    topic = world.topic[group]
    length = parameters.title_length.draw(np.zeros(count), rng.random(count)).astype(np.int64)
    return Papers(
        year,
        group,
        topic,
        world.person[lead],
        np.concatenate([[0], np.cumsum(size)]),
        world.person[of_team],
        _group_of(world, of_team),
        draw_words(world, parameters, group, world.person[lead], length, rng),
        np.concatenate([[0], np.cumsum(length)]),
    )


def _group_of(world: World, membership: npt.NDArray[Any]) -> Int32:
    return (np.searchsorted(world.start, membership, side="right") - 1).astype(np.int32)


def _teams(
    world: World,
    parameters: Parameters,
    lead: Ints,
    group: Int32,
    year: Ints,
    rng: np.random.Generator,
) -> Ints:
    """Memberships of each paper in order of the authors, int64[n, largest], -1 for nobody."""
    n = len(lead)
    size = parameters.team.draw(np.zeros(n), rng.random(n)).astype(np.int64)
    team = np.full((n, int(size.max())), -1, dtype=np.int64)
    who = np.full(team.shape, -1, dtype=np.int32)
    team[:, 0], who[:, 0] = lead, world.person[lead]
    for slot in range(1, team.shape[1]):
        rows = np.flatnonzero(size > slot)
        outside = rng.random(len(rows)) < OUTSIDE
        for attempt in range(_TRIES):
            if not len(rows):
                break
            # a group without a free member that year asks its partners
            at = _partner(group[rows], outside | (attempt > 4), len(world.topic), rng)
            drawn = _member(world, at, rng)
            fits = (world.first[drawn] <= year[rows]) & (year[rows] <= world.last[drawn])
            fits &= ~(who[rows, :slot] == world.person[drawn][:, None]).any(axis=1)
            team[rows[fits], slot] = drawn[fits]
            who[rows[fits], slot] = world.person[drawn[fits]]
            rows, outside = rows[~fits], outside[~fits]
    return _ordered(team, rng)


def _partner(
    group: Int32, outside: npt.NDArray[np.bool_], groups: int, rng: np.random.Generator
) -> Int32:
    """The group itself, or where ``outside`` holds one of its lasting partners."""
    which = rng.integers(0, PARTNERS, len(group))
    draw = mixed(group, which, 5)
    near = 1 + (draw % np.uint64(12)).astype(np.int64)
    step = np.where(draw >> np.uint64(63), near, -near)
    return np.where(outside, np.clip(group + step, 0, groups - 1), group).astype(np.int32)


def _member(world: World, group: Int32, rng: np.random.Generator) -> Ints:
    low, high = world.join[world.start[group]], world.join[world.start[group + 1]]
    drawn = np.searchsorted(world.join, low + rng.random(len(group)) * (high - low), "right") - 1
    return np.clip(drawn, world.start[group], world.start[group + 1] - 1)


def _ordered(team: Ints, rng: np.random.Generator) -> Ints:
    """Who started a paper is often its first author; the others come in any order."""
    key = rng.random(team.shape)
    key[:, 0] *= 0.3
    key[team < 0] = 2
    return np.take_along_axis(team, np.argsort(key, axis=1, kind="stable"), axis=1)


def draw_words(
    world: World,
    parameters: Parameters,
    group: Int32,
    person: Int32,
    length: Ints,
    rng: np.random.Generator,
) -> Int32:
    """Words of texts of ``length`` words started by ``person`` in ``group``, one text after another."""
    of = np.repeat(np.arange(len(group)), length)
    topic, uniform, source = world.topic[group][of], rng.random(len(of)), rng.random(len(of))
    near = source > 1 - NEAR_WORDS
    which = (mixed(group, 3) % np.uint64(parameters.near_topics.shape[1])).astype(np.int64)
    topic = np.where(near, parameters.near_topics[world.topic[group], which][of], topic)
    words = parameters.topic_words.draw(topic, uniform)
    # the words of a person or group are the same in every paper: what a hash of both draws
    for owner, low, high, own in (
        (person, 0.0, PERSON_WORDS, 24),
        (group, PERSON_WORDS, PERSON_WORDS + GROUP_WORDS, 40),
    ):
        at = np.flatnonzero((source >= low) & (source < high))
        rank = (own * rng.random(len(at)) ** 2).astype(np.int64)
        draw = uniform_of(mixed(owner[of[at]], rank, own))
        words[at] = parameters.topic_content.draw(topic[at], draw)
    return words
