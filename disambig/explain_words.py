"""Features in words. Every feature of both levels has a :class:`Phrase`; a test holds to it.

A phrase states what was seen and never judges it: how much it counts, and for which side, is
what its contribution says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from disambig.explain_facts import Facts, Shared
from disambig.names import FamilyRelation, GivenRelation, ParsedName

NAMES, COAUTHORS, VENUE, TOPIC = "names", "co-authors", "venue", "topic"
AFFILIATION, TIME, BLOCK, SCORES = "affiliation", "time", "block", "pair scores"

THEMES = (SCORES, NAMES, COAUTHORS, TOPIC, VENUE, AFFILIATION, TIME, BLOCK)
"""Themes of features, in the order they are told."""

_LISTED = 4


@dataclass(frozen=True, slots=True)
class Phrase:
    """How to tell one feature: its theme, a noun for it, and its known values in words.

    ``say`` tells the value with what stands behind it; without it, the noun and ``show`` do.
    """

    theme: str
    noun: str
    show: Callable[[float], str]
    say: Callable[[float, Facts], str] | None = None

    def tell(self, value: float, facts: Facts) -> str:
        """One clause for a value; NaN is told as unknown."""
        if math.isnan(value):
            return f"{self.noun}: unknown"
        return self.say(value, facts) if self.say else f"{self.noun}: {self.show(value)}"


def pair_phrase(feature: str) -> Phrase:
    """The phrase of a pair feature.

    Raises
    ------
    KeyError
        The feature has no words yet.
    """
    return _PAIR[feature]


def group_phrase(feature: str) -> Phrase:
    """The phrase of a group feature; summaries of a pair feature are put together from its own.

    Raises
    ------
    KeyError
        The feature has no words yet.
    """
    if feature in _GROUP:
        return _GROUP[feature]
    for ending, words in _SUMMARIES.items():
        if feature.endswith(ending):
            of = _PAIR[feature.removesuffix(ending)]
            return Phrase(of.theme, f"{of.noun} {words}", of.show)
    raise KeyError(feature)


def listed(items: Sequence[str], most: int = _LISTED) -> str:
    """Items with commas, the tail as a number.

    >>> listed(["A", "B", "C"], 2)
    'A, B and 1 more'
    """
    if len(items) <= most:
        return ", ".join(items)
    return f"{', '.join(items[:most])} and {len(items) - most} more"


def counted(n: float, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "paper"), counted(1200, "paper")
    ('1 paper', '1,200 papers')
    """
    return f"{round(n):,} {one if round(n) == 1 else many or one + 's'}"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _per_cent(value: float) -> str:
    if 0 < value < 0.005 or 0.995 < value < 1:
        return "<1%" if value < 0.5 else ">99%"
    return f"{100 * value:.0f}%"


def _alike(value: float) -> str:
    return f"{value:.2f} alike" if abs(value) >= 0.005 else "nothing alike"


def _yes_no(value: float) -> str:
    return "yes" if value > 0.5 else "no"


def _whole(value: float) -> str:
    return f"{round(value):,}"


def _one_in(log10: float) -> str:
    """How rare a share of 10 ** -log10 is, to one digit."""
    many = 10.0**log10
    size = 10 ** max(math.floor(math.log10(max(many, 1))), 0)
    return f"1 person in {round(many / size) * size:,}"


_GIVEN = {
    GivenRelation.CONFLICT: "conflict",
    GivenRelation.OTHER_INITIAL: "the initial fits a nickname",
    GivenRelation.PREFIX: "one begins the other",
    GivenRelation.SIMILAR: "nearly the same letters",
    GivenRelation.MIDDLE: "the first name is the other's middle name",
    GivenRelation.INITIAL: "initials agree",
    GivenRelation.NICKNAME: "a name and its short form",
    GivenRelation.FIRST: "the same first name",
    GivenRelation.EQUAL: "the same",
}
_FAMILY = {
    FamilyRelation.DIFFERENT: "different",
    FamilyRelation.SIMILAR: "a letter apart",
    FamilyRelation.PART: "one is part of the other",
    FamilyRelation.SPELLING: "two spellings of one name",
    FamilyRelation.EQUAL: "the same",
}
_MIDDLE = {-1: "conflict", 0: "nearly equal", 1: "initials agree", 2: "equal"}


