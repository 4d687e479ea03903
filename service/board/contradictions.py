"""Find evidence that a column, or a pair of columns, is not one person."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from disambig.orcid import parse_orcid
from service.board.results import Contradiction
from service.profiles.aggregates import SignatureRow

MAX_CONTRADICTIONS = 100
"""Maximum contradictions listed on a board."""
MAX_EXAMPLES = 3
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON_WORDS_TEXT = """
    the and for department dept university universität université universita universidad school
    institute institut faculty college center centre laboratory lab labs research science sciences
    technology technologies engineering computer division inc ltd corp company national state of
    group china usa germany france japan india korea italy spain"""
_COMMON_WORDS = frozenset(_COMMON_WORDS_TEXT.split())
"""Common words of affiliations, which do not distinguish them."""


def find_column_contradictions(column: Sequence[SignatureRow]) -> list[str]:
    """List evidence that one column is more than one person."""
    texts = []
    orcids = sorted({o for m in column if m.orcid and (o := parse_orcid(m.orcid))})
    if len(orcids) > 1:
        texts.append(f"{len(orcids)} different ORCID iDs: {', '.join(orcids[:MAX_EXAMPLES])}")
    texts += [f"two authors of the paper {text} are here" for text in _find_repeated_works(column)]
    disjoint = _find_disjoint_affiliations(_index_affiliations(column), None)
    if disjoint:
        texts.append(_format_disjoint_affiliations(disjoint))
    return texts


def find_pair_contradictions(
    one: Sequence[SignatureRow], other: Sequence[SignatureRow], *, share_coauthors: bool = False
) -> list[str]:
    """List evidence that two columns are two people.

    Parameters
    ----------
    share_coauthors : bool
        Whether they share co-authors; overlapping years are then no evidence.
    """
    texts = []
    other_by_work = {m.work: m for m in other}
    common_works = list(dict.fromkeys(m.work for m in one if m.work in other_by_work))
    if common_works:
        titles = ", ".join(
            f"“{_shorten(other_by_work[work].title)}”" for work in common_works[:MAX_EXAMPLES]
        )
        texts.append(f"both are authors of {_format_count(len(common_works), 'paper')}: {titles}")
    orcids = [{o for m in side if m.orcid and (o := parse_orcid(m.orcid))} for side in (one, other)]
    if orcids[0] and orcids[1] and not orcids[0] & orcids[1]:
        texts.append(f"ORCID iDs differ: {min(orcids[0])} and {min(orcids[1])}")
    disjoint = _find_disjoint_affiliations(_index_affiliations(one), _index_affiliations(other))
    if disjoint:
        texts.append(_format_disjoint_affiliations(disjoint))
    years = [{m.year for m in side if m.year is not None} for side in (one, other)]
    common_years = sorted(years[0] & years[1])
    if len(common_years) >= 3 and not share_coauthors:
        texts.append(
            f"both publish in {len(common_years)} of the same years, {common_years[0]} to "
            f"{common_years[-1]}, without a common co-author"
        )
    return texts


def find_contradictions(
    columns: Sequence[Sequence[SignatureRow]],
    coauthors: Sequence[set[Any]],
    first_pairs: Iterable[tuple[int, int]] = (),
) -> list[Contradiction]:
    """Find contradictions of all columns and pairs; pairs of ``first_pairs`` come first.

    Parameters
    ----------
    coauthors : sequence of set
        Co-authors of each column.
    """
    contradictions = [
        Contradiction(columns=[k], text=text)
        for k, column in enumerate(columns)
        for text in find_column_contradictions(column)
    ]
    pairs = dict.fromkeys([*first_pairs, *combinations(range(len(columns)), 2)])
    for a, b in pairs:
        if len(contradictions) >= MAX_CONTRADICTIONS:
            break
        share_coauthors = not coauthors[a].isdisjoint(coauthors[b])
        texts = find_pair_contradictions(columns[a], columns[b], share_coauthors=share_coauthors)
        contradictions += [Contradiction(columns=[a, b], text=text) for text in texts]
    return contradictions[:MAX_CONTRADICTIONS]


AffiliationsByYear = dict[int, dict[str, frozenset[str]]]
"""Affiliations by year, with their distinctive words."""


def _index_affiliations(column: Sequence[SignatureRow]) -> AffiliationsByYear:
    affiliations: AffiliationsByYear = defaultdict(dict)
    for m in column:
        if m.year is not None and m.affiliation:
            affiliations[m.year].setdefault(
                m.affiliation, _extract_distinctive_words(m.affiliation)
            )
    return affiliations


def _extract_distinctive_words(affiliation: str) -> frozenset[str]:
    return frozenset(_WORD.findall(affiliation.casefold())) - _COMMON_WORDS


def _find_disjoint_affiliations(
    first: AffiliationsByYear, second: AffiliationsByYear | None
) -> tuple[int, str, str] | None:
    """Return the latest year with two affiliations that share no distinctive word."""
    for year in sorted(first, reverse=True):
        first_affiliations = first[year]
        second_affiliations = first_affiliations if second is None else second.get(year, {})
        # with one shared affiliation, the others may be secondary affiliations
        if second is not None and any(
            a & b for a in first_affiliations.values() for b in second_affiliations.values()
        ):
            continue
        for a, words in first_affiliations.items():
            for b, other_words in second_affiliations.items():
                if words and other_words and not words & other_words:
                    return year, a, b
    return None


def _format_disjoint_affiliations(disjoint: tuple[int, str, str]) -> str:
    year, a, b = disjoint
    return f"two affiliations in {year}: “{_shorten(a)}” and “{_shorten(b)}”"


def _find_repeated_works(column: Sequence[SignatureRow]) -> list[str]:
    works: set[int] = set()
    titles = {}
    for m in column:
        if m.work in works:
            titles[m.work] = f"“{_shorten(m.title)}”"
        works.add(m.work)
    return list(titles.values())[:MAX_EXAMPLES]


def _format_count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
