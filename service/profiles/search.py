"""Search names with tolerance for typing errors, and the identities that use them.

The words of all names are held in memory, sorted; each search first reads the words added since.
A word of the query matches all known words that begin with it or differ in one letter (from four
letters on) or two (from eight on). One query then finds the names that contain such words.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from service.db.bulk import is_in
from service.db.tables import ExternalId, Identity, Membership, Name, NameWord, Signature
from service.errors import Invalid
from service.profiles.identity import to_entry
from service.profiles.results import IdentityHit, NameHit
from service.text import fold_name, split_search_words
from service.values import UNSET, asdict

MAX_WORDS = 8
"""Most words of a query that count."""
MAX_SIMILAR = 50
"""Most known words that one word of a query matches."""
MAX_CANDIDATES = 2_000
"""Most names that are ranked."""
MAX_LENGTH = 10_000

IdentityOrder = Literal["id", "name", "-name", "works", "-works"]


class Vocabulary:
    """All words of names; thread-safe.

    Candidates for a misspelled word are words of similar length with the same first or last
    letter: one typing error leaves one of them unchanged, two errors nearly always do, and few
    words remain to compare.
    """

    def __init__(self) -> None:
        """Create an empty vocabulary; words are read at the first search."""
        self._lock = threading.Lock()
        self._words: list[str] = []
        self._edges: dict[Edge, list[str]] = {}
        self._last = 0

    def read_words(self, connection: Connection) -> list[str]:
        """Return all words in order, including those of new names; do not modify the list."""
        with self._lock:
            newest = connection.scalar(select(func.max(Name.key))) or 0
            if newest > self._last:
                query = select(NameWord.word).distinct().where(NameWord.name_key > self._last)
                self._add(connection.scalars(query))
                self._last = newest
            return self._words

    def _add(self, words: Iterable[str]) -> None:
        new_words = set(words).difference(self._words)
        edges: dict[Edge, list[str]] = {}
        for word in new_words:
            for edge in _edges(word, len(word)):
                edges.setdefault(edge, []).append(word)
        # new lists: another thread may still read the old ones
        self._words = sorted([*self._words, *new_words])
        self._edges.update(
            (edge, [*self._edges.get(edge, ()), *new]) for edge, new in edges.items()
        )

    def find_similar(self, connection: Connection, word: str) -> dict[str, float]:
        """Return known words that ``word`` may mean with their closeness, 1 for the same word."""
        words = self.read_words(connection)
        closeness: dict[str, float] = {}
        start = bisect_left(words, word)
        if start < len(words) and words[start] == word:
            closeness[word] = 1.0
        if len(word) >= 2:
            for k in range(start, min(start + MAX_SIMILAR, len(words))):
                if not words[k].startswith(word):
                    break
                closeness.setdefault(words[k], 0.9 + 0.09 * len(word) / len(words[k]))
        for other, distance in self._find_misspelled(word):
            close = 1 - distance / max(len(word), len(other))
            closeness[other] = max(closeness.get(other, 0.0), close)
        return closeness

    def _find_misspelled(self, word: str) -> list[tuple[str, int]]:
        errors = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
        if not errors:
            return []
        distances: dict[str, int] = {}
        for length in range(len(word) - errors, len(word) + errors + 1):
            for edge in _edges(word, length):
                among = self._edges.get(edge, ())
                hits = process.extract(
                    word, among, scorer=OSA.distance, score_cutoff=errors, limit=MAX_SIMILAR
                )
                distances.update((other, int(distance)) for other, distance, _ in hits)
        return sorted(distances.items(), key=lambda hit: (hit[1], hit[0]))[:MAX_SIMILAR]


Edge = tuple[int, str, bool]
"""Words of one length with the same first (True) or last (False) letter."""


def _edges(word: str, length: int) -> tuple[Edge, Edge]:
    return (length, word[0], True), (length, word[-1], False)


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A name that matches a query; ``closeness`` is 1 for the same words."""

    key: int
    printed: str
    folded: str
    closeness: float
    mentions: int
    people: int

    def to_response(self) -> NameHit:
        """Return the search result with the path of the name's page."""
        return NameHit(
            name=self.printed,
            folded=self.folded,
            closeness=self.closeness,
            mentions=self.mentions,
            people=self.people,
            page=make_name_path(self.folded),
        )


