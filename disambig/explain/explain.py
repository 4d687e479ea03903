"""Explain why two author mentions are, or are not, one person.

Only the blocks of the two mentions are clustered, with the statistics of the whole corpus, so
the scores equal those of a full run. The log-odds of a gradient-boosted forest are a sum over
features (:meth:`disambig.model.forest.Forest.contributions`); together with the shift of the
calibration, this sum is the log-odds of the probability shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from disambig.blocking.blocks import make_block_key
from disambig.blocking.pairs import PairBatch
from disambig.clustering.batch import check_model
from disambig.clustering.constraints import Constraints, compile_constraints
from disambig.clustering.two_level import BatchConstraints
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.domain import Constraint, Signature
from disambig.errors import InputError
from disambig.explain.contributions import Score, decompose_score
from disambig.explain.facts import Facts
from disambig.explain.phrases import format_count, get_group_phrase, get_pair_phrase
from disambig.explain.trace import Trace, trace_pair
from disambig.features.groups import UNLISTED_PROBABILITY
from disambig.model.model import Model


class Decider(StrEnum):
    """The rule or stage that decided whether two mentions are one person."""

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
class ExplainedMention:
    """One of the two mentions, as printed in its source."""

    work: str
    position: int
    name: str
    title: str
    venue: str | None
    year: int | None
    block: str


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of the two mentions that the decision compared.

    ``first_a`` and ``first_b`` count the mentions of their first-level groups, ``size_a`` and
    ``size_b`` those of the groups compared last: the second level joins in rounds. ``score`` is
    None where one first-level group contains both, where incompatible names keep the groups apart,
    and in a crowded block or a large corpus where no two of their mentions have enough in common.
    """

    first_a: int
    first_b: int
    size_a: int
    size_b: int
    together: bool
    score: Score | None

    @property
    def is_uncompared(self) -> bool:
        """Whether the groups were not compared."""
        return not self.together and self.score is None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two mentions are one identity, or are two.

    ``probability`` follows from the evidence alone, without constraints: that of the pair within
    one first-level group, else that of the two groups; 0 where names keep them apart. ``because``
    states the reasons of the decision, one sentence each.
    """

    a: ExplainedMention
    b: ExplainedMention
    same: bool
    probability: float
    decided_by: Decider
    because: tuple[str, ...]
    same_block: bool
    pair: Score
    groups: Groups

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for ``json.dumps``, including the sums of the themes."""
        document = asdict(self)
        document["pair"]["themes"] = dict(self.pair.sum_themes())
        if self.groups.score is not None:
            document["groups"]["score"]["themes"] = dict(self.groups.score.sum_themes())
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
    """Explain the decision about two mentions.

    They may be in different blocks; joins of identities through a third block are not traced.

    Parameters
    ----------
    corpus : Corpus
    model : Model
        The model that made the clusters.
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
        raise InputError(f"{a} is given twice; give two different mentions to compare")
    check_model(model)
    in_force = compile_constraints(corpus, constraints, identifiers=identifiers)
    index = CorpusIndex.from_corpus(corpus, SemanticSpace.load(), model.frequency)
    explicit = compile_constraints(corpus, constraints, identifiers=False)
    return explain_rows(index, model, row_a, row_b, in_force, explicit)


def explain_rows(
    index: CorpusIndex,
    model: Model,
    row_a: int,
    row_b: int,
    constraints: Constraints,
    explicit: Constraints,
) -> Explanation:
    """Explain the decision about two different signature rows of an index.

    Parameters
    ----------
    index : CorpusIndex
        Of a corpus, or of some of its blocks with the statistics of the whole corpus.
    constraints : Constraints
        All constraints in force.
    explicit : Constraints
        The constraints given as input, without those that identifiers imply.
    """
    corpus = index.corpus
    trace = trace_pair(index, model, constraints, row_a, row_b)
    pair = decompose_score(
        model.pair,
        model.pair_calibration,
        trace.pair,
        get_pair_phrase,
        Facts(index, np.array([row_a], dtype=np.int32), np.array([row_b], dtype=np.int32)),
        model.pair_size_shift,
    )
    groups = _explain_groups(index, model, trace)
    rule = _find_rule(corpus, constraints, explicit, row_a, row_b)
    decider, because = rule or _explain_evidence(corpus, trace, pair, groups)
    return Explanation(
        a=_describe_mention(corpus, row_a),
        b=_describe_mention(corpus, row_b),
        same=trace.same,
        probability=UNLISTED_PROBABILITY
        if groups.is_uncompared
        else (groups.score or pair).probability,
        decided_by=decider,
        because=because,
        same_block=trace.same_block,
        pair=pair,
        groups=groups,
    )


def parse_mention(text: str) -> Signature:
    """Parse a mention ``WORK:POSITION``; the id of the work may contain colons.

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
            f"{text!r} is not an author mention; write WORK:POSITION, the id of a work and the "
            "position of the author on it, counted from 0"
        )
    if len(position) > 9:
        raise InputError(
            f"{text!r}: the position has more than 9 digits; no work has that many authors"
        )
    return Signature(work, int(position))


