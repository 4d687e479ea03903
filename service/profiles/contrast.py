"""Explain why signatures of one name belong to one identity, and others to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import nsmallest
from typing import Any

from service.profiles import aggregates
from service.profiles.aggregates import CoauthorKey, SignatureRow
from service.profiles.results import Contrast, Reason, ReasonKind

N_SIMILAR = 2
"""Similar identities that each identity is contrasted with."""
MAX_HOLDERS = 20
"""Most identities of a page that share a feature which still counts as similarity."""
_MAX_TEXT = 80
_NOUNS: dict[ReasonKind, tuple[str, str]] = {
    "coauthors": ("co-author", "co-authors"),
    "affiliation": ("affiliation", "affiliations"),
    "venue": ("venue", "venues"),
    "topic": ("word of titles", "words of titles"),
}
"""Singular and plural."""


@dataclass(frozen=True)
class IdentityEvidence:
    """An identity's signatures of one name, and the other authors of their works.

    Attributes
    ----------
    papers : list of SignatureRow
        One signature of each work, the newest first.
    by_work : dict
        The other authors of each work.
    coauthors : Counter
        Number of joint works by co-author.
    """

    id: str
    mentions: list[SignatureRow]
    papers: list[SignatureRow]
    by_work: dict[int, list[CoauthorKey]]
    coauthors: Counter[CoauthorKey]

    @classmethod
    def build(
        cls,
        self_key: CoauthorKey,
        public_id: str,
        mentions: list[SignatureRow],
        authors: Mapping[int, list[CoauthorKey]],
    ) -> IdentityEvidence:
        """Build from signatures and the authors of all works."""
        papers = aggregates.list_papers(mentions)
        by_work = {
            p.work: [other for other in dict.fromkeys(authors.get(p.work, ())) if other != self_key]
            for p in papers
        }
        coauthors = Counter(
            other for authors_of_work in by_work.values() for other in authors_of_work
        )
        return cls(public_id, mentions, papers, by_work, coauthors)

    @cached_property
    def venues(self) -> Counter[str]:
        """Number of works by venue."""
        return Counter(p.venue for p in self.papers if p.venue)

    @cached_property
    def affiliations(self) -> Counter[str]:
        """Number of signatures by affiliation."""
        return Counter(m.affiliation for m in self.mentions if m.affiliation)

    @cached_property
    def words(self) -> Counter[str]:
        """Number of works by word of the title."""
        return aggregates.count_title_words(self.papers)

    @cached_property
    def orcids(self) -> Counter[str]:
        """Number of signatures by printed ORCID iD."""
        return Counter(m.orcid for m in self.mentions if m.orcid)

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """First and last year; None if no year is known."""
        years = [p.year for p in self.papers if p.year is not None]
        return (min(years), max(years)) if years else None


def list_common_evidence(
    identity: IdentityEvidence, names: Mapping[CoauthorKey, str]
) -> list[Reason]:
    """List the evidence that the signatures are one person's, the strongest first."""
    n = len(identity.papers)
    reasons = []
    n_decided = sum(1 for m in identity.mentions if m.origin == "decision")
    if n_decided:
        text = f"people decided {_count_noun(n_decided, 'mention', 'mentions')}"
        reasons.append(_make_reason("decision", n_decided, text))
    if n < 2:
        return reasons
    for orcid, k in aggregates.take_most_frequent(identity.orcids, 1):
        if k > 1:
            reasons.append(_make_reason("orcid", k, f"{k} mentions bear the ORCID iD {orcid}"))
    repeated = {other for other, k in identity.coauthors.items() if k > 1}
    n_joined = sum(1 for authors in identity.by_work.values() if not repeated.isdisjoint(authors))
    if n_joined:
        best = [
            f"{_shorten(names[other])} on {k}"
            for other, k in aggregates.take_most_frequent(identity.coauthors, 3)
            if k > 1 and other in names
        ]
        text = f"{n_joined} of {n} papers share a co-author with another: {', '.join(best)}"
        reasons.append(_make_reason("coauthors", n_joined, text))
    checks: tuple[tuple[ReasonKind, Counter[str], str], ...] = (
        ("affiliation", identity.affiliations, "state the affiliation"),
        ("venue", identity.venues, "appeared in"),
        ("topic", identity.words, "have in the title"),
    )
    for kind, counts, verb in checks:
        for text, k in aggregates.take_most_frequent(counts, 1):
            if k > 1:
                description = f"{k} of {n} papers {verb} “{_shorten(text)}”"
                reasons.append(_make_reason(kind, k, description))
    return reasons