def _relation(words: Mapping[Any, str]) -> Callable[[float], str]:
    return lambda value: words.get(round(value), _number(value))


def _part(tokens: Sequence[str]) -> str:
    """Name tokens as people write them: "J. Louis"."""
    return " ".join(t.upper() + "." if len(t) == 1 else t.capitalize() for t in tokens) or "–"


def _two(part: Callable[[ParsedName], Sequence[str]], facts: Facts) -> str:
    a, b = (_part(part(name)) for name in facts.names)
    return a if a == b else f"{a} / {b}"


def _given(value: float, facts: Facts) -> str:
    return f"given names: {_two(lambda n: n.given, facts)} ({_relation(_GIVEN)(value)})"


def _family(value: float, facts: Facts) -> str:
    return f"family names: {_two(lambda n: n.family_tokens, facts)} ({_relation(_FAMILY)(value)})"


def _middle(value: float, facts: Facts) -> str:
    both = _two(lambda name: name.given[1:], facts)
    return f"middle names: {both} ({_relation(_MIDDLE)(value)})"


def _people(shared: Sequence[Shared]) -> str:
    return listed([person.name for person in shared])


def _coauthors(value: float, facts: Facts) -> str:
    if round(value) == 0:
        return "no co-author in common"
    return f"{counted(value, 'co-author')} in common: {_people(facts.coauthors)}"


def _abbreviated(value: float, facts: Facts) -> str:
    if round(value) == 0:
        return "no co-author in common by initial and family name"
    people = _people(facts.coauthors_abbreviated)
    return f"{counted(value, 'co-author')} in common by initial and family name: {people}"


def _rarest_coauthor(value: float, facts: Facts) -> str:
    if not facts.coauthors:
        return "no shared co-author to be rare"
    rarest = facts.coauthors[0]
    return f"rarest shared co-author: {rarest.name}, on {counted(rarest.works, 'paper')}"


def _hop(value: float) -> str:
    return f"strength {_number(value)}" if value > 0 else "none"


def _second_hop(value: float, facts: Facts) -> str:
    if value <= 0:
        return "no co-author of one ever wrote with one of the other"
    return f"co-authors of one wrote with co-authors of the other (strength {_number(value)})"


def _venue(value: float, facts: Facts) -> str:
    a, b = (listed(venues, 2) for venues in facts.venues)
    return f"same venue ({a})" if value > 0.5 else f"different venues ({a} / {b})"


def _shared_words(words: Sequence[str], what: str, value: float) -> str:
    if not words:
        return f"no {what} word in common"
    return f"{what} words in common: {listed(words)} ({_number(value)})"


def _rare_word(value: float) -> str:
    return f"in 1 of {math.exp(value):,.0f} texts" if value > 0 else "none"


def _years_apart(value: float, facts: Facts) -> str:
    a, b = facts.years
    if a is None or b is None or round(value) == 0:
        return "the same year" if round(value) == 0 else f"years apart: {_whole(value)}"
    return f"years {a[0]} and {b[0]}, {_whole(value)} apart"


def _careers(words: Callable[[float], str]) -> Callable[[float, Facts], str]:
    def say(value: float, facts: Facts) -> str:
        spans = [
            "–" if s is None else str(s[0]) if s[0] == s[1] else f"{s[0]}–{s[1]}"
            for s in facts.years
        ]
        return f"years {spans[0]} and {spans[1]}: {words(value)}"

    return say


def _overlap(value: float, facts: Facts) -> str:
    """The overlap of two careers; its years are counted as a difference, so one is 0."""
    one, other = facts.years
    if value:
        return f"{counted(value, 'year')} of overlap"
    meets = one is not None and other is not None and max(one[0], other[0]) <= min(one[1], other[1])
    return "one year in common" if meets else "no overlap"