def make_name_path(name: str) -> str:
    """Return the path of a name's page."""
    return f"/v1/names/{quote(name, safe='')}"


def search_names(connection: Connection, vocabulary: Vocabulary, text: str) -> list[NameMatch]:
    """Search names with all words of a query, or close words; closest and most used first.

    Raises
    ------
    Invalid
        If the query has no letter or digit.
    """
    if len(text) > MAX_LENGTH:
        raise Invalid(
            f"longer than {MAX_LENGTH} characters", "search for a shorter name", field="q"
        )
    query_words = split_search_words(text)[:MAX_WORDS]
    if not query_words:
        raise Invalid("no letter or digit to search for", "give a part of a name", field="q")
    similar_words = [vocabulary.find_similar(connection, word) for word in query_words]
    if not all(similar_words):
        return []
    rows = connection.execute(_select_names(similar_words)).all()
    words = _read_words(connection, [row.key for row in rows])
    folded = fold_name(text)
    closeness = {
        row.key: 1.0
        if row.folded == folded
        else 0.999 * _score_closeness(similar_words, words.get(row.key, []))
        for row in rows
    }
    counts = _count_signatures(connection, closeness)
    hits = [
        NameMatch(row.key, row.printed, row.folded, round(closeness[row.key], 4), *counts[row.key])
        for row in rows
        if row.key in counts
    ]
    return sorted(hits, key=lambda hit: (-hit.closeness, -hit.mentions, hit.folded))