def contrast_similar(
    identities: Sequence[IdentityEvidence], names: Mapping[CoauthorKey, str]
) -> dict[str, list[Contrast]]:
    """Contrast each identity with the most similar other identities of the page.

    Similarity counts shared co-authors, affiliations, venues and words of titles, without those
    that more than :data:`MAX_HOLDERS` identities have.
    """
    features = [_weigh_features(identity) for identity in identities]
    holders: dict[object, list[int]] = {}
    for k, weights in enumerate(features):
        for feature in weights:
            holders.setdefault(feature, []).append(k)
    contrasts = {}
    for k, identity in enumerate(identities):
        score: Counter[int] = Counter()
        for feature, weight in features[k].items():
            sharing = holders[feature]
            if 1 < len(sharing) <= MAX_HOLDERS:
                for other in sharing:
                    score[other] += weight
        del score[k]
        for other in range(len(identities)):  # fill up with identities that share nothing
            if len(score) >= N_SIMILAR:
                break
            if other != k:
                score.setdefault(other, 0)
        nearest = sorted(score, key=lambda other: (-score[other], other))[:N_SIMILAR]
        contrasts[identity.id] = [contrast(identity, identities[other], names) for other in nearest]
    return contrasts


def contrast(
    a: IdentityEvidence, b: IdentityEvidence, names: Mapping[CoauthorKey, str]
) -> Contrast:
    """List the evidence against two identities being one person, and what they share.

    A feature that either lacks (no affiliation, for example) is no evidence.
    """
    against, shared = [], []
    common_works = {p.work for p in a.papers} & {p.work for p in b.papers}
    if common_works:
        text = f"both are on {_count_noun(len(common_works), 'paper', 'papers')}"
        against.append(_make_reason("paper", len(common_works), text))
    if a.orcids and b.orcids and not a.orcids.keys() & b.orcids.keys():
        against.append(_make_reason("orcid", 0, "their ORCID iDs differ"))
    if a.span and b.span and (a.span[1] < b.span[0] or b.span[1] < a.span[0]):
        text = f"years do not meet: {_format_years(a.span)} and {_format_years(b.span)}"
        against.append(_make_reason("years", 0, text))
    checks: tuple[tuple[ReasonKind, Iterable[Any], Iterable[Any], Callable[[Any], str]], ...] = (
        ("coauthors", a.coauthors, b.coauthors, lambda other: names.get(other, "one unnamed")),
        ("affiliation", a.affiliations, b.affiliations, str),
        ("venue", a.venues, b.venues, str),
        ("topic", a.words, b.words, str),
    )
    for kind, of_a, of_b, to_text in checks:
        values_a, values_b = set(of_a), set(of_b)
        common = values_a & values_b
        if common:
            first = ", ".join(_shorten(text) for text in nsmallest(3, map(to_text, common)))
            counted_noun = _count_noun(len(common), *_NOUNS[kind])
            shared.append(_make_reason(kind, len(common), f"share {counted_noun}: {first}"))
        elif values_a and values_b:
            against.append(_make_reason(kind, 0, f"no {_NOUNS[kind][1]} in common"))
    return Contrast(from_=b.id, reasons=against, shared=shared)


def _weigh_features(identity: IdentityEvidence) -> dict[object, int]:
    weights: dict[object, int] = {("c", other): 8 for other in identity.coauthors}
    weights.update({("a", text): 4 for text in identity.affiliations})
    weights.update({("v", text): 2 for text in identity.venues})
    weights.update({("w", word): 1 for word in identity.words})
    return weights


def _make_reason(kind: ReasonKind, n: int, text: str) -> Reason:
    return Reason(kind=kind, count=n, text=text)


def _count_noun(n: int, singular: str, plural: str) -> str:
    return f"{n} {singular if n == 1 else plural}"


def _format_years(span: tuple[int, int]) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]} to {span[1]}"


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
