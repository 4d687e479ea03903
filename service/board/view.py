"""The board of a name: everyone proposed behind it as columns of papers, side by side.

A column is an identity with all its mentions, whatever name they print; the last one holds
mentions of the name that are nowhere. Within a column, papers that surely belong together (first
level of the engine) come as one group, so that a person moves them at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import orjson
from sqlalchemy import Connection, select

from service.board.block_cache import BlockViews, expand_to_blocks
from service.board.contradictions import find_contradictions
from service.board.evidence import compare_sides
from service.board.scope import Asked, Scope, scope_of
from service.board.tasks import others
from service.constraints.store import read_constraints
from service.db.bulk import is_in
from service.db.tables import Signature, State, Work, WorkVersion
from service.external_ids.urls import make_external_links
from service.profiles import aggregates
from service.profiles.aggregates import Other, Seen
from service.profiles.contrast import Person, contrast, together

MAX_LISTED = 12
"""Co-authors, venues, topics and affiliations shown of a column."""
MAX_COAUTHORS = 20
"""Co-authors shown of a paper."""
UNASSIGNED_TITLE = "Nowhere yet"


@dataclass(frozen=True)
class _EngineGroups:
    """First-level group of each mention, as far as the engine knows them."""

    group_of: Mapping[int, int]
    reasons: tuple[float | None, tuple[str, ...], tuple[str, ...]] | None


def build_board(
    connection: Connection, views: BlockViews, text: str, task_id: str | None = None
) -> dict[str, Any]:
    """Everything that the board of a printed name shows, as JSON would have it.

    Parameters
    ----------
    text : str
        The name, in any case.
    task_id : str, optional
        The question that it is opened for: its identities come first.

    Raises
    ------
    NotFound
        If no work bears the name, or there is no such task.
    """
    scope = scope_of(connection, text, task_id)
    mentions = _read_signatures(connection, scope)
    coauthors_by_work = aggregates.coauthors_by_work(connection, mentions)
    columns = _build_columns(scope, mentions, coauthors_by_work)
    coauthor_keys = {
        other for column in columns for other in _list_shown_coauthors(column, coauthors_by_work)
    }
    coauthor_keys |= {o for c in columns for o, _ in aggregates.most(c.coauthors, MAX_LISTED)}
    coauthor_keys |= {
        o for a, b in combinations(columns[:8], 2) for o in a.coauthors if o in b.coauthors
    }
    coauthor_names = aggregates.others_shown(connection, coauthor_keys)
    groups = _group_by_engine(connection, views, scope)
    ids = _read_work_ids(connection, {m.work for m in mentions})
    side_of = {s: k for k in (0, 1) for s in scope.side(k)}
    renderer = _ColumnRenderer(
        scope, columns, coauthors_by_work, coauthor_names, groups.group_of, ids, side_of
    )
    columns_json = renderer.columns()
    question_columns = _asked_columns(scope, columns)
    return {
        "name": scope.name.printed,
        "folded": scope.name.folded,
        "sequence": connection.scalars(select(State.sequence)).one(),
        "versions": {row.id: row.version for row in scope.rows},
        "mentions": scope.name.mentions,
        "hidden": sum(scope.hidden.values()),
        "left_out": scope.left_out,
        "compared": sum(1 for s in scope.mentions if s in groups.group_of),
        "columns": columns_json,
        "contradictions": find_contradictions(
            [c.mentions for c in columns],
            [set(c.coauthors) for c in columns],
            [(question_columns[0], question_columns[1])] if len(question_columns) > 1 else (),
        ),
        "question": _question(
            scope, columns, columns_json, groups, coauthor_names, question_columns
        ),
        "tasks": others(connection, scope),
    }


def _read_signatures(connection: Connection, scope: Scope) -> list[Seen]:
    rows = aggregates.seen(connection, is_in(connection, Signature.key, scope.mentions))
    rank = {key: k for k, key in enumerate(scope.mentions)}
    return sorted(rows, key=lambda m: rank[m.signature])


def _build_columns(
    scope: Scope, mentions: Sequence[Seen], coauthors_by_work: Mapping[int, list[Other]]
) -> list[Person]:
    """The people of the columns in their order; that of nobody comes last, if there is one."""
    by_identity: dict[int | None, list[Seen]] = defaultdict(list)
    for mention in mentions:
        by_identity[mention.identity].append(mention)
    columns = [
        Person.of((True, row.key), row.id, by_identity[row.key], coauthors_by_work)
        for row in scope.rows
    ]
    if by_identity.get(None):
        name_key: Other = (False, scope.name.key)
        columns.append(Person.of(name_key, "", by_identity[None], coauthors_by_work))
    return columns


def _list_shown_coauthors(
    column: Person, coauthors_by_work: Mapping[int, list[Other]]
) -> set[Other]:
    return {
        other for coauthors in column.by_work.values() for other in coauthors[: MAX_COAUTHORS + 1]
    }


def _group_by_engine(connection: Connection, views: BlockViews, scope: Scope) -> _EngineGroups:
    """What the engine says: groups, and what it makes of the question."""
    keys = expand_to_blocks(connection, list(scope.mentions))
    view = views.get(connection, keys)
    if view is None:
        return _EngineGroups({}, None)
    scored = view.apply_constraints(read_constraints(connection, keys))
    group_numbers = view.group_first_level(scored)
    group_of = dict(zip(view.signature.tolist(), group_numbers.tolist(), strict=True))
    left, right = scope.side(0), scope.side(1)
    comparison = compare_sides(view, scored, left, right) if left and right else None
    if comparison is None:
        return _EngineGroups(group_of, None)
    return _EngineGroups(
        group_of, (comparison.probability, comparison.reasons_for, comparison.reasons_against)
    )


def _read_work_ids(connection: Connection, works: set[int]) -> dict[int, dict[str, Any]]:
    query = (
        select(Work.key, WorkVersion.record)
        .join(
            WorkVersion,
            (WorkVersion.work_key == Work.key) & (WorkVersion.version == Work.version),
        )
        .where(is_in(connection, Work.key, works), WorkVersion.record.contains('"ids"'))
    )
    ids_by_work = {key: orjson.loads(record).get("ids") for key, record in connection.execute(query)}
    return {key: ids for key, ids in ids_by_work.items() if isinstance(ids, dict)}


@dataclass(frozen=True)
class _ColumnRenderer:
    """Columns as they are told."""

    scope: Scope
    people: list[Person]
    company: Mapping[int, list[Other]]
    shown: Mapping[Other, tuple[str | None, str]]
    group_of: Mapping[int, int]
    ids: Mapping[int, dict[str, Any]]
    sides: Mapping[int, int]

    def columns(self) -> list[dict[str, Any]]:
        holders = self._holders()
        names = {other: name for other, (_, name) in self.shown.items()}
        number = 0
        columns = []
        for k, column in enumerate(self.people):
            row = self.scope.rows[k] if k < len(self.scope.rows) else None
            groups = []
            for some in self._grouped(column):
                number += 1
                groups.append(self._group(f"g{number}", some, column, names))
            columns.append(
                {
                    "identity": row.id if row else None,
                    "nowhere": row is None,
                    "title": row.name if row else UNASSIGNED_TITLE,
                    "curated": bool(row and row.curated),
                    "papers": len(column.papers),
                    "mentions": len(column.mentions),
                    "hidden": self.scope.hidden.get(row.key, 0) if row else 0,
                    "years": {str(y): n for y, n in aggregates.years(column.papers).items()},
                    "groups": groups,
                    **self._lists(k, column, holders),
                }
            )
        return columns

    def _grouped(self, person: Person) -> list[list[Seen]]:
        """Mentions that surely belong together, larger groups first, each newest first."""
        parts: dict[tuple[int, int, int], list[Seen]] = defaultdict(list)
        for m in person.mentions:
            known = self.group_of.get(m.signature)
            # one that the engine does not know is by itself
            key = (
                (0, m.signature, 0) if known is None else (1, known, self.sides.get(m.signature, 2))
            )
            parts[key].append(m)
        for some in parts.values():
            some.sort(key=lambda m: (-(m.year or -1), m.title, m.work_id))
        newest = [(-len(some), -(some[0].year or -1), key) for key, some in parts.items()]
        return [parts[key] for *_, key in sorted(newest)]

    def _group(
        self, name: str, some: list[Seen], person: Person, names: Mapping[Other, str]
    ) -> dict[str, Any]:
        part = Person.of((False, -1), name, some, person.by_work)
        return {
            "id": name,
            "mentions": [self._mention(m, person) for m in some],
            "why": [reason["text"] for reason in together(part, names)[:3]],
        }

    def _mention(self, m: Seen, person: Person) -> dict[str, Any]:
        others = person.by_work.get(m.work, [])
        return {
            "work": m.work_id,
            "position": m.position,
            "printed": m.printed,
            "title": m.title,
            "venue": m.venue,
            "year": m.year,
            "affiliation": m.affiliation,
            "authors": m.n_authors,
            "coauthors": [
                {"identity": self.shown[o][0], "name": self.shown[o][1]}
                for o in others[:MAX_COAUTHORS]
                if o in self.shown
            ],
            "links": make_external_links(m.work_id, self.ids.get(m.work, {}), m.orcid),
            "confidence": m.confidence,
            "origin": m.origin,
        }

    def _holders(self) -> dict[tuple[str, Any], list[int]]:
        """The columns that have each co-author, venue, word or affiliation."""
        found: dict[tuple[str, Any], list[int]] = defaultdict(list)
        for k, person in enumerate(self.people):
            for kind, counts in _counts(person).items():
                for value in counts:
                    found[kind, value].append(k)
        return found

    def _lists(
        self, k: int, person: Person, holders: Mapping[tuple[str, Any], list[int]]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for kind, counts in _counts(person).items():
            shared = {v: n for v, n in counts.items() if len(holders[kind, v]) > 1}
            # what another column has as well is what a person looks for
            chosen = dict(aggregates.most(shared, MAX_LISTED // 2))
            for value, n in aggregates.most(counts, MAX_LISTED):
                if len(chosen) < MAX_LISTED:
                    chosen.setdefault(value, n)
            found[kind] = [
                {
                    **self._named(kind, value),
                    "papers": n,
                    "shared": [c for c in holders[kind, value] if c != k],
                }
                for value, n in sorted(chosen.items(), key=lambda e: (-e[1], str(e[0])))
                if kind != "coauthors" or value in self.shown
            ]
        return found

    def _named(self, kind: str, value: Any) -> dict[str, Any]:
        if kind == "coauthors":
            return {"name": self.shown[value][1], "identity": self.shown[value][0]}
        return {"name": value}


def _counts(person: Person) -> dict[str, Counter[Any]]:
    return {
        "coauthors": person.coauthors,
        "venues": person.venues,
        "topics": person.words,
        "affiliations": person.affiliations,
    }


def _asked_columns(scope: Scope, columns: Sequence[Person]) -> list[int]:
    """Columns in which the sides of the question are, in the order of the sides."""
    found: dict[int, None] = {}
    for number in (0, 1):
        asked = set(scope.side(number))
        for k, column in enumerate(columns):
            if not asked.isdisjoint(m.signature for m in column.mentions):
                found.setdefault(k)
    return list(found)


def _question(
    scope: Scope,
    columns: Sequence[Person],
    told: Sequence[Mapping[str, Any]],
    found: _EngineGroups,
    shown: Mapping[Other, tuple[str | None, str]],
    first: Sequence[int],
) -> dict[str, Any] | None:
    asked: Asked | None = scope.asked
    if asked is None:
        return None
    if found.reasons is not None:
        probability, reasons_for, reasons_against = found.reasons
    else:
        probability = asked.probability
        reasons_for, reasons_against = _plain_reasons(scope, columns, shown)
    wanted = {(m.work, m.position) for m in asked.sides[-1]} if asked.sides else set()
    if asked.kind == "assign" and asked.sides:
        wanted = {(m.work, m.position) for m in asked.sides[0]}
    groups = [
        group["id"]
        for k in first
        for group in told[k]["groups"]
        if any((m["work"], m["position"]) in wanted for m in group["mentions"])
    ]
    if asked.kind == "merge":  # all of two columns
        groups = []
    return {
        "task": asked.task,
        "kind": asked.kind,
        "blind": asked.blind,
        "columns": list(first),
        "groups": groups,
        "probability": probability,
        "for": list(reasons_for),
        "against": list(reasons_against),
        "compare": _representatives(scope, columns),
    }


def _plain_reasons(
    scope: Scope, columns: Sequence[Person], shown: Mapping[Other, tuple[str | None, str]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What can be said without the engine."""
    sides = [_person(columns, scope.side(k)) for k in (0, 1)]
    if sides[0] is None or sides[1] is None:
        return (), ()
    names = {other: name for other, (_, name) in shown.items()}
    told = contrast(sides[0], sides[1], names)
    return (
        tuple(reason["text"] for reason in told["shared"][:3]),
        tuple(reason["text"] for reason in told["reasons"][:3]),
    )


def _person(columns: Sequence[Person], signatures: Sequence[int]) -> Person | None:
    wanted = set(signatures)
    some = [m for column in columns for m in column.mentions if m.signature in wanted]
    by_work = {work: found for column in columns for work, found in column.by_work.items()}
    return Person.of((False, -1), "", some, by_work) if some else None


def _representatives(scope: Scope, columns: Sequence[Person]) -> list[str]:
    """The surest mention of each side, as the full comparison takes them."""
    found = []
    for k in (0, 1):
        side = set(scope.side(k))
        some = [m for column in columns for m in column.mentions if m.signature in side]
        if some:
            best = max(some, key=lambda m: (m.confidence or 0.0, m.year or 0, m.work_id))
            found.append(f"{best.work_id}:{best.position}")
    return found