def list_names(connection: Connection, limit: int, after: str | None = None) -> list[NameMatch]:
    """List names in the order of their folded form, from the one after ``after``."""
    query = select(Name.key, Name.printed, Name.folded).order_by(Name.folded).limit(limit)
    if after is not None:
        query = query.where(Name.folded > after)
    rows = connection.execute(query).all()
    counts = _count_signatures(connection, {row.key: 1.0 for row in rows})
    return [
        NameMatch(row.key, row.printed, row.folded, 1.0, *counts.get(row.key, (0, 0)))
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class IdentityFilter:
    """Filter of a list of identities."""

    first: int | None = None
    last: int | None = None
    curated: bool | None = None

    def to_conditions(self) -> list[ColumnElement[bool]]:
        """Return SQL conditions: active identities that published from ``first`` to ``last``."""
        conditions: list[ColumnElement[bool]] = [Identity.status == "active"]
        if self.first is not None:
            conditions.append(Identity.last_year >= self.first)
        if self.last is not None:
            conditions.append(Identity.first_year <= self.last)
        if self.curated is not None:
            conditions.append(Identity.curated.is_(self.curated))
        return conditions


def search_identities(
    connection: Connection, vocabulary: Vocabulary, text: str, filters: IdentityFilter
) -> list[IdentityHit]:
    """Search identities that use a name like ``text``; closest first, then by works."""
    hits = {hit.key: hit for hit in search_names(connection, vocabulary, text)}
    if not hits:
        return []
    query = (
        select(Membership.identity_key, Signature.name_key)
        .join(Signature, Signature.key == Membership.signature_key)
        .where(is_in(connection, Signature.name_key, hits), Signature.retired_version.is_(None))
        .distinct()
    )
    best: dict[int, NameMatch] = {}
    for identity, name in connection.execute(query):
        hit = hits[name]
        if identity not in best or hit.closeness > best[identity].closeness:
            best[identity] = hit
    rows = connection.execute(
        select_entries().where(is_in(connection, Identity.key, best), *filters.to_conditions())
    )
    return sorted((_to_hit(row, best[row.key]) for row in rows), key=rank_identity)


def rank_identity(hit: IdentityHit) -> tuple[float, int, str]:
    """Return the sort key of a search result: closest first, then by works."""
    closeness = 0.0 if hit.closeness is UNSET else hit.closeness
    return -closeness, -hit.n_works, hit.id


def find_by_external_id(connection: Connection, scheme: str, value: str) -> list[IdentityHit]:
    """List active identities with an external id; more than one is a conflict under review."""
    query = (
        select_entries()
        .join(ExternalId, ExternalId.identity_key == Identity.key)
        .where(
            ExternalId.scheme == scheme,
            ExternalId.value == value,
            ExternalId.removed_seq.is_(None),
            Identity.status == "active",
        )
        .distinct()
        .order_by(Identity.id)
    )
    return [_to_hit(row) for row in connection.execute(query)]


def list_identities(
    connection: Connection,
    filters: IdentityFilter,
    limit: int,
    order: IdentityOrder,
    after: str | None = None,
) -> list[IdentityHit]:
    """List active identities in order, from the one after the id ``after``."""
    value = {"id": Identity.id, "name": func.lower(Identity.name), "works": Identity.n_works}[
        order.removeprefix("-")
    ]
    descending = order.startswith("-")
    query = select_entries().where(*filters.to_conditions())
    if after is not None:
        last = select(value).where(Identity.id == after).correlate(None).scalar_subquery()
        further = value < last if descending else value > last
        query = query.where(or_(further, and_(value == last, Identity.id > after)))
    query = query.order_by(value.desc() if descending else value.asc(), Identity.id).limit(limit)
    return [_to_hit(row) for row in connection.execute(query)]


def _to_hit(row: Any, match: NameMatch | None = None) -> IdentityHit:
    entry = asdict(to_entry(row))
    if match is None:
        return IdentityHit(**entry)
    return IdentityHit(**entry, matched=match.printed, closeness=match.closeness)


def select_entries() -> Select[*tuple[Any, ...]]:
    """Select the columns of an identity in a list."""
    query = select(
        Identity.key,
        Identity.id,
        Identity.name,
        Identity.n_works,
        Identity.first_year,
        Identity.last_year,
        Identity.curated,
    )
    return query


def _select_names(similar_words: Sequence[dict[str, float]]) -> Select[*tuple[Any, ...]]:
    """Select names that contain a word of each set, the smallest set first."""
    query = select(Name.key, Name.printed, Name.folded)
    for words in sorted(similar_words, key=len):
        holding = select(NameWord.name_key).where(NameWord.word.in_(sorted(words)))
        query = query.where(Name.key.in_(holding))
    # shorter names first: they have fewer words that the query lacks
    return query.order_by(func.length(Name.folded), Name.key).limit(MAX_CANDIDATES)


def _read_words(connection: Connection, keys: Sequence[int]) -> dict[int, list[str]]:
    words: dict[int, list[str]] = {}
    query = select(NameWord.name_key, NameWord.word)
    for key, word in connection.execute(query.where(is_in(connection, NameWord.name_key, keys))):
        words.setdefault(key, []).append(word)
    return words


def _score_closeness(similar_words: Sequence[dict[str, float]], words: Sequence[str]) -> float:
    """Return the mean closeness of the query's words, reduced for extra words of the name."""
    matched_words: set[str] = set()
    total = 0.0
    for similar in similar_words:
        close, word = max(((similar.get(w, 0.0), w) for w in words), default=(0.0, ""))
        total += close
        matched_words.add(word)
    extra = len(words) - len(matched_words)
    return total / len(similar_words) * (1 - 0.1 * min(extra, 5) / 5)


def _count_signatures(connection: Connection, keys: dict[int, float]) -> dict[int, tuple[int, int]]:
    query = (
        select(
            Signature.name_key,
            func.count().label("mentions"),
            func.count(func.distinct(Membership.identity_key)).label("people"),
        )
        .select_from(Signature)
        .outerjoin(Membership, Membership.signature_key == Signature.key)
        .where(is_in(connection, Signature.name_key, keys), Signature.retired_version.is_(None))
        .group_by(Signature.name_key)
    )
    return {key: (mentions, people) for key, mentions, people in connection.execute(query)}
