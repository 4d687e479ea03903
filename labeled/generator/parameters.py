"""Measured parameters of the generator as sampling tables.

``generator/parameters.json.gz`` is made by :mod:`labeled.generator.measure`. It holds counts of
name parts, title words, venues, institutions, numbers of authors and years of real corpora.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from disambig.arrays import Float64, Int32, Int64, UInt64

PARAMETERS_FILE = Path(__file__).with_name("parameters.json.gz")


@dataclass(frozen=True, eq=False)
class SamplingTables:
    """Several discrete distributions over one list, sampled by one binary search.

    Attributes
    ----------
    bounds : float64[n]
        Cumulative shares; those of distribution ``t`` lie in (t, t + 1].
    items : int32[n]
        Item of each entry.
    """

    bounds: Float64
    items: Int32

    def draw(self, table: npt.NDArray[Any], uniform: Float64) -> Int32:
        """Draw an item of distribution ``table[i]`` for each number of [0, 1), as int32."""
        entry = np.searchsorted(self.bounds, table + uniform, side="right")
        # rounding can move the search past the last entry of a table
        drawn_items: Int32 = self.items[np.minimum(entry, len(self.items) - 1)]
        return drawn_items


def build_tables(
    items: Sequence[Sequence[int]], weights: Sequence[Sequence[float]]
) -> SamplingTables:
    """Build one distribution per pair of rows; weights need not sum to one; no empty rows."""
    bounds = []
    for number, row in enumerate(weights):
        cumulative = np.cumsum(np.asarray(row, dtype=np.float64))
        scaled = number + cumulative / cumulative[-1]
        scaled[-1] = number + 1
        bounds.append(scaled)
    return SamplingTables(
        np.concatenate(bounds), np.concatenate([np.asarray(i, np.int32) for i in items])
    )


def build_table(weights: Sequence[float]) -> SamplingTables:
    """Build one distribution over 0 ... n - 1."""
    return build_tables([range(len(weights))], [weights])


def hash_keys(*keys: npt.NDArray[Any] | int) -> UInt64:
    """Hash each combination of keys to a uint64 (splitmix64, Steele et al. 2014)."""
    state: UInt64 = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = state + np.asarray(key).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state


def to_uniform(words: UInt64) -> Float64:
    """Convert the upper 53 bits to numbers of [0, 1)."""
    numbers: Float64 = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return numbers


@dataclass(frozen=True, eq=False)
class NameParts:
    """Family or given names.

    Attributes
    ----------
    names : list of str
        Parts frequent enough to be listed.
    common, wide : SamplingTables
        A distribution for each naming culture: as measured, and flattened (square roots) for the
        halves of composed rare names.
    rare : float64[C]
        Share of the people of a culture whose part is not listed.
    """

    names: list[str]
    common: SamplingTables
    wide: SamplingTables
    rare: Float64


@dataclass(frozen=True, eq=False)
class Parameters:
    """All measured parameters; see :mod:`labeled.generator.measure`."""

    family: NameParts
    given: NameParts
    middle: Float64
    institutions: list[str]
    institution_share: SamplingTables
    institution_culture: SamplingTables
    units: list[str]
    words: list[str]
    topic_share: SamplingTables
    topic_words: SamplingTables
    topic_content: SamplingTables
    near_topics: Int64
    venues: list[str]
    topic_venues: SamplingTables
    team: SamplingTables
    title_length: SamplingTables
    first_year: int
    year_share: Float64
    initials: Float64
    missing: dict[str, float]


@lru_cache(maxsize=1)
def load_parameters() -> Parameters:
    """Load the parameters that ship with the package."""
    d = json.loads(gzip.decompress(PARAMETERS_FILE.read_bytes()))
    cultures, places, topics = d["cultures"], d["institutions"], d["topics"]
    years = np.array(d["years"]["works"])
    period = np.arange(len(years)) // d["forms"]["period"]
    return Parameters(
        family=_build_name_parts(cultures["family"]),
        given=_build_name_parts(cultures["given"]),
        middle=np.array(cultures["middle"]),
        institutions=places["names"],
        institution_share=build_table(places["counts"]),
        institution_culture=build_tables(
            [range(len(cultures["share"]))] * len(places["names"]), places["cultures"]
        ),
        units=places["units"],
        words=topics["words"],
        topic_share=build_table(topics["works"]),
        topic_words=build_tables(*zip(*topics["counts"], strict=True)),
        topic_content=_build_content_tables(topics),
        near_topics=np.array(topics["near"]),
        venues=d["venues"]["names"],
        topic_venues=_build_topic_tables(d["venues"]["counts"], len(topics["works"])),
        team=build_table(d["teams"]),
        title_length=build_table(d["title_words"]),
        first_year=d["years"]["first"],
        year_share=years / years.sum(),
        initials=np.array(d["forms"]["initials"])[period],
        missing=d["missing"],
    )


def _build_name_parts(d: dict[str, Any]) -> NameParts:
    items, counts = zip(*d["counts"], strict=True)
    flat = [np.sqrt(row) for row in counts]
    return NameParts(
        d["names"], build_tables(items, counts), build_tables(items, flat), np.array(d["rare"])
    )


def _build_content_tables(topics: dict[str, Any]) -> SamplingTables:
    """Build tables of topic-specific words: flattened, without words common to most topics."""
    count = len(topics["works"])
    n_topics_by_word = np.bincount(
        np.concatenate([row for row, _ in topics["counts"]]), minlength=len(topics["words"])
    )
    items, weights = [], []
    for row, counts in topics["counts"]:
        specific_words = [
            (w, c) for w, c in zip(row, counts, strict=True) if n_topics_by_word[w] < 0.6 * count
        ]
        items.append([w for w, _ in specific_words])
        weights.append([c**0.85 for _, c in specific_words])
    return build_tables(items, weights)


def _build_topic_tables(counts: list[list[list[int]]], topics: int) -> SamplingTables:
    items: list[list[int]] = [[] for _ in range(topics)]
    weights: list[list[float]] = [[] for _ in range(topics)]
    for venue, (venue_topics, venue_counts) in enumerate(counts):
        for topic, number in zip(venue_topics, venue_counts, strict=True):
            items[topic].append(venue)
            weights[topic].append(number)
    return build_tables(items, weights)
