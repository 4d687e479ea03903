"""What speaks against the mentions of a column, or of two, being one person's: in words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from service.gathered import Seen
from service.identifier_forms import orcid_of

MOST = 100
"""Contradictions that one board tells."""
NAMED = 3
_WORD = re.compile(r"[^\W\d_]{3,}")
_PLAIN_TEXT = """
    the and for department dept university universität université universita universidad school
    institute institut faculty college center centre laboratory lab labs research science sciences
    technology technologies engineering computer division inc ltd corp company national state of
    group china usa germany france japan india korea italy spain"""
_PLAIN = frozenset(_PLAIN_TEXT.split())
"""Words of affiliations that many share."""


def within(column: Sequence[Seen]) -> list[str]:
    """What tells that one column may be several people."""
    found = []
    orcids = sorted({o for m in column if (o := orcid_of(m.orcid))})
    if len(orcids) > 1:
        found.append(f"mentions bear {len(orcids)} ORCID iDs: {', '.join(orcids[:NAMED])}")
    found += [f"the paper {text} has two of its authors here" for text in _twice(column)]
    apart = _apart(_by_year(column), None)
    if apart:
        found.append(_in_one_year(apart))
    return found


def between(
    one: Sequence[Seen], other: Sequence[Seen], *, share_company: bool = False
) -> list[str]:
    """What tells that two columns are two people.

    Parameters
    ----------
    share_company : bool
        Whether they have co-authors in common: then years that run side by side say nothing.
    """
    found = []
    theirs = {m.work: m for m in other}
    both = list(dict.fromkeys(m.work for m in one if m.work in theirs))
    if both:
        titles = ", ".join(f"“{_short(theirs[work].title)}”" for work in both[:NAMED])
        found.append(f"both are authors of {_counted(len(both), 'paper')}: {titles}")
    orcids = [{o for m in side if (o := orcid_of(m.orcid))} for side in (one, other)]
    if orcids[0] and orcids[1] and not orcids[0] & orcids[1]:
        found.append(f"ORCID iDs differ: {min(orcids[0])} and {min(orcids[1])}")
    apart = _apart(_by_year(one), _by_year(other))
    if apart:
        found.append(_in_one_year(apart))
    years = [{m.year for m in side if m.year is not None} for side in (one, other)]
    shared = sorted(years[0] & years[1])
    if len(shared) >= 3 and not share_company:
        found.append(
            f"both publish in {len(shared)} of the same years, {shared[0]} to {shared[-1]}, "
            "with nobody in common"
        )
    return found


def contradictions(
    columns: Sequence[Sequence[Seen]],
    company: Sequence[set[Any]],
    first: Iterable[tuple[int, int]] = (),
) -> list[dict[str, Any]]:
    """Of all columns, and of pairs of them; pairs of ``first`` before the others.

    Parameters
    ----------
    company : sequence of set
        Co-authors of each column.
    """
    found = [
        {"columns": [k], "text": text} for k, some in enumerate(columns) for text in within(some)
    ]
    pairs = dict.fromkeys([*first, *combinations(range(len(columns)), 2)])
    for a, b in pairs:
        if len(found) >= MOST:
            break
        share = not company[a].isdisjoint(company[b])
        texts = between(columns[a], columns[b], share_company=share)
        found += [{"columns": [a, b], "text": text} for text in texts]
    return found[:MOST]


Places = dict[int, dict[str, frozenset[str]]]
"""Affiliations by year, with the words that tell them from others."""


def _by_year(column: Sequence[Seen]) -> Places:
    found: Places = defaultdict(dict)
    for m in column:
        if m.year is not None and m.affiliation:
            found[m.year].setdefault(m.affiliation, _telling(m.affiliation))
    return found


def _telling(affiliation: str) -> frozenset[str]:
    return frozenset(_WORD.findall(affiliation.casefold())) - _PLAIN


def _apart(mine: Places, theirs: Places | None) -> tuple[int, str, str] | None:
    """A year in which two affiliations have no telling word in common, the latest such."""
    for year in sorted(mine, reverse=True):
        here = mine[year]
        there = here if theirs is None else theirs.get(year, {})
        # one shared place is enough for the others to be second ones
        if theirs is not None and any(a & b for a in here.values() for b in there.values()):
            continue
        for a, words in here.items():
            for b, others in there.items():
                if words and others and not words & others:
                    return year, a, b
    return None


def _in_one_year(apart: tuple[int, str, str]) -> str:
    year, a, b = apart
    return f"two affiliations in {year}: “{_short(a)}” and “{_short(b)}”"


def _twice(column: Sequence[Seen]) -> list[str]:
    seen: set[int] = set()
    found = {}
    for m in column:
        if m.work in seen:
            found[m.work] = f"“{_short(m.title)}”"
        seen.add(m.work)
    return list(found.values())[:NAMED]


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