def _describe_mention(corpus: Corpus, row: int) -> ExplainedMention:
    signature, work = corpus.signature(row), corpus.signature_work[row]
    year = corpus.years[work]
    return ExplainedMention(
        work=signature.work,
        position=signature.position,
        name=corpus.printed_name(row),
        title=corpus.titles[work],
        venue=corpus.venues[work] or None,
        year=None if np.isnan(year) else int(year),
        block=make_block_key(corpus.names[corpus.signature_name[row]]),
    )


def _explain_groups(index: CorpusIndex, model: Model, trace: Trace) -> Groups:
    sizes = trace.first_size_a, trace.first_size_b, len(trace.group_a), len(trace.group_b)
    if trace.group is None:
        return Groups(*sizes, together=trace.group_a is trace.group_b, score=None)
    score = decompose_score(
        model.group,
        model.group_calibration,
        trace.group,
        get_group_phrase,
        Facts(index, trace.group_a, trace.group_b),
        model.group_size_shift,
    )
    return Groups(*sizes, together=False, score=score)


def _find_rule(
    corpus: Corpus, constraints: Constraints, explicit: Constraints, a: int, b: int
) -> tuple[Decider, tuple[str, ...]] | None:
    """Return the constraint that decides the pair regardless of evidence; None without one.

    ``explicit`` are the constraints without those that identifiers imply.
    """
    if _are_must_linked(constraints, a, b):
        if _are_must_linked(explicit, a, b):
            return Decider.MUST, ("Must-link constraints say that they are one person.",)
        return Decider.IDENTIFIER, (
            "They have the same ORCID iD or e-mail address, directly or through other mentions"
            " that share one.",
        )
    if not _are_cannot_linked(corpus, constraints, a, b):
        return None
    if {a, b} in ({int(i), int(j)} for i, j in explicit.cannot):
        return Decider.CANNOT, ("A cannot-link constraint says that they are two persons.",)
    if corpus.signature_work[a] == corpus.signature_work[b]:
        return Decider.SAME_WORK, ("They are two authors of one work, so they are two persons.",)
    if _are_cannot_linked(corpus, explicit, a, b):
        return Decider.CANNOT, (
            "A mention that one of them must be one with cannot be one person with the other.",
        )
    return Decider.IDENTIFIER, (
        "Their ORCID iDs differ, or those of mentions that they must be one with.",
    )


def _are_must_linked(constraints: Constraints, a: int, b: int) -> bool:
    return bool(constraints.must[a] >= 0 and constraints.must[a] == constraints.must[b])


def _are_cannot_linked(corpus: Corpus, constraints: Constraints, a: int, b: int) -> bool:
    rows = np.array([0], dtype=np.int32), np.array([1], dtype=np.int32)
    batch = PairBatch.without_pairs([np.array([a, b], dtype=np.int32)])
    return bool(BatchConstraints.select(batch, constraints).is_excluded(*rows).any())


def _explain_evidence(
    corpus: Corpus, trace: Trace, pair: Score, groups: Groups
) -> tuple[Decider, tuple[str, ...]]:
    if groups.together:
        return Decider.FIRST_LEVEL, _explain_one_group(trace, pair)
    if groups.score is None:
        return _explain_uncompared(trace)
    if trace.same_block:
        return Decider.SECOND_LEVEL, _explain_two_groups(corpus, trace, groups.score)
    return Decider.ACROSS, _explain_two_blocks(corpus, trace, groups.score)


