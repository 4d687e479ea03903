"""Why two author mentions are one person, or are not: the verdict taken apart.

Only the blocks of the two mentions are clustered, with the statistics of the whole corpus, so
the scores are those a full run finds. A gradient-boosted forest's log-odds are a sum over
features (:meth:`disambig.forest.Forest.contributions`); with what calibration shifts, the sum
is the log-odds of the probability shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from disambig.blocking import primary_key
from disambig.constraints import Constraints, compile_constraints
from disambig.corpus import Corpus
from disambig.domain import Constraint, Signature
from disambig.engine import Bonds
from disambig.errors import InputError
from disambig.explain_facts import Facts
from disambig.explain_score import Score, score_of
from disambig.explain_trace import Trace, trace
from disambig.explain_words import counted, group_phrase, pair_phrase
from disambig.group_features import GROUP_FEATURES
from disambig.groups import ABSENT
from disambig.index import CorpusIndex
from disambig.model import Model
from disambig.pair_features import PAIR_FEATURES
from disambig.pairs import PairBatch
from disambig.semantic import SemanticSpace


class Decider(StrEnum):
    """What settled whether two mentions are one person."""

    MUST = "must-link"
    CANNOT = "cannot-link"
    IDENTIFIER = "identifier"
    SAME_WORK = "same work"
    NAMES = "names"
    TOO_LITTLE = "too little in common"
    FIRST_LEVEL = "first level"
    SECOND_LEVEL = "second level"
    ACROSS = "across blocks"


@dataclass(frozen=True, slots=True)
class Mention:
    """One of the two mentions, as its source shows it."""

    work: str
    position: int
    name: str
    title: str
    venue: str | None
    year: int | None
    block: str


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of the two mentions that the decision was about.

    ``first_a`` and ``first_b`` count the mentions of their first-level groups, ``size_a`` and
    ``size_b`` of the groups last compared: the second level joins in rounds. ``score`` is None
    where one first-level group holds both, where names alone keep the groups apart, and in a
    crowded block or a large corpus where no two of their mentions have enough in common.
    """

    first_a: int
    first_b: int
    size_a: int
    size_b: int
    together: bool
    score: Score | None

    @property
    def uncompared(self) -> bool:
        """Whether the groups were never compared."""
        return not self.together and self.score is None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two mentions are one identity, or are two.

    ``probability`` is the evidence's, whatever a constraint says: of the pair within one
    first-level group, else of the two groups; 0 where names keep them apart. ``because`` tells
    the decision in sentences.
    """

    a: Mention
    b: Mention
    same: bool
    probability: float
    decided_by: Decider
    because: tuple[str, ...]
    same_block: bool
    pair: Score
    groups: Groups

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``json.dumps``, with the sums of the themes."""
        document = asdict(self)
        document["pair"]["themes"] = dict(self.pair.themes())
        if self.groups.score is not None:
            document["groups"]["score"]["themes"] = dict(self.groups.score.themes())
        return document


def explain(
    corpus: Corpus,
    model: Model,
    a: Signature,
    b: Signature,
    constraints: Sequence[Constraint] = (),
    *,
    identifiers: bool = True,
) -> Explanation:
    """Take apart the decision about two mentions.

    They may be in different blocks; joins of identities by way of a third block are not
    followed.

    Parameters
    ----------
    corpus : Corpus
    model : Model
        The one the clusters were made with.
    a, b : Signature
    constraints, identifiers
        As for :class:`disambig.Disambiguator`.

    Raises
    ------
    InputError
        A mention does not exist, or both are the same.
    ConstraintError
        The constraints contradict each other or name unknown mentions.
    ModelError
        The model does not fit this version.
    """
    row_a, row_b = corpus.row_of(a), corpus.row_of(b)
    if row_a == row_b:
        raise InputError(f"{a} is named twice; name two different mentions to compare")
    model.check_features(PAIR_FEATURES, GROUP_FEATURES)
    compiled = compile_constraints(corpus, constraints, identifiers=identifiers)
    index = CorpusIndex.of(corpus, SemanticSpace.load(), model.frequency)
    stated = compile_constraints(corpus, constraints, identifiers=False)
    return explain_rows(index, model, row_a, row_b, compiled, stated)


