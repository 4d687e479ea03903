"""Build the board of a name: one column of papers per identity, side by side.

A column has all mentions of an identity, whatever their printed names; the last one has the
unassigned mentions of the name. Within a column, mentions that almost certainly belong together
(first level of the engine) form one group, which a curator can move as a whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import orjson
from sqlalchemy import Connection, select

from disambig import domain
from service.board.block_cache import BlockViews, expand_to_blocks
from service.board.contradictions import find_contradictions
from service.board.evidence import compare_sides
from service.board.results import AskedOf, Board, BoardPaper, Column, Common, Companion, Group
from service.board.scope import BoardScope, read_scope
from service.board.tasks import list_other_tasks
from service.constraints.store import read_constraints
from service.db.bulk import is_in
from service.db.tables import Signature, State, Work, WorkVersion
from service.external_ids.urls import make_external_links
from service.profiles import aggregates
from service.profiles.aggregates import CoauthorKey, SignatureRow
from service.profiles.contrast import IdentityEvidence, contrast, list_common_evidence

MAX_LISTED = 12
"""Maximum co-authors, venues, topics and affiliations listed per column."""
MAX_COAUTHORS = 20
"""Maximum co-authors listed per paper."""
UNASSIGNED_TITLE = "Unassigned"


@dataclass(frozen=True)
class _EngineGroups:
    """First-level group of each mention that the engine compares, and evidence on the task."""

    group_of: Mapping[int, int]
    reasons: tuple[float | None, tuple[str, ...], tuple[str, ...]] | None


def build_board(
    connection: Connection, views: BlockViews, text: str, task_id: str | None = None
) -> Board:
    """Return the board of a printed name.

    Parameters
    ----------
    text : str
        The name; case is ignored.
    task_id : str, optional
        The task for which it is opened: its identities come first.

    Raises
    ------
    NotFound
        If no work has the name, or the task does not exist.
    """
    scope = read_scope(connection, text, task_id)
    mentions = _read_signatures(connection, scope)
    coauthors_by_work = aggregates.read_coauthors(connection, mentions)
    columns = _build_columns(scope, mentions, coauthors_by_work)
    coauthor_keys = {
        other for column in columns for other in _list_shown_coauthors(column, coauthors_by_work)
    }
    coauthor_keys |= {
        o for c in columns for o, _ in aggregates.take_most_frequent(c.coauthors, MAX_LISTED)
    }
    coauthor_keys |= {
        o for a, b in combinations(columns[:8], 2) for o in a.coauthors if o in b.coauthors
    }
    coauthor_names = aggregates.read_coauthor_names(connection, coauthor_keys)
    groups = _group_by_engine(connection, views, scope)
    ids = _read_work_ids(connection, {m.work for m in mentions})
    side_of = {s: k for k in (0, 1) for s in scope.side_keys(k)}
    renderer = _ColumnRenderer(
        scope, columns, coauthors_by_work, coauthor_names, groups.group_of, ids, side_of
    )
    board_columns = renderer.render_columns()
    question_columns = _find_question_columns(scope, columns)
    return Board(
        name=scope.name.printed,
        folded=scope.name.folded,
        sequence=connection.scalars(select(State.sequence)).one(),
        versions={row.id: row.version for row in scope.rows},
        mentions=scope.name.mentions,
        hidden=sum(scope.hidden_counts.values()),
        left_out=scope.n_omitted,
        compared=sum(1 for s in scope.mentions if s in groups.group_of),
        columns=board_columns,
        contradictions=find_contradictions(
            [c.mentions for c in columns],
            [set(c.coauthors) for c in columns],
            [(question_columns[0], question_columns[1])] if len(question_columns) > 1 else (),
        ),
        question=_render_question(
            scope, columns, board_columns, groups, coauthor_names, question_columns
        ),
        tasks=list_other_tasks(connection, scope),
    )


def _read_signatures(connection: Connection, scope: BoardScope) -> list[SignatureRow]:
    rows = aggregates.read_signatures(connection, is_in(connection, Signature.key, scope.mentions))
    rank = {key: k for k, key in enumerate(scope.mentions)}
    return sorted(rows, key=lambda m: rank[m.signature])


def _build_columns(
    scope: BoardScope,
    mentions: Sequence[SignatureRow],
    coauthors_by_work: Mapping[int, list[CoauthorKey]],
) -> list[IdentityEvidence]:
    """Build the columns in order; unassigned mentions come last, if there are any."""
    by_identity: dict[int | None, list[SignatureRow]] = defaultdict(list)
    for mention in mentions:
        by_identity[mention.identity].append(mention)
    columns = [
        IdentityEvidence.build((True, row.key), row.id, by_identity[row.key], coauthors_by_work)
        for row in scope.rows
    ]
    if by_identity.get(None):
        name_key: CoauthorKey = (False, scope.name.key)
        columns.append(IdentityEvidence.build(name_key, "", by_identity[None], coauthors_by_work))
    return columns


def _list_shown_coauthors(
    column: IdentityEvidence, coauthors_by_work: Mapping[int, list[CoauthorKey]]
) -> set[CoauthorKey]:
    return {
        other for coauthors in column.by_work.values() for other in coauthors[: MAX_COAUTHORS + 1]
    }


def _group_by_engine(connection: Connection, views: BlockViews, scope: BoardScope) -> _EngineGroups:
    """Group the mentions with the engine, and compare the sides of the question."""
    keys = expand_to_blocks(connection, list(scope.mentions))
    view = views.get(connection, keys)
    if view is None:
        return _EngineGroups({}, None)
    scored = view.apply_constraints(read_constraints(connection, keys))
    group_numbers = view.group_first_level(scored)
    group_of = dict(zip(view.signature.tolist(), group_numbers.tolist(), strict=True))
    left, right = scope.side_keys(0), scope.side_keys(1)
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
    ids_by_work = {
        key: orjson.loads(record).get("ids") for key, record in connection.execute(query)
    }
    return {key: ids for key, ids in ids_by_work.items() if isinstance(ids, dict)}


@dataclass(frozen=True)
class _ColumnRenderer:
    """Renders the columns of a board."""

    scope: BoardScope
    columns: list[IdentityEvidence]
    coauthors_by_work: Mapping[int, list[CoauthorKey]]
    coauthor_names: Mapping[CoauthorKey, tuple[str | None, str]]
    group_of: Mapping[int, int]
    ids: Mapping[int, dict[str, Any]]
    side_of: Mapping[int, int]

    def render_columns(self) -> list[Column]:
        columns_by_value = self._index_columns_by_value()
        names = {other: name for other, (_, name) in self.coauthor_names.items()}
        number = 0
        columns = []
        for k, column in enumerate(self.columns):
            row = self.scope.rows[k] if k < len(self.scope.rows) else None
            groups = []
            for members in self._group_members(column):
                number += 1
                groups.append(self._render_group(f"g{number}", members, column, names))
            columns.append(
                Column(
                    identity=row.id if row else None,
                    nowhere=row is None,
                    title=row.name if row else UNASSIGNED_TITLE,
                    curated=bool(row and row.curated),
                    papers=len(column.papers),
                    mentions=len(column.mentions),
                    hidden=self.scope.hidden_counts.get(row.key, 0) if row else 0,
                    years={str(y): n for y, n in aggregates.count_years(column.papers).items()},
                    groups=groups,
                    **self._render_lists(k, column, columns_by_value),
                )
            )
        return columns

    def _group_members(self, column: IdentityEvidence) -> list[list[SignatureRow]]:
        """Group mentions by first-level group; larger groups first, each newest first."""
        groups: dict[tuple[int, int, int], list[SignatureRow]] = defaultdict(list)
        for m in column.mentions:
            group = self.group_of.get(m.signature)
            # a mention that the engine does not compare forms its own group
            key = (
                (0, m.signature, 0)
                if group is None
                else (1, group, self.side_of.get(m.signature, 2))
            )
            groups[key].append(m)
        for members in groups.values():
            members.sort(key=lambda m: (-(m.year or -1), m.title, m.work_id))
        ordering = [
            (-len(members), -(members[0].year or -1), key) for key, members in groups.items()
        ]
        return [groups[key] for *_, key in sorted(ordering)]

    def _render_group(
        self,
        group_id: str,
        members: list[SignatureRow],
        column: IdentityEvidence,
        names: Mapping[CoauthorKey, str],
    ) -> Group:
        group = IdentityEvidence.build((False, -1), group_id, members, column.by_work)
        return Group(
            id=group_id,
            mentions=[self._render_mention(m, column) for m in members],
            why=[reason.text for reason in list_common_evidence(group, names)[:3]],
        )

    def _render_mention(self, m: SignatureRow, column: IdentityEvidence) -> BoardPaper:
        coauthors = column.by_work.get(m.work, [])
        return BoardPaper(
            work=m.work_id,
            position=m.position,
            printed=m.printed,
            title=m.title,
            venue=m.venue,
            year=m.year,
            affiliation=m.affiliation,
            authors=m.n_authors,
            coauthors=[
                Companion(identity=self.coauthor_names[o][0], name=self.coauthor_names[o][1])
                for o in coauthors[:MAX_COAUTHORS]
                if o in self.coauthor_names
            ],
            links=make_external_links(m.work_id, self.ids.get(m.work, {}), m.orcid),
            confidence=m.confidence,
            origin=m.origin,
        )

    def _index_columns_by_value(self) -> dict[tuple[str, Any], list[int]]:
        """Index the columns by co-author, venue, title word and affiliation."""
        columns_by_value: dict[tuple[str, Any], list[int]] = defaultdict(list)
        for k, column in enumerate(self.columns):
            for kind, counts in _count_values(column).items():
                for value in counts:
                    columns_by_value[kind, value].append(k)
        return columns_by_value

    def _render_lists(
        self,
        k: int,
        column: IdentityEvidence,
        columns_by_value: Mapping[tuple[str, Any], list[int]],
    ) -> dict[str, list[Common]]:
        lists: dict[str, list[Common]] = {}
        for kind, counts in _count_values(column).items():
            common = {v: n for v, n in counts.items() if len(columns_by_value[kind, v]) > 1}
            # values shared with other columns matter most to a curator
            top_counts = dict(aggregates.take_most_frequent(common, MAX_LISTED // 2))
            for value, n in aggregates.take_most_frequent(counts, MAX_LISTED):
                if len(top_counts) < MAX_LISTED:
                    top_counts.setdefault(value, n)
            lists[kind] = [
                self._render_value(
                    kind, value, n, [c for c in columns_by_value[kind, value] if c != k]
                )
                for value, n in sorted(top_counts.items(), key=lambda e: (-e[1], str(e[0])))
                if kind != "coauthors" or value in self.coauthor_names
            ]
        return lists

    def _render_value(self, kind: str, value: Any, papers: int, shared: list[int]) -> Common:
        if kind == "coauthors":
            identity, name = self.coauthor_names[value]
            return Common(name=name, identity=identity, papers=papers, shared=shared)
        return Common(name=value, papers=papers, shared=shared)


def _count_values(column: IdentityEvidence) -> dict[str, Counter[Any]]:
    return {
        "coauthors": column.coauthors,
        "venues": column.venues,
        "topics": column.words,
        "affiliations": column.affiliations,
    }


def _find_question_columns(scope: BoardScope, columns: Sequence[IdentityEvidence]) -> list[int]:
    """Find the columns of the sides of the question, in the order of the sides."""
    question_columns: dict[int, None] = {}
    for number in (0, 1):
        side_keys = set(scope.side_keys(number))
        for k, column in enumerate(columns):
            if not side_keys.isdisjoint(m.signature for m in column.mentions):
                question_columns.setdefault(k)
    return list(question_columns)


def _render_question(
    scope: BoardScope,
    columns: Sequence[IdentityEvidence],
    board_columns: Sequence[Column],
    groups: _EngineGroups,
    coauthor_names: Mapping[CoauthorKey, tuple[str | None, str]],
    question_columns: Sequence[int],
) -> AskedOf | None:
    question = scope.question
    if question is None:
        return None
    if groups.reasons is not None:
        probability, reasons_for, reasons_against = groups.reasons
    else:
        probability = question.probability
        reasons_for, reasons_against = _contrast_sides(scope, columns, coauthor_names)
    side_in_question = 0 if question.kind == "assign" else -1
    question_mentions = {*question.sides[side_in_question]} if question.sides else set()
    group_ids = [
        group.id
        for k in question_columns
        for group in board_columns[k].groups
        if any(domain.Signature(m.work, m.position) in question_mentions for m in group.mentions)
    ]
    if question.kind == "merge":  # the question covers both columns completely
        group_ids = []
    return AskedOf(
        task=question.task,
        kind=question.kind,
        blind=question.is_blind,
        columns=list(question_columns),
        groups=group_ids,
        probability=probability,
        for_=list(reasons_for),
        against=list(reasons_against),
        compare=_pick_representatives(scope, columns),
    )


def _contrast_sides(
    scope: BoardScope,
    columns: Sequence[IdentityEvidence],
    coauthor_names: Mapping[CoauthorKey, tuple[str | None, str]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return evidence that needs no engine: shared and different features of the sides."""
    sides = [_collect_side(columns, scope.side_keys(k)) for k in (0, 1)]
    if sides[0] is None or sides[1] is None:
        return (), ()
    names = {other: name for other, (_, name) in coauthor_names.items()}
    comparison = contrast(sides[0], sides[1], names)
    return (
        tuple(reason.text for reason in comparison.shared[:3]),
        tuple(reason.text for reason in comparison.reasons[:3]),
    )


def _collect_side(
    columns: Sequence[IdentityEvidence], signatures: Sequence[int]
) -> IdentityEvidence | None:
    keys = set(signatures)
    members = [m for column in columns for m in column.mentions if m.signature in keys]
    by_work = {work: coauthors for column in columns for work, coauthors in column.by_work.items()}
    return IdentityEvidence.build((False, -1), "", members, by_work) if members else None


def _pick_representatives(scope: BoardScope, columns: Sequence[IdentityEvidence]) -> list[str]:
    """Return the most confident mention of each side, for the full comparison."""
    representatives = []
    for k in (0, 1):
        side_keys = set(scope.side_keys(k))
        members = [m for column in columns for m in column.mentions if m.signature in side_keys]
        if members:
            best = max(members, key=lambda m: (m.confidence or 0.0, m.year or 0, m.work_id))
            representatives.append(f"{best.work_id}:{best.position}")
    return representatives
