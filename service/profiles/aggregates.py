"""Aggregate the signatures of an identity: names, years, venues, topics, affiliations, co-authors.

Pages of identities and of names share these functions, so that they agree.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from service.db.bulk import is_in
from service.db.tables import Identity, Membership, Name, Signature, Work
from service.profiles.results import (
    AffiliationCount,
    Citations,
    Coauthor,
    NameUsed,
    Paper,
    TopicCount,
    VenueCount,
)

MAX_WORK_AUTHORS = 100
"""Most authors of a work that counts for co-authorship; larger works are no evidence of it."""
MAX_COAUTHORS = 20_000
"""Most authors that are read for the co-authors of one page."""
_WORD = re.compile(r"[^\W\d_]{3,40}")
_COMMON_TEXT = """
    a about after all also among an analysis and any applied approach approaches are as at based
    be been between beyond both but by can case data der die does during effect effects een et
    evidence first for from has have how il in into is it its la le les los method methods model
    models more new not novel of on or our over paper problem problems process results review
    some study studies system systems than that the their them there these they this through to
    toward towards two under und une use used using via was we were what when where which who why
    will with within without work you your"""
_COMMON = frozenset(_COMMON_TEXT.split())
"""Words of titles that are no topic."""

K = TypeVar("K")
CoauthorKey = tuple[bool, int]
"""A co-author: True and the key of an identity, or False and the key of an unassigned name."""


class SignatureRow(NamedTuple):
    """A signature with its membership and its work."""

    identity: int | None
    signature: int
    position: int
    printed: str
    affiliation: str | None
    orcid: str | None
    confidence: float | None
    origin: str | None
    work: int
    work_id: str
    title: str
    venue: str | None
    year: int | None
    citations: int | None
    n_authors: int


def select_signatures() -> Select[*tuple[Any, ...]]:
    """Select the columns of :class:`SignatureRow`; exclude retired signatures."""
    query = (
        select(
            Membership.identity_key,
            Signature.key,
            Signature.position,
            Signature.printed,
            Signature.affiliation,
            Signature.orcid,
            Membership.confidence,
            Membership.origin,
            Work.key,
            Work.id,
            Work.title,
            Work.venue,
            Work.year,
            Work.citations,
            Work.n_authors,
        )
        .select_from(Signature)
        .join(Work, Work.key == Signature.work_key)
        .outerjoin(Membership, Membership.signature_key == Signature.key)
        .where(Signature.retired_version.is_(None))
    )
    return query


def read_signatures(connection: Connection, *conditions: ColumnElement[bool]) -> list[SignatureRow]:
    """Read the signatures that meet the conditions."""
    rows = connection.execute(select_signatures().where(*conditions)).all()
    return [SignatureRow._make(row) for row in rows]


def list_papers(mentions: Iterable[SignatureRow]) -> list[SignatureRow]:
    """Return one signature of each work, the newest works first."""
    first: dict[int, SignatureRow] = {}
    for mention in mentions:
        first.setdefault(mention.work, mention)
    return sorted(first.values(), key=_sort_newest_first)


def _sort_newest_first(mention: SignatureRow) -> tuple[int, str, str]:
    return -(mention.year or -1), mention.title, mention.work_id


def take_most_frequent(counts: Mapping[K, int], n: int) -> list[tuple[K, int]]:
    """Return the ``n`` largest counts; ties come in the order of their keys."""
    if not counts:
        return []
    threshold = heapq.nlargest(n, counts.values())[-1]
    above = [entry for entry in counts.items() if entry[1] > threshold]
    above.sort(key=lambda entry: (-entry[1], entry[0]))
    # most keys are tied at one: sort only the first few of them
    tied: Any = (key for key, count in counts.items() if count == threshold)
    return above + [(key, threshold) for key in heapq.nsmallest(n - len(above), tied)]


def count_years(papers: Iterable[SignatureRow]) -> dict[int, int]:
    """Count works by year, in the order of years."""
    return dict(sorted(Counter(p.year for p in papers if p.year is not None).items()))


def count_names(mentions: Iterable[SignatureRow], n: int = 20) -> list[NameUsed]:
    """Count signatures by printed name."""
    counts = Counter(m.printed for m in mentions)
    return [NameUsed(name=name, mentions=k) for name, k in take_most_frequent(counts, n)]


def count_venues(papers: Iterable[SignatureRow], n: int = 10) -> list[VenueCount]:
    """Count works by venue."""
    counts = Counter(p.venue for p in papers if p.venue)
    return [VenueCount(venue=venue, works=k) for venue, k in take_most_frequent(counts, n)]


def split_title(title: str) -> set[str]:
    """Return the words of a title without common words."""
    return set(_WORD.findall(title.casefold())) - _COMMON


def count_title_words(papers: Iterable[SignatureRow]) -> Counter[str]:
    """Count works by word of the title."""
    counts: Counter[str] = Counter()
    for p in papers:
        counts.update(split_title(p.title))
    return counts


def count_topics(papers: Sequence[SignatureRow], n: int = 10) -> list[TopicCount]:
    """Count works by the most frequent title words; words of one work only for few works."""
    counts = count_title_words(papers)
    minimum = 1 if len(papers) < 4 else 2
    return [
        TopicCount(word=word, works=k) for word, k in take_most_frequent(counts, n) if k >= minimum
    ]


def summarize_affiliations(mentions: Iterable[SignatureRow], n: int = 10) -> list[AffiliationCount]:
    """Return affiliations with number of works, first and last year."""
    works: dict[str, dict[int, int | None]] = {}
    for m in mentions:
        if m.affiliation:
            works.setdefault(m.affiliation, {})[m.work] = m.year
    counts = {text: len(work_years) for text, work_years in works.items()}
    affiliations = []
    for text, k in take_most_frequent(counts, n):
        first, last = compute_span(works[text].values())
        affiliations.append(
            AffiliationCount(affiliation=text, works=k, first_year=first, last_year=last)
        )
    return affiliations


def compute_span(years: Iterable[int | None]) -> tuple[int | None, int | None]:
    """Return the first and the last year; None if no year is known."""
    known_years = [year for year in years if year is not None]
    return min(known_years, default=None), max(known_years, default=None)


def summarize_citations(papers: Iterable[SignatureRow]) -> Citations | None:
    """Return total citations and h-index of works with known citations; None without any."""
    counts = sorted((p.citations for p in papers if p.citations is not None), reverse=True)
    if not counts:
        return None
    h = sum(1 for rank, count in enumerate(counts, 1) if count >= rank)
    return Citations(total=sum(counts), h_index=h, works_known=len(counts))


def average_confidence(mentions: Iterable[SignatureRow]) -> float | None:
    """Return the mean confidence of the memberships; None without any."""
    confidences = [m.confidence for m in mentions if m.confidence is not None]
    return round(sum(confidences) / len(confidences), 4) if confidences else None


def to_paper(mention: SignatureRow) -> Paper:
    """Return a signature as an entry of a list of works."""
    return Paper(
        work=mention.work_id,
        position=mention.position,
        name=mention.printed,
        title=mention.title,
        venue=mention.venue,
        year=mention.year,
        citations=mention.citations,
        authors=mention.n_authors,
        confidence=mention.confidence,
        origin=mention.origin,
    )


def read_coauthors(
    connection: Connection, mentions: Iterable[SignatureRow]
) -> dict[int, list[CoauthorKey]]:
    """Return all authors of each of the works with at most :data:`MAX_WORK_AUTHORS` authors.

    Beyond :data:`MAX_COAUTHORS` authors in total, only those of the works with fewest authors.
    """
    sizes = {m.work: m.n_authors for m in mentions if m.n_authors <= MAX_WORK_AUTHORS}
    works: list[int] = []
    total = 0
    for work, size in sorted(sizes.items(), key=lambda entry: (entry[1], entry[0])):
        total += size
        if total > MAX_COAUTHORS:
            break
        works.append(work)
    query = (
        select(Signature.work_key, Membership.identity_key, Signature.name_key)
        .outerjoin(Membership, Membership.signature_key == Signature.key)
        .where(is_in(connection, Signature.work_key, works), Signature.retired_version.is_(None))
    )
    coauthors: dict[int, list[CoauthorKey]] = {}
    for work, identity, name in connection.execute(query).all():
        other = (False, name) if identity is None else (True, identity)
        coauthors.setdefault(work, []).append(other)
    return coauthors


def read_coauthor_names(
    connection: Connection, coauthors: Iterable[CoauthorKey]
) -> dict[CoauthorKey, tuple[str | None, str]]:
    """Return id (None if unassigned) and name of co-authors."""
    unique_keys = set(coauthors)
    identities = [key for is_identity, key in unique_keys if is_identity]
    names = [key for is_identity, key in unique_keys if not is_identity]
    names_by_key: dict[CoauthorKey, tuple[str | None, str]] = {}
    query = select(Identity.key, Identity.id, Identity.name)
    for key, public, name in connection.execute(
        query.where(is_in(connection, Identity.key, identities))
    ):
        names_by_key[True, key] = (public, name)
    if names:
        printed = select(Name.key, Name.printed).where(is_in(connection, Name.key, names))
        for key, name in connection.execute(printed):
            names_by_key[False, key] = (None, name)
    return names_by_key


def list_coauthors(
    connection: Connection,
    identity_key: int,
    limit: int,
    after: tuple[int, str] | None = None,
) -> tuple[list[Coauthor], int]:
    """Return co-authors as identities, and the number from this page on.

    Parameters
    ----------
    after : (int, str) or None
        Number of joint works and id of the last co-author on the previous page.
    """
    values: dict[str, Any] = {"identity_key": identity_key, "most": limit}
    if after is not None:
        values["works"], values["public"] = after
    rows = connection.execute(_build_query(after is not None), values).all()
    items = [
        Coauthor(
            id=row.id,
            name=row.name,
            works=row.works,
            first_year=row.first_year,
            last_year=row.last_year,
        )
        for row in rows
    ]
    return items, rows[0].left if rows else 0


@cache
def _build_query(has_cursor: bool) -> Select[*tuple[Any, ...]]:
    """Build the query once: building aliases takes longer than reading a small result."""
    grouped = _count_by_identity()
    query = (
        select(
            Identity.id,
            Identity.name,
            grouped.c.works,
            grouped.c.first_year,
            grouped.c.last_year,
            func.count().over().label("left"),
        )
        .join(Identity, Identity.key == grouped.c.identity_key)
        .order_by(grouped.c.works.desc(), Identity.id)
        .limit(bindparam("most", type_=Integer))
    )
    if has_cursor:
        works, public = bindparam("works", type_=BigInteger), bindparam("public", type_=Text)
        same = and_(grouped.c.works == works, Identity.id > public)
        query = query.where(or_(grouped.c.works < works, same))
    return query


def _count_by_identity() -> Subquery:
    own_membership, own_signature = aliased(Membership), aliased(Signature)
    membership, signature = aliased(Membership), aliased(Signature)
    identity = bindparam("identity_key", type_=BigInteger)
    return (
        select(
            membership.identity_key.label("identity_key"),
            func.count(func.distinct(Work.key)).label("works"),
            func.min(Work.year).label("first_year"),
            func.max(Work.year).label("last_year"),
        )
        .select_from(own_membership)
        .join(own_signature, own_signature.key == own_membership.signature_key)
        .join(Work, Work.key == own_signature.work_key)
        .join(signature, signature.work_key == Work.key)
        .join(membership, membership.signature_key == signature.key)
        .where(
            own_membership.identity_key == identity,
            membership.identity_key != identity,
            signature.retired_version.is_(None),
            Work.n_authors <= MAX_WORK_AUTHORS,
        )
        .group_by(membership.identity_key)
        .subquery()
    )