def explain_rows(
    index: CorpusIndex,
    model: Model,
    row_a: int,
    row_b: int,
    compiled: Constraints,
    stated: Constraints,
) -> Explanation:
    """Take apart the decision about two different signature rows of an index.

    Parameters
    ----------
    index : CorpusIndex
        Of a corpus, or of some blocks of one with the statistics of the whole.
    compiled : Constraints
        In force.
    stated : Constraints
        Those of them that people state, without identifiers.
    """
    corpus = index.corpus
    found = trace(index, model, compiled, row_a, row_b)
    pair = score_of(
        model.pair,
        model.pair_calibration,
        found.pair,
        pair_phrase,
        Facts(index, np.array([row_a], dtype=np.int32), np.array([row_b], dtype=np.int32)),
        model.pair_growth,
    )
    groups = _groups(index, model, found)
    rule = _rule(corpus, compiled, stated, row_a, row_b)
    decider, because = rule or _evidence(corpus, found, pair, groups)
    return Explanation(
        a=_mention(corpus, row_a),
        b=_mention(corpus, row_b),
        same=found.same,
        probability=ABSENT if groups.uncompared else (groups.score or pair).probability,
        decided_by=decider,
        because=because,
        same_block=found.same_block,
        pair=pair,
        groups=groups,
    )


def parse_mention(text: str) -> Signature:
    """The mention ``WORK:POSITION``; the id of the work may itself hold colons.

    Raises
    ------
    InputError
        There is no colon, no id before it, or no count after it.

    >>> parse_mention("doi:10.1/x:2")
    Signature(work='doi:10.1/x', position=2)
    """
    work, colon, position = text.rpartition(":")
    if not colon or not work or not (position.isascii() and position.isdigit()):
        raise InputError(
            f"{text!r} is no author mention; write WORK:POSITION, the id of a work and the place "
            "of the author on it, counted from 0"
        )
    if len(position) > 9:
        raise InputError(f"{text!r}: no work has that many authors")
    return Signature(work, int(position))


def _mention(corpus: Corpus, row: int) -> Mention:
    signature, work = corpus.signature(row), corpus.signature_work[row]
    year = corpus.years[work]
    return Mention(
        work=signature.work,
        position=signature.position,
        name=corpus.printed_name(row),
        title=corpus.titles[work],
        venue=corpus.venues[work] or None,
        year=None if np.isnan(year) else int(year),
        block=primary_key(corpus.names[corpus.signature_name[row]]),
    )


def _groups(index: CorpusIndex, model: Model, found: Trace) -> Groups:
    sizes = found.first_a, found.first_b, len(found.group_a), len(found.group_b)
    if found.group is None:
        return Groups(*sizes, together=found.group_a is found.group_b, score=None)
    score = score_of(
        model.group,
        model.group_calibration,
        found.group,
        group_phrase,
        Facts(index, found.group_a, found.group_b),
        model.group_growth,
    )
    return Groups(*sizes, together=False, score=score)


def _rule(
    corpus: Corpus, compiled: Constraints, stated: Constraints, a: int, b: int
) -> tuple[Decider, tuple[str, ...]] | None:
    """What settles the pair whatever the evidence; ``stated`` is without identifiers."""
    if _bound(compiled, a, b):
        if _bound(stated, a, b):
            return Decider.MUST, ("Must-link constraints say that they are one person.",)
        return Decider.IDENTIFIER, (
            "They carry the same ORCID iD or e-mail address, themselves or by way of mentions"
            " that do.",
        )
    if not _banned(corpus, compiled, a, b):
        return None
    if {a, b} in ({int(i), int(j)} for i, j in stated.cannot):
        return Decider.CANNOT, ("A cannot-link constraint says that they are two persons.",)
    if corpus.signature_work[a] == corpus.signature_work[b]:
        return Decider.SAME_WORK, ("They are two authors of one work, so they are two persons.",)
    if _banned(corpus, stated, a, b):
        return Decider.CANNOT, (
            "A mention that one of them must be one with cannot be one person with the other.",
        )
    return Decider.IDENTIFIER, (
        "Their ORCID iDs differ, or those of mentions that they must be one with.",
    )


def _bound(constraints: Constraints, a: int, b: int) -> bool:
    return bool(constraints.must[a] >= 0 and constraints.must[a] == constraints.must[b])


def _banned(corpus: Corpus, constraints: Constraints, a: int, b: int) -> bool:
    two = np.array([0], dtype=np.int32), np.array([1], dtype=np.int32)
    both = PairBatch.unlisted([np.array([a, b], dtype=np.int32)])
    return bool(Bonds.of(both, constraints).barred(*two).any())