def _power(value: float) -> str:
    return counted(2.0**value, "mention")


_PAIR: Mapping[str, Phrase] = {
    "name_given_relation": Phrase(NAMES, "given names", _relation(_GIVEN), _given),
    "name_given_similarity": Phrase(NAMES, "spelling of given names", _alike),
    "name_middle_relation": Phrase(NAMES, "middle names", _relation(_MIDDLE), _middle),
    "name_family_relation": Phrase(NAMES, "family names", _relation(_FAMILY), _family),
    "name_family_similarity": Phrase(NAMES, "spelling of family names", _alike),
    "name_printed_equal": Phrase(NAMES, "whole names equal", _yes_no),
    "name_given_min": Phrase(NAMES, "letters of the shorter given name", _whole),
    "name_given_max": Phrase(NAMES, "letters of the longer given name", _whole),
    "name_order_swapped": Phrase(NAMES, "names agree only in swapped order", _yes_no),
    "name_compatible": Phrase(NAMES, "names can be forms of one name", _yes_no),
    "name_rarity": Phrase(NAMES, "how rare the name is", lambda v: f"about {_one_in(v)}"),
    "name_family_rarity": Phrase(
        NAMES, "how rare the family name is", lambda v: f"about {_one_in(v)}"
    ),
    "name_works": Phrase(NAMES, "papers under the more frequent name", lambda v: _whole(2.0**v)),
    "coauthors_shared": Phrase(COAUTHORS, "co-authors in common", _whole, _coauthors),
    "coauthors_rarity": Phrase(COAUTHORS, "shared co-authors, weighted by rarity", _number),
    "coauthors_rarest": Phrase(
        COAUTHORS, "rarity of the rarest shared co-author", _number, _rarest_coauthor
    ),
    "coauthors_jaccard": Phrase(COAUTHORS, "share of all co-authors in common", _per_cent),
    "coauthors_initial_shared": Phrase(
        COAUTHORS, "co-authors in common by initial", _whole, _abbreviated
    ),
    "coauthors_initial_rarity": Phrase(
        COAUTHORS, "co-authors in common by initial, weighted by rarity", _number
    ),
    "coauthors_hop": Phrase(COAUTHORS, "co-authors who wrote together", _hop, _second_hop),
    "coauthors_min": Phrase(COAUTHORS, "co-authors on the paper with fewer", _whole),
    "coauthors_max": Phrase(COAUTHORS, "co-authors on the paper with more", _whole),
    "venue_same": Phrase(VENUE, "venues", _yes_no, _venue),
    "venue_rarity": Phrase(
        VENUE, "rarity of the shared venue", lambda v: _number(v) if v > 0 else "none is shared"
    ),
    "venue_meaning": Phrase(VENUE, "subjects of the venues", _alike),
    "text_meaning_above": Phrase(TOPIC, "topics nearer than is usual in the block by", _signed),
    "title_cosine": Phrase(
        TOPIC, "title words", _alike, lambda v, f: _shared_words(f.title_words, "title", v)
    ),
    "title_rarest": Phrase(TOPIC, "rarest shared title word", _rare_word),
    "text_cosine": Phrase(TOPIC, "words of title and abstract", _alike),
    "title_meaning": Phrase(TOPIC, "meaning of the titles", _alike),
    "text_meaning": Phrase(TOPIC, "meaning of title and abstract", _alike),
    "affiliation_cosine": Phrase(
        AFFILIATION,
        "affiliations",
        _alike,
        lambda v, f: _shared_words(f.affiliation_words, "affiliation", v),
    ),
    "affiliation_rarest": Phrase(AFFILIATION, "rarest shared affiliation word", _rare_word),
    "year_gap": Phrase(TIME, "years apart", _whole, _years_apart),
    "block_size": Phrase(BLOCK, "size of the block", _power),
}

_SUMMARIES = {
    "_least": "(lowest pair)",
    "_greatest": "(highest pair)",
    "_mean": "(mean)",
}


