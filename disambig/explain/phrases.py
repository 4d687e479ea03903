"""Text for features. Every feature of both levels has a :class:`Phrase`; a test checks this.

A phrase states the value of a feature without judging it; weight and direction are shown by its
contribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from disambig.explain.facts import Facts, SharedItem
from disambig.names import FamilyRelation, GivenRelation, ParsedName

NAMES, COAUTHORS, VENUE, TOPIC = "names", "co-authors", "venue", "topic"
AFFILIATION, TIME, BLOCK, SCORES = "affiliation", "time", "block", "pair scores"
REFERENCES, COLLABORATION = "references", "collaboration"

THEMES = (
    SCORES,
    NAMES,
    COAUTHORS,
    TOPIC,
    REFERENCES,
    VENUE,
    AFFILIATION,
    COLLABORATION,
    TIME,
    BLOCK,
)
"""Themes of features, in order of display."""

_MAX_ITEMS = 4


@dataclass(frozen=True, slots=True)
class Phrase:
    """Text of one feature: its theme, a noun for it, and a format of its values.

    ``describe`` formats the value with the facts behind it; without it, the text is the noun and
    ``format_value``.
    """

    theme: str
    noun: str
    format_value: Callable[[float], str]
    describe: Callable[[float, Facts], str] | None = None

    def to_text(self, value: float, facts: Facts) -> str:
        """Describe a value in one clause; NaN is unknown."""
        if math.isnan(value):
            return f"{self.noun}: unknown"
        return (
            self.describe(value, facts)
            if self.describe
            else f"{self.noun}: {self.format_value(value)}"
        )


def get_pair_phrase(feature: str) -> Phrase:
    """Return the phrase of a pair feature.

    Raises
    ------
    KeyError
        The feature has no phrase.
    """
    return _PAIR[feature]


def get_group_phrase(feature: str) -> Phrase:
    """Return the phrase of a group feature; summaries of pair features derive theirs.

    Raises
    ------
    KeyError
        The feature has no phrase.
    """
    if feature in _GROUP:
        return _GROUP[feature]
    for ending, words in _SUMMARIES.items():
        if feature.endswith(ending):
            pair = _PAIR[feature.removesuffix(ending)]
            return Phrase(pair.theme, f"{pair.noun} {words}", pair.format_value)
    raise KeyError(feature)


def join_items(items: Sequence[str], most: int = _MAX_ITEMS) -> str:
    """Join items with commas; the tail beyond ``most`` becomes a number.

    >>> listed(["A", "B", "C"], 2)
    'A, B and 1 more'
    """
    if len(items) <= most:
        return ", ".join(items)
    return f"{', '.join(items[:most])} and {len(items) - most} more"


def format_count(n: float, singular: str, plural: str = "") -> str:
    """Format a number with its noun.

    >>> format_count(1, "paper"), format_count(1200, "paper")
    ('1 paper', '1,200 papers')
    """
    return f"{round(n):,} {singular if round(n) == 1 else plural or singular + 's'}"


def _format_number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"


def _format_signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _format_percent(value: float) -> str:
    if 0 < value < 0.005 or 0.995 < value < 1:
        return "<1%" if value < 0.5 else ">99%"
    return f"{100 * value:.0f}%"


def _format_similarity(value: float) -> str:
    return f"{value:.2f} alike" if abs(value) >= 0.005 else "nothing alike"


def _format_yes_no(value: float) -> str:
    return "yes" if value > 0.5 else "no"


def _format_integer(value: float) -> str:
    return f"{round(value):,}"


def _format_rarity(log10: float) -> str:
    """Format a share of 10 ** -log10 as "1 person in N", with one significant digit."""
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


def _make_relation_format(words: Mapping[Any, str]) -> Callable[[float], str]:
    return lambda value: words.get(round(value), _format_number(value))


def _format_tokens(tokens: Sequence[str]) -> str:
    """Format name tokens as in print: "J. Louis"."""
    return " ".join(t.upper() + "." if len(t) == 1 else t.capitalize() for t in tokens) or "–"


def _format_both(part: Callable[[ParsedName], Sequence[str]], facts: Facts) -> str:
    a, b = (_format_tokens(part(name)) for name in facts.names)
    return a if a == b else f"{a} / {b}"


def _describe_given(value: float, facts: Facts) -> str:
    names = _format_both(lambda n: n.given, facts)
    return f"given names: {names} ({_make_relation_format(_GIVEN)(value)})"


def _describe_family(value: float, facts: Facts) -> str:
    names = _format_both(lambda n: n.family_tokens, facts)
    return f"family names: {names} ({_make_relation_format(_FAMILY)(value)})"


def _describe_middle(value: float, facts: Facts) -> str:
    both = _format_both(lambda name: name.given[1:], facts)
    return f"middle names: {both} ({_make_relation_format(_MIDDLE)(value)})"


def _format_people(shared: Sequence[SharedItem]) -> str:
    return join_items([person.name for person in shared])


def _describe_coauthors(value: float, facts: Facts) -> str:
    if round(value) == 0:
        return "no co-author in common"
    return f"{format_count(value, 'co-author')} in common: {_format_people(facts.coauthors)}"


def _describe_coauthors_by_initial(value: float, facts: Facts) -> str:
    if round(value) == 0:
        return "no co-author in common by initial and family name"
    people = _format_people(facts.coauthors_by_initial)
    return f"{format_count(value, 'co-author')} in common by initial and family name: {people}"


def _describe_rarest_coauthor(value: float, facts: Facts) -> str:
    if not facts.coauthors:
        return "no shared co-author"
    rarest = facts.coauthors[0]
    return f"rarest shared co-author: {rarest.name}, on {format_count(rarest.works, 'paper')}"


def _format_hop(value: float) -> str:
    return f"strength {_format_number(value)}" if value > 0 else "none"


def _describe_hop(value: float, facts: Facts) -> str:
    if value <= 0:
        return "no co-author of one wrote with a co-author of the other"
    return (
        f"co-authors of one wrote with co-authors of the other (strength {_format_number(value)})"
    )


def _describe_venue(value: float, facts: Facts) -> str:
    a, b = (join_items(venues, 2) for venues in facts.venues)
    return f"same venue ({a})" if value > 0.5 else f"different venues ({a} / {b})"


def _describe_shared_words(words: Sequence[str], kind: str, value: float) -> str:
    if not words:
        return f"no {kind} word in common"
    return f"{kind} words in common: {join_items(words)} ({_format_number(value)})"


def _format_word_rarity(value: float) -> str:
    return f"in 1 of {math.exp(value):,.0f} texts" if value > 0 else "none"


def _format_rarity_weight(value: float) -> str:
    return f"weight {_format_number(value)}" if value > 0 else "none"


def _describe_citation(value: float, facts: Facts) -> str:
    return "one paper cites the other" if value > 0.5 else "neither paper cites the other"


def _describe_shared_references(value: float, facts: Facts) -> str:
    if round(value) == 0:
        return "no cited paper in common"
    return f"{format_count(value, 'cited paper')} in common"


def _describe_citations(value: float, facts: Facts) -> str:
    if round(value) == 0:
        return "no paper of one group cites one of the other"
    return f"{format_count(value, 'citation')} between the groups"


def _describe_collaboration(value: float, facts: Facts) -> str:
    if value <= 0:
        return "no collaboration in common"
    return f"collaboration in common ({_format_rarity_weight(value)})"


def _describe_years_apart(value: float, facts: Facts) -> str:
    a, b = facts.years
    if a is None or b is None or round(value) == 0:
        return "the same year" if round(value) == 0 else f"years apart: {_format_integer(value)}"
    return f"years {a[0]} and {b[0]}, {_format_integer(value)} apart"


def _make_career_description(words: Callable[[float], str]) -> Callable[[float, Facts], str]:
    def describe(value: float, facts: Facts) -> str:
        spans = [
            "–" if s is None else str(s[0]) if s[0] == s[1] else f"{s[0]}–{s[1]}"
            for s in facts.years
        ]
        return f"years {spans[0]} and {spans[1]}: {words(value)}"

    return describe


def _describe_overlap(value: float, facts: Facts) -> str:
    """Describe the overlap of two careers, a difference of years: one common year counts 0."""
    years_a, years_b = facts.years
    if value:
        return f"{format_count(value, 'year')} of overlap"
    is_touching = (
        years_a is not None
        and years_b is not None
        and max(years_a[0], years_b[0]) <= min(years_a[1], years_b[1])
    )
    return "one year in common" if is_touching else "no overlap"


def _format_log2_count(value: float) -> str:
    return format_count(2.0**value, "mention")


_PAIR: Mapping[str, Phrase] = {
    "name_given_relation": Phrase(
        NAMES, "given names", _make_relation_format(_GIVEN), _describe_given
    ),
    "name_given_similarity": Phrase(NAMES, "spelling of given names", _format_similarity),
    "name_middle_relation": Phrase(
        NAMES, "middle names", _make_relation_format(_MIDDLE), _describe_middle
    ),
    "name_family_relation": Phrase(
        NAMES, "family names", _make_relation_format(_FAMILY), _describe_family
    ),
    "name_family_similarity": Phrase(NAMES, "spelling of family names", _format_similarity),
    "name_printed_equal": Phrase(NAMES, "whole names equal", _format_yes_no),
    "name_given_min": Phrase(NAMES, "letters of the shorter given name", _format_integer),
    "name_given_max": Phrase(NAMES, "letters of the longer given name", _format_integer),
    "name_order_swapped": Phrase(NAMES, "names agree only in swapped order", _format_yes_no),
    "name_compatible": Phrase(NAMES, "names can be forms of one name", _format_yes_no),
    "name_rarity": Phrase(NAMES, "how rare the name is", lambda v: f"about {_format_rarity(v)}"),
    "name_family_rarity": Phrase(
        NAMES, "how rare the family name is", lambda v: f"about {_format_rarity(v)}"
    ),
    "name_works": Phrase(
        NAMES, "papers under the more frequent name", lambda v: _format_integer(2.0**v)
    ),
    "coauthors_shared": Phrase(
        COAUTHORS, "co-authors in common", _format_integer, _describe_coauthors
    ),
    "coauthors_rarity": Phrase(COAUTHORS, "shared co-authors, weighted by rarity", _format_number),
    "coauthors_rarest": Phrase(
        COAUTHORS,
        "rarity of the rarest shared co-author",
        _format_number,
        _describe_rarest_coauthor,
    ),
    "coauthors_jaccard": Phrase(COAUTHORS, "share of all co-authors in common", _format_percent),
    "coauthors_initial_shared": Phrase(
        COAUTHORS,
        "co-authors in common by initial",
        _format_integer,
        _describe_coauthors_by_initial,
    ),
    "coauthors_initial_rarity": Phrase(
        COAUTHORS, "co-authors in common by initial, weighted by rarity", _format_number
    ),
    "coauthors_hop": Phrase(COAUTHORS, "co-authors who wrote together", _format_hop, _describe_hop),
    "coauthors_min": Phrase(COAUTHORS, "co-authors on the paper with fewer", _format_integer),
    "coauthors_max": Phrase(COAUTHORS, "co-authors on the paper with more", _format_integer),
    "venue_same": Phrase(VENUE, "venues", _format_yes_no, _describe_venue),
    "venue_rarity": Phrase(
        VENUE,
        "rarity of the shared venue",
        lambda v: _format_number(v) if v > 0 else "none is shared",
    ),
    "venue_meaning": Phrase(VENUE, "subjects of the venues", _format_similarity),
    "text_meaning_above": Phrase(
        TOPIC, "topics nearer than is usual in the block by", _format_signed
    ),
    "title_cosine": Phrase(
        TOPIC,
        "title words",
        _format_similarity,
        lambda v, f: _describe_shared_words(f.title_words, "title", v),
    ),
    "title_rarest": Phrase(TOPIC, "rarest shared title word", _format_word_rarity),
    "text_cosine": Phrase(TOPIC, "words of title and abstract", _format_similarity),
    "title_meaning": Phrase(TOPIC, "meaning of the titles", _format_similarity),
    "text_meaning": Phrase(TOPIC, "meaning of title and abstract", _format_similarity),
    "affiliation_cosine": Phrase(
        AFFILIATION,
        "affiliations",
        _format_similarity,
        lambda v, f: _describe_shared_words(f.affiliation_words, "affiliation", v),
    ),
    "affiliation_rarest": Phrase(
        AFFILIATION, "rarest shared affiliation word", _format_word_rarity
    ),
    "citation": Phrase(REFERENCES, "one paper cites the other", _format_yes_no, _describe_citation),
    "citation_rarity": Phrase(
        REFERENCES, "surprise of a citation between them", _format_rarity_weight
    ),
    "references_shared": Phrase(
        REFERENCES, "cited papers in common", _format_integer, _describe_shared_references
    ),
    "references_rarity": Phrase(
        REFERENCES, "cited papers in common, weighted by rarity", _format_number
    ),
    "references_rarest": Phrase(
        REFERENCES, "rarity of the rarest cited paper in common", _format_rarity_weight
    ),
    "references_cosine": Phrase(REFERENCES, "reference lists", _format_similarity),
    "references_by_name": Phrase(
        REFERENCES, "cited papers in common by authors of this name", _format_rarity_weight
    ),
    "collaboration_rarest": Phrase(
        COLLABORATION,
        "rarity of the rarest shared collaboration",
        _format_rarity_weight,
        _describe_collaboration,
    ),
    "year_gap": Phrase(TIME, "years apart", _format_integer, _describe_years_apart),
    "block_size": Phrase(BLOCK, "size of the block", _format_log2_count),
}

_SUMMARIES = {
    "_least": "(lowest pair)",
    "_greatest": "(highest pair)",
    "_mean": "(mean)",
}


def _describe_shared_venues(value: float, facts: Facts) -> str:
    if round(value) == 0:
        return "no venue in common"
    return f"{format_count(value, 'venue')} in common: {join_items(facts.shared_venues)}"


_GROUP: Mapping[str, Phrase] = {
    "score_mean": Phrase(SCORES, "mean probability of the pairs between them", _format_percent),
    "score_logit": Phrase(SCORES, "mean log-odds of these pairs", _format_signed),
    "score_greatest": Phrase(SCORES, "most probable pair", _format_percent),
    "score_least": Phrase(SCORES, "least probable pair", _format_percent),
    "score_half": Phrase(SCORES, "pairs more likely than not", _format_percent),
    "score_best_low": Phrase(
        SCORES, "best partner of a mention, in the weaker group", _format_percent
    ),
    "score_best_high": Phrase(SCORES, "best partner of a mention, in the other", _format_percent),
    "size_low": Phrase(BLOCK, "smaller group", lambda v: format_count(v, "mention")),
    "size_high": Phrase(BLOCK, "larger group", lambda v: format_count(v, "mention")),
    "block_size": Phrase(BLOCK, "size of the block", lambda v: format_count(v, "mention")),
    "block_groups": Phrase(BLOCK, "groups in the block", _format_integer),
    "lead_mean_low": Phrase(SCORES, "lead in mean over the strongest rival group", _format_signed),
    "lead_mean_high": Phrase(SCORES, "lead in mean over the weaker rival", _format_signed),
    "lead_best_low": Phrase(
        SCORES, "lead in best partners over the strongest rival", _format_signed
    ),
    "lead_best_high": Phrase(SCORES, "lead in best partners over the weaker rival", _format_signed),
    "cohesion": Phrase(SCORES, "mean probability inside the looser group", _format_percent),
    "coauthors_shared": Phrase(
        COAUTHORS, "co-authors in common", _format_integer, _describe_coauthors
    ),
    "coauthors_rarity": Phrase(COAUTHORS, "shared co-authors, weighted by rarity", _format_number),
    "coauthors_weight": Phrase(
        COAUTHORS, "papers with shared co-authors, counted", _format_integer
    ),
    "coauthors_share": Phrase(
        COAUTHORS, "co-authors of the group with fewer that the other has", _format_percent
    ),
    "coauthors_covered_low": Phrase(
        COAUTHORS, "co-authorships with shared people, in the weaker group", _format_percent
    ),
    "coauthors_covered_high": Phrase(
        COAUTHORS, "co-authorships with shared people, in the other", _format_percent
    ),
    "coauthors_fewer": Phrase(COAUTHORS, "co-authors of the group with fewer", _format_integer),
    "profile_title_meaning": Phrase(TOPIC, "meaning of all titles", _format_similarity),
    "profile_meaning": Phrase(TOPIC, "meaning of all texts", _format_similarity),
    "profile_venue_meaning": Phrase(VENUE, "subjects of all venues", _format_similarity),
    "profile_title": Phrase(
        TOPIC,
        "words of all titles",
        _format_similarity,
        lambda v, f: _describe_shared_words(f.title_words, "title", v),
    ),
    "profile_text": Phrase(TOPIC, "words of all texts", _format_similarity),
    "profile_affiliation": Phrase(
        AFFILIATION,
        "words of all affiliations",
        _format_similarity,
        lambda v, f: _describe_shared_words(f.affiliation_words, "affiliation", v),
    ),
    "venues_shared": Phrase(VENUE, "venues in common", _format_integer, _describe_shared_venues),
    "venues_rarity": Phrase(VENUE, "shared venues, weighted by rarity", _format_number),
    "venues_cosine": Phrase(VENUE, "venue profiles", _format_similarity),
    "years_gap": Phrase(
        TIME,
        "years between the groups",
        _format_integer,
        _make_career_description(
            lambda v: f"{format_count(v, 'year')} between" if v else "no gap between"
        ),
    ),
    "years_overlap": Phrase(
        TIME,
        "years both were active",
        _format_integer,
        lambda value, facts: _make_career_description(lambda v: _describe_overlap(v, facts))(
            value, facts
        ),
    ),
    "years_span": Phrase(TIME, "years from the first paper to the last", _format_integer),
    "years_pace": Phrase(TIME, "papers a year of both together", _format_number),
    "years_within": Phrase(
        TIME, "papers of the smaller group in the years of the other", _format_percent
    ),
    "title_rarest_mean": Phrase(
        TOPIC, "rarest shared title word of a paper of the smaller group, mean", _format_word_rarity
    ),
    "text_rarest": Phrase(TOPIC, "rarest shared word of all texts", _format_word_rarity),
    "affiliation_rarest": Phrase(
        AFFILIATION, "rarest shared affiliation word", _format_word_rarity
    ),
    "affiliation_closest": Phrase(
        AFFILIATION, "affiliations of the papers closest in time", _format_similarity
    ),
    "affiliation_nearest": Phrase(
        AFFILIATION, "affiliations around the same time, mean", _format_similarity
    ),
    "venues_rarest": Phrase(
        VENUE,
        "rarity of the rarest shared venue",
        lambda v: _format_number(v) if v > 0 else "none is shared",
    ),
    "citations_between": Phrase(
        REFERENCES, "citations between the groups", _format_integer, _describe_citations
    ),
    "citations_lift": Phrase(
        REFERENCES, "citations between the groups above those expected (log)", _format_signed
    ),
    "citations_share": Phrase(
        REFERENCES,
        "papers of the smaller group that cite the other or are cited by it",
        _format_percent,
    ),
    "references_shared": Phrase(
        REFERENCES, "cited papers in common", _format_integer, _describe_shared_references
    ),
    "references_rarest": Phrase(
        REFERENCES, "rarity of the rarest cited paper in common", _format_rarity_weight
    ),
    "references_rarest_mean": Phrase(
        REFERENCES,
        "rarest shared cited paper of a paper of the smaller group, mean",
        _format_rarity_weight,
    ),
    "references_cosine": Phrase(REFERENCES, "all references", _format_similarity),
    "collaborations_rarest": Phrase(
        COLLABORATION,
        "rarity of the rarest shared collaboration",
        _format_rarity_weight,
        _describe_collaboration,
    ),
    "collaborations_share": Phrase(
        COLLABORATION, "papers with shared collaborations, in the weaker group", _format_percent
    ),
}