def _evidence(
    corpus: Corpus, found: Trace, pair: Score, groups: Groups
) -> tuple[Decider, tuple[str, ...]]:
    if groups.together:
        return Decider.FIRST_LEVEL, _one_group(found, pair)
    if groups.score is None:
        return _uncompared(found)
    if found.same_block:
        return Decider.SECOND_LEVEL, _two_groups(corpus, found, groups.score)
    return Decider.ACROSS, _two_blocks(corpus, found, groups.score)


def _uncompared(found: Trace) -> tuple[Decider, tuple[str, ...]]:
    if found.agree:
        decider = Decider.TOO_LITTLE
        apart = "Many bear such a name, and they have too little else in common"
        so = "so they were not compared more closely"
    else:
        decider, apart = Decider.NAMES, "Their names could not be one person's"
        so = "so nothing else was compared"
    if found.same:
        return Decider.SECOND_LEVEL, (
            f"{apart}, but other mentions of the block fit both and join the two.",
        )
    return decider, (f"{apart}, {so}.",)


def _one_group(found: Trace, pair: Score) -> tuple[str, ...]:
    size = counted(len(found.group_a), "mention")
    told = [
        f"The first level, which joins only what is almost certain, put both in one group of"
        f" {size}."
    ]
    if pair.probability < found.needed:
        told.append(
            f"This pair alone reaches {percent(pair.probability)} of the {percent(found.needed)}"
            " that needs: the other mentions of the group link the two."
        )
    return tuple(told)


def _two_groups(corpus: Corpus, found: Trace, score: Score) -> tuple[str, ...]:
    sizes = f"{found.first_a:,} and {found.first_b:,} mentions"
    probability, needed = percent(score.probability), percent(found.needed)
    told = [f"The first level put them in two groups, of {sizes}."]
    grown = len(found.group_a), len(found.group_b)
    if grown != (found.first_a, found.first_b):
        told.append(f"The second level let these grow to {grown[0]:,} and {grown[1]:,}.")
    chance = f"The second level finds it {probability} probable that these are one person"
    enough = score.probability >= found.needed
    if found.same and enough:
        told.append(f"{chance}, {needed} are needed, and joins them.")
    elif found.same:
        told.append(
            f"{chance}, less than the {needed} needed, but further groups of the block"
            " fit both and join the two."
        )
    elif found.barred is not None:
        told += [f"{chance}.", _bar(corpus, found.barred)]
    elif enough:
        told.append(
            f"{chance}, {needed} are needed; but together with the groups joined before,"
            " the average is below."
        )
    else:
        told.append(f"{chance}; {needed} are needed to join them.")
    return tuple(told)


def _two_blocks(corpus: Corpus, found: Trace, score: Score) -> tuple[str, ...]:
    sizes = f"{len(found.group_a):,} and {len(found.group_b):,} mentions"
    probability, needed = percent(score.probability), percent(found.needed)
    told = [
        f"Their names are filed in different blocks, where they are among {sizes} of one"
        " person each."
    ]
    chance = f"As a pair, these are one person with {probability}"
    if found.same and score.probability >= found.needed and found.proposed:
        told.append(f"{chance}; {needed} are needed across blocks, so they are joined.")
    elif found.same:
        told.append(f"{chance}; a must-link between other mentions of theirs joins them.")
    elif found.barred is not None:
        told += [f"{chance}.", _bar(corpus, found.barred)]
    elif not found.proposed:
        told.append(
            f"{chance}; but neither their names nor their co-authors make them candidates"
            " for a join across blocks."
        )
    elif score.probability >= found.needed:
        told.append(
            f"{chance}, but another join across these blocks, with"
            f" {percent(found.rival)}, goes first."
        )
    else:
        told.append(f"{chance}; {needed} are needed across blocks.")
    return tuple(told)


def _bar(corpus: Corpus, barred: tuple[int, int]) -> str:
    a, b = (corpus.signature(row) for row in barred)
    if a.work == b.work:
        return f"But both have an author on {a.work} ({a} and {b}): they stay apart."
    return f"But {a} and {b} cannot be one person: the two groups stay apart."


def percent(probability: float) -> str:
    """A probability in per cent that never claims certainty.

    >>> percent(0.5), percent(0.987), percent(0.99996), percent(0.00001)
    ('50%', '98.7%', '>99.9%', '<0.1%')
    """
    value = 100 * probability
    if value >= 99.95 or value < 0.05:
        return ">99.9%" if value > 50 else "<0.1%"
    return f"{value:.1f}".removesuffix(".0") + "%"