def _group_venues(value: float, facts: Facts) -> str:
    if round(value) == 0:
        return "no venue in common"
    return f"{counted(value, 'venue')} in common: {listed(facts.venues_shared)}"


_GROUP: Mapping[str, Phrase] = {
    "score_mean": Phrase(SCORES, "mean probability of the pairs between them", _per_cent),
    "score_logit": Phrase(SCORES, "mean log-odds of these pairs", _signed),
    "score_greatest": Phrase(SCORES, "most probable pair", _per_cent),
    "score_least": Phrase(SCORES, "least probable pair", _per_cent),
    "score_half": Phrase(SCORES, "pairs more likely than not", _per_cent),
    "score_best_low": Phrase(SCORES, "best partner of a mention, in the weaker group", _per_cent),
    "score_best_high": Phrase(SCORES, "best partner of a mention, in the other", _per_cent),
    "size_low": Phrase(BLOCK, "smaller group", lambda v: counted(v, "mention")),
    "size_high": Phrase(BLOCK, "larger group", lambda v: counted(v, "mention")),
    "block_size": Phrase(BLOCK, "size of the block", lambda v: counted(v, "mention")),
    "block_groups": Phrase(BLOCK, "groups in the block", _whole),
    "lead_mean_low": Phrase(SCORES, "lead in mean over the strongest rival group", _signed),
    "lead_mean_high": Phrase(SCORES, "lead in mean over the weaker rival", _signed),
    "lead_best_low": Phrase(SCORES, "lead in best partners over the strongest rival", _signed),
    "lead_best_high": Phrase(SCORES, "lead in best partners over the weaker rival", _signed),
    "cohesion": Phrase(SCORES, "mean probability inside the looser group", _per_cent),
    "coauthors_shared": Phrase(COAUTHORS, "co-authors in common", _whole, _coauthors),
    "coauthors_rarity": Phrase(COAUTHORS, "shared co-authors, weighted by rarity", _number),
    "coauthors_weight": Phrase(COAUTHORS, "papers with shared co-authors, counted", _whole),
    "coauthors_share": Phrase(
        COAUTHORS, "co-authors of the group with fewer that the other has", _per_cent
    ),
    "coauthors_covered_low": Phrase(
        COAUTHORS, "co-authorships with shared people, in the weaker group", _per_cent
    ),
    "coauthors_covered_high": Phrase(
        COAUTHORS, "co-authorships with shared people, in the other", _per_cent
    ),
    "coauthors_fewer": Phrase(COAUTHORS, "co-authors of the group with fewer", _whole),
    "profile_title_meaning": Phrase(TOPIC, "meaning of all titles", _alike),
    "profile_meaning": Phrase(TOPIC, "meaning of all texts", _alike),
    "profile_venue_meaning": Phrase(VENUE, "subjects of all venues", _alike),
    "profile_title": Phrase(
        TOPIC, "words of all titles", _alike, lambda v, f: _shared_words(f.title_words, "title", v)
    ),
    "profile_text": Phrase(TOPIC, "words of all texts", _alike),
    "profile_affiliation": Phrase(
        AFFILIATION,
        "words of all affiliations",
        _alike,
        lambda v, f: _shared_words(f.affiliation_words, "affiliation", v),
    ),
    "venues_shared": Phrase(VENUE, "venues in common", _whole, _group_venues),
    "venues_rarity": Phrase(VENUE, "shared venues, weighted by rarity", _number),
    "venues_cosine": Phrase(VENUE, "venue profiles", _alike),
    "years_gap": Phrase(
        TIME,
        "years between the groups",
        _whole,
        _careers(lambda v: f"{counted(v, 'year')} between" if v else "no gap between"),
    ),
    "years_overlap": Phrase(
        TIME,
        "years both were active",
        _whole,
        lambda value, facts: _careers(lambda v: _overlap(v, facts))(value, facts),
    ),
    "years_span": Phrase(TIME, "years from the first paper to the last", _whole),
}