def _explain_uncompared(trace: Trace) -> tuple[Decider, tuple[str, ...]]:
    if trace.are_names_compatible:
        decider = Decider.TOO_LITTLE
        difference = "Many bear such a name, and they have too little else in common"
        consequence = "so they were not compared more closely"
    else:
        decider, difference = Decider.NAMES, "Their names could not be one person's"
        consequence = "so nothing else was compared"
    if trace.same:
        return Decider.SECOND_LEVEL, (
            f"{difference}, but other mentions of the block fit both and join the two.",
        )
    return decider, (f"{difference}, {consequence}.",)


def _explain_one_group(trace: Trace, pair: Score) -> tuple[str, ...]:
    size = format_count(len(trace.group_a), "mention")
    sentences = [
        f"The first level, which joins only what is almost certain, put both in one group of"
        f" {size}."
    ]
    if pair.probability < trace.threshold:
        sentences.append(
            f"This pair alone reaches {format_percent(pair.probability)} of the"
            f" {format_percent(trace.threshold)} needed: the other mentions of the group link the"
            " two."
        )
    return tuple(sentences)


def _explain_two_groups(corpus: Corpus, trace: Trace, score: Score) -> tuple[str, ...]:
    sizes = f"{trace.first_size_a:,} and {trace.first_size_b:,} mentions"
    probability, threshold = format_percent(score.probability), format_percent(trace.threshold)
    sentences = [f"The first level put them in two groups, of {sizes}."]
    final_sizes = len(trace.group_a), len(trace.group_b)
    if final_sizes != (trace.first_size_a, trace.first_size_b):
        sentences.append(
            f"The second level let these grow to {final_sizes[0]:,} and {final_sizes[1]:,}."
        )
    clause = f"The second level finds it {probability} probable that these are one person"
    is_enough = score.probability >= trace.threshold
    if trace.same and is_enough:
        sentences.append(f"{clause}, {threshold} are needed, and joins them.")
    elif trace.same:
        sentences.append(
            f"{clause}, less than the {threshold} needed, but further groups of the block"
            " fit both and join the two."
        )
    elif trace.exclusion is not None:
        sentences += [f"{clause}.", _explain_exclusion(corpus, trace.exclusion)]
    elif is_enough:
        sentences.append(
            f"{clause}, {threshold} are needed; but together with the groups joined before,"
            " the average is below."
        )
    else:
        sentences.append(f"{clause}; {threshold} are needed to join them.")
    return tuple(sentences)


def _explain_two_blocks(corpus: Corpus, trace: Trace, score: Score) -> tuple[str, ...]:
    sizes = f"{len(trace.group_a):,} and {len(trace.group_b):,} mentions"
    probability, threshold = format_percent(score.probability), format_percent(trace.threshold)
    sentences = [
        f"Their names are filed in different blocks, where they are among {sizes} of one"
        " person each."
    ]
    clause = f"As a pair, these are one person with {probability}"
    if trace.same and score.probability >= trace.threshold and trace.is_candidate:
        sentences.append(f"{clause}; {threshold} are needed across blocks, so they are joined.")
    elif trace.same:
        sentences.append(f"{clause}; a must-link between other mentions of theirs joins them.")
    elif trace.exclusion is not None:
        sentences += [f"{clause}.", _explain_exclusion(corpus, trace.exclusion)]
    elif not trace.is_candidate:
        sentences.append(
            f"{clause}, but neither their names nor their co-authors make them candidates"
            " for a join across blocks."
        )
    elif score.probability >= trace.threshold:
        sentences.append(
            f"{clause}, but another join across these blocks, with"
            f" {format_percent(trace.rival_probability)}, goes first."
        )
    else:
        sentences.append(f"{clause}; {threshold} are needed across blocks.")
    return tuple(sentences)


def _explain_exclusion(corpus: Corpus, rows: tuple[int, int]) -> str:
    a, b = (corpus.signature(row) for row in rows)
    if a.work == b.work:
        return f"But both have an author on {a.work} ({a} and {b}): they stay apart."
    return f"But {a} and {b} cannot be one person: the two groups stay apart."


def format_percent(probability: float) -> str:
    """Format a probability in per cent, never as 0% or 100%.

    >>> percent(0.5), percent(0.987), percent(0.99996), percent(0.00001)
    ('50%', '98.7%', '>99.9%', '<0.1%')
    """
    value = 100 * probability
    if value >= 99.95 or value < 0.05:
        return ">99.9%" if value > 50 else "<0.1%"
    return f"{value:.1f}".removesuffix(".0") + "%"
