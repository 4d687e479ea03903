"""Sample wrong pairs in proportion to their damage, with the metadata to judge them by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from disambig.arrays import Integer
from disambig.console import escape_text
from disambig.corpus.corpus import Corpus
from disambig.evaluation.metrics import bcubed_by_signature

_DRAWS_PER_PAIR = 20


@dataclass(frozen=True, slots=True)
class WrongPair:
    """Two rows wrongly in one identity (``merged``) or wrongly in two.

    ``damage`` is the loss of B-cubed precision (merged) or recall by this pair, summed over
    its two mentions: two divided by the size of the identity or of the person.
    """

    merged: bool
    a: int
    b: int
    damage: float


@dataclass(frozen=True, slots=True)
class ErrorMention:
    """One side of a wrong pair, as printed in its source."""

    work: str
    position: int
    name: str
    title: str
    venue: str
    year: int | None
    coauthors: tuple[str, ...]
    affiliation: str
    person: str


@dataclass(frozen=True, slots=True)
class ErrorCase:
    """A wrong pair with metadata; ``probability`` is the first level's, None across blocks."""

    corpus: str
    kind: str
    block: str
    damage: float
    probability: float | None
    a: ErrorMention
    b: ErrorMention


def sample_wrong_pairs(
    predicted: Integer, truth: Integer, block: Integer, n: int, seed: int = 0
) -> list[WrongPair]:
    """Draw ``n`` different wrong pairs within blocks, with probability proportional to damage.

    A mention is drawn in proportion to the precision or recall it lacks, then one of its wrong
    partners uniformly: this samples pairs by damage without listing them. Fewer are returned
    if there are not as many, or if a few cause nearly all the damage.

    Parameters
    ----------
    predicted, truth, block : integers[m]
        As for :func:`disambig.evaluation.metrics.evaluate`.
    """
    precision, recall = bcubed_by_signature(predicted, truth, block)
    deficit = np.concatenate([1 - precision, 1 - recall])
    if n <= 0 or not deficit.sum() > 0:
        return []
    rng = np.random.default_rng(seed)
    pairs: dict[tuple[bool, int, int], WrongPair] = {}
    for draw in rng.choice(
        len(deficit), size=_DRAWS_PER_PAIR * n, p=deficit / deficit.sum()
    ).tolist():
        merged, s = draw < len(truth), draw % len(truth)
        same, other = (predicted, truth) if merged else (truth, predicted)
        cluster = np.flatnonzero((same == same[s]) & (block == block[s]))
        t = int(rng.choice(cluster[other[cluster] != other[s]]))
        a, b = min(s, t), max(s, t)
        pairs[merged, a, b] = WrongPair(merged, a, b, 2 / len(cluster))
        if len(pairs) == n:
            break
    return list(pairs.values())


def make_error_cases(
    name: str,
    corpus: Corpus,
    rows: Integer,
    labels: Sequence[tuple[str, str]],
    pairs: Sequence[WrongPair],
    probability: Mapping[tuple[int, int], float],
) -> list[ErrorCase]:
    """Make the error cases of wrong pairs, the most damaging first.

    Parameters
    ----------
    rows : integers[m]
        Signature row of each labelled mention.
    labels : length m
        Person and block of each labelled mention.
    probability : mapping of (row, row), low first, to float
    """

    def describe(i: int) -> ErrorMention:
        return _describe_mention(corpus, int(rows[i]), labels[i][0])

    cases = []
    for pair in sorted(pairs, key=lambda p: (-p.damage, p.a, p.b)):
        low, high = sorted((int(rows[pair.a]), int(rows[pair.b])))
        kind = "over-merged" if pair.merged else "over-split"
        chance = probability.get((low, high))
        block = labels[pair.a][1]
        cases.append(
            ErrorCase(name, kind, block, pair.damage, chance, describe(pair.a), describe(pair.b))
        )
    return cases


def _describe_mention(corpus: Corpus, row: int, person: str) -> ErrorMention:
    work = int(corpus.signature_work[row])
    low, high = int(corpus.author_start[work]), int(corpus.author_start[work + 1])
    year = corpus.years[work]
    return ErrorMention(
        work=corpus.work_ids[work],
        position=int(corpus.signature_position[row]),
        name=corpus.printed_name(row),
        title=corpus.titles[work],
        venue=corpus.venues[work],
        year=None if np.isnan(year) else int(year),
        coauthors=tuple(corpus.printed_name(r) for r in range(low, high) if r != row),
        affiliation=corpus.affiliations[row],
        person=person,
    )


def to_json_line(case: ErrorCase) -> str:
    """Format a case as one JSON line in ASCII, which is safe on a terminal."""
    return json.dumps(asdict(case))


def format_lines(case: ErrorCase) -> Iterator[str]:
    """Format a case as lines of text."""
    chance = "" if case.probability is None else f", pair probability {case.probability:.3f}"
    yield escape_text(f"{case.kind} in {case.corpus}, block “{case.block}”{chance}")
    for side in (case.a, case.b):
        source = ", ".join(filter(None, [side.venue, str(side.year or "")]))
        yield escape_text(f"  {side.name} = {side.person}  ({side.work}:{side.position})")
        yield escape_text(f"    {side.title}{f' ({source})' if source else ''}")
        if side.coauthors:
            yield escape_text(f"    with {', '.join(side.coauthors)}")
        if side.affiliation:
            yield escape_text(f"    at {side.affiliation}")
